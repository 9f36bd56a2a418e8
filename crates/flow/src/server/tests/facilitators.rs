use crate::server::Facilitators;
use http402_core::{
    Amount, Authorization, ChainId, Claim, Encoded, Party, Pending, ProtocolId, Reason, Receipt,
    Requirement, Settlement, Step, Timestamp, Verdict, Wire,
    authorization::Foreign,
    seam::{Boxed, Facilitator, Kind, SeamError},
};
use std::{
    pin::pin,
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    task::{Context, Poll, Waker},
};

/// Settles everything, and counts.
#[derive(Default)]
struct Till(AtomicUsize);

impl Facilitator for Till {
    fn supported(&self) -> Boxed<'_, Result<Vec<Kind>, SeamError>> {
        let kind = |id| Kind::new(ProtocolId::new("coin/1"), "coin", ChainId::eip155(id));
        Box::pin(async move { Ok(vec![kind(1), kind(2)]) })
    }

    fn verify<'a>(&'a self, _: &'a Claim) -> Boxed<'a, Result<Verdict, SeamError>> {
        Box::pin(async { Err("busy".into()) })
    }

    fn settle<'a>(&'a self, claim: &'a Claim, _: Step) -> Boxed<'a, Result<Settlement, SeamError>> {
        self.0.fetch_add(1, Ordering::SeqCst);
        let chain = claim.requirement.chain.clone();
        Box::pin(async {
            Ok(Settlement::Settled(Receipt::new(
                None,
                Amount::ZERO,
                chain,
                "0x1",
            )))
        })
    }

    fn resolve<'a>(
        &'a self,
        _: &'a Claim,
        _: &'a Pending,
    ) -> Boxed<'a, Result<Settlement, SeamError>> {
        Box::pin(async { Ok(Settlement::Declined(Reason::Expired)) })
    }
}

fn claim(chain: u64) -> Claim {
    let chain = ChainId::eip155(chain);
    let party = Party::parse(&chain, "0x209693Bc6afc0C5328bA36FaF03C514EF312287C").unwrap();
    let requirement = Requirement::exactly(Amount::ZERO, chain, party.clone(), party, None);
    let foreign = Foreign {
        kind: "coin".into(),
        spends: Vec::new(),
        payer: None,
        window: None,
        content: Encoded::default().0,
    };
    let wire = Wire {
        protocol: ProtocolId::new("coin/1"),
        offer: Encoded::default(),
        answer: Encoded::default(),
    };
    Claim::new(requirement, Authorization::Foreign(foreign), wire)
}

fn now<T>(future: Boxed<'_, Result<T, SeamError>>) -> Result<T, SeamError> {
    match pin!(future).poll(&mut Context::from_waker(Waker::noop())) {
        Poll::Ready(value) => value,
        Poll::Pending => panic!("nothing here waits"),
    }
}

#[test]
fn s15_a_claim_goes_to_the_facilitator_of_its_chain_and_to_no_other() {
    let (one, two) = (Arc::new(Till::default()), Arc::new(Till::default()));
    let all = Facilitators::new()
        .chain(ChainId::eip155(1), one.clone())
        .chain(ChainId::eip155(2), two.clone());
    for _ in 0..3 {
        let settled = now(all.settle(&claim(2), Step::Charge(Amount::ZERO))).unwrap();
        assert!(matches!(settled, Settlement::Settled(_)));
    }
    // One that is busy is not gone around.
    assert!(now(all.verify(&claim(1))).is_err());
    assert_eq!(
        (one.0.load(Ordering::SeqCst), two.0.load(Ordering::SeqCst)),
        (0, 3)
    );
    let kinds = now(all.supported()).unwrap();
    let chains: Vec<_> = kinds.iter().map(|kind| kind.chain.to_string()).collect();
    assert_eq!(chains, ["eip155:1", "eip155:2"]);
}

#[test]
fn a_chain_of_nobody_is_refused_and_what_is_unknown_stays_so() {
    let all = Facilitators::new();
    let refused = Reason::UnsupportedNetwork;
    assert_eq!(
        now(all.verify(&claim(3))).unwrap(),
        Verdict::Invalid(refused.clone())
    );
    let step = Step::Charge(Amount::ZERO);
    assert_eq!(
        now(all.settle(&claim(3), step)).unwrap(),
        Settlement::Declined(refused)
    );
    let pending = Pending::new(None, Timestamp::from_secs(1), "lost");
    assert_eq!(
        now(all.resolve(&claim(3), &pending)).unwrap(),
        Settlement::Unknown(pending.clone())
    );
}
