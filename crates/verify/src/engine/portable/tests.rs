use super::{
    Keys, Portable,
    digits::sparse,
    field::Field,
    fixed::{self, add_generator, table},
    key::{self, Table},
    point::{Affine, Jacobian},
    ring::{Digit, FIVE, FOUR},
    scalar::{Half, Scalar},
};
use crate::{
    Signature,
    engine::{Check, Engine},
};
use http402_core::B256;
use num_bigint::{BigInt, BigUint, Sign};
use proptest::prelude::*;
use std::sync::Arc;

fn p() -> BigUint {
    (BigUint::from(1_u8) << 256) - 0x1_0000_03d1_u64
}

fn n() -> BigUint {
    let digits = b"fffffffffffffffffffffffffffffffebaaedce6af48a03bbfd25e8cd0364141";
    BigUint::parse_bytes(digits, 16).unwrap()
}

fn big(bytes: &[u8]) -> BigUint {
    BigUint::from_bytes_be(bytes)
}

fn bytes(number: &BigUint) -> [u8; 32] {
    let mut out = [0; 32];
    let digits = number.to_bytes_be();
    out[32 - digits.len()..].copy_from_slice(&digits);
    out
}

/// Any 32 bytes, and often those at the edges, where carries run through.
fn number() -> impl Strategy<Value = [u8; 32]> {
    let limb = prop_oneof![
        any::<u64>(),
        Just(0),
        Just(1),
        Just(u64::MAX),
        Just(u64::MAX - 1),
        Just(0x1_0000_03d0),
        Just(0x1_0000_03d1),
        Just(0xffff_fffe_ffff_fc2e),
        Just(0xffff_fffe_ffff_fc2f),
        Just(0xbfd2_5e8c_d036_4140),
        Just(0xbfd2_5e8c_d036_4141),
        Just(0xbaae_dce6_af48_a03b),
        Just(1 << 63),
    ];
    [limb.clone(), limb.clone(), limb.clone(), limb].prop_map(|limbs| {
        let mut bytes = [0; 32];
        for (word, limb) in bytes.chunks_exact_mut(8).zip(limbs) {
            word.copy_from_slice(&limb.to_be_bytes());
        }
        bytes
    })
}

/// Numbers next to 0, to both moduli, to their halves and to 2^256: what properties hardly ever meet.
fn edges() -> Vec<[u8; 32]> {
    let end: BigUint = BigUint::from(1_u8) << 256;
    let around = [end.clone(), p(), n(), p() >> 1, n() >> 1, &end >> 64];
    let around = around
        .iter()
        .flat_map(|at| [-2_i8, -1, 0, 1, 2].map(|by| BigInt::from(at.clone()) + by));
    let small = (0_u8..4).map(BigInt::from);
    small
        .chain(around)
        .map(|number| number.to_biguint().unwrap())
        .filter(|number| *number < end)
        .map(|number| bytes(&number))
        .collect()
}

#[test]
fn both_moduli_hold_at_their_edges() {
    let edges = edges();
    for a in &edges {
        halves_and_digits_are_right(a);
        for b in &edges {
            field_is_right(a, b);
            scalars_are_right(a, b);
        }
    }
}

fn field_is_right(a: &[u8; 32], b: &[u8; 32]) {
    let p = p();
    let (x, y) = (Field::from_bytes(a), Field::from_bytes(b));
    let (m, o) = (big(a) % &p, big(b) % &p);
    assert_eq!(x.to_bytes(), bytes(&m));
    assert_eq!(x.add(y).to_bytes(), bytes(&((&m + &o) % &p)));
    assert_eq!(x.sub(y).to_bytes(), bytes(&((&m + &p - &o) % &p)));
    assert_eq!(x.negate().to_bytes(), bytes(&((&p - &m) % &p)));
    assert_eq!(x.mul(y).to_bytes(), bytes(&((&m * &o) % &p)));
    assert_eq!(x.square().to_bytes(), bytes(&((&m * &m) % &p)));
    assert_eq!(x.half().add(x.half()).to_bytes(), bytes(&m));
    assert_eq!(x.is_zero(), m == BigUint::ZERO);
    assert_eq!(x.is_odd(), m.bit(0));
    assert_eq!(x.equals(y), m == o);
    // Results of results: what operations leave is not reduced, and has to serve as well.
    let (z, q) = (x.sub(y).mul(x.add(y)), (&m + &p - &o) * (&m + &o) % &p);
    let sum = z.add(z).sub(x);
    assert_eq!(sum.to_bytes(), bytes(&((&q + &q + &p - &m) % &p)));
}

fn scalars_are_right(a: &[u8; 32], b: &[u8; 32]) {
    let n = n();
    let (x, y) = (Scalar::from_bytes(a), Scalar::from_bytes(b));
    let (m, o) = (big(a) % &n, big(b) % &n);
    assert_eq!(x.to_bytes(), bytes(&m));
    assert_eq!(x.mul(y).to_bytes(), bytes(&((&m * &o) % &n)));
    assert_eq!(x.negate().to_bytes(), bytes(&((&n - &m) % &n)));
    let inverse = bytes(&m.modpow(&(&n - 2_u8), &n));
    assert_eq!(x.invert().to_bytes(), inverse);
}

fn halves_and_digits_are_right(a: &[u8; 32]) {
    const LAMBDA: &[u8] = b"5363ad4cc05c30e0a5261c028812645a122e22ea20816678df02967c1b23bd72";
    let n = BigInt::from(n());
    let lambda = BigInt::parse_bytes(LAMBDA, 16).unwrap();
    let scalar = Scalar::from_bytes(a);
    let value = BigInt::from_bytes_be(Sign::Plus, &scalar.to_bytes());
    let [first, second] = scalar.split().map(half_is_right);
    let whole: BigInt = first + second * lambda - &value;
    assert_eq!(whole % &n, BigInt::ZERO);
    let wide = scalar.halves().map(|[l0, l1, l2]| {
        let size = BigInt::from(BigUint::from_slice(&[
            l0 as u32,
            (l0 >> 32) as u32,
            l1 as u32,
            (l1 >> 32) as u32,
        ]));
        size - (BigInt::from(l2 & 1) << 128)
    });
    assert_eq!(wide, scalar.split().map(half_is_right));
    let digits = FOUR.digits::<{ key::COUNT }>(&scalar.halves());
    assert_eq!(digits_are(&digits, 4), wide);
    assert_eq!(digits[key::COUNT - 1].entry, 0);
    let digits = FIVE.digits::<{ fixed::COUNT }>(&scalar.halves());
    assert_eq!(digits_are(&digits, 5), wide);
}

/// a and b of what digits of so many bits make up.
fn digits_are(digits: &[Digit], width: u32) -> [BigInt; 2] {
    let numbers = numbers(width);
    let digits = digits.iter().map(|digit| {
        let [mut a, mut b] = numbers[digit.entry];
        for _ in 0..digit.turn % 3 {
            (a, b) = (-b, a - b);
        }
        let sign = match (digit.turn, digit.negative) {
            (3, _) => 0,
            (_, true) => -1,
            (_, false) => 1,
        };
        [sign * a, sign * b]
    });
    let part = |of: usize| sum(digits.clone().map(|digit| digit[of]), width);
    [part(0), part(1)]
}

/// The a and b of all multiples of a place: from the smallest a on, each with its b, and where two do for one residue, the
/// first.
fn numbers(width: u32) -> Vec<[i64; 2]> {
    let base = 1 << width;
    let mut there = std::collections::HashSet::new();
    let mut all = Vec::new();
    for a in 1..base {
        for b in 0..a {
            let norm = |a: i64, b: i64| a * a - a * b + b * b;
            let (own, mut smallest) = (norm(a, b), true);
            for (x, y) in (-2..=2).flat_map(|x| (-2..=2).map(move |y| (x, y))) {
                smallest &= own <= norm(a + base * x, b + base * y);
            }
            let place = [a.rem_euclid(base), b.rem_euclid(base)];
            if !smallest || there.contains(&place) {
                continue;
            }
            all.push([a, b]);
            let (mut x, mut y) = (a, b);
            for _ in 0..6 {
                there.insert([x.rem_euclid(base), y.rem_euclid(base)]);
                (x, y) = (x - y, x);
            }
        }
    }
    // Every residue but zero.
    assert_eq!(there.len() as i64, base * base - 1);
    all
}

/// The number that a half is.
fn half_is_right(half: Half) -> BigInt {
    assert!(half.size < 1 << 127 | 1 << 126);
    let size = BigInt::from(half.size);
    let number = if half.negative { -size } else { size };
    let sparse = sparse(half);
    let whole = sum(sparse.iter().map(|digit| i64::from(*digit)), 1);
    assert_eq!(whole, number);
    let right = |digit: &i8| *digit == 0 || digit % 2 != 0 && digit.abs() < 16;
    assert!(sparse.iter().all(right));
    number
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(4000))]

    #[test]
    fn the_field_is_numbers_modulo_p(a in number(), b in number()) {
        field_is_right(&a, &b);
    }

    #[test]
    fn inverses_and_roots(a in number()) {
        let p = p();
        let (x, m) = (Field::from_bytes(&a), big(&a) % &p);
        let inverse = m.modpow(&(&p - 2_u8), &p);
        prop_assert_eq!(x.invert().to_bytes(), bytes(&inverse));
        let square = m.modpow(&((&p - 1_u8) >> 1), &p) != &p - 1_u8;
        prop_assert_eq!(x.square_root().is_some(), square);
        if let Some(root) = x.square_root() {
            prop_assert_eq!(root.square().to_bytes(), bytes(&m));
        }
    }

    #[test]
    fn scalars_are_numbers_modulo_n(a in number(), b in number()) {
        scalars_are_right(&a, &b);
    }

    #[test]
    fn halves_and_digits_make_up_the_scalar(a in number()) {
        halves_and_digits_are_right(&a);
    }

    #[test]
    fn shared_inversions_invert_each(all in prop::collection::vec(number(), 0..9)) {
        let single: Vec<_> = all.iter().map(|one| Field::from_bytes(one).invert().to_bytes()).collect();
        let mut shared: Vec<_> = all.iter().map(Field::from_bytes).collect();
        Field::invert_all(&mut shared);
        prop_assert_eq!(single, shared.iter().map(|one| one.to_bytes()).collect::<Vec<_>>());
        // Of scalars none may be zero.
        let scalars = all.iter().map(Scalar::from_bytes);
        let mut shared: Vec<_> = scalars.filter(|one| !one.is_zero()).collect();
        let single: Vec<_> = shared.iter().map(|one| one.invert().to_bytes()).collect();
        Scalar::invert_all(&mut shared);
        prop_assert_eq!(single, shared.iter().map(|one| one.to_bytes()).collect::<Vec<_>>());
    }
}

fn sum(digits: impl DoubleEndedIterator<Item = i64>, width: u32) -> BigInt {
    digits
        .rev()
        .fold(BigInt::ZERO, |sum, digit| (sum << width) + digit)
}

/// Points by the textbook, over big integers; `None` is infinity.
type Point = Option<(BigUint, BigUint)>;

fn textbook(a: &Point, b: &Point) -> Point {
    let p = p();
    let (Some((ax, ay)), Some((bx, by))) = (a, b) else {
        return a.clone().or(b.clone());
    };
    let invert = |number: BigUint| number.modinv(&p).unwrap();
    let slope = if ax != bx {
        (by + &p - ay) * invert(bx + &p - ax) % &p
    } else if ay == by {
        ax * ax * 3_u8 * invert(ay * 2_u8) % &p
    } else {
        return None;
    };
    let x = (&slope * &slope + &p + &p - ax - bx) % &p;
    let y = (slope * (ax + &p - &x) + &p - ay) % &p;
    Some((x, y))
}

fn plain(point: Jacobian) -> Point {
    let affine = point.affine()?;
    Some((big(&affine.x.to_bytes()), big(&affine.y.to_bytes())))
}

/// The generator (SEC 2, section 2.4.1).
fn base() -> Point {
    let x = b"79be667ef9dcbbac55a06295ce870b07029bfcdb2dce28d959f2815b16f81798";
    let y = b"483ada7726a3c4655da4fbfc0e1108a8fd17b448a68554199c47d08ffb10d4b8";
    let number = |digits| BigUint::parse_bytes(digits, 16);
    number(x).zip(number(y))
}

/// `times` the generator by the textbook.
fn generator(times: &BigUint) -> Point {
    let mut sum = None;
    let generator = base();
    for at in (0..times.bits()).rev() {
        sum = textbook(&sum, &sum);
        if times.bit(at) {
            sum = textbook(&sum, &generator);
        }
    }
    sum
}

#[test]
fn a_point_is_lifted_written_and_read_as_its_coordinates() {
    let (x, y) = base().unwrap();
    let field = |number: &BigUint| Field::from_bytes(&bytes(number));
    for (odd, y) in [(y.bit(0), y.clone()), (!y.bit(0), p() - &y)] {
        let point = Affine::lift(field(&x), odd).unwrap();
        assert_eq!(point.to_bytes(), *[bytes(&x), bytes(&y)].concat());
        assert_eq!(plain(point.jacobian()), Some((x.clone(), y.clone())));
        let again = Affine::from_entry(point.entry());
        assert_eq!(again.to_bytes(), point.to_bytes());
        let double = point.jacobian().double();
        let all = Jacobian::affine_all(&[point.jacobian(), Jacobian::INFINITY, double]);
        let all = all.into_iter().map(|point| plain(point?.jacobian()));
        let right = [point.jacobian(), Jacobian::INFINITY, double].map(plain);
        assert!(all.eq(right));
    }
    // 5 is no x of the curve.
    assert!(Affine::lift(field(&BigUint::from(5_u8)), false).is_none());
}

#[test]
fn sums_of_points_are_those_of_the_textbook_also_where_they_meet() {
    let multiples: Vec<Jacobian> = [0_u8, 1, 2, 3, 5]
        .into_iter()
        .map(|times| {
            let mut bytes = [0; 32];
            bytes[31] = times;
            add_generator(Jacobian::INFINITY, Scalar::from_bytes(&bytes))
        })
        .collect();
    let negative = |point: Jacobian| Jacobian {
        y: point.y.negate(),
        ..point
    };
    let all: Vec<Jacobian> = multiples
        .iter()
        .flat_map(|point| [*point, negative(*point), point.double().double()])
        .collect();
    for one in &all {
        assert_eq!(plain(one.double()), textbook(&plain(*one), &plain(*one)));
        for other in &all {
            let right = textbook(&plain(*one), &plain(*other));
            if let Some(affine) = other.affine() {
                assert_eq!(plain(one.add_affine(affine)), right);
            }
        }
    }
}

#[test]
fn tables_are_as_large_as_they_are_said_to_be() {
    assert_eq!(size_of_val(table()), 26 * 171 * 64);
    assert_eq!(Keys::MEMORY, 22_080);
    #[cfg(feature = "lanes")]
    {
        let table = Table::new(Affine::GENERATOR);
        assert_eq!(size_of_val(table.entries()), Keys::MEMORY);
    }
}

/// A table answers as recovery does: that it is asked shows where it is of another key.
#[test]
fn who_has_a_table_is_judged_by_it_alone() {
    let mut bytes = [0; 65];
    (bytes[31], bytes[63], bytes[64]) = (1, 1, 27);
    let signature = Signature::parse(&bytes).unwrap();
    let digest = B256::repeat_byte(1);
    let payer = Portable::new().recover(&digest, &signature).unwrap();
    let keys = Arc::new(Keys::default().build_after(1));
    let engine = Portable::with_keys(keys.clone());
    let check = Check {
        digest,
        signature,
        payer,
    };
    assert!(Portable::new().check(&digest, &signature, &payer));
    keys.right(&payer, Affine::GENERATOR);
    assert!(!engine.check(&digest, &signature, &payer));
    assert_eq!(engine.check_all(&[check; 2]), [false; 2]);
    let key = super::key_of(&digest, &signature).unwrap();
    keys.right(&payer, key);
    assert!(engine.check(&digest, &signature, &payer));
    assert_eq!(engine.check_all(&[check; 2]), [true; 2]);
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(24))]

    #[test]
    fn multiples_are_those_of_the_textbook(a in number(), b in number()) {
        let (x, y) = (Scalar::from_bytes(&a), Scalar::from_bytes(&b));
        let base = add_generator(Jacobian::INFINITY, x);
        prop_assert_eq!(plain(base), generator(&(big(&a) % n())));
        let both = add_generator(base, y);
        prop_assert_eq!(plain(both), generator(&((big(&a) + big(&b)) % n())));
        if let Some(affine) = base.affine() {
            let multiple = super::recover::multiply(affine, y);
            prop_assert_eq!(plain(multiple), generator(&(big(&a) * big(&b) % n())));
            let table = Table::new(affine);
            prop_assert_eq!(plain(table.multiply(y)), generator(&(big(&a) * big(&b) % n())));
        }
    }
}
