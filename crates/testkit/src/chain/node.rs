//! The chain itself: blocks on top of each other, a pool, a clock. No IO; whoever holds it serialises access.

use std::collections::HashMap;

use alloy_consensus::transaction::{Recovered, SignerRecoverable};
use alloy_consensus::{Header, Transaction, TxEnvelope};
use alloy_eips::eip1559::{BaseFeeParams, calc_next_block_base_fee};
use alloy_eips::eip2718::Decodable2718;
use alloy_eips::{BlockId, BlockNumberOrTag};
use alloy_primitives::{Address, B256, Bytes, TxKind, U256};
use revm::context::{BlockEnv, CfgEnv};
use revm::context_interface::result::ExecutionResult;

use super::block::{Block, Mined, environment};
use super::error::{RpcError, insufficient};
use super::evm;
use super::pool::Pool;
use super::time::Time;
use super::world::{View, World};

/// What stays the same while a chain lives.
#[derive(Clone, Copy, Debug)]
pub(super) struct Settings {
    pub(super) chain_id: u64,
    pub(super) gas_limit: u64,
    pub(super) call_gas: u64,
    pub(super) base_fee: u64,
    pub(super) finality: u64,
}

#[derive(Debug)]
pub(super) struct Node {
    pub(super) settings: Settings,
    pub(super) world: World,
    pub(super) pool: Pool,
    pub(super) time: Time,
    pub(super) automine: bool,
    /// Transactions that tip less stay in the pool, as under congestion.
    pub(super) min_tip: u128,
    pub(super) next_base_fee: Option<u64>,
    /// How many of the latest blocks the present reader does not see.
    pub(super) lag: u64,
    /// The first block whose transactions and state are still known.
    pub(super) pruned: u64,
    blocks: Vec<Block>,
    hashes: Vec<B256>,
    by_hash: HashMap<B256, u64>,
    mined: HashMap<B256, (u64, usize)>,
    reorgs: u64,
    snapshots: Vec<Snapshot>,
}

#[derive(Clone, Debug)]
struct Snapshot {
    height: u64,
    version: u64,
    pool: Pool,
    time: Time,
}

impl Node {
    pub(super) fn new(settings: Settings, time: Time) -> Self {
        let env = environment(0, time.now(), settings.gas_limit, settings.base_fee);
        let genesis = Block::seal(
            &env,
            &Header::default(),
            B256::ZERO,
            Vec::new(),
            settings.chain_id,
        );
        let mut node = Self {
            settings,
            world: World::default(),
            pool: Pool::default(),
            time,
            automine: true,
            min_tip: 0,
            next_base_fee: None,
            lag: 0,
            pruned: 0,
            blocks: Vec::new(),
            hashes: Vec::new(),
            by_hash: HashMap::new(),
            mined: HashMap::new(),
            reorgs: 0,
            snapshots: Vec::new(),
        };
        node.append(genesis);
        node
    }

    pub(super) fn head(&self) -> &Block {
        self.blocks
            .last()
            .expect("the first block is never dropped")
    }

    pub(super) fn height(&self) -> u64 {
        self.head().header.number
    }

    pub(super) fn rules(&self) -> CfgEnv {
        evm::rules(self.settings.chain_id)
    }

    /// The number of the latest block that the present reader sees.
    pub(super) fn visible(&self) -> u64 {
        self.height().saturating_sub(self.lag)
    }

    pub(super) fn block(&self, number: u64) -> Option<&Block> {
        let block = self.blocks.get(usize::try_from(number).ok()?);
        block.filter(|_| number <= self.visible())
    }

    pub(super) fn number_of(&self, hash: &B256) -> Option<u64> {
        self.by_hash.get(hash).copied()
    }

    /// Where a transaction was included: its block and its place in there.
    pub(super) fn inclusion(&self, hash: &B256) -> Option<(&Block, usize)> {
        let (number, index) = *self.mined.get(hash)?;
        let block = self.block(number)?;
        (number >= self.pruned).then_some((block, index))
    }

    /// The number behind a tag; the pending block counts as the latest.
    pub(super) fn tagged(&self, tag: BlockNumberOrTag) -> u64 {
        let height = self.visible();
        match tag {
            BlockNumberOrTag::Latest | BlockNumberOrTag::Pending => height,
            BlockNumberOrTag::Finalized => height.saturating_sub(self.settings.finality),
            BlockNumberOrTag::Safe => height.saturating_sub(self.settings.finality.div_ceil(2)),
            BlockNumberOrTag::Earliest => 0,
            BlockNumberOrTag::Number(number) => number,
        }
    }

    pub(super) fn at(&self, id: BlockId) -> Result<&Block, RpcError> {
        let number = match id {
            BlockId::Number(tag) => Some(self.tagged(tag)),
            BlockId::Hash(hash) => self.number_of(&hash.block_hash),
        };
        let block = number.and_then(|number| self.block(number));
        block.ok_or_else(|| RpcError::server("header not found"))
    }

    /// The version of the world after a block.
    pub(super) fn version_at(&self, id: BlockId) -> Result<u64, RpcError> {
        let block = self.at(id)?;
        if block.header.number < self.pruned {
            let root = block.header.state_root;
            let message = format!("historical state {root:x} is not available");
            return Err(RpcError::server(message));
        }
        Ok(block.version)
    }

    pub(super) fn view(&self, version: u64) -> View<'_> {
        View {
            world: &self.world,
            version,
            hashes: &self.hashes,
        }
    }

    pub(super) fn base_fee_after(&self, block: &Block) -> u64 {
        let header = &block.header;
        let params = BaseFeeParams::ethereum();
        calc_next_block_base_fee(header.gas_used, header.gas_limit, block.base_fee(), params)
    }

    pub(super) fn next_base_fee(&self) -> u64 {
        let computed = || self.base_fee_after(self.head());
        self.next_base_fee.unwrap_or_else(computed)
    }

    /// The environment of the block that would be mined now.
    pub(super) fn upcoming(&self) -> BlockEnv {
        let head = &self.head().header;
        let timestamp = self.time.upcoming(head.timestamp);
        environment(
            head.number + 1,
            timestamp,
            self.settings.gas_limit,
            self.next_base_fee(),
        )
    }

    pub(super) fn nonce(&self, address: Address) -> u64 {
        self.world.account(address, self.world.version()).nonce
    }

    /// Decodes, checks and pools a transaction, and mines it if that is how the chain works.
    pub(super) fn submit_raw(&mut self, mut bytes: &[u8]) -> Result<B256, RpcError> {
        let undecodable = |error: &dyn std::fmt::Display| RpcError::server(format!("rlp: {error}"));
        let tx = TxEnvelope::decode_2718(&mut bytes).map_err(|error| undecodable(&error))?;
        if !bytes.is_empty() {
            return Err(undecodable(&"trailing bytes"));
        }
        let tx = tx
            .try_into_recovered()
            .map_err(|_| RpcError::server("invalid sender"))?;
        self.submit(tx)
    }

    pub(super) fn submit(&mut self, tx: Recovered<TxEnvelope>) -> Result<B256, RpcError> {
        let hash = *tx.tx_hash();
        self.admit(&tx)?;
        self.pool.insert(tx)?;
        if self.automine {
            self.mine_while_ready();
        }
        Ok(hash)
    }

    pub(super) fn mine_while_ready(&mut self) {
        while self.pick(&self.upcoming(), 0).is_some() {
            self.mine();
        }
    }

    pub(super) fn mine(&mut self) -> &Block {
        let env = self.upcoming();
        let mut mined: Vec<Mined> = Vec::new();
        let mut gas = 0;
        while let Some(tx) = self.pick(&env, gas) {
            self.pool.remove(tx.tx_hash());
            let view = self.view(self.world.version());
            // A transaction that became invalid while it waited is dropped.
            if let Ok(done) = evm::include(view, self.rules(), env.clone(), &tx) {
                self.world.commit(done.state);
                let tx = Mined::new(tx, done.result, gas, env.basefee);
                gas += tx.gas_used;
                mined.push(tx);
            }
        }
        for sender in self.pool.senders() {
            self.pool.drop_below(sender, self.nonce(sender));
        }
        let parent = self.head();
        let block = Block::seal(&env, &parent.header, parent.hash, mined, self.reorgs);
        self.append(block);
        self.time.block_made();
        self.next_base_fee = None;
        self.head()
    }

    /// Runs something outside any block and keeps what it changed, if it succeeds.
    pub(super) fn execute(
        &mut self,
        to: TxKind,
        input: Bytes,
    ) -> Result<ExecutionResult, RpcError> {
        let view = self.view(self.world.version());
        let done = evm::outside(view, self.rules(), self.upcoming(), to, input);
        let done = done.map_err(|why| RpcError::invalid(&why))?;
        if done.result.is_success() {
            self.world.commit(done.state);
            self.touch();
        }
        Ok(done.result)
    }

    /// Records that the world was changed from outside, as if by the latest block.
    pub(super) fn touch(&mut self) {
        let version = self.world.version();
        if let Some(head) = self.blocks.last_mut() {
            head.version = version;
        }
    }

    /// Drops the latest blocks, never the first one, and returns their transactions, oldest first.
    pub(super) fn drop_blocks(&mut self, depth: u64) -> Vec<Recovered<TxEnvelope>> {
        let height = self.height().saturating_sub(depth);
        let mut orphans = Vec::new();
        while self.height() > height {
            let Some(block) = self.blocks.pop() else {
                break;
            };
            self.hashes.pop();
            self.by_hash.remove(&block.hash);
            let txs = block.mined.into_iter().map(|mined| mined.tx);
            orphans.splice(0..0, txs);
        }
        for tx in &orphans {
            self.mined.remove(tx.tx_hash());
        }
        self.world.rewind(self.head().version);
        self.snapshots.retain(|snapshot| snapshot.height <= height);
        self.reorgs += 1;
        orphans
    }

    /// Puts orphans back; the ones whose place is taken are lost.
    pub(super) fn readmit(&mut self, orphans: Vec<Recovered<TxEnvelope>>) {
        for tx in orphans {
            if self.admit(&tx).is_ok() {
                let _ = self.pool.insert(tx);
            }
        }
    }

    pub(super) fn snapshot(&mut self) -> u64 {
        self.snapshots.push(Snapshot {
            height: self.height(),
            version: self.world.version(),
            pool: self.pool.clone(),
            time: self.time,
        });
        self.snapshots.len() as u64
    }

    /// Goes back to a snapshot, which is used up with all later ones; `false` if there is none of that number.
    pub(super) fn revert(&mut self, id: u64) -> bool {
        let index = id
            .checked_sub(1)
            .and_then(|index| usize::try_from(index).ok());
        let Some(snapshot) = index.and_then(|index| self.snapshots.get(index)).cloned() else {
            return false;
        };
        self.drop_blocks(self.height() - snapshot.height);
        self.snapshots.truncate(index.unwrap_or_default());
        self.world.rewind(snapshot.version);
        self.touch();
        self.pool = snapshot.pool;
        self.time = snapshot.time;
        true
    }

    fn append(&mut self, mut block: Block) {
        block.version = self.world.version();
        let number = block.header.number;
        for (index, tx) in block.mined.iter().enumerate() {
            self.mined.insert(*tx.tx.tx_hash(), (number, index));
        }
        self.hashes.push(block.hash);
        self.by_hash.insert(block.hash, number);
        self.blocks.push(block);
    }

    fn pick(&self, env: &BlockEnv, gas: u64) -> Option<Recovered<TxEnvelope>> {
        let fits = |tx: &Recovered<TxEnvelope>| {
            let tip = tx.effective_tip_per_gas(env.basefee);
            tip.is_some_and(|tip| tip >= self.min_tip) && tx.gas_limit() <= env.gas_limit - gas
        };
        let hash = self
            .pool
            .best(|sender| self.nonce(sender), fits, env.basefee)?;
        self.pool.get(&hash).cloned()
    }

    /// The checks of a mempool at the door.
    fn admit(&self, tx: &Recovered<TxEnvelope>) -> Result<(), RpcError> {
        let want = self.settings.chain_id;
        match tx.chain_id() {
            None => return refuse("only replay-protected (EIP-155) transactions allowed over RPC"),
            Some(have) if have != want => {
                return refuse(format!(
                    "invalid chain id for signer: have {have} want {want}"
                ));
            }
            Some(_) if tx.is_eip4844() => return refuse("transaction type not supported"),
            Some(_) => {}
        }
        if tx.gas_limit() > self.settings.gas_limit {
            return refuse("exceeds block gas limit");
        }
        let (tip, fee) = (
            tx.max_priority_fee_per_gas().unwrap_or_default(),
            tx.max_fee_per_gas(),
        );
        if tip > fee {
            return refuse(format!(
                "max priority fee per gas higher than max fee per gas: maxPriorityFeePerGas: {tip}, maxFeePerGas: {fee}"
            ));
        }
        evm::check_intrinsic_gas(tx).map_err(|why| RpcError::invalid(&why))?;
        let account = self.world.account(tx.signer(), self.world.version());
        if tx.nonce() < account.nonce {
            let (next, nonce) = (account.nonce, tx.nonce());
            return refuse(format!(
                "nonce too low: next nonce {next}, tx nonce {nonce}"
            ));
        }
        let code = self.world.code(tx.signer(), self.world.version());
        if !code.is_empty() && !code.starts_with(DELEGATION) {
            return refuse("sender not an eoa");
        }
        let cost = U256::from(fee)
            .saturating_mul(U256::from(tx.gas_limit()))
            .saturating_add(tx.value());
        if account.balance < cost {
            return refuse(insufficient(account.balance, cost));
        }
        Ok(())
    }
}

fn refuse(message: impl Into<String>) -> Result<(), RpcError> {
    Err(RpcError::server(message))
}

/// How the code of an account that delegates under EIP-7702 begins.
const DELEGATION: &[u8] = &[0xef, 0x01, 0x00];
