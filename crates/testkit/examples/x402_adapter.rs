//! Our codecs and our judgement, one JSON request a line, to be held against other implementations.
//!
//! ```text
//! {"op":"required.decode","input":{"header":"eyJ4…"}}
//! {"ok":true,"value":{"x402Version":2,…}}
//! ```
//!
//! A failure is `{"ok":false,"error":{"type":…,"message":…}}`, with one of the types `parse_error`, `format_error`,
//! `verification_error` and `unsupported_operation`.

use std::io::{BufRead, Write, stdin, stdout};

#[allow(
    clippy::needless_pass_by_value,
    reason = "what went wrong ends in a message"
)]
mod adapter {
    use http402_core::{
        Address, Amount, Authorization, B256, Bytes, Claim, ParseError, Party, Price, Reason,
        Timestamp, TokenDomain, U256, Verdict, Window,
        asset::Assets,
        authorization::Eip3009,
        json::{Document, Json, Object},
        seam::{Judge, Known, PayerCode},
    };
    use http402_verify::Verifier;
    use http402_x402::{
        V1, header, network, reason,
        reply::SettleResponse,
        request::{self, RequestError},
        v1, v2,
    };

    /// Why there is no value.
    struct Fault {
        kind: &'static str,
        message: String,
    }

    fn fault(kind: &'static str, message: impl ToString) -> Fault {
        Fault {
            kind,
            message: message.to_string(),
        }
    }

    fn unread(error: impl ToString) -> Fault {
        fault("parse_error", error)
    }

    fn unfit(error: impl ToString) -> Fault {
        fault("format_error", error)
    }

    type Answer = Result<String, Fault>;

    /// The response line to a request line.
    pub(crate) fn respond(line: &str) -> String {
        match answer(line) {
            Ok(value) => Object::new()
                .boolean("ok", true)
                .raw("value", &value)
                .finish()
                .into(),
            Err(fault) => {
                let error = Object::new()
                    .text("type", fault.kind)
                    .text("message", &fault.message);
                Object::new()
                    .boolean("ok", false)
                    .raw("error", &error.finish())
                    .finish()
                    .into()
            }
        }
    }

    fn answer(line: &str) -> Answer {
        let request = Document::parse(line).map_err(unread)?;
        let request = request.root();
        let op = request.need_text("op").map_err(unfit)?;
        let input = request.need("input").map_err(unfit)?;
        match op {
            "required.decode" => decode(input, required),
            "payload.decode" => decode(input, payload),
            "settle.decode" => decode(input, settle),
            "required.encode" => encode(input, required),
            "payload.encode" => encode(input, payload),
            "settle.encode" => encode(input, settle),
            "offer.match" => offer_match(input),
            "verify" => verify(input),
            "digest" => digest(input),
            "money.parse" => money(input),
            "network.resolve" => resolve(input),
            other => Err(fault(
                "unsupported_operation",
                format!("no operation {other}"),
            )),
        }
    }

    fn required(text: &str) -> Result<(), ParseError> {
        if version(text)? == Some(1) {
            // One offer that can not be read hides no other, but is an error of the document's writer.
            return offers(v1::PaymentRequired::parse(text)?.accepts);
        }
        offers(v2::PaymentRequired::parse(text)?.accepts)
    }

    fn offers<T>(accepts: Vec<Result<T, ParseError>>) -> Result<(), ParseError> {
        let alone = accepts.len() == 1;
        match accepts.into_iter().find_map(Result::err).filter(|_| alone) {
            Some(error) => Err(error),
            None => Ok(()),
        }
    }

    fn payload(text: &str) -> Result<(), ParseError> {
        if version(text)? == Some(1) {
            return v1::PaymentPayload::parse(text).map(drop);
        }
        v2::PaymentPayload::parse(text).map(drop)
    }

    fn settle(text: &str) -> Result<(), ParseError> {
        SettleResponse::parse(text).map(drop)
    }

    fn version(text: &str) -> Result<Option<u64>, ParseError> {
        Ok(Document::parse(text)?
            .root()
            .get("x402Version")
            .and_then(Json::as_u64))
    }

    /// A header's value, or a document of version 1 as it is.
    fn decode(input: Json<'_>, check: fn(&str) -> Result<(), ParseError>) -> Answer {
        let text = match (input.get("header"), input.get("json")) {
            (Some(value), None) => {
                let value = value
                    .as_text()
                    .ok_or_else(|| unread("header: a string is expected"))?;
                header::decode("header", value.as_bytes()).map_err(unread)?
            }
            (None, Some(json)) => match json.as_text() {
                Some(text) => text.to_owned(),
                None => json.raw().to_owned(),
            },
            _ => return Err(unfit("input: either header or json is expected")),
        };
        check(&text).map_err(unread)?;
        let mut value = String::new();
        compact(Document::parse(&text).map_err(unread)?.root(), &mut value);
        Ok(value)
    }

    fn encode(input: Json<'_>, check: fn(&str) -> Result<(), ParseError>) -> Answer {
        check(input.raw()).map_err(unfit)?;
        let mut text = String::new();
        compact(input, &mut text);
        Ok(Object::new()
            .text("header", &header::encode(&text))
            .finish()
            .into())
    }

    /// The document without space between its parts, its texts in UTF-8: what JavaScript writes.
    fn compact(json: Json<'_>, out: &mut String) {
        if let Some(members) = json.as_object() {
            out.push('{');
            for (at, (name, value)) in members.enumerate() {
                if at > 0 {
                    out.push(',');
                }
                text(name, out);
                out.push(':');
                compact(value, out);
            }
            out.push('}');
        } else if let Some(items) = json.as_array() {
            out.push('[');
            for (at, item) in items.enumerate() {
                if at > 0 {
                    out.push(',');
                }
                compact(item, out);
            }
            out.push(']');
        } else if let Some(string) = json.as_text() {
            text(string, out);
        } else {
            out.push_str(json.raw());
        }
    }

    fn text(text: &str, out: &mut String) {
        out.push_str(&serde_json::Value::from(text).to_string());
    }

    fn offer_match(input: Json<'_>) -> Answer {
        let accepts = input.need("accepts").map_err(unfit)?;
        let accepts = accepts
            .as_array()
            .ok_or_else(|| unfit("accepts: an array is expected"))?;
        let accepted = input.need("accepted").map_err(unfit)?;
        let accepted = v2::PaymentRequirements::read(accepted).map_err(unread)?;
        let mut why = String::from("there is no offer");
        for (at, offer) in accepts.enumerate() {
            match v2::PaymentRequirements::read(offer).map(|offer| offer.matches(&accepted)) {
                Ok(Ok(())) => return Ok(Object::new().number("index", at as u64).finish().into()),
                Ok(Err(reason)) => why = reason.to_string(),
                Err(error) => why = error.to_string(),
            }
        }
        Err(fault(
            "verification_error",
            format!("no offer matches: {why}"),
        ))
    }

    /// By signature, window, amount, recipient, asset and chain alone, for a payer without code.
    fn verify(input: Json<'_>) -> Answer {
        let payload = input.need("paymentPayload").map_err(unfit)?;
        let offer = input.need("paymentRequirements").map_err(unfit)?;
        let now = input.need("now").map_err(unfit)?;
        let now = now
            .as_u64()
            .ok_or_else(|| unfit("now: whole seconds are expected"))?;
        if let Some(phase) = input.get("phase")
            && !matches!(phase.as_text(), Some("verify" | "settle"))
        {
            return Err(unfit("phase: verify or settle is expected"));
        }
        let first = payload.get("x402Version").and_then(Json::as_u64) == Some(1);
        let no = |why: &Reason, payer: Option<String>, needs: bool| {
            let code = match why {
                Reason::UnsupportedScheme => "invalid_exact_evm_scheme",
                why if first => reason::v1(why),
                why => reason::v2(why),
            };
            Object::new()
                .boolean("isValid", false)
                .text("invalidReason", code)
                .maybe_text("payer", payer.as_deref())
                .boolean("needsChain", needs)
                .finish()
                .into()
        };
        let claim = match request::claim(payload.raw(), offer.raw()) {
            Ok(claim) => claim,
            Err(RequestError::Refused(why)) => return Ok(no(&why, named_payer(payload), false)),
            Err(RequestError::Malformed(error)) => return Err(unread(error)),
            Err(_) => return Err(unread("no claim")),
        };
        debug_assert_eq!(first, claim.wire.protocol == V1);
        if claim.requirement.chain.evm().is_none() {
            return Err(unread("network: not an EVM chain"));
        }
        let judge = Verifier::new(Assets::none()).max_lifetime(u64::MAX);
        let known = Known::at(Timestamp::from_secs(now));
        let absent = judge.judge(&claim, &known.payer_code(PayerCode::Absent));
        let present = judge.judge(&claim, &known.payer_code(PayerCode::Present));
        let payer = claim.authorization.payer().map(|payer| payer.to_string());
        match absent {
            Verdict::Valid { payer } => Ok(Object::new()
                .boolean("isValid", true)
                .text("payer", &payer.to_string())
                .boolean("needsChain", false)
                .finish()
                .into()),
            Verdict::Invalid(why) => {
                let why = if signed(&judge, &claim) {
                    why
                } else {
                    Reason::Signature
                };
                Ok(no(&why, payer, present == Verdict::NeedsChain))
            }
            _ => Ok(no(&Reason::Signature, payer, true)),
        }
    }

    /// Who the payload says pays, when it is refused before it makes a claim.
    fn named_payer(payload: Json<'_>) -> Option<String> {
        let signed = payload.get("payload")?.get("authorization")?;
        Some(signed.get("from")?.as_text()?.to_owned())
    }

    /// Whether the signature is right for what was signed, whatever was asked for: TypeScript looks at it first, we last.
    fn signed(judge: &Verifier, claim: &Claim) -> bool {
        let Authorization::Eip3009(message) = &claim.authorization else {
            return true;
        };
        let mut asked = claim.clone();
        asked.requirement.pay_to = Party::Evm(message.to);
        asked.requirement.price = Price::Exactly(Amount::from_units(message.value));
        // The second before the end is too late: what is left has to last for a while.
        let within = message.window.end().minus(2 * Window::FLOOR);
        let known = Known::at(within).payer_code(PayerCode::Absent);
        judge.judge(&asked, &known) != Verdict::Invalid(Reason::Signature)
    }

    fn digest(input: Json<'_>) -> Answer {
        let primary = input.need_text("primaryType").map_err(unfit)?;
        if primary != "TransferWithAuthorization" {
            return Err(fault(
                "unsupported_operation",
                format!("no primitive {primary}"),
            ));
        }
        let domain = input.need("domain").map_err(unfit)?;
        let message = input.need("message").map_err(unfit)?;
        let names = TokenDomain::new(
            domain.need_text("name").map_err(unfit)?,
            domain.need_text("version").map_err(unfit)?,
        );
        let chain = number(domain, "chainId")?;
        let chain = u64::try_from(chain).map_err(|_| unfit("chainId: too large"))?;
        let seconds = |name| -> Result<Timestamp, Fault> {
            let seconds = number(message, name)?;
            Ok(Timestamp::from_secs(
                u64::try_from(seconds).map_err(|_| unfit(format!("{name}: too large")))?,
            ))
        };
        let nonce = message.need_text("nonce").map_err(unfit)?;
        let unsigned = Eip3009 {
            from: address(message, "from")?,
            to: address(message, "to")?,
            value: number(message, "value")?,
            window: Window::new(seconds("validAfter")?, seconds("validBefore")?),
            nonce: nonce
                .parse::<B256>()
                .map_err(|_| unread("nonce: 32 bytes are expected"))?,
            signature: Bytes::new(),
        };
        let document = unsigned.document(&names, chain, address(domain, "verifyingContract")?);
        Ok(Object::new()
            .text("digest", &document.digest().to_string())
            .finish()
            .into())
    }

    fn address(from: Json<'_>, name: &'static str) -> Result<Address, Fault> {
        let text = from.need_text(name).map_err(unfit)?;
        text.parse()
            .map_err(|_| unread(format!("{name}: an address is expected")))
    }

    /// A number, or decimal digits in a text.
    fn number(from: Json<'_>, name: &'static str) -> Result<U256, Fault> {
        let value = from.need(name).map_err(unfit)?;
        let text = value
            .as_text()
            .map(ToOwned::to_owned)
            .or_else(|| value.as_number().map(Into::into));
        let amount = text.and_then(|text| text.parse::<Amount>().ok());
        Ok(amount
            .ok_or_else(|| unread(format!("{name}: decimal digits are expected")))?
            .units())
    }

    fn money(input: Json<'_>) -> Answer {
        let text = input.need_text("text").map_err(unfit)?;
        let decimals = input.need("decimals").map_err(unfit)?.as_u64();
        let decimals = decimals.and_then(|decimals| u8::try_from(decimals).ok());
        let decimals = decimals.ok_or_else(|| unfit("decimals: 0 to 255 is expected"))?;
        let amount = Amount::from_money(text, decimals).map_err(unread)?;
        Ok(Object::new()
            .text("amount", &amount.to_string())
            .finish()
            .into())
    }

    fn resolve(input: Json<'_>) -> Answer {
        let text = ["network", "name", "text"]
            .iter()
            .find_map(|name| input.get(name)?.as_text());
        let text = input
            .as_text()
            .or(text)
            .ok_or_else(|| unfit("network: a string is expected"))?;
        let chain = network::resolve(text).map_err(unread)?;
        Ok(Object::new()
            .text("network", &chain.to_string())
            .finish()
            .into())
    }
}

pub(crate) use adapter::respond;

fn main() -> std::io::Result<()> {
    let mut out = stdout().lock();
    for line in stdin().lock().lines() {
        let line = line?;
        if !line.trim().is_empty() {
            writeln!(out, "{}", respond(&line))?;
            out.flush()?;
        }
    }
    Ok(())
}
