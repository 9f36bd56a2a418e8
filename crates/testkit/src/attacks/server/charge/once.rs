//! One challenge, one delivery, for the request that it was made for.

use super::{Attack, Case, Paying, Table, no_challenge};
use crate::attacks::{
    dialect,
    payment::stranger,
    report::{Seen, fail, not_here, pass},
    wire::Heard,
};
use http402_core::U256;

/// How many copies are sent at once.
const COPIES: usize = 32;

pub(super) fn attacks() -> Vec<Attack> {
    vec![
        Attack {
            id: 1,
            expected: "of 32 copies one delivery and one settlement; the others get its answer, or a refusal without a fresh 402",
            run: |table| Box::pin(copies(table)),
        },
        Attack {
            id: 2,
            expected: "no second delivery: the stored answer for the same request, a refusal for another",
            run: |table| Box::pin(replay(table)),
        },
        Attack {
            id: 5,
            expected: "a right signature of who owns nothing buys nothing, and no receipt says that it did",
            run: |table| Box::pin(penniless(table)),
        },
        Attack {
            id: 19,
            expected: "a credential opens the request that it was made for, used or not, and no other",
            run: |table| Box::pin(elsewhere(table)),
        },
        Attack {
            id: 20,
            expected: "a credential is for the body that it was made for",
            run: |table| Box::pin(body(table)),
        },
        Attack {
            id: 26,
            expected: "what pays one challenge pays no other of the same price",
            run: |table| Box::pin(swapped(table)),
        },
        Attack {
            id: 29,
            expected: "several credentials in one request are refused, and none of them is settled",
            run: |table| Box::pin(several(table)),
        },
        Attack {
            id: 59,
            expected: "no Payment-Receipt on an error",
            run: |table| Box::pin(receipts(table)),
        },
    ]
}

/// Fails when money was taken for nothing, or more than once, or goods were had for none.
async fn counted(
    table: &Table<'_>,
    paying: &Paying,
    before: Option<U256>,
    served: bool,
) -> Option<Seen> {
    let (amount, spent) = (
        paying.charge.amount,
        table.scene.spent(&paying.charge, before).await?,
    );
    let due = if served { amount } else { U256::ZERO };
    (spent != due).then(|| fail(format!("{spent} units were taken, and {due} are due")))
}

async fn copies(table: &Table<'_>) -> Seen {
    let Some(paying) = table.paying().await else {
        return no_challenge();
    };
    let before = table.scene.purse(&paying.charge).await;
    let asks: Vec<_> = (0..COPIES).map(|_| table.ask(&paying)).collect();
    let heard = table.scene.volley(&asks).await;
    let granted: Vec<_> = heard
        .iter()
        .filter(|one| one.granted())
        .filter_map(Heard::answer)
        .collect();
    if granted.iter().any(|one| one.body != granted[0].body) {
        return fail("different deliveries for one challenge");
    }
    if let Some(bad) = counted(table, &paying, before, !granted.is_empty()).await {
        return bad;
    }
    let demands = heard.iter().filter(|one| one.status() == 402).count();
    if demands > 0 {
        return fail(format!(
            "{demands} of {COPIES} copies got a fresh 402: a client would sign again"
        ));
    }
    pass(format!(
        "one delivery, its answer given {} times",
        granted.len()
    ))
}

async fn replay(table: &Table<'_>) -> Seen {
    let Some(paying) = table.paying().await else {
        return no_challenge();
    };
    let before = table.scene.purse(&paying.charge).await;
    let first = table.present(&paying).await;
    let (Some(answer), true) = (first.answer(), first.granted()) else {
        return fail(format!("the first time it was {}", first.word()));
    };
    let mut again = Vec::new();
    for _ in 0..3 {
        let heard = table.present(&paying).await;
        if heard.status() == 402 {
            return fail("a used challenge gets a fresh 402: a client would sign again");
        }
        if heard.granted() && heard.answer().is_some_and(|next| next.body != answer.body) {
            return fail("a second delivery for a used challenge");
        }
        again.push(heard.word());
    }
    if let Some(bad) = counted(table, &paying, before, true).await {
        return bad;
    }
    pass(format!("the same request again: {}", again.join(", ")))
}

async fn penniless(table: &Table<'_>) -> Seen {
    let Some(charge) = table.charge().await else {
        return no_challenge();
    };
    let paying = Paying::honest(&charge, &stranger());
    let heard = table.present(&paying).await;
    if heard
        .answer()
        .is_some_and(|answer| answer.header("payment-receipt").is_some())
    {
        return fail("a receipt says that a payer without money has paid");
    }
    let cases = vec![table.case("a payer without money", &paying)];
    table.scene.refuses(&charge, cases).await
}

async fn elsewhere(table: &Table<'_>) -> Seen {
    let Some(paying) = table.paying().await else {
        return no_challenge();
    };
    let scene = table.scene;
    let mut cases: Vec<Case> = vec![(
        "another query".into(),
        scene.ask(true).with(paying.header()),
    )];
    for method in ["POST", "PUT", "DELETE", "PATCH"] {
        let mut ask = table.ask(&paying);
        if ask.method != method {
            ask.method = method.into();
            cases.push((method.into(), ask));
        }
    }
    if let Some(also) = &scene.target.also {
        let mut ask = table.ask(&paying);
        ask.path.clone_from(also);
        cases.push((format!("the route {also}"), ask));
    }
    let unused = scene.refuses(&paying.charge, cases).await;
    if unused.verdict == crate::attacks::report::Verdict::Fail {
        return unused;
    }
    let own = table.present(&paying).await;
    if !own.granted() {
        return fail(format!(
            "presented elsewhere first, the request that it is for gets {}",
            own.word()
        ));
    }
    let again = scene.send(&scene.ask(true).with(paying.header())).await;
    if again.granted() || again.status() == 402 {
        return fail(format!("used, another query gets {}", again.word()));
    }
    pass(format!(
        "unused: {}; used, another query: {}",
        unused.text,
        again.word()
    ))
}

async fn body(table: &Table<'_>) -> Seen {
    if table.scene.target.body.is_empty() {
        return not_here("the resource is asked for without a body: use --request and --data");
    }
    let Some(paying) = table.paying().await else {
        return no_challenge();
    };
    if !paying.charge.challenge.contains_key("digest") {
        return not_here("its challenges are not bound to bodies");
    }
    let mut reversed = table.ask(&paying);
    reversed.body.reverse();
    reversed.body.push(b' ');
    let mut empty = table.ask(&paying).header("Content-Length", "0");
    empty.body.clear();
    let cases = vec![("another body".into(), reversed), ("no body".into(), empty)];
    table.scene.refuses(&paying.charge, cases).await
}

async fn swapped(table: &Table<'_>) -> Seen {
    let (Some(one), Some(two)) = (table.paying().await, table.paying().await) else {
        return no_challenge();
    };
    let crossed = |challenge: &Paying, payload: &Paying| {
        let mut document = challenge.document();
        document["payload"] = payload.payload();
        table
            .scene
            .ask(false)
            .with(challenge.written(&document.to_string()))
    };
    let renamed = one.charge.clone().with("id", Some(&two.charge.text("id")));
    let cases = vec![
        (
            "the payload of another challenge".into(),
            crossed(&one, &two),
        ),
        ("the other way round".into(), crossed(&two, &one)),
        table.case(
            "the id of another challenge",
            &Paying::honest(&renamed, &table.key),
        ),
    ];
    table.scene.refuses(&one.charge, cases).await
}

async fn several(table: &Table<'_>) -> Seen {
    let (Some(one), Some(two)) = (table.paying().await, table.paying().await) else {
        return no_challenge();
    };
    let scene = table.scene;
    let both = |first: &str, second: &str| {
        let ask = scene.ask(false).header(first, one.header().1);
        ask.header(second, two.header().1)
    };
    let joined = format!("{}, {}", one.header().1, two.header().1);
    let mut cases: Vec<Case> = vec![
        ("two fields".into(), both("Authorization", "Authorization")),
        (
            "two in one field".into(),
            scene.ask(false).header(one.field(), joined),
        ),
        (
            "one in each field".into(),
            both("Authorization", "Payment-Authorization"),
        ),
        ("the same twice".into(), table.ask(&one).with(one.header())),
    ];
    for offer in scene
        .plain()
        .await
        .answer()
        .map(dialect::offers)
        .unwrap_or_default()
    {
        if let Some(other) = scene
            .payment(&offer)
            .filter(|_| offer.chain == one.charge.chain)
        {
            let name = format!("one of {} beside it", offer.dialect.name());
            cases.push((name, table.ask(&one).with(other.header())));
        }
    }
    scene.refuses(&one.charge, cases).await
}

async fn receipts(table: &Table<'_>) -> Seen {
    let mut told = String::new();
    if let Some(failing) = &table.scene.target.failing {
        let mut ask = table.scene.ask(false);
        ask.path.clone_from(failing);
        let Some(charge) = table.charge_for(&ask).await else {
            return no_challenge();
        };
        let heard = table
            .scene
            .send(&ask.with(Paying::honest(&charge, &table.key).header()))
            .await;
        if heard.granted() {
            return fail("the route that was said to fail was served");
        }
        told = format!("a failing handler: {}; ", heard.word());
    }
    let (refusals, _) = table.scene.told();
    let with = refusals
        .iter()
        .filter(|answer| answer.header("payment-receipt").is_some());
    match with.count() {
        0 => pass(format!(
            "{told}{} refusals without a Payment-Receipt",
            refusals.len()
        )),
        count => fail(format!("{count} refusals have a Payment-Receipt")),
    }
}
