//! The three vocabularies of errors.

use http402_core::Reason;
use http402_x402::reason;

#[test]
fn every_reason_has_a_word_in_each_version_and_what_is_read_means_the_same() {
    for known in Reason::ALL {
        for word in [reason::v1(known), reason::v2(known)] {
            assert!(!word.is_empty());
            let read = reason::read(word);
            // Several reasons may share one word of an older vocabulary; a word then reads as one of them.
            let again = [reason::v1(&read), reason::v2(&read)];
            assert!(
                again.contains(&word),
                "{known:?} is written {word}, which reads {read:?}"
            );
        }
    }
}

#[test]
fn words_of_typescript_python_and_the_specification_are_understood() {
    for (word, meaning) in [
        ("insufficient_funds", Reason::InsufficientFunds),
        (
            "invalid_exact_evm_insufficient_balance",
            Reason::InsufficientFunds,
        ),
        ("invalid_exact_evm_payload_signature", Reason::Signature),
        ("invalid_exact_evm_signature", Reason::Signature),
        (
            "invalid_exact_evm_payload_authorization_valid_before",
            Reason::Expired,
        ),
        (
            "invalid_exact_evm_payload_authorization_valid_after",
            Reason::NotYetValid,
        ),
        (
            "invalid_exact_evm_payload_recipient_mismatch",
            Reason::RecipientMismatch,
        ),
        (
            "invalid_exact_evm_recipient_mismatch",
            Reason::RecipientMismatch,
        ),
        ("invalid_exact_evm_nonce_already_used", Reason::NonceUsed),
        ("settlement_pending", Reason::SettlementPending),
        ("unsupported_scheme", Reason::UnsupportedScheme),
    ] {
        assert_eq!(reason::read(word), meaning, "{word}");
    }
}

#[test]
fn unknown_words_are_kept() {
    for word in ["something_new", "invalid_exact_evm_moon_phase", "Ünknown"] {
        let read = reason::read(word);
        assert_eq!(read, Reason::Other(word.into()));
        assert_eq!((reason::v1(&read), reason::v2(&read)), (word, word));
    }
}
