use super::{Charge, Due, Found};
use crate::{
    abi::{EXCHANGE, Exchange, Token},
    transaction::Call,
};
use alloy_primitives::{Address, B256, U256};
use alloy_sol_types::SolCall;
use http402_core::{Reason, authorization::ChallengeRef};
use http402_mpp::memo::Memo;

/// What the calls of a transaction do, when they pay a charge and do nothing else.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Terms {
    /// The memo of the payee's transfer.
    pub memo: B256,
    /// What is bought on the exchange before.
    pub swap: Option<Swap>,
}

/// A purchase of the charge's token on the chain's exchange, for the payment that follows.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Swap {
    /// What is sold.
    pub token: Address,
    /// How much of it at most.
    pub at_most: U256,
}

impl Charge {
    /// Whether these calls pay the charge and do nothing else. The transfers may come in any order; before them a purchase
    /// of no more than the charge is allowed: `approve` of exactly its limit, then `swapExactAmountOut`.
    ///
    /// # Errors
    /// The first thing that does not fit.
    pub fn match_calls(&self, calls: &[Call]) -> Result<Terms, Reason> {
        let (swap, rest) = self.swap(calls)?;
        // There is nothing that one more could be for, whoever it pays.
        if rest.len() > self.splits.len().saturating_add(1) {
            return Err(unauthorized());
        }
        let found: Option<Vec<Found>> = rest.iter().map(|call| self.transfer(call)).collect();
        let (memo, extra) = self.take(found.ok_or_else(unauthorized)?)?;
        if !extra.is_empty() {
            return Err(unauthorized());
        }
        Ok(Terms { memo, swap })
    }

    /// A transfer of the charge's token, in exactly its length.
    fn transfer(&self, call: &Call) -> Option<Found> {
        if call.to != Some(self.token) || !call.value.is_zero() {
            return None;
        }
        if let Some(transfer) = exact::<Token::transferCall>(&call.input) {
            let Token::transferCall { to, amount } = transfer;
            let due = Due { to, amount };
            return Some(Found { due, memo: None });
        }
        let transfer = exact::<Token::transferWithMemoCall>(&call.input)?;
        let Token::transferWithMemoCall { to, amount, memo } = transfer;
        let due = Due { to, amount };
        Some(Found {
            due,
            memo: Some(memo),
        })
    }

    fn swap<'a>(&self, calls: &'a [Call]) -> Result<(Option<Swap>, &'a [Call]), Reason> {
        let [first, second, rest @ ..] = calls else {
            return Ok((None, calls));
        };
        let Some(approve) = exact::<Token::approveCall>(&first.input) else {
            return Ok((None, calls));
        };
        let bought = exact::<Exchange::swapExactAmountOutCall>(&second.input);
        let bought = bought.filter(|_| second.to == Some(EXCHANGE));
        let (Some(bought), Some(token)) = (bought, first.to) else {
            return Err(unauthorized());
        };
        let fits = first.value.is_zero()
            && second.value.is_zero()
            && approve.spender == EXCHANGE
            && approve.amount == U256::from(bought.maxAmountIn)
            && bought.tokenIn == token
            && bought.tokenOut == self.token
            && token != self.token
            && bought.amountOut > 0
            && U256::from(bought.amountOut) <= self.total();
        let swap = Swap {
            token,
            at_most: approve.amount,
        };
        if fits {
            Ok((Some(swap), rest))
        } else {
            Err(unauthorized())
        }
    }
}

/// A call's arguments, if its data are exactly their canonical encoding: nothing padded, nothing appended.
fn exact<C: SolCall>(input: &[u8]) -> Option<C> {
    let call = C::abi_decode(input).ok()?;
    (call.abi_encode() == input).then_some(call)
}

/// A call that no charge needs.
pub(crate) fn unauthorized() -> Reason {
    Reason::Other("unauthorized_call".into())
}

/// The token, the payee and the memo of the transfer that carries a challenge's memo, whatever else is called.
pub(crate) fn memo_of(
    calls: &[Call],
    challenge: &ChallengeRef,
) -> Option<(Address, Address, B256)> {
    calls.iter().find_map(|call| {
        let transfer = exact::<Token::transferWithMemoCall>(&call.input)?;
        let bound = Memo::read(transfer.memo)?.is_bound_to(challenge);
        bound.then_some((call.to?, transfer.to, transfer.memo))
    })
}
