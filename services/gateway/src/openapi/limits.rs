//! Limits of a field, as its comment names them: `at most 25`, `1 to 4,000 characters`, `0 to 1`.

use prost_reflect::{FieldDescriptor, Kind};

use super::comments;

/// What a value has to keep to; nothing where the comment says nothing.
#[derive(Clone, Debug, Default, PartialEq)]
pub(super) struct Limits {
    pub(super) items_min: Option<usize>,
    pub(super) items_max: Option<usize>,
    pub(super) characters_min: Option<usize>,
    /// A limit in bytes is one in characters too, though a lax one.
    pub(super) characters_max: Option<usize>,
    pub(super) least: Option<f64>,
    pub(super) most: Option<f64>,
}

/// A range that a comment names.
#[derive(Clone, Debug, PartialEq)]
struct Range {
    least: Option<f64>,
    most: f64,
    /// Whether it is of characters or bytes.
    of_text: bool,
}

// === impl Limits ===

impl Limits {
    pub(super) fn of(field: &FieldDescriptor) -> Self {
        Self::said(&comments::of_field(field), &field.kind(), field.is_list())
    }

    /// What holds of each element of a list.
    pub(super) fn of_each(&self) -> Self {
        Self { items_min: None, items_max: None, ..self.clone() }
    }

    pub(super) fn whole_least(&self) -> Option<i64> {
        self.least.and_then(whole).and_then(|it| i64::try_from(it).ok())
    }

    pub(super) fn whole_most(&self) -> Option<i64> {
        self.most.and_then(whole).and_then(|it| i64::try_from(it).ok())
    }

    #[expect(clippy::wildcard_enum_match_arm, reason = "nothing else has limits that can be said")]
    fn said(comment: &str, kind: &Kind, is_list: bool) -> Self {
        let mut limits = Self::default();
        for range in ranges(comment) {
            let (least, most) = (range.least.and_then(whole), whole(range.most));
            match kind {
                Kind::String if range.of_text => {
                    limits.characters_max = limits.characters_max.or(most);
                    limits.characters_min = limits.characters_min.or(least);
                }
                Kind::Double
                | Kind::Float
                | Kind::Int32
                | Kind::Sint32
                | Kind::Uint32
                | Kind::Fixed32
                    if !is_list && range.least.is_some() =>
                {
                    limits.least = limits.least.or(range.least);
                    limits.most = limits.most.or(Some(range.most));
                }
                _ if is_list && !range.of_text => {
                    limits.items_max = limits.items_max.or(most);
                    limits.items_min = limits.items_min.or(least);
                }
                _ => {}
            }
        }
        limits
    }
}

/// Every range that a comment names, in order.
fn ranges(comment: &str) -> Vec<Range> {
    let words: Vec<&str> = comment.split_whitespace().collect();
    let mut ranges = Vec::new();
    for (place, word) in words.iter().enumerate() {
        let before = |back: usize| place.checked_sub(back).map(|it| words[it]);
        let Some(most) = number(word) else { continue };
        let least = match (before(2), before(1)) {
            (Some(least), Some("to")) => match number(least) {
                Some(least) => Some(least),
                None => continue,
            },
            (Some("at" | "At"), Some("most")) => None,
            _ => continue,
        };
        // A sentence ends with its number.
        let next = if word.ends_with(['.', ';', ':']) { None } else { words.get(place + 1) };
        let of_text =
            next.is_some_and(|it| it.starts_with("bytes") || it.starts_with("characters"));
        ranges.push(Range { least, most, of_text });
    }
    ranges
}

fn number(word: &str) -> Option<f64> {
    let word = word.trim_end_matches(['.', ',', ';', ':']).replace(',', "");
    word.parse().ok().filter(|it: &f64| it.is_finite())
}

#[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "it was looked at")]
fn whole(number: f64) -> Option<usize> {
    ((0.0..=1e9).contains(&number) && number.fract() == 0.0).then_some(number as usize)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn limits_are_read_as_comments_write_them() {
        let of = |comment: &str, kind: Kind, is_list| Limits::said(comment, &kind, is_list);
        let none = Limits::default();
        let list = of("Accounts, at most 25.", Kind::String, true);
        assert_eq!(list, Limits { items_max: Some(25), ..none.clone() });
        let list = of("1 to 1,000.", Kind::String, true);
        assert_eq!(list, Limits { items_min: Some(1), items_max: Some(1000), ..none.clone() });
        let text = of("Why the score is wrong: 1 to 4,000 characters.", Kind::String, false);
        assert_eq!((text.characters_min, text.characters_max), (Some(1), Some(4000)));
        let text = of("Made up by the caller, at most 100 bytes, so that.", Kind::String, false);
        assert_eq!(text, Limits { characters_max: Some(100), ..none.clone() });
        let share = of("How likely it has to be, 0 to 1. Absent: 0.95.", Kind::Double, false);
        assert_eq!(share, Limits { least: Some(0.0), most: Some(1.0), ..none.clone() });
        let size = of(
            "At most so many. 0 means 100; more than 1,000 is treated as 1,000.",
            Kind::Int32,
            false,
        );
        assert_eq!(size, none);
    }
}
