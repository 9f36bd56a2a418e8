//! Listening until told to end: by `POST /close`, or by a signal.

use super::env;
use std::sync::Arc;
use tokio::sync::Notify;

/// Says when it is time.
#[derive(Clone, Default)]
pub(crate) struct Stop(Arc<Notify>);

impl Stop {
    /// It is time.
    pub(crate) fn now(&self) {
        self.0.notify_one();
    }

    /// Waits for it.
    pub(crate) async fn told(self) {
        let interrupt = tokio::signal::ctrl_c();
        #[cfg(unix)]
        if let Ok(mut end) =
            tokio::signal::unix::signal(tokio::signal::unix::SignalKind::terminate())
        {
            tokio::select! {
                () = self.0.notified() => {}
                _ = interrupt => {}
                _ = end.recv() => {}
            }
            return;
        }
        tokio::select! {
            () = self.0.notified() => {}
            _ = interrupt => {}
        }
    }
}

/// The port to listen on.
pub(crate) fn port(default: u16) -> Result<u16, env::Fault> {
    match env::first(&["PORT"]) {
        None => Ok(default),
        Some(text) => Ok(text.parse().map_err(|_| "PORT is not a port")?),
    }
}
