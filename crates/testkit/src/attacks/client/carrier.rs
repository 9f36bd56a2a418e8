//! Lost answers, redirects, size, base64, plain HTTP, and URLs that lead elsewhere.

use super::{
    Attack, Log, Visits,
    shop::{Demand, PRICE, SELLER, Terms, answer, demand, goods, redirect, sells, url},
    stage::{Reply, Taken},
};
use crate::attacks::report::{Seen, fail, pass};
use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use http402_core::U256;
use serde_json::json;

const REDIRECT: &str = "a credential goes to the origin that made the offer, and to no other";
const SIZE: &str = "the client ends in time, and signs once at most";

pub(super) fn attacks(proxies: bool) -> Vec<Attack> {
    let mut all = lost();
    all.extend(redirects());
    all.extend(sizes());
    if proxies {
        let plain = Attack::new(
            57,
            "",
            "nothing is signed for plain HTTP on another machine",
            |_, taken| match taken.credentials.first() {
                Some(credential) => goods(credential),
                None => demand(Terms::honest("http://shop.example/goods")),
            },
            Log::nothing_signed,
        );
        all.push(plain.visits(Visits::Proxy));
    }
    all.push(inside());
    all
}

/// The goods are paid and never come.
fn lost() -> Vec<Attack> {
    let asks = |urls: &[String]| demand(Terms::honest(url(urls, 0)));
    vec![
        Attack::new(
            6,
            "",
            "after a 504 for its payment, the client presents the same bytes or nothing when it is run again",
            move |urls, taken| match taken.credentials.first() {
                Some(_) => answer(504, "{}", &[]),
                None => asks(urls),
            },
            once,
        )
        .visits(Visits::Again(2)),
        Attack::new(
            7,
            "",
            "when the connection breaks after its payment, the client presents the same bytes or nothing",
            move |urls, taken| match taken.credentials.first() {
                Some(_) => Reply::HangUp,
                None => asks(urls),
            },
            once,
        ),
    ]
}

fn once(log: &Log) -> Seen {
    let presented = log.credentials().count();
    match log.signed() {
        0 => fail("not paid at all"),
        1 => pass(format!("one authorization, presented {presented} times")),
        more => fail(format!("{more} authorizations for one purchase")),
    }
}

fn redirects() -> Vec<Attack> {
    let paid = |status: u16| {
        move |urls: &[String], taken: &Taken| match (taken.origin, taken.credentials.first()) {
            (0, Some(_)) => redirect(status, &url(urls, 1)),
            (0, None) => demand(Terms::honest(url(urls, 0))),
            (_, Some(credential)) => goods(credential),
            (_, None) => answer(200, "{}", &[]),
        }
    };
    let before = |urls: &[String], taken: &Taken| match taken.origin {
        0 => redirect(302, &url(urls, 1)),
        _ => sells(urls, taken),
    };
    let mut all = Vec::new();
    for (name, status) in [
        ("301 of the paid request", 301),
        ("302 of the paid request", 302),
        ("303 of the paid request", 303),
        ("307 of the paid request", 307),
        ("308 of the paid request", 308),
    ] {
        let attack = Attack::new(55, name, REDIRECT, paid(status), |log| stays(log, 0));
        all.push(attack.sellers(2));
    }
    let attack = Attack::new(55, "before the 402", REDIRECT, before, |log| stays(log, 1));
    all.push(attack.sellers(2));
    all
}

/// Every credential is to be at this origin.
fn stays(log: &Log, origin: usize) -> Seen {
    let elsewhere = log
        .taken
        .iter()
        .find(|taken| taken.origin != origin && !taken.credentials.is_empty());
    match elsewhere {
        Some(_) => fail("the credential went to an origin that had not asked for it"),
        None => pass(format!("no credential elsewhere; {}", log.ended())),
    }
}

fn sizes() -> Vec<Attack> {
    let attack = |name: &'static str, demand: fn(&[String]) -> Reply| {
        let script = move |urls: &[String], taken: &Taken| match taken.credentials.first() {
            Some(credential) => goods(credential),
            None => demand(urls),
        };
        Attack::new(48, name, SIZE, script, bounded)
    };
    let url_safe = |urls: &[String], taken: &Taken| match taken.credentials.first() {
        Some(credential) => goods(credential),
        None => {
            let terms = Terms::honest(url(urls, 0));
            let demand = Demand::of(&[terms.but(|terms| terms.description = "???>>>ÿÿÿ".into())]);
            let header = URL_SAFE_NO_PAD.encode(&demand.header);
            answer(402, demand.body, &[("payment-required", header)])
        }
    };
    vec![
        attack("a long header", |urls| {
            let terms = Terms::honest(url(urls, 0));
            demand(terms.but(|terms| terms.description = "a".repeat(150_000)))
        }),
        attack("a long body", |_| answer(402, vec![b' '; 16 << 20], &[])),
        attack("many offers", |urls| {
            let offers = Demand::of(&vec![Terms::honest(url(urls, 0)); 20_000]);
            answer(402, offers.body, &[])
        }),
        Attack::new(
            49,
            "",
            "base64 of another alphabet is refused, or read as the same offer",
            url_safe,
            same_terms,
        ),
    ]
}

fn bounded(log: &Log) -> Seen {
    if log.ran.iter().any(|ran| !ran.ended) {
        return fail(log.ended());
    }
    match log.signed() {
        0 | 1 => pass(format!("{} signed; {}", log.signed(), log.ended())),
        more => fail(format!("{more} signed")),
    }
}

fn same_terms(log: &Log) -> Seen {
    let Some(credential) = log.credentials().next() else {
        return pass(format!("nothing signed; {}", log.ended()));
    };
    if credential.value() == Some(U256::from(PRICE)) && credential.to() == SELLER.to_lowercase() {
        return pass("read as the same offer");
    }
    fail("signed something else than the offer")
}

/// An offer full of URLs that lead inside.
fn inside() -> Attack {
    let script = |urls: &[String], taken: &Taken| {
        let trap = |path: &str| format!("{}/{path}", urls.get(1).map_or("", |url| url));
        if taken.origin == 1 {
            return answer(200, "{}", &[]);
        }
        if let Some(credential) = taken.credentials.first() {
            return goods(credential);
        }
        let terms = Terms::honest(trap("resource")).but(|terms| {
            terms.extra = json!({
                "name": "USDC", "version": "2", "facilitator": trap("facilitator"), "facilitatorUrl": trap("facilitator"),
                "iconUrl": trap("icon"), "schema": trap("schema"),
            });
        });
        let extensions = json!({"bazaar": {"info": {"iconUrl": trap("icon"), "url": trap("info")},
            "schema": {"$schema": trap("schema"), "$ref": trap("ref")}}});
        let demand = Demand::of(&[terms]);
        let open = demand.header.strip_suffix('}').unwrap_or_default();
        let header = format!("{open},\"extensions\":{extensions}}}");
        Demand {
            header,
            body: demand.body,
        }
        .reply()
    };
    let judge = |log: &Log| match log.taken.iter().find(|taken| taken.origin == 1) {
        Some(taken) => fail(format!("requested {}", taken.target)),
        None => pass(format!(
            "no URL of the offer was requested; {}",
            log.ended()
        )),
    };
    Attack::new(
        64,
        "",
        "no URL that stands in an offer is requested",
        script,
        judge,
    )
    .sellers(2)
}
