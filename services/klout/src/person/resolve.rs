//! Who somebody is, by whatever is known of them.

use klout_proto::{
    graph::v1::{AccountName, ResolvePersonRequest},
    json::to_value,
};

use super::contact::Contacts;
use crate::{
    client::{Missing, Target},
    exit::Failure,
    output,
    subject::Subject,
};

/// Says who somebody is, from accounts, e-mail addresses, phone and loyalty numbers, clear or hashed.
///
/// Who is named by nothing but hashes is not told: only how likely there is somebody.
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  klout person resolve bluesky:ann.example
  klout person resolve --email ann@example.org --phone '+49 30 123456'
  klout person resolve --email-hash \"$(printf %s ann@example.org | sha256sum | cut -c1-64)\"")]
pub(super) struct Resolve {
    /// Accounts: NETWORK:HANDLE or NETWORK:id=NATIVE_ID, at most 25
    #[arg(value_name = "ACCOUNT", value_parser = account)]
    accounts: Vec<AccountName>,
    #[command(flatten)]
    contacts: Contacts,
    /// How likely it has to be, 0 to 1
    #[arg(long, value_name = "LIKELIHOOD", default_value_t = 0.95)]
    min_likelihood: f64,
    /// Prints the response as JSON
    #[arg(long)]
    json: bool,
    #[command(flatten)]
    target: Target,
}

// === impl Resolve ===

impl Resolve {
    pub(super) fn run(self) -> Result<(), Failure> {
        let Self { accounts, contacts, min_likelihood, json, target } = self;
        let response = target.ask(Missing::Refuse, async |client| {
            let request = ResolvePersonRequest {
                accounts,
                contacts: Some(contacts.into()),
                min_likelihood: Some(min_likelihood),
                ..Default::default()
            };
            let flags = [("min_likelihood", "--min-likelihood")];
            let resolved = client.graph().resolve_person(request).await;
            Ok(resolved.map_err(Failure::naming(&flags))?.into_inner())
        })?;
        if json {
            return output::line(&to_value(&response).to_string());
        }
        let person = if response.person.is_empty() { "not told" } else { &response.person };
        output::line(&format!("person          {person}"))?;
        output::line(&format!("likelihood      {:.4}", response.likelihood))?;
        output::line(&format!("matched on      {}", response.matched_on.join(", ")))
    }
}

fn account(text: &str) -> Result<AccountName, String> {
    match text.parse::<Subject>() {
        Ok(Subject::Account(account)) => Ok(account),
        _ => Err("is neither NETWORK:HANDLE nor NETWORK:id=NATIVE_ID".to_owned()),
    }
}
