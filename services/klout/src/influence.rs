//! `klout influencers`, `klout influencees` and `klout mutuals`: who influences whom.

use klout_proto::{
    convert,
    graph::v1::{
        BatchGetPeopleRequest, Influence, ListInfluenceesRequest, ListInfluencersRequest,
        ListMutualsRequest, ListMutualsResponse,
    },
    json::to_value,
};

use crate::{
    arguments,
    client::{Client, Missing, Target},
    exit::Failure,
    names::Names,
    output, printable,
    subject::{self, Subject},
    table::{self, Column},
};

/// Lists members by whom somebody is influenced, strongest first: whom they react to.
///
/// Strength is reactions of the last 90 days, weighed by kind; 1 is a like of today, and half of it is left after 15
/// days. docs/influence.md has the formula.
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  klout influencers bluesky:ann.example
  klout influencers bluesky:ann.example --topic photography --network bluesky --json")]
pub(crate) struct Influencers {
    #[command(flatten)]
    asked: Asked,
}

/// Lists members whom somebody influences, strongest first: who reacts to them.
///
/// Strength is reactions of the last 90 days, weighed by kind; 1 is a like of today, and half of it is left after 15
/// days. docs/influence.md has the formula.
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  klout influencees bluesky:ann.example
  klout influencees bluesky:ann.example --top 100 --page-token TOKEN")]
pub(crate) struct Influencees {
    #[command(flatten)]
    asked: Asked,
}

/// Tells what two members have in common: who influences both, whom both influence, and topics of both.
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Example:
  klout mutuals bluesky:ann.example mastodon:bob@example.org")]
pub(crate) struct Mutuals {
    #[arg(help = subject::HELP)]
    subject: Subject,
    /// The other, named likewise
    #[arg(value_name = "OTHER")]
    other: Subject,
    /// How many people of each kind at most
    #[arg(long, value_name = "N", default_value_t = 20, value_parser = clap::value_parser!(u16).range(1..=100))]
    top: u16,
    /// Prints the response as JSON
    #[arg(long)]
    json: bool,
    #[command(flatten)]
    target: Target,
}

/// What both lists take.
#[derive(Debug, clap::Args)]
struct Asked {
    #[arg(help = subject::HELP)]
    subject: Subject,
    /// Only on this network
    #[arg(long, value_name = "NAME", default_value = "", hide_default_value = true)]
    network: String,
    /// Only who has this topic: a slug or an id
    #[arg(long, value_name = "TOPIC", default_value = "", hide_default_value = true)]
    topic: String,
    /// How many at most
    #[arg(long, value_name = "N", default_value_t = 20, value_parser = clap::value_parser!(u16).range(1..=100))]
    top: u16,
    /// Goes on after a page, by its nextPageToken
    #[arg(long, value_name = "TOKEN", default_value = "", hide_default_value = true)]
    page_token: String,
    /// Prints the response as JSON
    #[arg(long)]
    json: bool,
    #[command(flatten)]
    target: Target,
}

/// What requests name by a flag.
const FLAGS: [(&str, &str); 3] =
    [("network", "--network"), ("topic", "--topic"), ("page_token", "--page-token")];

// === impl Influencers ===

impl Influencers {
    pub(crate) fn run(self) -> Result<(), Failure> {
        let Asked { subject, network, topic, top, page_token, json, target } = self.asked;
        let (response, names) = target.ask(Missing::Refuse, async |client| {
            let person = subject.person(client).await?;
            let page_size = top.into();
            let request = ListInfluencersRequest {
                person,
                network,
                topic,
                page_size,
                page_token,
                ..Default::default()
            };
            let listed = client.graph().list_influencers(request).await;
            let response = listed.map_err(Failure::naming(&FLAGS))?.into_inner();
            let names = names(client, json, people(&response.influencers)).await?;
            Ok((response, names))
        })?;
        if json {
            return output::line(&to_value(&response).to_string());
        }
        print(response.influencers, &response.next_page_token, &names)
    }
}

// === impl Influencees ===

impl Influencees {
    pub(crate) fn run(self) -> Result<(), Failure> {
        let Asked { subject, network, topic, top, page_token, json, target } = self.asked;
        let (response, names) = target.ask(Missing::Refuse, async |client| {
            let person = subject.person(client).await?;
            let page_size = top.into();
            let request = ListInfluenceesRequest {
                person,
                network,
                topic,
                page_size,
                page_token,
                ..Default::default()
            };
            let listed = client.graph().list_influencees(request).await;
            let response = listed.map_err(Failure::naming(&FLAGS))?.into_inner();
            let names = names(client, json, people(&response.influencees)).await?;
            Ok((response, names))
        })?;
        if json {
            return output::line(&to_value(&response).to_string());
        }
        print(response.influencees, &response.next_page_token, &names)
    }
}

// === impl Mutuals ===

impl Mutuals {
    pub(crate) fn run(self) -> Result<(), Failure> {
        let Self { subject, other, top, json, target } = self;
        let (response, names) = target.ask(Missing::Refuse, async |client| {
            let person = subject.person(client).await?;
            let other_person = other.person(client).await?;
            let request = ListMutualsRequest { person, other_person, page_size: top.into() };
            let listed = client.graph().list_mutuals(request).await;
            let response = listed.map_err(Failure::naming(&[("other_person", "OTHER")]))?;
            let response = response.into_inner();
            let people = [&response.influencers[..], &response.influencees].concat();
            let names = names(client, json, people).await?;
            Ok((response, names))
        })?;
        if json {
            return output::line(&to_value(&response).to_string());
        }
        let ListMutualsResponse { influencers, influencees, topics } = response;
        if influencers.is_empty() && influencees.is_empty() && topics.is_empty() {
            eprintln!("klout: nothing in common yet");
            return Ok(());
        }
        let people = |what: &str, people: Vec<String>| -> Vec<_> {
            people.iter().map(|it| [what.to_owned(), name(&names, it)]).collect()
        };
        let topics = topics.into_iter().map(|it| ["topic of both".to_owned(), it]);
        let rows = people("influences both", influencers)
            .into_iter()
            .chain(people("influenced by both", influencees))
            .chain(topics);
        table::print([Column::Text("what"), Column::Text("who")], rows)
    }
}

fn people(listed: &[Influence]) -> Vec<String> {
    listed.iter().map(|it| it.person.clone()).collect()
}

/// What people are called, unless JSON is asked for, which has none of it.
async fn names(client: &Client, json: bool, people: Vec<String>) -> Result<Names, Failure> {
    if json || people.is_empty() {
        return Ok(Names::default());
    }
    let named = client.graph().batch_get_people(BatchGetPeopleRequest { people }).await?;
    Ok(Names::of(named.into_inner().people))
}

fn name(names: &Names, person: &str) -> String {
    match names.all(person).as_str() {
        "" => person.to_owned(),
        accounts => printable::on_one_line(accounts),
    }
}

fn print(listed: Vec<Influence>, next_page_token: &str, names: &Names) -> Result<(), Failure> {
    if listed.is_empty() {
        eprintln!("klout: nobody on this page who is a member");
    } else {
        let columns = [
            Column::Text("who"),
            Column::Number("strength"),
            Column::Text("direction"),
            Column::Text("networks"),
            Column::Text("last"),
            Column::Text("topics"),
        ];
        let rows = listed.into_iter().map(|it| {
            let last = it.last_reaction_time.as_ref().and_then(convert::time);
            [
                name(names, &it.person),
                format!("{:.2}", it.strength),
                it.direction.to_lowercase(),
                it.networks.join(" "),
                last.map_or_else(|| "-".to_owned(), |time| arguments::day(time).to_string()),
                it.topics.join(" "),
            ]
        });
        table::print(columns, rows)?;
    }
    if !next_page_token.is_empty() {
        eprintln!("klout: there are more: --page-token {next_page_token}");
    }
    Ok(())
}
