//! Numbers as signed digits, so that a table of positive multiples serves both signs.

use super::scalar::Half;

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
