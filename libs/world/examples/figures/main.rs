//! Holds the made-up world against a real network: prints the table and draws the plots of
//! `docs/world.md`.
//!
//! ```text
//! cargo run --release -p klout-world --example figures -- HIGGS docs/figures
//! ```
//!
//! `HIGGS` is a CSV file of interactions, plain or gzip, with at least the columns `time`, `actor`,
//! `subject` and `kind`; its figures are those of reshares, mentions and replies around the
//! announcement of the Higgs boson on Twitter (De Domenico et al., 2013).

mod plot;
mod sample;

use std::{env, hint::black_box, path::PathBuf, time::Instant};

use anyhow::{Context as _, Result};
use klout_model::Day;
use klout_world::{Edge, Interactions, Recipe, World};

use crate::sample::{Sample, Shape};

/// So many people make about as many reshares, mentions and replies a day as the real sample has.
const PEOPLE: u32 = 100_000;
/// The made-up sample starts on this day; a weekday, as the real one.
const FROM: u16 = 60;

fn main() -> Result<()> {
    let mut arguments = env::args_os().skip(1).map(PathBuf::from);
    let higgs = arguments.next().context("name the real interactions")?;
    let figures = arguments.next().context("name the folder of the plots")?;

    let real = Sample::read(&higgs)?;
    let count = real.rows.len();
    let world = timed("people", PEOPLE.into(), || World::new(&recipe(PEOPLE)?).context("world"))?;
    let made_up = Sample::of_world(&world, FROM, count);
    let edges = Sample::of_edges(Interactions::new(1, PEOPLE, count as u64), count);
    table(&[("Higgs", &real), ("world", &made_up), ("rows", &edges)]);
    let small = World::new(&recipe(1_000)?)?;
    table(&[("1,000 people, all kinds, 120 days", &Sample::whole(&small))]);
    plot::all(&figures, &real, &made_up)?;

    let events = world.events().count() as u64;
    timed("events", events, || world.events().count());
    let rows = 100_000_000;
    let sum = |sum: u32, edge: Edge| sum.wrapping_add(edge.actor ^ edge.subject);
    black_box(timed("rows", rows, || Interactions::new(1, 1_000_000, rows).fold(0, sum)));
    Ok(())
}

/// Says how long `work` took for so many of something.
#[expect(clippy::print_stderr, reason = "speeds differ between runs, so they stand apart")]
fn timed<T>(what: &str, count: u64, work: impl FnOnce() -> T) -> T {
    let started = Instant::now();
    let result = work();
    let seconds = started.elapsed().as_secs_f64();
    let millions = sample::float(usize::try_from(count).expect("64 bits")) / seconds / 1e6;
    eprintln!("{count} {what}: {seconds:.2} s, {millions:.1} million a second");
    result
}

fn recipe(people: u32) -> Result<Recipe> {
    let last_day = time::Date::from_ordinal_date(2026, 304).context("a date")?;
    Ok(Recipe::new(1, people, Day::from_date(last_day)))
}

#[expect(clippy::print_stdout, reason = "the table is what this program is for")]
fn table(samples: &[(&str, &Sample)]) {
    let names: Vec<&str> = samples.iter().map(|(name, _)| *name).collect();
    println!("| | {} |", names.join(" | "));
    println!("|---{}|", "|---:".repeat(samples.len()));
    let shapes: Vec<Shape> = samples.iter().map(|(_, sample)| sample.shape()).collect();
    for (row, name) in Shape::NAMES.iter().enumerate() {
        let values: Vec<String> = shapes.iter().map(|shape| shape.value(row)).collect();
        println!("| {name} | {} |", values.join(" | "));
    }
}
