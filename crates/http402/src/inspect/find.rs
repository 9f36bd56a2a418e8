use http402_x402::header;
use serde_json::Value;

/// A document, or what should have been one.
pub(super) struct Found {
    /// Where it stood: a header's name, or `document`.
    pub(super) source: String,
    /// Its JSON text, or why there is none.
    pub(super) text: Result<String, String>,
}

const HEADERS: [&str; 5] = [
    "payment-required",
    "payment-signature",
    "payment-response",
    "x-payment",
    "x-payment-response",
];

/// What is found in a text: a document, a header's value, header lines, or any JSON that has some of these inside.
pub(super) fn documents(text: &str) -> Vec<Found> {
    let trimmed = text.trim();
    if trimmed.starts_with(['{', '[']) {
        return match serde_json::from_str::<Value>(trimmed) {
            Ok(value) => {
                let mut found = Vec::new();
                if is_document(&value) {
                    // The text itself: reading and writing it again would hide what is wrong with it.
                    found.push(document(trimmed));
                } else {
                    walk(&value, &mut found);
                    each_once(&mut found);
                }
                found
            }
            Err(_) => vec![document(trimmed)],
        };
    }
    let mut found: Vec<Found> = trimmed.lines().filter_map(line).collect();
    if found.is_empty() && !trimmed.is_empty() && !trimmed.contains(char::is_whitespace) {
        found.push(decoded("header value", trimmed));
    }
    found
}

/// Recordings hold the same document as text and as what it was parsed to.
fn each_once(found: &mut Vec<Found>) {
    let mut seen: Vec<Value> = Vec::new();
    found.retain(|one| {
        let Some(value) = one
            .text
            .as_ref()
            .ok()
            .and_then(|text| serde_json::from_str(text).ok())
        else {
            return true;
        };
        let new = !seen.contains(&value);
        if new {
            seen.push(value);
        }
        new
    });
}

fn document(text: &str) -> Found {
    Found {
        source: "document".into(),
        text: Ok(text.into()),
    }
}

fn decoded(source: &str, value: &str) -> Found {
    let text = header::decode("header", value.as_bytes()).map_err(|error| error.to_string());
    Found {
        source: source.into(),
        text,
    }
}

/// A line of a saved exchange: a header that carries a document, or a body.
fn line(line: &str) -> Option<Found> {
    let line = line.trim().trim_start_matches(['<', '>']).trim();
    if line.starts_with('{') {
        let value = serde_json::from_str::<Value>(line).ok()?;
        return is_document(&value).then(|| document(line));
    }
    let (name, value) = line.split_once(':')?;
    header_of(name.trim(), value.trim())
}

fn header_of(name: &str, value: &str) -> Option<Found> {
    let name = name.to_ascii_lowercase();
    HEADERS
        .contains(&name.as_str())
        .then(|| decoded(&name.to_uppercase(), value))
}

fn is_document(value: &Value) -> bool {
    [
        "accepts",
        "payload",
        "paymentPayload",
        "isValid",
        "success",
        "kinds",
    ]
    .iter()
    .any(|name| value.get(name).is_some())
}

/// Looks for headers and documents inside other JSON: recorded traffic.
fn walk(value: &Value, found: &mut Vec<Found>) {
    if is_document(value) {
        found.push(document(&value.to_string()));
        return;
    }
    match value {
        Value::Object(members) => {
            if let (Some(name), Some(value)) = (
                members.get("name").and_then(Value::as_str),
                members.get("value").and_then(Value::as_str),
            ) {
                found.extend(header_of(name, value));
            }
            for (name, value) in members {
                match value.as_str().and_then(|value| header_of(name, value)) {
                    Some(header) => found.push(header),
                    None => walk(value, found),
                }
            }
        }
        Value::Array(items) => {
            if let [Value::String(name), Value::String(value)] = items.as_slice() {
                found.extend(header_of(name, value));
                return;
            }
            for item in items {
                walk(item, found);
            }
        }
        Value::String(text) => found.extend(line(text)),
        _ => {}
    }
}
