//! A comparison as text.

use serde_json::{Map, Value, json};

use super::{Comparison, DECADES, Distribution, PARTS, Reading};

/// What a terminal shows.
pub(crate) fn lines(comparison: &Comparison, old: &str, new: &str) -> Vec<String> {
    let Comparison { people, only_old, only_new, .. } = comparison;
    let mut lines = vec![
        format!("people with both scores    {people}"),
        format!("only by {old:<18} {only_old}"),
        format!("only by {new:<18} {only_new}"),
    ];
    let correlation = comparison.rank_correlation;
    lines.push(format!("rank correlation           {}", number(correlation, 4)));
    let same = comparison.same_decade.map(|share| 100.0 * share);
    lines.push(format!("stay in their decade       {} %", number(same, 1)));
    let reading = match comparison.stability {
        Some(stability) => format!("{stability:.4} ({})", Reading::of(stability).as_str()),
        None => "-".to_owned(),
    };
    lines.push(format!("population stability index {reading}"));
    if let Some(moved) = &comparison.moved {
        let (mean, tenth) = (moved.mean, moved.ninth_tenth());
        lines.push(format!(
            "moved                      {mean:.2} points in the mean, {:.2} in the median, one in ten more than {tenth:.2}",
            moved.median()
        ));
    }
    lines.push(String::new());
    let heads: String =
        PARTS.iter().map(|percent| format!("{:>8}", format!("p{percent}"))).collect();
    lines.push(format!("{:<20}{:>8}{heads}", "score", "mean"));
    for (name, distribution) in [(old, &comparison.old), (new, &comparison.new)] {
        lines.push(format!("{name:<20}{}", distribution.as_ref().map_or_else(none, spread)));
    }
    lines.push(String::new());
    lines.push(format!("{:<20}{}", "decade", decades().map(|it| format!("{it:>8}")).join("")));
    for (name, distribution) in [(old, &comparison.old), (new, &comparison.new)] {
        let decades = distribution.as_ref().map_or([0; DECADES], |it| it.decades);
        lines.push(format!("{name:<20}{}", decades.map(|it| format!("{it:>8}")).join("")));
    }
    lines
}

/// The figures, for programs; `null` where there is none.
pub(crate) fn figures(comparison: &Comparison, old: &str, new: &str) -> Value {
    let spread = |distribution: &Option<Distribution>| {
        distribution.as_ref().map(|it| {
            let percents = PARTS.map(|percent| format!("p{percent}"));
            let parts: Map<_, _> = percents.into_iter().zip(it.parts.map(Value::from)).collect();
            json!({ "mean": it.mean, "parts": parts, "decades": it.decades })
        })
    };
    json!({
        "servingModel": old,
        "shadowModel": new,
        "people": comparison.people,
        "onlyServing": comparison.only_old,
        "onlyShadow": comparison.only_new,
        "rankCorrelation": comparison.rank_correlation,
        "sameDecade": comparison.same_decade,
        "populationStabilityIndex": comparison.stability,
        "moved": spread(&comparison.moved),
        "serving": spread(&comparison.old),
        "shadow": spread(&comparison.new),
    })
}

/// What the decades are called.
pub(super) fn decades() -> [String; DECADES] {
    std::array::from_fn(|it| match it {
        9 => "90-100".to_owned(),
        it => format!("{}-{}", it * 10, it * 10 + 9),
    })
}

/// With so many digits; a dash where there is none.
pub(super) fn number(number: Option<f64>, digits: usize) -> String {
    number.map_or_else(|| "-".to_owned(), |number| format!("{number:.digits$}"))
}

fn spread(distribution: &Distribution) -> String {
    let parts = distribution.parts.map(|part| format!("{part:>8.2}")).join("");
    format!("{:>8.2}{parts}", distribution.mean)
}

fn none() -> String {
    format!("{:>8}", "-").repeat(1 + PARTS.len())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::compare::Scores;

    #[test]
    fn a_terminal_shows_every_figure() {
        let mut scores = Scores::default();
        for (person, old, new) in [(1, 10.0, 12.0), (2, 20.0, 18.0), (3, 30.0, 33.0)] {
            scores.add(person, Some(old), Some(new));
        }
        scores.add(4, None, Some(99.0));
        let expected = "\
people with both scores    3
only by klout-2027-01      0
only by own                1
rank correlation           1.0000
stay in their decade       66.7 %
population stability index 0.3825 (another population: rules that rest on scores need other limits)
moved                      2.33 points in the mean, 2.00 in the median, one in ten more than 3.00

score                   mean     p10     p25     p50     p75     p90     p99
klout-2027-01          20.00   10.00   10.00   20.00   30.00   30.00   30.00
own                    40.50   12.00   12.00   18.00   33.00   99.00   99.00

decade                   0-9   10-19   20-29   30-39   40-49   50-59   60-69   70-79   80-89  90-100
klout-2027-01              0       1       1       1       0       0       0       0       0       0
own                        0       2       0       1       0       0       0       0       0       1";
        assert_eq!(lines(&scores.compare(), "klout-2027-01", "own").join("\n"), expected);
    }

    #[test]
    fn a_program_gets_every_figure() {
        let mut scores = Scores::default();
        scores.add(1, Some(10.0), Some(12.0));
        scores.add(2, Some(20.0), None);
        let figures = figures(&scores.compare(), "old", "new");
        assert_eq!((&figures["servingModel"], &figures["people"]), (&json!("old"), &json!(1)));
        assert_eq!((&figures["onlyServing"], &figures["onlyShadow"]), (&json!(1), &json!(0)));
        assert_eq!(figures["sameDecade"], json!(1.0));
        assert_eq!(figures["moved"]["parts"]["p50"], json!(2.0));
        assert_eq!(figures["serving"]["decades"][2], json!(1));
        let nobody = super::figures(&Scores::default().compare(), "old", "new");
        assert_eq!((&nobody["rankCorrelation"], &nobody["shadow"]), (&Value::Null, &Value::Null));
    }

    #[test]
    fn of_nobody_there_are_dashes() {
        let text = lines(&Scores::default().compare(), "old", "new").join("\n");
        assert!(text.contains("rank correlation           -\n"), "{text}");
        assert!(!text.contains("NaN"), "{text}");
    }
}
