//! The job: its vertices, and how many subtasks each has at a given parallelism.

use serde::{Deserialize, Serialize};

use super::{TaskId, VertexId};
use crate::key_group::{BoundsError, KeyGroupRange, MaxParallelism, Parallelism, assign};

/// Whether a vertex follows the job's parallelism.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Scaling {
    /// Always this many subtasks.
    Fixed(Parallelism),
    /// As many subtasks as the job's parallelism.
    Elastic,
}

/// One operator of the job.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct VertexSpec {
    /// For people: `source`, `count`.
    pub name: String,
    /// Number of key groups if the vertex keeps keyed state; `None` if it keeps none. Fixed for
    /// ever.
    pub max_parallelism: Option<MaxParallelism>,
    /// Whether it follows the job's parallelism.
    pub scaling: Scaling,
    /// The vertices whose output it reads; all are before it in the job. A vertex without inputs
    /// is a source.
    pub inputs: Vec<VertexId>,
}

/// The job graph. A vertex's id is its index.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "Vec<VertexSpec>", into = "Vec<VertexSpec>")]
pub struct JobSpec {
    vertices: Vec<VertexSpec>,
}

/// A job graph that cannot run.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum JobSpecError {
    /// No vertex at all.
    #[error("the job has no vertex")]
    Empty,
    /// More vertices than ids.
    #[error("the job has {found} vertices: at most 65536 are possible")]
    TooManyVertices {
        /// How many vertices the job has.
        found: usize,
    },
    /// An input that is not an earlier vertex.
    #[error(
        "vertex {vertex} reads vertex {input}, which is not before it: list vertices in the order data flows"
    )]
    InputNotBefore {
        /// The reader.
        vertex: VertexId,
        /// What it wants to read.
        input: VertexId,
    },
    /// A fixed parallelism above the vertex's max parallelism.
    #[error("vertex {vertex}: {error}")]
    Bounds {
        /// The vertex.
        vertex: VertexId,
        /// Which bound it breaks.
        error: BoundsError,
    },
}

impl JobSpec {
    /// A job of `vertices`.
    ///
    /// # Errors
    ///
    /// [`JobSpecError`] says which vertex cannot run and why.
    pub fn new(vertices: Vec<VertexSpec>) -> Result<Self, JobSpecError> {
        if vertices.is_empty() {
            return Err(JobSpecError::Empty);
        }
        if vertices.len() > usize::from(u16::MAX) + 1 {
            return Err(JobSpecError::TooManyVertices { found: vertices.len() });
        }
        for (id, spec) in (0..=u16::MAX).map(VertexId).zip(&vertices) {
            if let Some(&input) = spec.inputs.iter().find(|input| **input >= id) {
                return Err(JobSpecError::InputNotBefore { vertex: id, input });
            }
            if let (Scaling::Fixed(parallelism), Some(max)) = (spec.scaling, spec.max_parallelism) {
                parallelism.within(max).map_err(|error| JobSpecError::Bounds { vertex: id, error })?;
            }
        }
        Ok(Self { vertices })
    }

    /// The vertices with their ids, in the order data flows.
    pub fn vertices(&self) -> impl DoubleEndedIterator<Item = (VertexId, &VertexSpec)> {
        self.vertices.iter().enumerate().map(|(id, spec)| (VertexId(id as u16), spec))
    }

    /// The vertex `id`, if the job has it.
    pub fn vertex(&self, id: VertexId) -> Option<&VertexSpec> {
        self.vertices.get(usize::from(id.0))
    }

    /// Whether `id` reads no other vertex.
    pub fn is_source(&self, id: VertexId) -> bool {
        self.vertex(id).is_some_and(|spec| spec.inputs.is_empty())
    }

    /// How many subtasks `vertex` has when the job runs at `parallelism`.
    pub fn parallelism_of(&self, vertex: VertexId, parallelism: Parallelism) -> Parallelism {
        match self.vertex(vertex).map(|spec| spec.scaling) {
            Some(Scaling::Fixed(fixed)) => fixed,
            Some(Scaling::Elastic) | None => parallelism,
        }
    }

    /// All tasks of the job at `parallelism`, ascending.
    pub fn tasks(&self, parallelism: Parallelism) -> Vec<TaskId> {
        self.vertices()
            .flat_map(|(vertex, _)| {
                self.parallelism_of(vertex, parallelism)
                    .subtasks()
                    .map(move |subtask| TaskId { vertex, subtask })
            })
            .collect()
    }

    /// How many slots the job needs at `parallelism`: one for each task.
    pub fn slots(&self, parallelism: Parallelism) -> usize {
        self.vertices().map(|(vertex, _)| usize::from(self.parallelism_of(vertex, parallelism).get())).sum()
    }

    /// The highest parallelism up to `wanted` at which the job needs at most `slots`; `None` if it needs more
    /// at every parallelism.
    pub fn achievable(&self, wanted: Parallelism, slots: usize) -> Option<Parallelism> {
        let fits = |parallelism: u16| {
            Parallelism::new(u32::from(parallelism)).ok().filter(|p| self.slots(*p) <= slots)
        };
        // The job needs no fewer slots at a higher parallelism.
        let (mut possible, mut too_many) = (fits(1)?, wanted.get() + 1);
        while possible.get() + 1 < too_many {
            let middle = possible.get().midpoint(too_many);
            match fits(middle) {
                Some(parallelism) => possible = parallelism,
                None => too_many = middle,
            }
        }
        Some(possible)
    }

    /// The key groups `task` owns when the job runs at `parallelism`; `None` for a vertex without
    /// keyed state.
    pub fn key_groups(&self, task: TaskId, parallelism: Parallelism) -> Option<KeyGroupRange> {
        let max = self.vertex(task.vertex)?.max_parallelism?;
        assign::range(max, self.parallelism_of(task.vertex, parallelism), task.subtask).ok()
    }

    /// Whether every elastic vertex can run at `parallelism`.
    ///
    /// # Errors
    ///
    /// [`BoundsError::ParallelismAboveMax`] of the first vertex that cannot.
    pub fn check_parallelism(&self, parallelism: Parallelism) -> Result<(), BoundsError> {
        for spec in &self.vertices {
            if let (Scaling::Elastic, Some(max)) = (spec.scaling, spec.max_parallelism) {
                parallelism.within(max)?;
            }
        }
        Ok(())
    }
}

impl TryFrom<Vec<VertexSpec>> for JobSpec {
    type Error = JobSpecError;

    fn try_from(vertices: Vec<VertexSpec>) -> Result<Self, JobSpecError> {
        Self::new(vertices)
    }
}

impl From<JobSpec> for Vec<VertexSpec> {
    fn from(job: JobSpec) -> Self {
        job.vertices
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn achievable_is_the_highest_parallelism_that_fits() {
        let parallelism = |count: u16| Parallelism::new(u32::from(count)).unwrap();
        let vertex = |name: &str, scaling, inputs| VertexSpec {
            name: name.to_owned(),
            max_parallelism: None,
            scaling,
            inputs,
        };
        let job = JobSpec::new(vec![
            vertex("source", Scaling::Fixed(parallelism(2)), vec![]),
            vertex("count", Scaling::Elastic, vec![VertexId(0)]),
        ])
        .unwrap();
        for wanted in 1..20 {
            for slots in 0..30 {
                let fits = (1..=wanted).rev().map(parallelism).find(|p| job.slots(*p) <= slots);
                assert_eq!(job.achievable(parallelism(wanted), slots), fits, "{wanted} with {slots} slots");
            }
        }
    }
}
