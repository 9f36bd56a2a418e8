//! Hostile sellers on loopback, and what was said to them.

use crate::attacks::dialect::Dialect;
use base64::{
    Engine,
    alphabet::STANDARD,
    engine::{DecodePaddingMode, GeneralPurpose, GeneralPurposeConfig},
};
use bytes::Bytes;
use http::{HeaderMap, Request, Response};
use http_body_util::{BodyExt, Full, Limited};
use http402_core::U256;
use hyper::{body::Incoming, service::service_fn};
use hyper_util::rt::TokioIo;
use serde_json::Value;
use std::{
    fmt, io,
    sync::{
        Arc, Mutex, MutexGuard, PoisonError,
        atomic::{AtomicUsize, Ordering},
    },
};
use tokio::{net::TcpListener, task::JoinHandle};

/// How many requests are answered before a seller falls silent.
const MOST: usize = 500;

const LENIENT: GeneralPurpose = GeneralPurpose::new(
    &STANDARD,
    GeneralPurposeConfig::new().with_decode_padding_mode(DecodePaddingMode::Indifferent),
);

/// What a client signed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Credential {
    pub(super) dialect: Dialect,
    /// The header, as it was sent.
    pub(super) header: String,
    /// The document in it, `null` when it can not be read.
    pub(super) document: Value,
}

impl Credential {
    fn of(headers: &HeaderMap) -> Vec<Self> {
        let of = |dialect: Dialect| {
            headers.get_all(dialect.header()).iter().map(move |value| {
                let header = String::from_utf8_lossy(value.as_bytes()).into_owned();
                let bytes = LENIENT.decode(&header).unwrap_or_default();
                Self {
                    dialect,
                    document: serde_json::from_slice(&bytes).unwrap_or_default(),
                    header,
                }
            })
        };
        Dialect::ALL.into_iter().flat_map(of).collect()
    }

    fn signed(&self) -> &Value {
        &self.document["payload"]["authorization"]
    }

    /// What can not be executed twice: the nonce, or all of it when there is none.
    pub(super) fn nonce(&self) -> String {
        match self.signed()["nonce"].as_str() {
            Some(nonce) => nonce.to_lowercase(),
            None => self.header.clone(),
        }
    }

    pub(super) fn value(&self) -> Option<U256> {
        self.signed()["value"].as_str()?.parse().ok()
    }

    pub(super) fn to(&self) -> String {
        self.signed()["to"].as_str().unwrap_or("?").to_lowercase()
    }

    pub(super) fn ends(&self) -> Option<U256> {
        self.signed()["validBefore"].as_str()?.parse().ok()
    }

    pub(super) fn network(&self) -> &str {
        let document = match self.dialect {
            Dialect::X402V2 => &self.document["accepted"]["network"],
            Dialect::X402V1 => &self.document["network"],
        };
        document.as_str().unwrap_or("?")
    }

    pub(super) fn signature(&self) -> Option<&str> {
        self.document["payload"]["signature"].as_str()
    }
}

/// One request.
#[derive(Clone, Debug)]
pub(super) struct Taken {
    /// Which of the sellers got it.
    pub(super) origin: usize,
    /// How many that one got before.
    pub(super) nth: usize,
    pub(super) target: String,
    pub(super) headers: HeaderMap,
    pub(super) credentials: Vec<Credential>,
}

/// What a seller does with a request.
pub(super) enum Reply {
    Answer(Response<Bytes>),
    HangUp,
}

/// What the sellers of one attack do; they know each other's URLs.
pub(super) type Script = Arc<dyn Fn(&[String], &Taken) -> Reply + Send + Sync>;

/// The sellers of one attack. They stop when they are dropped.
pub(super) struct Stage {
    pub(super) urls: Vec<String>,
    log: Arc<Mutex<Vec<Taken>>>,
    tasks: Vec<JoinHandle<()>>,
}

impl Drop for Stage {
    fn drop(&mut self) {
        self.tasks.iter().for_each(JoinHandle::abort);
    }
}

/// The connection is closed without an answer.
#[derive(Debug)]
struct Gone;

impl fmt::Display for Gone {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("hung up on purpose")
    }
}

impl std::error::Error for Gone {}

fn lock<T>(state: &Mutex<T>) -> MutexGuard<'_, T> {
    state.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Stage {
    /// Starts so many sellers, each on a free port of loopback: `activity` counts what they are asked.
    pub(super) async fn open(
        sellers: usize,
        script: Script,
        activity: Arc<AtomicUsize>,
    ) -> io::Result<Self> {
        let mut listeners = Vec::new();
        for _ in 0..sellers {
            listeners.push(TcpListener::bind(("127.0.0.1", 0)).await?);
        }
        let mut urls = Vec::new();
        for listener in &listeners {
            urls.push(format!("http://{}", listener.local_addr()?));
        }
        let log = Arc::<Mutex<Vec<Taken>>>::default();
        let shared: Arc<[String]> = urls.clone().into();
        let tasks = listeners.into_iter().enumerate().map(|(origin, listener)| {
            let seller = Seller {
                origin,
                urls: shared.clone(),
                script: script.clone(),
                log: log.clone(),
                activity: activity.clone(),
            };
            tokio::spawn(seller.listen(listener))
        });
        let tasks = tasks.collect();
        Ok(Self { urls, log, tasks })
    }

    pub(super) fn taken(&self) -> Vec<Taken> {
        lock(&self.log).clone()
    }
}

#[derive(Clone)]
struct Seller {
    origin: usize,
    urls: Arc<[String]>,
    script: Script,
    log: Arc<Mutex<Vec<Taken>>>,
    activity: Arc<AtomicUsize>,
}

impl Seller {
    async fn listen(self, listener: TcpListener) {
        // A set of connections that ends with the seller.
        let mut connections = tokio::task::JoinSet::new();
        while let Ok((stream, _)) = listener.accept().await {
            let seller = self.clone();
            connections.spawn(async move {
                let service = service_fn(|request| seller.answer(request));
                // A connection that breaks is what some attacks are about.
                let _ = hyper::server::conn::http1::Builder::new()
                    .keep_alive(false)
                    .serve_connection(TokioIo::new(stream), service)
                    .await;
            });
            while connections.try_join_next().is_some() {}
        }
    }

    async fn answer(&self, request: Request<Incoming>) -> Result<Response<Full<Bytes>>, Gone> {
        let (head, body) = request.into_parts();
        let _ = Limited::new(body, 1 << 20).collect().await;
        let taken = {
            let mut log = lock(&self.log);
            if log.len() >= MOST {
                return Err(Gone);
            }
            let nth = log.iter().filter(|one| one.origin == self.origin).count();
            let taken = Taken {
                origin: self.origin,
                nth,
                target: head.uri.to_string(),
                credentials: Credential::of(&head.headers),
                headers: head.headers,
            };
            log.push(taken.clone());
            taken
        };
        self.activity.fetch_add(1, Ordering::SeqCst);
        match (self.script)(&self.urls, &taken) {
            Reply::Answer(response) => Ok(response.map(Full::new)),
            Reply::HangUp => Err(Gone),
        }
    }
}
