use crate::method::{amount, hex, renamed, word};
use http402_core::{Address, ParseError, authorization::Voucher, json::Document};

/// The voucher in the `payload` of a session's credential (draft-tempo-session, `action` `voucher`), for a channel of this
/// escrow whose signer is this one: the credential says neither.
///
/// ```
/// # use http402_core::Address;
/// let payload = r#"{"action":"voucher","channelId":"0x0707070707070707070707070707070707070707070707070707070707070707","cumulativeAmount":"250000","signature":"0x5a5a"}"#;
/// let voucher = http402_mpp::method::tempo::voucher(payload, Address::ZERO, Address::ZERO)?;
/// assert_eq!(voucher.cumulative, 250_000);
/// # Ok::<(), http402_core::ParseError>(())
/// ```
///
/// # Errors
/// When it is no such payload, or the amount has more than 128 bits.
pub fn voucher(payload: &str, escrow: Address, signer: Address) -> Result<Voucher, ParseError> {
    let document = Document::parse(payload)?;
    let json = document.root();
    if json.need_text("action")? != "voucher" {
        return Err(ParseError::new("action", "voucher expected"));
    }
    let cumulative = amount(json, "cumulativeAmount")?.units();
    Ok(Voucher {
        channel: word(json.need_text("channelId")?)
            .map_err(|error| renamed(&error, "channelId"))?,
        cumulative: cumulative
            .try_into()
            .map_err(|_| ParseError::new("cumulativeAmount", "more than 128 bits"))?,
        escrow,
        signer,
        signature: hex(json, "signature")?,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn other_actions_and_odd_members_are_no_vouchers() {
        let right = format!(
            r#"{{"action":"voucher","channelId":"0x{}","cumulativeAmount":"{}","signature":"0x00"}}"#,
            "ab".repeat(32),
            u128::MAX
        );
        let read = |text: &str| voucher(text, Address::ZERO, Address::ZERO);
        assert_eq!(read(&right).unwrap().cumulative, u128::MAX);
        for (what, with, named) in [
            ("voucher", "close", "action"),
            ("0xab", "0x", "channelId"),
            (
                "340282366920938463463374607431768211455",
                "340282366920938463463374607431768211456",
                "cumulativeAmount",
            ),
            ("0x00", "0x0", "signature"),
            ("signature", "sig", "signature"),
        ] {
            let error = read(&right.replacen(what, with, 1)).unwrap_err();
            assert_eq!(error.what(), named);
        }
    }
}
