//! What a token's refusal means.

use http402_core::Reason;

/// The reason in a revert's text, as Circle's, OpenZeppelin's and other tokens word it; the text is in lower case.
pub(crate) fn reason(text: &str) -> Reason {
    let says = |phrases: &[&str]| phrases.iter().any(|phrase| text.contains(phrase));
    if says(&["not yet valid", "notyetvalid"]) {
        Reason::NotYetValid
    } else if says(&["expired"]) {
        Reason::Expired
    } else if says(&["is used", "used or canceled", "alreadyused", "already used"]) {
        Reason::NonceUsed
    } else if says(&[
        "exceeds balance",
        "insufficientbalance",
        "insufficient balance",
    ]) {
        Reason::InsufficientFunds
    } else if says(&["invalid signature", "ecrecover", "invalidsignature"]) {
        Reason::Signature
    } else {
        Reason::SimulationFailed
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_texts_of_circles_token() {
        for (text, expected) in [
            (
                "fiattokenv2: authorization is not yet valid",
                Reason::NotYetValid,
            ),
            ("fiattokenv2: authorization is expired", Reason::Expired),
            (
                "fiattokenv2: authorization is used or canceled",
                Reason::NonceUsed,
            ),
            (
                "erc20: transfer amount exceeds balance",
                Reason::InsufficientFunds,
            ),
            ("fiattokenv2: invalid signature", Reason::Signature),
            ("ecrecover: invalid signature 's' value", Reason::Signature),
            ("pausable: paused", Reason::SimulationFailed),
        ] {
            assert_eq!(reason(text), expected, "{text}");
        }
    }
}
