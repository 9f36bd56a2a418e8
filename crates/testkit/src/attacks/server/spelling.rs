//! One authorization, written in many ways that mean the same.

use crate::attacks::payment::Payment;
use base64::{
    Engine,
    engine::general_purpose::{STANDARD, STANDARD_NO_PAD, URL_SAFE, URL_SAFE_NO_PAD},
};
use serde_json::Value;
use std::fmt::Write;

/// So many spellings, the honest one first.
pub(super) fn spellings(payment: &Payment, count: u32) -> Vec<(String, String)> {
    let document = payment.document();
    let (name, honest) = payment.header();
    let mut all = vec![(name.clone(), honest)];
    for at in 1..count {
        let mut text = String::new();
        write(&document, at, "", &mut text);
        let encoded = match at % 4 {
            0 => STANDARD.encode(&text),
            1 => STANDARD_NO_PAD.encode(&text),
            2 => URL_SAFE.encode(&text),
            _ => URL_SAFE_NO_PAD.encode(&text),
        };
        all.push((name.clone(), encoded));
    }
    all
}

/// Writes JSON in the way that the bits of `how` say: order, space, escapes, and the forms of the payload's texts.
fn write(value: &Value, how: u32, name: &str, out: &mut String) {
    let space = match how / 4 % 4 {
        0 => "",
        1 => " ",
        2 => "\n\t",
        _ => "\r\n    ",
    };
    match value {
        Value::Object(members) => {
            let mut members: Vec<_> = members.iter().collect();
            if how / 16 % 2 == 1 {
                members.reverse();
            }
            out.push('{');
            for (at, (key, member)) in members.into_iter().enumerate() {
                out.push_str(if at > 0 { "," } else { "" });
                out.push_str(space);
                text(key, how, out);
                let _ = write!(out, "{space}:{space}");
                write(member, how, key, out);
            }
            // A member that nobody knows.
            if name == "payload" && how / 32 % 2 == 1 {
                let _ = write!(out, ",\"note\":{how}");
            }
            out.push('}');
        }
        Value::Array(items) => {
            out.push('[');
            for (at, item) in items.iter().enumerate() {
                out.push_str(if at > 0 { "," } else { "" });
                write(item, how, "", out);
            }
            out.push(']');
        }
        Value::String(plain) => text(&form(plain, name, how), how, out),
        other => out.push_str(&other.to_string()),
    }
}

/// Another form of a value of the payload; those of the offer are echoed to the letter.
fn form(text: &str, name: &str, how: u32) -> String {
    match name {
        "from" | "to" | "nonce" | "signature" => match (how / 64 % 3, text.strip_prefix("0x")) {
            (1, _) => text.to_lowercase(),
            (2, Some(digits)) => format!("0x{}", digits.to_uppercase()),
            _ => text.into(),
        },
        "value" | "validAfter" | "validBefore" if how / 8 % 2 == 1 => format!("00{text}"),
        _ => text.into(),
    }
}

fn text(plain: &str, how: u32, out: &mut String) {
    if !how.is_multiple_of(3) {
        out.push_str(&Value::from(plain).to_string());
        return;
    }
    out.push('"');
    for (at, unit) in plain.encode_utf16().enumerate() {
        let _ = match u8::try_from(unit) {
            Ok(byte @ (b' '..=b'!' | b'#'..=b'[' | b']'..=b'~')) if at > 0 => {
                write!(out, "{}", char::from(byte))
            }
            _ => write!(out, "\\u{unit:04X}"),
        };
    }
    out.push('"');
}
