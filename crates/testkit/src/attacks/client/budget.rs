//! Endless 402s, split budgets, and payees that change.

use super::{
    Attack, Log, Visits,
    shop::{PRICE, SELLER, THIEF, Terms, demand, goods, sells, url},
};
use crate::attacks::report::{Seen, fail, pass};
use http402_core::U256;
use serde_json::json;
use std::collections::BTreeMap;

pub(super) const EXPECTED: &str = "over several sellers at once no more is signed than the budget";
/// How many requests a client may make of an endless 402, and how many signatures when its terms change.
const REQUESTS: usize = 20;
const SIGNATURES: usize = 3;

pub(super) fn attacks(most: U256, budget: Option<U256>) -> Vec<Attack> {
    let mut all = vec![
        Attack::new(
            78,
            "the same for ever",
            "one signature, and a bounded number of requests",
            |urls, _| demand(Terms::honest(url(urls, 0))),
            |log| endless(log, 1),
        ),
        Attack::new(
            78,
            "a new one each time",
            "one signature, and a bounded number of requests",
            |urls, taken| {
                let price = PRICE + u64::try_from(taken.nth).unwrap_or(0);
                demand(
                    Terms::honest(url(urls, 0))
                        .but(|terms| terms.amount = json!(price.to_string())),
                )
            },
            |log| endless(log, SIGNATURES),
        ),
        Attack::new(
            82,
            "",
            "a payee that changed is not paid without being asked for",
            |urls, taken| match taken.credentials.first() {
                Some(credential) => goods(credential),
                None => {
                    // The second visit is offered another payee.
                    let thief = taken.nth > 1;
                    demand(Terms::honest(url(urls, 0)).but(|terms| {
                        terms.pay_to = if thief { THIEF } else { SELLER };
                    }))
                }
            },
            one_payee,
        )
        .visits(Visits::Again(2)),
    ];
    if let Some(budget) = budget {
        // One more than the budget pays for, each at the limit of one payment.
        let count = usize::try_from(budget / most.max(U256::from(1))).unwrap_or(usize::MAX);
        let count = count.saturating_add(1).clamp(2, 8);
        let split = Attack::new(
            79,
            "",
            EXPECTED,
            move |urls, taken| match taken.credentials.first() {
                Some(_) => sells(urls, taken),
                None => demand(
                    Terms::honest(url(urls, taken.origin))
                        .but(|terms| terms.amount = json!(most.to_string())),
                ),
            },
            move |log| within(log, budget),
        );
        all.push(split.sellers(count).visits(Visits::EachAtOnce));
    }
    all
}

fn endless(log: &Log, signatures: usize) -> Seen {
    let told = format!("{} signed, {} requests", log.signed(), log.taken.len());
    if log.signed() > signatures || log.taken.len() > REQUESTS {
        return fail(told);
    }
    if log.ran.iter().any(|ran| !ran.ended) {
        return fail(log.ended());
    }
    pass(told)
}

fn one_payee(log: &Log) -> Seen {
    let mut payees: Vec<String> = log.credentials().map(super::Credential::to).collect();
    payees.dedup();
    if payees.contains(&THIEF.to_lowercase()) {
        return fail("the new payee was paid");
    }
    pass(format!("{} payee was paid; {}", payees.len(), log.ended()))
}

fn within(log: &Log, budget: U256) -> Seen {
    let signed: BTreeMap<String, U256> = log
        .credentials()
        .map(|credential| (credential.nonce(), credential.value().unwrap_or(U256::MAX)))
        .collect();
    let sum = signed
        .values()
        .fold(U256::ZERO, |sum, value| sum.saturating_add(*value));
    let told = format!(
        "{sum} units in {} signatures, of a budget of {budget}",
        signed.len()
    );
    if sum > budget {
        fail(told)
    } else if signed.is_empty() {
        fail(format!("nothing was paid at all; {}", log.ended()))
    } else {
        pass(told)
    }
}
