//! Tempo's transactions, read to the last field.

use http402_core::authorization::{ChallengeRef, TempoTransaction};
use http402_tempo::{Transaction, transaction::FeePayer};

/// What is read to the last field has a frame, and the two say the same.
pub(crate) fn signed(data: &[u8]) {
    if let Ok(whole) = Transaction::decode(data) {
        let challenge = ChallengeRef::new("realm", "id");
        let raw = data.to_vec().into();
        let frame = TempoTransaction::signed(challenge, None, raw).expect("it has a frame");
        assert_eq!(frame.chain(), whole.chain());
        assert_eq!(frame.sponsored(), whole.fee_payer() != &FeePayer::Sender);
        assert_eq!(
            frame.window().end().secs(),
            whole.valid_before().unwrap_or(u64::MAX)
        );
    }
}
