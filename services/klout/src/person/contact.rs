//! What people are found by.

use klout_proto::graph::v1::{
    AddContactsRequest, Contacts as Wire, LoyaltyNumber, RemoveContactsRequest,
};

use crate::{
    client::{Missing, Target},
    exit::Failure,
    subject::{self, Subject},
};

/// Adds e-mail addresses, phone and loyalty numbers that somebody is found by, or takes them away.
///
/// Only keyed hashes are kept.
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  klout person contacts bluesky:ann.example --email ann@example.org
  klout person contacts bluesky:ann.example --remove --phone '+49 30 123456'")]
pub(super) struct ChangeContacts {
    #[arg(help = subject::HELP)]
    subject: Subject,
    #[command(flatten)]
    contacts: Contacts,
    /// Takes them away
    #[arg(long)]
    remove: bool,
    #[command(flatten)]
    target: Target,
}

/// Contacts, each of which may be repeated, at most 25 of a kind.
#[derive(Debug, clap::Args)]
pub(super) struct Contacts {
    /// An e-mail address; may be repeated, as may the others
    #[arg(long, value_name = "ADDRESS")]
    email: Vec<String>,
    /// The SHA-256 of an e-mail address in lower case, as 64 hexadecimal digits
    #[arg(long, value_name = "SHA256")]
    email_hash: Vec<String>,
    /// A phone number with its country code, such as '+49 30 123456'
    #[arg(long, value_name = "NUMBER")]
    phone: Vec<String>,
    /// The SHA-256 of a phone number as E.164 has it, with its +
    #[arg(long, value_name = "SHA256")]
    phone_hash: Vec<String>,
    /// A number in a loyalty programme
    #[arg(long, value_name = "PROGRAM:NUMBER", value_parser = loyalty)]
    loyalty: Vec<LoyaltyNumber>,
    /// The SHA-256 of a loyalty number as program:NUMBER
    #[arg(long, value_name = "SHA256")]
    loyalty_hash: Vec<String>,
}

// === impl ChangeContacts ===

impl ChangeContacts {
    pub(super) fn run(self) -> Result<(), Failure> {
        let Self { subject, contacts, remove, target } = self;
        let (count, done) = target.ask(Missing::Refuse, async |client| {
            let person = subject.person(client).await?;
            let contacts = Some(contacts.into());
            if remove {
                let request = RemoveContactsRequest { person, contacts };
                let removed = client.graph().remove_contacts(request).await?.into_inner();
                return Ok((removed.removed, "removed"));
            }
            let request = AddContactsRequest { person, contacts };
            let added = client.graph().add_contacts(request).await?.into_inner();
            Ok((added.added, "added"))
        })?;
        eprintln!("klout: {done}: {count}");
        Ok(())
    }
}

// === impl Contacts ===

impl From<Contacts> for Wire {
    fn from(contacts: Contacts) -> Self {
        let Contacts { email, email_hash, phone, phone_hash, loyalty, loyalty_hash } = contacts;
        Self {
            emails: email,
            email_hashes: email_hash,
            phones: phone,
            phone_hashes: phone_hash,
            loyalty_numbers: loyalty,
            loyalty_hashes: loyalty_hash,
        }
    }
}

fn loyalty(text: &str) -> Result<LoyaltyNumber, String> {
    let (program, number) = text.split_once(':').ok_or("is not PROGRAM:NUMBER")?;
    Ok(LoyaltyNumber { program: program.to_owned(), number: number.to_owned() })
}
