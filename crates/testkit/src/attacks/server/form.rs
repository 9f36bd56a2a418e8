//! Hostile forms: control characters, other alphabets, size, base64, doubled keys, depth, numbers.

use super::{
    Attack, Run, penniless,
    scene::{Ask, Scene, shortened},
};
use crate::attacks::{
    dialect::{self, Dialect, Offer},
    report::{Seen, fail, not_here, pass},
    wire::Heard,
};
use base64::{Engine, engine::general_purpose::STANDARD};
use serde_json::json;

pub(super) fn attacks() -> Vec<Attack> {
    let offer = |id, expected, run| Attack {
        id,
        expected,
        run: Run::Offer(run),
    };
    let pay = |id, expected, run| Attack {
        id,
        expected,
        run: Run::Payment(run),
    };
    vec![
        Attack {
            id: 46,
            expected: "what is in the request makes no header of the answer",
            run: Run::Target(|scene| Box::pin(injected(scene))),
        },
        offer(
            47,
            "headers stay ASCII, and text beyond it is read or refused",
            |scene, offer| Box::pin(beyond_ascii(scene, offer)),
        ),
        offer(
            48,
            "refused in bounded time, and the next request is answered",
            |scene, offer| Box::pin(oversized(scene, offer)),
        ),
        pay(
            49,
            "another way to write base64 does not make a used credential fresh, and junk is refused",
            |scene, offer| Box::pin(base64(scene, offer)),
        ),
        pay(
            50,
            "a document with a key twice is refused at every level",
            |scene, offer| Box::pin(doubled(scene, offer)),
        ),
        pay(
            51,
            "depth, numbers for amounts, trailing bytes and a BOM are refused",
            |scene, offer| Box::pin(numbers(scene, offer)),
        ),
    ]
}

async fn injected(scene: &Scene) -> Seen {
    let path = &scene.target.path;
    let join = if path.contains('?') { '&' } else { '?' };
    let mut bad = Vec::new();
    let mut count = 0;
    for evil in [
        "%0d%0aX-Injected:%20yes",
        "%0aX-Injected:%20yes",
        "%0d%0a%0d%0aX-Injected",
        "%00X-Injected",
        "%E5%98%8A%E5%98%8DX-Injected:%20yes",
    ] {
        let mut ask = scene.ask(false);
        ask.path = format!("{path}{join}conform={evil}");
        let with_host = scene
            .ask(false)
            .header("X-Forwarded-Host", format!("a{evil}"));
        for ask in [ask, with_host] {
            count += 1;
            let heard = scene.send(&ask).await;
            let split = heard
                .answer()
                .is_some_and(|answer| answer.all("x-injected").next().is_some());
            if split || matches!(heard.status(), 0 | 500) {
                bad.push(format!("{evil}: {}", heard.word()));
            }
        }
    }
    if bad.is_empty() {
        pass(format!("{count} requests, no header of theirs"))
    } else {
        fail(shortened(&bad))
    }
}

async fn beyond_ascii(scene: &Scene, offer: &Offer) -> Seen {
    let plain = scene.plain().await;
    let Some(answer) = plain.answer() else {
        return fail(plain.word());
    };
    if let Some((name, _)) = answer.headers.iter().find(|(_, value)| !value.is_ascii()) {
        return fail(format!("the header {name} is not ASCII"));
    }
    if dialect::demands(answer).is_empty() {
        return fail("the offers can not be decoded");
    }
    let (payment, _) = penniless(offer);
    let mut document = payment.document();
    document["note"] = json!("é — 😀 \u{202e}\u{0}");
    let raw = document.to_string();
    let latin: Vec<u8> = payment.header().1.bytes().chain([0xe9, 0xff]).collect();
    let cases = vec![
        (
            "UTF-8".to_owned(),
            scene.ask(true).with(payment.written(&raw)),
        ),
        (
            "Latin-1 in the header".into(),
            scene.ask(true).header(offer.dialect.header(), latin),
        ),
        (
            "bytes that are no UTF-8".into(),
            scene.ask(true).header(
                offer.dialect.header(),
                STANDARD.encode(b"{\"x402Version\":\xff\xfe}"),
            ),
        ),
        (
            "half a surrogate".into(),
            scene
                .ask(true)
                .with(payment.written(&raw.replace("note", "\\ud800"))),
        ),
    ];
    scene.refuses(offer, cases).await
}

async fn oversized(scene: &Scene, offer: &Offer) -> Seen {
    let (payment, _) = penniless(offer);
    let mut told = Vec::new();
    for kib in [8, 32, 96, 512] {
        let mut document = payment.document();
        document["padding"] = json!("a".repeat(kib * 768));
        let long = scene.ask(true).with(payment.written(&document.to_string()));
        let many = (0..kib * 8).fold(scene.ask(true), |ask, at| {
            ask.header(&format!("x-padding-{at}"), "a".repeat(100))
        });
        for (name, ask) in [("credential", long), ("headers", many)] {
            let heard = scene.send(&ask).await;
            match &heard {
                Heard::Answer(answer) if answer.granted() || answer.status == 500 => {
                    return fail(format!("{kib} KiB of {name}: {}", heard.word()));
                }
                Heard::Silence => return fail(format!("{kib} KiB of {name}: no answer")),
                _ => told.push(format!("{kib} KiB of {name}: {}", heard.word())),
            }
        }
    }
    let mut body = scene.ask(true).with(payment.header());
    body.method = "POST".into();
    body.body = vec![b'a'; 4 << 20];
    let heard = scene.send(&body).await;
    if heard == Heard::Silence || heard.granted() {
        return fail(format!("4 MiB of body: {}", heard.word()));
    }
    told.push(format!("4 MiB of body: {}", heard.word()));
    let after = scene.plain().await;
    if after.status() == 402 {
        pass(told.join(", "))
    } else {
        fail(format!("the next request gets {}", after.word()))
    }
}

async fn base64(scene: &Scene, offer: &Offer) -> Seen {
    let Some(payment) = scene.payment(offer) else {
        return not_here("no key was given");
    };
    if !scene.present(&payment, None).await.granted() {
        return fail("the payment was not served in the first place");
    }
    let (name, text) = payment.header();
    let bare = text.trim_end_matches('=');
    let url: String = text.replace('+', "-").replace('/', "_");
    let middle = text.len() / 2;
    let (left, right) = text.split_at(middle - middle % 4);
    let variants = [
        ("without padding", bare.to_owned()),
        ("one pad", format!("{bare}=")),
        ("four pads", format!("{bare}====")),
        ("the URL-safe alphabet", url),
        ("a space inside", format!("{left} {right}")),
        ("a tab inside", format!("{left}\t{right}")),
        ("padding inside", format!("{left}===={right}")),
        ("more after the end", format!("{bare}==AAAA")),
        ("in quotes", format!("\"{text}\"")),
        ("percent-encoded", text.replace('=', "%3D")),
        ("encoded twice", STANDARD.encode(&text)),
        ("a star", format!("*{text}")),
    ];
    let cases = variants
        .into_iter()
        .map(|(how, text)| (how.to_owned(), scene.ask(true).with((name.clone(), text))))
        .collect();
    scene.refuses(offer, cases).await
}

/// A fresh payment whose text was changed.
fn changed(scene: &Scene, offer: &Offer, change: impl FnOnce(String) -> String) -> Option<Ask> {
    let payment = scene.payment(offer)?;
    let text = change(payment.document().to_string());
    Some(scene.ask(true).with(payment.written(&text)))
}

fn twice(scene: &Scene, offer: &Offer, member: &str) -> Option<(String, Ask)> {
    let from = format!("\"{member}\":");
    let mut found = false;
    let ask = changed(scene, offer, |text| {
        found = text.contains(&from);
        // Both times the same meaning, so that it is the doubled key alone that can be refused.
        let Some((before, after)) = text.split_once(&from) else {
            return text;
        };
        let mut values = serde_json::Deserializer::from_str(after).into_iter::<serde_json::Value>();
        let value = values.next().and_then(Result::ok).unwrap_or_default();
        format!("{before}{from}{value},{from}{after}")
    })?;
    found.then(|| (format!("{member} twice"), ask))
}

async fn doubled(scene: &Scene, offer: &Offer) -> Seen {
    let members = [
        "x402Version",
        "accepted",
        "payload",
        "network",
        "scheme",
        "amount",
        "payTo",
        "asset",
        "maxTimeoutSeconds",
        "extra",
        "name",
        "authorization",
        "from",
        "to",
        "value",
        "validAfter",
        "validBefore",
        "nonce",
        "signature",
    ];
    let mut cases: Vec<_> = members
        .iter()
        .filter_map(|member| twice(scene, offer, member))
        .collect();
    // Spelled in another way, it is the same key.
    let escaped = changed(scene, offer, |text| {
        text.replacen("\"value\":", "\"\\u0076alue\":\"1\",\"value\":", 1)
    });
    cases.extend(escaped.map(|ask| ("value twice, once escaped".to_owned(), ask)));
    scene.refuses(offer, cases).await
}

async fn numbers(scene: &Scene, offer: &Offer) -> Seen {
    let amount = offer.amount.to_string();
    let value = |number: &str| {
        let number = number.to_owned();
        let from = format!("\"value\":\"{amount}\"");
        changed(scene, offer, move |text| {
            text.replacen(&from, &format!("\"value\":{number}"), 1)
        })
    };
    let huge = "115792089237316195423570985008687907853269984665640564039457584007913129639936";
    let mut cases = Vec::new();
    let mut add = |name: String, ask: Option<Ask>| cases.extend(ask.map(|ask| (name, ask)));
    for number in [&*amount, "1e3", "1000.0", huge, "-1", "null", "true", "[]"] {
        let short: String = number.chars().take(12).collect();
        add(format!("value {short}"), value(number));
    }
    let texts = ["1000.0", "1e3", "-1", "", " 1000", "+1000", "0x3e8", huge];
    for text in texts {
        let short: String = text.chars().take(12).collect();
        add(format!("value {short:?}"), value(&format!("\"{text}\"")));
    }
    for depth in [100, 1_000, 10_000] {
        let deep = changed(scene, offer, move |text| {
            let nest = format!("{}{}", "[".repeat(depth), "]".repeat(depth));
            format!("{},\"deep\":{nest}}}", &text[..text.len() - 1])
        });
        // A hundred levels are no attack; that they are survived is what counts.
        if depth > 100 {
            add(format!("{depth} levels"), deep);
        }
    }
    for (name, tail) in [
        ("text", "x"),
        ("a brace", "}"),
        ("a document", "{}"),
        ("a zero", "\0"),
    ] {
        add(
            format!("{name} after the end"),
            changed(scene, offer, |text| text + tail),
        );
    }
    let bom = |text| format!("\u{feff}{text}");
    add("a BOM".into(), changed(scene, offer, bom));
    add("NaN".into(), value("NaN"));
    for version in ["\"2\"", "3", "2.5", "null"] {
        let from = match offer.dialect {
            Dialect::X402V2 => "\"x402Version\":2",
            Dialect::X402V1 => "\"x402Version\":1",
        };
        let ask = changed(scene, offer, |text| {
            text.replacen(from, &format!("\"x402Version\":{version}"), 1)
        });
        add(format!("x402Version {version}"), ask);
    }
    scene.refuses(offer, cases).await
}
