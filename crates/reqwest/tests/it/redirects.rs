use crate::{
    coin::{Purse, policy},
    seller::{Seller, answer, sells},
};
use http402_reqwest::{
    Error, PayingClient, Payments,
    flow::client::Payment,
    reqwest::{Client, header, redirect::Policy},
};

/// A seller on the same machine under another port is another origin.
async fn thief() -> Seller {
    Seller::start(|_, _| answer(200, &[], "thanks")).await
}

#[tokio::test]
async fn s55_a_redirect_of_a_paid_request_is_handed_over() {
    for status in [301, 302, 303, 307, 308] {
        let thief = thief().await;
        let away = format!("location: {}", thief.url("/"));
        for target in [away, "location: /elsewhere".to_owned()] {
            let seller = Seller::start(move |seen, _| match seen.header("x-pay") {
                None => sells(seen),
                Some(_) => answer(status, &[&target], ""),
            })
            .await;
            let purse = Purse::default();
            let response = purse.client().get(seller.url("/")).send().await.unwrap();
            assert_eq!(response.status(), status);
            assert!(matches!(response.payment(), Some(Payment::Paid { .. })));
            assert_eq!(seller.credentials().len(), 1);
            assert_eq!(seller.seen().len(), 2);
        }
        assert!(thief.seen().is_empty());
    }
}

#[tokio::test]
async fn s55_a_payment_goes_to_the_origin_that_asked_for_it() {
    for status in [301, 302, 303, 307, 308] {
        let seller = Seller::start(|seen, _| sells(seen)).await;
        let target = format!("location: {}", seller.url("/sold"));
        let first = Seller::start(move |_, _| answer(status, &[&target], "")).await;
        let purse = Purse::default();
        let request = purse.client().post(first.url("/")).body("question");
        let request = request.bearer_auth("mine").header(header::COOKIE, "a=b");
        let response = request.send().await.unwrap();
        assert_eq!(response.text().await.unwrap(), "goods");

        assert!(first.credentials().is_empty());
        assert!(first.seen()[0].header("authorization").is_some());
        assert_eq!(seller.credentials().len(), 1);
        let keeps = status >= 307;
        for seen in seller.seen() {
            assert_eq!(seen.path, "/sold");
            assert_eq!(seen.method, if keeps { "POST" } else { "GET" });
            assert_eq!(seen.body, if keeps { &b"question"[..] } else { b"" });
            assert!(seen.header("authorization").is_none());
            assert!(seen.header("cookie").is_none());
        }
    }
}

#[tokio::test]
async fn a_redirect_within_an_origin_keeps_what_belongs_to_it() {
    let seller = Seller::start(|seen, _| match seen.path.as_str() {
        "/a/first" => answer(307, &["location: second"], ""),
        _ => sells(seen),
    })
    .await;
    let client = Purse::default().client();
    let request = client.get(seller.url("/a/first")).bearer_auth("mine");
    let response = request.send().await.unwrap();
    assert_eq!(response.url().path(), "/a/second");
    assert_eq!(seller.seen().len(), 3);
    assert!(
        seller
            .seen()
            .iter()
            .all(|seen| seen.header("authorization").is_some())
    );
}

#[tokio::test]
async fn redirects_end() {
    let seller = Seller::start(|_, _| answer(302, &["location: /"], "")).await;
    let client = Purse::default().client();
    let response = client.get(seller.url("/")).send().await.unwrap();
    assert_eq!((response.status().as_u16(), seller.seen().len()), (302, 11));
    let response = client
        .redirects(0)
        .get(seller.url("/"))
        .send()
        .await
        .unwrap();
    assert_eq!((response.status().as_u16(), seller.seen().len()), (302, 12));
}

#[tokio::test]
async fn s55_a_redirect_policy_of_the_user_is_replaced() {
    let thief = thief().await;
    let away = format!("location: {}", thief.url("/"));
    let seller = Seller::start(move |seen, _| match seen.header("x-pay") {
        None => sells(seen),
        Some(_) => answer(307, &[&away], ""),
    })
    .await;
    let eager = Client::builder().redirect(Policy::limited(5));
    let client = PayingClient::with(eager, Purse::default().buyer(policy())).unwrap();
    let response = client.get(seller.url("/")).send().await.unwrap();
    assert_eq!(response.status(), 307);
    assert!(thief.seen().is_empty());
}

#[tokio::test]
async fn s55_who_pays_the_origin_that_he_asked_alone_is_not_led_to_another() {
    for status in [301, 302, 303, 307, 308] {
        let thief = Seller::start(|seen, _| sells(seen)).await;
        let away = format!("location: {}", thief.url("/"));
        let seller = Seller::start(move |seen, _| match seen.path.as_str() {
            "/near" => answer(status, &["location: /sold"], ""),
            "/far" => answer(status, &[&away], ""),
            _ => sells(seen),
        })
        .await;
        let client = Purse::default().client().same_origin();
        let near = client.get(seller.url("/near")).send().await.unwrap();
        assert_eq!(near.text().await.unwrap(), "goods");
        let far = client.get(seller.url("/far")).send().await;
        assert!(matches!(far, Err(Error::OtherOrigin)));
        assert!(thief.seen().is_empty(), "it was not even asked");
        assert_eq!(seller.credentials().len(), 1);
    }
}
