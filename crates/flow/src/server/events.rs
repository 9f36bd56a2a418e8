use crate::server::exposure::Crowded;
use http402_core::{Amount, Claim, Pending, Reason, Receipt, Verdict};

/// Something that happened to a claim. No secret is in it: claims print without signatures and bytes.
#[derive(Debug)]
#[non_exhaustive]
pub enum Event<'a> {
    /// Judged, by the judge or by the facilitator.
    Judged(&'a Verdict),
    /// Reserved: from here on no other request can use it.
    Reserved,
    /// Released: the request ended before settlement.
    Released,
    /// Settled.
    Settled(&'a Receipt),
    /// Definitely not settled.
    Declined(&'a Reason),
    /// The outcome of the settlement is not known.
    Unknown(&'a Pending),
    /// Refused before anything was done with it: too many payments are unsettled.
    Crowded(Crowded),
    /// Delivered, and then taken back by the chain. It is told at least once.
    Reversed(&'a Reason),
    /// Delivered; `again` when it was a stored response.
    Delivered {
        /// What it was paid with.
        amount: Amount,
        /// Whether the response was a stored one.
        again: bool,
    },
    /// The ledger could not be asked.
    LedgerFailed(&'a (dyn std::error::Error + Send + Sync)),
    /// The facilitator could not be asked.
    FacilitatorFailed(&'a (dyn std::error::Error + Send + Sync)),
}

/// Hears what happens, for logs and metrics. It must return quickly.
pub trait Events: Send + Sync {
    /// Something happened to `claim`.
    fn event(&self, claim: &Claim, event: &Event<'_>);
}

/// Hears nothing.
#[derive(Clone, Copy, Debug, Default)]
pub struct NoEvents;

impl Events for NoEvents {
    fn event(&self, _: &Claim, _: &Event<'_>) {}
}
