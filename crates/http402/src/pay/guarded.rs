//! Offers to payees whose key the whole world knows, on a chain with money, are not answered.

use crate::wallet;
use http::{HeaderMap, HeaderName, HeaderValue, StatusCode};
use http402_core::{
    ParseError, Party, ProtocolId, Reason, Settlement, Timestamp,
    protocol::{Answer, ClientProtocol, Draft, Offer, Offers, Refused},
};

pub(super) struct Guarded<P>(pub(super) P);

impl<P: ClientProtocol> ClientProtocol for Guarded<P> {
    fn id(&self) -> ProtocolId {
        self.0.id()
    }

    fn carried(&self, headers: &HeaderMap) -> bool {
        self.0.carried(headers)
    }

    fn hints(&self) -> Vec<(HeaderName, HeaderValue)> {
        self.0.hints()
    }

    fn fields(&self, offer: &Offer) -> Vec<HeaderName> {
        self.0.fields(offer)
    }

    fn offers(&self, refused: &Refused<'_>) -> Result<Offers, ParseError> {
        let mut offers = self.0.offers(refused)?;
        let mut bad = Vec::new();
        offers.usable.retain(|offer| {
            let payee = offer.requirement.pay_to.evm();
            let known =
                payee.is_some_and(|it| wallet::check(&offer.requirement.chain, &it).is_err());
            if known {
                let why = "the payee's key is known to the whole world";
                bad.push((offer.position, ParseError::new("payTo", why)));
            }
            !known
        });
        offers.rejected.append(&mut bad);
        Ok(offers)
    }

    fn draft(
        &self,
        offer: &Offer,
        payer: &Party,
        now: Timestamp,
        entropy: [u8; 32],
    ) -> Result<Draft, Reason> {
        self.0.draft(offer, payer, now, entropy)
    }

    fn answer(&self, offer: &Offer, draft: &Draft, signature: &[u8]) -> Result<Answer, ParseError> {
        self.0.answer(offer, draft, signature)
    }

    fn outcome(
        &self,
        offer: &Offer,
        status: StatusCode,
        headers: &HeaderMap,
        now: Timestamp,
    ) -> Result<Option<Settlement>, ParseError> {
        self.0.outcome(offer, status, headers, now)
    }
}
