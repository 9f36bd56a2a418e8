//! Vouchers of payment channels.

use http402_core::{
    Address, Amount, Authorization, B256, Bytes, ChainId, Claim, Encoded, Party, Price, ProtocolId,
    Reason, Requirement, Timestamp, TransferMethod, Verdict, Wire,
    asset::Assets,
    authorization::Voucher,
    seam::{Judge, Known, PayerCode},
};
use http402_verify::{LocalKey, Verifier, engine::Portable};

const CHAIN: u64 = 4_217;

fn key() -> LocalKey {
    LocalKey::from_bytes(&[0x46; 32]).unwrap()
}

fn requirement() -> Requirement {
    let party = |byte| Party::Evm(Address::repeat_byte(byte));
    let chain = ChainId::eip155(CHAIN);
    let mut requirement = Requirement::exactly(Amount::ZERO, chain, party(8), party(9), None);
    requirement.price = Price::Metered {
        step: Amount::from(10),
    };
    requirement.transfer = TransferMethod::Native;
    requirement
}

fn signed(escrow: &str) -> Voucher {
    let mut voucher = Voucher {
        channel: B256::repeat_byte(7),
        cumulative: 250_000,
        escrow: escrow.parse().unwrap(),
        signer: key().address(),
        signature: Bytes::new(),
    };
    let signature = key().sign_digest(&voucher.document(CHAIN).digest().0);
    voucher.signature = Bytes::copy_from_slice(&signature);
    voucher
}

fn claim(requirement: Requirement, voucher: Voucher) -> Claim {
    let wire = Wire {
        protocol: ProtocolId::new("test/1"),
        offer: Encoded::default(),
        answer: Encoded::default(),
    };
    Claim::new(requirement, Authorization::Voucher(voucher), wire)
}

/// A claim with a right voucher.
pub(crate) fn right() -> Claim {
    claim(requirement(), signed(MAIN))
}

fn judge(claim: &Claim) -> Verdict {
    let known = Known::at(Timestamp::from_secs(1_700_000_000)).payer_code(PayerCode::Unknown);
    let verifier = Verifier::new(Assets::known()).engine(Portable::new());
    let alone = verifier.judge(claim, &known);
    assert_eq!(
        verifier.judge_batch(&[(claim, &known); 3]),
        [alone.clone(), alone.clone(), alone.clone()]
    );
    alone
}

/// The compact form of the same signature.
fn compact(signature: &[u8]) -> Bytes {
    let mut bytes = signature[..64].to_vec();
    bytes[32] |= (signature[64] - 27) << 7;
    bytes.into()
}

const MAIN: &str = "0x33b901018174DDabE4841042ab76ba85D4e24f25";
const OTHER: &str = "0x000000000000000000000000000000000000e5c0";

#[test]
fn both_forms_of_the_signers_signature_are_right_for_any_escrow() {
    for escrow in [MAIN, OTHER] {
        let mut voucher = signed(escrow);
        let payer = Party::Evm(key().address());
        let right = Verdict::Valid { payer };
        assert_eq!(judge(&claim(requirement(), voucher.clone())), right);
        voucher.signature = compact(&voucher.signature);
        assert_eq!(judge(&claim(requirement(), voucher)), right);
    }
}

/// Such bytes end as the longer form does, and are no less right.
#[test]
fn a_compact_signature_may_end_in_27_or_28() {
    for end in [27, 28] {
        let signs = |cumulative| {
            let mut voucher = signed(MAIN);
            voucher.cumulative = cumulative;
            let signature = key().sign_digest(&voucher.document(CHAIN).digest().0);
            voucher.signature = compact(&signature);
            voucher
        };
        let mut all = (1..100_000).map(signs);
        let voucher = all.find(|voucher| voucher.signature[63] == end).unwrap();
        let payer = Party::Evm(key().address());
        let right = Verdict::Valid { payer };
        assert_eq!(judge(&claim(requirement(), voucher)), right);
    }
}

#[test]
fn everything_else_is_invalid_and_final() {
    let right = signed(MAIN);
    let change = |change: &dyn Fn(&mut Voucher)| {
        let mut voucher = right.clone();
        change(&mut voucher);
        voucher
    };
    let bytes = |edit: &dyn Fn(&mut Vec<u8>)| {
        let mut signature = right.signature.to_vec();
        edit(&mut signature);
        change(&|voucher| voucher.signature = signature.clone().into())
    };
    for (at, voucher) in [
        change(&|voucher| voucher.channel = B256::ZERO),
        change(&|voucher| voucher.cumulative += 1),
        change(&|voucher| voucher.escrow = OTHER.parse().unwrap()),
        change(&|voucher| voucher.signer = Address::ZERO),
        change(&|voucher| voucher.signature = Bytes::new()),
        // A v of 0 or 1 is not what this escrow takes.
        bytes(&|bytes| bytes[64] -= 27),
        bytes(&|bytes| bytes[64] ^= 7),
        bytes(&|bytes| bytes[40] ^= 1),
        bytes(&|bytes| bytes[32] |= 0x80),
        bytes(&|bytes| bytes.push(0)),
        // Compact, of the other parity.
        bytes(&|bytes| {
            *bytes = compact(bytes).to_vec();
            bytes[32] ^= 0x80;
        }),
        bytes(&|bytes| bytes.truncate(63)),
    ]
    .into_iter()
    .enumerate()
    {
        let verdict = judge(&claim(requirement(), voucher));
        assert_eq!(verdict, Verdict::Invalid(Reason::Signature), "{at}");
    }
    let mut exact = requirement();
    exact.price = Price::Exactly(Amount::from(10));
    assert_eq!(
        judge(&claim(exact, right.clone())),
        Verdict::Invalid(Reason::AmountMismatch)
    );
    let mut token = requirement();
    token.transfer = TransferMethod::Eip3009;
    assert_eq!(
        judge(&claim(token, right)),
        Verdict::Invalid(Reason::MethodMismatch)
    );
}
