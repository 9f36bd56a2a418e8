//! Failures: of handlers, and of settlements.

use super::*;

#[tokio::test(flavor = "multi_thread")]
async fn s59_a_receipt_comes_with_success_alone() {
    let shop = Shop::open().await;
    for (at, protocol) in protocols().iter().enumerate() {
        // Served first: nothing is settled, and nobody says that something was.
        let credential = shop.answer(&**protocol, "/fails").await;
        let failed = shop.get("/fails", &credential).await;
        assert_eq!(failed.status, StatusCode::INTERNAL_SERVER_ERROR, "{at}");
        for name in ["x-payment-response", "payment-response", "payment-receipt"] {
            assert!(!failed.has(name), "{at} {name}");
        }
        assert_eq!(shop.earned(), 0);
    }
    // Settled first: x402 tells of the money that moved, MPP shows a receipt with a success alone.
    for (at, protocol) in protocols().iter().enumerate().skip(1) {
        let credential = shop.answer(&**protocol, "/fails-paid").await;
        let failed = shop.get("/fails-paid", &credential).await;
        assert_eq!(failed.status, StatusCode::INTERNAL_SERVER_ERROR, "{at}");
        assert!(!failed.has("payment-receipt"), "{at}");
        assert_eq!(failed.has("payment-response"), at == 1);
        assert!(!failed.offers());
        assert_eq!(shop.earned(), at as u64 * CENT);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn s59_a_failed_handler_leaves_a_challenge_good() {
    let shop = Shop::open().await;
    let credential = shop.answer(&*mpp(), "/flaky").await;
    let failed = shop.get("/flaky", &credential).await;
    assert_eq!((failed.status, shop.earned()), (StatusCode::BAD_GATEWAY, 0));
    let served = shop.get("/flaky", &credential).await;
    assert_eq!(
        (served.status, &*served.body),
        (StatusCode::OK, &b"sold"[..])
    );
    assert!(served.has("payment-receipt"));
    assert_eq!(shop.earned(), CENT);
}

/// The settlement is declined, then the payer gets money: MPP's challenge is used up, and x402 may be settled after all.
#[tokio::test(flavor = "multi_thread")]
async fn s05_a_challenge_whose_settlement_was_declined_is_not_honoured_again() {
    let shop = Shop::open().await;
    let refused = shop.get("/first", &HeaderMap::new()).await;
    let [_, second, charges] = protocols();
    let answers = [second, charges].map(|one| answer(&*one, &pauper(), &refused));
    for headers in &answers {
        let declined = shop.get("/first", headers).await;
        assert_eq!(declined.status, StatusCode::PAYMENT_REQUIRED);
        assert!(declined.offers() && !declined.has("payment-receipt"));
    }
    usdc(&shop.chain).mint(pauper().address(), 5 * CENT);
    let [x402, challenged] = answers;
    let spent = shop.get("/first", &challenged).await;
    assert_eq!(spent.status, StatusCode::PAYMENT_REQUIRED);
    assert_eq!(spent.problem(), "invalid-challenge");
    assert_eq!((shop.served(), shop.earned()), (0, 0));
    let fresh = answer(&*mpp(), &pauper(), &spent);
    assert_ne!(fresh, challenged);
    for headers in [&fresh, &x402] {
        assert_eq!(shop.get("/first", headers).await.status, StatusCode::OK);
    }
    assert_eq!((shop.served(), shop.earned()), (2, 2 * CENT));
    let left = usdc(&shop.chain).balance_of(pauper().address());
    assert_eq!(left, U256::from(3 * CENT));
}
