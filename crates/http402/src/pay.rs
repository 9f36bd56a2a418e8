//! `http402 pay`: curl's habits, and payment when told to.

mod guarded;
mod output;

use crate::{
    policy,
    runtime::{Fault, provider},
    wallet,
};
use guarded::Guarded;
use http::{HeaderName, HeaderValue, Method};
use http402_core::{
    ChainId, Party,
    asset::Assets,
    ledger::Ledger,
    seam::{Boxed, SeamError, Signer},
    typed::ToSign,
};
use http402_evm::{Finality, View, development};
use http402_flow::client::{self, IdempotencyKey, Policy};
use http402_ledger::{Memory, Sqlite};
use http402_mpp::http::MppClient;
use http402_reqwest::{Error, PayingClient, Tokio};
use http402_x402::http::{X402V1, X402V2};
use output::Output;
use reqwest::Url;
use std::{
    io::Read,
    path::{Path, PathBuf},
    process::ExitCode,
    sync::Arc,
};

/// What the exit codes mean, also in `--help`.
const CODES: &str = "\
Exit codes:
  0  the response is a success
  1  the response has a status of 400 or above
  2  the request could not be made: arguments, connection, wallet, ledger
  3  payment is asked for, and the policy does not allow it
  4  payment is asked for, and nothing was told to pay (the quote)
  5  it may have been paid: the same command presents the same payment again
  6  paid, and not delivered: the same command presents the same payment again";

/// In which protocols to pay.
#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
enum Speaks {
    /// Whichever the server asks for
    Auto,
    /// x402, version 2 before version 1
    X402,
    /// The `Payment` scheme of MPP
    Mpp,
}

#[derive(clap::Args)]
#[command(after_help = CODES)]
pub(crate) struct Arguments {
    /// What to request
    url: Url,
    /// The method; GET, or POST with -d
    #[arg(short = 'X', long = "request", value_name = "METHOD")]
    method: Option<Method>,
    /// A request header, `Name: value`
    #[arg(short = 'H', long = "header", value_name = "LINE")]
    headers: Vec<String>,
    /// The request body; @FILE reads a file, @- reads standard input
    #[arg(short, long)]
    data: Option<String>,
    /// Write the response body to a file
    #[arg(short, long, value_name = "FILE")]
    output: Option<PathBuf>,
    /// Print the head of the response before the body
    #[arg(short, long)]
    include: bool,
    /// Tell more on standard error
    #[arg(short, long)]
    verbose: bool,
    /// Print one JSON document about the response and the payment
    #[arg(long)]
    json: bool,
    /// In which protocol to pay, where a server takes several
    #[arg(long, value_enum, default_value_t = Speaks::Auto)]
    protocol: Speaks,
    /// Pay, up to --max-amount for this request and in a day
    #[arg(long)]
    pay: bool,
    /// The most to pay with --pay, in units of the token
    #[arg(long, value_name = "AMOUNT", default_value = "$0.10")]
    max_amount: String,
    /// Pay what this file allows
    #[arg(long, value_name = "FILE", conflicts_with = "pay")]
    policy: Option<PathBuf>,
    #[command(flatten)]
    wallet: wallet::Arguments,
    /// The password of the keystore
    #[arg(long, value_name = "FILE")]
    password_file: Option<PathBuf>,
    /// Where attempts and budgets are kept; the default is in the state directory of the user
    #[arg(long, value_name = "FILE")]
    ledger: Option<PathBuf>,
    /// A node of a chain, `eip155:8453=https://…`: it tells what became of a payment whose answer was lost
    #[arg(long, value_name = "CHAIN=URL")]
    rpc: Vec<String>,
    /// A name for this purchase: it is made once under it
    #[arg(long, value_name = "NAME")]
    idempotency_key: Option<String>,
}

/// A wallet that is never asked: the policy pays nothing.
struct NoWallet;

impl Signer for NoWallet {
    fn party(&self) -> Party {
        Party::Evm(http402_core::Address::ZERO)
    }

    fn sign<'a>(&'a self, _: &'a ToSign) -> Boxed<'a, Result<http402_core::Bytes, SeamError>> {
        Box::pin(async { Err("no wallet was given".into()) })
    }
}

impl Arguments {
    fn pays(&self) -> bool {
        self.pay || self.policy.is_some()
    }

    fn client(&self) -> Result<PayingClient, Fault> {
        let assets = Assets::known();
        let (policy, signer, ledger): (Policy, Arc<dyn Signer>, Arc<dyn Ledger>) = if self.pays() {
            let wallet = self.wallet.open(self.password_file.as_ref())?;
            let wallet = wallet
                .ok_or("a wallet is needed to pay: --key-file, --keystore, or HTTP402_KEY")?;
            let address = wallet.address();
            let policy = match &self.policy {
                None => {
                    let known = development::is_development_key(&address);
                    let may = |chain: &ChainId| !known || development::is_test_chain(chain);
                    policy::at_most(&self.max_amount, &assets, may)?
                }
                Some(path) => {
                    let (policy, chains) = policy::read(path, &assets)?;
                    for chain in &chains {
                        wallet::check(chain, &address)?;
                    }
                    policy
                }
            };
            let path = self.ledger.clone().map_or_else(ledger_path, Ok)?;
            (policy, wallet::payer(wallet), Arc::new(ledger(&path)?))
        } else {
            (Policy::new(), Arc::new(NoWallet), Arc::new(Memory::new()))
        };
        let mut buyer = http402_reqwest::buyer(policy, signer, ledger);
        if self.protocol != Speaks::Mpp {
            buyer = buyer.protocol(Guarded(X402V2)).protocol(Guarded(X402V1));
        }
        if self.protocol != Speaks::X402 {
            buyer = buyer.protocol(Guarded(MppClient::new(assets)));
        }
        let buyer = match self.view()? {
            Some(view) => buyer.chain_view(Arc::new(view)),
            None => buyer,
        };
        Ok(PayingClient::new(buyer)?)
    }

    fn view(&self) -> Result<Option<View>, Fault> {
        if self.rpc.is_empty() {
            return Ok(None);
        }
        let mut view = View::new(Arc::new(Tokio));
        for pair in &self.rpc {
            let (chain, url) = pair.split_once('=').ok_or("--rpc needs CHAIN=URL")?;
            let chain = http402_x402::network::resolve(chain)?;
            let number = chain.evm().ok_or("--rpc is for EVM chains")?;
            view = view.chain(number, provider(url)?, Finality::Finalized);
        }
        Ok(Some(view))
    }

    fn request(&self) -> Result<reqwest::Request, Fault> {
        let body = match &self.data {
            None => None,
            Some(data) => Some(match data.strip_prefix('@') {
                None => data.clone().into_bytes(),
                Some("-") => {
                    let mut bytes = Vec::new();
                    std::io::stdin().read_to_end(&mut bytes)?;
                    bytes
                }
                Some(path) => std::fs::read(path).map_err(|error| format!("{path}: {error}"))?,
            }),
        };
        let plain = if body.is_some() {
            Method::POST
        } else {
            Method::GET
        };
        let method = self.method.clone().unwrap_or(plain);
        let mut request = reqwest::Request::new(method, self.url.clone());
        for line in &self.headers {
            let (name, value) = line
                .split_once(':')
                .ok_or_else(|| format!("not a header: {line}"))?;
            let name: HeaderName = name
                .trim()
                .parse()
                .map_err(|_| format!("not a header's name: {name}"))?;
            let value: HeaderValue = value.trim().parse().map_err(|_| "not a header's value")?;
            request.headers_mut().append(name, value);
        }
        let headers = request.headers_mut();
        headers
            .entry(http::header::USER_AGENT)
            .or_insert(HeaderValue::from_static(concat!(
                "http402/",
                env!("CARGO_PKG_VERSION")
            )));
        if body.is_some() {
            headers
                .entry(http::header::CONTENT_TYPE)
                .or_insert(HeaderValue::from_static(
                    "application/x-www-form-urlencoded",
                ));
        }
        *request.body_mut() = body.map(Into::into);
        Ok(request)
    }
}

/// In the state directory of the user, made for him alone.
fn ledger_path() -> Result<PathBuf, Fault> {
    let state = std::env::var_os("XDG_STATE_HOME")
        .map(PathBuf::from)
        .filter(|path| path.is_absolute());
    let home = || std::env::var_os("HOME").or_else(|| std::env::var_os("USERPROFILE"));
    let state = match state {
        Some(state) => state,
        None => Path::new(&home().ok_or("no home directory: use --ledger")?).join(".local/state"),
    };
    Ok(state.join("http402").join("ledger.sqlite"))
}

fn ledger(path: &Path) -> Result<Sqlite, Fault> {
    if let Some(folder) = path
        .parent()
        .filter(|folder| !folder.as_os_str().is_empty())
    {
        let mut builder = std::fs::DirBuilder::new();
        builder.recursive(true);
        #[cfg(unix)]
        {
            use std::os::unix::fs::DirBuilderExt as _;
            builder.mode(0o700);
        }
        builder
            .create(folder)
            .map_err(|error| format!("{}: {error}", folder.display()))?;
    }
    Ok(Sqlite::open(path)?)
}

pub(crate) async fn run(arguments: Arguments) -> Result<ExitCode, Fault> {
    let client = arguments.client()?;
    let request = arguments.request()?;
    let output = Output {
        body: arguments.output.as_deref(),
        include: arguments.include,
        verbose: arguments.verbose,
        json: arguments.json,
        assets: Assets::known(),
    };
    output.asks(&request);
    let key = arguments
        .idempotency_key
        .as_deref()
        .map(IdempotencyKey::new);
    match client.pay(request, key).await {
        Ok(reply) => output.reply(reply).await,
        Err(Error::Pay(error)) => match *error {
            client::Error::Denied(refusal) => output.denied(&refusal, arguments.pays()),
            error @ (client::Error::Lost { .. } | client::Error::Unproven(_)) => {
                output.unknown(&error)
            }
            error => Err(error.into()),
        },
        Err(error) => Err(error.into()),
    }
}
