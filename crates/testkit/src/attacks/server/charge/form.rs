//! Hostile forms of a credential, and of the field that carries it.

use super::{Attack, Case, Paying, Table, no_challenge};
use crate::attacks::{
    report::{Seen, fail, pass},
    wire::Heard,
};
use base64::{
    Engine,
    engine::general_purpose::{STANDARD, URL_SAFE},
};

pub(super) fn attacks() -> Vec<Attack> {
    vec![
        Attack {
            id: 48,
            expected: "refused in bounded time, and the next request is answered",
            run: |table| Box::pin(oversized(table)),
        },
        Attack {
            id: 49,
            expected: "another way to write base64 does not make a used credential fresh, and junk is refused",
            run: |table| Box::pin(base64(table)),
        },
        Attack {
            id: 50,
            expected: "a document with a key twice is refused at every level",
            run: |table| Box::pin(doubled(table)),
        },
        Attack {
            id: 51,
            expected: "depth, numbers for amounts, trailing bytes and a BOM are refused",
            run: |table| Box::pin(numbers(table)),
        },
        Attack {
            id: 53,
            expected: "a credential is found only where it stands as one, and however it is written it is served once",
            run: |table| Box::pin(parameters(table)),
        },
        Attack {
            id: 56,
            expected: "a credential counts in the field that its challenge names, and the challenge can not be made to name another",
            run: |table| Box::pin(fields(table)),
        },
    ]
}

async fn oversized(table: &Table<'_>) -> Seen {
    let Some(paying) = table.paying().await else {
        return no_challenge();
    };
    let scene = table.scene;
    let mut told = Vec::new();
    for length in [8 * 1024, 70 * 1024, 300 * 1024] {
        let mut document = paying.document();
        document["payload"]["note"] = serde_json::json!("x".repeat(length));
        let many = format!("Payment {}", "a=b, ".repeat(length / 5));
        let slashes = format!("Bearer a=\"{}", "\\".repeat(length));
        let unknown = scene.ask(false).with(paying.written(&document.to_string()));
        let asks = [
            unknown,
            scene.ask(false).header("Authorization", many),
            scene.ask(false).header("Authorization", slashes),
        ];
        for (at, ask) in asks.iter().enumerate() {
            let heard = scene.send(ask).await;
            // A member that nobody knows may be read over; that is the honest payment.
            if matches!(heard, Heard::Silence) || heard.status() == 500 || heard.granted() && at > 0
            {
                return fail(format!("{length} bytes: {}", heard.word()));
            }
            told.push(heard.word());
        }
    }
    let next = scene.plain().await;
    if next.status() != 402 {
        return fail(format!("the next request gets {}", next.word()));
    }
    pass(told.join(", "))
}

async fn base64(table: &Table<'_>) -> Seen {
    let Some(paying) = table.paying().await else {
        return no_challenge();
    };
    if !table.present(&paying).await.granted() {
        return fail("the honest payment was not served");
    }
    let text = paying.document().to_string();
    let first = table.present(&paying).await;
    let ask = |token: &str| {
        table
            .scene
            .ask(false)
            .header(paying.field(), format!("Payment {token}"))
    };
    let before = table.scene.purse(&paying.charge).await;
    for token in [
        STANDARD.encode(&text),
        URL_SAFE.encode(&text),
        paying.token(),
    ] {
        let heard = table.scene.send(&ask(&token)).await;
        let body = |heard: &Heard| heard.answer().map(|answer| answer.body.clone());
        if heard.granted() && body(&heard) != body(&first) {
            return fail("a used credential is served anew in another spelling");
        }
    }
    if table
        .scene
        .spent(&paying.charge, before)
        .await
        .is_some_and(|spent| !spent.is_zero())
    {
        return fail("a used credential was settled again");
    }
    let Some(other) = table.paying().await else {
        return no_challenge();
    };
    let token = other.token();
    let half = token.get(..token.len() / 2).unwrap_or_default();
    let mut cases: Vec<Case> = Vec::new();
    for (name, token) in [
        ("half of it", half.to_owned()),
        ("a letter of no alphabet", format!("{token}~")),
        ("a break within", token.replacen('e', "e%0a", 1)),
        ("three signs of padding", format!("{token}===")),
        ("nothing", String::new()),
        ("not UTF-8", "_w".into()),
    ] {
        cases.push((name.into(), ask(&token)));
    }
    table.scene.refuses(&other.charge, cases).await
}

fn written(table: &Table<'_>, paying: &Paying, name: &str, text: &str) -> Case {
    (
        name.into(),
        table.scene.ask(false).with(paying.written(text)),
    )
}

async fn doubled(table: &Table<'_>) -> Seen {
    let Some(paying) = table.paying().await else {
        return no_challenge();
    };
    let text = paying.document().to_string();
    let mut cases = Vec::new();
    for key in [
        "challenge",
        "payload",
        "id",
        "request",
        "realm",
        "value",
        "nonce",
        "signature",
    ] {
        let quoted = format!("\"{key}\":");
        // An equal twin in front of the first.
        let Some((head, rest)) = text.split_once(&quoted) else {
            continue;
        };
        let twice = format!("{head}{quoted}null,{quoted}{rest}");
        cases.push(written(table, &paying, key, &twice));
    }
    table.scene.refuses(&paying.charge, cases).await
}

async fn numbers(table: &Table<'_>) -> Seen {
    let Some(paying) = table.paying().await else {
        return no_challenge();
    };
    let text = paying.document().to_string();
    let deep = format!("{}{}", "[".repeat(20_000), "]".repeat(20_000));
    let amount = paying.charge.amount.to_string();
    let bare = text.replace(
        &format!("\"value\":\"{amount}\""),
        &format!("\"value\":{amount}"),
    );
    let cases = vec![
        written(table, &paying, "a number for an amount", &bare),
        written(
            table,
            &paying,
            "bytes behind the end",
            &format!("{text}{{}}"),
        ),
        written(
            table,
            &paying,
            "a byte order mark",
            &format!("\u{feff}{text}"),
        ),
        written(
            table,
            &paying,
            "depth",
            &text.replacen('{', &format!("{{\"a\":{deep},"), 1),
        ),
        written(table, &paying, "a list", &format!("[{text}]")),
        written(table, &paying, "a text", &format!("{text:?}")),
    ];
    table.scene.refuses(&paying.charge, cases).await
}

async fn parameters(table: &Table<'_>) -> Seen {
    let Some(paying) = table.paying().await else {
        return no_challenge();
    };
    let (field, token) = (paying.field(), paying.token());
    let ask = |value: String| table.scene.ask(false).header(field, value);
    let cases: Vec<Case> = [
        format!("Bearer realm=\"a, Payment {token}\""),
        format!("Bearer realm=\"a\\\", Payment {token}"),
        format!("Bearer realm=\"a, Payment {token}"),
        format!("Payment{token}"),
        format!("XPayment {token}"),
        format!("Payment \"{token}\""),
        format!("Payment token={token}"),
        format!("Payment {token} {token}"),
        token.clone(),
    ]
    .map(|value| (value.get(..24).unwrap_or(&value).to_owned(), ask(value)))
    .into();
    let refused = table.scene.refuses(&paying.charge, cases).await;
    if refused.verdict == crate::attacks::report::Verdict::Fail {
        return refused;
    }
    let before = table.scene.purse(&paying.charge).await;
    let (mut bodies, mut words) = (Vec::new(), Vec::new());
    for value in [
        format!("payment {token}"),
        format!("PAYMENT   {token}"),
        format!("Bearer abc, Payment {token}"),
        format!("Payment {token}, Bearer abc"),
        format!("Basic realm=\"Payment x, y\", Payment {token}"),
    ] {
        let heard = table.scene.send(&ask(value)).await;
        if matches!(heard.status(), 0 | 500) {
            return fail(format!("an odd spelling gets {}", heard.word()));
        }
        if let Some(answer) = heard.answer().filter(|answer| answer.granted()) {
            bodies.push(answer.body.clone());
        }
        words.push(heard.word());
    }
    bodies.dedup();
    let spent = table.scene.spent(&paying.charge, before).await;
    if bodies.len() > 1 || spent.is_some_and(|spent| spent > paying.charge.amount) {
        return fail("one credential was served anew in another spelling");
    }
    pass(format!(
        "no credential: {}; spellings of one: {}",
        refused.text,
        words.join(", ")
    ))
}

async fn fields(table: &Table<'_>) -> Seen {
    let Some(paying) = table.paying().await else {
        return no_challenge();
    };
    let mut cases: Vec<Case> = Vec::new();
    let value = paying.header().1;
    let others = [
        "Authorization",
        "Payment-Authorization",
        "Proxy-Authorization",
        "Cookie",
        "X-Payment-Authorization",
    ];
    for field in others.into_iter().filter(|field| *field != paying.field()) {
        let ask = table.scene.ask(false).header(field, value.clone());
        cases.push((format!("in {field}"), ask));
    }
    for named in [
        "Cookie",
        "payment-authorization",
        "Payment-Authorization",
        "X\r\nY: z",
    ] {
        let charge = paying.charge.clone().with("header", Some(named));
        if charge.challenge == paying.charge.challenge {
            continue;
        }
        let one = Paying::honest(&charge, &table.key);
        for field in [paying.field(), "Payment-Authorization", "Cookie"] {
            let ask = table.scene.ask(false).header(field, one.header().1);
            cases.push((format!("{named:?} named, in {field}"), ask));
        }
    }
    table.scene.refuses(&paying.charge, cases).await
}
