//! JSON-RPC over HTTP on loopback.

use std::io;
use std::net::{Ipv4Addr, SocketAddr};
use std::ops::Deref;
use std::sync::Arc;
use std::thread::JoinHandle;

use bytes::Bytes;
use http::{HeaderValue, Request, Response, StatusCode, header};
use http_body_util::{BodyExt, Full, Limited};
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::TokioIo;
use tokio::net::TcpListener;
use tokio::sync::watch;

use super::Chain;
use super::gate::{Closed, Gate};

/// A [`Gate`] to a chain on a port of its own. One chain may have several, each with its own faults. The port
/// closes when this is dropped; the chain lives on.
#[derive(Debug)]
pub struct Endpoint {
    address: SocketAddr,
    url: String,
    gate: Arc<Gate>,
    stop: Option<watch::Sender<()>>,
    thread: Option<JoinHandle<()>>,
}

impl Endpoint {
    pub(super) fn start(chain: Chain, port: u16) -> io::Result<Self> {
        let listener = std::net::TcpListener::bind((Ipv4Addr::LOCALHOST, port))?;
        listener.set_nonblocking(true)?;
        let address = listener.local_addr()?;
        let gate = Arc::new(Gate::new(chain));
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .build()?;
        let (stop, stopped) = watch::channel(());
        let accepting = accept(listener, Arc::clone(&gate), stopped);
        let thread = std::thread::Builder::new()
            .name(format!("chain rpc {}", address.port()))
            .spawn(move || drop(runtime.block_on(accepting)))?;
        Ok(Self {
            address,
            url: format!("http://{address}"),
            gate,
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
}

impl Deref for Endpoint {
    type Target = Gate;

    fn deref(&self) -> &Gate {
        &self.gate
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
    gate: Arc<Gate>,
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
        let gate = Arc::clone(&gate);
        let service = service_fn(move |request| answer(Arc::clone(&gate), request));
        let connection = http1::Builder::new().serve_connection(TokioIo::new(stream), service);
        tokio::spawn(async move {
            // Errors are clients that left, or connections that a fault closes.
            let _ = connection.await;
        });
    }
}

async fn answer(
    gate: Arc<Gate>,
    request: Request<Incoming>,
) -> Result<Response<Full<Bytes>>, Closed> {
    let body = Limited::new(request.into_body(), LARGEST_BODY);
    let Ok(body) = body.collect().await else {
        return Ok(respond(StatusCode::PAYLOAD_TOO_LARGE, Vec::new()));
    };
    let (status, body) = gate.exchange(&body.to_bytes()).await?;
    let status = StatusCode::from_u16(status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
    Ok(respond(status, body))
}

fn respond(status: StatusCode, body: Vec<u8>) -> Response<Full<Bytes>> {
    let mut response = Response::new(Full::from(body));
    *response.status_mut() = status;
    let json = HeaderValue::from_static("application/json");
    response.headers_mut().insert(header::CONTENT_TYPE, json);
    response
}

const LARGEST_BODY: usize = 16 << 20;
