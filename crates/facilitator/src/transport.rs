use http::{Request, Response};
use http402_core::{
    Bytes,
    seam::{Boxed, Clock, SeamError},
};
use std::{
    fmt,
    future::{Future, poll_fn},
    pin::pin,
    task::Poll,
    time::Duration,
};

/// Carries one request to the facilitator and its response back, without following redirects and without asking again.
pub trait Transport: Send + Sync {
    /// Sends the request and reads the response. Of the body at most `limit` bytes are read: a longer one fails.
    ///
    /// # Errors
    /// [`Failed`], which says whether the request can have arrived.
    fn send(
        &self,
        request: Request<Bytes>,
        limit: usize,
    ) -> Boxed<'_, Result<Response<Bytes>, Failed>>;
}

/// Why there is no response.
#[derive(Debug)]
#[non_exhaustive]
pub enum Failed {
    /// The request did not leave: no connection.
    NotSent(SeamError),
    /// The request may have arrived.
    Lost(SeamError),
}

impl fmt::Display for Failed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::NotSent(_) => "the request was not sent",
            Self::Lost(_) => "the response was lost",
        })
    }
}

impl std::error::Error for Failed {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        let (Self::NotSent(error) | Self::Lost(error)) = self;
        Some(&**error)
    }
}

/// What the future gives within that time.
pub(crate) async fn within<T>(
    clock: &dyn Clock,
    time: Duration,
    future: impl Future<Output = T>,
) -> Option<T> {
    let mut future = pin!(future);
    let mut late = clock.sleep(time);
    poll_fn(|context| {
        if let Poll::Ready(value) = future.as_mut().poll(context) {
            return Poll::Ready(Some(value));
        }
        late.as_mut().poll(context).map(|()| None)
    })
    .await
}

/// A transport over reqwest.
#[cfg(feature = "reqwest")]
#[derive(Clone, Debug)]
pub struct Reqwest(reqwest::Client);

#[cfg(feature = "reqwest")]
impl Reqwest {
    /// A client with its own connections. A redirect of a payment is an answer that makes no sense, so none is followed.
    ///
    /// # Errors
    /// When reqwest can not be started.
    pub fn new() -> Result<Self, SeamError> {
        Self::with(reqwest::Client::builder())
    }

    /// A client with these settings, and without redirects.
    ///
    /// # Errors
    /// When reqwest can not be started.
    pub fn with(builder: reqwest::ClientBuilder) -> Result<Self, SeamError> {
        let client = builder
            .redirect(reqwest::redirect::Policy::none())
            .connect_timeout(Duration::from_secs(5))
            .build()?;
        Ok(Self(client))
    }
}

#[cfg(feature = "reqwest")]
impl Transport for Reqwest {
    fn send(
        &self,
        request: Request<Bytes>,
        limit: usize,
    ) -> Boxed<'_, Result<Response<Bytes>, Failed>> {
        Box::pin(async move {
            let (head, body) = request.into_parts();
            let sent = self
                .0
                .request(head.method, head.uri.to_string())
                .headers(head.headers)
                .body(body.to_vec())
                .send()
                .await;
            // The URL may hold a secret, and errors are logged.
            let mut answer =
                sent.map_err(|error| match error.is_connect() || error.is_builder() {
                    true => Failed::NotSent(error.without_url().into()),
                    false => Failed::Lost(error.without_url().into()),
                })?;
            let mut read = Vec::new();
            while let Some(chunk) = answer
                .chunk()
                .await
                .map_err(|error| Failed::Lost(error.without_url().into()))?
            {
                if read.len() + chunk.len() > limit {
                    return Err(Failed::Lost("the response is too long".into()));
                }
                read.extend_from_slice(&chunk);
            }
            let mut response = Response::new(Bytes::from(read));
            *response.status_mut() = answer.status();
            *response.headers_mut() = answer.headers().clone();
            Ok(response)
        })
    }
}
