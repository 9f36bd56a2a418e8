//! Challenges that are not what was made, or not by whom.

use super::{Attack, Case, Paying, Table, no_challenge};
use crate::attacks::{
    payment::{fresh, stranger},
    report::Seen,
};
use http402_core::U256;
use http402_mpp::binding::{Slots, challenge_id};
use serde_json::json;

pub(super) fn attacks() -> Vec<Attack> {
    vec![
        Attack {
            id: 17,
            expected: "an answer to an altered offer is refused",
            run: |table| Box::pin(request(table)),
        },
        Attack {
            id: 21,
            expected: "a challenge with a parameter altered, removed or added is refused, though it is answered honestly",
            run: |table| Box::pin(altered(table)),
        },
        Attack {
            id: 22,
            expected: "a challenge whose parameters have moved to other slots of its id is refused",
            run: |table| Box::pin(slots(table)),
        },
        Attack {
            id: 23,
            expected: "a challenge of another realm, or bound with another secret, is refused",
            run: |table| Box::pin(others(table)),
        },
        Attack {
            id: 44,
            expected: "a challenge that anybody can make, with a secret that is empty, short or well known, is refused",
            run: |table| Box::pin(weak(table)),
        },
    ]
}

/// The request that was bound, with another member, encoded.
fn rewritten(paying: &Paying, change: impl FnOnce(&mut serde_json::Value)) -> Option<String> {
    let text = http402_mpp::base64url::decode(
        "request",
        paying.charge.text("request").as_bytes(),
        1 << 14,
    );
    let mut request = serde_json::from_slice(&text.ok()?).ok()?;
    change(&mut request);
    Some(crate::attacks::charge::encoded(&request.to_string()))
}

async fn request(table: &Table<'_>) -> Seen {
    let Some(paying) = table.paying().await else {
        return no_challenge();
    };
    let mut cases: Vec<Case> = Vec::new();
    let (charge, key) = (&paying.charge, &table.key);
    for (member, value) in [
        ("amount", json!("1")),
        ("amount", json!("0")),
        ("recipient", json!(key.address().to_string())),
        ("currency", json!(stranger().address().to_string())),
        ("externalId", json!("another order")),
        ("discount", json!("100%")),
    ] {
        let text = rewritten(&paying, |request| request[member] = value.clone());
        let mut charge = charge.clone().with("request", text.as_deref());
        // What is signed is what the altered challenge asks for.
        if member == "amount" {
            charge.amount = value
                .as_str()
                .and_then(|text| text.parse().ok())
                .unwrap_or_default();
        }
        if member == "recipient" {
            charge.pay_to = key.address();
        }
        cases.push(table.case(format!("{member} {value}"), &Paying::honest(&charge, key)));
    }
    let units = |value: U256| paying.clone().but(key, |message| message.value = value);
    cases.push(table.case(
        "one unit less signed",
        &units(charge.amount.saturating_sub(U256::from(1))),
    ));
    cases.push(table.case(
        "one unit more signed",
        &units(charge.amount + U256::from(1)),
    ));
    cases.push(table.case("nothing signed", &units(U256::ZERO)));
    table.scene.refuses(charge, cases).await
}

async fn altered(table: &Table<'_>) -> Seen {
    let Some(paying) = table.paying().await else {
        return no_challenge();
    };
    let (charge, key) = (&paying.charge, &table.key);
    let mut cases: Vec<Case> = Vec::new();
    let mut add = |name: String, parameter: &str, value: Option<&str>| {
        let charge = charge.clone().with(parameter, value);
        cases.push(table.case(name, &Paying::honest(&charge, key)));
    };
    // The description is told to people and bound to nothing.
    let bound = charge
        .challenge
        .keys()
        .filter(|name| *name != "description");
    for name in bound {
        let text = charge.text(name);
        for at in [0, text.len() / 2, text.len().saturating_sub(1)] {
            let mut bytes = text.clone().into_bytes();
            if let Some(byte) = bytes.get_mut(at) {
                *byte = if *byte == b'A' { b'B' } else { b'A' };
            }
            let other = String::from_utf8_lossy(&bytes);
            add(format!("{name}, letter {at}"), name, Some(&other));
        }
        add(format!("{name} empty"), name, Some(""));
        add(format!("{name} longer"), name, Some(&format!("{text}A")));
        add(format!("{name} removed"), name, None);
    }
    for (name, value) in [
        ("expires", "2999-01-01T00:00:00Z"),
        ("digest", "sha-256=:AAAA:"),
        ("header", "Payment-Authorization"),
        ("opaque", "e30"),
        ("intent", "session"),
        ("method", "tempo"),
    ] {
        add(format!("{name} {value}"), name, Some(value));
    }
    table.scene.refuses(charge, cases).await
}

async fn slots(table: &Table<'_>) -> Seen {
    let Some(paying) = table.paying().await else {
        return no_challenge();
    };
    let (charge, key) = (&paying.charge, &table.key);
    let (realm, method) = (charge.text("realm"), charge.text("method"));
    let (intent, request) = (charge.text("intent"), charge.text("request"));
    let (expires, opaque) = (charge.text("expires"), charge.text("opaque"));
    let moved = [
        (
            "realm and method",
            charge
                .clone()
                .with("realm", Some(&format!("{realm}|{method}")))
                .with("method", Some(&intent)),
        ),
        (
            "method and intent",
            charge
                .clone()
                .with("method", Some(&format!("{method}|{intent}")))
                .with("intent", Some(&request)),
        ),
        (
            "request and expires",
            charge
                .clone()
                .with("request", Some(&format!("{request}|{expires}")))
                .with("expires", None),
        ),
        (
            "expires in digest",
            charge
                .clone()
                .with("digest", Some(&expires))
                .with("expires", None),
        ),
        (
            "opaque in digest",
            charge
                .clone()
                .with("digest", Some(&opaque))
                .with("opaque", None),
        ),
        (
            "digest with a bar",
            charge
                .clone()
                .with("digest", Some(&format!("|{opaque}")))
                .with("opaque", None),
        ),
        (
            "opaque in header",
            charge
                .clone()
                .with("header", Some(&opaque))
                .with("opaque", None),
        ),
        (
            "an end of bars",
            charge.clone().with("opaque", Some(&format!("{opaque}|"))),
        ),
    ];
    let cases = moved.into_iter().map(|(name, charge)| {
        let paying = Paying::honest(&charge, key);
        // In the field that the challenge was made for.
        let ask = table.scene.ask(false).header(
            Paying::honest(&paying.charge.clone().with("header", None), key).field(),
            paying.header().1,
        );
        (name.to_owned(), ask)
    });
    let cases = cases.collect();
    table.scene.refuses(charge, cases).await
}

/// The challenge, bound with another secret.
fn forged(paying: &Paying, realm: &str, secret: &[u8]) -> crate::attacks::charge::Charge {
    let charge = paying.charge.clone().with("realm", Some(realm));
    let text = |name: &str| {
        charge
            .challenge
            .get(name)
            .and_then(serde_json::Value::as_str)
    };
    let id = challenge_id(
        secret,
        &Slots {
            realm,
            method: text("method").unwrap_or_default(),
            intent: text("intent").unwrap_or_default(),
            request: text("request").unwrap_or_default(),
            expires: text("expires"),
            digest: text("digest"),
            header: text("header"),
            opaque: text("opaque"),
        },
    );
    charge.clone().with("id", Some(&id))
}

async fn others(table: &Table<'_>) -> Seen {
    let Some(paying) = table.paying().await else {
        return no_challenge();
    };
    let mut cases: Vec<Case> = Vec::new();
    let realm = paying.charge.text("realm");
    for other in [
        "shop.example",
        "",
        &realm.to_uppercase(),
        &format!("{realm}."),
    ] {
        if other != realm {
            let charge = paying.charge.clone().with("realm", Some(other));
            cases.push(table.case(
                format!("realm {other:?}"),
                &Paying::honest(&charge, &table.key),
            ));
        }
    }
    let charge = forged(&paying, &realm, &fresh().0);
    cases.push(table.case("another secret", &Paying::honest(&charge, &table.key)));
    let charge = forged(&paying, "shop.example", &fresh().0);
    cases.push(table.case(
        "another realm and secret",
        &Paying::honest(&charge, &table.key),
    ));
    table.scene.refuses(&paying.charge, cases).await
}

async fn weak(table: &Table<'_>) -> Seen {
    let Some(paying) = table.paying().await else {
        return no_challenge();
    };
    let realm = paying.charge.text("realm");
    let secrets: [&[u8]; 14] = [
        b"",
        b" ",
        b"tmp",
        b"secret",
        b"secret-key",
        b"test",
        b"changeme",
        b"MPP_SECRET_KEY",
        b"mpp",
        b"password",
        b"conformance-secret",
        b"0123456789abcdef0123456789abcdef",
        &[0; 32],
        &[b'0'; 32],
    ];
    let mut cases: Vec<Case> = Vec::new();
    for secret in secrets {
        let charge = forged(&paying, &realm, secret);
        let name = format!("secret {:?}", String::from_utf8_lossy(secret));
        cases.push(table.case(name, &Paying::honest(&charge, &table.key)));
    }
    table.scene.refuses(&paying.charge, cases).await
}
