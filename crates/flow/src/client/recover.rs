//! What happens to attempts outside of calls: after a start, and when somebody decides.

use super::{
    Attempt, Buyer, Error,
    attempt::{self, Body},
    budget,
    claims::Role,
    state::Held,
};
use http402_core::{
    ledger::{Applied, Key, Phase, Versioned},
    seam::Spent,
};

const PAGE: usize = 64;
const CHARGES: u32 = 2_000;

/// What [`Buyer::recover`] found.
#[derive(Debug, Default)]
#[non_exhaustive]
pub struct Recovered {
    /// Proven not to have been paid: closed, and their charges taken back.
    pub unspent: Vec<Attempt>,
    /// Still open. Asking for the same thing again presents the same bytes; see [`Attempt::spent`] for those that are paid.
    pub open: Vec<Attempt>,
}

impl Buyer {
    /// Looks at every open attempt of this payer, as a program does when it starts. What has not left is taken back, and the
    /// chain, when there is a view of it, is asked about what has ended. The rest stays open: its request is needed to
    /// present its bytes again, and a delivery is of use only to who asked for it.
    ///
    /// # Errors
    /// When the ledger could not be asked.
    pub async fn recover(&self) -> Result<Recovered, Error> {
        let prefix = attempt::prefix(&self.payer());
        let mut recovered = Recovered::default();
        let mut cursor: Option<Key> = None;
        loop {
            let now = self.clock.now();
            let page = self.ledger.pending(now, &prefix, cursor.as_ref(), PAGE);
            let page = page.await.map_err(Error::Ledger)?;
            for (key, found) in page.records {
                let body = Body::decode(&found.record);
                let body = body.map_err(|error| Error::Ledger(error.into()))?;
                let mut held = Held::of(&key, &found, body);
                if self.is_over(&mut held, &found).await? {
                    recovered.unspent.push(held.attempt());
                } else {
                    recovered.open.push(held.attempt());
                }
            }
            match page.next {
                Some(next) => cursor = Some(next),
                None => return Ok(recovered),
            }
        }
    }

    /// Closes an attempt if it is proven not to have been paid.
    async fn is_over(&self, held: &mut Held, found: &Versioned) -> Result<bool, Error> {
        if self.is_leased(found, held.body()) {
            return Ok(false);
        }
        let Ok(_claim) = self.claims.take(held.key(), Role::Resumes) else {
            return Ok(false);
        };
        if held.phase() == Phase::Approved {
            return self.close_unspent(held).await;
        }
        let body = held.body();
        if body.spent.is_some() || body.window().end() > self.clock.now() {
            return Ok(false);
        }
        let Some(view) = &self.chain else {
            return Ok(false);
        };
        let (chain, asset) = (&body.requirement.chain, &body.requirement.asset);
        match view.spent(chain, asset, &body.authorization).await {
            Ok(Spent::Never) => self.close_unspent(held).await,
            Ok(Spent::Yes { transaction }) => {
                held.body_mut().spent_in(transaction);
                self.apply(&[held.hold(None)]).await.map(|_| false)
            }
            // "Could not ask" proves nothing.
            _ => Ok(false),
        }
    }

    /// Gives an open attempt up: it stays charged, and the next call for the same request may pay anew. Only somebody who
    /// has found out, or who accepts to pay twice, does this.
    ///
    /// Answers whether there was such an attempt.
    ///
    /// # Errors
    /// When the ledger could not be asked, or a call works on the attempt.
    pub async fn write_off(&self, attempt: &Attempt) -> Result<bool, Error> {
        let busy = || Error::Busy(Some(Box::new(attempt.clone())));
        let claim = self.claims.take(&attempt.key, Role::Resumes);
        let _claim = claim.map_err(|_| busy())?;
        let Some(found) = self.get(&attempt.key).await? else {
            return Ok(false);
        };
        if !found.record.phase.unfinished() {
            return Ok(false);
        }
        let body = Body::decode(&found.record).map_err(|error| Error::Ledger(error.into()))?;
        if self.is_leased(&found, &body) {
            return Err(busy());
        }
        let held = Held::of(&attempt.key, &found, body);
        match self.apply(&[held.close(Phase::Spent)]).await? {
            Applied::Done(_) => Ok(true),
            Applied::Conflict { .. } => Err(busy()),
        }
    }

    /// Closes an attempt of which nothing has left, or whose signature is proven unused, and takes its charges back.
    pub(crate) async fn take_back(&self, held: Held) -> Result<(), Error> {
        self.close_unspent(&held).await.map(|_| ())
    }

    /// The same; answers whether the attempt was still as it was found.
    async fn close_unspent(&self, held: &Held) -> Result<bool, Error> {
        for round in 0..CHARGES {
            let mut writes = vec![held.close(Phase::Unspent)];
            for charge in &held.body().charges {
                let found = self.get(&charge.key).await?;
                let refund = budget::refund(charge, found.as_ref());
                writes.extend(refund.map_err(|error| Error::Ledger(error.into()))?);
            }
            match self.apply(&writes).await? {
                Applied::Done(_) => return Ok(true),
                Applied::Conflict { index: 0, .. } => return Ok(false),
                Applied::Conflict { .. } => self.make_way(round).await,
            }
        }
        Err(Error::Ledger("the budget's record changes too fast".into()))
    }
}
