//! `klout topic`: what people are influential about.

mod catalog;
pub(crate) mod edition;
mod experts;
mod person;
mod suggest;

use crate::exit::Failure;

/// Says what people are influential about, and why.
///
/// Topics are of the ontology in use: the one that ships, or another that `klout import topic-ontology` took
/// in. A topic is named by its slug, such as board-games, or by its id; `klout topic list` finds it.
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  klout topic list chess
  klout topic experts photography --country DE
  klout topic of bluesky:ann.example
  klout topic why bluesky:ann.example photography
  klout topic match 'A new opening for the Sicilian #chess'")]
pub(crate) struct Topics {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, clap::Subcommand)]
enum Command {
    List(catalog::List),
    Show(catalog::Show),
    Match(catalog::Match),
    Experts(experts::Experts),
    Of(person::Of),
    Why(person::Why),
    Declare(person::Declare),
    Veto(person::Veto),
    Restore(person::Restore),
    Suggest(suggest::Suggest),
    Content(suggest::Content),
    #[command(name = "edition")]
    Editions(edition::Editions),
}

/// What `--help` says of a topic.
const TOPIC_HELP: &str = "The topic: its slug, such as board-games, or its id";

/// What `--help` says of a language.
const LANGUAGE_HELP: &str = "The language of names, such as de [default: English]";

// === impl Topics ===

impl Topics {
    pub(crate) fn run(self) -> Result<(), Failure> {
        match self.command {
            Command::List(list) => list.run(),
            Command::Show(show) => show.run(),
            Command::Match(text) => text.run(),
            Command::Experts(experts) => experts.run(),
            Command::Of(of) => of.run(),
            Command::Why(why) => why.run(),
            Command::Declare(declare) => declare.run(),
            Command::Veto(veto) => veto.run(),
            Command::Restore(restore) => restore.run(),
            Command::Suggest(suggest) => suggest.run(),
            Command::Content(content) => content.run(),
            Command::Editions(editions) => editions.run(),
        }
    }
}
