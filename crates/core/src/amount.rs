use crate::ParseError;
use alloc::string::{String, ToString};
use alloy_primitives::U256;
use core::{fmt, str::FromStr};

/// The largest number of decimals that an asset may have here: 10^77 is the largest power of ten below 2^256.
const MAX_DECIMALS: u8 = 77;

/// The longest text that is looked at. 2^256 - 1 has 78 digits; some peers pad with zeros.
const MAX_LEN: usize = 128;

/// An amount in atomic units of an asset, from 0 to 2^256 - 1.
///
/// It is read from ASCII digits without sign, space, separator or exponent, as both protocols write amounts (x402 v2
/// section 5.1.2 `amount`), and written without leading zeros. Decimal text like `0.01` needs the asset's decimals:
///
/// ```
/// use http402_core::{Amount, Rounding};
/// let price = Amount::from_decimal("0.01", 6)?;
/// assert_eq!(price, "10000".parse()?);
/// assert_eq!(price.to_decimal(6), "0.01");
/// assert!(Amount::from_decimal("0.0000001", 6).is_err()); // would have to drop a digit
/// assert_eq!(Amount::from_decimal_rounded("0.0000001", 6, Rounding::Up)?, "1".parse()?);
/// # Ok::<(), http402_core::ParseError>(())
/// ```
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub struct Amount(U256);

/// What happens to a part that is smaller than an atomic unit.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Rounding {
    /// Towards zero: in favour of the one who pays.
    Down,
    /// Away from zero: in favour of the one who is paid.
    Up,
}

impl Amount {
    /// Nothing.
    pub const ZERO: Self = Self(U256::ZERO);
    /// The largest amount, 2^256 - 1.
    pub const MAX: Self = Self(U256::MAX);

    /// An amount of so many atomic units.
    pub const fn from_units(units: U256) -> Self {
        Self(units)
    }

    /// The number of atomic units.
    pub const fn units(self) -> U256 {
        self.0
    }

    /// Whether it is nothing.
    pub fn is_zero(self) -> bool {
        self.0.is_zero()
    }

    /// Reads decimal text (`1`, `0.01`) for an asset with `decimals` decimals.
    ///
    /// # Errors
    /// When the text is not plain decimal, when it is too large, and when a digit other than zero would be dropped.
    pub fn from_decimal(text: &str, decimals: u8) -> Result<Self, ParseError> {
        let (amount, dropped) = decimal(text, decimals)?;
        match dropped {
            None => Ok(amount),
            Some(at) => {
                Err(ParseError::new("amount", "more digits than the asset has decimals").at(at))
            }
        }
    }

    /// Reads decimal text as [`Amount::from_decimal`] does, and rounds what is smaller than an atomic unit.
    ///
    /// # Errors
    /// When the text is not plain decimal or is too large.
    pub fn from_decimal_rounded(
        text: &str,
        decimals: u8,
        rounding: Rounding,
    ) -> Result<Self, ParseError> {
        let (amount, dropped) = decimal(text, decimals)?;
        match (dropped, rounding) {
            (Some(_), Rounding::Up) => amount
                .checked_add(Self(U256::from(1)))
                .ok_or_else(|| ParseError::new("amount", "too large")),
            _ => Ok(amount),
        }
    }

    /// Reads a price as people write it: decimal text with an optional leading `$`, for a dollar-like asset.
    ///
    /// # Errors
    /// As [`Amount::from_decimal`].
    pub fn from_money(text: &str, decimals: u8) -> Result<Self, ParseError> {
        Self::from_decimal(text.strip_prefix('$').unwrap_or(text), decimals)
    }

    /// Decimal text without trailing zeros: `10000` units at 6 decimals are `0.01`.
    pub fn to_decimal(self, decimals: u8) -> String {
        let digits = self.0.to_string();
        let places = usize::from(decimals);
        let mut out = String::new();
        let fraction = if digits.len() > places {
            out.push_str(&digits[..digits.len() - places]);
            &digits[digits.len() - places..]
        } else {
            out.push('0');
            &digits[..]
        };
        let zeros = places - fraction.len();
        let fraction = fraction.trim_end_matches('0');
        if !fraction.is_empty() {
            out.push('.');
            out.extend(core::iter::repeat_n('0', zeros));
            out.push_str(fraction);
        }
        out
    }

    /// The sum, unless it overflows.
    pub fn checked_add(self, other: Self) -> Option<Self> {
        self.0.checked_add(other.0).map(Self)
    }

    /// The difference, unless it is negative.
    pub fn checked_sub(self, other: Self) -> Option<Self> {
        self.0.checked_sub(other.0).map(Self)
    }

    /// The product, unless it overflows.
    pub fn checked_mul(self, by: u64) -> Option<Self> {
        self.0.checked_mul(U256::from(by)).map(Self)
    }

    /// The `numerator / denominator` part, rounded as told; `None` when it overflows or the denominator is zero.
    pub fn checked_part(
        self,
        numerator: u64,
        denominator: u64,
        rounding: Rounding,
    ) -> Option<Self> {
        let denominator = U256::from(denominator);
        let product = self.0.checked_mul(U256::from(numerator))?;
        let quotient = product.checked_div(denominator)?;
        let exact = product.checked_rem(denominator)?.is_zero();
        match rounding {
            Rounding::Up if !exact => quotient.checked_add(U256::from(1)).map(Self),
            _ => Some(Self(quotient)),
        }
    }
}

/// The amount, and the offset of the first dropped digit that is not zero.
fn decimal(text: &str, decimals: u8) -> Result<(Amount, Option<usize>), ParseError> {
    if decimals > MAX_DECIMALS {
        return Err(ParseError::new("decimals", "more than 77"));
    }
    let (whole, fraction) = match text.split_once('.') {
        Some((_, "")) => return Err(ParseError::new("amount", "digit expected").at(text.len())),
        Some(parts) => parts,
        None => (text, ""),
    };
    let places = usize::from(decimals);
    let mut units = digits(whole)?;
    let mut dropped = None;
    for place in 0..places.max(fraction.len()) {
        let digit = match fraction.as_bytes().get(place) {
            Some(byte) if byte.is_ascii_digit() => byte - b'0',
            Some(_) => {
                return Err(ParseError::new("amount", "digit expected").at(whole.len() + 1 + place));
            }
            None => 0,
        };
        if place < places {
            units = push(units, digit)?;
        } else if digit != 0 && dropped.is_none() {
            dropped = Some(whole.len() + 1 + place);
        }
    }
    Ok((Amount(units), dropped))
}

fn digits(text: &str) -> Result<U256, ParseError> {
    if text.is_empty() {
        return Err(ParseError::new("amount", "digit expected").at(0));
    }
    let mut units = U256::ZERO;
    for (at, byte) in text.bytes().enumerate() {
        if !byte.is_ascii_digit() {
            return Err(ParseError::new("amount", "digit expected").at(at));
        }
        units = push(units, byte - b'0')?;
    }
    Ok(units)
}

fn push(units: U256, digit: u8) -> Result<U256, ParseError> {
    units
        .checked_mul(U256::from(10))
        .and_then(|units| units.checked_add(U256::from(digit)))
        .ok_or_else(|| ParseError::new("amount", "too large"))
}

impl FromStr for Amount {
    type Err = ParseError;

    fn from_str(text: &str) -> Result<Self, ParseError> {
        if text.len() > MAX_LEN {
            return Err(ParseError::new("amount", "too long"));
        }
        // Amounts on the wire nearly always fit a machine word. `parse` would take a sign.
        if text.bytes().all(|b| b.is_ascii_digit()) {
            if let Ok(units) = text.parse::<u64>() {
                return Ok(Self(U256::from(units)));
            }
        }
        digits(text).map(Self)
    }
}

impl fmt::Display for Amount {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(&self.0, f)
    }
}

impl fmt::Debug for Amount {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(&self.0, f)
    }
}

impl From<u64> for Amount {
    fn from(units: u64) -> Self {
        Self(U256::from(units))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use std::format;

    #[test]
    fn atomic_units_are_ascii_digits_and_nothing_else() {
        let too_large =
            "115792089237316195423570985008687907853269984665640564039457584007913129639936";
        for bad in [
            "$0.01",
            "0.0000001",
            "1e5",
            " 1",
            "1 ",
            "+1",
            "-1",
            "1_000",
            "0x10",
            "",
            "٣",
            too_large,
        ] {
            assert!(bad.parse::<Amount>().is_err(), "{bad:?}");
        }
        let largest =
            "115792089237316195423570985008687907853269984665640564039457584007913129639935";
        assert_eq!(largest.parse::<Amount>(), Ok(Amount::MAX));
        assert_eq!("0".parse::<Amount>(), Ok(Amount::ZERO));
        assert_eq!("0".repeat(128).parse::<Amount>(), Ok(Amount::ZERO));
        assert_eq!(
            "0".repeat(129).parse::<Amount>().unwrap_err().why(),
            "too long"
        );
    }

    #[test]
    fn s03_leading_zeros_mean_nothing_and_are_not_written() {
        for text in ["0010000", "00000000000000000000000010000"] {
            let amount: Amount = text.parse().unwrap();
            assert_eq!(amount.to_string(), "10000");
            assert_eq!(format!("{amount:?}"), "10000");
        }
        assert_eq!(Amount::from_money("$01.50", 6), Ok(Amount::from(1_500_000)));
    }

    #[test]
    fn money_is_decimal_with_an_optional_dollar_sign() {
        assert_eq!(Amount::from_money("$0.01", 6), Ok(Amount::from(10_000)));
        assert_eq!(Amount::from_money("0.0000010", 6), Ok(Amount::from(1)));
        for bad in [
            "0.0000001",
            "1e5",
            " 1",
            "+1",
            "1_000",
            "0x10",
            "",
            "$",
            "$$1",
            "1.",
            ".5",
            "1.2.3",
            "-$1",
            "$ 1",
        ] {
            assert!(Amount::from_money(bad, 6).is_err(), "{bad:?}");
        }
    }

    #[test]
    fn what_can_not_be_read_is_told_by_its_place() {
        for (text, place) in [
            ("", 0),
            ("x", 0),
            ("120x", 3),
            ("120x.5", 3),
            ("12.", 3),
            (".5", 0),
            ("120.05x", 6),
            ("120.0000001", 10),
            ("120.00000001002", 11),
        ] {
            let error = Amount::from_decimal(text, 6).unwrap_err();
            assert_eq!(error.offset(), Some(place), "{text:?}");
        }
        let error = "120x".parse::<Amount>().unwrap_err();
        assert_eq!(error.offset(), Some(3));
    }

    #[test]
    fn decimal_text_starts_with_a_digit_and_ends_without_zeros() {
        for (units, decimals, text) in [
            (0, 0, "0"),
            (0, 6, "0"),
            (7, 0, "7"),
            (1, 6, "0.000001"),
            (12, 2, "0.12"),
            (120, 3, "0.12"),
            (10_000, 6, "0.01"),
            (1_500_000, 6, "1.5"),
            (20_000_000, 6, "20"),
        ] {
            assert_eq!(Amount::from(units).to_decimal(decimals), text);
        }
    }

    #[test]
    fn an_asset_may_have_77_decimals() {
        let smallest = Amount::from(1);
        let text = smallest.to_decimal(77);
        assert_eq!(Amount::from_decimal(&text, 77), Ok(smallest));
        assert!(Amount::from_decimal("1", 77).is_ok());
        assert_eq!(
            Amount::from_decimal("0", 78).unwrap_err().why(),
            "more than 77"
        );
    }

    #[test]
    fn rounding_is_named() {
        assert_eq!(
            Amount::from_decimal_rounded("0.0000019", 6, Rounding::Down),
            Ok(Amount::from(1))
        );
        assert_eq!(
            Amount::from_decimal_rounded("0.0000011", 6, Rounding::Up),
            Ok(Amount::from(2))
        );
        assert_eq!(
            Amount::from(10).checked_part(1, 3, Rounding::Up),
            Some(Amount::from(4))
        );
        assert_eq!(
            Amount::from(10).checked_part(1, 3, Rounding::Down),
            Some(Amount::from(3))
        );
        assert_eq!(Amount::from(10).checked_part(1, 0, Rounding::Down), None);
        // What is exact is not rounded.
        for rounding in [Rounding::Up, Rounding::Down] {
            let third = Amount::from(9).checked_part(1, 3, rounding);
            assert_eq!(third, Some(Amount::from(3)));
            let exact = Amount::from_decimal_rounded("0.0000020", 6, rounding);
            assert_eq!(exact, Ok(Amount::from(2)));
        }
        assert_eq!(Amount::MAX.checked_part(2, 2, Rounding::Down), None);
    }

    #[test]
    fn arithmetic_is_checked() {
        assert_eq!(Amount::MAX.checked_add(Amount::from(1)), None);
        assert_eq!(Amount::ZERO.checked_sub(Amount::from(1)), None);
        assert_eq!(Amount::MAX.checked_mul(2), None);
        let (five, three) = (Amount::from(5), Amount::from(3));
        assert_eq!(five.checked_add(three), Some(Amount::from(8)));
        assert_eq!(five.checked_sub(three), Some(Amount::from(2)));
        assert_eq!(five.checked_mul(3), Some(Amount::from(15)));
        assert!(Amount::ZERO.is_zero() && !five.is_zero());
    }

    proptest! {
        #[test]
        fn print_then_parse_is_the_identity(limbs in any::<[u64; 4]>()) {
            let amount = Amount::from_units(U256::from_limbs(limbs));
            prop_assert_eq!(amount.to_string().parse(), Ok(amount));
        }

        #[test]
        fn decimal_text_round_trips(units in any::<u128>(), decimals in 0u8..=38) {
            let amount = Amount::from_units(U256::from(units));
            prop_assert_eq!(Amount::from_decimal(&amount.to_decimal(decimals), decimals), Ok(amount));
        }

        #[test]
        fn whatever_parses_prints_the_same(text in "[0-9]{0,80}|.{0,12}") {
            if let Ok(amount) = text.parse::<Amount>() {
                let digits = text.trim_start_matches('0');
                prop_assert_eq!(format!("{amount}"), if digits.is_empty() { "0" } else { digits });
            }
        }
    }
}
