//! Transactions and proofs: what is signed there is not a transfer's document.

use super::world::*;
use crate::client::{Denial, Origin, Policy};
use http402_core::{
    Address, Amount, Authorization, Bytes, ChainId, Encoded, Leg, Party, Price, ProtocolId, Reason,
    Requirement, Timestamp, TransferMethod,
    authorization::{ChallengeRef, MppProof, TempoTransaction},
    protocol::{Draft, Offer},
    seam::TransactionReader,
    typed::ToSign,
};
use std::sync::Arc;

const NOW: Timestamp = Timestamp::from_secs(1_800_000_000);

/// Finds that a transaction does what is asked for, or that it does not.
struct Says(Result<(), Reason>);

impl TransactionReader for Says {
    fn pays_only(
        &self,
        _: &Requirement,
        _: &Party,
        _: &Authorization,
        _: &ToSign,
    ) -> Result<(), Reason> {
        self.0.clone()
    }
}

fn payer() -> Party {
    Party::Evm(Address::repeat_byte(9))
}

fn origin() -> Origin {
    "https://seller.example".parse().unwrap()
}

fn offer(price: Price, splits: Vec<Leg>) -> Offer {
    let payee = Party::Evm(Address::repeat_byte(1));
    let chain = ChainId::eip155(CHAIN);
    let mut asked = Requirement::exactly(Amount::from(1000), chain, token().address, payee, None);
    asked.price = price;
    asked.splits = splits;
    asked.transfer = TransferMethod::Native;
    let protocol = ProtocolId::new("coin/1");
    Offer::new(protocol, 0, asked, Encoded::default(), Encoded::default())
}

fn challenge() -> ChallengeRef {
    ChallengeRef::new("seller.example", "id")
}

fn transaction(offer: &Offer, valid_before: u64) -> Draft {
    let mut list = vec![0x80; 13];
    list[0] = 1;
    let end = valid_before.to_be_bytes();
    let end: Vec<u8> = end.iter().copied().skip_while(|byte| *byte == 0).collect();
    let field: Vec<u8> = [&[0x80 + u8::try_from(end.len()).unwrap()], &end[..]].concat();
    list.splice(8..9, field);
    let mut bytes = vec![0x76, 0xc0 + u8::try_from(list.len()).unwrap()];
    bytes.extend(list);
    let account = payer().evm().unwrap();
    let unsigned = TempoTransaction::unsigned(challenge(), account, bytes.into()).unwrap();
    let to_sign = ToSign::Transaction {
        bytes: unsigned.signing_bytes().clone(),
        digest: unsigned.signing_hash(),
    };
    Draft::new(
        &offer.requirement,
        Authorization::TempoTransaction(unsigned),
        to_sign,
    )
}

fn proof(offer: &Offer) -> Draft {
    let proof = MppProof {
        challenge: challenge(),
        account: payer().evm().unwrap(),
        signature: Bytes::new(),
    };
    let to_sign = ToSign::typed(proof.document(CHAIN));
    Draft::new(&offer.requirement, Authorization::MppProof(proof), to_sign)
}

#[test]
fn s35_a_transaction_is_signed_only_when_a_reader_finds_nothing_else_in_it() {
    let offer = offer(Price::Exactly(Amount::from(1000)), Vec::new());
    let draft = transaction(&offer, NOW.secs() + 25);
    let judged = |policy: Policy| {
        policy.admit(&origin(), &offer)?;
        policy.approve(&offer, &payer(), &draft, NOW)
    };
    // Neither step lets it through on its own.
    assert_eq!(policy().admit(&origin(), &offer), Err(Denial::Kind));
    let unread = policy().approve(&offer, &payer(), &draft, NOW);
    assert_eq!(unread, Err(Denial::Kind));
    assert!(format!("{:?}", policy()).contains("transactions: refused"));
    let reads = |says| policy().read_transactions(Arc::new(Says(says)));
    assert_eq!(judged(reads(Ok(()))), Ok(()));
    let more = Reason::AmountMismatch;
    assert_eq!(
        judged(reads(Err(more.clone()))),
        Err(Denial::Transaction(more))
    );
    // It may not outlive what the policy allows, whatever its reader says.
    let long = transaction(&offer, NOW.secs() + 2 * 86_400);
    let answer = reads(Ok(())).approve(&offer, &payer(), &long, NOW);
    assert!(matches!(answer, Err(Denial::Lifetime { .. })));
    let forever = transaction(&offer, 0);
    let answer = reads(Ok(())).approve(&offer, &payer(), &forever, NOW);
    assert!(matches!(answer, Err(Denial::Lifetime { .. })));
}

#[test]
fn who_gets_a_part_has_to_be_allowed_too() {
    let friend = Party::Evm(Address::repeat_byte(1));
    let leg = |byte| Leg {
        to: Party::Evm(Address::repeat_byte(byte)),
        amount: Amount::from(1),
    };
    let reads = || policy().read_transactions(Arc::new(Says(Ok(()))));
    let only = || reads().only_payees([friend.clone()]);
    let price = Price::Exactly(Amount::from(1000));
    let admit = |policy: Policy, leg| policy.admit(&origin(), &offer(price.clone(), vec![leg]));
    assert_eq!(admit(only(), leg(2)), Err(Denial::Payee));
    assert_eq!(admit(only(), leg(1)), Ok(()));
    assert_eq!(admit(reads(), leg(2)), Ok(()));
}

#[test]
fn who_asks_is_proved_only_when_told_and_by_the_document_of_the_proof() {
    let free = offer(Price::Nothing, Vec::new());
    assert_eq!(policy().admit(&origin(), &free), Err(Denial::Proof));
    let proves = || policy().prove_identity();
    assert_eq!(proves().admit(&origin(), &free), Ok(()));
    let draft = proof(&free);
    assert_eq!(proves().approve(&free, &payer(), &draft, NOW), Ok(()));
    let untold = policy().approve(&free, &payer(), &draft, NOW);
    assert_eq!(untold, Err(Denial::Document));
    let refused = |change: fn(&mut Draft)| {
        let mut draft = draft.clone();
        change(&mut draft);
        assert_eq!(
            proves().approve(&free, &payer(), &draft, NOW),
            Err(Denial::Document)
        );
    };
    refused(|draft| {
        if let Authorization::MppProof(proof) = &mut draft.authorization {
            proof.account = Address::ZERO;
        }
    });
    refused(|draft| {
        if let Authorization::MppProof(proof) = &mut draft.authorization {
            proof.challenge = ChallengeRef::new("other.example", "id");
        }
    });
    // The proof of another account, with the document that belongs to it; and one that is signed already.
    refused(|draft| {
        if let Authorization::MppProof(proof) = &mut draft.authorization {
            proof.account = Address::ZERO;
            draft.to_sign = ToSign::typed(proof.document(CHAIN));
        }
    });
    refused(|draft| {
        if let Authorization::MppProof(proof) = &mut draft.authorization {
            proof.signature = Bytes::from_static(&[1]);
        }
    });
    // A transfer is no proof, and a proof is no payment.
    let paid = offer(Price::Exactly(Amount::from(1000)), Vec::new());
    let answer = proves().approve(&paid, &payer(), &proof(&paid), NOW);
    assert_eq!(answer, Err(Denial::Document));
    let answer = proves().approve(&free, &payer(), &transaction(&free, NOW.secs() + 25), NOW);
    assert_eq!(answer, Err(Denial::Document));
}
