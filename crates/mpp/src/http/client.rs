use super::{ACCEPT_PAYMENT, CREDENTIALS, RECEIPT, credentials};
use crate::{
    Carrier, Challenge, Credential, MPP, Receipt, credential,
    method::{CHARGE, evm, tempo},
};
use http::{HeaderMap, HeaderName, HeaderValue, StatusCode, header::WWW_AUTHENTICATE};
use http402_core::{
    Authorization, Bytes, Encoded, ParseError, Party, Price, ProtocolId, Reason, Settlement,
    Timestamp, Window,
    asset::Assets,
    authorization::{Eip3009, MppProof},
    json::Document,
    protocol::{Answer, ClientProtocol, Draft, Offer, Offers, Refused},
    typed::ToSign,
};
use std::{fmt, sync::Arc};

/// How long an offer without an end is good for, in seconds.
const DEFAULT_TIMEOUT: u64 = 300;

/// Builds the transactions of charges on Tempo, which need what only a chain's crate knows: fees, nonces, calls.
pub trait TempoWallet: Send + Sync {
    /// The transaction that pays a charge, to be signed by `payer`: an unsigned
    /// [`TempoTransaction`](http402_core::authorization::TempoTransaction) with the memo of the challenge, valid for no longer
    /// than `until`. The same arguments give the same transaction.
    ///
    /// # Errors
    /// When it can not be built.
    fn draft(
        &self,
        charge: &tempo::Charge,
        challenge: &Challenge,
        payer: &Party,
        now: Timestamp,
        until: Timestamp,
        entropy: [u8; 32],
    ) -> Result<http402_core::authorization::TempoTransaction, Reason>;
}

/// The buyer's side: pays charges on EVM chains with EIP-3009, proves who asks where nothing is charged, and pays on Tempo
/// where it is given a [`TempoWallet`].
#[derive(Clone)]
pub struct MppClient {
    assets: Assets,
    wallet: Option<Arc<dyn TempoWallet>>,
    realms: Vec<Box<str>>,
}

impl MppClient {
    /// A buyer that knows these tokens. A charge in another one is not answered: its request does not say what the token's
    /// signatures are bound to.
    pub fn new(assets: Assets) -> Self {
        Self {
            assets,
            wallet: None,
            realms: Vec::new(),
        }
    }

    /// The same, with a builder of Tempo transactions.
    #[must_use]
    pub fn wallet(mut self, wallet: impl TempoWallet + 'static) -> Self {
        self.wallet = Some(Arc::new(wallet));
        self
    }

    /// The same, proving who asks to this realm, too. A proof is for the realm that it names: by default it is given to the
    /// host of that name alone.
    #[must_use]
    pub fn trust_realm(mut self, realm: &str) -> Self {
        self.realms.push(realm.into());
        self
    }

    /// The value of `Accept-Payment`, most wanted first.
    pub fn accept_payment(&self) -> Result<String, ParseError> {
        let offers: &[(&str, &str)] = match &self.wallet {
            Some(_) => &[tempo::OFFER, evm::OFFER],
            None => &[evm::OFFER, tempo::OFFER],
        };
        crate::AcceptPayment::of(offers).map(|accept| accept.encode())
    }

    fn read(
        &self,
        refused: &Refused<'_>,
        challenge: &Challenge,
    ) -> Result<http402_core::Requirement, ParseError> {
        if challenge.intent() != CHARGE {
            return Err(ParseError::new("intent", "not supported"));
        }
        let left = match challenge.expires() {
            Some(expires) if expires <= refused.now => {
                return Err(ParseError::new("expires", "expired"));
            }
            Some(expires) => expires.since(refused.now),
            None => DEFAULT_TIMEOUT,
        };
        let inside = |error: ParseError| error.inside("request");
        match challenge.method() {
            evm::NAME => evm::Charge::parse(challenge.request())
                .and_then(|charge| charge.requirement(&self.assets, left))
                .map_err(inside),
            tempo::NAME => {
                let charge = tempo::Charge::parse(challenge.request()).map_err(inside)?;
                if charge.amount().is_zero() {
                    self.trusted(refused.url, challenge.realm())?;
                } else if self.wallet.is_none() {
                    return Err(ParseError::new("method", "no wallet for it"));
                } else if !charge.options().pull {
                    return Err(ParseError::new(
                        "request.supportedModes",
                        "the buyer would have to send the transaction himself, and this one does not",
                    ));
                }
                Ok(charge.requirement(left))
            }
            _ => Err(ParseError::new("method", "not supported")),
        }
    }

    fn trusted(&self, url: &str, realm: &str) -> Result<(), ParseError> {
        let host = url.split_once("://").map_or(url, |(_, rest)| rest);
        let host = host.split(['/', '?', '#']).next().unwrap_or_default();
        let bare = match host.rsplit_once(':') {
            Some((name, port)) if port.bytes().all(|b| b.is_ascii_digit()) => name,
            _ => host,
        };
        let same = [host, bare]
            .iter()
            .any(|host| host.eq_ignore_ascii_case(realm));
        if same || self.realms.iter().any(|known| **known == *realm) {
            Ok(())
        } else {
            Err(ParseError::new("realm", "not that of the host"))
        }
    }
}

impl ClientProtocol for MppClient {
    fn id(&self) -> ProtocolId {
        MPP
    }

    fn carried(&self, headers: &HeaderMap) -> bool {
        !credentials(headers).is_empty()
    }

    fn hints(&self) -> Vec<(HeaderName, HeaderValue)> {
        let accept = self.accept_payment().ok();
        let value = accept.and_then(|text| HeaderValue::from_str(&text).ok());
        value
            .map(|value| (ACCEPT_PAYMENT.clone(), value))
            .into_iter()
            .collect()
    }

    fn fields(&self, offer: &Offer) -> Vec<HeaderName> {
        let carrier = challenge(offer).map(|challenge| challenge.carrier());
        carrier.map(field).into_iter().cloned().collect()
    }

    fn offers(&self, refused: &Refused<'_>) -> Result<Offers, ParseError> {
        let mut offers = Offers::default();
        if refused.status != StatusCode::PAYMENT_REQUIRED {
            return Ok(offers);
        }
        let values = refused.headers.get_all(WWW_AUTHENTICATE).iter();
        let all = Challenge::parse_all(values.map(HeaderValue::as_bytes));
        for (at, challenge) in all.into_iter().enumerate() {
            let read = challenge.and_then(|challenge| {
                let requirement = self.read(refused, &challenge)?;
                let encoded = Encoded::new(challenge.to_json().as_bytes().to_vec());
                Ok((requirement, encoded))
            });
            match read {
                Ok((requirement, encoded)) => offers.usable.push(Offer::new(
                    MPP,
                    at,
                    requirement,
                    encoded,
                    Encoded::default(),
                )),
                Err(error) => offers.rejected.push((at, error)),
            }
        }
        Ok(offers)
    }

    fn draft(
        &self,
        offer: &Offer,
        payer: &Party,
        now: Timestamp,
        entropy: [u8; 32],
    ) -> Result<Draft, Reason> {
        let requirement = &offer.requirement;
        let challenge = challenge(offer).map_err(|_| Reason::RequirementMalformed)?;
        let reference = challenge.reference();
        let chain = requirement.chain.evm().ok_or(Reason::UnsupportedNetwork)?;
        let account = payer.evm().ok_or(Reason::UnsupportedNetwork)?;
        let end = now.plus(requirement.timeout);
        let until = challenge.expires().map_or(end, |expires| expires.min(end));
        if challenge.method() == evm::NAME {
            let token = requirement.asset.evm().ok_or(Reason::AssetMismatch)?;
            let domain = requirement.domain.as_ref().ok_or(Reason::MissingDomain)?;
            let unsigned = Eip3009 {
                from: account,
                to: requirement.pay_to.evm().ok_or(Reason::RecipientMismatch)?,
                value: requirement.price.ceiling().units(),
                window: Window::new(Timestamp::from_secs(0), until),
                nonce: reference.hash(),
                signature: Bytes::new(),
            };
            let to_sign = ToSign::typed(unsigned.document(domain, chain, token));
            return Ok(Draft::new(
                requirement,
                Authorization::Eip3009(unsigned),
                to_sign,
            ));
        }
        if requirement.price == Price::Nothing {
            let proof = MppProof {
                challenge: reference,
                account,
                signature: Bytes::new(),
            };
            let to_sign = ToSign::typed(proof.document(chain));
            return Ok(Draft::new(
                requirement,
                Authorization::MppProof(proof),
                to_sign,
            ));
        }
        let wallet = self.wallet.as_ref().ok_or(Reason::MethodMismatch)?;
        let charge =
            tempo::Charge::parse(challenge.request()).map_err(|_| Reason::RequirementMalformed)?;
        let unsigned = wallet.draft(&charge, &challenge, payer, now, until, entropy)?;
        let to_sign = ToSign::Transaction {
            bytes: unsigned.signing_bytes().clone(),
            digest: unsigned.signing_hash(),
        };
        let authorization = Authorization::TempoTransaction(unsigned);
        Ok(Draft::new(requirement, authorization, to_sign))
    }

    fn answer(&self, offer: &Offer, draft: &Draft, signature: &[u8]) -> Result<Answer, ParseError> {
        let challenge = challenge(offer)?;
        let payload = match &draft.authorization {
            Authorization::Eip3009(unsigned) => evm::Payload::encode(unsigned, signature),
            Authorization::MppProof(_) => {
                tempo::Payload::Proof(Bytes::copy_from_slice(signature)).encode()
            }
            Authorization::TempoTransaction(unsigned) => {
                tempo::Payload::Transaction(unsigned.sign(signature)?.raw().clone()).encode()
            }
            _ => return Err(ParseError::new("draft", "not of a charge")),
        };
        let account = draft.authorization.payer().and_then(|payer| payer.evm());
        let source = offer.requirement.chain.evm().zip(account);
        let source = source.map(|(chain, account)| credential::source(chain, account));
        let credential = Credential::new(&challenge, source.as_deref(), &payload)?;
        let value = HeaderValue::from_str(&credential.header())
            .map_err(|_| ParseError::new("credential", "not a header's value"))?;
        let name = field(challenge.carrier()).clone();
        Ok(Answer::new(vec![(name, value)]))
    }

    fn outcome(
        &self,
        offer: &Offer,
        status: StatusCode,
        headers: &HeaderMap,
        _: Timestamp,
    ) -> Result<Option<Settlement>, ParseError> {
        // A receipt on an error is none.
        let Some(value) = headers.get(&RECEIPT).filter(|_| status.is_success()) else {
            return Ok(None);
        };
        let challenge = challenge(offer)?;
        let receipt = Receipt::decode(value.as_bytes())?;
        if &*receipt.method != challenge.method() {
            return Err(ParseError::new("receipt.method", "another method"));
        }
        let requirement = &offer.requirement;
        let transaction = match requirement.price {
            Price::Nothing => "",
            _ if transaction_hash(&receipt.reference) => &receipt.reference,
            _ => {
                return Err(ParseError::new(
                    "receipt.reference",
                    "not a transaction's hash",
                ));
            }
        };
        let amount = requirement.price.ceiling();
        let mut settled =
            http402_core::Receipt::new(None, amount, requirement.chain.clone(), transaction);
        settled.reply = Some(Encoded::new(receipt.as_json().as_bytes().to_vec()));
        Ok(Some(Settlement::Settled(settled)))
    }
}

fn challenge(offer: &Offer) -> Result<Challenge, ParseError> {
    let text = std::str::from_utf8(offer.encoded.as_slice())
        .map_err(|_| ParseError::new("offer", "not UTF-8"))?;
    Challenge::from_json(Document::parse(text)?.root())
}

fn field(carrier: Carrier) -> &'static HeaderName {
    let [authorization, alternate] = &CREDENTIALS;
    match carrier {
        Carrier::PaymentAuthorization => alternate,
        Carrier::Authorization => authorization,
    }
}

/// 32 bytes in hexadecimal that are not all zero.
fn transaction_hash(text: &str) -> bool {
    let digits = text.strip_prefix("0x").unwrap_or_default();
    digits.len() == 64
        && digits.bytes().all(|b| b.is_ascii_hexdigit())
        && digits.bytes().any(|b| b != b'0')
}

impl fmt::Debug for MppClient {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("MppClient")
            .field("wallet", &self.wallet.is_some())
            .field("realms", &self.realms)
            .finish_non_exhaustive()
    }
}
