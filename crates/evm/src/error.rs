use alloy_transport::{RpcError, TransportErrorKind};
use std::{error, fmt};

/// Why a chain could not be asked. It holds neither the provider's address nor anything that was signed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AskError {
    asked: &'static str,
    why: Box<str>,
}

impl AskError {
    pub(crate) fn new(asked: &'static str, why: impl Into<Box<str>>) -> Self {
        Self {
            asked,
            why: why.into(),
        }
    }

    /// A provider's error as far as it is fit for logs: addresses of providers hold keys, so the transport's own text is
    /// left out, and a node's text is cut.
    pub(crate) fn rpc(asked: &'static str, error: &RpcError<TransportErrorKind>) -> Self {
        Self::new(
            asked,
            match error {
                RpcError::ErrorResp(payload) => {
                    let text: String = payload
                        .message
                        .chars()
                        .filter(|c| !c.is_control())
                        .take(160)
                        .collect();
                    format!("error {}: {text}", payload.code)
                }
                RpcError::NullResp => "no result".into(),
                RpcError::SerError(_) | RpcError::DeserError { .. } => "unreadable answer".into(),
                RpcError::Transport(TransportErrorKind::HttpError(error)) => {
                    format!("http status {}", error.status)
                }
                _ => "no answer".into(),
            },
        )
    }

    /// What was asked for: the name of a JSON-RPC method.
    pub fn asked(&self) -> &str {
        self.asked
    }
}

impl fmt::Display for AskError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.asked, self.why)
    }
}

impl error::Error for AskError {}
