//! `payment-identifier`: the client names his payment, so that a retry under the same name is not paid for twice.
//!
//! `{"payment-identifier":{"info":{"required":false,"id":"pay_0123456789abcdef"}}}`, with an id of 16 to 128 letters, digits,
//! `-` and `_`.

use http402_core::{
    ParseError, SpendKey,
    json::{Json, Object},
    keccak256,
};

const NAME: &str = "payment-identifier";

/// What `info` may be, for clients that check it.
const SCHEMA: &str = concat!(
    r#"{"$schema":"https://json-schema.org/draft/2020-12/schema","type":"object","properties":{"#,
    r#""required":{"type":"boolean"},"#,
    r#""id":{"type":"string","minLength":16,"maxLength":128,"pattern":"^[a-zA-Z0-9_-]+$"}},"#,
    r#""required":["required"]}"#,
);

/// The `extensions` of a refusal that asks for an id.
pub(crate) fn asked(required: bool) -> Box<str> {
    let info = Object::new().boolean("required", required).finish();
    let extension = Object::new().raw("info", &info).raw("schema", SCHEMA);
    Object::new().raw(NAME, &extension.finish()).finish()
}

/// The refusal of a payment without the id that is required.
pub(crate) fn missing() -> ParseError {
    ParseError::new(NAME, "an id is required")
}

/// The `extensions` of an answer: what was asked for, and the payment's id where one is asked for. The same authorization has
/// the same id, however often it is presented, and no other has it.
pub(crate) fn answered(extensions: Json<'_>, spends: &[SpendKey]) -> Result<Box<str>, ParseError> {
    let (Some(extension), Some(spend)) = (extensions.object(NAME)?, spends.first()) else {
        return Ok(extensions.raw().into());
    };
    let info = extension.object("info")?;
    if info.is_none_or(|info| info.get("id").is_some()) {
        return Ok(extensions.raw().into());
    }
    let digest = keccak256(spend.as_str().as_bytes());
    let id: String = digest[..16]
        .iter()
        .map(|byte| format!("{byte:02x}"))
        .collect();
    let info = with(info, "id", |out| out.text("id", &format!("pay_{id}")));
    let extension = with(Some(extension), "info", |out| out.raw("info", &info));
    Ok(with(Some(extensions), NAME, |out| {
        out.raw(NAME, &extension)
    }))
}

/// The members of an object as they were written, and one more in the place of its namesake.
fn with(object: Option<Json<'_>>, name: &str, more: impl FnOnce(Object) -> Object) -> Box<str> {
    let members = object.map(Json::members).unwrap_or_default();
    let kept = members.filter(|(known, _)| *known != name);
    let out = kept.fold(Object::new(), |out, (known, value)| {
        out.raw(known, value.raw())
    });
    more(out).finish()
}

/// The id in the `extensions` of a payment, when there is one.
pub(crate) fn id(extensions: Option<Json<'_>>) -> Result<Option<Box<str>>, ParseError> {
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
    use http402_core::json::Document;

    fn read(text: &str) -> Result<Option<Box<str>>, ParseError> {
        id(Some(Document::parse(text).unwrap().root()))
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
    fn an_answer_adds_the_id_that_is_asked_for_and_keeps_the_rest() {
        let spends = [SpendKey::new("eip3009:a"), SpendKey::new("other")];
        let asked = r#"{"x":{"info":{"1":2}},"payment-identifier":{"info":{"required":true,"y":[1]},"schema":{}}}"#;
        let out = answered(Document::parse(asked).unwrap().root(), &spends).unwrap();
        let named = id(Some(Document::parse(&out).unwrap().root()))
            .unwrap()
            .unwrap();
        assert_eq!((named.len(), &named[..4]), (36, "pay_"));
        let wanted = format!(
            r#"{{"x":{{"info":{{"1":2}}}},"payment-identifier":{{"schema":{{}},"info":{{"required":true,"y":[1],"id":"{named}"}}}}}}"#
        );
        assert_eq!(*out, *wanted);
        let other = answered(Document::parse(asked).unwrap().root(), &spends[1..]).unwrap();
        let other = Document::parse(&other).unwrap();
        let other = other.root();
        assert_ne!(id(Some(other)).unwrap(), Some(named));
    }

    #[test]
    fn an_answer_adds_nothing_that_is_not_asked_for() {
        let spends = [SpendKey::new("eip3009:a")];
        for asked in [
            "{}",
            r#"{"x":{"info":{}}}"#,
            r#"{"payment-identifier":{}}"#,
            r#"{"payment-identifier":{"info":{"id":"the-seller-has-one"}}}"#,
        ] {
            let out = answered(Document::parse(asked).unwrap().root(), &spends).unwrap();
            assert_eq!(*out, *asked);
        }
    }

    #[test]
    fn what_is_asked_is_read_as_without_an_id() {
        for required in [true, false] {
            let text = asked(required);
            let document = Document::parse(&text).unwrap();
            let json = document.root();
            assert_eq!(id(Some(json)), Ok(None));
            let info = json.get(NAME).and_then(|it| it.get("info")).unwrap();
            assert_eq!(info.get("required").and_then(Json::as_bool), Some(required));
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
