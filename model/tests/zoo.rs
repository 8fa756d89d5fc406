//! Every planted bug is caught, by the invariant it must break.

use keygroups_model::{model::JobModel, search, zoo};

#[test]
fn probe() {
    for mutant in zoo::ALL {
        let t = std::time::Instant::now();
        let s = search::shortest(&JobModel::with_twist(mutant.story, mutant.twist), 400_000);
        let c = s.counterexample;
        let got = c.as_ref().map_or("SURVIVED", |c| c.violation.invariant);
        println!(
            "{} {} {} {} steps {} unique {:?}",
            if got == mutant.breaks { "ok  " } else { "WRONG" },
            mutant.name,
            got,
            c.as_ref().map_or(0, |c| c.path.len()),
            s.unique,
            t.elapsed()
        );
        if got != mutant.breaks {
            if let Some(c) = c {
                println!("{c}");
            }
        }
    }
}
