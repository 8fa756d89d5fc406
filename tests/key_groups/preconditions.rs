//! What is refused: `precondition_errors.csv`.
//!
//! Each row is a call to Flink. It is answered here by the counterpart of that call, and the
//! answer is one of four kinds; a row of a call that is not known fails the test.

use keygroups::checkpoint::{JobSpec, Scaling, VertexSpec};
use keygroups::key_group::{
    BoundsError, KeyGroup, KeyGroupRange, MaxParallelism, Parallelism, Subtask, assign,
};

/// How a call ends here, next to how it ends in Flink.
#[derive(Debug, PartialEq, Eq)]
enum Answer {
    /// Flink accepts and so do we: the same value, written as Flink writes it.
    Accepted(String),
    /// Both refuse.
    Refused(String),
    /// Flink accepts and answers nonsense, or postpones the error; we refuse.
    Stricter(String),
    /// Cannot be written down here, and why.
    NoCounterpart(&'static str),
}
use Answer::{NoCounterpart, Refused};

const UNSIGNED: &str = "numbers are unsigned: a negative one does not compile";

#[test]
fn every_golden_call_is_answered_as_in_flink_or_refused_earlier() {
    let golden = include_str!("../golden/precondition_errors.csv");
    let mut kinds = [0; 4];
    for row in crate::rows(golden, "call\tresult") {
        let (call, flink) = row.split_once('\t').unwrap();
        let flink_refuses = flink.starts_with("java.lang.");
        let kind = match answer(call) {
            Answer::Accepted(ours) => {
                assert_eq!(ours, flink, "{call}");
                0
            }
            Refused(ours) if flink_refuses => {
                assert!(!ours.is_empty());
                1
            }
            Refused(ours) => panic!("{call}: only we refuse ({ours}): say why it is stricter"),
            Answer::Stricter(ours) => {
                assert!(!flink_refuses, "{call}: Flink refuses too ({ours})");
                2
            }
            NoCounterpart(reason) => {
                assert!(!reason.is_empty());
                3
            }
        };
        kinds[kind] += 1;
    }
    let [accepted, refused, stricter, without_counterpart] = kinds;
    assert_eq!((accepted, refused, stricter, without_counterpart), (16, 17, 11, 13));
}

fn answer(call: &str) -> Answer {
    let numbers = numbers(call);
    let count = |i: usize| numbers[i].try_into().ok();
    let (name, _) = call.split_once('(').unwrap_or((call, ""));
    match name {
        "checkParallelismPreconditions" => match count(0) {
            None => NoCounterpart(UNSIGNED),
            Some(p) => agrees(Parallelism::new(p).map(|_| "ok".to_owned())),
        },
        "computeKeyGroupRangeForOperatorIndex" => {
            let (Some(max), Some(p), Some(subtask)) = (count(0), count(1), count(2)) else {
                return NoCounterpart(UNSIGNED);
            };
            match computed_range(max, p, subtask) {
                // Flink calculates a range of key groups that do not exist.
                Err(error @ BoundsError::Subtask { .. }) => Answer::Stricter(error.to_string()),
                range => agrees(range.map(shown)),
            }
        }
        "computeOperatorIndexForKeyGroup" => {
            let (Some(max), Some(p), Some(key_group)) = (count(0), count(1), count(2)) else {
                return NoCounterpart(UNSIGNED);
            };
            match computed_owner(max, p, key_group) {
                Err(error @ BoundsError::MaxParallelism { found: 0 }) => Refused(error.to_string()),
                // Flink calculates a subtask that does not exist.
                Err(error) => Answer::Stricter(error.to_string()),
                Ok(owner) => Answer::Accepted(owner.to_string()),
            }
        }
        "assignToKeyGroup" if call.contains("null") => {
            NoCounterpart("a null key does not compile: see the example of JavaHash")
        }
        "assignToKeyGroup" => match count(0) {
            None => NoCounterpart(UNSIGNED),
            Some(max) => agrees(MaxParallelism::new(max).map(|_| "a key group".to_owned())),
        },
        "new KeyGroupRange" | "KeyGroupRange.of" => {
            let (Ok(first), Ok(last)) = (numbers[0].try_into(), numbers[1].try_into()) else {
                return NoCounterpart(UNSIGNED);
            };
            let range = KeyGroupRange::new(KeyGroup(first), KeyGroup(last));
            match range {
                // Flink answers the empty range; ours are never empty.
                Err(error) if name == "KeyGroupRange.of" => Answer::Stricter(error.to_string()),
                range => agrees(range.map(shown)),
            }
        }
        "KeyGroupRange.EMPTY_KEY_GROUP_RANGE" => {
            NoCounterpart("a range is never empty: no key groups are a None")
        }
        "KeyGroupRange" => {
            let [a, b, c, d] = [0, 1, 2, 3].map(|i| KeyGroup(numbers[i].try_into().unwrap()));
            let (left, right) = (KeyGroupRange::new(a, b).unwrap(), KeyGroupRange::new(c, d).unwrap());
            let empty = || "KeyGroupRange{startKeyGroup=0, endKeyGroup=-1}".to_owned();
            Answer::Accepted(left.intersection(right).map_or_else(empty, shown))
        }
        "createKeyGroupPartitions" => {
            let (max, p) = (count(0).unwrap(), count(1).unwrap());
            let ranges: Result<Vec<String>, BoundsError> =
                (0..p).map(|subtask| computed_range(max, p, subtask).map(shown)).collect();
            agrees(ranges.map(|ranges| format!("[{}]", ranges.join(", "))))
        }
        "StreamExecutionEnvironment.setMaxParallelism"
        | "SingleOutputStreamOperator.setMaxParallelism"
        | "ExecutionConfig.setMaxParallelism" => match count(0) {
            None => NoCounterpart(UNSIGNED),
            Some(max) => match MaxParallelism::new(max) {
                // Flink leaves it to be found when the job starts.
                Err(error) if name.starts_with("ExecutionConfig") && max > 0 => {
                    Answer::Stricter(error.to_string())
                }
                max => agrees(max.map(|_| "ok".to_owned())),
            },
        },
        "StreamExecutionEnvironment.setParallelism" => {
            agrees(Parallelism::new(count(0).unwrap()).map(|_| "ok".to_owned()))
        }
        // Flink builds the graph and leaves it to be found when the job starts.
        "map.setParallelism" => {
            let fixed = Scaling::Fixed(Parallelism::new(count(0).unwrap()).unwrap());
            Answer::Stricter(JobSpec::new(vec![vertex(count(1).unwrap(), fixed)]).unwrap_err().to_string())
        }
        "keyBy.map.setMaxParallelism" => {
            let job = JobSpec::new(vec![vertex(count(0).unwrap(), Scaling::Elastic)]).unwrap();
            let wanted = Parallelism::new(count(1).unwrap()).unwrap();
            Answer::Stricter(job.check_parallelism(wanted).unwrap_err().to_string())
        }
        _ => panic!("unknown call {call}"),
    }
}

/// The numbers in a call, in order.
fn numbers(call: &str) -> Vec<i64> {
    let is_part = |character: char| character.is_ascii_digit() || character == '-';
    call.split(|character| !is_part(character)).filter_map(|number| number.parse().ok()).collect()
}

fn agrees(ours: Result<String, BoundsError>) -> Answer {
    ours.map_or_else(|error| Refused(error.to_string()), Answer::Accepted)
}

fn computed_range(max: u32, p: u32, subtask: u32) -> Result<KeyGroupRange, BoundsError> {
    let (max, p) = (MaxParallelism::new(max)?, Parallelism::new(p)?);
    p.within(max)?;
    assign::range(max, p, Subtask::new(subtask, p)?)
}

fn computed_owner(max: u32, p: u32, key_group: u32) -> Result<Subtask, BoundsError> {
    let max = MaxParallelism::new(max)?;
    let p = Parallelism::new(p)?.within(max)?;
    Ok(assign::owner(KeyGroup::new(key_group, max)?, max, p))
}

fn shown(range: KeyGroupRange) -> String {
    format!("KeyGroupRange{{startKeyGroup={}, endKeyGroup={}}}", range.first(), range.last())
}

fn vertex(max: u32, scaling: Scaling) -> VertexSpec {
    let max_parallelism = Some(MaxParallelism::new(max).unwrap());
    VertexSpec { name: "map".into(), max_parallelism, scaling, inputs: vec![] }
}
