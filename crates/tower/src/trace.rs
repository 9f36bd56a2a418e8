use http402_core::{Claim, Verdict};
use http402_flow::server::{Event, Events};

/// Tells what happens to claims as `tracing` events under the target `http402`, without secrets, and passes it on.
#[derive(Clone, Debug, Default)]
pub struct Traced<E>(pub E);

impl<E: Events> Events for Traced<E> {
    fn event(&self, claim: &Claim, event: &Event<'_>) {
        let protocol = claim.wire.protocol.as_str();
        let key = claim.spends.first().map_or("", |key| key.as_str());
        match event {
            Event::Judged(Verdict::Invalid(reason)) => {
                tracing::info!(target: "http402", protocol, key, reason = reason.code(), "refused");
            }
            Event::Judged(_) => tracing::debug!(target: "http402", protocol, key, "judged"),
            Event::Reserved => tracing::debug!(target: "http402", protocol, key, "reserved"),
            Event::Released => tracing::info!(target: "http402", protocol, key, "released"),
            Event::Settled(receipt) => {
                tracing::info!(target: "http402", protocol, key, transaction = %receipt.transaction, amount = %receipt.amount, "settled");
            }
            Event::Declined(reason) => {
                tracing::info!(target: "http402", protocol, key, reason = reason.code(), "declined");
            }
            Event::Unknown(pending) => {
                tracing::warn!(target: "http402", protocol, key, why = %pending.why, "outcome unknown");
            }
            Event::Delivered { amount, again } => {
                tracing::info!(target: "http402", protocol, key, %amount, again, "delivered");
            }
            Event::LedgerFailed(error) => {
                tracing::error!(target: "http402", protocol, key, error = %error, "ledger failed");
            }
            Event::FacilitatorFailed(error) => {
                tracing::error!(target: "http402", protocol, key, error = %error, "facilitator failed");
            }
            _ => tracing::debug!(target: "http402", protocol, key, "event"),
        }
        self.0.event(claim, event);
    }
}
