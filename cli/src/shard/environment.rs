//! Which shard this process is: said as `K/N`, or told by Kubernetes or Slurm.

use std::env;
use std::str::FromStr;

use anyhow::{Context, bail};

use super::Shard;

/// Set for each pod of a Job with `completionMode: Indexed`.
const KUBERNETES: &str = "JOB_COMPLETION_INDEX";
/// Set for each task of an array, as are the names below.
const SLURM: &str = "SLURM_ARRAY_TASK_ID";
const SLURM_MIN: &str = "SLURM_ARRAY_TASK_MIN";
const SLURM_MAX: &str = "SLURM_ARRAY_TASK_MAX";
const SLURM_COUNT: &str = "SLURM_ARRAY_TASK_COUNT";

/// The argument of `--shard`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Which {
    /// `K/N`.
    Given(Shard),
    /// `auto/N` or `auto`: the index, and without N the number too, is in the environment.
    Environment(Option<u32>),
}

impl FromStr for Which {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        const EXPECTED: &str = "write K/N such as 0/16, or auto/N, or auto in an array of Slurm";
        let number = |text: &str| text.parse::<u32>().map_err(|_| EXPECTED.to_owned());
        match text.split_once('/') {
            None if text == "auto" => Ok(Self::Environment(None)),
            None => Err(EXPECTED.to_owned()),
            Some(("auto", count)) => match number(count)? {
                0 => Err("at least one shard is needed".to_owned()),
                count => Ok(Self::Environment(Some(count))),
            },
            Some((index, count)) => Shard::new(number(index)?, number(count)?).map(Self::Given),
        }
    }
}

impl Which {
    pub(crate) fn resolve(self) -> anyhow::Result<Shard> {
        self.told_by(|name| env::var(name).ok()).context("--shard")
    }

    fn told_by(self, variable: impl Fn(&str) -> Option<String>) -> anyhow::Result<Shard> {
        let count = match self {
            Self::Given(shard) => return Ok(shard),
            Self::Environment(count) => count,
        };
        let number = |name: &str| {
            let Some(text) = variable(name) else { return Ok(None) };
            text.trim().parse::<u32>().map(Some).with_context(|| format!("{name}={text:?} is no number"))
        };
        let needed = |name: &str| number(name)?.with_context(|| format!("{SLURM} is set, {name} is not"));
        match (number(KUBERNETES)?, number(SLURM)?, count) {
            (Some(_), Some(_), _) => {
                bail!("auto: both {KUBERNETES} and {SLURM} are set; say which shard: K/N")
            }
            (None, None, _) => bail!(
                "auto: neither {KUBERNETES} (a Kubernetes Job with completionMode: Indexed) nor {SLURM} \
                 (sbatch --array) is set"
            ),
            (Some(_), None, None) => {
                bail!("auto: Kubernetes tells a pod its index, not how many there are: auto/N")
            }
            (Some(index), None, Some(count)) | (None, Some(index), Some(count)) => {
                Shard::new(index, count).map_err(anyhow::Error::msg)
            }
            (None, Some(index), None) => {
                let (min, max, count) = (needed(SLURM_MIN)?, needed(SLURM_MAX)?, needed(SLURM_COUNT)?);
                // The number of tasks of a part of an array is not the number of shards.
                if min != 0 || max.checked_add(1) != Some(count) {
                    bail!(
                        "auto: this array has {count} tasks from {min} to {max}, which is not 0 to N-1; to run \
                         a part of an array again, say how many shards there are in all: auto/N"
                    );
                }
                Shard::new(index, count).map_err(anyhow::Error::msg)
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn resolved(argument: &str, environment: &[(&str, &str)]) -> Result<String, String> {
        let find = |name: &str| environment.iter().find(|(n, _)| *n == name).map(|(_, v)| (*v).to_owned());
        let shard = argument.parse::<Which>()?.told_by(find);
        shard.map(|shard| shard.to_string()).map_err(|error| format!("{error:#}"))
    }

    #[test]
    fn kubernetes_tells_the_index_and_slurm_the_number_too() {
        let slurm =
            |id, min, max, count| [(SLURM, id), (SLURM_MIN, min), (SLURM_MAX, max), (SLURM_COUNT, count)];
        assert_eq!(resolved("auto/16", &[(KUBERNETES, "3")]).unwrap(), "3/16");
        assert_eq!(resolved("auto", &slurm("3", "0", "15", "16")).unwrap(), "3/16");
        assert_eq!(resolved("auto/16", &slurm("3", "3", "7", "2")).unwrap(), "3/16");
        assert_eq!(resolved("2/4", &slurm("3", "0", "15", "16")).unwrap(), "2/4");
        for (argument, environment, error) in [
            ("auto", &slurm("3", "3", "7", "2")[..], "2 tasks from 3 to 7"),
            ("auto", &slurm("1", "1", "16", "16")[..], "not 0 to N-1"),
            ("auto", &slurm("x", "0", "15", "16")[..], "\"x\" is no number"),
            ("auto", &slurm("3", "0", "15", "16")[..1], "SLURM_ARRAY_TASK_MIN is not"),
            ("auto", &[(KUBERNETES, "3")][..], "auto/N"),
            ("auto/3", &[(KUBERNETES, "3")][..], "the last of 3 is 2"),
            ("auto/3", &[(KUBERNETES, "3"), (SLURM, "3")][..], "both"),
            ("auto/3", &[][..], "neither"),
            ("auto/0", &[][..], "at least one shard"),
            ("3/3", &[][..], "shards count from 0, the last of 3 is 2"),
            ("-1/3", &[][..], "write K/N such as 0/16"),
            ("three", &[][..], "write K/N such as 0/16"),
        ] {
            let refused = resolved(argument, environment).unwrap_err();
            assert!(refused.contains(error), "{argument}: {refused}");
        }
    }
}
