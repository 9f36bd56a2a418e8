use super::{
    report::{Answer, Balance, Check, Document, Lost, Overspend, Purchase, Replay, Report, Step},
    tape::Exchange,
    words::{self, Words},
    world::{BUDGET, LIMIT, ROUTES, Speaks, World},
};
use crate::runtime::Fault;
use http::HeaderMap;
use http402_core::{Amount, U256, asset::Asset};
use http402_reqwest::{
    PayingClient, Payments,
    flow::client::{Attempt, Payment},
};
use serde_json::{Value, json};

/// Buys, replays, loses and overspends, and looks at what is on the chain afterwards.
pub(super) async fn tell(world: &World) -> Result<Report, Fault> {
    let people = World::people();
    let before = people.clone().map(|(_, who)| world.holds(&who));
    let buyer = world.buyer(Speaks::X402)?;
    let first = buy(world, &buyer, "/weather", "x402 v2, served first").await?;
    let credential = first.1;
    let second = buy(world, &buyer, "/report", "x402 v2, settled first").await?;
    let old = world.buyer(Speaks::X402V1)?;
    let third = buy(world, &old, "/weather", "x402 v1, on the same route").await?;
    let other = world.buyer(Speaks::Mpp)?;
    let fourth = buy(world, &other, "/weather", "MPP charge, on the same route").await?;
    let purchases = vec![first.0, second.0, third.0, fourth.0];
    let replay = replay(world, &credential).await?;
    let lost = lose(world, &buyer).await?;
    let overspend = overspend(world, &buyer).await?;
    let after = people.clone().map(|(_, who)| world.holds(&who));
    let paid = purchases.iter().map(|one| one.units).sum::<U256>() + lost.units;
    let checks = checks(
        world,
        &purchases,
        &replay,
        &lost,
        &overspend,
        (&before, &after, paid),
    );
    let balances = people.iter().enumerate().map(|(at, (name, who))| Balance {
        who: (*name).into(),
        address: who.to_string(),
        before: money(&world.asset, before[at]),
        after: money(&world.asset, after[at]),
        change: change(&world.asset, before[at], after[at]),
    });
    Ok(Report {
        chain: world.asset.chain.to_string(),
        asset: json!({
            "symbol": world.asset.symbol,
            "address": world.asset.address.to_string(),
            "decimals": world.asset.decimals,
        }),
        facilitator: world.facilitator.clone(),
        shop: world.shop.clone(),
        prices: ROUTES
            .iter()
            .map(|route| json!({"route": route.path, "price": route.price, "order": route.order}))
            .collect(),
        limit: LIMIT.into(),
        budget: BUDGET.into(),
        balances: balances.collect(),
        ok: checks.iter().all(|check| check.ok),
        purchases,
        replay,
        lost,
        overspend,
        checks,
    })
}

pub(super) fn money(asset: &Asset, units: U256) -> String {
    let text = Amount::from_units(units).to_decimal(asset.decimals);
    format!("{text} {}", asset.symbol)
}

pub(super) fn change(asset: &Asset, before: U256, after: U256) -> String {
    match before.cmp(&after) {
        std::cmp::Ordering::Equal => money(asset, U256::ZERO),
        std::cmp::Ordering::Less => format!("+{}", money(asset, after - before)),
        std::cmp::Ordering::Greater => format!("-{}", money(asset, before - after)),
    }
}

pub(super) fn step(what: &str, document: Option<Document>, notes: Vec<String>) -> Step {
    Step {
        what: what.into(),
        document,
        notes,
    }
}

/// Buys a route, and tells it in six steps; also gives the headers that paid.
async fn buy(
    world: &World,
    buyer: &PayingClient,
    path: &str,
    title: &str,
) -> Result<(Purchase, HeaderMap), Fault> {
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
    let steps = vec![
        asked_for(asked, &attempt)?,
        chosen(&world.asset, &attempt),
        signed(world, paid, &words)?,
        presented(paid, &words)?,
        settled(world, &receipt.transaction)?,
        delivered(paid, &words, &body)?,
    ];
    let purchase = Purchase {
        title: title.into(),
        protocol: attempt.protocol.to_string(),
        steps,
        amount: money(&world.asset, attempt.amount.units()),
        units: attempt.amount.units(),
        transaction: receipt.transaction.to_string(),
    };
    Ok((purchase, paid.sent.clone()))
}

pub(super) fn asked_for(asked: &Exchange, attempt: &Attempt) -> Result<Step, Fault> {
    let what = format!(
        "{} {} is answered {}",
        asked.method, asked.path, asked.status
    );
    let document = words::offer(asked, &attempt.protocol)?;
    Ok(step(&what, Some(document), Vec::new()))
}

pub(super) fn chosen(asset: &Asset, attempt: &Attempt) -> Step {
    let notes = vec![
        format!(
            "{} to {}",
            money(asset, attempt.amount.units()),
            attempt.payee
        ),
        format!("at most {LIMIT} for one payment, {BUDGET} in an hour"),
        "the attempt is in the ledger before anything is signed".into(),
    ];
    step("the policy allows the offer", None, notes)
}

fn signed(world: &World, paid: &Exchange, words: &Words) -> Result<Step, Fault> {
    let credential = words::credential(&paid.sent, words)?.decoded;
    let (message, signature) = words::signed(&credential, words);
    let domain = json!({
        "name": world.asset.name,
        "version": world.asset.version,
        "chainId": world.chain.chain_id(),
        "verifyingContract": world.asset.address.to_string(),
    });
    let document = Document {
        name: "EIP-712 TransferWithAuthorization".into(),
        encoded_bytes: 32,
        decoded: json!({"domain": domain, "message": message}),
    };
    let note = format!("signature {}", crate::style::short(&signature));
    Ok(step("the wallet signs", Some(document), vec![note]))
}

pub(super) fn presented(paid: &Exchange, words: &Words) -> Result<Step, Fault> {
    let what = format!("{} {} again, with the payment", paid.method, paid.path);
    Ok(step(
        &what,
        Some(words::credential(&paid.sent, words)?),
        Vec::new(),
    ))
}

fn settled(world: &World, transaction: &str) -> Result<Step, Fault> {
    let receipt = receipt(world, transaction)?;
    let text = |name: &str| receipt[name].as_str().unwrap_or("?").to_owned();
    let number = |name: &str| {
        u64::from_str_radix(text(name).trim_start_matches("0x"), 16).unwrap_or_default()
    };
    let notes = vec![
        format!("transaction {transaction}"),
        format!(
            "block {}, {} gas, paid by {}",
            number("blockNumber"),
            number("gasUsed"),
            text("from")
        ),
        format!(
            "{} Transfer of this very amount in its logs",
            transfers_in(world, &receipt)
        ),
    ];
    Ok(step("the facilitator settles on the chain", None, notes))
}

pub(super) fn delivered(paid: &Exchange, words: &Words, body: &str) -> Result<Step, Fault> {
    let what = format!("{} and the receipt", paid.status);
    let document = words::receipt(&paid.received, words)?;
    Ok(step(&what, Some(document), vec![format!("body {body}")]))
}

fn receipt(world: &World, transaction: &str) -> Result<Value, Fault> {
    let answer = world
        .chain
        .request("eth_getTransactionReceipt", json!([transaction]));
    Ok(answer.map_err(|error| format!("{error:?}"))?)
}

/// The hash of `Transfer(address,address,uint256)`.
fn transfer_topic() -> String {
    http402_core::keccak256("Transfer(address,address,uint256)").to_string()
}

fn transfers_in(world: &World, receipt: &Value) -> usize {
    let token = world.asset.address.to_string().to_lowercase();
    let logs = receipt["logs"].as_array().map_or(&[][..], Vec::as_slice);
    logs.iter()
        .filter(|log| log["address"].as_str().map(str::to_lowercase).as_deref() == Some(&token))
        .filter(|log| log["topics"][0].as_str() == Some(&transfer_topic()))
        .count()
}

/// All transfers from the buyer to the shop since the chain began.
fn transfers(world: &World) -> Result<usize, Fault> {
    let topic = |at: usize| {
        let address = World::people()[at].1.evm().unwrap_or_default();
        address.into_word().to_string()
    };
    let filter = json!([{
        "fromBlock": "0x0",
        "toBlock": "latest",
        "address": world.asset.address.to_string(),
        "topics": [transfer_topic(), topic(0), topic(1)],
    }]);
    let logs = world.chain.request("eth_getLogs", filter);
    let logs = logs.map_err(|error| format!("{error:?}"))?;
    Ok(logs.as_array().map_or(0, Vec::len))
}

async fn present(world: &World, path: &str, credential: &HeaderMap) -> Result<Answer, Fault> {
    let name = words::of("x402/2").credential;
    let value = credential
        .get(name)
        .ok_or("the first purchase had a credential")?;
    let response = reqwest::Client::new()
        .get(format!("{}{path}", world.shop))
        .header(name, value)
        .send()
        .await?;
    let status = response.status().as_u16();
    let text = response.text().await?;
    Ok(Answer {
        request: format!("GET {path}"),
        status,
        body: serde_json::from_str(&text).unwrap_or(Value::String(text)),
    })
}

/// Presents what has paid for the first purchase once more.
async fn replay(world: &World, credential: &HeaderMap) -> Result<Replay, Fault> {
    let before = transfers(world)?;
    let same = present(world, "/weather", credential).await?;
    let other = present(world, "/weather?again", credential).await?;
    Ok(Replay {
        same,
        other,
        transfers: transfers(world)? - before,
    })
}

/// Buys while the connection breaks after the shop has settled and before its answer has left.
async fn lose(world: &World, buyer: &PayingClient) -> Result<Lost, Fault> {
    world.tape.take();
    let signatures = world.wallet.signatures();
    let before = transfers(world)?;
    world.tape.lose_next();
    let response = buyer.get(format!("{}/weather", world.shop)).send().await?;
    let payment = response.payment().cloned();
    let body = response.text().await?;
    let Some(Payment::Paid {
        attempt,
        receipt: Some(receipt),
    }) = payment
    else {
        return Err(format!("the lost answer was not recovered: {payment:?}").into());
    };
    let name = words::of(&attempt.protocol).credential;
    let exchanges = world.tape.take();
    let presented: Vec<_> = exchanges
        .iter()
        .filter_map(|exchange| Some((exchange.sent.get(name)?, exchange.lost)))
        .collect();
    let identical = presented.windows(2).all(|pair| pair[0].0 == pair[1].0)
        && presented.first().is_some_and(|(_, lost)| *lost);
    Ok(Lost {
        presented: presented.len(),
        identical,
        signatures: world.wallet.signatures() - signatures,
        transfers: transfers(world)? - before,
        transaction: receipt.transaction.to_string(),
        units: attempt.amount.units(),
        body,
    })
}

/// Asks for what costs less than one payment may, and more than is left in the hour's budget.
async fn overspend(world: &World, buyer: &PayingClient) -> Result<Overspend, Fault> {
    let signatures = world.wallet.signatures();
    let answer = buyer.get(format!("{}/dataset", world.shop)).send().await;
    let why = match answer {
        Err(error) => match error.purchase() {
            Some(denied @ http402_reqwest::flow::client::Error::Denied(_)) => denied.to_string(),
            _ => return Err(error.into()),
        },
        Ok(response) => return Err(format!("the dataset was bought: {}", response.status()).into()),
    };
    Ok(Overspend {
        request: "GET /dataset".into(),
        asked: ROUTES[2].price.into(),
        why,
        signatures: world.wallet.signatures() - signatures,
    })
}

fn checks(
    world: &World,
    purchases: &[Purchase],
    replay: &Replay,
    lost: &Lost,
    overspend: &Overspend,
    (before, after, paid): (&[U256; 3], &[U256; 3], U256),
) -> Vec<Check> {
    let mut checks = Vec::new();
    let mut check = |what: String, ok: bool| checks.push(Check { what, ok });
    let total = money(&world.asset, paid);
    let settled = purchases.len() + 1;
    check(
        format!("the buyer has paid {total} and no more"),
        before[0] - paid == after[0],
    );
    check(
        format!("the shop has got {total} and no less"),
        before[1] + paid == after[1],
    );
    check(
        "the facilitator holds no token of theirs".into(),
        before[2] == after[2],
    );
    check(
        format!("{settled} purchases are {settled} transfers on the chain"),
        transfers(world).is_ok_and(|count| count == settled),
    );
    check(
        "a credential presented again to the same request gets the same answer, and no second transfer".into(),
        replay.same.status == 200 && replay.transfers == 0,
    );
    check(
        "a credential presented to another request is refused, without an offer".into(),
        replay.other.status == 409 && replay.other.body.get("accepts").is_none(),
    );
    check(
        "a lost answer is recovered with the same bytes: one signature, one transfer".into(),
        lost.presented == 2 && lost.identical && lost.signatures == 1 && lost.transfers == 1,
    );
    check(
        "what is over the budget is not even signed".into(),
        overspend.signatures == 0,
    );
    check(
        format!("{settled} purchases took {settled} signatures"),
        usize::try_from(world.wallet.signatures()).is_ok_and(|count| count == settled),
    );
    checks
}
