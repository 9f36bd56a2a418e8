use crate::lanes;
use proptest::prelude::*;
use sha3::{Digest, Keccak256};

fn hashes<const N: usize>(seed: [u8; 8]) {
    let Some(lanes) = lanes() else { return };
    let inputs =
        seed.map(|seed| std::array::from_fn(|at| seed.wrapping_mul(31).wrapping_add(at as u8)));
    let right: [[u8; 32]; 8] = inputs.map(|input: [u8; N]| Keccak256::digest(input).into());
    assert_eq!(
        lanes.keccak(inputs.each_ref().map(<[u8; N]>::as_slice)),
        right,
        "{N} bytes"
    );
}

proptest! {
    #[test]
    fn keccak_is_keccak_in_every_lane(seed in any::<[u8; 8]>()) {
        hashes::<0>(seed);
        hashes::<1>(seed);
        hashes::<64>(seed);
        hashes::<66>(seed);
        hashes::<135>(seed);
        hashes::<136>(seed);
        hashes::<137>(seed);
        hashes::<224>(seed);
        hashes::<272>(seed);
        hashes::<300>(seed);
    }
}
