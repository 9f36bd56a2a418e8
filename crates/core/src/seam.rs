//! The seams: what a program brings along, as traits that can be boxed.
//!
//! The three questions of a payment have three kinds of answer. "No" is a value ([`Verdict::Invalid`],
//! [`Settlement::Declined`]); "could not ask" is a [`SeamError`]; "may have happened" is [`Settlement::Unknown`].

use crate::{
    Authorization, B256, Bytes, ChainId, Claim, Party, Pending, ProtocolId, Reason, Requirement,
    Settlement, Step, Timestamp, Verdict, typed::ToSign,
};
use alloc::{boxed::Box, vec::Vec};
use core::{future::Future, pin::Pin, time::Duration};

/// A boxed future.
pub type Boxed<'a, T> = Pin<Box<dyn Future<Output = T> + Send + 'a>>;

/// Why a seam could not be asked: transport, store, device. It says nothing about the payment.
pub type SeamError = Box<dyn core::error::Error + Send + Sync>;

/// What is known when a claim is judged.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Known {
    /// The time.
    pub now: Timestamp,
    /// Whether the payer's address has code.
    pub payer_code: PayerCode,
}

impl Known {
    /// The time alone.
    pub const fn at(now: Timestamp) -> Self {
        Self {
            now,
            payer_code: PayerCode::Unknown,
        }
    }

    /// The same, with what is known of the payer's code.
    #[must_use]
    pub const fn payer_code(mut self, code: PayerCode) -> Self {
        self.payer_code = code;
        self
    }
}

/// Whether a payer's address has code. With code its contract decides what a signature is (ERC-1271).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum PayerCode {
    /// Nobody looked.
    Unknown,
    /// There is none.
    Absent,
    /// There is some: a contract, or an account that delegates by EIP-7702.
    Present,
}

/// Judges what bytes and time can show. `http402-verify` implements it.
pub trait Judge: Send + Sync {
    /// Whether the claim's authorization is the payer's and fits the requirement.
    fn judge(&self, claim: &Claim, known: &Known) -> Verdict;

    /// [`judge`](Judge::judge), for one of many requests at the same time: what it brings may be judged together with what
    /// the others bring. The verdict is the same, and no request waits for others to come.
    fn judge_among<'a>(&'a self, claim: &'a Claim, known: &'a Known) -> Boxed<'a, Verdict> {
        Box::pin(async move { self.judge(claim, known) })
    }
}

/// A kind of payment that a facilitator settles.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Kind {
    /// In which protocol.
    pub protocol: ProtocolId,
    /// The scheme or method.
    pub scheme: Box<str>,
    /// On which chain.
    pub chain: ChainId,
}

impl Kind {
    /// A kind.
    pub fn new(protocol: ProtocolId, scheme: &str, chain: ChainId) -> Self {
        Self {
            protocol,
            scheme: scheme.into(),
            chain,
        }
    }
}

/// Settles payments: a remote x402 facilitator, or a chain.
pub trait Facilitator: Send + Sync {
    /// What it settles.
    ///
    /// # Errors
    /// When it could not be asked, or its answer has no sense.
    fn supported(&self) -> Boxed<'_, Result<Vec<Kind>, SeamError>>;

    /// Whether the claim would settle now: signature, code, balance, nonce.
    ///
    /// # Errors
    /// When it could not be asked, or its answer has no sense.
    fn verify<'a>(&'a self, claim: &'a Claim) -> Boxed<'a, Result<Verdict, SeamError>>;

    /// Moves the money. A time-out, a lost answer or an answer without sense is [`Settlement::Unknown`].
    ///
    /// # Errors
    /// When it is certain that nothing was sent. Callers treat it as `Unknown` all the same.
    fn settle<'a>(
        &'a self,
        claim: &'a Claim,
        step: Step,
    ) -> Boxed<'a, Result<Settlement, SeamError>>;

    /// Finds out what became of a settlement that was [`Settlement::Unknown`], without a risk of settling twice: a remote
    /// facilitator is asked again with the same bytes, a chain is searched for the transfer.
    ///
    /// # Errors
    /// When it could not be asked; the settlement stays unknown.
    fn resolve<'a>(
        &'a self,
        claim: &'a Claim,
        pending: &'a Pending,
    ) -> Boxed<'a, Result<Settlement, SeamError>>;
}

/// What the chain shows of an authorization, for a buyer who has lost the answer.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Spent {
    /// It was executed, in this transaction where it is known.
    Yes {
        /// The transaction.
        transaction: Option<Box<str>>,
    },
    /// It was not executed, and can no longer be: its nonce is unused at a final block after its window.
    Never,
    /// Not known yet.
    Unknown,
}

/// A buyer's own view of a chain: the only proof that a signature was not used.
pub trait ChainView: Send + Sync {
    /// What became of the authorization that `authorization` of `asset` on `chain` spends.
    ///
    /// # Errors
    /// When the chain could not be asked.
    fn spent<'a>(
        &'a self,
        chain: &'a ChainId,
        asset: &'a Party,
        authorization: &'a Authorization,
    ) -> Boxed<'a, Result<Spent, SeamError>>;
}

/// Tells what a transaction does. A buyer's policy asks it before the wallet sees the bytes.
pub trait TransactionReader: Send + Sync {
    /// Whether the transaction in `authorization`, of which `payer` would sign `to_sign`, makes the payments of `requirement`
    /// for the challenge that it answers, and does nothing else: no further call, no allowance, and no fee above what the
    /// reader was told to bear.
    ///
    /// # Errors
    /// Why it is not such a transaction.
    fn pays_only(
        &self,
        requirement: &Requirement,
        payer: &Party,
        authorization: &Authorization,
        to_sign: &ToSign,
    ) -> Result<(), Reason>;
}

/// Signs with a wallet: a key in memory, a keystore, a KMS, a remote or smart wallet.
pub trait Signer: Send + Sync {
    /// Whose signature it gives.
    fn party(&self) -> Party;

    /// Signs. An ECDSA signature has 65 bytes: r, s in the lower half of the order, v 27 or 28; a wallet with code gives what
    /// its contract accepts.
    ///
    /// # Errors
    /// When the wallet could not be asked, or refuses.
    fn sign<'a>(&'a self, what: &'a ToSign) -> Boxed<'a, Result<Bytes, SeamError>>;
}

/// Time.
pub trait Clock: Send + Sync {
    /// The time now.
    fn now(&self) -> Timestamp;

    /// Waits.
    fn sleep(&self, duration: Duration) -> Boxed<'static, ()>;
}

/// Randomness for nonces, from a cryptographic source.
pub trait Entropy: Send + Sync {
    /// 32 bytes that nobody can foresee.
    fn bytes32(&self) -> B256;
}

/// Runs what must survive the request that began it. `settle` and `record` go through it, the request only waits for them.
pub trait Spawn: Send + Sync {
    /// Runs the future to its end, whoever waits for it.
    fn spawn(&self, future: Boxed<'static, ()>);
}
