//! Sums of many points, pair by pair: additions of points with z = 1 need an inverse each, and all additions of one round share
//! one inversion (Montgomery's trick), which makes them take little more than half of what those without inverses do.

use super::{
    field::Field,
    points::{Affine, Sum},
};
use crate::Invert;
use std::arch::x86_64::__mmask8;

/// How many pairs are worth an inversion.
const WORTH: usize = 20;

/// Eight points, some of which may not be there: zeros of a sum.
#[derive(Clone, Copy)]
pub(super) struct Summand {
    pub(super) point: Affine,
    pub(super) absent: __mmask8,
}

/// Points to be added up, and the lanes in which two of them had one x.
pub(super) struct Group {
    all: Vec<Summand>,
    bad: __mmask8,
}

/// One addition, between the two halves of its round.
struct Step {
    /// The product of everything before it.
    before: Field,
    /// The difference of both x, or one where there is nothing to add.
    across: Field,
}

impl Group {
    pub(super) fn new(all: Vec<Summand>) -> Self {
        Self { all, bad: 0 }
    }

    /// Adds those that are left to a sum, whose z becomes zero where points met.
    #[target_feature(enable = "avx512f,avx512ifma")]
    pub(super) fn add_to(&self, mut sum: Sum) -> Sum {
        for one in &self.all {
            sum = sum.add(&one.point, 0, one.absent).0;
        }
        sum.spoiled(self.bad)
    }

    /// Takes out the first of what is left.
    pub(super) fn pop_first(&mut self) -> Option<Summand> {
        (!self.all.is_empty()).then(|| self.all.remove(0))
    }
}

/// Adds pairs of each group up, round by round, while there are enough of them.
#[target_feature(enable = "avx512f,avx512ifma")]
pub(super) fn halve(groups: &mut [Group], invert: Invert<'_>) {
    let pairs = |groups: &[Group]| {
        groups
            .iter()
            .map(|group| group.all.len() / 2)
            .sum::<usize>()
    };
    let mut steps = Vec::with_capacity(pairs(groups));
    while pairs(groups) >= WORTH {
        let product = differences(groups, &mut steps);
        let inverse = Field::from_numbers(&invert(&product.to_numbers()));
        sums(groups, &mut steps, inverse);
    }
}

/// Prepares an addition for every pair, from the last one to the first, and gives the product of all differences.
#[target_feature(enable = "avx512f,avx512ifma")]
fn differences(groups: &mut [Group], steps: &mut Vec<Step>) -> Field {
    let one = Field::constant(&[1, 0, 0, 0, 0]);
    let mut product = one;
    for group in groups.iter_mut().rev() {
        for pair in group.all.chunks_exact(2).rev() {
            let across = pair[1].point.x.minus(&pair[0].point.x);
            let absent = pair[0].absent | pair[1].absent;
            let same = across.zero() & !absent;
            group.bad |= same;
            let across = across.replaced(absent | same, &one);
            let next = product.mul(&across);
            steps.push(Step {
                before: product,
                across,
            });
            product = next;
        }
    }
    product
}

/// Puts the sum of every pair in its place.
#[target_feature(enable = "avx512f,avx512ifma")]
fn sums(groups: &mut [Group], steps: &mut Vec<Step>, mut inverse: Field) {
    for group in groups {
        let pairs = group.all.len() / 2;
        for at in 0..pairs {
            let Some(step) = steps.pop() else { return };
            let this = inverse.mul(&step.before);
            inverse = inverse.mul(&step.across);
            let (first, second) = (group.all[2 * at], group.all[2 * at + 1]);
            group.all[at] = first.plus(&second, &this);
        }
        if group.all.len() % 2 == 1 {
            group.all[pairs] = group.all[2 * pairs];
        }
        group.all.truncate(group.all.len() - pairs);
    }
}

impl Summand {
    /// The sum, given the inverse of the difference of both x.
    #[inline]
    #[target_feature(enable = "avx512f,avx512ifma")]
    fn plus(&self, other: &Self, inverse: &Field) -> Self {
        let (a, b) = (&self.point, &other.point);
        let slope = b.y.minus(&a.y).mul(inverse);
        let x = slope.square().loose();
        let x = x.plus(&a.x.negative()).plus(&b.x.negative()).tight();
        let y = slope.mul(&a.x.minus(&x)).minus(&a.y);
        let sum = Affine {
            x: x.replaced(other.absent, &a.x).replaced(self.absent, &b.x),
            y: y.replaced(other.absent, &a.y).replaced(self.absent, &b.y),
        };
        Self {
            point: sum,
            absent: self.absent & other.absent,
        }
    }
}
