//! Points, eight in the lanes of each, and what adds and doubles them.
//!
//! A multiplication waits for the one before it for longer than it keeps the CPU busy. So what there is most of is done for
//! arrays of sums, step by step: while one waits, the other goes on.

use super::{
    digits::{Digit, Turned},
    field::{Constant, Field, Loose, inverses},
    memory::gather,
    multiples::{BETA, BETA_SQUARED},
    product::Factor,
    tree::Summand,
};
use crate::{Entry, Invert, cpu::__mmask8};

/// The same of each of so many.
macro_rules! each {
    ($all:ident, $at:ident => $one:expr) => {
        each!(Field::constant(&[0; 5]); $all, $at => $one)
    };
    ($zero:expr; $all:ident, $at:ident => $one:expr) => {{
        let mut out = [$zero; $all];
        for $at in 0..$all {
            out[$at] = $one;
        }
        out
    }};
}

/// The same factor of each.
macro_rules! factors {
    ($all:ident, $at:ident => $one:expr) => {
        each!(*Field::constant(&[0; 5]); $all, $at => $one)
    };
}

/// The same loose sum of each.
macro_rules! sums {
    ($all:ident, $at:ident => $one:expr) => {
        each!(Loose::zero(); $all, $at => $one)
    };
}

pub(super) use {each, factors};

/// The points (x/z², y/z³).
#[derive(Clone, Copy)]
pub(super) struct Sum {
    pub(super) x: Field,
    pub(super) y: Field,
    pub(super) z: Factor,
}

/// Points with z = 1.
#[derive(Clone, Copy)]
pub(super) struct Affine {
    pub(super) x: Field,
    pub(super) y: Field,
}

impl Affine {
    #[inline]
    #[cfg_attr(not(http402_lanes_model), target_feature(enable = "avx512f"))]
    pub(super) fn constant([x, y]: &[Constant; 2]) -> Self {
        Self {
            x: Field::constant(x),
            y: Field::constant(y),
        }
    }

    /// What one digit of each lane asks for: `places` give the multiples from 1 on.
    #[inline]
    #[cfg_attr(not(http402_lanes_model), target_feature(enable = "avx512ifma"))]
    pub(super) fn of_digits(places: [&[Entry]; 8], digit: &Digit) -> Addend {
        let mut entries = [&places[0][0]; 8];
        for lane in 0..8 {
            entries[lane] = &places[lane][digit.entry[lane] as usize];
        }
        let [x0, x1, x2, x3, y0, y1, y2, y3] = gather(entries);
        let point = Self {
            x: Field::unpack(x0, x1, x2, x3),
            y: Field::unpack(y0, y1, y2, y3),
        };
        Addend {
            point,
            negate: digit.negate,
            skip: digit.skip,
        }
    }

    /// With the coordinates of the curve where z is 1 what is z here.
    #[inline]
    #[cfg_attr(not(http402_lanes_model), target_feature(enable = "avx512ifma"))]
    pub(super) fn scaled(&self, z: &Field) -> Self {
        let square = z.square();
        Self {
            x: self.x.mul(&square),
            y: self.y.mul(&square.mul(z)),
        }
    }
}

impl Summand {
    /// What one digit of each lane asks for.
    #[inline]
    #[cfg_attr(not(http402_lanes_model), target_feature(enable = "avx512ifma"))]
    pub(super) fn of(places: [&[Entry]; 8], digit: &Digit) -> Self {
        let Addend {
            mut point,
            negate,
            skip,
        } = Affine::of_digits(places, digit);
        point.y = point.y.negative_if(negate).tight();
        Self {
            point,
            absent: skip,
        }
    }

    /// The same, times a power of λ.
    #[inline]
    #[cfg_attr(not(http402_lanes_model), target_feature(enable = "avx512ifma"))]
    pub(super) fn turned(places: [&[Entry]; 8], turned: &Turned) -> Self {
        let mut summand = Self::of(places, &turned.digit);
        let by = Field::constant(&[1, 0, 0, 0, 0])
            .replaced(turned.once, &Field::constant(&BETA))
            .replaced(turned.twice, &Field::constant(&BETA_SQUARED));
        summand.point.x = summand.point.x.mul(&by);
        summand
    }

    /// One point in every lane.
    #[inline]
    #[cfg_attr(not(http402_lanes_model), target_feature(enable = "avx512f"))]
    pub(super) fn constant(point: &[Constant; 2]) -> Self {
        Self {
            point: Affine::constant(point),
            absent: 0,
        }
    }
}

impl Sum {
    #[inline]
    #[cfg_attr(not(http402_lanes_model), target_feature(enable = "avx512f"))]
    pub(super) fn of(point: &Affine) -> Self {
        Self {
            x: point.x,
            y: point.y,
            z: *Field::constant(&[1, 0, 0, 0, 0]),
        }
    }

    /// The point of the same x and y with z = 1, on whichever curve it is.
    #[inline]
    pub(super) fn affine(&self) -> Affine {
        Affine {
            x: self.x,
            y: self.y,
        }
    }

    /// Nothing in these lanes: z is zero.
    #[inline]
    #[cfg_attr(not(http402_lanes_model), target_feature(enable = "avx512f"))]
    pub(super) fn spoiled(mut self, lanes: __mmask8) -> Self {
        self.z = self.z.replaced(lanes, &Field::constant(&[0; 5]));
        self
    }
}

/// Twice each of them.
#[cfg_attr(not(http402_lanes_model), target_feature(enable = "avx512ifma"))]
pub(super) fn double<const N: usize>(all: &mut [Sum; N]) {
    // x' = slope² - 8·x·y², y' = slope·(4·x·y² - x') - 8·y⁴, z' = 2·y·z.
    let yy = each!(N, at => all[at].y.square());
    let slope = factors!(N, at => all[at].x.squared().folded().tripled().factor());
    let xyy4 = sums!(N, at => all[at].x.mul(&yy[at]).loose().shifted::<2>());
    let x = each!(N, at => slope[at].squared_plus_twice(&xyy4[at].taken_from::<8>()).tight());
    let z = factors!(N, at => all[at].y.times(&all[at].z).folded().doubled().factor());
    let rest = factors!(N, at => xyy4[at].plus(&x[at].negative()).factor());
    let minus = factors!(N, at => yy[at].loose().shifted::<3>().taken_from::<16>().factor());
    let y = each!(N, at => slope[at].times(&rest[at]).and(&minus[at], &yy[at]).tight());
    for at in 0..N {
        all[at] = Sum {
            x: x[at],
            y: y[at],
            z: z[at],
        };
    }
}

/// Points to be added to as many sums.
#[derive(Clone, Copy)]
pub(super) struct Addend {
    pub(super) point: Affine,
    /// The lanes in which the negative is added.
    pub(super) negate: __mmask8,
    /// The lanes in which nothing is.
    pub(super) skip: __mmask8,
}

/// Adds to each of them. Where both points have one x, z becomes zero.
#[cfg_attr(not(http402_lanes_model), target_feature(enable = "avx512ifma"))]
pub(super) fn add<const N: usize>(all: &mut [Sum; N], others: &[Addend; N]) {
    let zz = factors!(N, at => all[at].z.squared().factor());
    let zzz = factors!(N, at => zz[at].times(&all[at].z).factor());
    let across = factors!(N, at => {
        let x = all[at].x.negative();
        x.and(&others[at].point.x, &zz[at]).factor()
    });
    // Where the other is to be negative, this is the negative of the slope.
    let up = factors!(N, at => {
        let y = all[at].y.negative_if(!others[at].negate);
        y.and(&others[at].point.y, &zzz[at]).factor()
    });
    // x' = up² - cube - 2·v, y' = up·(v - x') - y·cube, z' = z·across.
    let square = factors!(N, at => across[at].squared().factor());
    let z = factors!(N, at => all[at].z.times(&across[at]).factor());
    let cube = sums!(N, at => square[at].mul(&across[at]).negative());
    let v = each!(N, at => all[at].x.mul(&square[at]));
    let x = each!(N, at => {
        let product = up[at].squared_plus_twice(&v[at].negative());
        product.plus(&cube[at]).tight()
    });
    let back = factors!(N, at => v[at].minus_or_back(&x[at], others[at].negate).factor());
    let y = each!(N, at => {
        let product = up[at].times(&back[at]);
        product.and(&all[at].y, &cube[at].factor()).tight()
    });
    for at in 0..N {
        let mut sum = Sum {
            x: x[at],
            y: y[at],
            z: z[at],
        };
        // It seldom happens, and is much to do.
        let skip = others[at].skip;
        if skip != 0 {
            sum.x = sum.x.replaced(skip, &all[at].x);
            sum.y = sum.y.replaced(skip, &all[at].y);
            sum.z = sum.z.replaced(skip, &all[at].z);
        }
        all[at] = sum;
    }
}

/// All of them with z = 1, with one inversion, and the lanes in which z is not zero.
#[cfg_attr(not(http402_lanes_model), target_feature(enable = "avx512ifma"))]
pub(super) fn affine_all(sums: &[Sum], invert: Invert<'_>) -> Vec<(Affine, __mmask8)> {
    let one = Field::constant(&[1, 0, 0, 0, 0]);
    let mut product = *one;
    let mut before = Vec::with_capacity(sums.len());
    for sum in sums {
        let z = sum.z.tight();
        let zero = z.zero();
        let z = z.replaced(zero, &one);
        before.push((product, z, !zero));
        product = product.times(&z).factor();
    }
    let mut inverse = inverses(&product, invert);
    let mut all = Vec::with_capacity(sums.len());
    for (sum, (before, z, there)) in sums.iter().zip(before).rev() {
        let this = inverse.mul(&before);
        inverse = inverse.times(&z).factor();
        all.push((sum.affine().scaled(&this), there));
    }
    all.reverse();
    all
}
