//! The same on real people: files of a folder, of which nothing is kept.

use std::{
    collections::{HashMap, HashSet},
    fs,
    path::Path,
};

use klout_score_engine::{Population, rank};
use klout_score_math::Model;
use time::{OffsetDateTime, macros::datetime};

use super::{
    bought::POINTS,
    report::{Limit, Report, median},
};
use crate::{exit::Failure, rank::read_file};

const AS_OF: OffsetDateTime = datetime!(2012-07-04 04:00 UTC);

/// The scores of accounts.
type Scores = HashMap<String, f64>;

/// Bought stars, and as many honest reactions.
pub(super) fn recorded(model: &Model, folder: &Path, report: &mut Report) -> Result<(), Failure> {
    let victims = victims(&folder.join("victims.csv"))?;
    let before = scores(model, folder, None)?;
    let of = |scores: &Scores, account: &String| scores.get(account).copied().unwrap_or(1.0);
    let mut stars = Vec::new();
    for size in ["20x5", "100x20"] {
        let after = scores(model, folder, Some(&format!("attack-star-{size}.csv.gz")))?;
        let gains: Vec<f64> = victims.iter().map(|it| of(&after, it) - of(&before, it)).collect();
        stars.push(gains.clone());
        let name = format!("recorded: star {size}");
        report.add(&name, POINTS, Limit::MedianMost(5.0, 10.0), gains);
        // Who is in the file without the attack is no fake.
        let elsewhere = before.iter().filter(|(account, _)| !victims.contains(*account));
        let moved = elsewhere.map(|(account, points)| (of(&after, account) - points).abs());
        report.add(name, "points moved elsewhere", Limit::Most(1.0), moved.collect());
    }
    if let [few, many] = &stars[..] {
        let more = median(many.clone()) - median(few.clone());
        let name = "recorded: star 100x20 less star 20x5";
        report.add(name, "difference of the medians, in points", Limit::Most(0.05), vec![more]);
    }
    let after = scores(model, folder, Some("honest-boost-20x5.csv.gz"))?;
    let gains = victims.iter().map(|it| of(&after, it) - of(&before, it)).collect();
    report.add("recorded: 20 who joined react, 20x5", POINTS, Limit::MedianLeast(10.0), gains);
    Ok(())
}

fn scores(model: &Model, folder: &Path, more: Option<&str>) -> Result<Scores, Failure> {
    let mut population = Population::default();
    for file in ["interactions.csv.gz", "registered.csv.gz"].into_iter().chain(more) {
        eprintln!("klout: {file}");
        read_file(&folder.join(file), AS_OF, &mut population)?;
    }
    let ranked = rank(model, population).into_iter();
    Ok(ranked.map(|it| (it.account.native_id.as_str().to_owned(), it.score.points())).collect())
}

/// A file with the column `account`.
fn victims(file: &Path) -> Result<HashSet<String>, Failure> {
    let text = fs::read_to_string(file)
        .map_err(|error| Failure::Failed(format!("{}: {error}", file.display())))?;
    Ok(text
        .lines()
        .skip(1)
        .map(|line| line.trim().to_owned())
        .filter(|it| !it.is_empty())
        .collect())
}
