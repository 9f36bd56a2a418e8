//! Wallets, and who judges what they have signed.
//!
//! What a simulation is about is the order of steps, not the curve: unless told otherwise a signature is a mark that only
//! the wallet makes, and the judge knows which marks were made. With [`Options::curve`](super::Options) both are the real
//! ones.

use super::{Shared, executor::Actor, executor::lock};
use http402_core::{
    Address, Authorization, B256, Bytes, Claim, Party, Price, Reason, Verdict,
    authorization::Eip3009,
    seam::{Boxed, Judge, Known, SeamError, Signer},
    typed::{ToSign, Value},
};
use http402_verify::{LocalKey, Verifier};
use std::sync::{Arc, OnceLock};

use super::fault::Fault;

/// The keys of the accounts; they guard nothing.
fn keys() -> &'static [LocalKey] {
    static KEYS: OnceLock<Vec<LocalKey>> = OnceLock::new();
    KEYS.get_or_init(|| {
        let key = |at: u8| LocalKey::from_bytes(&[0x40 + at; 32]);
        (0..4).filter_map(|at| key(at).ok()).collect()
    })
}

/// The real judge; its tables are made once.
fn verifier() -> &'static Verifier {
    static VERIFIER: OnceLock<Verifier> = OnceLock::new();
    VERIFIER.get_or_init(|| Verifier::new(http402_core::asset::Assets::known()))
}

/// The address of an account.
pub(crate) fn address(account: u64) -> Address {
    let at = usize::try_from(account).unwrap_or(0) % keys().len();
    keys()[at].address()
}

/// The mark that stands for a signature.
pub(crate) fn mark(from: Address, nonce: B256) -> Bytes {
    let mut bytes = [0; 65];
    bytes[..32].copy_from_slice(nonce.as_slice());
    bytes[32..52].copy_from_slice(from.as_slice());
    bytes[64] = 27;
    Bytes::copy_from_slice(&bytes)
}

/// The wallet of an account, in one of its processes.
pub(crate) struct Wallet {
    pub(crate) world: Arc<Shared>,
    pub(crate) account: usize,
    pub(crate) actor: Actor,
}

impl Signer for Wallet {
    fn party(&self) -> Party {
        self.world.scenario.accounts[self.account].address.into()
    }

    fn sign<'a>(&'a self, what: &'a ToSign) -> Boxed<'a, Result<Bytes, SeamError>> {
        Box::pin(async move {
            let world = &self.world;
            let pause = world.draw(5);
            world.executor.millis(pause).await;
            if world.strikes(Fault::WalletFails, self.actor).is_some() {
                return Err("the device is unplugged".into());
            }
            let document = read(what).ok_or("not a transfer with authorization")?;
            world.approved(self.account, &document, what);
            let signature = if world.options.curve {
                let key = &keys()[self.account % keys().len()];
                key.sign(what).await?
            } else {
                mark(document.from, document.nonce)
            };
            lock(&world.state).oracle.signed(self.account, &document);
            world.executor.millis(pause).await;
            Ok(signature)
        })
    }
}

/// What a document says, read without the code that wrote it.
fn read(what: &ToSign) -> Option<Eip3009> {
    let ToSign::TypedData { document: data, .. } = what else {
        return None;
    };
    match data.message[..] {
        [
            Value::Address(from),
            Value::Address(to),
            Value::Uint(value),
            Value::Uint(after),
            Value::Uint(before),
            Value::Fixed(nonce),
        ] => Some(Eip3009 {
            from,
            to,
            value,
            window: http402_core::Window { after, before },
            nonce,
            signature: Bytes::new(),
        }),
        _ => None,
    }
}

/// Judges by the marks, in the order and with the answers of `http402-verify`.
pub(crate) struct Eye {
    pub(crate) world: Arc<Shared>,
    pub(crate) verifier: Option<Verifier>,
}

impl Eye {
    pub(crate) fn new(world: &Arc<Shared>) -> Self {
        Self {
            world: world.clone(),
            verifier: world.options.curve.then(|| verifier().clone()),
        }
    }

    /// Whether the signature is the payer's.
    pub(crate) fn is_genuine(&self, claim: &Claim) -> bool {
        let Authorization::Eip3009(signed) = &claim.authorization else {
            return false;
        };
        let unsigned = Eip3009 {
            signature: Bytes::new(),
            ..signed.clone()
        };
        let known = lock(&self.world.state).oracle.has_signed(&unsigned);
        match &self.verifier {
            None => known && signed.signature == mark(signed.from, signed.nonce),
            Some(verifier) => {
                // At a time at which nothing but the signature can be wrong.
                let at = signed.window.end().minus(60);
                let verdict = verifier.judge(claim, &Known::at(at));
                matches!(verdict, Verdict::Valid { .. })
            }
        }
    }
}

impl Judge for Eye {
    fn judge(&self, claim: &Claim, known: &Known) -> Verdict {
        if let Some(verifier) = &self.verifier {
            return verifier.judge(claim, known);
        }
        let Authorization::Eip3009(signed) = &claim.authorization else {
            return Verdict::NeedsChain;
        };
        let wanted = &claim.requirement;
        if wanted.pay_to.evm() != Some(signed.to) {
            return Verdict::Invalid(Reason::RecipientMismatch);
        }
        if !matches!(wanted.price, Price::Exactly(amount) if amount.units() == signed.value) {
            return Verdict::Invalid(Reason::AmountMismatch);
        }
        if !signed.window.open(known.now) {
            return Verdict::Invalid(Reason::Expired);
        }
        if !signed.window.begun(known.now) {
            return Verdict::Invalid(Reason::NotYetValid);
        }
        if self.is_genuine(claim) {
            Verdict::Valid {
                payer: signed.from.into(),
            }
        } else {
            // It may be that of a contract: only the chain can tell.
            Verdict::NeedsChain
        }
    }
}
