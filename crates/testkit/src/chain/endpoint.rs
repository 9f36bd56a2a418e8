//! JSON-RPC over HTTP on loopback.

use std::convert::Infallible;
use std::io;
use std::net::{Ipv4Addr, SocketAddr};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::thread::JoinHandle;

use bytes::Bytes;
use http::{Request, Response, StatusCode, header};
use http_body_util::{BodyExt, Full, Limited};
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::TokioIo;
use serde_json::{Value, json};
use tokio::net::TcpListener;
use tokio::sync::watch;

use super::Chain;
use super::error::RpcError;
use super::fault::{Fault, Faults};

/// A view of a chain over HTTP, on a port of its own. One chain may have several, each with its own faults.
/// The port closes when this is dropped; the chain lives on.
#[derive(Debug)]
pub struct Endpoint {
    address: SocketAddr,
    url: String,
    shared: Arc<Shared>,
    stop: Option<watch::Sender<()>>,
    thread: Option<JoinHandle<()>>,
}

#[derive(Debug)]
struct Shared {
    chain: Chain,
    faults: Mutex<Faults>,
    seen: Mutex<Vec<String>>,
    paused: watch::Sender<bool>,
}

impl Endpoint {
    pub(super) fn start(chain: Chain, port: u16) -> io::Result<Self> {
        let listener = std::net::TcpListener::bind((Ipv4Addr::LOCALHOST, port))?;
        listener.set_nonblocking(true)?;
        let address = listener.local_addr()?;
        let shared = Arc::new(Shared {
            chain,
            faults: Mutex::default(),
            seen: Mutex::default(),
            paused: watch::Sender::new(false),
        });
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .build()?;
        let (stop, stopped) = watch::channel(());
        let accepting = accept(listener, Arc::clone(&shared), stopped);
        let thread = std::thread::Builder::new()
            .name(format!("chain rpc {}", address.port()))
            .spawn(move || drop(runtime.block_on(accepting)))?;
        Ok(Self {
            address,
            url: format!("http://{address}"),
            shared,
            stop: Some(stop),
            thread: Some(thread),
        })
    }

    /// The URL to give to a client, as in `http://127.0.0.1:43817`.
    pub fn url(&self) -> &str {
        &self.url
    }

    /// The address that is listened on.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// The chain behind the endpoint.
    pub fn chain(&self) -> &Chain {
        &self.shared.chain
    }

    /// Lets the next `times` requests of a method (or of any, if `None`) fail. Of several faults that fit a
    /// request, the one asked for first is taken.
    pub fn inject(&self, method: Option<&str>, times: u32, fault: Fault) {
        if times > 0 {
            lock(&self.shared.faults).add(method, times, fault);
        }
    }

    /// Takes back all faults that have not happened yet.
    pub fn clear_faults(&self) {
        lock(&self.shared.faults).clear();
    }

    /// Lets every request wait, unread, until [`resume`](Self::resume).
    pub fn pause(&self) {
        self.shared.paused.send_replace(true);
    }

    /// Answers what waited.
    pub fn resume(&self) {
        self.shared.paused.send_replace(false);
    }

    /// The methods requested so far, in order, whether answered or not.
    pub fn seen(&self) -> Vec<String> {
        lock(&self.shared.seen).clone()
    }

    /// How often a method was requested so far.
    pub fn count(&self, method: &str) -> usize {
        let seen = lock(&self.shared.seen);
        seen.iter().filter(|name| *name == method).count()
    }
}

impl Drop for Endpoint {
    fn drop(&mut self) {
        drop(self.stop.take());
        if let Some(thread) = self.thread.take() {
            // A panic in there was a request's, and the client has seen it as a closed connection.
            let _ = thread.join();
        }
    }
}

async fn accept(
    listener: std::net::TcpListener,
    shared: Arc<Shared>,
    mut stopped: watch::Receiver<()>,
) -> io::Result<()> {
    let listener = TcpListener::from_std(listener)?;
    loop {
        let stream = tokio::select! {
            _ = stopped.changed() => return Ok(()),
            accepted = listener.accept() => match accepted {
                Ok((stream, _)) => stream,
                Err(_) => continue,
            },
        };
        let _ = stream.set_nodelay(true);
        let shared = Arc::clone(&shared);
        let service = service_fn(move |request| answer(Arc::clone(&shared), request));
        let connection = http1::Builder::new().serve_connection(TokioIo::new(stream), service);
        tokio::spawn(async move {
            // Errors are clients that left, or connections that a fault closes.
            let _ = connection.await;
        });
    }
}

/// The connection is to be closed without an answer.
#[derive(Debug)]
struct Closed;

impl std::fmt::Display for Closed {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("closed on purpose")
    }
}

impl std::error::Error for Closed {}

async fn answer(
    shared: Arc<Shared>,
    request: Request<Incoming>,
) -> Result<Response<Full<Bytes>>, Closed> {
    let mut paused = shared.paused.subscribe();
    let _ = paused.wait_for(|paused| !paused).await;
    let body = Limited::new(request.into_body(), LARGEST_BODY)
        .collect()
        .await;
    let Ok(body) = body.map(http_body_util::Collected::to_bytes) else {
        return Ok(status(StatusCode::PAYLOAD_TOO_LARGE));
    };
    let value = match serde_json::from_slice(&body) {
        Ok(Value::Array(requests)) => {
            let mut answers = Vec::with_capacity(requests.len());
            for request in requests {
                match one(&shared, request).await? {
                    Reply::Json(answer) => answers.push(answer),
                    Reply::Raw(response) => return Ok(response),
                }
            }
            Value::Array(answers)
        }
        Ok(request) => match one(&shared, request).await? {
            Reply::Json(answer) => answer,
            Reply::Raw(response) => return Ok(response),
        },
        Err(error) => failure(
            &Value::Null,
            &RpcError::new(-32700, format!("parse error: {error}")),
        ),
    };
    Ok(respond(value.to_string()))
}

enum Reply {
    Json(Value),
    Raw(Response<Full<Bytes>>),
}

async fn one(shared: &Shared, mut request: Value) -> Result<Reply, Closed> {
    let id = request["id"].take();
    let Value::String(method) = request["method"].take() else {
        return Ok(Reply::Json(failure(
            &id,
            &RpcError::new(-32600, "invalid request"),
        )));
    };
    lock(&shared.seen).push(method.clone());
    let fault = lock(&shared.faults).take(&method);
    let mut execute = || shared.chain.request(&method, request["params"].take());
    let result = match fault {
        None => execute(),
        Some(Fault::Error(error)) => Err(error),
        Some(Fault::Status(code)) => {
            let code = StatusCode::from_u16(code).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
            return Ok(Reply::Raw(status(code)));
        }
        Some(Fault::Garbage(bytes)) => return Ok(Reply::Raw(respond(bytes))),
        Some(Fault::Refuse) => return Err(Closed),
        Some(Fault::LoseAnswer) => {
            let _ = execute();
            return Err(Closed);
        }
        Some(Fault::Hang) => never().await,
        Some(Fault::HangAfter) => {
            let _ = execute();
            never().await
        }
        Some(Fault::Delay(time)) => {
            tokio::time::sleep(time).await;
            execute()
        }
        Some(Fault::Null) => execute().map(|_| Value::Null),
    };
    Ok(Reply::Json(match result {
        Ok(result) => json!({ "jsonrpc": "2.0", "id": id, "result": result }),
        Err(error) => failure(&id, &error),
    }))
}

async fn never<T>() -> T {
    let never: Infallible = std::future::pending().await;
    match never {}
}

fn failure(id: &Value, error: &RpcError) -> Value {
    let mut object = json!({ "code": error.code(), "message": error.message() });
    if let Some(data) = error.data() {
        object["data"] = json!(data);
    }
    json!({ "jsonrpc": "2.0", "id": id, "error": object })
}

fn respond(body: impl Into<Bytes>) -> Response<Full<Bytes>> {
    let mut response = Response::new(Full::new(body.into()));
    let json = header::HeaderValue::from_static("application/json");
    response.headers_mut().insert(header::CONTENT_TYPE, json);
    response
}

fn status(code: StatusCode) -> Response<Full<Bytes>> {
    let mut response = Response::new(Full::default());
    *response.status_mut() = code;
    response
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

const LARGEST_BODY: usize = 16 << 20;
