//! `klout person`: who people are, what they say of themselves, which accounts are theirs, and what they decide.

mod account;
mod consent;
mod contact;
mod dispute;
mod erase;
mod export;
mod merge;
mod profile;
mod receipt;
mod resolve;

use klout_proto::{
    graph::v1::{LinkedAccount, Person},
    json::to_value,
};

use crate::{exit::Failure, output, printable, subject::Subject};

/// Says and changes who people are, which accounts are theirs, to what they consent, and what is held about them.
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  klout person create bluesky:id=did:plc:ann --name Ann --country DE --age 25_34
  klout person show bluesky:ann.example
  klout person link bluesky:ann.example github:id=login/ann --challenge
  klout person resolve --email ann@example.org
  klout person opt-out bluesky:ann.example --note 'asked by mail'
  klout person export bluesky:ann.example --out ann.json
  klout person erase bluesky:ann.example

docs/people.md explains accounts and names, docs/privacy.md consent and leaving.")]
pub(crate) struct People {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, clap::Subcommand)]
enum Command {
    Create(profile::Create),
    Show(profile::Show),
    Update(profile::Update),
    Resolve(resolve::Resolve),
    Link(account::Link),
    CompleteLink(account::CompleteLink),
    Unlink(account::Unlink),
    Merge(merge::Merge),
    Handles(account::Handles),
    Contacts(contact::ChangeContacts),
    Disputes(dispute::Disputes),
    Settle(dispute::Settle),
    Consent(consent::Consents),
    OptOut(consent::OptOut),
    OptIn(consent::OptIn),
    Erase(erase::Erase),
    Receipt(receipt::ShowReceipt),
    Export(export::Export),
}

// === impl People ===

impl People {
    pub(crate) fn run(self) -> Result<(), Failure> {
        match self.command {
            Command::Create(create) => create.run(),
            Command::Show(show) => show.run(),
            Command::Update(update) => update.run(),
            Command::Resolve(resolve) => resolve.run(),
            Command::Link(link) => link.run(),
            Command::CompleteLink(complete) => complete.run(),
            Command::Unlink(unlink) => unlink.run(),
            Command::Merge(merge) => merge.run(),
            Command::Handles(handles) => handles.run(),
            Command::Contacts(contacts) => contacts.run(),
            Command::Disputes(disputes) => disputes.run(),
            Command::Settle(settle) => settle.run(),
            Command::Consent(consent) => consent.run(),
            Command::OptOut(out) => out.run(),
            Command::OptIn(back) => back.run(),
            Command::Erase(erase) => erase.run(),
            Command::Receipt(receipt) => receipt.run(),
            Command::Export(export) => export.run(),
        }
    }
}

/// An account that is linked by what its network calls it.
fn linked(text: &str) -> Result<LinkedAccount, String> {
    use klout_proto::graph::v1::account_name::Name;
    match text.parse::<Subject>() {
        Ok(Subject::Account(account)) => match account.name {
            Some(Name::NativeId(native_id)) => {
                Ok(LinkedAccount { network: account.network, native_id, ..Default::default() })
            }
            _ => Err("is not NETWORK:id=NATIVE_ID: a handle may change its owner".to_owned()),
        },
        _ => Err("is not NETWORK:id=NATIVE_ID".to_owned()),
    }
}

fn print(person: Option<Person>, json: bool) -> Result<(), Failure> {
    let person = person.unwrap_or_default();
    if json {
        return output::line(&to_value(&person).to_string());
    }
    let place = [person.city, person.country].into_iter().filter(|text| !text.is_empty());
    let place: Vec<_> = place.collect();
    let told = [
        ("person", person.person),
        ("state", person.state),
        ("name", person.display_name),
        ("lives in", place.join(", ")),
        ("languages", person.languages.join(", ")),
        ("time zone", person.time_zone),
        ("age", person.age_band.replace('_', " ")),
        ("withheld from", person.withheld_purposes.join(", ")),
        ("not scored by", person.withheld_networks.join(", ")),
    ];
    for (what, text) in told {
        if !text.is_empty() {
            output::line(&format!("{what:<16}{}", printable::on_one_line(&text)))?;
        }
    }
    for account in person.accounts {
        let LinkedAccount { network, native_id, handle, proof, .. } = account;
        let called = if handle == native_id { String::new() } else { format!(" ({handle})") };
        let text = format!("{network}:id={native_id}{called}, by {}", proof.to_lowercase());
        output::line(&format!("{:<16}{}", "account", printable::on_one_line(&text)))?;
    }
    Ok(())
}
