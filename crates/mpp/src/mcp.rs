//! The carrier of MCP and JSON-RPC (draft-payment-transport-mcp).
//!
//! | | where |
//! |---|---|
//! | challenges | `error.data` of an error with code [`REQUIRED`] or [`FAILED`], or `result._meta` under [`META_REQUIRED`] |
//! | credential | `params._meta` under [`META_CREDENTIAL`], or `_meta` of the request itself |
//! | receipt | `result._meta` under [`META_RECEIPT`] |
//!
//! The `request` of a challenge is a JSON object here, and bound as its canonical text; an encoded text is read, too.
//! A request without an `id` is a notification: it is answered by nobody, and never paid.

use crate::{challenge::Challenge, credential::Credential, problem::Problem, receipt::Receipt};
use http402_core::{
    ParseError,
    json::{Document, Json, Members, Object, array},
};

/// The error code of a request that has to be paid.
pub const REQUIRED: i64 = -32_042;
/// The error code of a payment that was not accepted.
pub const FAILED: i64 = -32_043;
/// The error code of a credential that can not be read.
pub const MALFORMED: i64 = -32_602;
/// The error code of an outcome that is not known.
pub const INTERNAL: i64 = -32_603;

/// Where a credential stands.
pub const META_CREDENTIAL: &str = "org.paymentauth/credential";
/// Where a receipt stands.
pub const META_RECEIPT: &str = "org.paymentauth/receipt";
/// Where the challenges stand in the result of a tool.
pub const META_REQUIRED: &str = "org.paymentauth/payment-required";

/// The longest message that is looked at, in bytes.
pub const MAX_LEN: usize = 1024 * 1024;

/// What is asked for, with the problem that it came with.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Required {
    /// The challenges, in order. One that can not be read hides no other.
    pub challenges: Vec<Result<Challenge, ParseError>>,
    /// Why.
    pub problem: Option<Problem>,
}

impl Required {
    /// The `data` of an error, or the value under [`META_REQUIRED`].
    pub fn encode(challenges: &[Challenge], problem: Option<&Problem>) -> Box<str> {
        let challenges: Vec<_> = challenges.iter().map(Challenge::to_native).collect();
        Object::new()
            .number("httpStatus", 402)
            .raw("challenges", &array(challenges.iter().map(|one| &**one)))
            .maybe_raw("problem", problem.map(Problem::as_json))
            .finish()
    }

    /// The `error` of a response.
    pub fn error(code: i64, challenges: &[Challenge], problem: &Problem) -> Box<str> {
        let message = problem.title.as_deref().unwrap_or("Payment Required");
        Object::new()
            .raw("code", &code.to_string())
            .text("message", message)
            .raw("data", &Self::encode(challenges, Some(problem)))
            .finish()
    }

    /// What a response asks for, by its error or by the result of a tool; `None` when it asks for nothing.
    ///
    /// # Errors
    /// When the message is too long or no JSON, or asks in a form that can not be read.
    pub fn parse(message: &str) -> Result<Option<Self>, ParseError> {
        let document = parse(message)?;
        let json = document.root();
        if let Some(error) = json.object("error")? {
            let code = error.get("code").and_then(Json::as_number);
            let ours = [REQUIRED, FAILED].map(|code| code.to_string());
            if !code.is_some_and(|code| ours.iter().any(|one| one == code)) {
                return Ok(None);
            }
            return Self::read(error.need("data")?).map(Some);
        }
        let result = json.get("result").and_then(|result| result.get("_meta"));
        let required = result.and_then(|meta| meta.get(META_REQUIRED));
        required.map(Self::read).transpose()
    }

    fn read(data: Json<'_>) -> Result<Self, ParseError> {
        let challenges = data
            .need("challenges")?
            .as_array()
            .ok_or_else(|| ParseError::new("challenges", "array expected"))?;
        let challenges = challenges.enumerate().map(|(at, one)| {
            Challenge::from_json(one).map_err(|error| error.inside(&format!("challenges[{at}]")))
        });
        // The draft's `failure` says less; a problem is what the packages send.
        let problem = data.object("problem")?.map(Problem::read).transpose()?;
        Ok(Self {
            challenges: challenges.collect(),
            problem,
        })
    }
}

/// The credential in a request; `None` when it carries none.
///
/// # Errors
/// When the message is too long or no JSON, the request is a notification, carries two credentials, or one that can not be
/// read.
pub fn credential(message: &str) -> Result<Option<Credential>, ParseError> {
    let document = parse(message)?;
    let json = document.root();
    let of = |from: Option<Json<'_>>| {
        from.and_then(|from| from.get("_meta"))
            .and_then(|meta| meta.get(META_CREDENTIAL))
            .map(|found| found.raw().to_owned())
    };
    let found = match (of(json.get("params")), of(Some(json))) {
        (Some(_), Some(_)) => return Err(ParseError::new("_meta", "two credentials")),
        (Some(found), None) | (None, Some(found)) => found,
        (None, None) => return Ok(None),
    };
    if json.get("id").is_none() {
        return Err(ParseError::new("id", "a notification is not paid"));
    }
    Credential::parse(&found)
        .map(Some)
        .map_err(|error| error.inside("credential"))
}

/// A credential as it stands under [`META_CREDENTIAL`]: with the request itself in the place of its encoding.
pub fn native(credential: &Credential) -> Box<str> {
    Object::new()
        .raw("challenge", &credential.challenge().to_native())
        .maybe_text("source", credential.source())
        .raw("payload", credential.payload())
        .finish()
}

/// A request with the credential in `params._meta`.
///
/// # Errors
/// When the message or its `params` are no objects.
pub fn attach(message: &str, credential: &Credential) -> Result<Box<str>, ParseError> {
    with_meta(message, "params", META_CREDENTIAL, &native(credential))
}

/// A response with the receipt in `result._meta`, and the challenge that it is for.
///
/// # Errors
/// When the message or its `result` are no objects.
pub fn acknowledge(
    message: &str,
    receipt: &Receipt,
    challenge: &str,
) -> Result<Box<str>, ParseError> {
    let receipt = Document::parse(receipt.as_json())?;
    let mut quoted = String::new();
    http402_core::json::quote(challenge, &mut quoted);
    let receipt = set(Some(receipt.root()), "challengeId", &quoted)?;
    with_meta(message, "result", META_RECEIPT, &receipt)
}

/// The receipt in a response; `None` when there is none.
///
/// # Errors
/// When the message is too long or no JSON, or the receipt can not be read.
pub fn receipt(message: &str) -> Result<Option<Receipt>, ParseError> {
    let document = parse(message)?;
    let json = document.root();
    let meta = json.get("result").and_then(|result| result.get("_meta"));
    let found = meta.and_then(|meta| meta.get(META_RECEIPT));
    found
        .map(Receipt::read)
        .transpose()
        .map_err(|error| error.inside("receipt"))
}

fn parse(message: &str) -> Result<Document<'_>, ParseError> {
    if message.len() > MAX_LEN {
        return Err(ParseError::new("message", "longer than 1048576 bytes"));
    }
    Document::parse(message)
}

fn with_meta(
    message: &str,
    part: &'static str,
    name: &str,
    value: &str,
) -> Result<Box<str>, ParseError> {
    let document = parse(message)?;
    let json = document.root();
    let inner = json.object(part)?;
    let meta = match inner {
        Some(inner) => inner.object("_meta")?,
        None => None,
    };
    let meta = set(meta, name, value)?;
    let inner = set(inner, "_meta", &meta)?;
    if json.as_object().is_none() {
        return Err(ParseError::new("message", "object expected"));
    }
    set(Some(json), part, &inner)
}

/// The object with one member set; all others keep their text.
fn set(object: Option<Json<'_>>, name: &str, value: &str) -> Result<Box<str>, ParseError> {
    let members = match object {
        Some(object) => object
            .as_object()
            .ok_or_else(|| ParseError::new("message", "object expected"))?,
        None => Members::default(),
    };
    let kept = members.filter(|(known, _)| *known != name);
    let out = kept.fold(Object::new(), |out, (known, value)| {
        out.raw(known, value.raw())
    });
    Ok(out.raw(name, value).finish())
}
