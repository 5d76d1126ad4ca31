//! What is printed: figures beside their limits.

use serde_json::{Value, json};

use super::offline::OnDay;
use crate::{exit::Failure, output};

/// Everything that was measured.
#[derive(Debug, Default)]
pub(super) struct Report {
    pub(super) lines: Vec<Line>,
    pub(super) sizes: Vec<Size>,
    /// A month offline, and back.
    pub(super) days: Vec<OnDay>,
    /// How many people it is of.
    pub(super) gone: usize,
}

/// A figure of an attack, over all who were attacked.
#[derive(Clone, Debug)]
pub(super) struct Line {
    pub(super) attack: String,
    /// What is measured, with its unit.
    pub(super) figure: &'static str,
    pub(super) median: f64,
    /// The worst of all.
    pub(super) worst: f64,
    pub(super) limit: Limit,
    /// It is known not to be defended: the limit is that of the plain attack, and nobody is held to it.
    pub(super) told: bool,
}

/// What a figure has to be.
#[derive(Clone, Copy, Debug)]
pub(super) enum Limit {
    /// All of them at most.
    Most(f64),
    /// The median at most; the worst at most.
    MedianMost(f64, f64),
    /// The median at least.
    MedianLeast(f64),
    /// All of them at least.
    AllLeast(f64),
    /// All of them at least the first and at most the second.
    Between(f64, f64),
}

/// What so many fakes gain for those who buy them.
#[derive(Clone, Debug)]
pub(super) struct Size {
    pub(super) attack: &'static str,
    pub(super) start: &'static str,
    pub(super) fakes: u32,
    pub(super) repeats: u32,
    pub(super) median: f64,
    pub(super) most: f64,
    /// The median of the scores themselves.
    pub(super) score: f64,
}

// === impl Report ===

impl Report {
    pub(super) fn add(
        &mut self,
        attack: impl Into<String>,
        figure: &'static str,
        limit: Limit,
        values: Vec<f64>,
    ) {
        self.lines.push(Line::new(attack, figure, limit, values));
    }

    /// What is not defended, beside the limit of the plain attack.
    pub(super) fn tell(
        &mut self,
        attack: impl Into<String>,
        figure: &'static str,
        plain: Limit,
        values: Vec<f64>,
    ) {
        self.lines.push(Line { told: true, ..Line::new(attack, figure, plain, values) });
    }

    /// The lines that are over their limits.
    pub(super) fn over(&self) -> impl Iterator<Item = &Line> {
        self.lines.iter().filter(|line| line.is_over())
    }

    /// Markdown.
    pub(super) fn print(&self) -> Result<(), Failure> {
        output::line("| attack | figure | median | worst | limit | |")?;
        output::line("|---|---|---:|---:|---:|---|")?;
        for line in &self.lines {
            let Line { attack, figure, limit, told, .. } = line;
            let [median, worst] = [line.median, line.worst].map(hundredths);
            let verdict = match (told, line.is_within()) {
                (true, true) => "told".to_owned(),
                (true, false) => format!("told, {}", limit.beyond()),
                (false, true) => "held".to_owned(),
                (false, false) => "**over**".to_owned(),
            };
            let limit = if *told { String::new() } else { limit.text() };
            output::line(&format!(
                "| {attack} | {figure} | {median:.2} | {worst:.2} | {limit} | {verdict} |"
            ))?;
        }
        self.print_sizes()?;
        self.print_days()
    }

    fn print_days(&self) -> Result<(), Failure> {
        if self.days.is_empty() {
            return Ok(());
        }
        output::line("")?;
        output::line(&match self.gone {
            0 => "Thirty days of silence, and back; nobody of the world has a score of about 67:"
                .to_owned(),
            gone => format!("Scores of {gone} people through thirty days of silence, and back:"),
        })?;
        output::line("")?;
        output::line("| day | first quartile | median | third quartile | reacted to once each |")?;
        output::line("|---:|---:|---:|---:|---:|")?;
        for OnDay { day, quartiles, pure } in self.days() {
            let people = match quartiles {
                Some([first, median, third]) => format!("{first:.2} | {median:.2} | {third:.2}"),
                None => "nobody | nobody | nobody".to_owned(),
            };
            output::line(&format!("| {day} | {people} | {pure:.2} |"))?;
        }
        Ok(())
    }

    /// The days that are told; the others are only drawn.
    fn days(&self) -> impl Iterator<Item = &OnDay> {
        self.days.iter().filter(|on_day| on_day.is_told())
    }

    fn print_sizes(&self) -> Result<(), Failure> {
        let mut repeats: Vec<u32> = self.sizes.iter().map(|size| size.repeats).collect();
        repeats.sort_unstable();
        repeats.dedup();
        let heads: Vec<_> = repeats.iter().map(|it| format!("{it} each")).collect();
        output::line("")?;
        output::line("Points gained, median / most:")?;
        output::line("")?;
        output::line(&format!("| attack | start | fakes | {} |", heads.join(" | ")))?;
        output::line(&format!("|---|---|---:{}|", "|---:".repeat(heads.len())))?;
        let same = |one: &Size, other: &Size| {
            (one.attack, one.start, one.fakes) == (other.attack, other.start, other.fakes)
        };
        for of_one in self.sizes.chunk_by(same) {
            let cells = repeats.iter().map(|repeats| {
                let found = of_one.iter().find(|size| size.repeats == *repeats);
                found.map_or(String::new(), |it| format!("{:.2} / {:.2}", it.median, it.most))
            });
            let cells: Vec<_> = cells.collect();
            let Size { attack, start, fakes, .. } = of_one[0];
            output::line(&format!("| {attack} | {start} | {fakes} | {} |", cells.join(" | ")))?;
        }
        Ok(())
    }

    pub(super) fn json(&self) -> Value {
        let lines: Vec<_> = self.lines.iter().map(Line::json).collect();
        let sizes: Vec<_> = self.sizes.iter().map(Size::json).collect();
        let day = |OnDay { day, quartiles, pure }: &OnDay| json!({ "day": day, "quartiles": quartiles, "once_each": pure });
        let days: Vec<_> = self.days().map(day).collect();
        json!({ "lines": lines, "sizes": sizes, "month_offline": days })
    }
}

// === impl Line ===

impl Line {
    fn new(
        attack: impl Into<String>,
        figure: &'static str,
        limit: Limit,
        mut values: Vec<f64>,
    ) -> Self {
        values.sort_by(f64::total_cmp);
        let worst = match limit {
            Limit::MedianLeast(_) | Limit::AllLeast(_) => values.first(),
            Limit::Most(_) | Limit::MedianMost(..) | Limit::Between(..) => values.last(),
        };
        let worst = worst.copied().unwrap_or(f64::NAN);
        Self { attack: attack.into(), figure, median: median(values), worst, limit, told: false }
    }

    fn is_over(&self) -> bool {
        !self.told && !self.is_within()
    }

    /// Not a number is never within a limit.
    fn is_within(&self) -> bool {
        match self.limit {
            Limit::Most(most) => self.worst <= most,
            Limit::MedianMost(median, most) => self.median <= median && self.worst <= most,
            Limit::MedianLeast(least) => self.median >= least,
            Limit::AllLeast(least) => self.worst >= least,
            // One figure, which is its own median.
            Limit::Between(least, most) => self.median >= least && self.worst <= most,
        }
    }

    fn json(&self) -> Value {
        let Self { attack, figure, median, worst, limit, told } = self;
        json!({
            "attack": attack,
            "figure": figure,
            "median": median,
            "worst": worst,
            "limit": limit.text(),
            "limits": limit.json(),
            "told": told,
            "within": self.is_within(),
            "over": self.is_over(),
        })
    }
}

// === impl Limit ===

impl Limit {
    fn text(self) -> String {
        match self {
            Self::Most(most) => format!("≤ {most}"),
            Self::MedianMost(median, most) if most.is_finite() => {
                format!("median ≤ {median}, all ≤ {most}")
            }
            Self::MedianMost(median, _) => format!("median ≤ {median}"),
            Self::MedianLeast(least) => format!("median ≥ {least}"),
            Self::AllLeast(least) => format!("≥ {least}"),
            Self::Between(least, most) => format!("{least} to {most}"),
        }
    }

    /// What a figure is that does not hold it.
    fn beyond(self) -> String {
        match self {
            Self::Most(most) => format!("over {most}"),
            Self::MedianMost(median, _) => format!("median over {median}"),
            Self::MedianLeast(least) => format!("median under {least}"),
            Self::AllLeast(least) => format!("under {least}"),
            Self::Between(least, most) => format!("not {least} to {most}"),
        }
    }

    /// By the name of what has to hold them; `most` and `least` are of the worst.
    fn json(self) -> Value {
        match self {
            Self::Most(most) => json!({ "most": most }),
            Self::MedianMost(median, most) if most.is_finite() => {
                json!({ "median_most": median, "most": most })
            }
            Self::MedianMost(median, _) => json!({ "median_most": median }),
            Self::MedianLeast(least) => json!({ "median_least": least }),
            Self::AllLeast(least) => json!({ "least": least }),
            Self::Between(least, most) => json!({ "least": least, "most": most }),
        }
    }
}

// === impl Size ===

impl Size {
    fn json(&self) -> Value {
        let Self { attack, start, fakes, repeats, median, most, score } = self;
        json!({
            "attack": attack,
            "start": start,
            "fakes": fakes,
            "repeats": repeats,
            "median": median,
            "most": most,
            "score": score,
        })
    }
}

/// To the nearest, and 0 is not negative.
fn hundredths(value: f64) -> f64 {
    (value * 100.0).round() / 100.0 + 0.0
}

/// The one in the middle, or the mean of the two in the middle; not a number of nothing.
pub(super) fn median(mut values: Vec<f64>) -> f64 {
    values.sort_by(f64::total_cmp);
    let upper = values.len() / 2;
    match values[..] {
        [] => f64::NAN,
        _ if values.len() % 2 == 1 => values[upper],
        _ => f64::midpoint(values[upper - 1], values[upper]),
    }
}

/// How far the largest is from the smallest.
pub(super) fn spread(values: &[f64]) -> f64 {
    largest(values) - values.iter().copied().fold(f64::NAN, f64::min)
}

pub(super) fn largest(values: &[f64]) -> f64 {
    values.iter().copied().fold(f64::NAN, f64::max)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_median_of_an_even_number_is_the_mean_of_the_two_in_the_middle() {
        assert_eq!(median(vec![4.0, 1.0, 2.0, 9.0]).to_bits(), 3.0_f64.to_bits());
        assert_eq!(median(vec![9.0, 1.0, 2.0]).to_bits(), 2.0_f64.to_bits());
        assert!(median(Vec::new()).is_nan());
    }

    #[test]
    fn what_is_told_says_that_it_is_beyond_the_limit_of_the_plain_attack_and_is_not_over() {
        let mut report = Report::default();
        report.tell("ring", "points gained", Limit::Most(5.0), vec![17.0, 20.0]);
        let line = &report.lines[0];
        assert!(!line.is_within() && !line.is_over());
        assert_eq!(line.limit.beyond(), "over 5");
        report.add("ring", "points gained", Limit::Most(5.0), vec![f64::NAN]);
        assert_eq!(report.over().count(), 1, "not a number is over every limit");
    }
}
