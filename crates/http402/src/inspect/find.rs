use http402_mpp::{Challenge, Credential, Receipt};
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

/// The headers of the `Payment` scheme.
const PAYMENT: [&str; 5] = [
    "www-authenticate",
    "authorization",
    "payment-authorization",
    "payment-receipt",
    "accept-payment",
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
    } else if found.is_empty() {
        // The value of a header of the `Payment` scheme, without its name.
        let value = trimmed.as_bytes();
        found
            .extend(payment("www-authenticate", value).or_else(|| payment("authorization", value)));
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
    if PAYMENT.contains(&name.as_str()) {
        return payment(&name, value.as_bytes());
    }
    HEADERS
        .contains(&name.as_str())
        .then(|| decoded(&name.to_uppercase(), value))
}

/// A header of the `Payment` scheme, as JSON. `None` for other schemes.
fn payment(name: &str, value: &[u8]) -> Option<Found> {
    let text = match name {
        "www-authenticate" => {
            let all = Challenge::parse_all([value]);
            if all.is_empty() {
                return None;
            }
            let challenges: Result<Vec<_>, _> = all
                .into_iter()
                .map(|challenge| challenge.map(|challenge| challenge.to_native()))
                .collect();
            challenges.map(|all| {
                let items = http402_core::json::array(all.iter().map(|item| &**item));
                format!("{{\"challenges\":{items}}}")
            })
        }
        "payment-receipt" => Receipt::decode(value).map(|receipt| receipt.as_json().to_owned()),
        "accept-payment" => http402_mpp::AcceptPayment::parse([value])
            .map(|accept| serde_json::json!({ "acceptPayment": accept.encode() }).to_string()),
        _ => match Credential::tokens(value).into_iter().next()? {
            Err(error) => Err(error),
            Ok(token) => {
                Credential::decode(&token).map(|credential| credential.as_json().to_owned())
            }
        },
    };
    Some(Found {
        source: name.to_uppercase(),
        text: text.map_err(|error| error.to_string()),
    })
}

fn is_document(value: &Value) -> bool {
    let has = |name: &str| value.get(name).is_some();
    if has("reference") && has("method") || super::mpp::is_problem(value) {
        return true;
    }
    [
        "accepts",
        "payload",
        "paymentPayload",
        "isValid",
        "success",
        "kinds",
        "challenge",
        "challenges",
        "acceptPayment",
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
