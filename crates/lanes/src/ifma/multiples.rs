//! The small multiples of a point, by numbers a + b·λ: of every six that differ by a sign or a power of λ only one is computed,
//! as λ·(x, y) = (β·x, y).

use super::{
    digits::{Digit, MULTIPLES},
    field::{Constant, Field},
    memory::{store, transpose},
    points::{Addend, Affine, each, factors},
    product::Factor,
    tree::Inverses,
};
use crate::{Entry, cpu::__mmask8};

/// β.
pub(super) const BETA: Constant = [
    0x9_6c28_7195_01ee,
    0x7_512f_5899_5c13,
    0xc_3434_e99c_f049,
    0x0_7106_e644_79ea,
    0x7ae9_6a2b_657c,
];

/// β².
pub(super) const BETA_SQUARED: Constant = [
    0x6_93d6_8e6a_fa40,
    0x8_aed0_a766_a3ec,
    0x3_cbcb_1663_0fb6,
    0xf_8ef9_19bb_8615,
    0x8516_95d4_9a83,
];

/// How one multiple comes out of two that are there.
pub(super) struct Step {
    to: usize,
    first: usize,
    second: usize,
    /// By which power of λ the second one is multiplied.
    turns: usize,
    minus: bool,
}

const fn step(to: usize, first: usize, second: usize, turns: usize, minus: bool) -> Step {
    Step {
        to,
        first,
        second,
        turns,
        minus,
    }
}

/// How all of [`MULTIPLES`] come out of the first, in rounds that need one inversion each.
pub(super) const ROUNDS: [&[Step]; 3] = [
    &[step(1, 0, 0, 1, true), step(2, 0, 0, 0, false)],
    &[
        step(3, 2, 0, 0, false),
        step(4, 2, 2, 0, false),
        step(5, 2, 2, 1, true),
        step(6, 2, 0, 2, true),
        step(7, 0, 2, 2, true),
        step(8, 2, 1, 2, true),
        step(9, 2, 1, 0, false),
    ],
    &[step(10, 3, 2, 2, true)],
];

impl Step {
    fn doubles(&self) -> bool {
        self.first == self.second && self.turns == 0
    }
}

/// One multiple: its x, those of its products with λ and λ², and the y that all three have.
#[derive(Clone, Copy)]
struct Multiple {
    x: [Field; 3],
    y: Field,
}

impl Multiple {
    #[inline]
    #[cfg_attr(not(http402_lanes_model), target_feature(enable = "avx512ifma"))]
    fn of(point: &Affine) -> Self {
        let turned = point.x.mul(&Field::constant(&BETA));
        // The three add up to nothing, as 1 + β + β² is 0.
        let last = point.x.loose().plus(&turned.loose());
        let last = last.taken_from::<4>().tight();
        Self {
            x: [point.x, turned, last],
            y: point.y,
        }
    }
}

/// The multiples of eight points, which grow round by round.
pub(super) struct Multiples {
    all: [Multiple; MULTIPLES.len()],
    /// The lanes in which two that were to be added had one x: points of the curve never do, and what is no point may.
    pub(super) bad: __mmask8,
}

/// The same as a table for each lane, where digits find their entries.
pub(super) type Table = [[Entry; 3 * MULTIPLES.len()]; 8];

impl Multiples {
    #[cfg_attr(not(http402_lanes_model), target_feature(enable = "avx512ifma"))]
    pub(super) fn of(point: &Affine) -> Self {
        Self {
            all: [Multiple::of(point); MULTIPLES.len()],
            bad: 0,
        }
    }

    /// What has to be inverted for a step.
    #[inline]
    #[cfg_attr(not(http402_lanes_model), target_feature(enable = "avx512ifma"))]
    fn across(&self, step: &Step) -> Field {
        let (a, b) = (&self.all[step.first], &self.all[step.second]);
        if step.doubles() {
            a.y.loose().shifted::<1>().tight()
        } else {
            b.x[step.turns].minus(&a.x[0]).tight()
        }
    }

    /// What is divided by it.
    #[inline]
    #[cfg_attr(not(http402_lanes_model), target_feature(enable = "avx512ifma"))]
    fn up(&self, step: &Step) -> Factor {
        let (a, b) = (&self.all[step.first], &self.all[step.second]);
        if step.doubles() {
            a.x[0].squared().folded().tripled().factor()
        } else if step.minus {
            b.y.loose().plus(&a.y.loose()).taken_from::<4>().factor()
        } else {
            b.y.minus(&a.y).factor()
        }
    }

    /// Lays the entries out by lanes.
    #[cfg_attr(not(http402_lanes_model), target_feature(enable = "avx512ifma"))]
    pub(super) fn write(&self, table: &mut Table) {
        for (of, one) in self.all.iter().enumerate() {
            let [y0, y1, y2, y3] = one.y.pack();
            for (turns, x) in one.x.iter().enumerate() {
                let [x0, x1, x2, x3] = x.pack();
                let rows = transpose([x0, x1, x2, x3, y0, y1, y2, y3]);
                for (lane, row) in rows.into_iter().enumerate() {
                    table[lane][3 * of + turns] = Entry(store(row));
                }
            }
        }
    }
}

/// What one digit of each lane asks for.
#[inline]
#[cfg_attr(not(http402_lanes_model), target_feature(enable = "avx512ifma"))]
pub(super) fn asked(table: &Table, digit: &Digit) -> Addend {
    let [t0, t1, t2, t3, t4, t5, t6, t7] = table;
    Affine::of_digits([t0, t1, t2, t3, t4, t5, t6, t7], digit)
}

/// Prepares the steps of a round, from the last one to the first.
#[cfg_attr(not(http402_lanes_model), target_feature(enable = "avx512ifma"))]
pub(super) fn prepare(all: &mut [Multiples], round: &[Step], inverses: &mut Inverses) {
    for step in round.iter().rev() {
        for (at, one) in all.iter_mut().enumerate().rev() {
            one.bad |= inverses.put(at, one.across(step), 0);
        }
    }
}

/// Takes the steps of a round.
#[cfg_attr(not(http402_lanes_model), target_feature(enable = "avx512ifma"))]
pub(super) fn grow(all: &mut [Multiples], round: &[Step], inverses: &mut Inverses) {
    for step in round {
        let mut pairs = all.chunks_exact_mut(2);
        for pair in pairs.by_ref() {
            if let [first, second] = pair {
                take([first, second], step, inverses);
            }
        }
        if let [one] = pairs.into_remainder() {
            take([one], step, inverses);
        }
    }
}

#[inline]
#[cfg_attr(not(http402_lanes_model), target_feature(enable = "avx512ifma"))]
fn take<const N: usize>(all: [&mut Multiples; N], step: &Step, inverses: &mut Inverses) {
    let inverse = inverses.take::<N>();
    let slope = factors!(N, of => all[of].up(step).times(&inverse[of]).factor());
    let x = each!(N, of => {
        let (a, b) = (&all[of].all[step.first], &all[of].all[step.second]);
        let both = a.x[0].loose().plus(&b.x[step.turns].loose());
        slope[of].squared().plus(&both.taken_from::<4>()).tight()
    });
    let y = each!(N, of => {
        let a = &all[of].all[step.first];
        let back = a.x[0].minus(&x[of]).factor();
        a.y.negative().and(&slope[of], &back).tight()
    });
    for (at, one) in all.into_iter().enumerate() {
        one.all[step.to] = Multiple::of(&Affine { x: x[at], y: y[at] });
    }
}
