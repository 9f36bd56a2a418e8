//! The facilitator API as a service: `POST /verify`, `POST /settle`, `GET /supported` and `GET /health` over any
//!
//! [`Facilitator`](http402_core::seam::Facilitator).
//!
//! It settles for whom it was told to: networks, assets and payees are allow-lists, and an empty list allows nothing. A
//! settlement goes on when its client leaves, its outcome is in the ledger before it is told, and the same bytes get the same
//! answer again.

mod answer;
mod config;
mod settle;

pub use config::{Allowed, Builder, ConfigError};

use crate::server::{
    answer::{Answer, reply},
    settle::Desk,
};
use http::{Method, Request, Response, header};
use http_body::Body;
use http_body_util::{BodyExt, Full, Limited};
use http402_core::{Bytes, Claim, Reason, Verdict, seam::Boxed};
use http402_x402::{
    V1, network,
    reply::{SupportedKind, SupportedResponse, VerifyResponse},
    request::{self, RequestError},
};
use std::{
    convert::Infallible,
    fmt,
    sync::Arc,
    task::{Context, Poll},
};

/// The service. Cheap to clone; every connection gets a clone.
#[derive(Clone)]
pub struct Server(Arc<Inner>);

pub(crate) struct Inner {
    desk: Arc<Desk>,
    allowed: Allowed,
    token: Option<Box<str>>,
    signers: Vec<String>,
    body_cap: usize,
}

impl fmt::Debug for Server {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Server")
            .field("allowed", &self.0.allowed)
            .field("token", &self.0.token.as_ref().map(|_| "[redacted]"))
            .finish_non_exhaustive()
    }
}

/// Whether two texts are equal, in a time that tells their lengths alone.
fn same(a: &[u8], b: &[u8]) -> bool {
    a.len() == b.len() && a.iter().zip(b).fold(0, |diff, (a, b)| diff | (a ^ b)) == 0
}

impl Server {
    /// Answers one request, whose body is there.
    pub async fn answer(&self, request: Request<Bytes>) -> Response<Bytes> {
        self.route(request).await.into_response()
    }

    async fn route(&self, request: Request<Bytes>) -> Answer {
        let call = (request.method(), request.uri().path());
        if call == (&Method::GET, "/health") {
            return Answer::ok(r#"{"status":"ok"}"#);
        }
        if !self.admits(&request) {
            return Answer::Unauthorized;
        }
        match call {
            (&Method::GET, "/supported") => self.supported().await,
            (&Method::POST, "/verify") => match self.claim(&request) {
                Ok(claim) => self.verify(&claim).await,
                Err(answer) => answer.verification(),
            },
            (&Method::POST, "/settle") => match self.claim(&request) {
                Ok(claim) => self.0.desk.settle(claim).await,
                Err(answer) => answer.settlement(),
            },
            (_, "/verify" | "/settle") => Answer::MethodNotAllowed("POST"),
            (_, "/supported" | "/health") => Answer::MethodNotAllowed("GET"),
            _ => Answer::NotFound,
        }
    }

    fn admits(&self, request: &Request<Bytes>) -> bool {
        let Some(token) = &self.0.token else {
            return true;
        };
        let given = request.headers().get(header::AUTHORIZATION);
        let given = given.and_then(|value| value.as_bytes().strip_prefix(b"Bearer "));
        given.is_some_and(|given| same(given, token.as_bytes()))
    }

    /// The claim that a body makes, if this facilitator is for it.
    fn claim(&self, request: &Request<Bytes>) -> Result<Claim, Answer> {
        if request.body().len() > self.0.body_cap {
            return Err(Answer::TooLong(self.0.body_cap));
        }
        let claim = request::parse(request.body()).map_err(|error| match error {
            RequestError::Refused(why) => Answer::No(why, None),
            RequestError::Malformed(error) => Answer::Malformed(error),
            _ => Answer::No(Reason::PayloadMalformed, None),
        })?;
        match self.0.allowed.allows(&claim) {
            Ok(()) => Ok(claim),
            Err(why) => Err(Answer::No(why, Some(Box::new(claim)))),
        }
    }

    async fn supported(&self) -> Answer {
        let kinds = match self.0.desk.facilitator.supported().await {
            Ok(kinds) => kinds,
            Err(_) => return Answer::Unavailable,
        };
        let kinds: Vec<SupportedKind> = kinds
            .iter()
            .filter(|kind| self.0.allowed.network(&kind.chain))
            .filter_map(|kind| {
                let name = kind.chain.to_string();
                Some(match kind.protocol {
                    V1 => SupportedKind::new(1, &kind.scheme, network::name(&kind.chain)?),
                    http402_x402::V2 => SupportedKind::new(2, &kind.scheme, &name),
                    _ => return None,
                })
            })
            .collect();
        Answer::ok(SupportedResponse::new(&kinds, &self.0.signers).encode())
    }

    async fn verify(&self, claim: &Claim) -> Answer {
        match self.0.desk.facilitator.verify(claim).await {
            Err(_) | Ok(Verdict::NeedsChain) => Answer::Unavailable,
            Ok(verdict) => match VerifyResponse::of(claim, &verdict) {
                Some(reply) => Answer::ok(reply.encode()),
                None => Answer::Unavailable,
            },
        }
    }
}

impl<B> tower_service::Service<Request<B>> for Server
where
    B: Body + Send + 'static,
    B::Data: Send,
    B::Error: Into<Box<dyn std::error::Error + Send + Sync>>,
{
    type Response = Response<Full<bytes::Bytes>>;
    type Error = Infallible;
    type Future = Boxed<'static, Result<Self::Response, Infallible>>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), Infallible>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, request: Request<B>) -> Self::Future {
        let server = self.clone();
        Box::pin(async move {
            let (head, body) = request.into_parts();
            let limited = Limited::new(body, server.0.body_cap);
            let answer = match limited.collect().await {
                Ok(body) => {
                    let body = Bytes::from(body.to_bytes().to_vec());
                    server.route(Request::from_parts(head, body)).await
                }
                Err(_) => Answer::TooLong(server.0.body_cap),
            };
            Ok(reply(&answer).map(Full::new))
        })
    }
}
