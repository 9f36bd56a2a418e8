use reqwest::{
    Method, Request, Response, StatusCode, Url,
    header::{
        AUTHORIZATION, CONTENT_ENCODING, CONTENT_LENGTH, CONTENT_TYPE, COOKIE, HeaderName,
        LOCATION, PROXY_AUTHORIZATION, TRANSFER_ENCODING,
    },
};

/// What does not go to another origin.
const CREDENTIALS: [HeaderName; 3] = [AUTHORIZATION, COOKIE, PROXY_AUTHORIZATION];
/// What describes a body that is dropped.
const CONTENT: [HeaderName; 4] = [
    CONTENT_TYPE,
    CONTENT_LENGTH,
    CONTENT_ENCODING,
    TRANSFER_ENCODING,
];

/// The request that a redirect of an unpaid request leads to. `None` when the response is none, or leads from https to
/// anything else.
pub(crate) fn follow(request: &Request, response: &Response) -> Option<Request> {
    let status = response.status();
    let keeps = matches!(
        status,
        StatusCode::TEMPORARY_REDIRECT | StatusCode::PERMANENT_REDIRECT
    );
    let changes = matches!(
        status,
        StatusCode::MOVED_PERMANENTLY | StatusCode::FOUND | StatusCode::SEE_OTHER
    );
    if !keeps && !changes {
        return None;
    }
    let location = response.headers().get(LOCATION)?.to_str().ok()?;
    let url = request.url().join(location).ok()?;
    if !goes(request.url(), &url) {
        return None;
    }
    let mut next = request.try_clone()?;
    let headers = next.headers_mut();
    if url.origin() != request.url().origin() {
        for name in &CREDENTIALS {
            headers.remove(name);
        }
    }
    if changes {
        for name in &CONTENT {
            headers.remove(name);
        }
        *next.body_mut() = None;
        if *next.method() != Method::HEAD {
            *next.method_mut() = Method::GET;
        }
    }
    *next.url_mut() = url;
    Some(next)
}

fn goes(from: &Url, to: &Url) -> bool {
    match to.scheme() {
        "https" => true,
        "http" => from.scheme() == "http",
        _ => false,
    }
}
