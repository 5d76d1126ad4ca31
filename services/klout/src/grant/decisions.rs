//! What was decided, and whether it would be decided again.

use klout_proto::perk::v1::{ListDecisionsRequest, ReplayDecisionRequest};

use super::{print_json, print_rules, time};
use crate::{
    client::{Missing, Target},
    exit::Failure,
    output, printable,
    table::{self, Column},
};

/// Lists what was decided on a campaign, newest first.
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Example:
  klout grant decisions 1234")]
pub(super) struct Decisions {
    /// On which: the campaign's number
    #[arg(value_name = "CAMPAIGN")]
    campaign: String,
    /// How many at most
    #[arg(long, value_name = "N", default_value_t = 100, value_parser = clap::value_parser!(u16).range(1..=1_000))]
    top: u16,
    /// Prints the response as JSON
    #[arg(long)]
    json: bool,
    #[command(flatten)]
    target: Target,
}

/// Decides once more from what a decision was made of, and says whether the same comes out.
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Example:
  klout grant replay 1234 9012

It fails when something else comes out.")]
pub(super) struct Replay {
    /// On which: the campaign's number
    #[arg(value_name = "CAMPAIGN")]
    campaign: String,
    /// Which: the number that `klout grant decisions` prints
    #[arg(value_name = "DECISION")]
    decision: String,
    /// Prints the response as JSON
    #[arg(long)]
    json: bool,
    #[command(flatten)]
    target: Target,
}

// === impl Decisions ===

impl Decisions {
    pub(super) fn run(self) -> Result<(), Failure> {
        let Self { campaign, top, json, target } = self;
        let response = target.ask(Missing::Refuse, async |client| {
            let page_token = String::new();
            let request = ListDecisionsRequest { campaign, page_size: top.into(), page_token };
            Ok(client.perks().list_decisions(request).await?.into_inner())
        })?;
        if json {
            return print_json(&response);
        }
        if response.decisions.is_empty() {
            eprintln!("klout: nothing was decided yet");
            return Ok(());
        }
        let columns = [
            Column::Text("decision"),
            Column::Text("time"),
            Column::Text("outcome"),
            Column::Number("version"),
            Column::Text("person"),
            Column::Text("grant"),
            Column::Text("caller"),
            Column::Text("request"),
        ];
        let rows = response.decisions.into_iter().map(|it| {
            [
                it.decision,
                time(it.decide_time.as_ref()),
                it.outcome,
                it.version.to_string(),
                it.person,
                it.grant,
                printable::on_one_line(&it.caller),
                printable::on_one_line(&it.request_id),
            ]
        });
        table::print(columns, rows)
    }
}

// === impl Replay ===

impl Replay {
    pub(super) fn run(self) -> Result<(), Failure> {
        let Self { campaign, decision, json, target } = self;
        let response = target.ask(Missing::Refuse, async |client| {
            let request = ReplayDecisionRequest { campaign, decision };
            Ok(client.perks().replay_decision(request).await?.into_inner())
        })?;
        let same = response.same;
        if json {
            print_json(&response)?;
        } else {
            let decided = response.decision.unwrap_or_default();
            let evaluation = response.evaluation.unwrap_or_default();
            output::line(&format!("decided   {}", decided.outcome))?;
            output::line(&format!("again     {}", evaluation.outcome))?;
            print_rules(&evaluation.rules)?;
        }
        if same {
            return Ok(());
        }
        Err(Failure::Failed("something else comes out of it".to_owned()))
    }
}
