//! What goes wrong. Each fault has a name that does not depend on the others, so that any of them can be left out.

use super::{dice::mix, executor::Actor};
use std::{collections::BTreeSet, fmt};

/// A kind of fault.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[non_exhaustive]
pub enum Fault {
    /// A process dies between two polls, and is started again later.
    Crash,
    /// A message never arrives.
    LostRequest,
    /// The answer to a message never arrives; what was asked for is done.
    LostAnswer,
    /// A message takes seconds to minutes.
    Delay,
    /// A message arrives twice.
    Duplicate,
    /// A client hangs up while it waits. Its server may notice.
    HangUp,
    /// A store takes seconds to minutes.
    SlowStore,
    /// A store answers with an error, and has done nothing.
    FailingStore,
    /// A store answers with an error, and has done it.
    ForgottenAnswer,
    /// A store has no room for what is new.
    FullStore,
    /// A facilitator says what is not so.
    Lie,
    /// A facilitator's answer makes no sense; what was asked for is done.
    Mistyped,
    /// A facilitator says nothing after it has broadcast.
    Silence,
    /// The last blocks are replaced.
    Reorg,
    /// A transaction falls out of the mempool.
    Evicted,
    /// Somebody who has seen the authorization has it executed first.
    PreEmption,
    /// The payer cancels his authorization.
    Cancel,
    /// The payer's money is moved away.
    Drain,
    /// A process's clock is wrong.
    Skew,
    /// A handler answers with an error.
    HandlerFails,
    /// A handler takes minutes.
    SlowHandler,
    /// A wallet does not sign.
    WalletFails,
    /// Somebody presents the credential with another signature first.
    Junk,
}

impl Fault {
    /// Every kind.
    pub const ALL: [Self; 23] = [
        Self::Crash,
        Self::LostRequest,
        Self::LostAnswer,
        Self::Delay,
        Self::Duplicate,
        Self::HangUp,
        Self::SlowStore,
        Self::FailingStore,
        Self::ForgottenAnswer,
        Self::FullStore,
        Self::Lie,
        Self::Mistyped,
        Self::Silence,
        Self::Reorg,
        Self::Evicted,
        Self::PreEmption,
        Self::Cancel,
        Self::Drain,
        Self::Skew,
        Self::HandlerFails,
        Self::SlowHandler,
        Self::WalletFails,
        Self::Junk,
    ];

    /// How often it strikes where it may, in 65536ths, when a history has it at all.
    const fn rate(self) -> u64 {
        match self {
            // At every poll.
            Self::Crash => 1_200,
            // At every block.
            Self::Reorg => 4_000,
            Self::SlowStore | Self::FailingStore | Self::ForgottenAnswer | Self::FullStore => 6_000,
            Self::Skew => 32_000,
            _ => 24_000,
        }
    }

    pub(crate) const fn index(self) -> usize {
        self as usize
    }
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Crash => "crash",
            Self::LostRequest => "lost request",
            Self::LostAnswer => "lost answer",
            Self::Delay => "delay",
            Self::Duplicate => "duplicate",
            Self::HangUp => "client hangs up",
            Self::SlowStore => "slow store",
            Self::FailingStore => "failing store",
            Self::ForgottenAnswer => "error after the write",
            Self::FullStore => "full store",
            Self::Lie => "lie of a facilitator",
            Self::Mistyped => "mistyped answer",
            Self::Silence => "silence after broadcast",
            Self::Reorg => "reorg",
            Self::Evicted => "evicted transaction",
            Self::PreEmption => "pre-emption",
            Self::Cancel => "cancelled authorization",
            Self::Drain => "drained balance",
            Self::Skew => "skewed clock",
            Self::HandlerFails => "failing handler",
            Self::SlowHandler => "slow handler",
            Self::WalletFails => "failing wallet",
            Self::Junk => "junk signature",
        })
    }
}

/// One fault of a history: its kind, whom it met, and which of the occasions it was.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[non_exhaustive]
pub struct Strike {
    /// What.
    pub fault: Fault,
    /// Whom: the number of a process, as the trace has it.
    pub place: usize,
    /// At which of the occasions that this process had for it.
    pub occasion: u32,
}

/// Says at every occasion whether a fault strikes.
pub(crate) struct Faults {
    seed: u64,
    rates: [u64; Fault::ALL.len()],
    /// By kind and place.
    occasions: Vec<u32>,
    only: Option<BTreeSet<Strike>>,
    active: bool,
    pub(crate) struck: Vec<Strike>,
}

impl Faults {
    /// The faults of a seed, or those of them that are listed.
    pub(crate) fn new(seed: u64, only: Option<BTreeSet<Strike>>) -> Self {
        let mut rates = [0; Fault::ALL.len()];
        let character = mix(seed ^ 0xfa17);
        // One history in eight is without faults: everything has to be paid and delivered. In the others the kinds are
        // drawn, so that some have one alone and some have most of them.
        let share = match character % 8 {
            0 => 0,
            1 | 2 => 12,
            3 | 4 => 30,
            _ => 65,
        };
        for fault in Fault::ALL {
            let draw = mix(character ^ fault.index() as u64);
            if draw % 100 < share {
                rates[fault.index()] = fault.rate() >> ((draw >> 32) % 4);
            }
        }
        Self {
            seed,
            rates,
            occasions: Vec::new(),
            only,
            active: true,
            struck: Vec::new(),
        }
    }

    /// Whether a kind is among those of this history.
    pub(crate) fn may(&self, fault: Fault) -> bool {
        self.rates[fault.index()] > 0
    }

    /// No faults from now on.
    pub(crate) fn stop(&mut self) {
        self.active = false;
    }

    pub(crate) fn active(&self) -> bool {
        self.active
    }

    /// Whether a fault strikes here; with it comes chance, for what it is like.
    pub(crate) fn strikes(&mut self, fault: Fault, place: Actor) -> Option<u64> {
        let rate = self.rates[fault.index()];
        if !self.active || rate == 0 {
            return None;
        }
        let at = place.0 * Fault::ALL.len() + fault.index();
        if self.occasions.len() <= at {
            self.occasions.resize(at + 1, 0);
        }
        let occasion = &mut self.occasions[at];
        let strike = Strike {
            fault,
            place: place.0,
            occasion: *occasion,
        };
        *occasion += 1;
        let name =
            (fault.index() as u64) << 48 | (place.0 as u64) << 32 | u64::from(strike.occasion);
        let draw = mix(self.seed ^ mix(name));
        if draw & 0xffff >= rate {
            return None;
        }
        if self
            .only
            .as_ref()
            .is_some_and(|only| !only.contains(&strike))
        {
            return None;
        }
        self.struck.push(strike);
        Some(mix(draw))
    }
}
