use crate::bank::{Bank, Handler, Stage, ask, builder, paywall, price, seams};
use bytes::Bytes;
use http::{Request, Response, StatusCode};
use http_body_util::{BodyExt, Full};
use http402_tower::{DigestBodyLayer, Tokio};
use std::{
    convert::Infallible,
    future::ready,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
};
use tower::{Layer, Service, ServiceExt, service_fn};

async fn text(
    response: Response<impl http_body::Body<Data = Bytes, Error: std::fmt::Debug>>,
) -> (StatusCode, String) {
    let status = response.status();
    let body = response.into_body().collect().await.unwrap().to_bytes();
    (status, String::from_utf8(body.to_vec()).unwrap())
}

#[tokio::test(flavor = "multi_thread")]
async fn s01_of_many_with_one_credential_one_is_served_and_all_get_its_answer() {
    let mut bank = Bank::new();
    bank.settling = Stage::held();
    let (bank, handler) = (Arc::new(bank), Handler::default());
    let (run, layer) = (handler.clone(), paywall(&bank));
    let service = layer.layer(service_fn(move |request| {
        ready(Ok::<_, Infallible>(run.run(&request)))
    }));
    let tasks: Vec<_> = (0..8)
        .map(|_| {
            let service = service.clone();
            tokio::spawn(
                async move { text(service.oneshot(ask("/x", Some(7))).await.unwrap()).await },
            )
        })
        .collect();
    bank.settling.reached().await;
    bank.settling.release();
    for task in tasks {
        assert_eq!(
            task.await.unwrap(),
            (StatusCode::OK, "5 units, time 0".into())
        );
    }
    assert_eq!((handler.count(), bank.settlements()), (1, 1));
}

#[tokio::test]
async fn s02_a_credential_pays_for_one_request() {
    let (bank, handler) = (Arc::new(Bank::new()), Handler::default());
    let (run, layer) = (handler.clone(), paywall(&bank));
    let service = layer.layer(service_fn(move |request| {
        ready(Ok::<_, Infallible>(run.run(&request)))
    }));
    let send = |path: &'static str| {
        let service = service.clone();
        async move { text(service.oneshot(ask(path, Some(1))).await.unwrap()).await }
    };
    assert_eq!(send("/x").await.1, "5 units, time 0");
    assert_eq!(send("/x").await.1, "5 units, time 0");
    let (status, body) = send("/y").await;
    assert_eq!(status, StatusCode::CONFLICT);
    assert!(!body.contains("why"), "no offers: {body}");
    assert_eq!((handler.count(), bank.settlements()), (1, 1));
}

#[tokio::test]
async fn s59_a_handler_that_fails_is_not_paid_gives_no_receipt_and_the_same_bytes_may_try_again() {
    let bank = Arc::new(Bank::new());
    let (fails, layer) = (Arc::new(AtomicBool::new(true)), paywall(&bank));
    let handler = Handler::default();
    let (run, broken) = (handler.clone(), fails.clone());
    let service = layer.layer(service_fn(move |request| {
        let mut response = run.run(&request);
        if broken.load(Ordering::SeqCst) {
            *response.status_mut() = StatusCode::BAD_GATEWAY;
        }
        ready(Ok::<_, Infallible>(response))
    }));
    let failed = service.clone().oneshot(ask("/x", Some(1))).await.unwrap();
    assert_eq!(failed.status(), StatusCode::BAD_GATEWAY);
    assert_eq!(failed.headers().get("x-receipt"), None);
    assert_eq!(bank.settlements(), 0);
    fails.store(false, Ordering::SeqCst);
    let (status, _) = text(service.oneshot(ask("/x", Some(1))).await.unwrap()).await;
    assert_eq!((status, bank.settlements()), (StatusCode::OK, 1));
}

#[tokio::test]
async fn a_handler_that_panics_is_not_paid() {
    let bank = Arc::new(Bank::new());
    let service = paywall(&bank).layer(service_fn(
        async |_: Request<Full<Bytes>>| -> Result<Response<Full<Bytes>>, Infallible> {
            panic!("on purpose")
        },
    ));
    let task = tokio::spawn(service.oneshot(ask("/x", Some(1))));
    assert!(task.await.unwrap_err().is_panic());
    assert_eq!(bank.settlements(), 0);
}

#[tokio::test]
async fn what_was_settled_first_is_delivered_later_without_settling_again() {
    let bank = Arc::new(Bank::new());
    let layer = builder(&bank)
        .price(vec![price(5).upfront()])
        .build()
        .unwrap();
    let fails = Arc::new(AtomicBool::new(true));
    let (handler, broken) = (Handler::default(), fails.clone());
    let run = handler.clone();
    let service = layer.layer(service_fn(move |request| {
        let mut response = run.run(&request);
        if broken.load(Ordering::SeqCst) {
            *response.status_mut() = StatusCode::INTERNAL_SERVER_ERROR;
        }
        ready(Ok::<_, Infallible>(response))
    }));
    let first = service.clone().oneshot(ask("/x", Some(1))).await.unwrap();
    assert_eq!(
        (first.status(), bank.settlements()),
        (StatusCode::INTERNAL_SERVER_ERROR, 1)
    );
    fails.store(false, Ordering::SeqCst);
    let again = service.clone().oneshot(ask("/x", Some(1))).await.unwrap();
    assert_eq!(
        (again.status(), bank.settlements(), handler.count()),
        (StatusCode::OK, 1, 2)
    );
    let stored = service.oneshot(ask("/x", Some(1))).await.unwrap();
    assert_eq!(
        (stored.status(), bank.settlements(), handler.count()),
        (StatusCode::OK, 1, 2)
    );
}

#[tokio::test]
async fn a_credential_is_bound_to_the_body_and_bodies_are_capped() {
    let (bank, handler) = (Arc::new(Bank::new()), Handler::default());
    let (run, layer) = (handler.clone(), paywall(&bank));
    let inner = layer.layer(service_fn(move |request: Request<Full<Bytes>>| {
        ready(Ok::<_, Infallible>(run.run(&request)))
    }));
    let service = DigestBodyLayer::new(16).layer(inner);
    let send = |body: &'static str| {
        let mut service = service.clone();
        async move {
            let request = ask("/x", Some(1)).map(|_| Full::from(body));
            service
                .ready()
                .await
                .unwrap()
                .call(request)
                .await
                .unwrap()
                .status()
        }
    };
    assert_eq!(send("one").await, StatusCode::OK);
    assert_eq!(send("one").await, StatusCode::OK);
    assert_eq!(send("two").await, StatusCode::CONFLICT);
    assert_eq!(
        send("far more than sixteen bytes").await,
        StatusCode::PAYLOAD_TOO_LARGE
    );
    assert_eq!((handler.count(), bank.settlements()), (1, 1));
}

#[tokio::test]
async fn a_shutdown_waits_for_what_is_owed() {
    let mut bank = Bank::new();
    bank.settling = Stage::held();
    let (bank, running) = (Arc::new(bank), Tokio::new());
    let layer = http402_tower::PayLayer::builder(seams(&bank, &running))
        .protocol(crate::bank::Coin)
        .base_url("https://a.example")
        .price(vec![price(5)])
        .build()
        .unwrap();
    let handler = Handler::default();
    let service = layer.layer(service_fn(move |request| {
        ready(Ok::<_, Infallible>(handler.run(&request)))
    }));
    let request = tokio::spawn(service.oneshot(ask("/x", Some(1))));
    bank.settling.reached().await;
    request.abort();
    let drained = tokio::spawn(async move { running.drain().await });
    tokio::task::yield_now().await;
    assert!(!drained.is_finished());
    bank.settling.release();
    drained.await.unwrap();
    assert_eq!(bank.settlements(), 1);
}
