//! A payment is for what was asked for, signed by who pays, and in its time.

use super::{
    Attack, Run, penniless,
    scene::{Ask, Scene},
};
use crate::attacks::{
    dialect::{self, Dialect, Offer},
    payment::{Payment, compact, fresh, high_s, now, order, stranger},
    report::{Seen, fail, not_here, pass},
};
use http402_core::{Address, B256, U256};
use http402_verify::LocalKey;
use serde_json::{Value, json};

/// A test chain that is not that of most offers: Arbitrum Sepolia.
const OTHER_CHAIN: (u64, &str, &str) = (421_614, "eip155:421614", "polygon-amoy");

pub(super) fn attacks() -> Vec<Attack> {
    let pay = |id, expected, run| Attack {
        id,
        expected,
        run: Run::Payment(run),
    };
    vec![
        Attack {
            id: 5,
            expected: "a right signature of who owns nothing buys nothing, and no receipt says that it did",
            run: Run::Offer(|scene, offer| Box::pin(penniless_payer(scene, offer))),
        },
        pay(
            17,
            "an answer to an altered offer is refused",
            |scene, offer| Box::pin(altered(scene, offer)),
        ),
        pay(
            18,
            "a payment to somebody else is refused",
            |scene, offer| Box::pin(payee(scene, offer)),
        ),
        pay(
            25,
            "a signature for another chain is refused",
            |scene, offer| Box::pin(chain(scene, offer)),
        ),
        pay(
            30,
            "a declared extension that was altered is refused",
            |scene, offer| Box::pin(extension(scene, offer)),
        ),
        pay(
            31,
            "refused, or served and settled: never served for nothing",
            |scene, offer| Box::pin(high(scene, offer)),
        ),
        pay(
            32,
            "v is 0, 1, 27 or 28; everything else is refused",
            |scene, offer| Box::pin(odd_v(scene, offer)),
        ),
        pay(
            33,
            "r or s of 0 or beyond the order, and every odd length, are refused",
            |scene, offer| Box::pin(edges(scene, offer)),
        ),
        pay(34, "who did not sign does not pay", |scene, offer| {
            Box::pin(others(scene, offer))
        }),
        pay(
            39,
            "a window that is over, not begun, upside down or about to end is refused",
            |scene, offer| Box::pin(windows(scene, offer)),
        ),
        pay(
            81,
            "an authorization for ten years is refused, or served once",
            |scene, offer| Box::pin(ten_years(scene, offer)),
        ),
    ]
}

type Case = (String, Ask);

/// A payment and a key, for attacks that the runner makes only where there is one.
fn setup(scene: &Scene, offer: &Offer) -> Option<(Payment, LocalKey)> {
    let key = scene.key.clone()?;
    Some((Payment::honest(offer, &key), key))
}

fn case(scene: &Scene, name: impl Into<String>, payment: &Payment) -> Case {
    (name.into(), scene.ask(true).with(payment.header()))
}

fn no_key() -> Seen {
    not_here("no key was given")
}

async fn penniless_payer(scene: &Scene, offer: &Offer) -> Seen {
    let (payment, _) = penniless(offer);
    let ask = scene.ask(true).with(payment.header());
    let heard = scene.send(&ask).await;
    let receipt = heard.answer().and_then(dialect::receipt);
    if receipt.is_some_and(|receipt| receipt["success"] == true) {
        return fail("a receipt says that a payer without money has paid");
    }
    scene
        .refuses(offer, vec![("a payer without money".into(), ask)])
        .await
}

/// An honest payment of an offer that was never made: cheaper, elsewhere, to somebody else.
async fn altered(scene: &Scene, offer: &Offer) -> Seen {
    let Some((_, key)) = setup(scene, offer) else {
        return no_key();
    };
    let mut cases = Vec::new();
    let mut add = |name: &str, offer: &Offer| {
        cases.push(case(scene, name, &Payment::honest(offer, &key)));
    };
    let amount = offer.dialect.amount();
    let mut cheap = offer.clone();
    cheap.amount = U256::from(1);
    cheap.document[amount] = json!("1");
    add("a lower amount", &cheap);
    // Honestly echoed, and less is signed.
    let mut less = offer.clone();
    less.amount = offer.amount.saturating_sub(U256::from(1));
    add("one unit less signed", &less);
    let mut nothing = offer.clone();
    nothing.amount = U256::ZERO;
    add("nothing signed", &nothing);
    let (number, second, first) = OTHER_CHAIN;
    let mut network = offer.clone();
    match offer.dialect {
        Dialect::X402V2 => {
            network.document["network"] = json!(second);
            network.number = number;
        }
        Dialect::X402V1 => {
            network.document["network"] = json!(first);
            network.number = 80_002;
        }
    }
    add("network", &network);
    let mut scheme = offer.clone();
    scheme.document["scheme"] = json!("upto");
    add("scheme", &scheme);
    if offer.dialect == Dialect::X402V2 {
        let other = stranger().address();
        let mut asset = offer.clone();
        asset.asset = other;
        asset.document["asset"] = json!(other.to_string());
        add("asset", &asset);
        let mut pay_to = offer.clone();
        pay_to.pay_to = other;
        pay_to.document["payTo"] = json!(other.to_string());
        add("payTo", &pay_to);
        let mut timeout = offer.clone();
        timeout.document["maxTimeoutSeconds"] = json!(offer.timeout + 31_536_000);
        add("maxTimeoutSeconds", &timeout);
        let mut extra = offer.clone();
        extra.document["extra"]["name"] = json!("Another Dollar");
        add("extra.name", &extra);
        let mut more = offer.clone();
        more.document["discount"] = json!("100%");
        add("a member more", &more);
        let mut bare = offer.clone();
        bare.document["extra"] = json!({});
        add("extra removed", &bare);
    }
    scene.refuses(offer, cases).await
}

async fn payee(scene: &Scene, offer: &Offer) -> Seen {
    let Some((payment, key)) = setup(scene, offer) else {
        return no_key();
    };
    let me = key.address();
    let to = |to: Address| payment.clone().but(&key, |message| message.to = to);
    let cases = vec![
        case(scene, "to the payer", &to(me)),
        case(scene, "to nobody", &to(Address::ZERO)),
        case(scene, "to the token", &to(offer.asset)),
        case(scene, "to a stranger", &to(stranger().address())),
    ];
    scene.refuses(offer, cases).await
}

async fn chain(scene: &Scene, offer: &Offer) -> Seen {
    let Some((payment, key)) = setup(scene, offer) else {
        return no_key();
    };
    let other = if offer.number == OTHER_CHAIN.0 {
        84_532
    } else {
        OTHER_CHAIN.0
    };
    let foreign = payment.clone().signed_for(&key, other, offer.asset);
    let contract = payment.signed_for(&key, offer.number, stranger().address());
    let cases = vec![
        case(scene, "signed for another chain", &foreign),
        case(scene, "signed for another contract", &contract),
    ];
    scene.refuses(offer, cases).await
}

async fn extension(scene: &Scene, offer: &Offer) -> Seen {
    let Some((payment, _)) = setup(scene, offer) else {
        return no_key();
    };
    let Some(Value::Object(declared)) = &offer.extensions else {
        return not_here("the target declares no extension");
    };
    if declared.is_empty() {
        return not_here("the target declares no extension");
    }
    let mut cases = Vec::new();
    for name in declared.keys() {
        let mut document = payment.document();
        document["extensions"][name]["info"] = json!({"altered": true});
        let ask = scene.ask(true).with(payment.written(&document.to_string()));
        cases.push((name.clone(), ask));
    }
    scene.refuses(offer, cases).await
}

async fn high(scene: &Scene, offer: &Offer) -> Seen {
    let Some((payment, _)) = setup(scene, offer) else {
        return no_key();
    };
    let before = scene.purse(offer).await;
    let twin = payment
        .clone()
        .with_signature(high_s(&payment.message.signature));
    let heard = scene.present(&twin, None).await;
    let spent = scene.spent(offer, before).await;
    if heard.status() == 0 || heard.status() == 500 {
        return fail(heard.word());
    }
    match (heard.granted(), spent) {
        (true, Some(spent)) if spent.is_zero() => fail("served, and nothing was taken"),
        (true, Some(_)) => pass("served and settled"),
        (true, None) => pass("served; whether it settled is not known without a node"),
        (false, _) => pass(format!("refused with {}", heard.word())),
    }
}

async fn odd_v(scene: &Scene, offer: &Offer) -> Seen {
    let Some((payment, _)) = setup(scene, offer) else {
        return no_key();
    };
    let mut cases = Vec::new();
    for v in [2, 3, 26, 29, 30, 31, 35, 36, 37, 38, 128, 254, 255] {
        let mut signature = payment.message.signature.to_vec();
        if let Some(last) = signature.get_mut(64) {
            *last = v;
        }
        let one = payment.clone().with_signature(signature);
        cases.push(case(scene, format!("v {v}"), &one));
    }
    let mut flipped = payment.message.signature.to_vec();
    if let Some(last) = flipped.get_mut(64) {
        *last = if *last == 27 { 28 } else { 27 };
    }
    cases.push(case(
        scene,
        "the other v",
        &payment.clone().with_signature(flipped),
    ));
    scene.refuses(offer, cases).await
}

async fn edges(scene: &Scene, offer: &Offer) -> Seen {
    let Some((payment, _)) = setup(scene, offer) else {
        return no_key();
    };
    let good = payment.message.signature.to_vec();
    let word = |at: usize| B256::from_slice(good.get(at..at + 32).unwrap_or(&[0; 32]));
    let bad = [U256::ZERO, order(), order() - U256::from(1), U256::MAX];
    let mut cases = Vec::new();
    let mut add = |name: String, signature: Vec<u8>| {
        let one = payment.clone().with_signature(signature);
        cases.push(case(scene, name, &one));
    };
    for number in bad {
        let number = B256::from(number);
        for v in [27, 28] {
            add(
                format!("r {number}"),
                [&number[..], &word(32)[..], &[v]].concat(),
            );
            add(
                format!("s {number}"),
                [&word(0)[..], &number[..], &[v]].concat(),
            );
        }
    }
    for length in [0, 1, 32, 63, 66, 67, 96, 130, 200, 4096] {
        let mut signature = good.clone();
        signature.resize(length, 0);
        add(format!("{length} bytes"), signature);
    }
    let short = compact(&good);
    add("63 bytes of the short form".into(), short[..63].to_vec());
    // The magic of a wallet that is not deployed, with nothing in front of it that could be one.
    add(
        "the magic of ERC-6492".into(),
        [&good[..], &[0x64, 0x92].repeat(16)].concat(),
    );
    scene.refuses(offer, cases).await
}

async fn others(scene: &Scene, offer: &Offer) -> Seen {
    let Some((payment, key)) = setup(scene, offer) else {
        return no_key();
    };
    let theirs = payment.clone().signed(&stranger());
    let nobody = payment
        .clone()
        .but(&key, |message| message.from = Address::ZERO);
    let changed = |name: &'static str, change: fn(&mut http402_core::authorization::Eip3009)| {
        let mut one = payment.clone();
        change(&mut one.message);
        case(scene, name, &one)
    };
    let mut cases = vec![
        case(scene, "signed by a stranger", &theirs),
        case(scene, "from nobody", &nobody),
        changed("another nonce", |message| message.nonce = fresh()),
        changed("another value", |message| {
            message.value += U256::from(1);
        }),
        changed("another end", |message| {
            message.window.before += U256::from(1);
        }),
    ];
    for at in 0..4 {
        let mut signature = Vec::new();
        signature.extend_from_slice(fresh().as_slice());
        signature.extend_from_slice(&(order() / U256::from(3 + at)).to_be_bytes::<32>());
        signature.push(27);
        let one = payment.clone().with_signature(signature);
        cases.push(case(scene, "a signature out of nothing", &one));
    }
    scene.refuses(offer, cases).await
}

async fn windows(scene: &Scene, offer: &Offer) -> Seen {
    let Some((payment, key)) = setup(scene, offer) else {
        return no_key();
    };
    let now = now();
    let mut cases = Vec::new();
    for (name, after, before) in [
        ("over for long", 0, 1),
        ("over for a minute", 0, now - 60),
        ("ends now", 0, now),
        ("ends in a second", 0, now + 1),
        ("begins in an hour", now + 3_600, now + 7_200),
        ("upside down", now + 60, now - 60),
        ("empty", 0, 0),
    ] {
        let one = payment.clone().but(&key, |message| {
            message.window.after = U256::from(after);
            message.window.before = U256::from(before);
        });
        cases.push(case(scene, name, &one));
    }
    for text in ["1.5", "-1", "1e10", "0x1", "", " 1", "soon", "NaN"] {
        let mut document = payment.document();
        document["payload"]["authorization"]["validBefore"] = json!(text);
        let ask = scene.ask(true).with(payment.written(&document.to_string()));
        cases.push((format!("validBefore {text:?}"), ask));
    }
    scene.refuses(offer, cases).await
}

async fn ten_years(scene: &Scene, offer: &Offer) -> Seen {
    let Some((payment, key)) = setup(scene, offer) else {
        return no_key();
    };
    let before = scene.purse(offer).await;
    let mut told = Vec::new();
    for (name, end) in [
        ("ten years", U256::from(now() + 315_360_000)),
        ("for ever", U256::MAX),
    ] {
        let long = payment.clone().but(&key, |message| {
            message.window.before = end;
            message.nonce = fresh();
        });
        let first = scene.present(&long, None).await;
        let second = scene.send(&scene.ask(true).with(long.header())).await;
        if first.granted() && second.granted() {
            return fail(format!("{name}: served twice"));
        }
        if matches!(first.status(), 0 | 500) {
            return fail(format!("{name}: {}", first.word()));
        }
        told.push(format!("{name}: {} then {}", first.word(), second.word()));
    }
    let granted = told.iter().filter(|one| one.contains(": 2")).count();
    if let Some(spent) = scene.spent(offer, before).await
        && spent != offer.amount * U256::from(granted)
    {
        return fail(format!("{spent} units were taken for {granted} deliveries"));
    }
    pass(told.join("; "))
}
