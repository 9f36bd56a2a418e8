use crate::scene::{HASH, PAYEE, PAYER, Script, Scripted, Sees, Stand, claim};
use http::HeaderMap;
use http402_core::{
    Pending, Reason, Settlement, Step, Timestamp, Verdict,
    seam::{Facilitator, Spent},
};
use http402_facilitator::{Call, ConfigError, Remote};
use std::sync::{Arc, Mutex};

const URL: &str = "https://facilitator.example/api/";

fn says(status: u16, text: &str) -> Script {
    Script::Says(status, text.into())
}

fn remote(transport: &Arc<Scripted>) -> Remote {
    Remote::builder(URL, transport.clone(), Stand::new(false))
        .build()
        .unwrap()
}

async fn verify(script: Script) -> Result<Verdict, String> {
    let transport = Scripted::new([script]);
    let verdict = remote(&transport).verify(&claim(1)).await;
    verdict.map_err(|error| error.to_string())
}

async fn settle(script: Script) -> Result<Settlement, String> {
    let transport = Scripted::new([script]);
    let claim = claim(1);
    let step = Step::Charge(claim.amount());
    let settlement = remote(&transport).settle(&claim, step).await;
    // Whatever the answer was, it was asked once.
    assert_eq!(transport.heard.lock().unwrap().len(), 1);
    settlement.map_err(|error| error.to_string())
}

fn settled(network: &str, payer: &str, transaction: &str) -> String {
    format!(
        r#"{{"success":true,"payer":"{payer}","transaction":"{transaction}","network":"{network}"}}"#
    )
}

#[tokio::test]
async fn it_asks_with_the_bytes_of_client_and_seller() {
    let transport = Scripted::new([says(
        200,
        &format!(r#"{{"isValid":true,"payer":"{PAYER}"}}"#),
    )]);
    let seen = Arc::new(Mutex::new(Vec::new()));
    let calls = seen.clone();
    let remote = Remote::builder(URL, transport.clone(), Stand::new(false))
        .authorize(move |call| {
            calls.lock().unwrap().push(call);
            Box::pin(async {
                let mut headers = HeaderMap::new();
                headers.insert("authorization", "Bearer fresh".parse().unwrap());
                Ok(headers)
            })
        })
        .build()
        .unwrap();
    let claim = claim(1);
    assert!(matches!(
        remote.verify(&claim).await.unwrap(),
        Verdict::Valid { .. }
    ));
    assert_eq!(*seen.lock().unwrap(), [Call::Verify]);
    let heard = transport.heard.lock().unwrap();
    assert_eq!(heard[0].uri(), "https://facilitator.example/api/verify");
    assert_eq!(heard[0].headers()["authorization"], "Bearer fresh");
    let body = std::str::from_utf8(heard[0].body()).unwrap();
    let payload = std::str::from_utf8(claim.wire.answer.as_slice()).unwrap();
    let offer = std::str::from_utf8(claim.wire.offer.as_slice()).unwrap();
    let wanted =
        format!(r#"{{"x402Version":2,"paymentPayload":{payload},"paymentRequirements":{offer}}}"#);
    assert_eq!(body, wanted);
}

#[tokio::test]
async fn s65_a_verification_that_is_not_clearly_one_is_an_error() {
    let invalid = r#"{"isValid":false,"invalidReason":"insufficient_funds"}"#;
    assert_eq!(
        verify(says(200, invalid)).await.unwrap(),
        Verdict::Invalid(Reason::InsufficientFunds)
    );
    assert_eq!(
        verify(says(400, invalid)).await.unwrap(),
        Verdict::Invalid(Reason::InsufficientFunds)
    );
    let valid = format!(r#"{{"isValid":true,"payer":"{PAYER}"}}"#);
    for (status, text) in [
        (200, "{}"),
        (200, "null"),
        (200, r#"{"isValid":"true"}"#),
        (200, r#"{"isValid":1}"#),
        (200, r#"{"isValid":true,"isValid":false}"#),
        (200, r#"[{"isValid":true}]"#),
        (200, "<html>"),
        (200, ""),
        (201, &valid),
        (301, &valid),
        (400, &valid),
        (500, &valid),
        (500, invalid),
        (200, &valid.replace(PAYER, PAYEE)),
        (200, r#"{"isValid":true,"payer":7}"#),
    ] {
        let verdict = verify(says(status, text)).await;
        assert!(verdict.is_err(), "{status} {text}: {verdict:?}");
    }
    assert!(verify(Script::Lost).await.is_err());
    assert!(verify(Script::NotSent).await.is_err());
}

#[tokio::test]
async fn s65_a_settlement_that_is_not_clearly_one_is_unknown() {
    let good = settled("eip155:84532", PAYER, HASH);
    let Settlement::Settled(receipt) = settle(says(200, &good)).await.unwrap() else {
        panic!("a right reply settles");
    };
    assert_eq!(
        (&*receipt.transaction, receipt.amount.to_string().as_str()),
        (HASH, "10000")
    );
    for (status, text) in [
        (200, "{}".to_owned()),
        (200, good.replace("true", "\"true\"")),
        (200, settled("eip155:8453", PAYER, HASH)),
        (200, settled("eip155:84532", PAYEE, HASH)),
        (200, settled("eip155:84532", PAYER, "")),
        (200, settled("eip155:84532", PAYER, "0x0")),
        (200, good.replace('}', r#","amount":"9999"}"#)),
        (500, good.clone()),
        (502, "bad gateway".into()),
        (
            200,
            r#"{"success":false,"errorReason":"settlement_pending"}"#.into(),
        ),
        (
            200,
            r#"{"success":false,"errorReason":"invalid_exact_evm_nonce_already_used"}"#.into(),
        ),
        (
            200,
            r#"{"success":false,"errorReason":"unexpected_settle_error"}"#.into(),
        ),
        (200, r#"{"success":false}"#.into()),
        (
            500,
            r#"{"success":false,"errorReason":"insufficient_funds"}"#.into(),
        ),
    ] {
        let settlement = settle(says(status, &text)).await;
        assert!(
            matches!(settlement, Ok(Settlement::Unknown(_))),
            "{status} {text}: {settlement:?}"
        );
    }
    assert!(matches!(
        settle(Script::Lost).await,
        Ok(Settlement::Unknown(_))
    ));
    // A refusal before anything can have been sent.
    let no =
        r#"{"success":false,"errorReason":"insufficient_funds","transaction":"","network":""}"#;
    assert_eq!(
        settle(says(200, no)).await.unwrap(),
        Settlement::Declined(Reason::InsufficientFunds)
    );
    // Nothing was asked: that is no outcome.
    assert!(settle(Script::NotSent).await.is_err());
    assert!(settle(says(401, "")).await.is_err());
}

#[tokio::test]
async fn a_settlement_that_takes_too_long_is_unknown() {
    let transport = Scripted::new([Script::Hangs]);
    let clock = Stand::new(true);
    let remote = Remote::builder(URL, transport, clock.clone())
        .build()
        .unwrap();
    let claim = claim(1);
    let settlement = remote
        .settle(&claim, Step::Charge(claim.amount()))
        .await
        .unwrap();
    assert!(matches!(settlement, Settlement::Unknown(_)));
    // Longer than a facilitator waits for the chain (60 s), shorter than a client for the seller (90 s).
    assert_eq!(clock.sleeps.lock().unwrap()[0].as_secs(), 75);
}

#[tokio::test]
async fn s06_resolving_asks_again_with_the_same_bytes_and_believes_no_decline() {
    let claim = claim(1);
    let pending = Pending::new(None, Timestamp::from_secs(1), "lost");
    let no = r#"{"success":false,"errorReason":"insufficient_funds"}"#;
    let transport = Scripted::new([
        says(200, no),
        says(200, &settled("eip155:84532", PAYER, HASH)),
    ]);
    let remote = remote(&transport);
    // It may have settled before, and the payer's balance is low because of that.
    assert!(matches!(
        remote.resolve(&claim, &pending).await.unwrap(),
        Settlement::Unknown(_)
    ));
    assert!(matches!(
        remote.resolve(&claim, &pending).await.unwrap(),
        Settlement::Settled(_)
    ));
    let heard = transport.heard.lock().unwrap();
    assert_eq!(heard[0].body(), heard[1].body());
}

#[tokio::test]
async fn a_view_of_the_chain_decides() {
    let pending = Pending::new(None, Timestamp::from_secs(1), "lost");
    let look = async |spent: Spent, script: Vec<Script>| {
        let remote = Remote::builder(URL, Scripted::new(script), Stand::new(false))
            .chain_view(Arc::new(Sees(spent)))
            .build()
            .unwrap();
        assert!(remote.sees_chain());
        remote.resolve(&claim(1), &pending).await.unwrap()
    };
    let yes = Spent::Yes {
        transaction: Some(HASH.into()),
    };
    assert!(matches!(look(yes, vec![]).await, Settlement::Settled(_)));
    assert_eq!(
        look(Spent::Never, vec![]).await,
        Settlement::Declined(Reason::Expired)
    );
    let asks = vec![says(
        200,
        r#"{"success":false,"errorReason":"insufficient_funds"}"#,
    )];
    assert!(matches!(
        look(Spent::Unknown, asks).await,
        Settlement::Unknown(_)
    ));
}

#[test]
fn s57_plain_http_is_for_loopback_and_named_hosts() {
    let build = |url: &str, plain: &str| {
        let transport = Scripted::new([]);
        let builder = Remote::builder(url, transport, Stand::new(false));
        builder.allow_plain_http(plain).build().map(drop)
    };
    assert_eq!(
        build("http://facilitator.example", ""),
        Err(ConfigError::PlainHttp)
    );
    assert_eq!(
        build("http://facilitator.example", "facilitator.example"),
        Ok(())
    );
    for good in [
        "http://127.0.0.1:4020",
        "http://[::1]:1",
        "http://localhost",
        "https://a.example/x",
    ] {
        assert_eq!(build(good, ""), Ok(()), "{good}");
    }
    for bad in [
        "",
        "a.example",
        "ftp://a.example",
        "https://a.example?x=1",
        "https://user:pass@a.example",
    ] {
        assert_eq!(build(bad, ""), Err(ConfigError::Url), "{bad}");
    }
}
