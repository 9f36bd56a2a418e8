//! The web around it: plain HTTP, caches, receipts, what errors tell, pages, CORS.

use super::{
    Attack, Run,
    scene::{Scene, shortened},
};
use crate::attacks::{
    dialect::{self, Offer},
    report::{Seen, fail, not_here, pass},
    wire::Answer,
};
use serde_json::Value;
use std::collections::BTreeSet;

pub(super) fn attacks() -> Vec<Attack> {
    let target = |id, expected, run| Attack {
        id,
        expected,
        run: Run::Target(run),
    };
    vec![
        target(
            57,
            "no offer for plain HTTP but on loopback, whatever the request calls the host",
            |scene| Box::pin(plain_http(scene)),
        ),
        target(
            58,
            "a shared cache stores neither the 402 nor the goods, and no conditional request gets them",
            |scene| Box::pin(caches(scene)),
        ),
        Attack {
            id: 59,
            expected: "a handler that fails is not paid, and no refusal has a receipt for money that did not move",
            run: Run::Payment(|scene, offer| Box::pin(receipts(scene, offer))),
        },
        target(
            61,
            "a page of the paywall holds nothing of the request as script",
            |scene| Box::pin(page(scene)),
        ),
        target(
            62,
            "at most one allowed origin, and never credentials for all of them",
            |scene| Box::pin(cors(scene)),
        ),
        // The last: it looks at every refusal of the run.
        target(
            60,
            "no refusal tells paths, stacks, addresses of nodes or keys",
            |scene| Box::pin(leaks(scene)),
        ),
    ]
}

/// The URLs that an answer's offers are for.
fn resources(answer: &Answer) -> Vec<String> {
    let mut all = Vec::new();
    for (_, document) in dialect::demands(answer) {
        let one = |value: &Value| value.as_str().map(str::to_owned);
        all.extend(one(&document["resource"]["url"]));
        let accepts = document["accepts"].as_array().cloned().unwrap_or_default();
        all.extend(accepts.iter().filter_map(|accept| one(&accept["resource"])));
    }
    all
}

async fn plain_http(scene: &Scene) -> Seen {
    let mut tried = vec![(String::from("the request as it is"), scene.ask(false))];
    for name in ["Host", "X-Forwarded-Host", "Forwarded"] {
        let value = match name {
            "Forwarded" => "host=shop.example;proto=http",
            _ => "shop.example",
        };
        let ask = scene.ask(false).header(name, value);
        tried.push((format!("{name}: {value}"), ask));
    }
    let mut bad = Vec::new();
    for (name, ask) in tried {
        let heard = scene.send(&ask).await;
        let Some(answer) = heard.answer().filter(|answer| answer.status == 402) else {
            continue;
        };
        let elsewhere = |url: &String| {
            url.strip_prefix("http://").is_some_and(|rest| {
                let host = rest.split(['/', '?', '#']).next().unwrap_or_default();
                let host = host.rsplit_once(':').map_or(host, |(host, _)| host);
                !super::loopback(host)
            })
        };
        if let Some(url) = resources(answer).into_iter().find(elsewhere) {
            bad.push(format!("{name} is offered {url}"));
        }
    }
    if bad.is_empty() {
        pass("the offers name no plain HTTP elsewhere")
    } else {
        fail(shortened(&bad))
    }
}

/// Whether a shared cache may keep it.
fn storable(answer: &Answer) -> bool {
    let control: Vec<String> = answer
        .all("cache-control")
        .map(|value| String::from_utf8_lossy(value).to_ascii_lowercase())
        .collect();
    let says = |word: &str| control.iter().any(|value| value.contains(word));
    let long = says("public") || says("max-age") || says("s-maxage");
    let never = says("no-store") || says("private");
    // By RFC 9111 a 200 may be kept for as long as a cache thinks fit; a 402 only when it says so.
    !never && (answer.granted() || long || answer.header("expires").is_some())
}

async fn caches(scene: &Scene) -> Seen {
    let mut bad = Vec::new();
    let heard = scene.plain().await;
    if heard.answer().is_some_and(storable) {
        bad.push("the 402 may be stored".to_owned());
    }
    let goods = scene.goods.as_ref();
    if goods.is_some_and(storable) {
        bad.push("the paid answer may be stored by a shared cache".to_owned());
    }
    let validators = goods.map(|goods| {
        let tag = goods.header("etag").unwrap_or("*").to_owned();
        let time = goods
            .header("last-modified")
            .unwrap_or("Thu, 01 Jan 2037 00:00:00 GMT");
        (tag, time.to_owned())
    });
    let (tag, time) = validators.unwrap_or(("*".into(), "Thu, 01 Jan 2037 00:00:00 GMT".into()));
    for (name, value) in [
        ("If-None-Match", tag),
        ("If-Modified-Since", time),
        ("Range", "bytes=0-1".to_owned()),
    ] {
        let heard = scene.send(&scene.ask(false).header(name, value)).await;
        if heard.granted() || heard.status() == 304 {
            bad.push(format!("{name} without a payment gets {}", heard.word()));
        }
    }
    if !bad.is_empty() {
        return fail(shortened(&bad));
    }
    pass(match goods {
        Some(_) => "neither the 402 nor the paid answer is left to a shared cache",
        None => "the 402 is not left to a shared cache; nothing was paid",
    })
}

async fn receipts(scene: &Scene, offer: &Offer) -> Seen {
    let mut told = String::new();
    if let (Some(failing), Some(payment)) = (&scene.target.failing, scene.payment(offer)) {
        let before = scene.purse(offer).await;
        let heard = scene.present(&payment, Some(failing.clone())).await;
        let spent = scene.spent(offer, before).await;
        let moved = spent.is_some_and(|spent| !spent.is_zero());
        let receipt = heard.answer().and_then(dialect::receipt);
        let claims = receipt.is_some_and(|receipt| receipt["success"] == true);
        if heard.granted() {
            return fail("the route that was said to fail was served");
        }
        if claims && !moved && spent.is_some() {
            return fail("a receipt for money that did not move");
        }
        if moved && !claims {
            return fail("the price was taken for an error, and no receipt says so");
        }
        told = format!("a failing handler: {}, receipt: {claims}; ", heard.word());
    }
    let (refusals, paid) = scene.told();
    let false_receipt = |answer: &&Answer| {
        let receipt = dialect::receipt(answer);
        receipt.is_some_and(|receipt| {
            receipt["success"] == true
                && !paid
                    .iter()
                    .any(|hash| Some(&**hash) == receipt["transaction"].as_str())
        })
    };
    if let Some(answer) = refusals.iter().find(false_receipt) {
        return fail(format!(
            "a refusal with {} has a receipt of a success that nobody has seen",
            answer.status
        ));
    }
    pass(format!(
        "{told}{} refusals without a false receipt",
        refusals.len()
    ))
}

/// What has no business in an answer.
const TELLING: [&str; 20] = [
    "traceback (most recent",
    "file \"/",
    "node_modules",
    "at object.",
    "at async ",
    "    at ",
    "site-packages",
    "panicked at",
    "stack backtrace",
    ".rs:",
    "/home/",
    "/root/",
    "/usr/",
    "/var/",
    "-----begin",
    "private_key",
    "privatekey",
    "econnrefused",
    "http request failed",
    "request body:",
];

async fn leaks(scene: &Scene) -> Seen {
    let mut found = BTreeSet::new();
    let (refusals, _) = scene.told();
    for answer in &refusals {
        let mut text = answer.text();
        for (name, value) in &answer.headers {
            text.push_str(&format!("\n{name}: {}", String::from_utf8_lossy(value)));
        }
        for (_, document) in dialect::demands(answer) {
            text.push_str(&document.to_string());
        }
        let text = text.to_ascii_lowercase();
        for telling in TELLING.iter().filter(|telling| text.contains(**telling)) {
            found.insert(format!("{telling:?} with {}", answer.status));
        }
    }
    if found.is_empty() {
        pass(format!(
            "{} refusals tell nothing of the kind",
            refusals.len()
        ))
    } else {
        fail(shortened(&found.into_iter().collect::<Vec<_>>()))
    }
}

async fn page(scene: &Scene) -> Seen {
    const SCRIPT: &str = "<script>conform()</script>";
    let mut ask = scene.ask(false);
    let join = if ask.path.contains('?') { '&' } else { '?' };
    ask.path.push_str(&format!(
        "{join}x=%3Cscript%3Econform()%3C/script%3E&y={SCRIPT}"
    ));
    let ask = ask
        .header("Accept", "text/html,application/xhtml+xml")
        .header(
            "User-Agent",
            "Mozilla/5.0 (X11; Linux x86_64) Firefox/145.0",
        )
        .header("Referer", format!("http://a.example/{SCRIPT}"));
    let heard = scene.send(&ask).await;
    let Some(answer) = heard.answer() else {
        return fail(heard.word());
    };
    let html = answer
        .header("content-type")
        .is_some_and(|kind| kind.contains("html"));
    let text = answer.text();
    if !html {
        return not_here(format!("a browser gets {} without a page", answer.status));
    }
    if text.contains(SCRIPT) {
        return fail("the request's script stands in the page");
    }
    pass(format!(
        "a page of {} bytes without the request's script",
        answer.body.len()
    ))
}

async fn cors(scene: &Scene) -> Seen {
    let origin = "https://evil.example";
    let mut ask = scene.ask(false).header("Origin", origin);
    ask.method = "OPTIONS".into();
    ask.body.clear();
    let preflight = ask
        .header("Access-Control-Request-Method", scene.target.method.clone())
        .header(
            "Access-Control-Request-Headers",
            "payment-signature, x-payment",
        );
    let (mut bad, mut told) = (Vec::new(), Vec::new());
    for (name, ask) in [
        ("the preflight", preflight),
        ("the 402", scene.ask(false).header("Origin", origin)),
    ] {
        let heard = scene.send(&ask).await;
        let Some(answer) = heard.answer() else {
            bad.push(format!("{name}: {}", heard.word()));
            continue;
        };
        let allowed: Vec<_> = answer.all("access-control-allow-origin").collect();
        let credentials = answer
            .all("access-control-allow-credentials")
            .any(|value| value.eq_ignore_ascii_case(b"true"));
        if allowed.len() > 1 {
            bad.push(format!("{name} allows {} origins", allowed.len()));
        }
        if credentials && !allowed.is_empty() {
            bad.push(format!("{name} allows credentials to anybody"));
        }
        if name == "the preflight" && scene.has_goods(answer) {
            bad.push("the preflight brings the goods".into());
        }
        told.push(format!(
            "{name}: {} with {} origins",
            heard.word(),
            allowed.len()
        ));
    }
    if bad.is_empty() {
        pass(told.join(", "))
    } else {
        fail(shortened(&bad))
    }
}
