//! Sums of multiples of points, eight in the lanes of each [`Sum`]. No lane is ever the point at infinity on the way: every sum
//! starts at one odd point, whose multiple is taken away at the end.

use super::{
    digits::{Digit, MULTIPLES, booth, hexagonal, turned},
    field::{Constant, Field, roots},
    multiples::{Multiples, asked},
    points::{Affine, Sum, add, affine_all, double},
    tree::{Group, Summand, add_groups, halve},
};
use crate::{
    Answers, Cells, Entry, FIXED, FIXED_EACH, FIXED_WIDTH, Invert, KNOWN, KNOWN_EACH, Known, NEW,
    New, Points, Signed, cpu::__mmask8,
};

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

/// -2^126 times START.
const END_NEW: [Constant; 2] = [
    [
        0x5_1391_3970_91f3,
        0x2_a024_b245_b563,
        0x9_282c_d7b7_5d04,
        0xe_c276_34dd_a9ac,
        0x8614_be02_6c42,
    ],
    [
        0x9_7005_1fe9_016e,
        0x4_bf69_3271_9924,
        0x4_565c_3ab7_0488,
        0xd_9ce9_62cf_dce6,
        0x5806_a72c_51aa,
    ],
];

/// -2^12 times START.
const END_KNOWN: [Constant; 2] = [
    [
        0x8_24e1_da08_5f34,
        0xe_3f9f_4060_faae,
        0x0_8310_e0e3_4001,
        0xf_1071_3341_f0d9,
        0xfb2f_e528_9890,
    ],
    [
        0xe_a033_0b2e_e841,
        0x1_bdc4_12c4_7190,
        0x3_8179_865c_c761,
        0xd_806f_08d6_badd,
        0x26fa_1e06_2bbd,
    ],
];

/// One of so many places has a part of a known point's table.
const APART: usize = 4;

/// How many sums of eight are computed step by step together.
const ABREAST: usize = 2;

/// How many times eight sums are computed together: what they hold in between stays in the second cache.
const TOGETHER: usize = 8;

/// The points of each, and the lanes in which there is one.
#[cfg_attr(not(http402_lanes_model), target_feature(enable = "avx512ifma"))]
fn lift(all: &[New]) -> Vec<(Affine, __mmask8)> {
    let seven = Field::constant(&[7, 0, 0, 0, 0]);
    let mut squares = Vec::with_capacity(all.len());
    for new in all {
        let x = Field::from_numbers(&new.x);
        squares.push(seven.loose().and(&x.square(), &x).tight());
    }
    let mut points = Vec::with_capacity(all.len());
    for ((new, yy), root) in all.iter().zip(&squares).zip(roots(&squares)) {
        let there = root.square().same(yy);
        let y = root.negative_if(root.odd() ^ new.odd).tight();
        let x = Field::from_numbers(&new.x);
        points.push((Affine { x, y }, there));
    }
    points
}

/// u·R of each, beginning at `START`.
#[cfg_attr(not(http402_lanes_model), target_feature(enable = "avx512ifma"))]
fn new_sums<const N: usize>(all: [&New; N], multiples: [&Multiples; N]) -> [Sum; N] {
    let mut tables = [[[Entry([0; 8]); 3 * MULTIPLES.len()]; 8]; N];
    let mut digits = [[Digit::ZERO; NEW]; N];
    let mut sums = [Sum::of(&Affine::constant(&START)); N];
    for of in 0..N {
        multiples[of].write(&mut tables[of]);
        let wrong;
        (digits[of], wrong) = hexagonal(&all[of].halves);
        sums[of] = sums[of].spoiled(wrong | multiples[of].bad);
    }
    for at in (0..NEW).rev() {
        if at + 1 < NEW {
            for _ in 0..3 {
                double(&mut sums);
            }
        }
        let mut addends = [asked(&tables[0], &digits[0][at]); N];
        for of in 1..N {
            addends[of] = asked(&tables[of], &digits[of][at]);
        }
        add(&mut sums, &addends);
    }
    sums
}

#[cfg_attr(not(http402_lanes_model), target_feature(enable = "avx512ifma"))]
pub(super) fn new_points(all: &[New], fixed: &[Entry], invert: Invert<'_>) -> Vec<Points> {
    let mut sums = Vec::with_capacity(all.len());
    let mut there = Vec::with_capacity(all.len());
    for some in all.chunks(TOGETHER) {
        // Multiples of G, and last what takes away what the sums started at: as long as that is in them, nobody can make them
        // meet what is added.
        let mut groups = Vec::with_capacity(some.len());
        for new in some {
            let mut group = Vec::with_capacity(1 + FIXED);
            generator(&mut group, &new.fixed, fixed);
            group.push(Summand::constant(&END_NEW));
            groups.push(Group::new(group));
        }
        let mut multiples = Vec::with_capacity(some.len());
        for (point, found) in lift(some) {
            multiples.push(Multiples::of(&point));
            there.push(found);
        }
        halve(&mut groups, &mut multiples, invert);
        let mut groups = groups.chunks_exact(ABREAST);
        let mut news = some.chunks_exact(ABREAST);
        let mut multiples = multiples.chunks_exact(ABREAST);
        let all = news.by_ref().zip(multiples.by_ref()).zip(groups.by_ref());
        for all in all {
            if let (([n0, n1], [m0, m1]), [g0, g1]) = all {
                let mut pair = new_sums([n0, n1], [m0, m1]);
                add_groups(&mut pair, [g0, g1]);
                sums.extend(pair);
            }
        }
        let rest = (news.remainder(), multiples.remainder(), groups.remainder());
        if let ([new], [multiples], [group]) = rest {
            let mut sum = new_sums([new], [multiples]);
            add_groups(&mut sum, [group]);
            sums.extend(sum);
        }
    }
    let mut out = Vec::with_capacity(sums.len());
    for ((point, computed), there) in affine_all(&sums, invert).iter().zip(there) {
        out.push(Points {
            x: point.x.to_numbers(),
            y: point.y.to_numbers(),
            there,
            computed: *computed,
        });
    }
    out
}

/// The multiples of G that make up a number times it.
#[cfg_attr(not(http402_lanes_model), target_feature(enable = "avx512ifma"))]
fn generator(group: &mut Vec<Summand>, number: &Signed<4>, fixed: &[Entry]) {
    let digits = booth::<FIXED_WIDTH, FIXED, 4>(number);
    for (digit, place) in digits.iter().zip(fixed.chunks_exact(FIXED_EACH)) {
        group.push(Summand::of([place; 8], digit));
    }
}

#[cfg_attr(not(http402_lanes_model), target_feature(enable = "avx512ifma"))]
pub(super) fn known_points(
    all: &[Known<'_>],
    cells: &Cells,
    fixed: &[Entry],
    invert: Invert<'_>,
) -> Vec<Answers> {
    let mut sums = Vec::with_capacity(all.len());
    for some in all.chunks(TOGETHER) {
        let mut groups = Vec::with_capacity(APART * some.len());
        for known in some {
            groups.extend(summands(known, cells, fixed));
        }
        halve(&mut groups, &mut [], invert);
        let mut pairs = groups.chunks_exact_mut(ABREAST * APART);
        for pair in pairs.by_ref() {
            let (first, second) = pair.split_at_mut(APART);
            sums.extend(known_sums([first, second]));
        }
        let rest = pairs.into_remainder();
        if !rest.is_empty() {
            sums.extend(known_sums([rest]));
        }
    }
    let mut answers = Vec::with_capacity(sums.len());
    for ((point, computed), known) in affine_all(&sums, invert).iter().zip(all) {
        let x = Field::from_numbers(&known.x);
        answers.push(Answers {
            right: point.x.same(&x) & !(point.y.odd() ^ known.odd) & computed,
            computed: *computed,
        });
    }
    answers
}

/// Of the groups of each sum, which are by how far a place is behind one with a part of the table: the sum of the last group is
/// doubled four times, and then has its place beside that of the group before it.
#[cfg_attr(not(http402_lanes_model), target_feature(enable = "avx512ifma"))]
fn known_sums<const N: usize>(mut groups: [&mut [Group]; N]) -> [Sum; N] {
    let mut sums = [Sum::of(&Affine::constant(&START)); N];
    for (sum, groups) in sums.iter_mut().zip(&mut groups) {
        // No group is empty, and the first of the last one is there in every lane: that began as `START`.
        if let Some(first) = groups.last_mut().and_then(Group::pop_first) {
            *sum = Sum::of(&first.point);
        }
    }
    for behind in (0..APART).rev() {
        if behind + 1 < APART {
            for _ in 0..4 {
                double(&mut sums);
            }
        }
        add_groups(&mut sums, groups.each_ref().map(|groups| &groups[behind]));
    }
    sums
}

/// What is to be added up, by how far its place is behind one with a part of the table: the last group from `START` on, and the
/// first with the multiples of G and with what takes `START` away again. So no sum but the whole one is ever nothing.
#[cfg_attr(not(http402_lanes_model), target_feature(enable = "avx512ifma"))]
fn summands(known: &Known<'_>, cells: &Cells, fixed: &[Entry]) -> [Group; APART] {
    let (digits, wrong) = turned(&known.halves, cells);
    let mut groups = [const { Vec::new() }; APART];
    groups[0].reserve(KNOWN / APART + 1 + FIXED + 1);
    groups[APART - 1].push(Summand::constant(&START));
    for (at, digit) in digits.iter().enumerate() {
        let mut places = known.tables;
        for place in &mut places {
            *place = &place[KNOWN_EACH * (at / APART)..];
        }
        groups[at % APART].push(Summand::turned(places, digit));
    }
    generator(&mut groups[0], &known.fixed, fixed);
    groups[0].push(Summand::constant(&END_KNOWN));
    groups.map(|group| Group::new(group).but(wrong))
}
