//! `klout explain`: why a score is what it is.

use std::iter::repeat_n;

use klout_proto::{
    convert,
    json::to_value,
    score::v1::{Contribution, ExplainScoreRequest, Explanation, Score},
};
use time::OffsetDateTime;

use crate::{
    arguments,
    client::{Missing, Target},
    exit::Failure,
    output,
    subject::{self, Subject},
};

/// Tells why a score is what it is, what changed, and what would raise it.
///
/// Points add up to the score, list by list. Beside them stands what the score would lose without each row:
/// less, all together, as every further point is harder.
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  klout explain bluesky:ann.example
  klout explain bluesky:ann.example --since 2026-10-01T00:00:00Z
  klout explain stackexchange:id=quantum/55 --json

docs/scoring.md, section 16, says what the rows mean.")]
pub(crate) struct Explain {
    #[arg(help = subject::HELP)]
    subject: Subject,
    /// Tells what changed since the end of that UTC day [default: the day before]
    #[arg(long, value_name = "TIME", value_parser = arguments::time)]
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

/// Where stdout is no terminal, in columns.
const WIDTH: usize = 80;
/// A shorter bar tells nothing.
const BAR_MIN: usize = 8;
/// A longer one tells no more.
const BAR_MAX: usize = 40;
/// No name is shortened below this.
const NAME_MIN: usize = 12;
/// The numbers of a row with the space before each: points, without, count.
const NUMBERS: usize = 8 + 9 + 10;
/// Of 32 digits of a post's hash, so many tell it from others.
const HASH_DIGITS: usize = 12;

// === impl Explain ===

impl Explain {
    pub(crate) fn run(self) -> Result<(), Failure> {
        let explanation = self.target.ask(Missing::Refuse, async |client| {
            let subject = Some(self.subject.into_explain_request());
            let since_time = self.since.map(convert::timestamp);
            let request = ExplainScoreRequest { subject, since_time };
            let response = client.scores().explain_score(request).await?;
            let explanation = response.into_inner().explanation;
            explanation.ok_or_else(|| Failure::Failed("an empty answer".into()))
        })?;
        if self.json {
            return output::line(&to_value(&explanation).to_string());
        }
        let width = console::Term::stdout().size_checked().map_or(WIDTH, |size| size.1.into());
        for Line { text, heading } in describe(&explanation, width) {
            // Bold on a terminal that has it, plain elsewhere.
            let shown = if heading { console::style(text).bold().to_string() } else { text };
            output::line(&shown)?;
        }
        Ok(())
    }
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

/// An explanation, for people, in so many columns where rows fit into them.
fn describe(explanation: &Explanation, width: usize) -> Vec<Line> {
    let mut lines = summary(explanation);
    let score = explanation.score.as_ref().and_then(|score| score.score).unwrap_or_default();
    let tables = [
        ("by network", &explanation.networks),
        ("by dimension", &explanation.dimensions),
        ("by kind", &explanation.kinds),
        ("by post", &explanation.posts),
        ("by class of actor", &explanation.actor_classes),
    ];
    let names = tables.iter().flat_map(|(_, list)| names(list));
    let titles = tables.iter().map(|(title, _)| title.len());
    let longest = names.map(|name| name.chars().count()).chain(titles).max().unwrap_or_default();
    let columns = Columns::new(longest, width);
    for (title, list) in tables {
        lines.push(plain(""));
        lines.extend(table(title, list, score, &columns));
    }
    lines.extend(changes(explanation));
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

fn changes(explanation: &Explanation) -> Vec<Line> {
    let Some(since_score) = explanation.since_score else { return Vec::new() };
    let since = time(explanation.since_time.as_ref());
    let now = explanation.score.as_ref().and_then(|score| score.score).unwrap_or_default();
    let change = now - since_score;
    let mut lines = vec![plain(""), heading(format!("changed by {change:+.2} since {since}"))];
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

/// A list of contributions, with bars of which the whole score is the longest.
fn table(title: &str, list: &[Contribution], score: f64, columns: &Columns) -> Vec<Line> {
    let Columns { name: length, bar: bar_length } = *columns;
    let title = shortened(title, length);
    let mut lines =
        vec![heading(format!("{title:<length$} {:>7} {:>8} {:>9}", "points", "without", "count"))];
    lines.extend(list.iter().zip(names(list)).map(|(row, name)| {
        let name = shortened(&name, length);
        let Contribution { points, without, count, .. } = row;
        let row = format!("{name:<length$} {points:>7.2} {without:>8.2} {count:>9}");
        let bar = bar_length.filter(|_| score > 0.0).map(|length| bar(points / score, length));
        plain(format!("{row}  {}", bar.unwrap_or_default()).trim_end())
    }));
    lines
}

/// A part of a bar that is so long, to the nearest eighth of a column.
fn bar(part: f64, length: usize) -> String {
    const EIGHTHS: [char; 8] = [' ', '▏', '▎', '▍', '▌', '▋', '▊', '▉'];
    #[expect(clippy::cast_precision_loss, reason = "columns are few")]
    let eighths = (part.clamp(0.0, 1.0) * 8.0 * length as f64).round();
    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "is clamped")]
    let eighths = eighths as usize;
    let bar: String = repeat_n('█', eighths / 8).chain([EIGHTHS[eighths % 8]]).collect();
    bar.trim_end().to_owned()
}

/// The names of rows; of a post's hash only the beginning.
fn names(list: &[Contribution]) -> Vec<String> {
    let name = |row: &Contribution| match row.name.split_once(':') {
        Some((network, hash)) => format!("{network}:{}", shortened(hash, HASH_DIGITS + 1)),
        None => row.name.replace('_', " "),
    };
    list.iter().map(name).collect()
}

/// At most so many characters; that some are missing is seen.
fn shortened(text: &str, length: usize) -> String {
    if text.chars().count() <= length {
        return text.to_owned();
    }
    text.chars().take(length.saturating_sub(1)).chain(['…']).collect()
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

    use super::*;

    fn row(name: &str, points: f64, without: f64, count: u64) -> Contribution {
        Contribution { name: name.to_owned(), points, without, count }
    }

    fn ada() -> Explanation {
        let time = |seconds| Some(prost_types::Timestamp { seconds, nanos: 0 });
        let score = Score {
            score: Some(33.94),
            score_time: time(1_793_620_800),
            model: "klout-2026-12".to_owned(),
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
                row("floor", 1.0, 0.0, 0),
            ],
            posts: vec![
                row("no_post", 20.23, 10.96, 1_234_567),
                row("bluesky:0123456789abcdef0123456789abcdef", 12.71, 5.69, 2),
                row("floor", 1.0, 0.0, 0),
            ],
            changes: vec![row("bluesky", -1.5, -1.4, 3), row("actors", 0.25, 0.25, 0)],
            since_time: time(1_793_534_400),
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
        describe(&ada(), width).into_iter().map(|line| line.text).collect()
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
                "by         klout-2026-12, epoch 7",
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
            ]
        );
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
            ["changed by -1.25 since 2026-11-01T12:00:00Z", "bluesky    -1.50", "actors     +0.25",]
        );
        assert_eq!(
            part(80, "what would"),
            ["what would raise it", "  +3.05  a reshare on bluesky, by one influential member"]
        );
    }

    #[test]
    fn a_bar_is_never_longer_than_its_room() {
        assert_eq!(bar(1.0, 10), "█".repeat(10));
        assert_eq!(bar(7.0, 10), "█".repeat(10));
        assert_eq!((bar(0.0, 10), bar(-1.0, 10), bar(0.001, 10)), Default::default());
        assert_eq!(bar(0.5, 9), "████▌");
    }
}
