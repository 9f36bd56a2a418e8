//! Documents of the `Payment` scheme.

use super::document::{Explained, judged, offer};
use http402_core::{
    Authorization, Claim, Encoded, ParseError, Reason, Requirement, Timestamp, Wire, asset::Assets,
    json::Document,
};
use http402_mpp::{
    Challenge, Credential, MPP, Problem,
    method::{CHARGE, evm, tempo},
};
use serde_json::Value;

/// Whether a document has the members of an RFC 9457 problem, of a type of MPP.
pub(super) fn is_problem(value: &Value) -> bool {
    let kind = value.get("type").and_then(Value::as_str);
    kind.is_some_and(|kind| kind.contains("/problems/")) && value.get("title").is_some()
}

pub(super) fn problem(text: &str, it: &mut Explained) {
    match Problem::parse(text.as_bytes()) {
        Ok(problem) => match problem.kind {
            Some(kind) => it
                .notes
                .push(format!("{}: {}", kind.title(), kind.reason())),
            None => it.notes.push("a type that is not known here".into()),
        },
        Err(error) => it.wrong.push(error.to_string()),
    }
}

/// Challenges as they were found, with the request of each decoded.
pub(super) fn challenges(now: u64, it: &mut Explained) {
    let list = it.value["challenges"].as_array().cloned();
    for (at, one) in list.unwrap_or_default().iter().enumerate() {
        let text = one.to_string();
        let read = Document::parse(&text).and_then(|json| Challenge::from_json(json.root()));
        match read {
            Ok(challenge) => explain(at, &challenge, now, it),
            Err(error) => it.wrong.push(format!("challenge {at}: {error}")),
        }
    }
}

fn explain(at: usize, challenge: &Challenge, now: u64, it: &mut Explained) {
    match challenge.expires() {
        None => it.wrong.push(format!(
            "challenge {at}: expires: missing, servers want it back"
        )),
        Some(end) if end <= Timestamp::from_secs(now) => {
            it.wrong.push(format!("challenge {at}: it has expired"));
        }
        Some(end) => it.notes.push(format!(
            "challenge {at}: good for {} s more",
            end.since(Timestamp::from_secs(now))
        )),
    }
    match requirement(challenge) {
        Ok(Some(requirement)) => offer(at, &requirement, it),
        Ok(None) => it.notes.push(format!(
            "challenge {at}: {}/{} is not known here",
            challenge.method(),
            challenge.intent()
        )),
        Err(error) => it.wrong.push(format!("challenge {at}: {error}")),
    }
}

/// What a challenge asks for; `None` for methods and intents that are not built.
fn requirement(challenge: &Challenge) -> Result<Option<Requirement>, ParseError> {
    let inside = |error: ParseError| error.inside("request");
    match (challenge.method(), challenge.intent()) {
        (evm::NAME, CHARGE) => evm::Charge::parse(challenge.request())
            .and_then(|charge| charge.requirement(&Assets::known(), 300))
            .map(Some)
            .map_err(inside),
        (tempo::NAME, CHARGE) => tempo::Charge::parse(challenge.request())
            .map(|charge| Some(charge.requirement(300)))
            .map_err(inside),
        _ => Ok(None),
    }
}

fn authorization(credential: &Credential) -> Result<Authorization, Reason> {
    let challenge = credential.challenge();
    let (source, payload) = (credential.source(), credential.payload());
    let malformed = |_| Reason::RequirementMalformed;
    match challenge.method() {
        tempo::NAME => tempo::Charge::parse(challenge.request())
            .map_err(malformed)?
            .authorization(challenge.reference(), source, payload),
        _ => evm::Charge::parse(challenge.request())
            .map_err(malformed)?
            .authorization(&challenge.reference(), source, payload),
    }
}

/// A credential: what it answers, and whether its signature is right. Who made the challenge can not be seen without the
/// server's secret.
pub(super) fn credential(text: &str, now: u64, it: &mut Explained) {
    let credential = match Credential::parse(text) {
        Ok(credential) => credential,
        Err(error) => return it.wrong.push(error.to_string()),
    };
    let challenge = credential.challenge();
    if let Ok(native) = serde_json::from_str(&challenge.to_native()) {
        it.value["challenge"] = native;
    }
    if challenge
        .expires()
        .is_some_and(|end| end <= Timestamp::from_secs(now))
    {
        it.wrong.push("challenge: it has expired".into());
    }
    let requirement = match requirement(challenge) {
        Ok(Some(requirement)) => requirement,
        Ok(None) => {
            let (method, intent) = (challenge.method(), challenge.intent());
            return it
                .notes
                .push(format!("{method}/{intent} is not known here"));
        }
        Err(error) => return it.wrong.push(format!("challenge: {error}")),
    };
    match authorization(&credential) {
        Ok(authorization) => {
            let wire = Wire {
                protocol: MPP,
                offer: Encoded::default(),
                answer: Encoded::default(),
            };
            judged(&Claim::new(requirement, authorization, wire), now, it);
        }
        Err(why) => it.wrong.push(format!("payload: {why}")),
    }
}
