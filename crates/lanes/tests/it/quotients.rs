use crate::{
    lanes,
    sums::{limbs, number, of_limbs, value},
};
use http402_lanes::{Fractions, Limbs, Numbers};
use num_bigint::{BigInt, BigUint};
use proptest::prelude::*;
use std::array::from_fn;

fn parse(text: &[u8]) -> BigUint {
    BigUint::parse_bytes(text, 16).unwrap()
}

fn order() -> BigUint {
    parse(b"fffffffffffffffffffffffffffffffebaaedce6af48a03bbfd25e8cd0364141")
}

fn lambda() -> BigUint {
    parse(b"5363ad4cc05c30e0a5261c028812645a122e22ea20816678df02967c1b23bd72")
}

fn invert(all: [u64; 4]) -> [u64; 4] {
    let n = order();
    limbs(&(of_limbs(all) % &n).modinv(&n).unwrap())
}

/// Any numbers below 2^256, with the ends of the range and what is near the order among them.
fn numbers() -> impl Strategy<Value = Numbers> {
    let limb = prop_oneof![any::<u64>(), Just(0), Just(u64::MAX)];
    let any = prop::array::uniform4(limb);
    let near = (-3_i8..=3).prop_map(|away| {
        limbs(&BigUint::try_from(BigInt::from(order()) + away).unwrap_or_default())
    });
    let one = prop_oneof![4 => any, 1 => near, 1 => (0_u64..4).prop_map(|low| [low, 0, 0, 0])];
    prop::array::uniform8(one).prop_map(|all| from_fn(|limb| all.map(|number| number[limb])))
}

fn fractions() -> impl Strategy<Value = Fractions> {
    (numbers(), numbers(), numbers()).prop_map(|(below, first, second)| {
        let below: [[u64; 4]; 8] = from_fn(|lane| limbs(&(number(&below, lane) % order())));
        Fractions {
            below: from_fn(|limb| -> Limbs { below.map(|number| number[limb]) }),
            first,
            second,
        }
    })
}

proptest! {
    #[test]
    fn quotients_are_those_of_big_integers(all in prop::collection::vec(fractions(), 1..10)) {
        let Some(lanes) = lanes() else { return Ok(()) };
        let (n, lambda) = (order(), BigInt::from(lambda()));
        let quotients = lanes.quotients(&all, &invert);
        prop_assert_eq!(quotients.len(), all.len());
        for (fractions, quotients) in all.iter().zip(&quotients) {
            for lane in 0..8 {
                // Where it is zero there is no quotient, and the others of the lane have theirs.
                let Some(inverse) = number(&fractions.below, lane).modinv(&n) else { continue };
                let [a, b] = quotients.halves.each_ref().map(|half| value(half, lane));
                let times = BigInt::from(number(&fractions.first, lane) * &inverse);
                prop_assert_eq!((&a + &b * &lambda - times) % BigInt::from(n.clone()), BigInt::ZERO);
                let norm = &a * &a - &a * &b + &b * &b;
                prop_assert!(norm <= BigInt::from(3) << 254, "{} and {}", a, b);
                let whole = BigInt::from(number(&fractions.second, lane) * &inverse);
                let over = value(&quotients.whole, lane) - whole;
                prop_assert_eq!(over % BigInt::from(n.clone()), BigInt::ZERO);
            }
        }
    }
}
