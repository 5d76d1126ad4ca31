//! What an address of the old API asks for. Pure.

use percent_encoding::percent_decode_str;

/// So many users at most in one call of version 1.
pub(super) const USERS_MAX: usize = 5;

/// Characters of the name of a function that an answer is handed to.
const CALLBACK_MAX: usize = 64;

/// What was asked, as far as it can be told before anybody was let in.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Asked {
    pub(super) key: Option<String>,
    /// The function that a page wants the answer handed to.
    pub(super) callback: Option<Callback>,
    pub(super) format: Format,
    /// `None`: nothing is there.
    pub(super) method: Option<Method>,
}

/// The name of a function, or what cannot be one.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Callback {
    Name(String),
    Invalid,
}

/// How version 1 is to write it down; version 2 has JSON alone.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Format {
    Json,
    Xml,
}

/// A method of the old API with what it was asked.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Method {
    /// Of version 1, about users by their screen names.
    Users { what: UsersWhat, users: Vec<String> },
    /// Who that is.
    Identity(Whose),
    /// What a network calls somebody.
    NetworkId { person: String, network: OldNetwork },
    /// What is known of somebody.
    User { whose: Whose, what: UserWhat },
}

/// The five methods of version 1.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum UsersWhat {
    Klout,
    Show,
    Topics,
    InfluencedBy,
    InfluencerOf,
}

/// The four methods of version 2 about somebody.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum UserWhat {
    User,
    Score,
    Topics,
    Influence,
}

/// How somebody is named.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Whose {
    /// By the id that we gave them.
    Person(String),
    /// By what they are called on Twitter.
    ScreenName(String),
    /// By what a network calls them.
    NetworkId(OldNetwork, String),
}

/// The networks that the old API has a name for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum OldNetwork {
    Twitter,
    GooglePlus,
    Instagram,
    Facebook,
}

// === impl Asked ===

impl Asked {
    /// Of a path with its version, and a query. Slashes too many, such as the last one of `/twitter/`, mean nothing,
    /// and neither does the order of parameters.
    pub(super) fn parse(path: &str, query: &str) -> Self {
        let mut parameters = Parameters::default();
        for (name, value) in form_urlencoded::parse(query.as_bytes()) {
            match &*name {
                "key" => parameters.key = Some(value.into_owned()).filter(|key| !key.is_empty()),
                "callback" => parameters.callback = Some(Callback::parse(&value)),
                "users" => parameters.users.extend(users(&value)),
                "screenName" => parameters.screen_name = Some(value.into_owned()),
                // Whatever else old software sends changed nothing then either.
                _ => {}
            }
        }
        let segments: Vec<String> = path
            .split('/')
            .filter(|segment| !segment.is_empty())
            .map(|segment| percent_decode_str(segment).decode_utf8_lossy().into_owned())
            .collect();
        let segments: Vec<&str> = segments.iter().map(String::as_str).collect();
        let Parameters { key, callback, users, screen_name } = parameters;
        let (format, method) = match segments.as_slice() {
            ["1", method @ ..] => {
                let method = method.join("/");
                let xml = method.strip_suffix(".xml");
                let what = xml.or_else(|| method.strip_suffix(".json")).and_then(UsersWhat::parse);
                let format = if xml.is_some() { Format::Xml } else { Format::Json };
                (format, what.map(|what| Method::Users { what, users }))
            }
            ["v2", rest @ ..] => (Format::Json, of_version_2(rest, screen_name)),
            _ => (Format::Json, None),
        };
        Self { key, callback, format, method }
    }
}

#[derive(Debug, Default)]
struct Parameters {
    key: Option<String>,
    callback: Option<Callback>,
    users: Vec<String>,
    screen_name: Option<String>,
}

/// Screen names that are joined by commas.
fn users(joined: &str) -> impl Iterator<Item = String> + '_ {
    joined.split(',').map(screen_name).filter(|name| !name.is_empty()).map(str::to_owned)
}

/// As people write it, with or without `@`.
fn screen_name(text: &str) -> &str {
    let text = text.trim();
    text.strip_prefix('@').unwrap_or(text)
}

fn of_version_2(segments: &[&str], by_name: Option<String>) -> Option<Method> {
    let user = |whose, what| Some(Method::User { whose, what });
    match segments {
        ["identity.json", "twitter"] => {
            // Without a name nobody is named.
            let name = by_name.unwrap_or_default();
            Some(Method::Identity(Whose::ScreenName(screen_name(&name).to_owned())))
        }
        // `ks` was documented, and `klout` is what worked.
        ["identity.json", "klout" | "ks", person, network] => {
            let (person, network) = ((*person).to_owned(), OldNetwork::parse(network)?);
            Some(Method::NetworkId { person, network })
        }
        ["identity.json", network, id] => {
            let network = OldNetwork::parse(network)?;
            Some(Method::Identity(Whose::NetworkId(network, (*id).to_owned())))
        }
        ["user.json", person] => user(Whose::Person((*person).to_owned()), UserWhat::User),
        ["user.json", person, what] => {
            user(Whose::Person((*person).to_owned()), UserWhat::parse(what)?)
        }
        ["tw-user.json", id] => {
            user(Whose::NetworkId(OldNetwork::Twitter, (*id).to_owned()), UserWhat::User)
        }
        ["tw-user.json", id, what] => {
            let whose = Whose::NetworkId(OldNetwork::Twitter, (*id).to_owned());
            user(whose, UserWhat::parse(what)?)
        }
        _ => None,
    }
}

// === impl Callback ===

impl Callback {
    /// Letters, digits, `_` and `$` in parts that are joined by dots, none of which begins with a digit: what scripts
    /// name functions by, and nothing that could be more of a script than that.
    fn parse(text: &str) -> Self {
        let part = |part: &str| {
            let valid = |it: u8| it.is_ascii_alphanumeric() || it == b'_' || it == b'$';
            part.bytes().all(valid) && part.bytes().next().is_some_and(|it| !it.is_ascii_digit())
        };
        if text.len() <= CALLBACK_MAX && text.split('.').all(part) {
            Self::Name(text.to_owned())
        } else {
            Self::Invalid
        }
    }
}

// === impl UsersWhat ===

impl UsersWhat {
    fn parse(method: &str) -> Option<Self> {
        match method {
            "klout" => Some(Self::Klout),
            "users/show" => Some(Self::Show),
            "users/topics" => Some(Self::Topics),
            "soi/influenced_by" => Some(Self::InfluencedBy),
            "soi/influencer_of" => Some(Self::InfluencerOf),
            _ => None,
        }
    }
}

// === impl UserWhat ===

impl UserWhat {
    fn parse(segment: &str) -> Option<Self> {
        match segment {
            "score" => Some(Self::Score),
            "topics" => Some(Self::Topics),
            "influence" => Some(Self::Influence),
            _ => None,
        }
    }
}

// === impl OldNetwork ===

impl OldNetwork {
    fn parse(segment: &str) -> Option<Self> {
        match segment {
            "tw" => Some(Self::Twitter),
            "gp" => Some(Self::GooglePlus),
            "ig" => Some(Self::Instagram),
            "fb" => Some(Self::Facebook),
            _ => None,
        }
    }

    /// As paths and answers have it.
    pub(super) const fn as_str(self) -> &'static str {
        match self {
            Self::Twitter => "tw",
            Self::GooglePlus => "gp",
            Self::Instagram => "ig",
            Self::Facebook => "fb",
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn method(path: &str, query: &str) -> Option<Method> {
        Asked::parse(path, query).method
    }

    fn callback(text: &str) -> Callback {
        let query = form_urlencoded::Serializer::new(String::new())
            .append_pair("callback", text)
            .append_pair("key", "k")
            .finish();
        Asked::parse("/v2/user.json/1/score", &query).callback.expect("a callback")
    }

    #[test]
    fn every_documented_address_of_version_2_is_a_method() {
        let person = || Whose::Person("7".to_owned());
        let twitter = || Whose::NetworkId(OldNetwork::Twitter, "12".to_owned());
        let user = |whose, what| Some(Method::User { whose, what });
        for (path, asked) in [
            ("identity.json/tw/12", Some(Method::Identity(twitter()))),
            ("user.json/7", user(person(), UserWhat::User)),
            ("user.json/7/score", user(person(), UserWhat::Score)),
            ("user.json/7/topics", user(person(), UserWhat::Topics)),
            ("user.json/7/influence", user(person(), UserWhat::Influence)),
            ("tw-user.json/12", user(twitter(), UserWhat::User)),
            ("tw-user.json/12/score", user(twitter(), UserWhat::Score)),
            ("tw-user.json/12/topics", user(twitter(), UserWhat::Topics)),
            ("tw-user.json/12/influence", user(twitter(), UserWhat::Influence)),
        ] {
            assert_eq!(method(&format!("/v2/{path}"), "key=k"), asked, "{path}");
            assert_eq!(method(&format!("/v2/{path}/"), "key=k"), asked, "{path}/");
        }
        for (segment, network) in [
            ("gp", OldNetwork::GooglePlus),
            ("ig", OldNetwork::Instagram),
            ("fb", OldNetwork::Facebook),
        ] {
            let whose = Whose::NetworkId(network, "9".to_owned());
            let path = format!("/v2/identity.json/{segment}/9");
            assert_eq!(method(&path, ""), Some(Method::Identity(whose)));
            for of in ["klout", "ks"] {
                let asked = Method::NetworkId { person: "7".to_owned(), network };
                assert_eq!(method(&format!("/v2/identity.json/{of}/7/{segment}"), ""), Some(asked));
            }
            assert_eq!(network.as_str(), segment);
        }
    }

    #[test]
    fn what_is_not_documented_is_not_there() {
        for path in [
            "/v2/",
            "/v2/user.json",
            "/v2/user.json/7/score/x",
            "/v2/user.json/7/perks",
            "/v2/user.xml/7",
            "/v2/identity.json/li/7",
            "/v2/identity.json/klout/7",
            "/v2/oauth/",
            "/1/klout",
            "/1/klout.xml.json",
            "/1/users/stats.json",
            "/1/v2/klout.json",
            "/2/klout.json",
        ] {
            assert_eq!(method(path, "key=k&users=a&screenName=a"), None, "{path}");
        }
    }

    #[test]
    fn every_documented_address_of_version_1_is_a_method() {
        for (path, what) in [
            ("klout", UsersWhat::Klout),
            ("users/show", UsersWhat::Show),
            ("users/topics", UsersWhat::Topics),
            ("soi/influenced_by", UsersWhat::InfluencedBy),
            ("soi/influencer_of", UsersWhat::InfluencerOf),
        ] {
            let asked = Some(Method::Users { what, users: vec!["a".to_owned(), "b".to_owned()] });
            for (end, format) in [(".json", Format::Json), (".xml", Format::Xml)] {
                for query in [
                    "key=k&users=a,b",
                    "users=a,b&key=k",
                    "users=a&users=b&key=k",
                    "users=a%2Cb",
                    "users=@a,,%40b,",
                ] {
                    let parsed = Asked::parse(&format!("/1/{path}{end}"), query);
                    assert_eq!((parsed.method, parsed.format), (asked.clone(), format), "{query}");
                }
            }
        }
    }

    #[test]
    fn a_screen_name_is_taken_as_people_write_it() {
        for query in ["screenName=ann", "key=k&screenName=%40ann", "screenName=+ann+&key=k"] {
            let asked = method("/v2/identity.json/twitter/", query);
            let name = Whose::ScreenName("ann".to_owned());
            assert_eq!(asked, Some(Method::Identity(name)), "{query}");
        }
        let nobody = Some(Method::Identity(Whose::ScreenName(String::new())));
        assert_eq!(method("/v2/identity.json/twitter", "key=k"), nobody);
    }

    #[test]
    fn a_callback_is_a_name_of_a_function_and_nothing_more() {
        for name in ["cb", "jQuery18309_1372", "Request.JSONP.request_map.request_0", "$", "_a.b$"]
        {
            assert_eq!(callback(name), Callback::Name(name.to_owned()));
        }
        for not in [
            "",
            "?",
            "1a",
            "a..b",
            ".a",
            "a.",
            "a[0]",
            "a b",
            "alert(1)",
            "a;b",
            "a//",
            "</script>",
            "a\n",
            "a\r\nx: y",
            "é",
            "a\u{2028}",
            "a\0",
            &"a".repeat(65),
        ] {
            assert_eq!(callback(not), Callback::Invalid, "{not:?}");
        }
        assert_eq!(callback(&"a".repeat(64)), Callback::Name("a".repeat(64)));
    }

    proptest! {
        #[test]
        fn no_address_makes_it_panic_and_slashes_at_the_end_change_nothing(
            path in "/(1|v2)/[a-z./%0-9-]{0,40}",
            query in ".{0,60}",
        ) {
            let asked = Asked::parse(&path, &query);
            prop_assert_eq!(Asked::parse(&format!("{path}/"), &query), asked);
        }

        #[test]
        fn a_callback_that_passes_holds_nothing_that_a_script_could_end_by(text in "\\PC{0,70}") {
            if let Callback::Name(name) = callback(&text) {
                prop_assert!(name.len() <= CALLBACK_MAX);
                let harmless = |it: char| it.is_ascii_alphanumeric() || "_$.".contains(it);
                prop_assert!(name.chars().all(harmless));
            }
        }
    }
}
