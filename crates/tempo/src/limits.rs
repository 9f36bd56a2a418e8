use std::time::Duration;

/// How long a settlement may take and how far it looks. The fields are public: change what differs from the default.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Limits {
    /// How long `settle` waits for a transaction that it has sent before it answers `Unknown`. Default: 30 s.
    pub settle: Duration,
    /// How long `settle` waits for a transaction that the buyer has sent. Default: 10 s.
    pub sent: Duration,
    /// How often receipts are asked for. Default: 250 ms.
    pub poll: Duration,
    /// How long a transaction may live, in seconds. Default: one day.
    pub lifetime: u64,
    /// How long after it was first asked for, in seconds, a transaction that the buyer says to have sent, and that is in no
    /// block, counts as never sent. Default: 900.
    pub patience: u64,
    /// How many blocks back a transfer is searched for. Default: 20 000.
    pub search_blocks: u64,
    /// How many blocks one `eth_getLogs` asks for. Default: 2 000.
    pub search_step: u64,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            settle: Duration::from_secs(30),
            sent: Duration::from_secs(10),
            poll: Duration::from_millis(250),
            lifetime: 24 * 3600,
            patience: 900,
            search_blocks: 20_000,
            search_step: 2_000,
        }
    }
}
