//! The answers of a node, as far as they are read.

use crate::{
    AskError,
    node::{Block, Mined, Simulated},
};
use alloy_primitives::{Address, B256, Bytes, Log, LogData, U64, U128};
use serde::Deserialize;

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Header {
    number: U64,
    timestamp: U64,
    base_fee_per_gas: Option<U128>,
}

impl Header {
    pub(super) fn block(&self) -> Block {
        Block {
            number: self.number.to(),
            timestamp: self.timestamp.to(),
        }
    }

    pub(super) fn base_fee(&self) -> u128 {
        self.base_fee_per_gas.map_or(0, |fee| fee.to())
    }
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Logged {
    address: Address,
    topics: Vec<B256>,
    data: Bytes,
    transaction_hash: Option<B256>,
}

impl Logged {
    pub(super) fn transaction(&self) -> Option<B256> {
        self.transaction_hash
    }

    fn log(self) -> Log {
        Log {
            address: self.address,
            data: LogData::new_unchecked(self.topics, self.data),
        }
    }
}

fn logs(logged: Vec<Logged>) -> Vec<Log> {
    logged.into_iter().map(Logged::log).collect()
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Receipt {
    transaction_hash: B256,
    from: Address,
    block_number: Option<U64>,
    status: U64,
    logs: Vec<Logged>,
}

impl Receipt {
    pub(super) fn mined(self) -> Result<Mined, AskError> {
        let block = self.block_number;
        let missing = || AskError::new("receipt", "it names no block");
        Ok(Mined {
            hash: self.transaction_hash,
            from: self.from,
            block: block.ok_or_else(missing)?.to(),
            success: self.status == U64::from(1),
            logs: logs(self.logs),
        })
    }
}

/// The answer of the standard method, or of Tempo's own.
#[derive(Debug, Deserialize)]
#[serde(untagged)]
pub(super) enum Simulation {
    Standard(Vec<SimulatedBlock>),
    Tempo { blocks: Vec<SimulatedBlock> },
}

#[derive(Debug, Deserialize)]
pub(super) struct SimulatedBlock {
    calls: Vec<SimulatedCall>,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
struct SimulatedCall {
    status: U64,
    gas_used: U64,
    #[serde(default)]
    logs: Vec<Logged>,
    #[serde(default)]
    return_data: Bytes,
}

impl Simulation {
    pub(super) fn into_calls(self) -> Vec<Simulated> {
        let (Self::Standard(blocks) | Self::Tempo { blocks }) = self;
        let calls = blocks.into_iter().flat_map(|block| block.calls);
        calls
            .map(|call| Simulated {
                success: call.status == U64::from(1),
                gas: call.gas_used.to(),
                logs: logs(call.logs),
                output: call.return_data,
            })
            .collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn both_simulations_are_read() {
        let call = r#"{"returnData":"0x01","logs":[],"gasUsed":"0x49dd2","status":"0x1"}"#;
        let standard = format!(r#"[{{"hash":"0x1","calls":[{call}]}}]"#);
        let tempo = format!(r#"{{"blocks":{standard},"tokenMetadata":{{}}}}"#);
        for text in [standard, tempo] {
            let read: Simulation = serde_json::from_str(&text).unwrap();
            let calls = read.into_calls();
            assert_eq!((calls[0].success, calls[0].gas), (true, 302_546));
        }
        for bad in ["{}", "null", r#"[{"calls":[{}]}]"#] {
            assert!(serde_json::from_str::<Simulation>(bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn a_receipt_of_tempos_own_type_is_read() {
        let text = r#"{"type":"0x76","transactionHash":"0x9e0cbafd28212048c6f91364bb917ac03ea7f3badcd4a61929b86d859bc8c9bf",
            "from":"0x70997970C51812dc3A010C7d01b50e0d17dc79C8","blockNumber":"0x5","status":"0x1","logs":[],
            "feePayer":"0x70997970C51812dc3A010C7d01b50e0d17dc79C8"}"#;
        let read: Receipt = serde_json::from_str(text).unwrap();
        let mined = read.mined().unwrap();
        assert_eq!((mined.block, mined.success), (5, true));
    }
}
