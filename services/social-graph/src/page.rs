//! Reads pages of others: profile pages, where a proof is looked for.
//!
//! Whoever asks for a proof chooses what is read, so nothing but public addresses is asked, nobody is followed to
//! another host, and no page takes longer or is larger than what a profile needs.

use std::{collections::BTreeMap, sync::Arc, time::Duration};

use klout_outbound::{Outbound, OutboundError, Reach};
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};
use reqwest::StatusCode;
use url::{Host, Url};

use crate::{account::Account, error::Error};

/// From asking to the last byte.
const PAGE_TIME_MAX: Duration = Duration::from_secs(5);

/// What of a page is read: profiles are shorter, and who writes more than this below it has shown nothing.
const PAGE_BYTES_MAX: usize = 1 << 20;

/// What stays as it is in a part of an address.
const UNRESERVED: &AsciiSet =
    &NON_ALPHANUMERIC.remove(b'-').remove(b'.').remove(b'_').remove(b'~').remove(b':').remove(b'@');

/// Pages of networks, and the way to them.
#[derive(Clone, Debug)]
pub(crate) struct Pages {
    outbound: Outbound,
    /// By network; `{native_id}` stands for the native id, `{user}` and `{host}` for its parts around an `@`,
    /// `{after:PREFIX}` for what stands behind a prefix that it has to have.
    templates: Arc<BTreeMap<String, String>>,
}

/// Why a page was not read.
#[derive(Debug, thiserror::Error)]
pub(crate) enum PageError {
    #[error("it answered {0}")]
    Answer(StatusCode),
    #[error(transparent)]
    Outbound(#[from] OutboundError),
}

// === impl Pages ===

impl Pages {
    /// # Errors
    ///
    /// When there is no TLS to be had.
    pub(crate) fn new(
        templates: BTreeMap<String, String>,
        reach: Reach,
    ) -> Result<Self, reqwest::Error> {
        let outbound = Outbound::new(reach, PAGE_TIME_MAX)?;
        Ok(Self { outbound, templates: Arc::new(templates) })
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
        let response = self.outbound.send(self.outbound.client().get(url.clone())).await?;
        if !response.status().is_success() {
            return Err(PageError::Answer(response.status()));
        }
        Ok(klout_outbound::read_start(response, PAGE_BYTES_MAX).await?)
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

#[cfg(test)]
mod tests {
    use super::*;

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
