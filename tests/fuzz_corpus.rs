//! Everything the fuzzer has found worth keeping, and every byte string that it once began with, keeps the
//! promises that it checks. `fuzz/README.md` says how to look for more.

#[path = "../fuzz/src/memory.rs"]
mod memory;
#[path = "../fuzz/src/targets/mod.rs"]
mod targets;

use std::{fs, path::Path};

#[global_allocator]
static ALLOCATOR: memory::Counting = memory::Counting;

#[test]
fn corpus_keeps_every_promise_of_the_decoders() {
    for (name, target) in targets::ALL {
        let directory = Path::new(env!("CARGO_MANIFEST_DIR")).join("fuzz/corpus").join(name);
        let entries =
            fs::read_dir(&directory).unwrap_or_else(|error| panic!("{}: {error}", directory.display()));
        let mut inputs: Vec<_> = entries.map(|entry| entry.unwrap().path()).collect();
        inputs.sort();
        assert!(!inputs.is_empty(), "{name} has no corpus");
        for input in inputs {
            // Shown if it fails.
            println!("{}", input.display());
            target(&fs::read(&input).unwrap());
        }
    }
}

#[test]
fn allocations_are_counted() {
    let (kept, peak) = memory::peak(|| {
        drop(vec![0_u8; 1 << 20]);
        vec![0_u8; 1 << 10]
    });
    assert!((1 << 20..1 << 21).contains(&peak), "{peak}");
    drop(kept);
}
