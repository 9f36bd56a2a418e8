//! The forms of a payer's signature.

use alloy_primitives::{Address, Bytes};
use alloy_sol_types::{SolType, sol_data};

/// The longest signature that is looked at, in bytes: a passkey's takes about one kilobyte.
pub(crate) const MAX_LEN: usize = 16 * 1024;

/// What an ERC-6492 signature ends with.
const MAGIC: [u8; 2] = [0x64, 0x92];

/// An ERC-6492 wrapper: how the wallet is deployed that the inner signature is for.
pub(crate) struct Wrapped {
    pub(crate) factory: Address,
    pub(crate) calldata: Bytes,
    pub(crate) inner: Bytes,
}

/// Whether it claims to be wrapped.
pub(crate) fn is_wrapped(signature: &[u8]) -> bool {
    signature
        .last_chunk::<32>()
        .is_some_and(|end| end.chunks(2).all(|pair| pair == MAGIC))
}

/// Takes a wrapper apart; `None` when it is malformed.
pub(crate) fn unwrap(signature: &[u8]) -> Option<Wrapped> {
    type Parts = (sol_data::Address, sol_data::Bytes, sol_data::Bytes);
    let (body, _) = signature.split_last_chunk::<32>()?;
    let (factory, calldata, inner) = Parts::abi_decode_params(body).ok()?;
    Some(Wrapped {
        factory,
        calldata,
        inner,
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use alloy_sol_types::SolValue;

    #[test]
    fn a_wrapper_is_taken_apart_and_a_broken_one_is_not() {
        let parts = (
            Address::repeat_byte(7),
            Bytes::from_static(b"call"),
            Bytes::from_static(&[9; 65]),
        );
        let mut bytes = parts.abi_encode_params();
        assert!(!is_wrapped(&bytes));
        bytes.extend(MAGIC.repeat(16));
        assert!(is_wrapped(&bytes));
        let wrapped = unwrap(&bytes).unwrap();
        assert_eq!((wrapped.factory, wrapped.calldata, wrapped.inner), parts);
        assert!(unwrap(&MAGIC.repeat(16)).is_none());
        assert!(unwrap(&bytes[40..]).is_none());
        assert!(!is_wrapped(&MAGIC.repeat(15)));
    }
}
