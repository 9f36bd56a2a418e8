use alloy_transport::{RpcError, TransportErrorKind};
use std::{error, fmt};

/// Why a chain could not be asked. It holds neither the provider's address nor anything that was signed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AskError {
    asked: &'static str,
    why: Box<str>,
    code: Option<i64>,
}

/// The code of JSON-RPC for a method that a node does not have.
const NO_METHOD: i64 = -32601;

impl AskError {
    /// A question that was not answered, and why, in a form that is fit for logs.
    pub fn new(asked: &'static str, why: impl Into<Box<str>>) -> Self {
        Self {
            asked,
            why: why.into(),
            code: None,
        }
    }

    /// A provider's error as far as it is fit for logs: addresses of providers hold keys, so the transport's own text is
    /// left out, and a node's text is cut.
    pub(crate) fn rpc(asked: &'static str, error: &RpcError<TransportErrorKind>) -> Self {
        let why: Box<str> = match error {
            RpcError::ErrorResp(payload) => {
                let text = payload.message.chars().filter(|c| !c.is_control());
                format!(
                    "error {}: {}",
                    payload.code,
                    text.take(160).collect::<String>()
                )
                .into()
            }
            RpcError::NullResp => "no result".into(),
            RpcError::SerError(_) | RpcError::DeserError { .. } => "unreadable answer".into(),
            RpcError::Transport(TransportErrorKind::HttpError(error)) => {
                format!("http status {}", error.status).into()
            }
            _ => "no answer".into(),
        };
        Self {
            asked,
            why,
            code: error.as_error_resp().map(|payload| payload.code),
        }
    }

    /// What was asked for: the name of a JSON-RPC method.
    pub fn asked(&self) -> &str {
        self.asked
    }

    /// Whether the node does not have the method.
    pub(crate) fn is_unknown_method(&self) -> bool {
        self.code == Some(NO_METHOD)
    }
}

impl fmt::Display for AskError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.asked, self.why)
    }
}

impl error::Error for AskError {}
