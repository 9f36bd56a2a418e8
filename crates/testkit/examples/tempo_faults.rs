//! Payments on a real Tempo chain through a node that loses answers: what `Settler` and `View` find out afterwards.
//!
//! Reads `TEMPO_RPC_URL` (a development chain: its time is moved forward), `TEMPO_KEY`, `TEMPO_POOR_KEY` (an account without
//! money), `TEMPO_PAYEE`, `TEMPO_SPONSOR_KEY`, and, where it is set, `TEMPO_CHAIN` (42431). Says `all held` when all held.

#![allow(
    clippy::print_stdout,
    clippy::print_stderr,
    reason = "a program for the terminal"
)]

#[allow(dead_code, reason = "other programs need more of it")]
#[path = "e2e/env.rs"]
mod env;
#[allow(dead_code, reason = "other programs need more of it")]
#[path = "e2e/tempo.rs"]
mod tempo_env;

use alloy::providers::Provider;
use http402_core::{
    Address, Amount, Authorization, B256, Bytes, ChainId, Claim, Encoded, Party, Pending, Reason,
    Requirement, Settlement, Step, TransferMethod, U256, Verdict, Wire,
    authorization::{ChallengeRef, TempoTransaction},
    seam::{Boxed, ChainView, Clock, Facilitator, Spent},
};
use http402_mpp::MPP;
use http402_reqwest::Tokio;
use http402_tempo::{
    AskError, Charge, Finality, Limits, Node, Order, Payer, Rpc, Settler, Sponsor, View,
    node::{At, Block, Fees, MemoTopics, Mined, Sent, Simulated},
    transaction::{self, Call},
};
use http402_verify::LocalKey;
use std::{
    process::ExitCode,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};
use tempo_env::PATH_USD;

/// A node whose answers are lost on the way, as long as it is told so.
#[derive(Clone)]
struct Lossy {
    rpc: Rpc,
    loses: Arc<AtomicBool>,
}

impl Lossy {
    fn lost(&self, asked: &'static str) -> Result<(), AskError> {
        match self.loses.load(Ordering::Relaxed) {
            true => Err(AskError::new(asked, "lost on the way")),
            false => Ok(()),
        }
    }
}

impl Node for Lossy {
    fn chain(&self) -> Boxed<'_, Result<u64, AskError>> {
        self.rpc.chain()
    }

    fn fees(&self) -> Boxed<'_, Result<Fees, AskError>> {
        self.rpc.fees()
    }

    fn block(&self, at: At) -> Boxed<'_, Result<Option<Block>, AskError>> {
        self.rpc.block(at)
    }

    fn simulate<'a>(
        &'a self,
        from: Address,
        calls: &'a [Call],
    ) -> Boxed<'a, Result<Vec<Simulated>, AskError>> {
        self.rpc.simulate(from, calls)
    }

    fn read(&self, to: Address, input: Bytes) -> Boxed<'_, Result<Option<Bytes>, AskError>> {
        self.rpc.read(to, input)
    }

    fn send<'a>(&'a self, raw: &'a Bytes) -> Boxed<'a, Sent> {
        Box::pin(async move {
            let sent = self.rpc.send(raw).await;
            self.lost("send").map_or_else(Sent::Lost, |()| sent)
        })
    }

    fn receipt(&self, hash: B256) -> Boxed<'_, Result<Option<Mined>, AskError>> {
        Box::pin(async move {
            self.lost("receipt")?;
            self.rpc.receipt(hash).await
        })
    }

    fn with_memo<'a>(
        &'a self,
        token: Address,
        topics: MemoTopics,
        blocks: (u64, u64),
    ) -> Boxed<'a, Result<Vec<B256>, AskError>> {
        self.rpc.with_memo(token, topics, blocks)
    }
}

struct Scene {
    node: Lossy,
    settler: Settler,
    view: View,
    requirement: Requirement,
    clock: Arc<dyn Clock>,
    number: u64,
}

#[tokio::main]
async fn main() -> ExitCode {
    match run().await {
        Ok(()) => {
            println!("all held");
            ExitCode::SUCCESS
        }
        Err(error) => {
            eprintln!("{error}");
            ExitCode::FAILURE
        }
    }
}

async fn run() -> Result<(), env::Fault> {
    let number = tempo_env::chain()?;
    let provider = env::provider(&env::need(&["TEMPO_RPC_URL"])?)?;
    let clock: Arc<dyn Clock> = Arc::new(Tokio);
    let rpc = Rpc::new(provider.clone(), Arc::clone(&clock)).finality(Finality::Depth(0));
    let node = Lossy {
        rpc,
        loses: Arc::new(AtomicBool::new(false)),
    };
    let sponsor = LocalKey::from_hex(&env::need(&["TEMPO_SPONSOR_KEY"])?)?;
    let mut limits = Limits::default();
    limits.settle = Duration::from_secs(2);
    let chain = ChainId::eip155(number);
    let payee = Party::parse(&chain, &env::need(&["TEMPO_PAYEE"])?)?;
    let amount = Amount::from_units(U256::from(10_000_u64));
    let token = Party::Evm(PATH_USD);
    let mut requirement = Requirement::exactly(amount, chain, token, payee, None).upfront();
    requirement.transfer = TransferMethod::Native;
    let scene = Scene {
        settler: Settler::builder(Arc::clone(&clock))
            .sponsored(
                number,
                node.clone(),
                Sponsor::new(Arc::new(sponsor), PATH_USD),
            )
            .limits(limits)
            .build()?,
        view: View::new().chain(number, Arc::new(node.clone())),
        node,
        requirement,
        clock,
        number,
    };
    let key = LocalKey::from_hex(&env::need(&["TEMPO_KEY"])?)?;
    let poor = LocalKey::from_hex(&env::need(&["TEMPO_POOR_KEY"])?)?;
    scene.poor(&poor).await?;
    scene.lost(&key, false).await?;
    scene.lost(&key, true).await?;
    let unsent = [
        scene.signed(&key, false, "never").await?,
        scene.signed(&key, true, "nor").await?,
    ];
    for transaction in &unsent {
        let found = scene.spent(transaction).await?;
        hold("nothing is known before its end", found == Spent::Unknown)?;
    }
    for (method, params) in [("evm_increaseTime", vec![60]), ("evm_mine", Vec::new())] {
        let _: serde_json::Value = provider.raw_request(method.into(), params).await?;
    }
    for transaction in unsent {
        let found = scene.spent(&transaction).await?;
        hold("it is proven unsent after its end", found == Spent::Never)?;
        let claim = scene.claim(transaction);
        let pending = Pending::new(None, scene.clock.now(), "crashed before it was sent");
        let found = scene.settler.resolve(&claim, &pending).await?;
        let expected = Settlement::Declined(Reason::Expired);
        hold("and the seller learns the same", found == expected)?;
    }
    Ok(())
}

impl Scene {
    /// Who has nothing is refused before anything is sent.
    async fn poor(&self, key: &LocalKey) -> Result<(), env::Fault> {
        let charge = Charge::of(&self.requirement, ChallengeRef::new("faults", "poor"))?;
        let order = Order::new(charge, self.number).sponsored(true);
        let fees = self.node.fees().await?;
        let unsigned = order.transaction(key.address(), &fees, 800_000, self.clock.now())?;
        let signed = unsigned.sign(&key.sign_digest(&unsigned.signing_hash().0))?;
        let claim = self.claim(signed);
        let verdict = self.settler.verify(&claim).await?;
        let refused = Reason::InsufficientFunds;
        hold(
            "who has nothing is refused",
            verdict == Verdict::Invalid(refused.clone()),
        )?;
        let settled = self
            .settler
            .settle(&claim, Step::Charge(claim.amount()))
            .await?;
        hold("and not settled", settled == Settlement::Declined(refused))
    }

    /// An answer is lost after the transaction was sent: the outcome is unknown, and found later.
    async fn lost(&self, key: &LocalKey, sponsored: bool) -> Result<(), env::Fault> {
        let signed = self.signed(key, sponsored, "lost").await?;
        let claim = self.claim(signed.clone());
        let step = Step::Charge(claim.amount());
        self.node.loses.store(true, Ordering::Relaxed);
        let unknown = self.settler.settle(&claim, step).await?;
        self.node.loses.store(false, Ordering::Relaxed);
        let Settlement::Unknown(pending) = unknown else {
            return Err(format!("without an answer: {unknown:?}").into());
        };
        hold("its hash is known", pending.transaction.is_some())?;
        let forgotten = Pending::new(None, pending.since, "its hash was not written down");
        let mut found = Vec::new();
        for pending in [&pending, &forgotten] {
            found.push(self.settler.resolve(&claim, pending).await?);
        }
        found.push(self.settler.settle(&claim, step).await?);
        let hash = pending.transaction;
        for settlement in found {
            match settlement {
                Settlement::Settled(receipt) if hash.as_ref() == Some(&receipt.transaction) => {}
                other => return Err(format!("looked for {hash:?}: {other:?}").into()),
            }
        }
        if !sponsored {
            let own = transaction::hash(signed.raw()).to_string();
            hold("it is that of the bytes", hash.as_deref() == Some(&*own))?;
        }
        let spent = self.spent(&signed).await?;
        hold(
            "the buyer finds it, too",
            spent == Spent::Yes { transaction: hash },
        )
    }

    async fn signed(
        &self,
        key: &LocalKey,
        sponsored: bool,
        id: &str,
    ) -> Result<TempoTransaction, env::Fault> {
        let challenge = ChallengeRef::new("faults", &format!("{id} {sponsored}"));
        let charge = Charge::of(&self.requirement, challenge)?;
        let order = Order::new(charge, self.number).sponsored(sponsored);
        let node = Arc::new(self.node.clone());
        let payer = Payer::new(node, Arc::new(key.clone()), Arc::clone(&self.clock));
        Ok(payer.pull(&order).await?)
    }

    fn claim(&self, transaction: TempoTransaction) -> Claim {
        let wire = Wire {
            protocol: MPP,
            offer: Encoded::default(),
            answer: Encoded::default(),
        };
        Claim::new(
            self.requirement.clone(),
            Authorization::TempoTransaction(transaction),
            wire,
        )
    }

    async fn spent(&self, transaction: &TempoTransaction) -> Result<Spent, env::Fault> {
        let authorization = Authorization::TempoTransaction(transaction.clone());
        let Requirement { chain, asset, .. } = &self.requirement;
        self.view.spent(chain, asset, &authorization).await
    }
}

fn hold(what: &str, held: bool) -> Result<(), env::Fault> {
    if held {
        println!("  {what}");
        Ok(())
    } else {
        Err(format!("not so: {what}").into())
    }
}
