use crate::{
    body::BoundBody,
    config::{Builder, Target},
    price::{Bypass, Price},
};
use bytes::Bytes;
use http::{HeaderMap, Method, Request, Response, header, request::Parts};
use http_body::Body;
use http_body_util::BodyExt;
use http402_core::{Requested, Requirement, Resource, seam::Boxed};
use http402_flow::server::{Arrival, Gate, Handled, Outcome, Seams, Till, drive, refuse};
use std::{
    borrow::Cow,
    error::Error,
    fmt,
    future::Future,
    pin::Pin,
    sync::Arc,
    task::{Context, Poll},
};
use tower_layer::Layer;
use tower_service::Service;

pub(crate) struct Shared {
    pub(crate) till: Arc<Till>,
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
        self.0.till.gate()
    }
}

impl fmt::Debug for PayLayer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("PayLayer")
            .field("gate", self.gate())
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
    type Future = PayFuture<R, S::Error>;

    fn poll_ready(&mut self, context: &mut Context<'_>) -> Poll<Result<(), S::Error>> {
        self.inner.poll_ready(context)
    }

    fn call(&mut self, request: Request<B>) -> Self::Future {
        // The service that was polled ready is the one that is called; its clone waits for the next request. What it has reserved
        // goes with it, also when nobody pays.
        let next = self.inner.clone();
        let inner = std::mem::replace(&mut self.inner, next);
        let (head, body) = request.into_parts();
        if let Some(response) = self.shared.at_once(&head) {
            return PayFuture(Going::Done(Some(response.map(|body| R::from(body.0)))));
        }
        let shared = self.shared.clone();
        PayFuture(Going::On(Box::pin(async move {
            shared.serve(inner, head, body).await
        })))
    }
}

/// The way of a request through a [`Pay`].
pub struct PayFuture<R, E>(Going<R, E>);

enum Going<R, E> {
    /// There was nothing to wait for.
    Done(Option<Response<R>>),
    On(Boxed<'static, Result<Response<R>, E>>),
}

/// Nothing in it is pinned: what waits stands in a box.
impl<R, E> Unpin for PayFuture<R, E> {}

impl<R, E> Future for PayFuture<R, E> {
    type Output = Result<Response<R>, E>;

    fn poll(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Self::Output> {
        match &mut self.0 {
            Going::Done(response) => match response.take() {
                Some(response) => Poll::Ready(Ok(response)),
                // It has been told already.
                None => Poll::Pending,
            },
            Going::On(going) => going.as_mut().poll(context),
        }
    }
}

impl<R, E> fmt::Debug for PayFuture<R, E> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("PayFuture")
    }
}

impl Shared {
    /// The answer to a request that carries no payment, where there is nothing to ask anybody for.
    fn at_once(&self, head: &Parts) -> Option<Response<http402_core::Bytes>> {
        if self.bypass.is_some() || preflight(head) {
            return None;
        }
        let requirements = self.price.fixed()?;
        if self.till.gate().carries(&head.headers) {
            return None;
        }
        let resource = self.resource(head);
        let bound = head.extensions.get::<BoundBody>();
        refuse(
            &self.till,
            arrival(&head.method, &head.headers, bound, &resource, requirements),
        )
    }

    fn resource(&self, head: &Parts) -> Resource {
        let target = match &self.target {
            Some(target) => Cow::Owned(target(head)),
            None => Cow::Borrowed(
                head.uri
                    .path_and_query()
                    .map_or("/", |target| target.as_str()),
            ),
        };
        Resource::new([&*self.base_url, &*target].concat())
            .describe(&self.description, &self.mime_type)
    }

    async fn serve<S, B, R>(
        &self,
        mut inner: S,
        head: Parts,
        body: B,
    ) -> Result<Response<R>, S::Error>
    where
        S: Service<Request<B>, Response = Response<R>> + Send,
        S::Future: Send,
        R: Body + From<Bytes> + Send + 'static,
        R::Data: Send,
        R::Error: Into<Box<dyn Error + Send + Sync>>,
    {
        if preflight(&head) || self.bypassed(&head).await {
            return inner.call(Request::from_parts(head, body)).await;
        }
        // Without a price nothing is offered, and the gate answers with 500.
        let requirements = match self.price.fixed() {
            Some(fixed) => Cow::Borrowed(fixed),
            None => self.price.price(&head).await.unwrap_or_default(),
        };
        let resource = self.resource(&head);
        let bound = head.extensions.get::<BoundBody>().cloned();
        let Parts {
            method,
            uri,
            version,
            headers,
            extensions,
            ..
        } = head;
        let arrival = arrival(&method, &headers, bound.as_ref(), &resource, &requirements);
        let cap = self.till.gate().kept_body();
        let outcome = drive(&self.till, arrival, |paid| async move {
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

fn arrival<'a>(
    method: &'a Method,
    headers: &'a HeaderMap,
    bound: Option<&'a BoundBody>,
    resource: &'a Resource,
    requirements: &'a [Requirement],
) -> Arrival<'a> {
    let digest = bound.map(BoundBody::digest);
    Arrival {
        method,
        headers,
        request: Requested::new(method.as_str(), &resource.url, digest),
        body: bound.map(BoundBody::as_slice),
        resource,
        requirements,
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
