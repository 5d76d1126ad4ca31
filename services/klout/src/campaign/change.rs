//! Makes a campaign and changes it.

use std::path::PathBuf;

use klout_proto::perk::v1::{
    ActivateCampaignRequest, CreateCampaignRequest, EndCampaignRequest, PauseCampaignRequest,
    UpdateCampaignRequest,
};
use uuid::Uuid;

use super::{file, print_json, print_line};
use crate::{
    client::{Missing, Target, retried},
    exit::Failure,
};

/// Makes a campaign, as a draft.
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  klout campaign create lounge.json
  klout campaign create lounge.toml --request-id lounge/2026

The same --request-id again makes nothing more, and prints what was made.")]
pub(super) struct Create {
    /// The campaign, as JSON or (.toml) TOML
    #[arg(value_name = "FILE")]
    file: PathBuf,
    /// Names this request, so that it can be repeated [default: a random one]
    #[arg(long, value_name = "ID")]
    request_id: Option<String>,
    /// Prints the response as JSON
    #[arg(long)]
    json: bool,
    #[command(flatten)]
    target: Target,
}

/// Changes what a campaign offers; it then has a new version.
///
/// The file is all of it, not what is new. Limits cannot go below what was given, and the currency stays.
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  klout campaign show 1234 --spec > lounge.json
  klout campaign update 1234 lounge.json
  klout campaign update 1234 lounge.json --version 2      unless somebody else changed it meanwhile

The same file again changes nothing.")]
pub(super) struct Update {
    /// Which: its number
    #[arg(value_name = "CAMPAIGN")]
    campaign: String,
    /// The campaign, as JSON or (.toml) TOML
    #[arg(value_name = "FILE")]
    file: PathBuf,
    /// The version that it has, as far as you know [default: whichever]
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(i32).range(1..))]
    version: Option<i32>,
    /// Prints the response as JSON
    #[arg(long)]
    json: bool,
    #[command(flatten)]
    target: Target,
}

/// Starts a draft, or goes on with what was paused.
///
/// Wants a disclosure, and codes when it gives uploaded ones. At most 1,000 campaigns are active at once.
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Example:
  klout campaign activate 1234")]
pub(super) struct Activate {
    #[command(flatten)]
    which: Which,
}

/// Reserves nothing any more until it is activated again; what is reserved can be confirmed.
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Example:
  klout campaign pause 1234")]
pub(super) struct Pause {
    #[command(flatten)]
    which: Which,
}

/// Ends a campaign for ever; what is reserved can be confirmed.
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Example:
  klout campaign end 1234")]
pub(super) struct End {
    #[command(flatten)]
    which: Which,
}

#[derive(Debug, clap::Args)]
struct Which {
    /// Which: its number
    #[arg(value_name = "CAMPAIGN")]
    campaign: String,
    /// Prints the response as JSON
    #[arg(long)]
    json: bool,
    #[command(flatten)]
    target: Target,
}

// === impl Create ===

impl Create {
    pub(super) fn run(self) -> Result<(), Failure> {
        let Self { file, request_id, json, target } = self;
        let spec = file::read(&file)?;
        let request_id = request_id.unwrap_or_else(|| Uuid::new_v4().to_string());
        let response = target.ask(Missing::Refuse, async |client| {
            let request = CreateCampaignRequest { spec: Some(spec.clone()), request_id };
            let made = retried(|| {
                let (mut client, request) = (client.perks(), request.clone());
                async move { client.create_campaign(request).await }
            });
            Ok(made.await.map_err(file::refused(&file, &spec))?.into_inner())
        })?;
        if json { print_json(&response) } else { print_line(response.campaign.as_ref()) }
    }
}

// === impl Update ===

impl Update {
    pub(super) fn run(self) -> Result<(), Failure> {
        let Self { campaign, file, version, json, target } = self;
        let spec = file::read(&file)?;
        let response = target.ask(Missing::Refuse, async |client| {
            let version = version.unwrap_or_default();
            let request = UpdateCampaignRequest { campaign, spec: Some(spec.clone()), version };
            let changed = retried(|| {
                let (mut client, request) = (client.perks(), request.clone());
                async move { client.update_campaign(request).await }
            });
            Ok(changed.await.map_err(file::refused(&file, &spec))?.into_inner())
        })?;
        if json { print_json(&response) } else { print_line(response.campaign.as_ref()) }
    }
}

// === impl Activate ===

impl Activate {
    pub(super) fn run(self) -> Result<(), Failure> {
        let Which { campaign, json, target } = self.which;
        let response = target.ask(Missing::Refuse, async |client| {
            let request = ActivateCampaignRequest { campaign };
            Ok(client.perks().activate_campaign(request).await?.into_inner())
        })?;
        if json { print_json(&response) } else { print_line(response.campaign.as_ref()) }
    }
}

// === impl Pause ===

impl Pause {
    pub(super) fn run(self) -> Result<(), Failure> {
        let Which { campaign, json, target } = self.which;
        let response = target.ask(Missing::Refuse, async |client| {
            let request = PauseCampaignRequest { campaign };
            Ok(client.perks().pause_campaign(request).await?.into_inner())
        })?;
        if json { print_json(&response) } else { print_line(response.campaign.as_ref()) }
    }
}

// === impl End ===

impl End {
    pub(super) fn run(self) -> Result<(), Failure> {
        let Which { campaign, json, target } = self.which;
        let response = target.ask(Missing::Refuse, async |client| {
            let request = EndCampaignRequest { campaign };
            Ok(client.perks().end_campaign(request).await?.into_inner())
        })?;
        if json { print_json(&response) } else { print_line(response.campaign.as_ref()) }
    }
}
