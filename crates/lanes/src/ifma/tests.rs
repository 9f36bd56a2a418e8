//! Numbers next to 0, p and 2^256, to which nothing comes by chance.

use super::{field::Field, memory::load};
use crate::{Lanes, Limbs, cpu::called};
use num_bigint::BigUint;
use std::array::from_fn;

/// The lanes in which a number by its limbs is zero, in which it is odd, and in which it is the same as zero.
#[cfg_attr(not(http402_lanes_model), target_feature(enable = "avx512ifma"))]
fn masks([l0, l1, l2, l3, l4]: &[Limbs; 5]) -> [u8; 3] {
    let number = Field::of_limbs([load(l0), load(l1), load(l2), load(l3), load(l4)]);
    let nothing = Field::constant(&[0; 5]);
    [number.zero(), number.odd(), number.same(&nothing)]
}

/// Each differs from 0, p or 2^256 in one limb at most, or by what is handed on.
fn edges() -> Vec<BigUint> {
    let power = |bits: u32| BigUint::from(1_u8) << bits;
    let mut all = Vec::new();
    for edge in [BigUint::ZERO, power(256) - 0x1_0000_03d1_u64, power(256)] {
        all.push(edge.clone());
        for by in [0, 1, 52, 104, 156, 208].map(power) {
            if by <= edge {
                all.push(&edge - &by);
            }
            all.push(&edge + by);
        }
    }
    all
}

#[test]
fn numbers_at_the_edges_are_zero_or_odd_modulo_p() {
    let Some(lanes) = Lanes::detect() else {
        println!("SKIPPED: this CPU has no AVX-512 IFMA");
        return;
    };
    let p = (BigUint::from(1_u8) << 256) - 0x1_0000_03d1_u64;
    let edges = edges();
    let limb = |number: &BigUint, at: u32| {
        let limb: BigUint = (number >> (52 * at)) % (BigUint::from(1_u8) << 52);
        limb.iter_u64_digits().next().unwrap_or(0)
    };
    // Every edge in the first lane, and others beside it.
    for from in 0..edges.len() {
        let numbers: [&BigUint; 8] = from_fn(|lane| &edges[(from + lane) % edges.len()]);
        let limbs = from_fn(|at| numbers.map(|number| limb(number, at as u32)));
        let mask = |holds: &dyn Fn(&BigUint) -> bool| {
            (0..8).fold(0, |mask, lane| {
                mask | u8::from(holds(&(numbers[lane] % &p))) << lane
            })
        };
        let zero = mask(&|number| *number == BigUint::ZERO);
        let odd = mask(&|number| number.bit(0));
        let masks = called!(&lanes, masks(&limbs));
        assert_eq!(masks, [zero, odd, zero], "{numbers:x?}");
    }
}
