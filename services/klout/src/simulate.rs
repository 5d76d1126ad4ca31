//! `klout simulate`: what a score would be if more happened.

use std::str::FromStr;

use klout_model::Network;
use klout_proto::{
    json::to_value,
    score::v1::{SimulateScoreRequest, SimulateScoreResponse, SimulatedEvent},
};
use klout_score_math::simulate::{By, What};

use crate::{
    client::{Missing, Target},
    exit::Failure,
    output,
    subject::{self, Subject},
};

/// Tells what a score would be if more happened today. Nothing is stored.
#[derive(Debug, clap::Args)]
#[command(after_help = "\
An event is KIND:NETWORK:COUNT or KIND:NETWORK:COUNT:CLASS: so many interactions of a kind, each by somebody
else. KIND is like, reshare, reply, mention, comment, follow, list, endorse, accept or plus_k; or post: the
person posts, and nobody reacts. CLASS is
  like_mine    as the actors that the person has on that network, in the median (the default); where there
               are none: as member
  member       a member to whom nobody reacts
  influential  a member with a prestige of one half
  unknown      somebody whom nobody knows

Examples:
  klout simulate bluesky:ann.example --event reshare:bluesky:20
  klout simulate bluesky:ann.example --event like:mastodon:100:member --event post:mastodon:3")]
pub(crate) struct Simulate {
    #[arg(help = subject::HELP)]
    subject: Subject,
    /// What happens; may be given up to 100 times
    #[arg(long = "event", value_name = "KIND:NETWORK:COUNT[:CLASS]", required = true)]
    events: Vec<Event>,
    /// Prints the response as JSON
    #[arg(long)]
    json: bool,
    #[command(flatten)]
    target: Target,
}

/// An event, as typed.
#[derive(Clone, Debug, PartialEq)]
struct Event(SimulatedEvent);

#[derive(Debug, thiserror::Error)]
enum EventInvalid {
    #[error("not KIND:NETWORK:COUNT or KIND:NETWORK:COUNT:CLASS")]
    Shape,
    #[error("no kind is called `{0}`")]
    Kind(String),
    #[error("no network can be called `{0}`")]
    Network(String),
    #[error("`{0}` is not a number from 1 to 1000000")]
    Count(String),
    #[error("`{0}` is not like_mine, member, influential or unknown")]
    Class(String),
}

// === impl Simulate ===

impl Simulate {
    pub(crate) fn run(self) -> Result<(), Failure> {
        let response = self.target.ask(Missing::Refuse, async |client| {
            let subject = Some(self.subject.into_simulate_request());
            let events = self.events.into_iter().map(|event| event.0).collect();
            let request = SimulateScoreRequest { subject, events };
            Ok(client.scores().simulate_score(request).await?.into_inner())
        })?;
        if self.json {
            return output::line(&to_value(&response).to_string());
        }
        describe(&response).iter().try_for_each(|line| output::line(line))
    }
}

fn describe(response: &SimulateScoreResponse) -> Vec<String> {
    let SimulateScoreResponse { score, simulated_score, change } = response;
    let now = score.as_ref().and_then(|score| score.score);
    let now = now.map_or_else(|| "none yet".to_owned(), |now| format!("{now:.2}"));
    vec![
        format!("score now  {now}"),
        format!("would be   {simulated_score:.2}"),
        format!("change     {change:+.2}"),
    ]
}

// === impl Event ===

impl FromStr for Event {
    type Err = EventInvalid;

    fn from_str(text: &str) -> Result<Self, EventInvalid> {
        let parts: Vec<&str> = text.split(':').collect();
        let (kind, network, count, class) = match parts[..] {
            [kind, network, count] => (kind, network, count, ""),
            [kind, network, count, class] => (kind, network, count, class),
            _ => return Err(EventInvalid::Shape),
        };
        What::from_word(kind).ok_or_else(|| EventInvalid::Kind(kind.to_owned()))?;
        network.parse::<Network>().map_err(|_| EventInvalid::Network(network.to_owned()))?;
        By::from_word(class).ok_or_else(|| EventInvalid::Class(class.to_owned()))?;
        let number = count.parse().ok().filter(|count| (1..=1_000_000).contains(count));
        Ok(Self(SimulatedEvent {
            network: network.to_owned(),
            kind: kind.to_owned(),
            count: number.ok_or_else(|| EventInvalid::Count(count.to_owned()))?,
            actor_class: class.to_owned(),
        }))
    }
}

#[cfg(test)]
mod tests {
    use klout_proto::score::v1::Score;

    use super::*;

    #[test]
    fn an_event_is_kind_network_count_and_perhaps_a_class() {
        let event = |kind: &str, count, class: &str| {
            Event(SimulatedEvent {
                network: "bluesky".to_owned(),
                kind: kind.to_owned(),
                count,
                actor_class: class.to_owned(),
            })
        };
        let parsed = |text: &str| text.parse::<Event>().expect("an event");
        assert_eq!(parsed("reshare:bluesky:20"), event("reshare", 20, ""));
        assert_eq!(parsed("post:bluesky:1000000:unknown"), event("post", 1_000_000, "unknown"));
        let refused = |text: &str| text.parse::<Event>().expect_err("no event").to_string();
        assert_eq!(refused("adore:bluesky:1"), "no kind is called `adore`");
        assert_eq!(refused("like:bluesky:-1"), "`-1` is not a number from 1 to 1000000");
    }

    #[test]
    fn a_score_is_told_with_and_without() {
        let known = Some(Score { score: Some(33.94), ..Score::default() });
        let response = SimulateScoreResponse { score: known, simulated_score: 36.99, change: 3.05 };
        assert_eq!(
            describe(&response),
            ["score now  33.94", "would be   36.99", "change     +3.05"]
        );
        let response = SimulateScoreResponse { score: Some(Score::default()), ..response };
        assert_eq!(describe(&response)[0], "score now  none yet");
    }
}
