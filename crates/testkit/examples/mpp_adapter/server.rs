//! What a server says of a challenge that comes back.

use super::{
    answer::{Answer, Fault, fault, unverified, value},
    documents,
};
use http402_core::{
    ParseError, Reason, Timestamp,
    json::{Json, Object},
    seam::Clock,
};
use http402_mpp::{
    KeyRing, Receipt, Route, base64url, binding,
    binding::Slots,
    jcs,
    method::stripe::{Charge, Payload, PaymentIntent},
    problem::Kind,
    rfc3339,
};

/// When the suite's receipts are from.
const SERVED: &str = "2026-01-29T12:00:00Z";
const BOOKED: &str = "2026-01-29T12:00:30Z";
/// What its receipts are for.
const REFERENCE: &str = "conformance-receipt";

/// The id that a server gives a challenge.
pub(crate) fn challenge_id(input: Json<'_>) -> Answer {
    let made = |error: ParseError| fault("generation_error", error);
    let need = |name| input.need_text(name).map_err(made);
    let maybe = |name| input.text(name).map_err(made);
    let keys = KeyRing::new(need("secretKey")?.as_bytes());
    let keys = keys.map_err(|weak| fault("generation_error", weak))?;
    let request = jcs::canonical(input.need("request").map_err(made)?).map_err(made)?;
    let request = base64url::encode(&*request);
    let slots = Slots {
        realm: need("realm")?,
        method: need("method")?,
        intent: need("intent")?,
        request: &request,
        expires: maybe("expires")?,
        digest: maybe("digest")?,
        header: maybe("header")?,
        opaque: maybe("opaque")?,
    };
    let id = keys.bind(&slots).map_err(made)?;
    Ok(Object::new().text("id", &id).finish().into())
}

/// Whether a route honours a credential, and what it says if not. Whether the payment is right is said by the request.
pub(crate) fn verify(input: Json<'_>) -> Answer {
    let need = |name| input.need_text(name).map_err(unverified);
    let request = input.need("request").map_err(unverified)?.raw();
    let route = Route::new(need("realm")?, need("method")?, need("intent")?, request);
    let keys = keys(need("secretKey")?)?;
    let credential = input.need("credential").map_err(unverified)?;
    let Ok(credential) = documents::credential(credential) else {
        return Ok(refused(&Reason::PayloadMalformed));
    };
    let now = http402_reqwest::Tokio.now();
    if let Err(why) = route.honours(credential.challenge(), &keys, now) {
        return Ok(refused(&why));
    }
    if input.get("verificationError").is_some() {
        return Ok(refused(&Reason::Signature));
    }
    Ok(paid(&Receipt::new(
        route.method,
        REFERENCE,
        at(SERVED)?,
        None,
    )))
}

/// The suite's secret. HMAC fills a key up with zeros, so that this is the same one, and long enough for the ring.
fn keys(secret: &str) -> Result<KeyRing, Fault> {
    let mut secret = secret.as_bytes().to_vec();
    secret.resize(secret.len().max(binding::MIN_SECRET), 0);
    KeyRing::new(&secret).map_err(unverified)
}

/// Which order a charge by Stripe is booked for.
pub(crate) fn stripe(input: Json<'_>) -> Answer {
    let intent = input.need("paymentIntent").map_err(unverified)?;
    let need = |name| intent.need_text(name).map_err(unverified);
    let mut made = PaymentIntent::new(need("id")?, need("status")?);
    made.replayed = intent.get("replayed").and_then(Json::as_bool) == Some(true);
    let mut request = value(input.need("request").map_err(unverified)?).map_err(unverified)?;
    // The seller's profile is configuration, and the suite has none.
    if let Some(details) = request["methodDetails"].as_object_mut() {
        details
            .entry("networkId")
            .or_insert_with(|| "conformance".into());
    }
    let charge = Charge::parse(&request.to_string()).map_err(unverified)?;
    let payload = input.need("payload").map_err(unverified)?;
    let payload = Payload::parse(payload.raw()).map_err(unverified)?;
    Ok(match charge.receipt(&payload, &made, at(BOOKED)?) {
        Ok(receipt) => paid(&receipt),
        Err(why) => refused(&why),
    })
}

fn at(text: &str) -> Result<Timestamp, Fault> {
    rfc3339::parse(text).map_err(unverified)
}

fn paid(receipt: &Receipt) -> String {
    Object::new()
        .boolean("ok", true)
        .raw("receipt", receipt.as_json())
        .finish()
        .into()
}

/// The suite's word for a problem is the last part of its URI.
fn refused(why: &Reason) -> String {
    let uri = Kind::of(why).uri();
    let slug = uri.rsplit('/').next().unwrap_or(uri).replace('-', "_");
    Object::new()
        .boolean("ok", false)
        .text("errorType", &slug)
        .finish()
        .into()
}
