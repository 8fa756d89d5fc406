//! What is in a snapshot, and whether it is right.

use std::collections::{BTreeMap, BTreeSet};

use anyhow::bail;
use bytes::Bytes;
use keygroups::ErrorKind;
use keygroups::checkpoint::{Certificate, ObjectName, RedistributionMode};
use keygroups::key_group::{KeyGroup, KeyGroupRange, MaxParallelism};
use keygroups::snapshot::{
    Compression, Inspection, SectionLayout, SnapshotError, SnapshotIndex, inspect, inspect_with,
};
use serde::Serialize;

use super::source::Found;

#[derive(Serialize)]
pub(super) struct Document {
    pub(super) at: String,
    /// How many bytes were found; how many there should be is in `contents`.
    pub(super) bytes: u64,
    /// Nothing if header or index are damaged.
    #[serde(flatten)]
    pub(super) contents: Option<Contents>,
    /// What is damaged or missing, and where.
    pub(super) problems: Vec<String>,
}

#[derive(Serialize)]
pub(super) struct Contents {
    pub(super) object: ObjectName,
    pub(super) format_version: u16,
    pub(super) codec: String,
    pub(super) attempt: String,
    pub(super) task: String,
    pub(super) checkpoint: u64,
    pub(super) max_parallelism: Option<MaxParallelism>,
    pub(super) key_groups: Option<KeyGroupRange>,
    pub(super) object_bytes: u64,
    pub(super) index_bytes: u64,
    pub(super) certificate: Certificate,
    pub(super) keyed_states: Vec<KeyedState>,
    pub(super) operator_states: Vec<OperatorState>,
    pub(super) bases: Vec<Base>,
    pub(super) sections: Vec<Section>,
}

#[derive(Serialize)]
pub(super) struct KeyedState {
    pub(super) name: String,
    /// In all sections that are sound.
    pub(super) entries: u64,
}

#[derive(Serialize)]
pub(super) struct OperatorState {
    pub(super) name: String,
    pub(super) mode: RedistributionMode,
    pub(super) items: usize,
    pub(super) bytes: u64,
}

#[derive(Serialize)]
pub(super) struct Base {
    pub(super) object: ObjectName,
    pub(super) bytes: u64,
    /// Of this snapshot's key groups.
    pub(super) key_groups: usize,
    pub(super) key_group_bytes: u64,
    pub(super) state: State,
}

/// The entries of one key group.
#[derive(Serialize)]
pub(super) struct Section {
    pub(super) key_group: KeyGroup,
    pub(super) entries: u64,
    pub(super) digest: String,
    pub(super) layout: &'static str,
    pub(super) compression: &'static str,
    /// The number of the base it lies in, from 1; 0 for this object.
    pub(super) base: usize,
    pub(super) offset: u64,
    pub(super) bytes: u64,
    pub(super) raw_bytes: u64,
    pub(super) state: State,
}

/// What became of looking at something.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum State {
    /// It is what was written.
    Sound,
    Damaged,
    Missing,
    /// Nobody knows where it lies.
    NotRead,
}

impl State {
    pub(super) const fn word(self) -> &'static str {
        match self {
            Self::Sound => "sound",
            Self::Damaged => "DAMAGED",
            Self::Missing => "MISSING",
            Self::NotRead => "not read",
        }
    }
}

impl Document {
    pub(super) fn of(found: &Found) -> anyhow::Result<Self> {
        let at = found.at.clone();
        let bytes = Bytes::copy_from_slice(&found.bytes);
        let (inspection, bases) = match inspected(found, &bytes) {
            Ok(inspected) => inspected?,
            Err(error) if error.kind() == ErrorKind::Corrupt => {
                let problems = vec![format!("{at}: {error}")];
                return Ok(Self { at, bytes: bytes.len() as u64, contents: None, problems });
            }
            Err(error) => bail!("{at}: {error}"),
        };
        let own = inspection.index.header().identity.object();
        let mut problems = Vec::new();
        if let Some(name) = found.object().filter(|name| *name != own) {
            problems.push(format!("{at}: this is {own}, and not {name}, whose name it has"));
        }
        problems.extend(inspection.problems.iter().map(|problem| format!("{at}: {problem}")));
        let contents = Some(Contents::of(&inspection, &bases));
        Ok(Self { at, bytes: bytes.len() as u64, contents, problems })
    }
}

/// The bases that there are; nothing if nobody knows where they would be.
type Bases = Option<BTreeMap<ObjectName, Bytes>>;

/// What is wrong with the snapshot comes before what is wrong with reading another one.
fn inspected(found: &Found, bytes: &Bytes) -> Result<anyhow::Result<(Inspection, Bases)>, SnapshotError> {
    let index = SnapshotIndex::decode(bytes)?;
    let names: BTreeSet<ObjectName> = index.bases().iter().map(|base| base.object()).collect();
    let bases = match found.beside(&names) {
        Ok(bases) => bases,
        Err(error) => return Ok(Err(error)),
    };
    let bases: Bases =
        bases.map(|bases| bases.into_iter().map(|(name, bytes)| (name, bytes.into())).collect());
    let inspection = match &bases {
        Some(bases) => inspect_with(bytes, bases)?,
        None => inspect(bytes)?,
    };
    Ok(Ok((inspection, bases)))
}

impl Contents {
    fn of(inspection: &Inspection, bases: &Bases) -> Self {
        let index = &inspection.index;
        let header = index.header();
        let damaged: BTreeSet<KeyGroup> =
            inspection.problems.iter().filter_map(SnapshotError::key_group).collect();
        let state_of = |base: Option<ObjectName>| match (base, bases) {
            (None, _) => State::Sound,
            (Some(_), None) => State::NotRead,
            (Some(base), Some(bases)) if bases.contains_key(&base) => State::Sound,
            (Some(_), Some(_)) => State::Missing,
        };
        let sections: Vec<Section> = index
            .groups()
            .iter()
            .map(|entry| Section {
                key_group: entry.key_group,
                entries: entry.certificate.entries,
                digest: format!("{:032x}", entry.certificate.digest),
                layout: layout(entry.layout),
                compression: compression(entry.compression),
                base: entry.base.map_or(0, |base| usize::from(base) + 1),
                offset: entry.offset,
                bytes: entry.bytes,
                raw_bytes: entry.raw_bytes,
                state: match damaged.contains(&entry.key_group) {
                    true => State::Damaged,
                    false => state_of(entry.base.map(|_| index.object_of(entry))),
                },
            })
            .collect();
        let base = |(number, base): (usize, &std::sync::Arc<keygroups::snapshot::Base>)| {
            let lie_there = || sections.iter().filter(|section| section.base == number);
            let is_damaged = lie_there().any(|section| section.state == State::Damaged);
            Base {
                object: base.object(),
                bytes: base.bytes,
                key_groups: lie_there().count(),
                key_group_bytes: lie_there().map(|section| section.bytes).sum(),
                state: if is_damaged { State::Damaged } else { state_of(Some(base.object())) },
            }
        };
        let names = index.states().iter().map(|state| state.name.to_string());
        Self {
            object: header.identity.object(),
            format_version: header.version,
            codec: header.codec.to_string(),
            attempt: header.identity.attempt.to_string(),
            task: header.identity.task.to_string(),
            checkpoint: header.identity.checkpoint.0,
            max_parallelism: header.keyed.map(|keyed| keyed.max_parallelism),
            key_groups: index.key_groups(),
            object_bytes: header.object_bytes,
            index_bytes: header.index_bytes,
            certificate: index.certificate(),
            keyed_states: names
                .zip(&inspection.entries)
                .map(|(name, &entries)| KeyedState { name, entries })
                .collect(),
            operator_states: index
                .operator_states()
                .iter()
                .map(|state| OperatorState {
                    name: state.name.clone(),
                    mode: state.mode,
                    items: state.items.len(),
                    bytes: state.items.iter().map(|item| u64::from(item.bytes)).sum(),
                })
                .collect(),
            bases: (1..).zip(index.bases()).map(base).collect(),
            sections,
        }
    }
}

const fn layout(layout: SectionLayout) -> &'static str {
    match layout {
        SectionLayout::Numbered => "numbered",
        SectionLayout::Sorted => "sorted",
        SectionLayout::Tables => "tables",
        _ => "unknown",
    }
}

const fn compression(compression: Compression) -> &'static str {
    match compression {
        Compression::None => "none",
        Compression::Lz4 => "lz4",
        Compression::Zstd => "zstd",
        _ => "unknown",
    }
}
