//! What becomes of payments, whatever the node does.

use crate::world::{
    self, CHAIN, NOW, PARTNER, PAYEE, Sending, Table, claim, claim_for, key, mined, order, payer,
    settler, signed,
};
use alloy_primitives::{Address, B256, Bytes, U256, address};
use alloy_sol_types::SolValue;
use http402_core::{
    Amount, Authorization, ChainId, Claim, Party, Pending, Reason, Settlement, Step, Timestamp,
    Verdict,
    authorization::{ChallengeRef, MppProof, TempoHash, TempoTransaction},
    development::ACCOUNTS,
    seam::Facilitator,
};
use http402_tempo::{
    AskError, Settler,
    node::{Block, Sent},
    transaction,
};
use p256::ecdsa::{Signature as Scalars, SigningKey, signature::hazmat::PrehashSigner};

const KEYCHAIN: Address = address!("AAAAAAAA00000000000000000000000000000000");

fn pull() -> (Claim, B256) {
    let transaction = signed(&order(false), &payer());
    let hash = transaction::hash(transaction.raw());
    (claim(Authorization::TempoTransaction(transaction)), hash)
}

fn push(hash: B256, payer: Option<Address>) -> Claim {
    claim(Authorization::TempoHash(TempoHash {
        challenge: world::challenge(),
        payer,
        hash,
    }))
}

async fn settle(settler: &Settler, claim: &Claim) -> Settlement {
    let step = Step::Charge(claim.amount());
    settler.settle(claim, step).await.unwrap()
}

fn transaction_of(settlement: &Settlement) -> Option<String> {
    match settlement {
        Settlement::Settled(receipt) => Some(receipt.transaction.to_string()),
        Settlement::Unknown(pending) => pending.transaction.as_deref().map(Into::into),
        _ => None,
    }
}

#[tokio::test(start_paused = true)]
async fn a_pull_payment_is_sent_and_settled() {
    let (table, (claim, hash)) = (Table::new(), pull());
    let settled = settle(&settler(&table), &claim).await;
    let Settlement::Settled(receipt) = &settled else {
        panic!("{settled:?}");
    };
    assert_eq!(receipt.payer, Some(Party::Evm(payer().address())));
    assert_eq!(receipt.amount, Amount::from_units(U256::from(30)));
    assert_eq!(*receipt.transaction, hash.to_string());
    let raw = table.with(|state| state.sent[0].clone());
    assert_eq!(transaction::hash(&raw), hash);
}

#[tokio::test(start_paused = true)]
async fn a_lost_answer_is_found_by_the_hash() {
    let (table, (claim, hash)) = (Table::new(), pull());
    table.with(|state| state.sending = Sending::MineAndLose);
    let settled = settle(&settler(&table), &claim).await;
    assert!(matches!(settled, Settlement::Settled(_)));
    // And when no receipt comes either, the outcome is unknown, with the hash.
    let table = Table::new();
    table.with(|state| {
        state.sending = Sending::MineAndLose;
        state.silent = true;
    });
    let unknown = settle(&settler(&table), &claim).await;
    assert!(matches!(unknown, Settlement::Unknown(_)));
    assert_eq!(transaction_of(&unknown), Some(hash.to_string()));
    let Settlement::Unknown(pending) = unknown else {
        return;
    };
    table.with(|state| state.silent = false);
    let found = settler(&table).resolve(&claim, &pending).await.unwrap();
    assert!(matches!(found, Settlement::Settled(_)));
}

#[tokio::test(start_paused = true)]
async fn only_a_certain_refusal_is_a_no() {
    let error = |why: &str| AskError::new("eth_sendRawTransactionSync", why);
    let (claim, _) = pull();
    for (sent, expected) in [
        (
            Sent::Refused(error("insufficient funds for gas")),
            Some(Reason::InsufficientFunds),
        ),
        (
            Sent::Refused(error("valid_before is in the past")),
            Some(Reason::Expired),
        ),
        (
            Sent::Refused(error("underpriced")),
            Some(Reason::TransactionFailed),
        ),
        (Sent::Taken, None),
        (Sent::Lost(error("time-out")), None),
        // The receipt of something else.
        (Sent::Mined(mined(B256::ZERO, payer().address())), None),
    ] {
        let table = Table::new();
        table.with(|state| state.sending = Sending::Answer(sent.clone()));
        let outcome = settle(&settler(&table), &claim).await;
        match expected {
            Some(reason) => assert_eq!(outcome, Settlement::Declined(reason)),
            None => assert!(
                matches!(outcome, Settlement::Unknown(_)),
                "{sent:?} {outcome:?}"
            ),
        }
    }
}

#[tokio::test(start_paused = true)]
async fn a_refused_transaction_that_is_in_a_block_has_paid() {
    let (table, (claim, hash)) = (Table::new(), pull());
    table.with(|state| {
        let refused = AskError::new("send", "underpriced");
        state.sending = Sending::Answer(Sent::Refused(refused));
        state.receipts.push(mined(hash, payer().address()));
    });
    assert!(matches!(
        settle(&settler(&table), &claim).await,
        Settlement::Settled(_)
    ));
}

#[tokio::test(start_paused = true)]
async fn what_is_settled_again_is_settled_and_not_declined() {
    let (table, (claim, hash)) = (Table::new(), pull());
    let mut failed = world::done(payer().address(), 2);
    failed[0].success = false;
    table.with(|state| {
        state.simulated = Some(Ok(failed));
        state.receipts.push(mined(hash, payer().address()));
    });
    let settled = settle(&settler(&table), &claim).await;
    assert_eq!(transaction_of(&settled), Some(hash.to_string()));
    assert_eq!(table.sent(), 0);
}

#[tokio::test(start_paused = true)]
async fn a_transaction_that_failed_or_moved_nothing_is_declined() {
    let (table, (claim, _)) = (Table::new(), pull());
    table.with(|state| state.sending = Sending::Revert);
    let failed = Settlement::Declined(Reason::TransactionFailed);
    assert_eq!(settle(&settler(&table), &claim).await, failed);
    let (claim, hash) = pull();
    let mut other = mined(hash, payer().address());
    other.logs.clear();
    table.with(|state| state.sending = Sending::Answer(Sent::Mined(other)));
    let missing = Settlement::Declined(Reason::TransferMissing);
    assert_eq!(settle(&settler(&table), &claim).await, missing);
}

#[tokio::test(start_paused = true)]
async fn an_unsent_transaction_is_declined_when_its_end_is_final() {
    let (table, (claim, hash)) = (Table::new(), pull());
    let told = Some(hash.to_string().into());
    let pending = Pending::new(told, Timestamp::from_secs(NOW), "lost");
    let resolve = async |at: u64| {
        table.with(|state| {
            let block = Block {
                number: 200,
                timestamp: at,
            };
            (state.latest, state.finalized) = (block, Some(block));
        });
        settler(&table).resolve(&claim, &pending).await.unwrap()
    };
    assert!(matches!(resolve(NOW + 24).await, Settlement::Unknown(_)));
    assert_eq!(
        resolve(NOW + 25).await,
        Settlement::Declined(Reason::Expired)
    );
    table.with(|state| state.finalized = None);
    let open = settler(&table).resolve(&claim, &pending).await.unwrap();
    assert_eq!(open, Settlement::Unknown(pending.clone()));
    table.with(|state| state.silent = true);
    assert!(settler(&table).resolve(&claim, &pending).await.is_err());
}

#[tokio::test(start_paused = true)]
async fn a_sponsored_transaction_is_found_by_its_memo() {
    // Its hash depends on the sponsor's signature, and was never told.
    let table = Table::new();
    let claim = claim(Authorization::TempoTransaction(signed(
        &order(true),
        &payer(),
    )));
    let hash = B256::repeat_byte(8);
    let pending = Pending::new(None, Timestamp::from_secs(NOW), "crashed");
    table.with(|state| {
        state.found.push(hash);
        state.receipts.push(mined(hash, payer().address()));
    });
    let found = settler(&table).resolve(&claim, &pending).await.unwrap();
    assert_eq!(transaction_of(&found), Some(hash.to_string()));
    // Not found, and the search reached back to when it could have been sent: it never was.
    table.with(|state| {
        state.found.clear();
        let block = Block {
            number: 5_000,
            timestamp: NOW + 30,
        };
        (state.latest, state.finalized) = (block, Some(block));
    });
    let never = settler(&table).resolve(&claim, &pending).await.unwrap();
    assert_eq!(never, Settlement::Declined(Reason::Expired));
    // It did not reach back that far: nothing is said.
    let mut limits = http402_tempo::Limits::default();
    limits.search_blocks = 50;
    let short = Settler::builder(std::sync::Arc::new(world::Still))
        .chain(CHAIN, table.clone())
        .limits(limits)
        .build()
        .unwrap();
    let open = short.resolve(&claim, &pending).await.unwrap();
    assert_eq!(open, Settlement::Unknown(pending.clone()));
    // Nor is it when a hash was told: the sponsor may have signed it again, for another hash.
    let other = B256::repeat_byte(1).to_string();
    let told = Pending::new(Some(other.into()), pending.since, "lost");
    let open = short.resolve(&claim, &told).await.unwrap();
    assert_eq!(open, Settlement::Unknown(told));
}

#[tokio::test(start_paused = true)]
async fn s28_a_stolen_hash_pays_nothing() {
    let table = Table::new();
    let thief = key(3).address();
    let hash = B256::repeat_byte(4);
    table.with(|state| state.receipts.push(mined(hash, payer().address())));
    // Somebody else's transaction, named as one's own.
    let stolen = settle(&settler(&table), &push(hash, Some(thief))).await;
    assert_eq!(stolen, Settlement::Declined(Reason::Signature));
    // The transaction of another challenge.
    let mut other = push(hash, None);
    if let Authorization::TempoHash(sent) = &mut other.authorization {
        sent.challenge = ChallengeRef::new("shop.example", "two");
    }
    let other = settle(&settler(&table), &other).await;
    assert_eq!(other, Settlement::Declined(Reason::ChallengeMismatch));
    // The payer's own.
    let own = settle(&settler(&table), &push(hash, Some(payer().address()))).await;
    assert_eq!(transaction_of(&own), Some(hash.to_string()));
}

#[tokio::test(start_paused = true)]
async fn a_hash_that_is_in_no_block_is_waited_for_and_then_unknown() {
    let table = Table::new();
    let claim = push(B256::repeat_byte(4), None);
    assert_eq!(
        settler(&table).verify(&claim).await.unwrap(),
        Verdict::NeedsChain
    );
    let Settlement::Unknown(pending) = settle(&settler(&table), &claim).await else {
        panic!("nothing is known of it");
    };
    let open = settler(&table).resolve(&claim, &pending).await.unwrap();
    assert!(matches!(open, Settlement::Unknown(_)));
    let block = Block {
        number: 2_000,
        timestamp: NOW + 900,
    };
    table.with(|state| state.finalized = Some(block));
    let never = settler(&table).resolve(&claim, &pending).await.unwrap();
    assert_eq!(never, Settlement::Declined(Reason::TransferMissing));
    table.with(|state| {
        let mut failed = mined(B256::repeat_byte(4), payer().address());
        failed.success = false;
        state.receipts.push(failed);
    });
    let failed = settle(&settler(&table), &claim).await;
    assert_eq!(failed, Settlement::Declined(Reason::TransactionFailed));
}

#[tokio::test(start_paused = true)]
async fn what_does_not_fit_is_declined_before_anything_is_asked() {
    let table = Table::new();
    let settler = settler(&table);
    let transaction = signed(&order(false), &payer());
    let bad = |transaction: TempoTransaction| claim(Authorization::TempoTransaction(transaction));

    let named =
        TempoTransaction::signed(world::challenge(), Some(PAYEE), transaction.raw().clone());
    let (cases, stranger) = (named.unwrap(), key(3));
    let refused = settler.verify(&bad(cases)).await.unwrap();
    assert_eq!(
        refused,
        Verdict::Invalid(Reason::Signature),
        "somebody else is named"
    );

    let mut dear = world::requirement();
    dear.price = http402_core::Price::Exactly(Amount::from_units(U256::from(31)));
    let refused = claim_for(dear, Authorization::TempoTransaction(transaction.clone()));
    let refused = settler.verify(&refused).await.unwrap();
    assert_eq!(refused, Verdict::Invalid(Reason::AmountMismatch));

    let other = ChallengeRef::new("shop.example", "two");
    let moved = TempoTransaction::signed(other, None, transaction.raw().clone()).unwrap();
    let refused = settler.verify(&bad(moved)).await.unwrap();
    assert_eq!(refused, Verdict::Invalid(Reason::ChallengeMismatch));

    let free = claim_for(world::free(), Authorization::TempoTransaction(transaction));
    let refused = settle(&settler, &free).await;
    assert_eq!(refused, Settlement::Declined(Reason::RequirementMalformed));
    let wrong = settler
        .settle(&pull().0, Step::Charge(Amount::from_units(U256::from(1))))
        .await;
    assert_eq!(wrong.unwrap(), Settlement::Declined(Reason::AmountMismatch));
    assert_ne!(stranger.address(), PARTNER);
    assert_eq!(table.sent(), 0);

    table.with(|state| state.chain = 1);
    let fresh = world::settler(&table);
    assert!(
        fresh.verify(&pull().0).await.is_err(),
        "the node of another chain"
    );
}

fn proof(signature: Bytes) -> Claim {
    let proof = MppProof {
        challenge: world::challenge(),
        account: payer().address(),
        signature,
    };
    claim_for(world::free(), Authorization::MppProof(proof))
}

fn digest() -> B256 {
    let Authorization::MppProof(proof) = proof(Bytes::new()).authorization else {
        return B256::ZERO;
    };
    proof.document(CHAIN).digest()
}

fn keychain(key: Address, expiry: u64, revoked: bool) -> Bytes {
    // A struct of static members is encoded as its members.
    (U256::ZERO, key, U256::from(expiry), false, revoked)
        .abi_encode()
        .into()
}

#[tokio::test(start_paused = true)]
async fn a_proof_is_of_the_accounts_key() {
    let table = Table::new();
    let own = Bytes::copy_from_slice(&payer().sign_digest(&digest().0));
    let settled = settle(&settler(&table), &proof(own.clone())).await;
    assert_eq!(
        transaction_of(&settled).as_deref(),
        Some(""),
        "nothing was moved"
    );
    let strange = Bytes::copy_from_slice(&key(3).sign_digest(&digest().0));
    for bad in [
        strange,
        Bytes::new(),
        Bytes::from_static(&[1; 65]),
        Bytes::from_static(&[3; 4_000]),
    ] {
        let refused = settle(&settler(&table), &proof(bad)).await;
        assert_eq!(refused, Settlement::Declined(Reason::Signature));
    }
    // It pays no charge.
    let Authorization::MppProof(signed) = proof(own).authorization else {
        return;
    };
    let refused = settle(&settler(&table), &claim(Authorization::MppProof(signed))).await;
    assert_eq!(refused, Settlement::Declined(Reason::AmountMismatch));
}

#[tokio::test(start_paused = true)]
async fn a_proof_may_be_of_an_access_key_as_long_as_it_lives() {
    let access = key(3);
    let plain = Bytes::copy_from_slice(&access.sign_digest(&digest().0));
    let envelope = |account: Address| {
        let mut bound = vec![4];
        bound.extend_from_slice(digest().as_slice());
        bound.extend_from_slice(account.as_slice());
        let signature = access.sign_digest(&alloy_primitives::keccak256(bound).0);
        Bytes::from([&[4][..], account.as_slice(), &signature].concat())
    };
    let whole = envelope(payer().address());
    for (answer, good) in [
        (Some(keychain(access.address(), NOW + 1, false)), true),
        (Some(keychain(access.address(), NOW, false)), false),
        (Some(keychain(access.address(), NOW + 1, true)), false),
        (Some(keychain(Address::ZERO, NOW + 1, false)), false),
        (Some(Bytes::from_static(&[0; 3])), false),
        (None, false),
    ] {
        let table = Table::new();
        table.with(|state| state.reads.extend(answer.map(|answer| (KEYCHAIN, answer))));
        for signature in [&plain, &whole] {
            let outcome = settle(&settler(&table), &proof(signature.clone())).await;
            assert_eq!(matches!(outcome, Settlement::Settled(_)), good);
        }
        // The envelope of another account is not this one's.
        let outcome = settle(&settler(&table), &proof(envelope(PAYEE))).await;
        assert_eq!(outcome, Settlement::Declined(Reason::Signature));
    }
}

#[tokio::test(start_paused = true)]
async fn s45_a_passkey_proves_who_asks_and_nobody_else() {
    let key = SigningKey::from_slice(&[5; 32]).unwrap();
    let point = key.verifying_key().to_sec1_point(false);
    let account = Address::from_slice(&alloy_primitives::keccak256(&point.as_bytes()[1..])[12..]);
    let mut claim = proof(Bytes::new());
    let Authorization::MppProof(proof) = &mut claim.authorization else {
        panic!("a proof");
    };
    proof.account = account;
    let digest = proof.document(CHAIN).digest();
    let scalars: Scalars = key.sign_prehash(digest.as_slice()).unwrap();
    let scalars = scalars.normalize_s().to_bytes();
    let signature = [&[1], &scalars[..], &point.as_bytes()[1..], &[0]].concat();
    for (at, flip, good) in [
        (0, 0, true),
        (40, 1, false),
        (70, 1, false),
        (129, 1, false),
    ] {
        let mut signature = signature.clone();
        signature[at] ^= flip;
        let Authorization::MppProof(proof) = &mut claim.authorization else {
            panic!("a proof");
        };
        proof.signature = signature.into();
        let outcome = settle(&settler(&Table::new()), &claim).await;
        assert_eq!(matches!(outcome, Settlement::Settled(_)), good, "{at}");
    }
}

#[tokio::test(start_paused = true)]
async fn payees_whose_keys_everybody_has_are_for_tests() {
    let known = Party::Evm(ACCOUNTS[12]);
    let mut claim = pull().0;
    claim.requirement.chain = ChainId::eip155(4217);
    let mut split = claim.clone();
    claim.requirement.pay_to = known.clone();
    split.requirement.splits[0].to = known;
    for claim in [claim, split] {
        let table = Table::new();
        let settler = settler(&table);
        let refused = Reason::Other("development_key".into());
        assert_eq!(
            settler.verify(&claim).await.unwrap(),
            Verdict::Invalid(refused.clone())
        );
        assert_eq!(
            settle(&settler, &claim).await,
            Settlement::Declined(refused)
        );
        assert!(table.with(|state| state.sent.is_empty()));
        // For tests it does not matter whose they are: the transaction pays somebody else.
        let mut tests = claim.clone();
        tests.requirement.chain = ChainId::eip155(CHAIN);
        let refused = settle(&settler, &tests).await;
        assert_ne!(
            refused,
            Settlement::Declined(Reason::Other("development_key".into()))
        );
    }
}
