//! The bound `quick`, explored completely.

use keygroups_model::{Bound, check};
#[test]
fn probe() {
    let name = std::env::var("STORY").unwrap_or("checkpoint".into());
    let report = check(&name, Bound::Quick).unwrap();
    println!("{report}");
}
