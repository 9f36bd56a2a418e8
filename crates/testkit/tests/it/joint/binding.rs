//! What a credential is good for.

use super::*;

#[tokio::test(flavor = "multi_thread")]
async fn s19_s26_a_credential_opens_no_other_route_query_or_price() {
    let shop = Shop::open().await;
    let credential = shop.answer(&*mpp(), "/report?order=1").await;
    // Not used yet: another order of the same price, another route of the same price, a dearer one, another method.
    for target in [
        "/report?order=2",
        "/report",
        "/other",
        "/other?order=1",
        "/dear",
        "/first",
    ] {
        let refused = shop.get(target, &credential).await;
        assert_eq!(refused.status, StatusCode::PAYMENT_REQUIRED, "{target}");
        assert_eq!(refused.problem(), "invalid-challenge", "{target}");
        assert!(refused.offers(), "{target}");
    }
    let dear = shop.answer(&*mpp(), "/dear").await;
    assert_eq!(
        shop.get("/other", &dear).await.problem(),
        "invalid-challenge"
    );
    assert_eq!((shop.served(), shop.earned()), (0, 0));
    // None of that has used it up.
    let served = shop.get("/report?order=1", &credential).await;
    assert_eq!(served.status, StatusCode::OK);
    assert_eq!(served.body, b"sold /report?order=1");
    // Used, it opens nothing else, and no offer makes its owner sign again.
    for target in ["/report?order=2", "/other", "/dear"] {
        let refused = shop.get(target, &credential).await;
        assert!(refused.status.is_client_error(), "{target}");
        assert!(!refused.offers(), "{target}");
    }
    assert_eq!((shop.served(), shop.earned()), (1, CENT));
}

#[tokio::test(flavor = "multi_thread")]
async fn s19_a_used_credential_of_any_protocol_opens_nothing_else() {
    let shop = Shop::open().await;
    for (at, protocol) in protocols().iter().enumerate() {
        let credential = shop.answer(&**protocol, "/other").await;
        let first = shop.get("/other", &credential).await;
        assert_eq!(first.status, StatusCode::OK);
        let again = shop.get("/other", &credential).await;
        assert_eq!(
            (again.status, &again.body),
            (StatusCode::OK, &first.body),
            "the stored answer"
        );
        for target in ["/report", "/other?more", "/dear"] {
            let refused = shop.get(target, &credential).await;
            assert!(refused.status.is_client_error(), "{at} {target}");
            // The dear one is not what x402 accepted: it says so with offers, as nothing of it can be looked up.
            assert!(!refused.offers() || target == "/dear", "{at} {target}");
        }
        assert_eq!(shop.served(), at + 1);
    }
    assert_eq!(shop.earned(), 3 * CENT);
}

#[tokio::test(flavor = "multi_thread")]
async fn s20_a_credential_is_for_its_body() {
    let shop = Shop::open().await;
    let post = async |headers: &HeaderMap, body: &str| {
        shop.ask(Method::POST, "/bound", headers.clone(), body)
            .await
    };
    let refused = post(&HeaderMap::new(), "one").await;
    let challenge = refused.headers["www-authenticate"].to_str().unwrap();
    assert!(challenge.contains("digest=\"sha-256="), "{challenge}");
    let credential = answer(&*mpp(), &payer(), &refused);
    for other in ["two", "", "one ", "One"] {
        let refused = post(&credential, other).await;
        assert_eq!(refused.status, StatusCode::PAYMENT_REQUIRED, "{other:?}");
        assert_eq!(refused.problem(), "invalid-challenge", "{other:?}");
    }
    assert_eq!(shop.earned(), 0);
    let served = post(&credential, "one").await;
    assert_eq!(
        (served.status, &*served.body),
        (StatusCode::OK, &b"one"[..])
    );
    let swapped = post(&credential, "two").await;
    assert!(swapped.status.is_client_error() && !swapped.offers());
    assert_eq!(shop.earned(), CENT);
}

#[tokio::test(flavor = "multi_thread")]
async fn s29_two_credentials_in_one_request_are_ambiguous() {
    let shop = Shop::open().await;
    let mut answers = Vec::new();
    for protocol in protocols().into_iter().chain([mpp()]) {
        answers.push(shop.answer(&*protocol, "/report").await);
    }
    let mut cases = Vec::new();
    for (at, one) in answers.iter().enumerate() {
        for two in &answers[at + 1..] {
            let mut both = one.clone();
            for (name, value) in two {
                both.append(name, value.clone());
            }
            cases.push(both);
        }
    }
    let own = answers[2]["authorization"].to_str().unwrap();
    let other = answers[3]["authorization"].to_str().unwrap();
    let mut fields = answers[2].clone();
    fields.insert(
        "payment-authorization",
        HeaderValue::from_str(other).unwrap(),
    );
    let mut line = HeaderMap::new();
    line.insert(
        "authorization",
        HeaderValue::from_str(&format!("{own}, {other}")).unwrap(),
    );
    let mut twice = answers[2].clone();
    twice.append("authorization", HeaderValue::from_str(own).unwrap());
    cases.extend([fields, line, twice]);
    for (at, headers) in cases.iter().enumerate() {
        let refused = shop.get("/report", headers).await;
        assert_eq!(refused.status, StatusCode::BAD_REQUEST, "case {at}");
        assert!(!refused.offers(), "case {at}");
    }
    assert_eq!((shop.served(), shop.earned()), (0, 0));
    // Beside a credential of another scheme there is one.
    let mut headers = answers[2].clone();
    headers.append("authorization", HeaderValue::from_static("Bearer abc"));
    assert_eq!(shop.get("/report", &headers).await.status, StatusCode::OK);
}
