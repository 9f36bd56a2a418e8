use bytes::Bytes;
use http::{Request, Response, StatusCode};
use http_body::Body;
use http_body_util::{BodyExt, LengthLimitError, Limited};
use http402_core::{B256, keccak256, seam::Boxed};
use std::{
    error::Error,
    task::{Context, Poll},
};
use tower_layer::Layer;
use tower_service::Service;

/// The body of a request, as a request extension: with it a payment is bound to the body, too.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct BoundBody(Bytes);

impl BoundBody {
    /// A body that was read whole.
    pub fn new(bytes: Bytes) -> Self {
        Self(bytes)
    }

    /// The bytes.
    pub fn as_slice(&self) -> &[u8] {
        &self.0
    }

    pub(crate) fn digest(&self) -> B256 {
        keccak256(&self.0)
    }
}

/// Reads request bodies up to a cap and leaves each behind as a [`BoundBody`]. Put it outside of a
/// [`PayLayer`](crate::PayLayer) whose payments are to be bound to bodies; a longer body gets 413.
#[derive(Clone, Copy, Debug)]
pub struct DigestBodyLayer {
    cap: usize,
}

impl DigestBodyLayer {
    /// Bodies of up to `cap` bytes.
    pub fn new(cap: usize) -> Self {
        Self { cap }
    }
}

impl<S> Layer<S> for DigestBodyLayer {
    type Service = DigestBody<S>;

    fn layer(&self, inner: S) -> DigestBody<S> {
        DigestBody {
            inner,
            cap: self.cap,
        }
    }
}

/// A service behind a [`DigestBodyLayer`].
#[derive(Clone, Debug)]
pub struct DigestBody<S> {
    inner: S,
    cap: usize,
}

impl<S, B, R> Service<Request<B>> for DigestBody<S>
where
    S: Service<Request<B>, Response = Response<R>> + Clone + Send + 'static,
    S::Future: Send,
    S::Error: Send,
    B: Body + From<Bytes> + Send + 'static,
    B::Data: Send,
    B::Error: Into<Box<dyn Error + Send + Sync>>,
    R: From<Bytes> + Send + 'static,
{
    type Response = Response<R>;
    type Error = S::Error;
    type Future = Boxed<'static, Result<Response<R>, S::Error>>;

    fn poll_ready(&mut self, context: &mut Context<'_>) -> Poll<Result<(), S::Error>> {
        self.inner.poll_ready(context)
    }

    fn call(&mut self, request: Request<B>) -> Self::Future {
        let next = self.inner.clone();
        let mut inner = std::mem::replace(&mut self.inner, next);
        let cap = self.cap;
        Box::pin(async move {
            let (mut head, body) = request.into_parts();
            let bytes = match Limited::new(body, cap).collect().await {
                Ok(collected) => collected.to_bytes(),
                Err(error) => {
                    let mut response = Response::new(R::from(Bytes::new()));
                    *response.status_mut() = if error.is::<LengthLimitError>() {
                        StatusCode::PAYLOAD_TOO_LARGE
                    } else {
                        StatusCode::BAD_REQUEST
                    };
                    return Ok(response);
                }
            };
            head.extensions.insert(BoundBody::new(bytes.clone()));
            inner.call(Request::from_parts(head, B::from(bytes))).await
        })
    }
}
