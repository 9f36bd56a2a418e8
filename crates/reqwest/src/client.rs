use crate::{Error, OsEntropy, RequestBuilder, Tokio, redirect, transport::Leg};
use http402_core::{Bytes, ParseError, ledger::Ledger, seam::Signer};
use http402_flow::client::{self, Buyer, IdempotencyKey, Payment, Policy, Reply};
use reqwest::{Client, ClientBuilder, IntoUrl, Method, Request, Response};
use std::{sync::Arc, time::Duration};

/// How many redirects of an unpaid request are followed.
const REDIRECTS: usize = 10;
/// How long one read, and the head of a response, may take. A seller waits for its facilitator meanwhile, so its time-out
/// is shorter than this.
const READ: Duration = Duration::from_secs(90);
const CONNECT: Duration = Duration::from_secs(10);

/// A buyer on tokio's clock, with randomness of the operating system. Add protocols, and a view of the chain if there is one.
pub fn buyer(policy: Policy, signer: Arc<dyn Signer>, ledger: Arc<dyn Ledger>) -> Buyer {
    Buyer::new(policy, signer, ledger, Arc::new(Tokio), Arc::new(OsEntropy))
}

/// A reqwest client that pays what its buyer's policy allows.
///
/// Redirects are followed while nothing is paid, and each URL is then asked anew: a payment goes to the very URL that asked
/// for it, and a redirect of a paid request is handed over. Cheap to clone.
#[derive(Clone, Debug)]
pub struct PayingClient {
    http: Client,
    buyer: Arc<Buyer>,
    redirects: usize,
    stays: bool,
}

impl PayingClient {
    /// A client with time-outs longer than those of sellers: 10 seconds to connect, 90 for each read.
    ///
    /// # Errors
    /// When reqwest can not be started.
    pub fn new(buyer: Buyer) -> Result<Self, Error> {
        let http = Client::builder().connect_timeout(CONNECT);
        Self::with(http.read_timeout(READ), buyer)
    }

    /// A client with these settings. Its redirect policy is replaced: this client follows redirects itself.
    ///
    /// # Errors
    /// When reqwest can not be started.
    pub fn with(http: ClientBuilder, buyer: Buyer) -> Result<Self, Error> {
        Ok(Self {
            http: http.redirect(reqwest::redirect::Policy::none()).build()?,
            buyer: Arc::new(buyer),
            redirects: REDIRECTS,
            stays: false,
        })
    }

    /// Follows at most so many redirects, 10 unless told. The one after the last is handed over.
    #[must_use]
    pub fn redirects(mut self, most: usize) -> Self {
        self.redirects = most;
        self
    }

    /// Pays the origin that was asked, and no other: a redirect to another one is [`Error::OtherOrigin`]. Without it each URL
    /// that a redirect leads to is asked anew, and may be paid as far as the policy allows.
    #[must_use]
    pub fn same_origin(mut self) -> Self {
        self.stays = true;
        self
    }

    /// Who pays: to recover after a start, or to write an attempt off.
    pub fn buyer(&self) -> &Buyer {
        &self.buyer
    }

    /// Begins a `GET`.
    pub fn get(&self, url: impl IntoUrl) -> RequestBuilder {
        self.request(Method::GET, url)
    }

    /// Begins a `POST`.
    pub fn post(&self, url: impl IntoUrl) -> RequestBuilder {
        self.request(Method::POST, url)
    }

    /// Begins a `PUT`.
    pub fn put(&self, url: impl IntoUrl) -> RequestBuilder {
        self.request(Method::PUT, url)
    }

    /// Begins a `PATCH`.
    pub fn patch(&self, url: impl IntoUrl) -> RequestBuilder {
        self.request(Method::PATCH, url)
    }

    /// Begins a `DELETE`.
    pub fn delete(&self, url: impl IntoUrl) -> RequestBuilder {
        self.request(Method::DELETE, url)
    }

    /// Begins a `HEAD`.
    pub fn head(&self, url: impl IntoUrl) -> RequestBuilder {
        self.request(Method::HEAD, url)
    }

    /// Begins a request.
    pub fn request(&self, method: Method, url: impl IntoUrl) -> RequestBuilder {
        RequestBuilder::new(self.http.request(method, url), self.clone())
    }

    /// Sends a request, and pays for it if that is asked for and allowed. The response, whatever its status, tells what was
    /// paid; see [`Payments`].
    ///
    /// # Errors
    /// See [`Error`].
    pub async fn execute(&self, request: Request) -> Result<Response, Error> {
        let reply = self.pay(request, None).await?;
        let mut response = reply.response.into_body();
        response.extensions_mut().insert(reply.payment);
        Ok(response)
    }

    /// The same, for one purchase that the caller may name, with all that is known of it.
    ///
    /// # Errors
    /// See [`Error`].
    pub async fn pay(
        &self,
        mut request: Request,
        key: Option<IdempotencyKey>,
    ) -> Result<Reply<Response>, Error> {
        let mut left = self.redirects;
        loop {
            let leg = Leg {
                http: &self.http,
                template: &request,
            };
            let reply = self.buyer.pay(&leg, plain(&request, key.clone())?).await?;
            let next = match reply.payment {
                Payment::None if left > 0 => redirect::follow(&request, reply.response.body()),
                _ => None,
            };
            match next {
                Some(next) if self.stays && next.url().origin() != request.url().origin() => {
                    return Err(Error::OtherOrigin);
                }
                Some(next) => request = next,
                None => return Ok(reply),
            }
            left -= 1;
        }
    }
}

/// The request in terms of the `http` crate.
fn plain(request: &Request, key: Option<IdempotencyKey>) -> Result<http::Request<Bytes>, Error> {
    let body = match request.body() {
        None => Bytes::new(),
        Some(body) => Bytes::copy_from_slice(body.as_bytes().ok_or(Error::OneShot)?),
    };
    let url = request.url().as_str().parse();
    let url = url.map_err(|_| client::Error::Url(ParseError::new("url", "not usable in http")))?;
    let mut plain = http::Request::new(body);
    *plain.method_mut() = request.method().clone();
    *plain.uri_mut() = url;
    *plain.headers_mut() = request.headers().clone();
    if let Some(key) = key {
        plain.extensions_mut().insert(key);
    }
    Ok(plain)
}

/// What a response tells of the payment for it.
pub trait Payments {
    /// What became of the payment; `None` for a response of another client.
    fn payment(&self) -> Option<&Payment>;
}

impl Payments for Response {
    fn payment(&self) -> Option<&Payment> {
        self.extensions().get()
    }
}
