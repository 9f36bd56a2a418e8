//! The parsers of the `Payment` scheme, and of what pays on Tempo.

use crate::text;
use http402_core::{
    ChainId, Timestamp,
    authorization::{ChallengeRef, TempoTransaction},
    json::Document,
};
use http402_mpp::{
    AcceptPayment, Challenge, Credential, KeyRing, Problem, Receipt, base64url, credential, digest,
    discovery::Service,
    jcs, mcp,
    method::{evm, stripe, tempo},
    param, rfc3339, scope,
};

pub(crate) fn field(data: &[u8]) {
    if let Ok(schemes) = param::read(data) {
        for scheme in schemes.into_iter().flatten() {
            for (at, (name, value)) in scheme.params.iter().enumerate() {
                let mut out = String::from("X ");
                if param::write(name, value, &mut out).is_ok() {
                    let read = param::read(out.as_bytes()).expect("written just now");
                    let read = read[0].as_ref().expect("written just now");
                    assert_eq!(read.get(name), Some(&**value));
                }
                let earlier = &scheme.params[..at];
                assert!(
                    earlier.iter().all(|(other, _)| other != name),
                    "names are distinct"
                );
            }
        }
    }
    // However a list is cut into lines, no more credentials are found than before.
    let whole = Credential::tokens(data).len();
    assert!(whole <= param::MAX_ITEMS);
}

pub(crate) fn challenge(data: &[u8]) {
    let ring = KeyRing::new(&[7; 32]).expect("long enough");
    for challenge in Challenge::parse_all([data]).into_iter().flatten() {
        if let Ok(written) = challenge.encode() {
            assert!(written.is_ascii());
            assert_eq!(
                Challenge::parse(written.as_bytes()).as_ref(),
                Ok(&challenge)
            );
        }
        let echoed = Document::parse(&challenge.to_json())
            .and_then(|json| Challenge::from_json(json.root()));
        assert_eq!(echoed.as_ref(), Ok(&challenge));
        assert!(
            !ring.verify(&challenge.slots(), challenge.id()),
            "made by nobody"
        );
        if let Some(opaque) = challenge.opaque() {
            let _ = scope::read(opaque);
        }
    }
}

pub(crate) fn credential(data: &[u8]) {
    let texts = Credential::tokens(data)
        .into_iter()
        .flatten()
        .filter_map(|token| Credential::decode(&token).ok());
    let own = std::str::from_utf8(data).ok();
    let own = own.and_then(|text| Credential::parse(text).ok());
    for credential in texts.chain(own) {
        assert_eq!(
            Credential::decode(&credential.encode()).as_ref(),
            Ok(&credential)
        );
        assert_eq!(Credential::tokens(credential.header().as_bytes()).len(), 1);
        if let Some(source) = credential.source()
            && let Ok((chain, account)) = credential::parse_source(source)
        {
            let written = credential::source(chain, account);
            assert_eq!(written.to_lowercase(), source.to_lowercase());
        }
    }
}

pub(crate) fn receipt(data: &[u8]) {
    if let Ok(receipt) = Receipt::decode(data) {
        assert_eq!(Receipt::decode(receipt.encode().as_bytes()), Ok(receipt));
    }
    text(data, |text| {
        if let Ok(receipt) = Receipt::parse(text) {
            assert_eq!(Receipt::parse(receipt.as_json()), Ok(receipt));
        }
    });
}

pub(crate) fn problem(data: &[u8]) {
    if let Ok(problem) = Problem::parse(data) {
        assert_eq!(Problem::parse(problem.as_json().as_bytes()), Ok(problem));
    }
}

pub(crate) fn accept(data: &[u8]) {
    if let Ok(accept) = AcceptPayment::parse([data]) {
        let written = accept.encode();
        assert_eq!(
            AcceptPayment::parse([written.as_bytes()]),
            Ok(accept.clone())
        );
        let offers = vec![("tempo", "charge"), ("evm", "charge")];
        assert!(!accept.order(offers, |offer| *offer).is_empty());
    }
}

pub(crate) fn jcs(data: &[u8]) {
    text(data, |text| {
        if let Ok(canonical) = jcs::canonicalize(text) {
            assert_eq!(jcs::canonicalize(&canonical).as_ref(), Ok(&canonical));
        }
    });
}

pub(crate) fn time(data: &[u8]) {
    text(data, |text| {
        if let Ok(at) = rfc3339::parse(text) {
            let written = rfc3339::format(at);
            let last = Timestamp::from_secs(253_402_300_799);
            assert_eq!(rfc3339::parse(&written), Ok(at.min(last)));
        }
    });
}

pub(crate) fn method(data: &[u8]) {
    text(data, |text| {
        if let Ok(charge) = tempo::Charge::parse(text) {
            assert_eq!(tempo::Charge::parse(&charge.encode()), Ok(charge.clone()));
            assert!(charge.remainder() <= charge.amount());
            let _ = charge.requirement(60);
        }
        if let Ok(charge) = evm::Charge::parse(text) {
            assert_eq!(evm::Charge::parse(&charge.encode()), Ok(charge));
        }
        if let Ok(charge) = stripe::Charge::parse(text) {
            assert_eq!(stripe::Charge::parse(&charge.encode()), Ok(charge));
        }
        if let Ok(payload) = stripe::Payload::parse(text) {
            assert_eq!(stripe::Payload::parse(&payload.encode()), Ok(payload));
        }
        if let Ok(payload) = tempo::Payload::parse(text) {
            assert_eq!(tempo::Payload::parse(&payload.encode()), Ok(payload));
        }
        if let Ok(evm::Payload::Authorization(signed)) = evm::Payload::parse(text) {
            let written = evm::Payload::encode(&signed, &signed.signature);
            let read = evm::Payload::parse(&written);
            assert_eq!(read, Ok(evm::Payload::Authorization(signed)));
        }
    });
}

pub(crate) fn mcp(data: &[u8]) {
    text(data, |text| {
        let _ = mcp::Required::parse(text);
        let _ = mcp::receipt(text);
        if let Ok(Some(credential)) = mcp::credential(text)
            && let Ok(message) = mcp::attach(r#"{"id":1}"#, &credential)
        {
            let read = mcp::credential(&message).expect("attached just now");
            let read = read.expect("attached just now");
            assert_eq!(read.source(), credential.source());
            assert_eq!(read.payload(), credential.payload());
        }
    });
}

pub(crate) fn discovery(data: &[u8]) {
    text(data, |text| {
        if let Ok(service) = Service::parse(text) {
            let _ = service.llms_txt();
            if let Ok(written) = service.openapi() {
                let read = Service::parse(&written);
                assert!(read.is_ok() || written.len() > http402_mpp::discovery::MAX_LEN);
            }
        }
    });
}

pub(crate) fn digest(data: &[u8]) {
    assert!(digest::matches(&digest::of(data), data));
    text(data, |text| {
        if let Ok(hash) = digest::parse(text) {
            let bare = format!("sha-256={}", base64url::encode(hash));
            assert_eq!(digest::parse(&bare), Ok(hash));
        }
    });
}

pub(crate) fn tempo_transaction(data: &[u8]) {
    let challenge = ChallengeRef::new("realm", "id");
    let read = TempoTransaction::signed(challenge.clone(), None, data.to_vec().into());
    let Ok(transaction) = read else { return };
    let chain = ChainId::eip155(transaction.chain());
    assert_eq!(transaction.spends(&chain).len(), 2);
    let signing = transaction.signing_bytes().clone();
    let account = http402_core::Address::repeat_byte(1);
    let unsigned = TempoTransaction::unsigned(challenge, account, signing)
        .expect("what is signed can be read");
    assert_eq!(unsigned.signing_hash(), transaction.signing_hash());
    assert_eq!(unsigned.sponsored(), transaction.sponsored());
}
