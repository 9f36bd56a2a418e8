//! Whose key signs: from a file, a keystore, or the environment. Never from the command line, which others can read.

use crate::runtime::Fault;
use alloy_signer_local::{LocalSigner, PrivateKeySigner};
use http402_core::{Address, ChainId, seam::Signer};
use http402_evm::{AlloySigner, development};
use std::{fs, path::PathBuf, sync::Arc};

#[derive(clap::Args)]
#[group(required = false, multiple = false)]
pub(crate) struct Arguments {
    /// A file with the private key in hexadecimal
    #[arg(long, value_name = "FILE")]
    key_file: Option<PathBuf>,
    /// An encrypted keystore (Web3 Secret Storage); its password comes from --password-file
    #[arg(long, value_name = "FILE")]
    keystore: Option<PathBuf>,
    /// The private key in hexadecimal
    #[arg(long, env = "HTTP402_KEY", hide_env_values = true, hide = true)]
    key: Option<Secret>,
}

/// Text that is never printed.
#[derive(Clone)]
pub(crate) struct Secret(pub(crate) String);

impl std::str::FromStr for Secret {
    type Err = std::convert::Infallible;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        Ok(Self(text.into()))
    }
}

impl Arguments {
    /// The wallet, if one was named.
    pub(crate) fn open(
        &self,
        password: Option<&PathBuf>,
    ) -> Result<Option<PrivateKeySigner>, Fault> {
        if let Some(path) = &self.keystore {
            let password = password.ok_or("--keystore needs --password-file")?;
            let password = read(password)?;
            let signer =
                LocalSigner::decrypt_keystore(path, password.trim_end_matches(['\r', '\n']))
                    .map_err(|_| format!("{}: not a keystore of this password", path.display()))?;
            return Ok(Some(signer));
        }
        let text = match (&self.key_file, &self.key) {
            (Some(path), _) => read(path)?,
            (None, Some(Secret(text))) => text.clone(),
            (None, None) => return Ok(None),
        };
        // The parser's own words could repeat a part of the key.
        let signer = text.trim().parse::<PrivateKeySigner>();
        Ok(Some(signer.map_err(
            |_| "the key is not 64 hexadecimal digits in range",
        )?))
    }
}

fn read(path: &PathBuf) -> Result<String, Fault> {
    Ok(fs::read_to_string(path).map_err(|error| format!("{}: {error}", path.display()))?)
}

/// As the seam that pays.
pub(crate) fn payer(signer: PrivateKeySigner) -> Arc<dyn Signer> {
    Arc::new(AlloySigner::new(signer))
}

/// Refuses keys that the whole world knows where there is money.
pub(crate) fn check(chain: &ChainId, address: &Address) -> Result<(), Fault> {
    Ok(development::check_account(chain, address)?)
}
