//! What somebody could be influential about, and what they could share.

use klout_proto::{
    json::to_value,
    topic::v1::{SuggestContentRequest, SuggestTopicsRequest},
};

use super::LANGUAGE_HELP;
use crate::{
    client::{Missing, Target},
    exit::Failure,
    output,
    subject::{self, Subject},
    table::{self, Column},
};

/// Names topics that somebody could be influential on, with the reason.
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Example:
  klout topic suggest bluesky:ann.example")]
pub(super) struct Suggest {
    #[arg(help = subject::HELP)]
    subject: Subject,
    #[arg(long, value_name = "CODE", default_value = "", hide_default_value = true, help = LANGUAGE_HELP)]
    language: String,
    /// How many at most
    #[arg(long, value_name = "N", default_value_t = 10, value_parser = clap::value_parser!(u16).range(1..=50))]
    top: u16,
    /// Prints the response as JSON
    #[arg(long)]
    json: bool,
    #[command(flatten)]
    target: Target,
}

/// Suggests what somebody could share next: links and posts that are new to those who react to them.
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  klout topic content bluesky:ann.example
  klout topic content bluesky:ann.example --about photography")]
pub(super) struct Content {
    #[arg(help = subject::HELP)]
    subject: Subject,
    /// Only about this topic or its parts [default: what they are known for, and what they declared]
    #[arg(long, value_name = "TOPIC", default_value = "", hide_default_value = true)]
    about: String,
    #[arg(long, value_name = "CODE", default_value = "", hide_default_value = true, help = LANGUAGE_HELP)]
    language: String,
    /// How many at most
    #[arg(long, value_name = "N", default_value_t = 10, value_parser = clap::value_parser!(u16).range(1..=50))]
    top: u16,
    /// Prints the response as JSON
    #[arg(long)]
    json: bool,
    #[command(flatten)]
    target: Target,
}

// === impl Suggest ===

impl Suggest {
    pub(super) fn run(self) -> Result<(), Failure> {
        let Self { subject, language, top, json, target } = self;
        let response = target.ask(Missing::Refuse, async |client| {
            let person = subject.person(client).await?;
            let request = SuggestTopicsRequest { person, language, page_size: top.into() };
            let flags = [("language", "--language")];
            let suggested = client.topics().suggest_topics(request).await;
            Ok(suggested.map_err(Failure::naming(&flags))?.into_inner())
        })?;
        if json {
            return output::line(&to_value(&response).to_string());
        }
        if response.topics.is_empty() {
            eprintln!("klout: nothing comes to mind yet");
            return Ok(());
        }
        let columns = [Column::Text("topic"), Column::Text("why")];
        let rows = response.topics.into_iter();
        table::print(columns, rows.map(|it| [it.topic.unwrap_or_default().slug, it.explanation]))
    }
}

// === impl Content ===

impl Content {
    pub(super) fn run(self) -> Result<(), Failure> {
        let Self { subject, about, language, top, json, target } = self;
        let response = target.ask(Missing::Refuse, async |client| {
            let person = subject.person(client).await?;
            let request =
                SuggestContentRequest { person, topic: about, language, page_size: top.into() };
            let flags = [("topic", "--about"), ("language", "--language")];
            let suggested = client.topics().suggest_content(request).await;
            Ok(suggested.map_err(Failure::naming(&flags))?.into_inner())
        })?;
        if json {
            return output::line(&to_value(&response).to_string());
        }
        if response.content.is_empty() {
            eprintln!("klout: nothing that does well and is new to their audience");
            return Ok(());
        }
        let columns = [
            Column::Text("reason"),
            Column::Text("about"),
            Column::Text("what to share"),
            Column::Text("why"),
        ];
        let rows = response.content.into_iter().map(|it| {
            let topics = it.topics.into_iter().map(|topic| topic.slug).collect::<Vec<_>>();
            let what = if it.link.is_empty() { it.excerpt } else { it.link };
            [it.reason.replace('_', " "), topics.join(", "), what, it.explanation]
        });
        table::print(columns, rows)
    }
}
