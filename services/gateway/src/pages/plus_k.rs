//! What members vouch for a person, as their profile shows it.

use std::{collections::HashMap, time::Duration};

use klout_chassis::within;
use klout_proto::graph::v1::{
    ListPlusKReceivedRequest, ListPlusKReceivedResponse, PlusK, PlusKOnTopic,
};
use tonic::Status;
use tracing::debug;

use super::{Peers, influence::names_of, known_for, names::Name, text};

/// The newest +K among which thanks are looked for.
const SIZE: i32 = 50;

/// Topics and thanks on a profile.
const SHOWN_MAX: usize = 10;

/// A page is not worth a longer wait for +K, and is good without.
const TIME_MAX: Duration = Duration::from_secs(1);

/// What was received.
#[derive(Debug, PartialEq)]
pub(super) struct Vouched {
    /// `None`: nothing.
    pub(super) total: Option<String>,
    /// The most first.
    pub(super) topics: Vec<Topic>,
    /// The newest first.
    pub(super) thanks: Vec<Thanks>,
}

/// How often on a topic.
#[derive(Debug, PartialEq)]
pub(super) struct Topic {
    pub(super) slug: String,
    pub(super) address: String,
    pub(super) count: String,
    /// Of the most, in hundredths.
    pub(super) length: String,
}

/// What the person said to a giver for all to see.
#[derive(Debug, PartialEq)]
pub(super) struct Thanks {
    pub(super) giver: String,
    pub(super) handle: String,
    pub(super) topic: String,
    /// Empty: without a word.
    pub(super) words: String,
}

/// `None` when it is not told in time.
pub(super) async fn vouched(peers: &Peers, person: &str) -> Option<Vouched> {
    let found = within(TIME_MAX, find(peers, person)).await;
    found.and_then(|found| found).map_or_else(
        |status| {
            debug!(%status, "a profile is shown without +K");
            None
        },
        Some,
    )
}

async fn find(peers: &Peers, person: &str) -> Result<Vouched, Status> {
    let request = ListPlusKReceivedRequest {
        person: person.to_owned(),
        page_size: SIZE,
        ..Default::default()
    };
    let received = peers.plus_ks.clone().list_plus_k_received(request).await?.into_inner();
    let ListPlusKReceivedResponse { mut plus_ks, topics, total, .. } = received;
    plus_ks.retain(|it| it.thanks_public && it.thank_time.is_some());
    plus_ks.truncate(SHOWN_MAX);
    let names = names_of(peers, plus_ks.iter().map(|it| it.giver.clone()).collect()).await?;
    Ok(Vouched {
        total: (total > 0).then(|| text::whole(total)),
        topics: of_topics(topics),
        thanks: thanks(plus_ks, &names),
    })
}

fn of_topics(topics: Vec<PlusKOnTopic>) -> Vec<Topic> {
    let most = topics.iter().map(|it| it.count).max().unwrap_or(1).max(1);
    let topics = topics.into_iter().take(SHOWN_MAX).map(|it| Topic {
        address: known_for::address(&it.topic),
        count: text::whole(it.count),
        length: format!("{}.{}", it.count * 100 / most, it.count * 1_000 / most % 10),
        slug: it.topic,
    });
    topics.collect()
}

/// Whoever left since has no name, and is left out.
fn thanks(plus_ks: Vec<PlusK>, names: &HashMap<String, Name>) -> Vec<Thanks> {
    let thanks = plus_ks.into_iter().filter_map(|it| {
        let handle = names.get(&it.giver)?.handle.clone();
        Some(Thanks { giver: it.giver, handle, topic: it.topic, words: it.thanks })
    });
    thanks.collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bars_are_parts_of_the_topic_with_the_most() {
        let on = |topic: &str, count| PlusKOnTopic { topic: topic.to_owned(), count };
        let topics = of_topics(vec![on("rust", 1_600), on("c++", 100)]);
        let told: Vec<_> = topics.iter().map(|it| (&it.count[..], &it.length[..])).collect();
        assert_eq!(told, [("1,600", "100.0"), ("100", "6.2")]);
        assert_eq!(topics[1].address, "/topics/c%2B%2B");
        assert!(of_topics(vec![]).is_empty());
    }

    #[test]
    fn thanks_to_whoever_left_are_not_shown() {
        let to = |giver: &str| PlusK { giver: giver.to_owned(), ..PlusK::default() };
        let name = Name { handle: "ann".to_owned(), network: String::new() };
        let names = HashMap::from([("1".to_owned(), name)]);
        let thanks = thanks(vec![to("1"), to("2")], &names);
        assert_eq!(thanks.iter().map(|it| &it.handle[..]).collect::<Vec<_>>(), ["ann"]);
    }
}
