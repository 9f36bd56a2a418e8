//! Numbers as four 64-bit limbs, the least significant first. All of it wraps by design, and none of it knows a modulus.

/// a + b + carry, as the sum and the next carry.
#[inline(always)]
pub(super) const fn add(a: u64, b: u64, carry: u64) -> (u64, u64) {
    let sum = (a as u128)
        .wrapping_add(b as u128)
        .wrapping_add(carry as u128);
    (sum as u64, (sum >> 64) as u64)
}

/// a - b - borrow, as the difference and the next borrow.
#[inline(always)]
pub(super) const fn sub(a: u64, b: u64, borrow: u64) -> (u64, u64) {
    let difference = (a as u128)
        .wrapping_sub(b as u128)
        .wrapping_sub(borrow as u128);
    (difference as u64, (difference >> 64) as u64 & 1)
}

/// sum + a·b + carry, which two limbs always hold: (2^64 - 1)^2 + 2(2^64 - 1) = 2^128 - 1.
#[inline(always)]
pub(super) const fn mac(sum: u64, a: u64, b: u64, carry: u64) -> (u64, u64) {
    let all = (a as u128)
        .wrapping_mul(b as u128)
        .wrapping_add(sum as u128)
        .wrapping_add(carry as u128);
    (all as u64, (all >> 64) as u64)
}

/// The sum and its carry.
#[inline(always)]
pub(super) const fn add4(a: &[u64; 4], b: &[u64; 4]) -> ([u64; 4], u64) {
    let (r0, c) = add(a[0], b[0], 0);
    let (r1, c) = add(a[1], b[1], c);
    let (r2, c) = add(a[2], b[2], c);
    let (r3, c) = add(a[3], b[3], c);
    ([r0, r1, r2, r3], c)
}

/// The difference and its borrow.
#[inline(always)]
pub(super) const fn sub4(a: &[u64; 4], b: &[u64; 4]) -> ([u64; 4], u64) {
    let (r0, c) = sub(a[0], b[0], 0);
    let (r1, c) = sub(a[1], b[1], c);
    let (r2, c) = sub(a[2], b[2], c);
    let (r3, c) = sub(a[3], b[3], c);
    ([r0, r1, r2, r3], c)
}

/// The whole product.
#[inline(always)]
pub(super) const fn mul4(a: &[u64; 4], b: &[u64; 4]) -> [u64; 8] {
    let (r0, c) = mac(0, a[0], b[0], 0);
    let (r1, c) = mac(0, a[0], b[1], c);
    let (r2, c) = mac(0, a[0], b[2], c);
    let (r3, r4) = mac(0, a[0], b[3], c);
    let (r1, c) = mac(r1, a[1], b[0], 0);
    let (r2, c) = mac(r2, a[1], b[1], c);
    let (r3, c) = mac(r3, a[1], b[2], c);
    let (r4, r5) = mac(r4, a[1], b[3], c);
    let (r2, c) = mac(r2, a[2], b[0], 0);
    let (r3, c) = mac(r3, a[2], b[1], c);
    let (r4, c) = mac(r4, a[2], b[2], c);
    let (r5, r6) = mac(r5, a[2], b[3], c);
    let (r3, c) = mac(r3, a[3], b[0], 0);
    let (r4, c) = mac(r4, a[3], b[1], c);
    let (r5, c) = mac(r5, a[3], b[2], c);
    let (r6, r7) = mac(r6, a[3], b[3], c);
    [r0, r1, r2, r3, r4, r5, r6, r7]
}

/// The whole square: the products of different limbs count twice.
#[inline(always)]
pub(super) const fn square4(a: &[u64; 4]) -> [u64; 8] {
    let (r1, c) = mac(0, a[0], a[1], 0);
    let (r2, c) = mac(0, a[0], a[2], c);
    let (r3, r4) = mac(0, a[0], a[3], c);
    let (r3, c) = mac(r3, a[1], a[2], 0);
    let (r4, r5) = mac(r4, a[1], a[3], c);
    let (r5, r6) = mac(r5, a[2], a[3], 0);
    let r7 = r6 >> 63;
    let r6 = r6 << 1 | r5 >> 63;
    let r5 = r5 << 1 | r4 >> 63;
    let r4 = r4 << 1 | r3 >> 63;
    let r3 = r3 << 1 | r2 >> 63;
    let r2 = r2 << 1 | r1 >> 63;
    let r1 = r1 << 1;
    let (r0, h0) = mac(0, a[0], a[0], 0);
    let (l1, h1) = mac(0, a[1], a[1], 0);
    let (l2, h2) = mac(0, a[2], a[2], 0);
    let (l3, h3) = mac(0, a[3], a[3], 0);
    let (r1, c) = add(r1, h0, 0);
    let (r2, c) = add(r2, l1, c);
    let (r3, c) = add(r3, h1, c);
    let (r4, c) = add(r4, l2, c);
    let (r5, c) = add(r5, h2, c);
    let (r6, c) = add(r6, l3, c);
    let (r7, _) = add(r7, h3, c);
    [r0, r1, r2, r3, r4, r5, r6, r7]
}

pub(super) fn from_bytes(bytes: &[u8; 32]) -> [u64; 4] {
    let mut limbs = [0; 4];
    for (limb, word) in limbs.iter_mut().rev().zip(bytes.chunks_exact(8)) {
        *limb = word
            .iter()
            .fold(0, |number, byte| number << 8 | u64::from(*byte));
    }
    limbs
}

pub(super) fn to_bytes(limbs: &[u64; 4]) -> [u8; 32] {
    let mut bytes = [0; 32];
    for (limb, word) in limbs.iter().rev().zip(bytes.chunks_exact_mut(8)) {
        word.copy_from_slice(&limb.to_be_bytes());
    }
    bytes
}
