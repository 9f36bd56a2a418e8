//! Other ways to write the paid path.

use super::{Attack, Run, scene::Scene, scene::shortened};
use crate::attacks::{
    report::{Seen, fail, pass},
    wire::Answer,
};
use std::collections::BTreeSet;

pub(super) fn attacks() -> Vec<Attack> {
    vec![Attack {
        id: 54,
        expected: "no way to write the request reaches the goods unpaid",
        run: Run::Target(|scene| Box::pin(aliases(scene))),
    }]
}

/// Ways to write a path that have opened a paywall somewhere.
fn targets(path: &str, authority: &str) -> BTreeSet<String> {
    let rest = path.trim_start_matches('/');
    let first = rest.bytes().next().unwrap_or(b'x');
    let (hex, upper) = (format!("%{first:02x}"), format!("%{first:02X}"));
    let tail: String = rest.chars().skip(1).collect();
    [
        path.to_owned(),
        format!("{path}/"),
        format!("{path}//"),
        format!("/{path}"),
        format!("//{path}"),
        format!("/./{rest}"),
        format!("/x/../{rest}"),
        format!("/%2e/{rest}"),
        format!("/x/%2e%2e/{rest}"),
        format!("/x/..%2f{rest}"),
        format!("/%2F{rest}"),
        format!("/%2f{rest}"),
        format!("/%5C{rest}"),
        format!("/\\{rest}"),
        format!("{path}%2f"),
        format!("{path}%2F"),
        format!("{path}%00"),
        format!("{path}%20"),
        format!("{path}%"),
        format!("{path}%c0"),
        format!("{path}%c0%af"),
        format!("{path}."),
        format!("{path};a=b"),
        format!("{path};"),
        format!("{path}?"),
        format!("{path}?free=true"),
        format!("{path}?/../public"),
        format!("{path}#x"),
        format!("/{hex}{tail}"),
        format!("/{upper}{tail}"),
        format!("/%25{}{tail}", &hex[1..]),
        format!("/{}", rest.to_uppercase()),
        format!("http://{authority}{path}"),
        format!("http://other.example{path}"),
        format!("{path}/../{rest}"),
        format!("{path}/%2e%2e/{rest}"),
        format!("/public/..;/{rest}"),
        format!("{path}.json"),
        format!("{path}~"),
        format!("*{path}"),
    ]
    .into()
}

const METHODS: [&str; 8] = [
    "GET", "HEAD", "POST", "PUT", "DELETE", "get", "TRACE", "PROPFIND",
];

const TRICKS: [(&str, &str); 6] = [
    ("X-HTTP-Method-Override", "OPTIONS"),
    ("X-Original-URL", "/"),
    ("X-Rewrite-URL", "/"),
    ("X-Forwarded-Prefix", "/x"),
    ("Range", "bytes=0-"),
    ("If-None-Match", "*"),
];

/// Whether an answer without a payment holds the goods. Where they are not known, any success that is not the page for
/// what is not there counts.
fn leaks(scene: &Scene, answer: &Answer, nowhere: Option<&Answer>, head: bool) -> bool {
    if !answer.granted() {
        return false;
    }
    match (&scene.goods, nowhere) {
        // HEAD has no body to compare: a success where the goods would be is what tells.
        (Some(goods), _) if head => {
            answer.header("content-length") == goods.header("content-length")
                && answer.header("content-type") == goods.header("content-type")
        }
        (Some(_), _) => scene.has_goods(answer),
        (None, nowhere) => nowhere.is_none_or(|page| page.body != answer.body),
    }
}

async fn aliases(scene: &Scene) -> Seen {
    let path = scene.target.path.clone();
    let (bare, query) = path.split_once('?').unwrap_or((&path, ""));
    let nowhere = {
        let mut ask = scene.ask(false);
        ask.path = "/conform-nowhere-at-all".into();
        scene.send(&ask).await
    };
    let (mut count, mut bad) = (0, Vec::new());
    for target in targets(bare, &scene.target.authority) {
        let target = match (query, target.contains(['?', '#'])) {
            ("", _) | (_, true) => target,
            (query, false) => format!("{target}?{query}"),
        };
        // All methods on the path itself, the usual two on its aliases.
        let methods = if target == path {
            &METHODS[..]
        } else {
            &METHODS[..2]
        };
        for method in methods {
            let mut ask = scene.ask(false);
            ask.path.clone_from(&target);
            ask.method = (*method).into();
            if *method == "HEAD" {
                ask.body.clear();
            }
            count += 1;
            let heard = scene.send(&ask).await;
            let head = *method == "HEAD";
            if heard
                .answer()
                .is_some_and(|answer| leaks(scene, answer, nowhere.answer(), head))
            {
                bad.push(format!("{method} {target}"));
            }
        }
    }
    for (name, value) in TRICKS {
        count += 1;
        let heard = scene.send(&scene.ask(false).header(name, value)).await;
        if heard
            .answer()
            .is_some_and(|answer| answer.granted() || answer.status == 304)
        {
            bad.push(format!("{name}: {value}"));
        }
    }
    if bad.is_empty() {
        pass(format!("{count} requests, none of them was served"))
    } else {
        fail(format!("served unpaid: {}", shortened(&bad)))
    }
}
