//! Proofs of MPP charges of nothing, and the hash that a Tempo transaction's sender signs. The signed bytes are those that
//! mppx 0.11.0 sent in recorded exchanges.

use http402_core::{
    Address, Amount, Authorization, Bytes, ChainId, Claim, Encoded, Party, Price, ProtocolId,
    Reason, Requirement, Timestamp, TransferMethod, Verdict, Wire,
    asset::Assets,
    authorization::{ChallengeRef, MppProof, TempoTransaction},
    seam::{Judge, Known, PayerCode},
};
use http402_verify::{
    LocalKey, Signature, Verifier,
    engine::{Engine, K256},
};

const ID: &str = "aYPAJTJn0yV538EX__31ro3IljKMgY5LZrbAlHb08_Y";
const SIGNATURE: &str = "0xd076b1894c4ac60cad51effaaa9f2990111ffd8eb2b8f5338bab80f7f5f9bd7d6470a08468e93644303437b4445f9a8857d41e07d585274fa9ac55d2453ba9301c";
const PULL: &str = "0x76f9010582a5bf843b9aca0085052b391e00830c0a08f87ef87c9420c000000000000000000000000000000000000080b86495777d590000000000000000000000003c44cdddb6a900fa2b585dd299e03d12fa4293bc0000000000000000000000000000000000000000000000000000000000002710ef1ed7120134b0aeb03b4891634541000000000000000000009b99b845ca1cfac0a0ffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff80846b02884784537364a98080c0b841412ebb2022336436312f4bf8c06da4e868330b98103e58ab885ee76c8e8eeb5b58afb4e593d871975341c0cf658d964320370cfcc370a86ba4e1aba559850df11c";
const SPONSORED: &str = "0x78f9011982a5bf843b9aca0085048f789366830c0a08f87ef87c9420c000000000000000000000000000000000000080b86495777d590000000000000000000000003c44cdddb6a900fa2b585dd299e03d12fa4293bc0000000000000000000000000000000000000000000000000000000000002710ef1ed7120134b0aeb03b489163454100000000000000000000aa4780947428fac0a0ffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff80846b0288478432151d64809470997970c51812dc3a010c7d01b50e0d17dc79c8c0b841579b61321d3c68336f3ab67703a8ead9058dedbb20096c844c57d552d5d6fd0e00c78034eb7e555f5bcb5478f8b97f6d88268159ac90acdbde31f985cb1385fe1c";

fn account() -> Address {
    "0x70997970C51812dc3A010C7d01b50e0d17dc79C8"
        .parse()
        .unwrap()
}

fn requirement() -> Requirement {
    let token = "0x20c0000000000000000000000000000000000000"
        .parse()
        .unwrap();
    let mut requirement = Requirement::exactly(
        Amount::ZERO,
        ChainId::eip155(42_431),
        Party::Evm(token),
        Party::Evm(Address::repeat_byte(9)),
        None,
    );
    requirement.price = Price::Nothing;
    requirement.transfer = TransferMethod::Native;
    requirement
}

fn recorded() -> MppProof {
    MppProof {
        challenge: ChallengeRef::new("127.0.0.1", ID),
        account: account(),
        signature: SIGNATURE.parse().unwrap(),
    }
}

fn judge(requirement: Requirement, proof: MppProof) -> Verdict {
    let wire = Wire {
        protocol: ProtocolId::new("test/1"),
        offer: Encoded::default(),
        answer: Encoded::default(),
    };
    let claim = Claim::new(requirement, Authorization::MppProof(proof), wire);
    let known = Known::at(Timestamp::from_secs(1_700_000_000)).payer_code(PayerCode::Absent);
    Verifier::new(Assets::known()).judge(&claim, &known)
}

#[test]
fn a_recorded_proof_is_its_account() {
    let payer = Party::Evm(account());
    assert_eq!(judge(requirement(), recorded()), Verdict::Valid { payer });
}

#[test]
fn s24_a_proof_is_good_for_its_account_challenge_realm_and_chain_alone() {
    let mut others = vec![
        MppProof {
            account: Address::repeat_byte(1),
            ..recorded()
        },
        MppProof {
            challenge: ChallengeRef::new("127.0.0.1", "other"),
            ..recorded()
        },
        MppProof {
            challenge: ChallengeRef::new("localhost", ID),
            ..recorded()
        },
        MppProof {
            signature: Bytes::new(),
            ..recorded()
        },
    ];
    for at in 0..65 {
        let mut signature = recorded().signature.to_vec();
        signature[at] ^= 1;
        others.push(MppProof {
            signature: signature.into(),
            ..recorded()
        });
    }
    for other in others {
        // The chain may know another key of the account; nothing here does.
        assert_eq!(
            judge(requirement(), other.clone()),
            Verdict::NeedsChain,
            "{other:?}"
        );
    }
    let mut elsewhere = requirement();
    elsewhere.chain = ChainId::eip155(4_217);
    assert_eq!(judge(elsewhere, recorded()), Verdict::NeedsChain);
}

#[test]
fn s24_a_proof_pays_nothing() {
    let mut priced = requirement();
    priced.price = Price::Exactly(Amount::from(1));
    let refused = Verdict::Invalid(Reason::AmountMismatch);
    assert_eq!(judge(priced, recorded()), refused);
    let mut transfer = requirement();
    transfer.transfer = TransferMethod::Eip3009;
    assert!(matches!(judge(transfer, recorded()), Verdict::Invalid(_)));
}

#[test]
fn a_local_key_proves_itself() {
    let key = LocalKey::from_bytes(&[7; 32]).unwrap();
    let mut proof = MppProof {
        account: key.address(),
        signature: Bytes::new(),
        ..recorded()
    };
    let digest = proof.document(42_431).digest();
    proof.signature = Bytes::copy_from_slice(&key.sign_digest(&digest.0));
    let payer = Party::Evm(key.address());
    assert_eq!(judge(requirement(), proof), Verdict::Valid { payer });
}

#[test]
fn the_signing_hash_of_recorded_transactions_recovers_their_sender() {
    for text in [PULL, SPONSORED] {
        let raw: Bytes = text.parse().unwrap();
        let signature = Signature::parse(&raw[raw.len() - 65..]).unwrap();
        let challenge = ChallengeRef::new("127.0.0.1", "id");
        let transaction = TempoTransaction::signed(challenge, None, raw).unwrap();
        let sender = K256.recover(&transaction.signing_hash(), &signature);
        assert_eq!(sender, Some(account()));
    }
}
