//! A transaction that the server sends.

use crate::{
    Charge, Limits, Sponsor, Terms,
    abi::Token,
    node::{Mined, Node, Sent, Simulated},
    signature::Form,
    transaction::{self, FeePayer, Transaction},
};
use alloy_primitives::{Address, B256, Bytes, U256};
use alloy_sol_types::SolCall;
use http402_core::{
    Reason, Requirement, Timestamp, Window, authorization::TempoTransaction, seam::SeamError,
};
use http402_verify::engine::Engine;

/// A transaction that was read and fits, as far as bytes and time tell.
#[derive(Clone, Debug)]
pub(crate) struct Pull {
    pub(crate) transaction: Transaction,
    pub(crate) charge: Charge,
    pub(crate) terms: Terms,
    pub(crate) sender: Address,
    raw: Bytes,
}

/// What an ordinary transaction costs before it does anything; each simulated call has it, a batch has it once.
const BASE_GAS: u64 = 21_000;

impl Pull {
    /// Everything but the window, which [`Pull::check_window`] tells: what was sent in time is looked up later, too.
    pub(crate) fn read(
        requirement: &Requirement,
        signed: &TempoTransaction,
        engine: &dyn Engine,
    ) -> Result<Self, Reason> {
        if !signed.is_signed() {
            return Err(Reason::PayloadMalformed);
        }
        let transaction =
            Transaction::decode(signed.raw()).map_err(|_| Reason::PayloadMalformed)?;
        if requirement.chain.evm() != Some(transaction.chain()) {
            return Err(Reason::NetworkMismatch);
        }
        let charge = Charge::of(requirement, signed.challenge().clone())?;
        let terms = charge.match_calls(transaction.calls())?;
        let form = Form::read(transaction.signature()).ok_or(Reason::Signature)?;
        let sender = form.account(&signed.signing_hash(), engine);
        let sender = sender.ok_or(Reason::Signature)?;
        let named = [signed.source(), signed.sender()];
        if named.into_iter().flatten().any(|named| named != sender) {
            return Err(Reason::Signature);
        }
        Ok(Self {
            transaction,
            charge,
            terms,
            sender,
            raw: signed.raw().clone(),
        })
    }

    pub(crate) fn check_window(&self, limits: &Limits, now: Timestamp) -> Result<(), Reason> {
        let window = self.window();
        if !window.open(now) {
            Err(Reason::Expired)
        } else if !window.begun(now) {
            Err(Reason::NotYetValid)
        } else if window.end() > now.plus(limits.lifetime) {
            Err(Reason::LifetimeTooLong)
        } else {
            Ok(())
        }
    }

    pub(crate) fn window(&self) -> Window {
        let before = self.transaction.valid_before();
        Window::new(
            Timestamp::from_secs(self.transaction.valid_after().unwrap_or(0)),
            before.map_or(Timestamp::MAX, Timestamp::from_secs),
        )
    }

    /// Whether the fee is somebody else's who has still to sign.
    pub(crate) fn awaits_sponsor(&self) -> bool {
        matches!(self.transaction.fee_payer(), FeePayer::Awaited(_))
    }

    /// Whether the seller pays the fee, if he has to.
    pub(crate) fn check_sponsor(
        &self,
        sponsor: Option<&Sponsor>,
        now: Timestamp,
    ) -> Result<(), Reason> {
        match (self.awaits_sponsor(), sponsor) {
            (false, _) => Ok(()),
            (true, Some(sponsor)) => sponsor.limits().check(&self.transaction, now),
            (true, None) => Err(Reason::Other("sponsor_none".into())),
        }
    }

    /// Whether the calls would pay now. What could not be asked is no yes.
    pub(crate) async fn simulate(&self, node: &dyn Node) -> Result<Result<(), Reason>, SeamError> {
        let calls = self.transaction.calls();
        let done = node.simulate(self.sender, calls).await?;
        if done.iter().any(|call| !call.success) || done.len() != calls.len() {
            return Ok(Err(self.why(node, &done).await));
        }
        let logs: Vec<_> = done.iter().flat_map(|call| call.logs.clone()).collect();
        if self.charge.match_logs(&logs, self.sender).is_err() {
            return Ok(Err(Reason::SimulationFailed));
        }
        // A batch costs at least what its calls cost without what each transaction costs anyway.
        let gas = done.iter().map(|call| call.gas.saturating_sub(BASE_GAS));
        if gas.fold(BASE_GAS, u64::saturating_add) > self.transaction.gas() {
            return Ok(Err(Reason::Other("gas_too_low".into())));
        }
        Ok(Ok(()))
    }

    /// Why the calls fail: most often the balance.
    async fn why(&self, node: &dyn Node, done: &[Simulated]) -> Reason {
        let failed = done.iter().find(|call| !call.success);
        if self.terms.swap.is_some() || failed.is_none() {
            return Reason::SimulationFailed;
        }
        match balance(node, self.charge.token(), self.sender).await {
            Some(balance) if balance < self.charge.total() => Reason::InsufficientFunds,
            _ => Reason::SimulationFailed,
        }
    }

    /// The bytes that are sent.
    pub(crate) async fn to_send(&self, sponsor: Option<&Sponsor>) -> Result<Bytes, SeamError> {
        match sponsor {
            Some(sponsor) if self.awaits_sponsor() => {
                sponsor.sign(&self.transaction, self.sender).await
            }
            _ => Ok(self.raw.clone()),
        }
    }

    /// The hash, where the bytes that came are those that are sent.
    pub(crate) fn hash(&self) -> Option<B256> {
        (!self.awaits_sponsor()).then(|| transaction::hash(&self.raw))
    }

    /// Whether the transaction in a block has paid.
    pub(crate) fn judge(&self, mined: &Mined) -> Result<(), Reason> {
        if !mined.success {
            return Err(Reason::TransactionFailed);
        }
        if mined.from != self.sender {
            return Err(Reason::TransferMissing);
        }
        self.charge.match_logs(&mined.logs, self.sender).map(drop)
    }
}

/// What a refusal of the node means for who pays.
pub(crate) fn refused(sent: &Sent) -> Option<Reason> {
    let Sent::Refused(error) = sent else {
        return None;
    };
    let text = error.to_string().to_lowercase();
    Some(if text.contains("insufficient") {
        Reason::InsufficientFunds
    } else if text.contains("valid_before") || text.contains("valid_after") {
        Reason::Expired
    } else if text.contains("signature") {
        Reason::Signature
    } else {
        Reason::TransactionFailed
    })
}

async fn balance(node: &dyn Node, token: Address, account: Address) -> Option<U256> {
    let input = Token::balanceOfCall { account }.abi_encode();
    let answer = node.read(token, input.into()).await.ok()??;
    Token::balanceOfCall::abi_decode_returns(&answer).ok()
}
