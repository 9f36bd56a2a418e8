use super::{draft, payload, report, told, value};
use crate::{V2, extension::payment_identifier, header, reason, scheme::exact, v2};
use http::{HeaderMap, HeaderName, HeaderValue, StatusCode};
use http402_core::{
    Claim, Encoded, ParseError, Party, ProtocolId, Reason, Requirement, Resource, Settlement,
    Timestamp, TokenDomain, Wire,
    json::{Document, Json, Object},
    protocol::{
        Answer, Asked, ClaimError, ClientProtocol, Draft, Offer, Offers, Protocol, Refusal,
        Refused, Told,
    },
};
use std::{cell::RefCell, collections::VecDeque, rc::Rc};

static REQUIRED: HeaderName = HeaderName::from_static("payment-required");
static SIGNATURE: [HeaderName; 1] = [HeaderName::from_static("payment-signature")];
static RESPONSES: [HeaderName; 2] = [
    HeaderName::from_static("payment-required"),
    HeaderName::from_static("payment-response"),
];

/// x402 version 2 over HTTP, the scheme `exact`: the seller's side and the buyer's.
#[derive(Clone, Copy, Debug, Default)]
pub struct X402V2;

impl Protocol for X402V2 {
    fn id(&self) -> ProtocolId {
        V2
    }

    fn answers(&self, headers: &HeaderMap) -> usize {
        headers.get_all(&SIGNATURE[0]).iter().count()
    }

    fn claim(&self, asked: &Asked<'_>, headers: &HeaderMap) -> Result<Claim, ClaimError> {
        let raw = headers
            .get(&SIGNATURE[0])
            .ok_or_else(|| ParseError::new("PAYMENT-SIGNATURE", "missing"))?;
        let text = header::decode("PAYMENT-SIGNATURE", raw.as_bytes())?;
        let here = |error: ParseError| error.inside("PAYMENT-SIGNATURE");
        let document = Document::parse(&text).map_err(here)?;
        let json = document.root();
        if json.need("x402Version").map_err(here)?.as_u64() != Some(2) {
            return Err(ClaimError::Refused(Reason::UnsupportedVersion));
        }
        let parts = v2::Parts::of(json).map_err(here)?;
        let (requirement, offer, objection) = matching(asked, &parts)?;
        let authorization = exact::authorization(parts.payload, &requirement)?;
        let id = payment_identifier::id(parts.extensions).map_err(here)?;
        // The answer is what was decoded, and not a copy of it, unless there is white space around it.
        let all = json.raw().len();
        let answer = if all == text.len() {
            Encoded::new(text.into_bytes())
        } else {
            Encoded::new(json.raw().as_bytes().to_vec())
        };
        let wire = Wire {
            protocol: V2,
            offer,
            answer,
        };
        let mut claim = Claim::new(requirement, authorization, wire);
        claim.objection = objection;
        claim.id = id;
        Ok(claim)
    }

    fn offer(&self, asked: &Asked<'_>, why: &Reason, out: &mut Refusal) -> Result<(), ParseError> {
        refuse(asked, why, None, out)
    }

    fn report(&self, claim: &Claim, outcome: &Settlement, _: Told, out: &mut HeaderMap) {
        report(&RESPONSES[1], claim, outcome, out);
    }

    fn request_headers(&self) -> &[HeaderName] {
        &SIGNATURE
    }

    fn response_headers(&self) -> &[HeaderName] {
        &RESPONSES
    }
}

fn refuse(
    asked: &Asked<'_>,
    why: &Reason,
    extensions: Option<Box<str>>,
    out: &mut Refusal,
) -> Result<(), ParseError> {
    let value = Written::of(asked, reason::v2(why), extensions)?;
    out.headers.insert(REQUIRED.clone(), value);
    Ok(())
}

impl X402V2 {
    /// The seller's side that tells buyers in each refusal to name their payments (the extension `payment-identifier`): a retry
    /// under the same name is not paid for twice. Names are read also where nobody is told.
    pub const fn identified(self) -> Identified {
        Identified { required: false }
    }
}

/// [`X402V2`] for sellers who want each payment to have a name; see [`X402V2::identified`].
///
/// ```
/// use http402_x402::http::X402V2;
/// let optional = X402V2.identified();
/// let required = X402V2.identified().required();
/// ```
#[derive(Clone, Copy, Debug)]
pub struct Identified {
    required: bool,
}

impl Identified {
    /// A payment without a name is refused with status 400.
    #[must_use]
    pub const fn required(mut self) -> Self {
        self.required = true;
        self
    }
}

impl Protocol for Identified {
    fn id(&self) -> ProtocolId {
        V2
    }

    fn answers(&self, headers: &HeaderMap) -> usize {
        X402V2.answers(headers)
    }

    fn claim(&self, asked: &Asked<'_>, headers: &HeaderMap) -> Result<Claim, ClaimError> {
        let claim = X402V2.claim(asked, headers)?;
        if self.required && claim.id.is_none() {
            return Err(payment_identifier::missing().into());
        }
        Ok(claim)
    }

    fn offer(&self, asked: &Asked<'_>, why: &Reason, out: &mut Refusal) -> Result<(), ParseError> {
        let extensions = payment_identifier::asked(self.required);
        refuse(asked, why, Some(extensions), out)
    }

    fn report(&self, claim: &Claim, outcome: &Settlement, with: Told, out: &mut HeaderMap) {
        X402V2.report(claim, outcome, with, out);
    }

    fn request_headers(&self) -> &[HeaderName] {
        &SIGNATURE
    }

    fn response_headers(&self) -> &[HeaderName] {
        &RESPONSES
    }
}

/// A requirement in the words of version 2.
struct Issued {
    requirement: Requirement,
    offer: v2::PaymentRequirements,
    encoded: Encoded,
}

thread_local! {
    /// What this thread was asked for last, the newest last. A route asks for the same with every request, and to write an
    /// offer takes as long as to read the answer to it.
    static ISSUED: RefCell<VecDeque<Rc<Issued>>> = const { RefCell::new(VecDeque::new()) };
}

impl Issued {
    /// How many are kept.
    const KEPT: usize = 16;

    /// `None` when version 2 has no words for it.
    fn of(requirement: &Requirement) -> Option<Rc<Self>> {
        let known = ISSUED.with_borrow(|all| {
            let mut all = all.iter();
            all.find(|one| one.requirement == *requirement).cloned()
        });
        if known.is_some() {
            return known;
        }
        let offer = v2::PaymentRequirements::offer(requirement).ok()?;
        let mut requirement = requirement.clone();
        // What is cloned of it for every payment is counted by this thread alone.
        if let Some(TokenDomain { name, version }) = &mut requirement.domain {
            *name = (&**name).into();
            *version = (&**version).into();
        }
        let issued = Rc::new(Self {
            requirement,
            encoded: Encoded::new(offer.encode().as_bytes().to_vec()),
            offer,
        });
        ISSUED.with_borrow_mut(|all| {
            if all.len() >= Self::KEPT {
                all.pop_front();
            }
            all.push_back(issued.clone());
        });
        Some(issued)
    }
}

/// A refusal that was written.
struct Written {
    requirements: Box<[Requirement]>,
    resource: Resource,
    why: Box<str>,
    extensions: Option<Box<str>>,
    value: HeaderValue,
}

thread_local! {
    /// What this thread refused last, the newest last: to whoever does not pay a route says the same again and again.
    static WRITTEN: RefCell<VecDeque<Written>> = const { RefCell::new(VecDeque::new()) };
}

impl Written {
    /// How many are kept, and the longest of them: a resource may be named by whoever asks.
    const KEPT: usize = 16;
    const LONGEST: usize = 8 * 1024;

    /// The header's value of the refusal.
    fn of(
        asked: &Asked<'_>,
        why: &str,
        extensions: Option<Box<str>>,
    ) -> Result<HeaderValue, ParseError> {
        let known = WRITTEN.with_borrow(|all| {
            let same = |one: &&Self| {
                &*one.why == why
                    && one.extensions == extensions
                    && one.resource == *asked.resource
                    && *one.requirements == *asked.requirements
            };
            all.iter().rev().find(same).map(|one| one.value.clone())
        });
        if let Some(value) = known {
            return Ok(value);
        }
        let offers: Vec<_> = asked
            .requirements
            .iter()
            .filter_map(|one| Some(Issued::of(one)?.offer.clone()))
            .collect();
        if offers.is_empty() {
            return Err(ParseError::new(
                "requirements",
                "none can be offered in version 2",
            ));
        }
        let resource = asked.resource.into();
        let document = v2::PaymentRequired::extended(why, resource, offers, extensions.clone());
        let value = value(document.encode())?;
        if value.len() <= Self::LONGEST {
            let written = Self {
                requirements: asked.requirements.into(),
                resource: asked.resource.clone(),
                why: why.into(),
                extensions,
                value: value.clone(),
            };
            WRITTEN.with_borrow_mut(|all| {
                if all.len() >= Self::KEPT {
                    all.pop_front();
                }
                all.push_back(written);
            });
        }
        Ok(value)
    }
}

/// The requirement whose offer was accepted, those of now before those of earlier; else what the answer says to have accepted,
/// with the objection that it is not offered.
fn matching(
    asked: &Asked<'_>,
    parts: &v2::Parts<'_>,
) -> Result<(Requirement, Encoded, Option<Reason>), ClaimError> {
    let mut read = None;
    let mut why = Reason::NoMatchingOffer;
    for (at, requirement) in asked.requirements.iter().chain(asked.earlier).enumerate() {
        let Some(issued) = Issued::of(requirement) else {
            continue;
        };
        // Nearly every client echoes the offer to the letter: then there is nothing to read.
        let matched = if issued.offer.encode() == parts.accepted.raw() {
            Ok(())
        } else {
            issued.offer.matches(accepted(&mut read, parts)?)
        };
        match matched {
            Ok(()) => {
                let requirement = issued.requirement.clone();
                return Ok((requirement, issued.encoded.clone(), None));
            }
            // With one offer alone the difference can be told.
            Err(reason) if at == 0 && asked.requirements.len() == 1 => why = reason,
            Err(_) => {}
        }
    }
    let accepted = accepted(&mut read, parts)?;
    match accepted.requirement() {
        Ok(requirement) => {
            let offer = Encoded::new(accepted.encode().as_bytes().to_vec());
            Ok((requirement, offer, Some(why)))
        }
        Err(_) => Err(ClaimError::Refused(why)),
    }
}

/// What was accepted, read when it is needed, and once.
fn accepted<'a>(
    read: &'a mut Option<v2::PaymentRequirements>,
    parts: &v2::Parts<'_>,
) -> Result<&'a v2::PaymentRequirements, ParseError> {
    if let Some(read) = read {
        return Ok(read);
    }
    let accepted = parts.accepted();
    Ok(read.insert(accepted.map_err(|error| error.inside("PAYMENT-SIGNATURE"))?))
}

impl ClientProtocol for X402V2 {
    fn id(&self) -> ProtocolId {
        V2
    }

    fn carried(&self, headers: &HeaderMap) -> bool {
        headers.contains_key(&SIGNATURE[0])
    }

    fn offers(&self, refused: &Refused<'_>) -> Result<Offers, ParseError> {
        let mut offers = Offers::default();
        let Some(raw) = refused.headers.get(&REQUIRED) else {
            return Ok(offers);
        };
        let text = header::decode("PAYMENT-REQUIRED", raw.as_bytes())?;
        let document =
            v2::PaymentRequired::parse(&text).map_err(|error| error.inside("PAYMENT-REQUIRED"))?;
        let context = Object::new()
            .maybe_raw(
                "resource",
                document.resource.as_ref().map(v2::ResourceInfo::encode),
            )
            .maybe_raw("extensions", document.extensions())
            .finish();
        let context = Encoded::new(context.as_bytes().to_vec());
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
                    offers
                        .usable
                        .push(Offer::new(V2, at, requirement, encoded, context.clone()));
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
        draft(offer, payer, Timestamp::from_secs(0), now, entropy)
    }

    fn answer(&self, offer: &Offer, draft: &Draft, signature: &[u8]) -> Result<Answer, ParseError> {
        let utf8 =
            |bytes| std::str::from_utf8(bytes).map_err(|_| ParseError::new("offer", "not UTF-8"));
        let accepted = v2::PaymentRequirements::parse(utf8(offer.encoded.as_slice())?)?;
        let context = Document::parse(utf8(offer.context.as_slice())?)?;
        let context = context.root();
        let extensions = context.get("extensions");
        let extensions = extensions.map(|it| payment_identifier::answered(it, &draft.spends));
        let document = v2::PaymentPayload::new(
            accepted,
            &payload(draft, signature)?,
            context.get("resource").map(Json::raw),
            extensions.transpose()?.as_deref(),
        );
        Ok(Answer::new(vec![(
            SIGNATURE[0].clone(),
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
            "PAYMENT-RESPONSE",
            &RESPONSES[1],
            &offer.requirement,
            headers,
            now,
        )
    }
}
