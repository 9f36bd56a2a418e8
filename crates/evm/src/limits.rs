use std::time::Duration;

/// What a settlement may cost and how long it may take. The fields are public: change what differs from the default.
///
/// ```
/// use http402_evm::Limits;
///
/// let mut limits = Limits::default();
/// limits.max_fee_per_gas = 50_000_000_000;
/// limits.confirmations = 2;
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Limits {
    /// The most gas for a payer without code. Default: 300 000.
    pub gas: u64,
    /// The most gas for a payer with code, whose contract judges its signature. Default: 800 000.
    pub wallet_gas: u64,
    /// The most gas for deploying a payer's wallet and paying from it. Default: 2 000 000.
    pub deployment_gas: u64,
    /// The most gas for asking a wallet about a signature (ERC-1271). It bounds the size of the answer too. Default:
    /// 500 000.
    pub signature_gas: u64,
    /// The most that is paid for a unit of gas, in wei, after all bumps. Default: 500 gwei.
    pub max_fee_per_gas: u128,
    /// In how many blocks, its own counted, a transaction has to be before its outcome counts. Default: 1.
    pub confirmations: u64,
    /// How long one answer of the provider may take. Default: 10 s.
    pub answer: Duration,
    /// How long `settle` waits for the outcome before it answers `Unknown`; the work goes on. Default: 60 s.
    pub settle: Duration,
    /// How many settlements may go on at a time; more are an error. Default: 1024.
    pub running: usize,
    /// How often receipts are asked for. Default: 500 ms.
    pub poll: Duration,
    /// After how long without a receipt a transaction is sent again with higher fees. Default: 15 s.
    pub bump_after: Duration,
    /// By how many percent fees are raised, at least 13: nodes take no replacement that raises them less. Default: 25.
    pub bump_percent: u32,
    /// How often fees are raised for one transaction. Default: 6.
    pub max_bumps: u32,
    /// After how long a transaction that never came into a block is no longer looked after. Default: one hour.
    pub abandon: Duration,
    /// How many blocks back a transfer that somebody else sent is searched for. Default: 50 000.
    pub search_blocks: u64,
    /// How many blocks one `eth_getLogs` asks for; providers have limits of their own. Default: 2 000.
    pub search_step: u64,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            gas: 300_000,
            wallet_gas: 800_000,
            deployment_gas: 2_000_000,
            signature_gas: 500_000,
            max_fee_per_gas: 500_000_000_000,
            confirmations: 1,
            answer: Duration::from_secs(10),
            settle: Duration::from_secs(60),
            running: 1024,
            poll: Duration::from_millis(500),
            bump_after: Duration::from_secs(15),
            bump_percent: 25,
            max_bumps: 6,
            abandon: Duration::from_secs(3600),
            search_blocks: 50_000,
            search_step: 2_000,
        }
    }
}

impl Limits {
    /// What is wrong with them.
    pub(crate) fn fault(&self) -> Option<&'static str> {
        let checks = [
            (self.gas < 21_000, "gas is less than a transaction needs"),
            (self.max_fee_per_gas == 0, "max_fee_per_gas is zero"),
            (self.bump_percent < 13, "bump_percent is below 13"),
            (self.poll.is_zero(), "poll is zero"),
            (self.answer.is_zero(), "answer is zero"),
            (self.search_step == 0, "search_step is zero"),
        ];
        checks.iter().find(|(bad, _)| *bad).map(|(_, why)| *why)
    }
}
