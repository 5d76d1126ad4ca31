//! Topics themselves, and what texts are about.

use std::io::Read as _;

use klout_proto::{
    json::to_value,
    topic::v1::{GetTopicRequest, ListTopicsRequest, MatchTextRequest, Topic},
};

use super::{LANGUAGE_HELP, TOPIC_HELP};
use crate::{
    client::{Missing, Target},
    exit::Failure,
    output, printable,
    table::{self, Column},
};

/// More than this of stdin is not read: a text may have 256 KiB.
const TEXT_MAX: u64 = 1024 * 1024;

/// Finds topics: those whose names, in any language, begin with some letters.
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  klout topic list chess
  klout topic list --within technology --language de")]
pub(super) struct List {
    /// What a name, a word of a name, or another name of the topic begins with [default: all]
    #[arg(value_name = "LETTERS", default_value = "", hide_default_value = true)]
    query: String,
    /// Only what is part of this topic, at any depth
    #[arg(long, value_name = "TOPIC", default_value = "", hide_default_value = true)]
    within: String,
    /// Only those that are so far from the top at most: 1 is the top itself [default: any]
    #[arg(long, value_name = "N", default_value_t = 0, hide_default_value = true)]
    level: u8,
    #[arg(long, value_name = "CODE", default_value = "", hide_default_value = true, help = LANGUAGE_HELP)]
    language: String,
    /// How many at most
    #[arg(long, value_name = "N", default_value_t = 20, value_parser = clap::value_parser!(u16).range(1..=1000))]
    top: u16,
    /// Prints the response as JSON
    #[arg(long)]
    json: bool,
    #[command(flatten)]
    target: Target,
}

/// Prints a topic: what it is part of, what is related to it, and how many people are influential on it.
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Example:
  klout topic show board-games")]
pub(super) struct Show {
    #[arg(value_name = "TOPIC", help = TOPIC_HELP)]
    topic: String,
    #[arg(long, value_name = "CODE", default_value = "", hide_default_value = true, help = LANGUAGE_HELP)]
    language: String,
    /// Prints the response as JSON
    #[arg(long)]
    json: bool,
    #[command(flatten)]
    target: Target,
}

/// Tells what a text is about, with the words that say so. Nothing is kept.
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  klout topic match 'A new opening for the Sicilian #chess'
  klout topic match - < post.txt
  klout topic match 'Rust again' --author-topic gardening")]
pub(super) struct Match {
    /// The text; - is stdin
    #[arg(value_name = "TEXT")]
    text: String,
    /// A tag of the text; may be repeated
    #[arg(long, value_name = "TAG")]
    tag: Vec<String>,
    /// A URL that the text links to; may be repeated
    #[arg(long, value_name = "URL")]
    link: Vec<String>,
    /// The language of the text [default: told by the text]
    #[arg(long, value_name = "CODE", default_value = "", hide_default_value = true)]
    language: String,
    /// A topic that its author is known for, which helps to tell what words mean; may be repeated
    #[arg(long, value_name = "TOPIC")]
    author_topic: Vec<String>,
    /// Prints the response as JSON
    #[arg(long)]
    json: bool,
    #[command(flatten)]
    target: Target,
}

// === impl List ===

impl List {
    pub(super) fn run(self) -> Result<(), Failure> {
        let Self { query, within, level, language, top, json, target } = self;
        let response = target.ask(Missing::Refuse, async |client| {
            let request = ListTopicsRequest {
                query,
                parent: within,
                language,
                level_max: level.into(),
                page_size: top.into(),
                page_token: String::new(),
            };
            let flags = [("query", "LETTERS"), ("parent", "--within"), ("language", "--language")];
            let listed = client.topics().list_topics(request).await;
            Ok(listed.map_err(Failure::naming(&flags))?.into_inner())
        })?;
        if json {
            return output::line(&to_value(&response).to_string());
        }
        if response.topics.is_empty() {
            eprintln!("klout: no topic of {} begins so", printable::shortened(&response.edition));
            return Ok(());
        }
        let columns = [Column::Text("topic"), Column::Text("name"), Column::Number("parts")];
        let rows = response.topics.into_iter();
        table::print(
            columns,
            rows.map(|it| [it.slug, it.display_name, it.descendants.to_string()]),
        )?;
        if !response.next_page_token.is_empty() {
            eprintln!("klout: there are more; --top shows more, and more letters fewer");
        }
        Ok(())
    }
}

// === impl Show ===

impl Show {
    pub(super) fn run(self) -> Result<(), Failure> {
        let Self { topic, language, json, target } = self;
        let (response, parents) = target.ask(Missing::Refuse, async |client| {
            let get = async |topic: String| {
                let request = GetTopicRequest { topic, language: language.clone() };
                Ok::<_, Failure>(client.topics().get_topic(request).await?.into_inner())
            };
            let response = get(topic).await?;
            let mut parents = Vec::new();
            if !json {
                let named = response.topic.as_ref().map(|it| it.parents.clone());
                for parent in named.unwrap_or_default() {
                    parents.extend(get(parent).await?.topic.map(|it| name(&it)));
                }
            }
            Ok((response, parents))
        })?;
        if json {
            return output::line(&to_value(&response).to_string());
        }
        let topic = response.topic.unwrap_or_default();
        let line = |head: &str, text: &str| {
            output::line(&format!("{head:<12}{}", printable::on_one_line(text)))
        };
        line("topic", &name(&topic))?;
        line("id", &topic.topic)?;
        if !topic.wikidata_id.is_empty() {
            line("wikidata", &topic.wikidata_id)?;
        }
        if !topic.description.is_empty() {
            line("what it is", &topic.description)?;
        }
        if !parents.is_empty() {
            line("part of", &parents.join(", "))?;
        }
        line("parts", &topic.descendants.to_string())?;
        line("experts", &output::grouped(response.people))?;
        if topic.sensitive {
            line("sensitive", "nobody is said to have to do with it unless they declared it")?;
        }
        let related = response.related.iter();
        let related: Vec<_> = related.filter_map(|it| it.topic.as_ref().map(name)).collect();
        if related.is_empty() { Ok(()) } else { line("related", &related.join(", ")) }
    }
}

// === impl Match ===

impl Match {
    pub(super) fn run(self) -> Result<(), Failure> {
        let Self { text, tag, link, language, author_topic, json, target } = self;
        let text = if text == "-" { stdin()? } else { text };
        let response = target.ask(Missing::Refuse, async |client| {
            let request = MatchTextRequest {
                text,
                links: link,
                tags: tag,
                language,
                author_topics: author_topic,
            };
            let flags = [
                ("text", "TEXT"),
                ("links", "--link"),
                ("tags", "--tag"),
                ("language", "--language"),
                ("author_topics", "--author-topic"),
            ];
            let matched = client.topics().match_text(request).await;
            Ok(matched.map_err(Failure::naming(&flags))?.into_inner())
        })?;
        if json {
            return output::line(&to_value(&response).to_string());
        }
        if response.topics.is_empty() {
            eprintln!("klout: nothing in it names a topic");
            return Ok(());
        }
        let columns = [Column::Number("weight"), Column::Text("topic"), Column::Text("because of")];
        let rows = response.topics.into_iter().map(|it| {
            let topic = it.topic.map(|topic| topic.slug).unwrap_or_default();
            [format!("{:.2}", it.weight), topic, it.words.join(", ")]
        });
        table::print(columns, rows)
    }
}

/// The name of a topic, and what it is typed as.
pub(super) fn name(topic: &Topic) -> String {
    format!("{} ({})", topic.display_name, topic.slug)
}

fn stdin() -> Result<String, Failure> {
    let mut text = String::new();
    let read = std::io::stdin().lock().take(TEXT_MAX).read_to_string(&mut text);
    read.map_err(|error| Failure::Failed(format!("stdin is no text that can be read: {error}")))?;
    Ok(text)
}
