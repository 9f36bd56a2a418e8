use super::{
    Report,
    world::{FEES, ROUTES, Route, World},
};
use crate::{
    demo::{
        report::{Balance, Check, Purchase, Step},
        story::{asked_for, change, chosen, delivered, money, presented, step},
        tape::Exchange,
        words,
    },
    runtime::Fault,
    style::short,
};
use http402_core::U256;
use http402_reqwest::{PayingClient, Payments, flow::client::Payment};
use serde_json::{Value, json};

/// A fee is gas times its price in attodollars, and the token has six decimals.
const ATTODOLLARS: u64 = 1_000_000_000_000;

/// One purchase, and what the chain says of it.
struct Bought {
    purchase: Purchase,
    /// What the buyer, the shop, the sponsor and the chain have less or more, to be.
    fee: U256,
}

/// Buys each route once, and looks at who has what on the chain afterwards.
pub(super) async fn tell(world: &World) -> Result<Report, Fault> {
    let buyer = world.buyer().await?;
    let first = world.holdings().await?;
    let mut all = Vec::new();
    let mut checks = Vec::new();
    let mut before = first;
    for route in &ROUTES {
        let bought = buy(world, &buyer, route).await?;
        let after = world.holdings().await?;
        checks.extend(moves(world, route, &bought, (&before, &after)));
        before = after;
        all.push(bought);
    }
    let signatures = usize::try_from(world.wallet.signatures());
    checks.push(Check {
        what: format!("{0} purchases took {0} signatures", all.len()),
        ok: signatures.is_ok_and(|count| count == all.len()),
    });
    checks.push(Check {
        what: "what some have paid the others have got, to the last unit".into(),
        ok: first.iter().sum::<U256>() == before.iter().sum::<U256>(),
    });
    let people = World::people();
    let asset = &world.asset;
    let balances = people.iter().enumerate().map(|(at, (name, who))| Balance {
        who: (*name).into(),
        address: who.to_string(),
        before: money(asset, first[at]),
        after: money(asset, before[at]),
        change: change(asset, first[at], before[at]),
    });
    Ok(Report {
        chain: asset.chain.to_string(),
        asset: json!({
            "symbol": asset.symbol,
            "address": asset.address.to_string(),
            "decimals": asset.decimals,
        }),
        shop: world.shop.clone(),
        prices: ROUTES
            .iter()
            .map(|route| json!({"route": route.path, "price": route.price, "order": route.title}))
            .collect(),
        balances: balances.collect(),
        purchases: all.into_iter().map(|bought| bought.purchase).collect(),
        ok: checks.iter().all(|check| check.ok),
        checks,
    })
}

/// Buys a route, and tells it in six steps.
async fn buy(world: &World, buyer: &PayingClient, route: &Route) -> Result<Bought, Fault> {
    let path = route.path;
    world.tape.take();
    let response = buyer.get(format!("{}{path}", world.shop)).send().await?;
    let status = response.status();
    let payment = response.payment().cloned();
    let body = response.text().await?;
    let Some(Payment::Paid {
        attempt,
        receipt: Some(receipt),
    }) = payment
    else {
        return Err(format!("{path} was not paid: {status}, {payment:?}").into());
    };
    let exchanges = world.tape.take();
    let [asked, paid] = exchanges.as_slice() else {
        return Err(format!("{path} took {} requests", exchanges.len()).into());
    };
    let words = words::of(&attempt.protocol);
    let (settled, fee) = settled(world, &receipt.transaction).await?;
    let steps = vec![
        asked_for(asked, &attempt)?,
        chosen(&world.asset, &attempt),
        signed(paid)?,
        presented(paid, &words)?,
        settled,
        delivered(paid, &words, &body)?,
    ];
    let purchase = Purchase {
        title: format!("{path}, {}", route.title),
        protocol: attempt.protocol.to_string(),
        steps,
        amount: money(&world.asset, attempt.amount.units()),
        units: attempt.amount.units(),
        transaction: receipt.transaction.to_string(),
    };
    Ok(Bought { purchase, fee })
}

/// What the wallet has signed: a transaction, or a proof of who asks.
fn signed(paid: &Exchange) -> Result<Step, Fault> {
    let credential = words::credential(&paid.sent, &words::of("mpp/1"))?.decoded;
    let payload = &credential["payload"];
    let text = payload["signature"].as_str().unwrap_or_default();
    let kind = payload["type"].as_str().unwrap_or_default();
    let source = credential["source"].as_str().unwrap_or_default();
    let note = match kind {
        "transaction" => format!(
            "a transaction of type {}, {} bytes, with the memo of this challenge",
            text.get(..4).unwrap_or_default(),
            text.len() / 2 - 1
        ),
        _ => format!(
            "a {kind} for this challenge: signature {}, by {source}",
            short(text)
        ),
    };
    Ok(step("the wallet signs", None, vec![note]))
}

/// What became of it on the chain, and what it cost there.
async fn settled(world: &World, transaction: &str) -> Result<(Step, U256), Fault> {
    if transaction.is_empty() {
        let note = "there is no transaction, and no fee".into();
        let step = step("the shop checks the proof", None, vec![note]);
        return Ok((step, U256::ZERO));
    }
    let receipt = world.receipt(transaction).await?;
    let number = |name: &str| -> Result<U256, Fault> {
        let text = receipt[name]
            .as_str()
            .ok_or_else(|| format!("no {name} in the receipt"))?;
        Ok(text.parse()?)
    };
    let (gas, price) = (number("gasUsed")?, number("effectiveGasPrice")?);
    let fee = (gas * price).div_ceil(U256::from(ATTODOLLARS));
    let logged = fees(&receipt)?;
    if logged != [fee] {
        return Err(format!("{transaction} cost {fee}, and its logs tell {logged:?}").into());
    }
    let notes = vec![
        format!("transaction {transaction}"),
        format!(
            "block {}, {gas} gas, a fee of {}",
            number("blockNumber")?,
            money(&world.asset, fee)
        ),
    ];
    Ok((step("the shop sends the transaction", None, notes), fee))
}

/// What the logs of a receipt say was paid for the transaction.
fn fees(receipt: &Value) -> Result<Vec<U256>, Fault> {
    let topic = http402_core::keccak256("Transfer(address,address,uint256)").to_string();
    let to = FEES.into_word().to_string();
    let logs = receipt["logs"]
        .as_array()
        .ok_or("the receipt has no logs")?;
    let paid = logs.iter().filter(|log| {
        log["topics"][0].as_str() == Some(&topic) && log["topics"][2].as_str() == Some(&to)
    });
    let read = |log: &Value| Ok(log["data"].as_str().ok_or("a log without data")?.parse()?);
    paid.map(read).collect()
}

/// What has to have moved, from whom and to whom.
fn moves(
    world: &World,
    route: &Route,
    bought: &Bought,
    (before, after): (&[U256; 4], &[U256; 4]),
) -> Vec<Check> {
    let (price, fee) = (bought.purchase.units, bought.fee);
    let sponsored = route.sponsored();
    let (own, foreign) = match sponsored {
        true => (U256::ZERO, fee),
        false => (fee, U256::ZERO),
    };
    let lost = [price + own, U256::ZERO, foreign, U256::ZERO];
    let got = [U256::ZERO, price, U256::ZERO, fee];
    let right = (0..4).all(|at| before[at] - lost[at] + got[at] == after[at]);
    let asset = &world.asset;
    let free = price.is_zero() && fee.is_zero();
    let what = match (free, sponsored) {
        (true, _) => format!("{}: nobody has paid anything", route.path),
        (false, true) => format!(
            "{}: the buyer has paid {} to the shop, and the sponsor {} for it",
            route.path,
            money(asset, price),
            money(asset, fee)
        ),
        (false, false) => format!(
            "{}: the buyer has paid {} to the shop, and {} for it",
            route.path,
            money(asset, price),
            money(asset, fee)
        ),
    };
    vec![Check { what, ok: right }]
}
