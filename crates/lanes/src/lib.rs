#![doc = include_str!("../README.md")]
#![cfg_attr(http402_lanes_model, forbid(unsafe_code))]
#![cfg_attr(
    http402_lanes_model,
    expect(
        clippy::redundant_closure,
        reason = "functions of a feature can not be given away by themselves, and here they are of none"
    )
)]

#[cfg(any(http402_lanes_model, target_arch = "x86_64"))]
mod cpu;
#[cfg(any(http402_lanes_model, target_arch = "x86_64"))]
mod ifma;
#[cfg(not(any(http402_lanes_model, target_arch = "x86_64")))]
#[path = "none.rs"]
mod ifma;

pub use ifma::Lanes;

/// One limb of eight numbers.
pub type Limbs = [u64; 8];

/// Eight numbers below 2^256, by their four limbs, the least significant first.
pub type Numbers = [Limbs; 4];

/// A point of a table: the four limbs of x, below 2^256, then those of y. It is one line of the cache.
#[derive(Clone, Copy, Debug)]
#[repr(align(64))]
#[expect(clippy::exhaustive_structs, reason = "a point has two coordinates")]
pub struct Entry(pub [u64; 8]);

/// Eight numbers with signs, by their limbs, the least significant first.
#[derive(Clone, Copy, Debug)]
#[expect(clippy::exhaustive_structs, reason = "a number has these parts")]
pub struct Signed<const LIMBS: usize> {
    /// Their sizes.
    pub size: [Limbs; LIMBS],
    /// The lanes in which they are negative.
    pub negative: u8,
}

/// How many digits of three bits make up a scalar in two halves.
const NEW: usize = 43;

/// How many digits of four bits make up a scalar in two halves that is multiplied by a known point.
pub const KNOWN: usize = 33;

/// How many multiples the table of a known point has for each place but the last one, which has the first of them alone.
pub const KNOWN_EACH: usize = 43;

/// How the digits of a + b·λ to the base 16 are found, from the least significant one on: what four bits of a say and what four
/// bits of b say, with what the digit before hands on to each, are from 0 to 16, and the cell of both is the one at a + 64·b.
///
/// A cell says what is handed on to a in its bit 0, and to b in bit 6. The digit is the multiple whose number begins at bit 8,
/// times λ as often as bits 1 and 2 say, and in bit 3 whether that is negative; it is zero where they say 3. The last digit of
/// 33 has to be zero, or the first multiple times that.
pub type Cells = [u16; 1041];

/// The bits of a digit of a scalar that is multiplied by G.
pub const FIXED_WIDTH: u32 = 9;

/// How many such digits make up a scalar below 2^256.
pub const FIXED: usize = 256_usize.div_ceil(FIXED_WIDTH as usize);

/// How many multiples G's table has for each digit.
pub const FIXED_EACH: usize = 1 << (FIXED_WIDTH - 1);

/// Gives the inverse modulo p, or modulo the order n of the curve, of a number below 2^256, by its limbs: it may be p or n or more,
/// and is no multiple of it.
pub type Invert<'a> = &'a dyn Fn([u64; 4]) -> [u64; 4];

/// Eight pairs of fractions modulo the order of the curve.
#[derive(Clone, Debug)]
#[expect(clippy::exhaustive_structs, reason = "fractions have these parts")]
pub struct Fractions {
    /// What both are divided by, below the order, and not zero: where it is, their quotients mean nothing.
    pub below: Numbers,
    /// What the first one divides, below 2^256.
    pub first: Numbers,
    /// What the second one divides, below 2^256.
    pub second: Numbers,
}

/// Eight pairs of quotients.
#[derive(Clone, Copy, Debug)]
#[expect(clippy::exhaustive_structs, reason = "quotients have these parts")]
pub struct Quotients {
    /// The first, as a and b with a + b·λ: those of [`New`] and of [`Known`].
    pub halves: [Signed<2>; 2],
    /// The second, below 2^256: it may be the order or more.
    pub whole: Signed<4>,
}

/// Eight sums u·Q + v·G to be compared with points, with Q and G by their tables.
#[derive(Clone, Debug)]
#[expect(clippy::exhaustive_structs, reason = "a sum has these parts")]
pub struct Known<'a> {
    /// The multiples of 2^(16·i) times each Q, for i from 0 to 7, and 2^128 times Q: 345 entries.
    pub tables: [&'a [Entry]; 8],
    /// a and b with u = a + b·λ, where a² - a·b + b² is at most 3·2^254: the halves next to zero are.
    pub halves: [Signed<2>; 2],
    /// v, below 2^256 in size.
    pub fixed: Signed<4>,
    /// The x that each sum is to have, below p.
    pub x: Numbers,
    /// The lanes in which y is to be odd.
    pub odd: u8,
}

/// What eight sums are beside the points that they were compared with.
#[derive(Clone, Copy, Debug)]
#[expect(clippy::exhaustive_structs, reason = "a lane is one of three things")]
pub struct Answers {
    /// The lanes whose sum is that point.
    pub right: u8,
    /// The lanes that could be computed. The others are to be computed in another way.
    pub computed: u8,
}

/// Eight sums u·R + v·G to be computed, where R is the point whose x is given.
#[derive(Clone, Debug)]
#[expect(clippy::exhaustive_structs, reason = "a sum has these parts")]
pub struct New {
    /// The x of each R, below p.
    pub x: Numbers,
    /// The lanes in which the y of R is odd.
    pub odd: u8,
    /// a and b with u = a + b·λ, where a² - a·b + b² is at most 3·2^254: the halves next to zero are.
    pub halves: [Signed<2>; 2],
    /// v, below 2^256 in size.
    pub fixed: Signed<4>,
}

/// Eight sums.
#[derive(Clone, Copy, Debug)]
#[expect(clippy::exhaustive_structs, reason = "a point has two coordinates")]
pub struct Points {
    /// x, below 2^256: it may be p or more.
    pub x: Numbers,
    /// y, alike.
    pub y: Numbers,
    /// The lanes that have an R.
    pub there: u8,
    /// The lanes that could be computed. The others are to be computed in another way.
    pub computed: u8,
}
