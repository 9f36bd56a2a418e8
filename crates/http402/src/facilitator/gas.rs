use crate::runtime::Fault;
use alloy_provider::{DynProvider, Provider};
use http402_core::{
    Amount, ChainId, Claim, Pending, Reason, Settlement, Step, Timestamp, Verdict,
    seam::{Boxed, Clock, Facilitator, Kind, SeamError},
};
use std::{
    collections::VecDeque,
    sync::{Arc, Mutex, PoisonError},
};

const DAY: u64 = 24 * 60 * 60;
/// What a settlement is taken to cost until its receipt tells: the gas of a plain transfer at the node's price, twice.
const GAS: u128 = 200_000;

/// An amount of an EVM chain's coin in its smallest unit.
pub(super) fn wei(text: &str) -> Result<u128, Fault> {
    let units = Amount::from_decimal(text, 18)?.units();
    Ok(units
        .try_into()
        .map_err(|_| format!("{text} coins are too many"))?)
}

/// A facilitator that stops to settle on a chain when the gas of a day is spent.
pub(super) struct Budgeted {
    inner: Arc<dyn Facilitator>,
    nodes: Vec<(ChainId, DynProvider)>,
    daily: u128,
    clock: Arc<dyn Clock>,
    spent: Mutex<VecDeque<(Timestamp, ChainId, u128)>>,
}

impl Budgeted {
    pub(super) fn new(
        inner: Arc<dyn Facilitator>,
        nodes: Vec<(ChainId, DynProvider)>,
        daily: u128,
        clock: Arc<dyn Clock>,
    ) -> Self {
        Self {
            inner,
            nodes,
            daily,
            clock,
            spent: Mutex::default(),
        }
    }

    fn node(&self, chain: &ChainId) -> Result<&DynProvider, SeamError> {
        let found = self.nodes.iter().find(|(one, _)| one == chain);
        found
            .map(|(_, node)| node)
            .ok_or_else(|| "no node of this chain".into())
    }

    /// Sets an estimate aside, if there is room for it.
    fn set_aside(&self, chain: &ChainId, estimate: u128) -> bool {
        let now = self.clock.now();
        let mut spent = self.spent.lock().unwrap_or_else(PoisonError::into_inner);
        while spent.front().is_some_and(|(at, ..)| now.since(*at) >= DAY) {
            spent.pop_front();
        }
        let sum = spent
            .iter()
            .filter(|(_, one, _)| one == chain)
            .fold(0_u128, |sum, (.., cost)| sum.saturating_add(*cost));
        let fits = sum.saturating_add(estimate) <= self.daily;
        if fits {
            spent.push_back((now, chain.clone(), estimate));
        }
        fits
    }

    /// Puts what it has cost in the place of the estimate.
    fn correct(&self, chain: &ChainId, estimate: u128, cost: u128) {
        let mut spent = self.spent.lock().unwrap_or_else(PoisonError::into_inner);
        let entry = spent
            .iter_mut()
            .rev()
            .find(|(_, one, set_aside)| one == chain && *set_aside == estimate);
        if let Some((.., set_aside)) = entry {
            *set_aside = cost;
        }
    }

    async fn cost(&self, chain: &ChainId, transaction: &str) -> Option<u128> {
        let hash = transaction.parse().ok()?;
        let receipt = self
            .node(chain)
            .ok()?
            .get_transaction_receipt(hash)
            .await
            .ok()??;
        Some(u128::from(receipt.gas_used).saturating_mul(receipt.effective_gas_price))
    }
}

impl Facilitator for Budgeted {
    fn supported(&self) -> Boxed<'_, Result<Vec<Kind>, SeamError>> {
        self.inner.supported()
    }

    fn verify<'a>(&'a self, claim: &'a Claim) -> Boxed<'a, Result<Verdict, SeamError>> {
        self.inner.verify(claim)
    }

    fn settle<'a>(
        &'a self,
        claim: &'a Claim,
        step: Step,
    ) -> Boxed<'a, Result<Settlement, SeamError>> {
        Box::pin(async move {
            let chain = &claim.requirement.chain;
            let price = self.node(chain)?.get_gas_price().await?;
            let estimate = price.saturating_mul(GAS);
            if !self.set_aside(chain, estimate) {
                return Ok(Settlement::Declined(Reason::LimitReached));
            }
            let settled = self.inner.settle(claim, step).await;
            match &settled {
                Ok(Settlement::Settled(receipt)) => {
                    if let Some(cost) = self.cost(chain, &receipt.transaction).await {
                        self.correct(chain, estimate, cost);
                    }
                }
                // Refused before anything was sent.
                Ok(Settlement::Declined(why)) if *why != Reason::TransactionFailed => {
                    self.correct(chain, estimate, 0);
                }
                _ => {}
            }
            settled
        })
    }

    fn resolve<'a>(
        &'a self,
        claim: &'a Claim,
        pending: &'a Pending,
    ) -> Boxed<'a, Result<Settlement, SeamError>> {
        self.inner.resolve(claim, pending)
    }
}
