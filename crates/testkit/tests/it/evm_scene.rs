//! A chain, a settler on it, and claims against it. The chain's clock stands; tokio's is paused, so hours pass at once.

#![allow(clippy::unwrap_used, reason = "a test that can not go on ends")]

use std::sync::Arc;
use std::time::Duration;

use alloy::providers::{DynProvider, Provider, ProviderBuilder};
use alloy::rpc::client::RpcClient;
use alloy_primitives::{Address, B256, Bytes, U256};
use alloy_signer_local::PrivateKeySigner;
use http402_core::asset::{Asset, Assets};
use http402_core::authorization::Eip3009;
use http402_core::seam::{Boxed, Clock, Facilitator, SeamError};
use http402_core::{
    Amount, Authorization, ChainId, Claim, Encoded, Party, ProtocolId, Requirement, Settlement,
    Step, Timestamp, TokenDomain, Verdict, Window, Wire,
};
use http402_evm::{Builder, Limits, Settler};
use http402_testkit::chain::contract::USDC_BASE_SEPOLIA;
use http402_testkit::chain::contract::abi::TransferWithAuthorization;
use http402_testkit::chain::{self, Chain, Connection, DEV_ACCOUNTS, Token};
use http402_verify::Verifier;

use crate::scene::{PAYER, SETTLER, dev, payment, shop};

/// The chain's clock at the beginning.
pub(crate) const NOW: u64 = 1_800_000_000;
/// What every payment is worth.
pub(crate) const PRICE: u64 = 1000;

/// The chain's time, and tokio's sleep.
pub(crate) struct ChainClock(pub(crate) Chain);

impl Clock for ChainClock {
    fn now(&self) -> Timestamp {
        Timestamp::from_secs(self.0.now())
    }

    fn sleep(&self, duration: Duration) -> Boxed<'static, ()> {
        Box::pin(tokio::time::sleep(duration))
    }
}

pub(crate) struct Scene {
    pub(crate) chain: Chain,
    pub(crate) connection: Connection,
    pub(crate) token: Token,
}

impl Scene {
    pub(crate) fn new() -> Self {
        Self::of(Chain::builder(), USDC_BASE_SEPOLIA)
    }

    pub(crate) fn of(builder: chain::Builder, token: Address) -> Self {
        let chain = builder.standing_clock(NOW).build();
        Self {
            connection: chain.connect(),
            token: chain.token(token),
            chain,
        }
    }

    pub(crate) fn provider(&self) -> DynProvider {
        provider(&self.connection)
    }

    pub(crate) fn clock(&self) -> Arc<dyn Clock> {
        Arc::new(ChainClock(self.chain.clone()))
    }

    pub(crate) fn builder(&self) -> Builder {
        self.builder_with(self.provider())
    }

    pub(crate) fn builder_with(&self, provider: DynProvider) -> Builder {
        self.builder_on(84_532, provider, DEV_ACCOUNTS[SETTLER].signer())
    }

    pub(crate) fn builder_on(
        &self,
        chain: u64,
        provider: DynProvider,
        gas: PrivateKeySigner,
    ) -> Builder {
        let asset = Asset::evm(
            84_532,
            self.token.address(),
            "USDC",
            6,
            &TokenDomain::new("USDC", "2"),
        );
        let assets = Assets::known().with(asset);
        let verifier = Verifier::new(assets.clone());
        Settler::builder(Arc::new(verifier), self.clock())
            .chain(chain, provider, gas)
            .kind(ProtocolId::new("x402/2"), "exact")
            .assets(assets)
            .limits(limits())
    }

    pub(crate) fn settler(&self) -> Settler {
        self.builder().build().unwrap()
    }

    /// A payment by the payer with a right signature.
    pub(crate) fn claim(&self, nonce: u8) -> Claim {
        self.signed(&payment(&self.chain, dev(PAYER), nonce))
    }

    /// A message with the payer's signature.
    pub(crate) fn signed(&self, message: &TransferWithAuthorization) -> Claim {
        self.signed_by(&DEV_ACCOUNTS[PAYER].signer(), message)
    }

    pub(crate) fn signed_by(
        &self,
        signer: &PrivateKeySigner,
        message: &TransferWithAuthorization,
    ) -> Claim {
        let signature = self.token.authorize(signer, message).as_bytes();
        self.with(message, Bytes::copy_from_slice(&signature))
    }

    /// A message with any signature.
    pub(crate) fn with(&self, message: &TransferWithAuthorization, signature: Bytes) -> Claim {
        let signed = Eip3009 {
            from: message.from,
            to: message.to,
            value: message.value,
            window: Window {
                after: message.validAfter,
                before: message.validBefore,
            },
            nonce: message.nonce,
            signature,
        };
        let requirement = Requirement::exactly(
            Amount::from(PRICE),
            ChainId::eip155(84_532),
            Party::Evm(self.token.address()),
            Party::Evm(shop()),
            Some(TokenDomain::new("USDC", "2")),
        );
        let wire = Wire {
            protocol: ProtocolId::new("x402/2"),
            offer: Encoded::default(),
            answer: Encoded::default(),
        };
        Claim::new(requirement, Authorization::Eip3009(signed), wire)
    }

    /// What the shop holds.
    pub(crate) fn received(&self) -> U256 {
        self.token.balance_of(shop())
    }

    /// How many transactions the settler has in blocks.
    pub(crate) fn transactions(&self) -> u64 {
        self.chain.nonce(dev(SETTLER))
    }

    /// Waits until the mempool has so many transactions.
    pub(crate) async fn until_pending(&self, count: usize) -> Vec<B256> {
        until(|| self.chain.pending().len() == count).await;
        self.chain.pending()
    }
}

/// Lets the others work until something holds; an hour of paused time at most.
pub(crate) async fn until(holds: impl Fn() -> bool) {
    for _ in 0..360_000 {
        if holds() {
            return;
        }
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    panic!("it did not happen within an hour");
}

pub(crate) fn provider(connection: &Connection) -> DynProvider {
    let client = RpcClient::new(connection.clone(), true);
    ProviderBuilder::new().connect_client(client).erased()
}

pub(crate) fn limits() -> Limits {
    let mut limits = Limits::default();
    limits.poll = Duration::from_millis(100);
    limits.bump_after = Duration::from_secs(5);
    limits.settle = Duration::from_secs(60);
    limits
}

pub(crate) async fn verify(settler: &Settler, claim: &Claim) -> Result<Verdict, SeamError> {
    settler.verify(claim).await
}

pub(crate) async fn charge(settler: &Settler, claim: &Claim) -> Result<Settlement, SeamError> {
    settler.settle(claim, Step::Charge(claim.amount())).await
}

/// Settles and gives the transaction.
pub(crate) async fn settled(settler: &Settler, claim: &Claim) -> B256 {
    transaction(&charge(settler, claim).await.unwrap())
}

pub(crate) fn transaction(settlement: &Settlement) -> B256 {
    match settlement {
        Settlement::Settled(receipt) => {
            assert_eq!(receipt.amount, Amount::from(PRICE));
            receipt.transaction.parse().unwrap()
        }
        other => panic!("not settled: {other:?}"),
    }
}

/// The transaction that an unknown outcome names.
pub(crate) fn pending(settlement: &Settlement) -> http402_core::Pending {
    match settlement {
        Settlement::Unknown(pending) => pending.clone(),
        other => panic!("not unknown: {other:?}"),
    }
}
