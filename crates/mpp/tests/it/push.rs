//! Charges that the buyer would have to pay himself, before he answers.

use crate::shop::{Shop, offers, tempo};
use http::HeaderMap;
use http402_core::{Party, Reason, Timestamp, asset::Assets, authorization::TempoTransaction};
use http402_mpp::{
    Challenge,
    http::{MppClient, TempoWallet},
    method,
};

/// Nothing gets as far as the wallet.
struct Unasked;

impl TempoWallet for Unasked {
    fn draft(
        &self,
        _: &method::tempo::Charge,
        _: &Challenge,
        _: &Party,
        _: Timestamp,
        _: Timestamp,
        _: [u8; 32],
    ) -> Result<TempoTransaction, Reason> {
        panic!("no transaction is drafted")
    }
}

#[test]
fn a_charge_of_push_alone_is_left_and_the_reason_named() {
    let mut shop = Shop::new(vec![tempo(10)]);
    let mut options = method::tempo::Options::default();
    let client = MppClient::new(Assets::known()).wallet(Unasked);
    let asked = |shop: &Shop| {
        let refusal = shop.refuse(&HeaderMap::new(), &Reason::PaymentRequired);
        offers(&client, &refusal)
    };
    assert_eq!(asked(&shop).usable.len(), 1);
    options.pull = false;
    shop.mpp = shop.mpp.clone().tempo(options);
    let left = asked(&shop);
    assert!(left.usable.is_empty());
    let [(0, why)] = &left.rejected[..] else {
        panic!("one of them: {left:?}");
    };
    let why = why.to_string();
    assert!(
        why.contains("supportedModes") && why.contains("send the transaction himself"),
        "{why}"
    );
}
