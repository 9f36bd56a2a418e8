//! `WWW-Authenticate: Payment …`: what a server asks for (core draft, section 5.1).

use crate::{
    base64url,
    binding::{KeyRing, Slots},
    digest, jcs, param, rfc3339,
};
use http402_core::{
    ParseError, Timestamp,
    authorization::ChallengeRef,
    json::{Document, Json, Object},
};

/// The name of the authentication scheme.
pub const SCHEME: &str = "Payment";

/// The longest `request` that is looked at, in characters.
pub const MAX_REQUEST: usize = 16 * 1024;

/// One challenge. The texts are kept as they were on the wire: they are echoed, and hashed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Challenge {
    fields: Fields,
    decoded: Box<str>,
    until: Option<Timestamp>,
}

#[derive(Clone, Debug, Default, PartialEq, Eq)]
struct Fields {
    id: Box<str>,
    realm: Box<str>,
    method: Box<str>,
    intent: Box<str>,
    request: Box<str>,
    expires: Option<Box<str>>,
    digest: Option<Box<str>>,
    header: Option<Box<str>>,
    description: Option<Box<str>>,
    opaque: Option<Box<str>>,
}

/// The field of a request that carries the credential.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
#[non_exhaustive]
pub enum Carrier {
    /// `Authorization`.
    #[default]
    Authorization,
    /// `Payment-Authorization`, for resources that need the other one for something else.
    PaymentAuthorization,
}

impl Carrier {
    /// The name of the field.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Authorization => "Authorization",
            Self::PaymentAuthorization => "Payment-Authorization",
        }
    }
}

/// What a server puts into a challenge.
#[derive(Clone, Copy, Debug)]
#[non_exhaustive]
pub struct Terms<'a> {
    /// `realm`.
    pub realm: &'a str,
    /// `method`.
    pub method: &'a str,
    /// `intent`.
    pub intent: &'a str,
    /// `request`: a JSON object, which is made canonical.
    pub request: &'a str,
    /// `expires`.
    pub expires: Timestamp,
    /// `digest`.
    pub digest: Option<&'a str>,
    /// `header`.
    pub carrier: Carrier,
    /// `description`, for people.
    pub description: Option<&'a str>,
    /// `opaque`: a JSON object of texts, which is made canonical.
    pub opaque: Option<&'a str>,
}

impl<'a> Terms<'a> {
    /// A challenge for `request`, valid until `expires`.
    pub const fn new(
        realm: &'a str,
        method: &'a str,
        intent: &'a str,
        request: &'a str,
        expires: Timestamp,
    ) -> Self {
        Self {
            realm,
            method,
            intent,
            request,
            expires,
            digest: None,
            carrier: Carrier::Authorization,
            description: None,
            opaque: None,
        }
    }
}

impl Challenge {
    /// A challenge bound by the newest secret of `keys`.
    ///
    /// # Errors
    /// When a part is not in its form; see [`Challenge::parse`].
    pub fn issue(terms: &Terms<'_>, keys: &KeyRing) -> Result<Self, ParseError> {
        let canonical = |text| jcs::canonicalize(text).map(|text| base64url::encode(&*text));
        let mut fields = Fields {
            realm: terms.realm.into(),
            method: terms.method.into(),
            intent: terms.intent.into(),
            request: canonical(terms.request)
                .map_err(|e| e.inside("request"))?
                .into(),
            expires: Some(rfc3339::format(terms.expires).into()),
            digest: terms.digest.map(Into::into),
            description: terms.description.map(Into::into),
            opaque: terms.opaque.map(canonical).transpose()?.map(Into::into),
            ..Fields::default()
        };
        if terms.carrier != Carrier::Authorization {
            fields.header = Some(terms.carrier.as_str().into());
        }
        fields.id = keys.bind(&fields.slots())?.into();
        Self::of(fields)
    }

    /// The challenges of this scheme in the values of `WWW-Authenticate`, in order. One that can not be read hides no other.
    pub fn parse_all<'a>(
        values: impl IntoIterator<Item = &'a [u8]>,
    ) -> Vec<Result<Self, ParseError>> {
        let mut all = Vec::new();
        for value in values {
            let schemes = match param::read(value) {
                Ok(schemes) => schemes,
                Err(error) => {
                    all.push(Err(error.inside("WWW-Authenticate")));
                    continue;
                }
            };
            for scheme in schemes {
                match scheme {
                    Ok(scheme) if scheme.is(SCHEME) => all.push(Self::read(&scheme)),
                    Err((name, error)) if name.eq_ignore_ascii_case(SCHEME) => all.push(Err(error)),
                    _ => {}
                }
            }
        }
        all
    }

    /// The one challenge in a value of `WWW-Authenticate`.
    ///
    /// # Errors
    /// When there is none, more than one, or one that can not be read: a parameter is missing or stands twice, `request` is
    /// not a JSON object in base64url of at most [`MAX_REQUEST`] characters, `expires` no RFC 3339, `digest` not of SHA-256,
    /// or `header` names any other field than the two.
    pub fn parse(value: &[u8]) -> Result<Self, ParseError> {
        let mut all = Self::parse_all([value]).into_iter();
        match (all.next(), all.next()) {
            (Some(one), None) => one,
            (None, _) => Err(ParseError::new("challenge", "missing")),
            (Some(_), Some(_)) => Err(ParseError::new("challenge", "more than one")),
        }
    }

    fn read(scheme: &param::Scheme) -> Result<Self, ParseError> {
        let need = |name: &'static str| {
            scheme
                .get(name)
                .map(Into::into)
                .ok_or_else(|| ParseError::new(name, "missing"))
        };
        let maybe = |name| scheme.get(name).map(Into::into);
        Self::of(Fields {
            id: need("id")?,
            realm: need("realm")?,
            method: need("method")?,
            intent: need("intent")?,
            request: need("request")?,
            expires: maybe("expires"),
            digest: maybe("digest"),
            header: maybe("header"),
            description: maybe("description"),
            opaque: maybe("opaque"),
        })
        .map_err(|error| error.inside("challenge"))
    }

    /// A challenge as a JSON object: how a credential echoes it, and how MCP carries it. `request` and `opaque` are encoded
    /// texts, or objects, which count as their canonical text.
    ///
    /// # Errors
    /// As [`Challenge::parse`].
    pub fn from_json(json: Json<'_>) -> Result<Self, ParseError> {
        let need = |name| json.need_text(name).map(Into::into);
        let maybe = |name| Ok::<_, ParseError>(json.text(name)?.map(Into::into));
        let encoded = |name: &'static str| {
            let Some(value) = json.get(name) else {
                return Ok(None);
            };
            match value.as_text() {
                Some(text) => Ok(Some(text.into())),
                None if value.as_object().is_some() => {
                    Ok(Some(base64url::encode(&*jcs::canonical(value)?).into()))
                }
                None => Err(ParseError::new(name, "text or object expected")),
            }
        };
        Self::of(Fields {
            id: need("id")?,
            realm: need("realm")?,
            method: need("method")?,
            intent: need("intent")?,
            request: encoded("request")?.ok_or_else(|| ParseError::new("request", "missing"))?,
            expires: maybe("expires")?,
            digest: maybe("digest")?,
            header: maybe("header")?,
            description: maybe("description")?,
            opaque: encoded("opaque")?,
        })
    }

    fn of(fields: Fields) -> Result<Self, ParseError> {
        if fields.id.is_empty() {
            return Err(ParseError::new("id", "empty"));
        }
        method(&fields.method)?;
        intent(&fields.intent)?;
        let decoded = base64url::decode_text("request", fields.request.as_bytes(), MAX_REQUEST)?;
        let document = Document::parse(&decoded).map_err(|error| error.inside("request"))?;
        let json = document.root();
        if json.as_object().is_none() {
            return Err(ParseError::new("request", "object expected"));
        }
        let until = match fields.expires.as_deref() {
            Some(text) => Some(rfc3339::parse(text).map_err(|error| error.inside("expires"))?),
            None => None,
        };
        fields.digest.as_deref().map_or(Ok(()), digest::named)?;
        carrier(fields.header.as_deref())?;
        if let Some(opaque) = fields.opaque.as_deref() {
            opaque_text(opaque)?;
        }
        Ok(Self {
            fields,
            decoded: decoded.into(),
            until,
        })
    }

    /// The value of `WWW-Authenticate`, in ASCII.
    ///
    /// # Errors
    /// When a part holds a control character.
    pub fn encode(&self) -> Result<Box<str>, ParseError> {
        let fields = &self.fields;
        let mut out = format!("{SCHEME} ");
        param::write("id", &fields.id, &mut out)?;
        let rest = [
            ("realm", Some(&fields.realm)),
            ("method", Some(&fields.method)),
            ("intent", Some(&fields.intent)),
            ("request", Some(&fields.request)),
            ("expires", fields.expires.as_ref()),
            ("description", fields.description.as_ref()),
            ("digest", fields.digest.as_ref()),
            ("header", fields.header.as_ref()),
            ("opaque", fields.opaque.as_ref()),
        ];
        for (name, value) in rest {
            if let Some(value) = value {
                out.push_str(", ");
                param::write(name, value, &mut out)?;
            }
        }
        Ok(out.into())
    }

    /// The JSON object that a credential echoes.
    pub fn to_json(&self) -> Box<str> {
        self.object(None).finish()
    }

    /// The JSON object of MCP, with the request itself in the place of its encoding.
    pub fn to_native(&self) -> Box<str> {
        self.object(Some(&self.decoded)).finish()
    }

    fn object(&self, native: Option<&str>) -> Object {
        let fields = &self.fields;
        let object = Object::new()
            .text("id", &fields.id)
            .text("realm", &fields.realm)
            .text("method", &fields.method)
            .text("intent", &fields.intent);
        let object = match native {
            Some(json) => object.raw("request", json),
            None => object.text("request", &fields.request),
        };
        object
            .maybe_text("expires", fields.expires.as_deref())
            .maybe_text("digest", fields.digest.as_deref())
            .maybe_text("header", fields.header.as_deref())
            .maybe_text("description", fields.description.as_deref())
            .maybe_text("opaque", fields.opaque.as_deref())
    }

    /// `id`.
    pub fn id(&self) -> &str {
        &self.fields.id
    }

    /// `realm`.
    pub fn realm(&self) -> &str {
        &self.fields.realm
    }

    /// `method`.
    pub fn method(&self) -> &str {
        &self.fields.method
    }

    /// `intent`.
    pub fn intent(&self) -> &str {
        &self.fields.intent
    }

    /// `request`, decoded: the text of a JSON object.
    pub fn request(&self) -> &str {
        &self.decoded
    }

    /// When it expires. From that second on it is not honoured.
    pub fn expires(&self) -> Option<Timestamp> {
        self.until
    }

    /// `digest`.
    pub fn digest(&self) -> Option<&str> {
        self.fields.digest.as_deref()
    }

    /// `description`. It is for people: anybody on the way could have changed it.
    pub fn description(&self) -> Option<&str> {
        self.fields.description.as_deref()
    }

    /// `opaque`, encoded.
    pub fn opaque(&self) -> Option<&str> {
        self.fields.opaque.as_deref()
    }

    /// In which field the credential goes.
    pub fn carrier(&self) -> Carrier {
        carrier(self.fields.header.as_deref()).unwrap_or_default()
    }

    /// What its id is bound to.
    pub fn slots(&self) -> Slots<'_> {
        self.fields.slots()
    }

    /// Its name for authorizations.
    pub fn reference(&self) -> ChallengeRef {
        ChallengeRef::new(self.realm(), self.id())
    }
}

impl Fields {
    fn slots(&self) -> Slots<'_> {
        Slots {
            realm: &self.realm,
            method: &self.method,
            intent: &self.intent,
            request: &self.request,
            expires: self.expires.as_deref(),
            digest: self.digest.as_deref(),
            header: self.header.as_deref(),
            opaque: self.opaque.as_deref(),
        }
    }
}

/// `header`: no other field may be asked for, or a server could have a credential sent as a cookie.
fn carrier(header: Option<&str>) -> Result<Carrier, ParseError> {
    match header {
        None | Some("") => Ok(Carrier::Authorization),
        Some(name) if name.eq_ignore_ascii_case("Authorization") => Ok(Carrier::Authorization),
        Some(name) if name.eq_ignore_ascii_case("Payment-Authorization") => {
            Ok(Carrier::PaymentAuthorization)
        }
        Some(_) => Err(ParseError::new("header", "another field")),
    }
}

/// `[a-z][a-z0-9:_-]*`.
pub(crate) fn method(text: &str) -> Result<(), ParseError> {
    let first = text.bytes().next().is_some_and(|b| b.is_ascii_lowercase());
    let rest = |b: u8| b.is_ascii_lowercase() || b.is_ascii_digit() || b":_-".contains(&b);
    if first && text.bytes().all(rest) {
        Ok(())
    } else {
        Err(ParseError::new("method", "not a method's name"))
    }
}

/// `[A-Za-z0-9_-]+`.
pub(crate) fn intent(text: &str) -> Result<(), ParseError> {
    let allowed = |b: u8| b.is_ascii_alphanumeric() || b"_-".contains(&b);
    if !text.is_empty() && text.bytes().all(allowed) {
        Ok(())
    } else {
        Err(ParseError::new("intent", "not an intent's name"))
    }
}

fn opaque_text(text: &str) -> Result<(), ParseError> {
    let allowed = |b: u8| b.is_ascii_alphanumeric() || b"-_+/=".contains(&b);
    match text.bytes().position(|b| !allowed(b)) {
        Some(at) => Err(ParseError::new("opaque", "not base64url").at(at)),
        None if text.len() > MAX_REQUEST => {
            Err(ParseError::new("opaque", "longer than 16384 bytes"))
        }
        None => Ok(()),
    }
}
