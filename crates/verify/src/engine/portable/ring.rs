//! Numbers a + b·λ as digits to the base 2^WIDTH, of which six share one multiple: a digit is an entry of a table times a power
//! of λ, or the negative of that.

use super::point::{Affine, Entry, Jacobian};
use std::{array::from_fn, hint::black_box};

/// What a place of `WIDTH` bits can ask for: for each residue of a + b·λ modulo 2^WIDTH that is not zero one of the smallest
/// norm a² - a·b + b², and of the six that are each other's products with λ and -1 the one with 0 ≤ b < a.
///
/// SIZE is 2^WIDTH + 1 times 64, less what nobody looks at: see [`cell`].
pub(super) struct Ring<const WIDTH: u32, const EACH: usize, const SIZE: usize> {
    /// How each comes out of one before it.
    steps: [Step; EACH],
    cells: [u16; SIZE],
}

/// Four bits a place.
pub(super) static FOUR: Ring<4, 43, { size(4) }> = Ring::new();
/// Five bits a place.
pub(super) static FIVE: Ring<5, 171, { size(5) }> = Ring::new();

/// How a multiple comes out of the one with this number: another one is added to it, or λ times another one.
#[derive(Clone, Copy)]
struct Step {
    from: u8,
    turned: bool,
}

/// Where b begins in the number of a cell.
const B: u32 = 6;
/// What a digit hands on to a, and to b, as a cell has it.
const CARRIES: u16 = 1 | 1 << B;
/// How often λ multiplies the entry, in a cell; 3 says that the digit is zero.
const TURN: u32 = 1;
/// Whether the digit is the negative of that.
const NEGATIVE: u32 = 3;
/// Which entry it is.
const ENTRY: u32 = 8;

/// The number of the cell of what bits of a and b say after what the place before handed on: both from 0 to 2^WIDTH.
const fn cell(a: usize, b: usize) -> usize {
    a | b << B
}

pub(super) const fn size(width: u32) -> usize {
    cell(0, 1 << width) + (1 << width) + 1
}

/// One digit.
#[derive(Clone, Copy)]
pub(super) struct Digit {
    /// The number of the multiple; any one where the digit is zero.
    pub(super) entry: usize,
    /// How often λ multiplies it: 0 to 2, or 3 where the digit is zero.
    pub(super) turn: usize,
    pub(super) negative: bool,
}

impl<const WIDTH: u32, const EACH: usize, const SIZE: usize> Ring<WIDTH, EACH, SIZE> {
    const fn new() -> Self {
        let base = 1_i16 << WIDTH;
        let zero = 3 << TURN;
        let mut cells = [u16::MAX; SIZE];
        with(&mut cells, 0, 0, base, zero);
        let mut steps = [Step {
            from: 0,
            turned: false,
        }; EACH];
        let mut numbers = [[0_u8; 64]; 64];
        let mut count = 0;
        let mut a = 1;
        while a < base {
            let mut b = 0;
            // None beside it is nearer to zero: those by 2^WIDTH, and by 2^WIDTH times -λ², are the nearest.
            while b < a {
                let near = 2 * a - b <= base && a + b <= base;
                if near && with_all(&mut cells, a, b, base, count) {
                    if a > 1 {
                        let turned = b + 1 == a;
                        let from = if turned { [a, b - 1] } else { [a - 1, b] };
                        let from = numbers[from[0] as usize][from[1] as usize];
                        steps[count as usize] = Step { from, turned };
                    }
                    numbers[a as usize][b as usize] = count as u8;
                    count += 1;
                }
                b += 1;
            }
            a += 1;
        }
        assert!(count as usize == EACH);
        Self { steps, cells }
    }

    /// Where digits are found, as the lanes look for them.
    #[cfg(feature = "lanes")]
    pub(super) fn cells(&self) -> &[u16; SIZE] {
        &self.cells
    }

    /// The digits of a + b·λ, the least significant first, of halves in two's complement: the number is Σ dᵢ·2^(WIDTH·i).
    ///
    /// A digit is no more than 2^WIDTH/√3 in size, so that of halves next to zero, |a + b·λ| ≤ 2^128·√3/2, there is less than
    /// 0.87·2^(128 - WIDTH·i) + 0.62 left for the place i. With five bits that is less than 8 for the last one of 26, and with
    /// four it is less than 1.5 for the last one of 33: zero, or the first multiple, which is 1, times a power of λ and -1.
    pub(super) fn digits<const COUNT: usize>(&self, [a, b]: &[[u64; 3]; 2]) -> [Digit; COUNT] {
        let mut carries = 0;
        from_fn(|at| {
            let at = WIDTH as usize * at;
            let both = cell(bits(a, at, WIDTH), bits(b, at, WIDTH)) + carries;
            let found = self.cells[both];
            carries = usize::from(found & CARRIES);
            Digit {
                entry: usize::from(found >> ENTRY),
                turn: usize::from(found >> TURN & 3),
                negative: found >> NEGATIVE & 1 == 1,
            }
        })
    }

    /// The multiples of every one of the bases, none of which is infinity.
    pub(super) fn multiples(&self, bases: &[Jacobian]) -> Vec<Entry> {
        const FINITE: &str = "a small multiple of a point of prime order is not infinity";
        let bases = Jacobian::affine_all(bases);
        let mut all: Vec<Jacobian> = Vec::with_capacity(bases.len() * EACH);
        for base in bases {
            let base = base.expect(FINITE);
            let turned = base.endomorphism();
            let first = all.len();
            all.push(base.jacobian());
            for step in &self.steps[1..] {
                let more = if step.turned { turned } else { base };
                all.push(all[first + usize::from(step.from)].add_affine(more));
            }
        }
        let affine = Jacobian::affine_all(&all).into_iter();
        affine.map(|point| point.expect(FINITE).entry()).collect()
    }
}

/// Gives a + b·λ and its products with λ and -1 their cells, unless there is one in its place already.
const fn with_all(cells: &mut [u16], mut a: i16, mut b: i16, base: i16, entry: u16) -> bool {
    let mut new = false;
    let mut turn = 0;
    while turn < 3 {
        let cell = entry << ENTRY | turn << TURN;
        new |= with(cells, a, b, base, cell);
        new |= with(cells, -a, -b, base, cell | 1 << NEGATIVE);
        (a, b) = (-b, a - b);
        turn += 1;
    }
    new
}

/// Gives the digit a + b·λ its cells: what is left when it is taken away is handed on. Whether there was none before.
const fn with(cells: &mut [u16], a: i16, b: i16, base: i16, digit: u16) -> bool {
    let (low_a, low_b) = (a.rem_euclid(base), b.rem_euclid(base));
    let mut new = false;
    let mut over = 0;
    // Bits that are all zero may be 2^WIDTH, too.
    while over < 4 {
        let (at_a, at_b) = (low_a + base * (over & 1), low_b + base * (over >> 1));
        if at_a <= base && at_b <= base {
            let at = cell(at_a as usize, at_b as usize);
            if cells[at] == u16::MAX {
                let (left_a, left_b) = ((at_a - a) / base, (at_b - b) / base);
                cells[at] = digit | left_a as u16 | (left_b as u16) << B;
                new = true;
            }
        }
        over += 1;
    }
    new
}

fn bits(number: &[u64; 3], at: usize, width: u32) -> usize {
    let (index, shift) = (at / 64, at % 64);
    let next = number.get(index + 1).copied().unwrap_or(0);
    let pair = u128::from(next) << 64 | u128::from(number[index]);
    (pair >> shift) as usize & !(usize::MAX << width)
}

/// A multiple out of a table, as one digit asks for it.
#[derive(Clone, Copy)]
pub(super) struct Term {
    point: Affine,
    turn: usize,
}

/// What digits ask for. Tables are larger than the nearest cache, and memory answers many questions at once as fast as one: all
/// entries are touched before anything is done with the first of them, which takes so much room in a CPU that it would not
/// see the next questions.
#[inline(always)]
pub(super) fn terms<const N: usize>(digits: &[Digit; N], entries: [&Entry; N]) -> [Term; N] {
    black_box(entries.iter().fold(0, |all, entry| all ^ entry.0[0]));
    from_fn(|at| Term {
        point: Affine::from_entry(*entries[at]).negate_if(digits[at].negative),
        turn: digits[at].turn,
    })
}

/// A sum by what power of λ it is to be multiplied.
///
/// To multiply each term by its own power costs more than to add those of one power, multiply the sum, and add those of the
/// next: the order of what is added is free.
#[derive(Clone, Copy)]
pub(super) struct Turned {
    sum: Jacobian,
    turn: usize,
}

impl Turned {
    /// A sum that is to be multiplied by λ so many times.
    pub(super) fn new(sum: Jacobian, turn: usize) -> Self {
        Self { sum, turn }
    }

    pub(super) fn double(self) -> Self {
        Self {
            sum: self.sum.double(),
            turn: self.turn,
        }
    }

    /// Adds all terms. The sum is then to be multiplied once more, or twice less.
    #[inline]
    pub(super) fn add<const N: usize>(self, terms: [&Term; N]) -> Self {
        let mut order = [[0_u8; N]; 4];
        let mut counts = [0; 4];
        for (at, term) in terms.iter().enumerate() {
            order[term.turn][counts[term.turn]] = at as u8;
            counts[term.turn] += 1;
        }
        let mut all = self;
        for round in 0..3 {
            if round > 0 {
                all = all.turned();
            }
            for at in &order[all.turn][..counts[all.turn]] {
                all.sum = all.sum.add_affine(terms[usize::from(*at)].point);
            }
        }
        all
    }

    /// One multiplication by λ made.
    fn turned(self) -> Self {
        Self {
            sum: self.sum.endomorphism(),
            turn: (self.turn + 2) % 3,
        }
    }

    /// The sum, with all multiplications made.
    pub(super) fn sum(self) -> Jacobian {
        let mut all = self;
        while all.turn != 0 {
            all = all.turned();
        }
        all.sum
    }
}
