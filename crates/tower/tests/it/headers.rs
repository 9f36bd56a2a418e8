use crate::bank::{Bank, Handler, SECRET, ask, paywall};
use http::{HeaderMap, HeaderName, HeaderValue, header};
use std::{convert::Infallible, future::ready, sync::Arc};
use tower::{Layer, ServiceExt, service_fn};

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
    let refused = service.clone().oneshot(ask("/x", None)).await.unwrap();
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
