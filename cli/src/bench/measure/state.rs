//! The state that is measured: keys of 8 bytes, values of 100, in 128 key groups of 2 tasks.

use keygroups::backend::{
    BackendError, SectionOptions, StateBackend, StateDescriptor, StoredBytes, ValueState,
};
use keygroups::key_group::{self, KeyGroup, KeyGroupRange, MaxParallelism, Parallelism, Subtask, assign};

use super::tasks;

/// As most jobs have.
pub const MAX_PARALLELISM: u32 = 128;
/// How many tasks have the state.
pub const TASKS: u32 = 2;
/// How many tasks have it after a rescale.
pub const TASKS_AFTER: u32 = 4;
/// Length of all values.
pub const VALUE_BYTES: usize = 100;
/// Length of keys and values together.
pub const ENTRY_BYTES: usize = 8 + VALUE_BYTES;

const NOISE_BYTES: usize = 64 << 10;

/// An encoded key.
pub type Key = [u8; 8];

/// A number that looks like chance (SplitMix64), one for one.
pub const fn mixed(number: u64) -> u64 {
    let mixed = (number ^ number >> 30).wrapping_mul(0xBF58_476D_1CE4_E5B9);
    let mixed = (mixed ^ mixed >> 27).wrapping_mul(0x94D0_49BB_1331_11EB);
    mixed ^ mixed >> 31
}

/// The key number `number`.
pub fn key(number: u64) -> Key {
    mixed(number.wrapping_add(1)).to_le_bytes()
}

pub fn max_parallelism() -> MaxParallelism {
    MaxParallelism::new(MAX_PARALLELISM).expect("128 is a max parallelism")
}

/// The key group of `key`, as an engine finds it for each record.
#[inline]
pub fn key_group_of(key: Key, max_parallelism: MaxParallelism) -> KeyGroup {
    key_group::of(&u64::from_le_bytes(key), max_parallelism)
}

/// What task number `task` of `tasks` owns.
pub fn owned(task: u32, tasks: u32) -> KeyGroupRange {
    let parallelism = Parallelism::new(tasks).expect("a few tasks are possible");
    assign::range(max_parallelism(), parallelism, Subtask(task as u16)).expect("there is such a task")
}

/// The first `keys` keys, by the task that owns them.
pub fn keys_by_task(keys: u64) -> Vec<Vec<Key>> {
    let max = max_parallelism();
    let first = owned(0, TASKS);
    let (mine, others) = (0..keys).map(key).partition(|key| first.contains(key_group_of(*key, max)));
    vec![mine, others]
}

/// Some of `keys`, each as probable as any other, in an order that looks like chance.
pub fn drawn(keys: &[Key], draws: usize) -> Vec<Key> {
    (0..draws as u64).map(|draw| keys[(mixed(!draw) % keys.len() as u64) as usize]).collect()
}

/// Values that cannot be compressed one by one, each known from its key.
pub struct Values(Vec<u8>);

impl Values {
    pub fn new() -> Self {
        Self((0..NOISE_BYTES as u64 / 8).flat_map(|word| mixed(word << 32).to_le_bytes()).collect())
    }

    #[inline]
    pub fn of(&self, key: Key) -> &[u8; VALUE_BYTES] {
        let at = u64::from_le_bytes(key) as usize % (NOISE_BYTES - VALUE_BYTES);
        self.0[at..].first_chunk().expect("it begins early enough")
    }
}

/// The value after an update: the first 8 bytes count.
#[inline]
pub fn changed(value: &[u8]) -> [u8; VALUE_BYTES] {
    let mut after: [u8; VALUE_BYTES] = value.try_into().expect("all values have one length");
    let (count, _) = after.split_first_chunk_mut::<8>().expect("values are longer");
    *count = u64::from_le_bytes(*count).wrapping_add(1).to_le_bytes();
    after
}

/// The state of one task.
pub struct Task {
    pub backend: StateBackend,
    pub values: ValueState<u64, Vec<u8>>,
}

impl Task {
    pub fn new(mut backend: StateBackend) -> Self {
        let values = backend.register(StateDescriptor::value("values")).expect("the name is new");
        Self { backend, values }
    }

    /// One that owns `key_groups` and has no entries.
    pub fn empty(key_groups: KeyGroupRange) -> Result<Self, BackendError> {
        Ok(Self::new(StateBackend::new(max_parallelism(), key_groups)?))
    }

    #[inline(always)]
    pub fn put(&mut self, key: Key, value: &[u8]) {
        let key_group = key_group_of(key, self.backend.max_parallelism());
        self.backend.put_encoded(&self.values, key_group, &key, value).expect("the key group is owned");
    }

    #[inline(always)]
    pub fn get(&self, key: Key) -> Option<StoredBytes<'_>> {
        let key_group = key_group_of(key, self.backend.max_parallelism());
        self.backend.get_encoded(&self.values, key_group, &key).expect("the key group is owned")
    }

    /// Says that these keys come next.
    #[inline(always)]
    pub fn prefetch(&self, keys: &[Key]) {
        let keys = keys.iter().map(|key| (key_group_of(*key, self.backend.max_parallelism()), &key[..]));
        self.backend.prefetch_encoded(&self.values, keys).expect("the key groups are owned");
    }

    /// Reads the value and puts another one, as an engine does for a record.
    #[inline(always)]
    pub fn update(&mut self, key: Key) {
        let key_group = key_group_of(key, self.backend.max_parallelism());
        let change = |value: Option<&[u8]>| Some(changed(value.expect("the key is there")));
        let updated = self.backend.update_encoded(&self.values, key_group, &key, change);
        updated.expect("the key group is owned");
    }
}

/// The tasks that own `keys`, each filled in a thread of its own.
pub fn filled(keys: &[Vec<Key>], options: SectionOptions) -> Vec<Task> {
    let values = Values::new();
    let inputs = (0..).zip(keys).collect();
    let (tasks, _) = tasks::at_once(inputs, |(task, keys): (u32, &Vec<Key>)| {
        let mut task = Task::empty(owned(task, TASKS)).expect("the range is one of the job's");
        task.backend.set_section_options(options);
        keys.iter().for_each(|key| task.put(*key, values.of(*key)));
        task
    });
    tasks
}
