//! The peers: each reads the same header and answers whether the signature in it is the payer's, with the functions that its
//! server or facilitator calls for that, and without the chain.

use alloy_primitives::{Address, B256, Bytes, Signature, U256};
use alloy_sol_types::{Eip712Domain, SolStruct, eip712_domain, sol};
use http402_benches::{Rounds, session::Session};
use std::{
    hint::black_box,
    io::{BufRead, BufReader, Write},
    path::PathBuf,
    process::{Child, ChildStdin, ChildStdout, Command, Stdio},
    time::Duration,
};

const BASE: u64 = 8_453;

// What the payer signs: r402 keeps its own to itself.
sol! {
    struct TransferWithAuthorization {
        address from;
        address to;
        uint256 value;
        uint256 validAfter;
        uint256 validBefore;
        bytes32 nonce;
    }
}

fn domain(name: String, version: String, token: Address) -> Eip712Domain {
    eip712_domain! {
        name: name,
        version: version,
        chain_id: BASE,
        verifying_contract: token,
    }
}

fn x402_rs(header: &[u8]) -> bool {
    use x402_chain_eip155::{
        v1_eip155_exact::{TransferWithAuthorization, facilitator::StructuredSignature},
        v2_eip155_exact::types::Eip3009PaymentPayload,
    };
    let json = x402_types::util::Base64Bytes::from(header).decode().expect("base64");
    let read: Eip3009PaymentPayload = serde_json::from_slice(&json).expect("a payment");
    let (accepted, signed) = (read.accepted, read.payload.authorization);
    let domain = domain(accepted.extra.name, accepted.extra.version, accepted.asset.0);
    // What its `ExactEvmPayment::as_signed_message` does, which shows nobody what it found.
    let message = TransferWithAuthorization {
        from: signed.from,
        to: signed.to,
        value: signed.value,
        validAfter: U256::from(signed.valid_after.as_secs()),
        validBefore: U256::from(signed.valid_before.as_secs()),
        nonce: signed.nonce,
    };
    let hash = message.eip712_signing_hash(&domain);
    let found = StructuredSignature::try_from_bytes(read.payload.signature, signed.from, &hash);
    matches!(found, Ok(StructuredSignature::EOA(_)))
}

fn r402(header: &[u8]) -> bool {
    use r402_evm::exact::{ExactPayload, v2::PaymentPayload};
    let json = r402_protocol::payment::Base64Bytes::from(header).decode().expect("base64");
    let read: PaymentPayload = serde_json::from_slice(&json).expect("a payment");
    let ExactPayload::Eip3009(payload) = read.payload else {
        panic!("EIP-3009 was signed");
    };
    let (accepted, signed) = (read.accepted, payload.authorization);
    let extra = accepted.extra.expect("a domain");
    let message = TransferWithAuthorization {
        from: signed.from,
        to: signed.to,
        value: signed.value.into(),
        validAfter: U256::from(signed.valid_after.as_secs()),
        validBefore: U256::from(signed.valid_before.as_secs()),
        nonce: signed.nonce,
    };
    let domain = domain(extra.name, extra.version, accepted.asset.into());
    recovered(&payload.signature, message.eip712_signing_hash(&domain)) == Some(signed.from)
}

fn recovered(signature: &Bytes, hash: B256) -> Option<Address> {
    let signature = Signature::from_raw(signature).ok()?.normalized_s();
    signature.recover_address_from_prehash(&hash).ok()
}

pub(crate) fn payments<'a>(all: &mut Rounds<'a>, header: &'a str) {
    let bytes = header.as_bytes();
    all.add("x402: x402-rs 2.0.2", 1, || assert!(x402_rs(black_box(bytes))));
    all.add("x402: r402 0.21.0", 1, || assert!(r402(black_box(bytes))));
    let npm = script("NODE_X402", "node", "x402.mjs");
    other(all, "x402: @x402 2.27.0 (TypeScript)", npm, header);
    let pypi = script("PYTHON_X402", "venv/bin/python", "x402_peer.py");
    other(all, "x402: x402 2.25.0 (Python)", pypi, header);
}

fn mpp_rs(session: &Session) -> bool {
    use mpp::protocol::{
        core::parse_authorization,
        methods::tempo::{session::SessionCredentialPayload, voucher::verify_voucher},
    };
    let credential = parse_authorization(black_box(&session.header)).expect("a credential");
    let echo = &credential.challenge;
    let id = mpp::compute_challenge_id(
        Session::SECRET,
        &echo.realm,
        echo.method.as_str(),
        echo.intent.as_str(),
        echo.request.raw(),
        echo.expires.as_deref(),
        echo.digest.as_deref(),
        echo.opaque.as_ref().map(|opaque| opaque.raw()),
    );
    assert_eq!(id, echo.id);
    let payload = serde_json::from_value(credential.payload.clone()).expect("a payload");
    let SessionCredentialPayload::Voucher {
        channel_id,
        cumulative_amount,
        signature,
        ..
    } = payload
    else {
        panic!("a voucher was sent");
    };
    let signature: Bytes = signature.parse().expect("hexadecimal");
    verify_voucher(
        session.escrow(),
        Session::CHAIN,
        channel_id.parse().expect("a word"),
        cumulative_amount.parse().expect("a number"),
        &signature,
        session.signer(),
    )
}

pub(crate) fn vouchers<'a>(all: &mut Rounds<'a>, session: &'a Session) {
    all.add("MPP voucher: mpp 0.18.2", 1, move || assert!(mpp_rs(session)));
    let npm = script("NODE_MPP", "node", "mppx.mjs");
    let question = format!("{} {} {}", session.header, session.escrow(), session.signer());
    other(all, "MPP voucher: mppx 0.11.0 (TypeScript)", npm, &question);
}

/// The command that runs a script, when its packages are there.
fn script(home: &str, program: &str, script: &str) -> Option<Command> {
    let home = PathBuf::from(std::env::var(home).ok()?);
    let program = if program.contains('/') { home.join(program) } else { program.into() };
    let mut command = Command::new(program);
    command.current_dir(home).arg(script);
    Some(command)
}

/// A peer that runs in a process of its own: it reads the question, then how often to answer it, and tells how many nanoseconds
/// it ran for that.
struct Peer {
    child: Child,
    ask: ChildStdin,
    hear: BufReader<ChildStdout>,
}

impl Peer {
    fn times(&mut self, calls: u32) -> Duration {
        writeln!(self.ask, "{calls}").expect("the peer listens");
        let mut line = String::new();
        self.hear.read_line(&mut line).expect("the peer answers");
        Duration::from_nanos(line.trim().parse().expect("the peer found the signature right"))
    }
}

impl Drop for Peer {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

fn other(all: &mut Rounds<'_>, name: &str, command: Option<Command>, question: &str) {
    let Some(mut command) = command else {
        println!("NOT MEASURED: {name}: its packages are not there");
        return;
    };
    command.stdin(Stdio::piped()).stdout(Stdio::piped());
    let mut child = command.spawn().expect("the peer starts");
    let (ask, hear) = (child.stdin.take(), child.stdout.take());
    let mut peer = Peer {
        ask: ask.expect("piped"),
        hear: BufReader::new(hear.expect("piped")),
        child,
    };
    writeln!(peer.ask, "{question}").expect("the peer listens");
    // What is compiled while it runs is compiled before it is measured.
    peer.times(300);
    all.elsewhere(name, move |calls| peer.times(calls));
}
