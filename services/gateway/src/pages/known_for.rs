//! What a person is known for and what they declare, as their profile shows it.

use std::time::Duration;

use futures::future::join_all;
use klout_chassis::within;
use klout_proto::topic::v1::{
    ExplainPersonTopicRequest, ExplainPersonTopicResponse, ListPersonTopicsRequest, PersonTopic,
    Topic,
};
use tonic::Status;
use tracing::debug;

use super::{
    Peers,
    text::{self, Figure},
};

/// Topics on a profile.
const SIZE: i32 = 20;

/// The first of them, of which it is also shown what words and people say so: a call for each.
const EXPLAINED_MAX: usize = 5;

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
    let explained = listed.topics.iter().filter(|it| is(it, "earned")).take(EXPLAINED_MAX);
    let explained = join_all(explained.map(|it| explanation(peers, person, it))).await;
    let mut explained = explained.into_iter();
    let mut known = KnownFor::default();
    for it in &listed.topics {
        let explanation = if is(it, "earned") { explained.next().flatten() } else { None };
        match earned(it, explanation) {
            Some(earned) => known.earned.push(earned),
            None if is(it, "declared") => known.declared.extend(it.topic.as_ref().map(link)),
            None => {}
        }
    }
    Ok(known)
}

/// A topic is shown without the words for it when they are not told.
async fn explanation(
    peers: &Peers,
    person: &str,
    of: &PersonTopic,
) -> Option<ExplainPersonTopicResponse> {
    let request = ExplainPersonTopicRequest {
        person: person.to_owned(),
        topic: of.topic.as_ref()?.topic.clone(),
        ..Default::default()
    };
    match peers.topics.clone().explain_person_topic(request).await {
        Ok(answered) => Some(answered.into_inner()),
        Err(status) => {
            debug!(%status, "a topic is shown without the words for it");
            None
        }
    }
}

fn is(topic: &PersonTopic, state: &str) -> bool {
    topic.states.iter().any(|it| it == state)
}

/// `None` unless it is earned.
fn earned(of: &PersonTopic, explanation: Option<ExplainPersonTopicResponse>) -> Option<Earned> {
    let score = of.score.filter(|_| is(of, "earned"))?;
    Some(Earned {
        topic: link(of.topic.as_ref()?),
        score: text::figure(score),
        rank: of.rank,
        evidence: evidence(of),
        words: explanation.map(words).unwrap_or_default(),
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

/// What most people call somebody, then what stands in the posts that count most; each once.
fn words(explanation: ExplainPersonTopicResponse) -> Vec<String> {
    let ExplainPersonTopicResponse { labels, posts, .. } = explanation;
    let labels = labels.into_iter().map(|it| it.label);
    let all = labels.chain(posts.into_iter().flat_map(|it| it.words));
    let mut words: Vec<String> = Vec::new();
    for word in all {
        if words.len() == WORDS_MAX {
            break;
        }
        if !words.iter().any(|it| it.to_lowercase() == word.to_lowercase()) {
            words.push(word);
        }
    }
    words
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
    use klout_proto::topic::v1::{CountedLabel, EvidencePost};

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
    fn words_come_once_and_not_too_many() {
        let label = |label: &str| CountedLabel { label: label.to_owned(), people: 1 };
        let post = |words: &[&str]| EvidencePost {
            words: words.iter().map(|it| (*it).to_owned()).collect(),
            ..EvidencePost::default()
        };
        let explanation = ExplainPersonTopicResponse {
            labels: vec![label("Rust people")],
            posts: vec![post(&["#rust", "borrow checker"]), post(&["#Rust", "cargo", "clippy"])],
            ..Default::default()
        };
        assert_eq!(words(explanation), ["Rust people", "#rust", "borrow checker", "cargo"]);
    }

    #[test]
    fn a_topic_without_evidence_is_not_earned() {
        let states = vec!["declared".to_owned()];
        let topic = Some(Topic { slug: "rust".to_owned(), ..Topic::default() });
        let declared = PersonTopic { topic, states, score: Some(50.0), ..PersonTopic::default() };
        assert!(earned(&declared, None).is_none());
        assert_eq!(link(declared.topic.as_ref().expect("a topic")).address, "/topics/rust");
        assert_eq!(address("c++/<x>"), "/topics/c%2B%2B%2F%3Cx%3E");
    }
}
