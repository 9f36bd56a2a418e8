//! Whether a server honours a challenge that came back, whatever its method and intent.
//!
//! [`http::Mpp`](crate::http::Mpp) does all of this for the methods that it offers, and looks at the route and at the body as
//! well. A server of another method begins here.

use crate::{Carrier, Challenge, KeyRing};
use http402_core::{Reason, Timestamp, json::Document};

/// What a server asks for on a route.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Route<'a> {
    /// `realm`.
    pub realm: &'a str,
    /// `method`.
    pub method: &'a str,
    /// `intent`.
    pub intent: &'a str,
    /// `request`: a JSON object. Its members may come back in another order.
    pub request: &'a str,
    /// The field in which the credential has to come.
    pub carrier: Carrier,
}

impl<'a> Route<'a> {
    /// A route whose credentials come in `Authorization`.
    pub const fn new(realm: &'a str, method: &'a str, intent: &'a str, request: &'a str) -> Self {
        Self {
            realm,
            method,
            intent,
            request,
            carrier: Carrier::Authorization,
        }
    }

    /// Whether `challenge` was made with one of these secrets, for this route, and has not expired. One without an end was
    /// not made by a server like this.
    ///
    /// # Errors
    /// [`Reason::NoMatchingOffer`] when it was not made here or for something else, and then [`Reason::OfferExpired`].
    pub fn honours(
        &self,
        challenge: &Challenge,
        keys: &KeyRing,
        now: Timestamp,
    ) -> Result<(), Reason> {
        let ours = || {
            let bound = Document::parse(challenge.request()).ok()?;
            let ours = Document::parse(self.request).ok()?;
            Some(ours.root().same(bound.root()))
        };
        let made = keys.verify(&challenge.slots(), challenge.id())
            && challenge.realm() == self.realm
            && challenge.method() == self.method
            && challenge.intent() == self.intent
            && challenge.carrier() == self.carrier
            && ours() == Some(true);
        match challenge.expires() {
            Some(expires) if made && expires > now => Ok(()),
            Some(_) if made => Err(Reason::OfferExpired),
            _ => Err(Reason::NoMatchingOffer),
        }
    }
}
