//! The seams that speak of HTTP heads: how a protocol asks for payment, reads an answer, and answers itself.
//!
//! Nothing above them is generic over a protocol: a route holds a list of `Arc<dyn Protocol>`, and only `main` knows which.

use crate::{
    Authorization, Claim, Encoded, ParseError, Party, ProtocolId, Reason, Requested, Requirement,
    Resource, Settlement, SpendKey, Timestamp, json::quote, typed::ToSign,
};
use alloc::{boxed::Box, vec::Vec};
use alloy_primitives::Bytes;
use core::fmt;
use http::{HeaderMap, HeaderName, HeaderValue, Method, StatusCode};

/// A request that is asked to pay: what it is for and what it costs.
#[derive(Clone, Copy, Debug)]
#[non_exhaustive]
pub struct Asked<'a> {
    /// The ways in which the seller wants to be paid, in the order of preference.
    pub requirements: &'a [Requirement],
    /// Requirements of offers made for this route before, which are still honoured.
    pub earlier: &'a [Requirement],
    /// What is sold.
    pub resource: &'a Resource,
    /// The request's method.
    pub method: &'a Method,
    /// What is asked for.
    pub request: Requested<'a>,
    /// The bytes of the request's body, where a payment is to be bound to them.
    pub body: Option<&'a [u8]>,
    /// The request's head, where it is at hand: a protocol may order its offers by it.
    pub headers: Option<&'a HeaderMap>,
    /// The time.
    pub now: Timestamp,
}

impl<'a> Asked<'a> {
    /// A request for `resource`, at `now`.
    pub fn new(
        requirements: &'a [Requirement],
        resource: &'a Resource,
        method: &'a Method,
        request: Requested<'a>,
        now: Timestamp,
    ) -> Self {
        Self {
            requirements,
            earlier: &[],
            resource,
            method,
            request,
            body: None,
            headers: None,
            now,
        }
    }

    /// The same, with a body that the payment is to be bound to.
    #[must_use]
    pub fn body(mut self, body: &'a [u8]) -> Self {
        self.body = Some(body);
        self
    }

    /// The same, with the request's head.
    #[must_use]
    pub fn headers(mut self, headers: &'a HeaderMap) -> Self {
        self.headers = Some(headers);
        self
    }

    /// The same, with offers made before that are still honoured.
    #[must_use]
    pub fn earlier(mut self, earlier: &'a [Requirement]) -> Self {
        self.earlier = earlier;
        self
    }
}

/// A seller's side of a protocol.
pub trait Protocol: Send + Sync {
    /// Its name.
    fn id(&self) -> ProtocolId;

    /// How many credentials of this protocol the head carries.
    fn answers(&self, headers: &HeaderMap) -> usize;

    /// The claim that the head's one credential makes.
    ///
    /// # Errors
    /// When the credential can not be read, or answers none of the offers.
    fn claim(&self, asked: &Asked<'_>, headers: &HeaderMap) -> Result<Claim, ClaimError>;

    /// Adds this protocol's offers to a refusal with status 402, and why the payment that came was refused.
    ///
    /// # Errors
    /// When a requirement can not be expressed at all, which is the seller's mistake. A requirement that another protocol
    /// of the route expresses is skipped silently.
    fn offer(&self, asked: &Asked<'_>, why: &Reason, out: &mut Refusal) -> Result<(), ParseError>;

    /// Tells what became of the settlement, in the head of the response.
    fn report(&self, claim: &Claim, outcome: &Settlement, with: Told, out: &mut HeaderMap);

    /// The request headers that carry its credentials: responses vary by them.
    fn request_headers(&self) -> &[HeaderName] {
        &[]
    }

    /// The response headers that a browser's script may have to read.
    fn response_headers(&self) -> &[HeaderName] {
        &[]
    }

    /// The status for a credential that is in flight or used, without offers.
    fn conflict(&self) -> StatusCode {
        StatusCode::CONFLICT
    }

    /// Whether an offer is good for one settlement only, whatever comes of it: once it was declined, nobody settles an answer
    /// to that offer any more, and who presents one gets fresh offers. An answer whose handler failed, with nothing settled,
    /// may come again all the same.
    fn once(&self) -> bool {
        false
    }

    /// The type of the RFC 9457 problem that a refusal without offers has, an absolute URI; `None` for `about:blank`.
    fn problem(&self, _why: &Reason) -> Option<&'static str> {
        None
    }
}

/// The response that tells of a settlement.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Told {
    /// Its status: there are protocols that show a receipt only with a success.
    pub status: StatusCode,
    /// The time.
    pub now: Timestamp,
}

impl Told {
    /// A response with this status, sent now.
    pub const fn new(status: StatusCode, now: Timestamp) -> Self {
        Self { status, now }
    }

    /// Whether the request succeeded.
    pub fn success(&self) -> bool {
        self.status.is_success()
    }
}

/// Why a credential makes no claim.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum ClaimError {
    /// It can not be read: status 400, with what and where.
    Malformed(ParseError),
    /// It answers none of the offers, or in a way that can not be right: status 402, with fresh offers.
    Refused(Reason),
}

impl From<ParseError> for ClaimError {
    fn from(error: ParseError) -> Self {
        Self::Malformed(error)
    }
}

impl fmt::Display for ClaimError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Malformed(error) => fmt::Display::fmt(error, f),
            Self::Refused(reason) => fmt::Display::fmt(reason, f),
        }
    }
}

impl core::error::Error for ClaimError {}

/// A response that asks for payment or denies it, written by all protocols of a route together.
#[derive(Clone, Debug, Default)]
#[non_exhaustive]
pub struct Refusal {
    /// Its head.
    pub headers: HeaderMap,
    /// The members of its JSON body, in order; the values are JSON text.
    pub members: Vec<(Box<str>, Box<str>)>,
    /// Whether the body is an RFC 9457 problem (`application/problem+json`).
    pub problem: bool,
}

impl Refusal {
    /// Adds a member whose value is JSON text.
    pub fn member(&mut self, name: &str, json: impl Into<Box<str>>) {
        self.members.push((name.into(), json.into()));
    }

    /// The body: one JSON object, `{}` without members.
    pub fn body(&self) -> Bytes {
        if self.members.is_empty() {
            return Bytes::from_static(b"{}");
        }
        let mut out = alloc::string::String::from("{");
        for (at, (name, json)) in self.members.iter().enumerate() {
            if at > 0 {
                out.push(',');
            }
            quote(name, &mut out);
            out.push(':');
            out.push_str(json);
        }
        out.push('}');
        out.into_bytes().into()
    }
}

/// The response that a client got and that may ask for payment.
#[derive(Clone, Copy, Debug)]
#[non_exhaustive]
pub struct Refused<'a> {
    /// The URL that was asked for, absolute.
    pub url: &'a str,
    /// Its status.
    pub status: StatusCode,
    /// Its head.
    pub headers: &'a HeaderMap,
    /// Its body, as far as it was read.
    pub body: &'a [u8],
    /// The time.
    pub now: Timestamp,
}

impl<'a> Refused<'a> {
    /// A response.
    pub fn new(
        url: &'a str,
        status: StatusCode,
        headers: &'a HeaderMap,
        body: &'a [u8],
        now: Timestamp,
    ) -> Self {
        Self {
            url,
            status,
            headers,
            body,
            now,
        }
    }
}

/// One way to pay that a server offered.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Offer {
    /// In which protocol.
    pub protocol: ProtocolId,
    /// Its place among the offers of the refusal.
    pub position: usize,
    /// What it asks for.
    pub requirement: Requirement,
    /// The offer as it was on the wire, to be echoed.
    pub encoded: Encoded,
    /// What else of the refusal the answer needs: resource, extensions.
    pub context: Encoded,
}

impl Offer {
    /// An offer.
    pub fn new(
        protocol: ProtocolId,
        position: usize,
        requirement: Requirement,
        encoded: Encoded,
        context: Encoded,
    ) -> Self {
        Self {
            protocol,
            position,
            requirement,
            encoded,
            context,
        }
    }
}

/// The offers of a refusal: those that can be read, and what is wrong with the others.
#[derive(Clone, Debug, Default)]
#[non_exhaustive]
pub struct Offers {
    /// Those that can be answered.
    pub usable: Vec<Offer>,
    /// The places of those that can not, with the cause.
    pub rejected: Vec<(usize, ParseError)>,
}

/// An answer to an offer that is ready to be signed.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Draft {
    /// What will be authorized; its signature is empty.
    pub authorization: Authorization,
    /// What it spends.
    pub spends: Vec<SpendKey>,
    /// What the wallet signs.
    pub to_sign: ToSign,
}

impl Draft {
    /// A draft with the spend keys of its authorization.
    pub fn new(requirement: &Requirement, authorization: Authorization, to_sign: ToSign) -> Self {
        Self {
            spends: authorization.spends(&requirement.chain, &requirement.asset),
            authorization,
            to_sign,
        }
    }
}

/// The headers that carry a payment. Whoever holds them can have it executed: the values are marked sensitive.
#[derive(Clone, PartialEq, Eq)]
pub struct Answer {
    headers: Vec<(HeaderName, HeaderValue)>,
}

impl Answer {
    /// An answer in these headers; their values are marked sensitive.
    pub fn new(mut headers: Vec<(HeaderName, HeaderValue)>) -> Self {
        for (_, value) in &mut headers {
            value.set_sensitive(true);
        }
        Self { headers }
    }

    /// The headers.
    pub fn headers(&self) -> &[(HeaderName, HeaderValue)] {
        &self.headers
    }
}

impl fmt::Debug for Answer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_list()
            .entries(self.headers.iter().map(|(name, _)| name))
            .finish()
    }
}

/// A buyer's side of a protocol.
pub trait ClientProtocol: Send + Sync {
    /// Its name.
    fn id(&self) -> ProtocolId;

    /// Whether a request carries a credential of this protocol already.
    fn carried(&self, headers: &HeaderMap) -> bool;

    /// Header fields that tell a seller beforehand what can be paid. They are sent only where the policy says so: they tell
    /// everybody what the buyer has, and make a browser ask for permission first.
    fn hints(&self) -> Vec<(HeaderName, HeaderValue)> {
        Vec::new()
    }

    /// The header fields that the answer to an offer takes, where callers may have written something else into them.
    fn fields(&self, _offer: &Offer) -> Vec<HeaderName> {
        Vec::new()
    }

    /// The offers that a response makes in this protocol; none when it is of another.
    ///
    /// # Errors
    /// When the response is of this protocol, and can not be read.
    fn offers(&self, refused: &Refused<'_>) -> Result<Offers, ParseError>;

    /// The answer to one of its offers, to be signed by `payer`. `entropy` becomes the nonce.
    ///
    /// # Errors
    /// When the offer can not be answered.
    fn draft(
        &self,
        offer: &Offer,
        payer: &Party,
        now: Timestamp,
        entropy: [u8; 32],
    ) -> Result<Draft, Reason>;

    /// The headers of the signed answer.
    ///
    /// # Errors
    /// When it can not be encoded.
    fn answer(&self, offer: &Offer, draft: &Draft, signature: &[u8]) -> Result<Answer, ParseError>;

    /// What the response to an answer says of the settlement; `None` when it says nothing.
    ///
    /// # Errors
    /// When it says something that can not be read: the outcome is unknown then.
    fn outcome(
        &self,
        offer: &Offer,
        status: StatusCode,
        headers: &HeaderMap,
        now: Timestamp,
    ) -> Result<Option<Settlement>, ParseError>;
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn s46_a_refusal_is_one_ascii_json_object() {
        let mut refusal = Refusal::default();
        assert_eq!(&refusal.body()[..], b"{}");
        let mut text = alloc::string::String::new();
        quote("a\"\\\r\n\u{7f}é\u{1f600}", &mut text);
        refusal.member("error", text);
        refusal.member("x402Version", "1");
        assert_eq!(
            &refusal.body()[..],
            br#"{"error":"a\"\\\u000d\u000a\u007f\u00e9\ud83d\ude00","x402Version":1}"#
        );
    }

    #[test]
    fn s84_an_answer_does_not_print_its_values() {
        let answer = Answer::new(alloc::vec![(
            HeaderName::from_static("payment-signature"),
            HeaderValue::from_static("secret")
        )]);
        assert!(!std::format!("{answer:?} {:?}", answer.headers()).contains("secret"));
    }
}
