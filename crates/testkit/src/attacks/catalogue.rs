//! The list: S01 to S85, each once, and what becomes of those that can not be seen from outside.

/// Whom an attack is meant for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Aim {
    /// Who sells.
    Server,
    /// Who buys.
    Client,
    /// Either.
    Both,
    /// Who verifies and settles.
    Facilitator,
    /// Servers of MPP; its clients are not attacked yet.
    Mpp,
    /// Sessions, channels and meters, which the suite does not speak yet.
    Session,
}

/// An attack of the list.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Entry {
    /// Its number: 1 to 85.
    pub id: u8,
    /// What it is, for people.
    pub title: &'static str,
    /// Whom it is meant for.
    pub aim: Aim,
    /// The test of http402's own that covers it with its internals at hand, where there is one.
    pub inside: Option<&'static str>,
}

const fn entry(id: u8, aim: Aim, inside: &'static str, title: &'static str) -> Entry {
    let inside = if inside.is_empty() {
        None
    } else {
        Some(inside)
    };
    Entry {
        id,
        title,
        aim,
        inside,
    }
}

use Aim::{Both, Client, Facilitator, Mpp, Server, Session};

/// All of them, in their order.
#[rustfmt::skip]
pub const ATTACKS: &[Entry] = &[
    entry(1, Server, "s01_parallel_copies_are_delivered_and_settled_once", "one authorization in many requests at once"),
    entry(2, Server, "s02_a_replay_gets_the_stored_outcome_and_no_second_delivery", "a credential again, after it was used"),
    entry(3, Server, "s03_every_way_to_write_an_authorization_spends_the_same", "one authorization in 200 spellings"),
    entry(4, Server, "s04_another_signature_for_the_same_authorization_gets_nothing", "one authorization under every twin of its signature"),
    entry(5, Server, "s05_a_declined_settlement_withholds_the_goods", "a payment that does not settle"),
    entry(6, Both, "s06_a_lost_answer_is_unknown_and_the_same_bytes_bring_the_goods", "an answer that is late or lost after the broadcast"),
    entry(7, Both, "s07_a_lost_answer_is_asked_for_with_identical_bytes", "an answer that is lost: paid twice"),
    entry(8, Server, "s08_a_balance_that_moves_after_verification_is_a_no", "cancelled or drained between verification and settlement"),
    entry(9, Server, "s09_executed_by_a_stranger_before_the_settlement_is_settled_once", "settled by a stranger first"),
    entry(10, Server, "s10_a_reorg_takes_the_payment_back", "a reorganisation after the grant"),
    entry(11, Server, "s11_a_process_that_dies_at_any_step_loses_nothing", "a crash at any step"),
    entry(12, Server, "s12_a_ledger_that_fails_grants_nothing", "a store that is down, slow or full"),
    entry(13, Server, "s13_junk_reserves_nothing", "junk under the victim's nonce first"),
    entry(14, Server, "", "a flood of slow settlements"),
    entry(15, Facilitator, "", "one payment through two facilitators"),
    entry(16, Server, "", "an idempotency key used twice"),
    entry(17, Server, "s17_each_member_of_an_echoed_offer_counts", "the echoed offer altered, member by member"),
    entry(18, Server, "s17_s18_s25_everything_signed_has_to_fit_the_requirement", "signed to another payee"),
    entry(19, Server, "s02_a_credential_pays_for_one_request", "the credential at another route, method or query"),
    entry(20, Server, "s02_a_credential_pays_for_one_request", "the body swapped after the payment"),
    entry(21, Mpp, "s21_a_flipped_byte_of_a_credential_claims_nothing_else", "a challenge altered"),
    entry(22, Mpp, "", "slots of a challenge confused"),
    entry(23, Mpp, "", "a credential of another realm or secret"),
    entry(24, Mpp, "", "a credential of another scheme"),
    entry(25, Server, "s17_s18_s25_everything_signed_has_to_fit_the_requirement", "signed for another chain"),
    entry(26, Mpp, "s19_s26_a_credential_opens_no_other_route_query_or_price", "orders swapped at the same price"),
    entry(27, Facilitator, "s09_one_transfer_does_not_settle_two_claims", "one transfer for two claims"),
    entry(28, Mpp, "", "somebody else's transaction hash"),
    entry(29, Server, "s29_two_credentials_are_ambiguous", "several credentials in one request"),
    entry(30, Server, "", "an extension dropped or altered"),
    entry(31, Server, "s31_high_s_is_refused", "a signature with the high s"),
    entry(32, Server, "s32_v_is_one_of_four", "odd values of v"),
    entry(33, Server, "s33_edges_of_r_and_s_and_lengths", "edges of r and s, odd lengths"),
    entry(34, Server, "s34_one_flipped_bit_is_never_valid", "a signature that recovers to somebody else"),
    entry(35, Client, "s35_a_document_that_says_anything_else_is_not_signed", "the domain of another token, contract or chain"),
    entry(36, Facilitator, "s36_a_wallet_that_is_not_deployed_yet_needs_an_allowed_factory", "a wallet factory that does something else"),
    entry(37, Facilitator, "s37_a_hostile_wallet_is_refused", "a wallet that burns gas or accepts everything"),
    entry(38, Facilitator, "s38_a_success_without_the_transfer_is_not_settled", "a token that cheats"),
    entry(39, Server, "s39_edges_of_a_window", "windows: past, future, too short, upside down"),
    entry(40, Facilitator, "", "a permit that somebody else has used"),
    entry(41, Facilitator, "", "sponsored gas abused"),
    entry(42, Facilitator, "", "a node that lags or lies"),
    entry(43, Mpp, "", "the time that a comparison takes"),
    entry(44, Mpp, "", "a weak secret"),
    entry(45, Facilitator, "", "one curve taken for another"),
    entry(46, Both, "s46_a_refusal_is_one_ascii_json_object", "control characters for headers"),
    entry(47, Both, "s46_s47_whatever_is_sold_the_headers_are_ascii", "text beyond ASCII"),
    entry(48, Both, "s48_what_is_too_long_is_refused_before_it_is_decoded", "oversized headers and bodies"),
    entry(49, Both, "s49_base64_is_of_the_standard_alphabet_with_or_without_padding", "variants of base64"),
    entry(50, Both, "s50_no_key_stands_twice_at_any_depth", "a key that stands twice"),
    entry(51, Both, "s51_depth_numbers_and_what_follows_the_end", "depth, numbers, and what follows the end"),
    entry(52, Mpp, "", "canonical numbers"),
    entry(53, Mpp, "", "differences between parsers of parameters"),
    entry(54, Server, "s54_no_way_to_write_a_request_reaches_the_handler_unpaid", "another way to write the paid path"),
    entry(55, Client, "s55_a_payment_goes_to_the_origin_that_asked_for_it", "a redirect that carries the credential away"),
    entry(56, Mpp, "", "a challenge that names another header"),
    entry(57, Both, "s57_plain_http_is_for_loopback_and_named_hosts", "plain HTTP"),
    entry(58, Server, "s58_caches_and_browsers_are_told", "caches: stored refusals and stored goods"),
    entry(59, Server, "s59_a_handler_that_fails_is_not_paid_gives_no_receipt_and_the_same_bytes_may_try_again", "a receipt on an error"),
    entry(60, Server, "s60_errors_hold_no_addresses_and_no_signatures", "errors that tell too much"),
    entry(61, Server, "", "script in a paywall's page"),
    entry(62, Server, "s58_caches_and_browsers_are_told", "CORS"),
    entry(63, Session, "", "forged events in a stream"),
    entry(64, Client, "", "URLs in an offer that lead inside"),
    entry(65, Facilitator, "s65_a_verification_that_is_not_clearly_one_is_an_error", "a facilitator's answer of the wrong type"),
    entry(66, Server, "", "a proxy that passes the caller's secrets"),
    entry(67, Session, "", "vouchers rolled back"),
    entry(68, Session, "", "overdraft"),
    entry(69, Session, "", "a race for the close"),
    entry(70, Session, "", "a deposit that is not confirmed"),
    entry(71, Session, "", "a top-up made twice"),
    entry(72, Session, "", "a management request taken for content"),
    entry(73, Session, "", "a voucher that ends before it is redeemed"),
    entry(74, Client, "", "an escrow or spender of the seller's choice"),
    entry(75, Session, "", "a meter that lies"),
    entry(76, Client, "s76_s77_s83_terms_that_are_not_allowed_are_named", "a price far above what is told"),
    entry(77, Client, "s76_s77_s83_terms_that_are_not_allowed_are_named", "the order of offers, and the wrong network"),
    entry(78, Client, "s78_an_endless_402_gets_one_signature", "402 for ever"),
    entry(79, Client, "s79_calls_at_once_stay_within_the_budget", "a budget split over origins and processes"),
    entry(80, Client, "", "prose that asks for a payment"),
    entry(81, Both, "s81_a_long_lifetime_is_refused_or_shortened", "an authorization that lives too long"),
    entry(82, Client, "", "a payee that changes"),
    entry(83, Client, "s76_s77_s83_terms_that_are_not_allowed_are_named", "moved to another chain"),
    entry(84, Client, "s84_nothing_prints_a_credential", "secrets in what is printed"),
    entry(85, Session, "", "a WebSocket that reconnects and pays again"),
];

#[cfg(test)]
mod tests {
    use super::ATTACKS;

    #[test]
    fn each_id_stands_once_and_in_order() {
        let ids: Vec<u8> = ATTACKS.iter().map(|entry| entry.id).collect();
        assert_eq!(ids, (1..=85).collect::<Vec<u8>>());
    }
}
