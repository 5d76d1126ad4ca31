//! Reserves.

use klout_proto::perk::v1::{ReserveGrantRequest, reserve_grant_request};

use super::{print, print_json, print_rules};
use crate::{
    client::{Missing, Target},
    exit::Failure,
    output,
    subject::{self, Subject},
};

/// Decides whether somebody gets what a campaign offers, and if so takes it until it is confirmed or released.
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  klout grant reserve 1234 bluesky:ann.example --request-id 2026-11-26/7
  klout grant reserve 1234 42 --request-id S-1 --property palms --stay S-1

The same --request-id again takes nothing more, and prints what was decided.")]
pub(super) struct Reserve {
    /// Of which: the campaign's number
    #[arg(value_name = "CAMPAIGN")]
    campaign: String,
    #[arg(help = subject::HELP)]
    subject: Subject,
    /// Names this request, so that it can be repeated
    #[arg(long, value_name = "ID")]
    request_id: String,
    /// At which property
    #[arg(long, value_name = "PROPERTY", default_value = "", hide_default_value = true)]
    property: String,
    /// For which stay
    #[arg(long, value_name = "STAY", default_value = "", hide_default_value = true)]
    stay: String,
    /// Prints the response as JSON
    #[arg(long)]
    json: bool,
    #[command(flatten)]
    target: Target,
}

// === impl Reserve ===

impl Reserve {
    pub(super) fn run(self) -> Result<(), Failure> {
        let Self { campaign, subject, request_id, property, stay, json, target } = self;
        let response = target.ask(Missing::Refuse, async |client| {
            let subject = Some(match subject {
                Subject::Person(person) => {
                    reserve_grant_request::Subject::Person(person.to_string())
                }
                Subject::Account(account) => reserve_grant_request::Subject::Account(account),
            });
            let request = ReserveGrantRequest { campaign, subject, request_id, property, stay };
            Ok(client.perks().reserve_grant(request).await?.into_inner())
        })?;
        if json {
            return print_json(&response);
        }
        let decision = response.decision.unwrap_or_default();
        output::line(&format!("outcome   {}", decision.outcome))?;
        output::line(&format!("decision  {}", decision.decision))?;
        print_rules(&decision.rules)?;
        response.grant.map_or(Ok(()), |grant| print(&grant))
    }
}
