//! The bytes of manifests and output lists. docs/manifest_format.md describes what is pinned here.

mod common;

use common::sample::{attempt, empty_manifest, manifest, output_list, output_list_name, record};
use keygroups::{
    ErrorKind,
    checkpoint::{
        CheckpointId, ContentError, FormatError, LeaderEpoch, Manifest, ManifestVersion, ObjectName,
        OutputList, TaskId, VertexId,
    },
    key_group::{KeyGroup, KeyGroupRange, Parallelism, Subtask},
};
use proptest::prelude::*;

const FIXTURE: &[u8] = include_bytes!("fixtures/v1/manifest");
const FIXTURE_V2: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/fixtures/v2/manifest");
const LIST_FIXTURE: &[u8] = include_bytes!("fixtures/v1/outputs");

fn decode(object: &[u8]) -> Result<Manifest, FormatError> {
    Manifest::decode(ManifestVersion(12), object)
}

/// `edit` applied to the JSON of a good manifest, under a header that vouches for the result.
fn resealed(edit: impl FnOnce(String) -> String) -> Vec<u8> {
    let object = String::from_utf8(manifest(12).encode().unwrap()).unwrap();
    let body = edit(object.split_once('\n').unwrap().1.to_owned());
    let crc = crc_fast::checksum(crc_fast::CrcAlgorithm::Crc32Iscsi, body.as_bytes());
    format!("keygroups-manifest 2 crc32c={crc:08x} bytes={}\n{body}", body.len()).into_bytes()
}

#[test]
fn a_manifest_looks_like_this() {
    let object = String::from_utf8(manifest(12).encode().unwrap()).unwrap();
    common::snapshot_settings().bind(|| insta::assert_snapshot!("manifest_v2", object));
}

/// Its `count` tasks lean on what an older attempt left at parallelism 1.
fn leaning() -> Manifest {
    let mut manifest = manifest(12);
    for task in &mut manifest.checkpoints[0].tasks[1..] {
        task.state.bases = vec![base(1, 0, 5), base(1, 0, 6)];
    }
    manifest
}

fn base(epoch: u64, subtask: u16, checkpoint: u64) -> ObjectName {
    let task = TaskId { vertex: VertexId(1), subtask: Subtask(subtask) };
    ObjectName::State { attempt: attempt(epoch, 1), task, checkpoint: CheckpointId(checkpoint) }
}

#[test]
fn objects_of_format_2_are_read_for_ever() {
    assert_eq!(decode(&std::fs::read(FIXTURE_V2).unwrap()), Ok(leaning()));
}

/// Run once for a new format: `cargo test --test manifest_format -- --ignored`. It never overwrites one.
#[test]
#[ignore = "writes the fixture if it is missing, by hand: cargo test --test manifest_format -- --ignored"]
fn write_the_fixture_that_is_missing() {
    if !std::fs::exists(FIXTURE_V2).unwrap() {
        std::fs::write(FIXTURE_V2, leaning().encode().unwrap()).unwrap();
    }
}

#[test]
fn bases_are_objects_that_the_manifest_names() {
    let named: Vec<_> = leaning().objects().copied().collect();
    assert!(named.contains(&base(1, 0, 5)) && named.contains(&base(1, 0, 6)));
}

#[test]
fn snapshot_leans_only_on_older_snapshots_of_its_vertex_in_order_and_not_on_many() {
    let own = record(attempt(2, 1), 7).tasks[1].state.object;
    let source = record(attempt(2, 1), 6).tasks[0].state.object;
    let output = record(attempt(2, 1), 6).tasks[1].output.as_ref().unwrap().object;
    let of_attempt = |attempt| record(attempt, 6).tasks[1].state.object;
    let impossible: [(Vec<ObjectName>, ObjectName); 7] = [
        (vec![own], own),
        (vec![source], source),
        (vec![output], output),
        (vec![of_attempt(attempt(2, 2))], of_attempt(attempt(2, 2))),
        (vec![base(1, 0, 6), base(1, 0, 5)], base(1, 0, 5)),
        (vec![base(1, 0, 5), base(1, 0, 5)], base(1, 0, 5)),
        ((0..17).map(|subtask| base(1, subtask, 5)).collect(), base(1, 16, 5)),
    ];
    for (bases, found) in impossible {
        let mut manifest = manifest(12);
        manifest.checkpoints[0].tasks[1].state.bases = bases;
        let (checkpoint, task) = (CheckpointId(7), manifest.checkpoints[0].tasks[1].task);
        assert_eq!(manifest.encode(), Err(ContentError::Base { checkpoint, task, found }));
    }
}

#[test]
fn an_output_list_looks_like_this() {
    let name = output_list_name(attempt(2, 1), 7);
    let list = output_list(attempt(2, 1), 7, Some(output_list_name(attempt(1, 4), 6)));
    let object = String::from_utf8(list.encode(name).unwrap()).unwrap();
    common::snapshot_settings().bind(|| insta::assert_snapshot!("outputs_v1", object));
}

#[test]
fn objects_of_format_1_are_read_for_ever() {
    assert_eq!(decode(FIXTURE), Ok(manifest(12)));
    let name = output_list_name(attempt(2, 1), 7);
    let list = output_list(attempt(2, 1), 7, Some(output_list_name(attempt(1, 4), 6)));
    assert_eq!(OutputList::decode(name, LIST_FIXTURE), Ok(list));
}

#[test]
fn decoding_is_the_inverse_of_encoding() {
    for manifest in [manifest(12), empty_manifest(12)] {
        assert_eq!(decode(&manifest.encode().unwrap()), Ok(manifest));
    }
}

#[test]
fn every_flipped_bit_is_detected() {
    let good = manifest(12).encode().unwrap();
    for at in 0..good.len() {
        for bit in 0..8 {
            let mut damaged = good.clone();
            damaged[at] ^= 1 << bit;
            assert!(decode(&damaged).is_err(), "byte {at} bit {bit}");
        }
    }
}

#[test]
fn every_flipped_bit_of_an_output_list_is_detected() {
    let name = output_list_name(attempt(2, 1), 7);
    assert!(OutputList::decode(name, LIST_FIXTURE).is_ok());
    for at in 0..LIST_FIXTURE.len() {
        for bit in 0..8 {
            let mut damaged = LIST_FIXTURE.to_vec();
            damaged[at] ^= 1 << bit;
            assert!(OutputList::decode(name, &damaged).is_err(), "byte {at} bit {bit}");
        }
    }
}

#[test]
fn every_truncation_is_detected() {
    let good = manifest(12).encode().unwrap();
    for end in 0..good.len() {
        assert!(decode(&good[..end]).is_err(), "{end} of {} bytes", good.len());
    }
}

#[test]
fn damage_says_what_it_is() {
    let good = manifest(12).encode().unwrap();
    let longer = [good.as_slice(), b" "].concat();
    let body = (good.len() - good.iter().position(|byte| *byte == b'\n').unwrap() - 1) as u64;
    assert_eq!(decode(&longer), Err(FormatError::Length { expected: body, found: body + 1 }));
    let mut flipped = good.clone();
    *flipped.last_mut().unwrap() ^= 1;
    assert!(matches!(decode(&flipped), Err(FormatError::Checksum { .. })));
    assert_eq!(decode(b""), Err(FormatError::Header { magic: "keygroups-manifest" }));
    assert_eq!(decode(LIST_FIXTURE), Err(FormatError::Header { magic: "keygroups-manifest" }));
}

#[test]
fn a_newer_format_is_refused_with_what_to_do() {
    let newer = String::from_utf8(manifest(12).encode().unwrap()).unwrap().replacen(" 2 ", " 3 ", 1);
    let error = decode(newer.as_bytes()).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Invalid);
    assert_eq!(
        error.to_string(),
        "its format version is 3 and this build reads up to 2: \
         use the version of keygroups that wrote it, or a newer one"
    );
}

#[test]
fn wrong_json_is_located_in_the_object() {
    let object = resealed(|body| body.replace("\"nonce\": 65261", "\"nonce\": -1"));
    let error = decode(&object).unwrap_err();
    assert!(matches!(error, FormatError::Json { line: 5, .. }), "{error}");
}

#[test]
fn a_misdirected_write_is_detected() {
    let object = manifest(13).encode().unwrap();
    let (expected, found) = (ManifestVersion(12), ManifestVersion(13));
    assert_eq!(decode(&object), Err(ContentError::Misdirected { expected, found }.into()));
}

/// A few bytes that stand for 65,536 vertices of 32,768 subtasks must not become memory.
#[test]
fn a_huge_job_costs_no_more_than_its_text() {
    let vertex =
        r#"{"name":"","max_parallelism":null,"scaling":{"fixed":32768},"inputs":[]},"#.repeat(65_536);
    let object = resealed(|body| {
        let start = body.find("\"job\": [").unwrap() + "\"job\": [".len();
        let end = body.find("],\n  \"status\"").unwrap();
        format!("{}{}{}", &body[..start], vertex.trim_end_matches(','), &body[end..])
    });
    let error = decode(&object).unwrap_err();
    assert!(matches!(error, FormatError::Content(ContentError::Tasks { .. })), "{error}");
}

/// What no coordinator may write and no reader accepts: one rule per row.
#[test]
fn each_broken_rule_is_named() {
    type Edit = fn(&mut Manifest);
    let rules: &[(Edit, &str)] = &[
        (|m| m.version = ManifestVersion(0), "version 0 does not exist: the chain begins with 1"),
        (|m| m.epoch = LeaderEpoch(0), "leader epoch 0 does not exist: the first leader has 1"),
        (
            |m| m.version = ManifestVersion(u64::MAX),
            "version 18446744073709551615 is no number that a job comes to: at most 9223372036854775807",
        ),
        (
            |m| m.epoch = LeaderEpoch(u64::MAX),
            "leader epoch 18446744073709551615 is no number that a job comes to: at most 9223372036854775807",
        ),
        (
            |m| m.next_checkpoint = CheckpointId(1 << 63),
            "checkpoint 9223372036854775808 is no number that a job comes to: at most 9223372036854775807",
        ),
        (
            |m| m.desired_parallelism = Parallelism::new(129).unwrap(),
            "desired parallelism: parallelism 129 is above max parallelism 128: \
             a subtask without a key group could own no state",
        ),
        (
            |m| m.checkpoints[0].parallelism = Parallelism::new(3).unwrap(),
            "checkpoint 7, task 1-0: it owns key groups 0–42, found 0–63",
        ),
        (|m| m.checkpoints.push(record(attempt(2, 1), 7)), "checkpoint 7 follows 7: ids must ascend"),
        (|m| m.checkpoints[0] = record(attempt(2, 1), 0), "checkpoint 0 follows 0: ids must ascend"),
        (
            |m| m.checkpoints[0] = record(attempt(4, 1), 7),
            "checkpoint 7 was taken by attempt 4.1: \
             leader epoch 3 can hold attempts from 1.1 to its own",
        ),
        (
            |m| m.checkpoints[0] = record(attempt(2, 0), 7),
            "checkpoint 7 was taken by attempt 2.0: \
             leader epoch 3 can hold attempts from 1.1 to its own",
        ),
        (
            |m| m.checkpoints.insert(0, record(attempt(3, 1), 6)),
            "checkpoint 7 was taken by attempt 2.1: \
             leader epoch 3 can hold attempts from 3.1 to its own",
        ),
        (
            |m| m.next_checkpoint = CheckpointId(7),
            "the next checkpoint would be 7: it must be above 7, which is committed",
        ),
        (|m| m.checkpoints[0].tasks.truncate(2), "checkpoint 7: its next task must be 1-1, found none"),
        (|m| m.checkpoints[0].tasks.swap(1, 2), "checkpoint 7: its next task must be 1-0, found 1-1"),
        (
            |m| m.checkpoints[0].tasks.extend(record(attempt(2, 1), 7).tasks.pop()),
            "checkpoint 7: its next task must be none, found 1-1",
        ),
        (
            |m| m.checkpoints[0].tasks[0].state.object = m.checkpoints[0].tasks[1].state.object,
            "checkpoint 7, task 0-0: its object is \
             state/00000000000000000002.0000000001/00000-00000/00000000000000000007, found \
             state/00000000000000000002.0000000001/00001-00000/00000000000000000007",
        ),
        (
            |m| {
                m.checkpoints[0].tasks[1].state.key_groups =
                    KeyGroupRange::new(KeyGroup(0), KeyGroup(64)).ok();
            },
            "checkpoint 7, task 1-0: it owns key groups 0–63, found 0–64",
        ),
        (
            |m| m.checkpoints[0].tasks[1].state.key_groups = None,
            "checkpoint 7, task 1-0: it owns key groups 0–63, found none",
        ),
        (
            |m| m.checkpoints[0].tasks[0].state.index_bytes = 4097,
            "checkpoint 7, task 0-0: an index of 4097 bytes in an object of 4096",
        ),
        (
            |m| {
                let states = &mut m.checkpoints[0].tasks[0].state.operator_state;
                states.push(states[0].clone());
            },
            "checkpoint 7, task 0-0: operator state `offsets` is out of order or repeated",
        ),
        (|m| m.checkpoints[0].outputs = None, "checkpoint 7: the head of its output chain cannot be none"),
        (
            |m| m.checkpoints[0].outputs = Some(output_list_name(attempt(1, 1), 6)),
            "checkpoint 7: the head of its output chain cannot be \
             outputs/00000000000000000001.0000000001/00000000000000000006",
        ),
    ];
    for (edit, expected) in rules {
        let mut manifest = manifest(12);
        edit(&mut manifest);
        assert_eq!(manifest.encode().map_err(|error| error.to_string()), Err((*expected).to_owned()));
    }
}

#[test]
fn a_checkpoint_without_output_keeps_the_older_head() {
    let mut manifest = manifest(12);
    for task in &mut manifest.checkpoints[0].tasks {
        task.output = None;
    }
    for head in [None, Some(output_list_name(attempt(1, 9), 6))] {
        manifest.checkpoints[0].outputs = head;
        assert_eq!(manifest.check(), Ok(()));
    }
}

#[test]
fn an_output_list_leads_to_something_older() {
    let name = output_list_name(attempt(2, 1), 7);
    for previous in [
        output_list_name(attempt(2, 1), 7),
        output_list_name(attempt(1, 1), 8),
        output_list_name(attempt(3, 1), 6),
        record(attempt(2, 1), 6).tasks[1].output.as_ref().unwrap().object,
    ] {
        let list = output_list(attempt(2, 1), 7, Some(previous));
        assert_eq!(list.encode(name), Err(ContentError::PreviousLink { name, found: previous }));
    }
}

#[test]
fn an_output_list_holds_only_its_own_outputs() {
    let name = output_list_name(attempt(2, 1), 7);
    let foreign = output_list(attempt(2, 2), 7, None);
    assert!(matches!(foreign.encode(name), Err(ContentError::ListedOutput { .. })));
    let mut twice = output_list(attempt(2, 1), 7, None);
    twice.outputs.extend(twice.outputs.last().cloned());
    assert!(matches!(twice.encode(name), Err(ContentError::ListedOutput { .. })));
    let other = output_list_name(attempt(2, 1), 8);
    assert!(matches!(twice.encode(other), Err(ContentError::MisdirectedList { .. })));
}

proptest! {
    #[test]
    fn arbitrary_bytes_never_panic(object in proptest::collection::vec(any::<u8>(), 0..400)) {
        prop_assert!(decode(&object).is_err());
    }

    #[test]
    fn arbitrary_headers_never_panic(
        version in "[0-9]{0,12}",
        crc in "[0-9a-fA-F]{0,9}",
        bytes in "[0-9+]{0,22}",
        body in ".{0,40}",
    ) {
        let object = format!("keygroups-manifest {version} crc32c={crc} bytes={bytes}\n{body}");
        prop_assert!(decode(object.as_bytes()).is_err());
    }

    // With a valid checksum the JSON and the rules behind it are reached.
    #[test]
    fn arbitrary_edits_under_a_good_checksum_never_panic(
        at in any::<prop::sample::Index>(),
        to in proptest::char::range(' ', '~'),
    ) {
        let object = resealed(|body| {
            let mut chars: Vec<_> = body.chars().collect();
            let at = at.index(chars.len());
            chars[at] = to;
            chars.into_iter().collect()
        });
        if let Ok(manifest) = decode(&object) {
            prop_assert_eq!(manifest.check(), Ok(()));
        }
    }
}
