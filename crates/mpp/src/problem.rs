//! Why a payment was refused: RFC 9457 problems (core draft, section 8).

use http402_core::{
    ParseError, Reason,
    json::{Document, Json, Object},
};

/// The longest problem that is looked at, in bytes.
pub const MAX_LEN: usize = 64 * 1024;

macro_rules! kinds {
    ($($(#[$doc:meta])* $name:ident = $slug:literal, $status:literal, $title:literal;)*) => {
        /// The types of problems.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
        #[non_exhaustive]
        pub enum Kind {
            $($(#[$doc])* $name,)*
        }

        impl Kind {
            /// All of them.
            pub const ALL: &'static [Self] = &[$(Self::$name,)*];

            /// Its URI.
            pub const fn uri(self) -> &'static str {
                match self {
                    $(Self::$name => concat!("https://paymentauth.org/problems/", $slug),)*
                }
            }

            /// The status of its responses. A verification that fails because the payment was used already has 403.
            pub const fn status(self) -> u16 {
                match self {
                    $(Self::$name => $status,)*
                }
            }

            /// Its title.
            pub const fn title(self) -> &'static str {
                match self {
                    $(Self::$name => $title,)*
                }
            }
        }
    };
}

kinds! {
    /// No payment came.
    PaymentRequired = "payment-required", 402, "Payment Required";
    /// The amount is too small.
    PaymentInsufficient = "payment-insufficient", 402, "Payment Insufficient";
    /// The challenge has expired.
    PaymentExpired = "payment-expired", 402, "Payment Expired";
    /// What pays is not right, or was used.
    VerificationFailed = "verification-failed", 402, "Verification Failed";
    /// The credential can not be read.
    MalformedCredential = "malformed-credential", 402, "Malformed Credential";
    /// The challenge is not one that this server made for this request.
    InvalidChallenge = "invalid-challenge", 402, "Invalid Challenge";
    /// The payload is not of the method's form.
    InvalidPayload = "invalid-payload", 402, "Invalid Payload";
    /// The payer has to do something first.
    PaymentActionRequired = "payment-action-required", 402, "Payment Action Required";
    /// The method is not offered.
    MethodUnsupported = "method-unsupported", 400, "Method Unsupported";
    /// The request makes no sense.
    BadRequest = "bad-request", 400, "Bad Request";
    /// The payment could not be processed; it may have been made.
    InternalPaymentError = "internal-payment-error", 500, "Internal Payment Error";
    /// The voucher's signature is not right.
    SessionInvalidSignature = "session/invalid-signature", 402, "Invalid Signature";
    /// The voucher is somebody else's.
    SessionSignerMismatch = "session/signer-mismatch", 402, "Signer Mismatch";
    /// The voucher is for more than was deposited.
    SessionAmountExceedsDeposit = "session/amount-exceeds-deposit", 402, "Amount Exceeds Deposit";
    /// The voucher adds too little.
    SessionDeltaTooSmall = "session/delta-too-small", 402, "Delta Too Small";
    /// What is left does not suffice.
    SessionInsufficientBalance = "session/insufficient-balance", 402, "Insufficient Balance";
    /// There is no such channel.
    SessionChannelNotFound = "session/channel-not-found", 410, "Channel Not Found";
    /// The channel is closed.
    SessionChannelFinalized = "session/channel-finalized", 410, "Channel Closed";
    /// There is no such challenge.
    SessionChallengeNotFound = "session/challenge-not-found", 402, "Challenge Not Found";
    /// The channel's transaction was reverted.
    SessionTransactionReverted = "session/transaction-reverted", 409, "Transaction Reverted";
}

impl Kind {
    /// The type with this URI. Servers under other bases exist: compared is what stands after `/problems/`.
    pub fn from_uri(uri: &str) -> Option<Self> {
        let (_, slug) = uri.split_once("/problems/")?;
        let slug_of = |kind: Self| kind.uri().split_once("/problems/").map(|(_, slug)| slug);
        Self::ALL
            .iter()
            .copied()
            .find(|kind| slug_of(*kind) == Some(slug))
    }

    /// The type that says a reason.
    pub fn of(why: &Reason) -> Self {
        match why {
            Reason::PaymentRequired => Self::PaymentRequired,
            Reason::PayloadMalformed => Self::MalformedCredential,
            Reason::OfferExpired => Self::PaymentExpired,
            Reason::NoMatchingOffer
            | Reason::OfferSpent
            | Reason::RequestMismatch
            | Reason::UnsupportedVersion
            | Reason::UnsupportedScheme
            | Reason::UnsupportedNetwork
            | Reason::ExtensionAltered
            | Reason::RequirementMalformed => Self::InvalidChallenge,
            Reason::MethodMismatch => Self::InvalidPayload,
            Reason::AmountMismatch => Self::PaymentInsufficient,
            Reason::SettlementPending | Reason::Unavailable => Self::InternalPaymentError,
            _ => Self::VerificationFailed,
        }
    }

    /// The reason that a type says, as far as it says one.
    pub fn reason(self) -> Reason {
        match self {
            Self::PaymentRequired => Reason::PaymentRequired,
            Self::PaymentInsufficient => Reason::AmountMismatch,
            Self::PaymentExpired => Reason::OfferExpired,
            Self::MalformedCredential => Reason::PayloadMalformed,
            Self::InvalidChallenge => Reason::NoMatchingOffer,
            Self::InvalidPayload => Reason::MethodMismatch,
            Self::MethodUnsupported => Reason::UnsupportedScheme,
            Self::InternalPaymentError => Reason::Unavailable,
            other => Reason::Other(other.uri().into()),
        }
    }
}

impl Kind {
    /// What a client can do about it, where there is something (mppx and pympp send it with the same types).
    pub const fn hint(self) -> Option<&'static str> {
        match self {
            Self::PaymentRequired => Some(
                "Pay one of the challenges in WWW-Authenticate, and send the request again with the credential.",
            ),
            Self::MalformedCredential => Some(
                "After the scheme Payment stands the base64url of a JSON object with challenge, as it was given, and payload.",
            ),
            Self::MethodUnsupported => {
                Some("Use the method of one of the challenges in WWW-Authenticate.")
            }
            _ => None,
        }
    }
}

/// A problem. Members that are not known are kept.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Problem {
    /// `type`, where it is a known one.
    pub kind: Option<Kind>,
    /// `type`, as it is written.
    pub uri: Box<str>,
    /// `title`.
    pub title: Option<Box<str>>,
    /// `status`.
    pub status: Option<u16>,
    /// `detail`.
    pub detail: Option<Box<str>>,
    /// `challengeId`: the fresh challenge that the problem came with.
    pub challenge: Option<Box<str>>,
    /// `hint`: what the client can do.
    pub hint: Option<Box<str>>,
    raw: Box<str>,
}

impl Problem {
    /// A problem of this type, with the detail that `why` gives.
    pub fn new(kind: Kind, detail: &str, challenge: Option<&str>) -> Self {
        let raw = Object::new()
            .text("type", kind.uri())
            .text("title", kind.title())
            .number("status", u64::from(kind.status()))
            .text("detail", detail)
            .maybe_text("challengeId", challenge)
            .maybe_text("hint", kind.hint())
            .finish();
        Self {
            kind: Some(kind),
            uri: kind.uri().into(),
            title: Some(kind.title().into()),
            status: Some(kind.status()),
            detail: Some(detail.into()),
            challenge: challenge.map(Into::into),
            hint: kind.hint().map(Into::into),
            raw,
        }
    }

    /// The problem of a refusal.
    pub fn of(why: &Reason, challenge: Option<&str>) -> Self {
        Self::new(Kind::of(why), &detail(why), challenge)
    }

    /// Reads a body.
    ///
    /// # Errors
    /// When it is too long, no JSON object, or a member has the wrong type.
    pub fn parse(body: &[u8]) -> Result<Self, ParseError> {
        if body.len() > MAX_LEN {
            return Err(ParseError::new("problem", "longer than 65536 bytes"));
        }
        let text = std::str::from_utf8(body)
            .map_err(|error| ParseError::new("problem", "not UTF-8").at(error.valid_up_to()))?;
        Self::read(Document::parse(text)?.root())
    }

    /// The same, of a value in a document.
    ///
    /// # Errors
    /// As [`Problem::parse`].
    pub fn read(json: Json<'_>) -> Result<Self, ParseError> {
        if json.as_object().is_none() {
            return Err(ParseError::new("problem", "object expected"));
        }
        let text = |name| Ok::<_, ParseError>(json.text(name)?.map(Into::into));
        let uri: Box<str> = text("type")?.unwrap_or_else(|| "about:blank".into());
        let status = match json.get("status") {
            None => None,
            Some(value) => Some(
                value
                    .as_u64()
                    .and_then(|status| u16::try_from(status).ok())
                    .ok_or_else(|| ParseError::new("status", "number expected"))?,
            ),
        };
        Ok(Self {
            kind: Kind::from_uri(&uri),
            uri,
            title: text("title")?,
            status,
            detail: text("detail")?,
            challenge: text("challengeId")?,
            hint: text("hint")?,
            raw: json.raw().into(),
        })
    }

    /// The JSON text, as it was read.
    pub fn as_json(&self) -> &str {
        &self.raw
    }
}

/// One sentence for people. It tells nothing of the server, and nothing of other payments.
fn detail(why: &Reason) -> String {
    match why {
        Reason::PaymentRequired => "Payment is required.".into(),
        Reason::SettlementPending | Reason::Unavailable => {
            "An internal payment error occurred.".into()
        }
        // Words of whoever settles are not passed on.
        Reason::Other(_) => "The payment was not accepted.".into(),
        why => {
            let text = why.to_string();
            let mut letters = text.chars();
            let first = letters.next().map(|c| c.to_ascii_uppercase());
            first.into_iter().chain(letters).chain(['.']).collect()
        }
    }
}
