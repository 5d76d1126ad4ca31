//! Asks how many would qualify.

use std::{path::PathBuf, time::Duration};

use klout_proto::perk::v1::{
    GetPreviewRequest, Preview as Counted, PreviewCampaignRequest, PreviewCampaignResponse,
    preview_campaign_request::Subject,
};

use super::{file, print_json};
use crate::{
    client::{Client, Missing, Target, retried},
    exit::Failure,
    output, printable,
};

/// How often it is asked how far the exact count is.
const ASK_INTERVAL: Duration = Duration::from_millis(500);

/// Says how many members would qualify, from a sample of 10,000 of them.
///
/// Who would qualify is told by place and rules; what is left of stock and budgets does not count. Nothing is given.
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  klout campaign preview lounge.json                      before there is a campaign
  klout campaign preview 1234
  klout campaign preview 1234 --exact                     counts all members, and waits for it")]
pub(super) struct Preview {
    /// Which: the number of a campaign, or a file
    #[arg(value_name = "CAMPAIGN|FILE")]
    subject: String,
    /// Counts all members too, and waits until that is done
    #[arg(long)]
    exact: bool,
    /// Prints the response as JSON
    #[arg(long)]
    json: bool,
    #[command(flatten)]
    target: Target,
}

// === impl Preview ===

impl Preview {
    pub(super) fn run(self) -> Result<(), Failure> {
        let Self { subject, exact, json, target } = self;
        let is_number = !subject.is_empty() && subject.bytes().all(|it| it.is_ascii_digit());
        let path = PathBuf::from(&subject);
        let spec = if is_number { None } else { Some(file::read(&path)?) };
        let preview = target.ask(Missing::Refuse, async |client| {
            let subject = match &spec {
                Some(spec) => Subject::Spec(Box::new(spec.clone())),
                None => Subject::Campaign(subject),
            };
            let request = PreviewCampaignRequest { subject: Some(subject), exact };
            let asked = retried(|| {
                let (mut client, request) = (client.perks(), request.clone());
                async move { client.preview_campaign(request).await }
            });
            let refused = |status| match &spec {
                Some(spec) => file::refused(&path, spec)(status),
                None => status.into(),
            };
            let preview = asked.await.map_err(refused)?.into_inner().preview.unwrap_or_default();
            if preview.preview.is_empty() { Ok(preview) } else { counted(client, preview).await }
        })?;
        if json {
            return print_json(&PreviewCampaignResponse { preview: Some(preview) });
        }
        print(&preview)
    }
}

/// Waits for an exact count.
async fn counted(client: &Client, mut preview: Counted) -> Result<Counted, Failure> {
    let template = "members: [{bar:30}] {pos}/{len}, {eta} left";
    let bar = output::progress(u64::try_from(preview.members).ok(), template);
    while preview.state == "RUNNING" {
        bar.set_position(u64::try_from(preview.counted).unwrap_or_default());
        tokio::time::sleep(ASK_INTERVAL).await;
        let request = GetPreviewRequest { preview: preview.preview.clone() };
        let asked = retried(|| {
            let (mut client, request) = (client.perks(), request.clone());
            async move { client.get_preview(request).await }
        });
        preview = asked.await?.into_inner().preview.unwrap_or_default();
    }
    bar.finish_and_clear();
    if preview.state == "FAILED" {
        let problem = printable::on_one_line(&preview.problem);
        return Err(Failure::Failed(format!("the members could not all be counted: {problem}")));
    }
    Ok(preview)
}

fn print(preview: &Counted) -> Result<(), Failure> {
    let grouped = |number: i64| output::grouped(number);
    let Counted { sampled, sampled_qualifying, members, estimate, .. } = *preview;
    let (low, high) = (grouped(preview.estimate_low), grouped(preview.estimate_high));
    let (estimate, members) = (grouped(estimate), grouped(members));
    output::line(&format!("about {estimate} of {members} members qualify, {low} to {high}"))?;
    let (of, qualifying) = (grouped(sampled), grouped(sampled_qualifying));
    output::line(&format!("  by a sample: {qualifying} of {of}; 95 % sure"))?;
    if preview.state == "DONE" {
        let (of, qualifying) = (grouped(preview.counted), grouped(preview.qualifying));
        output::line(&format!("  counted: {qualifying} of {of}"))?;
    }
    Ok(())
}
