use crate::lanes;
use http402_lanes::{
    Digits, Entry, FIXED, FIXED_EACH, FIXED_WIDTH, KNOWN, Known, Lanes, NEW, New, Numbers, Points,
};
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

static FIXED_TABLE: LazyLock<Vec<Entry>> =
    LazyLock::new(|| table(&generator(), FIXED, FIXED_WIDTH as usize, FIXED_EACH));

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

fn sum_of(x: &[[u64; 4]; 8], odd: u8, halves: [&[Digits; NEW]; 2], fixed: &[Digits; FIXED]) -> New {
    New {
        x: std::array::from_fn(|at| std::array::from_fn(|lane| x[lane][at])),
        odd,
        halves: halves.map(|half| *half),
        fixed: *fixed,
    }
}

fn check_new(lanes: Lanes, all: &[New]) {
    let sums = lanes.new_points(all, &FIXED_TABLE, &invert);
    assert_eq!(sums.len(), all.len());
    for (new, (points, there)) in all.iter().zip(&sums) {
        check_sum(new, points, *there);
    }
}

fn check_sum(new: &New, points: &Points, there: u8) {
    let (numbers, odd, halves) = (&new.x, new.odd, &new.halves);
    for at in 0..8 {
        let point = lift(&number(numbers, at), odd >> at & 1 == 1);
        assert_eq!(there >> at & 1 == 1, point.is_some(), "lane {at}");
        if point.is_none() {
            continue;
        }
        let sum = multiple(&point, &value(&halves[0], at, 5));
        let sum = add(&sum, &multiple(&turned(&point), &value(&halves[1], at, 5)));
        let sum = add(
            &sum,
            &multiple(&generator(), &value(&new.fixed, at, FIXED_WIDTH as usize)),
        );
        assert_eq!(lane(points, at), sum, "lane {at}");
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(6))]

    #[test]
    fn sums_with_new_points(
        all in prop::collection::vec(
            (any::<[[u64; 4]; 8]>(), any::<u8>(), digits::<NEW>(16), digits::<NEW>(16), digits::<FIXED>(256)),
            1..12,
        ),
    ) {
        if let Some(lanes) = lanes() {
            let all: Vec<_> = all.iter().map(|(x, odd, first, second, fixed)| {
                sum_of(&x.map(|[a, b, c, d]| [a, b, c, d >> 1]), *odd, [first, second], fixed)
            }).collect();
            check_new(lanes, &all);
        }
    }

    #[test]
    fn sums_with_known_points(
        keys in any::<[u64; 8]>(),
        all in prop::collection::vec((digits::<KNOWN>(32), digits::<KNOWN>(32), digits::<FIXED>(256)), 1..11),
    ) {
        let Some(lanes) = lanes() else { return Ok(()) };
        let keys = keys.map(|key| multiple(&generator(), &BigInt::from(u128::from(key) + 1)));
        let tables = keys.each_ref().map(|key| table(key, KNOWN / 2, 12, 32));
        let known: Vec<_> = all.iter().map(|(first, second, fixed)| Known {
            tables: tables.each_ref().map(Vec::as_slice),
            halves: [*first, *second],
            fixed: *fixed,
        }).collect();
        let points = lanes.known_points(&known, &FIXED_TABLE, &invert);
        prop_assert_eq!(points.len(), known.len());
        for (known, points) in known.iter().zip(&points) {
            let at = (known.fixed[0][0].unsigned_abs() % 8) as usize;
            prop_assert_eq!(lane(points, at), known_sum(known, &keys[at], at), "lane {}", at);
        }
        let (known, points) = (&known[0], &points[0]);
        for (at, key) in keys.iter().enumerate() {
            prop_assert_eq!(lane(points, at), known_sum(known, key, at), "lane {}", at);
        }
    }
}

/// What a lane is to come to.
fn known_sum(known: &Known<'_>, key: &Point, lane: usize) -> Point {
    let [first, second] = &known.halves;
    let sum = multiple(key, &value(first, lane, 6));
    let sum = add(&sum, &multiple(&turned(key), &value(second, lane, 6)));
    add(
        &sum,
        &multiple(
            &generator(),
            &value(&known.fixed, lane, FIXED_WIDTH as usize),
        ),
    )
}

fn invert(numbers: &Numbers) -> Numbers {
    let p = p();
    let all: [[u64; 4]; 8] = std::array::from_fn(|lane| {
        let inverse = (number(numbers, lane) % &p).modinv(&p);
        limbs(&inverse.unwrap_or_default())
    });
    std::array::from_fn(|limb| all.map(|number| number[limb]))
}

/// A key whose multiple of the last even place, turned by λ, is the generator.
fn meeting_key() -> Point {
    let parse = |text: &[u8]| BigUint::parse_bytes(text, 16).unwrap();
    let order = parse(b"fffffffffffffffffffffffffffffffebaaedce6af48a03bbfd25e8cd0364141");
    let lambda = parse(b"5363ad4cc05c30e0a5261c028812645a122e22ea20816678df02967c1b23bd72");
    let shifted: BigUint = (lambda << 120_u32) % &order;
    let times = shifted.modinv(&order).unwrap();
    multiple(&generator(), &BigInt::from(times))
}

/// The same point twice, or a point and its negative, in a lane of one sum: that lane of that sum is told, and nothing else.
#[test]
fn known_points_that_meet_are_told_and_no_other_sum_is_touched() {
    let Some(lanes) = lanes() else { return };
    let key = meeting_key();
    let own = table(&key, KNOWN / 2, 12, 32);
    let quiet = Known {
        tables: [&own; 8],
        halves: [[[1; 8]; KNOWN], [[2; 8]; KNOWN]],
        fixed: [[3; 8]; FIXED],
    };
    let quiet_sum = known_sum(&quiet, &key, 0);
    for (count, which, digit) in [(1, 0, 7_i16), (2, 1, -7), (8, 3, 32), (9, 8, -1), (9, 0, 1)] {
        let mut all = vec![quiet.clone(); count];
        // These two are added to each other before anything else.
        all[which].halves[1][20][5] = digit.abs();
        all[which].fixed[0][5] = digit;
        let points = lanes.known_points(&all, &FIXED_TABLE, &invert);
        for (at, points) in points.iter().enumerate() {
            for of_lane in 0..8 {
                let told = at == which && of_lane == 5;
                let right = (!told).then(|| quiet_sum.clone()).flatten();
                assert_eq!(lane(points, of_lane), right, "sum {at}, lane {of_lane}");
            }
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
    let generators = [limbs(&gx); 8];
    let first = sum_of(&generators, odd, [&one, &zero], &fixed);
    // Nothing at all is infinity too.
    let nothing = sum_of(&generators, odd, [&zero, &zero], &[[0; 8]; FIXED]);
    for all in [
        vec![first.clone()],
        vec![nothing.clone(), first.clone()],
        vec![first, nothing.clone(), nothing],
    ] {
        check_new(lanes, &all);
    }
    // R is the point that sums start at, where the first digits of three lanes double it, cancel it, and leave it alone.
    let start = BigUint::parse_bytes(
        b"6851f4c12f287bcb17a31bd44f672dbf5f6e317887749775d1f527d8f47ea518",
        16,
    )
    .unwrap();
    let mut met = zero;
    met[NEW - 1] = [1, -1, 0, 2, 3, 1, 0, 1];
    let met = sum_of(&[limbs(&start); 8], 0, [&met, &one], &fixed);
    let sums = lanes.new_points(&[met], &FIXED_TABLE, &invert);
    let (points, there) = sums[0];
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
