use http402_core::{
    ChainId, Claim, Pending, Reason, Settlement, Step, Verdict,
    seam::{Boxed, Facilitator, Kind, SeamError},
};
use std::{fmt, sync::Arc};

/// Several facilitators as one: a claim goes to the one of its chain and never to another, whatever its answer is.
#[derive(Clone, Default)]
pub struct Facilitators {
    chains: Vec<(ChainId, Arc<dyn Facilitator>)>,
}

impl Facilitators {
    /// None: every claim is refused.
    pub fn new() -> Self {
        Self::default()
    }

    /// The same, with the facilitator of a chain, in the place of one that the chain had before.
    #[must_use]
    pub fn chain(mut self, chain: ChainId, facilitator: Arc<dyn Facilitator>) -> Self {
        self.chains.retain(|(known, _)| *known != chain);
        self.chains.push((chain, facilitator));
        self
    }

    fn of(&self, claim: &Claim) -> Option<&Arc<dyn Facilitator>> {
        let chain = &claim.requirement.chain;
        let found = self.chains.iter().find(|(known, _)| known == chain);
        found.map(|(_, facilitator)| facilitator)
    }
}

impl Facilitator for Facilitators {
    fn supported(&self) -> Boxed<'_, Result<Vec<Kind>, SeamError>> {
        Box::pin(async move {
            let mut all = Vec::new();
            for (chain, facilitator) in &self.chains {
                let kinds = facilitator.supported().await?;
                all.extend(kinds.into_iter().filter(|kind| kind.chain == *chain));
            }
            Ok(all)
        })
    }

    fn verify<'a>(&'a self, claim: &'a Claim) -> Boxed<'a, Result<Verdict, SeamError>> {
        match self.of(claim) {
            Some(facilitator) => facilitator.verify(claim),
            None => Box::pin(async { Ok(Verdict::Invalid(Reason::UnsupportedNetwork)) }),
        }
    }

    fn settle<'a>(
        &'a self,
        claim: &'a Claim,
        step: Step,
    ) -> Boxed<'a, Result<Settlement, SeamError>> {
        match self.of(claim) {
            Some(facilitator) => facilitator.settle(claim, step),
            None => Box::pin(async { Ok(Settlement::Declined(Reason::UnsupportedNetwork)) }),
        }
    }

    fn resolve<'a>(
        &'a self,
        claim: &'a Claim,
        pending: &'a Pending,
    ) -> Boxed<'a, Result<Settlement, SeamError>> {
        match self.of(claim) {
            Some(facilitator) => facilitator.resolve(claim, pending),
            // Somebody has sent it who is no longer configured: nobody here can tell.
            None => Box::pin(async move { Ok(Settlement::Unknown(pending.clone())) }),
        }
    }
}

impl fmt::Debug for Facilitators {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let chains = self.chains.iter().map(|(chain, _)| chain);
        f.debug_list().entries(chains).finish()
    }
}
