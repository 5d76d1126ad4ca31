//! Which ontology is in use.

use klout_proto::{
    convert,
    json::to_value,
    topic::v1::{Edition, ListEditionsRequest, UseEditionRequest},
};

use crate::{
    arguments,
    client::{Missing, Target},
    exit::Failure,
    output,
    table::{self, Column},
};

/// Lists the editions of ontologies that are there, and goes over to one.
///
/// `klout import topic-ontology` takes another one in.
#[derive(Debug, clap::Args)]
pub(super) struct Editions {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, clap::Subcommand)]
enum Command {
    List(List),
    Use(UseIt),
}

/// Lists the editions that are there, the newest import first.
#[derive(Debug, clap::Args)]
struct List {
    /// Prints the response as JSON
    #[arg(long)]
    json: bool,
    #[command(flatten)]
    target: Target,
}

/// Puts an edition that is there to use: people's topics move, and posts are read anew in the background.
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Needs the operator's key, which a data directory has.

Example:
  klout topic edition use klout/20180601")]
struct UseIt {
    /// The ontology and its edition, as they are listed
    #[arg(value_name = "ONTOLOGY/EDITION", value_parser = edition)]
    edition: (String, String),
    /// Prints the response as JSON
    #[arg(long)]
    json: bool,
    #[command(flatten)]
    target: Target,
}

// === impl Editions ===

impl Editions {
    pub(super) fn run(self) -> Result<(), Failure> {
        match self.command {
            Command::List(list) => list.run(),
            Command::Use(use_it) => use_it.run(),
        }
    }
}

// === impl List ===

impl List {
    fn run(self) -> Result<(), Failure> {
        let response = self.target.ask(Missing::Refuse, async |client| {
            // Nobody has more.
            let request = ListEditionsRequest { page_size: 1_000, page_token: String::new() };
            let listed = client.topic_operator().list_editions(request).await?;
            Ok(listed.into_inner())
        })?;
        if self.json {
            return output::line(&to_value(&response).to_string());
        }
        let columns = [
            Column::Text("edition"),
            Column::Number("topics"),
            Column::Text("taken in"),
            Column::Text("in use"),
            Column::Text("checksum"),
        ];
        table::print(columns, response.editions.into_iter().map(row))
    }
}

// === impl UseIt ===

impl UseIt {
    fn run(self) -> Result<(), Failure> {
        let (ontology, edition) = self.edition;
        let response = self.target.ask(Missing::Refuse, async |client| {
            let request = UseEditionRequest { ontology, edition };
            Ok(client.topic_operator().use_edition(request).await?.into_inner())
        })?;
        if self.json {
            return output::line(&to_value(&response).to_string());
        }
        let edition = response.edition.unwrap_or_default();
        output::line(&in_use(&edition))?;
        tell_moves(response.kept, response.moved, response.gone);
        Ok(())
    }
}

/// That an edition is in use, and what is left to be done.
pub(crate) fn in_use(edition: &Edition) -> String {
    let Edition { ontology, edition: name, topics, posts_left, .. } = edition;
    let (topics, posts) = (output::grouped(topics), output::grouped(posts_left));
    format!("{ontology}/{name} is in use: {topics} topics; {posts} posts are being read with it")
}

/// What became of the topics of the edition before.
pub(crate) fn tell_moves(kept: i32, moved: i32, gone: i32) {
    let [kept, moved, gone] = [kept, moved, gone].map(output::grouped);
    eprintln!(
        "klout: of the topics before, {kept} are there, {moved} lead to what they were part of, and \
         {gone} are gone"
    );
}

fn row(edition: Edition) -> [String; 5] {
    let time = edition.import_time.as_ref().and_then(convert::time);
    [
        format!("{}/{}", edition.ontology, edition.edition),
        output::grouped(edition.topics),
        time.map_or_else(
            || "-".to_owned(),
            |time| arguments::print_time(time.truncate_to_second()),
        ),
        if edition.in_use { "yes".to_owned() } else { String::new() },
        edition.checksum.chars().take(16).collect(),
    ]
}

fn edition(text: &str) -> Result<(String, String), String> {
    let (ontology, edition) = text.split_once('/').ok_or("is not ONTOLOGY/EDITION")?;
    Ok((ontology.to_owned(), edition.to_owned()))
}
