//! `klout check-in`: what a desk does while a guest waits, and the night before.

mod arrivals;
mod decide;

use klout_model::PersonId;
use klout_proto::{
    graph::v1::{AccountName, Contacts, LoyaltyNumber},
    perk::v1::Guest,
};

use crate::{exit::Failure, subject::Subject};

/// Decides at a desk whether a guest is offered an upgrade, and marks tomorrow's arrivals.
#[derive(Debug, clap::Args)]
#[command(after_help = "\
While the guest waits:
  klout check-in decide palms S-1 --email ada@example.org --booked KING --upgrade SUITE=2

The night before:
  klout check-in mark palms 2026-11-27 arrivals.jsonl
  klout check-in arrivals palms 2026-11-27

docs/check-in.md has recipes for OPERA Cloud, Mews and apaleo, and a sandbox to try it on.")]
pub(crate) struct CheckIns {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, clap::Subcommand)]
enum Command {
    Decide(decide::Decide),
    Mark(arrivals::Mark),
    Arrivals(arrivals::List),
}

/// What a desk knows of a guest.
#[derive(Debug, clap::Args)]
#[command(next_help_heading = "Who the guest is")]
struct WhichGuest {
    /// An e-mail address; may be said again, as may the others
    #[arg(long = "email", value_name = "ADDRESS")]
    emails: Vec<String>,
    /// A phone number with its country code, such as '+49 30 123456'
    #[arg(long = "phone", value_name = "NUMBER")]
    phones: Vec<String>,
    /// A number in a loyalty programme
    #[arg(long = "loyalty", value_name = "PROGRAM:NUMBER", value_parser = loyalty)]
    loyalty_numbers: Vec<LoyaltyNumber>,
    /// An account, as NETWORK:HANDLE or NETWORK:id=NATIVE_ID
    #[arg(long = "account", value_name = "ACCOUNT", value_parser = account)]
    accounts: Vec<AccountName>,
    /// The id of a person
    #[arg(long, value_name = "ID")]
    person: Option<PersonId>,
    /// A pass that the guest shows
    #[arg(long, value_name = "PASS")]
    pass: Option<String>,
}

// === impl CheckIns ===

impl CheckIns {
    pub(crate) fn run(self) -> Result<(), Failure> {
        match self.command {
            Command::Decide(it) => it.run(),
            Command::Mark(it) => it.run(),
            Command::Arrivals(it) => it.run(),
        }
    }
}

// === impl WhichGuest ===

impl WhichGuest {
    fn into_guest(self) -> Guest {
        let Self { emails, phones, loyalty_numbers, accounts, person, pass } = self;
        let contacts = Contacts { emails, phones, loyalty_numbers, ..Default::default() };
        Guest {
            person: person.map(|it| it.to_string()).unwrap_or_default(),
            accounts,
            contacts: Some(contacts),
            pass: pass.unwrap_or_default(),
        }
    }
}

fn account(text: &str) -> Result<AccountName, String> {
    match text.parse() {
        Ok(Subject::Account(account)) => Ok(account),
        Ok(Subject::Person(_)) | Err(_) => {
            Err("neither NETWORK:HANDLE nor NETWORK:id=NATIVE_ID".to_owned())
        }
    }
}

fn loyalty(text: &str) -> Result<LoyaltyNumber, String> {
    match text.split_once(':') {
        Some((program, number)) if !program.is_empty() && !number.is_empty() => {
            Ok(LoyaltyNumber { program: program.to_owned(), number: number.to_owned() })
        }
        Some(_) | None => Err("not PROGRAM:NUMBER".to_owned()),
    }
}
