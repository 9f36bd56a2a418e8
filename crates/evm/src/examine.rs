//! What only the chain can tell of a claim: code, wallet signatures, balance, nonce, and whether the transfer would work.

use crate::{
    AskError,
    abi::{Multicall, Token, Wallet},
    lane::{Call, Lane},
    revert,
    rpc::Called,
    signature,
};
use alloy_eips::BlockId;
use alloy_primitives::{Address, B256, Bytes, address};
use alloy_rpc_types_eth::TransactionRequest;
use alloy_sol_types::SolCall;
use http402_core::{
    Claim, Party, Reason, Verdict,
    authorization::Eip3009,
    seam::{Judge, Known, PayerCode},
};
use http402_verify::Signature;
use std::collections::HashSet;

/// Multicall3, at the same address on every chain that has it.
const MULTICALL: Address = address!("cA11bde05977b3631167028862bE2a173976CA11");

/// What ERC-1271 answers for a good signature, as a word.
const GOOD: [u8; 4] = [0x16, 0x26, 0xba, 0x7e];

/// A claim in the terms of its chain.
#[derive(Clone)]
pub(crate) struct Payment {
    pub(crate) token: Address,
    pub(crate) signed: Eip3009,
}

/// A yes with the call that executes it, or a no.
pub(crate) type Examined = Result<Call, Reason>;

/// How the transfer is executed.
enum Form {
    /// By the signature of a key.
    Key([u8; 65]),
    /// By a signature that the payer's contract accepts.
    Wallet(Bytes),
    /// The same, after the wallet was deployed.
    Deploy(signature::Wrapped),
}

pub(crate) struct Examiner<'a> {
    pub(crate) lane: &'a Lane,
    pub(crate) judge: &'a dyn Judge,
    pub(crate) factories: &'a HashSet<Address>,
    pub(crate) claim: &'a Claim,
    pub(crate) payment: &'a Payment,
}

impl Examiner<'_> {
    /// Examines a claim that nothing is known against; the call's gas is an estimate when one is wanted, else the limit.
    pub(crate) async fn examine(&self, estimate: bool) -> Result<Examined, AskError> {
        let (lane, signed, token) = (self.lane, &self.payment.signed, self.payment.token);
        lane.check().await?;
        let balance = Token::balanceOfCall {
            account: signed.from,
        };
        let (payer_code, known_token, used, balance) = tokio::try_join!(
            lane.rpc.code(signed.from),
            lane.has_code(token),
            lane.rpc
                .nonce_used(token, signed.from, signed.nonce, BlockId::latest()),
            lane.rpc.read(token, &balance, BlockId::latest()),
        )?;
        if !known_token {
            return Ok(Err(Reason::AssetNotDeployed));
        }
        let form = match self.form(!payer_code.is_empty()).await? {
            Ok(form) => form,
            Err(reason) => return Ok(Err(reason)),
        };
        match used {
            None => return Ok(Err(Reason::MethodNotSupportedByAsset)),
            Some(true) => return Ok(Err(Reason::NonceUsed)),
            Some(false) => {}
        }
        if balance.is_none_or(|balance| balance < signed.value) {
            return Ok(Err(Reason::InsufficientFunds));
        }
        if let Form::Deploy(wrapped) = &form
            && let Err(reason) = self.rehearse(wrapped).await?
        {
            return Ok(Err(reason));
        }
        let call = self.call(&form);
        if estimate {
            self.estimate(call).await
        } else {
            self.simulate(call).await
        }
    }

    /// Which form the signature has, judged as far as this needs no execution.
    async fn form(&self, has_code: bool) -> Result<Result<Form, Reason>, AskError> {
        let signed = &self.payment.signed;
        let wrapped = if signature::is_wrapped(&signed.signature) {
            match signature::unwrap(&signed.signature) {
                Some(wrapped) => Some(wrapped),
                None => return Ok(Err(Reason::Signature)),
            }
        } else {
            None
        };
        if has_code {
            // Code decides, an account that delegates by EIP-7702 included: tokens ask it, whoever's key has signed.
            let inner = wrapped.map_or_else(|| signed.signature.clone(), |wrapped| wrapped.inner);
            return self.ask_wallet(inner).await;
        }
        if let Some(wrapped) = wrapped {
            return Ok(if self.factories.contains(&wrapped.factory) {
                Ok(Form::Deploy(wrapped))
            } else {
                Err(Reason::FactoryNotAllowed)
            });
        }
        let known = Known::at(self.lane.clock.now()).payer_code(PayerCode::Absent);
        Ok(match self.judge.judge_among(self.claim, &known).await {
            Verdict::Valid { .. } => Signature::parse(&signed.signature)
                .map(|signature| Form::Key(signature.to_bytes()))
                .ok_or(Reason::Signature),
            Verdict::Invalid(reason) => Err(reason),
            _ => Err(Reason::Signature),
        })
    }

    /// ERC-1271, with a limit on gas, which bounds time and the size of the answer as well.
    async fn ask_wallet(&self, inner: Bytes) -> Result<Result<Form, Reason>, AskError> {
        let Some(digest) = self.digest() else {
            return Ok(Err(Reason::MissingDomain));
        };
        let call = Wallet::isValidSignatureCall {
            hash: digest,
            signature: inner.clone(),
        };
        let request = self
            .request(self.payment.signed.from, call.abi_encode())
            .gas_limit(self.lane.limits.signature_gas);
        Ok(
            match self.lane.rpc.call(request, BlockId::latest()).await? {
                Called::Returned(answer) if accepts(&answer) => Ok(Form::Wallet(inner)),
                _ => Err(Reason::Signature),
            },
        )
    }

    fn digest(&self) -> Option<B256> {
        let requirement = &self.claim.requirement;
        let domain = requirement.domain.as_ref()?;
        let document =
            self.payment
                .signed
                .document(domain, requirement.chain.evm()?, self.payment.token);
        Some(document.digest())
    }

    /// Deployment, signature and transfer in one simulation, to tell which of them fails.
    async fn rehearse(&self, wrapped: &signature::Wrapped) -> Result<Result<(), Reason>, AskError> {
        let Some(digest) = self.digest() else {
            return Ok(Err(Reason::MissingDomain));
        };
        let ask = Wallet::isValidSignatureCall {
            hash: digest,
            signature: wrapped.inner.clone(),
        };
        let mut calls = vec![
            part(wrapped.factory, wrapped.calldata.clone()),
            part(self.payment.signed.from, ask.abi_encode().into()),
        ];
        for call in &mut calls {
            call.allowFailure = true;
        }
        let request = self
            .request(MULTICALL, Multicall::aggregate3Call { calls }.abi_encode())
            .gas_limit(self.lane.limits.deployment_gas);
        let Called::Returned(answer) = self.lane.rpc.call(request, BlockId::latest()).await? else {
            return Ok(Err(Reason::DeploymentFailed));
        };
        let Ok(outcomes) = Multicall::aggregate3Call::abi_decode_returns(&answer) else {
            return Ok(Err(Reason::DeploymentFailed));
        };
        Ok(match outcomes.as_slice() {
            [deployed, asked] if deployed.success => {
                if asked.success && accepts(&asked.returnData) {
                    Ok(())
                } else {
                    Err(Reason::Signature)
                }
            }
            _ => Err(Reason::DeploymentFailed),
        })
    }

    fn call(&self, form: &Form) -> Call {
        let limits = &self.lane.limits;
        let (to, input, gas) = match form {
            Form::Key(bytes) => (
                self.payment.token,
                by_key(&self.payment.signed, bytes),
                limits.gas,
            ),
            Form::Wallet(signature) => (
                self.payment.token,
                by_wallet(&self.payment.signed, signature),
                limits.wallet_gas,
            ),
            Form::Deploy(wrapped) => {
                let calls = vec![
                    part(wrapped.factory, wrapped.calldata.clone()),
                    part(
                        self.payment.token,
                        by_wallet(&self.payment.signed, &wrapped.inner),
                    ),
                ];
                let input = Multicall::aggregate3Call { calls }.abi_encode();
                (MULTICALL, input.into(), limits.deployment_gas)
            }
        };
        Call { to, input, gas }
    }

    async fn simulate(&self, call: Call) -> Result<Examined, AskError> {
        let request = self
            .request(call.to, call.input.clone())
            .gas_limit(call.gas);
        Ok(
            match self.lane.rpc.call(request, BlockId::latest()).await? {
                Called::Returned(_) => Ok(call),
                Called::Reverted(text) => Err(revert::reason(&text)),
            },
        )
    }

    async fn estimate(&self, mut call: Call) -> Result<Examined, AskError> {
        let request = self
            .request(call.to, call.input.clone())
            .gas_limit(call.gas);
        Ok(match self.lane.rpc.estimate(request).await? {
            Ok(gas) => {
                // A quarter more: a slot that was warm or set in the simulation may not be in the block.
                call.gas = gas.saturating_add(gas / 4).min(call.gas);
                Ok(call)
            }
            Err(text) => Err(revert::reason(&text)),
        })
    }

    fn request(&self, to: Address, input: impl Into<Bytes>) -> TransactionRequest {
        TransactionRequest::default()
            .from(self.lane.address)
            .to(to)
            .input(input.into().into())
    }
}

/// What the payer's address says of a party.
pub(crate) fn payer(signed: &Eip3009) -> Party {
    Party::Evm(signed.from)
}

/// The first word of the answer, whole: a bare four bytes or a `true` is no yes.
fn accepts(answer: &[u8]) -> bool {
    answer
        .first_chunk::<32>()
        .is_some_and(|word| word.starts_with(&GOOD) && word.iter().skip(4).all(|byte| *byte == 0))
}

fn part(target: Address, call: Bytes) -> Multicall::Call {
    Multicall::Call {
        target,
        allowFailure: false,
        callData: call,
    }
}

fn by_key(signed: &Eip3009, signature: &[u8; 65]) -> Bytes {
    let call = Token::transferWithAuthorization_0Call {
        from: signed.from,
        to: signed.to,
        value: signed.value,
        validAfter: signed.window.after,
        validBefore: signed.window.before,
        nonce: signed.nonce,
        v: signature[64],
        r: B256::from_slice(&signature[..32]),
        s: B256::from_slice(&signature[32..64]),
    };
    call.abi_encode().into()
}

fn by_wallet(signed: &Eip3009, signature: &Bytes) -> Bytes {
    let call = Token::transferWithAuthorization_1Call {
        from: signed.from,
        to: signed.to,
        value: signed.value,
        validAfter: signed.window.after,
        validBefore: signed.window.before,
        nonce: signed.nonce,
        signature: signature.clone(),
    };
    call.abi_encode().into()
}
