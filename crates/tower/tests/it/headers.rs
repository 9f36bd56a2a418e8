use crate::bank::{Bank, Handler, SECRET, ask, builder, paywall, price};
use bytes::Bytes;
use http::{HeaderMap, HeaderName, HeaderValue, Response, StatusCode, header};
use http_body_util::{BodyExt, Full};
use std::{
    convert::Infallible,
    future::{Future, ready},
    pin::pin,
    sync::Arc,
    task::{Context, Poll, Waker},
};
use tower::{Layer, Service, ServiceExt, service_fn};

/// The heads of the refusal and of the paid response, whose handler sets these headers.
async fn heads(own: &'static [(HeaderName, &'static str)]) -> (HeaderMap, HeaderMap) {
    let handler = Handler::default();
    let service = paywall(&Arc::new(Bank::new())).layer(service_fn(move |request| {
        let mut response = handler.run(&request);
        for (name, value) in own {
            response
                .headers_mut()
                .append(name, HeaderValue::from_static(value));
        }
        ready(Ok::<_, Infallible>(response))
    }));
    let mut script = ask("/x", None);
    let origin = HeaderValue::from_static("https://elsewhere.example");
    script.headers_mut().insert(header::ORIGIN, origin);
    let refused = service.clone().oneshot(script).await.unwrap();
    let paid = service.oneshot(ask("/x", Some(1))).await.unwrap();
    (refused.headers().clone(), paid.headers().clone())
}

fn all(headers: &HeaderMap, name: HeaderName) -> String {
    let values = headers
        .get_all(name)
        .iter()
        .map(|value| value.to_str().unwrap());
    values.collect::<Vec<_>>().join(", ")
}

#[tokio::test]
async fn s58_caches_and_browsers_are_told() {
    let (refused, paid) = heads(&[]).await;
    assert_eq!(all(&refused, header::CACHE_CONTROL), "no-store");
    assert_eq!(all(&paid, header::CACHE_CONTROL), "private");
    for head in [&refused, &paid] {
        assert_eq!(all(head, header::VARY), "x-pay");
        assert_eq!(
            all(head, header::ACCESS_CONTROL_EXPOSE_HEADERS),
            "x-receipt"
        );
    }
    assert_eq!(all(&paid, HeaderName::from_static("x-receipt")), "tx0");
    assert_eq!(refused.get("x-receipt"), None);
}

#[tokio::test]
async fn a_fixed_price_is_refused_at_once_and_as_any_other() {
    let bank = Arc::new(Bank::new());
    let fixed = paywall(&bank);
    let changing = builder(&bank).price_with(|_| ready(Ok(vec![price(5)])));
    let changing = changing.build().unwrap();
    let goods = service_fn(|_| ready(Ok::<_, Infallible>(Response::new(Full::default()))));
    for path in ["/", "/x?y=z"] {
        for origin in [None, Some("https://elsewhere.example")] {
            let asked = || {
                let mut request = ask(path, None);
                let origin = origin.map(HeaderValue::from_static);
                request
                    .headers_mut()
                    .extend(origin.map(|it| (header::ORIGIN, it)));
                request
            };
            // At its first poll: nothing of it waits.
            let mut waits = pin!(fixed.layer(goods).call(asked()));
            let mut context = Context::from_waker(Waker::noop());
            let Poll::Ready(Ok(at_once)) = waits.as_mut().poll(&mut context) else {
                panic!("the refusal waits");
            };
            let at_once: Response<Full<Bytes>> = at_once;
            let other = changing.layer(goods).oneshot(asked()).await.unwrap();
            assert_eq!(at_once.status(), StatusCode::PAYMENT_REQUIRED);
            assert_eq!(at_once.status(), other.status());
            assert_eq!(at_once.headers(), other.headers());
            let exposed = header::ACCESS_CONTROL_EXPOSE_HEADERS;
            assert_eq!(at_once.headers().contains_key(exposed), origin.is_some());
            let one = at_once.into_body().collect().await.unwrap();
            let two = other.into_body().collect().await.unwrap();
            assert_eq!(one.to_bytes(), two.to_bytes());
        }
    }
}

#[tokio::test]
async fn what_the_handler_says_is_kept() {
    let (_, paid) = heads(&[
        (header::CACHE_CONTROL, "public, max-age=60, s-maxage=600"),
        (header::VARY, "accept, X-Pay"),
        (header::ACCESS_CONTROL_EXPOSE_HEADERS, "x-mine"),
    ])
    .await;
    assert_eq!(all(&paid, header::CACHE_CONTROL), "max-age=60, private");
    assert_eq!(all(&paid, header::VARY), "accept, X-Pay");
    assert_eq!(
        all(&paid, header::ACCESS_CONTROL_EXPOSE_HEADERS),
        "x-mine, x-receipt"
    );
}

#[tokio::test]
async fn s84_what_is_told_of_payments_holds_no_secret() {
    let (bank, handler) = (Arc::new(Bank::new()), Handler::default());
    let service = paywall(&bank).layer(service_fn(move |request| {
        ready(Ok::<_, Infallible>(handler.run(&request)))
    }));
    service.clone().oneshot(ask("/x", Some(1))).await.unwrap();
    service.oneshot(ask("/y", Some(1))).await.unwrap();
    let events = bank.events.lock().unwrap();
    for wanted in ["Reserved", "Settled", "Delivered"] {
        assert!(
            events.iter().any(|event| event.contains(wanted)),
            "{wanted}: {events:#?}"
        );
    }
    let hex: String = SECRET.bytes().map(|byte| format!("{byte:02x}")).collect();
    for event in events.iter() {
        assert!(!event.contains(SECRET) && !event.contains(&hex), "{event}");
    }
}
