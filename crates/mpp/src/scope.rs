//! What a challenge is for: the route, in `opaque`, which its id is bound to, and entropy that makes every challenge another.
//!
//! ```json
//! {"_mpp_nonce":"<64 hexadecimal digits>","_mppx_scope":"GET /report?year=2026"}
//! ```

use crate::{base64url, challenge::MAX_REQUEST, digest};
use http402_core::{
    B256, ParseError,
    json::{Document, Object},
};

/// The member with the route.
pub const SCOPE: &str = "_mppx_scope";
/// The member with the entropy.
pub const NONCE: &str = "_mpp_nonce";

/// A longer scope is told by its hash, in bytes.
const LONGEST: usize = 512;

/// The scope of a request: its method and its target, the path and the query of `url`. `HEAD` counts as `GET`.
pub fn of(method: &str, url: &str) -> Box<str> {
    let method = if method == "HEAD" { "GET" } else { method };
    let after = url.split_once("://").map_or(url, |(_, rest)| rest);
    let target = match after.find(['/', '?']) {
        Some(at) => after.get(at..).unwrap_or_default(),
        None => "/",
    };
    let scope = format!("{method} {target}");
    if scope.len() <= LONGEST {
        scope.into()
    } else {
        digest::of(scope.as_bytes())
    }
}

/// The JSON text of `opaque`.
pub fn opaque(scope: &str, nonce: B256) -> Box<str> {
    Object::new()
        .text(NONCE, nonce.to_string().trim_start_matches("0x"))
        .text(SCOPE, scope)
        .finish()
}

/// The scope in an encoded `opaque`; `None` when there is none.
///
/// # Errors
/// When it is not base64url of a JSON object of texts.
pub fn read(opaque: &str) -> Result<Option<Box<str>>, ParseError> {
    let text = base64url::decode_text("opaque", opaque.as_bytes(), MAX_REQUEST)?;
    let document = Document::parse(&text).map_err(|error| error.inside("opaque"))?;
    let json = document.root();
    let mut members = json
        .as_object()
        .ok_or_else(|| ParseError::new("opaque", "object expected"))?;
    if members.any(|(_, value)| value.as_text().is_none()) {
        return Err(ParseError::new("opaque", "texts expected"));
    }
    Ok(json.text(SCOPE)?.map(Into::into))
}
