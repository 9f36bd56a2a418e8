//! The settler where everybody behaves, and where the payer does not.

use alloy_primitives::{Address, B256, Bytes, U256};
use alloy_sol_types::SolCall;
use http402_core::seam::{Facilitator, Kind};
use http402_core::{
    Amount, ChainId, Leg, Party, ProtocolId, Reason, Settlement, Step, TokenDomain, Verdict,
};
use http402_testkit::chain::contract::abi::TestUsdc;
use http402_testkit::chain::{Chain, DEV_ACCOUNTS};

use crate::evm_scene::{PRICE, Scene, charge, settled, verify};
use crate::scene::{PAYER, dev, payment, send, shop};

#[tokio::test(start_paused = true)]
async fn a_payment_is_verified_and_settled() {
    let scene = Scene::new();
    let settler = scene.settler();
    let claim = scene.claim(1);
    let payer = Party::Evm(dev(PAYER));
    let valid = Verdict::Valid {
        payer: payer.clone(),
    };
    assert_eq!(verify(&settler, &claim).await.unwrap(), valid);
    assert_eq!(scene.received(), U256::ZERO);

    let Settlement::Settled(receipt) = charge(&settler, &claim).await.unwrap() else {
        panic!("it settles");
    };
    assert_eq!(receipt.payer, Some(payer));
    assert_eq!(receipt.amount, Amount::from(PRICE));
    assert_eq!(receipt.chain, ChainId::eip155(84_532));
    let hash: B256 = receipt.transaction.parse().unwrap();
    assert!(scene.chain.receipt(hash).unwrap().status());
    assert_eq!(scene.received(), U256::from(PRICE));

    let kind = Kind::new(ProtocolId::new("x402/2"), "exact", ChainId::eip155(84_532));
    assert_eq!(settler.supported().await.unwrap(), [kind]);
}

#[tokio::test(start_paused = true)]
async fn twenty_payments_at_once_leave_no_gap() {
    let scene = Scene::new();
    let settler = scene.settler();
    let tasks: Vec<_> = (1..=20)
        .map(|nonce| {
            let (settler, claim) = (settler.clone(), scene.claim(nonce));
            tokio::spawn(async move { settled(&settler, &claim).await })
        })
        .collect();
    for task in tasks {
        task.await.unwrap();
    }
    assert_eq!(scene.received(), U256::from(20 * PRICE));
    assert_eq!(scene.transactions(), 20);
    assert!(scene.chain.pending().is_empty());
}

#[tokio::test(start_paused = true)]
async fn twenty_payments_wait_for_one_block() {
    let scene = Scene::of(
        Chain::builder().automine(false),
        http402_testkit::chain::contract::USDC_BASE_SEPOLIA,
    );
    let settler = scene.settler();
    let tasks: Vec<_> = (1..=20)
        .map(|nonce| {
            let (settler, claim) = (settler.clone(), scene.claim(nonce));
            tokio::spawn(async move { settled(&settler, &claim).await })
        })
        .collect();
    scene.until_pending(20).await;
    scene.chain.mine(1);
    for task in tasks {
        task.await.unwrap();
    }
    assert_eq!(scene.received(), U256::from(20 * PRICE));
    assert_eq!(scene.transactions(), 20);
}

#[tokio::test(start_paused = true)]
async fn s01_the_same_authorization_twice_at_once_is_one_transaction() {
    let scene = Scene::new();
    let settler = scene.settler();
    let claim = scene.claim(1);
    let (a, b, c) = tokio::join!(
        settled(&settler, &claim),
        settled(&settler, &claim),
        settled(&settler, &claim)
    );
    assert!(a == b && b == c);
    assert_eq!(scene.transactions(), 1);
    assert_eq!(scene.received(), U256::from(PRICE));

    // Another message with the same nonce is not the same payment.
    let (x, y) = (scene.claim(2), {
        let mut message = payment(&scene.chain, dev(PAYER), 2);
        message.validBefore += U256::from(1);
        scene.signed(&message)
    });
    let (x, y) = tokio::join!(charge(&settler, &x), charge(&settler, &y));
    assert!(matches!(x.unwrap(), Settlement::Settled(_)));
    assert_eq!(y.unwrap(), Settlement::Declined(Reason::NonceUsed));
    assert_eq!(settler.running(), 0);

    // One with a bad signature in front does not spoil a good one.
    let bad = scene.with(&payment(&scene.chain, dev(PAYER), 3), vec![9; 65].into());
    let good = scene.claim(3);
    let (bad, good) = tokio::join!(charge(&settler, &bad), charge(&settler, &good));
    assert_eq!(bad.unwrap(), Settlement::Declined(Reason::Signature));
    assert!(matches!(good.unwrap(), Settlement::Settled(_)));
}

/// What was reported as settled once is a replay the next time.
#[tokio::test(start_paused = true)]
async fn a_used_authorization_is_refused() {
    let scene = Scene::new();
    let settler = scene.settler();
    let claim = scene.claim(1);
    settled(&settler, &claim).await;
    let used = Reason::NonceUsed;
    let declined = Settlement::Declined(used.clone());
    assert_eq!(charge(&settler, &claim).await.unwrap(), declined);
    assert_eq!(
        verify(&settler, &claim).await.unwrap(),
        Verdict::Invalid(used)
    );
    // A settler that never saw it unused does not take it for its own.
    assert_eq!(charge(&scene.settler(), &claim).await.unwrap(), declined);
    assert_eq!(scene.transactions(), 1);
}

#[tokio::test(start_paused = true)]
async fn what_can_not_be_settled_is_refused_before_it_costs_anything() {
    let scene = Scene::new();
    let settler = scene.settler();
    let message = || payment(&scene.chain, dev(PAYER), 1);
    let no_code = Address::repeat_byte(0xaa);
    let cases = [
        ("wrong key", Reason::Signature, {
            scene.signed_by(&DEV_ACCOUNTS[5].signer(), &message())
        }),
        ("garbage", Reason::Signature, {
            scene.with(&message(), Bytes::from_static(&[7; 65]))
        }),
        ("long", Reason::Signature, {
            scene.with(&message(), vec![7; 20_000].into())
        }),
        ("expired", Reason::Expired, {
            let mut message = message();
            message.validBefore = U256::from(scene.chain.now() + 5);
            scene.signed(&message)
        }),
        ("not yet", Reason::NotYetValid, {
            let mut message = message();
            message.validAfter = U256::from(scene.chain.now() + 5);
            scene.signed(&message)
        }),
        ("elsewhere", Reason::RecipientMismatch, {
            let mut message = message();
            message.to = dev(7);
            scene.signed(&message)
        }),
        ("too little", Reason::AmountMismatch, {
            let mut message = message();
            message.value = U256::from(999);
            scene.signed(&message)
        }),
        ("s25 another chain", Reason::UnsupportedNetwork, {
            let mut claim = scene.claim(1);
            claim.requirement.chain = ChainId::eip155(8453);
            claim
        }),
        (
            "s38 another token",
            Reason::Other("asset_not_allowed".into()),
            {
                let mut claim = scene.claim(1);
                claim.requirement.asset = Party::Evm(no_code);
                claim
            },
        ),
        ("domain", Reason::DomainMismatch, {
            let mut claim = scene.claim(1);
            claim.requirement.domain = Some(TokenDomain::new("USD Coin", "2"));
            claim
        }),
        ("splits", Reason::RequirementMalformed, {
            let mut claim = scene.claim(1);
            claim.requirement.splits = vec![Leg {
                to: Party::Evm(dev(3)),
                amount: Amount::from(1),
            }];
            claim
        }),
    ];
    for (name, reason, claim) in cases {
        let verdict = verify(&settler, &claim).await.unwrap();
        assert_eq!(verdict, Verdict::Invalid(reason.clone()), "{name}");
        let settlement = settler.settle(&claim, Step::Charge(claim.amount())).await;
        assert_eq!(settlement.unwrap(), Settlement::Declined(reason), "{name}");
    }
    let step = Step::Charge(Amount::from(1));
    let wrong = settler.settle(&scene.claim(1), step).await.unwrap();
    assert_eq!(wrong, Settlement::Declined(Reason::AmountMismatch));
    let wrong = settler.settle(&scene.claim(1), Step::Open).await.unwrap();
    assert_eq!(wrong, Settlement::Declined(Reason::UnsupportedScheme));
    assert_eq!((scene.transactions(), scene.received()), (0, U256::ZERO));
}

#[tokio::test(start_paused = true)]
async fn what_the_chain_refuses_is_refused_with_its_reason() {
    let scene = Scene::new();
    let settler = scene.settler();
    let poor = alloy_signer_local::PrivateKeySigner::random();
    let claim = scene.signed_by(&poor, &payment(&scene.chain, poor.address(), 1));
    let verdict = verify(&settler, &claim).await.unwrap();
    assert_eq!(verdict, Verdict::Invalid(Reason::InsufficientFunds));
    let settlement = charge(&settler, &claim).await.unwrap();
    assert_eq!(settlement, Settlement::Declined(Reason::InsufficientFunds));

    scene.token.set_paused(true);
    let verdict = verify(&settler, &scene.claim(2)).await.unwrap();
    assert_eq!(verdict, Verdict::Invalid(Reason::SimulationFailed));
    scene.token.set_paused(false);
    scene.token.set_blacklisted(shop(), true);
    let settlement = charge(&settler, &scene.claim(2)).await.unwrap();
    assert_eq!(settlement, Settlement::Declined(Reason::SimulationFailed));
    assert_eq!((scene.transactions(), scene.received()), (0, U256::ZERO));
}

#[tokio::test(start_paused = true)]
async fn a_token_without_code_or_without_eip_3009_is_refused() {
    for code in [
        Bytes::new(),
        Bytes::from_static(&[0x00]),
        Bytes::from_static(&[0xfe]),
    ] {
        let scene = Scene::new();
        let claim = scene.claim(1);
        scene.chain.set_code(scene.token.address(), code.clone());
        let expected = if code.is_empty() {
            Reason::AssetNotDeployed
        } else {
            Reason::MethodNotSupportedByAsset
        };
        let verdict = verify(&scene.settler(), &claim).await.unwrap();
        assert_eq!(verdict, Verdict::Invalid(expected));
    }
}

/// The payer takes the money away between verification and settlement.
#[tokio::test(start_paused = true)]
async fn s08_a_balance_that_moves_after_verification_is_a_no() {
    let scene = Scene::new();
    let settler = scene.settler();
    let claim = scene.claim(1);
    let verdict = verify(&settler, &claim).await.unwrap();
    assert!(matches!(verdict, Verdict::Valid { .. }));
    let call = TestUsdc::transferCall {
        to: dev(9),
        value: scene.token.balance_of(dev(PAYER)),
    };
    send(
        &scene.chain,
        dev(PAYER),
        scene.token.address(),
        call.abi_encode(),
    );
    let settlement = charge(&settler, &claim).await.unwrap();
    assert_eq!(settlement, Settlement::Declined(Reason::InsufficientFunds));
    assert_eq!(scene.transactions(), 0);
}

/// The same, and the settler has sent already.
#[tokio::test(start_paused = true)]
async fn s08_a_balance_that_moves_after_the_broadcast_is_a_no_too() {
    let scene = Scene::of(
        Chain::builder().automine(false),
        http402_testkit::chain::contract::USDC_BASE_SEPOLIA,
    );
    let settler = scene.settler();
    let claim = scene.claim(1);
    let task = tokio::spawn({
        let (settler, claim) = (settler.clone(), claim.clone());
        async move { charge(&settler, &claim).await.unwrap() }
    });
    scene.until_pending(1).await;
    let all = scene.token.balance_of(dev(PAYER));
    let call = TestUsdc::transferCall {
        to: dev(9),
        value: all,
    };
    let drain = crate::scene::request(dev(PAYER), scene.token.address(), call.abi_encode())
        .gas_limit(100_000)
        .max_fee_per_gas(100_000_000_000)
        .max_priority_fee_per_gas(90_000_000_000);
    scene.chain.send(drain).unwrap();
    scene.chain.mine(1);
    let settlement = task.await.unwrap();
    assert_eq!(settlement, Settlement::Declined(Reason::InsufficientFunds));
    assert_eq!((scene.transactions(), scene.received()), (1, U256::ZERO));
}
