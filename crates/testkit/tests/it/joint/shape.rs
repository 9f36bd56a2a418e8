//! The one 402, and who is paid in which protocol.

use super::*;
use base64::{Engine, engine::general_purpose::STANDARD};
use http402_flow::client::{Denial, Payment};

#[tokio::test(flavor = "multi_thread")]
async fn one_402_asks_in_three_protocols() {
    let shop = Shop::open().await;
    let mut script = HeaderMap::new();
    let origin = HeaderValue::from_static("https://elsewhere.example");
    script.insert("origin", origin);
    let refused = shop.get("/report", &script).await;
    assert_eq!(refused.status, StatusCode::PAYMENT_REQUIRED);
    assert_eq!(refused.headers["cache-control"], "no-store");
    assert_eq!(refused.headers["content-type"], "application/problem+json");

    let second = refused
        .headers
        .get_all("payment-required")
        .iter()
        .collect::<Vec<_>>();
    assert_eq!(second.len(), 1);
    let second = STANDARD.decode(second[0]).unwrap();
    let text = String::from_utf8(second).unwrap();
    assert!(!text.contains("null"), "{text}");
    let document: Value = serde_json::from_str(&text).unwrap();
    assert_eq!(document["x402Version"], 2);
    assert_eq!(document["resource"]["url"], refused.url);
    let accepts = document["accepts"].as_array().unwrap();
    assert_eq!(accepts.len(), 1, "what is Tempo's is no offer of x402");
    assert_eq!(accepts[0]["network"], "eip155:84532");

    let challenges: Vec<_> = refused.headers.get_all("www-authenticate").iter().collect();
    let methods: Vec<_> = challenges.iter().map(|line| method(line)).collect();
    assert_eq!(
        methods,
        ["tempo", "evm"],
        "one line for each challenge, in the seller's order"
    );

    let body = refused.json();
    let members: Vec<_> = body
        .as_object()
        .unwrap()
        .keys()
        .map(String::as_str)
        .collect();
    for member in [
        "type",
        "title",
        "status",
        "detail",
        "challengeId",
        "x402Version",
        "error",
        "accepts",
    ] {
        assert!(members.contains(&member), "{member} of {members:?}");
    }
    assert_eq!(
        body["type"],
        "https://paymentauth.org/problems/payment-required"
    );
    assert_eq!(
        (&body["status"], &body["x402Version"]),
        (&402.into(), &1.into())
    );
    let first = challenges[0].to_str().unwrap();
    assert!(first.contains(body["challengeId"].as_str().unwrap()));
    let accepts = body["accepts"].as_array().unwrap();
    assert_eq!(accepts.len(), 1);
    assert_eq!(accepts[0]["network"], "base-sepolia");
    assert_eq!(accepts[0]["resource"], refused.url);
    for text in ["description", "mimeType"] {
        assert!(accepts[0][text].is_string(), "{text}");
    }
    for name in [
        "payment-required",
        "payment-response",
        "x-payment-response",
        "www-authenticate",
        "payment-receipt",
    ] {
        assert!(
            lists(&refused, "access-control-expose-headers", name),
            "{name}"
        );
    }
    for name in [
        "payment-signature",
        "x-payment",
        "authorization",
        "payment-authorization",
    ] {
        assert!(lists(&refused, "vary", name), "{name}");
    }
}

fn method(challenge: &HeaderValue) -> String {
    let text = challenge.to_str().unwrap();
    assert!(text.starts_with("Payment "), "{text}");
    let (_, rest) = text.split_once("method=\"").unwrap();
    rest.split_once('"').unwrap().0.into()
}

fn lists(reply: &Reply, list: &str, name: &str) -> bool {
    let values = reply.headers.get_all(list).iter();
    let mut items = values.flat_map(|value| value.to_str().unwrap().split(','));
    items.any(|item| item.trim().eq_ignore_ascii_case(name))
}

#[tokio::test(flavor = "multi_thread")]
async fn accept_payment_orders_and_drops_challenges_alone_and_never_the_last() {
    let shop = Shop::open().await;
    for (accept, expected) in [
        ("evm/charge, tempo/charge;q=0.5", &["evm", "tempo"][..]),
        ("tempo/charge", &["tempo"]),
        ("*/charge;q=0.1, evm/charge;q=0", &["tempo"]),
        ("evm/*", &["evm"]),
        // What leaves nothing, and what can not be read, counts for nothing.
        ("tempo/charge;q=0, evm/charge;q=0", &["tempo", "evm"]),
        ("stripe/charge", &["tempo", "evm"]),
        ("evm/charge;q=2", &["tempo", "evm"]),
    ] {
        let mut headers = HeaderMap::new();
        headers.insert("accept-payment", HeaderValue::from_static(accept));
        let refused = shop.get("/report", &headers).await;
        let lines = refused.headers.get_all("www-authenticate").iter();
        assert_eq!(lines.map(method).collect::<Vec<_>>(), expected, "{accept}");
        assert!(refused.has("payment-required"), "{accept}");
        assert_eq!(
            refused.json()["accepts"].as_array().unwrap().len(),
            1,
            "{accept}"
        );
    }
}

fn client(protocol: Box<dyn ClientProtocol>, policy: Policy) -> PayingClient {
    let ledger: Arc<dyn Ledger> = Arc::new(Memory::new());
    let buyer = buyer(policy, Arc::new(payer()), ledger).protocols([Arc::from(protocol)]);
    PayingClient::new(buyer).unwrap()
}

fn policy() -> Policy {
    let assets = Assets::known();
    let usdc = assets.of_chain(&ChainId::eip155(CHAIN)).unwrap();
    let allowance = Allowance::of(usdc, "$0.05")
        .unwrap()
        .per_hour("$1")
        .unwrap();
    Policy::new().allow(allowance)
}

#[tokio::test(flavor = "multi_thread")]
async fn three_clients_buy_on_one_route_and_each_has_its_receipt() {
    let shop = Shop::open().await;
    let receipts = ["x-payment-response", "payment-response", "payment-receipt"];
    for target in ["/report", "/first"] {
        // Version 1 of x402 has no word for what is settled first.
        let skipped = usize::from(target == "/first");
        for (at, protocol) in protocols().into_iter().enumerate().skip(skipped) {
            let before = shop.earned();
            let client = client(protocol, policy());
            let response = client
                .get(format!("{}{target}", shop.url))
                .send()
                .await
                .unwrap();
            assert_eq!(response.status(), 200, "{target} {at}");
            for (of, name) in receipts.iter().enumerate() {
                assert_eq!(
                    response.headers().contains_key(*name),
                    of == at,
                    "{target} {at} {name}"
                );
            }
            let cached = response.headers()["cache-control"].to_str().unwrap();
            assert!(cached.contains("private"), "{cached}");
            let paid = http402_reqwest::Payments::payment(&response).cloned();
            let Some(Payment::Paid {
                receipt: Some(receipt),
                ..
            }) = paid
            else {
                panic!("{target} {at}: {paid:?}");
            };
            assert!(
                shop.chain
                    .receipt(receipt.transaction.parse().unwrap())
                    .unwrap()
                    .status()
            );
            assert_eq!(response.text().await.unwrap(), format!("sold {target}"));
            assert_eq!(shop.earned(), before + CENT);
        }
    }
    assert_eq!(shop.served(), 5);
}

#[tokio::test(flavor = "multi_thread")]
async fn s57_plain_http_is_paid_on_loopback_alone() {
    let shop = Shop::open().await;
    let address: std::net::SocketAddr = shop.url.trim_start_matches("http://").parse().unwrap();
    for protocol in protocols() {
        let ledger: Arc<dyn Ledger> = Arc::new(Memory::new());
        let buyer = buyer(policy(), Arc::new(payer()), ledger).protocols([Arc::from(protocol)]);
        let http = reqwest::Client::builder().resolve("shop.example", address);
        let client = PayingClient::with(http, buyer).unwrap();
        let url = format!("http://shop.example:{}/report", address.port());
        let error = client.get(&url).send().await.unwrap_err();
        let told = format!("{error:?}");
        assert!(told.contains(&format!("{:?}", Denial::PlainHttp)), "{told}");
    }
    assert_eq!((shop.served(), shop.earned()), (0, 0));
}
