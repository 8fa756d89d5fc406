//! The backend against an ordered map, and what it promises beyond one.

use keygroups::{
    ErrorKind,
    backend::{BackendError, StateDescriptor, ValueState},
    key_group::KeyGroup,
    snapshot::verify,
};
use proptest::prelude::*;

use super::{
    storage,
    support::{
        Reference, backend, contents, filled, identity, max_parallelism, range, register, restore_run,
    },
};

#[derive(Clone, Debug)]
enum Step {
    Put { state: usize, key_group: u16, key: String, value: u64 },
    Add { state: usize, key_group: u16, key: String },
    Remove { state: usize, key_group: u16, key: String },
    RemoveByUpdate { state: usize, key_group: u16, key: String },
    Prefetch { state: usize, key_group: u16, key: String },
    Freeze,
}

fn step() -> impl Strategy<Value = Step> {
    // Few keys, so that steps meet.
    let place = || (0..2_usize, 0..4_u16, "[a-c]{0,2}");
    prop_oneof![
        4 => (place(), any::<u64>()).prop_map(|((state, key_group, key), value)| Step::Put { state, key_group, key, value }),
        4 => place().prop_map(|(state, key_group, key)| Step::Add { state, key_group, key }),
        2 => place().prop_map(|(state, key_group, key)| Step::Remove { state, key_group, key }),
        1 => place().prop_map(|(state, key_group, key)| Step::RemoveByUpdate { state, key_group, key }),
        1 => place().prop_map(|(state, key_group, key)| Step::Prefetch { state, key_group, key }),
        1 => Just(Step::Freeze),
    ]
}

proptest! {
    #![proptest_config(storage::cases())]
    #[test]
    fn backend_does_what_an_ordered_map_does_and_frozen_states_keep_their_moment(
        steps in prop::collection::vec(step(), 0..80)
    ) {
        let max = max_parallelism(4);
        let (mut backend, states) = backend(max, max.all());
        let mut reference = Reference::new();
        let mut frozen = Vec::new();
        for step in steps {
            match step {
                Step::Put { state, key_group, key, value } => {
                    backend.put(&states[state], KeyGroup(key_group), &key, &value).unwrap();
                    reference.insert((state, KeyGroup(key_group), key), value);
                }
                Step::Add { state, key_group, key } => {
                    let add = |value: Option<u64>| Some(value.map_or(1, |value| value.wrapping_add(1)));
                    backend.update(&states[state], KeyGroup(key_group), &key, add).unwrap();
                    let value = reference.entry((state, KeyGroup(key_group), key)).or_insert(0);
                    *value = value.wrapping_add(1);
                }
                Step::Remove { state, key_group, key } => {
                    let removed = backend.remove(&states[state], KeyGroup(key_group), &key).unwrap();
                    prop_assert_eq!(removed, reference.remove(&(state, KeyGroup(key_group), key)).is_some());
                }
                Step::RemoveByUpdate { state, key_group, key } => {
                    backend.update(&states[state], KeyGroup(key_group), &key, |_| None).unwrap();
                    reference.remove(&(state, KeyGroup(key_group), key));
                }
                Step::Prefetch { state, key_group, key } => {
                    backend.prefetch(&states[state], [(KeyGroup(key_group), &key)]).unwrap();
                }
                Step::Freeze => frozen.push((backend.freeze(), reference.clone())),
            }
        }
        for ((state, key_group, key), value) in &reference {
            prop_assert_eq!(backend.get(&states[*state], *key_group, key).unwrap(), Some(*value));
        }
        prop_assert_eq!(contents(&mut backend), reference);
        for (frozen, then) in frozen {
            let snapshot = frozen.encode(identity(0, 1), &[]).unwrap();
            let mut restored = storage::empty(max, max.all()).unwrap();
            restored.restore_groups(&restore_run(&snapshot, max.all()).key_groups.unwrap()).unwrap();
            prop_assert_eq!(contents(&mut restored), then);
        }
    }
}

#[test]
fn write_after_freeze_is_not_in_the_snapshot() {
    let max = max_parallelism(4);
    let (mut backend, states) = backend(max, max.all());
    let key = "N14228".to_owned();
    backend.put(&states[0], KeyGroup(1), &key, &1).unwrap();
    let frozen = backend.freeze();
    backend.put(&states[0], KeyGroup(1), &key, &2).unwrap();
    backend.put(&states[0], KeyGroup(2), &key, &3).unwrap();

    let sections = verify(&frozen.encode(identity(0, 1), &[]).unwrap().bytes()).unwrap().key_groups.unwrap();
    let entries: Vec<_> = sections
        .sections()
        .iter()
        .flat_map(|section| section.frames())
        .flat_map(|frame| frame.entries())
        .collect();
    assert_eq!(entries, [(b"\x06N14228".as_slice(), [1].as_slice())]);
    assert_eq!(backend.get(&states[0], KeyGroup(1), &key).unwrap(), Some(2));
}

#[test]
fn frozen_state_can_be_encoded_on_another_thread() {
    fn moves<T: Send + 'static>(_: &T) {}
    let max = max_parallelism(4);
    moves(&backend(max, max.all()).0.freeze());
}

#[test]
fn key_group_that_is_not_owned_is_refused_by_every_access() {
    let (mut backend, states) = backend(max_parallelism(8), range(2, 5));
    let key = String::new();
    for key_group in [KeyGroup(0), KeyGroup(1), KeyGroup(6), KeyGroup(u16::MAX)] {
        let refusal = BackendError::NotOwned { key_group, key_groups: range(2, 5) };
        assert_eq!(backend.get(&states[0], key_group, &key), Err(refusal.clone()));
        assert_eq!(backend.put(&states[0], key_group, &key, &1), Err(refusal.clone()));
        assert_eq!(backend.update(&states[0], key_group, &key, |_| Some(1)), Err(refusal.clone()));
        assert_eq!(backend.remove(&states[0], key_group, &key), Err(refusal.clone()));
        assert_eq!(backend.prefetch(&states[0], [(key_group, &key)]), Err(refusal.clone()));
        assert_eq!(backend.certificate(key_group), Err(refusal.clone()));
        assert_eq!(backend.entries("flights", key_group).err(), Some(refusal.clone()));
        assert_eq!(backend.iter(&states[0], key_group).err(), Some(refusal));
    }
    let refusal = backend.get(&states[0], KeyGroup(6), &key).unwrap_err();
    assert_eq!(refusal.to_string(), "key group 6 is not owned: this backend has key groups 2–5");
    assert_eq!(refusal.kind(), ErrorKind::Invalid);
}

/// Keys are looked at in blocks: one that were left out between two would not be refused.
#[test]
fn prefetch_looks_at_every_key_of_any_number() {
    let (backend, states) = backend(max_parallelism(8), range(2, 5));
    let refusal = Err(BackendError::NotOwned { key_group: KeyGroup(6), key_groups: range(2, 5) });
    let key = "N14228".to_owned();
    for count in [1, 31, 32, 33, 34, 64, 65, 66, 100] {
        for foreign in 0..=count {
            let key_groups = (0..count).map(|at| KeyGroup(if at == foreign { 6 } else { 2 + at % 4 }));
            let expected = if foreign < count { refusal.clone() } else { Ok(()) };
            let keys = key_groups.clone().map(|key_group| (key_group, &key));
            assert_eq!(backend.prefetch(&states[0], keys), expected, "key {foreign} of {count}");
            let keys = key_groups.map(|key_group| (key_group, key.as_bytes()));
            assert_eq!(backend.prefetch_encoded(&states[0], keys), expected, "key {foreign} of {count}");
        }
    }
}

#[test]
fn backend_beyond_the_max_parallelism_is_refused() {
    let refusal = storage::empty(max_parallelism(4), range(2, 4)).unwrap_err();
    assert_eq!(refusal.to_string(), "key groups 2–4 are out of bounds: max parallelism 4 has key groups 0–3");
}

#[test]
fn handle_of_another_backend_is_refused() {
    let max = max_parallelism(2);
    let (mine, _) = backend(max, max.all());
    let (_, theirs) = backend(max, max.all());
    let key = (KeyGroup(0), &String::new());
    let refusal = mine.get(&theirs[0], key.0, key.1).unwrap_err();
    assert_eq!(refusal.to_string(), "state 'flights' was registered with another backend");
    assert_eq!(mine.prefetch(&theirs[0], [key]), Err(refusal));
}

#[test]
fn name_registered_twice_is_one_state_and_must_keep_its_types() {
    let max = max_parallelism(2);
    let (mut backend, states) = backend(max, max.all());
    let again = register(&mut backend);
    backend.put(&states[0], KeyGroup(0), &"k".to_owned(), &7).unwrap();
    assert_eq!(backend.get(&again[0], KeyGroup(0), &"k".to_owned()).unwrap(), Some(7));
    assert_eq!(backend.states().len(), 2);

    let refusal = backend.register(StateDescriptor::<u64, u64>::value("flights")).unwrap_err();
    assert_eq!(
        refusal.to_string(),
        "state 'flights' was registered as alloc::string::String to u64, not as u64 to u64"
    );
}

#[test]
fn name_that_a_snapshot_cannot_hold_is_refused() {
    let max = max_parallelism(2);
    let (mut backend, _) = backend(max, max.all());
    let longest = "n".repeat(65_535);
    backend.register(StateDescriptor::<u64, u64>::value(&longest)).unwrap();
    let refusal = backend.register(StateDescriptor::<u64, u64>::value(&format!("{longest}n"))).unwrap_err();
    assert_eq!(refusal.to_string(), "the name of a state has 65536 bytes: at most 65535 are possible");
}

#[test]
fn state_beyond_what_a_snapshot_can_count_is_refused() {
    let max = max_parallelism(1);
    let mut backend = storage::empty(max, max.all()).unwrap();
    for number in 0..65_535 {
        backend.register(StateDescriptor::<u64, u64>::value(&number.to_string())).unwrap();
    }
    let refusal = backend.register(StateDescriptor::<u64, u64>::value("last")).unwrap_err();
    assert_eq!(refusal.to_string(), "state 'last' is one too many: a task has at most 65535");
    backend.register(StateDescriptor::<u64, u64>::value("0")).unwrap();
}

/// BEAM-7144: state that was not registered (yet) when groups moved lost its metadata.
#[test]
fn state_that_nobody_registered_survives_restore_and_snapshot() {
    let max = max_parallelism(4);
    let reference = Reference::from([
        ((0, KeyGroup(1), "N14228".to_owned()), 1),
        ((1, KeyGroup(1), "N14228".to_owned()), 2),
        ((1, KeyGroup(3), "N24211".to_owned()), 3),
    ]);
    let snapshot = filled(max, max.all(), &reference).freeze().encode(identity(0, 1), &[]).unwrap();

    let mut restored = storage::empty(max, max.all()).unwrap();
    restored.restore_groups(&restore_run(&snapshot, max.all()).key_groups.unwrap()).unwrap();
    let unregistered = restored.freeze().encode(identity(0, 1), &[]).unwrap();
    assert_eq!(unregistered, snapshot);

    let late: ValueState<String, u64> = restored.register(StateDescriptor::value("delays")).unwrap();
    assert_eq!(restored.get(&late, KeyGroup(3), &"N24211".to_owned()).unwrap(), Some(3));
}

#[test]
fn bytes_do_not_depend_on_the_order_of_registration_and_writes() {
    let max = max_parallelism(4);
    let write = |names: [&str; 2], keys: [u64; 3]| {
        let mut backend = storage::empty(max, max.all()).unwrap();
        for name in names {
            let state = backend.register(StateDescriptor::<u64, u64>::value(name)).unwrap();
            for key in keys {
                backend.put(&state, KeyGroup(2), &key, &key).unwrap();
            }
        }
        backend.freeze().encode(identity(0, 1), &[]).unwrap()
    };
    assert_eq!(write(["a", "b"], [1, 2, 300]), write(["b", "a"], [300, 1, 2]));
}

#[test]
fn stored_bytes_of_another_type_are_reported_as_corrupt() {
    let max = max_parallelism(2);
    let mut old = storage::empty(max, max.all()).unwrap();
    let text = old.register(StateDescriptor::<u64, String>::value("s")).unwrap();
    old.put(&text, KeyGroup(0), &1, &"seven".to_owned()).unwrap();
    let snapshot = old.freeze().encode(identity(0, 1), &[]).unwrap();

    let mut new = storage::empty(max, max.all()).unwrap();
    new.restore_groups(&restore_run(&snapshot, max.all()).key_groups.unwrap()).unwrap();
    let number = new.register(StateDescriptor::<u64, u64>::value("s")).unwrap();
    let error = new.get(&number, KeyGroup(0), &1).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Corrupt);
    assert_eq!(
        error.to_string(),
        "6 bytes are no u64: 5 are left after it; was the type changed since they were written?"
    );
}
