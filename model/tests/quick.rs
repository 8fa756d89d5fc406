//! The bound `quick`, explored completely.

use keygroups_model::{Bound, check, model::JobModel, search, stories};

#[test]
fn probe() {
    let name = std::env::var("STORY").unwrap_or("checkpoint".into());
    let report = check(&name, Bound::Quick).unwrap();
    println!("{report}");
}
#[test]
fn walkprobe() {
    let story = stories::QUICK
        .iter()
        .find(|s| s.name == std::env::var("STORY").unwrap_or("checkpoint".into()))
        .unwrap();
    let m = JobModel::new(story);
    let (w, path) = search::walk(&m, 3, 500);
    for p in &path {
        println!("{p}");
    }
    println!("{:?}", w.violation);
}
#[test]
fn sprobe() {
    let story = stories::QUICK
        .iter()
        .find(|s| s.name == std::env::var("STORY").unwrap_or("checkpoint".into()))
        .unwrap();
    let t = std::time::Instant::now();
    let s = search::shortest(&JobModel::new(story), 200_000);
    println!("{} {} {:?}", s.unique, s.complete, t.elapsed());
    if let Some(c) = s.counterexample {
        println!("{c}");
    }
}
