//! `klout grant`: what campaigns give.

mod decisions;
mod list;
mod reserve;
mod step;

use klout_proto::{
    convert,
    json::to_value,
    perk::v1::{Grant, RuleResult},
};
use prost::Name;
use prost_types::Timestamp;

use crate::{arguments, exit::Failure, output, printable};

/// Gives what a campaign offers, and says what was decided.
///
/// A grant is reserved, which takes it from stock and budgets, and then confirmed or released; what nobody confirms in
/// time comes back by itself, and what was confirmed can be taken back. Whatever is decided is written down, and the same
/// --request-id answers the same.
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  klout grant reserve 1234 bluesky:ann.example --request-id 2026-11-26/7      prints the grant, such as 5678
  klout grant confirm 1234 5678
  klout grant reverse 1234 5678 --why 'the lounge was closed'
  klout grant decisions 1234")]
pub(crate) struct Grants {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, clap::Subcommand)]
enum Command {
    Reserve(reserve::Reserve),
    Confirm(step::Confirm),
    Release(step::Release),
    Reverse(step::Reverse),
    List(list::List),
    Decisions(decisions::Decisions),
    Replay(decisions::Replay),
}

// === impl Grants ===

impl Grants {
    pub(crate) fn run(self) -> Result<(), Failure> {
        match self.command {
            Command::Reserve(it) => it.run(),
            Command::Confirm(it) => it.run(),
            Command::Release(it) => it.run(),
            Command::Reverse(it) => it.run(),
            Command::List(it) => it.run(),
            Command::Decisions(it) => it.run(),
            Command::Replay(it) => it.run(),
        }
    }
}

fn print_json<M: prost::Message + Name>(response: &M) -> Result<(), Failure> {
    output::line(&to_value(response).to_string())
}

/// A grant in lines.
fn print(grant: &Grant) -> Result<(), Failure> {
    output::line(&format!("grant     {}", grant.grant))?;
    output::line(&format!("state     {}", grant.state))?;
    output::line(&format!("person    {}", grant.person))?;
    output::line(&format!("title     {}", printable::on_one_line(&grant.title)))?;
    if !grant.code.is_empty() {
        output::line(&format!("code      {}", printable::on_one_line(&grant.code)))?;
    }
    match grant.state.as_str() {
        "RESERVED" => output::line(&format!("until     {}", time(grant.expire_time.as_ref()))),
        "CONFIRMED" => output::line(&format!("since     {}", time(grant.confirm_time.as_ref()))),
        _ => output::line(&format!("ended     {}", time(grant.end_time.as_ref()))),
    }
}

/// What each rule says, and why.
fn print_rules(rules: &[RuleResult]) -> Result<(), Failure> {
    for rule in rules {
        let holds = if rule.holds { "holds" } else { "fails" };
        output::line(&format!("rule      {holds}: {}", printable::on_one_line(&rule.rule)))?;
        for condition in rule.conditions.iter().filter(|it| !it.holds) {
            output::line(&format!("          {}", printable::on_one_line(&condition.explanation)))?;
        }
    }
    Ok(())
}

fn time(time: Option<&Timestamp>) -> String {
    let time = time.and_then(convert::time);
    time.map(arguments::print_time).unwrap_or_default()
}
