use super::Origin;
use http::{Method, Request, Uri};
use http402_core::{B256, ParseError, RequestDigest, keccak256};

/// A caller's name for one purchase, as a request extension: a request with the same key is the same purchase, also
/// after it was paid, and is never paid twice while its record is kept.
///
/// ```
/// let request = http::Request::get("https://api.example.com/report")
///     .extension(http402_flow::client::IdempotencyKey::new("report-2026-11"))
///     .body(String::new());
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct IdempotencyKey(Box<str>);

impl IdempotencyKey {
    /// A key; any text.
    pub fn new(key: &str) -> Self {
        Self(key.into())
    }
}

/// What is asked for: the request, as far as it tells purchases apart.
#[derive(Clone, Debug)]
pub struct Target {
    pub(crate) method: Method,
    pub(crate) url: Box<str>,
    pub(crate) origin: Origin,
    pub(crate) digest: B256,
    pub(crate) named: bool,
}

impl Target {
    /// The target of a request: method, absolute URL, body, and its [`IdempotencyKey`] if it has one.
    ///
    /// # Errors
    /// When the URL is not an absolute `http` or `https` URL.
    pub fn of<B: AsRef<[u8]>>(request: &Request<B>) -> Result<Self, ParseError> {
        let origin = Origin::of(request.uri())?;
        let path = request.uri().path_and_query();
        let path = path.map_or("/", |path| path.as_str());
        let url = format!("{origin}{path}");
        let body = request.body().as_ref();
        let body = (!body.is_empty()).then(|| keccak256(body));
        let mut digest = RequestDigest::of(request.method().as_str(), &url, body).0;
        let key = request.extensions().get::<IdempotencyKey>();
        if let Some(key) = key {
            let mut named = digest.to_vec();
            named.extend_from_slice(key.0.as_bytes());
            digest = keccak256(named);
        }
        Ok(Self {
            method: request.method().clone(),
            url: written(request.uri()),
            origin,
            digest,
            named: key.is_some(),
        })
    }

    /// The origin.
    pub fn origin(&self) -> &Origin {
        &self.origin
    }

    /// The URL as it was written.
    pub fn url(&self) -> &str {
        &self.url
    }
}

fn written(url: &Uri) -> Box<str> {
    url.to_string().into()
}
