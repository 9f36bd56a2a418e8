//! `http402 demo --tempo`: charges of MPP on a chain of Tempo that anvil runs.

mod anvil;
mod story;
mod world;

use super::{
    report::{Balance, Check, Purchase},
    show,
};
use crate::runtime::{Fault, interrupted};
use serde::Serialize;
use serde_json::Value;

/// All that it has seen.
#[derive(Serialize)]
pub(super) struct Report {
    chain: String,
    asset: Value,
    shop: String,
    prices: Vec<Value>,
    purchases: Vec<Purchase>,
    balances: Vec<Balance>,
    checks: Vec<Check>,
    pub(super) ok: bool,
}

/// The chain ends with this, also when it is interrupted.
pub(super) async fn run() -> Result<Report, Fault> {
    let told = async {
        let world = world::World::open().await?;
        let report = story::tell(&world).await;
        world.close().await?;
        report
    };
    tokio::select! {
        report = told => report,
        () = interrupted() => Err("interrupted".into()),
        () = hung_up() => Err("the terminal is gone".into()),
    }
}

/// Returns when the terminal is closed: the chain is not of its group, and would not be told.
async fn hung_up() {
    #[cfg(unix)]
    {
        use tokio::signal::unix::{SignalKind, signal};
        if let Ok(mut hangup) = signal(SignalKind::hangup()) {
            let _ = hangup.recv().await;
            return;
        }
    }
    std::future::pending::<()>().await;
}

impl Report {
    /// Prints it for people.
    pub(super) fn print(&self) {
        show::title("http402 demo --tempo", "charges of MPP, on anvil's Tempo");
        let text = |value: &Value, name: &str| value[name].as_str().unwrap_or_default().to_owned();
        show::line("chain", &format!("{}, until this ends", self.chain));
        let (symbol, address) = (text(&self.asset, "symbol"), text(&self.asset, "address"));
        show::line("token", &format!("{symbol} at {address}"));
        show::line("shop", &self.shop);
        show::prices(&self.prices);
        for (at, purchase) in self.purchases.iter().enumerate() {
            show::buy(at + 1, purchase);
        }
        show::balances(&self.balances);
        show::checks(&self.checks, self.ok);
    }
}
