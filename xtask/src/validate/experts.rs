//! How well experts of a topic are found: who is said to be one before a day, beside whose answers are voted for after.

use std::{
    collections::{BTreeMap, BTreeSet},
    fs,
    path::{Path, PathBuf},
    process::Command,
};

use anyhow::{Context as _, Result, ensure};
use serde::Serialize;

use super::dump::{Row, named, rows, slug, tags_of, value};
use crate::{
    job::{self, Interrupt},
    say,
    workspace::Workspace,
};

/// The day from which on votes are the future, first the one that counts; the others show whether it was luck.
const SPLITS: [&str; 4] = ["2018-06-01", "2018-05-01", "2018-05-15", "2018-07-01"];
/// The second before it.
const AS_OF: [&str; 4] = [
    "2018-05-31T23:59:59Z",
    "2018-04-30T23:59:59Z",
    "2018-05-14T23:59:59Z",
    "2018-06-30T23:59:59Z",
];

/// A tag is judged with so many votes for its answers afterwards,
const LATER_VOTES_MIN: f64 = 30.0;
/// and with so many who answered in it before.
const ANSWERERS_MIN: usize = 5;
/// On the first split.
const TAGS: usize = 36;
const SPEARMAN_MIN: f64 = 0.45;
const TOP: usize = 3;
const TOP_MIN: f64 = 0.37;

const SITE: &str = "quantumcomputing";
const UP_VOTE: &str = "2";
const ANSWER: &str = "2";

/// Something of a person and a tag.
type OfTag = BTreeMap<(String, String), f64>;

/// An answer by somebody who has an account.
struct Answer {
    owner: String,
    day: String,
    tags: Vec<String>,
}

/// What happened before a day, and after.
#[derive(Default)]
struct Split {
    /// By tag: who answered before, and was voted for.
    known: BTreeMap<String, BTreeSet<String>>,
    judged: Vec<String>,
    votes_before: OfTag,
    all_votes_before: BTreeMap<String, f64>,
    votes_after: OfTag,
}

/// How well an order agrees with what happened, in the mean over tags.
#[derive(Clone, Copy)]
struct Agreement {
    spearman: f64,
    top: f64,
}

/// An ontology as its files have it.
#[derive(Serialize)]
struct Taxonomy {
    topic: Vec<Table>,
}

#[derive(Serialize)]
struct Table {
    id: i64,
    slug: String,
    names: BTreeMap<&'static str, String>,
}

/// A row of what `klout experts` writes, as far as it is judged.
#[derive(serde::Deserialize)]
struct Found {
    slug: String,
    account: String,
    score: f64,
    strength: f64,
}

pub(super) fn run(
    workspace: &Workspace,
    data: &Path,
    check: bool,
    interrupt: &Interrupt,
) -> Result<()> {
    let folder = data.join("stackexchange-quantum");
    let place = workspace.target()?.join("validation/experts");
    fs::create_dir_all(place.join("ontology"))?;
    eprintln!("xtask: building klout");
    // A dump of one site is little: it takes longer to optimise the command than to wait for it.
    let build = ["build", "--package", "klout", "--locked"];
    job::run(workspace.cargo().args(build), interrupt)?;
    let klout = workspace.target()?.join("debug/klout");

    let (tags, posts) = (rows(&folder, "Tags")?, rows(&folder, "Posts")?);
    let votes = rows(&folder, "Votes")?;
    fs::write(place.join("ontology/tags.toml"), taxonomy(&tags)?)?;
    let answers = answers(&posts);
    let mut missed = 0;
    for (day, as_of) in SPLITS.into_iter().zip(AS_OF) {
        let split = Split::new(&answers, &votes, day);
        let found = experts(&klout, &folder, &place, as_of, &[], interrupt)?;
        let by_tags = experts(&klout, &folder, &place, as_of, &["--tags-only"], interrupt)?;
        let of = |found: &[Found], of: fn(&Found) -> f64| split.agreement(&by_person(found, of));
        let score = of(&found, |it| it.score);
        let lines = [
            ("votes in the tag so far", split.agreement(&split.votes_before)),
            ("all votes so far", split.agreement(&split.overall())),
            ("topic score", score),
            ("topic score, by tags alone", of(&by_tags, |it| it.score)),
            ("strength", of(&found, |it| it.strength)),
        ];
        say(&table(day, split.judged.len(), &lines));
        if day == SPLITS[0] {
            ensure!(split.judged.len() == TAGS, "{} tags, and not {TAGS}", split.judged.len());
            missed += usize::from(score.spearman < SPEARMAN_MIN);
            missed += usize::from(score.top < TOP_MIN);
        }
    }
    say(&format!("at least, on {}: {SPEARMAN_MIN} and {TOP_MIN}\n", SPLITS[0]));
    ensure!(!check || missed == 0, "experts miss their targets");
    Ok(())
}

fn taxonomy(tags: &[Row]) -> Result<String> {
    let tables = tags.iter().map(|tag| {
        let name = value(tag, "TagName");
        let id = value(tag, "Id").parse().with_context(|| format!("the tag {name}"))?;
        Ok(Table { id, slug: slug(name), names: [("en", named(name))].into() })
    });
    Ok(toml::to_string(&Taxonomy { topic: tables.collect::<Result<_>>()? })?)
}

/// By post.
fn answers(posts: &[Row]) -> BTreeMap<&str, Answer> {
    let questions: BTreeMap<&str, &Row> = posts.iter().map(|it| (value(it, "Id"), it)).collect();
    let answers = posts.iter().filter(|it| value(it, "PostTypeId") == ANSWER);
    answers
        .filter(|it| !value(it, "OwnerUserId").is_empty())
        .map(|it| {
            let question = questions.get(value(it, "ParentId"));
            let answer = Answer {
                owner: value(it, "OwnerUserId").to_owned(),
                day: day(it),
                tags: question.into_iter().flat_map(|it| tags_of(it).map(slug)).collect(),
            };
            (value(it, "Id"), answer)
        })
        .collect()
}

fn day(row: &Row) -> String {
    value(row, "CreationDate").chars().take("2018-06-01".len()).collect()
}

/// Asks the command, with everybody and everything that it knows, shown or not.
fn experts(
    klout: &Path,
    folder: &Path,
    place: &Path,
    as_of: &str,
    more: &[&str],
    interrupt: &Interrupt,
) -> Result<Vec<Found>> {
    let out: PathBuf = place.join("experts.csv");
    let mut command = Command::new(klout);
    command.args(["experts", "stackexchange"]).arg(folder).args(["--site", SITE]);
    command.args(["--as-of", as_of, "--all", "--ontology"]).arg(place.join("ontology"));
    command.args(more).arg("--out").arg(&out);
    job::run(&mut command, interrupt)?;
    let mut reader = csv::Reader::from_path(&out)?;
    let rows: Result<Vec<Found>, _> = reader.deserialize().collect();
    rows.context("what klout experts wrote")
}

fn by_person(found: &[Found], of: fn(&Found) -> f64) -> OfTag {
    let user = |account: &str| account.rsplit('/').next().unwrap_or_default().to_owned();
    found.iter().map(|it| ((it.slug.clone(), user(&it.account)), of(it))).collect()
}

fn table(day: &str, tags: usize, lines: &[(&str, Agreement)]) -> String {
    let mut table = format!(
        "experts of {tags} tags before {day}\n{:<28}{:>10}{:>12}\n",
        "", "Spearman", "top 3"
    );
    for (name, it) in lines {
        table += &format!("{name:<28}{:>10.3}{:>12.3}\n", it.spearman, it.top);
    }
    table
}

// === impl Split ===

impl Split {
    fn new(answers: &BTreeMap<&str, Answer>, votes: &[Row], split: &str) -> Self {
        let mut it = Self::default();
        let mut later: BTreeMap<&str, f64> = BTreeMap::new();
        for vote in votes.iter().filter(|vote| value(vote, "VoteTypeId") == UP_VOTE) {
            let Some(answer) = answers.get(value(vote, "PostId")) else { continue };
            let before = day(vote).as_str() < split;
            if before {
                *it.all_votes_before.entry(answer.owner.clone()).or_default() += 1.0;
            }
            for tag in &answer.tags {
                let votes = if before { &mut it.votes_before } else { &mut it.votes_after };
                *votes.entry((tag.clone(), answer.owner.clone())).or_default() += 1.0;
                if !before {
                    *later.entry(tag).or_default() += 1.0;
                }
            }
        }
        let mut answerers: BTreeMap<&str, BTreeSet<&str>> = BTreeMap::new();
        for answer in answers.values().filter(|it| it.day.as_str() < split) {
            for tag in &answer.tags {
                answerers.entry(tag).or_default().insert(&answer.owner);
            }
        }
        let judged = later.iter().filter(|(tag, votes)| {
            let answerers = answerers.get(**tag).map_or(0, BTreeSet::len);
            **votes >= LATER_VOTES_MIN && answerers >= ANSWERERS_MIN
        });
        it.judged = judged.map(|(tag, _)| (*tag).to_owned()).collect();
        for (tag, owner) in it.votes_before.keys() {
            if answerers.get(tag.as_str()).is_some_and(|them| them.contains(owner.as_str())) {
                it.known.entry(tag.clone()).or_default().insert(owner.clone());
            }
        }
        it
    }

    /// As if whoever is known for anything were known for everything.
    fn overall(&self) -> OfTag {
        let all = self.known.iter().flat_map(|(tag, known)| known.iter().map(move |it| (tag, it)));
        let votes = |owner| self.all_votes_before.get(owner).copied().unwrap_or_default();
        all.map(|(tag, owner)| ((tag.clone(), owner.clone()), votes(owner))).collect()
    }

    /// Of what somebody says of the known in each tag with the votes that came later.
    fn agreement(&self, said: &OfTag) -> Agreement {
        let (mut spearmans, mut tops) = (0.0, 0.0);
        for tag in &self.judged {
            let known = self.known.get(tag).into_iter().flatten();
            let of = |all: &OfTag, owner: &String| {
                all.get(&(tag.clone(), owner.clone())).copied().unwrap_or_default()
            };
            let (said, came): (Vec<f64>, Vec<f64>) =
                known.map(|owner| (of(said, owner), of(&self.votes_after, owner))).unzip();
            spearmans += spearman(&said, &came);
            let chances = chances(&said).into_iter().zip(chances(&came));
            tops += chances.map(|(one, other)| one * other).sum::<f64>() / count(TOP);
        }
        let tags = count(self.judged.len().max(1));
        Agreement { spearman: spearmans / tags, top: tops / tags }
    }
}

/// 0 where all are the same.
fn spearman(one: &[f64], other: &[f64]) -> f64 {
    let (one, other) = (ranks(one), ranks(other));
    let mean = count(one.len() + 1) / 2.0;
    let product = |one: &[f64], other: &[f64]| -> f64 {
        one.iter().zip(other).map(|(one, other)| (one - mean) * (other - mean)).sum()
    };
    let spread = (product(&one, &one) * product(&other, &other)).sqrt();
    if spread > 0.0 { product(&one, &other) / spread } else { 0.0 }
}

/// Equal ones share the mean of their ranks.
fn ranks(values: &[f64]) -> Vec<f64> {
    let rank = |value: &f64| {
        let below = values.iter().filter(|it| *it < value).count();
        let equal = values.iter().filter(|it| *it == value).count();
        count(below) + (count(equal) + 1.0) / 2.0
    };
    values.iter().map(rank).collect()
}

/// How likely each is among the best, when equal ones draw lots.
fn chances(values: &[f64]) -> Vec<f64> {
    let chance = |value: &f64| {
        let above = values.iter().filter(|it| *it > value).count();
        let equal = values.iter().filter(|it| *it == value).count();
        (count(TOP.saturating_sub(above)) / count(equal)).min(1.0)
    };
    values.iter().map(chance).collect()
}

#[expect(clippy::cast_precision_loss, reason = "counts of people")]
const fn count(it: usize) -> f64 {
    it as f64
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn orders_agree_as_far_as_their_ranks_do() {
        assert!((spearman(&[1.0, 5.0, 9.0], &[2.0, 3.0, 70.0]) - 1.0).abs() < 1e-12);
        assert!((spearman(&[1.0, 5.0, 9.0], &[3.0, 2.0, 1.0]) + 1.0).abs() < 1e-12);
        assert!((spearman(&[1.0, 1.0, 2.0], &[1.0, 2.0, 3.0]) - 0.75_f64.sqrt()).abs() < 1e-12);
        assert!(spearman(&[1.0, 1.0], &[1.0, 2.0]).abs() < 1e-12);
    }

    #[test]
    fn equal_ones_draw_lots() {
        assert_eq!(
            chances(&[9.0, 5.0, 5.0, 5.0, 1.0]),
            [1.0, 2.0 / 3.0, 2.0 / 3.0, 2.0 / 3.0, 0.0]
        );
    }
}
