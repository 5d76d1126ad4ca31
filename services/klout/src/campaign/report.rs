//! Tells what a campaign did.

use klout_proto::perk::v1::{GetCampaignReportRequest, GroupReport, OutcomeCount};

use super::{print_json, print_line};
use crate::{
    client::{Missing, Target},
    exit::Failure,
    output,
    table::{self, Column},
};

/// Says what a campaign offered and gave, and how those whom it gave nothing on purpose compare.
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Example:
  klout campaign report 1234

Without a hold-out share in the campaign there is nobody to compare with. Who came again: there is
a later decision about them, on any campaign of the brand, at least a day after the first.")]
pub(super) struct Report {
    /// Which: its number
    #[arg(value_name = "CAMPAIGN")]
    campaign: String,
    /// Prints the response as JSON
    #[arg(long)]
    json: bool,
    #[command(flatten)]
    target: Target,
}

// === impl Report ===

impl Report {
    pub(super) fn run(self) -> Result<(), Failure> {
        let Self { campaign, json, target } = self;
        let response = target.ask(Missing::Refuse, async |client| {
            let request = GetCampaignReportRequest { campaign };
            Ok(client.perks().get_campaign_report(request).await?.into_inner())
        })?;
        if json {
            return print_json(&response);
        }
        print_line(response.campaign.as_ref())?;
        for (head, counts) in [("decisions", response.outcomes), ("grants", response.grants)] {
            output::line("")?;
            if counts.is_empty() {
                output::line(&format!("no {head} yet"))?;
                continue;
            }
            let rows = counts.into_iter().map(|OutcomeCount { name, count }| {
                [name.to_ascii_lowercase().replace('_', " "), output::grouped(count)]
            });
            table::print([Column::Text(head), Column::Number("count")], rows)?;
        }
        output::line("")?;
        let columns = [
            Column::Text("people"),
            Column::Number("count"),
            Column::Number("came again"),
            Column::Number("share"),
            Column::Number("mean score"),
        ];
        let groups = [("offered", response.offered), ("held out", response.held_out)];
        table::print(columns, groups.map(|(name, group)| row(name, &group.unwrap_or_default())))
    }
}

fn row(name: &str, group: &GroupReport) -> [String; 5] {
    let share = match (u32::try_from(group.came_again), u32::try_from(group.people)) {
        (Ok(again), Ok(people)) if people > 0 => {
            format!("{:.1} %", 100.0 * f64::from(again) / f64::from(people))
        }
        _ => String::new(),
    };
    let score = group.mean_score.map(|it| format!("{it:.1}")).unwrap_or_default();
    let [people, again] = [group.people, group.came_again].map(output::grouped);
    [name.to_owned(), people, again, share, score]
}
