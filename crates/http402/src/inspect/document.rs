use super::{find::Found, mpp};
use http402_core::{
    Claim, Requirement, Timestamp, Verdict,
    asset::Assets,
    seam::{Judge, Known, PayerCode},
};
use http402_verify::Verifier;
use http402_x402::{
    reply::{SettleResponse, SupportedResponse, VerifyResponse},
    request::{self, RequestError},
    v1, v2,
};
use serde_json::Value;

/// What a document is, what it says, and what is wrong with it.
pub(super) struct Explained {
    pub(super) kind: &'static str,
    pub(super) value: Value,
    pub(super) notes: Vec<String>,
    pub(super) wrong: Vec<String>,
}

pub(super) fn explain(found: &Found, now: u64) -> Explained {
    let mut it = Explained {
        kind: "unreadable",
        value: Value::Null,
        notes: Vec::new(),
        wrong: Vec::new(),
    };
    let text = match &found.text {
        Ok(text) => text,
        Err(why) => {
            it.wrong.push(why.clone());
            return it;
        }
    };
    match serde_json::from_str(text) {
        Ok(value) => it.value = value,
        Err(error) => {
            it.wrong.push(format!("not JSON: {error}"));
            return it;
        }
    }
    let version = it.value.get("x402Version").and_then(Value::as_u64);
    let has = |name: &str| it.value.get(name).is_some();
    if has("challenge") && has("payload") {
        it.kind = "MPP credential";
        mpp::credential(text, now, &mut it);
    } else if has("challenges") {
        it.kind = "MPP challenges";
        mpp::challenges(now, &mut it);
    } else if has("acceptPayment") {
        it.kind = "MPP Accept-Payment";
    } else if has("reference") && has("method") {
        it.kind = "MPP receipt";
        note(http402_mpp::Receipt::parse(text).map(drop), &mut it);
    } else if mpp::is_problem(&it.value) {
        it.kind = "problem";
        let also_v1 = has("accepts") && version == Some(1);
        mpp::problem(text, &mut it);
        if also_v1 {
            it.kind = "problem, and x402 v1 PaymentRequired";
            required_v1(text, &mut it);
        }
    } else if has("paymentPayload") {
        it.kind = "request to a facilitator";
        judge(request::parse(text.as_bytes()), now, &mut it);
    } else if has("accepts") && version == Some(1) {
        it.kind = "x402 v1 PaymentRequired";
        required_v1(text, &mut it);
    } else if has("accepts") {
        it.kind = "x402 v2 PaymentRequired";
        required_v2(text, &mut it);
    } else if has("payload") && version == Some(1) {
        it.kind = "x402 v1 PaymentPayload";
        note(v1::PaymentPayload::parse(text).map(drop), &mut it);
        it.notes.push(
            "version 1 does not say which offer it answers: it can not be judged alone".into(),
        );
    } else if has("payload") {
        it.kind = "x402 v2 PaymentPayload";
        payload_v2(text, now, &mut it);
    } else if has("isValid") {
        it.kind = "VerifyResponse";
        note(VerifyResponse::parse(text).map(drop), &mut it);
    } else if has("kinds") {
        it.kind = "SupportedResponse";
        note(SupportedResponse::parse(text).map(drop), &mut it);
    } else if has("success") {
        it.kind = "SettleResponse";
        settled(text, now, &mut it);
    } else {
        it.kind = "unknown document";
        it.wrong
            .push("no document of x402 or MPP has this shape".into());
    }
    it
}

pub(super) fn note(read: Result<(), http402_core::ParseError>, it: &mut Explained) {
    if let Err(error) = read {
        it.wrong.push(error.to_string());
    }
}

/// What a buyer or a seller should know about an offer.
pub(super) fn offer(at: usize, requirement: &Requirement, it: &mut Explained) {
    let assets = Assets::known();
    let amount = requirement.price.ceiling();
    let Some(asset) = assets.find(&requirement.chain, &requirement.asset) else {
        it.notes.push(format!(
            "offer {at}: {amount} units of a token that is not known here, on {}",
            requirement.chain
        ));
        return;
    };
    it.notes.push(format!(
        "offer {at}: {} {} on {} to {}",
        amount.to_decimal(asset.decimals),
        asset.symbol,
        requirement.chain,
        requirement.pay_to
    ));
    match &requirement.domain {
        None => it.wrong.push(format!(
            "offer {at}: the token's EIP-712 name and version are missing"
        )),
        Some(domain) if *domain != asset.domain() => it.wrong.push(format!(
            "offer {at}: the EIP-712 domain is {} {}, and the token's is {} {}",
            domain.name, domain.version, asset.name, asset.version
        )),
        Some(_) => {}
    }
}

fn required_v2(text: &str, it: &mut Explained) {
    let document = match v2::PaymentRequired::parse(text) {
        Ok(document) => document,
        Err(error) => return it.wrong.push(error.to_string()),
    };
    for (at, read) in document.accepts.iter().enumerate() {
        match read.as_ref().map(v2::PaymentRequirements::requirement) {
            Ok(Ok(requirement)) => offer(at, &requirement, it),
            Ok(Err(error)) => it
                .wrong
                .push(error.inside(&format!("accepts[{at}]")).to_string()),
            Err(error) => it.wrong.push(error.to_string()),
        }
    }
    if document.accepts.is_empty() {
        it.wrong.push("accepts: there is no offer".into());
    }
}

fn required_v1(text: &str, it: &mut Explained) {
    let document = match v1::PaymentRequired::parse(text) {
        Ok(document) => document,
        Err(error) => return it.wrong.push(error.to_string()),
    };
    for (at, read) in document.accepts.iter().enumerate() {
        match read.as_ref().map(v1::PaymentRequirements::requirement) {
            Ok(Ok(requirement)) => offer(at, &requirement, it),
            Ok(Err(error)) => it
                .wrong
                .push(error.inside(&format!("accepts[{at}]")).to_string()),
            Err(error) => it.wrong.push(error.to_string()),
        }
    }
    let offers = it.value["accepts"].as_array().cloned().unwrap_or_default();
    for (at, offer) in offers.iter().enumerate() {
        let absolute = offer["resource"]
            .as_str()
            .is_some_and(|url| url.contains("://"));
        if !absolute {
            it.wrong.push(format!(
                "accepts[{at}].resource: not an absolute url, clients of version 1 throw"
            ));
        }
        if let Some((name, _)) = offer
            .as_object()
            .and_then(|it| it.iter().find(|(_, value)| value.is_null()))
        {
            it.wrong.push(format!(
                "accepts[{at}].{name}: null, clients of version 1 throw"
            ));
        }
    }
}

fn payload_v2(text: &str, now: u64, it: &mut Explained) {
    match v2::PaymentPayload::parse(text) {
        Ok(document) => judge(request::claim(text, document.accepted.encode()), now, it),
        Err(error) => it.wrong.push(error.to_string()),
    }
}

/// By signature, window, amount, recipient, asset and chain, for a payer without code.
fn judge(claim: Result<Claim, RequestError>, now: u64, it: &mut Explained) {
    let claim = match claim {
        Ok(claim) => claim,
        Err(RequestError::Malformed(error)) => return it.wrong.push(error.to_string()),
        Err(RequestError::Refused(why)) => return it.wrong.push(why.to_string()),
        Err(_) => return it.wrong.push("it makes no claim".into()),
    };
    judged(&claim, now, it);
}

/// What a claim asks to be accepted, and whether its signature is right.
pub(super) fn judged(claim: &Claim, now: u64, it: &mut Explained) {
    offer(0, &claim.requirement, it);
    for key in &claim.spends {
        it.notes.push(format!("spends {key}"));
    }
    let known = Known::at(Timestamp::from_secs(now)).payer_code(PayerCode::Absent);
    match Verifier::new(Assets::known()).judge(claim, &known) {
        Verdict::Valid { payer } => it.notes.push(format!(
            "the signature is that of {payer}, and holds now; balance and nonce are the chain's affair"
        )),
        Verdict::Invalid(why) => it.wrong.push(why.to_string()),
        _ => it.notes.push("only the chain can tell whether the signature is right".into()),
    }
}

fn settled(text: &str, now: u64, it: &mut Explained) {
    let reply = match SettleResponse::parse(text) {
        Ok(reply) => reply,
        Err(error) => return it.wrong.push(error.to_string()),
    };
    if !reply.success {
        return;
    }
    let chain = match http402_x402::network::resolve(&reply.network) {
        Ok(chain) => chain,
        Err(error) => return it.wrong.push(error.inside("network").to_string()),
    };
    let amount = reply.amount.unwrap_or(http402_core::Amount::ZERO);
    if let Err(error) = reply.settlement(&chain, amount, Timestamp::from_secs(now)) {
        it.wrong.push(error.to_string());
    }
}
