//! The nouns of core.

use super::*;

impl<A: Field, B: Field> Field for (A, B) {
    fn write(&self, out: &mut Vec<u8>) {
        self.0.write(out);
        self.1.write(out);
    }
    fn read(from: &mut Reader<'_>) -> Result<Self, Corrupt> {
        Ok((from.read()?, from.read()?))
    }
}

impl Field for SpendKey {
    fn write(&self, out: &mut Vec<u8>) {
        write_slice(self.as_str().as_bytes(), out);
    }
    fn read(from: &mut Reader<'_>) -> Result<Self, Corrupt> {
        read_text(from).map(Self::new)
    }
}

impl Field for ChainId {
    fn write(&self, out: &mut Vec<u8>) {
        write_shown(self, out);
    }
    fn read(from: &mut Reader<'_>) -> Result<Self, Corrupt> {
        read_text(from)?
            .parse()
            .map_err(|_| Corrupt("not a chain id"))
    }
}

impl Field for Party {
    fn write(&self, out: &mut Vec<u8>) {
        match self {
            Self::Evm(address) => {
                out.push(0);
                out.extend_from_slice(address.as_slice());
            }
            other => {
                out.push(1);
                write_shown(other, out);
            }
        }
    }
    fn read(from: &mut Reader<'_>) -> Result<Self, Corrupt> {
        match from.read::<u8>()? {
            0 => Ok(Self::Evm(from.array::<20>()?.into())),
            1 => read_text(from).map(|text| Self::Other(text.into())),
            _ => Err(Corrupt("unknown kind of party")),
        }
    }
}

impl Field for Reason {
    fn write(&self, out: &mut Vec<u8>) {
        write_slice(self.code().as_bytes(), out);
    }
    fn read(from: &mut Reader<'_>) -> Result<Self, Corrupt> {
        read_text(from).map(Self::from_code)
    }
}

impl Field for Window {
    fn write(&self, out: &mut Vec<u8>) {
        self.after.write(out);
        self.before.write(out);
    }
    fn read(from: &mut Reader<'_>) -> Result<Self, Corrupt> {
        Ok(Self {
            after: from.read()?,
            before: from.read()?,
        })
    }
}

impl Field for Price {
    fn write(&self, out: &mut Vec<u8>) {
        match self {
            Self::Exactly(amount) => (0u8, *amount).write(out),
            Self::UpTo(amount) => (1u8, *amount).write(out),
            Self::Metered { step } => (2u8, *step).write(out),
            Self::Recurring {
                amount,
                period,
                until,
            } => {
                (3u8, *amount).write(out);
                (*period, *until).write(out);
            }
            // `Price` may grow; what is not built here is never stored.
            _ => out.push(4),
        }
    }
    fn read(from: &mut Reader<'_>) -> Result<Self, Corrupt> {
        Ok(match from.read::<u8>()? {
            0 => Self::Exactly(from.read()?),
            1 => Self::UpTo(from.read()?),
            2 => Self::Metered { step: from.read()? },
            3 => Self::Recurring {
                amount: from.read()?,
                period: from.read()?,
                until: from.read()?,
            },
            4 => Self::Nothing,
            _ => return Err(Corrupt("unknown kind of price")),
        })
    }
}

impl Field for TokenDomain {
    fn write(&self, out: &mut Vec<u8>) {
        self.name.write(out);
        self.version.write(out);
    }
    fn read(from: &mut Reader<'_>) -> Result<Self, Corrupt> {
        Ok(Self {
            name: from.read()?,
            version: from.read()?,
        })
    }
}

impl Field for Leg {
    fn write(&self, out: &mut Vec<u8>) {
        self.to.write(out);
        self.amount.write(out);
    }
    fn read(from: &mut Reader<'_>) -> Result<Self, Corrupt> {
        Ok(Self {
            to: from.read()?,
            amount: from.read()?,
        })
    }
}

const FLOWS: [Flow; 4] = [
    Flow::Authorization,
    Flow::Upfront,
    Flow::Escrow,
    Flow::Session,
];
const METHODS: [TransferMethod; 3] = [
    TransferMethod::Eip3009,
    TransferMethod::Permit2,
    TransferMethod::Native,
];

fn write_index<T: PartialEq>(all: &[T], value: &T, out: &mut Vec<u8>) {
    let index = all
        .iter()
        .position(|known| known == value)
        .and_then(|at| u8::try_from(at).ok());
    out.push(index.unwrap_or(u8::MAX));
}

fn read_index<T: Copy>(all: &[T], from: &mut Reader<'_>) -> Result<T, Corrupt> {
    all.get(usize::from(from.read::<u8>()?))
        .copied()
        .ok_or(Corrupt("unknown number"))
}

impl Field for Requirement {
    fn write(&self, out: &mut Vec<u8>) {
        self.price.write(out);
        self.chain.write(out);
        self.asset.write(out);
        self.pay_to.write(out);
        self.splits.write(out);
        self.domain.write(out);
        write_index(&METHODS, &self.transfer, out);
        write_index(&FLOWS, &self.flow, out);
        self.timeout.write(out);
    }
    fn read(from: &mut Reader<'_>) -> Result<Self, Corrupt> {
        let price: Price = from.read()?;
        let mut requirement = Self::exactly(
            price.ceiling(),
            from.read()?,
            from.read()?,
            from.read()?,
            None,
        );
        requirement.price = price;
        requirement.splits = from.read()?;
        requirement.domain = from.read()?;
        requirement.transfer = read_index(&METHODS, from)?;
        requirement.flow = read_index(&FLOWS, from)?;
        requirement.timeout = from.read()?;
        Ok(requirement)
    }
}

impl Field for Authorization {
    fn write(&self, out: &mut Vec<u8>) {
        match self {
            Self::Eip3009(signed) => {
                out.push(0);
                out.extend_from_slice(signed.from.as_slice());
                out.extend_from_slice(signed.to.as_slice());
                signed.value.write(out);
                signed.window.write(out);
                signed.nonce.write(out);
                signed.signature.write(out);
            }
            Self::Foreign(foreign) => {
                out.push(1);
                foreign.kind.write(out);
                foreign.spends.write(out);
                foreign.payer.write(out);
                foreign.window.write(out);
                foreign.content.write(out);
            }
            Self::TempoTransaction(transaction) => {
                out.push(2);
                transaction.challenge().write(out);
                transaction.source().map(Party::Evm).write(out);
                out.push(u8::from(transaction.is_signed()));
                transaction.raw().write(out);
            }
            Self::TempoHash(sent) => {
                out.push(3);
                sent.challenge.write(out);
                sent.payer.map(Party::Evm).write(out);
                sent.hash.write(out);
            }
            Self::MppProof(proof) => {
                out.push(4);
                proof.challenge.write(out);
                out.extend_from_slice(proof.account.as_slice());
                proof.signature.write(out);
            }
            // A primitive without a place here can be stored only once it has one: reading it back fails.
            _ => out.push(u8::MAX),
        }
    }
    fn read(from: &mut Reader<'_>) -> Result<Self, Corrupt> {
        match from.read::<u8>()? {
            0 => Ok(Self::Eip3009(Eip3009 {
                from: from.array::<20>()?.into(),
                to: from.array::<20>()?.into(),
                value: from.read()?,
                window: from.read()?,
                nonce: from.read()?,
                signature: from.read()?,
            })),
            1 => Ok(Self::Foreign(Foreign {
                kind: from.read()?,
                spends: from.read()?,
                payer: from.read()?,
                window: from.read()?,
                content: from.read()?,
            })),
            2 => read_transaction(from).map(Self::TempoTransaction),
            3 => Ok(Self::TempoHash(TempoHash {
                challenge: from.read()?,
                payer: read_address(from)?,
                hash: from.read()?,
            })),
            4 => Ok(Self::MppProof(MppProof {
                challenge: from.read()?,
                account: from.array::<20>()?.into(),
                signature: from.read()?,
            })),
            _ => Err(Corrupt("unknown kind of authorization")),
        }
    }
}

fn read_address(from: &mut Reader<'_>) -> Result<Option<Address>, Corrupt> {
    let party: Option<Party> = from.read()?;
    Ok(party.as_ref().and_then(Party::evm))
}

fn read_transaction(from: &mut Reader<'_>) -> Result<TempoTransaction, Corrupt> {
    let challenge = from.read()?;
    let payer = read_address(from)?;
    let signed = from.read::<bool>()?;
    let raw: Bytes = from.read()?;
    let read = match (signed, payer) {
        (true, payer) => TempoTransaction::signed(challenge, payer, raw),
        (false, Some(payer)) => TempoTransaction::unsigned(challenge, payer, raw),
        (false, None) => return Err(Corrupt("an unsigned transaction of nobody")),
    };
    read.map_err(|_| Corrupt("not a transaction"))
}

impl Field for ChallengeRef {
    fn write(&self, out: &mut Vec<u8>) {
        write_slice(self.realm().as_bytes(), out);
        write_slice(self.id().as_bytes(), out);
    }
    fn read(from: &mut Reader<'_>) -> Result<Self, Corrupt> {
        let realm = read_text(from)?.to_owned();
        Ok(Self::new(&realm, read_text(from)?))
    }
}

impl Field for Pending {
    fn write(&self, out: &mut Vec<u8>) {
        self.transaction.write(out);
        self.since.write(out);
        self.why.write(out);
    }
    fn read(from: &mut Reader<'_>) -> Result<Self, Corrupt> {
        let (transaction, since) = from.read::<(Option<Box<str>>, Timestamp)>()?;
        Ok(Self::new(transaction, since, from.read::<Box<str>>()?))
    }
}

impl Field for Receipt {
    fn write(&self, out: &mut Vec<u8>) {
        self.payer.write(out);
        self.amount.write(out);
        self.chain.write(out);
        self.transaction.write(out);
        self.reply.write(out);
    }
    fn read(from: &mut Reader<'_>) -> Result<Self, Corrupt> {
        let payer = from.read()?;
        let amount = from.read()?;
        let mut receipt = Self::new(payer, amount, from.read()?, from.read::<Box<str>>()?);
        receipt.reply = from.read()?;
        Ok(receipt)
    }
}

impl Field for Wire {
    fn write(&self, out: &mut Vec<u8>) {
        write_slice(self.protocol.as_str().as_bytes(), out);
        self.offer.write(out);
        self.answer.write(out);
    }
    fn read(from: &mut Reader<'_>) -> Result<Self, Corrupt> {
        Ok(Self {
            protocol: protocol_id(read_text(from)?)?,
            offer: from.read()?,
            answer: from.read()?,
        })
    }
}

/// The protocols whose claims may be found in a ledger. A name is a constant of its wire crate; here it comes out of a file.
fn protocol_id(name: &str) -> Result<ProtocolId, Corrupt> {
    use std::{
        collections::BTreeSet,
        sync::{Mutex, PoisonError},
    };
    // Names are few: a wire crate has one a version. The bound keeps a damaged file from filling the memory.
    static NAMES: Mutex<BTreeSet<&'static str>> = Mutex::new(BTreeSet::new());
    let mut names = NAMES.lock().unwrap_or_else(PoisonError::into_inner);
    if let Some(known) = names.get(name) {
        return Ok(ProtocolId::new(known));
    }
    if names.len() >= 64 || name.len() > 64 {
        return Err(Corrupt("unknown protocol"));
    }
    let leaked: &'static str = Box::leak(name.into());
    names.insert(leaked);
    Ok(ProtocolId::new(leaked))
}

impl Field for Claim {
    fn write(&self, out: &mut Vec<u8>) {
        self.requirement.write(out);
        self.authorization.write(out);
        self.spends.write(out);
        self.wire.write(out);
    }
    fn read(from: &mut Reader<'_>) -> Result<Self, Corrupt> {
        let requirement = from.read()?;
        let authorization = from.read()?;
        let spends: Vec<SpendKey> = from.read()?;
        let mut claim = Self::new(requirement, authorization, from.read()?);
        claim.spends = spends;
        Ok(claim)
    }
}
