//! `http402 conform`: the attack suite of the testkit, against a server or a client.

mod listen;
mod show;
mod tls;

use crate::{runtime::Fault, wallet};
use http402_core::Amount;
use http402_testkit::attacks::{self, Drive, Lines, Report, Verdict};
use http402_verify::LocalKey;
use reqwest::Url;
use std::{fs, path::PathBuf, process::ExitCode, sync::Arc, time::Duration};

const CODES: &str = "\
Exit codes:
  0  every attack that could be made was survived
  1  at least one was not
  2  the target could not be judged: it does not answer, or does not take an honest payment";

#[derive(clap::Subcommand)]
pub(crate) enum Command {
    /// Attack a server: its resource at URL costs something, in x402
    #[command(after_help = CODES)]
    Server(Server),
    /// Attack a client: it is sent to hostile sellers on loopback, and judged by what it signs
    #[command(after_help = CODES)]
    Client(Client),
}

#[derive(clap::Args)]
struct Form {
    /// Print the report as one JSON document
    #[arg(long)]
    json: bool,
    /// Write the report as a page of HTML
    #[arg(long, value_name = "FILE")]
    html: Option<PathBuf>,
    /// Make these attacks alone: `S01,S54`
    #[arg(long, value_name = "IDS", value_delimiter = ',', value_parser = id)]
    only: Vec<u8>,
    /// Tell all, not only what failed and what passed
    #[arg(short, long)]
    verbose: bool,
}

#[derive(clap::Args)]
pub(crate) struct Server {
    /// A resource that costs something
    url: Url,
    /// The method; GET, or POST with -d
    #[arg(short = 'X', long = "request", value_name = "METHOD")]
    method: Option<String>,
    /// A request header, `Name: value`
    #[arg(short = 'H', long = "header", value_name = "LINE")]
    headers: Vec<String>,
    /// The request body
    #[arg(short, long)]
    data: Option<String>,
    /// The path of another paid resource of the server
    #[arg(long, value_name = "PATH")]
    also: Option<String>,
    /// The path of a paid resource of the server whose handler fails
    #[arg(long, value_name = "PATH")]
    failing: Option<String>,
    /// A node of the chain, on this machine: balances are looked at and settlements counted
    #[arg(long, value_name = "URL")]
    rpc: Option<String>,
    #[command(flatten)]
    wallet: wallet::Arguments,
    /// The password of the keystore
    #[arg(long, value_name = "FILE")]
    password_file: Option<PathBuf>,
    /// Attack another machine that you may attack: its name once more. Nothing that could settle is sent to it
    #[arg(long, value_name = "HOST")]
    remote: Option<String>,
    /// How long to wait for an answer, in seconds
    #[arg(long, value_name = "SECONDS", default_value_t = 20)]
    timeout: u64,
    /// How long all of it may take, in seconds
    #[arg(long, value_name = "SECONDS", default_value_t = 300)]
    limit: u64,
    #[command(flatten)]
    form: Form,
}

#[derive(clap::Args)]
pub(crate) struct Client {
    /// The most that the client was told to pay at once, in USDC
    #[arg(long, value_name = "AMOUNT", default_value = "$0.10")]
    most: String,
    /// What the client was told to spend over everything; without it budgets are not tried
    #[arg(long, value_name = "AMOUNT")]
    budget: Option<String>,
    /// How long the client may take for one visit, in seconds
    #[arg(long, value_name = "SECONDS", default_value_t = 20)]
    timeout: u64,
    /// Start the command once: it reads a URL from each line, requests it, and prints a line when it is done
    #[arg(long, requires = "command")]
    lines: bool,
    #[command(flatten)]
    form: Form,
    /// The client: `{url}` stands for what to request, and `{id}` for the attack. Without a command the URLs are printed
    #[arg(last = true, value_name = "COMMAND")]
    command: Vec<String>,
}

/// `S01`, or 1.
fn id(text: &str) -> Result<u8, String> {
    let number = text.trim_start_matches(['S', 's']).parse();
    number
        .ok()
        .filter(|id| (1..=85).contains(id))
        .ok_or_else(|| format!("{text} is not one of S01 to S85"))
}

pub(crate) async fn run(command: Command) -> Result<ExitCode, Fault> {
    match command {
        Command::Server(arguments) => {
            let report = server(&arguments).await?;
            told(&report, &arguments.form)
        }
        Command::Client(arguments) => {
            let report = client(&arguments).await?;
            told(&report, &arguments.form)
        }
    }
}

fn told(report: &Report, form: &Form) -> Result<ExitCode, Fault> {
    if let Some(path) = &form.html {
        fs::write(path, report.html()).map_err(|error| format!("{}: {error}", path.display()))?;
    }
    if form.json {
        anstream::println!("{}", serde_json::to_string_pretty(&report.json())?);
    } else {
        show::print(report, form.verbose);
    }
    Ok(if report.count(Verdict::Fail) == 0 {
        ExitCode::SUCCESS
    } else {
        ExitCode::FAILURE
    })
}

async fn server(arguments: &Server) -> Result<Report, Fault> {
    let url = &arguments.url;
    let mut target = attacks::Server::new(url.as_str())?;
    let body = arguments.data.as_deref().unwrap_or_default();
    let plain = if body.is_empty() { "GET" } else { "POST" };
    let mut headers = Vec::new();
    for line in &arguments.headers {
        let (name, value) = line
            .split_once(':')
            .ok_or_else(|| format!("not a header: {line}"))?;
        headers.push((name.trim().to_owned(), value.trim().to_owned()));
    }
    let method = arguments.method.as_deref().unwrap_or(plain);
    target = target.request(method, headers, body.as_bytes());
    if let Some(path) = &arguments.also {
        target = target.also(path);
    }
    if let Some(path) = &arguments.failing {
        target = target.failing(path);
    }
    if let Some(rpc) = &arguments.rpc {
        target = target.rpc(rpc);
    }
    if let Some(wallet) = arguments.wallet.open(arguments.password_file.as_ref())? {
        target = target.key(LocalKey::from_bytes(&wallet.to_bytes().0)?);
    }
    if let Some(again) = &arguments.remote {
        if url.host_str() != Some(again) {
            return Err("--remote needs the host of the URL, once more".into());
        }
        target = target.remote();
    }
    if url.scheme() == "https" {
        target = target.dial(tls::dial(
            url.host_str().unwrap_or_default(),
            url.port().unwrap_or(443),
        )?);
    }
    let seconds = Duration::from_secs;
    let target = target
        .time(seconds(arguments.timeout), seconds(arguments.limit))
        .only(arguments.form.only.clone());
    Ok(target.attack().await?)
}

/// Millionths of a dollar.
fn units(text: &str) -> Result<u64, Fault> {
    let amount = Amount::from_money(text, 6)?;
    Ok(u64::try_from(amount.units()).map_err(|_| format!("{text}: too much"))?)
}

async fn client(arguments: &Client) -> Result<Report, Fault> {
    let words = arguments.command.clone();
    let name = words.join(" ");
    let drive: Arc<dyn Drive> = match (words.is_empty(), arguments.lines) {
        (true, _) => Arc::new(listen::Listen::default()),
        (_, true) => Arc::new(Lines::new(words)),
        (_, false) => {
            if !words.iter().any(|word| word.contains("{url}")) {
                return Err("the command needs {url} in its arguments".into());
            }
            Arc::new(attacks::Command::new(words))
        }
    };
    let name = if name.is_empty() {
        "a client that was told what to request".into()
    } else {
        name
    };
    let mut client = attacks::Client::new(name, drive)
        .most(units(&arguments.most)?)
        .time(Duration::from_secs(arguments.timeout))
        .only(arguments.form.only.clone());
    if let Some(budget) = &arguments.budget {
        client = client.budget(units(budget)?);
    }
    Ok(client.attack().await?)
}
