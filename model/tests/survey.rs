//! The survey sees what the complete check sees, on any number of threads.

use keygroups_model::{Bound, check, model::JobModel, search, stories::SCALE_IN, survey::survey, zoo};

#[test]
fn a_survey_counts_what_stateright_counts_and_reaches_the_same_cases() {
    let report = check("scale-in", Bound::Quick).unwrap();
    for threads in [1, 2] {
        let survey = survey(&JobModel::reduced(&SCALE_IN), threads, usize::MAX, |_| true);
        assert!(survey.complete && survey.violated.is_none());
        assert_eq!(survey.progress.unique, report.unique);
        let reached = survey.cases.iter().filter(|(_, way)| way.is_some()).map(|(name, _)| *name);
        assert!(reached.eq(report.reached()), "{threads} threads");
    }
}

#[test]
fn the_counterexample_is_as_short_as_can_be_and_the_same_on_any_number_of_threads() {
    for name in ["exists_is_created", "splits_dropped", "aborted_output_is_stranded"] {
        let mutant = zoo::ALL.iter().find(|mutant| mutant.name == name).unwrap();
        let model = JobModel::with_twist(mutant.story, mutant.twist);
        let shortest = search::shortest(&model, usize::MAX).counterexample.unwrap();
        let [one, two] = [1, 2].map(|threads| survey(&model, threads, usize::MAX, |_| true));
        let (violation, way) = one.violated.unwrap();
        assert_eq!((way.len(), violation.invariant), (shortest.path.len(), mutant.breaks), "{name}");
        assert_eq!(two.violated.unwrap(), (violation, way), "{name}");
        assert_eq!(one.progress, two.progress, "{name}");
    }
}

#[test]
fn a_survey_that_is_stopped_says_that_it_is_not_complete() {
    let survey = survey(&JobModel::new(&SCALE_IN), 1, usize::MAX, |progress| progress.unique < 100);
    assert!(!survey.complete && survey.progress.unique < 1_000);
}
