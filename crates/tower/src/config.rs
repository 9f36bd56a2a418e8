use crate::{
    price::{Bypass, Price, PriceError, Priced},
    service::{PayLayer, Shared},
};
use http::{Uri, request::Parts, uri::Scheme};
use http402_core::{Requirement, protocol::Protocol};
use http402_flow::server::{Gate, GateError, Seams, Till};
use std::{error::Error, fmt, future::Future, net::IpAddr, sync::Arc};

/// Why a paywall can not be built. It is said at start, not at the first request.
#[derive(Debug)]
#[non_exhaustive]
pub enum ConfigError {
    /// The public base URL is missing: without it the resource's URL would come from the request, which its sender writes.
    NoBaseUrl,
    /// The public base URL is not an absolute `http` or `https` URL.
    BaseUrl,
    /// The public base URL is plain `http` for a host that is neither loopback nor allowed.
    PlainHttp,
    /// There is no price.
    NoPrice,
    /// The protocols are missing or doubled.
    Gate(GateError),
}

impl fmt::Display for ConfigError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NoBaseUrl => f.write_str("the public base url is missing"),
            Self::BaseUrl => {
                f.write_str("the public base url is not an absolute http or https url")
            }
            Self::PlainHttp => {
                f.write_str("the public base url is plain http, and its host is not allowed to be")
            }
            Self::NoPrice => f.write_str("the price is missing"),
            Self::Gate(error) => fmt::Display::fmt(error, f),
        }
    }
}

impl Error for ConfigError {}

impl From<GateError> for ConfigError {
    fn from(error: GateError) -> Self {
        Self::Gate(error)
    }
}

/// Puts a paywall together.
pub struct Builder {
    seams: Seams,
    protocols: Vec<Arc<dyn Protocol>>,
    base_url: Option<String>,
    plain_http: Vec<String>,
    price: Option<Arc<dyn Price>>,
    empty_price: bool,
    bypass: Option<Arc<Bypass>>,
    target: Option<Arc<Target>>,
    description: String,
    mime_type: String,
    gate: Box<dyn FnOnce(Gate) -> Gate + Send>,
}

pub(crate) type Target = dyn Fn(&Parts) -> String + Send + Sync;

impl Builder {
    pub(crate) fn new(seams: Seams) -> Self {
        Self {
            seams,
            protocols: Vec::new(),
            base_url: None,
            plain_http: Vec::new(),
            price: None,
            empty_price: false,
            bypass: None,
            target: None,
            description: String::new(),
            mime_type: String::new(),
            gate: Box::new(|gate| gate),
        }
    }

    /// Adds a protocol to be paid in. The order is that of the offers.
    #[must_use]
    pub fn protocol(mut self, protocol: impl Protocol + 'static) -> Self {
        self.protocols.push(Arc::new(protocol));
        self
    }

    /// Adds protocols to be paid in.
    #[must_use]
    pub fn protocols(mut self, protocols: impl IntoIterator<Item = Arc<dyn Protocol>>) -> Self {
        self.protocols.extend(protocols);
        self
    }

    /// The URL under which clients reach this service, without a path of its own or with the prefix of its paths. Required.
    #[must_use]
    pub fn base_url(mut self, url: impl Into<String>) -> Self {
        self.base_url = Some(url.into());
        self
    }

    /// Allows plain `http` for this host. Without TLS anybody on the way can take the payment's credential.
    #[must_use]
    pub fn allow_plain_http(mut self, host: impl Into<String>) -> Self {
        self.plain_http.push(host.into());
        self
    }

    /// A fixed price: the ways to pay, in the order of preference.
    #[must_use]
    pub fn price(mut self, requirements: impl Into<Vec<Requirement>>) -> Self {
        let requirements = requirements.into();
        self.empty_price = requirements.is_empty();
        self.price = Some(Arc::new(requirements));
        self
    }

    /// A price that depends on the request. An error, and no requirement at all, are answered with 500.
    #[must_use]
    pub fn price_with<F, R>(mut self, price: F) -> Self
    where
        F: Fn(&Parts) -> R + Send + Sync + 'static,
        R: Future<Output = Result<Vec<Requirement>, PriceError>> + Send + 'static,
    {
        self.price = Some(Arc::new(Priced(price)));
        self.empty_price = false;
        self
    }

    /// Lets requests through without payment: subscribers, health checks. An error means no.
    #[must_use]
    pub fn bypass<F, R>(mut self, bypass: F) -> Self
    where
        F: Fn(&Parts) -> R + Send + Sync + 'static,
        R: Future<Output = Result<bool, Box<dyn Error + Send + Sync>>> + Send + 'static,
    {
        self.bypass = Some(Arc::new(move |head: &Parts| {
            let answer = bypass(head);
            Box::pin(answer) as _
        }));
        self
    }

    /// The path and query that name the resource, where they are not those of the request: behind a router that strips a
    /// prefix, for example. Default: the request's own.
    #[must_use]
    pub fn target(mut self, target: impl Fn(&Parts) -> String + Send + Sync + 'static) -> Self {
        self.target = Some(Arc::new(target));
        self
    }

    /// What is sold, for people, and its media type.
    #[must_use]
    pub fn describe(
        mut self,
        description: impl Into<String>,
        mime_type: impl Into<String>,
    ) -> Self {
        self.description = description.into();
        self.mime_type = mime_type.into();
        self
    }

    /// Changes the terms of the gate: how long things take and what is kept.
    #[must_use]
    pub fn terms(mut self, terms: impl FnOnce(Gate) -> Gate + Send + 'static) -> Self {
        self.gate = Box::new(terms);
        self
    }

    /// The layer.
    ///
    /// # Errors
    /// When something is missing or can not be right.
    pub fn build(self) -> Result<PayLayer, ConfigError> {
        let base_url = self.base_url.ok_or(ConfigError::NoBaseUrl)?;
        check_base_url(&base_url, &self.plain_http)?;
        let price = self
            .price
            .filter(|_| !self.empty_price)
            .ok_or(ConfigError::NoPrice)?;
        let mut gate = (self.gate)(Gate::new(self.protocols)?);
        if price.fixed().is_some() {
            gate = gate.steady();
        }
        Ok(PayLayer::new(Shared {
            till: Till::new(self.seams, gate),
            base_url: base_url.trim_end_matches('/').into(),
            price,
            bypass: self.bypass,
            target: self.target,
            description: self.description,
            mime_type: self.mime_type,
        }))
    }
}

impl fmt::Debug for Builder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Builder")
            .field("base_url", &self.base_url)
            .finish_non_exhaustive()
    }
}

fn check_base_url(url: &str, plain_http: &[String]) -> Result<(), ConfigError> {
    let uri: Uri = url.parse().map_err(|_| ConfigError::BaseUrl)?;
    let (Some(scheme), Some(host)) = (uri.scheme(), uri.host()) else {
        return Err(ConfigError::BaseUrl);
    };
    if uri.query().is_some() {
        return Err(ConfigError::BaseUrl);
    }
    if *scheme == Scheme::HTTPS {
        return Ok(());
    }
    if *scheme != Scheme::HTTP {
        return Err(ConfigError::BaseUrl);
    }
    let bare = host.trim_start_matches('[').trim_end_matches(']');
    let loopback = host.eq_ignore_ascii_case("localhost")
        || bare
            .parse::<IpAddr>()
            .is_ok_and(|address| address.is_loopback());
    if loopback
        || plain_http
            .iter()
            .any(|allowed| allowed.eq_ignore_ascii_case(host))
    {
        Ok(())
    } else {
        Err(ConfigError::PlainHttp)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn s57_plain_http_needs_loopback_or_a_name() {
        for good in [
            "https://a.example",
            "https://a.example/v1/",
            "http://127.0.0.1:8080",
            "http://[::1]:1",
            "http://localhost",
        ] {
            assert!(check_base_url(good, &[]).is_ok(), "{good}");
        }
        assert!(matches!(
            check_base_url("http://a.example", &[]),
            Err(ConfigError::PlainHttp)
        ));
        assert!(check_base_url("http://a.example", &["A.example".into()]).is_ok());
        for bad in [
            "",
            "a.example",
            "/path",
            "ftp://a.example",
            "https://a.example/?q",
        ] {
            assert!(
                matches!(check_base_url(bad, &[]), Err(ConfigError::BaseUrl)),
                "{bad}"
            );
        }
    }
}
