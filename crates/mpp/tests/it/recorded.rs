//! Every document of recorded exchanges between mppx 0.11.0, pympp 0.16.0 and a development chain is read, and comes out equal.

use http402_core::{
    Authorization, B256, ChainId,
    json::{Document, Json},
};
use http402_mpp::{
    AcceptPayment, Challenge, Credential, Problem, Receipt, jcs,
    memo::Memo,
    method::{evm, tempo},
};
use std::collections::BTreeMap;

const RECORDED: &str = include_str!("../fixtures/recorded.jsonl");

fn documents() -> Vec<(String, String)> {
    let text = |line: Json<'_>, name| line.get(name).and_then(Json::as_text).unwrap().to_owned();
    let line = |line| {
        let line = Document::parse(line).unwrap();
        let line = line.root();
        (text(line, "kind"), text(line, "text"))
    };
    RECORDED.lines().map(line).collect()
}

fn of(kind: &str) -> Vec<String> {
    let all = documents().into_iter().filter(|(found, _)| found == kind);
    all.map(|(_, text)| text).collect()
}

#[test]
fn every_kind_was_recorded() {
    let mut kinds = BTreeMap::new();
    for (kind, _) in documents() {
        *kinds.entry(kind).or_insert(0) += 1;
    }
    assert_eq!(kinds.into_values().sum::<i32>(), 68);
}

#[test]
fn challenges_come_out_equal() {
    for text in of("challenge") {
        for challenge in Challenge::parse_all([text.as_bytes()]) {
            let challenge = challenge.unwrap_or_else(|error| panic!("{error}: {text}"));
            // The parameters, whatever their order: each of them is written as it was.
            let written = challenge.encode().unwrap();
            for part in written.trim_start_matches("Payment ").split(", ") {
                assert!(text.contains(part), "{part} of {written}");
            }
            assert_eq!(
                Challenge::parse(written.as_bytes()).as_ref(),
                Ok(&challenge)
            );
            let echoed =
                Challenge::from_json(Document::parse(&challenge.to_json()).unwrap().root());
            assert_eq!(echoed.as_ref(), Ok(&challenge));
            let native =
                Challenge::from_json(Document::parse(&challenge.to_native()).unwrap().root());
            assert_eq!(
                native,
                Ok(challenge.clone()),
                "their requests are canonical"
            );
            let request = Document::parse(challenge.request()).unwrap();
            let request = request.root();
            assert_eq!(jcs::canonical(request).as_deref(), Ok(challenge.request()));
            if challenge.intent() == "charge" {
                match challenge.method() {
                    "tempo" => drop(tempo::Charge::parse(challenge.request()).unwrap()),
                    "evm" => drop(evm::Charge::parse(challenge.request()).unwrap()),
                    other => panic!("no method {other}"),
                }
            }
        }
    }
}

#[test]
fn credentials_come_out_equal() {
    let mut read = 0;
    for text in of("credential") {
        let token = Credential::tokens(text.as_bytes()).remove(0).unwrap();
        let Ok(credential) = Credential::decode(&token) else {
            assert_eq!(text, "Payment garbage");
            continue;
        };
        assert_eq!(credential.header(), text);
        read += 1;
    }
    assert_eq!(read, 14);
}

#[test]
fn payments_on_tempo_become_authorizations() {
    let mut kinds = BTreeMap::new();
    for text in of("credential") {
        let token = Credential::tokens(text.as_bytes()).remove(0).unwrap();
        let Ok(credential) = Credential::decode(&token) else {
            continue;
        };
        let challenge = credential.challenge();
        if (challenge.method(), challenge.intent()) != ("tempo", "charge") {
            continue;
        }
        let charge = tempo::Charge::parse(challenge.request()).unwrap();
        let authorization = charge
            .authorization(
                challenge.reference(),
                credential.source(),
                credential.payload(),
            )
            .unwrap();
        let chain = ChainId::eip155(charge.chain());
        let kind = match &authorization {
            Authorization::TempoTransaction(transaction) => {
                assert_eq!(transaction.sponsored(), charge.options().fee_payer);
                assert_eq!(transaction.chain(), charge.chain());
                // Its calls hold the memo of this challenge.
                let memo = Memo::new(&challenge.reference(), None).bytes();
                let raw = transaction.raw();
                assert!(
                    raw.windows(32)
                        .any(|window| B256::from_slice(window) == memo)
                );
                assert_eq!(authorization.spends(&chain, &requirement(&charge)).len(), 2);
                "transaction"
            }
            Authorization::TempoHash(_) => "hash",
            Authorization::MppProof(_) => "proof",
            other => panic!("{other:?}"),
        };
        let payload = tempo::Payload::of(&authorization).unwrap().encode();
        let sent = Document::parse(credential.payload()).unwrap();
        let sent = sent.root();
        assert!(
            Document::parse(&payload).unwrap().root().same(sent),
            "{payload}"
        );
        *kinds.entry(kind).or_insert(0) += 1;
    }
    assert_eq!(kinds.len(), 3, "{kinds:?}");
}

fn requirement(charge: &tempo::Charge) -> http402_core::Party {
    charge.requirement(60).asset
}

#[test]
fn receipts_problems_and_wishes_come_out_equal() {
    for text in of("receipt") {
        let receipt = Receipt::decode(text.as_bytes()).unwrap();
        assert_eq!(receipt.encode(), text);
    }
    for text in of("problem") {
        let problem = Problem::parse(text.as_bytes()).unwrap();
        assert_eq!(problem.as_json(), text);
        let kind = problem.kind.unwrap();
        assert_eq!(problem.title.as_deref(), Some(kind.title()));
        assert_eq!(problem.status, Some(kind.status()));
    }
    for text in of("accept") {
        let accept = AcceptPayment::parse([text.as_bytes()]).unwrap();
        assert_eq!(accept.encode(), text);
    }
}
