//! Sums of many points, pair by pair: additions of points with z = 1 need an inverse each, and all additions of one round share
//! one inversion (Montgomery's trick), which makes them take little more than half of what those without inverses do.

use super::{
    field::Field,
    points::{Addend, Affine, Sum, add},
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

    /// Takes out the first of what is left.
    pub(super) fn pop_first(&mut self) -> Option<Summand> {
        (!self.all.is_empty()).then(|| self.all.remove(0))
    }
}

/// Adds to each sum what is left of its group. Where points met, z becomes zero.
#[target_feature(enable = "avx512f,avx512ifma")]
pub(super) fn add_groups<const N: usize>(sums: &mut [Sum; N], groups: [&Group; N]) {
    let most = groups.iter().map(|group| group.all.len()).max();
    for at in 0..most.unwrap_or(0) {
        // To a sum whose group has no more nothing is added.
        let mut addends = sums.map(|sum| Addend {
            point: sum.affine(),
            negate: 0,
            skip: !0,
        });
        for (addend, group) in addends.iter_mut().zip(groups) {
            if let Some(one) = group.all.get(at) {
                addend.point = one.point;
                addend.skip = one.absent;
            }
        }
        add(sums, &addends);
    }
    for (sum, group) in sums.iter_mut().zip(groups) {
        *sum = sum.spoiled(group.bad);
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
            group.all[at] = group.all[2 * at].plus(&group.all[2 * at + 1], &this);
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
        let x = slope.square_plus(&a.x.negative().plus(&b.x.negative()));
        let y = slope.mul_plus(&a.x.minus(&x), &a.y.negative());
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
