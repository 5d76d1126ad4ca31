//! What was given and received, and what may be given next.

use klout_proto::{
    graph::v1::{
        ListPlusKGivenRequest, ListPlusKReceivedRequest, ListPlusKSuggestionsRequest, PlusK,
    },
    json::to_value,
};

use super::{called, names, time};
use crate::{
    client::{Missing, Target},
    exit::Failure,
    names::Names,
    output,
    subject::{self, Subject},
    table::{self, Column},
};

/// Lists the +K that somebody received, newest first.
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  klout plus-k received bluesky:bob.example
  klout plus-k received bluesky:bob.example --topic photography --viewer bluesky:bob.example

Thanks that are not for all are shown to the two whom they are about: --viewer says who looks.")]
pub(super) struct Received {
    #[arg(help = subject::HELP)]
    subject: Subject,
    /// Only on this topic: a slug or an id
    #[arg(long, value_name = "TOPIC", default_value = "", hide_default_value = true)]
    topic: String,
    #[command(flatten)]
    page: Page,
}

/// Lists the +K that somebody gave, newest first.
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Example:
  klout plus-k given bluesky:ann.example")]
pub(super) struct Given {
    #[arg(help = subject::HELP)]
    subject: Subject,
    #[command(flatten)]
    page: Page,
}

/// Names members whose answers somebody accepted in the last 30 days, and to whom they gave nothing since.
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Example:
  klout plus-k suggestions stackexchange:ann")]
pub(super) struct Suggestions {
    #[arg(help = subject::HELP)]
    subject: Subject,
    /// How many at most
    #[arg(long, value_name = "N", default_value_t = 20, value_parser = clap::value_parser!(u16).range(1..=100))]
    top: u16,
    /// Prints the response as JSON
    #[arg(long)]
    json: bool,
    #[command(flatten)]
    target: Target,
}

/// Which of a list, as whom, and from where.
#[derive(Debug, clap::Args)]
struct Page {
    /// As whom to look [default: anybody]
    #[arg(long, value_name = "WHOM")]
    viewer: Option<Subject>,
    /// How many at most
    #[arg(long, value_name = "N", default_value_t = 100, value_parser = clap::value_parser!(u16).range(1..=1_000))]
    top: u16,
    /// Prints the response as JSON
    #[arg(long)]
    json: bool,
    #[command(flatten)]
    target: Target,
}

// === impl Received ===

impl Received {
    pub(super) fn run(self) -> Result<(), Failure> {
        let Self { subject, topic, page: Page { viewer, top, json, target } } = self;
        target.ask(Missing::Refuse, async |client| {
            let request = ListPlusKReceivedRequest {
                person: subject.person(client).await?,
                topic,
                page_size: top.into(),
                viewer: match viewer {
                    Some(viewer) => viewer.person(client).await?,
                    None => String::new(),
                },
                ..Default::default()
            };
            let flags = [("topic", "--topic")];
            let listed = client.plus_k().list_plus_k_received(request).await;
            let response = listed.map_err(Failure::naming(&flags))?.into_inner();
            if json {
                return output::line(&to_value(&response).to_string());
            }
            let names = names(client, response.plus_ks.iter().map(|it| &it.giver)).await?;
            print(response.plus_ks, "from", &names, |it| &it.giver)
        })
    }
}

// === impl Given ===

impl Given {
    pub(super) fn run(self) -> Result<(), Failure> {
        let Self { subject, page: Page { viewer, top, json, target } } = self;
        target.ask(Missing::Refuse, async |client| {
            let request = ListPlusKGivenRequest {
                person: subject.person(client).await?,
                page_size: top.into(),
                viewer: match viewer {
                    Some(viewer) => viewer.person(client).await?,
                    None => String::new(),
                },
                ..Default::default()
            };
            let response = client.plus_k().list_plus_k_given(request).await?.into_inner();
            if json {
                return output::line(&to_value(&response).to_string());
            }
            let names = names(client, response.plus_ks.iter().map(|it| &it.receiver)).await?;
            print(response.plus_ks, "to", &names, |it| &it.receiver)
        })
    }
}

// === impl Suggestions ===

impl Suggestions {
    pub(super) fn run(self) -> Result<(), Failure> {
        let Self { subject, top, json, target } = self;
        target.ask(Missing::Refuse, async |client| {
            let person = subject.person(client).await?;
            let request =
                ListPlusKSuggestionsRequest { person, page_size: top.into(), ..Default::default() };
            let response = client.plus_k().list_plus_k_suggestions(request).await?.into_inner();
            if json {
                return output::line(&to_value(&response).to_string());
            }
            let people = response.suggestions.iter().map(|it| &it.receiver);
            let names = names(client, people).await?;
            let columns =
                [Column::Text("to"), Column::Text("answer accepted"), Column::Text("topics")];
            let rows = response.suggestions.into_iter().map(|it| {
                let day = time(it.accept_time.as_ref());
                [called(&names, &it.receiver), day, it.topics.join(", ")]
            });
            table::print(columns, rows)
        })
    }
}

fn print(
    listed: Vec<PlusK>,
    other: &'static str,
    names: &Names,
    person: impl Fn(&PlusK) -> &String,
) -> Result<(), Failure> {
    if listed.is_empty() {
        eprintln!("klout: nothing yet");
        return Ok(());
    }
    let columns = [
        Column::Text("time"),
        Column::Text(other),
        Column::Text("topic"),
        Column::Text("+K"),
        Column::Text("thanks"),
    ];
    let rows = listed.into_iter().map(|it| {
        let who = called(names, person(&it));
        let thanks = match (&it.thank_time, it.thanks.as_str()) {
            (Some(_), "") => "thanks".to_owned(),
            (_, thanks) => thanks.to_owned(),
        };
        [time(it.give_time.as_ref()), who, it.topic, it.plus_k, thanks]
    });
    table::print(columns, rows)
}
