//! Sums of multiples of points, eight in the lanes of each [`Sum`]. No lane is ever the point at infinity on the way: every sum
//! starts at one odd point, whose multiple is taken away at the end.
//!
//! A multiplication waits for the one before it for longer than it keeps the CPU busy. So what there is most of is done for
//! arrays of sums, step by step: while one waits, the other goes on.

use super::{
    field::{Constant, Field, roots},
    memory::{gather, store, transpose},
    tree::{Group, Summand, add_groups, halve},
};
use crate::{Digits, Entry, FIXED, FIXED_EACH, Invert, KNOWN, Known, NEW, New, Points};
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

/// How many sums of eight are computed step by step together.
const ABREAST: usize = 2;

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

    /// What one digit of each lane asks for: `places` give the multiples from 1 on.
    #[inline]
    #[target_feature(enable = "avx512f,avx512ifma")]
    fn of_digits(places: [&[Entry]; 8], digits: &Digits, turned: bool) -> Addend {
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
        Addend {
            point,
            negate,
            skip,
        }
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
        let Addend {
            mut point,
            negate,
            skip,
        } = Affine::of_digits(places, digits, turned);
        point.y = point.y.negative_if(negate).tight();
        Self {
            point,
            absent: skip,
        }
    }

    /// One point in every lane.
    #[inline]
    #[target_feature(enable = "avx512f")]
    fn constant(point: &[Constant; 2]) -> Self {
        Self {
            point: Affine::constant(point),
            absent: 0,
        }
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

    #[inline]
    #[target_feature(enable = "avx512f,avx512ifma")]
    fn points(&self) -> Points {
        Points {
            x: self.x.to_numbers(),
            y: self.y.to_numbers(),
            z: self.z.to_numbers(),
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
fn double<const N: usize>(all: &mut [Sum; N]) {
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

/// Adds to each of them; and what its z was multiplied by, which is zero where both points have one x.
#[target_feature(enable = "avx512f,avx512ifma")]
pub(super) fn add<const N: usize>(all: &mut [Sum; N], others: &[Addend; N]) -> [Field; N] {
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
    across
}

/// The multiples 1 to 16 of a point of each lane.
type Table = [[Entry; MULTIPLES]; 8];

/// The multiples of the points of each, and the one z that they are to be read with.
#[target_feature(enable = "avx512f,avx512ifma")]
fn multiples<const N: usize>(points: &[Affine; N], tables: &mut [Table; N]) -> [Field; N] {
    let first = points.map(|point| Sum {
        x: point.x,
        y: point.y,
        z: Field::constant(&[1, 0, 0, 0, 0]),
    });
    let plain = points.map(|point| Addend {
        point,
        negate: 0,
        skip: 0,
    });
    let mut sums = first;
    double(&mut sums);
    // What each z is more than the one before.
    let mut ratios = [sums.map(|sum| sum.z); MULTIPLES];
    let mut all = [first; MULTIPLES];
    all[1] = sums;
    for at in 2..MULTIPLES {
        ratios[at] = add(&mut sums, &plain);
        all[at] = sums;
    }
    let mut factor = first.map(|sum| sum.z);
    for at in (0..MULTIPLES).rev() {
        let square = each!(N, of => factor[of].square());
        let cube = each!(N, of => square[of].mul(&factor[of]));
        let x = each!(N, of => all[at][of].x.mul(&square[of]));
        let y = each!(N, of => all[at][of].y.mul(&cube[of]));
        for of in 0..N {
            let ([x0, x1, x2, x3], [y0, y1, y2, y3]) = (x[of].pack(), y[of].pack());
            let rows = transpose([x0, x1, x2, x3, y0, y1, y2, y3]);
            for lane in 0..8 {
                tables[of][lane][at] = store(rows[lane]);
            }
        }
        factor = each!(N, of => factor[of].mul(&ratios[at][of]));
    }
    sums.map(|sum| sum.z)
}

/// The roots of each, where they have one, with those lanes.
#[target_feature(enable = "avx512f,avx512ifma")]
fn lift<const N: usize>(all: &[&New; N]) -> ([Affine; N], [__mmask8; N]) {
    let seven = Field::constant(&[7, 0, 0, 0, 0]);
    let x = each!(N, at => Field::from_numbers(&all[at].x));
    let yy = each!(N, at => x[at].square().mul_plus(&x[at], &seven.loose()));
    let root = roots(&yy);
    let mut there = [0; N];
    let mut points = [Affine::constant(&START); N];
    for at in 0..N {
        there[at] = root[at].square().same(&yy[at]);
        let y = root[at].negative_if(root[at].odd() ^ all[at].odd).tight();
        points[at] = Affine { x: x[at], y };
    }
    (points, there)
}

/// What one digit of each lane asks for.
#[inline]
#[target_feature(enable = "avx512f,avx512ifma")]
fn asked(table: &Table, digits: &Digits, turned: bool) -> Addend {
    let [t0, t1, t2, t3, t4, t5, t6, t7] = table;
    Affine::of_digits([t0, t1, t2, t3, t4, t5, t6, t7], digits, turned)
}

/// u·R of each, beginning at `START`, and the lanes in which there is an R.
#[target_feature(enable = "avx512f,avx512ifma")]
fn new_sums<const N: usize>(all: [&New; N]) -> ([Sum; N], [__mmask8; N]) {
    let (points, there) = lift(&all);
    let mut tables = [[[[0; 8]; MULTIPLES]; 8]; N];
    let z = multiples(&points, &mut tables);
    let mut sums = z.map(|z| Sum::of(&Affine::constant(&START).scaled(&z)));
    for at in (0..NEW).rev() {
        if at + 1 < NEW {
            for _ in 0..5 {
                double(&mut sums);
            }
        }
        for (half, turned) in [(0, false), (1, true)] {
            let mut addends = [asked(&tables[0], &all[0].halves[half][at], turned); N];
            for of in 1..N {
                addends[of] = asked(&tables[of], &all[of].halves[half][at], turned);
            }
            add(&mut sums, &addends);
        }
    }
    for (sum, z) in sums.iter_mut().zip(&z) {
        sum.z = sum.z.mul(z);
    }
    (sums, there)
}

#[target_feature(enable = "avx512f,avx512ifma")]
pub(super) fn new_points(all: &[New], fixed: &[Entry], invert: Invert<'_>) -> Vec<(Points, u8)> {
    let mut points = Vec::with_capacity(all.len());
    // These hold half as much as those of known keys.
    for some in all.chunks(2 * TOGETHER) {
        // Multiples of G, and last what takes away what the sums started at: as long as that is in them, nobody can make them
        // meet what is added.
        let mut groups = Vec::with_capacity(some.len());
        for new in some {
            let mut group = Vec::with_capacity(1 + FIXED);
            for (digits, place) in new.fixed.iter().zip(fixed.chunks_exact(FIXED_EACH)) {
                group.push(Summand::of([place; 8], digits, false));
            }
            group.push(Summand::constant(&END_NEW));
            groups.push(Group::new(group));
        }
        halve(&mut groups, invert);
        let mut groups = groups.chunks_exact(ABREAST);
        let mut news = some.chunks_exact(ABREAST);
        for (news, groups) in news.by_ref().zip(groups.by_ref()) {
            if let ([first, second], [of_first, of_second]) = (news, groups) {
                let (mut sums, there) = new_sums([first, second]);
                add_groups(&mut sums, [of_first, of_second]);
                points.extend([(sums[0].points(), there[0]), (sums[1].points(), there[1])]);
            }
        }
        if let ([new], [group]) = (news.remainder(), groups.remainder()) {
            let (mut sums, [there]) = new_sums([new]);
            add_groups(&mut sums, [group]);
            points.push((sums[0].points(), there));
        }
    }
    points
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
        let mut pairs = groups.chunks_exact_mut(2 * ABREAST);
        for four in pairs.by_ref() {
            if let [odd, even, other_odd, other_even] = four {
                points.extend(known_sums([odd, other_odd], [even, other_even]));
            }
        }
        if let [odd, even] = pairs.into_remainder() {
            points.extend(known_sums([odd], [even]));
        }
    }
    points
}

/// The sum of odd places is doubled six times, and then has its place beside that of even ones.
#[target_feature(enable = "avx512f,avx512ifma")]
fn known_sums<const N: usize>(odd: [&mut Group; N], even: [&mut Group; N]) -> [Points; N] {
    let mut sums = [Sum::of(&Affine::constant(&START)); N];
    for at in 0..N {
        // No group is empty, and its first is there in every lane: that began as `START`.
        if let Some(first) = odd[at].pop_first() {
            sums[at] = Sum::of(&first.point);
        }
    }
    add_groups(&mut sums, odd.map(|group| &*group));
    for _ in 0..6 {
        double(&mut sums);
    }
    add_groups(&mut sums, even.map(|group| &*group));
    sums.map(|sum| sum.points())
}

/// What is to be added up: for odd places from `START` on, and for even ones, and those of G, with what takes it away again.
/// So no sum of the first kind is ever nothing.
#[target_feature(enable = "avx512f,avx512ifma")]
fn summands(known: &Known<'_>, fixed: &[Entry]) -> [Vec<Summand>; 2] {
    let mut odd = Vec::with_capacity(1 + KNOWN);
    odd.push(Summand::constant(&START));
    let mut even = Vec::with_capacity(1 + KNOWN + FIXED);
    even.push(Summand::constant(&END_KNOWN));
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
