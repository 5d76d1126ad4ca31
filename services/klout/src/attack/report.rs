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
    /// Told without a limit.
    None,
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
        mut values: Vec<f64>,
    ) {
        values.sort_by(f64::total_cmp);
        let worst = match limit {
            Limit::MedianLeast(_) | Limit::AllLeast(_) => values.first(),
            Limit::Most(_) | Limit::MedianMost(..) | Limit::None => values.last(),
        };
        let worst = worst.copied().unwrap_or(f64::NAN);
        self.add_line(attack, figure, limit, part(&values, 50), worst);
    }

    pub(super) fn add_line(
        &mut self,
        attack: impl Into<String>,
        figure: &'static str,
        limit: Limit,
        median: f64,
        worst: f64,
    ) {
        self.lines.push(Line { attack: attack.into(), figure, median, worst, limit });
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
            let Line { attack, figure, limit, .. } = line;
            let [median, worst] = [line.median, line.worst].map(hundredths);
            let verdict = if matches!(limit, Limit::None) {
                "told"
            } else if line.is_over() {
                "**over**"
            } else {
                "held"
            };
            let limit = limit.text();
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
        output::line(&format!(
            "Scores of {} people through thirty days of silence, and back:",
            self.gone
        ))?;
        output::line("")?;
        output::line("| day | first quartile | median | third quartile | reacted to once each |")?;
        output::line("|---:|---:|---:|---:|---:|")?;
        for OnDay { day, quartiles: [first, median, third], pure } in self.days() {
            output::line(&format!(
                "| {day} | {first:.2} | {median:.2} | {third:.2} | {pure:.2} |"
            ))?;
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
    fn is_over(&self) -> bool {
        // Not a number is never within a limit.
        let held = match self.limit {
            Limit::Most(most) => self.worst <= most,
            Limit::MedianMost(median, most) => self.median <= median && self.worst <= most,
            Limit::MedianLeast(least) => self.median >= least,
            Limit::AllLeast(least) => self.worst >= least,
            Limit::None => true,
        };
        !held
    }

    fn json(&self) -> Value {
        let Self { attack, figure, median, worst, limit } = self;
        json!({
            "attack": attack,
            "figure": figure,
            "median": median,
            "worst": worst,
            "limit": limit.text(),
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
            Self::None => String::new(),
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

/// What so many percent of them are at most.
pub(super) fn part(ascending: &[f64], percent: usize) -> f64 {
    let place = (ascending.len() * percent).div_ceil(100).saturating_sub(1);
    ascending.get(place).copied().unwrap_or(f64::NAN)
}

pub(super) fn median(mut values: Vec<f64>) -> f64 {
    values.sort_by(f64::total_cmp);
    part(&values, 50)
}
