//! Faults of an endpoint.

use std::time::Duration;

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

/// The faults to come, in the order in which they were asked for.
#[derive(Debug, Default)]
pub(super) struct Faults(Vec<Rule>);

#[derive(Debug)]
struct Rule {
    method: Option<String>,
    times: u32,
    fault: Fault,
}

impl Faults {
    pub(super) fn add(&mut self, method: Option<&str>, times: u32, fault: Fault) {
        let method = method.map(str::to_owned);
        self.0.push(Rule {
            method,
            times,
            fault,
        });
    }

    pub(super) fn clear(&mut self) {
        self.0.clear();
    }

    /// Uses up one occurrence of the first fault that is meant for a method.
    pub(super) fn take(&mut self, method: &str) -> Option<Fault> {
        let meant = |rule: &Rule| rule.method.as_deref().is_none_or(|name| name == method);
        let index = self.0.iter().position(meant)?;
        let rule = &mut self.0[index];
        let fault = rule.fault.clone();
        rule.times -= 1;
        if rule.times == 0 {
            self.0.remove(index);
        }
        Some(fault)
    }
}
