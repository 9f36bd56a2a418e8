//! Numbers as digits that say which multiple of a table is to be added.

use super::memory::{load, store};
use crate::{
    Cells, KNOWN, Limbs, NEW, Signed,
    cpu::{
        __m512i, __mmask8, _mm512_add_epi64, _mm512_and_si512, _mm512_cmpgt_epu64_mask,
        _mm512_mask_add_epi64, _mm512_mask_sub_epi64, _mm512_or_si512, _mm512_set1_epi64,
        _mm512_setzero_si512, _mm512_slli_epi64, _mm512_sllv_epi64, _mm512_srli_epi64,
        _mm512_srlv_epi64, _mm512_test_epi64_mask, _mm512_testn_epi64_mask,
    },
};

/// One digit of eight numbers.
#[derive(Clone, Copy)]
pub(super) struct Digit {
    /// Which entry of a table it asks for; any one where it is zero.
    pub(super) entry: Limbs,
    /// The lanes in which it is negative.
    pub(super) negate: __mmask8,
    /// The lanes in which it is zero.
    pub(super) skip: __mmask8,
}

impl Digit {
    pub(super) const ZERO: Self = Self {
        entry: [0; 8],
        negate: 0,
        skip: !0,
    };

    #[inline]
    #[cfg_attr(not(http402_lanes_model), target_feature(enable = "avx512f"))]
    fn of(cells: __m512i) -> Self {
        Self {
            entry: store(_mm512_srli_epi64::<ENTRY>(cells)),
            negate: _mm512_test_epi64_mask(cells, splat(NEGATIVE)),
            skip: _mm512_test_epi64_mask(cells, splat(ZERO | NONE)),
        }
    }
}

#[inline]
#[cfg_attr(not(http402_lanes_model), target_feature(enable = "avx512f"))]
fn splat(value: u64) -> __m512i {
    _mm512_set1_epi64(value as i64)
}

/// `width` bits of each number, from the bit `at` on.
#[inline]
#[cfg_attr(not(http402_lanes_model), target_feature(enable = "avx512f"))]
fn bits<const LIMBS: usize>(size: &[Limbs; LIMBS], at: usize, width: u32) -> __m512i {
    let limb = |index: usize| match size.get(index) {
        Some(limb) => load(limb),
        None => _mm512_setzero_si512(),
    };
    let shift = at as u64 % 64;
    // A shift by 64 leaves nothing.
    let low = _mm512_srlv_epi64(limb(at / 64), splat(shift));
    let high = _mm512_sllv_epi64(limb(at / 64 + 1), splat(64 - shift));
    _mm512_and_si512(_mm512_or_si512(low, high), splat((1 << width) - 1))
}

/// Digits of `WIDTH` bits between -2^(WIDTH - 1) and 2^(WIDTH - 1), the least significant first: number = Σ dᵢ·2^(WIDTH·i)
/// (Booth, 1951). The number is below 2^(WIDTH·COUNT - 1), so that the last digit has nothing to hand on. A digit asks for
/// the entry of its size, the first being that of 1.
#[cfg_attr(not(http402_lanes_model), target_feature(enable = "avx512f"))]
pub(super) fn booth<const WIDTH: u32, const COUNT: usize, const LIMBS: usize>(
    number: &Signed<LIMBS>,
) -> [Digit; COUNT] {
    let one = splat(1);
    let mut digits = [Digit::ZERO; COUNT];
    let mut carry = 0;
    for (digit, at) in digits.iter_mut().zip((0..).step_by(WIDTH as usize)) {
        let value = bits(&number.size, at, WIDTH);
        let value = _mm512_mask_add_epi64(value, carry, value, one);
        carry = _mm512_cmpgt_epu64_mask(value, splat(1 << (WIDTH - 1)));
        let size = _mm512_mask_sub_epi64(value, carry, splat(1 << WIDTH), value);
        let skip = _mm512_testn_epi64_mask(size, size);
        *digit = Digit {
            entry: store(_mm512_mask_sub_epi64(size, !skip, size, one)),
            negate: carry ^ number.negative,
            skip,
        };
    }
    digits
}

/// What a table has of a point, beside their products with powers of λ and -1: a + b·λ. With those, one of them is congruent
/// to any a + b·λ modulo 8 but to zero, and one of them is any whose norm a² - a·b + b² is at most 16.
pub(super) const MULTIPLES: [[i8; 2]; 11] = [
    [1, 0],
    [1, -1],
    [2, 0],
    [3, 0],
    [4, 0],
    [2, -2],
    [3, 1],
    [3, 2],
    [4, 1],
    [3, -1],
    [5, 2],
];

/// One digit of one number: what it hands on to a, and at the fifth bit to b, the bits below, and its entry.
type Cell = u64;

/// What a digit hands on.
const CARRIES: Cell = 0x11;
/// A digit that is the negative of its entry.
const NEGATIVE: Cell = 1 << 8;
/// A digit that is zero.
const ZERO: Cell = 1 << 9;
/// There is no digit.
const NONE: Cell = 1 << 10;
/// Where the number of the entry stands.
const ENTRY: u32 = 16;

/// The digits of all numbers a + b·λ with a and b from 0 to 8: those that are congruent modulo 8.
static CONGRUENT: [Cell; 256] = cells(8, 0);
/// The digits that are a + b·λ with a and b from -8 to 7.
static EQUAL: [Cell; 256] = cells(16, 8);

/// The cell of a + b·λ is the one at a + `base` + 16·(b + `base`).
const fn cells(modulus: i8, base: i8) -> [Cell; 256] {
    let mut cells = [NONE; 256];
    let mut entry = 0;
    while entry < MULTIPLES.len() {
        let [mut a, mut b] = MULTIPLES[entry];
        let mut turns = 0;
        while turns < 3 {
            let cell = ((3 * entry + turns) << ENTRY) as Cell;
            cells = with(cells, [a, b], cell, modulus, base);
            cells = with(cells, [-a, -b], cell | NEGATIVE, modulus, base);
            (a, b) = (-b, a - b);
            turns += 1;
        }
        entry += 1;
    }
    with(cells, [0, 0], ZERO, modulus, base)
}

/// The cells with those of one more digit, where none was before.
const fn with(
    mut cells: [Cell; 256],
    [a, b]: [i8; 2],
    cell: Cell,
    modulus: i8,
    base: i8,
) -> [Cell; 256] {
    let mut at = 0;
    while at < cells.len() {
        let (over_a, over_b) = ((at % 16) as i8 - base - a, (at / 16) as i8 - base - b);
        let fits = over_a % modulus == 0 && over_b % modulus == 0;
        let far = at % 16 > 8 || at / 16 > 8;
        if fits && cells[at] == NONE && (base != 0 || !far) {
            cells[at] = cell | (over_a / modulus) as Cell | ((over_b / modulus) as Cell) << 4;
        }
        at += 1;
    }
    cells
}

/// Digits out of [`MULTIPLES`] and their products with powers of λ and -1, the least significant first: a + b·λ = Σ dᵢ·8^i.
/// And the lanes in which there are none: the last digit has to be whatever is left.
///
/// A digit has a norm of 19 at most. When |a + b·λ|, the root of the norm, is at most 2^128·√3/2, what is left for the last
/// one of 43 is less than 4·√3/2 + √19/7 < 4.1 in size, so that its norm is 16 at most, and it is there.
#[cfg_attr(not(http402_lanes_model), target_feature(enable = "avx512f"))]
pub(super) fn hexagonal([a, b]: &[Signed<2>; 2]) -> ([Digit; NEW], __mmask8) {
    let (a, b) = (complement(a), complement(b));
    let mut digits = [Digit::ZERO; NEW];
    let mut carries = [0; 8];
    for (digit, at) in digits.iter_mut().zip((0..126).step_by(3)) {
        let both = _mm512_or_si512(bits(&a, at, 3), _mm512_slli_epi64::<4>(bits(&b, at, 3)));
        *digit = Digit::of(look_up(&CONGRUENT, both, &mut carries));
    }
    // What begins at bit 126, and is between -4 and 3.
    let last = |number: &[Limbs; 3]| {
        let low = _mm512_srli_epi64::<62>(load(&number[1]));
        _mm512_or_si512(low, _mm512_slli_epi64::<2>(load(&number[2])))
    };
    let both = _mm512_add_epi64(last(&a), _mm512_slli_epi64::<4>(last(&b)));
    let both = _mm512_add_epi64(both, splat(0x88));
    let cells = look_up(&EQUAL, both, &mut carries);
    if let Some(digit) = digits.last_mut() {
        *digit = Digit::of(cells);
    }
    (digits, _mm512_test_epi64_mask(cells, splat(NONE)))
}

/// One digit of eight numbers, of a table that has no products with λ.
pub(super) struct Turned {
    /// Which entry it asks for, and its sign.
    pub(super) digit: Digit,
    /// The lanes in which λ multiplies the entry once.
    pub(super) once: __mmask8,
    /// The lanes in which it does so twice.
    pub(super) twice: __mmask8,
}

/// Digits as [`Cells`] say, the least significant first: a + b·λ = Σ dᵢ·16^i. And the lanes in which there are none: the last
/// digit has to be zero, or the first multiple times a power of λ or its negative.
///
/// A digit is at most 16/√3 in size. When |a + b·λ| is at most 2^128·√3/2, what is left for the last one is less than
/// √3/2 + 16/√3/15 < 1.5, and of that size there is nothing else.
#[cfg_attr(not(http402_lanes_model), target_feature(enable = "avx512f"))]
pub(super) fn turned([a, b]: &[Signed<2>; 2], cells: &Cells) -> (Vec<Turned>, __mmask8) {
    const CARRIES: u64 = 1 | 1 << 6;
    let (a, b) = (complement(a), complement(b));
    let mut digits = Vec::with_capacity(KNOWN);
    let mut carries = [0; 8];
    for at in (0..4 * KNOWN).step_by(4) {
        let both = _mm512_or_si512(bits(&a, at, 4), _mm512_slli_epi64::<6>(bits(&b, at, 4)));
        let mut found = store(both);
        for (found, carry) in found.iter_mut().zip(&mut carries) {
            *found = u64::from(cells[(*found + *carry) as usize]);
            *carry = *found & CARRIES;
        }
        let found = load(&found);
        let once = _mm512_test_epi64_mask(found, splat(1 << 1));
        let twice = _mm512_test_epi64_mask(found, splat(1 << 2));
        digits.push(Turned {
            digit: Digit {
                entry: store(_mm512_srli_epi64::<8>(found)),
                negate: _mm512_test_epi64_mask(found, splat(1 << 3)),
                skip: once & twice,
            },
            once,
            twice,
        });
    }
    let mut wrong = 0;
    if let Some(Turned { digit, .. }) = digits.last_mut() {
        let entry = load(&digit.entry);
        wrong = _mm512_test_epi64_mask(entry, entry);
        digit.entry = [0; 8];
    }
    (digits, wrong)
}

/// The cells that are asked for, when what the last ones handed on has been added.
#[inline]
#[cfg_attr(not(http402_lanes_model), target_feature(enable = "avx512f"))]
fn look_up(cells: &[Cell; 256], at: __m512i, carries: &mut Limbs) -> __m512i {
    let mut found = store(at);
    for (found, carry) in found.iter_mut().zip(carries) {
        *found = cells[usize::from(found.wrapping_add(*carry) as u8)];
        *carry = *found & CARRIES;
    }
    load(&found)
}

/// In two's complement.
#[inline]
#[cfg_attr(not(http402_lanes_model), target_feature(enable = "avx512f"))]
fn complement(number: &Signed<2>) -> [Limbs; 3] {
    let zero = _mm512_setzero_si512();
    let [low, high] = number.size.each_ref().map(|limb| load(limb));
    let borrow = number.negative & _mm512_test_epi64_mask(low, low);
    let low = _mm512_mask_sub_epi64(low, number.negative, zero, low);
    let all = borrow | number.negative & _mm512_test_epi64_mask(high, high);
    let high = _mm512_mask_sub_epi64(high, number.negative, zero, high);
    let high = _mm512_mask_sub_epi64(high, borrow, high, splat(1));
    let sign = _mm512_mask_sub_epi64(zero, all, zero, splat(1));
    [store(low), store(high), store(sign)]
}
