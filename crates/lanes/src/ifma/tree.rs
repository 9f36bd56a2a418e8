//! Sums of many points, pair by pair: additions of points with z = 1 need an inverse each, and all additions of one round share
//! one inversion (Montgomery's trick), so that they take six multiplications each in place of eleven.

use super::{
    digits::MULTIPLES,
    field::{Field, inverses},
    multiples::{self, Multiples, ROUNDS},
    points::{Addend, Affine, Sum, add, each, factors},
    product::Factor,
};
use crate::{Invert, cpu::__mmask8};

/// How many pairs are worth an inversion.
const WORTH: usize = 20;

/// Eight points, some of which may not be there: zeros of a sum.
#[derive(Clone, Copy)]
pub(super) struct Summand {
    pub(super) point: Affine,
    pub(super) absent: __mmask8,
}

/// Points to be added up, and the lanes whose sum means nothing, as two of them had one x.
pub(super) struct Group {
    all: Vec<Summand>,
    bad: __mmask8,
}

/// Differences that are inverted together.
pub(super) struct Inverses {
    steps: Vec<Step>,
    /// The products of all of each chain; and when they are inverted, the inverses of the products of what is left.
    chains: [Factor; CHAINS],
}

/// How many products are made side by side, as one alone would wait for itself.
const CHAINS: usize = 2;

/// One difference.
struct Step {
    /// The product of everything before it in its chain.
    before: Factor,
    /// The difference, or one where there is nothing to invert.
    across: Factor,
}

impl Inverses {
    #[cfg_attr(not(http402_lanes_model), target_feature(enable = "avx512f"))]
    fn with_capacity(steps: usize) -> Self {
        Self {
            steps: Vec::with_capacity(steps),
            chains: [*Field::constant(&[1, 0, 0, 0, 0]); CHAINS],
        }
    }

    /// Adds one to a chain, but for these lanes, and gives the lanes of the others in which it is zero, and left out. The last
    /// one of all is of the first chain, and chains take turns.
    #[inline]
    #[cfg_attr(not(http402_lanes_model), target_feature(enable = "avx512ifma"))]
    pub(super) fn put(&mut self, chain: usize, across: Field, absent: __mmask8) -> __mmask8 {
        let zero = across.zero() & !absent;
        let mut across = *across;
        if absent | zero != 0 {
            across = across.replaced(absent | zero, &Field::constant(&[1, 0, 0, 0, 0]));
        }
        let product = &mut self.chains[chain % CHAINS];
        let next = product.times(&across).factor();
        self.steps.push(Step {
            before: *product,
            across,
        });
        *product = next;
        zero
    }

    #[cfg_attr(not(http402_lanes_model), target_feature(enable = "avx512ifma"))]
    fn invert(&mut self, invert: Invert<'_>) {
        let [first, second] = self.chains;
        let inverse = inverses(&first.times(&second).factor(), invert);
        self.chains = [
            inverse.times(&second).factor(),
            inverse.times(&first).factor(),
        ];
    }

    /// The inverses of so many, which go on the chains from the first: the last one that was put comes first.
    #[inline]
    #[cfg_attr(not(http402_lanes_model), target_feature(enable = "avx512ifma"))]
    pub(super) fn take<const N: usize>(&mut self) -> [Factor; N] {
        let left = self.steps.len().saturating_sub(N);
        let steps = &self.steps[left..];
        let this = factors!(N, at => self.chains[at].times(&steps[N - 1 - at].before).factor());
        for at in 0..N {
            self.chains[at] = self.chains[at].times(&steps[N - 1 - at].across).factor();
        }
        self.steps.truncate(left);
        this
    }
}

impl Group {
    pub(super) fn new(all: Vec<Summand>) -> Self {
        Self { all, bad: 0 }
    }

    /// The same, with lanes that are not to be computed.
    pub(super) fn but(mut self, lanes: __mmask8) -> Self {
        self.bad |= lanes;
        self
    }

    /// Takes out the first of what is left.
    pub(super) fn pop_first(&mut self) -> Option<Summand> {
        (!self.all.is_empty()).then(|| self.all.remove(0))
    }
}

/// Adds to each sum what is left of its group. Where points met, z becomes zero.
#[cfg_attr(not(http402_lanes_model), target_feature(enable = "avx512ifma"))]
pub(super) fn add_groups<const N: usize>(sums: &mut [Sum; N], groups: [&Group; N]) {
    let most = groups.iter().map(|group| group.all.len()).max();
    for at in 0..most.unwrap_or(0) {
        // To a sum whose group has no more nothing is added.
        let nothing = Addend {
            point: sums[0].affine(),
            negate: 0,
            skip: !0,
        };
        let mut addends = [nothing; N];
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

/// Adds pairs of each group up, round by round, while there are enough of them, and lets multiples grow in the same rounds.
#[cfg_attr(not(http402_lanes_model), target_feature(enable = "avx512ifma"))]
pub(super) fn halve(groups: &mut [Group], growing: &mut [Multiples], invert: Invert<'_>) {
    let pairs = |groups: &[Group]| {
        groups
            .iter()
            .map(|group| group.all.len() / 2)
            .sum::<usize>()
    };
    let most = growing.len() * MULTIPLES.len() + pairs(groups);
    let rounds: &[_] = if growing.is_empty() { &[] } else { &ROUNDS };
    let mut rounds = rounds.iter();
    loop {
        let round = rounds.next();
        if round.is_none() && pairs(groups) < WORTH {
            return;
        }
        let mut inverses = Inverses::with_capacity(most);
        let round = round.map_or(&[][..], |round| *round);
        multiples::prepare(growing, round, &mut inverses);
        differences(groups, &mut inverses);
        inverses.invert(invert);
        sums(groups, &mut inverses);
        multiples::grow(growing, round, &mut inverses);
    }
}

/// Prepares an addition for every pair, from the last one to the first.
#[cfg_attr(not(http402_lanes_model), target_feature(enable = "avx512ifma"))]
fn differences(groups: &mut [Group], inverses: &mut Inverses) {
    for group in groups.iter_mut().rev() {
        let pairs = group.all.len() / 2;
        for at in (0..pairs).rev() {
            let (a, b) = (&group.all[2 * at], &group.all[2 * at + 1]);
            let across = b.point.x.minus(&a.point.x).tight();
            group.bad |= inverses.put(at, across, a.absent | b.absent);
        }
    }
}

/// Puts the sum of every pair in its place.
#[cfg_attr(not(http402_lanes_model), target_feature(enable = "avx512ifma"))]
fn sums(groups: &mut [Group], inverses: &mut Inverses) {
    for group in groups {
        let pairs = group.all.len() / 2;
        for at in (0..pairs).step_by(2) {
            if at + 1 < pairs {
                put::<2>(&mut group.all, at, inverses);
            } else {
                put::<1>(&mut group.all, at, inverses);
            }
        }
        if group.all.len() % 2 == 1 {
            group.all[pairs] = group.all[2 * pairs];
        }
        group.all.truncate(group.all.len() - pairs);
    }
}

/// Puts the sums of some pairs in their places, from the one at `at` on.
#[inline]
#[cfg_attr(not(http402_lanes_model), target_feature(enable = "avx512ifma"))]
fn put<const N: usize>(all: &mut [Summand], at: usize, inverses: &mut Inverses) {
    let first = |of: usize| &all[2 * (at + of)];
    let second = |of: usize| &all[2 * (at + of) + 1];
    let inverse = inverses.take::<N>();
    let slope = factors!(N, of => {
        let up = second(of).point.y.minus(&first(of).point.y).factor();
        up.times(&inverse[of]).factor()
    });
    let x = each!(N, of => {
        let both = first(of).point.x.loose().plus(&second(of).point.x.loose());
        slope[of].squared().plus(&both.taken_from::<4>()).tight()
    });
    let y = each!(N, of => {
        let Affine { x: from, y } = &first(of).point;
        let back = from.minus(&x[of]).factor();
        y.negative().and(&slope[of], &back).tight()
    });
    // Places are never behind what is still to be read.
    for of in 0..N {
        let mut sum = Affine { x: x[of], y: y[of] };
        let (a, b) = (&all[2 * (at + of)], &all[2 * (at + of) + 1]);
        // It seldom happens, and is much to do.
        if a.absent | b.absent != 0 {
            sum.x = sum
                .x
                .replaced(b.absent, &a.point.x)
                .replaced(a.absent, &b.point.x);
            sum.y = sum
                .y
                .replaced(b.absent, &a.point.y)
                .replaced(a.absent, &b.point.y);
        }
        let absent = a.absent & b.absent;
        all[at + of].point = sum;
        all[at + of].absent = absent;
    }
}
