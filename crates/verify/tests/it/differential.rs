//! The command `differential` of the examples, shortened.

#[path = "../../examples/differential/cases.rs"]
mod cases;

use crate::engines::{engines, with_keys};
use cases::{Cases, Engines, compare};

/// How many hostile signatures are judged here; the command does any number.
const COUNT: usize = 3000;

#[test]
fn engines_judge_hostile_signatures_alike() {
    let engines = Engines {
        single: engines(),
        batch: with_keys(3),
    };
    let mut cases = Cases::new(7);
    let (mut right, mut refused) = (0, 0);
    for _ in 0..COUNT / 50 {
        let (more, before) = compare(&mut cases, &engines, 50);
        right += more;
        refused += before;
    }
    assert!(
        cases.kinds.iter().all(|count| *count > 100),
        "{:?}",
        cases.kinds
    );
    assert!(right > 500 && refused > 300, "{right} {refused}");
}
