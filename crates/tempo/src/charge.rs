//! What a charge asks for, held against the calls of a transaction and the logs of a receipt.

mod calls;
mod logs;

pub use calls::{Swap, Terms};
pub(crate) use calls::{memo_of, unauthorized};

use crate::{abi::Token, transaction::Call};
use alloy_primitives::{Address, B256, U256};
use alloy_sol_types::SolCall;
use http402_core::{Price, Reason, Requirement, authorization::ChallengeRef};
use http402_mpp::{memo::Memo, method::tempo};

/// The most parts of a price that go to others.
const MAX_SPLITS: usize = 10;

/// The transfers that pay a challenge: the payee's, which carries the challenge's memo, and one for each split.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Charge {
    token: Address,
    challenge: ChallengeRef,
    primary: Due,
    splits: Vec<(Due, Option<B256>)>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Due {
    to: Address,
    amount: U256,
}

/// A transfer of the charge's token that was found.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Found {
    due: Due,
    memo: Option<B256>,
}

/// What the memo of a transfer says of a challenge.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Binding {
    /// It pays it.
    Bound,
    /// It pays another.
    Elsewhere,
    /// Nothing.
    None,
}

impl Found {
    fn binding(&self, challenge: &ChallengeRef) -> Binding {
        match self.memo.and_then(Memo::read) {
            Some(memo) if memo.is_bound_to(challenge) => Binding::Bound,
            Some(_) => Binding::Elsewhere,
            None => Binding::None,
        }
    }
}

impl Charge {
    /// The charge of a requirement with an exact price.
    ///
    /// # Errors
    /// [`Reason::RequirementMalformed`] when the price is not exact or nothing, a party is none of an EVM chain, there are
    /// more than ten splits, one of them is nothing, or they leave nothing for the payee.
    pub fn of(requirement: &Requirement, challenge: ChallengeRef) -> Result<Self, Reason> {
        let malformed = || Reason::RequirementMalformed;
        let Price::Exactly(total) = requirement.price else {
            return Err(malformed());
        };
        let mut rest = total.units();
        let mut splits = Vec::with_capacity(requirement.splits.len());
        for leg in &requirement.splits {
            let amount = leg.amount.units();
            let to = leg.to.evm().ok_or_else(malformed)?;
            rest = rest.checked_sub(amount).ok_or_else(malformed)?;
            if amount.is_zero() {
                return Err(malformed());
            }
            splits.push((Due { to, amount }, None));
        }
        if rest.is_zero() || splits.len() > MAX_SPLITS {
            return Err(malformed());
        }
        let to = requirement.pay_to.evm().ok_or_else(malformed)?;
        Ok(Self {
            token: requirement.asset.evm().ok_or_else(malformed)?,
            challenge,
            primary: Due { to, amount: rest },
            splits,
        })
    }

    /// The charge of a request, with the memos that its splits have.
    ///
    /// # Errors
    /// As [`Charge::of`].
    pub fn of_request(request: &tempo::Charge, challenge: ChallengeRef) -> Result<Self, Reason> {
        let mut charge = Self::of(&request.requirement(0), challenge)?;
        for ((_, memo), split) in charge.splits.iter_mut().zip(request.splits()) {
            *memo = split.memo;
        }
        Ok(charge)
    }

    /// The token.
    pub fn token(&self) -> Address {
        self.token
    }

    /// What it pays.
    pub fn challenge(&self) -> &ChallengeRef {
        &self.challenge
    }

    /// To whom the transfer with the memo goes.
    pub fn payee(&self) -> Address {
        self.primary.to
    }

    /// Everything together.
    pub fn total(&self) -> U256 {
        let splits = self.splits.iter().map(|(due, _)| due.amount);
        splits.fold(self.primary.amount, U256::saturating_add)
    }

    /// The calls that pay it. `client` names the program that pays, where it wants to be known.
    pub fn to_calls(&self, client: Option<&str>) -> Vec<Call> {
        let Due { to, amount } = self.primary;
        let memo = Memo::new(&self.challenge, client).bytes();
        let primary = Token::transferWithMemoCall { to, amount, memo }.abi_encode();
        let splits = self
            .splits
            .iter()
            .map(|&(Due { to, amount }, memo)| match memo {
                Some(memo) => Token::transferWithMemoCall { to, amount, memo }.abi_encode(),
                None => Token::transferCall { to, amount }.abi_encode(),
            });
        std::iter::once(primary)
            .chain(splits)
            .map(|input| Call::new(self.token, input))
            .collect()
    }

    /// Takes what is due out of what was found: each transfer pays one leg. Returns the memo of the payee's, and what is
    /// left over.
    fn take(&self, mut found: Vec<Found>) -> Result<(B256, Vec<Found>), Reason> {
        let pays = |found: &Found| {
            found.due == self.primary && found.binding(&self.challenge) == Binding::Bound
        };
        let Some(at) = found.iter().position(pays) else {
            return Err(self.why(&found));
        };
        let memo = found.swap_remove(at).memo.unwrap_or_default();
        for &(due, wanted) in &self.splits {
            let fits =
                |found: &Found| found.due == due && wanted.is_none_or(|_| found.memo == wanted);
            // None that carries the memo of another challenge: it pays that one.
            let free = |found: &Found| found.binding(&self.challenge) != Binding::Elsewhere;
            match found.iter().position(|found| fits(found) && free(found)) {
                Some(at) => drop(found.swap_remove(at)),
                None if found.iter().any(fits) => return Err(Reason::ChallengeMismatch),
                None => return Err(mismatch(due, &found)),
            }
        }
        Ok((memo, found))
    }

    /// Why none of these is the payee's transfer.
    fn why(&self, found: &[Found]) -> Reason {
        if found.iter().any(|found| found.due == self.primary) {
            Reason::ChallengeMismatch
        } else {
            mismatch(self.primary, found)
        }
    }
}

fn mismatch(due: Due, found: &[Found]) -> Reason {
    if found.iter().any(|found| found.due.to == due.to) {
        Reason::AmountMismatch
    } else if found.is_empty() {
        Reason::TransferMissing
    } else {
        Reason::RecipientMismatch
    }
}

#[cfg(test)]
mod tests;
