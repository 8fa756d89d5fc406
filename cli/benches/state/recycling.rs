//! An allocator whose large blocks are either fresh or were used before, as one says.
//!
//! The first touch of a page costs more than everything that a restore does with it. After a start memory is fresh;
//! a process that has run for a while has memory that was touched. What the system's allocator gives in a loop of
//! restores is something in between, which is no measure of either.

#![expect(unsafe_code, reason = "an allocator cannot be without; all memory is the system's")]

use std::{
    alloc::{GlobalAlloc, Layout, System},
    cell::UnsafeCell,
    ptr,
    sync::atomic::{AtomicBool, Ordering},
};

/// The system's allocator, and in front of it blocks that were freed.
pub struct Recycling;

/// Below this the system's allocator recycles by itself.
const BYTES_MIN: usize = 64 << 10;
/// Blocks of a class have the length of its upper end, an eighth of a power of two.
const STEPS: usize = 8;
const CLASSES: usize = STEPS * (usize::BITS as usize);

static RECYCLES: AtomicBool = AtomicBool::new(false);
static POOL: Pool =
    Pool { locked: AtomicBool::new(false), free: UnsafeCell::new([ptr::null_mut(); CLASSES]) };

/// Where large blocks come from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Blocks {
    /// The system maps each anew and takes it back when it is freed, where this can be had of its allocator: glibc's.
    Fresh,
    /// From those that were freed, which are all kept.
    Recycled,
    /// From the system's allocator, and from those that were kept.
    AsEver,
}

/// Where large blocks come from, from now on.
pub fn set(blocks: Blocks) {
    RECYCLES.store(blocks == Blocks::Recycled, Ordering::SeqCst);
    #[cfg(all(target_os = "linux", target_env = "gnu"))]
    {
        // As glibc sets them by itself once large blocks have come and gone.
        const KEEPS: libc::c_int = 32 << 20;
        let (mapped_from, trimmed_from) = match blocks {
            Blocks::Fresh => (BYTES_MIN as libc::c_int, 0),
            Blocks::Recycled | Blocks::AsEver => (KEEPS, 2 * KEEPS),
        };
        // SAFETY: both are limits that may be changed at any time.
        let done = unsafe {
            libc::mallopt(libc::M_MMAP_THRESHOLD, mapped_from)
                & libc::mallopt(libc::M_TRIM_THRESHOLD, trimmed_from)
        };
        assert_eq!(done, 1, "glibc knows these limits");
    }
}

/// The first free block of each class; each block begins with the address of the next.
struct Pool {
    locked: AtomicBool,
    free: UnsafeCell<[*mut u8; CLASSES]>,
}

// SAFETY: `free` is only looked at by whoever holds the lock.
unsafe impl Sync for Pool {}

impl Pool {
    fn with<T>(&self, work: impl FnOnce(&mut [*mut u8; CLASSES]) -> T) -> T {
        while self.locked.swap(true, Ordering::Acquire) {
            std::hint::spin_loop();
        }
        // SAFETY: the lock is held, and `work` does not come back here: it allocates nothing.
        let done = work(unsafe { &mut *self.free.get() });
        self.locked.store(false, Ordering::Release);
        done
    }
}

/// The class of blocks for `layout`, and how long they are. Always the same for the same layout, because
/// blocks come back with the layout that they were asked for with.
fn class(layout: Layout) -> Option<(usize, Layout)> {
    if layout.size() < BYTES_MIN {
        return None;
    }
    let power = layout.size().ilog2() as usize;
    let step = (1_usize << power) / STEPS;
    let bytes = layout.size().next_multiple_of(step);
    let class = power * STEPS + (bytes - (1 << power)) / step;
    let block = Layout::from_size_align(bytes, 4096).ok()?;
    (layout.align() <= block.align() && class < CLASSES).then_some((class, block))
}

// SAFETY: blocks come from the system with at least the size and alignment that was asked for, and are
// handed out to one caller at a time.
unsafe impl GlobalAlloc for Recycling {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        let Some((class, block)) = class(layout) else {
            // SAFETY: the caller keeps the contract of `alloc`.
            return unsafe { System.alloc(layout) };
        };
        let kept = POOL.with(|free| {
            let kept = free[class];
            if !kept.is_null() {
                // SAFETY: a free block begins with the address of the next, and is aligned for it.
                free[class] = unsafe { kept.cast::<*mut u8>().read() };
            }
            kept
        });
        // SAFETY: the block is not empty.
        if kept.is_null() { unsafe { System.alloc(block) } } else { kept }
    }

    unsafe fn dealloc(&self, pointer: *mut u8, layout: Layout) {
        match class(layout) {
            Some((class, _)) if RECYCLES.load(Ordering::Relaxed) => POOL.with(|free| {
                // SAFETY: nobody uses the block any more, and it is long enough and aligned.
                unsafe { pointer.cast::<*mut u8>().write(free[class]) };
                free[class] = pointer;
            }),
            // SAFETY: the system gave it out with the block's layout.
            Some((_, block)) => unsafe { System.dealloc(pointer, block) },
            // SAFETY: the system gave it out with this layout.
            None => unsafe { System.dealloc(pointer, layout) },
        }
    }
}
