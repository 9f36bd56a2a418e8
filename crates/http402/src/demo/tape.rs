use crate::serve::Closed;
use axum::{Router, body::Body};
use bytes::Bytes;
use http::{HeaderMap, Request, Response, StatusCode};
use http_body_util::{BodyExt, Full};
use hyper::body::Incoming;
use std::sync::{
    Arc, Mutex, PoisonError,
    atomic::{AtomicBool, Ordering},
};
use tower_service::Service;

/// What went over the wire at the seller's door.
#[derive(Clone)]
pub(super) struct Exchange {
    pub(super) method: String,
    pub(super) path: String,
    pub(super) sent: HeaderMap,
    pub(super) status: StatusCode,
    pub(super) received: HeaderMap,
    pub(super) body: Bytes,
    /// The answer was made, and the connection was closed before it left.
    pub(super) lost: bool,
}

/// Records exchanges, and loses an answer on command.
#[derive(Default)]
pub(super) struct Tape {
    exchanges: Mutex<Vec<Exchange>>,
    lose: AtomicBool,
}

impl Tape {
    /// The next answer with status 200 gets lost.
    pub(super) fn lose_next(&self) {
        self.lose.store(true, Ordering::SeqCst);
    }

    /// What was recorded since the last call.
    pub(super) fn take(&self) -> Vec<Exchange> {
        let mut exchanges = self
            .exchanges
            .lock()
            .unwrap_or_else(PoisonError::into_inner);
        std::mem::take(&mut exchanges)
    }

    /// Serves a request with the router, on the record.
    pub(super) async fn through(
        self: Arc<Self>,
        mut router: Router,
        request: Request<Incoming>,
    ) -> Result<Response<Full<Bytes>>, Closed> {
        let method = request.method().to_string();
        let path = request.uri().path().to_owned();
        let sent = request.headers().clone();
        let response = match router.call(request.map(Body::new)).await {
            Ok(response) => response,
            Err(never) => match never {},
        };
        let (head, body) = response.into_parts();
        let body = body.collect().await.map_err(|_| Closed)?.to_bytes();
        let lost = head.status == StatusCode::OK && self.lose.swap(false, Ordering::SeqCst);
        let exchange = Exchange {
            method,
            path,
            sent,
            status: head.status,
            received: head.headers.clone(),
            body: body.clone(),
            lost,
        };
        self.exchanges
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .push(exchange);
        if lost {
            return Err(Closed);
        }
        Ok(Response::from_parts(head, Full::new(body)))
    }
}
