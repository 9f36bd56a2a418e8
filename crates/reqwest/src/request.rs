use crate::{Error, PayingClient};
use http402_flow::client::{IdempotencyKey, Reply};
use reqwest::{
    Body, Response,
    header::{HeaderMap, HeaderName, HeaderValue},
};
use std::{fmt, future::Future, time::Duration};

/// A request that is being built. It has what most requests need; [`RequestBuilder::map`] gives all of reqwest's.
#[derive(Debug)]
#[must_use = "a request does nothing until it is sent"]
pub struct RequestBuilder {
    inner: reqwest::RequestBuilder,
    client: PayingClient,
    key: Option<IdempotencyKey>,
}

impl RequestBuilder {
    pub(crate) fn new(inner: reqwest::RequestBuilder, client: PayingClient) -> Self {
        Self {
            inner,
            client,
            key: None,
        }
    }

    /// Changes reqwest's own builder.
    pub fn map(
        mut self,
        change: impl FnOnce(reqwest::RequestBuilder) -> reqwest::RequestBuilder,
    ) -> Self {
        self.inner = change(self.inner);
        self
    }

    /// Adds a header.
    pub fn header<K, V>(self, key: K, value: V) -> Self
    where
        HeaderName: TryFrom<K>,
        <HeaderName as TryFrom<K>>::Error: Into<http::Error>,
        HeaderValue: TryFrom<V>,
        <HeaderValue as TryFrom<V>>::Error: Into<http::Error>,
    {
        self.map(|inner| inner.header(key, value))
    }

    /// Sets these headers.
    pub fn headers(self, headers: HeaderMap) -> Self {
        self.map(|inner| inner.headers(headers))
    }

    /// Authenticates with a token.
    pub fn bearer_auth(self, token: impl fmt::Display) -> Self {
        self.map(|inner| inner.bearer_auth(token))
    }

    /// Sets the body. A stream is refused when the request is sent.
    pub fn body(self, body: impl Into<Body>) -> Self {
        self.map(|inner| inner.body(body))
    }

    /// Bounds each sending of the request, from the connection to the end of its response.
    pub fn timeout(self, timeout: Duration) -> Self {
        self.map(|inner| inner.timeout(timeout))
    }

    /// Names the purchase: with the same name it is made once, however often it is asked for.
    pub fn idempotency_key(mut self, key: &str) -> Self {
        self.key = Some(IdempotencyKey::new(key));
        self
    }

    /// Sends the request, and pays for it if that is asked for and allowed.
    ///
    /// # Errors
    /// See [`Error`].
    pub async fn send(self) -> Result<Response, Error> {
        let reply = self.pay().await?;
        let mut response = reply.response.into_body();
        response.extensions_mut().insert(reply.payment);
        Ok(response)
    }

    /// The same, with all that is known of the payment.
    ///
    /// # Errors
    /// See [`Error`].
    pub async fn pay(self) -> Result<Reply<Response>, Error> {
        self.client.pay(self.inner.build()?, self.key).await
    }
}

/// Sends what reqwest's own builder has built through a paying client.
pub trait SendPaid {
    /// Sends the request with `client`, and pays for it if that is asked for and allowed. The settings of the client that
    /// began the request play no part.
    fn send_paid(
        self,
        client: &PayingClient,
    ) -> impl Future<Output = Result<Response, Error>> + Send;
}

impl SendPaid for reqwest::RequestBuilder {
    async fn send_paid(self, client: &PayingClient) -> Result<Response, Error> {
        client.execute(self.build()?).await
    }
}
