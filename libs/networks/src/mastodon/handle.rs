//! What accounts are called: `user@server`.

use url::Host;

/// In bytes, of the part before the server.
const USER_LENGTH_MAX: usize = 64;

/// In bytes, as names of hosts are.
const HOST_LENGTH_MAX: usize = 253;

/// A handle, taken apart.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Handle<'a> {
    pub(super) user: &'a str,
    pub(super) host: &'a str,
}

// === impl Handle ===

impl<'a> Handle<'a> {
    /// `None`: it is none. Whether there can be such a server is not looked at.
    pub(super) fn of(text: &'a str) -> Option<Self> {
        let (user, host) = text.strip_prefix('@').unwrap_or(text).split_once('@')?;
        let valid = (1..=USER_LENGTH_MAX).contains(&user.len())
            && user
                .bytes()
                .all(|it| it.is_ascii_alphanumeric() || matches!(it, b'_' | b'.' | b'-'))
            && !matches!(user, "." | "..");
        (valid && !host.is_empty()).then_some(Self { user, host })
    }

    /// The server, as names of hosts are written.
    pub(super) fn server(&self) -> Result<String, &'static str> {
        if self.host.contains('%') {
            return Err("names no server after its last @");
        }
        let host = Host::parse(self.host).map_err(|_| "names no server after its last @")?;
        let Host::Domain(name) = host else {
            return Err("names a server by its address, which is none of its name");
        };
        let has_parts = name.len() <= HOST_LENGTH_MAX
            && name.contains('.')
            && name.split('.').all(|it| !it.is_empty());
        has_parts.then_some(name).ok_or("names a server that cannot be on the internet")
    }
}

/// What an account is called that a server tells of: by its own name alone if it is one of that server.
pub(super) fn full(acct: &str, host: &str) -> String {
    match acct.rsplit_once('@') {
        Some((user, host)) => format!("{user}@{}", host.to_lowercase()),
        None => format!("{acct}@{}", host.to_lowercase()),
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn server(text: &str) -> Option<String> {
        Handle::of(text)?.server().ok()
    }

    #[test]
    fn a_server_is_known_by_its_name_however_it_is_written() {
        for text in ["ann@social.example", "@ann@Social.EXAMPLE"] {
            assert_eq!(server(text).as_deref(), Some("social.example"), "{text}");
        }
        assert_eq!(server("ann@bücher.example").as_deref(), Some("xn--bcher-kva.example"));
    }

    #[test]
    fn addresses_ports_and_what_is_no_name_are_no_server() {
        for text in [
            "ann",
            "ann@",
            "@social.example",
            "ann@127.0.0.1",
            "ann@2130706433",
            "ann@0x7f.1",
            "ann@[::1]",
            "ann@localhost",
            "ann@social.example:8080",
            "ann@social.example/x",
            "ann@bob@social.example",
            "ann@social.example.",
            "ann@social..example",
            "ann@%6cocalhost.example",
            "a/b@social.example",
            "..@social.example",
            "ann@social.example#x",
            "ann@ social.example",
        ] {
            assert_eq!(server(text), None, "{text}");
        }
        assert_eq!(server(&format!("ann@{}.example", "a.".repeat(200))), None);
    }

    #[test]
    fn an_account_of_the_server_itself_gets_its_name() {
        assert_eq!(full("ann", "Social.example"), "ann@social.example");
        assert_eq!(full("Bob@Other.example", "social.example"), "Bob@other.example");
    }

    proptest! {
        #[test]
        fn whatever_is_a_server_can_stand_in_an_address(text in "[a-z@]{0,4}\\PC{0,12}") {
            if let Some(name) = server(&text) {
                let url = url::Url::parse(&format!("https://{name}")).expect("an address");
                prop_assert_eq!(url.host_str(), Some(name.as_str()));
                prop_assert!(url.port().is_none() && url.path() == "/");
            }
        }
    }
}
