//! Attacks on what sells.

mod binding;
mod charge;
mod form;
mod once;
mod paths;
mod scene;
mod spelling;
mod web;

use super::{
    Boxed,
    catalogue::Aim,
    dialect::{self, Offer},
    payment::{Payment, stranger},
    report::{Report, Seen, Tally, not_here},
    rpc::Node,
    wire::{Dial, Heard, Wire, plain},
};
use http::Uri;
use http402_evm::development::is_test_chain;
use http402_verify::LocalKey;
use scene::{Scene, Target};
use std::{
    fmt,
    net::IpAddr,
    time::{Duration, Instant},
};

type Each = for<'a> fn(&'a Scene, &'a Offer) -> Boxed<'a, Seen>;

/// How an attack is made, and so what it needs.
#[derive(Clone, Copy)]
enum Run {
    /// Once, and the target has but to answer.
    Target(for<'a> fn(&'a Scene) -> Boxed<'a, Seen>),
    /// For each protocol, with an offer to answer by a key that owns nothing.
    Offer(Each),
    /// For each protocol, with payments that could settle.
    Payment(Each),
}

struct Attack {
    id: u8,
    expected: &'static str,
    run: Run,
}

/// Why a target is not attacked.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Unfit {
    /// Not an absolute `http` or `https` URL.
    Url,
    /// Another machine, and nobody has said that it may be attacked.
    Elsewhere,
    /// `https`, and nothing was given that opens such connections.
    NoTls,
    /// The node can not be asked: not plain HTTP, on another machine, or it does not answer.
    Node,
    /// No port of loopback is to be had.
    Port,
    /// It does not answer at all.
    Dead,
    /// It does not ask for payment; the status that it answers instead.
    Free(u16),
    /// The honest payment was not taken: what came back for each way to pay.
    NotPaid(Vec<String>),
}

impl fmt::Display for Unfit {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Url => f.write_str("not an absolute http or https url"),
            Self::Elsewhere => {
                f.write_str("the target is another machine, and was not named twice")
            }
            Self::NoTls => f.write_str("https is not at hand for this target"),
            Self::Node => {
                f.write_str("the node does not answer, or is not one of plain http on this machine")
            }
            Self::Port => f.write_str("no port of loopback is to be had"),
            Self::Dead => f.write_str("the target does not answer"),
            Self::Free(status) => {
                write!(
                    f,
                    "the target does not ask for payment: it answers {status}"
                )
            }
            Self::NotPaid(why) => {
                write!(f, "the honest payment was not taken: {}", why.join("; "))
            }
        }
    }
}

impl std::error::Error for Unfit {}

/// A server to attack, and what may be used for it.
pub struct Server {
    target: Target,
    dial: Option<Dial>,
    https: bool,
    key: Option<LocalKey>,
    rpc: Option<String>,
    remote: bool,
    patience: Duration,
    limit: Duration,
    only: Vec<u8>,
}

impl Server {
    /// The server with the paid resource at this URL.
    ///
    /// # Errors
    /// When it is not an absolute `http` or `https` URL.
    pub fn new(url: &str) -> Result<Self, Unfit> {
        let uri: Uri = url.parse().map_err(|_| Unfit::Url)?;
        let (Some(scheme), Some(authority)) = (uri.scheme_str(), uri.authority()) else {
            return Err(Unfit::Url);
        };
        if !matches!(scheme, "http" | "https") {
            return Err(Unfit::Url);
        }
        let path = uri.path_and_query().map_or("/", |path| path.as_str());
        Ok(Self {
            target: Target {
                url: url.into(),
                host: authority.host().into(),
                port: authority
                    .port_u16()
                    .unwrap_or(if scheme == "https" { 443 } else { 80 }),
                authority: authority.to_string(),
                path: path.into(),
                method: "GET".into(),
                headers: Vec::new(),
                body: Vec::new(),
                also: None,
                failing: None,
            },
            dial: None,
            https: scheme == "https",
            key: None,
            rpc: None,
            remote: false,
            patience: Duration::from_secs(20),
            limit: Duration::from_secs(300),
            only: Vec::new(),
        })
    }

    /// How the resource is requested. Default: GET without a body.
    #[must_use]
    pub fn request(mut self, method: &str, headers: Vec<(String, String)>, body: &[u8]) -> Self {
        self.target.method = method.into();
        self.target.headers = headers;
        self.target.body = body.to_vec();
        self
    }

    /// The path of another paid resource of this server, for credentials that are taken elsewhere.
    #[must_use]
    pub fn also(mut self, path: impl Into<String>) -> Self {
        self.target.also = Some(path.into());
        self
    }

    /// The path of a paid resource of this server whose handler fails, for receipts on errors.
    #[must_use]
    pub fn failing(mut self, path: impl Into<String>) -> Self {
        self.target.failing = Some(path.into());
        self
    }

    /// Who pays: a key that owns the token of a test chain. Without one nothing is paid.
    #[must_use]
    pub fn key(mut self, key: LocalKey) -> Self {
        self.key = Some(key);
        self
    }

    /// A node of the chain, on plain HTTP and on this machine: with it settlements are counted.
    #[must_use]
    pub fn rpc(mut self, url: impl Into<String>) -> Self {
        self.rpc = Some(url.into());
        self
    }

    /// How connections are opened; it is needed for `https`.
    #[must_use]
    pub fn dial(mut self, dial: Dial) -> Self {
        self.dial = Some(dial);
        self
    }

    /// Attacks another machine too: whoever says so may do that. Nothing that could settle is sent to it.
    #[must_use]
    pub fn remote(mut self) -> Self {
        self.remote = true;
        self
    }

    /// How long to wait for one answer, and how long all of it may take. Default: 20 s and 300 s.
    #[must_use]
    pub fn time(mut self, answer: Duration, all: Duration) -> Self {
        self.patience = answer;
        self.limit = all;
        self
    }

    /// Makes these attacks alone.
    #[must_use]
    pub fn only(mut self, ids: impl Into<Vec<u8>>) -> Self {
        self.only = ids.into();
        self
    }

    fn wire(&self) -> Result<Wire, Unfit> {
        if !loopback(&self.target.host) && !self.remote {
            return Err(Unfit::Elsewhere);
        }
        let dial = match (&self.dial, self.https) {
            (Some(dial), _) => dial.clone(),
            (None, false) => plain(&self.target.host, self.target.port),
            (None, true) => return Err(Unfit::NoTls),
        };
        Ok(Wire {
            dial,
            patience: self.patience,
        })
    }

    async fn node(&self) -> Result<Option<Node>, Unfit> {
        let Some(url) = &self.rpc else {
            return Ok(None);
        };
        let uri: Uri = url.parse().map_err(|_| Unfit::Node)?;
        if !uri.host().is_some_and(loopback) {
            return Err(Unfit::Node);
        }
        let node = Node::at(url).ok_or(Unfit::Node)?;
        node.chain().await.ok_or(Unfit::Node)?;
        Ok(Some(node))
    }

    /// Attacks, and reports.
    ///
    /// # Errors
    /// When the target is not to be attacked, does not ask for payment, or does not take an honest one.
    pub async fn attack(self) -> Result<Report, Unfit> {
        let start = Instant::now();
        let wire = self.wire()?;
        let node = self.node().await?;
        // What is sent to another machine must not settle.
        let here = loopback(&self.target.host);
        let key = self.key.filter(|_| here);
        let mut scene = Scene::new(self.target, wire, key, node, here);
        let first = match scene.plain().await {
            Heard::Answer(answer) => answer,
            Heard::Closed | Heard::Silence => return Err(Unfit::Dead),
        };
        if first.status != 402 {
            return Err(Unfit::Free(first.status));
        }
        let mut notes = Vec::new();
        let offers = usable(dialect::offers(&first), &mut notes);
        scene.rpc_is_of(&offers).await?;
        let paid = charge::baseline(&mut scene, &mut notes).await;
        let offers = baseline(&mut scene, offers, paid, &mut notes).await?;
        let mut tally = Tally::default();
        for attack in attacks() {
            if !self.only.is_empty() && !self.only.contains(&attack.id) {
                tally.add(attack.id, attack.expected, "", not_here("not asked for"));
                continue;
            }
            run(&scene, &offers, &attack, start + self.limit, &mut tally).await;
        }
        charge::attack(&scene, paid, &self.only, start + self.limit, &mut tally).await;
        Ok(Report {
            target: scene.target.url.clone(),
            kind: "server",
            notes,
            requests: scene.requests(),
            millis: u64::try_from(start.elapsed().as_millis()).unwrap_or(u64::MAX),
            findings: tally.findings(Aim::Server),
        })
    }
}

impl fmt::Debug for Server {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Server")
            .field("url", &self.target.url)
            .field("remote", &self.remote)
            .finish_non_exhaustive()
    }
}

fn loopback(host: &str) -> bool {
    let bare = host.trim_matches(['[', ']']);
    host.eq_ignore_ascii_case("localhost")
        || bare
            .parse::<IpAddr>()
            .is_ok_and(|address| address.is_loopback())
}

/// One offer of a test chain for each protocol.
fn usable(all: Vec<Offer>, notes: &mut Vec<String>) -> Vec<Offer> {
    let mut offers: Vec<Offer> = Vec::new();
    for offer in all {
        if !is_test_chain(&offer.chain) {
            notes.push(format!(
                "an offer on {} is left alone: nothing is signed but for test chains",
                offer.chain
            ));
        } else if !offers.iter().any(|one| one.dialect == offer.dialect) {
            offers.push(offer);
        }
    }
    offers
}

/// An honest payment in each protocol: what does not take it can not be judged by what else it refuses.
async fn baseline(
    scene: &mut Scene,
    offers: Vec<Offer>,
    paid: bool,
    notes: &mut Vec<String>,
) -> Result<Vec<Offer>, Unfit> {
    if paid && offers.is_empty() {
        return Ok(offers);
    }
    if scene.key.is_none() || offers.is_empty() {
        notes.push("nothing is paid: what needs a payment is not tried".into());
        return Ok(offers);
    }
    let (mut taken, mut refused) = (Vec::new(), Vec::new());
    for offer in offers {
        let Some(payment) = scene.payment(&offer) else {
            continue;
        };
        let heard = scene.present(&payment, None).await;
        let about = format!(
            "{} on {}, {} units",
            offer.dialect.name(),
            offer.chain,
            offer.amount
        );
        match heard {
            Heard::Answer(answer) if answer.granted() => {
                notes.push(format!("pays {about}"));
                scene.goods = Some(answer);
                taken.push(offer);
            }
            heard => refused.push(format!("{about}: {}", heard.word())),
        }
    }
    if taken.is_empty() && !paid {
        return Err(Unfit::NotPaid(refused));
    }
    notes.extend(
        refused
            .iter()
            .map(|why| format!("the honest payment was not taken, {why}")),
    );
    Ok(taken)
}

fn attacks() -> Vec<Attack> {
    let parts = [
        once::attacks(),
        binding::attacks(),
        form::attacks(),
        paths::attacks(),
        web::attacks(),
    ];
    parts.into_iter().flatten().collect()
}

async fn run(
    scene: &Scene,
    offers: &[Offer],
    attack: &Attack,
    deadline: Instant,
    tally: &mut Tally,
) {
    let (id, expected) = (attack.id, attack.expected);
    let (each, why) = match attack.run {
        _ if Instant::now() > deadline => (None, "the time was up"),
        Run::Target(run) => {
            tally.add(id, expected, "", run(scene).await);
            return;
        }
        Run::Payment(_) if scene.key.is_none() && scene.here => {
            (None, "needs a payment, and no key was given")
        }
        Run::Payment(_) if scene.key.is_none() => (
            None,
            "needs a payment that could settle, and none is sent to another machine",
        ),
        _ if offers.is_empty() => (None, "needs an offer of the scheme exact on a test chain"),
        Run::Offer(run) | Run::Payment(run) => (Some(run), ""),
    };
    let Some(each) = each else {
        return tally.add(id, expected, "", not_here(why));
    };
    for offer in offers {
        let under = if offers.len() > 1 {
            offer.dialect.name()
        } else {
            ""
        };
        tally.add(id, expected, under, each(scene, offer).await);
    }
}

/// The same payment by a key that owns nothing.
fn penniless(offer: &Offer) -> (Payment, LocalKey) {
    let key = stranger();
    (Payment::honest(offer, &key), key)
}
