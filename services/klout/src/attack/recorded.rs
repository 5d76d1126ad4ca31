//! The same on real people: files of a folder, of which nothing is kept.

use std::{
    collections::{BTreeSet, HashMap},
    path::Path,
};

use klout_score_engine::{Population, rank};
use klout_score_math::Model;
use serde::Deserialize;
use time::{OffsetDateTime, macros::datetime};

use super::{
    bought::POINTS,
    report::{Limit, Report, median},
};
use crate::{exit::Failure, rank::WholeFile};

const AS_OF: OffsetDateTime = datetime!(2012-07-04 04:00 UTC);

/// The scores of accounts.
type Scores = HashMap<String, f64>;

/// What a folder holds.
#[derive(Debug)]
pub(super) struct Recorded {
    victims: BTreeSet<String>,
    interactions: WholeFile,
    registered: WholeFile,
    /// Beside the name of each: 20 fakes with 5 reactions each, and 100 with 20.
    stars: [(&'static str, WholeFile); 2],
    /// 20 people who joined, with 5 reactions each.
    boost: WholeFile,
}

/// A row of victims.csv.
#[derive(Debug, Deserialize)]
struct Victim {
    account: String,
}

// === impl Recorded ===

impl Recorded {
    /// Opens all files, so that what is missing is found before any work.
    pub(super) fn open(folder: &Path) -> Result<Self, Failure> {
        let needed = |failure| {
            let hint = "--data takes a folder with the six files that `klout attack --help` names";
            Failure::Failed(format!("{failure}; {hint}"))
        };
        let rows = |name: &str| WholeFile::rows(folder.join(name)).map_err(needed);
        Ok(Self {
            victims: victims(&folder.join("victims.csv")).map_err(needed)?,
            interactions: rows("interactions.csv.gz")?,
            registered: WholeFile::registered(folder.join("registered.csv.gz")).map_err(needed)?,
            stars: [
                ("20x5", rows("attack-star-20x5.csv.gz")?),
                ("100x20", rows("attack-star-100x20.csv.gz")?),
            ],
            boost: rows("honest-boost-20x5.csv.gz")?,
        })
    }

    /// Bought stars, and as many honest reactions.
    pub(super) fn attack(&self, model: &Model, report: &mut Report) -> Result<(), Failure> {
        eprintln!("klout: recorded people");
        let before = self.scores(model, None)?;
        let [few, many] = [&self.stars[0].1, &self.stars[1].1];
        let stars = [self.scores(model, Some(few))?, self.scores(model, Some(many))?];
        let boosted = self.scores(model, Some(&self.boost))?;
        let files = [&before, &stars[0], &stars[1], &boosted];
        let unknown = |victim: &&String| !files.iter().any(|it| it.contains_key(*victim));
        if let Some(victim) = self.victims.iter().find(unknown) {
            let message =
                "is in victims.csv, and nothing is known of that account in any other file";
            return Err(Failure::Failed(format!("{victim} {message}")));
        }

        let of = |scores: &Scores, account: &String| scores.get(account).copied().unwrap_or(1.0);
        let gains = |after: &Scores| -> Vec<f64> {
            self.victims.iter().map(|it| of(after, it) - of(&before, it)).collect()
        };
        for ((size, _), after) in self.stars.iter().zip(&stars) {
            let name = format!("recorded: star {size}");
            report.add(&name, POINTS, Limit::MedianMost(5.0, 10.0), gains(after));
            // Who is in the file without the attack is no fake.
            let elsewhere = before.iter().filter(|(account, _)| !self.victims.contains(*account));
            let moved = elsewhere.map(|(account, points)| (of(after, account) - points).abs());
            report.add(name, "points moved elsewhere", Limit::Most(1.0), moved.collect());
        }
        let more = median(gains(&stars[1])) - median(gains(&stars[0]));
        let name = "recorded: star 100x20 less star 20x5";
        report.add(name, "difference of the medians, in points", Limit::Most(0.05), vec![more]);
        let name = "recorded: 20 who joined react, 20x5";
        report.add(name, POINTS, Limit::MedianLeast(10.0), gains(&boosted));
        Ok(())
    }

    fn scores(&self, model: &Model, more: Option<&WholeFile>) -> Result<Scores, Failure> {
        let mut population = Population::default();
        for file in [&self.interactions, &self.registered].into_iter().chain(more) {
            file.read(AS_OF, &mut population)?;
        }
        let ranked = rank(model, population).into_iter();
        Ok(ranked.map(|it| (it.account.native_id.as_str().to_owned(), it.score.points())).collect())
    }
}

/// A file with the column `account`.
fn victims(file: &Path) -> Result<BTreeSet<String>, Failure> {
    let failed = |error| Failure::Failed(format!("{}: {error}", file.display()));
    let mut reader = csv::ReaderBuilder::new()
        .trim(csv::Trim::All)
        .from_path(file)
        .map_err(|error| failed(error.to_string()))?;
    let victims: BTreeSet<String> = reader
        .deserialize()
        .map(|row| row.map(|Victim { account }| account))
        .collect::<Result<_, _>>()
        .map_err(|error| failed(error.to_string()))?;
    if victims.is_empty() {
        return Err(failed("it names nobody".to_owned()));
    }
    Ok(victims)
}
