use crate::{lanes, ring};
use http402_lanes::{
    Answers, Entry, FIXED, FIXED_EACH, FIXED_WIDTH, KNOWN, KNOWN_EACH, Known, Lanes, Limbs, New,
    Numbers, Points, Signed,
};
use num_bigint::{BigInt, BigUint};
use proptest::prelude::*;
use std::{array::from_fn, sync::LazyLock};

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

pub(crate) fn limbs(number: &BigUint) -> [u64; 4] {
    let mut out = [0; 4];
    for (limb, digit) in out.iter_mut().zip(number.iter_u64_digits()) {
        *limb = digit;
    }
    out
}

fn entry(point: &Point) -> Entry {
    let (x, y) = point.as_ref().unwrap();
    let ([a, b, c, d], [e, f, g, h]) = (limbs(x), limbs(y));
    Entry([a, b, c, d, e, f, g, h])
}

/// The multiples 1 to `FIXED_EACH` of 2^(`FIXED_WIDTH`·i) times the generator.
static FIXED_TABLE: LazyLock<Vec<Entry>> = LazyLock::new(|| {
    let mut base = generator();
    let mut all = Vec::new();
    for _ in 0..FIXED {
        let mut sum = None;
        for _ in 0..FIXED_EACH {
            sum = add(&sum, &base);
            all.push(entry(&sum));
        }
        for _ in 0..FIXED_WIDTH {
            base = add(&base, &base);
        }
    }
    all
});

/// The multiples of 2^(16·i) times the point, and 2^128 times it.
fn known_table(point: &Point) -> Vec<Entry> {
    let numbers = ring::numbers();
    let mut base = point.clone();
    let mut all = Vec::new();
    for _ in 0..KNOWN / 4 {
        let turned = turned(&base);
        let times = |point: &Point| -> Vec<Point> {
            let numbers = (-16..=16).map(BigInt::from);
            numbers.map(|number| multiple(point, &number)).collect()
        };
        let (by_a, by_b) = (times(&base), times(&turned));
        for [a, b] in &numbers {
            let sum = add(&by_a[(a + 16) as usize], &by_b[(b + 16) as usize]);
            all.push(entry(&sum));
        }
        for _ in 0..16 {
            base = add(&base, &base);
        }
    }
    assert_eq!(all.len(), KNOWN / 4 * KNOWN_EACH);
    all.push(entry(&base));
    all
}

pub(crate) fn number<const LIMBS: usize>(numbers: &[Limbs; LIMBS], lane: usize) -> BigUint {
    let limbs = numbers.iter().rev();
    limbs.fold(BigUint::ZERO, |sum, limb| (sum << 64) + limb[lane])
}

pub(crate) fn value<const LIMBS: usize>(numbers: &Signed<LIMBS>, lane: usize) -> BigInt {
    let size = BigInt::from(number(&numbers.size, lane));
    if numbers.negative >> lane & 1 == 1 {
        -size
    } else {
        size
    }
}

fn signed<const LIMBS: usize>(numbers: [BigInt; 8]) -> Signed<LIMBS> {
    let all = numbers.each_ref().map(|number| limbs(number.magnitude()));
    let negative = numbers.map(|number| number < BigInt::ZERO);
    Signed {
        size: from_fn(|limb| all.map(|limbs| limbs[limb])),
        negative: (0..8).fold(0, |mask, lane| mask | u8::from(negative[lane]) << lane),
    }
}

/// `None` where it is infinity, or not computed.
fn lane(points: &Points, lane: usize) -> Point {
    let coordinate = |numbers| number(numbers, lane) % p();
    let computed = points.computed >> lane & 1 == 1;
    computed.then(|| (coordinate(&points.x), coordinate(&points.y)))
}

/// Numbers of either sign and so many bits at most.
fn numbers<const LIMBS: usize>(bits: u32) -> impl Strategy<Value = Signed<LIMBS>> {
    // Runs of zeros and ones are frequent: digits of zero are skipped, and others hand something on.
    let one = prop_oneof![
        any::<u64>(),
        any::<u64>(),
        Just(0),
        Just(u64::MAX),
        Just(1 << 63)
    ];
    let all = prop::collection::vec(one, 8 * LIMBS);
    (all, any::<u8>()).prop_map(move |(all, negative)| {
        let mut size: [Limbs; LIMBS] = from_fn(|at| from_fn(|lane| all[8 * at + lane]));
        for limb in &mut size[LIMBS - 1] {
            *limb >>= 64 * LIMBS as u32 - bits;
        }
        Signed { size, negative }
    })
}

/// A point of the curve by its x, with an even or odd y.
fn lift(x: &BigUint, odd: bool) -> Point {
    let p = p();
    let yy = (x * x * x + 7_u8) % &p;
    let y = yy.modpow(&((&p + 1_u8) >> 2), &p);
    let there = &y * &y % &p == yy;
    there.then(|| (x.clone(), if y.bit(0) == odd { y } else { &p - y }))
}

fn check_new(lanes: Lanes, all: &[New]) {
    let sums = lanes.new_points(all, &FIXED_TABLE, &invert);
    assert_eq!(sums.len(), all.len());
    for (new, points) in all.iter().zip(&sums) {
        check_sum(new, points);
    }
}

fn check_sum(new: &New, points: &Points) {
    for at in 0..8 {
        let point = lift(&number(&new.x, at), new.odd >> at & 1 == 1);
        assert_eq!(points.there >> at & 1 == 1, point.is_some(), "lane {at}");
        if point.is_some() {
            assert_eq!(lane(points, at), new_sum(new, &point, at), "lane {at}");
        }
    }
}

/// What a lane is to come to.
fn new_sum(new: &New, point: &Point, lane: usize) -> Point {
    let sum = multiple(point, &value(&new.halves[0], lane));
    let sum = add(
        &sum,
        &multiple(&turned(point), &value(&new.halves[1], lane)),
    );
    add(&sum, &multiple(&generator(), &value(&new.fixed, lane)))
}

fn x_numbers() -> impl Strategy<Value = Numbers> {
    any::<Numbers>().prop_map(|[a, b, c, d]| [a, b, c, d.map(|limb| limb >> 1)])
}

fn news(bits: u32) -> impl Strategy<Value = New> {
    let halves = [numbers::<2>(bits), numbers::<2>(bits)];
    let all = (x_numbers(), any::<u8>(), halves, numbers::<4>(256));
    all.prop_map(|(x, odd, halves, fixed)| New {
        x,
        odd,
        halves,
        fixed,
    })
}

fn knowns(bits: u32) -> impl Strategy<Value = ([Signed<2>; 2], Signed<4>)> {
    ([numbers::<2>(bits), numbers::<2>(bits)], numbers::<4>(256))
}

/// The first lanes ask for what their sums are, but for some with another x or another y; and the rest for what is no point.
fn compared(known: &mut Known<'_>, keys: &[Point; 8], lanes: usize) -> u8 {
    let mut right = 0;
    for at in 0..lanes {
        let (x, y) = known_sum(known, &keys[at], at).unwrap();
        let lie = (x.iter_u64_digits().next().unwrap_or(0) % 5) as u8;
        let x = if lie == 0 { x + 1_u8 } else { x };
        for (limbs, limb) in known.x.iter_mut().zip(limbs(&x)) {
            limbs[at] = limb;
        }
        known.odd |= u8::from(y.bit(0) ^ (lie == 1)) << at;
        right |= u8::from(lie > 1) << at;
    }
    right
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(6))]

    #[test]
    fn sums_with_new_points(all in prop::collection::vec(news(127), 1..12)) {
        if let Some(lanes) = lanes() {
            check_new(lanes, &all);
        }
    }

    /// Halves may be too long for the digits: then that is told.
    #[test]
    fn sums_of_long_halves_are_right_or_told(new in news(128)) {
        let Some(lanes) = lanes() else { return Ok(()) };
        let points = lanes.new_points(std::slice::from_ref(&new), &FIXED_TABLE, &invert)[0];
        for at in 0..8 {
            let point = lift(&number(&new.x, at), new.odd >> at & 1 == 1);
            if let (Some(_), Some(sum)) = (&point, lane(&points, at)) {
                prop_assert_eq!(Some(sum), new_sum(&new, &point, at), "lane {}", at);
            }
        }
    }

    #[test]
    fn sums_with_known_points(keys in any::<[u64; 3]>(), all in prop::collection::vec(knowns(127), 1..11)) {
        if let Some(lanes) = lanes() {
            check_known(lanes, keys, &all);
        }
    }

    /// Halves may be too long for the digits: then that is told.
    #[test]
    fn known_sums_of_long_halves_are_right_or_told(keys in any::<[u64; 3]>(), long in knowns(128)) {
        if let Some(lanes) = lanes() {
            check_known(lanes, keys, &[long]);
        }
    }
}

fn check_known(lanes: Lanes, keys: [u64; 3], all: &[([Signed<2>; 2], Signed<4>)]) {
    let keys = keys.map(|key| multiple(&generator(), &BigInt::from(u128::from(key) + 1)));
    let tables = keys.each_ref().map(known_table);
    let keys = from_fn(|lane| keys[lane % 3].clone());
    let known = all.iter().map(|(halves, fixed)| Known {
        tables: from_fn(|lane| tables[lane % 3].as_slice()),
        halves: *halves,
        fixed: *fixed,
        x: [[0; 8]; 4],
        odd: 0,
    });
    let mut known: Vec<_> = known.collect();
    let all = known.iter_mut().enumerate();
    let right: Vec<_> = all
        .map(|(at, known)| compared(known, &keys, if at == 0 { 8 } else { 1 }))
        .collect();
    let answers = lanes.known_points(&known, &ring::cells(), &FIXED_TABLE, &invert);
    assert_eq!(answers.len(), right.len());
    for (answers, right) in answers.iter().zip(right) {
        // Numbers of few digits may make points meet: that is told.
        assert_eq!(answers.right, right & answers.computed);
    }
}

/// What a lane is to come to.
fn known_sum(known: &Known<'_>, key: &Point, lane: usize) -> Point {
    let sum = multiple(key, &value(&known.halves[0], lane));
    let sum = add(
        &sum,
        &multiple(&turned(key), &value(&known.halves[1], lane)),
    );
    add(&sum, &multiple(&generator(), &value(&known.fixed, lane)))
}

/// The number of these limbs.
pub(crate) fn of_limbs(all: [u64; 4]) -> BigUint {
    number(&all.map(|limb| [limb; 8]), 0)
}

fn invert(all: [u64; 4]) -> [u64; 4] {
    let p = p();
    limbs(&(of_limbs(all) % &p).modinv(&p).unwrap())
}

/// A key whose multiple of the last place, turned by λ so many times, is the generator.
fn meeting_key(turns: u32) -> Point {
    let parse = |text: &[u8]| BigUint::parse_bytes(text, 16).unwrap();
    let order = parse(b"fffffffffffffffffffffffffffffffebaaedce6af48a03bbfd25e8cd0364141");
    let lambda = parse(b"5363ad4cc05c30e0a5261c028812645a122e22ea20816678df02967c1b23bd72");
    let shifted: BigUint = (lambda.pow(turns) << 128_u32) % &order;
    let times = shifted.modinv(&order).unwrap();
    multiple(&generator(), &BigInt::from(times))
}

/// The number whose digits are these, the least significant first.
fn of_digits(digits: &[i64], width: u32) -> BigInt {
    let digits = digits.iter().rev();
    digits.fold(BigInt::ZERO, |sum, digit| (sum << width) + *digit)
}

/// The same point twice, or a point and its negative, in a lane of one sum: that lane of that sum is told, and nothing else.
#[test]
fn known_points_that_meet_are_told_and_no_other_sum_is_touched() {
    let Some(lanes) = lanes() else { return };
    let key = meeting_key(1);
    let own = known_table(&key);
    let threes = [3; FIXED];
    // The digits 2 - 5·λ, and λ last.
    let (mut a, mut b) = ([2; KNOWN], [-5; KNOWN]);
    (a[KNOWN - 1], b[KNOWN - 1]) = (0, 1);
    let same = |number: BigInt| from_fn(|_| number.clone());
    let mut quiet = Known {
        tables: [&own; 8],
        halves: [a, b].map(|digits| signed(same(of_digits(&digits, 4)))),
        fixed: signed(same(of_digits(&threes, FIXED_WIDTH))),
        x: [[0; 8]; 4],
        odd: 0,
    };
    let (x, y) = known_sum(&quiet, &key, 0).unwrap();
    quiet.x = limbs(&x).map(|limb| [limb; 8]);
    quiet.odd = if y.bit(0) { 0xff } else { 0 };
    let quietly = lanes.known_points(&[quiet.clone()], &ring::cells(), &FIXED_TABLE, &invert)[0];
    assert_eq!((quietly.right, quietly.computed), (0xff, 0xff));
    for (count, which, digit) in [
        (1, 0, 1),
        (2, 1, -1),
        (8, 3, 1),
        (9, 8, -1),
        (9, 0, 1),
        (1, 0, 0),
    ] {
        let mut all = vec![quiet.clone(); count];
        // The first multiple of G and the last one of the key are added to each other before anything else.
        let mut fixed = threes;
        fixed[0] = digit;
        let mut numbers = same(of_digits(&threes, FIXED_WIDTH));
        numbers[5] = of_digits(&fixed, FIXED_WIDTH);
        all[which].fixed = signed(numbers);
        let answers = lanes.known_points(&all, &ring::cells(), &FIXED_TABLE, &invert);
        for (at, Answers { right, computed }) in answers.into_iter().enumerate() {
            let others = if at == which { !(1 << 5) } else { 0xff };
            // What is not added can not meet anything: that lane has another sum, and it is computed.
            let told = if digit == 0 { 0xff } else { others };
            assert_eq!((right, computed), (others, told), "sum {at}");
        }
    }
}

/// Nor does anything meet that is left out itself: a last digit of zero, which asks for λ² times its entry, and a first one.
#[test]
fn known_points_that_are_both_left_out_do_not_meet() {
    let Some(lanes) = lanes() else { return };
    let own = known_table(&meeting_key(2));
    let same = |number: BigInt| from_fn(|_| number.clone());
    let known = Known {
        tables: [&own; 8],
        halves: [2, -5].map(|digit| signed(same(of_digits(&[digit; KNOWN - 1], 4)))),
        fixed: signed(same(of_digits(&[3; FIXED], FIXED_WIDTH) - 3)),
        x: [[0; 8]; 4],
        odd: 0,
    };
    let answers = lanes.known_points(&[known], &ring::cells(), &FIXED_TABLE, &invert)[0];
    assert_eq!((answers.right, answers.computed), (0, 0xff));
}

/// What can not be added is told, in its own lane and no other.
#[test]
fn points_that_meet_are_told_and_the_other_lanes_go_on() {
    let Some(lanes) = lanes() else { return };
    let (gx, gy) = generator().unwrap();
    let small = |numbers: [i64; 8]| numbers.map(BigInt::from);
    let (zero, one) = (small([0; 8]), small([1; 8]));
    // R is the generator in every lane: R - G is infinity, and R + G is no case of its own, as the sum started elsewhere.
    let first = New {
        x: limbs(&gx).map(|limb| [limb; 8]),
        odd: if gy.bit(0) { 0xff } else { 0 },
        halves: [signed(one.clone()), signed(zero.clone())],
        fixed: signed(small([-1, 1, 2, -2, 3, 0, 5, -1])),
    };
    // Nothing at all is infinity too.
    let nothing = New {
        halves: [signed(zero.clone()), signed(zero.clone())],
        fixed: signed(zero),
        ..first
    };
    for all in [
        vec![first.clone()],
        vec![nothing.clone(), first.clone()],
        vec![first.clone(), nothing.clone(), nothing],
    ] {
        check_new(lanes, &all);
    }
    // R is the point that sums start at, where the first digits of three lanes double it, cancel it, and leave it alone.
    let start = BigUint::parse_bytes(
        b"6851f4c12f287bcb17a31bd44f672dbf5f6e317887749775d1f527d8f47ea518",
        16,
    )
    .unwrap();
    let met = New {
        x: limbs(&start).map(|limb| [limb; 8]),
        odd: 0,
        halves: [
            signed(small([1, -1, 0, 2, 3, 1, 0, 1]).map(|digit| digit << 126)),
            signed(one),
        ],
        ..first
    };
    let sums = lanes.new_points(&[met], &FIXED_TABLE, &invert);
    assert_eq!(sums[0].there, 0xff);
    for at in 0..8 {
        let told = lane(&sums[0], at).is_none();
        assert_eq!(
            told,
            [true, true, false, false, false, true, false, true][at],
            "lane {at}"
        );
    }
}

/// The point of x = 0 would be one third of nothing, and is not there: its multiples meet, and no other lane is touched.
#[test]
fn multiples_that_meet_are_told_where_there_is_no_point() {
    let Some(lanes) = lanes() else { return };
    let (gx, gy) = generator().unwrap();
    let one = signed(from_fn(|_| BigInt::from(1)));
    let mut new = New {
        x: limbs(&gx).map(|limb| [limb; 8]),
        odd: if gy.bit(0) { 0xff } else { 0 },
        halves: [one, one],
        fixed: signed(from_fn(|lane| BigInt::from(lane + 2))),
    };
    for limbs in &mut new.x {
        limbs[3] = 0;
    }
    // In the second sum that lane has no digits either.
    let mut long = new.clone();
    for limb in long.halves.iter_mut().flat_map(|half| &mut half.size) {
        limb[3] = u64::MAX;
    }
    long.halves[0].negative |= 1 << 3;
    let all = [new, long];
    for points in lanes.new_points(&all, &FIXED_TABLE, &invert) {
        check_sum(&all[0], &points);
        assert_eq!((points.there, points.computed), (!(1 << 3), !(1 << 3)));
    }
}
