//! What the fuzzer runs; `cargo test --test fuzz_corpus` of the library runs the same over the corpus.

pub mod memory;
pub mod targets;

#[global_allocator]
static ALLOCATOR: memory::Counting = memory::Counting;
