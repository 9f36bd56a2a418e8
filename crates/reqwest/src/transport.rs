use http402_core::{
    Bytes,
    seam::{Boxed, SeamError},
};
use http402_flow::client::Transport;
use reqwest::{Client, Request, Response};

/// Sends one request, again and again, with the heads that it is given.
pub(crate) struct Leg<'a> {
    pub(crate) http: &'a Client,
    /// Whose URL, body, version and time-out the requests have.
    pub(crate) template: &'a Request,
}

impl Transport<Bytes> for Leg<'_> {
    type Body = Response;

    fn send(
        &self,
        request: http::Request<Bytes>,
    ) -> Boxed<'_, Result<http::Response<Response>, SeamError>> {
        Box::pin(async move {
            let copy = self.template.try_clone();
            let mut copy = copy.ok_or("the body can be sent only once")?;
            *copy.headers_mut() = request.into_parts().0.headers;
            // A URL may hold a secret, and errors are logged.
            let sent = self.http.execute(copy).await;
            let response = sent.map_err(reqwest::Error::without_url)?;
            let mut head = http::Response::new(());
            *head.status_mut() = response.status();
            *head.version_mut() = response.version();
            *head.headers_mut() = response.headers().clone();
            Ok(head.map(|()| response))
        })
    }

    fn read(&self, mut body: Response, limit: usize) -> Boxed<'_, Result<Vec<u8>, SeamError>> {
        Box::pin(async move {
            let mut read = Vec::new();
            while read.len() < limit {
                let chunk = body.chunk().await.map_err(reqwest::Error::without_url)?;
                let Some(chunk) = chunk else {
                    break;
                };
                let room = limit - read.len();
                read.extend_from_slice(&chunk[..chunk.len().min(room)]);
            }
            Ok(read)
        })
    }
}
