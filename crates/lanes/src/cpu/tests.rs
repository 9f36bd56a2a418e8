//! The model against plain arithmetic, and, where the CPU has the lanes, against their instructions.

use super::model;
use crate::Limbs;
use proptest::prelude::*;
use std::array::from_fn;

/// What each function makes of three vectors and a mask, with its name. Masks stand in the first lane.
type Answers = Vec<(&'static str, Limbs)>;

/// The answers of the functions of one module, each beside the name of the instruction.
macro_rules! answers {
    ($cpu:path, $a:expr, $b:expr, $c:expr, $mask:expr) => {{
        use $cpu::*;
        let (a, b, c, k): (_, _, _, __mmask8) = (load($a), load($b), load($c), $mask);
        vec![
            ("zero", store(_mm512_setzero_si512())),
            ("set1", store(_mm512_set1_epi64($a[0] as i64))),
            ("add", store(_mm512_add_epi64(a, b))),
            ("sub", store(_mm512_sub_epi64(a, b))),
            ("mask add", store(_mm512_mask_add_epi64(a, k, b, c))),
            ("mask sub", store(_mm512_mask_sub_epi64(a, k, b, c))),
            ("blend", store(_mm512_mask_blend_epi64(k, a, b))),
            ("madd lo", store(_mm512_madd52lo_epu64(a, b, c))),
            ("madd hi", store(_mm512_madd52hi_epu64(a, b, c))),
            ("and", store(_mm512_and_si512(a, b))),
            ("or", store(_mm512_or_si512(a, b))),
            ("xor", store(_mm512_xor_si512(a, b))),
            ("xor3", store(_mm512_ternarylogic_epi64::<0x96>(a, b, c))),
            ("chi", store(_mm512_ternarylogic_epi64::<0xd2>(a, b, c))),
            ("only a", store(_mm512_ternarylogic_epi64::<0x10>(a, b, c))),
            ("sll 0", store(_mm512_slli_epi64::<0>(a))),
            ("sll 12", store(_mm512_slli_epi64::<12>(a))),
            ("sll 63", store(_mm512_slli_epi64::<63>(a))),
            ("sll 64", store(_mm512_slli_epi64::<64>(a))),
            ("srl 0", store(_mm512_srli_epi64::<0>(a))),
            ("srl 52", store(_mm512_srli_epi64::<52>(a))),
            ("srl 63", store(_mm512_srli_epi64::<63>(a))),
            ("srl 64", store(_mm512_srli_epi64::<64>(a))),
            ("sllv", store(_mm512_sllv_epi64(a, b))),
            ("srlv", store(_mm512_srlv_epi64(a, b))),
            ("rolv", store(_mm512_rolv_epi64(a, b))),
            ("eq", of_mask(_mm512_cmpeq_epu64_mask(a, b))),
            ("ge", of_mask(_mm512_cmpge_epu64_mask(a, b))),
            ("gt", of_mask(_mm512_cmpgt_epu64_mask(a, b))),
            ("test", of_mask(_mm512_test_epi64_mask(a, b))),
            ("testn", of_mask(_mm512_testn_epi64_mask(a, b))),
            ("align 0", store(_mm512_alignr_epi64::<0>(a, b))),
            ("align 1", store(_mm512_alignr_epi64::<1>(a, b))),
            ("align 2", store(_mm512_alignr_epi64::<2>(a, b))),
            ("align 4", store(_mm512_alignr_epi64::<4>(a, b))),
            ("align 7", store(_mm512_alignr_epi64::<7>(a, b))),
            (
                "even pairs",
                store(_mm512_shuffle_i64x2::<0b10_00_10_00>(a, b)),
            ),
            (
                "odd pairs",
                store(_mm512_shuffle_i64x2::<0b11_01_11_01>(a, b)),
            ),
            (
                "all pairs",
                store(_mm512_shuffle_i64x2::<0b00_01_10_11>(a, b)),
            ),
            ("unpack lo", store(_mm512_unpacklo_epi64(a, b))),
            ("unpack hi", store(_mm512_unpackhi_epi64(a, b))),
        ]
    }};
}

fn of_mask(mask: u8) -> Limbs {
    [mask.into(), 0, 0, 0, 0, 0, 0, 0]
}

fn of_model(a: &Limbs, b: &Limbs, c: &Limbs, mask: u8) -> Answers {
    answers!(model, a, b, c, mask)
}

/// The same, by the definitions: of a lane by itself, and of where each lane comes from.
fn of_definitions(a: &Limbs, b: &Limbs, c: &Limbs, mask: u8) -> Answers {
    let each =
        |lane: &dyn Fn(u64, u64, u64) -> u64| -> Limbs { from_fn(|at| lane(a[at], b[at], c[at])) };
    let chosen = |lane: &dyn Fn(u64, u64, u64) -> u64, other: &dyn Fn(u64, u64) -> u64| -> Limbs {
        from_fn(|at| {
            if mask & 1 << at != 0 {
                lane(a[at], b[at], c[at])
            } else {
                other(a[at], b[at])
            }
        })
    };
    let holds = |lane: &dyn Fn(u64, u64) -> bool| -> Limbs {
        let mut mask = 0;
        for at in 0..8 {
            if lane(a[at], b[at]) {
                mask += 1 << at;
            }
        }
        of_mask(mask)
    };
    // Numbers of as many digits to the base 2^64 or 2^52, and what is left of them.
    let modulo = |number: u128| (number % (1 << 64)) as u64;
    let word = |number: u64| u128::from(number);
    let factor = |number: u64| word(number) % (1 << 52);
    let power = |by: u64| 1_u128 << by.min(64);
    let half = |b, c| factor(b) * factor(c);
    let taken = |a, b| modulo((1 << 64) + word(a) - word(b));
    // The lanes of b and those of a upon it.
    let both: [u64; 16] = from_fn(|at| if at < 8 { b[at] } else { a[at - 8] });
    let picked = |from: [usize; 8]| from.map(|at| both[at]);
    vec![
        ("zero", [0; 8]),
        ("set1", [a[0]; 8]),
        ("add", each(&|a, b, _| modulo(word(a) + word(b)))),
        ("sub", each(&|a, b, _| taken(a, b))),
        (
            "mask add",
            chosen(&|_, b, c| modulo(word(b) + word(c)), &|a, _| a),
        ),
        ("mask sub", chosen(&|_, b, c| taken(b, c), &|a, _| a)),
        ("blend", chosen(&|_, b, _| b, &|a, _| a)),
        (
            "madd lo",
            each(&|a, b, c| modulo(word(a) + half(b, c) % (1 << 52))),
        ),
        (
            "madd hi",
            each(&|a, b, c| modulo(word(a) + half(b, c) / (1 << 52))),
        ),
        ("and", each(&|a, b, _| a & b)),
        ("or", each(&|a, b, _| a | b)),
        ("xor", each(&|a, b, _| a ^ b)),
        ("xor3", each(&|a, b, c| a ^ b ^ c)),
        ("chi", each(&|a, b, c| a ^ (!b & c))),
        ("only a", each(&|a, b, c| a & !b & !c)),
        ("sll 0", *a),
        ("sll 12", each(&|a, _, _| modulo(word(a) * power(12)))),
        ("sll 63", each(&|a, _, _| modulo(word(a) * power(63)))),
        ("sll 64", [0; 8]),
        ("srl 0", *a),
        ("srl 52", each(&|a, _, _| modulo(word(a) / power(52)))),
        ("srl 63", each(&|a, _, _| modulo(word(a) / power(63)))),
        ("srl 64", [0; 8]),
        ("sllv", each(&|a, b, _| modulo(word(a) * power(b)))),
        ("srlv", each(&|a, b, _| modulo(word(a) / power(b)))),
        (
            "rolv",
            each(&|a, b, _| {
                let turned = word(a) * power(b % 64);
                modulo(turned) + (turned / power(64)) as u64
            }),
        ),
        ("eq", holds(&|a, b| a == b)),
        ("ge", holds(&|a, b| a >= b)),
        ("gt", holds(&|a, b| a > b)),
        ("test", holds(&|a, b| a & b != 0)),
        ("testn", holds(&|a, b| a & b == 0)),
        ("align 0", picked([0, 1, 2, 3, 4, 5, 6, 7])),
        ("align 1", picked([1, 2, 3, 4, 5, 6, 7, 8])),
        ("align 2", picked([2, 3, 4, 5, 6, 7, 8, 9])),
        ("align 4", picked([4, 5, 6, 7, 8, 9, 10, 11])),
        ("align 7", picked([7, 8, 9, 10, 11, 12, 13, 14])),
        // Those of a are eight further up.
        ("even pairs", picked([8, 9, 12, 13, 0, 1, 4, 5])),
        ("odd pairs", picked([10, 11, 14, 15, 2, 3, 6, 7])),
        ("all pairs", picked([14, 15, 12, 13, 2, 3, 0, 1])),
        ("unpack lo", picked([8, 0, 10, 2, 12, 4, 14, 6])),
        ("unpack hi", picked([9, 1, 11, 3, 13, 5, 15, 7])),
    ]
}

/// Limbs of any kind: at the edges of 52 and 64 bits, such as shifts are by, and any others.
fn limbs() -> impl Strategy<Value = Limbs> {
    let edge = prop_oneof![Just(0), Just(1 << 51), Just(1 << 52), Just(1 << 63)];
    let near =
        (edge, 0_u64..3).prop_map(|(edge, by): (u64, _)| edge.wrapping_add(by).wrapping_sub(1));
    let limb = prop_oneof![any::<u64>(), near, 0_u64..130];
    prop::array::uniform8(limb)
}

proptest! {
    #[test]
    fn the_model_does_what_is_defined(a in limbs(), b in limbs(), c in limbs(), mask: u8) {
        prop_assert_eq!(of_model(&a, &b, &c, mask), of_definitions(&a, &b, &c, mask));
        // What compares finds the same in some lanes.
        let some = from_fn(|at| if mask & 1 << at == 0 { a[at] } else { b[at] });
        prop_assert_eq!(of_model(&a, &some, &c, mask), of_definitions(&a, &some, &c, mask));
    }
}

/// This can not be said where there are none, and is left out where the model stands for them.
#[cfg(not(http402_lanes_model))]
mod instructions {
    use super::{Answers, Limbs, limbs, of_mask, of_model};
    use crate::{
        Lanes,
        cpu::{avx512, called},
    };
    use proptest::prelude::*;
    use std::array::from_fn;

    #[target_feature(enable = "avx512ifma")]
    fn of_cpu(a: &Limbs, b: &Limbs, c: &Limbs, mask: u8) -> Answers {
        answers!(avx512, a, b, c, mask)
    }

    proptest! {
        #[test]
        fn the_model_does_what_the_cpu_does(a in limbs(), b in limbs(), c in limbs(), mask: u8) {
            let Some(lanes) = Lanes::detect() else {
                println!("SKIPPED: this CPU has no AVX-512 IFMA");
                return Ok(());
            };
            let some = from_fn(|at| if mask & 1 << at == 0 { a[at] } else { b[at] });
            for b in [b, some] {
                let right = called!(&lanes, of_cpu(&a, &b, &c, mask));
                prop_assert_eq!(of_model(&a, &b, &c, mask), right);
            }
        }
    }
}
