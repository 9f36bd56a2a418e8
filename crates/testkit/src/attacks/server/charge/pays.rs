//! Payments that are not what the challenge asks for, or not by whom.

use super::{Attack, Case, Table, no_challenge};
use crate::attacks::{
    payment::{fresh, now, order, stranger},
    report::{Seen, not_here},
};
use http402_core::{Address, B256, Timestamp, U256, Window};
use serde_json::json;

pub(super) fn attacks() -> Vec<Attack> {
    vec![
        Attack {
            id: 18,
            expected: "a payment to somebody else is refused",
            run: |table| Box::pin(payee(table)),
        },
        Attack {
            id: 24,
            expected: "a credential of another type, method or account is refused",
            run: |table| Box::pin(types(table)),
        },
        Attack {
            id: 25,
            expected: "a signature for another chain is refused",
            run: |table| Box::pin(chain(table)),
        },
        Attack {
            id: 34,
            expected: "who did not sign does not pay",
            run: |table| Box::pin(signatures(table)),
        },
        Attack {
            id: 39,
            expected: "a window that is over, not begun, upside down or about to end is refused",
            run: |table| Box::pin(windows(table)),
        },
    ]
}

async fn payee(table: &Table<'_>) -> Seen {
    let Some(paying) = table.paying().await else {
        return no_challenge();
    };
    let to = |name: &str, to: Address| {
        table.case(
            name,
            &paying.clone().but(&table.key, |message| message.to = to),
        )
    };
    let cases = vec![
        to("to the payer", table.key.address()),
        to("to nobody", Address::ZERO),
        to("to the token", paying.charge.asset),
        to("to a stranger", stranger().address()),
    ];
    table.scene.refuses(&paying.charge, cases).await
}

async fn types(table: &Table<'_>) -> Seen {
    let Some(paying) = table.paying().await else {
        return no_challenge();
    };
    let mut cases: Vec<Case> = Vec::new();
    let mut add = |name: &str, change: &dyn Fn(&mut serde_json::Value)| {
        let mut document = paying.document();
        change(&mut document);
        cases.push((
            name.into(),
            table
                .scene
                .ask(false)
                .with(paying.written(&document.to_string())),
        ));
    };
    for kind in [
        "permit2",
        "transaction",
        "hash",
        "proof",
        "Authorization",
        "",
        "\u{0}",
    ] {
        add(&format!("type {kind:?}"), &|document| {
            document["payload"]["type"] = json!(kind);
        });
    }
    let hash = fresh().to_string();
    add("somebody's hash", &|document| {
        document["payload"] = json!({"type": "hash", "hash": hash});
    });
    let signature = paying.message.signature.to_string();
    add("a proof", &|document| {
        document["payload"] = json!({"type": "proof", "signature": signature});
    });
    add("no payload", &|document| document["payload"] = json!({}));
    add("a list for a payload", &|document| {
        document["payload"] = json!([]);
    });
    let other = stranger().address();
    let number = paying.charge.number;
    add("the account of another", &|document| {
        document["source"] = json!(format!("did:pkh:eip155:{number}:{other}"));
    });
    add("an account of another chain", &|document| {
        document["source"] = json!(format!(
            "did:pkh:eip155:{}:{}",
            number + 1,
            paying.message.from
        ));
    });
    table.scene.refuses(&paying.charge, cases).await
}

async fn chain(table: &Table<'_>) -> Seen {
    let Some(paying) = table.paying().await else {
        return no_challenge();
    };
    let foreign =
        paying
            .clone()
            .signed_for(&table.key, paying.charge.number + 1, paying.charge.asset);
    let contract =
        paying
            .clone()
            .signed_for(&table.key, paying.charge.number, stranger().address());
    let cases = vec![
        table.case("signed for another chain", &foreign),
        table.case("signed for another contract", &contract),
    ];
    table.scene.refuses(&paying.charge, cases).await
}

async fn signatures(table: &Table<'_>) -> Seen {
    let Some(paying) = table.paying().await else {
        return no_challenge();
    };
    let good = paying.message.signature.to_vec();
    if good.len() != 65 {
        return not_here("the key did not sign");
    }
    let mut cases = vec![
        table.case("signed by a stranger", &paying.clone().signed(&stranger())),
        table.case(
            "from nobody",
            &paying
                .clone()
                .but(&table.key, |message| message.from = Address::ZERO),
        ),
        table.case(
            "another nonce",
            &paying
                .clone()
                .but(&table.key, |message| message.nonce = fresh()),
        ),
        table.case(
            "a nonce of nothing",
            &paying
                .clone()
                .but(&table.key, |message| message.nonce = B256::ZERO),
        ),
    ];
    let mut add = |name: String, signature: Vec<u8>| {
        cases.push(table.case(name, &paying.clone().with_signature(signature)));
    };
    for v in [2, 26, 29, 35, 255] {
        let mut signature = good.clone();
        signature[64] = v;
        add(format!("v {v}"), signature);
    }
    for number in [U256::ZERO, order(), U256::MAX] {
        let number = number.to_be_bytes::<32>();
        add("an edge for r".into(), [&number, &good[32..]].concat());
        add(
            "an edge for s".into(),
            [&good[..32], &number, &good[64..]].concat(),
        );
    }
    for length in [0, 63, 66, 130, 4096] {
        let mut signature = good.clone();
        signature.resize(length, 0);
        add(format!("{length} bytes"), signature);
    }
    for bit in [0, 100, 300, 511] {
        let mut signature = good.clone();
        signature[bit / 8] ^= 1 << (bit % 8);
        add(format!("bit {bit}"), signature);
    }
    table.scene.refuses(&paying.charge, cases).await
}

async fn windows(table: &Table<'_>) -> Seen {
    let Some(paying) = table.paying().await else {
        return no_challenge();
    };
    let now = now();
    let mut cases: Vec<Case> = Vec::new();
    for (name, after, before) in [
        ("over for long", 0, 1),
        ("over for a minute", 0, now - 60),
        ("ends now", 0, now),
        ("begins in an hour", now + 3_600, now + 7_200),
        ("upside down", now + 60, now - 60),
        ("empty", 0, 0),
    ] {
        let one = paying.clone().but(&table.key, |message| {
            message.window = Window::new(Timestamp::from_secs(after), Timestamp::from_secs(before));
        });
        cases.push(table.case(name, &one));
    }
    for text in ["1.5", "-1", "1e10", "0x1", "", " 1", "soon"] {
        let mut document = paying.document();
        document["payload"]["validBefore"] = json!(text);
        let ask = table
            .scene
            .ask(false)
            .with(paying.written(&document.to_string()));
        cases.push((format!("validBefore {text:?}"), ask));
    }
    table.scene.refuses(&paying.charge, cases).await
}
