//! What a person is known for and what they declare, as their profile shows it.

use std::time::Duration;

use klout_chassis::within;
use klout_proto::topic::v1::{ListPersonTopicsRequest, PersonTopic, Topic};
use tonic::Status;
use tracing::debug;

use super::{
    Peers,
    text::{self, Figure},
};

/// Topics on a profile.
const SIZE: i32 = 20;

/// Words that a topic is shown with.
const WORDS_MAX: usize = 4;

/// A page is not worth a longer wait for topics, and is good without.
const TIME_MAX: Duration = Duration::from_secs(1);

/// The topics of a person.
#[derive(Debug, Default)]
pub(super) struct KnownFor {
    /// The strongest first.
    pub(super) earned: Vec<Earned>,
    /// What the person says and nobody else does, or not enough people yet.
    pub(super) declared: Vec<Link>,
}

/// A topic that there is evidence for.
#[derive(Debug)]
pub(super) struct Earned {
    pub(super) topic: Link,
    pub(super) score: Figure,
    pub(super) rank: Option<i64>,
    /// What the evidence is, in a sentence.
    pub(super) evidence: String,
    /// What posts and people say: as it stands there.
    pub(super) words: Vec<String>,
    pub(super) declared: bool,
}

/// A topic, and where its page is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Link {
    pub(super) name: String,
    pub(super) address: String,
}

/// `None` when it is not told in time.
pub(super) async fn known_for(peers: &Peers, person: &str) -> Option<KnownFor> {
    let found = within(TIME_MAX, find(peers, person)).await;
    found.and_then(|found| found).map_or_else(
        |status| {
            debug!(%status, "a profile is shown without topics");
            None
        },
        Some,
    )
}

async fn find(peers: &Peers, person: &str) -> Result<KnownFor, Status> {
    let request = ListPersonTopicsRequest {
        person: person.to_owned(),
        page_size: SIZE,
        ..Default::default()
    };
    let listed = peers.topics.clone().list_person_topics(request).await?.into_inner();
    let mut known = KnownFor::default();
    for it in &listed.topics {
        match earned(it) {
            Some(earned) => known.earned.push(earned),
            None if is(it, "declared") => known.declared.extend(it.topic.as_ref().map(link)),
            None => {}
        }
    }
    Ok(known)
}

fn is(topic: &PersonTopic, state: &str) -> bool {
    topic.states.iter().any(|it| it == state)
}

/// `None` unless it is earned.
fn earned(of: &PersonTopic) -> Option<Earned> {
    let score = of.score.filter(|_| is(of, "earned"))?;
    Some(Earned {
        topic: link(of.topic.as_ref()?),
        score: text::figure(score),
        rank: of.rank,
        evidence: evidence(of),
        words: of.words.iter().take(WORDS_MAX).cloned().collect(),
        declared: is(of, "declared"),
    })
}

/// `3 people and 12 posts on bluesky and github`.
fn evidence(of: &PersonTopic) -> String {
    let counted = |count: i64, one: &str, more: &str| match count {
        0 => None,
        1 => Some(format!("1 {one}")),
        count => Some(format!("{} {more}", text::whole(count))),
    };
    let parts = [counted(of.people, "person", "people"), counted(of.posts, "post", "posts")];
    let what = text::list(parts.into_iter().flatten());
    match (what.is_empty(), of.networks.is_empty()) {
        (true, _) => "whom this person reacts to".to_owned(),
        (false, true) => what,
        (false, false) => format!("{what} on {}", text::list(of.networks.iter().cloned())),
    }
}

pub(super) fn link(topic: &Topic) -> Link {
    let slug = if topic.slug.is_empty() { &topic.topic } else { &topic.slug };
    Link { name: topic.display_name.clone(), address: address(slug) }
}

/// The page of a topic.
pub(super) fn address(slug: &str) -> String {
    let segment: String = slug
        .bytes()
        .map(|byte| match byte {
            b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'-' | b'.' | b'_' | b'~' => {
                char::from(byte).to_string()
            }
            byte => format!("%{byte:02X}"),
        })
        .collect();
    format!("/topics/{segment}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn evidence_is_a_sentence() {
        let of = |people, posts, networks: &[&str]| {
            let networks = networks.iter().map(|it| (*it).to_owned()).collect();
            evidence(&PersonTopic { people, posts, networks, ..PersonTopic::default() })
        };
        assert_eq!(of(1, 0, &[]), "1 person");
        assert_eq!(of(1_234, 1, &["bluesky"]), "1,234 people and 1 post on bluesky");
        let networks = ["bluesky", "github", "mastodon"];
        assert_eq!(of(0, 2, &networks), "2 posts on bluesky, github and mastodon");
        assert_eq!(of(0, 0, &["bluesky"]), "whom this person reacts to");
    }

    #[test]
    fn a_topic_is_shown_with_the_strongest_words_and_not_too_many() {
        let words = ["Rust people", "#rust", "borrow checker", "cargo", "clippy"];
        let known = earned(&PersonTopic {
            topic: Some(Topic::default()),
            states: vec!["earned".to_owned()],
            score: Some(50.0),
            words: words.map(str::to_owned).to_vec(),
            ..PersonTopic::default()
        });
        assert_eq!(known.expect("earned").words, words[..WORDS_MAX]);
    }

    #[test]
    fn a_topic_without_evidence_is_not_earned() {
        let states = vec!["declared".to_owned()];
        let topic = Some(Topic { slug: "rust".to_owned(), ..Topic::default() });
        let declared = PersonTopic { topic, states, score: Some(50.0), ..PersonTopic::default() };
        assert!(earned(&declared).is_none());
        assert_eq!(link(declared.topic.as_ref().expect("a topic")).address, "/topics/rust");
        assert_eq!(address("c++/<x>"), "/topics/c%2B%2B%2F%3Cx%3E");
    }
}
