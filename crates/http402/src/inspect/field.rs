/// Fields by the end of their path, the longer first.
const FIELDS: &[(&str, &str)] = &[
    (".resource.url", "what is sold"),
    (".resource.description", "for people"),
    (".resource.mimeType", "media type of what is sold"),
    (
        ".accepted",
        "the offer that is answered, as the server made it",
    ),
    (".accepts", "ways to pay: one of them is answered"),
    (".authorization.from", "who pays"),
    (".authorization.to", "who is paid"),
    (".authorization.value", "how much, in atomic units"),
    (
        ".authorization.validAfter",
        "not before this time, seconds since 1970",
    ),
    (
        ".authorization.validBefore",
        "not from this time on, seconds since 1970",
    ),
    (
        ".authorization.nonce",
        "32 bytes: spent once, by whoever presents it",
    ),
    (".authorization", "the EIP-3009 message that was signed"),
    (".signature", "the payer's signature of the message"),
    (
        ".challenge.id",
        "binds all of the challenge to the server's secret",
    ),
    (
        ".challenges.id",
        "binds all of the challenge to the server's secret",
    ),
    (
        ".challenge",
        "the challenge that is answered, as the server made it",
    ),
    (".challenges", "ways to pay: one of them is answered"),
    (".realm", "who asks for payment"),
    (
        ".intent",
        "what kind of payment: charge is one payment, once",
    ),
    (".method", "the method of payment"),
    (".request", "what is asked for; on the wire in base64url"),
    (
        ".opaque",
        "the server's own, echoed: route and a random value",
    ),
    (".expires", "the end of the offer, RFC 3339"),
    (
        ".digest",
        "digest of the request's body that it is bound to",
    ),
    (".currency", "the token's contract"),
    (".recipient", "who is paid"),
    (".methodDetails.chainId", "the chain"),
    (".methodDetails.feePayer", "the server pays the fee"),
    (
        ".methodDetails.splits",
        "parts of the amount that go to others",
    ),
    (".methodDetails", "what the method needs besides"),
    (".source", "who pays, as a did:pkh"),
    (
        ".reference",
        "the transaction that settles, or what was proved",
    ),
    (".status", "success; a receipt has no other"),
    (".timestamp", "when it was settled, RFC 3339"),
    (
        ".challengeId",
        "the fresh challenge that the problem belongs to",
    ),
    (".detail", "what is wrong, for people"),
    (
        ".acceptPayment",
        "what the client can pay, most wanted first",
    ),
    (".x402Version", "version of the protocol"),
    (".error", "why there is no answer yet, for people"),
    (".scheme", "how the amount is settled"),
    (".network", "the chain"),
    (
        ".maxAmountRequired",
        "how much, in atomic units of the asset",
    ),
    (".amount", "how much, in atomic units of the asset"),
    (".asset", "the token's contract"),
    (".payTo", "who is paid"),
    (".maxTimeoutSeconds", "how long the authorization may hold"),
    (".extra.name", "name of the token's EIP-712 domain"),
    (".extra.version", "version of the token's EIP-712 domain"),
    (".extra.assetTransferMethod", "how the token is moved"),
    (
        ".extra.paymentFlow",
        "upfront: settled before the answer is made",
    ),
    (".extra", "what the scheme needs besides"),
    (".extensions", "what else server and client have agreed on"),
    (".payload", "what the scheme carries"),
    (".resource", "what is sold"),
    (".description", "for people"),
    (".mimeType", "media type of what is sold"),
    (
        ".outputSchema",
        "shape of request and response, for directories",
    ),
    (".success", "whether it is settled"),
    (".errorReason", "why it is not settled"),
    (".transaction", "the transaction that settles"),
    (".payer", "who pays"),
    (".isValid", "whether it would settle"),
    (".invalidReason", "why it would not settle"),
    (".invalidMessage", "the same, for people"),
    (".kinds", "what the facilitator settles"),
    (".signers", "accounts that settle, by chain"),
    (".paymentPayload", "the client's answer"),
    (".paymentRequirements", "the server's offer"),
];

/// What a field means.
pub(super) fn meaning(path: &str) -> Option<&'static str> {
    FIELDS
        .iter()
        .find(|(end, _)| path.ends_with(end))
        .map(|(_, meaning)| *meaning)
}
