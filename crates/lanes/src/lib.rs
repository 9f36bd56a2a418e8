#![doc = include_str!("../README.md")]

#[cfg(target_arch = "x86_64")]
mod ifma;
#[cfg(not(target_arch = "x86_64"))]
#[path = "none.rs"]
mod ifma;

pub use ifma::Lanes;

/// One limb of eight numbers.
pub type Limbs = [u64; 8];

/// Eight numbers below 2^256, by their four limbs, the least significant first.
pub type Numbers = [Limbs; 4];

/// A point of a table: the four limbs of x, below 2^256, then those of y.
pub type Entry = [u64; 8];

/// One signed digit of eight numbers.
pub type Digits = [i16; 8];

/// How many digits of five bits make up half a scalar.
pub const NEW: usize = 26;

/// How many digits of six bits make up half a scalar.
pub const KNOWN: usize = 22;

/// The bits of a digit of a scalar that is multiplied by G.
pub const FIXED_WIDTH: u32 = 9;

/// How many such digits make up a scalar below 2^255.
pub const FIXED: usize = 256_usize.div_ceil(FIXED_WIDTH as usize);

/// How many multiples G's table has for each digit.
pub const FIXED_EACH: usize = 1 << (FIXED_WIDTH - 1);

/// Gives the inverses modulo p of eight numbers below 2^256, which may be p or more; zero for zero.
pub type Invert<'a> = &'a dyn Fn(&Numbers) -> Numbers;

/// Eight sums u·Q + v·G to be computed, with Q and G by their tables.
#[derive(Clone, Debug)]
#[expect(clippy::exhaustive_structs, reason = "a sum has these parts")]
pub struct Known<'a> {
    /// The multiples 1 to 32 of 2^(12·i) times each Q, for i from 0 to 10.
    pub tables: [&'a [Entry]; 8],
    /// u, as the digits of a and b with u = a + b·λ, between -32 and 32.
    pub halves: [[Digits; KNOWN]; 2],
    /// v, as digits between -256 and 256.
    pub fixed: [Digits; FIXED],
}

/// Eight points (x/z², y/z³). Where z is zero modulo p the lane is to be computed in another way.
#[derive(Clone, Copy, Debug)]
#[expect(clippy::exhaustive_structs, reason = "a point has three coordinates")]
pub struct Points {
    /// x.
    pub x: Numbers,
    /// y.
    pub y: Numbers,
    /// z.
    pub z: Numbers,
}

/// Eight sums u·R + v·G to be computed, where R is the point whose x is given.
#[derive(Clone, Debug)]
#[expect(clippy::exhaustive_structs, reason = "a sum has these parts")]
pub struct New {
    /// The x of each R, below p.
    pub x: Numbers,
    /// The lanes in which the y of R is odd.
    pub odd: u8,
    /// u, as the digits of a and b with u = a + b·λ, between -16 and 16.
    pub halves: [[Digits; NEW]; 2],
    /// v, as digits between -256 and 256.
    pub fixed: [Digits; FIXED],
}
