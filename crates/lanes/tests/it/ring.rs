//! The digits of a + b·λ to the base 16, by trying.

use http402_lanes::{Cells, KNOWN_EACH};

const BASE: i64 = 16;

/// The product with λ.
pub(crate) fn turned([a, b]: [i64; 2]) -> [i64; 2] {
    [-b, a - b]
}

/// One of the smallest of each residue, and of six that are each other's products with -1 and λ one: a and b of a + b·λ.
pub(crate) fn numbers() -> Vec<[i64; 2]> {
    let mut all: Vec<[i64; 2]> = (-BASE..=BASE)
        .flat_map(|a| (-BASE..=BASE).map(move |b| [a, b]))
        .filter(|number| number.iter().any(|part| part % BASE != 0))
        .collect();
    // The first one has to be 1: it is what the last digit asks for.
    all.sort_by_key(|[a, b]| (a * a - a * b + b * b, *a != 1 || *b != 0));
    let mut numbers: Vec<[i64; 2]> = Vec::new();
    for number in all {
        if numbers.iter().all(|other| digit(*other, number).is_none()) {
            numbers.push(number);
        }
    }
    assert_eq!(numbers.len(), KNOWN_EACH);
    numbers
}

/// How the number has to be turned and signed to be congruent to a residue.
fn digit(number: [i64; 2], residue: [i64; 2]) -> Option<(u16, i64)> {
    let mut own = number;
    for turns in 0..3 {
        for sign in [1, -1] {
            let left = [residue[0] - sign * own[0], residue[1] - sign * own[1]];
            if left[0] % BASE == 0 && left[1] % BASE == 0 {
                return Some((turns, sign));
            }
        }
        own = turned(own);
    }
    None
}

pub(crate) fn cells() -> Cells {
    let numbers = numbers();
    let mut cells = [0; 1041];
    for (a, b) in (0..=BASE).flat_map(|a| (0..=BASE).map(move |b| (a, b))) {
        let found = numbers.iter().zip(0_u16..);
        let found = found.filter_map(|(number, at)| Some((*number, at, digit(*number, [a, b])?)));
        let cell = &mut cells[(a + 64 * b) as usize];
        // Three times λ in two bits: the digit is zero.
        let (mut own, at, (turns, sign)) = found.last().unwrap_or(([0, 0], 0, (3, 1)));
        for _ in 0..turns % 3 {
            own = turned(own);
        }
        let over = [(a - sign * own[0]) / BASE, (b - sign * own[1]) / BASE];
        assert!(over.iter().all(|over| (0..=1).contains(over)));
        let [over_a, over_b] = over.map(|over| over as u16);
        *cell = over_a | turns << 1 | u16::from(sign < 0) << 3 | over_b << 6 | at << 8;
    }
    cells
}
