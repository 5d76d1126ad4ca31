//! The `Link` header (RFC 8288): where the other parts of a list are.

use http::{HeaderMap, header::LINK};
use url::Url;

use crate::{Answer, Trouble};

/// In bytes; a cursor is a tenth of it.
const ADDRESS_LENGTH_MAX: usize = 2_048;

/// Links of one answer that are looked at.
const LINKS_MAX: usize = 32;

/// The other parts of a list that an answer names.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Links {
    pub(crate) next: Option<Url>,
    pub(crate) previous: Option<Url>,
    pub(crate) last: Option<Url>,
}

// === impl Links ===

impl Links {
    /// What an answer names, read from where it was asked.
    ///
    /// # Errors
    ///
    /// [`Trouble::Elsewhere`] when one of them is on another server: nobody follows it there, and the list does not
    /// end here either.
    pub(crate) fn of(answer: &Answer<'_>, asked: &Url) -> Result<Self, Trouble> {
        let mut links = Self::default();
        for (target, relations) in targets(answer.headers) {
            let place =
                |relation: &str| relations.split_ascii_whitespace().any(|it| it == relation);
            let into = if place("next") {
                &mut links.next
            } else if place("prev") || place("previous") {
                &mut links.previous
            } else if place("last") {
                &mut links.last
            } else {
                continue;
            };
            let url = asked.join(&target).ok();
            let url = url.filter(|url| url.as_str().len() <= ADDRESS_LENGTH_MAX);
            let Some(mut url) = url else {
                return Err(Trouble::Malformed {
                    what: "the address of a further page",
                    problem: "it is none".to_owned(),
                });
            };
            if url.origin() != asked.origin() {
                return Err(Trouble::Elsewhere);
            }
            url.set_fragment(None);
            // The first of a kind counts.
            into.get_or_insert(url);
        }
        Ok(links)
    }
}

/// Targets of links with their relations, in lower case.
fn targets(headers: &HeaderMap) -> impl Iterator<Item = (String, String)> {
    let values = headers.get_all(LINK).iter().filter_map(|it| it.to_str().ok());
    values.flat_map(each).take(LINKS_MAX)
}

/// The links of one header.
fn each(header: &str) -> Vec<(String, String)> {
    let mut found = Vec::new();
    let mut rest = header;
    while let Some((_, after)) = rest.split_once('<') {
        let Some((target, after)) = after.split_once('>') else { break };
        let (parameters, after) = after.split_at(end(after, b','));
        found.push((target.trim().to_owned(), relations(parameters)));
        rest = after;
    }
    found
}

/// Where something ends: at this byte, in no quotes.
fn end(text: &str, at_byte: u8) -> usize {
    let (mut quoted, mut escaped) = (false, false);
    for (at, byte) in text.bytes().enumerate() {
        match byte {
            _ if escaped => escaped = false,
            b'\\' if quoted => escaped = true,
            b'"' => quoted = !quoted,
            _ if byte == at_byte && !quoted => return at,
            _ => {}
        }
    }
    text.len()
}

/// The relations that the parameters of a link name.
fn relations(mut parameters: &str) -> String {
    loop {
        let (parameter, rest) = parameters.split_at(end(parameters, b';'));
        if let Some((name, value)) = parameter.split_once('=')
            && name.trim().eq_ignore_ascii_case("rel")
        {
            return value.trim().trim_matches('"').to_ascii_lowercase();
        }
        // Beyond what divides it from the next one.
        match rest.get(1..) {
            Some(rest) => parameters = rest,
            None => return String::new(),
        }
    }
}

#[cfg(test)]
mod tests {
    use http::HeaderValue;
    use proptest::prelude::*;

    use super::*;

    fn read(header: &str) -> Result<Links, Trouble> {
        let Ok(header) = HeaderValue::from_str(header) else { return Ok(Links::default()) };
        let headers = HeaderMap::from_iter([(LINK, header)]);
        let answer = Answer { status: 200, headers: &headers, body: b"[]" };
        Links::of(&answer, &asked())
    }

    fn asked() -> Url {
        Url::parse("https://social.example/api/v1/accounts/1/followers?limit=80").expect("a URL")
    }

    fn next(header: &str) -> Option<String> {
        read(header).expect("of this server").next.map(String::from)
    }

    #[test]
    fn the_next_part_is_found_among_others_however_the_header_is_written() {
        let next_of = "https://social.example/api/v1/accounts/1/followers?max_id=7";
        for header in [
            format!("<{next_of}>; rel=\"next\""),
            format!("<https://social.example/x>; rel=\"prev\", <{next_of}>; rel=\"next\""),
            format!("<{next_of}>;rel=next,<https://social.example/x>;rel=last"),
            format!("<{next_of}>; title=\"a, <b>; rel=\\\"prev\\\"\"; REL=\"NEXT\""),
            "</api/v1/accounts/1/followers?max_id=7>; rel=\"next\"".to_owned(),
            "<?max_id=7>; rel=\"next first\"".to_owned(),
        ] {
            assert_eq!(next(&header).as_deref(), Some(next_of), "{header}");
        }
        for header in ["", "<", "<>", "rel=next", "<https://social.example/x>; rel=\"prev\""] {
            assert_eq!(next(header), None, "{header}");
        }
    }

    #[test]
    fn nobody_follows_a_list_to_another_server_and_it_does_not_end_there() {
        for target in [
            "https://elsewhere.example/api",
            "http://social.example/api",
            "https://social.example:8443/api",
            "//elsewhere.example/api",
            "https://social.example@elsewhere.example/api",
            "javascript:alert(1)",
        ] {
            let found = read(&format!("<{target}>; rel=\"next\""));
            assert!(matches!(found, Err(Trouble::Elsewhere)), "{target}: {found:?}");
        }
    }

    #[test]
    fn an_address_that_is_none_is_an_error() {
        let long = format!("</{}>; rel=\"next\"", "a".repeat(ADDRESS_LENGTH_MAX));
        for header in [long.as_str(), "<https://[>; rel=\"next\""] {
            assert!(matches!(read(header), Err(Trouble::Malformed { .. })), "{header}");
        }
    }

    proptest! {
        #[test]
        fn whatever_the_header_says_nobody_leaves_the_server(
            header in "[<>;=, \"\\\\a-z:/@.?#-]{0,64}",
            target in "\\PC{0,24}",
        ) {
            for header in [header, format!("<{target}>; rel=\"next\"")] {
                if let Ok(links) = read(&header) {
                    for url in [links.next, links.previous, links.last].into_iter().flatten() {
                        prop_assert_eq!(url.origin(), asked().origin());
                    }
                }
            }
        }
    }
}
