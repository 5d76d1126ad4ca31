//! `klout moments`: the posts that earned somebody most.

use klout_proto::{
    convert,
    json::to_value,
    score::v1::{ListMomentsRequest, Moment},
};

use crate::{
    arguments,
    bars::{self, BAR_MAX, BAR_MIN, bar, shortened},
    client::{Missing, Target},
    exit::Failure,
    output,
    subject::{self, Subject},
};

/// What came is not cut shorter than this.
const COUNTS_MIN: usize = 12;

/// Lists the posts of the last 90 days that earned somebody most, best first.
///
/// A post is named by the beginning of its hash, as its name is not kept. Bars are as long as points are of those of the
/// best. Where it is narrow, what came is cut; --json has all of it.
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  klout moments bluesky:ann.example
  klout moments bluesky:ann.example --top 3 --json")]
pub(crate) struct Moments {
    #[arg(help = subject::HELP)]
    subject: Subject,
    /// How many at most
    #[arg(long, value_name = "N", default_value_t = 10, value_parser = clap::value_parser!(u16).range(1..=100))]
    top: u16,
    /// Prints the response as JSON
    #[arg(long)]
    json: bool,
    #[command(flatten)]
    target: Target,
}

// === impl Moments ===

impl Moments {
    pub(crate) fn run(self) -> Result<(), Failure> {
        let Self { subject, top, json, target } = self;
        let response = target.ask(Missing::Refuse, async |client| {
            let person = subject.person(client).await?;
            let request =
                ListMomentsRequest { person, page_size: top.into(), page_token: String::new() };
            Ok(client.scores().list_moments(request).await?.into_inner())
        })?;
        if json {
            return output::line(&to_value(&response).to_string());
        }
        if response.moments.is_empty() {
            eprintln!("klout: no post earned anything");
            return Ok(());
        }
        table(&response.moments, bars::width()).iter().try_for_each(|line| output::line(line))
    }
}

/// Posts in rows, in so many columns where that is enough.
fn table(moments: &[Moment], width: usize) -> Vec<String> {
    let posts: Vec<_> = moments.iter().map(|it| bars::post(&it.network, &it.post)).collect();
    let counts: Vec<_> = moments.iter().map(counts).collect();
    let longest = |texts: &[String], least: usize| {
        texts.iter().map(|text| text.chars().count()).max().unwrap_or_default().max(least)
    };
    let (post, count) = (longest(&posts, "post".len()), longest(&counts, "what came".len()));
    // First the bar gives way to what came, then the end of that is left out.
    let room = width.saturating_sub("yyyy-mm-dd".len() + 2 + post + 2 + "points".len() + 2);
    let bar_length = room.saturating_sub(count + 2).clamp(BAR_MIN, BAR_MAX);
    let count = room.saturating_sub(bar_length + 2).max(COUNTS_MIN);
    let best = moments.iter().map(|it| it.points).fold(0.0, f64::max);
    let head = format!("{:<10}  {:<post$}  points  {:<bar_length$}  what came", "day", "post", "");
    let rows = moments.iter().zip(posts.iter().zip(&counts)).map(|(moment, (name, counts))| {
        let (day, points, counts) = (day(moment), moment.points, shortened(counts, count));
        let bar = if best > 0.0 { bar(points / best, bar_length) } else { String::new() };
        let row = format!("{day:<10}  {name:<post$}  {points:>6.2}  {bar:<bar_length$}  {counts}");
        row.trim_end().to_owned()
    });
    std::iter::once(head).chain(rows).collect()
}

/// The UTC day that it was published, as far as that is known.
fn day(moment: &Moment) -> String {
    let time = moment.post_time.as_ref().and_then(convert::time);
    time.map_or_else(|| "-".to_owned(), |time| arguments::day(time).to_string())
}

fn counts(moment: &Moment) -> String {
    let count = |(kind, count): (&str, u64)| format!("{} {count}", kind.replace('_', " "));
    let counts = moment.counts.iter().map(|it| count((it.kind.as_str(), it.count)));
    counts.collect::<Vec<_>>().join(", ")
}

#[cfg(test)]
mod tests {
    use klout_proto::score::v1::KindCount;

    use super::*;

    fn moment(post: &str, seconds: Option<i64>, points: f64, counts: &[(&str, u64)]) -> Moment {
        let count = |(kind, count): &(&str, u64)| KindCount { kind: (*kind).into(), count: *count };
        Moment {
            network: "bluesky".to_owned(),
            post: post.repeat(8),
            post_time: seconds.map(|seconds| prost_types::Timestamp { seconds, nanos: 0 }),
            points,
            counts: counts.iter().map(count).collect(),
        }
    }

    fn two() -> Vec<Moment> {
        let reactions = [("like", 12), ("reshare", 3)];
        vec![
            moment("0123", Some(1_793_491_200), 12.0, &reactions),
            moment("abcd", None, 3.0, &[("like", 1)]),
        ]
    }

    #[test]
    fn posts_are_rows_with_what_came_and_a_bar() {
        assert_eq!(
            table(&two(), 80),
            [
                "day         post                   points                     what came",
                "2026-11-01  bluesky:012301230123…   12.00  █████████████████  like 12, reshare 3",
                "-           bluesky:abcdabcdabcd…    3.00  ████▎              like 1",
            ]
        );
    }

    #[test]
    fn where_it_is_narrow_what_came_is_cut_and_points_are_not() {
        let rows = table(&two(), 66);
        assert!(rows[1].ends_with("   12.00  ████████  like 12, res…"), "{rows:?}");
        assert_eq!(table(&two(), 1), table(&two(), 65), "it cannot be narrower");
    }
}
