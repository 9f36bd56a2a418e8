use super::{ACCEPT_PAYMENT, CREDENTIALS, RECEIPT, credentials};
use crate::{
    AcceptPayment, Carrier, Challenge, Credential, KeyRing, MPP, Problem, Receipt,
    challenge::Terms,
    digest,
    method::{CHARGE, evm, tempo},
    problem::Kind,
    scope,
};
use http::{HeaderMap, HeaderName, HeaderValue, StatusCode, header::WWW_AUTHENTICATE};
use http402_core::{
    Claim, Encoded, ParseError, Price, ProtocolId, Reason, Requirement, Settlement, Wire,
    asset::Assets,
    json::{Document, Json, quote},
    protocol::{Asked, ClaimError, Protocol, Refusal, Told},
    seam::Entropy,
};
use std::{fmt, sync::Arc};

/// How long a challenge is honoured, unless configured otherwise, in seconds.
const LIFETIME: u64 = 300;
/// The shortest time that suffices to pay, in seconds.
const MIN_LIFETIME: u64 = 15;

/// The seller's side: charges on Tempo and on EVM chains.
///
/// A challenge is bound to realm, method, price, expiry, body and route by its id. So it is honoured until it expires, by
/// every replica with the same secret, whatever the price has become since; and for nothing else.
#[derive(Clone)]
pub struct Mpp {
    realm: Box<str>,
    keys: KeyRing,
    entropy: Arc<dyn Entropy>,
    lifetime: u64,
    carrier: Carrier,
    tempo: tempo::Options,
    assets: Assets,
}

/// Why there is no such seller.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum ConfigError {
    /// The realm is empty, too long, or has other characters than printable ASCII without quotes and bars.
    Realm,
    /// Challenges would not live long enough to be paid, or for more than a day.
    Lifetime,
}

impl fmt::Display for ConfigError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Realm => {
                "a realm has 1 to 253 printable ASCII characters, and no quote, backslash or bar"
            }
            Self::Lifetime => "a challenge has to live for 15 seconds to a day",
        })
    }
}

impl std::error::Error for ConfigError {}

impl Mpp {
    /// A seller. `realm` is the host of the public base URL, by configuration and never by a request; `entropy` makes every
    /// challenge another.
    ///
    /// # Errors
    /// When the realm has not its form.
    pub fn new(
        realm: &str,
        keys: KeyRing,
        entropy: impl Entropy + 'static,
    ) -> Result<Self, ConfigError> {
        let allowed = |b: u8| (b' '..=b'~').contains(&b) && !b"\"\\|".contains(&b);
        if !(1..=253).contains(&realm.len()) || !realm.bytes().all(allowed) {
            return Err(ConfigError::Realm);
        }
        Ok(Self {
            realm: realm.into(),
            keys,
            entropy: Arc::new(entropy),
            lifetime: LIFETIME,
            carrier: Carrier::Authorization,
            tempo: tempo::Options::default(),
            assets: Assets::known(),
        })
    }

    /// How long a challenge is honoured, in seconds. Default: 300.
    ///
    /// # Errors
    /// When it is shorter than 15 seconds, or longer than a day.
    pub fn lifetime(mut self, secs: u64) -> Result<Self, ConfigError> {
        if !(MIN_LIFETIME..=86_400).contains(&secs) {
            return Err(ConfigError::Lifetime);
        }
        self.lifetime = secs;
        Ok(self)
    }

    /// Credentials come in `Payment-Authorization`, and count in no other field: for resources that need `Authorization` for
    /// something else.
    #[must_use]
    pub fn payment_authorization(mut self) -> Self {
        self.carrier = Carrier::PaymentAuthorization;
        self
    }

    /// How charges on Tempo may be paid.
    #[must_use]
    pub fn tempo(mut self, options: tempo::Options) -> Self {
        self.tempo = options;
        self
    }

    /// The tokens whose decimals are told. Default: the known ones.
    #[must_use]
    pub fn assets(mut self, assets: Assets) -> Self {
        self.assets = assets;
        self
    }

    /// The realm.
    pub fn realm(&self) -> &str {
        &self.realm
    }

    /// The method and the request for a requirement.
    fn request(&self, requirement: &Requirement) -> Option<(&'static str, Box<str>)> {
        if let Some(charge) = tempo::Charge::of(requirement, self.tempo) {
            return Some((tempo::NAME, charge.encode()));
        }
        let known = self.assets.find(&requirement.chain, &requirement.asset);
        let charge = evm::Charge::of(requirement, known.map(|asset| asset.decimals))?;
        Some((evm::NAME, charge.encode()))
    }

    /// The challenges for a request, in the order of its requirements: for carriers other than HTTP, too.
    ///
    /// # Errors
    /// When none of the requirements is one of these methods.
    pub fn challenges(&self, asked: &Asked<'_>) -> Result<Vec<Challenge>, ParseError> {
        let scope = scope::of(asked.method.as_str(), &asked.resource.url);
        let body = asked.body.map(digest::of);
        let mut all = Vec::new();
        for requirement in asked.requirements {
            let Some((method, request)) = self.request(requirement) else {
                continue;
            };
            let opaque = scope::opaque(&scope, self.entropy.bytes32());
            let expires = asked.now.plus(self.lifetime);
            let mut terms = Terms::new(&self.realm, method, CHARGE, &request, expires);
            terms.digest = body.as_deref();
            terms.carrier = self.carrier;
            terms.opaque = Some(&opaque);
            let description = &*asked.resource.description;
            let printable = !description.is_empty() && !description.chars().any(char::is_control);
            terms.description = printable.then_some(description);
            all.push(Challenge::issue(&terms, &self.keys)?);
        }
        if all.is_empty() {
            return Err(ParseError::new(
                "requirements",
                "none can be offered as a charge",
            ));
        }
        Ok(all)
    }

    /// The claim that a credential makes: for carriers other than HTTP, too.
    ///
    /// # Errors
    /// When its challenge is not one of this server for this request, or has expired; or when its payload is not what the
    /// challenge asks for.
    pub fn accept(&self, asked: &Asked<'_>, credential: &Credential) -> Result<Claim, Reason> {
        let challenge = credential.challenge();
        let objection = self.honour(asked, challenge)?;
        let (requirement, sold) = self.requirement(asked, challenge)?;
        let objection = objection.or((!sold).then_some(Reason::NoMatchingOffer));
        let reference = challenge.reference();
        let (source, payload) = (credential.source(), credential.payload());
        let authorization = match challenge.method() {
            tempo::NAME => tempo::Charge::parse(challenge.request())
                .map_err(|_| Reason::NoMatchingOffer)?
                .authorization(reference.clone(), source, payload)?,
            _ => evm::Charge::parse(challenge.request())
                .map_err(|_| Reason::NoMatchingOffer)?
                .authorization(&reference, source, payload)?,
        };
        let wire = Wire {
            protocol: MPP,
            offer: Encoded::new(challenge.to_json().as_bytes().to_vec()),
            answer: Encoded::new(credential.as_json().as_bytes().to_vec()),
        };
        let mut claim = Claim::new(requirement, authorization, wire);
        // One challenge is paid once, whatever pays it.
        let key = reference.spend_key();
        if !claim.spends.contains(&key) {
            claim.spends.insert(0, key);
        }
        claim.objection = objection;
        Ok(claim)
    }

    /// Whether the challenge is one that this server made. What is said against one that it did make is returned: it has
    /// expired, or is for another request.
    fn honour(&self, asked: &Asked<'_>, challenge: &Challenge) -> Result<Option<Reason>, Reason> {
        if !self.keys.verify(&challenge.slots(), challenge.id())
            || challenge.realm() != &*self.realm
            || challenge.intent() != CHARGE
            || challenge.carrier() != self.carrier
        {
            return Err(Reason::NoMatchingOffer);
        }
        let expires = challenge.expires().ok_or(Reason::NoMatchingOffer)?;
        let wanted = scope::of(asked.method.as_str(), &asked.resource.url);
        let scope = challenge.opaque().map(scope::read).transpose();
        if scope.ok().flatten().flatten() != Some(wanted) {
            return Ok(Some(Reason::RequestMismatch));
        }
        let same_body = match (challenge.digest(), asked.body) {
            (None, None) => true,
            (Some(digest), Some(body)) => digest::matches(digest, body),
            _ => false,
        };
        if !same_body {
            return Ok(Some(Reason::RequestMismatch));
        }
        Ok((expires <= asked.now).then_some(Reason::OfferExpired))
    }

    /// The seller's requirement that a challenge was made for: one of now, one of earlier, or, when the price has changed
    /// since and nobody remembers, one of now with the price that was bound. `false` when nothing like it is sold any more.
    fn requirement(
        &self,
        asked: &Asked<'_>,
        challenge: &Challenge,
    ) -> Result<(Requirement, bool), Reason> {
        let bound = Document::parse(challenge.request()).map_err(|_| Reason::NoMatchingOffer)?;
        let same = |requirement: &&Requirement| {
            self.request(requirement).is_some_and(|(method, request)| {
                let ours =
                    Document::parse(&request).is_ok_and(|ours| ours.root().same(bound.root()));
                ours && method == challenge.method()
            })
        };
        if let Some(found) = asked.requirements.iter().chain(asked.earlier).find(same) {
            return Ok((found.clone(), true));
        }
        let read = match challenge.method() {
            tempo::NAME => tempo::Charge::parse(challenge.request())
                .ok()
                .map(|charge| charge.requirement(LIFETIME)),
            evm::NAME => evm::Charge::parse(challenge.request())
                .ok()
                .and_then(|charge| charge.requirement(&self.assets, LIFETIME).ok()),
            _ => None,
        };
        let read = read.ok_or(Reason::NoMatchingOffer)?;
        let mut all = asked.requirements.iter().chain(asked.earlier);
        let kin = all.find(|one| {
            (&one.chain, &one.asset, &one.pay_to) == (&read.chain, &read.asset, &read.pay_to)
                && one.transfer == read.transfer
                && (one.price == Price::Nothing) == (read.price == Price::Nothing)
        });
        let Some(kin) = kin else {
            return Ok((read, false));
        };
        let mut requirement = kin.clone();
        (requirement.price, requirement.splits) = (read.price, read.splits);
        Ok((requirement, true))
    }
}

impl Protocol for Mpp {
    fn id(&self) -> ProtocolId {
        MPP
    }

    fn answers(&self, headers: &HeaderMap) -> usize {
        credentials(headers).len()
    }

    fn claim(&self, asked: &Asked<'_>, headers: &HeaderMap) -> Result<Claim, ClaimError> {
        let refused = ClaimError::Refused;
        let mut found = credentials(headers).into_iter();
        let (Some((field, token)), None) = (found.next(), found.next()) else {
            return Err(refused(Reason::PayloadMalformed));
        };
        // The scheme answers what can not be read with fresh challenges.
        let malformed = |_| refused(Reason::PayloadMalformed);
        let token = token.map_err(malformed)?;
        let credential = Credential::decode(&token).map_err(malformed)?;
        // In the other field a credential counts for nothing.
        if !field.as_str().eq_ignore_ascii_case(self.carrier.as_str()) {
            return Err(refused(Reason::NoMatchingOffer));
        }
        self.accept(asked, &credential).map_err(refused)
    }

    fn offer(&self, asked: &Asked<'_>, why: &Reason, out: &mut Refusal) -> Result<(), ParseError> {
        let mut challenges = self.challenges(asked)?;
        let values = asked.headers.map(|headers| {
            let values = headers.get_all(&ACCEPT_PAYMENT).iter();
            AcceptPayment::parse(values.map(HeaderValue::as_bytes))
        });
        if let Some(Ok(accept)) = values {
            challenges = accept.order(challenges, |one| (one.method(), one.intent()));
        }
        for challenge in &challenges {
            let value = HeaderValue::from_str(&challenge.encode()?)
                .map_err(|_| ParseError::new("challenge", "not a header's value"))?;
            out.headers.append(WWW_AUTHENTICATE, value);
        }
        let problem = Problem::of(why, challenges.first().map(Challenge::id));
        let text = |text: &str| {
            let mut quoted = String::new();
            quote(text, &mut quoted);
            quoted
        };
        let kind = problem.kind.unwrap_or(Kind::VerificationFailed);
        out.member("type", text(kind.uri()));
        out.member("title", text(kind.title()));
        out.member("status", "402");
        out.member(
            "detail",
            text(problem.detail.as_deref().unwrap_or_default()),
        );
        if let Some(id) = &problem.challenge {
            out.member("challengeId", text(id));
        }
        if let Some(hint) = &problem.hint {
            out.member("hint", text(hint));
        }
        out.problem = true;
        Ok(())
    }

    fn report(&self, claim: &Claim, outcome: &Settlement, with: Told, out: &mut HeaderMap) {
        let Settlement::Settled(settled) = outcome else {
            return;
        };
        let Some(challenge) = offered(claim).filter(|_| with.success()) else {
            return;
        };
        let reference = match &*settled.transaction {
            "" => challenge.id(),
            transaction => transaction,
        };
        let external = Document::parse(challenge.request()).ok();
        let external = external
            .as_ref()
            .and_then(|json| json.root().get("externalId"));
        let external = external.and_then(Json::as_text);
        let receipt = Receipt::new(challenge.method(), reference, with.now, external);
        if let Ok(value) = HeaderValue::from_str(&receipt.encode()) {
            out.insert(RECEIPT.clone(), value);
        }
    }

    fn request_headers(&self) -> &[HeaderName] {
        &CREDENTIALS
    }

    fn response_headers(&self) -> &[HeaderName] {
        static RESPONSES: [HeaderName; 2] =
            [WWW_AUTHENTICATE, HeaderName::from_static("payment-receipt")];
        &RESPONSES
    }

    fn conflict(&self) -> StatusCode {
        StatusCode::FORBIDDEN
    }

    /// A challenge is used once, and its id with it (core draft, section 5.1.2).
    fn once(&self) -> bool {
        true
    }

    fn problem(&self, why: &Reason) -> Option<&'static str> {
        Some(Kind::of(why).uri())
    }
}

/// The challenge that a claim answers.
fn offered(claim: &Claim) -> Option<Challenge> {
    let text = std::str::from_utf8(claim.wire.offer.as_slice()).ok()?;
    Challenge::from_json(Document::parse(text).ok()?.root()).ok()
}

impl fmt::Debug for Mpp {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Mpp")
            .field("realm", &self.realm)
            .field("keys", &self.keys)
            .field("lifetime", &self.lifetime)
            .field("carrier", &self.carrier)
            .field("tempo", &self.tempo)
            .finish_non_exhaustive()
    }
}
