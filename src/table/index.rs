//! From the hash of a key to where its record lies: extendible hashing.
//!
//! A directory, indexed by the top bits of the hash, names the page. A full page is split in two by one
//! more bit, and only when no shorter prefix is left does the directory double; so growth never
//! touches more than one page, and never a record.

use super::{
    buffer::Spares,
    page::{self, DEPTH_MAX, Page, PageImage},
    slot::{Position, Slot},
    window::Line,
};

#[derive(Debug)]
pub(super) struct Index {
    // Two to the power of some depth, by so many top bits of the hash; empty until there is a page.
    directory: Vec<u32>,
    // How many bits of the hash follow. At most 63: a shift by 64 is none.
    behind: u8,
    pages: Vec<Page>,
    entries: usize,
    // As many as there are pages, at most.
    spares: Spares,
}

/// The slot of a key, until the index is next changed.
#[derive(Clone, Copy, Debug)]
pub(super) struct Place {
    page: usize,
    slot: usize,
}

/// Places of keys of one tag, and positions of their records.
pub(super) struct Candidates<'a> {
    page: usize,
    slots: page::Candidates<'a>,
}

impl Iterator for Candidates<'_> {
    type Item = (Place, Position);

    fn next(&mut self) -> Option<(Place, Position)> {
        let (slot, position) = self.slots.next()?;
        Some((Place { page: self.page, slot }, position))
    }
}

impl Default for Index {
    fn default() -> Self {
        Self { directory: Vec::new(), behind: 63, pages: Vec::new(), entries: 0, spares: Spares::default() }
    }
}

impl Index {
    pub(super) const fn len(&self) -> usize {
        self.entries
    }

    pub(super) fn bytes(&self) -> usize {
        let pages: usize = self.pages.iter().map(Page::bytes).sum();
        size_of_val(&*self.directory) + pages + self.spares.bytes()
    }

    /// The first of the [candidates](Self::candidates), if it is in its home: nearly all keys that are there are
    /// found so. Without a loop, because the fewer instructions there are, the more keys the processor looks for at once.
    #[inline(always)]
    pub(super) fn at_home(&self, hash: u64) -> Option<(Place, Position)> {
        let page = *self.directory.get(self.prefix(hash))? as usize;
        let (slot, position) = self.pages.get(page)?.at_home(hash)?;
        Some((Place { page, slot }, position))
    }

    /// The line in which a key is looked for first.
    #[inline(always)]
    pub(super) fn home(&self, hash: u64) -> Option<&Line> {
        let page = *self.directory.get(self.prefix(hash))? as usize;
        self.pages.get(page)?.home(hash)
    }

    /// Where keys with the tag of `hash` are, and their positions: nearly always one, or none.
    pub(super) fn candidates(&self, hash: u64) -> Candidates<'_> {
        let page = self.directory.get(self.prefix(hash)).map_or(0, |&page| page as usize);
        let slots = self.pages.get(page).map_or(page::Candidates::NONE, |page| page.candidates(hash));
        Candidates { page, slots }
    }

    /// Adds a key that is not there.
    pub(super) fn insert(&mut self, hash: u64, position: Position) {
        let slot = Slot::new(hash, position);
        while !self.insert_in_its_page(hash, slot) {
            self.grow(hash);
        }
        self.entries += 1;
    }

    fn insert_in_its_page(&mut self, hash: u64, slot: Slot) -> bool {
        let Some(&page) = self.directory.get(self.prefix(hash)) else { return false };
        self.pages[page as usize].insert(hash, slot, &mut self.spares)
    }

    /// Names another position; gives how many bytes of the index it copied for that.
    pub(super) fn move_to(&mut self, place: Place, position: Position) -> usize {
        self.pages[place.page].move_to(place.slot, position, &mut self.spares)
    }

    pub(super) fn remove(&mut self, place: Place) {
        self.pages[place.page].remove(place.slot, &mut self.spares);
        self.entries -= 1;
    }

    /// All slots, ascending by tag.
    pub(super) fn slots(&self) -> impl Iterator<Item = Slot> {
        self.pages_by_prefix().flat_map(|page| self.pages[page].slots())
    }

    /// The pages, ascending by prefix.
    pub(super) fn freeze(&mut self) -> Vec<PageImage> {
        // Until the next time each page is copied once at most.
        self.spares.keep_at_most(self.pages.len());
        self.pages.iter_mut().for_each(Page::prepare_to_freeze);
        let pages: Vec<_> = self.pages_by_prefix().collect();
        pages.into_iter().map(|page| self.pages[page].freeze()).collect()
    }

    /// The index of `images`; the error says which page cannot be, and why.
    pub(super) fn from_images(images: Vec<PageImage>) -> Result<Self, (usize, &'static str)> {
        let Some(depth) = images.iter().map(|image| image.depth).max() else { return Ok(Self::default()) };
        if depth > DEPTH_MAX {
            let number = images.iter().position(|image| image.depth == depth).unwrap_or_default();
            return Err((number, "no page has so long a prefix"));
        }
        check_cover(depth, &images)?;
        let depth = depth.max(1);
        let mut index = Self { behind: 64 - depth, ..Self::default() };
        for (number, image) in images.into_iter().enumerate() {
            let share = 1_usize << (depth - image.depth);
            let prefix = (index.directory.len() as u64) << index.behind;
            let page = Page::from_image(image, prefix).map_err(|reason| (number, reason))?;
            index.directory.extend(std::iter::repeat_n(number as u32, share));
            index.entries += page.entries();
            index.pages.push(page);
        }
        Ok(index)
    }

    #[inline]
    const fn prefix(&self, hash: u64) -> usize {
        (hash >> self.behind) as usize
    }

    const fn depth(&self) -> u8 {
        64 - self.behind
    }

    /// Numbers of pages, ascending by prefix.
    fn pages_by_prefix(&self) -> impl Iterator<Item = usize> {
        let mut at = 0;
        std::iter::from_fn(move || {
            let page = *self.directory.get(at)? as usize;
            at += 1 << (self.depth() - self.pages[page].depth());
            Some(page)
        })
    }

    /// Makes room for `hash`.
    #[cold]
    fn grow(&mut self, hash: u64) {
        let Some(&number) = self.directory.get(self.prefix(hash)) else {
            self.pages.push(Page::first());
            self.directory.extend([0; 2]);
            return;
        };
        let page = &mut self.pages[number as usize];
        let (low, high) = page.grown();
        *page = low;
        let Some(high) = high else { return };
        let depth = high.depth();
        if depth > self.depth() {
            self.directory = self.directory.iter().flat_map(|&page| [page, page]).collect();
            self.behind = 64 - depth;
        }
        let share = 1_usize << (self.depth() - depth);
        // The first of the two shares of the page that was split.
        let start = self.prefix(hash) / (2 * share) * (2 * share);
        self.directory[start + share..start + 2 * share].fill(self.pages.len() as u32);
        self.pages.push(high);
    }
}

/// Whether `images`, the deepest of which has `depth`, cover all hashes once. Looked at before a directory is made:
/// the depth of one page that does not belong there would make it long.
fn check_cover(depth: u8, images: &[PageImage]) -> Result<(), (usize, &'static str)> {
    // The first prefix that no page covers yet, in units of the deepest page's share.
    let mut covered = 0_u64;
    for (number, image) in images.iter().enumerate() {
        let share = 1_u64 << (depth - image.depth);
        if !covered.is_multiple_of(share) || covered + share > 1 << depth {
            return Err((number, "its prefix overlaps that of another page"));
        }
        covered += share;
    }
    if covered == 1 << depth { Ok(()) } else { Err((images.len(), "pages do not cover all hashes")) }
}
