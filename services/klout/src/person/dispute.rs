//! Accounts that two people claim.

use klout_proto::{
    graph::v1::{Dispute, ListDisputesRequest, SettleDisputeRequest},
    json::to_value,
};

use crate::{
    client::{Missing, Target},
    exit::Failure,
    output,
    subject::Subject,
    table::{self, Column},
};

/// Lists accounts whose owner somebody else showed to be theirs, oldest first.
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Needs the operator's key, which a data directory has.

Example:
  klout person disputes --settled")]
pub(super) struct Disputes {
    /// Also those that are settled
    #[arg(long)]
    settled: bool,
    /// How many at most
    #[arg(long, value_name = "N", default_value_t = 100, value_parser = clap::value_parser!(u16).range(1..=1000))]
    top: u16,
    /// Prints the response as JSON
    #[arg(long)]
    json: bool,
    #[command(flatten)]
    target: Target,
}

/// Says whose a disputed account is.
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Needs the operator's key, which a data directory has.

Example:
  klout person settle 7 bluesky:ann.example")]
pub(super) struct Settle {
    /// The dispute, as `klout person disputes` numbers it
    #[arg(value_name = "DISPUTE")]
    dispute: u64,
    /// Whose the account is: an id, NETWORK:HANDLE, or NETWORK:id=NATIVE_ID
    #[arg(value_name = "WHOSE")]
    whose: Subject,
    /// Prints the response as JSON
    #[arg(long)]
    json: bool,
    #[command(flatten)]
    target: Target,
}

// === impl Disputes ===

impl Disputes {
    pub(super) fn run(self) -> Result<(), Failure> {
        let Self { settled, top, json, target } = self;
        let response = target.ask(Missing::Refuse, async |client| {
            let request = ListDisputesRequest {
                include_settled: settled,
                page_size: top.into(),
                ..Default::default()
            };
            Ok(client.graph().list_disputes(request).await?.into_inner())
        })?;
        if json {
            return output::line(&to_value(&response).to_string());
        }
        print(response.disputes)
    }
}

// === impl Settle ===

impl Settle {
    pub(super) fn run(self) -> Result<(), Failure> {
        let Self { dispute, whose, json, target } = self;
        let response = target.ask(Missing::Refuse, async |client| {
            let person = whose.person(client).await?;
            let request = SettleDisputeRequest { dispute: dispute.to_string(), person };
            Ok(client.graph().settle_dispute(request).await?.into_inner())
        })?;
        if json {
            return output::line(&to_value(&response).to_string());
        }
        print(response.dispute)
    }
}

fn print(disputes: impl IntoIterator<Item = Dispute>) -> Result<(), Failure> {
    let columns = [
        Column::Number("dispute"),
        Column::Text("account"),
        Column::Text("owner"),
        Column::Text("claimant"),
        Column::Text("proof"),
        Column::Text("settled for"),
    ];
    let rows = disputes.into_iter().map(|it| {
        let account = it.account.unwrap_or_default();
        let account = format!("{}:id={}", account.network, account.native_id);
        [it.dispute, account, it.owner, it.claimant, it.proof, it.settled_for]
    });
    table::print(columns, rows)
}
