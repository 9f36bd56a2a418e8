//! Positional parameters.

use alloy_eips::{BlockId, BlockNumberOrTag};
use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::Value;

use crate::chain::error::RpcError;

pub(super) struct Params(Vec<Value>);

impl Params {
    pub(super) fn new(params: Value) -> Result<Self, RpcError> {
        match params {
            Value::Null => Ok(Self(Vec::new())),
            Value::Array(params) => Ok(Self(params)),
            _ => Err(RpcError::params("non-array args")),
        }
    }

    pub(super) fn required<T: DeserializeOwned>(
        &self,
        index: usize,
        name: &str,
    ) -> Result<T, RpcError> {
        let value = self.optional(index, name)?;
        value.ok_or_else(|| {
            RpcError::params(format!(
                "missing value for required argument {index} ({name})"
            ))
        })
    }

    pub(super) fn optional<T: DeserializeOwned>(
        &self,
        index: usize,
        name: &str,
    ) -> Result<Option<T>, RpcError> {
        match self.0.get(index) {
            None | Some(Value::Null) => Ok(None),
            Some(value) => T::deserialize(value)
                .map(Some)
                .map_err(|error| RpcError::params(format!("argument {index} ({name}): {error}"))),
        }
    }

    /// A block by number, tag or hash; the latest if absent.
    pub(super) fn block(&self, index: usize) -> Result<BlockId, RpcError> {
        let id = self.optional(index, "block")?;
        Ok(id.unwrap_or(BlockId::Number(BlockNumberOrTag::Latest)))
    }

    /// A number as JSON number, decimal or hexadecimal text.
    pub(super) fn number(&self, index: usize, name: &str) -> Result<Option<u64>, RpcError> {
        let bad = || RpcError::params(format!("argument {index} ({name}) is not a number"));
        match self.0.get(index) {
            None | Some(Value::Null) => Ok(None),
            Some(Value::Number(number)) => number.as_u64().map(Some).ok_or_else(bad),
            Some(Value::String(text)) => {
                let parsed = match text.strip_prefix("0x") {
                    Some(digits) => u64::from_str_radix(digits, 16),
                    None => text.parse(),
                };
                parsed.map(Some).map_err(|_| bad())
            }
            Some(_) => Err(bad()),
        }
    }
}

/// A result as JSON.
pub(super) fn json(value: impl Serialize) -> Value {
    serde_json::to_value(value).expect("results have text keys and finite numbers")
}
