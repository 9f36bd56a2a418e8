//! The state of all accounts, at every block since the first.
//!
//! Each account and each storage slot keeps the values it ever had, by version; a block notes the version after
//! it. So reading the past costs a binary search, and dropping blocks costs what they changed.

use std::collections::HashMap;
use std::convert::Infallible;
use std::hash::Hash;

use alloy_primitives::map::AddressMap;
use alloy_primitives::{Address, B256, Bytes, KECCAK256_EMPTY, U256};
use revm::bytecode::Bytecode;
use revm::state::{Account, AccountInfo};
use revm::{DatabaseRef, database_interface::DBErrorMarker};

#[derive(Debug, Default)]
pub(super) struct World {
    accounts: History<Address, Option<AccountInfo>>,
    slots: History<(Address, U256), U256>,
    codes: HashMap<B256, Bytecode>,
    touched: Vec<(u64, Key)>,
    version: u64,
}

impl World {
    pub(super) fn version(&self) -> u64 {
        self.version
    }

    pub(super) fn account(&self, address: Address, version: u64) -> AccountInfo {
        let known = self.accounts.at(&address, version);
        let mut info = known.cloned().flatten().unwrap_or_default();
        info.code = None;
        info
    }

    pub(super) fn slot(&self, address: Address, slot: U256, version: u64) -> U256 {
        let known = self.slots.at(&(address, slot), version);
        known.copied().unwrap_or_default()
    }

    pub(super) fn code(&self, address: Address, version: u64) -> Bytes {
        let hash = self.account(address, version).code_hash;
        self.codes
            .get(&hash)
            .map(Bytecode::original_bytes)
            .unwrap_or_default()
    }

    /// Takes over what one transaction changed, as one new version.
    pub(super) fn commit(&mut self, changes: AddressMap<Account>) {
        self.version += 1;
        for (address, account) in changes {
            if !account.is_touched() {
                continue;
            }
            if account.is_selfdestructed() || account.is_empty() {
                self.put_account(address, None);
                continue;
            }
            for (slot, value) in account.changed_storage_slots() {
                self.put_slot(address, *slot, value.present_value());
            }
            self.put_account(address, Some(account.info));
        }
    }

    /// Changes an account from outside, as one new version.
    pub(super) fn edit(&mut self, address: Address, change: impl FnOnce(&mut AccountInfo)) {
        let mut info = self.account(address, self.version);
        change(&mut info);
        self.version += 1;
        self.put_account(address, Some(info));
    }

    pub(super) fn set_code(&mut self, address: Address, code: Bytes) {
        let code =
            Bytecode::new_raw_checked(code.clone()).unwrap_or_else(|_| Bytecode::new_legacy(code));
        self.edit(address, |info| {
            info.code_hash = code.hash_slow();
            info.code = Some(code);
        });
    }

    pub(super) fn set_slot(&mut self, address: Address, slot: U256, value: U256) {
        self.version += 1;
        self.put_slot(address, slot, value);
    }

    /// Forgets everything after a version.
    pub(super) fn rewind(&mut self, version: u64) {
        while let Some((_, key)) = self.touched.pop_if(|(at, _)| *at > version) {
            match key {
                Key::Account(address) => self.accounts.rewind(&address, version),
                Key::Slot(address, slot) => self.slots.rewind(&(address, slot), version),
            }
        }
        self.version = version;
    }

    fn put_account(&mut self, address: Address, info: Option<AccountInfo>) {
        let info = info.map(|mut info| {
            if let Some(code) = info.code.take()
                && info.code_hash != KECCAK256_EMPTY
            {
                self.codes.entry(info.code_hash).or_insert(code);
            }
            info
        });
        self.accounts.put(address, self.version, info);
        self.touched.push((self.version, Key::Account(address)));
    }

    fn put_slot(&mut self, address: Address, slot: U256, value: U256) {
        self.slots.put((address, slot), self.version, value);
        self.touched.push((self.version, Key::Slot(address, slot)));
    }
}

/// The world as one version showed it.
#[derive(Clone, Copy, Debug)]
pub(super) struct View<'a> {
    pub(super) world: &'a World,
    pub(super) version: u64,
    /// The hashes of all blocks, by number.
    pub(super) hashes: &'a [B256],
}

impl DatabaseRef for View<'_> {
    type Error = Never;

    fn basic_ref(&self, address: Address) -> Result<Option<AccountInfo>, Never> {
        let known = self.world.accounts.at(&address, self.version);
        Ok(known.cloned().flatten())
    }

    fn code_by_hash_ref(&self, code_hash: B256) -> Result<Bytecode, Never> {
        let code = self.world.codes.get(&code_hash);
        Ok(code.cloned().unwrap_or_default())
    }

    fn storage_ref(&self, address: Address, slot: U256) -> Result<U256, Never> {
        Ok(self.world.slot(address, slot, self.version))
    }

    fn block_hash_ref(&self, number: u64) -> Result<B256, Never> {
        let index = usize::try_from(number).ok();
        let known = index.and_then(|index| self.hashes.get(index));
        Ok(known.copied().unwrap_or_default())
    }
}

/// Reading from memory cannot fail.
#[derive(Clone, Copy, Debug)]
pub(super) enum Never {}

impl From<Infallible> for Never {
    fn from(never: Infallible) -> Self {
        match never {}
    }
}

impl std::fmt::Display for Never {
    fn fmt(&self, _: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match *self {}
    }
}

impl std::error::Error for Never {}

impl DBErrorMarker for Never {}

#[derive(Clone, Copy, Debug)]
enum Key {
    Account(Address),
    Slot(Address, U256),
}

#[derive(Debug)]
struct History<K, V>(HashMap<K, Vec<(u64, V)>>);

impl<K, V> Default for History<K, V> {
    fn default() -> Self {
        Self(HashMap::new())
    }
}

impl<K: Eq + Hash, V> History<K, V> {
    fn at(&self, key: &K, version: u64) -> Option<&V> {
        let values = self.0.get(key)?;
        let after = values.partition_point(|(at, _)| *at <= version);
        after.checked_sub(1).map(|index| &values[index].1)
    }

    fn put(&mut self, key: K, version: u64, value: V) {
        let values = self.0.entry(key).or_default();
        values.pop_if(|(at, _)| *at == version);
        values.push((version, value));
    }

    fn rewind(&mut self, key: &K, version: u64) {
        if let Some(values) = self.0.get_mut(key) {
            while values.pop_if(|(at, _)| *at > version).is_some() {}
            if values.is_empty() {
                self.0.remove(key);
            }
        }
    }
}
