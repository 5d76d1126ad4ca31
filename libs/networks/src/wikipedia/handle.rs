//! What people call an article: `Ann Example` in the English Wikipedia, `de.wikipedia.org:Ann Example` in another one, or
//! its address.

use url::Url;

/// The wiki of articles that are named without one.
const HOST_USUAL: &str = "en.wikipedia.org";

/// All Wikipedias are below it.
const DOMAIN: &str = ".wikipedia.org";

/// In bytes, as MediaWiki has it.
const TITLE_LENGTH_MAX: usize = 255;

/// A wiki, and the title of a page there.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Handle {
    pub(super) host: String,
    pub(super) title: String,
}

// === impl Handle ===

impl Handle {
    /// # Errors
    ///
    /// What is wrong with it, to go behind its name.
    pub(super) fn parse(handle: &str) -> Result<Self, &'static str> {
        let (host, title) = match Url::parse(handle) {
            Ok(url) if matches!(url.scheme(), "http" | "https") => at(&url)?,
            _ => named(handle),
        };
        let wiki = host.strip_suffix(DOMAIN).unwrap_or_default();
        let label = |it: &str| {
            !it.is_empty()
                && it.bytes().all(|it| it.is_ascii_lowercase() || it.is_ascii_digit() || it == b'-')
        };
        if !label(wiki) {
            return Err("names a host that is no Wikipedia");
        }
        let title = title.replace('_', " ").trim().to_owned();
        if title.is_empty() || title.len() > TITLE_LENGTH_MAX {
            return Err("has no title of 1 to 255 bytes");
        }
        // The last ones would ask for several pages, or for a part of one.
        if title.contains(|it: char| it.is_control() || "<>[]{}|#".contains(it)) {
            return Err("has a title that no page can have");
        }
        Ok(Self { host, title })
    }

    /// How an article of a wiki is called that is asked at this address.
    pub(super) fn of(public: &Url, title: &str) -> String {
        match public.host_str() {
            Some(host) if host.ends_with(DOMAIN) && host != HOST_USUAL => format!("{host}:{title}"),
            _ => title.to_owned(),
        }
    }
}

/// The wiki behind an address, with its port if it has one of its own.
pub(super) fn host_of(public: &Url) -> String {
    let host = public.host_str().unwrap_or_default();
    match public.port() {
        Some(port) => format!("{host}:{port}"),
        None => host.to_owned(),
    }
}

/// An address of an article.
fn at(url: &Url) -> Result<(String, String), &'static str> {
    // Phones have addresses of their own.
    let host = url.host_str().unwrap_or_default().replace(".m.", ".");
    let title = url.path().strip_prefix("/wiki/").ok_or("is an address of no article")?;
    // In a form these mean something that they do not in an address.
    let title = title.replace('+', "%2B").replace('&', "%26").replace('=', "%3D");
    let decoded = url::form_urlencoded::parse(title.as_bytes()).next();
    Ok((host, decoded.map(|(name, _)| name.into_owned()).unwrap_or_default()))
}

/// A title, after its wiki if that is named.
fn named(handle: &str) -> (String, String) {
    match handle.split_once(':') {
        Some((host, title)) if host.to_ascii_lowercase().ends_with(DOMAIN) => {
            (host.to_ascii_lowercase(), title.to_owned())
        }
        _ => (HOST_USUAL.to_owned(), handle.to_owned()),
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[track_caller]
    fn is(handle: &str, host: &str, title: &str) {
        let parsed = Handle { host: host.to_owned(), title: title.to_owned() };
        assert_eq!(Handle::parse(handle), Ok(parsed), "{handle}");
    }

    #[test]
    fn an_article_is_named_by_its_title_its_wiki_or_its_address() {
        is("Ann Example", "en.wikipedia.org", "Ann Example");
        is("Ann_Example ", "en.wikipedia.org", "Ann Example");
        is("Terminator 2: Judgment Day", "en.wikipedia.org", "Terminator 2: Judgment Day");
        is("de.wikipedia.org:Ann Example", "de.wikipedia.org", "Ann Example");
        is("De.Wikipedia.org:2001: A", "de.wikipedia.org", "2001: A");
        is("https://en.wikipedia.org/wiki/Ann_Example", "en.wikipedia.org", "Ann Example");
        is("https://fr.m.wikipedia.org/wiki/Am%C3%A9lie_A%2BB", "fr.wikipedia.org", "Amélie A+B");
        is("https://en.wikipedia.org/wiki/C+%26=?action=edit", "en.wikipedia.org", "C+&=");
    }

    #[test]
    fn what_is_no_article_of_a_wikipedia_is_refused() {
        for bad in [
            "",
            " _ ",
            "https://example.com/wiki/Ann",
            "https://wikipedia.org.example.com/wiki/Ann",
            "https://en.wikipedia.org/w/index.php?title=Ann",
            "https://en.wikipedia.org@127.0.0.1/wiki/Ann",
            ".wikipedia.org:Ann",
            "evil.example/.wikipedia.org:Ann",
            "a@b.wikipedia.org:Ann",
            "Ann|Ben",
            "Ann#Life",
            "Ann\u{1f}Ben",
            "en.wikipedia.org:",
        ] {
            assert!(Handle::parse(bad).is_err(), "{bad}");
        }
        assert!(Handle::parse(&"a".repeat(256)).is_err());
    }

    #[test]
    fn a_handle_of_another_wiki_names_it_and_is_read_again() {
        for (public, written) in [
            ("https://en.wikipedia.org/w/api.php", "Ann Example"),
            ("https://de.wikipedia.org/w/api.php", "de.wikipedia.org:Ann Example"),
            ("http://127.0.0.1:8090/api.php", "Ann Example"),
        ] {
            let public = Url::parse(public).expect("an address");
            let handle = Handle::of(&public, "Ann Example");
            assert_eq!(handle, written);
            assert_eq!(Handle::parse(&handle).expect("a handle").title, "Ann Example");
        }
    }

    proptest! {
        #[test]
        fn whatever_is_said_names_a_wikipedia_and_one_page_or_nothing(
            handle in "(https?://)?\\PC{0,12}(\\.wikipedia\\.org)?[:/]?(wiki/)?\\PC{0,20}",
        ) {
            if let Ok(Handle { host, title }) = Handle::parse(&handle) {
                let url = Url::parse(&format!("https://{host}")).expect("a host");
                prop_assert_eq!(url.host_str(), Some(host.as_str()));
                prop_assert!(host.ends_with(DOMAIN));
                prop_assert!(!title.is_empty() && !title.contains('|'));
            }
        }
    }
}
