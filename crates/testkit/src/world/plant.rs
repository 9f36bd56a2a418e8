//! Bugs that are planted to show that the simulation finds them. No code that ships is touched: each is a wrapper around
//! a seam, or another order of the same calls.

use std::{fmt, str::FromStr};

/// A planted bug.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Plant {
    /// The handler runs before the claim is reserved.
    ReserveAfterHandler,
    /// What is settled and delivered is not remembered.
    ForgetOutcome,
    /// A settlement whose outcome is unknown is answered with 402 and offers.
    UnknownIsRefusal,
    /// The ledger makes room by removing records that are alive.
    EvictLive,
    /// A buyer does not remember that signed bytes have left.
    ForgetAttempt,
}

impl Plant {
    /// All of them.
    pub const ALL: [Self; 5] = [
        Self::ReserveAfterHandler,
        Self::ForgetOutcome,
        Self::UnknownIsRefusal,
        Self::EvictLive,
        Self::ForgetAttempt,
    ];

    /// Its name on the command line.
    pub const fn name(self) -> &'static str {
        match self {
            Self::ReserveAfterHandler => "reserve-after-handler",
            Self::ForgetOutcome => "forget-outcome",
            Self::UnknownIsRefusal => "unknown-is-refusal",
            Self::EvictLive => "evict-live",
            Self::ForgetAttempt => "forget-attempt",
        }
    }
}

impl fmt::Display for Plant {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// There is no such bug to plant.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct UnknownPlant;

impl fmt::Display for UnknownPlant {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("no such bug to plant; there are")?;
        for plant in Plant::ALL {
            write!(f, " {plant}")?;
        }
        Ok(())
    }
}

impl std::error::Error for UnknownPlant {}

impl FromStr for Plant {
    type Err = UnknownPlant;

    fn from_str(text: &str) -> Result<Self, UnknownPlant> {
        let mut all = Self::ALL.into_iter();
        all.find(|plant| plant.name() == text).ok_or(UnknownPlant)
    }
}
