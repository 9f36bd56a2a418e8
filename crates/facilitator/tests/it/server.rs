use crate::scene::{
    ASSET, HASH, PAYEE, PAYER, Settles, Stand, Tokio, claim, declined, offer, payload, receipt,
    unknown,
};
use http::Request;
use http402_core::{Bytes, ChainId, Party, Reason};
use http402_facilitator::server::{Allowed, Builder, ConfigError, Server};
use http402_ledger::Memory;
use std::sync::Arc;
use tokio::sync::Notify;

const BASE_SEPOLIA: ChainId = ChainId::eip155(84532);

fn party(text: &str) -> Party {
    Party::parse(&BASE_SEPOLIA, text).unwrap()
}

fn allowed() -> Allowed {
    Allowed::nothing()
        .asset(BASE_SEPOLIA, party(ASSET))
        .payee(party(PAYEE))
}

fn over(settles: &Arc<Settles>, ledger: &Arc<Memory>) -> Builder {
    Server::builder(
        settles.clone(),
        ledger.clone(),
        Stand::new(false),
        Arc::new(Tokio),
    )
    .allow(allowed())
}

fn server(settles: &Arc<Settles>) -> Server {
    over(settles, &Arc::new(Memory::new())).build().unwrap()
}

fn body(payload: &str, offer: &str) -> String {
    format!(r#"{{"x402Version":2,"paymentPayload":{payload},"paymentRequirements":{offer}}}"#)
}

async fn post(server: &Server, path: &str, body: &str) -> (u16, String) {
    let request = Request::post(path)
        .body(Bytes::copy_from_slice(body.as_bytes()))
        .unwrap();
    let response = server.answer(request).await;
    let text = String::from_utf8(response.body().to_vec()).unwrap();
    (response.status().as_u16(), text)
}

async fn settle(server: &Server, nonce: u8) -> (u16, String) {
    post(server, "/settle", &body(&payload(nonce, 7), &offer(PAYEE))).await
}

fn asked(settles: &Settles) -> usize {
    *settles.asked.lock().unwrap()
}

#[tokio::test]
async fn it_settles_once_and_says_the_same_again() {
    let settles = Arc::new(Settles::new([Ok(receipt(&claim(1)))]));
    let server = server(&settles);
    let first = settle(&server, 1).await;
    assert_eq!(first.0, 200);
    assert!(
        first.1.contains(r#""success":true"#) && first.1.contains(HASH),
        "{}",
        first.1
    );
    assert_eq!(settle(&server, 1).await, first);
    // The same authorization in other bytes: another signature of it is none that was settled.
    let other = post(&server, "/settle", &body(&payload(1, 8), &offer(PAYEE))).await;
    assert!(other.1.contains("nonce_already_used"), "{}", other.1);
    assert_eq!(asked(&settles), 1);
}

#[tokio::test]
async fn two_at_once_are_one_settlement() {
    let mut settles = Settles::new([Ok(receipt(&claim(1)))]);
    settles.gate = Some(Notify::new());
    let settles = Arc::new(settles);
    let server = server(&settles);
    let tasks: Vec<_> = (0..8)
        .map(|_| {
            let server = server.clone();
            tokio::spawn(async move { settle(&server, 1).await })
        })
        .collect();
    settles.begun.notified().await;
    settles.gate.as_ref().unwrap().notify_one();
    for task in tasks {
        assert!(task.await.unwrap().1.contains(HASH));
    }
    assert_eq!(asked(&settles), 1);
}

#[tokio::test]
async fn a_settlement_goes_on_when_its_client_leaves() {
    let mut settles = Settles::new([Ok(receipt(&claim(1)))]);
    settles.gate = Some(Notify::new());
    let settles = Arc::new(settles);
    let server = server(&settles);
    let leaving = {
        let server = server.clone();
        tokio::spawn(async move { settle(&server, 1).await })
    };
    settles.begun.notified().await;
    leaving.abort();
    settles.gate.as_ref().unwrap().notify_one();
    assert!(settle(&server, 1).await.1.contains(HASH));
    assert_eq!(asked(&settles), 1);
}

#[tokio::test]
async fn what_was_begun_before_a_crash_is_found_out() {
    let ledger = Arc::new(Memory::new());
    let settles = Arc::new(Settles::new([Ok(unknown())]));
    let first = over(&settles, &ledger).build().unwrap();
    assert!(settle(&first, 1).await.1.contains("settlement_pending"));
    // Another process with the same ledger: the chain has the transfer.
    let settles = Arc::new(Settles::new([]));
    settles
        .resolves
        .lock()
        .unwrap()
        .push_back(receipt(&claim(1)));
    let second = over(&settles, &ledger).build().unwrap();
    assert!(settle(&second, 1).await.1.contains(HASH));
    assert_eq!(asked(&settles), 0);
}

#[tokio::test]
async fn a_decline_after_something_was_begun_is_no_decline() {
    let ledger = Arc::new(Memory::new());
    let settles = Arc::new(Settles::new([
        Err("no node"),
        Ok(declined(Reason::NonceUsed)),
    ]));
    let server = over(&settles, &ledger).build().unwrap();
    assert!(settle(&server, 1).await.1.contains("settlement_pending"));
    assert!(settle(&server, 1).await.1.contains("settlement_pending"));
    assert_eq!(asked(&settles), 2);
}

#[tokio::test]
async fn a_decline_leaves_nothing_behind() {
    let settles = Arc::new(Settles::new([
        Ok(declined(Reason::InsufficientFunds)),
        Ok(receipt(&claim(1))),
    ]));
    let server = server(&settles);
    let first = settle(&server, 1).await;
    assert!(first.1.contains("insufficient"), "{}", first.1);
    assert!(settle(&server, 1).await.1.contains(HASH));
}

#[tokio::test]
async fn what_is_not_on_the_lists_is_refused_before_anybody_is_asked() {
    let settles = Arc::new(Settles::new([]));
    let ledger = Arc::new(Memory::new());
    let with = |allowed: Allowed| over(&settles, &ledger).allow(allowed).build().unwrap();
    let elsewhere = with(
        Allowed::nothing()
            .asset(ChainId::eip155(8453), party(ASSET))
            .any_payee(),
    );
    assert!(settle(&elsewhere, 1).await.1.contains("invalid_network"));
    let other = with(
        Allowed::nothing()
            .asset(BASE_SEPOLIA, party(PAYEE))
            .any_payee(),
    );
    assert!(settle(&other, 1).await.1.contains(r#""success":false"#));
    let payee = with(
        Allowed::nothing()
            .asset(BASE_SEPOLIA, party(ASSET))
            .payee(party(PAYER)),
    );
    assert!(settle(&payee, 1).await.1.contains("recipient_mismatch"));
    let verdict = post(&payee, "/verify", &body(&payload(1, 7), &offer(PAYEE))).await;
    assert!(
        verdict.1.contains(r#""isValid":false"#) && verdict.1.contains("recipient_mismatch"),
        "{}",
        verdict.1
    );
    assert_eq!(asked(&settles), 0);
}

#[tokio::test]
async fn what_is_in_flight_is_capped() {
    let mut settles = Settles::new([Ok(receipt(&claim(1)))]);
    settles.gate = Some(Notify::new());
    let settles = Arc::new(settles);
    let server = over(&settles, &Arc::new(Memory::new()))
        .in_flight(8, 1)
        .build()
        .unwrap();
    let first = {
        let server = server.clone();
        tokio::spawn(async move { settle(&server, 1).await })
    };
    settles.begun.notified().await;
    let (status, text) = settle(&server, 2).await;
    assert_eq!(status, 429, "{text}");
    settles.gate.as_ref().unwrap().notify_one();
    assert_eq!(first.await.unwrap().0, 200);
}

#[tokio::test]
async fn bad_requests_say_what_and_where() {
    let server = server(&Arc::new(Settles::new([])));
    for (path, text, wanted) in [
        ("/settle", "", "malformed"),
        ("/settle", "{}", "paymentPayload"),
        (
            "/verify",
            "{\"paymentPayload\":{},\"paymentPayload\":{}}",
            "malformed",
        ),
        ("/verify", "[]", "malformed"),
    ] {
        let (status, body) = post(&server, path, text).await;
        assert_eq!(status, 400, "{path} {text}: {body}");
        assert!(body.contains(wanted), "{path} {text}: {body}");
    }
    let (status, _) = post(&server, "/settle", &"x".repeat(200 * 1024)).await;
    assert_eq!(status, 413);
    assert_eq!(post(&server, "/supported", "").await.0, 405);
    assert_eq!(post(&server, "/elsewhere", "").await.0, 404);
}

#[tokio::test]
async fn it_tells_what_is_allowed_of_what_it_could_settle() {
    let settles = Arc::new(Settles::new([]));
    let server = over(&settles, &Arc::new(Memory::new()))
        .signers([party(PAYER)])
        .build()
        .unwrap();
    let response = server
        .answer(Request::get("/supported").body(Bytes::new()).unwrap())
        .await;
    let text = std::str::from_utf8(response.body()).unwrap();
    assert!(
        text.contains("eip155:84532") && text.contains("base-sepolia"),
        "{text}"
    );
    assert!(!text.contains("8453\"") && text.contains(PAYER), "{text}");
}

#[test]
fn a_server_that_would_be_of_no_use_or_of_use_to_all_is_not_built() {
    let settles = Arc::new(Settles::new([]));
    let ledger = Arc::new(Memory::new());
    let build = |change: fn(Builder) -> Builder| change(over(&settles, &ledger)).build().map(drop);
    assert_eq!(
        build(|it| it.allow(Allowed::nothing())),
        Err(ConfigError::NothingAllowed)
    );
    assert_eq!(
        build(|it| it.allow(Allowed::nothing().any_payee())),
        Err(ConfigError::NothingAllowed)
    );
    assert_eq!(build(|it| it.token("short")), Err(ConfigError::WeakToken));
    assert_eq!(build(|it| it.in_flight(0, 1)), Err(ConfigError::NoRoom));
    assert_eq!(build(|it| it.token("a-token-that-is-long")), Ok(()));
}
