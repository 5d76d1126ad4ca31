//! Marks who arrives, and lists it.

use std::{fs, io::Read as _, path::PathBuf};

use klout_proto::{
    json::{self, to_value},
    perk::v1::{Arrival, ListArrivalsRequest, MarkArrivalsRequest},
};
use time::Date;

use crate::{
    arguments,
    client::{Missing, Target, retried},
    exit::Failure,
    output,
    table::{self, Column},
};

/// Guests in one request.
const BATCH: usize = 1_000;

/// Marks which of the guests who arrive on a day could be offered what, so that the desk can work without us.
///
/// Takes nothing from any stock. A stay that was marked is marked anew. Each line of the file is a guest, as JSON.
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Example:
  klout check-in mark palms 2026-11-27 arrivals.jsonl

A line:
  {\"stay\":\"S-1\",\"bookedCategory\":\"KING\",\"guest\":{\"contacts\":{\"emails\":[\"ada@example.org\"]}}}")]
pub(super) struct Mark {
    /// Where
    #[arg(value_name = "PROPERTY")]
    property: String,
    /// When they arrive: today or in the next 7 days, at the property
    #[arg(value_name = "DAY", value_parser = arguments::date)]
    day: Date,
    /// Guests, one a line, as JSON; - for stdin
    #[arg(value_name = "FILE")]
    file: PathBuf,
    /// Prints how many were marked as JSON
    #[arg(long)]
    json: bool,
    #[command(flatten)]
    target: Target,
}

/// Lists marked arrivals of a day, by stay.
///
/// Who has left since, or does not consent any more, has no offer. Kept for three days after the arrival.
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  klout check-in arrivals palms 2026-11-27
  klout check-in arrivals palms 2026-11-27 --json         one guest a line")]
pub(super) struct List {
    /// Where
    #[arg(value_name = "PROPERTY")]
    property: String,
    /// When they arrive
    #[arg(value_name = "DAY", value_parser = arguments::date)]
    day: Date,
    /// Prints each guest as JSON, one a line
    #[arg(long)]
    json: bool,
    #[command(flatten)]
    target: Target,
}

// === impl Mark ===

impl Mark {
    pub(super) fn run(self) -> Result<(), Failure> {
        let Self { property, day, file, json, target } = self;
        let arrivals = read(&file)?;
        let (marked, offers, left_out) = target.ask(Missing::Refuse, async |client| {
            let (mut marked, mut offers, mut left_out) = (0, 0, 0);
            for batch in arrivals.chunks(BATCH) {
                let request = MarkArrivalsRequest {
                    property: property.clone(),
                    arrival_day: day.to_string(),
                    arrivals: batch.to_vec(),
                };
                let done = retried(|| {
                    let (mut client, request) = (client.desk(), request.clone());
                    async move { client.mark_arrivals(request).await }
                });
                let done = done.await?.into_inner();
                marked += i64::from(done.marked);
                offers += i64::from(done.offers);
                left_out += i64::from(done.left_out);
            }
            Ok((marked, offers, left_out))
        })?;
        if json {
            let counts =
                serde_json::json!({"marked": marked, "offers": offers, "left_out": left_out});
            return output::line(&counts.to_string());
        }
        let (marked, offers) = (output::grouped(marked), output::grouped(offers));
        output::line(&format!("{marked} marked, {offers} of them with an offer"))?;
        if left_out > 0 {
            let left_out = output::grouped(left_out);
            output::line(&format!("{left_out} could not be found out: mark them again"))?;
        }
        Ok(())
    }
}

// === impl List ===

impl List {
    pub(super) fn run(self) -> Result<(), Failure> {
        let Self { property, day, json, target } = self;
        let arrivals = target.ask(Missing::Refuse, async |client| {
            let (mut arrivals, mut page_token) = (Vec::new(), String::new());
            loop {
                let request = ListArrivalsRequest {
                    property: property.clone(),
                    arrival_day: day.to_string(),
                    page_size: 1_000,
                    page_token,
                };
                let page = client.desk().list_arrivals(request).await?.into_inner();
                arrivals.extend(page.arrivals);
                page_token = page.next_page_token;
                if page_token.is_empty() {
                    return Ok(arrivals);
                }
            }
        })?;
        if json {
            return arrivals.iter().try_for_each(|it| output::line(&to_value(it).to_string()));
        }
        if arrivals.is_empty() {
            eprintln!("klout: nobody is marked; `klout check-in mark` marks who arrives");
            return Ok(());
        }
        let columns = [
            Column::Text("stay"),
            Column::Text("outcome"),
            Column::Text("reason"),
            Column::Text("upgrades"),
            Column::Text("say"),
        ];
        let rows = arrivals
            .into_iter()
            .map(|it| [it.stay, it.outcome, it.reason, it.categories.join(", "), it.line]);
        table::print(columns, rows)
    }
}

fn read(path: &PathBuf) -> Result<Vec<Arrival>, Failure> {
    let failed =
        |problem: &dyn std::fmt::Display| Failure::Failed(format!("{}: {problem}", path.display()));
    let text = if path.as_os_str() == "-" {
        let mut text = String::new();
        std::io::stdin().read_to_string(&mut text).map_err(|error| failed(&error))?;
        text
    } else {
        fs::read_to_string(path).map_err(|error| failed(&error))?
    };
    let lines = text.lines().zip(1_usize..).filter(|(line, _)| !line.trim().is_empty());
    let arrivals = lines.map(|(line, number)| {
        json::from_slice(line.as_bytes())
            .map_err(|error| failed(&format!("line {number}: {error}")))
    });
    arrivals.collect()
}
