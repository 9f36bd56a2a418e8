use http402_core::{
    Amount, Authorization, B256, Bytes, ChainId, Claim, Encoded, Party, Price, ProtocolId, Reason,
    Requirement, Timestamp, TokenDomain, TransferMethod, U256, Verdict, Window, Wire,
    asset::Assets,
    authorization::{Eip3009, Foreign},
    seam::{Judge, Known, PayerCode},
};
use http402_verify::{LocalKey, Signature, Verifier};
use proptest::prelude::*;

pub(crate) const NOW: u64 = 1_700_000_000;

pub(crate) fn key() -> LocalKey {
    LocalKey::from_hex("0x4646464646464646464646464646464646464646464646464646464646464646")
        .unwrap()
}

pub(crate) fn requirement() -> Requirement {
    let assets = Assets::known();
    let usdc = assets.of_chain(&ChainId::eip155(84_532)).unwrap();
    usdc.price("0.01", "0x209693Bc6afc0C5328bA36FaF03C514EF312287C")
        .unwrap()
}

pub(crate) fn unsigned() -> Eip3009 {
    Eip3009 {
        from: key().address(),
        to: "0x209693Bc6afc0C5328bA36FaF03C514EF312287C"
            .parse()
            .unwrap(),
        value: U256::from(10_000),
        window: Window::new(Timestamp::from_secs(0), Timestamp::from_secs(NOW + 60)),
        nonce: B256::repeat_byte(7),
        signature: Bytes::new(),
    }
}

pub(crate) fn sign(mut signed: Eip3009) -> Eip3009 {
    let digest = Verifier::new(Assets::known())
        .eip3009_digest(&requirement(), &signed)
        .unwrap();
    signed.signature = Bytes::copy_from_slice(&key().sign_digest(&digest.0));
    signed
}

pub(crate) fn claim(requirement: Requirement, signed: Eip3009) -> Claim {
    let wire = Wire {
        protocol: ProtocolId::new("test/1"),
        offer: Encoded::default(),
        answer: Encoded::default(),
    };
    Claim::new(requirement, Authorization::Eip3009(signed), wire)
}

fn judge(requirement: Requirement, signed: Eip3009, now: u64, code: PayerCode) -> Verdict {
    let known = Known::at(Timestamp::from_secs(now)).payer_code(code);
    Verifier::new(Assets::known()).judge(&claim(requirement, signed), &known)
}

fn absent(signed: Eip3009) -> Verdict {
    judge(requirement(), signed, NOW, PayerCode::Absent)
}

fn valid() -> Verdict {
    Verdict::Valid {
        payer: Party::Evm(key().address()),
    }
}

#[test]
fn a_right_authorization_is_valid() {
    assert_eq!(absent(sign(unsigned())), valid());
    assert_eq!(
        judge(requirement(), sign(unsigned()), NOW, PayerCode::Unknown),
        valid()
    );
}

#[test]
fn the_digest_is_that_of_the_document() {
    let document = unsigned().document(
        &TokenDomain::new("USDC", "2"),
        84_532,
        requirement().asset.evm().unwrap(),
    );
    let digest = Verifier::new(Assets::known()).eip3009_digest(&requirement(), &unsigned());
    assert_eq!(digest, Ok(document.digest()));
    // A token that is not known has its separator computed from the requirement.
    let mut other = requirement();
    other.asset = Party::Evm([1; 20].into());
    let document = unsigned().document(&TokenDomain::new("USDC", "2"), 84_532, [1; 20].into());
    assert_eq!(
        Verifier::new(Assets::known()).eip3009_digest(&other, &unsigned()),
        Ok(document.digest())
    );
}

#[test]
fn what_code_does_to_a_verdict() {
    let right = sign(unsigned());
    let wrong = Eip3009 {
        signature: sign(Eip3009 {
            nonce: B256::ZERO,
            ..unsigned()
        })
        .signature,
        ..unsigned()
    };
    let odd = Eip3009 {
        signature: Bytes::from(vec![1; 66]),
        ..unsigned()
    };
    let mut wrapped = right.signature.to_vec();
    for _ in 0..16 {
        wrapped.extend([0x64, 0x92]);
    }
    let wrapped = Eip3009 {
        signature: wrapped.into(),
        ..unsigned()
    };
    let invalid = Verdict::Invalid(Reason::Signature);
    for (signed, unknown, none) in [
        (&right, valid(), valid()),
        (&wrong, Verdict::NeedsChain, invalid.clone()),
        (&odd, Verdict::NeedsChain, invalid),
        (&wrapped, Verdict::NeedsChain, Verdict::NeedsChain),
    ] {
        assert_eq!(
            judge(requirement(), signed.clone(), NOW, PayerCode::Unknown),
            unknown
        );
        assert_eq!(
            judge(requirement(), signed.clone(), NOW, PayerCode::Absent),
            none
        );
        assert_eq!(
            judge(requirement(), signed.clone(), NOW, PayerCode::Present),
            Verdict::NeedsChain
        );
    }
}

#[test]
fn what_only_a_facilitator_understands_needs_the_chain() {
    let foreign = Authorization::Foreign(Foreign {
        kind: "x".into(),
        spends: Vec::new(),
        payer: None,
        window: None,
        content: Bytes::new(),
    });
    let wire = Wire {
        protocol: ProtocolId::new("test/1"),
        offer: Encoded::default(),
        answer: Encoded::default(),
    };
    let claim = Claim::new(requirement(), foreign, wire);
    let known = Known::at(Timestamp::from_secs(NOW)).payer_code(PayerCode::Absent);
    assert_eq!(
        Verifier::new(Assets::known()).judge(&claim, &known),
        Verdict::NeedsChain
    );
}

#[test]
fn s17_s18_s25_everything_signed_has_to_fit_the_requirement() {
    let refused = |change: fn(&mut Requirement)| {
        let mut changed = requirement();
        change(&mut changed);
        judge(changed, sign(unsigned()), NOW, PayerCode::Absent)
    };
    let invalid = |reason| Verdict::Invalid(reason);
    assert_eq!(
        refused(|r| r.pay_to = Party::Evm([9; 20].into())),
        invalid(Reason::RecipientMismatch)
    );
    assert_eq!(
        refused(|r| r.price = Price::Exactly(Amount::from(9_999))),
        invalid(Reason::AmountMismatch)
    );
    assert_eq!(
        refused(|r| r.price = Price::Exactly(Amount::from(10_001))),
        invalid(Reason::AmountMismatch)
    );
    assert_eq!(
        refused(|r| r.transfer = TransferMethod::Permit2),
        invalid(Reason::MethodMismatch)
    );
    assert_eq!(refused(|r| r.domain = None), invalid(Reason::MissingDomain));
    assert_eq!(
        refused(|r| r.domain = Some(TokenDomain::new("USD Coin", "2"))),
        invalid(Reason::DomainMismatch)
    );
    // Signed for Base Sepolia, presented on Base; signed for one token, presented for another.
    assert_eq!(
        refused(|r| r.chain = ChainId::eip155(8453)),
        invalid(Reason::Signature)
    );
    assert_eq!(
        refused(|r| r.asset = Party::Evm([9; 20].into())),
        invalid(Reason::Signature)
    );
    assert_eq!(
        refused(|r| r.chain = "solana:x".parse().unwrap()),
        invalid(Reason::UnsupportedNetwork)
    );
}

#[test]
fn s31_a_high_s_twin_is_refused() {
    let low = sign(unsigned());
    assert_eq!(absent(low.clone()), valid());
    let order = U256::from_str_radix(
        "fffffffffffffffffffffffffffffffebaaedce6af48a03bbfd25e8cd0364141",
        16,
    )
    .unwrap();
    let s = U256::from_be_slice(&low.signature[32..64]);
    let mut twin = low.signature.to_vec();
    twin[32..64].copy_from_slice(&(order - s).to_be_bytes::<32>());
    twin[64] = if twin[64] == 27 { 28 } else { 27 };
    assert_eq!(
        absent(Eip3009 {
            signature: twin.into(),
            ..low
        }),
        Verdict::Invalid(Reason::Signature)
    );
}

#[test]
fn s32_v_is_one_of_four() {
    let right = sign(unsigned());
    let odd = right.signature[64] - 27;
    for v in 0..=u8::MAX {
        let mut bytes = right.signature.to_vec();
        bytes[64] = v;
        let verdict = absent(Eip3009 {
            signature: bytes.into(),
            ..right.clone()
        });
        let expected = if v == odd || v == 27 + odd {
            valid()
        } else {
            Verdict::Invalid(Reason::Signature)
        };
        assert_eq!(verdict, expected, "v = {v}");
    }
}

#[test]
fn s33_edges_of_r_and_s_and_lengths() {
    let right = sign(unsigned());
    for length in 0..=200 {
        let mut bytes = right.signature.to_vec();
        bytes.resize(length, 0);
        let verdict = absent(Eip3009 {
            signature: bytes.into(),
            ..right.clone()
        });
        assert_eq!(verdict == valid(), length == 65, "{length} bytes");
    }
    let order = U256::from_str_radix(
        "fffffffffffffffffffffffffffffffebaaedce6af48a03bbfd25e8cd0364141",
        16,
    )
    .unwrap();
    let field = U256::from_str_radix(
        "fffffffffffffffffffffffffffffffffffffffffffffffffffffffefffffc2f",
        16,
    )
    .unwrap();
    let one = U256::from(1);
    let half = order >> 1;
    let edges = [
        U256::ZERO,
        one,
        order - one,
        order,
        order + one,
        field - order,
        field - one,
        field,
        U256::MAX,
    ];
    for r in edges {
        for s in [
            U256::ZERO,
            one,
            half,
            half + one,
            order - one,
            order,
            U256::MAX,
        ] {
            for v in [27, 28] {
                let bytes = [
                    r.to_be_bytes::<32>().as_slice(),
                    &s.to_be_bytes::<32>(),
                    &[v],
                ]
                .concat();
                let in_range = r > U256::ZERO && r < order && s > U256::ZERO && s <= half;
                assert_eq!(Signature::parse(&bytes).is_some(), in_range);
                assert_ne!(
                    absent(Eip3009 {
                        signature: bytes.into(),
                        ..unsigned()
                    }),
                    valid()
                );
            }
        }
    }
}

#[test]
fn s39_the_window_has_six_seconds_to_spare() {
    let at = |now| judge(requirement(), sign(unsigned()), now, PayerCode::Absent);
    assert_eq!(at(NOW + 54), valid());
    assert_eq!(at(NOW + 55), Verdict::Invalid(Reason::Expired));
    assert_eq!(at(NOW + 61), Verdict::Invalid(Reason::Expired));
    let later = Window::new(Timestamp::from_secs(NOW), Timestamp::from_secs(NOW + 60));
    let begins = |now| {
        judge(
            requirement(),
            sign(Eip3009 {
                window: later,
                ..unsigned()
            }),
            now,
            PayerCode::Absent,
        )
    };
    assert_eq!(begins(NOW), valid());
    assert_eq!(begins(NOW - 1), Verdict::Invalid(Reason::NotYetValid));
    let backwards = Window::new(
        Timestamp::from_secs(NOW + 60),
        Timestamp::from_secs(NOW + 30),
    );
    assert_ne!(
        absent(sign(Eip3009 {
            window: backwards,
            ..unsigned()
        })),
        valid()
    );
}

#[test]
fn s81_a_lifetime_beyond_the_limit_is_refused() {
    let long = Window {
        after: U256::ZERO,
        before: U256::MAX,
    };
    assert_eq!(
        absent(sign(Eip3009 {
            window: long,
            ..unsigned()
        })),
        Verdict::Invalid(Reason::LifetimeTooLong)
    );
    // A day, unless told, and no second more.
    let ends_in = |secs| {
        let end = Timestamp::from_secs(NOW + secs);
        sign(Eip3009 {
            window: Window::new(Timestamp::from_secs(0), end),
            ..unsigned()
        })
    };
    let strict = Verifier::new(Assets::known()).max_lifetime(60);
    for (verifier, longest) in [(Verifier::new(Assets::known()), 86_400), (strict, 60)] {
        let verdict = |secs| {
            let known = Known::at(Timestamp::from_secs(NOW));
            verifier.judge(&claim(requirement(), ends_in(secs)), &known)
        };
        assert_eq!(verdict(longest), valid());
        let refused = verdict(longest + 1);
        assert_eq!(refused, Verdict::Invalid(Reason::LifetimeTooLong));
    }
}

#[test]
fn a_verifier_says_how_it_judges() {
    let text = format!("{:?}", Verifier::new(Assets::known()).max_lifetime(60));
    for part in ["engine: \"k256\"", "max_lifetime: 60"] {
        assert!(text.contains(part), "{text}");
    }
}

#[test]
fn s84_a_key_prints_its_address_alone() {
    let text = format!("{:?} {:?}", key(), LocalKey::from_hex("0x46").unwrap_err());
    assert!(!text.contains("4646464646"), "{text}");
    assert!(text.contains(&format!("{:?}", key().address())), "{text}");
    let signature = Signature::parse(&key().sign_digest(&[7; 32])).unwrap();
    assert_eq!(format!("{signature:?}"), "Signature(..)");
    let told = LocalKey::from_hex("0x46").unwrap_err().to_string();
    assert!(told.starts_with("not a private key: 32 bytes"), "{told}");
    assert!(LocalKey::from_bytes(&[0; 32]).is_err());
    assert!(LocalKey::from_bytes(&[0xff; 32]).is_err());
}

proptest! {
    /// One flipped bit of anything that is signed, or of the signature, is never valid.
    #[test]
    fn s34_one_flipped_bit_is_never_valid(field in 0usize..7, bit in 0usize..520) {
        let mut signed = sign(unsigned());
        let flip = |bytes: &mut [u8]| {
            let bit = bit % (8 * bytes.len());
            bytes[bit / 8] ^= 1 << (bit % 8);
        };
        let word = |number: U256| {
            let mut bytes = number.to_be_bytes::<32>();
            flip(&mut bytes);
            U256::from_be_bytes(bytes)
        };
        match field {
            0 => flip(signed.from.as_mut_slice()),
            1 => flip(signed.to.as_mut_slice()),
            2 => signed.value = word(signed.value),
            3 => signed.window.after = word(signed.window.after),
            4 => signed.window.before = word(signed.window.before),
            5 => flip(signed.nonce.as_mut_slice()),
            _ => {
                let mut bytes = signed.signature.to_vec();
                flip(&mut bytes);
                signed.signature = bytes.into();
            }
        }
        // Recipient and amount are moved along, so that the signature alone has to tell.
        let mut moved = requirement();
        moved.pay_to = Party::Evm(signed.to);
        moved.price = Price::Exactly(Amount::from_units(signed.value));
        let verdict = judge(moved, signed, NOW, PayerCode::Absent);
        let valid = matches!(verdict, Verdict::Valid { .. });
        prop_assert!(!valid);
    }
}
