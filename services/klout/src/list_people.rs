//! `klout people`: who fits, best first.

use std::io;

use klout_model::sheet_cell;
use klout_proto::{
    convert,
    profile::v1::{ListPeopleRequest, ListedPerson},
};

use crate::{
    arguments,
    client::{Missing, Target},
    exit::Failure,
    output,
    table::{self, Column},
};

/// People in one request.
const PAGE_SIZE: usize = 1_000;

/// How many are printed, unless it is said otherwise.
const TOP: usize = 20;

/// Lists people by their score, place, topic and networks, best first.
///
/// Only who consents to the purpose of the key is listed, and that they were is written down.
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  klout people --min-score 60 --topic photography --country DE
  klout people --network instagram --csv > people.csv")]
pub(crate) struct ListPeople {
    /// At least this score
    #[arg(long, value_name = "SCORE")]
    min_score: Option<f64>,
    /// At most this score
    #[arg(long, value_name = "SCORE")]
    max_score: Option<f64>,
    /// Only people with this topic, by slug or id
    #[arg(long, value_name = "TOPIC", default_value = "", hide_default_value = true)]
    topic: String,
    /// Only people who say to live in this country: a code of two letters, such as DE
    #[arg(long, value_name = "CODE", default_value = "", hide_default_value = true)]
    country: String,
    /// Only people who say to live in this city
    #[arg(long, value_name = "NAME", default_value = "", hide_default_value = true)]
    city: String,
    /// Only people with an account of this network
    #[arg(long, value_name = "NETWORK", default_value = "", hide_default_value = true)]
    network: String,
    /// How many at most [default: 20, and all as CSV]
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u64).range(1..))]
    top: Option<u64>,
    /// Prints CSV
    #[arg(long)]
    csv: bool,
    #[command(flatten)]
    target: Target,
}

// === impl ListPeople ===

impl ListPeople {
    pub(crate) fn run(self) -> Result<(), Failure> {
        let Self { min_score, max_score, topic, country, city, network, top, csv, target } = self;
        let otherwise = if csv { usize::MAX } else { TOP };
        let top = top.map_or(otherwise, |top| usize::try_from(top).unwrap_or(usize::MAX));
        let mut request = ListPeopleRequest {
            min_score,
            max_score,
            topic,
            country,
            city,
            network,
            ..ListPeopleRequest::default()
        };
        target.ask(Missing::Refuse, async |client| {
            let flags = [
                ("min_score", "--min-score"),
                ("max_score", "--max-score"),
                ("topic", "--topic"),
                ("country", "--country"),
                ("network", "--network"),
            ];
            let mut writer = csv.then(|| csv::Writer::from_writer(io::stdout().lock()));
            if let Some(writer) = &mut writer {
                let columns = [
                    "person",
                    "name",
                    "country",
                    "city",
                    "networks",
                    "topics",
                    "score",
                    "percentile",
                    "score_time",
                ];
                writer.write_record(columns).map_err(output::csv_failed)?;
            }
            let (mut left, mut listed) = (top, Vec::new());
            loop {
                request.page_size = i32::try_from(left.min(PAGE_SIZE)).expect("a page is small");
                let page = client.lookups().list_people(request.clone()).await;
                let page = page.map_err(Failure::naming(&flags))?.into_inner();
                left = left.saturating_sub(page.people.len());
                match &mut writer {
                    Some(writer) => write(writer, &page.people)?,
                    None => listed.extend(page.people),
                }
                request.page_token = page.next_page_token;
                if left == 0 || request.page_token.is_empty() {
                    break;
                }
            }
            match writer {
                Some(mut writer) => writer.flush().map_err(output::failed),
                None => print(listed),
            }
        })
    }
}

fn write(writer: &mut csv::Writer<impl io::Write>, people: &[ListedPerson]) -> Result<(), Failure> {
    for ListedPerson { score, display_name, country, city, networks, topics } in people {
        let score = score.clone().unwrap_or_default();
        let time = score.score_time.as_ref().and_then(convert::time);
        // `Display` of a float is its shortest form that reads back as the same float.
        let number = |number: Option<f64>| number.map(|it| it.to_string()).unwrap_or_default();
        writer
            .write_record([
                score.person.as_str(),
                &sheet_cell(display_name),
                &sheet_cell(country),
                &sheet_cell(city),
                &sheet_cell(&networks.join("; ")),
                &sheet_cell(&topics.join("; ")),
                &number(score.score),
                &number(score.percentile),
                &time.map(arguments::print_time).unwrap_or_default(),
            ])
            .map_err(output::csv_failed)?;
    }
    Ok(())
}

fn print(people: Vec<ListedPerson>) -> Result<(), Failure> {
    if people.is_empty() {
        eprintln!("klout: nobody fits");
        return Ok(());
    }
    let columns = [
        Column::Number("score"),
        Column::Text("who"),
        Column::Text("where"),
        Column::Text("networks"),
        Column::Text("topics"),
    ];
    let rows = people.into_iter().map(|it| {
        let score = it.score.unwrap_or_default();
        let who = match it.display_name {
            name if name.is_empty() => format!("person {}", score.person),
            name => format!("{name} ({})", score.person),
        };
        let place = [it.city, it.country].into_iter().filter(|text| !text.is_empty());
        [
            score.score.map(|it| format!("{it:.1}")).unwrap_or_default(),
            who,
            place.collect::<Vec<_>>().join(", "),
            it.networks.join(", "),
            it.topics.join(", "),
        ]
    });
    table::print(columns, rows)
}
