//! Numbers as signed digits, so that a table of positive multiples serves both signs.

use super::scalar::Half;

/// Digits of `WIDTH` bits between -2^(WIDTH - 1) and 2^(WIDTH - 1), the least significant first: number = Σ dᵢ·2^(WIDTH·i)
/// (Booth, 1951). The number is below 2^(WIDTH·COUNT - 1), so that the last digit has nothing to hand on.
pub(super) fn booth<const WIDTH: u32, const COUNT: usize>(number: &[u64; 4]) -> [i16; COUNT] {
    let mut digits = [0; COUNT];
    let mut carry = 0;
    for (digit, at) in digits.iter_mut().zip((0..).step_by(WIDTH as usize)) {
        let value = bits(number, at, WIDTH) + carry;
        carry = u64::from(value > 1 << (WIDTH - 1));
        *digit = value as i16 - ((carry as i16) << WIDTH);
    }
    debug_assert!(carry == 0);
    digits
}

/// The same for half a scalar, with its sign.
pub(super) fn booth_half<const WIDTH: u32, const COUNT: usize>(half: Half) -> [i16; COUNT] {
    let number = [half.size as u64, (half.size >> 64) as u64, 0, 0];
    let digits = booth::<WIDTH, COUNT>(&number);
    if half.negative {
        digits.map(|digit| -digit)
    } else {
        digits
    }
}

fn bits(number: &[u64; 4], at: usize, width: u32) -> u64 {
    let limb = |index: usize| number.get(index).copied().unwrap_or(0);
    let (index, shift) = (at / 64, at % 64);
    let pair = u128::from(limb(index + 1)) << 64 | u128::from(limb(index));
    (pair >> shift) as u64 & !(u64::MAX << width)
}

/// How many digits [`sparse`] gives.
pub(super) const SPARSE: usize = 129;

/// One digit a bit, each zero or odd and below 16 in size, of any five in a row at most one not zero (the width-5 NAF:
/// Solinas, 2000).
pub(super) fn sparse(half: Half) -> [i8; SPARSE] {
    let mut digits = [0; SPARSE];
    // Below 2^127.4 by what `split` proves: adding 15 does not overflow.
    let mut rest = half.size;
    let mut at = 0;
    while rest != 0 {
        let zeros = rest.trailing_zeros();
        rest >>= zeros;
        at += zeros as usize;
        let low = (rest & 31) as i8;
        let digit = if low > 15 { low - 32 } else { low };
        rest = rest.wrapping_sub(digit as u128);
        digits[at] = if half.negative { -digit } else { digit };
    }
    digits
}
