//! What pays a charge on Tempo, and who pays its fee.

use super::{
    answer::{Answer, Fault, maybe, unverified, value},
    documents,
    fixture::{Recorded, Still, run},
};
use http402_core::{
    Address, Authorization, B256, Claim, Encoded, Reason, Settlement, Step, Timestamp, U256,
    Window, Wire,
    authorization::{
        ChallengeRef, TempoTransaction,
        tempo::{FEE_PAYER, TRANSACTION},
    },
    json::{Document, Items, Json, Object},
    seam::{Clock, Facilitator},
};
use http402_mpp::{
    Challenge, Credential, MPP,
    method::tempo::{self, Payload},
};
use http402_tempo::{
    Charge, Settler, Sponsor, Transaction,
    transaction::{Call, FeePayer, Unsigned},
};
use http402_verify::LocalKey;
use std::sync::Arc;

/// The chain of requests that name none.
const CHAIN: u64 = 42_431;

/// Reads a request.
fn request(text: &str) -> Result<tempo::Charge, Fault> {
    let document = Document::parse(text).map_err(unverified)?;
    let json = document.root();
    let mut json = value(json).map_err(unverified)?;
    let Some(members) = json.as_object_mut() else {
        return Err(unverified("request: an object is expected"));
    };
    let details = members
        .entry("methodDetails")
        .or_insert_with(|| serde_json::json!({}));
    if let Some(details) = details.as_object_mut() {
        details.entry("chainId").or_insert_with(|| CHAIN.into());
    }
    tempo::Charge::parse(&json.to_string()).map_err(unverified)
}

/// Whether a receipt shows that a credential paid.
pub(crate) fn verify(input: Json<'_>) -> Answer {
    let credential = input.need("credential").map_err(unverified)?;
    let credential = documents::credential(credential).map_err(unverified)?;
    let charge = request(credential.challenge().request())?;
    let recorded = Recorded::read(input.need("receipt").map_err(unverified)?)?;
    let mut why = Reason::TransferMissing;
    for sender in recorded.senders() {
        let paid = if stands_in(credential.payload()) {
            alone(&credential, &charge, &recorded, sender)
        } else {
            settle(&credential, &charge, &recorded, sender)?
        };
        match paid {
            Ok(reference) => {
                return Ok(Object::new()
                    .text("status", "success")
                    .text("reference", &reference)
                    .finish()
                    .into());
            }
            Err(reason) => why = reason,
        }
    }
    Err(unverified(why))
}

/// Whether the transaction of a payload is none that a chain of Tempo would take.
fn stands_in(payload: &str) -> bool {
    match Payload::parse(payload) {
        Ok(Payload::Transaction(raw)) => !matches!(raw.first(), Some(&TRANSACTION | &FEE_PAYER)),
        _ => false,
    }
}

/// By the receipt alone.
fn alone(
    credential: &Credential,
    charge: &tempo::Charge,
    recorded: &Recorded,
    sender: Address,
) -> Result<String, Reason> {
    let charge = Charge::of_request(charge, credential.challenge().reference())?;
    if !recorded.success {
        return Err(Reason::TransactionFailed);
    }
    charge.match_logs(&recorded.logs, sender)?;
    Ok(recorded.hash.clone())
}

/// As a server does, on a chain that has this receipt and nothing else.
fn settle(
    credential: &Credential,
    charge: &tempo::Charge,
    recorded: &Recorded,
    sender: Address,
) -> Result<Result<String, Reason>, Fault> {
    let reference = credential.challenge().reference();
    let (source, payload) = (credential.source(), credential.payload());
    let authorization = match charge.authorization(reference, source, payload) {
        Ok(authorization) => authorization,
        Err(why) => return Ok(Err(why)),
    };
    let now = in_time(&authorization);
    let wire = Wire {
        protocol: MPP,
        offer: Encoded::default(),
        answer: Encoded::default(),
    };
    let claim = Claim::new(charge.requirement(60), authorization, wire);
    let chain = recorded.chain(charge.chain(), sender)?;
    let settler = Settler::builder(Arc::new(Still(now))).chain(charge.chain(), chain);
    let settler = settler.build().map_err(unverified)?;
    let settled = run(settler.settle(&claim, Step::Charge(claim.amount())))?;
    Ok(match settled.map_err(unverified)? {
        Settlement::Settled(receipt) => Ok(receipt.transaction.to_string()),
        Settlement::Declined(why) => Err(why),
        _ => Err(Reason::TransferMissing),
    })
}

/// A time at which the authorization holds: receipts are of the past.
fn in_time(authorization: &Authorization) -> Timestamp {
    let window = authorization.window();
    window.map_or(Timestamp::from_secs(0), |window| {
        window.end().minus(2 * Window::FLOOR)
    })
}

/// Has a buyer sign a transaction, and a seller pay its fee if he does that.
pub(crate) fn cosign(input: Json<'_>) -> Answer {
    let now = http402_reqwest::Tokio.now();
    let need = |name| input.need(name).map_err(unverified);
    let (payer, sponsor) = (
        key(input, "payerPrivateKey")?,
        key(input, "feePayerPrivateKey")?,
    );
    let sponsor = Sponsor::new(Arc::new(sponsor), word(need("feeToken")?, "feeToken")?);
    let request = request(need("request")?.raw())?;
    let challenge = maybe(input, "challenge").map(Challenge::from_json);
    let challenge = challenge.transpose().map_err(unverified)?;
    let reference = challenge.as_ref().map(Challenge::reference);
    let bound = reference
        .clone()
        .unwrap_or_else(|| ChallengeRef::new("", ""));
    let unsigned = transaction(need("transaction")?, now)?.encode();
    let draft = TempoTransaction::unsigned(bound.clone(), payer.address(), unsigned);
    let draft = draft.map_err(unverified)?;
    let signed = draft.sign(&payer.sign_digest(&draft.signing_hash().0));
    let signed = signed.map_err(unverified)?;

    // From here on it is the seller who reads.
    let read = Transaction::decode(signed.raw()).map_err(unverified)?;
    if read.chain() != request.chain() {
        return Err(refusal(&Reason::NetworkMismatch));
    }
    let limits = sponsor.limits().check(&read, now);
    let charge = Charge::of_request(&request, bound);
    let calls = charge.and_then(|charge| charge.match_calls(read.calls()));
    limits.and(calls).map_err(|why| refusal(&why))?;
    if reference.is_none() {
        return Err(refusal(&Reason::ChallengeMismatch));
    }
    let sent = run(sponsor.sign(&read, payer.address()))?.map_err(unverified)?;
    told(&sent)
}

/// What is sent, in the suite's words.
fn told(sent: &[u8]) -> Answer {
    let read = Transaction::decode(sent).map_err(unverified)?;
    let kind = sent.first().copied().unwrap_or_default();
    let token = read.fee_token().ok_or_else(|| unverified("no fee token"))?;
    let calls = u64::try_from(read.calls().len()).map_err(unverified)?;
    let signed = *read.fee_payer() == FeePayer::Signed;
    Ok(Object::new()
        .text("type", &format!("{kind:#04x}"))
        .text("feeToken", &format!("{token:#x}"))
        .boolean("feePayerSignaturePresent", signed)
        // A list that is not empty has been refused.
        .number("accessListLength", u64::from(read.has_access_list()))
        .number("callCount", calls)
        .finish()
        .into())
}

/// Why a fee is not paid, in the suite's words.
fn refusal(why: &Reason) -> Fault {
    let text = match why {
        Reason::ChallengeMismatch
        | Reason::TransferMissing
        | Reason::AmountMismatch
        | Reason::RecipientMismatch => "no matching payment call found",
        Reason::LifetimeTooLong => "validity window exceeds sponsor policy",
        Reason::Other(code) => match &**code {
            "unauthorized_call" => "contains unauthorized extra calls",
            "sponsor_gas" => "gas limit exceeds sponsor policy",
            "sponsor_fee_token" => "must not include fee_token",
            "sponsor_nonce_key" => "must use expiring nonce key",
            "sponsor_access_list" => "access list is not allowed",
            _ => "exceeds sponsor policy",
        },
        _ => "not payable",
    };
    unverified(format!("{text} ({why})"))
}

fn transaction(json: Json<'_>, now: Timestamp) -> Result<Unsigned, Fault> {
    let number = |name: &'static str| number(json, name, now);
    let small = |name: &'static str| -> Result<u64, Fault> {
        u64::try_from(number(name)?).map_err(|_| unverified(format!("{name}: too large")))
    };
    let fee = |name: &'static str| -> Result<u128, Fault> {
        u128::try_from(number(name)?).map_err(|_| unverified(format!("{name}: too large")))
    };
    let mut unsigned = Unsigned::new(small("chainId")?);
    unsigned.sponsored = true;
    unsigned.priority_fee = fee("maxPriorityFeePerGas")?;
    unsigned.max_fee = fee("maxFeePerGas")?;
    unsigned.gas = small("gasLimit")?;
    for item in items(json, "calls")? {
        let need = |name| item.need(name).map_err(unverified);
        let input = word::<http402_core::Bytes>(need("data")?, "data")?;
        let mut call = Call::new(word(need("to")?, "to")?, input);
        call.value = self::number(item, "value", now)?;
        unsigned.calls.push(call);
    }
    for item in items(json, "accessList")? {
        let mut pair = item.items();
        let (Some(account), Some(slots), None) = (pair.next(), pair.next(), pair.next()) else {
            return Err(unverified("accessList: pairs are expected"));
        };
        let slots = slots.items().map(|slot| word::<B256>(slot, "accessList"));
        let account = word::<Address>(account, "accessList")?;
        unsigned
            .access_list
            .push((account, slots.collect::<Result<_, _>>()?));
    }
    unsigned.nonce_key = number("nonceKey")?;
    unsigned.nonce = small("nonce")?;
    unsigned.valid_before = Some(small("validBefore")?);
    let token = maybe(json, "feeToken").map(|token| word(token, "feeToken"));
    unsigned.fee_token = token.transpose()?;
    Ok(unsigned)
}

fn items<'a>(json: Json<'a>, name: &'static str) -> Result<Items<'a>, Fault> {
    let list = json.get(name).and_then(Json::as_array);
    list.ok_or_else(|| unverified(format!("{name}: an array is expected")))
}

/// A number, digits in a text, `max`, or so many seconds from now.
fn number(json: Json<'_>, name: &'static str, now: Timestamp) -> Result<U256, Fault> {
    let bad = || unverified(format!("{name}: a number is expected"));
    let value = json.need(name).map_err(unverified)?;
    let text = value
        .as_text()
        .or_else(|| value.as_number())
        .ok_or_else(bad)?;
    let (start, text) = match text.strip_prefix("now+") {
        Some(rest) => (now.secs(), rest),
        None if text == "max" => return Ok(U256::MAX),
        None => (0, text),
    };
    let digits = text.bytes().all(|b| b.is_ascii_digit()) && !text.is_empty();
    let number = text.parse::<U256>().ok().filter(|_| digits);
    number
        .and_then(|number| number.checked_add(U256::from(start)))
        .ok_or_else(bad)
}

fn word<T: std::str::FromStr>(json: Json<'_>, name: &'static str) -> Result<T, Fault> {
    let read = json.as_text().and_then(|text| text.parse().ok());
    read.ok_or_else(|| unverified(format!("{name}: hexadecimal digits are expected")))
}

fn key(input: Json<'_>, name: &'static str) -> Result<LocalKey, Fault> {
    let text = input.need_text(name).map_err(unverified)?;
    // The error does not hold the key.
    LocalKey::from_hex(text).map_err(unverified)
}
