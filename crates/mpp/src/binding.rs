//! How a challenge is bound to its server: its id is an HMAC over everything that the client could change.
//!
//! ```text
//! id = base64url(HMAC-SHA256(secret, realm | method | intent | request | expires | digest [ | header ] | opaque))
//! ```
//! The slots are texts as they were on the wire, and empty when absent. `header` has a slot when it is not the default.

use crate::base64url;
use hmac::{Hmac, KeyInit, Mac};
use http402_core::ParseError;
use sha2::Sha256;
use std::fmt;

/// The shortest secret that is accepted, in bytes.
pub const MIN_SECRET: usize = 32;

/// What the id of a challenge is bound to.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Slots<'a> {
    /// `realm`.
    pub realm: &'a str,
    /// `method`.
    pub method: &'a str,
    /// `intent`.
    pub intent: &'a str,
    /// `request`, encoded.
    pub request: &'a str,
    /// `expires`.
    pub expires: Option<&'a str>,
    /// `digest`.
    pub digest: Option<&'a str>,
    /// `header`; `Authorization`, in any case, and the empty text are the default.
    pub header: Option<&'a str>,
    /// `opaque`, encoded.
    pub opaque: Option<&'a str>,
}

impl<'a> Slots<'a> {
    fn each(&self) -> impl Iterator<Item = &'a str> {
        let header = self
            .header
            .filter(|name| !name.is_empty() && !name.eq_ignore_ascii_case("Authorization"));
        let first = [
            self.realm,
            self.method,
            self.intent,
            self.request,
            self.expires.unwrap_or_default(),
            self.digest.unwrap_or_default(),
        ];
        let last = std::iter::once(self.opaque.unwrap_or_default());
        first.into_iter().chain(header).chain(last)
    }

    /// The text that is hashed.
    pub fn input(&self) -> String {
        self.each().collect::<Vec<_>>().join("|")
    }

    /// Whether no slot can run into the next one.
    fn apart(&self) -> bool {
        self.each().all(|slot| !slot.contains('|'))
    }
}

fn keyed(secret: &[u8]) -> Hmac<Sha256> {
    Hmac::new_from_slice(secret).expect("HMAC takes keys of every length")
}

fn mac(keyed: &Hmac<Sha256>, slots: &Slots<'_>) -> Hmac<Sha256> {
    let mut mac = keyed.clone();
    mac.update(slots.input().as_bytes());
    mac
}

fn tag(keyed: &Hmac<Sha256>, slots: &Slots<'_>) -> String {
    base64url::encode(mac(keyed, slots).finalize().into_bytes())
}

/// The id for these slots under any secret: for vectors of others. A server uses a [`KeyRing`].
pub fn challenge_id(secret: &[u8], slots: &Slots<'_>) -> String {
    tag(&keyed(secret), slots)
}

/// Why a secret is not accepted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct WeakSecret;

impl fmt::Display for WeakSecret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "a secret must have at least {MIN_SECRET} bytes")
    }
}

impl std::error::Error for WeakSecret {}

/// The secrets of a server. New challenges are bound by the newest; retired ones are honoured until they are dropped, which
/// is safe once the last challenge that they bound has expired.
#[derive(Clone)]
pub struct KeyRing {
    /// The newest first, each as a hash that its secret has gone into.
    secrets: Vec<Hmac<Sha256>>,
}

impl KeyRing {
    /// A ring with one secret.
    ///
    /// # Errors
    /// When it has fewer than [`MIN_SECRET`] bytes, white space around a text not counted.
    pub fn new(secret: &[u8]) -> Result<Self, WeakSecret> {
        Ok(Self {
            secrets: vec![strong(secret)?],
        })
    }

    /// The same, with a secret that binds no new challenges and is still honoured.
    ///
    /// # Errors
    /// As [`KeyRing::new`].
    pub fn retired(mut self, secret: &[u8]) -> Result<Self, WeakSecret> {
        self.secrets.push(strong(secret)?);
        Ok(self)
    }

    /// A ring in which `secret` binds new challenges, and the present secrets are honoured.
    ///
    /// # Errors
    /// As [`KeyRing::new`].
    pub fn rotate(mut self, secret: &[u8]) -> Result<Self, WeakSecret> {
        self.secrets.insert(0, strong(secret)?);
        Ok(self)
    }

    /// The id of a new challenge.
    ///
    /// # Errors
    /// When a slot holds `|`, by which one could run into the next.
    pub fn bind(&self, slots: &Slots<'_>) -> Result<String, ParseError> {
        if !slots.apart() {
            return Err(ParseError::new("challenge", "a parameter holds a bar"));
        }
        let newest = self.secrets.first().expect("a ring has a secret");
        Ok(tag(newest, slots))
    }

    /// Whether one of the secrets made this id for these slots. The time that it takes does not tell how much of an id is
    /// right, nor which secret made it.
    pub fn verify(&self, slots: &Slots<'_>, id: &str) -> bool {
        let Some(tag) = base64url::exact(id) else {
            return false;
        };
        let made = self.secrets.iter().fold(false, |made, secret| {
            made | mac(secret, slots).verify_slice(&tag).is_ok()
        });
        made && slots.apart()
    }
}

fn strong(secret: &[u8]) -> Result<Hmac<Sha256>, WeakSecret> {
    // A text may end with the line break of the file that it came from; in random bytes a space is as good as any other byte.
    let text = secret
        .iter()
        .all(|byte| byte.is_ascii_graphic() || byte.is_ascii_whitespace());
    let counted = if text { secret.trim_ascii() } else { secret };
    if counted.len() < MIN_SECRET {
        return Err(WeakSecret);
    }
    Ok(keyed(secret))
}

impl fmt::Debug for KeyRing {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "KeyRing[{} secrets]", self.secrets.len())
    }
}
