//! Points, eight in the lanes of each, and what adds and doubles them.
//!
//! A multiplication waits for the one before it for longer than it keeps the CPU busy. So what there is most of is done for
//! arrays of sums, step by step: while one waits, the other goes on.

use super::{
    digits::Digit,
    field::{Constant, Field},
    memory::gather,
    multiples::BETA,
    tree::Summand,
};
use crate::{Entry, Invert};
use std::arch::x86_64::__mmask8;

/// The same of each of so many.
macro_rules! each {
    ($all:ident, $at:ident => $one:expr) => {{
        let mut out = [Field::constant(&[0; 5]); $all];
        for $at in 0..$all {
            out[$at] = $one;
        }
        out
    }};
}

pub(super) use each;

/// The points (x/z², y/z³).
#[derive(Clone, Copy)]
pub(super) struct Sum {
    pub(super) x: Field,
    pub(super) y: Field,
    pub(super) z: Field,
}

/// Points with z = 1.
#[derive(Clone, Copy)]
pub(super) struct Affine {
    pub(super) x: Field,
    pub(super) y: Field,
}

impl Affine {
    #[inline]
    #[target_feature(enable = "avx512f")]
    pub(super) fn constant([x, y]: &[Constant; 2]) -> Self {
        Self {
            x: Field::constant(x),
            y: Field::constant(y),
        }
    }

    /// What one digit of each lane asks for: `places` give the multiples from 1 on.
    #[inline]
    #[target_feature(enable = "avx512f,avx512ifma")]
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
    #[target_feature(enable = "avx512f,avx512ifma")]
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
    #[target_feature(enable = "avx512f,avx512ifma")]
    pub(super) fn of(places: [&[Entry]; 8], digit: &Digit, turned: bool) -> Self {
        let Addend {
            mut point,
            negate,
            skip,
        } = Affine::of_digits(places, digit);
        if turned {
            point.x = point.x.mul(&Field::constant(&BETA));
        }
        point.y = point.y.negative_if(negate).tight();
        Self {
            point,
            absent: skip,
        }
    }

    /// One point in every lane.
    #[inline]
    #[target_feature(enable = "avx512f")]
    pub(super) fn constant(point: &[Constant; 2]) -> Self {
        Self {
            point: Affine::constant(point),
            absent: 0,
        }
    }
}

impl Sum {
    #[inline]
    #[target_feature(enable = "avx512f")]
    pub(super) fn of(point: &Affine) -> Self {
        Self {
            x: point.x,
            y: point.y,
            z: Field::constant(&[1, 0, 0, 0, 0]),
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
    #[target_feature(enable = "avx512f")]
    pub(super) fn spoiled(mut self, lanes: __mmask8) -> Self {
        self.z = self.z.replaced(lanes, &Field::constant(&[0; 5]));
        self
    }
}

/// Twice each of them.
#[target_feature(enable = "avx512f,avx512ifma")]
pub(super) fn double<const N: usize>(all: &mut [Sum; N]) {
    // x' = slope² - 8·x·y², y' = slope·(4·x·y² - x') - 8·y⁴, z' = 2·y·z.
    let xx = each!(N, at => all[at].x.square());
    let yy = each!(N, at => all[at].y.square());
    let slope = each!(N, at => xx[at].loose().plus(&xx[at].loose().shifted::<1>()).tight());
    let xyy = each!(N, at => all[at].x.mul(&yy[at]));
    let x = each!(N, at => slope[at].square_plus(&xyy[at].negative().shifted::<3>()));
    let z = each!(N, at => all[at].y.mul(&all[at].z).loose().shifted::<1>().tight());
    let yyyy = each!(N, at => yy[at].square());
    let rest = each!(N, at => xyy[at].loose().shifted::<2>().plus(&x[at].negative()).tight());
    let y = each!(N, at => slope[at].mul_plus(&rest[at], &yyyy[at].negative().shifted::<3>()));
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
#[target_feature(enable = "avx512f,avx512ifma")]
pub(super) fn add<const N: usize>(all: &mut [Sum; N], others: &[Addend; N]) {
    let zz = each!(N, at => all[at].z.square());
    let zzz = each!(N, at => zz[at].mul(&all[at].z));
    let across = each!(N, at => others[at].point.x.mul_plus(&zz[at], &all[at].x.negative()));
    // Where the other is to be negative, this is the negative of the slope.
    let up = each!(N, at => {
        let y = all[at].y.negative_if(!others[at].negate);
        others[at].point.y.mul_plus(&zzz[at], &y)
    });
    // x' = up² - cube - 2·v, y' = up·(v - x') - y·cube, z' = z·across.
    let square = each!(N, at => across[at].square());
    let z = each!(N, at => all[at].z.mul(&across[at]));
    let cube = each!(N, at => square[at].mul(&across[at]));
    let v = each!(N, at => all[at].x.mul(&square[at]));
    let x = each!(N, at => {
        let rest = cube[at].negative().plus(&v[at].negative().shifted::<1>());
        up[at].square_plus(&rest)
    });
    let down = each!(N, at => all[at].y.mul(&cube[at]));
    let back = each!(N, at => v[at].minus_or_back(&x[at], others[at].negate));
    let y = each!(N, at => up[at].mul_plus(&back[at], &down[at].negative()));
    for at in 0..N {
        let skip = others[at].skip;
        all[at] = Sum {
            x: x[at].replaced(skip, &all[at].x),
            y: y[at].replaced(skip, &all[at].y),
            z: z[at].replaced(skip, &all[at].z),
        };
    }
}

/// All of them with z = 1, with one inversion, and the lanes in which z is not zero.
#[target_feature(enable = "avx512f,avx512ifma")]
pub(super) fn affine_all(sums: &[Sum], invert: Invert<'_>) -> Vec<(Affine, __mmask8)> {
    let one = Field::constant(&[1, 0, 0, 0, 0]);
    let mut product = one;
    let mut before = Vec::with_capacity(sums.len());
    for sum in sums {
        let zero = sum.z.zero();
        let z = sum.z.replaced(zero, &one);
        before.push((product, z, !zero));
        product = product.mul(&z);
    }
    let mut inverse = Field::from_numbers(&invert(&product.to_numbers()));
    let mut all = Vec::with_capacity(sums.len());
    for (sum, (before, z, there)) in sums.iter().zip(before).rev() {
        let this = inverse.mul(&before);
        inverse = inverse.mul(&z);
        all.push((sum.affine().scaled(&this), there));
    }
    all.reverse();
    all
}
