//! Payments that the suite makes: a signed authorization, and every way to write it.

use super::dialect::{Dialect, Offer};
use base64::{Engine, engine::general_purpose::STANDARD};
use http402_core::{Address, B256, Bytes, Timestamp, U256, Window, authorization::Eip3009};
use http402_verify::LocalKey;
use serde_json::{Value, json};
use std::time::SystemTime;

/// The seconds since 1970.
pub(super) fn now() -> u64 {
    let since = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH);
    since.map_or(0, |since| since.as_secs())
}

/// 32 bytes that nobody has seen before.
pub(super) fn fresh() -> B256 {
    let mut bytes = [0; 32];
    getrandom::fill(&mut bytes).expect("an operating system has entropy");
    B256::new(bytes)
}

/// A key that owns nothing.
pub(super) fn stranger() -> LocalKey {
    loop {
        if let Ok(key) = LocalKey::from_bytes(&fresh().0) {
            return key;
        }
    }
}

/// A signed payment, to be written and changed.
#[derive(Clone)]
pub(super) struct Payment {
    pub(super) offer: Offer,
    pub(super) message: Eip3009,
}

impl Payment {
    /// What an honest client signs for this offer.
    pub(super) fn honest(offer: &Offer, key: &LocalKey) -> Self {
        let now = now();
        // What lasts longer than the offer allows is refused by some.
        let window = Window::new(
            Timestamp::from_secs(now - 600),
            Timestamp::from_secs(now + offer.timeout.clamp(10, 600)),
        );
        let message = Eip3009 {
            from: key.address(),
            to: offer.pay_to,
            value: offer.amount,
            window,
            nonce: fresh(),
            signature: Bytes::new(),
        };
        Self {
            offer: offer.clone(),
            message,
        }
        .signed(key)
    }

    /// The same with something changed, signed again.
    pub(super) fn but(mut self, key: &LocalKey, change: impl FnOnce(&mut Eip3009)) -> Self {
        change(&mut self.message);
        self.signed(key)
    }

    pub(super) fn signed(self, key: &LocalKey) -> Self {
        let (chain, asset) = (self.offer.number, self.offer.asset);
        self.signed_for(key, chain, asset)
    }

    /// Signed under the domain of another chain or contract.
    pub(super) fn signed_for(mut self, key: &LocalKey, chain: u64, contract: Address) -> Self {
        let document = self.message.document(&self.offer.domain, chain, contract);
        let signature = key.sign_digest(&document.digest().0);
        self.message.signature = Bytes::copy_from_slice(&signature);
        self
    }

    /// The same with another signature.
    pub(super) fn with_signature(mut self, signature: impl Into<Bytes>) -> Self {
        self.message.signature = signature.into();
        self
    }

    /// The document of the protocol.
    pub(super) fn document(&self) -> Value {
        let message = &self.message;
        let payload = json!({
            "signature": message.signature.to_string(),
            "authorization": {
                "from": message.from.to_string(),
                "to": message.to.to_string(),
                "value": message.value.to_string(),
                "validAfter": message.window.after.to_string(),
                "validBefore": message.window.before.to_string(),
                "nonce": message.nonce.to_string(),
            },
        });
        match self.offer.dialect {
            Dialect::X402V2 => {
                let mut document =
                    json!({"x402Version": 2, "accepted": self.offer.document, "payload": payload});
                if let Some(resource) = &self.offer.resource {
                    document["resource"] = resource.clone();
                }
                if let Some(extensions) = &self.offer.extensions {
                    document["extensions"] = extensions.clone();
                }
                document
            }
            Dialect::X402V1 => json!({
                "x402Version": 1, "scheme": self.offer.document["scheme"],
                "network": self.offer.document["network"], "payload": payload,
            }),
        }
    }

    /// The credential, as an honest client writes it.
    pub(super) fn header(&self) -> (String, String) {
        self.written(&self.document().to_string())
    }

    /// A credential with this text in it.
    pub(super) fn written(&self, text: &str) -> (String, String) {
        (
            self.offer.dialect.header().into(),
            STANDARD.encode(text.as_bytes()),
        )
    }
}

/// The order of secp256k1.
pub(super) fn order() -> U256 {
    U256::from_be_slice(&[
        0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff,
        0xfe, 0xba, 0xae, 0xdc, 0xe6, 0xaf, 0x48, 0xa0, 0x3b, 0xbf, 0xd2, 0x5e, 0x8c, 0xd0, 0x36,
        0x41, 0x41,
    ])
}

/// The twin of a signature with the other s.
pub(super) fn high_s(signature: &[u8]) -> Vec<u8> {
    let mut twin = signature.to_vec();
    let Some((r_s, v)) = twin.split_at_mut_checked(64) else {
        return twin;
    };
    let s = order() - U256::from_be_slice(r_s.get(32..).unwrap_or_default());
    if let Some(place) = r_s.get_mut(32..) {
        place.copy_from_slice(&s.to_be_bytes::<32>());
    }
    if let Some(v) = v.first_mut() {
        *v = if *v == 27 { 28 } else { 27 };
    }
    twin
}

/// The compact form of ERC-2098: 64 bytes, the parity in the highest bit of s.
pub(super) fn compact(signature: &[u8]) -> Vec<u8> {
    let mut short = signature.get(..64).unwrap_or_default().to_vec();
    if signature.get(64) == Some(&28)
        && let Some(byte) = short.get_mut(32)
    {
        *byte |= 0x80;
    }
    short
}
