//! Inverses modulo an odd number, by the division steps of Bernstein and Yang ("Fast constant-time gcd computation and
//! modular inversion", 2019), 62 at a time and in variable time.

/// What the limbs hold here: 62 bits, so that sums of products of two fit in an i128.
const BITS: u32 = 62;
const MASK: u64 = u64::MAX >> (64 - BITS);

/// An odd modulus below 2^256.
#[derive(Debug)]
pub(super) struct Modulus {
    limbs: [i64; 5],
    plain: [u64; 4],
    /// Its inverse modulo 2^62.
    inverse: u64,
}

/// A matrix of 62 division steps, times 2^62: it takes (f, g) to (u·f + v·g, q·f + r·g)/2^62.
struct Steps {
    u: i64,
    v: i64,
    q: i64,
    r: i64,
}

impl Modulus {
    pub(super) const fn new(plain: [u64; 4], inverse: u64) -> Self {
        Self {
            limbs: spread(&plain),
            plain,
            inverse,
        }
    }

    /// The inverse of a number below the modulus and prime to it; zero for zero.
    pub(super) fn invert(&self, number: &[u64; 4]) -> [u64; 4] {
        // Throughout, f = d·number and g = e·number modulo the modulus. When g is zero, f is 1 or -1.
        let (mut f, mut g) = (self.limbs, spread(number));
        let (mut d, mut e) = ([0; 5], [1, 0, 0, 0, 0]);
        let mut delta = 1;
        while g != [0; 5] {
            let steps = Steps::of(&mut delta, f[0] as u64, g[0] as u64);
            (f, g) = steps.apply(&f, &g);
            (d, e) = steps.apply_modulo(&d, &e, self);
        }
        self.gather(&d, f[4] < 0)
    }

    /// The number below the modulus that is `number`, or its negative.
    fn gather(&self, number: &[i64; 5], negative: bool) -> [u64; 4] {
        let mut limbs = *number;
        if negative {
            limbs = carried([0, 1, 2, 3, 4].map(|at| limbs[at].wrapping_neg()));
        }
        // At most 12 rounds, each of which adds less than the modulus to the size: these loops are short.
        while limbs[4] < 0 {
            limbs = carried([0, 1, 2, 3, 4].map(|at| limbs[at].wrapping_add(self.limbs[at])));
        }
        loop {
            let less = carried([0, 1, 2, 3, 4].map(|at| limbs[at].wrapping_sub(self.limbs[at])));
            if less[4] < 0 {
                break;
            }
            limbs = less;
        }
        let out = join(&limbs);
        debug_assert!(super::limbs::sub4(&out, &self.plain).1 == 1);
        out
    }
}

impl Steps {
    /// The next 62 steps from the lowest bits of f, which is odd, and g.
    fn of(delta: &mut i64, mut f: u64, mut g: u64) -> Self {
        let (mut u, mut v, mut q, mut r) = (1_u64, 0_u64, 0_u64, 1_u64);
        let mut left = BITS;
        loop {
            // A sentinel keeps the count at what is left.
            let zeros = (g | u64::MAX << left).trailing_zeros();
            g >>= zeros;
            u <<= zeros;
            v <<= zeros;
            *delta += i64::from(zeros);
            left -= zeros;
            if left == 0 {
                break;
            }
            if *delta > 0 {
                *delta = -*delta;
                (f, g) = (g, f.wrapping_neg());
                (u, q) = (q, u.wrapping_neg());
                (v, r) = (r, v.wrapping_neg());
            }
            // Until delta is positive again, steps only add f to g: as often as clears up to six bits of g at once.
            // f(2 - f²) is the inverse of f modulo 64, as f is its own modulo 8.
            let room = (1 - *delta).min(i64::from(left)).min(6) as u32;
            let inverse = f.wrapping_mul(2_u64.wrapping_sub(f.wrapping_mul(f)));
            let times = g.wrapping_neg().wrapping_mul(inverse) & !(u64::MAX << room);
            g = g.wrapping_add(f.wrapping_mul(times));
            q = q.wrapping_add(u.wrapping_mul(times));
            r = r.wrapping_add(v.wrapping_mul(times));
        }
        Self {
            u: u as i64,
            v: v as i64,
            q: q as i64,
            r: r as i64,
        }
    }

    fn apply(&self, f: &[i64; 5], g: &[i64; 5]) -> ([i64; 5], [i64; 5]) {
        (
            combine(self.u, f, self.v, g, 0, &[0; 5]),
            combine(self.q, f, self.r, g, 0, &[0; 5]),
        )
    }

    /// The same modulo the modulus: as much of it is added as makes the sum divisible by 2^62.
    fn apply_modulo(&self, d: &[i64; 5], e: &[i64; 5], modulus: &Modulus) -> ([i64; 5], [i64; 5]) {
        let times = |a: i64, b: i64| {
            let low = a.wrapping_mul(d[0]).wrapping_add(b.wrapping_mul(e[0])) as u64;
            let times = low.wrapping_neg().wrapping_mul(modulus.inverse) & MASK;
            // Of the two candidates the smaller in size, so that the result stays small.
            let shift = 64 - BITS;
            ((times << shift) as i64) >> shift
        };
        let (first, second) = (times(self.u, self.v), times(self.q, self.r));
        (
            combine(self.u, d, self.v, e, first, &modulus.limbs),
            combine(self.q, d, self.r, e, second, &modulus.limbs),
        )
    }
}

/// (a·f + b·g + c·m)/2^62, which is to be a whole number.
#[inline(always)]
fn combine(a: i64, f: &[i64; 5], b: i64, g: &[i64; 5], c: i64, m: &[i64; 5]) -> [i64; 5] {
    let product = |x: i64, y: i64| i128::from(x).wrapping_mul(i128::from(y));
    let column = |at: usize, sum: i128| {
        sum.wrapping_add(product(a, f[at]))
            .wrapping_add(product(b, g[at]))
            .wrapping_add(product(c, m[at]))
    };
    let mut out = [0; 5];
    let sum = column(0, 0);
    debug_assert!(sum as u64 & MASK == 0);
    let mut sum = sum >> BITS;
    for at in 1..5 {
        sum = column(at, sum);
        out[at - 1] = (sum as u64 & MASK) as i64;
        sum >>= BITS;
    }
    out[4] = sum as i64;
    out
}

/// Limbs 0 to 3 within 62 bits, and the sign in the last.
fn carried(mut limbs: [i64; 5]) -> [i64; 5] {
    for at in 0..4 {
        limbs[at + 1] = limbs[at + 1].wrapping_add(limbs[at] >> BITS);
        limbs[at] = (limbs[at] as u64 & MASK) as i64;
    }
    limbs
}

const fn spread(n: &[u64; 4]) -> [i64; 5] {
    [
        (n[0] & MASK) as i64,
        ((n[0] >> 62 | n[1] << 2) & MASK) as i64,
        ((n[1] >> 60 | n[2] << 4) & MASK) as i64,
        ((n[2] >> 58 | n[3] << 6) & MASK) as i64,
        (n[3] >> 56) as i64,
    ]
}

fn join(limbs: &[i64; 5]) -> [u64; 4] {
    let n = limbs.map(|limb| limb as u64);
    [
        n[0] | n[1] << 62,
        n[1] >> 2 | n[2] << 60,
        n[2] >> 4 | n[3] << 58,
        n[3] >> 6 | n[4] << 56,
    ]
}

#[cfg(test)]
mod tests {
    use super::{Modulus, carried};
    use crate::engine::portable::limbs::sub4;

    #[test]
    fn a_number_of_any_size_and_sign_is_gathered_below_the_modulus() {
        let p = [0xffff_fffe_ffff_fc2f, u64::MAX, u64::MAX, u64::MAX];
        let modulus = Modulus::new(p, 0x27c7_f6e2_2dda_cacf);
        for small in [0, 1, 977] {
            let right = [small as u64, 0, 0, 0];
            let negative = if small == 0 {
                right
            } else {
                sub4(&p, &right).0
            };
            let sum = |number: [i64; 5], sign: i64| {
                carried([0, 1, 2, 3, 4].map(|at| number[at] + sign * modulus.limbs[at]))
            };
            let mut number = (0..6).fold([small, 0, 0, 0, 0], |number, _| sum(number, -1));
            for _ in -6..=6 {
                assert_eq!(modulus.gather(&number, false), right);
                assert_eq!(modulus.gather(&number, true), negative);
                number = sum(number, 1);
            }
        }
    }
}
