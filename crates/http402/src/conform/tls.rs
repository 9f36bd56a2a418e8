//! Connections with TLS, for targets on other machines.

use crate::runtime::Fault;
use http402_testkit::attacks::{Dial, Stream};
use rustls_platform_verifier::BuilderVerifierExt as _;
use std::sync::Arc;
use tokio::net::TcpStream;
use tokio_rustls::{
    TlsConnector,
    rustls::{ClientConfig, pki_types::ServerName},
};

/// Opens connections to this host, whose certificate the system trusts.
pub(super) fn dial(host: &str, port: u16) -> Result<Dial, Fault> {
    let config = ClientConfig::builder()
        .with_platform_verifier()?
        .with_no_client_auth();
    let connector = TlsConnector::from(Arc::new(config));
    let name = ServerName::try_from(host.trim_matches(['[', ']']).to_owned())?;
    let host = host.trim_matches(['[', ']']).to_owned();
    Ok(Arc::new(move || {
        let (connector, name, host) = (connector.clone(), name.clone(), host.clone());
        Box::pin(async move {
            let stream = TcpStream::connect((&*host, port)).await?;
            let stream = connector.connect(name, stream).await?;
            Ok(Box::new(stream) as Box<dyn Stream>)
        })
    }))
}
