//! `http402 facilitator`: verify and settle over HTTP, for those who are on the lists.

mod gas;

use crate::{
    policy,
    runtime::{Fault, interrupted, provider},
    serve::{Closed, serve},
    wallet,
};
use http402_core::{
    ChainId, Party,
    asset::{Asset, Assets},
    ledger::Ledger,
    seam::{Clock, Spawn},
};
use http402_evm::Settler;
use http402_facilitator::server::{Allowed, Server};
use http402_ledger::{Memory, Sqlite};
use http402_tower::Tokio;
use http402_verify::Verifier;
use http402_x402::{V1, V2, network};
use std::{net::SocketAddr, path::PathBuf, process::ExitCode, sync::Arc};
use tokio::{net::TcpListener, sync::watch};

#[derive(clap::Args)]
pub(crate) struct Arguments {
    /// Where to listen; an address that other machines reach needs a token or --open
    #[arg(long, value_name = "ADDRESS", default_value = "127.0.0.1:4020")]
    listen: SocketAddr,
    /// A network to settle on, with its node: `eip155:84532=http://127.0.0.1:8545`
    #[arg(long, value_name = "CHAIN=URL", required = true)]
    rpc: Vec<String>,
    /// A token to settle: `eip155:84532/USDC`, or with its address; none by default
    #[arg(long, value_name = "CHAIN/TOKEN")]
    asset: Vec<String>,
    /// Whom payments may go to; nobody by default
    #[arg(long, value_name = "ADDRESS")]
    payee: Vec<String>,
    /// Settle payments to anybody
    #[arg(long, conflicts_with = "payee")]
    any_payee: bool,
    #[command(flatten)]
    wallet: wallet::Arguments,
    /// The password of the keystore
    #[arg(long, value_name = "FILE")]
    password_file: Option<PathBuf>,
    /// A file with the bearer token that callers need
    #[arg(long, value_name = "FILE")]
    token_file: Option<PathBuf>,
    /// Serve other machines without a token
    #[arg(long)]
    open: bool,
    /// The most settlements in flight
    #[arg(long, value_name = "COUNT", default_value_t = 64)]
    in_flight: usize,
    /// The most settlements in flight for one payer
    #[arg(long, value_name = "COUNT", default_value_t = 4)]
    per_payer: usize,
    /// The most to spend on gas in 24 hours and on one chain, in its coin
    #[arg(long, value_name = "COINS", default_value = "0.05")]
    daily_gas: String,
    /// The longest body that is read, in bytes
    #[arg(long, value_name = "BYTES", default_value_t = http402_x402::request::MAX_LEN)]
    body_cap: usize,
    /// Where outcomes are kept; without it they are forgotten on a restart
    #[arg(long, value_name = "FILE")]
    ledger: Option<PathBuf>,
}

impl Arguments {
    /// Who may call: everybody on this machine, or who knows the token, or everybody.
    fn token(&self) -> Result<Option<String>, Fault> {
        let token = match &self.token_file {
            None => None,
            Some(path) => {
                let text = std::fs::read_to_string(path);
                let text = text.map_err(|error| format!("{}: {error}", path.display()))?;
                Some(text.trim().to_owned())
            }
        };
        if token.is_none() && !self.listen.ip().is_loopback() && !self.open {
            let why = format!(
                "{} is reached by other machines: --token-file or --open is needed",
                self.listen
            );
            return Err(why.into());
        }
        Ok(token)
    }

    fn chains(&self) -> Result<Vec<(ChainId, u64, String)>, Fault> {
        let read = |pair: &String| {
            let (chain, url) = pair.split_once('=').ok_or("--rpc needs CHAIN=URL")?;
            let chain = network::resolve(chain)?;
            let number = chain.evm().ok_or("--rpc is for EVM chains")?;
            Ok((chain, number, url.to_owned()))
        };
        self.rpc.iter().map(read).collect()
    }

    fn assets(&self, chains: &[(ChainId, u64, String)]) -> Result<Vec<Asset>, Fault> {
        let known = Assets::known();
        let read = |text: &String| {
            let (chain, token) = text.split_once('/').ok_or("--asset needs CHAIN/TOKEN")?;
            let chain = network::resolve(chain)?;
            if !chains.iter().any(|(one, ..)| *one == chain) {
                return Err(format!("--asset {text}: there is no --rpc for {chain}").into());
            }
            Ok(policy::asset(&known, &chain, token)?.clone())
        };
        self.asset.iter().map(read).collect()
    }

    fn allowed(&self, assets: &[Asset]) -> Result<Allowed, Fault> {
        let mut allowed = Allowed::nothing();
        for asset in assets {
            allowed = allowed.asset(asset.chain.clone(), asset.address.clone());
        }
        if self.any_payee {
            return Ok(allowed.any_payee());
        }
        for text in &self.payee {
            let payee = Party::parse(&ChainId::eip155(1), text)?;
            for asset in assets {
                if let Some(address) = payee.evm() {
                    wallet::check(&asset.chain, &address)?;
                }
            }
            allowed = allowed.payee(payee);
        }
        Ok(allowed)
    }

    fn server(&self, running: &Tokio) -> Result<Server, Fault> {
        let chains = self.chains()?;
        let assets = self.assets(&chains)?;
        let wallet = self.wallet.open(self.password_file.as_ref())?;
        let wallet = wallet.ok_or(
            "a wallet that pays the gas is needed: --key-file, --keystore, or HTTP402_KEY",
        )?;
        let address = wallet.address();
        let clock: Arc<dyn Clock> = Arc::new(running.clone());
        let mut settled = Assets::none();
        for asset in &assets {
            settled = settled.with(asset.clone());
        }
        let judge = Arc::new(Verifier::new(settled.clone()));
        let mut settler = Settler::builder(judge, clock.clone())
            .kind(V2, "exact")
            .kind(V1, "exact")
            .assets(settled);
        let mut nodes = Vec::new();
        for (chain, number, url) in &chains {
            wallet::check(chain, &address)?;
            settler = settler.chain(*number, provider(url)?, wallet.clone());
            nodes.push((chain.clone(), provider(url)?));
        }
        let daily = gas::wei(&self.daily_gas)?;
        let settler = gas::Budgeted::new(Arc::new(settler.build()?), nodes, daily, clock.clone());
        let ledger: Arc<dyn Ledger> = match &self.ledger {
            Some(path) => Arc::new(Sqlite::open(path)?),
            None => Arc::new(Memory::new()),
        };
        let spawn: Arc<dyn Spawn> = Arc::new(running.clone());
        let mut server = Server::builder(Arc::new(settler), ledger, clock, spawn)
            .allow(self.allowed(&assets)?)
            .signers([Party::Evm(address)])
            .body_cap(self.body_cap)
            .in_flight(self.in_flight, self.per_payer);
        if let Some(token) = self.token()? {
            server = server.token(token);
        }
        Ok(server.build()?)
    }
}

/// Serves until it is interrupted, and then until what was begun has settled.
pub(crate) async fn run(arguments: Arguments) -> Result<ExitCode, Fault> {
    let running = Tokio::new();
    arguments.token()?;
    let server = arguments.server(&running)?;
    let listener = TcpListener::bind(arguments.listen).await?;
    anstream::eprintln!("facilitator listening on http://{}", listener.local_addr()?);
    if arguments.ledger.is_none() {
        anstream::eprintln!("outcomes are kept in memory: --ledger FILE keeps them over a restart");
    }
    let (stop, stopped) = watch::channel(false);
    let serving = tokio::spawn(serve(listener, stopped, move |request| {
        let mut server = server.clone();
        async move {
            let answer = tower_service::Service::call(&mut server, request).await;
            answer.map_err(|_| Closed)
        }
    }));
    interrupted().await;
    anstream::eprintln!("stopping: what was begun is settled first");
    let _ = stop.send(true);
    let _ = serving.await;
    running.drain().await;
    Ok(ExitCode::SUCCESS)
}
