//! Decides while a guest waits.

use klout_proto::{
    convert,
    json::to_value,
    perk::v1::{AvailableUpgrade, DecideCheckInRequest, DecideCheckInResponse},
};
use prost_types::Duration;

use super::WhichGuest;
use crate::{
    arguments,
    client::{Missing, Target},
    exit::Failure,
    output,
    printable::{self, indented},
};

/// Decides whether a guest who checks in is offered an upgrade.
///
/// Always answers, within the deadline: what cannot be found out in time is no offer. The same stay again is told the
/// same. An offer is reserved for some minutes: confirm it when the guest accepts, else release it.
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  klout check-in decide palms S-1 --email ada@example.org --booked KING --upgrade VIEW --upgrade SUITE=2
  klout check-in decide palms S-2 --account bluesky:ann --booked KING --upgrade SUITE --deadline-ms 1000
  klout check-in decide sandbox S-3 --email bob@sandbox.example --booked KING --upgrade SUITE")]
pub(super) struct Decide {
    /// Where
    #[arg(value_name = "PROPERTY")]
    property: String,
    /// The reservation or confirmation number
    #[arg(value_name = "STAY")]
    stay: String,
    /// The category that is booked [default: not told; any upgrade is better]
    #[arg(long, value_name = "CATEGORY", default_value = "", hide_default_value = true)]
    booked: String,
    /// A category that is free, and how many of it; may be said again
    #[arg(long = "upgrade", value_name = "CATEGORY[=N]", value_parser = upgrade)]
    upgrades: Vec<AvailableUpgrade>,
    /// Within how many milliseconds to answer
    #[arg(long, value_name = "N", default_value_t = 300, value_parser = clap::value_parser!(u16).range(20..=5_000))]
    deadline_ms: u16,
    #[command(flatten)]
    guest: WhichGuest,
    /// Prints the response as JSON
    #[arg(long)]
    json: bool,
    #[command(flatten)]
    target: Target,
}

// === impl Decide ===

impl Decide {
    pub(super) fn run(self) -> Result<(), Failure> {
        let Self { property, stay, booked, upgrades, deadline_ms, guest, json, target } = self;
        let response = target.ask(Missing::Refuse, async |client| {
            let request = DecideCheckInRequest {
                property,
                stay,
                guest: Some(guest.into_guest()),
                booked_category: booked,
                upgrades,
                deadline: Some(Duration {
                    seconds: i64::from(deadline_ms / 1_000),
                    nanos: i32::from(deadline_ms % 1_000) * 1_000_000,
                }),
            };
            Ok(client.perks().decide_check_in(request).await?.into_inner())
        })?;
        if json {
            return output::line(&to_value(&response).to_string());
        }
        print(&response)
    }
}

fn print(answer: &DecideCheckInResponse) -> Result<(), Failure> {
    let line = |head: &str, text: &str| output::line(&indented(&format!("{head:<11}"), text));
    let time = |time: Option<&prost_types::Timestamp>| {
        time.and_then(convert::time).map(arguments::print_time).unwrap_or_default()
    };
    let mut marks = String::new();
    if answer.stale {
        marks.push_str(&format!(", from a score of {}", time(answer.score_time.as_ref())));
    }
    if answer.is_repeat {
        marks.push_str(", as told before");
    }
    if !answer.recorded {
        marks.push_str(", not written down: ask again");
    }
    let head = format!("{}: {}{marks}", answer.outcome, answer.reason);
    output::line(&printable::on_one_line(&head))?;
    let said = [
        ("why", answer.explanation.clone()),
        ("say", answer.line.clone()),
        ("upgrade", answer.category.clone()),
        ("campaign", answer.campaign.clone()),
        ("grant", answer.grant.clone()),
        ("until", time(answer.expire_time.as_ref())),
        ("disclosure", answer.disclosure.clone()),
    ];
    said.iter().filter(|(_, text)| !text.is_empty()).try_for_each(|(head, text)| line(head, text))
}

/// `SUITE`, or `SUITE=2`.
fn upgrade(text: &str) -> Result<AvailableUpgrade, String> {
    let (category, available) = match text.split_once('=') {
        None => (text, None),
        Some((category, count)) => {
            let count = count.parse::<i32>().ok().filter(|it| *it >= 0);
            (category, Some(count.ok_or("not a number of rooms or seats")?))
        }
    };
    if category.is_empty() {
        return Err("not CATEGORY or CATEGORY=N".to_owned());
    }
    Ok(AvailableUpgrade { category: category.to_owned(), available })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_upgrade_may_have_a_count() {
        assert_eq!(upgrade("SUITE=2").expect("an upgrade").available, Some(2));
        assert_eq!(upgrade("SUITE").expect("an upgrade").available, None);
        for wrong in ["", "=2", "SUITE=-1", "SUITE=many"] {
            assert!(upgrade(wrong).is_err(), "{wrong}");
        }
    }
}
