use crate::{
    remote::{Authorize, Call, Remote, Times},
    supported::Supported,
    transport::Transport,
};
use http::{HeaderMap, Uri};
use http402_core::seam::{Boxed, ChainView, Clock, SeamError};
use std::{fmt, sync::Arc, time::Duration};

/// Why a client of a facilitator can not be made.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum ConfigError {
    /// The URL is not an absolute one of http or https without a query.
    Url,
    /// Plain http to another machine: signatures and replies could be read and changed on the way.
    PlainHttp,
}

impl fmt::Display for ConfigError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Url => "the facilitator's url is not an absolute http or https url",
            Self::PlainHttp => "the facilitator's url is plain http to another machine",
        })
    }
}

impl std::error::Error for ConfigError {}

/// Makes a [`Remote`].
pub struct Builder {
    url: Box<str>,
    transport: Arc<dyn Transport>,
    clock: Arc<dyn Clock>,
    chain: Option<Arc<dyn ChainView>>,
    authorize: Option<Arc<Authorize>>,
    plain: Vec<Box<str>>,
    times: Times,
}

impl Builder {
    pub(crate) fn new(url: &str, transport: Arc<dyn Transport>, clock: Arc<dyn Clock>) -> Self {
        Self {
            url: url.into(),
            transport,
            clock,
            chain: None,
            authorize: None,
            plain: Vec::new(),
            times: Times::default(),
        }
    }

    /// A view of the chain, which finds out what a facilitator can no longer tell. Without one, a settlement whose answer
    /// was lost stays unknown for as long as the facilitator does not confirm it.
    #[must_use]
    pub fn chain_view(mut self, chain: Arc<dyn ChainView>) -> Self {
        self.chain = Some(chain);
        self
    }

    /// Gives the headers for one call, and is asked before each: tokens may live shorter than this client.
    #[must_use]
    pub fn authorize(
        mut self,
        headers: impl Fn(Call) -> Boxed<'static, Result<HeaderMap, SeamError>> + Send + Sync + 'static,
    ) -> Self {
        self.authorize = Some(Arc::new(headers));
        self
    }

    /// Allows plain http to this host, besides loopback.
    #[must_use]
    pub fn allow_plain_http(mut self, host: &str) -> Self {
        self.plain.push(host.into());
        self
    }

    /// How long a verification may take. Default: 30 s.
    #[must_use]
    pub fn verify_timeout(mut self, time: Duration) -> Self {
        self.times.verify = time;
        self
    }

    /// How long a settlement may take before its outcome counts as unknown: longer than a facilitator waits for the chain,
    /// shorter than clients wait for a seller. Default: 75 s.
    #[must_use]
    pub fn settle_timeout(mut self, time: Duration) -> Self {
        self.times.settle = time;
        self
    }

    /// How long `/supported` is believed, and how long it is still used when it can not be asked for again. Default: 10
    /// minutes and one day.
    #[must_use]
    pub fn supported_for(mut self, fresh: Duration, stale: Duration) -> Self {
        self.times.fresh = fresh;
        self.times.stale = stale;
        self
    }

    /// The client.
    ///
    /// # Errors
    /// See [`ConfigError`].
    pub fn build(self) -> Result<Remote, ConfigError> {
        let uri: Uri = self.url.parse().map_err(|_| ConfigError::Url)?;
        let host = uri.host().ok_or(ConfigError::Url)?;
        match uri.scheme_str() {
            Some("https") => {}
            Some("http") if loopback(host) || self.plain.iter().any(|one| **one == *host) => {}
            Some("http") => return Err(ConfigError::PlainHttp),
            _ => return Err(ConfigError::Url),
        }
        if uri.query().is_some() || uri.authority().is_some_and(|it| it.as_str().contains('@')) {
            return Err(ConfigError::Url);
        }
        Ok(Remote {
            base: self.url.trim_end_matches('/').into(),
            transport: self.transport,
            clock: self.clock,
            chain: self.chain,
            authorize: self.authorize,
            times: self.times,
            supported: Supported::default(),
        })
    }
}

fn loopback(host: &str) -> bool {
    let bare = host.trim_start_matches('[').trim_end_matches(']');
    host == "localhost"
        || bare
            .parse::<std::net::IpAddr>()
            .is_ok_and(|address| address.is_loopback())
}

impl fmt::Debug for Builder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Builder")
            .field("url", &self.url)
            .finish_non_exhaustive()
    }
}
