//! A buyer on a Tempo chain.

use crate::{
    AskError, Order,
    node::{Node, Sent},
    pull, transaction,
    wallet::TRANSFER_GAS,
};
use alloy_primitives::{Address, B256, Bytes};
use http402_core::{
    Reason,
    authorization::{ChallengeRef, MppProof, TempoHash, TempoTransaction},
    seam::{Clock, SeamError, Signer},
    typed::ToSign,
};
use std::{error, fmt, sync::Arc, time::Duration};

/// Gas on top of what the simulated calls use: the transaction's own nonce and signature, and a fourth for state that
/// changes meanwhile.
const MARGIN: u64 = 150_000;

/// Prepares, signs and, where it has to, sends the transactions that pay charges.
#[derive(Clone)]
pub struct Payer {
    node: Arc<dyn Node>,
    signer: Arc<dyn Signer>,
    clock: Arc<dyn Clock>,
    account: Option<Address>,
    wait: Duration,
}

impl Payer {
    /// Pays with the account of `signer`.
    pub fn new(node: Arc<dyn Node>, signer: Arc<dyn Signer>, clock: Arc<dyn Clock>) -> Self {
        Self {
            account: signer.party().evm(),
            node,
            signer,
            clock,
            wait: Duration::from_secs(15),
        }
    }

    /// The transaction for an order, with the gas that it needs now, still to be signed.
    ///
    /// # Errors
    /// [`PayError::Refused`] when the order can not be paid, or not from this account; [`PayError::Ask`] when the node did
    /// not tell.
    pub async fn prepare(&self, order: &Order<'_>) -> Result<TempoTransaction, PayError> {
        let account = self.account()?;
        let calls = order.charge.to_calls(order.client);
        if self.node.chain().await? != order.chain {
            return Err(Reason::UnsupportedNetwork.into());
        }
        let done = self.node.simulate(account, &calls).await?;
        if done.len() != calls.len() || done.iter().any(|call| !call.success) {
            return Err(Reason::SimulationFailed.into());
        }
        let used = done
            .iter()
            .fold(0, |sum: u64, call| sum.saturating_add(call.gas));
        let gas = used.saturating_add(used / 4).saturating_add(MARGIN);
        let gas = gas.max(TRANSFER_GAS);
        let fees = self.node.fees().await?;
        Ok(order.transaction(account, &fees, gas, self.clock.now())?)
    }

    /// The signed transaction.
    ///
    /// # Errors
    /// [`PayError::Sign`] when the wallet did not sign, or gave what is no signature of a transaction.
    pub async fn sign(&self, unsigned: &TempoTransaction) -> Result<TempoTransaction, PayError> {
        let what = ToSign::Transaction {
            bytes: unsigned.signing_bytes().clone(),
            digest: unsigned.signing_hash(),
        };
        let signature = self.signer.sign(&what).await.map_err(PayError::Sign)?;
        unsigned
            .sign(&signature)
            .map_err(|error| PayError::Sign(error.into()))
    }

    /// The signed transaction for an order, to be sent by the seller.
    ///
    /// # Errors
    /// As [`Payer::prepare`] and [`Payer::sign`].
    pub async fn pull(&self, order: &Order<'_>) -> Result<TempoTransaction, PayError> {
        let unsigned = self.prepare(order).await?;
        self.sign(&unsigned).await
    }

    /// Sends a signed transaction and waits for its block. Its hash is [`hash`](transaction::hash) of its bytes, known
    /// before: who wants to find it again writes it down first.
    ///
    /// # Errors
    /// [`PayError::Refused`] when it certainly has not paid; [`PayError::Unknown`] when it may still.
    pub async fn push(&self, signed: &TempoTransaction) -> Result<TempoHash, PayError> {
        if signed.sponsored() || !signed.is_signed() {
            return Err(Reason::MethodMismatch.into());
        }
        let raw: Bytes = signed.raw().clone();
        let hash = transaction::hash(&raw);
        let sent = self.node.send(&raw).await;
        let refused = pull::refused(&sent);
        let mined = match sent {
            Sent::Mined(mined) if mined.hash == hash => Some(mined),
            _ => self.wait(hash, refused.is_some()).await,
        };
        match mined {
            Some(mined) if mined.success => Ok(TempoHash {
                challenge: signed.challenge().clone(),
                payer: signed.payer(),
                hash,
            }),
            Some(_) => Err(Reason::TransactionFailed.into()),
            None => match refused {
                Some(reason) => Err(reason.into()),
                None => Err(PayError::Unknown(hash)),
            },
        }
    }

    /// Proof of who asks, for a charge of nothing on the chain with this number.
    ///
    /// # Errors
    /// [`PayError::Sign`] when the wallet did not sign.
    pub async fn prove(&self, challenge: ChallengeRef, chain: u64) -> Result<MppProof, PayError> {
        let mut proof = MppProof {
            challenge,
            account: self.account()?,
            signature: Bytes::new(),
        };
        let what = ToSign::typed(proof.document(chain));
        proof.signature = self.signer.sign(&what).await.map_err(PayError::Sign)?;
        Ok(proof)
    }

    fn account(&self) -> Result<Address, PayError> {
        self.account
            .ok_or(PayError::Refused(Reason::UnsupportedNetwork))
    }

    async fn wait(&self, hash: B256, once: bool) -> Option<crate::node::Mined> {
        let mut over = self.clock.sleep(self.wait);
        loop {
            if let Ok(Some(mined)) = self.node.receipt(hash).await {
                return Some(mined);
            }
            if once {
                return None;
            }
            tokio::select! {
                biased;
                () = &mut over => return None,
                () = self.clock.sleep(Duration::from_millis(250)) => {}
            }
        }
    }
}

impl fmt::Debug for Payer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Payer")
            .field("account", &self.account)
            .finish_non_exhaustive()
    }
}

/// Why a charge was not paid.
#[derive(Debug)]
#[non_exhaustive]
pub enum PayError {
    /// It can not be paid, and was not.
    Refused(Reason),
    /// The node did not tell; nothing was sent.
    Ask(AskError),
    /// The wallet did not sign; nothing was sent.
    Sign(SeamError),
    /// The transaction with this hash may have paid.
    Unknown(B256),
}

impl fmt::Display for PayError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Refused(reason) => reason.fmt(f),
            Self::Ask(error) => error.fmt(f),
            Self::Sign(error) => write!(f, "the wallet did not sign: {error}"),
            Self::Unknown(hash) => write!(f, "the transaction {hash} may have paid"),
        }
    }
}

impl error::Error for PayError {
    fn source(&self) -> Option<&(dyn error::Error + 'static)> {
        match self {
            Self::Ask(error) => Some(error),
            Self::Sign(error) => Some(&**error),
            Self::Refused(_) | Self::Unknown(_) => None,
        }
    }
}

impl From<Reason> for PayError {
    fn from(reason: Reason) -> Self {
        Self::Refused(reason)
    }
}

impl From<AskError> for PayError {
    fn from(error: AskError) -> Self {
        Self::Ask(error)
    }
}
