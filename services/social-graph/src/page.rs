//! Reads pages of others: profile pages, where a proof is looked for.
//!
//! Whoever asks for a proof chooses what is read, so nothing but public addresses is asked, nobody is followed to
//! another host, and no page takes longer or is larger than what a profile needs.

use std::{
    collections::BTreeMap,
    error::Error as StdError,
    net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr},
    sync::Arc,
    time::Duration,
};

use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};
use reqwest::{
    Client, StatusCode,
    dns::{Addrs, Name, Resolve, Resolving},
    redirect::{Attempt, Policy},
};
use url::{Host, Url};

use crate::{account::Account, error::Error};

/// From asking to the last byte.
const PAGE_TIME_MAX: Duration = Duration::from_secs(5);

/// What of a page is read: profiles are shorter, and who writes more than this below it has shown nothing.
const PAGE_BYTES_MAX: usize = 1 << 20;

/// How often a page of one host may send us to another page of it.
const REDIRECTS_MAX: usize = 3;

/// What stays as it is in a part of an address.
const UNRESERVED: &AsciiSet =
    &NON_ALPHANUMERIC.remove(b'-').remove(b'.').remove(b'_').remove(b'~').remove(b':').remove(b'@');

/// Pages of networks, and the way to them.
#[derive(Clone, Debug)]
pub(crate) struct Pages {
    client: Client,
    /// By network; `{native_id}` stands for the native id, `{user}` and `{host}` for its parts around an `@`,
    /// `{after:PREFIX}` for what stands behind a prefix that it has to have.
    templates: Arc<BTreeMap<String, String>>,
    private_allowed: bool,
}

/// Why a page was not read.
#[derive(Debug, thiserror::Error)]
pub(crate) enum PageError {
    #[error("the address is not one of a public page")]
    Private,
    #[error("it answered {0}")]
    Answer(StatusCode),
    #[error("it could not be read")]
    Read(#[source] reqwest::Error),
}

/// Finds addresses, and keeps those that are public.
#[derive(Clone, Debug)]
struct PublicAddresses {
    private_allowed: bool,
}

#[derive(Debug, thiserror::Error)]
#[error("it has no public address")]
struct NoPublicAddress;

#[derive(Debug, thiserror::Error)]
#[error("it sends us elsewhere")]
struct Elsewhere;

// === impl Pages ===

impl Pages {
    /// # Errors
    ///
    /// When there is no TLS to be had.
    pub(crate) fn new(
        templates: BTreeMap<String, String>,
        private_allowed: bool,
    ) -> Result<Self, reqwest::Error> {
        let client = Client::builder()
            .tls_backend_preconfigured(tls())
            .dns_resolver(PublicAddresses { private_allowed })
            .no_proxy()
            .redirect(Policy::custom(stay))
            .timeout(PAGE_TIME_MAX)
            .user_agent(concat!("klout/", env!("CARGO_PKG_VERSION")))
            .build()?;
        Ok(Self { client, templates: Arc::new(templates), private_allowed })
    }

    /// Where the profile of an account is. Nothing but its native id decides that, so that nothing else is shown by
    /// a proof there.
    pub(crate) fn of(&self, account: &Account) -> Result<Url, Error> {
        let template = self.templates.get(account.network.as_str()).ok_or_else(|| {
            Error::field("account.network", "is one of whose profile pages nothing is configured")
        })?;
        fill(template, account.native_id.as_str()).ok_or_else(|| {
            let problem = format!("has no page as its network has them ({template})");
            Error::field("account.native_id", problem)
        })
    }

    /// What stands on a page.
    pub(crate) async fn read(&self, url: &Url) -> Result<Vec<u8>, PageError> {
        if !self.is_allowed(url) {
            return Err(PageError::Private);
        }
        let mut response = self.client.get(url.clone()).send().await.map_err(PageError::Read)?;
        if !response.status().is_success() {
            return Err(PageError::Answer(response.status()));
        }
        let mut page = Vec::new();
        while let Some(chunk) = response.chunk().await.map_err(PageError::Read)? {
            let room = PAGE_BYTES_MAX - page.len();
            page.extend_from_slice(&chunk[..chunk.len().min(room)]);
            if page.len() == PAGE_BYTES_MAX {
                break;
            }
        }
        Ok(page)
    }

    /// Names are looked up when they are asked: see [`PublicAddresses`].
    fn is_allowed(&self, url: &Url) -> bool {
        if self.private_allowed {
            return true;
        }
        let address = match url.host() {
            Some(Host::Ipv4(address)) => is_public(address.into()),
            Some(Host::Ipv6(address)) => is_public(address.into()),
            Some(Host::Domain(_)) => true,
            None => false,
        };
        // Other ports are other services.
        address && url.port().is_none()
    }
}

// === impl PublicAddresses ===

impl Resolve for PublicAddresses {
    fn resolve(&self, name: Name) -> Resolving {
        let private_allowed = self.private_allowed;
        Box::pin(async move {
            let found = tokio::net::lookup_host((name.as_str(), 0)).await?;
            let public: Vec<SocketAddr> =
                found.filter(|address| private_allowed || is_public(address.ip())).collect();
            if public.is_empty() {
                return Err(Box::new(NoPublicAddress) as Box<dyn StdError + Send + Sync>);
            }
            Ok(Box::new(public.into_iter()) as Addrs)
        })
    }
}

/// The address of a page by its template.
fn fill(template: &str, native_id: &str) -> Option<Url> {
    // Where accounts are pages, the native id is the address.
    let address = if template == "{native_id}" {
        native_id.to_owned()
    } else {
        let encoded = |text: &str| utf8_percent_encode(text, UNRESERVED).to_string();
        let mut address = template.replace("{native_id}", &encoded(native_id));
        if let Some((before, rest)) = template.split_once("{after:") {
            let (prefix, after) = rest.split_once('}')?;
            address = format!("{before}{}{after}", encoded(native_id.strip_prefix(prefix)?));
        }
        if address.contains("{user}") || address.contains("{host}") {
            let (user, host) = native_id.trim_start_matches('@').split_once('@')?;
            let host = match Host::parse(host).ok()? {
                Host::Domain(host) => host,
                Host::Ipv4(_) | Host::Ipv6(_) => return None,
            };
            address = address.replace("{user}", &encoded(user)).replace("{host}", &host);
        }
        address
    };
    let url = Url::parse(&address).ok()?;
    let plain = url.username().is_empty() && url.password().is_none();
    (matches!(url.scheme(), "https" | "http") && url.has_host() && plain).then_some(url)
}

/// Follows from one page of a host to another, and nowhere else.
fn stay(attempt: Attempt<'_>) -> reqwest::redirect::Action {
    let origin = attempt.previous().first().map(Url::origin);
    if origin != Some(attempt.url().origin()) || attempt.previous().len() > REDIRECTS_MAX {
        return attempt.error(Elsewhere);
    }
    attempt.follow()
}

/// By the roots that Mozilla trusts, which lie in the binary: no machine needs to have any.
fn tls() -> rustls::ClientConfig {
    let roots = rustls::RootCertStore::from_iter(webpki_roots::TLS_SERVER_ROOTS.iter().cloned());
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    rustls::ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .expect("the provider has the versions that are safe")
        .with_root_certificates(roots)
        .with_no_client_auth()
}

/// Whether an address is anybody's in the world, and not one of a network of its own.
fn is_public(address: IpAddr) -> bool {
    match address {
        IpAddr::V4(address) => is_public_v4(address),
        IpAddr::V6(address) => is_public_v6(address),
    }
}

fn is_public_v4(address: Ipv4Addr) -> bool {
    let [first, second, third, _] = address.octets();
    let shared = first == 100 && (64..128).contains(&second);
    let protocols = first == 192 && second == 0 && third == 0;
    let measuring = first == 198 && (18..20).contains(&second);
    let relay = first == 192 && second == 88 && third == 99;
    !(address.is_private()
        || address.is_loopback()
        || address.is_link_local()
        || address.is_documentation()
        || address.is_multicast()
        || first == 0
        || first >= 240
        || shared
        || protocols
        || measuring
        || relay)
}

fn is_public_v6(address: Ipv6Addr) -> bool {
    let [first, second, ..] = address.segments();
    // What is routed at all, but for what carries other addresses inside it and what documents use.
    let routed = first & 0xe000 == 0x2000;
    let inside = first == 0x2002 || (first == 0x2001 && second < 0x200);
    let documents = (first == 0x2001 && second == 0xdb8) || first == 0x3fff;
    routed && !inside && !documents
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_but_public_addresses_is_asked() {
        for private in [
            "127.0.0.1",
            "10.1.2.3",
            "172.16.0.1",
            "192.168.1.1",
            "169.254.169.254",
            "100.64.0.1",
            "0.0.0.0",
            "192.0.0.8",
            "198.18.0.1",
            "224.0.0.1",
            "255.255.255.255",
            "::1",
            "::",
            "::ffff:127.0.0.1",
            "::ffff:8.8.8.8",
            "64:ff9b::7f00:1",
            "fe80::1",
            "fc00::1",
            "ff02::1",
            "2001:db8::1",
            "2002:7f00:1::",
            "2001::1",
        ] {
            assert!(!is_public(private.parse().expect("an address")), "{private}");
        }
        for public in ["8.8.8.8", "1.1.1.1", "172.32.0.1", "2606:4700::1111", "2a00:1450::1"] {
            assert!(is_public(public.parse().expect("an address")), "{public}");
        }
    }

    #[test]
    fn an_address_of_a_private_network_is_not_asked_however_it_is_written() {
        let pages = Pages::new(BTreeMap::new(), false).expect("a client");
        for private in [
            "http://127.0.0.1/",
            "http://2130706433/",
            "http://0x7f.1/",
            "http://[::1]/",
            "http://[::ffff:10.0.0.1]/",
            "http://169.254.169.254/latest",
            "https://example.org:6379/",
        ] {
            assert!(!pages.is_allowed(&Url::parse(private).expect("an address")), "{private}");
        }
        assert!(pages.is_allowed(&Url::parse("https://example.org/").expect("an address")));
    }

    #[test]
    fn a_page_is_that_of_the_native_id_and_of_no_other() {
        let page = |template: &str, native_id: &str| fill(template, native_id).map(String::from);
        let github = "https://api.example/user/{native_id}";
        assert_eq!(page(github, "7").as_deref(), Some("https://api.example/user/7"));
        assert_eq!(
            page(github, "../admin?x#y").as_deref(),
            Some("https://api.example/user/..%2Fadmin%3Fx%23y")
        );
        let mastodon = "https://{host}/@{user}";
        assert_eq!(page(mastodon, "ann@one.example").as_deref(), Some("https://one.example/@ann"));
        assert_eq!(page(mastodon, "ann"), None);
        for bad in ["ann@one.example/evil", "ann@127.0.0.1", "ann@one.example:8080", "ann@a b"] {
            assert_eq!(page(mastodon, bad), None, "{bad}");
        }
        let logins = "https://code.example/{after:login/}";
        assert_eq!(page(logins, "login/Ann").as_deref(), Some("https://code.example/Ann"));
        assert_eq!(page(logins, "7"), None, "somebody may be called like another one's number");
        assert_eq!(
            page("{native_id}", "https://ann.example/").as_deref(),
            Some("https://ann.example/")
        );
        for bad in ["file:///etc/passwd", "ann", "https://ann:secret@ann.example/", "javascript:1"]
        {
            assert_eq!(page("{native_id}", bad), None, "{bad}");
        }
    }
}
