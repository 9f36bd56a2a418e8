//! Eight sums of multiples of points. No lane is ever the point at infinity on the way: every sum starts at one odd point,
//! whose multiple is taken away at the end.

use super::{
    field::{Constant, Field},
    memory::{gather, store, transpose},
    tree::{Group, Summand, halve},
};
use crate::{Digits, Entry, FIXED, FIXED_EACH, Fixed, Invert, KNOWN, Known, NEW, Numbers, Points};
use std::arch::x86_64::__mmask8;

/// β, with λ·(x, y) = (β·x, y).
const BETA: Constant = [
    0x9_6c28_7195_01ee,
    0x7_512f_5899_5c13,
    0xc_3434_e99c_f049,
    0x0_7106_e644_79ea,
    0x7ae9_6a2b_657c,
];

/// The point to start at. Its x is the SHA-256 of `http402-lanes`, its y even: nobody knows what multiple of another it is.
const START: [Constant; 2] = [
    [
        0x5_27d8_f47e_a518,
        0x7_8877_4977_5d1f,
        0xf_672d_bf5f_6e31,
        0x7_bcb1_7a31_bd44,
        0x6851_f4c1_2f28,
    ],
    [
        0xe_4839_a7d3_51d2,
        0x6_e3b9_b5e3_31bf,
        0xa_e836_ac80_3e60,
        0xf_1d91_8824_0d53,
        0x5c0c_4fb9_41d5,
    ],
];

/// -2^125 times START.
const END_NEW: [Constant; 2] = [
    [
        0xd_3430_b669_42f9,
        0xd_51d4_ee75_baad,
        0xd_e50f_0fa1_5bf3,
        0x6_9eda_1ba1_40d6,
        0x811b_8133_41f6,
    ],
    [
        0x3_92ad_6e66_2a81,
        0x9_13c9_259f_2987,
        0x5_fb47_77f0_4c2e,
        0x3_b3fc_e142_1e7f,
        0x1dd6_69c5_cdcc,
    ],
];

/// -2^6 times START.
const END_KNOWN: [Constant; 2] = [
    [
        0xd_6ba5_ab7b_1da3,
        0x3_e30b_67ae_164b,
        0xf_388b_03d0_09a6,
        0xe_4fc1_adbc_12cf,
        0xbb3b_5d88_c5bc,
    ],
    [
        0x2_9f17_3727_e124,
        0xd_af92_30a0_aa1c,
        0x7_778f_e434_6cf3,
        0xa_2200_0b6b_62d6,
        0xd291_54a2_701a,
    ],
];

/// The multiples of R that are in its table: 1 to 16.
const MULTIPLES: usize = 16;

/// The points (x/z², y/z³).
#[derive(Clone, Copy)]
pub(super) struct Sum {
    x: Field,
    y: Field,
    z: Field,
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
    fn constant([x, y]: &[Constant; 2]) -> Self {
        Self {
            x: Field::constant(x),
            y: Field::constant(y),
        }
    }

    /// What one digit of each lane asks for, but for its sign: `places` give the multiples from 1 on. And the lanes in which it
    /// is to be negative, and those in which it is nothing.
    #[inline]
    #[target_feature(enable = "avx512f,avx512ifma")]
    fn of_digits(
        places: [&[Entry]; 8],
        digits: &Digits,
        turned: bool,
    ) -> (Self, __mmask8, __mmask8) {
        let (mut negate, mut skip) = (0, 0);
        let mut entries = [&places[0][0]; 8];
        for lane in 0..8 {
            let digit = digits[lane];
            negate |= u8::from(digit < 0) << lane;
            skip |= u8::from(digit == 0) << lane;
            entries[lane] = &places[lane][usize::from(digit.unsigned_abs()).saturating_sub(1)];
        }
        let [x0, x1, x2, x3, y0, y1, y2, y3] = gather(entries);
        let mut point = Self {
            x: Field::unpack(x0, x1, x2, x3),
            y: Field::unpack(y0, y1, y2, y3),
        };
        if turned {
            point.x = point.x.mul(&Field::constant(&BETA));
        }
        (point, negate, skip)
    }

    /// With the coordinates of the curve where z is 1 what is z here.
    #[inline]
    #[target_feature(enable = "avx512f,avx512ifma")]
    fn scaled(&self, z: &Field) -> Self {
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
    fn of(places: [&[Entry]; 8], digits: &Digits, turned: bool) -> Self {
        let (mut point, negate, absent) = Affine::of_digits(places, digits, turned);
        point.y = point.y.negative_if(negate).tight();
        Self { point, absent }
    }
}

impl Sum {
    #[inline]
    #[target_feature(enable = "avx512f")]
    fn of(point: &Affine) -> Self {
        Self {
            x: point.x,
            y: point.y,
            z: Field::constant(&[1, 0, 0, 0, 0]),
        }
    }

    #[target_feature(enable = "avx512f,avx512ifma")]
    fn double(&self) -> Self {
        let xx = self.x.square();
        let yy = self.y.square();
        let slope = xx.loose().plus(&xx.loose().shifted::<1>()).tight();
        let xyy = self.x.mul(&yy);
        // x' = slope² - 8·x·y², y' = slope·(4·x·y² - x') - 8·y⁴, z' = 2·y·z.
        let x = slope.square().loose();
        let x = x.plus(&xyy.negative().shifted::<3>()).tight();
        let rest = xyy.loose().shifted::<2>().plus(&x.negative()).tight();
        let y = slope.mul(&rest).loose();
        let y = y.plus(&yy.square().negative().shifted::<3>()).tight();
        Self {
            x,
            y,
            z: self.y.mul(&self.z).loose().shifted::<1>().tight(),
        }
    }

    /// The sum with the negatives of some lanes, and with nothing in others; and what z was multiplied by in the rest, which
    /// is zero where both points have one x.
    #[target_feature(enable = "avx512f,avx512ifma")]
    pub(super) fn add(&self, other: &Affine, negate: __mmask8, skip: __mmask8) -> (Self, Field) {
        let zz = self.z.square();
        let across = other.x.mul(&zz).loose();
        let across = across.plus(&self.x.negative()).tight();
        let up = other.y.mul(&zz.mul(&self.z)).negative_if(negate);
        let up = up.plus(&self.y.negative()).tight();
        let square = across.square();
        let cube = square.mul(&across);
        let v = self.x.mul(&square);
        // x' = up² - cube - 2·v, y' = up·(v - x') - y·cube, z' = z·across.
        let x = up.square().loose().plus(&cube.negative());
        let x = x.plus(&v.negative().shifted::<1>()).tight();
        let y = up.mul(&v.loose().plus(&x.negative()).tight()).loose();
        let y = y.plus(&self.y.mul(&cube).negative()).tight();
        let sum = Self {
            x: x.replaced(skip, &self.x),
            y: y.replaced(skip, &self.y),
            z: self.z.mul(&across).replaced(skip, &self.z),
        };
        (sum, across)
    }

    #[inline]
    #[target_feature(enable = "avx512f,avx512ifma")]
    fn points(&self) -> Points {
        Points {
            x: self.x.to_numbers(),
            y: self.y.to_numbers(),
            z: self.z.to_numbers(),
        }
    }

    /// Nothing in these lanes: z is zero.
    #[inline]
    #[target_feature(enable = "avx512f")]
    pub(super) fn spoiled(mut self, lanes: __mmask8) -> Self {
        self.z = self.z.replaced(lanes, &Field::constant(&[0; 5]));
        self
    }

    /// The sum with what one digit of each lane asks for.
    #[inline]
    #[target_feature(enable = "avx512f,avx512ifma")]
    fn add_digits(&self, places: [&[Entry]; 8], digits: &Digits, turned: bool) -> Self {
        let (point, negate, skip) = Affine::of_digits(places, digits, turned);
        self.add(&point, negate, skip).0
    }

    #[inline]
    #[target_feature(enable = "avx512f,avx512ifma")]
    fn add_fixed(mut self, fixed: &Fixed<'_>) -> Self {
        for (digits, place) in fixed
            .digits
            .iter()
            .zip(fixed.table.chunks_exact(FIXED_EACH))
        {
            self = self.add_digits([place; 8], digits, false);
        }
        self
    }
}

/// The multiples 1 to 16 of eight points, and the one z that they are to be read with.
#[target_feature(enable = "avx512f,avx512ifma")]
fn multiples(point: &Affine, table: &mut [[Entry; MULTIPLES]; 8]) -> Field {
    let first = Sum::of(point);
    let second = first.double();
    // What each z is more than the one before.
    let mut ratios = [second.z; MULTIPLES];
    let mut all = [first; MULTIPLES];
    all[1] = second;
    for at in 2..MULTIPLES {
        (all[at], ratios[at]) = all[at - 1].add(point, 0, 0);
    }
    let mut factor = first.z;
    for at in (0..MULTIPLES).rev() {
        let one = Affine {
            x: all[at].x,
            y: all[at].y,
        };
        let one = one.scaled(&factor);
        let ([x0, x1, x2, x3], [y0, y1, y2, y3]) = (one.x.pack(), one.y.pack());
        let rows = transpose([x0, x1, x2, x3, y0, y1, y2, y3]);
        for lane in 0..8 {
            table[lane][at] = store(rows[lane]);
        }
        factor = factor.mul(&ratios[at]);
    }
    all[MULTIPLES - 1].z
}

#[target_feature(enable = "avx512f,avx512ifma")]
pub(super) fn new_points(
    x: &Numbers,
    odd: u8,
    halves: [&[Digits; NEW]; 2],
    fixed: &Fixed<'_>,
) -> (Points, u8) {
    let x = Field::from_numbers(x);
    let seven = Field::constant(&[7, 0, 0, 0, 0]);
    let yy = x.square().mul(&x).loose().plus(&seven.loose()).tight();
    let root = yy.root();
    let there = root.square().same(&yy);
    let y = root.negative_if(root.odd() ^ odd).tight();
    let mut table = [[[0; 8]; MULTIPLES]; 8];
    let z = multiples(&Affine { x, y }, &mut table);
    let [t0, t1, t2, t3, t4, t5, t6, t7] = &table;
    let places: [&[Entry]; 8] = [t0, t1, t2, t3, t4, t5, t6, t7];
    let mut sum = Sum::of(&Affine::constant(&START).scaled(&z));
    for at in (0..NEW).rev() {
        if at + 1 < NEW {
            for _ in 0..5 {
                sum = sum.double();
            }
        }
        sum = sum.add_digits(places, &halves[0][at], false);
        sum = sum.add_digits(places, &halves[1][at], true);
    }
    sum.z = sum.z.mul(&z);
    let sum = sum.add_fixed(fixed);
    let (sum, _) = sum.add(&Affine::constant(&END_NEW), 0, 0);
    (sum.points(), there)
}

/// How many times eight sums are computed together: what they hold in between stays in the second cache.
const TOGETHER: usize = 4;

#[target_feature(enable = "avx512f,avx512ifma")]
pub(super) fn known_points(all: &[Known<'_>], fixed: &[Entry], invert: Invert<'_>) -> Vec<Points> {
    let mut points = Vec::with_capacity(all.len());
    for some in all.chunks(TOGETHER) {
        let mut groups = Vec::with_capacity(2 * some.len());
        for known in some {
            let [odd, even] = summands(known, fixed);
            groups.extend([Group::new(odd), Group::new(even)]);
        }
        halve(&mut groups, invert);
        // The sum of odd places is doubled six times, and then has its place beside that of even ones.
        for pair in groups.chunks_exact_mut(2) {
            let [odd, even] = pair else { continue };
            let Some(first) = odd.pop_first() else {
                continue;
            };
            let mut sum = odd.add_to(Sum::of(&first.point));
            for _ in 0..6 {
                sum = sum.double();
            }
            points.push(even.add_to(sum).points());
        }
    }
    points
}

/// What is to be added up: for odd places from `START` on, and for even ones, and those of G, with what takes it away again.
/// So no sum of the first kind is ever nothing.
#[target_feature(enable = "avx512f,avx512ifma")]
fn summands(known: &Known<'_>, fixed: &[Entry]) -> [Vec<Summand>; 2] {
    let there = |point| Summand { point, absent: 0 };
    let mut odd = Vec::with_capacity(1 + KNOWN);
    odd.push(there(Affine::constant(&START)));
    let mut even = Vec::with_capacity(1 + KNOWN + FIXED);
    even.push(there(Affine::constant(&END_KNOWN)));
    for at in 0..KNOWN {
        let mut places = known.tables;
        for place in &mut places {
            *place = &place[32 * (at / 2)..][..32];
        }
        let group = if at % 2 == 1 { &mut odd } else { &mut even };
        group.push(Summand::of(places, &known.halves[0][at], false));
        group.push(Summand::of(places, &known.halves[1][at], true));
    }
    for (digits, place) in known.fixed.iter().zip(fixed.chunks_exact(FIXED_EACH)) {
        even.push(Summand::of([place; 8], digits, false));
    }
    [odd, even]
}
