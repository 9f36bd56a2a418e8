//! What an operation answers.

use http402_core::json::Json;
use std::borrow::Cow;

/// Why there is no value.
#[derive(Debug)]
pub(crate) struct Fault {
    pub(crate) kind: &'static str,
    pub(crate) message: String,
}

#[allow(
    clippy::needless_pass_by_value,
    reason = "what went wrong ends in a message"
)]
pub(crate) fn fault(kind: &'static str, message: impl ToString) -> Fault {
    Fault {
        kind,
        message: message.to_string(),
    }
}

pub(crate) fn unread(error: impl ToString) -> Fault {
    fault("parse_error", error)
}

pub(crate) fn unfit(error: impl ToString) -> Fault {
    fault("format_error", error)
}

pub(crate) fn unverified(error: impl ToString) -> Fault {
    fault("verification_error", error)
}

/// The text of a JSON value.
pub(crate) type Answer = Result<String, Fault>;

/// A member that may be absent, or null.
pub(crate) fn maybe<'a>(from: Json<'a>, name: &str) -> Option<Json<'a>> {
    from.get(name).filter(|value| !value.is_null())
}

/// The text of a JSON value, for documents that are built anew.
pub(crate) fn value(json: Json<'_>) -> Result<serde_json::Value, Cow<'static, str>> {
    serde_json::from_str(json.raw()).map_err(|error| error.to_string().into())
}
