#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| keygroups_fuzz::targets::manifest(data));
