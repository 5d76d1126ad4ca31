//! How often the score from one half of the evidence lies within the interval from the other.
//! docs/scoring.md, section 11.

use std::{
    collections::HashMap,
    fs::File,
    io::{BufReader, Read, Write},
    path::{Path, PathBuf},
};

use anyhow::{Context as _, Result, ensure};
use flate2::read::MultiGzDecoder;
use rand_core::{Rng, SeedableRng as _};
use rand_pcg::Mcg128Xsl64;

use super::{
    Bench,
    sets::{self, Input, SETS, Scored},
    table::{markdown, row},
};

/// How often each set is split; each half is once the first. One split of the smallest set, of 190 people,
/// is off by 2.6 hundredths in two of three cases.
const SPLITS: u64 = 5;

/// The aim: the interval is one of 90 %.
const AIM_MIN: f64 = 0.85;
const AIM_MAX: f64 = 0.95;

/// Where the bands of the score begin.
const BANDS: [f64; 4] = [0.0, 10.0, 20.0, 40.0];
const BAND_NAMES: [&str; 4] = ["below 10", "10 to 20", "20 to 40", "40 and more"];

/// What was found in one set.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Covered {
    set: String,
    /// By band of the score from the first half.
    bands: [Share; 4],
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
struct Share {
    within: u64,
    people: u64,
}

pub(super) fn run(bench: &Bench<'_>) -> Result<Vec<Covered>> {
    let mut inputs: Vec<(String, Input)> = Vec::new();
    // The only set without interactions cannot be split.
    for set in SETS.iter().filter(|set| set.name != "peerindex") {
        inputs.push((set.name.to_owned(), set.input(&bench.data)));
    }
    inputs.push(("made-up world".to_owned(), bench.world(20_000, 2, &[])?));

    let mut found = Vec::new();
    for (set, input) in inputs {
        eprintln!("xtask: splitting {set} in halves");
        let mut covered = Covered { set, bands: Default::default() };
        for seed in 0..SPLITS {
            let [left, right] = halves(bench, &input, seed)?;
            covered.add(&left, &right)?;
            covered.add(&right, &left)?;
        }
        found.push(covered);
    }
    Ok(found)
}

pub(super) fn table(found: &[Covered]) -> String {
    let mut header = row(&["set", "aim", "people", "within"]);
    header.extend(row(&BAND_NAMES));
    header.push(String::new());
    let mut rows = vec![header];
    for covered in found {
        let mut cells = vec![covered.set.clone(), format!("{AIM_MIN:.2} to {AIM_MAX:.2}")];
        cells.push((covered.all().people / (2 * SPLITS)).to_string());
        cells.push(covered.all().text());
        cells.extend(covered.bands.iter().map(|band| band.text()));
        cells.push(if covered.is_within_aim() { "reached" } else { "**missed**" }.to_owned());
        rows.push(cells);
    }
    markdown(&rows, 2)
}

/// The scores from each half of the interactions, beside all other evidence.
fn halves(bench: &Bench<'_>, input: &Input, seed: u64) -> Result<[Vec<Scored>; 2]> {
    let paths = ["left.csv", "right.csv"].map(|name| bench.place.join(name));
    let interactions = input.files.first().context("a set without files")?;
    split_file(interactions, &paths, seed)
        .with_context(|| format!("{} was not split", interactions.display()))?;
    let scored = |half: &Path| {
        let mut input = input.clone();
        half.clone_into(&mut input.files[0]);
        let out = bench.place.join("half.csv");
        bench.rank(&input, &out, &["--interval"])?;
        sets::scores(&out)
    };
    Ok([scored(&paths[0])?, scored(&paths[1])?])
}

fn split_file(from: &Path, to: &[PathBuf; 2], seed: u64) -> Result<()> {
    let reader = MultiGzDecoder::new(BufReader::new(File::open(from)?));
    split(reader, [File::create(&to[0])?, File::create(&to[1])?], seed)
}

/// Gives each reaction to one of the halves by lot; a row with the count n is n reactions.
fn split<W: Write>(from: impl Read, to: [W; 2], seed: u64) -> Result<()> {
    let mut lots = Mcg128Xsl64::seed_from_u64(seed);
    let mut reader = csv::Reader::from_reader(from);
    let header = reader.headers()?.clone();
    let column = header.iter().position(|name| name == "count").context("there is no `count`")?;
    let mut writers = to.map(csv::Writer::from_writer);
    for writer in &mut writers {
        writer.write_record(&header)?;
    }
    let mut record = csv::StringRecord::new();
    while reader.read_record(&mut record)? {
        let count: u64 = record[column].parse().context("a count is no whole number")?;
        let left = heads(&mut lots, count);
        for (writer, part) in writers.iter_mut().zip([left, count - left]) {
            if part > 0 {
                let part = part.to_string();
                let cells = record.iter().enumerate();
                writer.write_record(
                    cells.map(|(place, it)| if place == column { &part } else { it }),
                )?;
            }
        }
    }
    for writer in &mut writers {
        writer.flush()?;
    }
    Ok(())
}

/// How many of so many coins show heads.
fn heads(lots: &mut impl Rng, coins: u64) -> u64 {
    let word = u64::from(u64::BITS);
    let whole: u64 = (0..coins / word).map(|_| u64::from(lots.next_u64().count_ones())).sum();
    let rest = match coins % word {
        0 => 0,
        rest => u64::from((lots.next_u64() >> (word - rest)).count_ones()),
    };
    whole + rest
}

// === impl Covered ===

impl Covered {
    /// Adds everybody with evidence in `first`; who is not in `second` has score 1 there.
    fn add(&mut self, first: &[Scored], second: &[Scored]) -> Result<()> {
        let again: HashMap<(&str, &str), f64> =
            second.iter().map(|it| ((&*it.network, &*it.account), it.score)).collect();
        // Confidence 0 is a registered account without evidence.
        for it in first.iter().filter(|it| it.confidence > 0.0) {
            let (Some(low), Some(high)) = (it.low, it.high) else {
                anyhow::bail!("there is no interval in the scores");
            };
            ensure!(low <= it.score && it.score <= high, "{} is outside its interval", it.account);
            let again = again.get(&(&*it.network, &*it.account)).copied().unwrap_or(1.0);
            let band = BANDS.iter().rposition(|start| it.score >= *start).unwrap_or_default();
            self.bands[band].people += 1;
            self.bands[band].within += u64::from(low <= again && again <= high);
        }
        Ok(())
    }

    fn all(&self) -> Share {
        self.bands.iter().fold(Share::default(), |sum, it| Share {
            within: sum.within + it.within,
            people: sum.people + it.people,
        })
    }

    pub(super) fn is_within_aim(&self) -> bool {
        self.all().share().is_some_and(|share| (AIM_MIN..=AIM_MAX).contains(&share))
    }
}

// === impl Share ===

impl Share {
    /// `None` of nobody.
    #[expect(clippy::cast_precision_loss, reason = "numbers of people are far below 2^53")]
    fn share(self) -> Option<f64> {
        (self.people > 0).then(|| self.within as f64 / self.people as f64)
    }

    fn text(self) -> String {
        self.share().map_or_else(|| "–".to_owned(), |share| format!("{share:.3}"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const ROWS: &str = "subject,count,id\nann,100000,a\nann,1,b\nbob,0,c\n\"a, b\",200,d\n";

    fn halves_of(seed: u64) -> [String; 2] {
        let mut halves = [Vec::new(), Vec::new()];
        let [left, right] = &mut halves;
        split(ROWS.as_bytes(), [left, right], seed).expect("good rows");
        halves.map(|half| String::from_utf8(half).expect("CSV is text"))
    }

    fn counts(half: &str) -> HashMap<String, u64> {
        let mut reader = csv::Reader::from_reader(half.as_bytes());
        reader
            .deserialize()
            .map(|row| row.expect("a row"))
            .map(|(_, count, id): (String, u64, String)| (id, count))
            .collect()
    }

    fn scored(account: &str, score: f64, confidence: f64, interval: (f64, f64)) -> Scored {
        Scored {
            network: "bluesky".to_owned(),
            account: account.to_owned(),
            score,
            influence: 0.0,
            confidence,
            low: Some(interval.0),
            high: Some(interval.1),
        }
    }

    #[test]
    fn every_reaction_is_in_one_half_and_about_as_many_in_each() {
        let [left, right] = halves_of(1).map(|half| counts(&half));
        let sum = |id: &str| left.get(id).unwrap_or(&0) + right.get(id).unwrap_or(&0);
        assert_eq!(["a", "b", "c", "d"].map(sum), [100_000, 1, 0, 200]);
        // Six standard deviations.
        assert!(left["a"].abs_diff(50_000) < 950, "{left:?}");
        assert!(!left.contains_key("c") && !right.contains_key("c"), "no row without a reaction");
    }

    #[test]
    fn the_same_seed_splits_alike_and_another_otherwise() {
        assert_eq!(halves_of(1), halves_of(1));
        assert_ne!(halves_of(1), halves_of(2));
    }

    #[test]
    fn who_is_absent_from_the_second_half_has_the_lowest_score_there() {
        let first = [
            scored("ann", 20.0, 0.5, (1.0, 30.0)),
            scored("bob", 50.0, 0.5, (45.0, 55.0)),
            scored("registered", 1.0, 0.0, (1.0, 1.0)),
        ];
        let second = [scored("bob", 56.0, 0.5, (50.0, 60.0))];
        let mut covered = Covered { set: "a set".to_owned(), bands: Default::default() };
        covered.add(&first, &second).expect("intervals");
        let share = |within, people| Share { within, people };
        assert_eq!(covered.bands, [share(0, 0), share(0, 0), share(1, 1), share(0, 1)]);
        assert_eq!(covered.all(), share(1, 2));
        assert!(!covered.is_within_aim());
    }
}
