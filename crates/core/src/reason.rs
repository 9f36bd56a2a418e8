use alloc::boxed::Box;
use core::fmt;

macro_rules! reasons {
    ($($(#[$doc:meta])* $name:ident = $code:literal: $text:literal,)*) => {
        /// Why a payment is not acceptable.
        ///
        /// Each protocol maps it to its own codes and back; a code of a peer that has no counterpart here is kept in
        /// [`Reason::Other`].
        #[derive(Clone, Debug, PartialEq, Eq, Hash)]
        #[non_exhaustive]
        pub enum Reason {
            $($(#[$doc])* $name,)*
            /// A code that has no counterpart here, as the peer wrote it.
            Other(Box<str>),
        }

        impl Reason {
            /// Every reason but [`Reason::Other`].
            pub const ALL: &'static [Self] = &[$(Self::$name,)*];

            /// A stable name for logs, metrics and stored records: lower case with underscores.
            pub fn code(&self) -> &str {
                match self {
                    $(Self::$name => $code,)*
                    Self::Other(code) => code,
                }
            }

            /// The reason with this [`Reason::code`], or [`Reason::Other`].
            pub fn from_code(code: &str) -> Self {
                match code {
                    $($code => Self::$name,)*
                    other => Self::Other(other.into()),
                }
            }
        }

        impl fmt::Display for Reason {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                match self {
                    $(Self::$name => f.write_str($text),)*
                    Self::Other(code) => f.write_str(code),
                }
            }
        }
    };
}

reasons! {
    /// No payment came with the request.
    PaymentRequired = "payment_required": "payment required",
    /// The document is readable but not in the form that its scheme needs.
    PayloadMalformed = "payload_malformed": "the payment is malformed",
    /// A protocol version that is not spoken here.
    UnsupportedVersion = "unsupported_version": "protocol version not supported",
    /// A scheme that is not offered or not known.
    UnsupportedScheme = "unsupported_scheme": "scheme not supported",
    /// A network that is not offered or not known.
    UnsupportedNetwork = "unsupported_network": "network not supported",
    /// What was accepted is none of the offers.
    NoMatchingOffer = "no_matching_offer": "the accepted offer is not one of those made",
    /// The offer is no longer honoured.
    OfferExpired = "offer_expired": "the offer has expired",
    /// The offer is good for one settlement, and one of it was declined.
    OfferSpent = "offer_spent": "the offer was answered before, and is not honoured again",
    /// The authorization is not bound to the challenge that it is presented with.
    ChallengeMismatch = "challenge_mismatch": "the authorization is not bound to this challenge",
    /// An extension that the server declared came back altered.
    ExtensionAltered = "extension_altered": "a declared extension was altered",
    /// The offer itself is not usable.
    RequirementMalformed = "requirement_malformed": "the payment requirement is malformed",
    /// The signature is not the payer's, or not in an acceptable form.
    Signature = "signature": "the signature is not valid",
    /// The authorization is for another network than the offer.
    NetworkMismatch = "network_mismatch": "the authorization is for another network",
    /// The authorization is for another token than the offer.
    AssetMismatch = "asset_mismatch": "the authorization is for another asset",
    /// The authorization pays somebody else.
    RecipientMismatch = "recipient_mismatch": "the authorization pays another recipient",
    /// The authorization is for another amount.
    AmountMismatch = "amount_mismatch": "the authorization is for another amount",
    /// The authorization uses another transfer method than the offer.
    MethodMismatch = "method_mismatch": "the authorization uses another transfer method",
    /// The authorization has expired, or is about to.
    Expired = "expired": "the authorization has expired or is about to",
    /// The authorization is not valid yet.
    NotYetValid = "not_yet_valid": "the authorization is not valid yet",
    /// The authorization lives longer than is accepted.
    LifetimeTooLong = "lifetime_too_long": "the authorization lives too long",
    /// The token's EIP-712 name and version are missing.
    MissingDomain = "missing_domain": "the token's EIP-712 name and version are missing",
    /// The token's EIP-712 name or version differs from the known one.
    DomainMismatch = "domain_mismatch": "the token's EIP-712 name or version differs from the known one",
    /// The payer does not have enough.
    InsufficientFunds = "insufficient_funds": "the payer's balance is too low",
    /// The payer has not allowed enough.
    InsufficientAllowance = "insufficient_allowance": "the payer's allowance is too low",
    /// The authorization has been used or cancelled.
    NonceUsed = "nonce_used": "the authorization has been used or cancelled",
    /// There is no contract at the asset's address.
    AssetNotDeployed = "asset_not_deployed": "there is no contract at the asset's address",
    /// The token does not know this kind of transfer.
    MethodNotSupportedByAsset = "method_not_supported_by_asset": "the asset does not support this transfer method",
    /// The factory that would deploy the payer's wallet is not allowed.
    FactoryNotAllowed = "factory_not_allowed": "the wallet's factory is not allowed",
    /// The payer's wallet could not be deployed.
    DeploymentFailed = "deployment_failed": "the payer's wallet could not be deployed",
    /// The transfer would fail.
    SimulationFailed = "simulation_failed": "the transfer would fail",
    /// The transaction was reverted or refused.
    TransactionFailed = "transaction_failed": "the settlement transaction failed",
    /// The transaction succeeded, and the transfer is not in it.
    TransferMissing = "transfer_missing": "the transaction does not hold the transfer",
    /// The settlement may still happen.
    SettlementPending = "settlement_pending": "the settlement is pending",
    /// The same payment is being used by another request.
    InFlight = "in_flight": "this payment is being used by another request",
    /// The payment has been used.
    AlreadyUsed = "already_used": "this payment has been used",
    /// The payment was made for another request.
    RequestMismatch = "request_mismatch": "this payment was made for another request",
    /// A seller's or facilitator's own limit was reached.
    LimitReached = "limit_reached": "a limit was reached",
    /// The party that settles could not be asked, or gave no usable answer.
    Unavailable = "unavailable": "the payment could not be checked",
}

impl core::error::Error for Reason {}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::BTreeSet;

    #[test]
    fn codes_are_distinct_and_read_back() {
        let codes: BTreeSet<_> = Reason::ALL.iter().map(Reason::code).collect();
        assert_eq!(codes.len(), Reason::ALL.len());
        for reason in Reason::ALL {
            assert_eq!(&Reason::from_code(reason.code()), reason);
        }
        assert_eq!(Reason::from_code("odd"), Reason::Other("odd".into()));
    }
}
