//! Accounts of the network `web`, which are pages of people's own: their native ids are addresses, written one way. Pure.

use url::Url;

/// The network whose accounts are pages of people's own.
pub(crate) const WEB: &str = "web";

/// An address as it is kept: scheme and host in lower case, a host of other scripts as Punycode has it, without the
/// port that the scheme means anyway, without a fragment, and without slashes at the end of a path.
pub(crate) fn address(text: &str) -> Result<String, &'static str> {
    let problem = "is no address of a page on the web, such as https://example.org/me";
    let mut url = Url::parse(text.trim()).map_err(|_| problem)?;
    let plain = url.username().is_empty() && url.password().is_none();
    if !plain || !matches!(url.scheme(), "https" | "http") {
        return Err(problem);
    }
    url.set_fragment(None);
    let path = url.path().trim_end_matches('/').to_owned();
    url.set_path(&path);
    Ok(url.into())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_is_written_one_way() {
        for (text, written) in [
            ("https://ann.example", "https://ann.example/"),
            (" HTTPS://Ann.Example:443/#me ", "https://ann.example/"),
            ("http://ann.example:80", "http://ann.example/"),
            ("http://ann.example:8080/Me//", "http://ann.example:8080/Me"),
            ("https://ann.example/a/../b/?x=1#y", "https://ann.example/b?x=1"),
            ("https://bücher.example/ä", "https://xn--bcher-kva.example/%C3%A4"),
            ("https://BÜCHER.example/%C3%A4/", "https://xn--bcher-kva.example/%C3%A4"),
            ("https:\\\\ann.example", "https://ann.example/"),
        ] {
            assert_eq!(address(text).as_deref(), Ok(written), "{text}");
            assert_eq!(address(written).as_deref(), Ok(written), "what is written so stays");
        }
    }

    #[test]
    fn hosts_that_look_alike_are_different_and_what_is_no_page_is_refused() {
        // A Cyrillic а.
        assert_eq!(address("https://аnn.example"), Ok("https://xn--nn-6kc.example/".to_owned()));
        assert_ne!(address("https://аnn.example"), address("https://ann.example"));
        assert_ne!(address("http://ann.example"), address("https://ann.example"));
        // One that is as wide as two means the same letter to whoever looks a host up.
        assert_eq!(address("https://ａnn.example"), address("https://ann.example"));
        for bad in [
            "",
            "ann",
            "ann.example",
            "//ann.example",
            "https://",
            "https:///",
            "ftp://ann.example",
            "javascript:alert(1)",
            "data:text/html,x",
            "https://ann@bank.example",
            "https://a b/",
            "https://:pass@bank.example",
            "https://ann.example:99999",
            "https://xn--/",
            "https://[::1",
            "mailto:ann@ann.example",
        ] {
            assert!(address(bad).is_err(), "{bad}");
        }
    }
}
