//! From an approved answer to its outcome.

use super::{Attempt, Policy, attempt::Body};
use crate::record::Corrupt;
use http::{HeaderMap, StatusCode};
use http402_core::{
    B256, ParseError, Pending, Reason, Receipt, Settlement, Timestamp,
    ledger::{Expect, Key, Phase, Versioned, Write},
    protocol::{ClientProtocol, Draft, Offer},
    seam::SeamError,
    typed::ToSign,
};
use std::{fmt, sync::Arc, time::Duration};

/// What every state with a record owns.
#[derive(Clone)]
pub(crate) struct Held {
    key: Key,
    version: u64,
    /// What the record says now.
    phase: Phase,
    body: Body,
}

impl Held {
    /// An attempt that is not recorded yet.
    pub(crate) fn planned(key: &Key, body: Body) -> Self {
        Self {
            key: key.clone(),
            version: 0,
            phase: Phase::Approved,
            body,
        }
    }

    pub(crate) fn of(key: &Key, found: &Versioned, body: Body) -> Self {
        Self {
            key: key.clone(),
            version: found.version,
            phase: found.record.phase,
            body,
        }
    }

    fn write(&self, phase: Phase, lease: Option<Timestamp>) -> Write {
        let expect = Expect::Version(self.version);
        self.body.write(&self.key, expect, phase, lease)
    }

    fn debug(&self, name: &str, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple(name).field(&self.attempt()).finish()
    }

    pub(crate) fn attempt(&self) -> Attempt {
        self.body.summary(&self.key)
    }

    pub(crate) fn body(&self) -> &Body {
        &self.body
    }

    pub(crate) fn body_mut(&mut self) -> &mut Body {
        &mut self.body
    }

    pub(crate) fn key(&self) -> &Key {
        &self.key
    }

    pub(crate) fn phase(&self) -> Phase {
        self.phase
    }

    /// The write that takes the record over for `holder`, or keeps what was learnt when there is none.
    pub(crate) fn hold(&mut self, holder: Option<(B256, Timestamp)>) -> Write {
        if let Some((holder, _)) = holder {
            self.body.holder = holder;
        }
        self.write(self.phase, holder.map(|(_, lease)| lease))
    }

    /// The write that closes the attempt.
    pub(crate) fn close(&self, phase: Phase) -> Write {
        self.write(phase, None)
    }

    /// Goes on when a write was made; `version` is the new one.
    pub(crate) fn wrote(&mut self, version: u64) {
        self.version = version;
    }
}

/// A record that was found in the ledger, of this process or another.
pub(crate) enum Resumed {
    /// Nothing has left: the same document may be signed again.
    Approved(Box<Approved>),
    /// Nothing has left, and the document can not be made again.
    Stale(Box<Held>),
    /// Signed bytes may have left.
    Sent(Box<Sent>),
    /// Signed bytes may have left, in a protocol that is not spoken here.
    Foreign(Box<Held>),
}

/// Reads a record back.
pub(crate) fn resume(
    protocols: &[Arc<dyn ClientProtocol>],
    policy: &Policy,
    key: &Key,
    found: &Versioned,
    now: Timestamp,
) -> Result<Resumed, Corrupt> {
    let held = Held::of(key, found, Body::decode(&found.record)?);
    let name = &*held.body.protocol;
    let protocol = protocols.iter().find(|known| known.id().as_str() == name);
    let approved = held.phase == Phase::Approved;
    let Some(protocol) = protocol.map(Arc::clone) else {
        let held = Box::new(held);
        return Ok(if approved {
            Resumed::Stale(held)
        } else {
            Resumed::Foreign(held)
        });
    };
    if !approved {
        return Ok(Resumed::Sent(Box::new(Sent { held, protocol })));
    }
    let body = &held.body;
    let offer = body.offer(protocol.id());
    let draft = protocol.draft(&offer, &body.payer, body.drafted, body.entropy.0);
    Ok(match draft {
        Ok(draft)
            if draft.authorization == body.authorization
                && body.window().open(now)
                && policy.approve(&offer, &body.payer, &draft, now).is_ok() =>
        {
            let approved = Approved::new(held, protocol, offer, draft);
            Resumed::Approved(Box::new(approved))
        }
        _ => Resumed::Stale(Box::new(held)),
    })
}

/// An answer that the policy has seen and that is charged to the budgets. Nothing is signed yet.
pub struct Approved {
    pub(crate) held: Held,
    protocol: Arc<dyn ClientProtocol>,
    offer: Offer,
    draft: Draft,
}

impl Approved {
    pub(crate) fn new(
        held: Held,
        protocol: Arc<dyn ClientProtocol>,
        offer: Offer,
        draft: Draft,
    ) -> Self {
        Self {
            held,
            protocol,
            offer,
            draft,
        }
    }

    /// What the wallet signs.
    pub fn to_sign(&self) -> &ToSign {
        &self.draft.to_sign
    }

    /// Which attempt it is.
    pub fn attempt(&self) -> Attempt {
        self.held.attempt()
    }

    /// Goes on with the wallet's signature.
    ///
    /// # Errors
    /// When the answer can not be encoded. Nothing has left.
    pub fn signed(self, signature: &[u8]) -> Result<Signed, (Box<Self>, ParseError)> {
        match self.protocol.answer(&self.offer, &self.draft, signature) {
            Ok(answer) => {
                let (mut held, protocol) = (self.held, self.protocol);
                held.body.keep(&answer);
                Ok(Signed { held, protocol })
            }
            Err(error) => Err((Box::new(self), error)),
        }
    }
}

impl fmt::Debug for Approved {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.held.debug("Approved", f)
    }
}

/// A signed answer. It leaves only after the ledger has it.
pub struct Signed {
    pub(crate) held: Held,
    protocol: Arc<dyn ClientProtocol>,
}

impl Signed {
    /// Whether the authorization has still time to be settled.
    pub fn is_open(&self, now: Timestamp) -> bool {
        self.held.body.window().open(now)
    }

    /// The write that must be made before the bytes leave. It conflicts when somebody else has taken the attempt over.
    pub fn write(&self, lease: Timestamp) -> Write {
        self.held.write(Phase::Sent, Some(lease))
    }

    /// Goes on when the write was made; `version` is the new one.
    pub fn recorded(mut self, version: u64) -> Sent {
        self.held.version = version;
        self.held.phase = Phase::Sent;
        Sent {
            held: self.held,
            protocol: self.protocol,
        }
    }
}

impl fmt::Debug for Signed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.held.debug("Signed", f)
    }
}

/// A signed answer that may leave, and leave again: always the same bytes.
pub struct Sent {
    pub(crate) held: Held,
    protocol: Arc<dyn ClientProtocol>,
}

impl Sent {
    /// Adds the credential to the head of the request.
    ///
    /// # Errors
    /// When the record is damaged.
    pub fn present(&self, head: &mut HeaderMap) -> Result<(), SeamError> {
        Ok(self.held.body.present(head)?)
    }

    /// Which attempt it is.
    pub fn attempt(&self) -> Attempt {
        self.held.attempt()
    }

    /// Whether the authorization can still be executed.
    pub fn is_open(&self, now: Timestamp) -> bool {
        self.held.body.window().end() > now
    }

    /// What the response to it shows.
    pub fn answered(mut self, status: StatusCode, headers: &HeaderMap, now: Timestamp) -> After {
        let body = &mut self.held.body;
        let offer = body.offer(self.protocol.id());
        let outcome = self.protocol.outcome(&offer, status, headers, now);
        let delivered = !status.is_client_error() && !status.is_server_error();
        let retry = retry_after(status, headers);
        if let Ok(Some(Settlement::Settled(receipt))) = &outcome {
            if !receipt.transaction.is_empty() {
                body.transaction = Some(receipt.transaction.clone());
            }
            body.spent = Some(receipt.clone());
        }
        if let Ok(Some(Settlement::Unknown(pending))) = &outcome {
            if pending.transaction.is_some() && body.spent.is_none() {
                body.transaction = pending.transaction.clone();
            }
        }
        let spent = body.spent.clone();
        // A response without a receipt is a delivery all the same, and the charge stays.
        if delivered {
            let receipt = spent;
            let done = Done { held: self.held };
            return After::Paid { done, receipt };
        }
        let sent = self;
        match (spent, outcome) {
            (Some(receipt), _) => After::Spent {
                sent,
                receipt,
                retry,
            },
            (None, Ok(Some(Settlement::Declined(reason)))) if retry.is_none() => After::Refused {
                sent,
                reason: Some(reason),
            },
            (None, Ok(None)) if status == StatusCode::PAYMENT_REQUIRED => {
                After::Refused { sent, reason: None }
            }
            (None, outcome) => {
                let pending = match outcome {
                    Ok(Some(Settlement::Unknown(pending))) => Some(pending),
                    _ => None,
                };
                After::Unknown {
                    sent,
                    pending,
                    retry,
                }
            }
        }
    }
}

impl fmt::Debug for Sent {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.held.debug("Sent", f)
    }
}

/// What a response to signed bytes shows. Everything but [`After::Paid`] leaves the attempt open and charged: no response
/// proves that a signature will not be used.
#[derive(Debug)]
#[non_exhaustive]
pub enum After {
    /// Delivered.
    Paid {
        /// The end.
        done: Done,
        /// The receipt, where there was one.
        receipt: Option<Receipt>,
    },
    /// The seller does not take it.
    Refused {
        /// The attempt.
        sent: Sent,
        /// Why, where the seller says it.
        reason: Option<Reason>,
    },
    /// Paid, and not delivered.
    Spent {
        /// The attempt.
        sent: Sent,
        /// The receipt.
        receipt: Receipt,
        /// When the same bytes may be presented again, where it makes sense.
        retry: Option<Retry>,
    },
    /// It may have been paid.
    Unknown {
        /// The attempt.
        sent: Sent,
        /// What the seller says of it.
        pending: Option<Pending>,
        /// When the same bytes may be presented again, where it makes sense.
        retry: Option<Retry>,
    },
}

/// When to present the same bytes again.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Retry {
    /// After a pause of one's own choice.
    Soon,
    /// After the pause that the seller asked for.
    After(Duration),
}

/// Whether a response asks to be asked again: with Retry-After, or by a status that speaks of a passing fault. A 402 never
/// does, and neither does a plain 500: it is the application's answer.
fn retry_after(status: StatusCode, headers: &HeaderMap) -> Option<Retry> {
    if status == StatusCode::PAYMENT_REQUIRED || status.as_u16() < 400 {
        return None;
    }
    let asked = headers
        .get(http::header::RETRY_AFTER)
        .and_then(|value| value.to_str().ok()?.trim().parse().ok());
    if let Some(secs) = asked {
        return Some(Retry::After(Duration::from_secs(secs)));
    }
    matches!(status.as_u16(), 408 | 425 | 429 | 502 | 503 | 504).then_some(Retry::Soon)
}

/// The end of a purchase that was paid and delivered.
pub struct Done {
    pub(crate) held: Held,
}

impl Done {
    /// The write that closes the attempt.
    pub fn write(&self) -> Write {
        self.held.write(Phase::Paid, None)
    }

    /// Which attempt it was.
    pub fn attempt(&self) -> Attempt {
        self.held.attempt()
    }
}

impl fmt::Debug for Done {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.held.debug("Done", f)
    }
}
