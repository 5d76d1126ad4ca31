//! `klout score`: what one person's score is, or was.

use klout_proto::{
    convert,
    json::to_value,
    score::v1::{GetScoreRequest, Score},
};
use time::OffsetDateTime;

use crate::{
    arguments,
    client::{Missing, Target},
    exit::Failure,
    output,
    subject::{self, Subject},
};

/// Prints the score of one person.
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  klout score bluesky:ann.example
  klout score bluesky:ann.example --at 2026-11-01      as it was at the end of that day
  klout score bluesky:ann.example --at 2026-11-01 --model klout-2027-01
  klout score stackexchange:id=quantum/55 --json")]
pub(crate) struct ShowScore {
    #[arg(help = subject::HELP)]
    subject: Subject,
    /// The score as it was at the end of that UTC day [default: now]
    #[arg(long, value_name = "TIME", value_parser = arguments::day_or_time)]
    at: Option<OffsetDateTime>,
    /// With --at: the score of that model [default: of the one that served then]
    #[arg(
        long,
        value_name = "NAME",
        default_value = "",
        hide_default_value = true,
        requires = "at"
    )]
    model: String,
    /// Prints the response as JSON
    #[arg(long)]
    json: bool,
    #[command(flatten)]
    target: Target,
}

// === impl ShowScore ===

impl ShowScore {
    pub(crate) fn run(self) -> Result<(), Failure> {
        let score = self.target.ask(Missing::Refuse, async |client| {
            let subject = Some(self.subject.into_request());
            let request = GetScoreRequest {
                subject,
                at_time: self.at.map(convert::timestamp),
                model: self.model,
                ..Default::default()
            };
            let response = client.scores().get_score(request).await;
            let response = response.map_err(Failure::naming(&[("at_time", "--at")]))?;
            response.into_inner().score.ok_or_else(|| Failure::Failed("an empty answer".into()))
        })?;
        if self.json {
            return output::line(&to_value(&score).to_string());
        }
        for line in describe(&score) {
            output::line(&line)?;
        }
        Ok(())
    }
}

/// What is known of a score, for people.
fn describe(score: &Score) -> Vec<String> {
    let mut lines = vec![format!("person          {}", score.person)];
    if score.known() {
        let changes = [score.day_change, score.week_change, score.month_change].map(signed);
        let [day, week, month] = changes;
        lines.extend([
            format!("score           {} of 100 ({})", number(score.score, 2), score.bucket),
            format!("percentile      {}", number(score.percentile, 1)),
            format!("confidence      {}", number(score.confidence, 2)),
            format!("true reach      {} people", number(score.true_reach, 1)),
            format!("amplification   {} of 100", number(score.amplification, 1)),
            format!("network impact  {} of 100", number(score.network_impact, 1)),
            format!("change          day {day}, week {week}, month {month}"),
        ]);
    } else if score.state == convert::state::PENDING {
        lines.push("state           PENDING: signals were received and are not scored yet".into());
    } else {
        lines.push(format!("state           {}: a member without evidence", score.state));
    }
    lines.push(format!(
        "as of           {}, model {}, epoch {}",
        time(score),
        score.model,
        score.epoch
    ));
    lines
}

/// RFC 3339, which starts with the day.
pub(crate) fn time(score: &Score) -> String {
    let time = score.score_time.as_ref().and_then(convert::time);
    time.map_or_else(|| "unknown   ".to_owned(), arguments::print_time)
}

pub(crate) fn number(number: Option<f64>, digits: usize) -> String {
    number.map_or_else(|| "-".to_owned(), |number| format!("{number:.digits$}"))
}

pub(crate) fn signed(change: Option<f64>) -> String {
    // What is shown as zero has no sign.
    let shown = |change: f64| match format!("{change:+.2}") {
        text if text.ends_with("0.00") && text.len() == 5 => "0.00".to_owned(),
        text => text,
    };
    change.map_or_else(|| "-".to_owned(), shown)
}
