//! Results in a local file: appended block by block, each synced to disk.

use std::fs::{File, OpenOptions, TryLockError};
use std::io::{Read, Seek, SeekFrom, Write};
use std::path::{Path, PathBuf};

use anyhow::{Context, bail};

use super::line::{Found, Header, Piece, pieces};
use super::results::{Done, same_run};

/// The file of one shard, locked against a second writer where the file system can.
pub(super) struct ResultFile {
    path: PathBuf,
    file: File,
}

impl ResultFile {
    /// Creates the file, or finds out how far it goes and cuts off a block that was not finished.
    pub(super) fn open(path: PathBuf, header: &Header) -> anyhow::Result<(Self, Done)> {
        let (file, created) = opened(&path).with_context(|| format!("cannot write {}", path.display()))?;
        if !file.metadata()?.is_file() {
            bail!("{} is no file that results could be appended to", path.display());
        }
        if let Err(TryLockError::WouldBlock) = file.try_lock() {
            bail!("another process writes {}", path.display());
        }
        let mut results = Self { path, file };
        if created {
            results.sync_directory()?;
        }
        let done = results.resume(header)?;
        Ok((results, done))
    }

    fn resume(&mut self, header: &Header) -> anyhow::Result<Done> {
        let mut bytes = Vec::new();
        let name = self.path.display().to_string();
        self.file.read_to_end(&mut bytes).with_context(|| format!("cannot read {name}"))?;
        let line = header.line();
        // Nothing yet, or whoever began was killed within the first line.
        if bytes.len() < line.len() && line.as_bytes().starts_with(&bytes) {
            self.cut(0)?;
            self.append(&line)?;
            return Ok(Done::default());
        }

        let mut found = pieces(&bytes, None).into_iter();
        let mut end = match found.next() {
            Some(Found { end, piece: Piece::Header(theirs), .. }) => {
                same_run(&name, &theirs, header)?;
                end
            }
            _ => bail!("{name} exists and does not begin as results do; it is left as it is"),
        };
        let (mut done, mut damage) = (Done::default(), None);
        let mut expected = header.blocks().zip(header.shard()).map(|(blocks, shard)| blocks.of_shard(shard));
        let mut next = || expected.as_mut().and_then(Iterator::next);
        for Found { line, end: after, piece } in found {
            match piece {
                Piece::Block(block, failures) if damage.is_none() && next() == Some(block.block) => {
                    done.add(&block, &failures);
                    end = after;
                }
                Piece::End if damage.is_none() && next().is_none() => {
                    done.ended = true;
                    end = after;
                }
                // At the end of the file it is what a machine that lost its power leaves.
                Piece::Damaged(why) => damage = damage.or(Some((line, why))),
                Piece::CutOff => {}
                Piece::Header(_) | Piece::Block(..) | Piece::End => {
                    let (line, why) = damage.unwrap_or((line, "is out of order".to_owned()));
                    let good = line - 1;
                    bail!(
                        "{name}, line {line} {why}; keep what is before it (head -n {good}) to run the rest again"
                    );
                }
            }
        }
        self.cut(end as u64)?;
        Ok(done)
    }

    /// Appends lines; they are on disk when this returns.
    pub(super) fn append(&mut self, lines: &str) -> anyhow::Result<()> {
        self.file.write_all(lines.as_bytes()).and_then(|()| self.file.sync_data()).with_context(|| {
            format!(
                "cannot write {}; the blocks before are safe, and the same command goes on after them",
                self.path.display()
            )
        })
    }

    fn cut(&mut self, length: u64) -> anyhow::Result<()> {
        let shorter = self.file.metadata().map(|metadata| metadata.len() > length);
        let cut = shorter.and_then(|shorter| {
            if shorter {
                self.file.set_len(length)?;
                self.file.sync_all()?;
            }
            self.file.seek(SeekFrom::Start(length))
        });
        cut.with_context(|| format!("cannot write {}", self.path.display())).map(drop)
    }

    /// A file is found again after a power failure only if its directory knows it.
    fn sync_directory(&self) -> anyhow::Result<()> {
        #[cfg(unix)]
        {
            let parent = self.path.parent().filter(|parent| !parent.as_os_str().is_empty());
            let directory = parent.unwrap_or(Path::new("."));
            File::open(directory)
                .and_then(|directory| directory.sync_all())
                .with_context(|| format!("cannot write {}", directory.display()))?;
        }
        Ok(())
    }
}

/// The file, and whether it is new.
fn opened(path: &Path) -> std::io::Result<(File, bool)> {
    let created = !path.exists();
    let file = OpenOptions::new().read(true).write(true).create(true).truncate(false).open(path)?;
    Ok((file, created))
}
