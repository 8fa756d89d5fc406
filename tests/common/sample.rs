//! A small job and its manifests: one source, a keyed `count` of 128 key groups.

use keygroups::{
    checkpoint::{
        Attempt, Certificate, CheckpointId, CheckpointRecord, JobSpec, JobStatus, LeaderEpoch, Manifest,
        ManifestVersion, ObjectName, OperatorStateInfo, OutputHandle, OutputList, RedistributionMode,
        Scaling, StateHandle, TaskId, TaskSnapshot, VertexId, VertexSpec,
    },
    key_group::{MaxParallelism, Parallelism},
};

pub fn job() -> JobSpec {
    let source = VertexSpec {
        name: "source".to_owned(),
        max_parallelism: None,
        scaling: Scaling::Fixed(Parallelism::new(1).unwrap()),
        inputs: vec![],
    };
    let count = VertexSpec {
        name: "count".to_owned(),
        max_parallelism: Some(MaxParallelism::new(128).unwrap()),
        scaling: Scaling::Elastic,
        inputs: vec![VertexId(0)],
    };
    JobSpec::new(vec![source, count]).unwrap()
}

pub fn attempt(epoch: u64, run: u32) -> Attempt {
    Attempt { epoch: LeaderEpoch(epoch), run }
}

pub fn output_list_name(attempt: Attempt, checkpoint: u64) -> ObjectName {
    ObjectName::OutputList { attempt, checkpoint: CheckpointId(checkpoint) }
}

pub fn output(attempt: Attempt, task: TaskId, checkpoint: u64) -> OutputHandle {
    let object = ObjectName::Output { attempt, task, checkpoint: CheckpointId(checkpoint) };
    OutputHandle { object, bytes: 210, records: 7, checksum: 0xE306_9283 }
}

/// What checkpoint `id` committed, as a link of the output chain.
pub fn output_list(attempt: Attempt, id: u64, previous: Option<ObjectName>) -> OutputList {
    let tasks = job().tasks(Parallelism::new(2).unwrap());
    let outputs = tasks[1..].iter().map(|&task| output(attempt, task, id)).collect();
    OutputList { checkpoint: CheckpointId(id), outputs, previous }
}

/// Checkpoint `id` of the job at parallelism 2; the `count` tasks have output.
pub fn record(attempt: Attempt, id: u64) -> CheckpointRecord {
    let (job, parallelism) = (job(), Parallelism::new(2).unwrap());
    let snapshot = |task: TaskId| TaskSnapshot {
        task,
        state: StateHandle {
            object: ObjectName::State { attempt, task, checkpoint: CheckpointId(id) },
            bytes: 4096,
            index_bytes: 512,
            key_groups: job.key_groups(task, parallelism),
            certificate: Certificate {
                entries: 100,
                digest: 0x0123_4567_89ab_cdef << 64 | u128::from(task.subtask.0),
            },
            operator_state: match task.vertex {
                VertexId(0) => vec![OperatorStateInfo {
                    name: "offsets".to_owned(),
                    mode: RedistributionMode::SplitDistribute,
                    items: 3,
                }],
                _ => vec![],
            },
            bases: vec![],
        },
        output: (task.vertex != VertexId(0)).then(|| output(attempt, task, id)),
    };
    CheckpointRecord {
        id: CheckpointId(id),
        attempt,
        parallelism,
        tasks: job.tasks(parallelism).into_iter().map(snapshot).collect(),
        outputs: Some(output_list_name(attempt, id)),
    }
}

/// Version `version`, created by leader 3 while it rescales from 2 to 4.
pub fn manifest(version: u64) -> Manifest {
    Manifest {
        version: ManifestVersion(version),
        epoch: LeaderEpoch(3),
        nonce: 0xfeed,
        job: job(),
        status: JobStatus::Running,
        desired_parallelism: Parallelism::new(4).unwrap(),
        next_checkpoint: CheckpointId(8),
        checkpoints: vec![record(attempt(2, 1), 7)],
    }
}

/// The first manifest of a job: nothing was taken yet.
pub fn empty_manifest(version: u64) -> Manifest {
    Manifest { checkpoints: vec![], next_checkpoint: CheckpointId(1), ..manifest(version) }
}
