//! Confirms, releases, and takes back.

use klout_proto::perk::v1::{ConfirmGrantRequest, ReleaseGrantRequest, ReverseGrantRequest};

use super::{print, print_json};
use crate::{
    client::{Missing, Target},
    exit::Failure,
};

/// Which grant of which campaign.
#[derive(Debug, clap::Args)]
struct Which {
    /// Of which: the campaign's number
    #[arg(value_name = "CAMPAIGN")]
    campaign: String,
    /// Which: the number that `klout grant reserve` prints
    #[arg(value_name = "GRANT")]
    grant: String,
    /// Prints the response as JSON
    #[arg(long)]
    json: bool,
    #[command(flatten)]
    target: Target,
}

/// Gives what was reserved.
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Example:
  klout grant confirm 1234 5678")]
pub(super) struct Confirm {
    #[command(flatten)]
    which: Which,
}

/// Gives back what was reserved.
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Example:
  klout grant release 1234 5678")]
pub(super) struct Release {
    #[command(flatten)]
    which: Which,
}

/// Takes back what was confirmed.
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Example:
  klout grant reverse 1234 5678 --why 'the lounge was closed'")]
pub(super) struct Reverse {
    #[command(flatten)]
    which: Which,
    /// Why, at most 500 characters
    #[arg(long, value_name = "TEXT", default_value = "", hide_default_value = true)]
    why: String,
}

// === impl Confirm ===

impl Confirm {
    pub(super) fn run(self) -> Result<(), Failure> {
        let Which { campaign, grant, json, target } = self.which;
        let response = target.ask(Missing::Refuse, async |client| {
            let request = ConfirmGrantRequest { campaign, grant };
            Ok(client.perks().confirm_grant(request).await?.into_inner())
        })?;
        if json { print_json(&response) } else { print(&response.grant.unwrap_or_default()) }
    }
}

// === impl Release ===

impl Release {
    pub(super) fn run(self) -> Result<(), Failure> {
        let Which { campaign, grant, json, target } = self.which;
        let response = target.ask(Missing::Refuse, async |client| {
            let request = ReleaseGrantRequest { campaign, grant };
            Ok(client.perks().release_grant(request).await?.into_inner())
        })?;
        if json { print_json(&response) } else { print(&response.grant.unwrap_or_default()) }
    }
}

// === impl Reverse ===

impl Reverse {
    pub(super) fn run(self) -> Result<(), Failure> {
        let Self { which: Which { campaign, grant, json, target }, why } = self;
        let response = target.ask(Missing::Refuse, async |client| {
            let request = ReverseGrantRequest { campaign, grant, why };
            Ok(client.perks().reverse_grant(request).await?.into_inner())
        })?;
        if json { print_json(&response) } else { print(&response.grant.unwrap_or_default()) }
    }
}
