//! The policy file: what may be paid without asking.
//!
//! ```toml
//! [[allow]]
//! chain = "eip155:8453"
//! asset = "USDC"
//! per_payment = "$0.05"
//! per_day = "$1"
//! ```

use crate::runtime::Fault;
use http402_core::{
    ChainId, Party,
    asset::{Asset, Assets},
};
use http402_flow::client::{Allowance, Origin, Policy};
use serde::Deserialize;
use std::{fs, path::Path, time::Duration};

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct File {
    /// Policies of one name share their budgets.
    name: Option<String>,
    #[serde(default)]
    allow: Vec<Allow>,
    origins: Option<Vec<String>>,
    payees: Option<Vec<String>>,
    /// Pay at each origin whom it had paid first, and nobody else.
    #[serde(default)]
    pin_payees: bool,
    #[serde(default)]
    plain_http: Vec<String>,
    max_lifetime_seconds: Option<u64>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Allow {
    chain: String,
    asset: String,
    per_payment: String,
    per_hour: Option<String>,
    per_day: Option<String>,
    per_origin_day: Option<String>,
    per_payee_day: Option<String>,
}

const DAY: Duration = Duration::from_secs(24 * 60 * 60);

/// The policy, and the chains that it pays on.
pub(crate) fn read(path: &Path, assets: &Assets) -> Result<(Policy, Vec<ChainId>), Fault> {
    let here = |error: &dyn std::fmt::Display| format!("{}: {error}", path.display());
    let text = fs::read_to_string(path).map_err(|error| here(&error))?;
    let file: File = toml::from_str(&text).map_err(|error| here(&error))?;
    policy(&file, assets).map_err(|error| here(&error).into())
}

fn policy(file: &File, assets: &Assets) -> Result<(Policy, Vec<ChainId>), Fault> {
    let mut policy = Policy::new();
    if let Some(name) = &file.name {
        policy = policy.named(name)?;
    }
    let mut chains = Vec::new();
    for allow in &file.allow {
        let chain: ChainId = http402_x402::network::resolve(&allow.chain)?;
        let asset = asset(assets, &chain, &allow.asset)?;
        let mut allowance = Allowance::of(asset, &allow.per_payment)?;
        if allow.per_hour.is_none() && allow.per_day.is_none() {
            return Err(
                format!("{} on {chain}: per_hour or per_day is missing", allow.asset).into(),
            );
        }
        if let Some(cap) = &allow.per_hour {
            allowance = allowance.per_hour(cap)?;
        }
        if let Some(cap) = &allow.per_day {
            allowance = allowance.per_day(cap)?;
        }
        if let Some(cap) = &allow.per_origin_day {
            allowance = allowance.per_origin(DAY, cap)?;
        }
        if let Some(cap) = &allow.per_payee_day {
            allowance = allowance.per_payee(DAY, cap)?;
        }
        policy = policy.allow(allowance);
        chains.push(chain);
    }
    if let Some(origins) = &file.origins {
        let origins: Result<Vec<_>, Fault> = origins
            .iter()
            .map(|url| {
                Ok(Origin::of(
                    &url.parse().map_err(|_| format!("not a url: {url}"))?,
                )?)
            })
            .collect();
        policy = policy.only_origins(origins?);
    }
    if let Some(payees) = &file.payees {
        let chain = chains.first().ok_or("payees without an allow")?;
        let payees: Result<Vec<_>, _> = payees
            .iter()
            .map(|text| Party::parse(chain, text))
            .collect();
        policy = policy.only_payees(payees?);
    }
    if file.pin_payees {
        policy = policy.pin_payees();
    }
    for host in &file.plain_http {
        policy = policy.allow_plain_http(host);
    }
    if let Some(seconds) = file.max_lifetime_seconds {
        policy = policy.max_lifetime(Duration::from_secs(seconds));
    }
    Ok((policy, chains))
}

/// A token by its symbol or its address.
pub(crate) fn asset<'a>(
    assets: &'a Assets,
    chain: &ChainId,
    text: &str,
) -> Result<&'a Asset, Fault> {
    let found = assets.by_symbol(chain, text).or_else(|| {
        let address = Party::parse(chain, text).ok()?;
        assets.find(chain, &address)
    });
    Ok(found.ok_or_else(|| format!("{text} on {chain} is not a known token"))?)
}

/// At most this for one payment and in a day, in every known token of the chains that `may` names.
pub(crate) fn at_most(
    amount: &str,
    assets: &Assets,
    may: impl Fn(&ChainId) -> bool,
) -> Result<Policy, Fault> {
    let mut policy = Policy::new();
    for asset in assets.iter().filter(|asset| may(&asset.chain)) {
        policy = policy.allow(Allowance::of(asset, amount)?.per_day(amount)?);
    }
    Ok(policy)
}
