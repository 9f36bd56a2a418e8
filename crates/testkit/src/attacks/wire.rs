//! HTTP/1.1 as it is written, byte for byte: a client library would make hostile requests fit on the way.

use std::{future::Future, io, pin::Pin, sync::Arc, time::Duration};
use tokio::{
    io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt},
    net::TcpStream,
    sync::Barrier,
    task::JoinSet,
    time::timeout,
};

/// The longest answer that is read, in bytes.
const LONGEST: usize = 1 << 20;

/// A connection to the target.
pub trait Stream: AsyncRead + AsyncWrite + Send + Unpin {}

impl<T: AsyncRead + AsyncWrite + Send + Unpin> Stream for T {}

/// A connection that is being opened.
pub type Opening = Pin<Box<dyn Future<Output = io::Result<Box<dyn Stream>>> + Send>>;

/// Opens a connection to the target: plain TCP, or with TLS around it.
pub type Dial = Arc<dyn Fn() -> Opening + Send + Sync>;

/// Opens plain TCP connections to a host and port.
pub fn plain(host: &str, port: u16) -> Dial {
    let host = host.trim_matches(['[', ']']).to_owned();
    Arc::new(move || {
        let host = host.clone();
        Box::pin(async move {
            let stream = TcpStream::connect((&*host, port)).await?;
            Ok(Box::new(stream) as Box<dyn Stream>)
        })
    })
}

/// A response.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Answer {
    pub(super) status: u16,
    /// Names in lower case.
    pub(super) headers: Vec<(String, Vec<u8>)>,
    pub(super) body: Vec<u8>,
}

impl Answer {
    pub(super) fn all<'a>(&'a self, name: &'a str) -> impl Iterator<Item = &'a [u8]> {
        let named = self.headers.iter().filter(move |(have, _)| have == name);
        named.map(|(_, value)| &**value)
    }

    pub(super) fn header(&self, name: &str) -> Option<&str> {
        let (_, value) = self.headers.iter().find(|(have, _)| have == name)?;
        std::str::from_utf8(value).ok()
    }

    pub(super) fn granted(&self) -> bool {
        (200..300).contains(&self.status)
    }

    pub(super) fn text(&self) -> String {
        String::from_utf8_lossy(&self.body).into_owned()
    }
}

/// What came back.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Heard {
    Answer(Answer),
    /// The connection was refused or closed without an answer.
    Closed,
    /// Nothing, within the time.
    Silence,
}

impl Heard {
    pub(super) fn answer(&self) -> Option<&Answer> {
        match self {
            Self::Answer(answer) => Some(answer),
            Self::Closed | Self::Silence => None,
        }
    }

    pub(super) fn granted(&self) -> bool {
        self.answer().is_some_and(Answer::granted)
    }

    pub(super) fn status(&self) -> u16 {
        self.answer().map_or(0, |answer| answer.status)
    }

    /// The status, or what there was instead of one.
    pub(super) fn word(&self) -> String {
        match self {
            Self::Answer(answer) => answer.status.to_string(),
            Self::Closed => "closed".into(),
            Self::Silence => "no answer".into(),
        }
    }
}

/// The way to one target.
#[derive(Clone)]
pub(super) struct Wire {
    pub(super) dial: Dial,
    pub(super) patience: Duration,
}

impl Wire {
    /// Sends these bytes on a connection of their own.
    pub(super) async fn send(&self, bytes: &[u8]) -> Heard {
        let exchange = async {
            let mut stream = match (self.dial)().await {
                Ok(stream) => stream,
                Err(_) => return Heard::Closed,
            };
            exchange(&mut *stream, bytes).await
        };
        timeout(self.patience, exchange)
            .await
            .unwrap_or(Heard::Silence)
    }

    /// Sends these bytes, and hangs up before the answer.
    pub(super) async fn hang_up(&self, bytes: &[u8]) -> io::Result<()> {
        let mut stream = (self.dial)().await?;
        stream.write_all(bytes).await?;
        stream.flush().await?;
        stream.shutdown().await
    }

    /// Sends all of them at the same moment: every connection is open before the first byte is written.
    pub(super) async fn volley(&self, requests: Vec<Vec<u8>>) -> Vec<Heard> {
        let start = Arc::new(Barrier::new(requests.len()));
        let mut tasks = JoinSet::new();
        for (at, bytes) in requests.into_iter().enumerate() {
            let (wire, start) = (self.clone(), start.clone());
            tasks.spawn(async move {
                let stream = timeout(wire.patience, (wire.dial)()).await;
                start.wait().await;
                let Ok(Ok(mut stream)) = stream else {
                    return (at, Heard::Closed);
                };
                let heard = timeout(wire.patience, exchange(&mut *stream, &bytes)).await;
                (at, heard.unwrap_or(Heard::Silence))
            });
        }
        let mut heard = tasks.join_all().await;
        heard.sort_by_key(|(at, _)| *at);
        heard.into_iter().map(|(_, heard)| heard).collect()
    }
}

async fn exchange(stream: &mut dyn Stream, bytes: &[u8]) -> Heard {
    // A server may answer and close before it has read all of a long request.
    let _ = stream.write_all(bytes).await;
    let _ = stream.flush().await;
    let mut all = Vec::new();
    let mut part = [0; 16 * 1024];
    loop {
        match stream.read(&mut part).await {
            Ok(0) | Err(_) => break,
            Ok(read) => all.extend_from_slice(part.get(..read).unwrap_or_default()),
        }
        if all.len() > LONGEST || complete(&all) {
            break;
        }
    }
    parse(&all).map_or(Heard::Closed, Heard::Answer)
}

/// Whether a response with a length is all there. Others end with their connection.
fn complete(bytes: &[u8]) -> bool {
    let Some((head, body)) = split(bytes) else {
        return false;
    };
    let head = String::from_utf8_lossy(head).to_ascii_lowercase();
    let length = head
        .lines()
        .find_map(|line| line.strip_prefix("content-length:")?.trim().parse().ok());
    length.is_some_and(|length: usize| body.len() >= length)
        || head.contains("transfer-encoding: chunked") && body.ends_with(b"0\r\n\r\n")
}

fn split(bytes: &[u8]) -> Option<(&[u8], &[u8])> {
    let at = bytes.windows(4).position(|four| four == b"\r\n\r\n")?;
    Some((bytes.get(..at)?, bytes.get(at + 4..)?))
}

fn parse(bytes: &[u8]) -> Option<Answer> {
    let (head, body) = split(bytes)?;
    let mut lines = head.split(|byte| *byte == b'\n');
    let status = std::str::from_utf8(lines.next()?).ok()?;
    let status = status.strip_prefix("HTTP/1.")?.get(2..5)?.parse().ok()?;
    if status == 100 {
        return parse(body);
    }
    let headers = lines.filter_map(|line| {
        let line = line.strip_suffix(b"\r").unwrap_or(line);
        let colon = line.iter().position(|byte| *byte == b':')?;
        let name = String::from_utf8_lossy(line.get(..colon)?).to_ascii_lowercase();
        Some((name, line.get(colon + 1..)?.trim_ascii().to_vec()))
    });
    let headers: Vec<_> = headers.collect();
    let chunked = headers.iter().any(|(name, value)| {
        name == "transfer-encoding" && value.to_ascii_lowercase().ends_with(b"chunked")
    });
    let body = if chunked {
        unchunked(body)
    } else {
        body.to_vec()
    };
    Some(Answer {
        status,
        headers,
        body,
    })
}

/// The chunks of a body, as far as they are there.
fn unchunked(mut rest: &[u8]) -> Vec<u8> {
    let mut all = Vec::new();
    while let Some(end) = rest.windows(2).position(|two| two == b"\r\n") {
        let line = String::from_utf8_lossy(rest.get(..end).unwrap_or_default());
        let size = line.split(';').next().unwrap_or_default().trim();
        let Ok(size @ 1..) = usize::from_str_radix(size, 16) else {
            break;
        };
        let chunk = rest.get(end + 2..).unwrap_or_default();
        all.extend_from_slice(chunk.get(..size.min(chunk.len())).unwrap_or_default());
        rest = chunk.get(size.saturating_add(2)..).unwrap_or_default();
    }
    all
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn responses_are_read_as_they_come() {
        let answer =
            parse(b"HTTP/1.1 402 Payment Required\r\nX-A: 1\r\nx-a:2\r\n\r\nbody").unwrap();
        assert_eq!((answer.status, answer.text().as_str()), (402, "body"));
        assert_eq!(answer.all("x-a").collect::<Vec<_>>(), [b"1", b"2"]);
        let chunks = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n2;x\r\nde\r\n0\r\n\r\n";
        assert!(complete(chunks));
        assert_eq!(parse(chunks).unwrap().text(), "abcde");
        let early = b"HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 200 OK\r\n\r\n";
        assert_eq!(parse(early).unwrap().status, 200);
        assert!(parse(b"SSH-2.0\r\n\r\n").is_none() && parse(b"").is_none());
        assert!(!complete(b"HTTP/1.1 200 OK\r\ncontent-length: 3\r\n\r\nab"));
        assert_eq!(unchunked(b"ffffffffffffffff\r\nab"), b"ab");
    }
}
