//! `klout history`: what one person's score was.

use klout_proto::{
    convert,
    json::to_value,
    score::v1::{ListScoresRequest, Score},
};
use time::{Date, OffsetDateTime, UtcOffset};

use crate::{
    arguments, bars,
    braille::{self, Point},
    client::{Missing, Target},
    exit::Failure,
    output,
    score::{number, signed, time},
    subject::{self, Subject},
};

/// Draws the scores of one person, and prints them day by day, newest first.
///
/// Closed days never change: each score is what it was, by the model that served then. Where the model
/// changes there is a mark below the line.
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  klout history bluesky:ann.example --days 30
  klout history bluesky:ann.example --since 2026-10-01 --until 2026-11-01
  klout history bluesky:ann.example --model klout-2027-01 --table")]
pub(crate) struct History {
    #[arg(help = subject::HELP)]
    subject: Subject,
    /// How many days at most, the newest
    #[arg(long, value_name = "N", default_value_t = 90, value_parser = clap::value_parser!(u16).range(1..=1000))]
    days: u16,
    /// Only days from this one on, or from that of this time
    #[arg(long, value_name = "TIME", value_parser = arguments::day_or_time)]
    since: Option<OffsetDateTime>,
    /// Only days before this one, or before that of this time
    #[arg(long, value_name = "TIME", value_parser = arguments::day_or_time)]
    until: Option<OffsetDateTime>,
    /// Only scores of this model
    #[arg(long, value_name = "NAME", default_value = "", hide_default_value = true)]
    model: String,
    /// Draws nothing
    #[arg(long)]
    table: bool,
    /// Prints the response as JSON
    #[arg(long, conflicts_with = "table")]
    json: bool,
    #[command(flatten)]
    target: Target,
}

// === impl History ===

impl History {
    pub(crate) fn run(self) -> Result<(), Failure> {
        let Self { subject, days, since, until, model, table, json, target } = self;
        if let (Some(since), Some(until)) = (since, until)
            && arguments::day(since) >= arguments::day(until)
        {
            return Err(Failure::Usage(
                "--since has to be on a day before that of --until".to_owned(),
            ));
        }
        let response = target.ask(Missing::Refuse, async |client| {
            let request = ListScoresRequest {
                person: subject.person(client).await?,
                page_size: days.into(),
                page_token: String::new(),
                start_time: since.map(convert::timestamp),
                end_time: until.map(convert::timestamp),
                model,
            };
            let response = client.scores().list_scores(request).await;
            let flags = [("start_time", "--since"), ("end_time", "--until")];
            Ok(response.map_err(Failure::naming(&flags))?.into_inner())
        })?;
        if json {
            return output::line(&to_value(&response).to_string());
        }
        if response.scores.is_empty() {
            eprintln!("klout: no scores in that time");
            return Ok(());
        }
        if !table {
            for line in drawing(&response.scores, bars::width()) {
                output::line(&line)?;
            }
        }
        output::line("day          score  change  percentile  model")?;
        for score in &response.scores {
            output::line(&format!(
                "{day}  {score:>6}  {change:>6}  {percentile:>10}  {model}",
                day = &time(score)[..10],
                score = number(score.score, 2),
                change = signed(score.day_change),
                percentile = number(score.percentile, 1),
                model = score.model,
            ))?;
        }
        Ok(())
    }
}

/// The chart of scores that are newest first, in so many columns, and what its marks mean; nothing when there are
/// less than two days.
fn drawing(scores: &[Score], width: usize) -> Vec<String> {
    let days = one_a_day(scores);
    let points: Vec<_> = days.iter().map(|(point, _)| *point).collect();
    let changes: Vec<_> = days
        .windows(2)
        .filter(|pair| pair[0].1 != pair[1].1)
        .map(|pair| (pair[1].0.day, pair[1].1))
        .collect();
    let marked: Vec<_> = changes.iter().map(|(day, _)| *day).collect();
    let Some(mut lines) = braille::chart(&points, &marked, width, day) else { return Vec::new() };
    let told = changes
        .iter()
        .map(|(changed, model)| format!("         ▲ {}: from here on by {model}", day(*changed)));
    lines.extend(told);
    lines.push(String::new());
    lines
}

/// Of each day the score that was made last, oldest first, with its model: on the day of a change there are two.
fn one_a_day(scores: &[Score]) -> Vec<(Point, &str)> {
    let mut timed: Vec<(OffsetDateTime, f64, &str)> = scores
        .iter()
        .filter_map(|score| {
            let time = convert::time(score.score_time.as_ref()?)?;
            Some((time.to_offset(UtcOffset::UTC), score.score?, score.model.as_str()))
        })
        .collect();
    timed.sort_by_key(|(time, ..)| *time);
    let last_of_day = timed.chunk_by(|one, other| one.0.date() == other.0.date());
    last_of_day
        .filter_map(|day| day.last())
        .map(|(time, score, model)| {
            (Point { day: time.date().to_julian_day(), score: *score }, *model)
        })
        .collect()
}

fn day(julian: i32) -> String {
    Date::from_julian_day(julian).map_or_else(|error| error.to_string(), |day| day.to_string())
}

#[cfg(test)]
mod tests {
    use time::macros::datetime;

    use super::*;

    fn score(time: OffsetDateTime, points: f64, model: &str) -> Score {
        Score {
            score: Some(points),
            score_time: Some(convert::timestamp(time)),
            model: model.to_owned(),
            ..Score::default()
        }
    }

    #[test]
    fn the_day_of_a_change_is_drawn_once_and_marked() {
        let scores = [
            score(datetime!(2026-11-03 23:59 UTC), 30.0, "new"),
            score(datetime!(2026-11-02 12:00 UTC), 20.0, "old"),
            score(datetime!(2026-11-02 18:00 UTC), 25.0, "new"),
            score(datetime!(2026-11-01 01:00 +02:00), 10.0, "old"),
        ];
        let days = one_a_day(&scores);
        let drawn: Vec<_> = days.iter().map(|(point, model)| (point.score, *model)).collect();
        assert_eq!(drawn, [(10.0, "old"), (25.0, "new"), (30.0, "new")]);
        assert_eq!(day(days[0].0.day), "2026-10-31", "days are those of UTC");
        let text = drawing(&scores, 80).join("\n");
        assert!(text.contains("▲ 2026-11-02: from here on by new"), "{text}");
        assert_eq!(text.matches('▲').count(), 2, "{text}");
    }

    #[test]
    fn one_day_is_not_drawn() {
        let scores = [score(datetime!(2026-11-03 23:59 UTC), 30.0, "new")];
        assert!(drawing(&scores, 80).is_empty());
        assert!(drawing(&[], 80).is_empty());
    }
}
