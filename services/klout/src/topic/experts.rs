//! Who is influential on a topic.

use klout_proto::{
    graph::v1::BatchGetPeopleRequest, json::to_value, topic::v1::ListExpertsRequest,
};

use super::{LANGUAGE_HELP, TOPIC_HELP};
use crate::{
    client::{Missing, Target},
    exit::Failure,
    names::Names,
    output, printable,
    table::{self, Column},
};

/// Lists the people who are influential on a topic or a part of it, best first.
///
/// The score says how influential they are on the topic, on the scale of scores. People are those whose
/// reactions and words say so.
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  klout topic experts photography
  klout topic experts board-games --network bluesky --country DE --city Essen")]
pub(super) struct Experts {
    #[arg(value_name = "TOPIC", help = TOPIC_HELP)]
    topic: String,
    /// Only by what happened on this network
    #[arg(long, value_name = "NETWORK", default_value = "", hide_default_value = true)]
    network: String,
    /// Only people who say to live in this country: a code of two letters, such as DE
    #[arg(long, value_name = "CODE", default_value = "", hide_default_value = true)]
    country: String,
    /// Only people who say to live in this city
    #[arg(
        long,
        value_name = "NAME",
        default_value = "",
        hide_default_value = true,
        requires = "country"
    )]
    city: String,
    /// How many at most
    #[arg(long, value_name = "N", default_value_t = 20, value_parser = clap::value_parser!(u16).range(1..=1000))]
    top: u16,
    #[arg(long, value_name = "CODE", default_value = "", hide_default_value = true, help = LANGUAGE_HELP)]
    language: String,
    /// Prints the response as JSON
    #[arg(long)]
    json: bool,
    #[command(flatten)]
    target: Target,
}

// === impl Experts ===

impl Experts {
    pub(super) fn run(self) -> Result<(), Failure> {
        let Self { topic, network, country, city, top, language, json, target } = self;
        let (response, names) = target.ask(Missing::Refuse, async |client| {
            let request = ListExpertsRequest {
                topic,
                network,
                country,
                city,
                page_size: top.into(),
                page_token: String::new(),
                language,
            };
            let flags = [
                ("topic", "TOPIC"),
                ("network", "--network"),
                ("country", "--country"),
                ("city", "--city"),
                ("language", "--language"),
            ];
            let listed = client.topics().list_experts(request).await;
            let response = listed.map_err(Failure::naming(&flags))?.into_inner();
            if json || response.experts.is_empty() {
                return Ok((response, Names::default()));
            }
            let people = response.experts.iter().map(|it| it.person.clone()).collect();
            let named = client.graph().batch_get_people(BatchGetPeopleRequest { people }).await?;
            Ok((response, Names::of(named.into_inner().people)))
        })?;
        if json {
            return output::line(&to_value(&response).to_string());
        }
        if response.experts.is_empty() {
            let topic = response.topic.unwrap_or_default().display_name;
            eprintln!("klout: nobody is influential on {} yet", printable::shortened(&topic));
            return Ok(());
        }
        let columns = [
            Column::Number("rank"),
            Column::Number("score"),
            Column::Text("who"),
            Column::Number("people"),
            Column::Text("mostly"),
            Column::Text("where"),
        ];
        let rows = response.experts.into_iter().map(|it| {
            let who = names.subject(&it.person).unwrap_or_else(|| format!("person {}", it.person));
            let place = [it.city, it.country].into_iter().filter(|text| !text.is_empty());
            let mostly = it.mostly.map(|topic| topic.slug).unwrap_or_default();
            [
                it.rank.to_string(),
                format!("{:.1}", it.score),
                who,
                output::grouped(it.people),
                mostly,
                place.collect::<Vec<_>>().join(", "),
            ]
        });
        table::print(columns, rows)
    }
}
