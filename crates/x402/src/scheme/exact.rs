//! The scheme `exact` on EVM chains, paid by EIP-3009 (specs/schemes/exact/scheme_exact_evm.md).

use http402_core::{
    Address, Amount, Authorization, B256, Bytes, ChainId, Flow, ParseError, Party, Reason,
    Requirement, TokenDomain, TransferMethod, U256, Window,
    authorization::Eip3009,
    hex,
    json::{Json, Object},
};

/// The name of the scheme.
pub const NAME: &str = "exact";

/// How long an authorization holds when an offer does not say it, in seconds.
pub const DEFAULT_TIMEOUT: u64 = 60;

/// `extra` of an offer: the token's domain, and how and when it is paid where that is not the default.
pub fn extra(requirement: &Requirement) -> Option<Box<str>> {
    let mut extra = Object::new();
    let mut empty = true;
    if let Some(domain) = &requirement.domain {
        extra = extra
            .text("name", &domain.name)
            .text("version", &domain.version);
        empty = false;
    }
    if requirement.transfer == TransferMethod::Permit2 {
        extra = extra.text("assetTransferMethod", "permit2");
        empty = false;
    }
    if requirement.flow == Flow::Upfront {
        extra = extra.text("paymentFlow", "upfront");
        empty = false;
    }
    (!empty).then(|| extra.finish())
}

/// The parts of an offer that both versions have.
#[derive(Clone, Copy, Debug)]
pub struct Terms<'a> {
    /// `scheme`.
    pub scheme: &'a str,
    /// The network, resolved.
    pub chain: &'a ChainId,
    /// `amount`, or `maxAmountRequired` in version 1.
    pub amount: &'a str,
    /// `asset`.
    pub asset: &'a str,
    /// `payTo`.
    pub pay_to: &'a str,
    /// `maxTimeoutSeconds`, whole.
    pub timeout: Option<u64>,
    /// `extra`.
    pub extra: Option<Json<'a>>,
}

impl Terms<'_> {
    /// The requirement that the offer states.
    ///
    /// # Errors
    /// When it is of another scheme, or of a flow or transfer method that is not known, or not readable.
    pub fn requirement(&self) -> Result<Requirement, ParseError> {
        if self.scheme != NAME {
            return Err(ParseError::new("scheme", "not supported"));
        }
        let amount: Amount = self
            .amount
            .parse()
            .map_err(|error: ParseError| renamed(&error, "amount"))?;
        let party =
            |text, name| Party::parse(self.chain, text).map_err(|error| renamed(&error, name));
        let asset = party(self.asset, "asset")?;
        let pay_to = party(self.pay_to, "payTo")?;
        let text = |name| {
            self.extra.map_or(Ok(None), |extra| {
                extra.text(name).map_err(|e| e.inside("extra"))
            })
        };
        let domain = match (text("name")?, text("version")?) {
            (Some(name), Some(version)) => Some(TokenDomain::new(name, version)),
            _ => None,
        };
        let mut requirement =
            Requirement::exactly(amount, self.chain.clone(), asset, pay_to, domain).timeout(
                self.timeout
                    .filter(|secs| *secs > 0)
                    .unwrap_or(DEFAULT_TIMEOUT),
            );
        requirement.transfer = match text("assetTransferMethod")? {
            None | Some("eip3009") => TransferMethod::Eip3009,
            Some("permit2") => TransferMethod::Permit2,
            Some(_) => {
                return Err(ParseError::new(
                    "extra.assetTransferMethod",
                    "not supported",
                ));
            }
        };
        requirement.flow = match text("paymentFlow")? {
            None | Some("authorization") => Flow::Authorization,
            Some("upfront") => Flow::Upfront,
            Some(_) => return Err(ParseError::new("extra.paymentFlow", "not supported")),
        };
        Ok(requirement)
    }
}

/// The same error under the name of the document's member.
fn renamed(error: &ParseError, name: &'static str) -> ParseError {
    let renamed = ParseError::new(name, error.why().to_owned());
    match error.offset() {
        Some(at) => renamed.at(at),
        None => renamed,
    }
}

/// Why a payload is no authorization for an offer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum PayloadError {
    /// It can not be read.
    Malformed(ParseError),
    /// It is a readable payload of something else.
    Refused(Reason),
}

impl From<ParseError> for PayloadError {
    fn from(error: ParseError) -> Self {
        Self::Malformed(error)
    }
}

/// The authorization in the `payload` of an answer to an offer with EIP-3009.
///
/// # Errors
/// When it is not readable, or a payload of another transfer method.
pub fn authorization(
    payload: Json<'_>,
    requirement: &Requirement,
) -> Result<Authorization, PayloadError> {
    if requirement.transfer != TransferMethod::Eip3009 {
        return Err(PayloadError::Refused(Reason::MethodMismatch));
    }
    if payload.get("authorization").is_none() && payload.get("permit2Authorization").is_some() {
        return Err(PayloadError::Refused(Reason::MethodMismatch));
    }
    let read = || -> Result<Eip3009, ParseError> {
        let signature = bytes(payload.need_text("signature")?)
            .map_err(|why| ParseError::new("signature", why))?;
        let signed = payload.need("authorization")?;
        let inner = || -> Result<Eip3009, ParseError> {
            let nonce = signed.need_text("nonce")?.strip_prefix("0x");
            let nonce = nonce.ok_or_else(|| ParseError::new("nonce", "0x expected"))?;
            let mut word = [0; 32];
            hex::decode(nonce.as_bytes(), &mut word)
                .map_err(|_| ParseError::new("nonce", "32 bytes expected"))?;
            Ok(Eip3009 {
                from: address(signed, "from")?,
                to: address(signed, "to")?,
                value: number(signed, "value")?,
                window: Window {
                    after: number(signed, "validAfter")?,
                    before: number(signed, "validBefore")?,
                },
                nonce: B256::new(word),
                signature,
            })
        };
        inner().map_err(|error| error.inside("authorization"))
    };
    let signed = read().map_err(|error| error.inside("payload"))?;
    Ok(Authorization::Eip3009(signed))
}

fn address(from: Json<'_>, name: &'static str) -> Result<Address, ParseError> {
    let party = Party::parse(&ChainId::eip155(1), from.need_text(name)?)
        .map_err(|error| renamed(&error, name))?;
    party
        .evm()
        .ok_or_else(|| ParseError::new(name, "address expected"))
}

fn number(from: Json<'_>, name: &'static str) -> Result<U256, ParseError> {
    let amount: Amount = from
        .need_text(name)?
        .parse()
        .map_err(|error| renamed(&error, name))?;
    Ok(amount.units())
}

/// Bytes of `0x` and pairs of hexadecimal digits.
fn bytes(text: &str) -> Result<Bytes, &'static str> {
    let digits = text.strip_prefix("0x").ok_or("0x expected")?.as_bytes();
    if digits.len() % 2 == 1 {
        return Err("even number of hexadecimal digits expected");
    }
    let mut bytes = vec![0; digits.len() / 2];
    hex::decode(digits, &mut bytes).map_err(|_| "hexadecimal digit expected")?;
    Ok(bytes.into())
}

/// The `payload` of an answer.
pub fn payload(signed: &Eip3009, signature: &[u8]) -> Box<str> {
    let authorization = Object::new()
        .text("from", &signed.from.to_string())
        .text("to", &signed.to.to_string())
        .text("value", &signed.value.to_string())
        .text("validAfter", &signed.window.after.to_string())
        .text("validBefore", &signed.window.before.to_string())
        .text("nonce", &signed.nonce.to_string())
        .finish();
    Object::new()
        .text("signature", &Bytes::copy_from_slice(signature).to_string())
        .raw("authorization", &authorization)
        .finish()
}
