//! Every case in `tests/regressions/` comes out as it says.

use keygroups_sim::case::Case;
use keygroups_sim::shrink::Size;
use keygroups_sim::trace::Recording;
use std::fs;
use std::path::Path;

/// What fits into a head, and what a shrunk case of a planted bug is left with.
const FAULTS_MAX: usize = 10;

#[test]
fn every_regression_comes_out_as_it_says() {
    let directory = Path::new(env!("CARGO_MANIFEST_DIR")).join("../tests/regressions");
    let mut files: Vec<_> = fs::read_dir(&directory).unwrap().map(|entry| entry.unwrap().path()).collect();
    files.retain(|file| file.extension().is_some_and(|extension| extension == "json"));
    files.sort();
    assert!(!files.is_empty(), "no case in {}", directory.display());
    for file in files {
        let case = Case::read(&file).unwrap_or_else(|error| panic!("{error:?}"));
        assert!(!case.about.is_empty(), "{}: without its story nobody knows what it is for", file.display());
        let Size { faults, surroundings, .. } = Size::of(&case);
        assert!(faults <= FAULTS_MAX, "{}: {faults} faults: shrink it", file.display());
        assert!(surroundings == 0, "{}: chance strikes what is not listed: shrink it", file.display());
        let run = case.run(Recording::default());
        assert!(case.is_met_by(&run), "{}: {:?}", file.display(), run.outcome.err());
    }
}
