//! Where records come from.

use serde::{Serialize, de::DeserializeOwned};

/// Partitions that can be read again from any offset, as those of a log.
///
/// A partition may be empty, and it ends after its last record. When all have ended, the job finishes.
pub trait Source: Send + Sync + 'static {
    /// What is read.
    type Record: Serialize + DeserializeOwned + 'static;

    /// How many partitions there are, at least one. They are dealt out among the source's tasks.
    fn partitions(&self) -> u16;

    /// How many records the partition has before it ends.
    fn records(&self, partition: u16) -> u64;

    /// The record of the partition at `offset`, which is below [`records`](Self::records). Asked again after
    /// every restore: the same place always holds the same record.
    fn record(&self, partition: u16, offset: u64) -> Self::Record;

    /// How many of the partition's records have come in at `now_us`, in virtual microseconds since the
    /// beginning. Never decreases, and becomes [`records`](Self::records) some time. By default all are
    /// there; the cluster reads a [batch](crate::simulation::Simulation::batches) at a time anyway.
    fn available(&self, partition: u16, now_us: u64) -> u64 {
        let _ = now_us;
        self.records(partition)
    }
}

/// Records in memory, by partition.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Records<R> {
    partitions: Vec<Vec<R>>,
}

impl<R> Records<R> {
    /// A source of these partitions.
    ///
    /// # Panics
    ///
    /// If there is none, or more than 65,535.
    #[must_use]
    pub fn new(partitions: Vec<Vec<R>>) -> Self {
        let fits = 1..=usize::from(u16::MAX);
        assert!(fits.contains(&partitions.len()), "a source has 1 to 65535 partitions");
        Self { partitions }
    }

    /// Deals `records` out into `partitions`, one after the other.
    ///
    /// # Panics
    ///
    /// If `partitions` is 0.
    #[must_use]
    pub fn dealt(records: impl IntoIterator<Item = R>, partitions: u16) -> Self {
        let mut dealt: Vec<Vec<R>> = (0..partitions).map(|_| Vec::new()).collect();
        for (at, record) in records.into_iter().enumerate() {
            dealt[at % usize::from(partitions)].push(record);
        }
        Self::new(dealt)
    }
}

impl<R> Source for Records<R>
where
    R: Clone + Serialize + DeserializeOwned + Send + Sync + 'static,
{
    type Record = R;

    fn partitions(&self) -> u16 {
        self.partitions.len() as u16
    }

    fn records(&self, partition: u16) -> u64 {
        self.partitions[usize::from(partition)].len() as u64
    }

    fn record(&self, partition: u16, offset: u64) -> R {
        self.partitions[usize::from(partition)][offset as usize].clone()
    }
}
