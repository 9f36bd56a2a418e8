use crate::lanes;
use http402_lanes::{Digits, Entry, FIXED, Fixed, KNOWN, Lanes, NEW, Numbers, Points};
use num_bigint::{BigInt, BigUint};
use proptest::prelude::*;
use std::sync::LazyLock;

fn p() -> BigUint {
    (BigUint::from(1_u8) << 256) - 0x1_0000_03d1_u64
}

/// Points by the textbook; `None` is infinity.
type Point = Option<(BigUint, BigUint)>;

fn add(a: &Point, b: &Point) -> Point {
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

fn negative(point: &Point) -> Point {
    point.clone().map(|(x, y)| (x, p() - y))
}

/// `times` the point; the number may be negative.
fn multiple(point: &Point, times: &BigInt) -> Point {
    let mut sum = None;
    for at in (0..times.bits()).rev() {
        sum = add(&sum, &sum);
        if times.magnitude().bit(at) {
            sum = add(&sum, point);
        }
    }
    if times < &BigInt::ZERO {
        negative(&sum)
    } else {
        sum
    }
}

fn turned(point: &Point) -> Point {
    let beta = BigUint::parse_bytes(
        b"7ae96a2b657c07106e64479eac3434e99cf0497512f58995c1396c28719501ee",
        16,
    )
    .unwrap();
    point.clone().map(|(x, y)| (x * beta % p(), y))
}

fn generator() -> Point {
    let parse = |text: &[u8]| BigUint::parse_bytes(text, 16).unwrap();
    Some((
        parse(b"79be667ef9dcbbac55a06295ce870b07029bfcdb2dce28d959f2815b16f81798"),
        parse(b"483ada7726a3c4655da4fbfc0e1108a8fd17b448a68554199c47d08ffb10d4b8"),
    ))
}

fn limbs(number: &BigUint) -> [u64; 4] {
    let mut out = [0; 4];
    for (limb, digit) in out.iter_mut().zip(number.iter_u64_digits()) {
        *limb = digit;
    }
    out
}

fn entry(point: &Point) -> Entry {
    let (x, y) = point.as_ref().unwrap();
    let ([a, b, c, d], [e, f, g, h]) = (limbs(x), limbs(y));
    [a, b, c, d, e, f, g, h]
}

/// The multiples 1 to `each` of 2^(width·i) times the point.
fn table(point: &Point, places: usize, width: usize, each: usize) -> Vec<Entry> {
    let mut base = point.clone();
    let mut all = Vec::new();
    for _ in 0..places {
        let mut sum = None;
        for _ in 0..each {
            sum = add(&sum, &base);
            all.push(entry(&sum));
        }
        for _ in 0..width {
            base = add(&base, &base);
        }
    }
    all
}

static FIXED_TABLE: LazyLock<Vec<Entry>> = LazyLock::new(|| table(&generator(), FIXED, 8, 128));

fn number(numbers: &Numbers, lane: usize) -> BigUint {
    (0..4)
        .rev()
        .fold(BigUint::ZERO, |sum, at| (sum << 64) + numbers[at][lane])
}

/// `None` where z is zero: infinity, or not computed.
fn lane(points: &Points, lane: usize) -> Point {
    let p = p();
    let z = (number(&points.z, lane) % &p).modinv(&p)?;
    let x = number(&points.x, lane) * &z % &p * &z % &p;
    let y = number(&points.y, lane) * &z % &p * &z % &p * &z % &p;
    Some((x, y))
}

fn value<const N: usize>(digits: &[Digits; N], lane: usize, width: usize) -> BigInt {
    let digits = digits.iter().rev();
    digits.fold(BigInt::ZERO, |sum, digits| (sum << width) + digits[lane])
}

fn digits<const N: usize>(size: i16) -> impl Strategy<Value = [Digits; N]> {
    // Zeros and the largest ones are frequent: they are skipped, and they are the ends of the tables.
    let one = prop_oneof![-size..=size, Just(0), Just(size), Just(-size)];
    let all = prop::collection::vec(one, 8 * N);
    all.prop_map(|all| std::array::from_fn(|at| std::array::from_fn(|lane| all[8 * at + lane])))
}

/// A point of the curve by its x, with an even or odd y.
fn lift(x: &BigUint, odd: bool) -> Point {
    let p = p();
    let yy = (x * x * x + 7_u8) % &p;
    let y = yy.modpow(&((&p + 1_u8) >> 2), &p);
    let there = &y * &y % &p == yy;
    there.then(|| (x.clone(), if y.bit(0) == odd { y } else { &p - y }))
}

fn check_new(
    lanes: Lanes,
    x: &[[u64; 4]; 8],
    odd: u8,
    halves: [&[Digits; NEW]; 2],
    fixed: &[Digits; FIXED],
) {
    let numbers: Numbers = std::array::from_fn(|at| std::array::from_fn(|lane| x[lane][at]));
    let fixed = Fixed {
        table: &FIXED_TABLE,
        digits: fixed,
    };
    let (points, there) = lanes.new_points(&numbers, odd, halves, &fixed);
    for at in 0..8 {
        let point = lift(&number(&numbers, at), odd >> at & 1 == 1);
        assert_eq!(there >> at & 1 == 1, point.is_some(), "lane {at}");
        if point.is_none() {
            continue;
        }
        let sum = multiple(&point, &value(halves[0], at, 5));
        let sum = add(&sum, &multiple(&turned(&point), &value(halves[1], at, 5)));
        let sum = add(&sum, &multiple(&generator(), &value(fixed.digits, at, 8)));
        assert_eq!(lane(&points, at), sum, "lane {at}");
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(6))]

    #[test]
    fn sums_with_new_points(
        x in any::<[[u64; 4]; 8]>(), odd in any::<u8>(),
        first in digits::<NEW>(16), second in digits::<NEW>(16), fixed in digits::<FIXED>(128),
    ) {
        if let Some(lanes) = lanes() {
            check_new(lanes, &x.map(|[a, b, c, d]| [a, b, c, d >> 1]), odd, [&first, &second], &fixed);
        }
    }

    #[test]
    fn sums_with_known_points(
        keys in any::<[u64; 8]>(),
        first in digits::<KNOWN>(32), second in digits::<KNOWN>(32), fixed in digits::<FIXED>(128),
    ) {
        let Some(lanes) = lanes() else { return Ok(()) };
        let keys = keys.map(|key| multiple(&generator(), &BigInt::from(u128::from(key) + 1)));
        let tables = keys.each_ref().map(|key| table(key, KNOWN / 2, 12, 32));
        let fixed = Fixed { table: &FIXED_TABLE, digits: &fixed };
        let points = lanes.known_points(tables.each_ref().map(Vec::as_slice), [&first, &second], &fixed);
        for (at, key) in keys.iter().enumerate() {
            let sum = multiple(key, &value(&first, at, 6));
            let sum = add(&sum, &multiple(&turned(key), &value(&second, at, 6)));
            let sum = add(&sum, &multiple(&generator(), &value(fixed.digits, at, 8)));
            prop_assert_eq!(lane(&points, at), sum, "lane {}", at);
        }
    }
}

/// What the formulas can not add gets z = 0, in its own lane and no other.
#[test]
fn points_that_meet_are_told_and_the_other_lanes_go_on() {
    let Some(lanes) = lanes() else { return };
    let (gx, gy) = generator().unwrap();
    let mut zero: [Digits; NEW] = [[0; 8]; NEW];
    let mut one = zero;
    let mut fixed: [Digits; FIXED] = [[0; 8]; FIXED];
    // R is the generator in every lane: R - G is infinity, and R + G is no case of its own, as the sum started elsewhere.
    one[0] = [1; 8];
    fixed[0] = [-1, 1, 2, -2, 3, 0, 5, -1];
    zero[0] = [0; 8];
    let odd = if gy.bit(0) { 0xff } else { 0 };
    check_new(lanes, &[limbs(&gx); 8], odd, [&one, &zero], &fixed);
    // Nothing at all is infinity too.
    check_new(
        lanes,
        &[limbs(&gx); 8],
        odd,
        [&zero, &zero],
        &[[0; 8]; FIXED],
    );
    // R is the point that sums start at, where the first digits of three lanes double it, cancel it, and leave it alone.
    let start = BigUint::parse_bytes(
        b"6851f4c12f287bcb17a31bd44f672dbf5f6e317887749775d1f527d8f47ea518",
        16,
    )
    .unwrap();
    let mut met = zero;
    met[NEW - 1] = [1, -1, 0, 2, 3, 1, 0, 1];
    let numbers: Numbers = limbs(&start).map(|limb| [limb; 8]);
    let fixed = Fixed {
        table: &FIXED_TABLE,
        digits: &fixed,
    };
    let (points, there) = lanes.new_points(&numbers, 0, [&met, &one], &fixed);
    assert_eq!(there, 0xff);
    for at in 0..8 {
        let told = lane(&points, at).is_none();
        assert_eq!(
            told,
            [true, true, false, false, false, true, false, true][at],
            "lane {at}"
        );
    }
}
