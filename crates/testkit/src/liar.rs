//! A facilitator that lies, delays, drops and mistypes on command: an HTTP server on loopback in front of an honest one.
//!
//! It tells the truth, that is what the honest one answers, until it is told what to do with the next request for a path.

use bytes::Bytes;
use http::{HeaderValue, Request, Response, StatusCode, header};
use http_body_util::{BodyExt, Full};
use hyper::{body::Incoming, service::service_fn};
use hyper_util::rt::TokioIo;
use std::{
    collections::{HashMap, VecDeque},
    fmt,
    future::Future,
    io,
    net::SocketAddr,
    pin::Pin,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};
use tokio::{net::TcpListener, task::JoinHandle};

/// What the liar does with one request.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Lie {
    /// Answers this status with this body, as JSON, and asks nobody.
    Says(u16, String),
    /// Has the honest one do it, and then answers this status with this body instead of his answer.
    DoesAndSays(u16, String),
    /// Closes the connection, and asks nobody.
    Drops,
    /// Has the honest one do it, and then closes the connection: the answer is lost.
    DoesAndDrops,
    /// Waits, and then tells the truth.
    Delays(Duration),
    /// Answers nothing and keeps the connection open.
    Hangs,
    /// Sends the client somewhere else.
    Redirects(String),
    /// Asks to come again after so many seconds: 429 with `Retry-After`.
    Busy(u64),
    /// Answers 200 with a body of so many bytes that is no JSON.
    Floods(usize),
}

/// What answers honestly.
pub type Honest = Arc<
    dyn Fn(Request<Bytes>) -> Pin<Box<dyn Future<Output = Response<Bytes>> + Send>> + Send + Sync,
>;

#[derive(Default)]
struct State {
    lies: HashMap<String, VecDeque<Lie>>,
    heard: Vec<(String, Bytes)>,
}

/// A running liar. It stops when it is dropped.
pub struct Liar {
    address: SocketAddr,
    state: Arc<Mutex<State>>,
    task: JoinHandle<()>,
}

impl fmt::Debug for Liar {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Liar")
            .field("address", &self.address)
            .finish_non_exhaustive()
    }
}

impl Drop for Liar {
    fn drop(&mut self) {
        self.task.abort();
    }
}

fn lock(state: &Mutex<State>) -> MutexGuard<'_, State> {
    state.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Liar {
    /// Starts on a free port of loopback, in front of `honest`.
    ///
    /// # Errors
    /// When no port can be had.
    pub async fn start(honest: Honest) -> io::Result<Self> {
        let listener = TcpListener::bind(("127.0.0.1", 0)).await?;
        let address = listener.local_addr()?;
        let state = Arc::<Mutex<State>>::default();
        let shared = state.clone();
        let task = tokio::spawn(async move {
            // A set of connections that ends with the server.
            let mut connections = tokio::task::JoinSet::new();
            while let Ok((stream, _)) = listener.accept().await {
                let (honest, state) = (honest.clone(), shared.clone());
                connections.spawn(async move {
                    let service =
                        service_fn(|request| answer(honest.clone(), state.clone(), request));
                    // A connection that breaks is what some lies are about.
                    let _ = hyper::server::conn::http1::Builder::new()
                        .serve_connection(TokioIo::new(stream), service)
                        .await;
                });
                while connections.try_join_next().is_some() {}
            }
        });
        Ok(Self {
            address,
            state,
            task,
        })
    }

    /// Its base URL.
    pub fn url(&self) -> String {
        format!("http://{}", self.address)
    }

    /// What to do with the next request for this path (`/settle`), after what it was told before.
    pub fn next(&self, path: &str, lie: Lie) {
        lock(&self.state)
            .lies
            .entry(path.into())
            .or_default()
            .push_back(lie);
    }

    /// The bodies of the requests for this path so far.
    pub fn heard(&self, path: &str) -> Vec<Bytes> {
        let state = lock(&self.state);
        state
            .heard
            .iter()
            .filter(|(heard, _)| heard == path)
            .map(|(_, body)| body.clone())
            .collect()
    }
}

/// The connection is closed without an answer.
#[derive(Debug)]
struct Gone;

impl fmt::Display for Gone {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("dropped on command")
    }
}

impl std::error::Error for Gone {}

async fn answer(
    honest: Honest,
    state: Arc<Mutex<State>>,
    request: Request<Incoming>,
) -> Result<Response<Full<Bytes>>, Gone> {
    let (head, body) = request.into_parts();
    let body = body.collect().await.map_err(|_| Gone)?.to_bytes();
    let path = head.uri.path().to_owned();
    let lie = {
        let mut state = lock(&state);
        state.heard.push((path.clone(), body.clone()));
        state.lies.get_mut(&path).and_then(VecDeque::pop_front)
    };
    let truth = || honest(Request::from_parts(head, body));
    let response = match lie {
        None => truth().await,
        Some(Lie::Delays(time)) => {
            tokio::time::sleep(time).await;
            truth().await
        }
        Some(Lie::Says(status, text)) => json(status, text.into()),
        Some(Lie::DoesAndSays(status, text)) => {
            truth().await;
            json(status, text.into())
        }
        Some(Lie::Drops) => return Err(Gone),
        Some(Lie::DoesAndDrops) => {
            truth().await;
            return Err(Gone);
        }
        Some(Lie::Hangs) => std::future::pending().await,
        Some(Lie::Redirects(to)) => with(json(307, Bytes::new()), header::LOCATION, &to),
        Some(Lie::Busy(seconds)) => with(
            json(429, Bytes::new()),
            header::RETRY_AFTER,
            &seconds.to_string(),
        ),
        Some(Lie::Floods(size)) => json(200, vec![b'['; size].into()),
    };
    Ok(response.map(Full::new))
}

fn json(status: u16, body: Bytes) -> Response<Bytes> {
    let mut response = Response::new(body);
    *response.status_mut() =
        StatusCode::from_u16(status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
    with(response, header::CONTENT_TYPE, "application/json")
}

fn with(mut response: Response<Bytes>, name: header::HeaderName, value: &str) -> Response<Bytes> {
    if let Ok(value) = HeaderValue::from_str(value) {
        response.headers_mut().insert(name, value);
    }
    response
}
