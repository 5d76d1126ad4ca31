//! What somebody is influential about, and what they say of it.

use klout_proto::{
    graph::v1::BatchGetPeopleRequest,
    json::to_value,
    topic::v1::{
        DeclareTopicsRequest, DeclaredTopic, ExplainPersonTopicRequest, ExplainPersonTopicResponse,
        Influencer, ListPersonTopicsRequest, PersonTopic, RestoreTopicRequest, VetoTopicRequest,
        influencer,
    },
};

use super::{LANGUAGE_HELP, TOPIC_HELP};
use crate::{
    client::{Client, Missing, Target},
    exit::Failure,
    names::Names,
    output, printable,
    subject::{self, Subject},
    table::{self, Column},
};

/// Lists what somebody is influential about, strongest first, and what they declared.
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  klout topic of bluesky:ann.example
  klout topic of bluesky:ann.example --vetoed --json")]
pub(super) struct Of {
    #[arg(help = subject::HELP)]
    subject: Subject,
    /// Also what they said to be wrong
    #[arg(long)]
    vetoed: bool,
    #[arg(long, value_name = "CODE", default_value = "", hide_default_value = true, help = LANGUAGE_HELP)]
    language: String,
    /// How many at most
    #[arg(long, value_name = "N", default_value_t = 20, value_parser = clap::value_parser!(u16).range(1..=100))]
    top: u16,
    /// Prints the response as JSON
    #[arg(long)]
    json: bool,
    #[command(flatten)]
    target: Target,
}

/// Tells why somebody has a topic, or what is missing until it is shown.
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Example:
  klout topic why bluesky:ann.example photography")]
pub(super) struct Why {
    #[arg(help = subject::HELP)]
    subject: Subject,
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

/// Says what somebody wants to be known for. Replaces what was declared before.
///
/// What is declared is told apart from what is earned, and no reaction is needed for it. Sensitive topics are
/// told of nobody who did not declare them.
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  klout topic declare bluesky:ann.example photography hiking
  klout topic declare bluesky:ann.example photography --influencer photography=bluesky:bob.example
  klout topic declare bluesky:ann.example                      nothing any more")]
pub(super) struct Declare {
    #[arg(help = subject::HELP)]
    subject: Subject,
    /// The topics, at most 20: slugs or ids
    #[arg(value_name = "TOPIC")]
    topics: Vec<String>,
    /// Who influences them in one of these topics, at most ten each; may be repeated
    #[arg(long, value_name = "TOPIC=WHOM", value_parser = named)]
    influencer: Vec<(String, Subject)>,
    /// Prints the response as JSON
    #[arg(long)]
    json: bool,
    #[command(flatten)]
    target: Target,
}

/// Says that a topic is wrong: it is gone for everybody at once, and no evidence brings it back.
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Example:
  klout topic veto bluesky:ann.example lambs")]
pub(super) struct Veto {
    #[arg(help = subject::HELP)]
    subject: Subject,
    #[arg(value_name = "TOPIC", help = TOPIC_HELP)]
    topic: String,
    #[command(flatten)]
    target: Target,
}

/// Takes a veto back: the topic is shown again when its evidence says so.
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Example:
  klout topic restore bluesky:ann.example lambs")]
pub(super) struct Restore {
    #[arg(help = subject::HELP)]
    subject: Subject,
    #[arg(value_name = "TOPIC", help = TOPIC_HELP)]
    topic: String,
    #[command(flatten)]
    target: Target,
}

// === impl Of ===

impl Of {
    pub(super) fn run(self) -> Result<(), Failure> {
        let Self { subject, vetoed, language, top, json, target } = self;
        let response = target.ask(Missing::Refuse, async |client| {
            let request = ListPersonTopicsRequest {
                person: subject.person(client).await?,
                language,
                page_size: top.into(),
                page_token: String::new(),
                include_vetoed: vetoed,
            };
            let flags = [("language", "--language")];
            let listed = client.topics().list_person_topics(request).await;
            Ok(listed.map_err(Failure::naming(&flags))?.into_inner())
        })?;
        if json {
            return output::line(&to_value(&response).to_string());
        }
        if response.topics.is_empty() {
            eprintln!("klout: nothing yet: no topic has enough evidence, and none is declared");
            return Ok(());
        }
        print(response.topics)
    }
}

// === impl Why ===

impl Why {
    pub(super) fn run(self) -> Result<(), Failure> {
        let Self { subject, topic, language, json, target } = self;
        let (response, names) = target.ask(Missing::Refuse, async |client| {
            let person = subject.person(client).await?;
            let request = ExplainPersonTopicRequest { person, topic, language };
            let flags = [("topic", "TOPIC"), ("language", "--language")];
            let explained = client.topics().explain_person_topic(request).await;
            let response = explained.map_err(Failure::naming(&flags))?.into_inner();
            if json || response.people.is_empty() {
                return Ok((response, Names::default()));
            }
            let people = response.people.iter().map(|it| it.person.clone()).collect();
            let named = client.graph().batch_get_people(BatchGetPeopleRequest { people }).await?;
            Ok((response, Names::of(named.into_inner().people)))
        })?;
        if json {
            return output::line(&to_value(&response).to_string());
        }
        explain(response, &names)
    }
}

// === impl Declare ===

impl Declare {
    pub(super) fn run(self) -> Result<(), Failure> {
        let Self { subject, topics, influencer, json, target } = self;
        if let Some((topic, _)) = influencer.iter().find(|(topic, _)| !topics.contains(topic)) {
            return Err(Failure::Usage(format!("{topic} has an influencer and is not declared")));
        }
        let response = target.ask(Missing::Refuse, async |client| {
            let person = subject.person(client).await?;
            let declared = topics.iter().map(|topic| {
                let of_topic = influencer.iter().filter(|(of, _)| of == topic);
                let influencers = of_topic.map(|(_, whom)| whom.clone().into_influencer());
                DeclaredTopic { topic: topic.clone(), influencers: influencers.collect() }
            });
            let request = DeclareTopicsRequest { person, topics: declared.collect(), add: false };
            let flags = [("topics", "TOPIC"), ("influencers", "--influencer")];
            let declared = client.topics().declare_topics(request).await;
            Ok(declared.map_err(Failure::naming(&flags))?.into_inner())
        })?;
        if json {
            return output::line(&to_value(&response).to_string());
        }
        if response.topics.is_empty() {
            eprintln!("klout: nothing is declared any more");
            return Ok(());
        }
        print(response.topics)
    }
}

// === impl Veto ===

impl Veto {
    pub(super) fn run(self) -> Result<(), Failure> {
        let Self { subject, topic, target } = self;
        let named = printable::shortened(&topic);
        target.ask(Missing::Refuse, async |client: &Client| {
            let person = subject.person(client).await?;
            client.topics().veto_topic(VetoTopicRequest { person, topic }).await?;
            Ok(())
        })?;
        eprintln!("klout: {named} and its parts are gone, and no evidence brings them back");
        Ok(())
    }
}

// === impl Restore ===

impl Restore {
    pub(super) fn run(self) -> Result<(), Failure> {
        let Self { subject, topic, target } = self;
        let named = printable::shortened(&topic);
        target.ask(Missing::Refuse, async |client: &Client| {
            let person = subject.person(client).await?;
            client.topics().restore_topic(RestoreTopicRequest { person, topic }).await?;
            Ok(())
        })?;
        eprintln!("klout: {named} is shown again when its evidence says so");
        Ok(())
    }
}

// === impl Subject ===

impl Subject {
    fn into_influencer(self) -> Influencer {
        let influencer = match self {
            Self::Person(person) => influencer::Influencer::Person(person.to_string()),
            Self::Account(account) => influencer::Influencer::Account(account),
        };
        Influencer { influencer: Some(influencer) }
    }
}

fn print(topics: Vec<PersonTopic>) -> Result<(), Failure> {
    let columns = [
        Column::Text("topic"),
        Column::Text("state"),
        Column::Number("score"),
        Column::Number("rank"),
        Column::Number("people"),
        Column::Number("posts"),
    ];
    let rows = topics.into_iter().map(|it| {
        let topic = it.topic.unwrap_or_default();
        [
            topic.slug,
            it.states.join(", "),
            it.score.map(|score| format!("{score:.1}")).unwrap_or_default(),
            it.rank.map(output::grouped).unwrap_or_default(),
            output::grouped(it.people),
            output::grouped(it.posts),
        ]
    });
    table::print(columns, rows)
}

fn explain(response: ExplainPersonTopicResponse, names: &Names) -> Result<(), Failure> {
    let ExplainPersonTopicResponse { topic, posts, people, labels, missing } = response;
    let topic = topic.unwrap_or_default();
    let (name, families) =
        (topic.topic.unwrap_or_default().display_name, topic.families.unwrap_or_default());
    let states =
        if topic.states.is_empty() { "not shown".to_owned() } else { topic.states.join(", ") };
    let score = topic.score.map(|score| format!(", score {score:.1}")).unwrap_or_default();
    let rank = topic.rank.map(|rank| format!(", rank {}", output::grouped(rank)));
    let rank = rank.unwrap_or_default();
    output::line(&format!("{}: {states}{score}{rank}", printable::on_one_line(&name)))?;
    for text in &missing {
        output::line(&format!("   missing: {}", printable::on_one_line(text)))?;
    }
    output::line(&format!("strength {:.3}, in people:", topic.strength))?;
    for (family, strength) in [
        ("what others do about what they write", families.reacted),
        ("what others say of them", families.said),
        ("what they write", families.written),
        ("what those are known for who influence them", families.influencers),
    ] {
        output::line(&format!("   {strength:>9.3}  {family}"))?;
    }
    if !posts.is_empty() {
        output::line("")?;
        let columns = [
            Column::Number("adds"),
            Column::Text("day"),
            Column::Number("people"),
            Column::Text("because of"),
            Column::Text("post"),
        ];
        let rows = posts.into_iter().map(|it| {
            let post = if it.excerpt.is_empty() { it.links.join(" ") } else { it.excerpt };
            let words = it.words.join(", ");
            [format!("{:.3}", it.strength), it.day, output::grouped(it.people), words, post]
        });
        table::print(columns, rows)?;
    }
    if !labels.is_empty() {
        output::line("")?;
        let columns = [Column::Number("people"), Column::Text("called them")];
        let rows = labels.into_iter().map(|it| [output::grouped(it.people), it.label]);
        table::print(columns, rows)?;
    }
    if !people.is_empty() {
        output::line("")?;
        let columns = [Column::Number("adds"), Column::Text("who"), Column::Text("what they did")];
        let rows = people.into_iter().map(|it| {
            let who = names.subject(&it.person).unwrap_or_else(|| format!("person {}", it.person));
            [format!("{:.3}", it.strength), who, it.kinds.join(", ").replace('_', " ")]
        });
        table::print(columns, rows)?;
    }
    Ok(())
}

/// `TOPIC=WHOM`.
fn named(text: &str) -> Result<(String, Subject), String> {
    let (topic, whom) = text.split_once('=').ok_or("is not TOPIC=WHOM")?;
    let whom = whom.parse::<Subject>().map_err(|error| error.to_string())?;
    Ok((topic.to_owned(), whom))
}
