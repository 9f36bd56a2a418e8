use super::{Charge, Due, Found};
use crate::abi::Token;
use alloy_primitives::{Address, B256, Log, U256};
use alloy_sol_types::SolEvent;
use http402_core::Reason;

impl Charge {
    /// Whether these logs of a successful transaction show that `payer` has paid the charge. Other transfers play no part.
    ///
    /// # Errors
    /// The first thing that does not fit.
    pub fn match_logs(&self, logs: &[Log], payer: Address) -> Result<B256, Reason> {
        let found = self.transfers(logs, payer);
        let (memo, _) = self.take(found)?;
        Ok(memo)
    }

    /// The transfers that the logs tell of, each once: one with a memo writes two logs, and which of them comes first is
    /// left to the token.
    fn transfers(&self, logs: &[Log], payer: Address) -> Vec<Found> {
        // What was found, and whether its other log was seen, too.
        let mut seen: Vec<(Found, bool)> = Vec::new();
        for log in logs.iter().filter(|log| log.address == self.token) {
            let Some((from, found)) = transfer(log) else {
                continue;
            };
            if from != payer {
                continue;
            }
            let twin = seen.iter_mut().rev().find(|(other, whole)| {
                !whole && other.due == found.due && other.memo.is_some() != found.memo.is_some()
            });
            match twin {
                Some((other, whole)) => {
                    other.memo = other.memo.or(found.memo);
                    *whole = true;
                }
                None => seen.push((found, false)),
            }
        }
        seen.into_iter().map(|(found, _)| found).collect()
    }
}

fn transfer(log: &Log) -> Option<(Address, Found)> {
    let (kind, from, to, memo) = match *log.topics() {
        [kind, from, to] => (kind, from, to, None),
        [kind, from, to, memo] => (kind, from, to, Some(memo)),
        _ => return None,
    };
    let expected = match memo {
        Some(_) => Token::TransferWithMemo::SIGNATURE_HASH,
        None => Token::Transfer::SIGNATURE_HASH,
    };
    let amount: &[u8; 32] = log.data.data.as_ref().try_into().ok()?;
    let due = Due {
        to: Address::from_word(to),
        amount: U256::from_be_bytes(*amount),
    };
    (kind == expected).then(|| (Address::from_word(from), Found { due, memo }))
}
