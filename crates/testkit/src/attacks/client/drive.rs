//! How a client is sent to a seller.

use crate::attacks::Boxed;
use std::{
    fmt,
    process::Stdio,
    sync::{Arc, atomic::AtomicUsize},
    time::Duration,
};
use tokio::{
    io::{AsyncBufReadExt, AsyncRead, AsyncReadExt, AsyncWriteExt, BufReader},
    process,
    sync::Mutex,
    time::timeout,
};

/// The longest output that is kept, in bytes.
const KEPT: u64 = 1 << 20;

/// One visit of a client to a seller.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Errand {
    /// The number of the attack, 0 for the honest seller.
    pub id: u8,
    /// Which of the attacks of that number.
    pub attack: &'static str,
    /// Which visit of this attack, from 0.
    pub run: u8,
    /// What to request.
    pub url: String,
    /// The proxy to do it through, if the client can use one.
    pub proxy: Option<String>,
    /// How long it may take.
    pub limit: Duration,
    /// How many requests the sellers of this attack have had: grows while the client is at work.
    pub activity: Arc<AtomicUsize>,
}

/// How a visit ended.
#[derive(Clone, Debug, Default)]
pub struct Ran {
    /// Whether it ended by itself and in time.
    pub ended: bool,
    /// The exit code, where there is one.
    pub code: Option<i32>,
    /// What was printed.
    pub output: String,
}

/// Sends a client to a seller, and waits until it is done.
pub trait Drive: Send + Sync {
    /// Requests the URL of the errand, and pays for it as the client does.
    fn visit<'a>(&'a self, errand: &'a Errand) -> Boxed<'a, Ran>;

    /// Whether it can be sent through a proxy.
    fn proxies(&self) -> bool {
        false
    }
}

/// A program that is started for each visit. In its arguments `{url}` stands for what to request, and `{id}` for the number
/// of the attack: what a client remembers from one visit to the next is best kept apart for each.
pub struct Command {
    words: Vec<String>,
}

impl Command {
    /// The program and its arguments.
    pub fn new(words: Vec<String>) -> Self {
        Self { words }
    }
}

impl fmt::Debug for Command {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Command").finish_non_exhaustive()
    }
}

impl Drive for Command {
    fn visit<'a>(&'a self, errand: &'a Errand) -> Boxed<'a, Ran> {
        Box::pin(async move {
            let id = format!("S{:02}", errand.id);
            let word = |word: &String| word.replace("{url}", &errand.url).replace("{id}", &id);
            let mut words = self.words.iter().map(word);
            let mut command = process::Command::new(words.next().unwrap_or_default());
            command
                .args(words)
                .stdin(Stdio::null())
                .stdout(Stdio::piped())
                .stderr(Stdio::piped())
                .kill_on_drop(true);
            for name in ["http_proxy", "HTTP_PROXY", "all_proxy", "ALL_PROXY"] {
                command.env_remove(name);
            }
            if let Some(proxy) = &errand.proxy {
                command.env("http_proxy", proxy).env_remove("no_proxy");
                command
                    .env("NODE_USE_ENV_PROXY", "1")
                    .env_remove("NO_PROXY");
            }
            run(command, errand.limit).await
        })
    }

    fn proxies(&self) -> bool {
        true
    }
}

/// A program that is started once and reads a URL from each line of its input: it requests it, and prints a line when it is
/// done. It is started anew when it ends or takes too long.
pub struct Lines {
    words: Vec<String>,
    running: Mutex<Option<Running>>,
}

struct Running {
    _child: process::Child,
    to: process::ChildStdin,
    from: tokio::io::Lines<BufReader<process::ChildStdout>>,
}

impl Lines {
    /// The program and its arguments.
    pub fn new(words: Vec<String>) -> Self {
        Self {
            words,
            running: Mutex::new(None),
        }
    }

    fn start(&self) -> std::io::Result<Running> {
        let mut words = self.words.iter();
        let mut child = process::Command::new(words.next().map_or("", |word| word))
            .args(words)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .kill_on_drop(true)
            .spawn()?;
        let missing = || std::io::Error::other("not piped");
        Ok(Running {
            to: child.stdin.take().ok_or_else(missing)?,
            from: BufReader::new(child.stdout.take().ok_or_else(missing)?).lines(),
            _child: child,
        })
    }
}

impl fmt::Debug for Lines {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Lines").finish_non_exhaustive()
    }
}

impl Drive for Lines {
    fn visit<'a>(&'a self, errand: &'a Errand) -> Boxed<'a, Ran> {
        Box::pin(async move {
            let mut slot = self.running.lock().await;
            let mut running = match slot.take().map_or_else(|| self.start(), Ok) {
                Ok(running) => running,
                Err(error) => {
                    return Ran {
                        output: error.to_string(),
                        ..Ran::default()
                    };
                }
            };
            let asked = format!("{}\n", errand.url);
            let visit = async {
                running.to.write_all(asked.as_bytes()).await?;
                running.from.next_line().await
            };
            match timeout(errand.limit, visit).await {
                Ok(Ok(Some(line))) => {
                    *slot = Some(running);
                    Ran {
                        ended: true,
                        code: None,
                        output: line,
                    }
                }
                // It has ended, or it is killed here.
                Ok(_) => Ran {
                    ended: true,
                    ..Ran::default()
                },
                Err(_) => Ran::default(),
            }
        })
    }
}

async fn run(mut command: process::Command, limit: Duration) -> Ran {
    let mut child = match command.spawn() {
        Ok(child) => child,
        Err(error) => {
            return Ran {
                output: error.to_string(),
                ..Ran::default()
            };
        }
    };
    let (out, err) = (child.stdout.take(), child.stderr.take());
    let work = async {
        let (out, err) = tokio::join!(text(out), text(err));
        (child.wait().await, out + &err)
    };
    match timeout(limit, work).await {
        Ok((status, output)) => Ran {
            ended: true,
            code: status.ok().and_then(|status| status.code()),
            output,
        },
        // The child is killed when it is dropped.
        Err(_) => Ran::default(),
    }
}

async fn text(from: Option<impl AsyncRead + Unpin>) -> String {
    let mut bytes = Vec::new();
    if let Some(from) = from {
        // What was printed before an error is all there is.
        let mut from = from.take(KEPT);
        let _ = from.read_to_end(&mut bytes).await;
        // More than that is thrown away, so that the child can go on.
        let _ = tokio::io::copy(&mut from.into_inner(), &mut tokio::io::sink()).await;
    }
    String::from_utf8_lossy(&bytes).into_owned()
}
