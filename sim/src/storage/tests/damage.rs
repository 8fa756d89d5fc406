//! Lasting damage, and the atlas that says what it may strike.

use super::*;
use keygroups::checkpoint::{
    Attempt, Certificate, CheckpointId, CheckpointRecord, JobSpec, JobStatus, LeaderEpoch, Manifest,
    ManifestVersion, ObjectName, OutputHandle, OutputList, Scaling, StateHandle, TaskId, TaskSnapshot,
    VertexId, VertexSpec,
};
use keygroups::key_group::{MaxParallelism, Parallelism, Subtask};
use keygroups::store::{CheckpointStore, Create, Put};

const ATTEMPT: Attempt = Attempt { epoch: LeaderEpoch(2), run: 1 };
const TASK: TaskId = TaskId { vertex: VertexId(0), subtask: Subtask(0) };

fn state(attempt: Attempt, id: u64) -> ObjectName {
    ObjectName::State { attempt, task: TASK, checkpoint: CheckpointId(id) }
}

fn record(job: &JobSpec, id: u64) -> CheckpointRecord {
    let checkpoint = CheckpointId(id);
    let one = Parallelism::new(1).unwrap();
    let handle = StateHandle {
        object: state(ATTEMPT, id),
        bytes: 4,
        index_bytes: 2,
        key_groups: job.key_groups(TASK, one),
        certificate: Certificate::default(),
        operator_state: Vec::new(),
        bases: Vec::new(),
    };
    let output = OutputHandle::of(output(id), b"output", 1);
    let list = ObjectName::OutputList { attempt: ATTEMPT, checkpoint };
    CheckpointRecord {
        id: checkpoint,
        attempt: ATTEMPT,
        parallelism: one,
        tasks: vec![TaskSnapshot { task: TASK, state: handle, output: Some(output) }],
        outputs: Some(list),
    }
}

fn output(id: u64) -> ObjectName {
    ObjectName::Output { attempt: ATTEMPT, task: TASK, checkpoint: CheckpointId(id) }
}

/// A job of one task: checkpoints 1 to 3 were committed and 2 and 3 are retained, by manifests 5 to 9; the
/// fourth is under way, and an older attempt has left something behind.
async fn job(client: &SimObjectStore) {
    let store = CheckpointStore::new(Arc::new(client.clone()), Path::from("job"));
    let vertex = VertexSpec {
        name: "only".to_owned(),
        max_parallelism: Some(MaxParallelism::new(8).unwrap()),
        scaling: Scaling::Elastic,
        inputs: Vec::new(),
    };
    let job = JobSpec::new(vec![vertex]).unwrap();
    let older = Attempt { epoch: LeaderEpoch(1), run: 7 };
    for name in [state(ATTEMPT, 2), state(ATTEMPT, 3), state(ATTEMPT, 4), state(older, 9)] {
        assert!(matches!(store.put_object(name, name.to_string().into()).await, Put::Written));
    }
    let mut previous = None;
    for id in 1..=3 {
        assert!(matches!(store.put_object(output(id), "output".into()).await, Put::Written));
        let (name, record) = (record(&job, id).outputs.unwrap(), record(&job, id));
        let outputs = record.tasks[0].output.iter().cloned().collect();
        let list = OutputList { checkpoint: CheckpointId(id), outputs, previous };
        assert!(matches!(store.put_output_list(name, &list).await, Put::Written));
        previous = Some(name);
    }
    for version in 5..=9 {
        let manifest = Manifest {
            version: ManifestVersion(version),
            epoch: ATTEMPT.epoch,
            nonce: 1,
            job: job.clone(),
            status: JobStatus::Running,
            desired_parallelism: Parallelism::new(1).unwrap(),
            next_checkpoint: CheckpointId(4),
            checkpoints: vec![record(&job, 2), record(&job, 3)],
        };
        assert!(matches!(store.create_manifest(&manifest).await, Create::Created));
    }
}

fn kinds(store: &StoreNode) -> Vec<(String, &'static str)> {
    let short = |path: &str| path.replace("0000000000", "").replace("00000-00000", "t").replace("job/", "");
    let word = |need: &Need| match need {
        Need::Truth => "truth",
        Need::Step => "step",
        Need::State { key_groups: Some(groups) } if groups.len() == 8 => "state",
        Need::State { .. } => "other state",
        Need::Output => "output",
        Need::Pending => "pending",
        Need::OldManifest => "old manifest",
        Need::OldCheckpoint => "old checkpoint",
        Need::Litter => "litter",
    };
    store.atlas().needs().map(|(path, need)| (short(path), word(need))).collect()
}

#[test]
fn atlas_knows_what_the_job_can_do_without() {
    simulate(41, |_, store, client| async move {
        job(&client).await;
        client.put(&Path::from("job/README"), "foreign".into()).await.unwrap();
        let kinds = kinds(&store);
        let of = |word: &str| kinds.iter().filter(|(_, kind)| *kind == word).count();
        let words =
            ["truth", "step", "old manifest", "state", "old checkpoint", "output", "pending", "litter"];
        assert_eq!(words.map(of), [1, 2, 2, 1, 1, 6, 1, 1], "{kinds:?}");
        assert_eq!(kinds.len(), 15);
        assert!(kinds.iter().any(|(path, kind)| path.ends_with("t/3") || *kind != "state"), "{kinds:?}");
    })
    .outcome
    .unwrap();
}

fn strike(store: &StoreNode, how: DamageKind, destroys: bool, draw: u64) -> Option<Damaged> {
    store.damage(&Damage { how, scope: Scope::Everything, draw, destroys })
}

const HOWS: [DamageKind; 4] =
    [DamageKind::BitRot, DamageKind::Truncation, DamageKind::MisdirectedWrite, DamageKind::MissingObject];

#[test]
fn each_kind_of_damage_does_what_it_says_and_lasts() {
    for how in HOWS {
        simulate(42, |_, store, client| async move {
            job(&client).await;
            let before = store.look(|objects| objects.clone());
            let damaged = strike(&store, how, false, 3).unwrap();
            sleep(Duration::from_secs(600)).await;
            let found = client.get(&Path::from(damaged.path.as_str())).await;
            let good = &before[&damaged.path].bytes;
            if how == DamageKind::MissingObject {
                assert!(matches!(found, Err(Error::NotFound { .. })), "{found:?}");
                assert!(!listed(&client, "job").await.contains(&damaged.path));
                return;
            }
            let found = found.unwrap().bytes().await.unwrap();
            let flipped: u32 = found.iter().zip(good.iter()).map(|(a, b)| (a ^ b).count_ones()).sum();
            match how {
                DamageKind::BitRot => assert_eq!((found.len(), flipped), (good.len(), 1)),
                DamageKind::Truncation => assert!(found.len() < good.len() && flipped == 0),
                _ => assert!(
                    found != *good
                        && before
                            .iter()
                            .any(|(path, object)| { *path != damaged.path && object.bytes == found })
                ),
            }
            let others = store.look(|objects| {
                objects.iter().filter(|(path, object)| before[*path].bytes != object.bytes).count()
            });
            assert_eq!(others, 1);
        })
        .outcome
        .unwrap();
    }
}

#[test]
fn damage_strikes_only_what_is_spare_unless_it_is_to_destroy() {
    for destroys in [false, true] {
        simulate(43, |_, store, client| async move {
            job(&client).await;
            let mut struck = 0;
            for draw in 0..200 {
                let Some(damaged) = strike(&store, HOWS[draw as usize % 4], destroys, draw * 0x9E37_79B9)
                else {
                    continue;
                };
                struck += 1;
                assert_eq!(damaged.need.is_spare(), !destroys, "{damaged:?}");
                let noticeable = damaged.need != Need::Truth || damaged.how != DamageKind::MissingObject;
                assert!(noticeable, "{damaged:?}");
            }
            // Each object is damaged once: what is spare, or what is needed.
            assert_eq!(struck, if destroys { 8 } else { 4 });
            assert_eq!(store.destroyed().len(), if destroys { 8 } else { 0 });
        })
        .outcome
        .unwrap();
    }
}

#[test]
fn scope_without_such_an_object_is_spared() {
    simulate(44, |_, store, client| async move {
        job(&client).await;
        let damage = Damage { how: DamageKind::BitRot, scope: Scope::OutputLists, draw: 1, destroys: false };
        assert_eq!(store.damage(&damage), None);
    })
    .outcome
    .unwrap();
}
