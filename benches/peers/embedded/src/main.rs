//! Random writes and updates of state ten times the allowed memory: fjall, its tree without its journal, redb.
//!
//! `cargo run --release -- tree|fjall|redb|redb-lazy [million entries] [MiB of memory]`, in this directory. The tree
//! writes and merges on the thread of its writer here, so its longest pauses are those of merging. `redb` writes
//! everything to its file when it is frozen, `redb-lazy` does not; neither waits for the disk.

use std::{sync::Arc, time::Instant};

use lsm_tree::{AbstractTree, SeqNo};
use redb::{ReadableDatabase, ReadableTable};

type Result<T> = std::result::Result<T, Box<dyn std::error::Error>>;

/// What an engine must do for a backend.
trait Engine {
    fn put(&mut self, key: &[u8], value: &[u8]) -> Result<()>;
    fn get(&mut self, key: &[u8]) -> Result<Option<Vec<u8>>>;
    /// Freezes, and gives what reads all of it later: how many entries.
    fn freeze(&mut self) -> Result<Box<dyn FnOnce() -> Result<usize> + Send>>;
}

const MIB: u64 = 1 << 20;

struct Fjall {
    db: fjall::Database,
    keyspace: fjall::Keyspace,
}

impl Fjall {
    fn new(directory: &std::path::Path, memory: u64) -> Result<Self> {
        let db = fjall::Database::builder(directory)
            .cache_size(memory / 2)
            .manual_journal_persist(true)
            .worker_threads(1)
            .open()?;
        let options = || {
            fjall::KeyspaceCreateOptions::default().max_memtable_size(memory / 8).manual_journal_persist(true)
        };
        let keyspace = db.keyspace("state", options)?;
        Ok(Self { db, keyspace })
    }
}

impl Engine for Fjall {
    fn put(&mut self, key: &[u8], value: &[u8]) -> Result<()> {
        Ok(self.keyspace.insert(key, value)?)
    }

    fn get(&mut self, key: &[u8]) -> Result<Option<Vec<u8>>> {
        Ok(self.keyspace.get(key)?.map(|value| value.to_vec()))
    }

    fn freeze(&mut self) -> Result<Box<dyn FnOnce() -> Result<usize> + Send>> {
        let (snapshot, keyspace) = (self.db.snapshot(), self.keyspace.clone());
        Ok(Box::new(move || {
            let mut entries = 0;
            for entry in fjall::Readable::iter(&snapshot, &keyspace) {
                entry.into_inner()?;
                entries += 1;
            }
            Ok(entries)
        }))
    }
}

struct Tree {
    tree: lsm_tree::Tree,
    seqno: lsm_tree::SequenceNumberCounter,
    memtable: u64,
    strategy: Arc<lsm_tree::compaction::Leveled>,
}

impl Tree {
    fn new(directory: &std::path::Path, memory: u64) -> Result<Self> {
        let seqno = lsm_tree::SequenceNumberCounter::default();
        let tree = lsm_tree::Config::new(directory, seqno.clone(), Default::default())
            .use_cache(Arc::new(lsm_tree::Cache::with_capacity_bytes(memory / 2)))
            .expect_point_read_hits(true)
            .open()?;
        let lsm_tree::AnyTree::Standard(tree) = tree else { unreachable!() };
        let strategy = lsm_tree::compaction::Leveled::default().with_table_target_size(memory / 8);
        Ok(Self { tree, seqno, memtable: memory / 8, strategy: Arc::new(strategy) })
    }
}

impl Engine for Tree {
    fn put(&mut self, key: &[u8], value: &[u8]) -> Result<()> {
        let (_, size) = self.tree.insert(key, value, self.seqno.next());
        if size > self.memtable {
            self.tree.rotate_memtable();
            let tree = self.tree.clone();
            tree.flush(&tree.get_flush_lock(), self.seqno.get())?;
            tree.compact(self.strategy.clone(), self.seqno.get())?;
        }
        Ok(())
    }

    fn get(&mut self, key: &[u8]) -> Result<Option<Vec<u8>>> {
        Ok(self.tree.get(key, SeqNo::MAX)?.map(|value| value.to_vec()))
    }

    fn freeze(&mut self) -> Result<Box<dyn FnOnce() -> Result<usize> + Send>> {
        let iter = self.tree.iter(self.seqno.get(), None);
        Ok(Box::new(move || {
            let mut entries = 0;
            for entry in iter {
                lsm_tree::Guard::into_inner(entry)?;
                entries += 1;
            }
            Ok(entries)
        }))
    }
}

const TABLE: redb::TableDefinition<&[u8], &[u8]> = redb::TableDefinition::new("state");

/// The file without `fsync`.
#[derive(Debug)]
struct NoSync(redb::backends::FileBackend);

impl redb::StorageBackend for NoSync {
    fn len(&self) -> std::result::Result<u64, std::io::Error> {
        self.0.len()
    }
    fn read(&self, offset: u64, out: &mut [u8]) -> std::result::Result<(), std::io::Error> {
        self.0.read(offset, out)
    }
    fn set_len(&self, len: u64) -> std::result::Result<(), std::io::Error> {
        self.0.set_len(len)
    }
    fn sync_data(&self) -> std::result::Result<(), std::io::Error> {
        Ok(())
    }
    fn write(&self, offset: u64, data: &[u8]) -> std::result::Result<(), std::io::Error> {
        self.0.write(offset, data)
    }
}

struct Redb {
    db: redb::Database,
    table: Option<redb::Table<'static, &'static [u8], &'static [u8]>>,
    txn: Option<&'static redb::WriteTransaction>,
    // Whether a freeze writes what is in memory.
    durable: bool,
}

impl Redb {
    fn new(directory: &std::path::Path, memory: u64, durable: bool) -> Result<Self> {
        std::fs::create_dir_all(directory)?;
        let file = std::fs::File::options()
            .read(true)
            .write(true)
            .create(true)
            .truncate(true)
            .open(directory.join("file"))?;
        let backend = NoSync(redb::backends::FileBackend::new(file)?);
        let db = redb::Builder::new().set_cache_size(memory as usize).create_with_backend(backend)?;
        let mut this = Self { db, table: None, txn: None, durable };
        this.begin()?;
        Ok(this)
    }

    fn begin(&mut self) -> Result<()> {
        // Leaked for the sake of a short benchmark; a backend would need a self-referential cell.
        let txn: &'static redb::WriteTransaction = Box::leak(Box::new(self.db.begin_write()?));
        self.table = Some(txn.open_table(TABLE)?);
        self.txn = Some(txn);
        Ok(())
    }
}

impl Engine for Redb {
    fn put(&mut self, key: &[u8], value: &[u8]) -> Result<()> {
        self.table.as_mut().ok_or("none")?.insert(key, value)?;
        Ok(())
    }

    fn get(&mut self, key: &[u8]) -> Result<Option<Vec<u8>>> {
        Ok(self.table.as_mut().ok_or("none")?.get(key)?.map(|value| value.value().to_vec()))
    }

    fn freeze(&mut self) -> Result<Box<dyn FnOnce() -> Result<usize> + Send>> {
        self.table = None;
        if let Some(txn) = self.txn.take() {
            // SAFETY: it was leaked, its only borrower is the table that was just dropped, and it is read once.
            let mut txn = unsafe { std::ptr::read(txn) };
            if !self.durable {
                txn.set_durability(redb::Durability::None)?;
            }
            txn.commit()?;
        }
        let read = self.db.begin_read()?;
        self.begin()?;
        Ok(Box::new(move || {
            let table = read.open_table(TABLE)?;
            let mut entries = 0;
            for entry in redb::ReadableTable::iter(&table)? {
                entry?;
                entries += 1;
            }
            Ok(entries)
        }))
    }
}

fn resident() -> f64 {
    let statm = std::fs::read_to_string("/proc/self/statm").unwrap_or_default();
    let pages: f64 = statm.split(' ').nth(1).and_then(|pages| pages.parse().ok()).unwrap_or(0.0);
    pages * 4096.0 / MIB as f64
}

fn disk(directory: &std::path::Path) -> u64 {
    let Ok(entries) = std::fs::read_dir(directory) else { return 0 };
    entries
        .flatten()
        .map(|entry| match entry.metadata() {
            Ok(meta) if meta.is_dir() => disk(&entry.path()),
            Ok(meta) => meta.len(),
            Err(_) => 0,
        })
        .sum()
}

fn next(seed: &mut u64) -> u64 {
    *seed ^= *seed << 13;
    *seed ^= *seed >> 7;
    *seed ^= *seed << 17;
    *seed
}

/// Key group and key: 12 bytes.
fn key(number: u64) -> [u8; 12] {
    let mixed = number.wrapping_mul(0x9E37_79B9_7F4A_7C15);
    let mut key = [0; 12];
    key[..2].copy_from_slice(&((mixed >> 57) as u16).to_be_bytes());
    key[4..].copy_from_slice(&mixed.to_be_bytes());
    key
}

fn main() -> Result<()> {
    let arguments: Vec<String> = std::env::args().collect();
    let number =
        |at: usize, default: u64| arguments.get(at).and_then(|text| text.parse().ok()).unwrap_or(default);
    let (entries, memory) = (number(2, 6) * 1_000_000, number(3, 64) * MIB);
    let directory = std::env::temp_dir().join(format!("embedded-{}", std::process::id()));
    let name = arguments.get(1).map_or("tree", |name| name);
    let mut engine: Box<dyn Engine> = match name {
        "fjall" => Box::new(Fjall::new(&directory, memory)?),
        "redb" => Box::new(Redb::new(&directory, memory, true)?),
        "redb-lazy" => Box::new(Redb::new(&directory, memory, false)?),
        _ => Box::new(Tree::new(&directory, memory)?),
    };
    let value = [7_u8; 100];
    let report = |what: &str, operations: u64, began: Instant, worst: f64| {
        let seconds = began.elapsed().as_secs_f64();
        println!(
            "{name:9} {what:22} {:.3} M/s, worst {worst:.1} ms, resident {:.0} MiB, disk {:.0} MiB",
            operations as f64 / seconds / 1e6,
            resident(),
            disk(&directory) as f64 / MIB as f64
        );
    };
    let (began, mut worst) = (Instant::now(), 0.0_f64);
    for number in 0..entries {
        let one = Instant::now();
        engine.put(&key(number), &value)?;
        worst = worst.max(one.elapsed().as_secs_f64() * 1e3);
    }
    report("insert", entries, began, worst);
    let operations = entries / 6;
    let mut seed = 42;
    let (began, mut worst) = (Instant::now(), 0.0_f64);
    for _ in 0..operations {
        let one = Instant::now();
        engine.get(&key(next(&mut seed) % entries))?.ok_or("missing")?;
        worst = worst.max(one.elapsed().as_secs_f64() * 1e3);
    }
    report("get", operations, began, worst);
    let update = |engine: &mut dyn Engine, seed: &mut u64| -> Result<f64> {
        let mut worst = 0.0_f64;
        for _ in 0..operations {
            let one = Instant::now();
            let key = key(next(seed) % entries);
            let mut value = engine.get(&key)?.ok_or("missing")?;
            value[0] = value[0].wrapping_add(1);
            engine.put(&key, &value)?;
            worst = worst.max(one.elapsed().as_secs_f64() * 1e3);
        }
        Ok(worst)
    };
    let began = Instant::now();
    let worst = update(&mut *engine, &mut seed)?;
    report("update", operations, began, worst);
    let began = Instant::now();
    let frozen = engine.freeze()?;
    println!("{name:6} freeze {:.2} ms", began.elapsed().as_secs_f64() * 1e3);
    let began = Instant::now();
    let worst = update(&mut *engine, &mut seed)?;
    report("update while frozen", operations, began, worst);
    let began = Instant::now();
    let second = engine.freeze()?;
    println!("{name:6} second freeze {:.2} ms", began.elapsed().as_secs_f64() * 1e3);
    let began = Instant::now();
    assert_eq!(frozen()?, entries as usize);
    report("read the frozen", entries, began, 0.0);
    assert_eq!(second()?, entries as usize);
    drop(engine);
    std::fs::remove_dir_all(&directory)?;
    Ok(())
}
