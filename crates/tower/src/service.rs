use crate::{
    body::BoundBody,
    config::{Builder, Target},
    price::{Bypass, Price},
};
use bytes::Bytes;
use http::{Method, Request, Response, header, request::Parts};
use http_body::Body;
use http_body_util::BodyExt;
use http402_core::{Requested, Resource, seam::Boxed};
use http402_flow::server::{Arrival, Gate, Handled, Outcome, Seams, drive};
use std::{
    borrow::Cow,
    error::Error,
    fmt,
    sync::Arc,
    task::{Context, Poll},
};
use tower_layer::Layer;
use tower_service::Service;

pub(crate) struct Shared {
    pub(crate) seams: Seams,
    pub(crate) gate: Gate,
    pub(crate) base_url: Box<str>,
    pub(crate) price: Arc<dyn Price>,
    pub(crate) bypass: Option<Arc<Bypass>>,
    pub(crate) target: Option<Arc<Target>>,
    pub(crate) description: String,
    pub(crate) mime_type: String,
}

/// Asks for payment before the service is called. Put it on the route or the service that has the price: it gates what
/// runs, not a path.
#[derive(Clone)]
pub struct PayLayer(Arc<Shared>);

impl PayLayer {
    /// Begins to put a paywall together.
    pub fn builder(seams: Seams) -> Builder {
        Builder::new(seams)
    }

    pub(crate) fn new(shared: Shared) -> Self {
        Self(Arc::new(shared))
    }

    /// The terms of its gate, for [`recover`](crate::recover).
    pub fn gate(&self) -> &Gate {
        &self.0.gate
    }
}

impl fmt::Debug for PayLayer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("PayLayer")
            .field("gate", &self.0.gate)
            .finish_non_exhaustive()
    }
}

impl<S> Layer<S> for PayLayer {
    type Service = Pay<S>;

    fn layer(&self, inner: S) -> Pay<S> {
        Pay {
            inner,
            shared: self.0.clone(),
        }
    }
}

/// A service behind a [`PayLayer`].
#[derive(Clone)]
pub struct Pay<S> {
    inner: S,
    shared: Arc<Shared>,
}

impl<S: fmt::Debug> fmt::Debug for Pay<S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Pay")
            .field("inner", &self.inner)
            .finish_non_exhaustive()
    }
}

impl<S, B, R> Service<Request<B>> for Pay<S>
where
    S: Service<Request<B>, Response = Response<R>> + Clone + Send + 'static,
    S::Future: Send,
    S::Error: Send,
    B: Send + 'static,
    R: Body + From<Bytes> + Send + 'static,
    R::Data: Send,
    R::Error: Into<Box<dyn Error + Send + Sync>>,
{
    type Response = Response<R>;
    type Error = S::Error;
    type Future = Boxed<'static, Result<Response<R>, S::Error>>;

    fn poll_ready(&mut self, context: &mut Context<'_>) -> Poll<Result<(), S::Error>> {
        self.inner.poll_ready(context)
    }

    fn call(&mut self, request: Request<B>) -> Self::Future {
        // The service that was polled ready is the one that is called; its clone waits for the next request.
        let next = self.inner.clone();
        let inner = std::mem::replace(&mut self.inner, next);
        let shared = self.shared.clone();
        Box::pin(async move { shared.serve(inner, request).await })
    }
}

impl Shared {
    async fn serve<S, B, R>(
        &self,
        mut inner: S,
        request: Request<B>,
    ) -> Result<Response<R>, S::Error>
    where
        S: Service<Request<B>, Response = Response<R>> + Send,
        S::Future: Send,
        R: Body + From<Bytes> + Send + 'static,
        R::Data: Send,
        R::Error: Into<Box<dyn Error + Send + Sync>>,
    {
        let (head, body) = request.into_parts();
        if preflight(&head) || self.bypassed(&head).await {
            return inner.call(Request::from_parts(head, body)).await;
        }
        // Without a price nothing is offered, and the gate answers with 500.
        let requirements = self.price.price(&head).await.unwrap_or_default();
        let target = match &self.target {
            Some(target) => Cow::Owned(target(&head)),
            None => Cow::Borrowed(
                head.uri
                    .path_and_query()
                    .map_or("/", |target| target.as_str()),
            ),
        };
        let resource = Resource::new([&*self.base_url, &*target].concat())
            .describe(&self.description, &self.mime_type);
        let bound = head.extensions.get::<BoundBody>().cloned();
        let digest = bound.as_ref().map(BoundBody::digest);
        let Parts {
            method,
            uri,
            version,
            headers,
            extensions,
            ..
        } = head;
        let arrival = Arrival {
            method: &method,
            headers: &headers,
            request: Requested::new(method.as_str(), &resource.url, digest),
            body: bound.as_ref().map(BoundBody::as_slice),
            resource: &resource,
            requirements: &requirements,
        };
        let cap = self.gate.kept_body();
        let outcome = drive(&self.seams, &self.gate, arrival, |paid| async move {
            let mut request = Request::new(body);
            *request.method_mut() = arrival.method.clone();
            *request.uri_mut() = uri;
            *request.version_mut() = version;
            *request.headers_mut() = arrival.headers.clone();
            *request.extensions_mut() = extensions;
            request.extensions_mut().insert(paid);
            let response = inner.call(request).await?;
            Ok(keep(response, cap).await)
        })
        .await?;
        Ok(match outcome {
            Outcome::Served(response) => response,
            Outcome::Answered(response) => response.map(|body| R::from(body.0)),
        })
    }

    async fn bypassed(&self, head: &Parts) -> bool {
        match &self.bypass {
            Some(bypass) => bypass(head).await.unwrap_or(false),
            None => false,
        }
    }
}

/// A CORS preflight carries no credential and reaches no resource.
fn preflight(head: &Parts) -> bool {
    head.method == Method::OPTIONS
        && head.headers.contains_key(header::ORIGIN)
        && head
            .headers
            .contains_key(header::ACCESS_CONTROL_REQUEST_METHOD)
}

/// Reads a body that says how short it is, so that it can be given again to a client that lost the answer. Any other body is
/// left to be streamed.
async fn keep<R>(response: Response<R>, cap: usize) -> Handled<R>
where
    R: Body + From<Bytes>,
    R::Error: Into<Box<dyn Error + Send + Sync>>,
{
    let exact = response
        .body()
        .size_hint()
        .exact()
        .and_then(|size| usize::try_from(size).ok());
    if exact.is_none_or(|size| size > cap) {
        return Handled {
            response,
            body: None,
        };
    }
    let (head, body) = response.into_parts();
    match body.collect().await {
        Ok(collected) => {
            let bytes = collected.to_bytes();
            Handled {
                response: Response::from_parts(head, R::from(bytes.clone())),
                body: Some(bytes.into()),
            }
        }
        Err(_) => {
            // The handler broke off its own body: nothing was delivered, and nothing is settled.
            let mut response = Response::new(R::from(Bytes::new()));
            *response.status_mut() = http::StatusCode::INTERNAL_SERVER_ERROR;
            Handled {
                response,
                body: None,
            }
        }
    }
}
