use crate::{
    coin::{Purse, policy},
    seller::{Seller, answer, sells},
};
use http402_reqwest::{
    Error, PayingClient, Payments, SendPaid,
    flow::client::{self, Denial, Payment},
    reqwest::{self, Body, Client},
};

#[tokio::test]
async fn it_pays_and_returns_the_body() {
    let seller = Seller::start(|seen, _| sells(seen)).await;
    let purse = Purse::default();
    let request = purse.client().post(seller.url("/a?b=c"));
    let request = request.header("x-mine", "1").body("question");
    let response = request.send().await.unwrap();
    assert_eq!(response.status(), 200);
    let Some(Payment::Paid { attempt, receipt }) = response.payment().cloned() else {
        panic!("{:?}", response.payment());
    };
    assert_eq!(attempt.amount, 1000.into());
    assert_eq!(receipt.unwrap().transaction.as_ref(), "tx");
    assert_eq!(response.url().as_str(), seller.url("/a?b=c"));
    assert_eq!(response.text().await.unwrap(), "goods");

    let seen = seller.seen();
    assert_eq!(seen.len(), 2);
    for seen in &seen {
        assert_eq!(
            (seen.method.as_str(), seen.path.as_str()),
            ("POST", "/a?b=c")
        );
        assert_eq!(seen.body, b"question");
        assert_eq!(seen.header("x-mine"), Some("1"));
    }
    assert_eq!(
        (seen[0].header("x-pay"), seller.credentials().len()),
        (None, 1)
    );
}

#[tokio::test]
async fn what_costs_nothing_is_handed_over() {
    let seller = Seller::start(|_, _| answer(404, &[], "no")).await;
    let purse = Purse::default();
    let response = purse.client().get(seller.url("/")).send().await.unwrap();
    assert_eq!(response.status(), 404);
    assert_eq!(response.payment(), Some(&Payment::None));
    assert_eq!(response.text().await.unwrap(), "no");
}

#[tokio::test]
async fn reqwests_own_builder_is_sent_by_the_paying_client() {
    let seller = Seller::start(|seen, _| sells(seen)).await;
    let client = Purse::default().client();
    let request = Client::new().get(seller.url("/"));
    let response = request.send_paid(&client).await.unwrap();
    assert!(matches!(response.payment(), Some(Payment::Paid { .. })));
}

#[tokio::test]
async fn s07_a_lost_answer_is_asked_for_with_identical_bytes() {
    // The answers to the first five presentations are lost.
    let seller = Seller::start(|seen, number| match seen.header("x-pay") {
        Some(_) if number <= 5 => None,
        _ => sells(seen),
    })
    .await;
    let purse = Purse::default();
    let client = purse.client();
    // A naive retry above: the first call presents four times and gives up.
    let error = client.get(seller.url("/")).send().await.unwrap_err();
    assert!(matches!(error.purchase(), Some(client::Error::Lost { .. })));
    let response = client.get(seller.url("/")).send().await.unwrap();
    assert!(matches!(response.payment(), Some(Payment::Paid { .. })));
    let credentials = seller.credentials();
    assert_eq!(credentials.len(), 6);
    assert!(credentials.iter().all(|one| *one == credentials[0]));
    assert_eq!(purse.signatures(), 1);
    assert_eq!(seller.seen().len(), 7, "one request asked for the price");
}

#[tokio::test]
async fn a_one_shot_body_is_refused_before_a_byte_is_sent() {
    let seller = Seller::start(|seen, _| sells(seen)).await;
    let purse = Purse::default();
    let other = Client::new().get(seller.url("/")).send().await.unwrap();
    let stream = Body::from(other);
    assert!(stream.as_bytes().is_none());
    let request = purse.client().post(seller.url("/")).body(stream);
    assert!(matches!(request.send().await, Err(Error::OneShot)));
    assert_eq!(seller.seen().len(), 1, "the one that made the stream");
    assert_eq!(purse.signatures(), 0);
}

#[tokio::test]
async fn s57_plain_http_to_another_machine_is_not_paid() {
    let seller = Seller::start(|seen, _| sells(seen)).await;
    let purse = Purse::default();
    let far = || Client::builder().resolve("shop.example", seller.address);
    let client = PayingClient::with(far(), purse.buyer(policy())).unwrap();
    let url = format!("http://shop.example:{}/", seller.address.port());
    let error = client.get(&url).send().await.unwrap_err();
    let Some(client::Error::Denied(refusal)) = error.purchase() else {
        panic!("{error:?}");
    };
    assert_eq!(refusal.body, b"pay");
    assert!(matches!(refusal.denied[..], [ref one] if one.why == Denial::PlainHttp));
    assert_eq!((purse.signatures(), seller.credentials().len()), (0, 0));

    let trusting = policy().allow_plain_http("shop.example");
    let client = PayingClient::with(far(), purse.buyer(trusting)).unwrap();
    client.get(&url).send().await.unwrap();
    assert_eq!(purse.signatures(), 1);
}

#[tokio::test]
async fn s54_of_the_body_of_a_402_a_bounded_part_is_read() {
    let seller = Seller::start(|_, _| {
        let mut endless = answer(402, &[], "")?;
        endless = endless.replace("content-length: 0", "content-length: 9000000");
        endless.extend(std::iter::repeat_n('a', 1_000_000));
        Some(endless)
    })
    .await;
    let purse = Purse::default();
    let error = purse
        .client()
        .get(seller.url("/"))
        .send()
        .await
        .unwrap_err();
    let Some(client::Error::Denied(refusal)) = error.purchase() else {
        panic!("{error:?}");
    };
    assert_eq!(refusal.body.len(), 256 * 1024);
}

#[tokio::test]
async fn s79_calls_at_once_stay_within_the_budget() {
    let seller = Seller::start(|seen, _| sells(seen)).await;
    let purse = Purse::default();
    let client = purse.client();
    let calls = (0..40).map(|at| {
        let request = client.get(seller.url(&format!("/{at}")));
        tokio::spawn(request.send())
    });
    let mut paid = 0;
    for call in calls.collect::<Vec<_>>() {
        paid += usize::from(call.await.unwrap().is_ok());
    }
    assert_eq!((paid, purse.signatures()), (5, 5));
}

#[tokio::test]
async fn a_named_purchase_is_made_once() {
    let seller = Seller::start(|seen, _| sells(seen)).await;
    let purse = Purse::default();
    let client = purse.client();
    for _ in 0..3 {
        let request = client.get(seller.url("/")).idempotency_key("report");
        assert_eq!(request.send().await.unwrap().status(), 200);
    }
    assert_eq!((purse.signatures(), seller.credentials().len()), (1, 3));
}

#[tokio::test]
async fn s84_errors_do_not_print_urls_of_the_transport() {
    let purse = Purse::default();
    let unreachable = "http://127.0.0.1:1/?token=hidden";
    let error = purse.client().get(unreachable).send().await.unwrap_err();
    let source = std::error::Error::source(&error).unwrap();
    assert!(source.downcast_ref::<reqwest::Error>().is_some());
    assert!(!format!("{error} {error:?} {source}").contains("hidden"));
}
