//! A voucher of an MPP session on Tempo.
#![allow(
    clippy::unwrap_used,
    reason = "a benchmark that can not go on may panic"
)]

use crate::scene::NOW;
use http402_core::{
    Address, Amount, Authorization, B256, Bytes, ChainId, Claim, Encoded, Party, Price, ProtocolId,
    Requirement, TransferMethod, Wire, authorization::Voucher, json::Object,
};
use http402_mpp::{
    binding::KeyRing,
    challenge::{Challenge, Terms},
    credential::Credential,
    method::tempo,
};
use http402_verify::LocalKey;

const ESCROW: &str = "0x33b901018174DDabE4841042ab76ba85D4e24f25";

/// A credential with a voucher, and what the server knows of its channel.
#[derive(Debug)]
pub struct Session {
    keys: KeyRing,
    requirement: Requirement,
    escrow: Address,
    signer: Address,
    /// The value of the field `Authorization`.
    pub header: String,
}

impl Session {
    /// The secret of the server.
    pub const SECRET: &str = "a secret of more than thirty-two bytes";

    /// The chain of the channel.
    pub const CHAIN: u64 = 4_217;

    /// The contract that holds what was deposited.
    pub fn escrow(&self) -> Address {
        self.escrow
    }

    /// Whose signature counts.
    pub fn signer(&self) -> Address {
        self.signer
    }

    /// A voucher of the signer of this number, not zero.
    ///
    /// # Panics
    /// When the crates that are measured do not do their work.
    pub fn new(signer: u8) -> Self {
        let key = LocalKey::from_bytes(&[signer; 32]).unwrap();
        let party = |text: &str| Party::Evm(text.parse().unwrap());
        let token = party("0x20c0000000000000000000000000000000000000");
        let payee = party("0x209693Bc6afc0C5328bA36FaF03C514EF312287C");
        let chain = ChainId::eip155(Self::CHAIN);
        let mut requirement = Requirement::exactly(Amount::ZERO, chain, token, payee, None);
        requirement.price = Price::Metered {
            step: Amount::from(1_000),
        };
        requirement.transfer = TransferMethod::Native;
        let mut voucher = Voucher {
            channel: B256::repeat_byte(signer),
            cumulative: 250_000,
            escrow: ESCROW.parse().unwrap(),
            signer: key.address(),
            signature: Bytes::new(),
        };
        let signature = key.sign_digest(&voucher.document(Self::CHAIN).digest().0);
        voucher.signature = Bytes::copy_from_slice(&signature);
        let keys = KeyRing::new(Self::SECRET.as_bytes()).unwrap();
        let challenge = Challenge::issue(&terms(), &keys).unwrap();
        let payload = Object::new()
            .text("action", "voucher")
            .text("channelId", &voucher.channel.to_string())
            .text("cumulativeAmount", &voucher.cumulative.to_string())
            .text("signature", &voucher.signature.to_string())
            .finish();
        let credential = Credential::new(&challenge, None, &payload).unwrap();
        Self {
            keys,
            requirement,
            escrow: voucher.escrow,
            signer: voucher.signer,
            header: credential.header(),
        }
    }

    /// From the header to what it claims, its challenge found to be this server's.
    ///
    /// # Panics
    /// When it is not read.
    pub fn read(&self) -> Claim {
        let header = std::hint::black_box(self.header.as_bytes());
        let token = Credential::tokens(header).remove(0).unwrap();
        let credential = Credential::decode(&token).unwrap();
        let challenge = credential.challenge();
        assert!(self.keys.verify(&challenge.slots(), challenge.id()));
        let voucher = tempo::voucher(credential.payload(), self.escrow, self.signer).unwrap();
        let wire = Wire {
            protocol: ProtocolId::new("mpp/1"),
            offer: Encoded::default(),
            answer: Encoded::new(credential.as_json().as_bytes().to_vec()),
        };
        let authorization = Authorization::Voucher(voucher);
        Claim::new(self.requirement.clone(), authorization, wire)
    }
}

fn terms() -> Terms<'static> {
    let request = r#"{"amount":"1000","currency":"0x20c0000000000000000000000000000000000000","methodDetails":{"chainId":4217,"escrowContract":"0x33b901018174DDabE4841042ab76ba85D4e24f25"},"recipient":"0x209693Bc6afc0C5328bA36FaF03C514EF312287C","unitType":"request"}"#;
    Terms::new(
        "api.example.com",
        "tempo",
        "session",
        request,
        NOW.plus(300),
    )
}
