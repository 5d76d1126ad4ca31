//! Lists grants.

use klout_proto::perk::v1::ListGrantsRequest;

use super::{print_json, time};
use crate::{
    client::{Missing, Target},
    exit::Failure,
    printable,
    subject::Subject,
    table::{self, Column},
};

/// Lists grants of a campaign or of a person, newest first.
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  klout grant list --campaign 1234 --status open
  klout grant list --person bluesky:ann.example")]
pub(super) struct List {
    /// Of which campaign: its number
    #[arg(long, value_name = "CAMPAIGN", required_unless_present = "person")]
    campaign: Option<String>,
    /// Of whom: a person's id, NETWORK:HANDLE, or NETWORK:id=NATIVE_ID
    #[arg(long, value_name = "SUBJECT", conflicts_with = "campaign")]
    person: Option<Subject>,
    /// Only these
    #[arg(long, value_name = "STATUS", value_parser = ["open", "claimed", "expired"])]
    status: Option<String>,
    /// How many at most
    #[arg(long, value_name = "N", default_value_t = 100, value_parser = clap::value_parser!(u16).range(1..=1_000))]
    top: u16,
    /// Prints the response as JSON
    #[arg(long)]
    json: bool,
    #[command(flatten)]
    target: Target,
}

// === impl List ===

impl List {
    pub(super) fn run(self) -> Result<(), Failure> {
        let Self { campaign, person, status, top, json, target } = self;
        let response = target.ask(Missing::Refuse, async |client| {
            let person = match person {
                Some(subject) => subject.person(client).await?,
                None => String::new(),
            };
            let request = ListGrantsRequest {
                person,
                campaign: campaign.unwrap_or_default(),
                status: status.map(|it| it.to_ascii_uppercase()).unwrap_or_default(),
                page_size: top.into(),
                page_token: String::new(),
            };
            Ok(client.perks().list_grants(request).await?.into_inner())
        })?;
        if json {
            return print_json(&response);
        }
        if response.grants.is_empty() {
            eprintln!("klout: there is none");
            return Ok(());
        }
        let columns = [
            Column::Text("campaign"),
            Column::Text("grant"),
            Column::Text("state"),
            Column::Text("person"),
            Column::Text("reserved"),
            Column::Text("title"),
        ];
        let rows = response.grants.into_iter().map(|it| {
            [
                it.campaign,
                it.grant,
                it.state,
                it.person,
                time(it.reserve_time.as_ref()),
                printable::on_one_line(&it.title),
            ]
        });
        table::print(columns, rows)
    }
}
