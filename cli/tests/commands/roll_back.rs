//! `keygroups roll-back`.

#[path = "../../../tests/common/sample.rs"]
#[allow(dead_code, reason = "other tests use the rest")]
mod sample;

use std::fs;
use std::path::Path;

use futures::executor::block_on;
use keygroups::checkpoint::{CheckpointId, Manifest};
use keygroups::store::{CheckpointStore, Create, Durability};

use super::{keygroups, refusal, stdout};
use sample::{attempt, manifest, record};

/// The checkpoints of a job, 7 and 8, of which every object has its length.
fn store(directory: &Path) -> CheckpointStore {
    let store = CheckpointStore::local(directory, Durability::Unsynced).unwrap();
    let checkpoints = vec![record(attempt(2, 1), 7), record(attempt(2, 1), 8)];
    let manifest = Manifest { checkpoints, next_checkpoint: CheckpointId(9), ..manifest(12) };
    assert!(matches!(block_on(store.create_manifest(&manifest)), Create::Created));
    for record in &manifest.checkpoints {
        let outputs = record.tasks.iter().filter_map(|task| task.output.as_ref());
        let lengths = record.tasks.iter().map(|task| (task.state.object, task.state.bytes));
        let lengths = lengths.chain(outputs.map(|output| (output.object, output.bytes)));
        for (object, bytes) in lengths.chain(record.outputs.map(|list| (list, 1))) {
            let path = directory.join(store.layout().object(&object).as_ref());
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(path, vec![0; bytes as usize]).unwrap();
        }
    }
    store
}

#[test]
fn an_older_checkpoint_is_the_newest_again_and_a_repeat_says_the_same() {
    let directory = tempfile::tempdir().unwrap();
    let store = store(directory.path());
    for _ in 0..2 {
        let output = keygroups("roll-back --to 7").arg(directory.path()).output().unwrap();
        assert_eq!(
            stdout(&output),
            "manifest 13: checkpoint 7, at parallelism 2, is the newest; the job goes on from it\n"
        );
    }
    let newest = block_on(store.latest_manifest()).unwrap().unwrap();
    assert_eq!(newest.checkpoints, [record(attempt(2, 1), 7)]);
}

#[test]
fn what_cannot_be_gone_back_to_is_refused_in_one_line_and_nothing_is_changed() {
    let directory = tempfile::tempdir().unwrap();
    let store = store(directory.path());
    let refused = |to: &str, at: &Path| {
        let output = keygroups(&format!("roll-back --to {to}")).arg(at).output().unwrap();
        refusal(&output).to_owned()
    };
    let says = refused("9", directory.path());
    assert!(says.contains("checkpoint 9 is not among those that are retained: 7, 8;"), "{says}");

    let lost = record(attempt(2, 1), 7).tasks[1].state.object;
    fs::remove_file(directory.path().join(store.layout().object(&lost).as_ref())).unwrap();
    let says = refused("7", directory.path());
    assert!(says.contains(&format!("checkpoint 7 is not whole: {lost} is missing")), "{says}");
    assert_eq!(block_on(store.latest_manifest()).unwrap().unwrap().version.0, 12);

    let nowhere = directory.path().join("nowhere");
    assert!(refused("7", &nowhere).ends_with("nowhere is not a directory"));
    assert!(!nowhere.exists());
    let empty = tempfile::tempdir().unwrap();
    assert!(refused("7", empty.path()).contains("no job has begun there"));
}
