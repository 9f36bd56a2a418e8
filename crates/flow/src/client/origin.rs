use http::Uri;
use http402_core::{ParseError, keccak256};
use std::{
    fmt,
    net::{IpAddr, Ipv6Addr},
    str::FromStr,
};

/// Scheme, host and port of a URL: what a credential, and the pin of a payee, is bound to.
///
/// ```
/// use http402_flow::client::Origin;
/// let origin: Origin = "https://API.example.com".parse()?;
/// assert_eq!(origin.to_string(), "https://api.example.com:443");
/// assert!(origin.is_private() && !"http://api.example.com".parse::<Origin>()?.is_private());
/// # Ok::<(), http402_core::ParseError>(())
/// ```
#[derive(Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Origin {
    secure: bool,
    host: Box<str>,
    port: u16,
}

impl Origin {
    /// The origin of an absolute `http` or `https` URL.
    ///
    /// # Errors
    /// When the URL is relative, of another scheme, or carries user information.
    pub fn of(url: &Uri) -> Result<Self, ParseError> {
        let secure = match url.scheme_str() {
            Some("https") => true,
            Some("http") => false,
            _ => return Err(ParseError::new("url", "http or https expected")),
        };
        let authority = url
            .authority()
            .ok_or_else(|| ParseError::new("url", "host expected"))?;
        if authority.as_str().contains('@') {
            return Err(ParseError::new("url", "user information is not allowed"));
        }
        let host = authority.host().trim_end_matches('.').to_ascii_lowercase();
        if host.is_empty() {
            return Err(ParseError::new("url", "host expected"));
        }
        let port = match authority.port() {
            Some(port) => port.as_u16(),
            None if authority.as_str().len() != authority.host().len() => {
                return Err(ParseError::new("url", "port expected"));
            }
            None if secure => 443,
            None => 80,
        };
        Ok(Self {
            secure,
            host: host.into(),
            port,
        })
    }

    /// The host, in lower case; an IPv6 address is in brackets.
    pub fn host(&self) -> &str {
        &self.host
    }

    /// Whether nobody between the two ends can read along: TLS, or the machine itself.
    pub fn is_private(&self) -> bool {
        self.secure || self.is_loopback()
    }

    /// Whether the host is this machine: `localhost`, a name below it, or a loopback address.
    pub fn is_loopback(&self) -> bool {
        let bare = self.host.trim_start_matches('[').trim_end_matches(']');
        match bare.parse::<IpAddr>() {
            Ok(IpAddr::V4(address)) => address.is_loopback(),
            Ok(IpAddr::V6(address)) => address == Ipv6Addr::LOCALHOST,
            Err(_) => bare == "localhost" || bare.ends_with(".localhost"),
        }
    }

    /// A short name of the origin for keys: a host may be longer than a key has room for.
    pub(crate) fn tag(&self) -> String {
        let digest = keccak256(self.to_string());
        digest[..16]
            .iter()
            .map(|byte| format!("{byte:02x}"))
            .collect()
    }
}

impl FromStr for Origin {
    type Err = ParseError;

    fn from_str(text: &str) -> Result<Self, ParseError> {
        let url: Uri = text
            .parse()
            .map_err(|_| ParseError::new("origin", "not a URL"))?;
        if !matches!(url.path(), "" | "/") || url.query().is_some() {
            return Err(ParseError::new("origin", "path not allowed"));
        }
        Self::of(&url)
    }
}

impl fmt::Display for Origin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let scheme = if self.secure { "https" } else { "http" };
        write!(f, "{scheme}://{}:{}", self.host, self.port)
    }
}

impl fmt::Debug for Origin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn origin(text: &str) -> Result<Origin, ParseError> {
        text.parse()
    }

    #[test]
    fn s55_an_origin_is_scheme_host_and_port() {
        let base = origin("https://shop.example").unwrap();
        for same in [
            "https://shop.example/",
            "https://SHOP.example:443",
            "https://shop.example.",
        ] {
            assert_eq!(origin(same).unwrap(), base, "{same}");
        }
        for other in [
            "http://shop.example",
            "https://shop.example:444",
            "https://a.shop.example",
            "http://shop.example:443",
        ] {
            assert_ne!(origin(other).unwrap(), base, "{other}");
        }
        for bad in [
            "shop.example",
            "ftp://shop.example",
            "https://u@shop.example",
            "https://shop.example/a",
            "https://shop.example/?q",
            "/a",
            "https://shop.example:",
            "https://shop.example:x",
        ] {
            assert!(origin(bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn s57_only_the_machine_itself_is_loopback() {
        for near in [
            "http://127.0.0.1:8080",
            "http://127.9.9.9",
            "http://localhost:1",
            "http://[::1]:3",
            "http://a.localhost",
        ] {
            assert!(origin(near).unwrap().is_loopback(), "{near}");
        }
        for far in [
            "http://10.0.0.1",
            "http://notlocalhost",
            "http://localhost.example",
            "http://127.0.0.1.example",
            "http://[::ffff:127.0.0.2]",
            "http://0.0.0.0",
        ] {
            assert!(!origin(far).unwrap().is_private(), "{far}");
        }
    }
}
