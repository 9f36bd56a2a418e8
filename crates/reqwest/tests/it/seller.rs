//! A seller that does as told: raw bytes over a socket, so that answers can be lost.

use std::{
    net::SocketAddr,
    sync::{Arc, Mutex},
};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::{TcpListener, TcpStream},
};

/// A request as it came.
#[derive(Clone, Debug)]
pub(crate) struct Seen {
    pub(crate) method: String,
    pub(crate) path: String,
    pub(crate) head: String,
    pub(crate) body: Vec<u8>,
}

impl Seen {
    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        let mut lines = self.head.lines().skip(1);
        lines.find_map(|line| {
            let (found, value) = line.split_once(": ")?;
            found.eq_ignore_ascii_case(name).then_some(value)
        })
    }
}

/// A response, or none: the connection breaks after the request was read.
pub(crate) type Answer = Option<String>;

#[derive(Clone)]
pub(crate) struct Seller {
    pub(crate) address: SocketAddr,
    seen: Arc<Mutex<Vec<Seen>>>,
}

impl Seller {
    /// Answers each request with what `script` says to it and to its number.
    pub(crate) async fn start(
        script: impl Fn(&Seen, usize) -> Answer + Send + Sync + 'static,
    ) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let this = Self {
            address: listener.local_addr().unwrap(),
            seen: Arc::default(),
        };
        let (seen, script) = (this.seen.clone(), Arc::new(script));
        tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                let (seen, script) = (seen.clone(), script.clone());
                tokio::spawn(async move {
                    let _ = serve(stream, &seen, &*script).await;
                });
            }
        });
        this
    }

    pub(crate) fn url(&self, path: &str) -> String {
        format!("http://{}{path}", self.address)
    }

    pub(crate) fn seen(&self) -> Vec<Seen> {
        self.seen.lock().unwrap().clone()
    }

    /// The credentials that came, in order.
    pub(crate) fn credentials(&self) -> Vec<String> {
        let seen = self.seen();
        let all = seen.iter().filter_map(|seen| seen.header("x-pay"));
        all.map(str::to_owned).collect()
    }
}

async fn serve(
    mut stream: TcpStream,
    log: &Mutex<Vec<Seen>>,
    script: &(dyn Fn(&Seen, usize) -> Answer + Send + Sync),
) -> std::io::Result<()> {
    let mut bytes = Vec::new();
    let head_end = loop {
        if let Some(at) = bytes.windows(4).position(|four| four == b"\r\n\r\n") {
            break at;
        }
        if stream.read_buf(&mut bytes).await? == 0 {
            return Ok(());
        }
    };
    let head = String::from_utf8_lossy(&bytes[..head_end]).into_owned();
    let mut words = head.split(' ');
    let mut word = || words.next().unwrap_or_default().to_owned();
    let mut seen = Seen {
        method: word(),
        path: word(),
        body: bytes.split_off(head_end + 4),
        head,
    };
    let length: usize = seen
        .header("content-length")
        .map_or(0, |n| n.parse().unwrap());
    while seen.body.len() < length {
        if stream.read_buf(&mut seen.body).await? == 0 {
            return Ok(());
        }
    }
    let number = {
        let mut log = log.lock().unwrap();
        log.push(seen.clone());
        log.len() - 1
    };
    if let Some(answer) = script(&seen, number) {
        stream.write_all(answer.as_bytes()).await?;
        stream.shutdown().await?;
    }
    Ok(())
}

/// A response with these lines of its head.
pub(crate) fn answer(status: u16, head: &[&str], body: &str) -> Answer {
    let mut text = format!("HTTP/1.1 {status} .\r\nconnection: close\r\n");
    for line in head {
        text.push_str(line);
        text.push_str("\r\n");
    }
    text.push_str(&format!("content-length: {}\r\n\r\n{body}", body.len()));
    Some(text)
}

/// Asks for 1000 units, unless the request pays.
pub(crate) fn sells(seen: &Seen) -> Answer {
    match seen.header("x-pay") {
        None => answer(402, &["x-price: 1000"], "pay"),
        Some(_) => answer(200, &["x-receipt: tx"], "goods"),
    }
}
