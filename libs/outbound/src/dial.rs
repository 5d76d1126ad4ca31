//! Connections that stay open, to the same hosts that requests may go to.

use std::{fmt, io, net::SocketAddr, sync::Arc, time::Duration};

use rustls::pki_types::ServerName;
use tokio::{
    io::{AsyncRead, AsyncWrite},
    net::{TcpStream, lookup_host},
    time::timeout,
};
use tokio_rustls::TlsConnector;
use url::{Host, Url};

use crate::{Reach, address::is_public, tls};

/// A connection, with TLS where its address says so.
pub type Dialed = Box<dyn Connection>;

/// What can be read from and written to.
pub trait Connection: AsyncRead + AsyncWrite + fmt::Debug + Send + Unpin {}

impl<T: AsyncRead + AsyncWrite + fmt::Debug + Send + Unpin> Connection for T {}

/// Why there is no connection.
#[derive(Debug, thiserror::Error)]
pub enum DialError {
    #[error("the address is not a public one")]
    Private,
    #[error("it took longer than {0:?}")]
    TooSlow(Duration),
    #[error("there is no connection")]
    Failed(#[source] io::Error),
}

/// Connects to a `ws:`, `wss:`, `http:` or `https:` address, if it may be asked.
///
/// # Errors
///
/// When it may not, or nobody answers in time.
pub async fn dial(reach: Reach, url: &Url, time_max: Duration) -> Result<Dialed, DialError> {
    timeout(time_max, open(reach, url)).await.map_err(|_| DialError::TooSlow(time_max))?
}

async fn open(reach: Reach, url: &Url) -> Result<Dialed, DialError> {
    let encrypted = match url.scheme() {
        "wss" | "https" => true,
        "ws" | "http" => false,
        _ => return Err(DialError::Private),
    };
    let (Some(host), Some(port)) = (url.host(), url.port_or_known_default()) else {
        return Err(DialError::Private);
    };
    // Other ports are other services.
    if reach == Reach::Public && url.port().is_some() {
        return Err(DialError::Private);
    }
    let addresses: Vec<SocketAddr> = match host {
        Host::Ipv4(address) => vec![(address, port).into()],
        Host::Ipv6(address) => vec![(address, port).into()],
        Host::Domain(name) => lookup_host((name, port)).await.map_err(DialError::Failed)?.collect(),
    };
    let may = |it: &&SocketAddr| reach == Reach::Anywhere || is_public(it.ip());
    let addresses: Vec<SocketAddr> = addresses.iter().filter(may).copied().collect();
    if addresses.is_empty() {
        return Err(DialError::Private);
    }
    let stream = TcpStream::connect(addresses.as_slice()).await.map_err(DialError::Failed)?;
    if !encrypted {
        return Ok(Box::new(stream));
    }
    let name = url.host_str().unwrap_or_default().trim_matches(['[', ']']).to_owned();
    let name = ServerName::try_from(name)
        .map_err(|error| DialError::Failed(io::Error::new(io::ErrorKind::InvalidInput, error)))?;
    let connector = TlsConnector::from(Arc::new(tls()));
    let stream = connector.connect(name, stream).await.map_err(DialError::Failed)?;
    Ok(Box::new(stream))
}

#[cfg(test)]
mod tests {
    use tokio::net::TcpListener;

    use super::*;

    const TIME_MAX: Duration = Duration::from_secs(5);

    #[tokio::test]
    async fn nobody_at_a_private_address_or_another_port_is_connected_to_unless_that_is_allowed() {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
        let address = listener.local_addr().expect("an address");
        let url: Url = format!("ws://{address}/").parse().expect("a URL");
        let port = address.port();
        for private in [
            url.as_str(),
            "ws://127.0.0.1/",
            "wss://[::1]/",
            &format!("ws://localhost:{port}/"),
            "ws://localhost/",
            "file:///etc/passwd",
        ] {
            let dialed = dial(Reach::Public, &private.parse().expect("a URL"), TIME_MAX).await;
            assert!(matches!(dialed, Err(DialError::Private)), "{private}");
        }
        dial(Reach::Anywhere, &url, TIME_MAX).await.expect("it may be asked");
    }
}
