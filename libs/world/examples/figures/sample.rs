//! Interactions of a network, real or made up, and the figures that tell its shape.

use std::{collections::HashMap, fs::File, io::Read as _, path::Path};

use anyhow::{Context as _, Result};
use flate2::read::MultiGzDecoder;
use klout_model::Kind;
use klout_world::{Content, DAYS, Event, Interactions, World};
use time::{OffsetDateTime, format_description::well_known::Rfc3339};

/// Who did something to whom, when.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Row {
    /// Seconds since 1970.
    pub(crate) time: i64,
    pub(crate) actor: u32,
    pub(crate) subject: u32,
}

/// Interactions in the order of time. What somebody did to somebody in one moment is one, although a
/// reply is told as a reply and as a mention.
#[derive(Debug)]
pub(crate) struct Sample {
    pub(crate) rows: Vec<Row>,
}

/// The figures that tell the shape of a sample.
#[derive(Debug)]
pub(crate) struct Shape(Vec<Figure>);

#[derive(Clone, Copy, Debug)]
enum Figure {
    Count(usize),
    Share(f64),
    Ratio(f64),
    /// Of a sample that has no times.
    None,
}

// === impl Sample ===

impl Sample {
    /// Reads a CSV file with a header, plain or gzip.
    pub(crate) fn read(path: &Path) -> Result<Self> {
        let mut bytes = Vec::new();
        File::open(path).and_then(|mut file| file.read_to_end(&mut bytes)).context("open")?;
        if bytes.starts_with(&[0x1f, 0x8b]) {
            let mut text = Vec::new();
            MultiGzDecoder::new(&*bytes).read_to_end(&mut text).context("inflate")?;
            bytes = text;
        }
        let mut reader = csv::Reader::from_reader(&*bytes);
        let header = reader.headers()?.clone();
        let column = |name: &str| {
            header.iter().position(|it| it == name).with_context(|| format!("no column {name}"))
        };
        let (time, actor, subject) = (column("time")?, column("actor")?, column("subject")?);
        let mut names = Numbers::default();
        let mut rows = Vec::new();
        for record in reader.records() {
            let record = record?;
            rows.push(Row {
                time: OffsetDateTime::parse(&record[time], &Rfc3339)?.unix_timestamp(),
                actor: names.of(&record[actor]),
                subject: names.of(&record[subject]),
            });
        }
        rows.sort_unstable();
        rows.dedup();
        Ok(Self { rows })
    }

    /// The first reshares, mentions and replies from a day on: the kinds that the real sample has.
    pub(crate) fn of_world(world: &World, from: u16, count: usize) -> Self {
        let kinds = [Kind::Reshare, Kind::Mention, Kind::Reply];
        let mut names = Numbers::default();
        let events = (from..DAYS).flat_map(|day| world.day(day));
        let mut rows = Vec::new();
        for row in events.filter_map(|event| names.row(&event, &kinds)) {
            // A reply and the mention in it are told one after the other.
            if rows.last() != Some(&row) {
                rows.push(row);
            }
            if rows.len() == count {
                break;
            }
        }
        Self { rows }
    }

    /// All interactions with an actor.
    pub(crate) fn whole(world: &World) -> Self {
        let mut names = Numbers::default();
        Self { rows: world.events().filter_map(|event| names.row(&event, &Kind::ALL)).collect() }
    }

    /// Rows for benchmarks, which have no times within a day.
    pub(crate) fn of_edges(edges: Interactions, count: usize) -> Self {
        let row = |edge: klout_world::Edge| Row {
            time: i64::MIN,
            actor: edge.actor,
            subject: edge.subject,
        };
        Self { rows: edges.take(count).map(row).collect() }
    }

    /// How many interactions each subject drew, most first.
    pub(crate) fn by_subject(&self) -> Vec<usize> {
        grouped(self.rows.iter().map(|row| row.subject))
    }

    /// How many interactions each actor did, most first.
    pub(crate) fn by_actor(&self) -> Vec<usize> {
        grouped(self.rows.iter().map(|row| row.actor))
    }

    /// Shares of the hours of the UTC day, over the whole days at the start of the sample.
    pub(crate) fn hours(&self) -> [f64; 24] {
        let day = |row: &Row| row.time.div_euclid(86_400);
        let last = self.rows.last().map(day);
        let whole: Vec<&Row> = self.rows.iter().filter(|row| Some(day(row)) < last).collect();
        let mut hours = [0.0; 24];
        for row in &whole {
            let hour = row.time.rem_euclid(86_400) / 3_600;
            hours[usize::try_from(hour).expect("an hour")] += 1.0 / float(whole.len());
        }
        hours
    }

    /// For each subject of at least 20 interactions: the share of them in its busiest hour.
    pub(crate) fn busiest_hours(&self) -> Vec<f64> {
        let mut times: HashMap<u32, Vec<i64>> = HashMap::new();
        for row in &self.rows {
            times.entry(row.subject).or_default().push(row.time.div_euclid(3_600));
        }
        let mut shares: Vec<f64> = times
            .values()
            .filter(|times| times.len() >= 20)
            .map(|times| {
                let busiest = grouped(times.iter().copied())[0];
                float(busiest) / float(times.len())
            })
            .collect();
        shares.sort_by(f64::total_cmp);
        shares
    }

    pub(crate) fn shape(&self) -> Shape {
        let (subjects, actors) = (self.by_subject(), self.by_actor());
        let pairs = grouped(self.rows.iter().map(|row| (row.actor, row.subject)));
        let timed = self.rows.iter().any(|row| row.time != i64::MIN);
        let hours = self.hours();
        let mut sorted = hours;
        sorted.sort_by(f64::total_cmp);
        let busiest = self.busiest_hours();
        let when = |figure| if timed { figure } else { Figure::None };
        let mut figures = vec![
            Figure::Count(self.rows.len()),
            Figure::Count(subjects.len()),
            Figure::Count(actors.len()),
        ];
        for counts in [&subjects, &actors] {
            let once = counts.iter().filter(|count| **count == 1).count();
            figures.extend([
                Figure::Ratio(gini(counts)),
                Figure::Share(share_of_top(counts, 100)),
                Figure::Share(share_of_top(counts, 10)),
                Figure::Count(counts[counts.len() / 2]),
                Figure::Share(float(once) / float(counts.len())),
                Figure::Share(share_of_at_least(counts, 10)),
                Figure::Count(counts[0]),
            ]);
        }
        let repeated = pairs.iter().filter(|count| **count > 1).count();
        figures.extend([
            Figure::Share(float(repeated) / float(pairs.len())),
            when(Figure::Ratio(sorted[23] / sorted[0])),
            when(Figure::Share(busiest.get(busiest.len() / 2).copied().unwrap_or_default())),
        ]);
        Shape(figures)
    }
}

// === impl Shape ===

impl Shape {
    pub(crate) const NAMES: [&str; 20] = [
        "interactions",
        "subjects",
        "actors",
        "Gini coefficient of interactions per subject",
        "share of the top 1 % of subjects",
        "share of the top 10 % of subjects",
        "interactions of the subject in the middle",
        "subjects with one interaction",
        "subjects with ten or more",
        "interactions of the largest subject",
        "Gini coefficient of interactions per actor",
        "share of the top 1 % of actors",
        "share of the top 10 % of actors",
        "interactions of the actor in the middle",
        "actors with one interaction",
        "actors with ten or more",
        "interactions of the busiest actor",
        "pairs of actor and subject seen more than once",
        "busiest hour of the day over the quietest",
        "share of a subject's busiest hour, in the middle (subjects of 20 and more)",
    ];

    pub(crate) fn value(&self, row: usize) -> String {
        match self.0[row] {
            Figure::Count(count) => count.to_string(),
            Figure::Share(share) => format!("{:.1} %", share * 100.0),
            Figure::Ratio(ratio) => format!("{ratio:.2}"),
            Figure::None => "–".to_owned(),
        }
    }
}

/// Numbers for names.
#[derive(Debug, Default)]
struct Numbers(HashMap<String, u32>);

impl Numbers {
    fn of(&mut self, name: &str) -> u32 {
        let next = u32::try_from(self.0.len()).expect("few");
        *self.0.entry(name.to_owned()).or_insert(next)
    }

    fn row(&mut self, event: &Event<'_>, kinds: &[Kind]) -> Option<Row> {
        let Content::Interaction { actor: Some(actor), subject, kind, .. } = &event.content else {
            return None;
        };
        let row = || Row {
            time: event.time.unix_timestamp(),
            actor: self.of(actor.native_id.as_str()),
            subject: self.of(subject.native_id.as_str()),
        };
        kinds.contains(kind).then(row)
    }
}

/// How often each value comes, most often first.
fn grouped<T: Eq + std::hash::Hash>(values: impl Iterator<Item = T>) -> Vec<usize> {
    let mut counts: HashMap<T, usize> = HashMap::new();
    for value in values {
        *counts.entry(value).or_default() += 1;
    }
    let mut counts: Vec<usize> = counts.into_values().collect();
    counts.sort_unstable_by(|left, right| right.cmp(left));
    counts
}

/// Of counts in descending order: how unequal they are, 0 to 1.
fn gini(descending: &[usize]) -> f64 {
    let total: f64 = descending.iter().copied().map(float).sum();
    let count = float(descending.len());
    let weighted: f64 = descending
        .iter()
        .rev()
        .enumerate()
        .map(|(place, it)| (2.0 * float(place + 1) - count - 1.0) * float(*it))
        .sum();
    weighted / (count * total)
}

/// The share of the first 1 / `part`.
fn share_of_top(descending: &[usize], part: usize) -> f64 {
    let top: usize = descending.iter().take((descending.len() / part).max(1)).sum();
    float(top) / float(descending.iter().sum())
}

fn share_of_at_least(descending: &[usize], least: usize) -> f64 {
    float(descending.iter().filter(|count| **count >= least).count()) / float(descending.len())
}

/// A count as a float, exact for what fits into memory.
#[expect(clippy::cast_precision_loss, reason = "the one place where integers become floats")]
pub(crate) fn float(count: usize) -> f64 {
    count as f64
}
