//! What stands between a client and the chain, and fails on demand.

use std::convert::Infallible;
use std::fmt;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use serde_json::{Value, json};
use tokio::sync::watch;

use super::Chain;
use super::error::RpcError;

/// What goes wrong with a request.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub enum Fault {
    /// The request is not carried out and answered with this error.
    Error(RpcError),
    /// The request is not carried out and answered with this HTTP status and an empty body.
    Status(u16),
    /// The request is not carried out and the answer is these bytes, with status 200.
    Garbage(Vec<u8>),
    /// The request is not carried out and the connection closes.
    Refuse,
    /// The request **is** carried out, then the connection closes without an answer.
    LoseAnswer,
    /// The request is not carried out and never answered.
    Hang,
    /// The request **is** carried out and never answered.
    HangAfter,
    /// The request is carried out and answered after this time.
    Delay(Duration),
    /// The request is carried out and its result replaced by `null`, as by a node that lags behind.
    Null,
}

/// One client's way to a chain: what it asked for, and what is to go wrong. Endpoints and connections each have
/// their own.
#[derive(Debug)]
pub struct Gate {
    chain: Chain,
    faults: Mutex<Vec<Rule>>,
    seen: Mutex<Vec<String>>,
    paused: watch::Sender<bool>,
    lag: AtomicU64,
}

#[derive(Debug)]
struct Rule {
    method: Option<String>,
    times: u32,
    fault: Fault,
}

impl Gate {
    pub(super) fn new(chain: Chain) -> Self {
        Self {
            chain,
            faults: Mutex::default(),
            seen: Mutex::default(),
            paused: watch::Sender::new(false),
            lag: AtomicU64::new(0),
        }
    }

    /// The chain behind the gate.
    pub fn chain(&self) -> &Chain {
        &self.chain
    }

    /// Lets the next `times` requests of a method (or of any, if `None`) fail. Of several faults that fit a
    /// request, the one asked for first is taken.
    pub fn inject(&self, method: Option<&str>, times: u32, fault: Fault) {
        let method = method.map(str::to_owned);
        if times > 0 {
            lock(&self.faults).push(Rule {
                method,
                times,
                fault,
            });
        }
    }

    /// Takes back all faults that have not happened yet.
    pub fn clear_faults(&self) {
        lock(&self.faults).clear();
    }

    /// Lets every request wait, unread, until [`resume`](Self::resume).
    pub fn pause(&self) {
        self.paused.send_replace(true);
    }

    /// Answers what waited.
    pub fn resume(&self) {
        self.paused.send_replace(false);
    }

    /// Hides the latest blocks from this client, as a replica that lags behind does. What the client sends still
    /// reaches the chain.
    pub fn set_lag(&self, blocks: u64) {
        self.lag.store(blocks, Ordering::Relaxed);
    }

    /// The methods requested so far, in order, whether answered or not.
    pub fn seen(&self) -> Vec<String> {
        lock(&self.seen).clone()
    }

    /// How often a method was requested so far.
    pub fn count(&self, method: &str) -> usize {
        let seen = lock(&self.seen);
        seen.iter().filter(|name| *name == method).count()
    }

    /// Answers one request or batch: an HTTP status and a body.
    pub(super) async fn exchange(&self, body: &[u8]) -> Result<(u16, Vec<u8>), Closed> {
        let mut paused = self.paused.subscribe();
        // The sender lives as long as the gate, so this only ends when the pause does.
        let _ = paused.wait_for(|paused| !paused).await;
        let answer = match serde_json::from_slice(body) {
            Ok(Value::Array(requests)) => self.batch(requests).await?,
            Ok(request) => self.one(request).await?,
            Err(error) => {
                let error = RpcError::new(-32700, format!("parse error: {error}"));
                Reply::Json(failure(&Value::Null, &error))
            }
        };
        Ok(match answer {
            Reply::Json(value) => (200, value.to_string().into_bytes()),
            Reply::Raw(status, body) => (status, body),
        })
    }

    async fn batch(&self, requests: Vec<Value>) -> Result<Reply, Closed> {
        let mut answers = Vec::with_capacity(requests.len());
        for request in requests {
            match self.one(request).await? {
                Reply::Json(answer) => answers.push(answer),
                raw => return Ok(raw),
            }
        }
        Ok(Reply::Json(Value::Array(answers)))
    }

    async fn one(&self, mut request: Value) -> Result<Reply, Closed> {
        let mut take = |member| request.get_mut(member).map_or(Value::Null, Value::take);
        let (id, params) = (take("id"), take("params"));
        let Value::String(method) = take("method") else {
            let error = RpcError::new(-32600, "invalid request");
            return Ok(Reply::Json(failure(&id, &error)));
        };
        lock(&self.seen).push(method.clone());
        let fault = self.fault(&method);
        let lag = self.lag.load(Ordering::Relaxed);
        let execute = || self.chain.request_behind(lag, &method, params);
        let result = match fault {
            None => execute(),
            Some(Fault::Error(error)) => Err(error),
            Some(Fault::Status(code)) => return Ok(Reply::Raw(code, Vec::new())),
            Some(Fault::Garbage(bytes)) => return Ok(Reply::Raw(200, bytes)),
            Some(Fault::Refuse) => return Err(Closed),
            Some(Fault::LoseAnswer) => {
                let _ = execute();
                return Err(Closed);
            }
            Some(Fault::Hang) => never().await,
            Some(Fault::HangAfter) => {
                let _ = execute();
                never().await
            }
            Some(Fault::Delay(time)) => {
                tokio::time::sleep(time).await;
                execute()
            }
            Some(Fault::Null) => execute().map(|_| Value::Null),
        };
        Ok(Reply::Json(match result {
            Ok(result) => json!({ "jsonrpc": "2.0", "id": id, "result": result }),
            Err(error) => failure(&id, &error),
        }))
    }

    /// Uses up one occurrence of the first fault that is meant for a method.
    fn fault(&self, method: &str) -> Option<Fault> {
        let mut faults = lock(&self.faults);
        let meant = |rule: &Rule| rule.method.as_deref().is_none_or(|name| name == method);
        let index = faults.iter().position(meant)?;
        let rule = &mut faults[index];
        let fault = rule.fault.clone();
        rule.times -= 1;
        if rule.times == 0 {
            faults.remove(index);
        }
        Some(fault)
    }
}

/// The connection is to be closed without an answer.
#[derive(Clone, Copy, Debug)]
pub(super) struct Closed;

impl fmt::Display for Closed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("the connection was closed on purpose")
    }
}

impl std::error::Error for Closed {}

enum Reply {
    Json(Value),
    Raw(u16, Vec<u8>),
}

async fn never<T>() -> T {
    let never: Infallible = std::future::pending().await;
    match never {}
}

fn failure(id: &Value, error: &RpcError) -> Value {
    let mut object = json!({ "code": error.code(), "message": error.message() });
    if let Some(data) = error.data() {
        object["data"] = json!(data);
    }
    json!({ "jsonrpc": "2.0", "id": id, "error": object })
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
