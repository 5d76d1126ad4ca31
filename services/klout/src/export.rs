//! `klout export`: the ranking as CSV.

use std::io;

use klout_proto::{
    convert,
    graph::v1::BatchGetPeopleRequest,
    score::v1::{ListTopScoresRequest, Score},
};

use crate::{
    arguments,
    client::{Client, Missing, Target},
    exit::Failure,
    names::Names,
    output,
};

/// People in one request.
const PAGE_SIZE: usize = 1_000;

/// Prints everybody who has a score as CSV, best first.
///
/// Writes person,accounts,score,percentile,score_time,model; accounts are NETWORK:HANDLE, joined
/// by "; ".
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  klout export --top 20
  klout export > scores.csv")]
pub(crate) struct Export {
    /// Only that many
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u64).range(1..))]
    top: Option<u64>,
    #[command(flatten)]
    target: Target,
}

// === impl Export ===

impl Export {
    pub(crate) fn run(self) -> Result<(), Failure> {
        self.target.ask(Missing::Refuse, async |client| {
            let mut writer = csv::Writer::from_writer(io::stdout().lock());
            let columns = ["person", "accounts", "score", "percentile", "score_time", "model"];
            writer.write_record(columns).map_err(output::csv_failed)?;
            let mut left =
                self.top.map_or(usize::MAX, |top| usize::try_from(top).unwrap_or(usize::MAX));
            let mut page_token = String::new();
            while left > 0 {
                let page_size = i32::try_from(left.min(PAGE_SIZE)).expect("a page is small");
                let request = ListTopScoresRequest { page_size, page_token, ..Default::default() };
                let page = client.scores().list_top_scores(request).await?.into_inner();
                left = left.saturating_sub(page.scores.len());
                write_page(&mut writer, client, &page.scores).await?;
                page_token = page.next_page_token;
                if page_token.is_empty() {
                    break;
                }
            }
            writer.flush().map_err(output::failed)
        })
    }
}

async fn write_page(
    writer: &mut csv::Writer<impl io::Write>,
    client: &Client,
    scores: &[Score],
) -> Result<(), Failure> {
    let people = scores.iter().map(|score| score.person.clone()).collect();
    let response = client.graph().batch_get_people(BatchGetPeopleRequest { people }).await?;
    let names = Names::of(response.into_inner().people);
    for score in scores {
        let time = score.score_time.as_ref().and_then(convert::time);
        writer
            .write_record([
                score.person.as_str(),
                &names.all(&score.person),
                // `Display` of a float is its shortest form that reads back as the same float.
                &score.score.map(|it| it.to_string()).unwrap_or_default(),
                &score.percentile.map(|it| it.to_string()).unwrap_or_default(),
                &time.map(arguments::print_time).unwrap_or_default(),
                &score.model,
            ])
            .map_err(output::csv_failed)?;
    }
    Ok(())
}
