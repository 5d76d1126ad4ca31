//! Why a score is what it is, in plain bars. Pure.

use klout_proto::score::v1::{Contribution, Explanation};

use super::text;

/// Fewer points than these are shown as none.
const LEAST_SHOWN: f64 = 0.05;

/// What a page tells of an explanation.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Why {
    pub(crate) low: String,
    pub(crate) high: String,
    pub(crate) parts: Vec<Part>,
    pub(crate) raises: Vec<Raise>,
}

/// The whole score, taken apart in one way.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Part {
    pub(crate) title: &'static str,
    pub(crate) bars: Vec<Bar>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Bar {
    pub(crate) name: String,
    pub(crate) points: String,
    /// In hundredths of the longest bar of all parts.
    pub(crate) length: String,
}

/// What would raise the score.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Raise {
    pub(crate) text: String,
    pub(crate) change: String,
}

pub(crate) fn why(explanation: &Explanation) -> Why {
    let Explanation { networks, kinds, actor_classes, .. } = explanation;
    let lists = [
        ("By network", networks, None),
        ("By who reacts", actor_classes, Some(class as fn(&str) -> Option<&'static str>)),
        ("By kind of reaction", kinds, None),
    ];
    let longest = lists.iter().flat_map(|(_, list, _)| list.iter()).map(|it| it.points);
    let longest = longest.max_by(f64::total_cmp).unwrap_or_default();
    let parts = lists.into_iter().filter(|(_, list, _)| !list.is_empty());
    let parts = parts.map(|(title, list, named)| Part {
        title,
        bars: list
            .iter()
            .filter(|it| it.count > 0 || it.points >= LEAST_SHOWN)
            .map(|it| bar(it, longest, named))
            .collect(),
    });
    let raises = explanation.counterfactuals.iter();
    let raises = raises
        .map(|it| Raise { text: it.text.clone(), change: text::change(it.change) })
        // What is too little to be seen raises nothing.
        .filter(|raise| raise.change.starts_with('+'));
    Why {
        low: text::tenths(explanation.low_score),
        high: text::tenths(explanation.high_score),
        parts: parts.collect(),
        raises: raises.collect(),
    }
}

fn bar(
    Contribution { name, points, .. }: &Contribution,
    longest: f64,
    named: Option<fn(&str) -> Option<&'static str>>,
) -> Bar {
    let fraction = if longest > 0.0 { (points / longest).clamp(0.0, 1.0) } else { 0.0 };
    let words = named.and_then(|named| named(name)).or_else(|| words(name));
    Bar {
        name: words.map_or_else(|| name.replace('_', " "), str::to_owned),
        points: text::tenths(*points),
        length: format!("{:.2}", fraction * 100.0),
    }
}

/// Names of contributions that do not speak for themselves.
fn words(name: &str) -> Option<&'static str> {
    Some(match name {
        "floor" => "for any evidence at all",
        "plus_k" => "+K",
        "counters" => "numbers without names",
        "unnamed" => "reactions without names",
        _ => return None,
    })
}

/// Classes of actors.
fn class(name: &str) -> Option<&'static str> {
    Some(match name {
        "influential" => "influential members",
        "members" => "other members",
        "known" => "known accounts",
        "unknown" => "unknown accounts",
        "unnamed" => "nobody named",
        "none" => "numbers without names",
        _ => return None,
    })
}

#[cfg(test)]
mod tests {
    use klout_proto::score::v1::Counterfactual;

    use super::*;

    fn contributions(points: &[(&str, f64)]) -> Vec<Contribution> {
        let contribution = |(name, points): &(&str, f64)| Contribution {
            name: (*name).to_owned(),
            points: *points,
            ..Contribution::default()
        };
        points.iter().map(contribution).collect()
    }

    #[test]
    fn bars_of_all_parts_can_be_compared_and_have_names() {
        let why = why(&Explanation {
            low_score: 49.94,
            high_score: 71.96,
            networks: contributions(&[("bluesky", 50.0), ("floor", 1.0)]),
            kinds: contributions(&[("reshare", 25.0), ("counters", 0.125), ("list", 0.0)]),
            actor_classes: contributions(&[("members", 25.0), ("something_new", 12.5)]),
            ..Explanation::default()
        });
        assert_eq!((&*why.low, &*why.high), ("49.9", "72.0"));
        let bars = why.parts.iter().flat_map(|part| &part.bars);
        let bars: Vec<_> = bars.map(|bar| (&*bar.name, &*bar.points, &*bar.length)).collect();
        let expected = [
            ("bluesky", "50.0", "100.00"),
            ("for any evidence at all", "1.0", "2.00"),
            ("other members", "25.0", "50.00"),
            ("something new", "12.5", "25.00"),
            ("reshare", "25.0", "50.00"),
            ("numbers without names", "0.1", "0.25"),
        ];
        assert_eq!(bars, expected);
    }

    #[test]
    fn what_raises_nothing_is_not_told() {
        let counterfactual = |text: &str, change| Counterfactual {
            text: text.to_owned(),
            change,
            ..Counterfactual::default()
        };
        let counterfactuals = vec![counterfactual("much", 0.44), counterfactual("little", 0.04)];
        let why = why(&Explanation { counterfactuals, ..Explanation::default() });
        assert_eq!(why.raises, [Raise { text: "much".to_owned(), change: "+0.4".to_owned() }]);
        assert_eq!(why.parts, []);
    }
}
