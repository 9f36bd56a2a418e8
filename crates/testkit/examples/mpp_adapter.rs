//! Our codecs and our judgement of MPP behind the interface of tempoxyz/mpp-tools (`conformance/HARNESS_SPEC.md`): one JSON
//! request on standard input, one response on standard output.
//!
//! ```text
//! {"schema":1,"op":"challenge.parse","input":{"header":"Payment id=\"a\", realm=\"api.example.com\", …"}}
//! {"ok":true,"value":{"id":"a","realm":"api.example.com",…}}
//! ```
//!
//! To run its suite against it, build this example, put a manifest beside its other adapters, and start its runners:
//!
//! ```text
//! cargo build --release -p http402-testkit --example mpp_adapter
//! mkdir -p mpp-tools/conformance/adapters/http402
//! # adapters/http402/adapter.json:
//! {"schema":1,"name":"http402","language":"rust","cwd":".","command":["<target>/release/examples/mpp_adapter"],
//!  "capabilities":["challenge.parse","challenge.format","credential.parse","credential.format","receipt.parse",
//!   "receipt.format","base64url.encode","base64url.decode","challenge.id","server.verify","tempo.receipt.verify",
//!   "tempo.transaction.verify","tempo.fee_payer.cosign","stripe.external_id_binding","http.payment_request"]}
//! cd mpp-tools/conformance
//! python3 scripts/vector_runner.py --adapter http402
//! python3 scripts/server_verify_runner.py --adapter http402
//! python3 scripts/flow_runner.py --adapter http402
//! ```
//!
//! Where the suite wants something that a server must not do, or leaves out what one has to know, it is answered here, and
//! nowhere in the crates:
//!
//! * Its secrets may be short (`server.verify`): they are filled up with zeros, which HMAC does by itself. `challenge.id`
//!   wants short ones refused, and they are.
//! * Its Tempo requests name no chain: they are taken to be of the test network.
//! * Its receipts do not say who sent the transaction: whoever a transfer in them is from may have.
//! * Its signed transactions are other bytes, which its node takes all the same: then the receipt alone is judged. One that
//!   begins like a Tempo transaction is read, and judged to the last field.
//! * `tempo.proof.typed_data` is not offered: it describes version 2 of a proof, which nobody signs any more.

use std::io::{Read, Write, stdin, stdout};

#[path = "mpp_adapter/answer.rs"]
mod answer;
#[path = "mpp_adapter/documents.rs"]
mod documents;
#[path = "mpp_adapter/fixture.rs"]
mod fixture;
#[path = "mpp_adapter/request.rs"]
mod request;
#[path = "mpp_adapter/server.rs"]
mod server;
#[path = "mpp_adapter/tempo.rs"]
mod tempo;

use answer::{Answer, fault};
use http402_core::json::{Document, Json, Object};

/// The longest request, in bytes.
const MAX_LEN: u64 = 1024 * 1024;

/// The response to a request.
pub(crate) fn respond(text: &str) -> String {
    match answer(text) {
        Ok(value) => Object::new()
            .boolean("ok", true)
            .raw("value", &value)
            .finish()
            .into(),
        Err(fault) => {
            let error = Object::new()
                .text("type", fault.kind)
                .text("message", &fault.message);
            Object::new()
                .boolean("ok", false)
                .raw("error", &error.finish())
                .finish()
                .into()
        }
    }
}

fn answer(text: &str) -> Answer {
    let envelope = |error| fault("unknown_error", error);
    let request = Document::parse(text).map_err(envelope)?;
    let request = request.root();
    if request.get("schema").and_then(Json::as_u64) != Some(1) {
        return Err(fault("unknown_error", "schema: 1 is expected"));
    }
    let op = request.need_text("op").map_err(envelope)?;
    let input = request.need("input").map_err(envelope)?;
    match op {
        "challenge.parse" => documents::parse_challenge(input),
        "challenge.format" => documents::format_challenge(input),
        "credential.parse" => documents::parse_credential(input),
        "credential.format" => documents::format_credential(input),
        "receipt.parse" => documents::parse_receipt(input),
        "receipt.format" => documents::format_receipt(input),
        "base64url.encode" => documents::encode(input),
        "base64url.decode" => documents::decode(input),
        "challenge.id" => server::challenge_id(input),
        "server.verify" => server::verify(input),
        "stripe.external_id_binding" => server::stripe(input),
        "tempo.receipt.verify" | "tempo.transaction.verify" => tempo::verify(input),
        "tempo.fee_payer.cosign" => tempo::cosign(input),
        "http.payment_request" => request::send(input),
        other => Err(fault(
            "unsupported_operation",
            format!("no operation {other}"),
        )),
    }
}

fn main() -> std::io::Result<()> {
    let mut text = String::new();
    let read = stdin().take(MAX_LEN + 1).read_to_string(&mut text);
    let response = match read {
        Ok(_) if text.len() as u64 <= MAX_LEN => respond(&text),
        _ => respond(""),
    };
    writeln!(stdout(), "{response}")
}
