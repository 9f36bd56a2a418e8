//! One request through the client that pays.

use super::{
    answer::{Answer, Fault, fault, maybe, value},
    fixture::run,
};
use http402_core::{
    Address, Amount, Authorization, Bytes, ChainId, Encoded, ParseError, Party, Price, ProtocolId,
    Reason, Requirement, Settlement, Timestamp,
    authorization::MppProof,
    json::{Document, Json, Object},
    protocol::{self, ClientProtocol, Draft, Offer, Offers, Refused},
    typed::ToSign,
};
use http402_ledger::Memory;
use http402_mpp::{Challenge, Credential, MPP, Receipt};
use http402_reqwest::{
    Error, PayingClient,
    flow::client::{self, Policy},
};
use http402_verify::LocalKey;
use reqwest::{
    Method, StatusCode,
    header::{AUTHORIZATION, HeaderMap, HeaderName, HeaderValue, WWW_AUTHENTICATE},
};
use std::{sync::Arc, time::Duration};

/// How long anything may take.
const TIMEOUT: Duration = Duration::from_secs(10);
/// The chain that the buyer is of; nothing is sent there.
const CHAIN: u64 = 42_431;

/// A payment that is given, and that the wallet has no part in. To the buyer its offer costs nothing, and what he signs is
/// thrown away: everything else is as with every other payment.
struct Given {
    payload: Box<str>,
    source: Option<Box<str>>,
    change: Change,
}

/// What is done to the challenge before it is echoed.
#[derive(Clone, Copy)]
enum Change {
    Nothing,
    Amount,
    Id,
}

fn challenge(offer: &Offer) -> Result<Challenge, ParseError> {
    let text = std::str::from_utf8(offer.encoded.as_slice());
    let text = text.map_err(|_| ParseError::new("offer", "not UTF-8"))?;
    Challenge::from_json(Document::parse(text)?.root())
}

impl Change {
    fn of(self, challenge: &Challenge) -> Result<Challenge, ParseError> {
        let native = challenge.to_native();
        let unread = |_| ParseError::new("challenge", "not readable");
        let mut json = value(Document::parse(&native)?.root()).map_err(unread)?;
        match self {
            Self::Nothing => return Ok(challenge.clone()),
            Self::Amount => json["request"]["amount"] = "1".into(),
            Self::Id => json["id"] = "invalid-challenge-id".into(),
        }
        Challenge::from_json(Document::parse(&json.to_string())?.root())
    }
}

impl ClientProtocol for Given {
    fn id(&self) -> ProtocolId {
        MPP
    }

    fn carried(&self, headers: &HeaderMap) -> bool {
        let mut values = headers.get_all(AUTHORIZATION).iter();
        values.any(|value| !Credential::tokens(value.as_bytes()).is_empty())
    }

    fn offers(&self, refused: &Refused<'_>) -> Result<Offers, ParseError> {
        let mut offers = Offers::default();
        if refused.status != StatusCode::PAYMENT_REQUIRED {
            return Ok(offers);
        }
        let values = refused.headers.get_all(WWW_AUTHENTICATE).iter();
        let all = Challenge::parse_all(values.map(HeaderValue::as_bytes));
        for (at, challenge) in all.into_iter().enumerate() {
            match challenge {
                Ok(challenge) if challenge.expires().is_none_or(|end| end > refused.now) => {
                    let encoded = Encoded::new(challenge.to_json().as_bytes().to_vec());
                    let context = Encoded::default();
                    let offer = Offer::new(MPP, at, nothing(), encoded, context);
                    offers.usable.push(offer);
                }
                Ok(_) => {
                    let expired = ParseError::new("expires", "expired");
                    offers.rejected.push((at, expired));
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
        _: Timestamp,
        _: [u8; 32],
    ) -> Result<Draft, Reason> {
        let challenge = challenge(offer).map_err(|_| Reason::RequirementMalformed)?;
        let proof = MppProof {
            challenge: challenge.reference(),
            account: payer.evm().ok_or(Reason::UnsupportedNetwork)?,
            signature: Bytes::new(),
        };
        let to_sign = ToSign::typed(proof.document(CHAIN));
        let authorization = Authorization::MppProof(proof);
        Ok(Draft::new(&offer.requirement, authorization, to_sign))
    }

    fn answer(&self, offer: &Offer, _: &Draft, _: &[u8]) -> Result<protocol::Answer, ParseError> {
        let challenge = self.change.of(&challenge(offer)?)?;
        let credential = Credential::new(&challenge, self.source.as_deref(), &self.payload)?;
        let value = HeaderValue::from_str(&credential.header());
        let value = value.map_err(|_| ParseError::new("credential", "not a header's value"))?;
        let name = HeaderName::from_bytes(challenge.carrier().as_str().as_bytes());
        let name = name.map_err(|_| ParseError::new("header", "not a field"))?;
        Ok(protocol::Answer::new(vec![(name, value)]))
    }

    fn outcome(
        &self,
        _: &Offer,
        status: StatusCode,
        headers: &HeaderMap,
        _: Timestamp,
    ) -> Result<Option<Settlement>, ParseError> {
        let value = headers.get("payment-receipt");
        let Some(value) = value.filter(|_| status.is_success()) else {
            return Ok(None);
        };
        Receipt::decode(value.as_bytes())?;
        let settled = http402_core::Receipt::new(None, Amount::ZERO, ChainId::eip155(CHAIN), "");
        Ok(Some(Settlement::Settled(settled)))
    }
}

fn nothing() -> Requirement {
    let nobody = Party::Evm(Address::ZERO);
    let chain = ChainId::eip155(CHAIN);
    let mut requirement =
        Requirement::exactly(Amount::ZERO, chain, nobody.clone(), nobody, None).upfront();
    requirement.price = Price::Nothing;
    requirement
}

fn failed(error: impl ToString) -> Fault {
    fault("http_error", error)
}

pub(crate) fn send(input: Json<'_>) -> Answer {
    let need = |name| input.need_text(name).map_err(failed);
    let method: Method = need("method")?.parse().map_err(failed)?;
    let mut headers = HeaderMap::new();
    let given = input.need("headers").map_err(failed)?;
    for (name, value) in given.as_object().unwrap_or_default() {
        let text = value.as_text().unwrap_or_default();
        let name: HeaderName = name.parse().map_err(failed)?;
        headers.append(name, HeaderValue::from_str(text).map_err(failed)?);
    }
    let body = maybe(input, "body").and_then(Json::as_text);
    let change = match need("mode")? {
        "plain" => None,
        "payment" | "invalid_payload" => Some(Change::Nothing),
        "mismatched_request" => Some(Change::Amount),
        "invalid_challenge_id" => Some(Change::Id),
        other => {
            let text = format!("no mode {other}");
            return Err(fault("unsupported_operation", text));
        }
    };
    let payment = input.need("payment").map_err(failed)?;
    let given = change.map(|change| -> Result<Given, Fault> {
        let source = maybe(payment, "source").and_then(Json::as_text);
        Ok(Given {
            payload: payment.need("payload").map_err(failed)?.raw().into(),
            source: source.map(Into::into),
            change,
        })
    });
    let client = paying(given.transpose()?)?;
    run(async {
        let request = client.request(method, need("url")?).headers(headers);
        let request = match body {
            Some(body) => request.body(body.to_owned()),
            None => request,
        };
        match request.send().await {
            Ok(response) => told(response).await,
            Err(error) => refused(&error),
        }
    })?
}

/// A client that pays with what it is given, or not at all.
fn paying(given: Option<Given>) -> Result<PayingClient, Fault> {
    let key = LocalKey::from_bytes(&[1; 32]).map_err(failed)?;
    let policy = Policy::new().prove_identity();
    let buyer = http402_reqwest::buyer(policy, Arc::new(key), Arc::new(Memory::new()));
    let buyer = match given {
        Some(given) => buyer.protocol(given),
        None => buyer,
    };
    let http = reqwest::Client::builder()
        .no_proxy()
        .connect_timeout(TIMEOUT)
        .timeout(TIMEOUT);
    let client = PayingClient::with(http, buyer).map_err(failed)?;
    Ok(client.same_origin())
}

/// A response that asks for what is not paid is one. The suite looks for its own words where a redirect is not followed.
fn refused(error: &Error) -> Answer {
    match (error, error.purchase()) {
        (_, Some(client::Error::Denied(refusal))) => {
            let body = String::from_utf8_lossy(&refusal.body);
            Ok(written(refusal.status, &refusal.headers, &body))
        }
        (Error::OtherOrigin, _) => Err(failed(format!(
            "Refusing to send payment credential across redirect: {error}"
        ))),
        _ => Err(failed(error)),
    }
}

async fn told(response: reqwest::Response) -> Answer {
    let (status, headers) = (response.status(), response.headers().clone());
    let body = response.text().await.map_err(failed)?;
    Ok(written(status, &headers, &body))
}

fn written(status: StatusCode, from: &HeaderMap, body: &str) -> String {
    let mut headers = serde_json::Map::new();
    for name in from.keys() {
        let values: Vec<_> = from
            .get_all(name)
            .iter()
            .map(|value| String::from_utf8_lossy(value.as_bytes()))
            .collect();
        headers.insert(name.to_string(), values.join(", ").into());
    }
    Object::new()
        .number("status", u64::from(status.as_u16()))
        .raw("headers", &serde_json::Value::from(headers).to_string())
        .text("body", body)
        .finish()
        .into()
}
