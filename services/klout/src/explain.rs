//! `klout explain`: why a score is what it is.

use klout_chassis::reason;
use klout_proto::{
    convert,
    json::to_value,
    score::v1::{Contribution, ExplainScoreRequest, Explanation, GetScoreRequest, Score},
};
use time::{Duration, OffsetDateTime};

use crate::{
    arguments,
    bars::{self, BAR_MAX, BAR_MIN, bar, shortened},
    client::{Client, Missing, Target},
    exit::Failure,
    output,
    subject::{self, Subject},
};

/// Tells why a score is what it is, what changed, and what would raise it.
///
/// Points add up to the score, list by list. Beside them stands what the score would lose without each row:
/// less, all together, as every further point is harder. Each list takes the score apart in its own way, and
/// neighbours that lose as much share their points. Rows of 0.00 points are left out.
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  klout explain bluesky:ann.example
  klout explain bluesky:ann.example --since 2026-10-01
  klout explain stackexchange:id=quantum/55 --json

docs/scoring.md, section 16, says what the rows mean.")]
pub(crate) struct Explain {
    #[arg(help = subject::HELP)]
    subject: Subject,
    /// Tells what changed since the end of that UTC day [default: the day before]
    #[arg(long, value_name = "TIME", value_parser = arguments::day_or_time)]
    since: Option<OffsetDateTime>,
    /// Prints the response as JSON
    #[arg(long)]
    json: bool,
    #[command(flatten)]
    target: Target,
}

/// A line of what is printed.
#[derive(Debug, PartialEq)]
struct Line {
    text: String,
    heading: bool,
}

/// How wide what is in all tables, so that their bars can be compared.
#[derive(Debug)]
struct Columns {
    name: usize,
    /// `None`: there is no room for bars.
    bar: Option<usize>,
}

/// Under the lists.
const NOTE: [&str; 2] = [
    "Each list takes the score apart in its own way, and neighbours that lose",
    "as much share their points.",
];
/// The row that everybody with evidence has.
const FLOOR: &str = "floor";
/// Fewer points are printed as 0.00.
const SHOWN_MIN: f64 = 0.005;
/// No name is shortened below this.
const NAME_MIN: usize = 12;
/// The numbers of a row with the space before each: points, without, count.
const NUMBERS: usize = 8 + 9 + 10;

// === impl Explain ===

impl Explain {
    pub(crate) fn run(self) -> Result<(), Failure> {
        let Self { subject, since, json, target } = self;
        let (explanation, then) = target.ask(Missing::Refuse, async |client| {
            let explanation = explain(client, &subject, since).await?;
            let then = if json { None } else { model_then(client, subject, &explanation).await? };
            Ok((explanation, then))
        })?;
        if json {
            return output::line(&to_value(&explanation).to_string());
        }
        for Line { text, heading } in describe(&explanation, since, then.as_deref(), bars::width())
        {
            // Bold on a terminal that has it, plain elsewhere.
            let shown = if heading { console::style(text).bold().to_string() } else { text };
            output::line(&shown)?;
        }
        Ok(())
    }
}

async fn explain(
    client: &Client,
    subject: &Subject,
    since: Option<OffsetDateTime>,
) -> Result<Explanation, Failure> {
    let subject = Some(subject.clone().into_explain_request());
    let request = ExplainScoreRequest { subject, since_time: since.map(convert::timestamp) };
    let response = client.scores().explain_score(request).await;
    let response = response.map_err(Failure::naming(&[("since_time", "--since")]))?;
    response.into_inner().explanation.ok_or_else(|| Failure::Failed("an empty answer".into()))
}

/// The model that made the earlier score that day, where that is another one than explains it now.
async fn model_then(
    client: &Client,
    subject: Subject,
    explanation: &Explanation,
) -> Result<Option<String>, Failure> {
    let end = explanation.since_time.as_ref().and_then(convert::time);
    let (Some(end), Some(now)) = (end, &explanation.score) else { return Ok(None) };
    let request = GetScoreRequest {
        subject: Some(subject.into_request()),
        at_time: Some(convert::timestamp(within(end))),
        ..GetScoreRequest::default()
    };
    let score = match client.scores().get_score(request).await {
        Ok(response) => response.into_inner().score,
        // It was made anew from evidence: that day there was none.
        Err(status) if reason(&status).as_deref() == Some("SCORE_NOT_YET") => None,
        Err(status) => return Err(status.into()),
    };
    Ok(score.map(|score| score.model).filter(|model| *model != now.model))
}

/// A time on the day that ends then.
fn within(end: OffsetDateTime) -> OffsetDateTime {
    end.saturating_sub(Duration::SECOND)
}

// === impl Columns ===

impl Columns {
    /// Where it is narrow, first bars go, then names are shortened; numbers are always whole.
    fn new(longest_name: usize, width: usize) -> Self {
        let room = width.saturating_sub(NUMBERS);
        let name = longest_name.min(room.max(NAME_MIN));
        let bar = room.saturating_sub(name + 2).min(BAR_MAX);
        Self { name, bar: (bar >= BAR_MIN).then_some(bar) }
    }
}

/// An explanation, for people, in so many columns where rows fit into them. `since` is what was asked for; `then` is
/// the model that made the score of that day, where that was another one.
fn describe(
    explanation: &Explanation,
    since: Option<OffsetDateTime>,
    then: Option<&str>,
    width: usize,
) -> Vec<Line> {
    let mut lines = summary(explanation);
    let score = explanation.score.as_ref().and_then(|score| score.score).unwrap_or_default();
    let tables = [
        ("by network", shown(&explanation.networks)),
        ("by dimension", shown(&explanation.dimensions)),
        ("by kind", shown(&explanation.kinds)),
        ("by post", shown(&explanation.posts)),
        ("by class of actor", shown(&explanation.actor_classes)),
    ];
    let names = tables.iter().flat_map(|(_, (list, _))| names(list.iter().copied()));
    let titles = tables.iter().map(|(title, _)| title.len());
    let longest = names.map(|name| name.chars().count()).chain(titles).max().unwrap_or_default();
    let columns = Columns::new(longest, width);
    for (title, (list, left_out)) in &tables {
        lines.push(plain(""));
        lines.extend(table(title, list, score, &columns));
        if *left_out > 0 {
            lines.push(plain(format!("and {left_out} of 0.00 points")));
        }
    }
    lines.push(plain(""));
    lines.extend(NOTE.map(plain));
    lines.extend(changes(explanation, since, then));
    if !explanation.counterfactuals.is_empty() {
        lines.push(plain(""));
        lines.push(heading("what would raise it"));
        let raises = &explanation.counterfactuals;
        lines.extend(raises.iter().map(|it| plain(format!("{:>+7.2}  {}", it.change, it.text))));
    }
    lines
}

fn summary(explanation: &Explanation) -> Vec<Line> {
    let Explanation { influence, low_score, high_score, .. } = explanation;
    let nothing = Score::default();
    let score = explanation.score.as_ref().unwrap_or(&nothing);
    let points = score.score.unwrap_or_default();
    let mut lines = vec![
        heading(format!("score      {points:.2} of 100")),
        plain(format!("interval   {low_score:.2} to {high_score:.2}, which hold 90 %")),
        plain(format!("influence  {influence:.2} people")),
        plain(format!("as of      {}", time(score.score_time.as_ref()))),
        plain(format!("by         {}, epoch {}", score.model, score.epoch)),
    ];
    for burst in &explanation.bursts {
        let day = time(burst.day_time.as_ref());
        lines.push(plain(format!(
            "unusual    {} strangers came to {} on {}, which lowers nothing",
            burst.strangers,
            burst.network,
            day.split('T').next().unwrap_or_default(),
        )));
    }
    if !explanation.recomputable {
        lines.push(plain("recompute  no: signals expired or were erased"));
    }
    lines
}

fn changes(
    explanation: &Explanation,
    since: Option<OffsetDateTime>,
    then: Option<&str>,
) -> Vec<Line> {
    let nothing = Score::default();
    let score = explanation.score.as_ref().unwrap_or(&nothing);
    let end = explanation.since_time.as_ref().and_then(convert::time);
    let (Some(since_score), Some(end)) = (explanation.since_score, end) else {
        let scored = score.score_time.as_ref().and_then(convert::time);
        let asked = since.or_else(|| scored.map(|time| time.saturating_sub(Duration::DAY)));
        let day = asked.map_or_else(|| "that day".to_owned(), |it| arguments::day(it).to_string());
        let none = format!("nothing to compare with: there was no score at the end of {day}");
        return vec![plain(""), heading(none)];
    };
    let day = arguments::day(within(end));
    let change = score.score.unwrap_or_default() - since_score;
    let mut lines =
        vec![plain(""), heading(format!("changed by {change:+.2} since the end of {day}"))];
    if let Some(then) = then {
        let model = &score.model;
        lines.push(plain(format!(
            "that day {then} served; the earlier score is made anew by {model}"
        )));
    }
    let names = names(&explanation.changes);
    let length = names.iter().map(|name| name.chars().count()).max().unwrap_or_default();
    lines.extend(
        explanation
            .changes
            .iter()
            .zip(names)
            .map(|(change, name)| plain(format!("{name:<length$}  {:>+7.2}", change.points))),
    );
    lines
}

/// What of a list says something, and how many rows say nothing: those whose points are printed as zero. Everybody has
/// the floor.
fn shown(list: &[Contribution]) -> (Vec<&Contribution>, usize) {
    let (shown, left_out): (Vec<_>, Vec<_>) =
        list.iter().partition(|row| row.name == FLOOR || row.points.abs() >= SHOWN_MIN);
    (shown, left_out.len())
}

/// A list of contributions, with bars of which the whole score is the longest.
fn table(title: &str, list: &[&Contribution], score: f64, columns: &Columns) -> Vec<Line> {
    let Columns { name: length, bar: bar_length } = *columns;
    let title = shortened(title, length);
    let mut lines =
        vec![heading(format!("{title:<length$} {:>7} {:>8} {:>9}", "points", "without", "count"))];
    lines.extend(list.iter().zip(names(list.iter().copied())).map(|(row, name)| {
        let name = shortened(&name, length);
        let Contribution { points, without, count, .. } = row;
        let row = format!("{name:<length$} {points:>7.2} {without:>8.2} {count:>9}");
        let bar = bar_length.filter(|_| score > 0.0).map(|length| bar(points / score, length));
        plain(format!("{row}  {}", bar.unwrap_or_default()).trim_end())
    }));
    lines
}

/// The names of rows; of a post's hash only the beginning.
fn names<'a>(list: impl IntoIterator<Item = &'a Contribution>) -> Vec<String> {
    let name = |row: &Contribution| match row.name.split_once(':') {
        Some((network, hash)) => bars::post(network, hash),
        None => row.name.replace('_', " "),
    };
    list.into_iter().map(name).collect()
}

fn time(time: Option<&prost_types::Timestamp>) -> String {
    let time = time.and_then(convert::time);
    time.map_or_else(|| "unknown".to_owned(), arguments::print_time)
}

fn plain(text: impl Into<String>) -> Line {
    Line { text: text.into(), heading: false }
}

fn heading(text: impl Into<String>) -> Line {
    Line { text: text.into(), heading: true }
}

#[cfg(test)]
mod tests {
    use klout_proto::score::v1::{Burst, Counterfactual};
    use time::macros::datetime;

    use super::*;

    fn row(name: &str, points: f64, without: f64, count: u64) -> Contribution {
        Contribution { name: name.to_owned(), points, without, count }
    }

    fn ada() -> Explanation {
        let time = |seconds| Some(prost_types::Timestamp { seconds, nanos: 0 });
        let score = Score {
            score: Some(33.94),
            score_time: time(1_793_620_800),
            model: "klout-2027-01".to_owned(),
            epoch: 7,
            ..Score::default()
        };
        Explanation {
            score: Some(score),
            influence: 3.2796,
            low_score: 1.0,
            high_score: 41.43,
            networks: vec![
                row("bluesky", 15.25, 7.15, 4),
                row("stackexchange", 15.24, 7.14, 2),
                row("plus_k", 2.45, 0.89, 1),
                row("mastodon", 0.004, 0.001, 1),
                row("github", 0.0, 0.0, 0),
                row("floor", 1.0, 0.0, 0),
            ],
            posts: vec![
                row("no_post", 20.23, 10.96, 1_234_567),
                row("bluesky:0123456789abcdef0123456789abcdef", 12.71, 5.69, 2),
                row("floor", 1.0, 0.0, 0),
            ],
            changes: vec![row("bluesky", -1.5, -1.4, 3), row("actors", 0.25, 0.25, 0)],
            since_time: time(1_793_491_200),
            since_score: Some(35.19),
            counterfactuals: vec![Counterfactual {
                text: "a reshare on bluesky, by one influential member".to_owned(),
                event: None,
                change: 3.05,
            }],
            bursts: vec![Burst {
                network: "bluesky".to_owned(),
                day_time: time(1_793_534_400),
                strangers: 1_500,
            }],
            recomputable: false,
            ..Explanation::default()
        }
    }

    fn printed(width: usize) -> Vec<String> {
        describe(&ada(), None, Some("klout-2026-11"), width)
            .into_iter()
            .map(|line| line.text)
            .collect()
    }

    /// The lines from the one that begins so up to an empty one.
    fn part(width: usize, beginning: &str) -> Vec<String> {
        let lines = printed(width).into_iter().skip_while(|line| !line.starts_with(beginning));
        lines.take_while(|line| !line.is_empty()).collect()
    }

    #[test]
    fn a_score_is_told_with_its_interval_and_what_is_odd_about_it() {
        assert_eq!(
            part(80, "score"),
            [
                "score      33.94 of 100",
                "interval   1.00 to 41.43, which hold 90 %",
                "influence  3.28 people",
                "as of      2026-11-02T12:00:00Z",
                "by         klout-2027-01, epoch 7",
                "unusual    1500 strangers came to bluesky on 2026-11-01, which lowers nothing",
                "recompute  no: signals expired or were erased",
            ]
        );
    }

    #[test]
    fn bars_are_as_long_as_points_are_of_the_score() {
        assert_eq!(
            part(80, "by network"),
            [
                "by network             points  without     count",
                "bluesky                 15.25     7.15         4  █████████████▌",
                "stackexchange           15.24     7.14         2  █████████████▌",
                "plus k                   2.45     0.89         1  ██▏",
                "floor                    1.00     0.00         0  ▉",
                "and 2 of 0.00 points",
            ]
        );
    }

    #[test]
    fn the_floor_is_told_of_everybody() {
        let list = [row("floor", 0.0, 0.0, 0), row("bluesky", 0.0, 0.0, 1)];
        assert_eq!(shown(&list), (vec![&list[0]], 1));
    }

    #[test]
    fn where_there_was_no_score_nothing_is_said_to_have_changed() {
        let explanation = Explanation { since_time: None, since_score: None, ..ada() };
        for (since, day) in
            [(None, "2026-11-01"), (Some(datetime!(2026-10-20 00:00 UTC)), "2026-10-20")]
        {
            let lines = changes(&explanation, since, None);
            let none = format!("nothing to compare with: there was no score at the end of {day}");
            assert_eq!(lines[1].text, none);
            assert_eq!(lines.len(), 2);
        }
    }

    #[test]
    fn a_post_has_the_beginning_of_its_hash() {
        assert_eq!(
            part(80, "by post"),
            [
                "by post                points  without     count",
                "no post                 20.23    10.96   1234567  █████████████████▉",
                "bluesky:0123456789ab…   12.71     5.69         2  ███████████▎",
                "floor                    1.00     0.00         0  ▉",
            ]
        );
    }

    #[test]
    fn where_it_is_narrow_bars_go_first_then_names_and_never_numbers() {
        let narrow = part(49, "by post");
        assert_eq!(narrow[2], "bluesky:0123456789ab…   12.71     5.69         2");
        let narrower = part(45, "by post");
        assert_eq!(narrower[2], "bluesky:012345678…   12.71     5.69         2");
        assert_eq!(narrower[1], "no post              20.23    10.96   1234567");
        for width in 39..100 {
            let rows = [part(width, "by network"), part(width, "by post")].concat();
            let too_long = rows.iter().find(|row| row.chars().count() > width);
            assert_eq!(too_long, None, "in {width} columns");
        }
        assert_eq!(part(1, "by post")[2], "bluesky:012…   12.71     5.69         2");
    }

    #[test]
    fn what_changed_and_what_would_raise_the_score_have_a_sign() {
        assert_eq!(
            part(80, "changed"),
            [
                "changed by -1.25 since the end of 2026-10-31",
                "that day klout-2026-11 served; the earlier score is made anew by klout-2027-01",
                "bluesky    -1.50",
                "actors     +0.25",
            ]
        );
        assert_eq!(
            part(80, "what would"),
            ["what would raise it", "  +3.05  a reshare on bluesky, by one influential member"]
        );
    }
}
