//! `klout lookups`: who looked at somebody, and why.

use klout_proto::{
    convert,
    graph::v1::{ListLookupsRequest, ListLookupsResponse, Lookup},
    json::to_value,
};

use crate::{
    arguments,
    client::{Missing, Target},
    exit::Failure,
    output,
    subject::{self, Subject},
    table::{self, Column},
};

/// Rows of one page.
const PAGE: usize = 1_000;

/// Lists who looked at what is known of somebody, and why, newest day first.
///
/// Each key that was shown something stands there by its name and purpose, once a day for each kind of thing that it
/// saw: a score, topics, a profile, a place in a ranking. `web` is whoever read the web pages. What was looked at within
/// the last second may be missing.
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  klout lookups bluesky:ann.example
  klout lookups bluesky:ann.example --top 20 --json")]
pub(crate) struct ShowLookups {
    #[arg(help = subject::HELP)]
    subject: Subject,
    /// How many rows at most
    #[arg(long, value_name = "N", default_value_t = 100, value_parser = clap::value_parser!(u32).range(1..=1_000_000))]
    top: u32,
    /// Prints the response as JSON
    #[arg(long)]
    json: bool,
    #[command(flatten)]
    target: Target,
}

// === impl ShowLookups ===

impl ShowLookups {
    pub(crate) fn run(self) -> Result<(), Failure> {
        let Self { subject, top, json, target } = self;
        let top = top as usize;
        let response = target.ask(Missing::Refuse, async |client| {
            let person = subject.person(client).await?;
            let mut all = ListLookupsResponse::default();
            loop {
                let page_size = (top - all.lookups.len()).min(PAGE);
                let request = ListLookupsRequest {
                    person: person.clone(),
                    page_size: i32::try_from(page_size).unwrap_or(i32::MAX),
                    page_token: all.next_page_token,
                };
                let page = client.graph().list_lookups(request).await?.into_inner();
                all.lookups.extend(page.lookups);
                all.next_page_token = page.next_page_token;
                if all.next_page_token.is_empty() || all.lookups.len() >= top {
                    return Ok(all);
                }
            }
        })?;
        if json {
            return output::line(&to_value(&response).to_string());
        }
        if response.lookups.is_empty() {
            eprintln!("klout: nobody looked");
            return Ok(());
        }
        let columns = [
            Column::Text("day"),
            Column::Text("who"),
            Column::Text("why"),
            Column::Text("what"),
            Column::Number("times"),
        ];
        table::print(columns, response.lookups.iter().map(row))?;
        if !response.next_page_token.is_empty() {
            eprintln!("klout: there are more: --top");
        }
        Ok(())
    }
}

fn row(lookup: &Lookup) -> [String; 5] {
    let day = lookup.last_time.as_ref().and_then(convert::time);
    [
        day.map_or_else(|| "-".to_owned(), |time| arguments::day(time).to_string()),
        lookup.caller.clone(),
        lookup.purpose.clone(),
        lookup.what.replace('_', " "),
        lookup.count.to_string(),
    ]
}
