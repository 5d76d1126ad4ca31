//! How long it takes from a signal to the score that shows it.

mod plot;
mod traffic;

use std::{path::PathBuf, time::Duration};

use super::{Figures, ground::Ground};
use crate::{
    exit::{Failure, block_on},
    output,
    settings::host,
};
use traffic::{Crowd, Passage};

/// The search for the rate starts here.
const RATE_FIRST: u32 = 2_000;

/// Below that it is not looked for.
const RATE_MIN: u32 = 50;

/// Two rates that differ by less than this factor are the same.
const RATE_STEP: f64 = 1.1;

/// The search tries rates for this part of the time; the one that it ends with has to hold for all of it.
const SEARCH_PART: u32 = 4;

/// The matrix.
const MATRIX_PEOPLE: [u32; 3] = [1_000, 10_000, 100_000];
const MATRIX_RATES: [u32; 5] = [100, 300, 1_000, 3_000, 10_000];

/// Measures how long it takes from a signal to the score that shows it.
///
/// All services run on a private, durable Postgres, and everybody has a score. Signals are sent at a
/// fixed rate, as they come due every 10 ms; twenty a second are for people who are watched by plain
/// reads. A signal's time runs from when it was due. First the rate is searched at which what waits
/// stays flat; then the times are measured at half of it.
#[derive(Debug, clap::Args)]
pub(crate) struct Freshness {
    /// How many people
    #[arg(long, value_name = "N", default_value_t = 100_000, value_parser = clap::value_parser!(u32).range(10..=10_000_000))]
    people: u32,
    /// How long each rate has to hold, and is measured
    #[arg(long, value_name = "N", default_value_t = 60, value_parser = clap::value_parser!(u32).range(4..=3_600))]
    seconds: u32,
    /// Measures at this rate instead of searching one
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(50..=100_000))]
    rate: Option<u32>,
    /// Prints one line of JSON
    #[arg(long, conflicts_with = "matrix")]
    json: bool,
    /// Measures 1,000 to 100,000 people at several rates instead, and prints a table in Markdown
    #[arg(long, conflicts_with_all = ["people", "rate"])]
    matrix: bool,
    /// Draws the table into this SVG file too
    #[arg(long, value_name = "FILE", requires = "matrix")]
    plot: Option<PathBuf>,
}

/// What was measured at one rate: the median and the 99th percentile, or that the backlog grew.
#[derive(Clone, Copy, Debug)]
struct Times {
    rate: u32,
    ms: Option<(f64, f64)>,
}

// === impl Freshness ===

impl Freshness {
    pub(crate) fn run(self) -> Result<(), Failure> {
        let folder = super::folder()?;
        let mut ground = Ground::start(folder.path())?;
        if self.matrix {
            return self.matrix(&mut ground);
        }
        let (passage, rate) = block_on(async {
            let crowd = self.gather(&mut ground, self.people).await?;
            let found = match self.rate {
                Some(rate) => (self.passage(&crowd, rate, 1).await?, rate),
                None => {
                    let flat = self.flat_rate(&crowd).await?;
                    (self.passage(&crowd, flat / 2, 1).await?, flat)
                }
            };
            crowd.leave().await?;
            Ok(found)
        })?;
        if passage.ms.is_empty() {
            return Err(Failure::Failed(format!("{rate} signals a second are too many")));
        }
        let mut figures = Figures::default();
        figures.add("p50_ms", vec![part(&passage.ms, 50)]);
        figures.add("p99_ms", vec![part(&passage.ms, 99)]);
        figures.add("signals_per_second", vec![f64::from(rate)]);
        figures.print("freshness", self.json)
    }

    async fn gather(&self, ground: &mut Ground, people: u32) -> Result<Crowd, Failure> {
        eprintln!("klout: {people} people get their first scores");
        Crowd::gather(ground, host(), people).await
    }

    /// Lets signals pass for a part of the time, and says what was seen.
    async fn passage(&self, crowd: &Crowd, rate: u32, part_of: u32) -> Result<Passage, Failure> {
        let time = Duration::from_secs(self.seconds.into()) / part_of;
        let passage = crowd.passage(rate, time).await?;
        let flat = if passage.flat { "flat" } else { "growing" };
        let times = if passage.ms.is_empty() {
            "given up".to_owned()
        } else {
            format!("p50 {:.0} ms, p99 {:.0} ms", part(&passage.ms, 50), part(&passage.ms, 99))
        };
        eprintln!("klout: {rate} a second for {} s: {flat}, {times}", time.as_secs());
        Ok(passage)
    }

    /// The largest rate at which what waits stays flat.
    async fn flat_rate(&self, crowd: &Crowd) -> Result<u32, Failure> {
        let (mut low, mut high) = (None, None);
        let mut rate = RATE_FIRST;
        loop {
            let flat = self.passage(crowd, rate, SEARCH_PART).await?.flat;
            *(if flat { &mut low } else { &mut high }) = Some(rate);
            rate = match (low, high) {
                (Some(low), None) => low * 2,
                (None, Some(high)) => high / 2,
                (Some(low), Some(high)) if f64::from(high) > f64::from(low) * RATE_STEP => {
                    scaled(low, (f64::from(high) / f64::from(low)).sqrt())
                }
                (Some(low), Some(_)) => {
                    rate = low;
                    break;
                }
                (None, None) => rate,
            };
            lowest(rate)?;
        }
        while !self.passage(crowd, rate, 1).await?.flat {
            rate = scaled(rate, 1.0 / RATE_STEP);
            lowest(rate)?;
        }
        Ok(rate)
    }

    fn matrix(&self, ground: &mut Ground) -> Result<(), Failure> {
        let mut rows = Vec::new();
        for people in MATRIX_PEOPLE {
            let row = block_on(async {
                let crowd = self.gather(ground, people).await?;
                let mut row = Vec::new();
                for rate in MATRIX_RATES {
                    let passage = self.passage(&crowd, rate, 1).await?;
                    let ms = (passage.flat && !passage.ms.is_empty())
                        .then(|| (part(&passage.ms, 50), part(&passage.ms, 99)));
                    row.push(Times { rate, ms });
                }
                crowd.leave().await?;
                Ok(row)
            })?;
            rows.push((people, row));
        }
        let heads: Vec<_> =
            MATRIX_RATES.map(|rate| format!("{} a second", output::grouped(rate))).to_vec();
        output::line(&format!("| people | {} |", heads.join(" | ")))?;
        output::line(&format!("|---:{}|", "|---:".repeat(heads.len())))?;
        for (people, row) in &rows {
            let cells: Vec<_> = row.iter().map(Times::cell).collect();
            output::line(&format!("| {} | {} |", output::grouped(people), cells.join(" | ")))?;
        }
        match &self.plot {
            Some(file) => plot::draw(file, &rows),
            None => Ok(()),
        }
    }
}

// === impl Times ===

impl Times {
    fn cell(&self) -> String {
        self.ms.map_or("grows".to_owned(), |(p50, p99)| format!("{p50:.0} / {p99:.0}"))
    }
}

/// What so many percent of them are at most.
fn part(ascending: &[f64], percent: usize) -> f64 {
    let place = (ascending.len() * percent).div_ceil(100).saturating_sub(1);
    ascending.get(place).copied().unwrap_or(f64::NAN)
}

/// Refuses to look below a rate.
fn lowest(rate: u32) -> Result<(), Failure> {
    if rate < RATE_MIN {
        return Err(Failure::Failed("no rate is so low that nothing grows".to_owned()));
    }
    Ok(())
}

fn scaled(rate: u32, factor: f64) -> u32 {
    let scaled = (f64::from(rate) * factor).round();
    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "a rate is small")]
    let scaled = scaled as u32;
    scaled
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_part_is_the_least_value_that_so_many_percent_do_not_pass() {
        let values: Vec<f64> = (1..=200).map(f64::from).collect();
        assert_eq!(part(&values, 50).to_bits(), 100.0_f64.to_bits());
        assert_eq!(part(&values, 99).to_bits(), 198.0_f64.to_bits());
        assert!(part(&[], 50).is_nan());
    }
}
