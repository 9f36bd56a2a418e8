//! `payment-identifier`: the client names his payment, so that a retry under the same name is not paid for twice.
//!
//! `{"payment-identifier":{"info":{"required":false,"id":"pay_0123456789abcdef"}}}`, with an id of 16 to 128 letters, digits,
//! `-` and `_`.

use http402_core::{ParseError, json::Json};

const NAME: &str = "payment-identifier";

/// The id in the `extensions` of a payment, when there is one.
pub(crate) fn id(extensions: Option<&Json<'_>>) -> Result<Option<Box<str>>, ParseError> {
    let Some(json) = extensions else {
        return Ok(None);
    };
    let Some(info) = json.object(NAME)?.map(|it| it.object("info")).transpose()? else {
        return Ok(None);
    };
    let Some(id) = info.map(|info| info.text("id")).transpose()?.flatten() else {
        return Ok(None);
    };
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'-' || byte == b'_';
    if !(16..=128).contains(&id.len()) || !id.bytes().all(plain) {
        return Err(ParseError::new(
            NAME,
            "16 to 128 letters, digits, - and _ expected",
        ));
    }
    Ok(Some(id.into()))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str) -> Result<Option<Box<str>>, ParseError> {
        id(Some(&Json::parse(text).unwrap()))
    }

    fn of(id: &str) -> Result<Option<Box<str>>, ParseError> {
        read(&format!(
            r#"{{"x":1,"payment-identifier":{{"info":{{"required":true,"id":"{id}"}}}}}}"#
        ))
    }

    #[test]
    fn an_id_is_read_and_an_odd_one_is_an_error() {
        let long = "a".repeat(128);
        for good in ["pay_0123456789-Az", "0123456789abcdef", &long] {
            assert_eq!(of(good), Ok(Some(good.into())));
        }
        let longer = "a".repeat(129);
        for bad in [
            "",
            "0123456789abcde",
            "0123456789abcdef.",
            "0123456789abcdef\u{e9}",
            &longer,
        ] {
            assert!(of(bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn without_an_id_there_is_none() {
        for none in [
            "{}",
            r#"{"payment-identifier":{}}"#,
            r#"{"payment-identifier":{"info":{"required":false}}}"#,
        ] {
            assert_eq!(read(none), Ok(None));
        }
        assert_eq!(id(None), Ok(None));
        assert!(read(r#"{"payment-identifier":{"info":{"id":7}}}"#).is_err());
    }
}
