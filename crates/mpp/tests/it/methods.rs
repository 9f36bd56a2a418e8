//! Requests and payloads of the two methods, and the memo.

use crate::shop::{key, tempo as requirement};
use http402_core::{
    Amount, Authorization, B256, ChainId, Leg, Party, Price, Reason, asset::Assets,
    authorization::ChallengeRef, json::Document,
};
use http402_mpp::{
    credential::{parse_source, source},
    memo::Memo,
    method::{
        evm::{self, CredentialType},
        tempo,
    },
};
use proptest::prelude::*;

const TEMPO: &str = r#"{"amount":"10000","currency":"0x20c0000000000000000000000000000000000000","methodDetails":{"chainId":42431},"recipient":"0x3C44CdDdB6a900fa2b585dd299e03d12FA4293BC"}"#;
const EVM: &str = r#"{"amount":"10000","currency":"0x036CbD53842c5426634e7929541eC2318f3dCF7e","methodDetails":{"chainId":84532,"credentialTypes":["authorization"],"decimals":6},"recipient":"0x3C44CdDdB6a900fa2b585dd299e03d12FA4293BC"}"#;

fn details(more: &str) -> String {
    TEMPO.replace("42431", &format!("42431,{more}"))
}

fn reference() -> ChallengeRef {
    ChallengeRef::new("api.example.com", "abc")
}

#[test]
fn a_request_of_tempo() {
    let charge = tempo::Charge::parse(TEMPO).unwrap();
    assert_eq!(
        (charge.amount(), charge.chain()),
        (Amount::from(10_000), 42_431)
    );
    let options = charge.options();
    assert!(options.pull && options.push && !options.fee_payer);
    assert!(tempo::is_tempo(&ChainId::eip155(charge.chain())));
    let split = r#""splits":[{"amount":"1","recipient":"0x3C44CdDdB6a900fa2b585dd299e03d12FA4293BC"},{"amount":"2","recipient":"0x3C44CdDdB6a900fa2b585dd299e03d12FA4293BC","memo":"0x0101010101010101010101010101010101010101010101010101010101010101"}]"#;
    let charge = tempo::Charge::parse(&details(split)).unwrap();
    assert_eq!(
        (charge.splits().len(), charge.remainder()),
        (2, Amount::from(9_997))
    );
    assert_eq!(charge.splits()[1].memo, Some(B256::repeat_byte(1)));
    let again = tempo::Charge::parse(&charge.encode()).unwrap();
    assert_eq!(again, charge);
    assert_eq!(charge.requirement(60).splits.len(), 2);
}

#[test]
fn requests_of_tempo_that_are_refused() {
    let bound = Memo::new(&reference(), None).bytes();
    let one = |amount: &str, more: &str| {
        format!(
            r#"{{"amount":"{amount}","recipient":"0x3C44CdDdB6a900fa2b585dd299e03d12FA4293BC"{more}}}"#
        )
    };
    let splits = |items: &[String]| format!(r#""splits":[{}]"#, items.join(","));
    for bad in [
        TEMPO.replace("42431", "\"42431\""),
        TEMPO.replace("\"chainId\":42431", ""),
        TEMPO.replace("\"10000\"", "10000"),
        TEMPO.replace("\"10000\"", "\"-1\""),
        TEMPO.replace("0x20c0", "0x20c"),
        details(r#""feePayer":"yes""#),
        details(r#""supportedModes":[]"#),
        details(r#""supportedModes":["fax"]"#),
        details(&splits(&[])),
        details(&splits(&[one("0", "")])),
        details(&splits(&[one("10000", "")])),
        details(&splits(&[one("6000", ""), one("6000", "")])),
        details(&splits(&vec![one("1", ""); 11])),
        details(&splits(&[one("1", r#","memo":"0x01""#)])),
        details(&splits(&[one("1", &format!(r#","memo":"{bound}""#))])),
        "[]".into(),
    ] {
        assert!(tempo::Charge::parse(&bad).is_err(), "{bad}");
    }
}

#[test]
fn what_pays_a_charge_of_tempo() {
    let charge = tempo::Charge::parse(TEMPO).unwrap();
    let nothing = tempo::Charge::parse(&TEMPO.replace("\"10000\"", "\"0\"")).unwrap();
    assert_eq!(nothing.requirement(60).price, Price::Nothing);
    let hash = format!(r#"{{"type":"hash","hash":"0x{}"}}"#, "ab".repeat(32));
    let proof = r#"{"type":"proof","signature":"0x0102"}"#;
    let named = source(42_431, key().address());
    let of = |charge: &tempo::Charge, payload: &str, source: Option<&str>| {
        charge.authorization(reference(), source, payload)
    };
    let sent = of(&charge, &hash, None).unwrap();
    assert!(
        matches!(&sent, Authorization::TempoHash(sent) if sent.hash == B256::repeat_byte(0xab))
    );
    assert_eq!(
        sent.spends(&ChainId::eip155(42_431), &requirement(1).asset)
            .len(),
        2
    );
    assert!(matches!(
        of(&nothing, proof, Some(&named)),
        Ok(Authorization::MppProof(_))
    ));
    // Nothing is proved by a payment, and nothing is paid by a proof.
    assert_eq!(of(&nothing, &hash, None), Err(Reason::MethodMismatch));
    assert_eq!(
        of(&charge, proof, Some(&named)),
        Err(Reason::MethodMismatch)
    );
    assert_eq!(
        of(&nothing, proof, None),
        Err(Reason::PayloadMalformed),
        "of whom?"
    );
    assert_eq!(
        of(&nothing, proof, Some(&source(1, key().address()))),
        Err(Reason::NetworkMismatch)
    );
    for bad in [
        "{}",
        r#"{"type":"fax"}"#,
        r#"{"type":"hash","hash":"0x01"}"#,
        r#"{"type":"transaction","signature":"0x02"}"#,
        r#"{"type":"transaction","signature":"7601"}"#,
    ] {
        assert_eq!(
            of(&charge, bad, None),
            Err(Reason::PayloadMalformed),
            "{bad}"
        );
    }
    let pull = tempo::Charge::parse(&details(r#""supportedModes":["pull"]"#)).unwrap();
    assert_eq!(of(&pull, &hash, None), Err(Reason::MethodMismatch));
    let sponsored = tempo::Charge::parse(&details(r#""feePayer":true"#)).unwrap();
    assert_eq!(
        of(&sponsored, &hash, None),
        Err(Reason::MethodMismatch),
        "the client would pay the fee"
    );
}

#[test]
fn a_request_of_evm() {
    let assets = Assets::known();
    let charge = evm::Charge::parse(EVM).unwrap();
    assert_eq!((charge.decimals(), charge.chain()), (Some(6), 84_532));
    let requirement = charge.requirement(&assets, 60).unwrap();
    assert_eq!(&*requirement.domain.unwrap().name, "USDC");
    assert_eq!(&*charge.encode(), EVM);
    // Servers that do not say how take an authorization; one that wants something else is not paid.
    let silent =
        evm::Charge::parse(&EVM.replace(r#""credentialTypes":["authorization"],"#, "")).unwrap();
    assert!(silent.requirement(&assets, 60).is_ok());
    let other =
        evm::Charge::parse(&EVM.replace("\"authorization\"", "\"permit2\",\"zk\"")).unwrap();
    assert!(other.accepts(&CredentialType::Permit2) && other.requirement(&assets, 60).is_err());
    let unknown = evm::Charge::parse(&EVM.replace("0x036C", "0x136C")).unwrap();
    assert!(
        unknown.requirement(&assets, 60).is_err(),
        "no domain to sign for"
    );
    assert!(evm::Charge::parse(&EVM.replace("\"chainId\":84532,", "")).is_err());
    assert!(evm::Charge::parse(&EVM.replace("[\"authorization\"]", "[]")).is_err());
}

#[test]
fn payloads_of_evm_are_read() {
    let permit = r#"{"type":"permit2","permit":{"permitted":[{"token":"0x036CbD53842c5426634e7929541eC2318f3dCF7e","amount":"5"}],"nonce":"1","deadline":"1800000000"},"transferDetails":[{"to":"0x3C44CdDdB6a900fa2b585dd299e03d12FA4293BC","requestedAmount":"5"}],"witness":{"challengeHash":"0x0101010101010101010101010101010101010101010101010101010101010101"},"signature":"0x5a5a"}"#;
    let read = evm::Payload::parse(permit).unwrap();
    assert!(matches!(&read, evm::Payload::Permit2(permit) if permit.transfers.len() == 1));
    assert!(!format!("{read:?}").contains("5a5a"), "S84");
    // Read, and not built: whether the charge asks for it or not, nothing is claimed.
    let hash = format!(r#"{{"type":"hash","hash":"0x{}"}}"#, "07".repeat(32));
    let transaction = r#"{"type":"transaction","signature":"0x02aa"}"#;
    let any = EVM.replace(
        "[\"authorization\"]",
        "[\"permit2\",\"transaction\",\"hash\",\"authorization\"]",
    );
    for charge in [EVM, &any] {
        let charge = evm::Charge::parse(charge).unwrap();
        for payload in [permit, &hash, transaction] {
            assert_eq!(
                charge.authorization(&reference(), None, payload),
                Err(Reason::MethodMismatch),
                "{payload}"
            );
        }
    }
    let short = permit.replace(
        r#"{"to":"0x3C44CdDdB6a900fa2b585dd299e03d12FA4293BC","requestedAmount":"5"}"#,
        "",
    );
    assert!(evm::Payload::parse(&short).is_err());
    assert!(evm::Payload::parse(r#"{"type":"transaction","signature":"0x02f8"}"#).is_ok());
    assert!(
        evm::Payload::parse(&format!(
            r#"{{"type":"hash","hash":"0x{}"}}"#,
            "ab".repeat(32)
        ))
        .is_ok()
    );
    assert!(evm::Payload::parse(r#"{"type":"hash","hash":"0x01"}"#).is_err());
}

/// The nonce as mppx 0.11 makes it, and as pympp 0.16 does; each computed there.
#[test]
fn s24_buyers_bind_an_authorization_to_its_challenge_in_two_ways() {
    let charge = evm::Charge::parse(EVM).unwrap();
    let id = "9YI4slQZ37zjNYbhzYPnnLHGy5W8UHUcPjDgI3B39mg";
    let pays = |realm: &str, nonce: &str| {
        let payload = format!(
            r#"{{"type":"authorization","from":"0x70997970C51812dc3A010C7d01b50e0d17dc79C8","to":"0x3C44CdDdB6a900fa2b585dd299e03d12FA4293BC","value":"10000","validAfter":"0","validBefore":"1800000000","nonce":"{nonce}","signature":"0x{}"}}"#,
            "5a".repeat(65)
        );
        charge.authorization(&ChallengeRef::new(realm, id), None, &payload)
    };
    let run_together = "0x0270ab019226e8cc45f939d3bb538d71f21717efc56453e527a864f02c82d122";
    let listed = "0x7be1ed5e99160a98cb16f34ab811c55de15b7a6d5c3d93c5d90d8120ae455e97";
    let odd = "0xc144bb23fd8d5b73611907eea49c3c153db63cb52456befff3c4810e229a727b";
    assert!(pays("127.0.0.1", run_together).is_ok());
    assert!(pays("127.0.0.1", listed).is_ok());
    assert!(pays("caf\u{e9} \"x\"", odd).is_ok());
    for nonce in [run_together, listed, odd] {
        let other = pays("127.0.0.2", nonce);
        assert_eq!(other, Err(Reason::ChallengeMismatch), "{nonce}");
    }
    let long = "x".repeat(1 << 22);
    assert_eq!(pays(&long, listed), Err(Reason::ChallengeMismatch));
}

#[test]
fn a_source_has_one_spelling() {
    let account = key().address();
    assert_eq!(
        parse_source(&source(42_431, account)),
        Ok((42_431, account))
    );
    for bad in [
        "did:pkh:eip155:042431:0x3C44CdDdB6a900fa2b585dd299e03d12FA4293BC",
        "did:pkh:eip155:+1:0x3C44CdDdB6a900fa2b585dd299e03d12FA4293BC",
        "did:pkh:eip155:1:0x3C44CdDdB6a900fa2b585dd299e03d12FA4293BC:x",
        "did:pkh:eip155:1:2:0x3C44CdDdB6a900fa2b585dd299e03d12FA4293BC",
        "did:pkh:eip155:1",
        "did:key:z6Mkr",
        "",
    ] {
        assert!(parse_source(bad).is_err(), "{bad}");
    }
}

/// The memo in a transfer that mppx 0.11.0 signed for this challenge.
#[test]
fn s28_a_recorded_memo_is_bound_to_its_challenge() {
    let memo: B256 = "0xef1ed7120134b0aeb03b4891634541000000000000000000009b99b845ca1cfa"
        .parse()
        .unwrap();
    let challenge = ChallengeRef::new("127.0.0.1", "9YI4slQZ37zjNYbhzYPnnLHGy5W8UHUcPjDgI3B39mg");
    assert_eq!(Memo::new(&challenge, None).bytes(), memo);
    let memo = Memo::read(memo).unwrap();
    assert!(memo.is_bound_to(&challenge));
    for other in [
        ChallengeRef::new("127.0.0.2", challenge.id()),
        ChallengeRef::new("127.0.0.1", "x"),
    ] {
        assert!(!memo.is_bound_to(&other));
    }
    assert_eq!(
        Memo::read(B256::ZERO),
        None,
        "a memo of somebody's own says nothing"
    );
}

#[test]
fn a_proof_is_asked_for_whatever_is_said_of_payments() {
    let mut asked = requirement(1);
    asked.price = Price::Nothing;
    let options = tempo::Options::default();
    for options in [
        options,
        options.pull_only(),
        options.push_only(),
        options.sponsored(),
    ] {
        let charge = tempo::Charge::of(&asked, options).unwrap();
        let read = tempo::Charge::parse(&charge.encode()).unwrap();
        assert_eq!(read.requirement(asked.timeout).price, Price::Nothing);
    }
}

proptest! {
    #[test]
    fn a_memo_is_read_back(realm in "\\PC{0,20}", id in "\\PC{0,20}", client in proptest::option::of("\\PC{0,9}"), at in 0_usize..32, bit in 0_u8..8) {
        let challenge = ChallengeRef::new(&realm, &id);
        let memo = Memo::new(&challenge, client.as_deref());
        prop_assert!(Memo::read(memo.bytes()).unwrap().is_bound_to(&challenge));
        // A flipped bit makes it another, but where the client's name stands.
        let mut bytes = memo.bytes();
        bytes[at] ^= 1 << bit;
        let bound = Memo::read(bytes).is_some_and(|memo| memo.is_bound_to(&challenge));
        prop_assert_eq!(bound, (15..25).contains(&at));
    }

    #[test]
    fn requests_of_any_price_are_read_back(amount in 1_u64.., parts in proptest::collection::vec(1_u64..1000, 0..4), pull in any::<bool>()) {
        let mut asked = requirement(amount);
        for part in &parts {
            asked.splits.push(Leg { to: Party::Evm(key().address()), amount: Amount::from(*part) });
        }
        let options = tempo::Options::default();
        let options = if pull { options.pull_only() } else { options.push_only() };
        let fits = parts.iter().sum::<u64>() < amount;
        let charge = tempo::Charge::of(&asked, options);
        prop_assert_eq!(charge.is_some(), fits);
        if let Some(charge) = charge {
            let read = tempo::Charge::parse(&charge.encode()).unwrap();
            prop_assert_eq!(&read.requirement(asked.timeout), &asked);
            prop_assert_eq!(read, charge);
        }
    }

    #[test]
    fn the_members_order_plays_no_part(swap in any::<bool>()) {
        let text = if swap { TEMPO.replace(r#""amount":"10000","#, "").replace("\"recipient\"", r#""amount":"10000","recipient""#) } else { TEMPO.to_owned() };
        prop_assert!(Document::parse(&text).unwrap().root().same(Document::parse(TEMPO).unwrap().root()));
        prop_assert_eq!(tempo::Charge::parse(&text), tempo::Charge::parse(TEMPO));
    }
}
