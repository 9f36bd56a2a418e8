//! What a buyer finds out when an answer was lost.

use crate::world::{
    self, CHAIN, FEES, NOW, Sending, Table, challenge, mined, order, payer, signed,
};
use alloy_primitives::B256;
use http402_core::{
    Authorization, ChainId, Party, Reason,
    authorization::TempoTransaction,
    seam::{ChainView, Spent},
};
use http402_mpp::method::tempo;
use http402_tempo::{
    AskError, Order, PayError, Payer, Transaction, View,
    node::{Block, Fees, Sent},
    transaction,
};
use std::sync::Arc;

async fn spent(table: &Table, transaction: TempoTransaction) -> Spent {
    let view = View::new().chain(CHAIN, Arc::new(table.clone()));
    let asset = Party::Evm(world::TOKEN);
    let authorization = Authorization::TempoTransaction(transaction);
    let asked = view
        .spent(&ChainId::eip155(CHAIN), &asset, &authorization)
        .await;
    asked.unwrap()
}

#[tokio::test(start_paused = true)]
async fn a_transaction_is_found_or_proven_unsent() {
    for sponsored in [false, true] {
        let transaction = signed(&order(sponsored), &payer());
        let table = Table::new();
        assert_eq!(spent(&table, transaction.clone()).await, Spent::Unknown);
        let block = Block {
            number: 5_000,
            timestamp: NOW + 25,
        };
        table.with(|state| (state.latest, state.finalized) = (block, Some(block)));
        assert_eq!(spent(&table, transaction.clone()).await, Spent::Never);

        let hash = if sponsored {
            B256::repeat_byte(5)
        } else {
            transaction::hash(transaction.raw())
        };
        table.with(|state| {
            state.found.push(hash);
            state.receipts.push(mined(hash, payer().address()));
        });
        let expected = Spent::Yes {
            transaction: Some(hash.to_string().into()),
        };
        assert_eq!(spent(&table, transaction.clone()).await, expected);
        table.with(|state| state.receipts[0].success = false);
        assert_eq!(spent(&table, transaction).await, Spent::Never);
    }
}

fn buyer(table: &Table) -> Payer {
    Payer::new(
        Arc::new(table.clone()),
        Arc::new(payer()),
        Arc::new(world::Still),
    )
}

#[tokio::test(start_paused = true)]
async fn a_buyer_sends_himself_and_knows_what_became_of_it() {
    let table = Table::new();
    let transaction = buyer(&table).pull(&order(false)).await.unwrap();
    let hash = transaction::hash(transaction.raw());
    let sent = buyer(&table).push(&transaction).await.unwrap();
    assert_eq!((sent.hash, sent.payer), (hash, Some(payer().address())));
    assert_eq!(sent.challenge, challenge());
    let gas = Transaction::decode(transaction.raw()).unwrap().gas();
    assert_eq!(gas, 800_000, "what transfers to new accounts need");
    let mut done = world::done(payer().address(), 2);
    done.iter_mut().for_each(|call| call.gas = 500_000);
    table.with(|state| state.simulated = Some(Ok(done)));
    let dear = buyer(&table).pull(&order(false)).await.unwrap();
    let gas = Transaction::decode(dear.raw()).unwrap().gas();
    assert_eq!(gas, 1_400_000, "a fourth more, and the margin");

    let outcome = async |sending: Sending| {
        table.with(|state| state.sending = sending);
        buyer(&table).push(&transaction).await
    };
    let lost = Sent::Lost(AskError::new("send", "time-out"));
    let refused = Sent::Refused(AskError::new("send", "insufficient funds"));
    let found = outcome(Sending::Answer(lost)).await;
    assert!(matches!(found, Err(PayError::Unknown(found)) if found == hash));
    let found = outcome(Sending::Answer(refused)).await;
    assert!(matches!(
        found,
        Err(PayError::Refused(Reason::InsufficientFunds))
    ));
    let found = outcome(Sending::Revert).await;
    assert!(matches!(
        found,
        Err(PayError::Refused(Reason::TransactionFailed))
    ));
    assert!(outcome(Sending::MineAndLose).await.is_ok());

    let sponsored = buyer(&table).pull(&order(true)).await.unwrap();
    let found = buyer(&table).push(&sponsored).await;
    assert!(matches!(
        found,
        Err(PayError::Refused(Reason::MethodMismatch))
    ));
}

#[tokio::test(start_paused = true)]
async fn a_buyer_signs_nothing_that_would_fail() {
    let table = Table::new();
    let mut failing = world::done(payer().address(), 2);
    failing[1].success = false;
    table.with(|state| state.simulated = Some(Ok(failing)));
    let refused = buyer(&table).pull(&order(false)).await;
    assert!(matches!(
        refused,
        Err(PayError::Refused(Reason::SimulationFailed))
    ));
    table.with(|state| (state.simulated, state.chain) = (None, 1));
    let refused = buyer(&table).pull(&order(false)).await;
    assert!(matches!(
        refused,
        Err(PayError::Refused(Reason::UnsupportedNetwork))
    ));
}

#[test]
fn a_request_is_paid_with_the_memos_that_it_asks_for() {
    let text = r#"{"amount":"30","currency":"0x20c0000000000000000000000000000000000000",
        "methodDetails":{"chainId":42431,"feePayer":true,"splits":[{"amount":"10",
        "memo":"0x0000000000000000000000000000000000000000000000000000000000000007",
        "recipient":"0x15d34AAf54267DB7D7c367839AAf71A00a2C6A65"}]},
        "recipient":"0x3C44CdDdB6a900fa2b585dd299e03d12FA4293BC"}"#;
    let request = tempo::Charge::parse(text).unwrap();
    let order = Order::of(&request, challenge(), None).unwrap();
    assert!(order.sponsored);
    let now = http402_core::Timestamp::from_secs(NOW);
    let built = order.transaction(payer().address(), &FEES, 1, now).unwrap();
    let built = built.sign(&[1; 65]).unwrap();
    let read = Transaction::decode(built.raw()).unwrap();
    assert_eq!(read.calls()[1].input.len(), 100, "with a memo");
    assert!(order.charge.match_calls(read.calls()).is_ok());
    // The seller's requirement does not tell the memo: any will do for him.
    let seller = world::order(true).charge;
    assert!(seller.match_calls(read.calls()).is_ok());
    // Without it, the split is not paid.
    let without = seller.to_calls(None);
    assert!(order.charge.match_calls(&without).is_err());
    assert_eq!(
        FEES,
        Fees {
            base: 20_000_000_000,
            priority: 1_000_000_000
        }
    );
}
