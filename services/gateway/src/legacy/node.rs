//! What version 1 answered as JSON or as XML, whichever was asked for. Pure.

use std::borrow::Cow;

use serde::{Serialize, Serializer, ser::SerializeMap as _};

/// A part of an answer.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Node {
    Text(String),
    /// Written without a fraction when it is whole.
    Number(f64),
    /// In this order.
    Fields(Vec<(&'static str, Node)>),
    /// What XML calls each of them, and they.
    List(&'static str, Vec<Node>),
}

// === impl Node ===

impl Node {
    pub(super) fn text(text: &str) -> Self {
        Self::Text(text.to_owned())
    }

    /// With two digits after the point.
    pub(super) fn hundredths(number: f64) -> Self {
        // Adding 0 makes of a rounded -0 a 0.
        Self::Number((number * 100.0).round() / 100.0 + 0.0)
    }

    /// The document that XML made of it: the users, or what was wrong.
    pub(super) fn xml(&self) -> String {
        let mut text = r#"<?xml version="1.0" encoding="UTF-8"?>"#.to_owned();
        match (self.field("users"), self.field("body")) {
            (Some(users), _) => users.write("users", &mut text),
            (None, Some(body)) => body.write("body", &mut text),
            (None, None) => self.write("response", &mut text),
        }
        text
    }

    fn field(&self, name: &str) -> Option<&Self> {
        let Self::Fields(fields) = self else { return None };
        fields.iter().find(|(field, _)| *field == name).map(|(_, node)| node)
    }

    fn write(&self, name: &str, to: &mut String) {
        to.push('<');
        to.push_str(name);
        to.push('>');
        match self {
            Self::Text(text) => to.push_str(&escaped(text)),
            Self::Number(number) => to.push_str(&number.to_string()),
            Self::Fields(fields) => fields.iter().for_each(|(name, node)| node.write(name, to)),
            Self::List(item, nodes) => nodes.iter().for_each(|node| node.write(item, to)),
        }
        to.push_str("</");
        to.push_str(name);
        to.push('>');
    }
}

impl Serialize for Node {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self {
            Self::Text(text) => serializer.serialize_str(text),
            Self::Number(number) => match whole(*number) {
                Some(whole) => serializer.serialize_i64(whole),
                None => serializer.serialize_f64(*number),
            },
            Self::Fields(fields) => {
                let mut map = serializer.serialize_map(Some(fields.len()))?;
                for (name, node) in fields {
                    map.serialize_entry(name, node)?;
                }
                map.end()
            }
            Self::List(_, nodes) => serializer.collect_seq(nodes),
        }
    }
}

/// A number that has no fraction and fits.
#[expect(clippy::cast_possible_truncation, reason = "every whole number up to 2^53 is a double")]
fn whole(number: f64) -> Option<i64> {
    (number.fract() == 0.0 && number.abs() < 9_007_199_254_740_992.0).then_some(number as i64)
}

/// What may stand in XML; there is no way to write most control characters, and they are left out.
fn escaped(text: &str) -> Cow<'_, str> {
    let plain = |it: char| {
        !matches!(it, '&' | '<' | '>' | '"' | '\'' | '\0'..='\x1f' | '\u{fffe}' | '\u{ffff}')
    };
    if text.chars().all(plain) {
        return Cow::Borrowed(text);
    }
    let mut escaped = String::with_capacity(text.len() + 16);
    for it in text.chars() {
        match it {
            '&' => escaped.push_str("&amp;"),
            '<' => escaped.push_str("&lt;"),
            '>' => escaped.push_str("&gt;"),
            '"' => escaped.push_str("&quot;"),
            '\'' => escaped.push_str("&apos;"),
            '\t' | '\n' => escaped.push(it),
            it if plain(it) => escaped.push(it),
            _ => {}
        }
    }
    Cow::Owned(escaped)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn users(name: &str) -> Node {
        let user = Node::Fields(vec![
            ("twitter_screen_name", Node::text(name)),
            ("kscore", Node::hundredths(10.8571)),
            ("topics", Node::List("topic", vec![Node::text("humor"), Node::text("a & b")])),
        ]);
        let users = Node::List("user", vec![user]);
        Node::Fields(vec![("status", Node::Number(200.0)), ("users", users)])
    }

    #[test]
    fn users_are_the_root_of_the_document() {
        assert_eq!(
            users("<al\0ice>").xml(),
            concat!(
                r#"<?xml version="1.0" encoding="UTF-8"?>"#,
                "<users><user><twitter_screen_name>&lt;alice&gt;</twitter_screen_name>",
                "<kscore>10.86</kscore>",
                "<topics><topic>humor</topic><topic>a &amp; b</topic></topics></user></users>"
            )
        );
    }

    #[test]
    fn what_was_wrong_is_the_document_else() {
        let error = Node::Fields(vec![("error", Node::text("No users"))]);
        let node = Node::Fields(vec![("status", Node::Number(200.0)), ("body", error)]);
        assert!(node.xml().ends_with("<body><error>No users</error></body>"), "{}", node.xml());
    }

    #[test]
    fn whole_numbers_have_no_fraction_and_none_is_below_zero_by_its_sign_alone() {
        let json = |number: f64| serde_json::to_string(&Node::hundredths(number)).expect("JSON");
        for (number, text) in
            [(2.0, "2"), (-0.004, "0"), (11.251, "11.25"), (-0.319, "-0.32"), (0.1, "0.1")]
        {
            assert_eq!(json(number), text);
        }
    }

    proptest! {
        #[test]
        fn no_text_adds_an_element(name in "\\PC{0,40}") {
            let text = users(&name).xml();
            prop_assert_eq!(text.matches('<').count(), users("").xml().matches('<').count());
        }
    }
}
