//! Blocks and what is kept of the transactions in them.

use alloy_consensus::transaction::Recovered;
use alloy_consensus::{
    Header, Receipt, ReceiptEnvelope, ReceiptWithBloom, Transaction as _, TxEnvelope, TxReceipt,
    proofs,
};
use alloy_primitives::{Address, B256, Bloom, Bytes, Log, U256, keccak256};
use alloy_rpc_types_eth as eth;
use revm::context::BlockEnv;
use revm::context_interface::block::BlobExcessGasAndPrice;
use revm::context_interface::result::ExecutionResult;

#[derive(Clone, Debug)]
pub(super) struct Block {
    pub(super) header: Header,
    pub(super) hash: B256,
    pub(super) mined: Vec<Mined>,
    /// The version of the world after this block.
    pub(super) version: u64,
}

#[derive(Clone, Debug)]
pub(super) struct Mined {
    pub(super) tx: Recovered<TxEnvelope>,
    pub(super) receipt: ReceiptEnvelope<Log>,
    pub(super) gas_used: u64,
    pub(super) gas_price: u128,
    pub(super) created: Option<Address>,
}

impl Mined {
    pub(super) fn new(
        tx: Recovered<TxEnvelope>,
        result: ExecutionResult,
        gas_before: u64,
        base_fee: u64,
    ) -> Self {
        let gas_used = result.tx_gas_used();
        let created = tx.is_create().then(|| tx.signer().create(tx.nonce()));
        let status = result.is_success().into();
        let logs = if result.is_success() {
            result.into_logs()
        } else {
            Vec::new()
        };
        let receipt = ReceiptWithBloom::from(Receipt {
            status,
            cumulative_gas_used: gas_before + gas_used,
            logs,
        });
        Self {
            receipt: ReceiptEnvelope::from_typed(tx.tx_type(), receipt),
            gas_used,
            gas_price: tx.effective_gas_price(Some(base_fee)),
            created,
            tx,
        }
    }
}

impl Block {
    /// Seals a block. The state root is a digest over the parent's root and the transactions: there is no trie, so
    /// it proves nothing, but equal histories have equal roots.
    pub(super) fn seal(
        env: &BlockEnv,
        parent: &Header,
        parent_hash: B256,
        mined: Vec<Mined>,
        salt: u64,
    ) -> Self {
        let receipts: Vec<_> = mined.iter().map(|tx| &tx.receipt).collect();
        let envelopes: Vec<_> = mined.iter().map(|tx| tx.tx.inner()).collect();
        let receipts_root = proofs::calculate_receipt_root(&receipts);
        let header = Header {
            parent_hash,
            beneficiary: env.beneficiary,
            state_root: keccak256([parent.state_root, receipts_root].concat()),
            transactions_root: proofs::calculate_transaction_root(&envelopes),
            receipts_root,
            logs_bloom: mined
                .iter()
                .fold(Bloom::ZERO, |bloom, tx| bloom | tx.receipt.bloom()),
            number: env.number.saturating_to(),
            gas_limit: env.gas_limit,
            gas_used: mined.iter().map(|tx| tx.gas_used).sum(),
            timestamp: env.timestamp.saturating_to(),
            extra_data: extra_data(salt),
            mix_hash: env.prevrandao.unwrap_or_default(),
            base_fee_per_gas: Some(env.basefee),
            withdrawals_root: Some(alloy_consensus::EMPTY_ROOT_HASH),
            blob_gas_used: Some(0),
            excess_blob_gas: Some(0),
            parent_beacon_block_root: Some(B256::ZERO),
            ..Header::default()
        };
        Self {
            hash: header.hash_slow(),
            header,
            mined,
            version: 0,
        }
    }

    pub(super) fn env(&self) -> BlockEnv {
        environment(
            self.header.number,
            self.header.timestamp,
            self.header.gas_limit,
            self.header.base_fee_per_gas.unwrap_or_default(),
        )
    }

    pub(super) fn base_fee(&self) -> u64 {
        self.header.base_fee_per_gas.unwrap_or_default()
    }

    pub(super) fn to_rpc(&self, full: bool) -> eth::Block {
        let header = eth::Header {
            hash: self.hash,
            inner: self.header.clone(),
            total_difficulty: None,
            size: Some(U256::from(self.header.size())),
        };
        let transactions = if full {
            let all = 0..self.mined.len();
            eth::BlockTransactions::Full(all.map(|index| self.transaction(index)).collect())
        } else {
            let hashes = self.mined.iter().map(|tx| *tx.tx.tx_hash());
            eth::BlockTransactions::Hashes(hashes.collect())
        };
        eth::Block {
            header,
            uncles: Vec::new(),
            transactions,
            withdrawals: Some(Vec::new().into()),
        }
    }

    pub(super) fn transaction(&self, index: usize) -> eth::Transaction {
        let mined = &self.mined[index];
        eth::Transaction {
            inner: mined.tx.clone(),
            block_hash: Some(self.hash),
            block_number: Some(self.header.number),
            transaction_index: Some(index as u64),
            effective_gas_price: Some(mined.gas_price),
            block_timestamp: Some(self.header.timestamp),
        }
    }

    pub(super) fn receipt(&self, index: usize) -> eth::TransactionReceipt {
        let mined = &self.mined[index];
        let mut log_index = self.mined[..index]
            .iter()
            .map(|tx| tx.receipt.logs().len() as u64)
            .sum();
        let inner = mined.receipt.clone().map_logs(|log| {
            let log = self.log(log, index, log_index);
            log_index += 1;
            log
        });
        eth::TransactionReceipt {
            inner,
            transaction_hash: *mined.tx.tx_hash(),
            transaction_index: Some(index as u64),
            block_hash: Some(self.hash),
            block_number: Some(self.header.number),
            gas_used: mined.gas_used,
            effective_gas_price: mined.gas_price,
            blob_gas_used: None,
            blob_gas_price: None,
            from: mined.tx.signer(),
            to: mined.tx.to(),
            contract_address: mined.created,
        }
    }

    /// The logs of this block that a filter asks for.
    pub(super) fn logs<'a>(
        &'a self,
        filter: &'a eth::Filter,
    ) -> impl Iterator<Item = eth::Log> + 'a {
        let numbered = self
            .mined
            .iter()
            .enumerate()
            .flat_map(|(index, tx)| tx.receipt.logs().iter().map(move |log| (index, log)));
        let numbered = numbered.enumerate();
        numbered
            .filter(|(_, (_, log))| filter.matches(log))
            .map(|(log_index, (index, log))| self.log(log.clone(), index, log_index as u64))
    }

    fn log(&self, inner: Log, index: usize, log_index: u64) -> eth::Log {
        eth::Log {
            inner,
            block_hash: Some(self.hash),
            block_number: Some(self.header.number),
            block_timestamp: Some(self.header.timestamp),
            transaction_hash: Some(*self.mined[index].tx.tx_hash()),
            transaction_index: Some(index as u64),
            log_index: Some(log_index),
            removed: false,
        }
    }
}

pub(super) fn environment(number: u64, timestamp: u64, gas_limit: u64, base_fee: u64) -> BlockEnv {
    BlockEnv {
        number: U256::from(number),
        beneficiary: Address::ZERO,
        timestamp: U256::from(timestamp),
        gas_limit,
        basefee: base_fee,
        difficulty: U256::ZERO,
        prevrandao: Some(keccak256(number.to_be_bytes())),
        blob_excess_gas_and_price: Some(BlobExcessGasAndPrice {
            excess_blob_gas: 0,
            blob_gasprice: 1,
        }),
        slot_num: number,
    }
}

/// Blocks that replace others after a reorganisation differ in this field at least.
fn extra_data(salt: u64) -> Bytes {
    match salt {
        0 => Bytes::new(),
        salt => Bytes::copy_from_slice(&salt.to_be_bytes()),
    }
}
