use super::*;
use alloy_primitives::hex;
use proptest::prelude::*;
use std::{format, vec};

/// A pull payment as mppx 0.11.0 sent it to a development chain, and one that waits for its fee payer.
const PULL: &str = "76f9010582a5bf843b9aca0085052b391e00830c0a08f87ef87c9420c000000000000000000000000000000000000080b86495777d590000000000000000000000003c44cdddb6a900fa2b585dd299e03d12fa4293bc0000000000000000000000000000000000000000000000000000000000002710ef1ed7120134b0aeb03b4891634541000000000000000000009b99b845ca1cfac0a0ffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff80846b02884784537364a98080c0b841412ebb2022336436312f4bf8c06da4e868330b98103e58ab885ee76c8e8eeb5b58afb4e593d871975341c0cf658d964320370cfcc370a86ba4e1aba559850df11c";
const SPONSORED: &str = "78f9011982a5bf843b9aca0085048f789366830c0a08f87ef87c9420c000000000000000000000000000000000000080b86495777d590000000000000000000000003c44cdddb6a900fa2b585dd299e03d12fa4293bc0000000000000000000000000000000000000000000000000000000000002710ef1ed7120134b0aeb03b489163454100000000000000000000aa4780947428fac0a0ffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff80846b0288478432151d64809470997970c51812dc3a010c7d01b50e0d17dc79c8c0b841579b61321d3c68336f3ab67703a8ead9058dedbb20096c844c57d552d5d6fd0e00c78034eb7e555f5bcb5478f8b97f6d88268159ac90acdbde31f985cb1385fe1c";

fn challenge() -> ChallengeRef {
    ChallengeRef::new("127.0.0.1", "id")
}

fn read(text: &str) -> TempoTransaction {
    TempoTransaction::signed(challenge(), None, hex::decode(text).unwrap().into()).unwrap()
}

fn payer() -> Address {
    "0x70997970C51812dc3A010C7d01b50e0d17dc79C8"
        .parse()
        .unwrap()
}

#[test]
fn recorded_transactions_are_read() {
    let pull = read(PULL);
    assert_eq!(
        (pull.chain(), pull.sponsored(), pull.payer()),
        (42_431, false, None)
    );
    assert_eq!(pull.window().end(), Timestamp::from_secs(0x6b02_8847));
    let sponsored = read(SPONSORED);
    assert_eq!((sponsored.chain(), sponsored.sponsored()), (42_431, true));
    assert_eq!(sponsored.sender(), Some(payer()));
}

#[test]
fn what_is_signed_becomes_what_was_sent() {
    for text in [PULL, SPONSORED] {
        let sent = read(text);
        let unsigned =
            TempoTransaction::unsigned(challenge(), payer(), sent.signing_bytes().clone()).unwrap();
        assert!(!unsigned.is_signed() && unsigned.sponsored() == sent.sponsored());
        assert_eq!(unsigned.signing_hash(), sent.signing_hash());
        let signature = sent.raw().get(sent.raw().len() - 65..).unwrap().to_vec();
        let signed = unsigned.sign(&signature).unwrap();
        assert_eq!(signed.raw(), sent.raw());
        assert!(signed.sign(&signature).is_err());
    }
}

#[test]
fn s04_neither_the_signature_nor_the_fee_payer_plays_a_part_in_the_key() {
    let chain = ChainId::eip155(42_431);
    let mut bytes = hex::decode(SPONSORED).unwrap();
    *bytes.last_mut().unwrap() ^= 7;
    let other = TempoTransaction::signed(challenge(), Some(payer()), bytes.into()).unwrap();
    assert_eq!(read(SPONSORED).spends(&chain), other.spends(&chain));
    assert_ne!(read(SPONSORED).spends(&chain), read(PULL).spends(&chain));
    let hash = TempoHash {
        challenge: challenge(),
        payer: None,
        hash: B256::ZERO,
    };
    assert_eq!(
        hash.spends(&chain)[0],
        other.spends(&chain)[0],
        "the challenge is one"
    );
}

#[test]
fn other_bytes_are_refused() {
    let mut two = hex::decode(PULL).unwrap();
    two[0] = 0x02;
    for bad in [
        vec![],
        vec![0x76],
        vec![0x76, 0xc0],
        two,
        vec![0x76; 40],
        vec![0x76; MAX_LEN + 1],
    ] {
        assert!(TempoTransaction::signed(challenge(), None, bad.into()).is_err());
    }
    // 0x78 without an address in the place of the fee payer.
    let mut plain = hex::decode(PULL).unwrap();
    plain[0] = FEE_PAYER;
    assert!(TempoTransaction::signed(challenge(), None, plain.into()).is_err());
}

#[test]
fn s84_the_bytes_are_not_printed() {
    assert!(!format!("{:?}", read(PULL)).contains("412ebb20"));
}

proptest! {
    #[test]
    fn any_bytes_are_read_or_refused(bytes in proptest::collection::vec(any::<u8>(), 0..200)) {
        let mut bytes = bytes;
        bytes.insert(0, 0x76);
        let _ = TempoTransaction::signed(challenge(), None, bytes.into());
    }

    #[test]
    fn a_flipped_bit_before_the_signature_is_another_transaction(at in 3_usize..190, bit in 0_u8..8) {
        let mut bytes = hex::decode(PULL).unwrap();
        bytes[at] ^= 1 << bit;
        let chain = ChainId::eip155(42_431);
        if let Ok(other) = TempoTransaction::signed(challenge(), None, bytes.into()) {
            prop_assert_ne!(other.spends(&chain), read(PULL).spends(&chain));
        }
    }
}
