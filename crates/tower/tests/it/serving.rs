use crate::bank::{Bank, Coin, Handler, PAY, ask, builder, paywall, price, seams};
use bytes::Bytes;
use http::{HeaderValue, Method, Request, Response, StatusCode};
use http_body_util::{BodyExt, Empty, Full};
use http402_tower::{ConfigError, PayLayer, PriceError, Tokio};
use std::{
    convert::Infallible,
    fmt,
    future::{Ready, ready},
    sync::Arc,
    task::{Context, Poll, Waker},
};
use tower::{Layer, Service, ServiceBuilder, ServiceExt, service_fn};

async fn text<B: http_body::Body>(response: Response<B>) -> (StatusCode, String)
where
    B::Error: fmt::Debug,
    B::Data: fmt::Debug,
{
    let status = response.status();
    let body = response
        .into_body()
        .collect()
        .await
        .map_err(|_| ())
        .unwrap();
    (status, String::from_utf8(body.to_bytes().to_vec()).unwrap())
}

/// One request through the layer around the handler.
async fn send(
    layer: &PayLayer,
    handler: &Handler,
    request: Request<Full<Bytes>>,
) -> (StatusCode, String) {
    let handler = handler.clone();
    let service = layer.layer(service_fn(move |request| {
        ready(Ok::<_, Infallible>(handler.run(&request)))
    }));
    text(service.oneshot(request).await.unwrap()).await
}

#[tokio::test]
async fn it_asks_then_serves_who_pays() {
    let (bank, handler) = (Arc::new(Bank::new()), Handler::default());
    let layer = paywall(&bank);
    let (status, body) = send(&layer, &handler, ask("/x", None)).await;
    assert_eq!(
        (status, body.as_str()),
        (
            StatusCode::PAYMENT_REQUIRED,
            r#"{"why":"payment_required"}"#
        )
    );
    assert_eq!((handler.count(), bank.settlements()), (0, 0));
    let served = send(&layer, &handler, ask("/x", Some(1))).await;
    assert_eq!(served, (StatusCode::OK, "5 units, time 0".into()));
    assert_eq!(bank.settlements(), 1);
}

/// An error and a body of somebody's own.
#[derive(Debug)]
struct Broken;

#[tokio::test]
async fn it_takes_any_body_and_hands_errors_on() {
    let layer = paywall(&Arc::new(Bank::new()));
    let service = layer.layer(service_fn(|_: Request<Empty<Bytes>>| {
        ready(Err::<Response<Full<Bytes>>, _>(Broken))
    }));
    let mut request = Request::new(Empty::<Bytes>::new());
    request.headers_mut().insert(PAY, HeaderValue::from(1));
    assert!(service.oneshot(request).await.is_err());
}

/// Panics when it is called without having been asked whether it is ready.
#[derive(Clone)]
struct Fussy(bool);

impl Service<Request<Full<Bytes>>> for Fussy {
    type Response = Response<Full<Bytes>>;
    type Error = Infallible;
    type Future = Ready<Result<Self::Response, Infallible>>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), Infallible>> {
        self.0 = true;
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, _: Request<Full<Bytes>>) -> Self::Future {
        assert!(std::mem::take(&mut self.0), "called without being ready");
        ready(Ok(Response::new(Full::from("fussy"))))
    }
}

#[tokio::test]
async fn it_keeps_the_contract_of_readiness() {
    let layer = paywall(&Arc::new(Bank::new()));
    let mut direct = layer.layer(Fussy(false));
    for nonce in 0..3 {
        let response = direct
            .ready()
            .await
            .unwrap()
            .call(ask("/x", Some(nonce)))
            .await
            .unwrap();
        assert_eq!(text(response).await.1, "fussy");
    }
    let mut stacked = ServiceBuilder::new()
        .buffer(4)
        .concurrency_limit(2)
        .layer(layer)
        .concurrency_limit(1)
        .service(Fussy(false));
    for nonce in 10..16 {
        let response = stacked
            .ready()
            .await
            .unwrap()
            .call(ask("/x", Some(nonce)))
            .await
            .unwrap();
        assert_eq!(text(response).await.1, "fussy");
    }
}

#[tokio::test]
async fn who_does_not_pay_keeps_nothing_of_what_the_service_had_reserved() {
    let limited = ServiceBuilder::new()
        .layer(paywall(&Arc::new(Bank::new())))
        .concurrency_limit(1)
        .service(Fussy(false));
    let (mut idle, mut other) = (limited.clone(), limited);
    let refused = idle.ready().await.unwrap().call(ask("/x", None)).await;
    assert_eq!(refused.unwrap().status(), StatusCode::PAYMENT_REQUIRED);
    // Its connection stays open, and asks for nothing more.
    let mut context = Context::from_waker(Waker::noop());
    assert!(other.poll_ready(&mut context).is_ready());
    let paid = other.call(ask("/x", Some(1))).await;
    assert_eq!(text(paid.unwrap()).await.1, "fussy");
    drop(idle);
}

#[tokio::test]
async fn a_price_may_depend_on_the_request_and_fails_closed() {
    let (bank, handler) = (Arc::new(Bank::new()), Handler::default());
    let layer = builder(&bank)
        .price_with(|head| {
            let path = head.uri.path().to_owned();
            async move {
                match path.as_str() {
                    "/dear" => Ok(vec![price(100)]),
                    "/nothing" => Ok(Vec::new()),
                    "/broken" => Err(PriceError::new("the price list is gone")),
                    _ => Ok(vec![price(1)]),
                }
            }
        })
        .build()
        .unwrap();
    assert_eq!(
        send(&layer, &handler, ask("/dear", Some(1))).await.1,
        "100 units, time 0"
    );
    assert_eq!(
        send(&layer, &handler, ask("/cheap", Some(2))).await.1,
        "1 units, time 1"
    );
    for path in ["/nothing", "/broken"] {
        for nonce in [None, Some(3)] {
            let (status, _) = send(&layer, &handler, ask(path, nonce)).await;
            assert_eq!(status, StatusCode::INTERNAL_SERVER_ERROR, "{path}");
        }
    }
    assert_eq!((handler.count(), bank.settlements()), (2, 2));
}

#[tokio::test]
async fn s54_head_costs_what_get_costs_and_a_preflight_nothing() {
    let (bank, handler) = (Arc::new(Bank::new()), Handler::default());
    let layer = paywall(&bank);
    let with = |method: Method, preflight: bool| {
        let mut request = ask("/x", None);
        *request.method_mut() = method;
        if preflight {
            let headers = request.headers_mut();
            headers.insert("origin", HeaderValue::from_static("https://a.example"));
            headers.insert(
                "access-control-request-method",
                HeaderValue::from_static("GET"),
            );
        }
        request
    };
    for method in [Method::HEAD, Method::POST, Method::OPTIONS, Method::TRACE] {
        let (status, _) = send(&layer, &handler, with(method.clone(), false)).await;
        assert_eq!(status, StatusCode::PAYMENT_REQUIRED, "{method}");
    }
    assert_eq!(handler.count(), 0);
    assert_eq!(
        send(&layer, &handler, with(Method::OPTIONS, true)).await.0,
        StatusCode::OK
    );
    assert_eq!(handler.count(), 1);
    // The header of a preflight makes no other method free.
    let (status, _) = send(&layer, &handler, with(Method::GET, true)).await;
    assert_eq!(status, StatusCode::PAYMENT_REQUIRED);
}

#[tokio::test]
async fn a_bypass_lets_through_whom_it_knows_and_an_error_means_no() {
    let (bank, handler) = (Arc::new(Bank::new()), Handler::default());
    let layer = builder(&bank)
        .price(vec![price(5)])
        .bypass(|head| {
            let path = head.uri.path().to_owned();
            async move {
                match path.as_str() {
                    "/subscriber" => Ok(true),
                    "/stranger" => Ok(false),
                    _ => Err("the list of subscribers is gone".into()),
                }
            }
        })
        .build()
        .unwrap();
    assert_eq!(
        send(&layer, &handler, ask("/subscriber", None)).await,
        (StatusCode::OK, "free".into())
    );
    for path in ["/stranger", "/error"] {
        let (status, _) = send(&layer, &handler, ask(path, None)).await;
        assert_eq!(status, StatusCode::PAYMENT_REQUIRED, "{path}");
    }
    // Who may pass and pays all the same is not charged.
    assert_eq!(
        send(&layer, &handler, ask("/subscriber", Some(1))).await.1,
        "free"
    );
    assert_eq!(bank.settlements(), 0);
}

#[tokio::test]
async fn several_credentials_are_refused() {
    let (bank, handler) = (Arc::new(Bank::new()), Handler::default());
    let mut request = ask("/x", Some(1));
    request.headers_mut().append(PAY, HeaderValue::from(2));
    let (status, body) = send(&paywall(&bank), &handler, request).await;
    assert_eq!(status, StatusCode::BAD_REQUEST, "{body}");
    let mut request = ask("/x", None);
    request
        .headers_mut()
        .insert(PAY, HeaderValue::from_static("no-number"));
    let (status, body) = send(&paywall(&bank), &handler, request).await;
    assert_eq!(status, StatusCode::BAD_REQUEST);
    assert!(
        body.contains("x-pay") && body.contains("digits expected"),
        "{body}"
    );
    assert_eq!((handler.count(), bank.settlements()), (0, 0));
}

#[tokio::test]
async fn a_bank_that_is_closed_serves_nobody_and_asks_for_no_other_payment() {
    let mut bank = Bank::new();
    bank.down = true;
    let (bank, handler) = (Arc::new(bank), Handler::default());
    let (status, body) = send(&paywall(&bank), &handler, ask("/x", Some(1))).await;
    assert!(status.is_server_error(), "{status} {body}");
    assert!(!body.contains("why"), "no offers: {body}");
    assert_eq!((handler.count(), bank.settlements()), (0, 0));
}

#[test]
fn what_can_not_be_right_fails_at_the_start() {
    let bank = Arc::new(Bank::new());
    let bare = || PayLayer::builder(seams(&bank, &Tokio::new()));
    let error = |builder: http402_tower::Builder| builder.build().map(drop).unwrap_err();
    let fine = || {
        bare()
            .protocol(Coin)
            .base_url("https://a.example")
            .price(vec![price(1)])
    };
    assert!(fine().build().is_ok());
    assert!(matches!(
        error(bare().protocol(Coin).price(vec![price(1)])),
        ConfigError::NoBaseUrl
    ));
    assert!(matches!(
        error(fine().base_url("http://a.example")),
        ConfigError::PlainHttp
    ));
    assert!(matches!(
        error(fine().base_url("nowhere")),
        ConfigError::BaseUrl
    ));
    assert!(matches!(error(fine().price(vec![])), ConfigError::NoPrice));
    assert!(matches!(
        error(bare().protocol(Coin).base_url("https://a.example")),
        ConfigError::NoPrice
    ));
    assert!(matches!(
        error(bare().base_url("https://a.example").price(vec![price(1)])),
        ConfigError::Gate(_)
    ));
    assert!(matches!(error(fine().protocol(Coin)), ConfigError::Gate(_)));
}
