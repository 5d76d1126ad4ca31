//! An import under kills, as long as wanted: what `cargo xtask kill` runs.

use std::process::ExitCode;

use clap::Parser;
use klout_flows::kill::{self, Plan, Terms, perks};

/// Imports the same made-up signals twice, once while everything is killed, and compares all totals and scores.
#[derive(Debug, Parser)]
#[command(name = "cargo xtask kill", bin_name = "cargo xtask kill")]
struct Arguments {
    /// How many signals are imported at least
    #[arg(long, value_name = "N", default_value_t = 200_000, value_parser = clap::value_parser!(u32).range(1..=2_000_000))]
    signals: u32,
    /// How many kills; with 40 everything is killed once at every point and some at any time
    #[arg(long, value_name = "N", default_value_t = 80, value_parser = clap::value_parser!(u16).range(1..=1_000))]
    kills: u16,
    /// Repeats the run of this seed [default: another each time]
    #[arg(long, value_name = "N")]
    seed: Option<u64>,
    /// Lets scoring apply whatever it is sent, as often as it is sent, and so fails
    #[arg(long)]
    unchecked: bool,
    /// Kills perks and their Postgres under many who ask for what campaigns offer, instead of an import
    #[arg(long, conflicts_with_all = ["signals", "unchecked"])]
    perks: bool,
    /// How many ask at once, with --perks
    #[arg(long, value_name = "N", default_value_t = 64, requires = "perks", value_parser = clap::value_parser!(u16).range(1..=1_000))]
    clients: u16,
}

// Who ask go on while what is killed starts again, which keeps this thread waiting.
#[tokio::main]
async fn main() -> ExitCode {
    let Arguments { signals, kills, seed, unchecked, perks, clients } = Arguments::parse();
    // Short enough to be typed.
    let seed = seed.unwrap_or_else(|| rand::random::<u32>().into());
    if perks {
        return give(clients.into(), kills.into(), seed).await;
    }
    let plan = Plan::Everything { kills: kills.into(), seed };
    let report = kill::run(&Terms { signals, seed, plan, checked: !unchecked }).await;
    let victims: Vec<_> =
        report.victims.iter().map(|(victim, kills)| format!("{victim} {kills}")).collect();
    eprintln!("killed: {}", victims.join(", "));
    for difference in &report.differences {
        eprintln!("different: {difference}");
    }
    if report.differences.is_empty() {
        eprintln!("every total and every score is the same; the seed was {seed}");
        ExitCode::SUCCESS
    } else {
        let unchecked = if unchecked { " --unchecked" } else { "" };
        eprintln!(
            "repeat it: cargo xtask kill --signals {signals} --kills {kills} --seed {seed}{unchecked}"
        );
        ExitCode::FAILURE
    }
}

async fn give(clients: usize, kills: usize, seed: u64) -> ExitCode {
    let report =
        perks::run(&perks::Terms { clients, kills, answers: perks::ANSWERS, seed, held: true })
            .await;
    let victims: Vec<_> =
        report.victims.iter().map(|(victim, kills)| format!("{victim} {kills}")).collect();
    eprintln!("killed: {}", victims.join(", "));
    for flaw in &report.flaws {
        eprintln!("wrong: {flaw}");
    }
    if report.flaws.is_empty() {
        let perks::Report { decided, looks, .. } = report;
        eprintln!(
            "{decided} decisions and {looks} looks at what was committed add up; the seed was {seed}"
        );
        ExitCode::SUCCESS
    } else {
        eprintln!(
            "repeat it: cargo xtask kill --perks --clients {clients} --kills {kills} --seed {seed}"
        );
        ExitCode::FAILURE
    }
}
