use super::{draft, payload, report, told, value};
use crate::{V1, header, network, reason, scheme::exact, v1};
use http::{HeaderMap, HeaderName, StatusCode};
use http402_core::{
    Claim, Encoded, ParseError, Party, ProtocolId, Reason, Settlement, Timestamp, Wire,
    json::{Document, Json, array, quote},
    protocol::{
        Answer, Asked, ClaimError, ClientProtocol, Draft, Offer, Offers, Protocol, Refusal,
        Refused, Told,
    },
};

static PAYMENT: [HeaderName; 1] = [HeaderName::from_static("x-payment")];
static RESPONSE: [HeaderName; 1] = [HeaderName::from_static("x-payment-response")];

/// How far back an authorization of version 1 begins to hold, in seconds: its clients do so, for chains whose clock is late.
const BACKDATED: u64 = 600;

/// x402 version 1 over HTTP, the scheme `exact`: the seller's side and the buyer's.
#[derive(Clone, Copy, Debug, Default)]
pub struct X402V1;

impl Protocol for X402V1 {
    fn id(&self) -> ProtocolId {
        V1
    }

    fn answers(&self, headers: &HeaderMap) -> usize {
        headers.get_all(&PAYMENT[0]).iter().count()
    }

    fn claim(&self, asked: &Asked<'_>, headers: &HeaderMap) -> Result<Claim, ClaimError> {
        let raw = headers
            .get(&PAYMENT[0])
            .ok_or_else(|| ParseError::new("X-PAYMENT", "missing"))?;
        let text = header::decode("X-PAYMENT", raw.as_bytes())?;
        let here = |error: ParseError| error.inside("X-PAYMENT");
        let document = Document::parse(&text).map_err(here)?;
        let json = document.root();
        if json.need("x402Version").map_err(here)?.as_u64() != Some(1) {
            return Err(ClaimError::Refused(Reason::UnsupportedVersion));
        }
        let answer = v1::PaymentPayload::parse(&text).map_err(here)?;
        if &*answer.scheme != exact::NAME {
            return Err(ClaimError::Refused(Reason::UnsupportedScheme));
        }
        let chain = network::chain(&answer.network)
            .ok_or(ClaimError::Refused(Reason::UnsupportedNetwork))?;
        let payload = Document::parse(answer.payload())?;
        let payload = payload.root();
        let mut refused = ClaimError::Refused(Reason::NoMatchingOffer);
        // An answer of version 1 does not say which offer it accepts: the one on its network whose amount it pays.
        for requirement in asked.requirements.iter().chain(asked.earlier) {
            let Some(offer) =
                v1::PaymentRequirements::offer(requirement, asked.resource, asked.method.as_str())
            else {
                continue;
            };
            if requirement.chain != chain {
                continue;
            }
            let authorization = exact::authorization(payload, requirement)?;
            let wire = Wire {
                protocol: V1,
                offer: Encoded::new(offer.encode().as_bytes().to_vec()),
                answer: Encoded::new(answer.encode().as_bytes().to_vec()),
            };
            let claim = Claim::new(requirement.clone(), authorization, wire);
            match pays(&claim) {
                Ok(()) => return Ok(claim),
                Err(why) => refused = ClaimError::Refused(why),
            }
        }
        Err(refused)
    }

    fn offer(&self, asked: &Asked<'_>, why: &Reason, out: &mut Refusal) -> Result<(), ParseError> {
        let mut networks = Vec::new();
        let mut offers = Vec::new();
        for requirement in asked.requirements {
            let offer =
                v1::PaymentRequirements::offer(requirement, asked.resource, asked.method.as_str());
            // Clients of version 1 take the first of a network: more are of no use to them.
            if let Some(offer) = offer.filter(|offer| !networks.contains(&offer.network)) {
                networks.push(offer.network.clone());
                offers.push(offer);
            }
        }
        if offers.is_empty() {
            return Err(ParseError::new(
                "requirements",
                "none can be offered in version 1",
            ));
        }
        let mut error = String::new();
        quote(reason::v1(why), &mut error);
        out.member("x402Version", "1");
        out.member("error", error);
        out.member(
            "accepts",
            array(offers.iter().map(v1::PaymentRequirements::encode)),
        );
        Ok(())
    }

    fn report(&self, claim: &Claim, outcome: &Settlement, _: Told, out: &mut HeaderMap) {
        report(&RESPONSE[0], claim, outcome, out);
    }

    fn request_headers(&self) -> &[HeaderName] {
        &PAYMENT
    }

    fn response_headers(&self) -> &[HeaderName] {
        &RESPONSE
    }
}

/// Whether the authorization pays the requirement's amount to its payee.
fn pays(claim: &Claim) -> Result<(), Reason> {
    match &claim.authorization {
        http402_core::Authorization::Eip3009(signed) => {
            if claim.requirement.pay_to.evm() != Some(signed.to) {
                return Err(Reason::RecipientMismatch);
            }
            if claim.amount().units() != signed.value {
                return Err(Reason::AmountMismatch);
            }
            Ok(())
        }
        _ => Err(Reason::MethodMismatch),
    }
}

impl ClientProtocol for X402V1 {
    fn id(&self) -> ProtocolId {
        V1
    }

    fn carried(&self, headers: &HeaderMap) -> bool {
        headers.contains_key(&PAYMENT[0])
    }

    fn offers(&self, refused: &Refused<'_>) -> Result<Offers, ParseError> {
        let mut offers = Offers::default();
        let Ok(text) = std::str::from_utf8(refused.body) else {
            return Ok(offers);
        };
        // Any 402 has some body; it is of this version when it says so.
        let version = match Document::parse(text) {
            Ok(json) => json.root().get("x402Version").and_then(Json::as_u64),
            Err(_) => None,
        };
        if refused.status != StatusCode::PAYMENT_REQUIRED || version != Some(1) {
            return Ok(offers);
        }
        let document = v1::PaymentRequired::parse(text)?;
        for (at, accept) in document.accepts.into_iter().enumerate() {
            let read = accept.and_then(|accept| {
                let requirement = accept.requirement();
                let requirement =
                    requirement.map_err(|error| error.inside(&format!("accepts[{at}]")))?;
                Ok((
                    requirement,
                    Encoded::new(accept.encode().as_bytes().to_vec()),
                ))
            });
            match read {
                Ok((requirement, encoded)) => {
                    offers.usable.push(Offer::new(
                        V1,
                        at,
                        requirement,
                        encoded,
                        Encoded::default(),
                    ));
                }
                Err(error) => offers.rejected.push((at, error)),
            }
        }
        Ok(offers)
    }

    fn draft(
        &self,
        offer: &Offer,
        payer: &Party,
        now: Timestamp,
        entropy: [u8; 32],
    ) -> Result<Draft, Reason> {
        draft(offer, payer, now.minus(BACKDATED), now, entropy)
    }

    fn answer(&self, offer: &Offer, draft: &Draft, signature: &[u8]) -> Result<Answer, ParseError> {
        let network = network::name(&offer.requirement.chain)
            .ok_or_else(|| ParseError::new("network", "not a network of version 1"))?;
        let document = v1::PaymentPayload::new(exact::NAME, network, &payload(draft, signature)?);
        Ok(Answer::new(vec![(
            PAYMENT[0].clone(),
            value(document.encode())?,
        )]))
    }

    fn outcome(
        &self,
        offer: &Offer,
        _: StatusCode,
        headers: &HeaderMap,
        now: Timestamp,
    ) -> Result<Option<Settlement>, ParseError> {
        told(
            "X-PAYMENT-RESPONSE",
            &RESPONSE[0],
            &offer.requirement,
            headers,
            now,
        )
    }
}
