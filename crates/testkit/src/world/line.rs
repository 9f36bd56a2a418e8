//! The wire from a seller to a facilitator.

use super::{
    executor::{Actor, connection, lock},
    facilitator::{Answer, House, PATIENCE, Question, signed_of},
    fault::Fault,
    net::within,
    oracle::Id,
};
use http402_core::{
    Claim, Pending, Settlement, Step, Verdict,
    seam::{Boxed, Facilitator, Kind, SeamError},
};

/// A seller's end of the wire.
pub(crate) struct Line {
    pub(crate) house: House,
    /// Whose end it is.
    pub(crate) actor: Actor,
}

impl Line {
    /// Asks; `None` when no answer came, or one without sense. The question may have arrived.
    async fn ask(&self, claim: &Claim, question: Question) -> Option<Answer> {
        let (world, house) = (&self.house.world, self.house.clone());
        world.executor.millis(1 + world.draw(40)).await;
        if world.strikes(Fault::LostRequest, self.actor).is_some() {
            world.executor.millis(PATIENCE).await;
            return None;
        }
        let life = world.executor.life(house.actor)?;
        let (reply, slot) = connection();
        let claim = claim.clone();
        let delay = match world.strikes(Fault::Delay, self.actor) {
            Some(chance) => 1_000 + chance % 120_000,
            None => 0,
        };
        let to = house.actor;
        world.executor.spawn(
            to,
            life,
            Box::pin(async move {
                house.world.executor.millis(delay).await;
                let answer = house.answer(&claim, &question).await;
                reply.send(answer);
            }),
        );
        let answer = within(&world.executor, PATIENCE, slot).await.flatten();
        world.executor.millis(1 + world.draw(40)).await;
        if world.strikes(Fault::LostAnswer, self.actor).is_some()
            || world.strikes(Fault::Mistyped, self.actor).is_some()
        {
            return None;
        }
        answer
    }

    fn unknown(&self, why: &str) -> Settlement {
        let now = self.house.world.now(self.actor);
        Settlement::Unknown(Pending::new(None, now, why))
    }

    fn told(&self, claim: &Claim, settlement: &Settlement) {
        if let (Settlement::Declined(_), Some(signed)) = (settlement, signed_of(claim)) {
            lock(&self.house.world.state)
                .oracle
                .declines(Id(signed.nonce));
        }
        let world = &self.house.world;
        world.note(self.actor, || match signed_of(claim) {
            Some(signed) => format!("is told of {}: {settlement:?}", Id(signed.nonce)),
            None => format!("is told {settlement:?}"),
        });
    }
}

impl Facilitator for Line {
    fn supported(&self) -> Boxed<'_, Result<Vec<Kind>, SeamError>> {
        Box::pin(async { Ok(Vec::new()) })
    }

    fn verify<'a>(&'a self, claim: &'a Claim) -> Boxed<'a, Result<Verdict, SeamError>> {
        Box::pin(async move {
            match self.ask(claim, Question::Verify).await {
                Some(Answer::Verdict(verdict)) => Ok(verdict),
                _ => Err("no answer of the facilitator".into()),
            }
        })
    }

    fn settle<'a>(
        &'a self,
        claim: &'a Claim,
        step: Step,
    ) -> Boxed<'a, Result<Settlement, SeamError>> {
        Box::pin(async move {
            let world = &self.house.world;
            if let Some(signed) = signed_of(claim) {
                lock(&world.state).oracle.settles(Id(signed.nonce));
            }
            if step != Step::Charge(claim.amount()) {
                return Err("an exact payment is charged in whole".into());
            }
            let settlement = match self.ask(claim, Question::Settle).await {
                Some(Answer::Settlement(settlement)) => settlement,
                _ => self.unknown("no answer of the facilitator"),
            };
            self.told(claim, &settlement);
            Ok(settlement)
        })
    }

    fn resolve<'a>(
        &'a self,
        claim: &'a Claim,
        pending: &'a Pending,
    ) -> Boxed<'a, Result<Settlement, SeamError>> {
        Box::pin(async move {
            let answer = self.ask(claim, Question::Resolve(pending.clone())).await;
            let Some(Answer::Settlement(settlement)) = answer else {
                return Err("no answer of the facilitator".into());
            };
            self.told(claim, &settlement);
            Ok(settlement)
        })
    }
}
