//! The vocabularies of reasons: the specification's, that of the TypeScript and Go packages, and that of Python.
//!
//! Written is the TypeScript one in version 2 and the specification's in version 1. Read are all three; a code that none of
//! them has is kept as it is.

use http402_core::Reason;

/// Codes of all vocabularies. The first of a reason is written in version 2.
const CODES: &[(&str, Reason)] = &[
    ("Payment required", Reason::PaymentRequired),
    ("X-PAYMENT header is required", Reason::PaymentRequired),
    ("invalid_payload", Reason::PayloadMalformed),
    ("invalid_payment", Reason::PayloadMalformed),
    ("invalid_exact_evm_payload", Reason::PayloadMalformed),
    (
        "invalid_exact_evm_payload_missing_signature",
        Reason::PayloadMalformed,
    ),
    ("invalid_x402_version", Reason::UnsupportedVersion),
    ("unsupported_scheme", Reason::UnsupportedScheme),
    ("invalid_scheme", Reason::UnsupportedScheme),
    ("invalid_exact_evm_scheme", Reason::UnsupportedScheme),
    ("invalid_network", Reason::UnsupportedNetwork),
    (
        "invalid_exact_evm_failed_to_get_network_config",
        Reason::UnsupportedNetwork,
    ),
    ("No matching payment requirements", Reason::NoMatchingOffer),
    (
        "No matching payment requirements found",
        Reason::NoMatchingOffer,
    ),
    (
        "Unable to find matching payment requirements",
        Reason::NoMatchingOffer,
    ),
    ("extension_echo_mismatch", Reason::ExtensionAltered),
    ("invalid_payment_requirements", Reason::RequirementMalformed),
    (
        "invalid_exact_evm_required_amount",
        Reason::RequirementMalformed,
    ),
    ("invalid_exact_evm_signature", Reason::Signature),
    ("invalid_exact_evm_payload_signature", Reason::Signature),
    ("invalid_exact_evm_signature_format", Reason::Signature),
    (
        "invalid_exact_evm_failed_to_parse_signature",
        Reason::Signature,
    ),
    ("invalid_permit2_signature", Reason::Signature),
    (
        "invalid_exact_evm_network_mismatch",
        Reason::NetworkMismatch,
    ),
    ("network_mismatch", Reason::NetworkMismatch),
    ("permit2_token_mismatch", Reason::AssetMismatch),
    (
        "invalid_exact_evm_recipient_mismatch",
        Reason::RecipientMismatch,
    ),
    (
        "invalid_exact_evm_payload_recipient_mismatch",
        Reason::RecipientMismatch,
    ),
    (
        "invalid_permit2_recipient_mismatch",
        Reason::RecipientMismatch,
    ),
    (
        "invalid_exact_evm_payload_authorization_value_mismatch",
        Reason::AmountMismatch,
    ),
    (
        "invalid_exact_evm_payload_authorization_value",
        Reason::AmountMismatch,
    ),
    (
        "invalid_exact_evm_authorization_value",
        Reason::AmountMismatch,
    ),
    ("permit2_amount_mismatch", Reason::AmountMismatch),
    ("unsupported_payload_type", Reason::MethodMismatch),
    (
        "invalid_exact_evm_payload_authorization_valid_before",
        Reason::Expired,
    ),
    ("payment_expired", Reason::Expired),
    ("permit2_deadline_expired", Reason::Expired),
    (
        "invalid_exact_evm_payload_authorization_valid_after",
        Reason::NotYetValid,
    ),
    ("permit2_not_yet_valid", Reason::NotYetValid),
    (
        "invalid_exact_evm_missing_eip712_domain",
        Reason::MissingDomain,
    ),
    ("missing_eip712_domain", Reason::MissingDomain),
    (
        "invalid_exact_evm_token_name_mismatch",
        Reason::DomainMismatch,
    ),
    (
        "invalid_exact_evm_token_version_mismatch",
        Reason::DomainMismatch,
    ),
    (
        "invalid_exact_evm_insufficient_balance",
        Reason::InsufficientFunds,
    ),
    ("insufficient_funds", Reason::InsufficientFunds),
    ("permit2_insufficient_balance", Reason::InsufficientFunds),
    ("permit2_allowance_required", Reason::InsufficientAllowance),
    ("PERMIT2_ALLOWANCE_REQUIRED", Reason::InsufficientAllowance),
    ("invalid_exact_evm_nonce_already_used", Reason::NonceUsed),
    ("permit2_invalid_nonce", Reason::NonceUsed),
    ("asset_not_deployed_contract", Reason::AssetNotDeployed),
    (
        "invalid_exact_evm_eip3009_not_supported",
        Reason::MethodNotSupportedByAsset,
    ),
    ("eip6492_factory_not_allowed", Reason::FactoryNotAllowed),
    ("smart_wallet_deployment_failed", Reason::DeploymentFailed),
    (
        "invalid_exact_evm_payload_undeployed_smart_wallet",
        Reason::DeploymentFailed,
    ),
    (
        "invalid_exact_evm_transaction_simulation_failed",
        Reason::SimulationFailed,
    ),
    ("permit2_simulation_failed", Reason::SimulationFailed),
    (
        "invalid_exact_evm_transaction_failed",
        Reason::TransactionFailed,
    ),
    (
        "invalid_exact_evm_failed_to_execute_transfer",
        Reason::TransactionFailed,
    ),
    ("transaction_failed", Reason::TransactionFailed),
    ("invalid_transaction_state", Reason::TransactionFailed),
    (
        "invalid_exact_evm_transfer_event_mismatch",
        Reason::TransferMissing,
    ),
    ("settlement_pending", Reason::SettlementPending),
    ("duplicate_settlement", Reason::AlreadyUsed),
    ("unexpected_verify_error", Reason::Unavailable),
    ("unexpected_settle_error", Reason::Unavailable),
];

/// Where version 1 writes another code.
const V1: &[(Reason, &str)] = &[
    (Reason::PaymentRequired, "X-PAYMENT header is required"),
    (
        Reason::NoMatchingOffer,
        "Unable to find matching payment requirements",
    ),
    (Reason::Signature, "invalid_exact_evm_payload_signature"),
    (
        Reason::RecipientMismatch,
        "invalid_exact_evm_payload_recipient_mismatch",
    ),
    (
        Reason::AmountMismatch,
        "invalid_exact_evm_payload_authorization_value",
    ),
    (Reason::InsufficientFunds, "insufficient_funds"),
    (Reason::TransactionFailed, "invalid_transaction_state"),
];

/// The code of a reason in version 2.
pub fn v2(reason: &Reason) -> &str {
    CODES
        .iter()
        .find(|(_, known)| known == reason)
        .map_or_else(|| reason.code(), |(code, _)| code)
}

/// The code of a reason in version 1.
pub fn v1(reason: &Reason) -> &str {
    V1.iter()
        .find(|(known, _)| known == reason)
        .map_or_else(|| v2(reason), |(_, code)| code)
}

/// The reason of a code. Some packages append a message after a colon; the code before it counts.
pub fn read(text: &str) -> Reason {
    let known = |code: &str| {
        CODES
            .iter()
            .find(|(known, _)| *known == code)
            .map(|(_, reason)| reason.clone())
    };
    let head = text.split(':').next().unwrap_or(text).trim_end();
    known(text)
        .or_else(|| known(head))
        .unwrap_or_else(|| match Reason::from_code(head) {
            Reason::Other(_) => Reason::Other(text.into()),
            reason => reason,
        })
}
