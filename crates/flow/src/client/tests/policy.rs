//! What a policy is made of: its name, its tokens, and whom it tells what can be paid.

use super::world::*;
use crate::client::{Allowance, Denial, Error, Origin, Policy};
use http402_core::{Party, TokenDomain, asset::Asset};
use std::time::Duration;

fn allowance(chain: u64, address: [u8; 20], limit: &str) -> Allowance {
    let domain = TokenDomain::new("Token", "1");
    let asset = Asset::evm(chain, address.into(), "T", 3, &domain);
    let allowance = Allowance::of(&asset, limit).unwrap();
    allowance.per_hour("10").unwrap()
}

/// Asks for `amount` of the token; what was paid with, or why nothing was.
fn asked(policy: Policy, chain: u64, address: [u8; 20], amount: u64) -> Result<Party, Denial> {
    let world = World::new();
    let offer = terms(chain, address, PAYEE, amount, "Token 1", "a", 300);
    world.with(|state| state.offers = vec![offer]);
    match world.pay(&world.buyer_with(policy)) {
        Ok(reply) => match reply.payment {
            crate::client::Payment::Paid { attempt, .. } => Ok(attempt.asset),
            other => panic!("{other:?}"),
        },
        Err(Error::Denied(refusal)) => Err(refusal.denied[0].why.clone()),
        Err(other) => panic!("{other:?}"),
    }
}

#[test]
fn a_name_is_1_to_32_letters_digits_or_hyphens() {
    for good in ["a", "agent-2", &"a".repeat(32)] {
        assert!(policy().named(good).is_ok(), "{good}");
    }
    for bad in ["", "a:b", "a b", "\u{e9}", &"a".repeat(33), &"a".repeat(64)] {
        assert!(policy().named(bad).is_err(), "{bad}");
    }
}

#[test]
fn a_limit_may_be_used_up_and_no_unit_more() {
    let once = |amount| asked(policy(), CHAIN, TOKEN, amount);
    assert_eq!(once(2000), Ok(Party::Evm(TOKEN.into())));
    assert!(matches!(once(2001), Err(Denial::TooMuch { .. })));
}

#[test]
fn a_lifetime_may_be_used_up_and_no_second_more() {
    let strict = || policy().max_lifetime(Duration::from_secs(60));
    for (policy, longest) in [(policy(), 86_400), (strict(), 60)] {
        let of = |secs| {
            let world = World::new();
            let offer = terms(CHAIN, TOKEN, PAYEE, 1000, "Token 1", "a", secs);
            world.with(|state| state.offers = vec![offer]);
            world.pay(&world.buyer_with(policy.clone())).is_ok()
        };
        assert!(of(longest));
        assert!(!of(longest + 1));
    }
}

#[test]
fn an_allowance_is_of_one_token_of_one_chain() {
    let other = [9; 20];
    // Three tokens of which two share a chain and two an address: each keeps its own limit.
    let three = || {
        Policy::new()
            .allow(allowance(CHAIN, TOKEN, "1"))
            .allow(allowance(CHAIN, other, "2"))
            .allow(allowance(1, TOKEN, "3"))
    };
    for (chain, address, limit) in [(CHAIN, TOKEN, 1000), (CHAIN, other, 2000), (1, TOKEN, 3000)] {
        assert!(asked(three(), chain, address, limit).is_ok());
        let denial = asked(three(), chain, address, limit + 1).unwrap_err();
        let (asked, limit) = ((limit + 1).into(), limit.into());
        assert_eq!(denial, Denial::TooMuch { asked, limit });
    }
    assert_eq!(asked(three(), 1, other, 1), Err(Denial::Asset));
}

#[test]
fn a_second_allowance_for_a_token_takes_the_place_of_the_first() {
    for lower in ["0.5", "1"] {
        let twice = || policy().allow(allowance(CHAIN, TOKEN, lower));
        let denial = asked(twice(), CHAIN, TOKEN, 1001).unwrap_err();
        assert!(matches!(denial, Denial::TooMuch { .. }), "{denial:?}");
        assert!(asked(twice(), CHAIN, TOKEN, 500).is_ok());
    }
}

#[test]
fn what_can_be_paid_is_told_to_those_named_alone() {
    let here: Origin = "https://seller.example".parse().unwrap();
    let elsewhere: Origin = "https://elsewhere.example".parse().unwrap();
    for (policy, told) in [
        (policy(), 0),
        (policy().announce_to([elsewhere.clone()]), 0),
        (policy().announce_to([elsewhere, here]), 1),
        (policy().announce_to_everybody(), 1),
    ] {
        let world = World::new();
        // Telling does not change what may be paid.
        world.pay(&world.buyer_with(policy)).unwrap();
        let seen = world.with(|state| (state.unpaid, state.announced));
        assert_eq!(seen, (1, told));
    }
}
