//! What version 2 answered. The names and their order are what old software reads. Pure.

use klout_model::Score as Points;
use klout_proto::{
    graph::v1::Person,
    score::v1::Score,
    topic::v1::{PersonTopic, Topic},
};
use serde::Serialize;

use super::request::OldNetwork;

/// What we are called among the networks.
pub(super) const KLOUT: &str = "ks";

/// So many topics, influencers and influencees are shown.
pub(super) const SHOWN: usize = 5;

#[derive(Debug, PartialEq, Serialize)]
pub(super) struct Identity {
    pub(super) id: String,
    pub(super) network: &'static str,
}

/// A score by itself. Its changes are called in the singular here, and in the plural everywhere else.
#[derive(Debug, PartialEq, Serialize)]
pub(super) struct ScoreAnswer {
    score: f64,
    #[serde(rename = "scoreDelta")]
    score_delta: Deltas,
    bucket: String,
}

/// Somebody with their score.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub(super) struct User {
    #[serde(rename = "kloutId")]
    pub(super) klout_id: String,
    pub(super) nick: String,
    score: ShortScore,
    #[serde(rename = "scoreDeltas")]
    score_deltas: Deltas,
}

#[derive(Clone, Debug, PartialEq, Serialize)]
struct ShortScore {
    score: f64,
    bucket: String,
}

/// A change that is not known yet is 0: there was no other word for it.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
struct Deltas {
    day_change: f64,
    week_change: f64,
    month_change: f64,
}

#[derive(Debug, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct TopicAnswer {
    id: String,
    display_name: String,
    name: String,
    slug: String,
    image_url: String,
    topic_type: &'static str,
    display_type: &'static str,
}

#[derive(Debug, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Influence {
    my_influencers: Vec<Entity>,
    my_influencees: Vec<Entity>,
    my_influencers_count: i64,
    my_influencees_count: i64,
}

#[derive(Debug, PartialEq, Serialize)]
struct Entity {
    entity: Payload,
}

#[derive(Debug, PartialEq, Serialize)]
struct Payload {
    id: String,
    payload: User,
}

/// Some of those at the other end, and how many there are.
#[derive(Debug, Default)]
pub(super) struct Side {
    pub(super) users: Vec<User>,
    pub(super) count: i64,
}

// === impl Identity ===

impl Identity {
    pub(super) fn of_person(person: String) -> Self {
        Self { id: person, network: KLOUT }
    }

    /// What a network calls somebody; `None`: they have no account there.
    pub(super) fn on(person: &Person, old: OldNetwork, networks: &[String]) -> Option<Self> {
        let id = account_on(person, networks)?.native_id.clone();
        Some(Self { id, network: old.as_str() })
    }
}

// === impl ScoreAnswer ===

impl ScoreAnswer {
    /// `None`: there is no score.
    pub(super) fn of(score: &Score) -> Option<Self> {
        let (points, bucket) = known(score)?;
        Some(Self { score: points, score_delta: Deltas::of(score), bucket })
    }
}

// === impl User ===

impl User {
    /// `None`: there is no score.
    pub(super) fn of(score: &Score, person: &Person, twitter: &[String]) -> Option<Self> {
        let (points, bucket) = known(score)?;
        Some(Self {
            klout_id: score.person.clone(),
            nick: nick(person, twitter),
            score: ShortScore { score: points, bucket },
            score_deltas: Deltas::of(score),
        })
    }
}

// === impl Deltas ===

impl Deltas {
    fn of(score: &Score) -> Self {
        Self {
            day_change: score.day_change.unwrap_or_default(),
            week_change: score.week_change.unwrap_or_default(),
            month_change: score.month_change.unwrap_or_default(),
        }
    }
}

// === impl TopicAnswer ===

impl TopicAnswer {
    /// `base`: what the address of a picture begins with.
    fn of(topic: &Topic, base: &str) -> Option<Self> {
        Some(Self {
            id: topic_id(&topic.topic)?,
            display_name: topic.display_name.clone(),
            name: topic.display_name.clone(),
            slug: topic.slug.clone(),
            image_url: format!("{base}/images/topics/{}.svg", topic.slug),
            topic_type: "sub",
            display_type: "sub",
        })
    }
}

// === impl Influence ===

impl Influence {
    /// Whoever has the highest score comes first.
    pub(super) fn of(influencers: Side, influencees: Side) -> Self {
        Self {
            my_influencers_count: influencers.count,
            my_influencees_count: influencees.count,
            my_influencers: entities(influencers.users),
            my_influencees: entities(influencees.users),
        }
    }
}

fn entities(mut users: Vec<User>) -> Vec<Entity> {
    users.sort_by(|one, next| next.score.score.total_cmp(&one.score.score));
    let entity =
        |user: User| Entity { entity: Payload { id: user.klout_id.clone(), payload: user } };
    users.into_iter().take(SHOWN).map(entity).collect()
}

/// The topics that somebody earned: what they only declare was never told here.
pub(super) fn topics(topics: &[PersonTopic], base: &str) -> Vec<TopicAnswer> {
    let topics = earned(topics).filter_map(|topic| TopicAnswer::of(topic, base));
    topics.take(SHOWN).collect()
}

pub(super) fn earned(topics: &[PersonTopic]) -> impl Iterator<Item = &Topic> {
    let earned = topics.iter().filter(|it| it.states.iter().any(|state| state == "earned"));
    earned.filter_map(|it| it.topic.as_ref())
}

/// A number and its decade, of whoever has one.
pub(super) fn known(score: &Score) -> Option<(f64, String)> {
    let points = score.score.filter(|_| score.state == "KNOWN").and_then(Points::new)?;
    Some((points.points(), points.bucket().to_string()))
}

/// What somebody is called: on Twitter, else anywhere, else by number.
pub(super) fn nick(person: &Person, twitter: &[String]) -> String {
    let account = account_on(person, twitter).or_else(|| person.accounts.first());
    let names = account.map(|it| [&it.handle, &it.native_id]).into_iter().flatten();
    let names = names.chain([&person.display_name, &person.person]);
    let mut names = names.filter(|name| !name.trim().is_empty());
    names.next().cloned().unwrap_or_default()
}

/// The account on the first of some networks.
pub(super) fn account_on<'a>(
    person: &'a Person,
    networks: &[String],
) -> Option<&'a klout_proto::graph::v1::LinkedAccount> {
    let on = |network: &String| person.accounts.iter().find(|it| it.network == *network);
    networks.iter().find_map(on)
}

/// Old software reads it into 64 bits with a sign, so the highest bit is left out. `None`: it is no id.
fn topic_id(id: &str) -> Option<String> {
    let id: u64 = id.parse().ok()?;
    Some((id & (u64::MAX >> 1)).max(1).to_string())
}

#[cfg(test)]
mod tests {
    use klout_proto::graph::v1::LinkedAccount;
    use proptest::prelude::*;

    use super::*;

    fn score(points: f64) -> Score {
        Score {
            person: "123456".to_owned(),
            state: "KNOWN".to_owned(),
            score: Some(points),
            day_change: Some(0.11),
            week_change: Some(-0.07),
            ..Score::default()
        }
    }

    fn person(accounts: &[(&str, &str, &str)]) -> Person {
        let account = |(network, native_id, handle): &(&str, &str, &str)| LinkedAccount {
            network: (*network).to_owned(),
            native_id: (*native_id).to_owned(),
            handle: (*handle).to_owned(),
            ..LinkedAccount::default()
        };
        let accounts = accounts.iter().map(account).collect();
        Person { person: "123456".to_owned(), accounts, ..Person::default() }
    }

    fn twitter() -> Vec<String> {
        vec!["twitter".to_owned(), "x".to_owned()]
    }

    fn json(value: &impl Serialize) -> String {
        serde_json::to_string(value).expect("JSON")
    }

    #[test]
    fn a_score_is_byte_for_byte_what_it_was() {
        let answer = ScoreAnswer::of(&score(48.877_138_509_344_47)).expect("a score");
        assert_eq!(
            json(&answer),
            r#"{"score":48.87713850934447,"scoreDelta":{"dayChange":0.11,"weekChange":-0.07,"monthChange":0.0},"bucket":"40-49"}"#
        );
    }

    #[test]
    fn a_user_is_byte_for_byte_what_it_was_with_changes_in_the_plural() {
        let alice = person(&[("bluesky", "did:1", "a.example"), ("twitter", "42", "alice")]);
        let user = User::of(&score(90.0), &alice, &twitter()).expect("a user");
        assert_eq!(
            json(&user),
            r#"{"kloutId":"123456","nick":"alice","score":{"score":90.0,"bucket":"90-100"},"scoreDeltas":{"dayChange":0.11,"weekChange":-0.07,"monthChange":0.0}}"#
        );
    }

    #[test]
    fn an_identity_is_byte_for_byte_what_it_was() {
        let alice = person(&[("x", "43", "alice"), ("twitter", "42", "alice")]);
        let identity = Identity::of_person("123456".to_owned());
        assert_eq!(json(&identity), r#"{"id":"123456","network":"ks"}"#);
        let identity = Identity::on(&alice, OldNetwork::Twitter, &twitter()).expect("an account");
        assert_eq!(json(&identity), r#"{"id":"42","network":"tw"}"#);
        let none = Identity::on(&alice, OldNetwork::GooglePlus, &["google-plus".to_owned()]);
        assert_eq!(none, None);
    }

    #[test]
    fn topics_are_those_that_were_earned_with_ids_below_2_to_the_63() {
        let topic = |id: u64, slug: &str, states: &[&str]| PersonTopic {
            topic: Some(Topic {
                topic: id.to_string(),
                slug: slug.to_owned(),
                display_name: "Music".to_owned(),
                ..Topic::default()
            }),
            states: states.iter().map(|it| (*it).to_owned()).collect(),
            ..PersonTopic::default()
        };
        let all = [
            topic(5_241_585_099_662_481_339, "music", &["earned"]),
            topic((1 << 63) | 7, "jazz", &["earned", "declared"]),
            topic(3, "tea", &["declared"]),
        ];
        assert_eq!(
            json(&topics(&all, "http://api.klout.com")),
            concat!(
                r#"[{"id":"5241585099662481339","displayName":"Music","name":"Music","slug":"music","#,
                r#""imageUrl":"http://api.klout.com/images/topics/music.svg","#,
                r#""topicType":"sub","displayType":"sub"},"#,
                r#"{"id":"7","displayName":"Music","name":"Music","slug":"jazz","#,
                r#""imageUrl":"http://api.klout.com/images/topics/jazz.svg","#,
                r#""topicType":"sub","displayType":"sub"}]"#
            )
        );
        let many: Vec<_> = (1..9).map(|id| topic(id, "music", &["earned"])).collect();
        assert_eq!(topics(&many, "").len(), SHOWN);
    }

    #[test]
    fn influence_shows_five_of_each_side_by_score_and_counts_all() {
        let bob = person(&[("twitter", "1", "bob")]);
        let user = |points| User::of(&score(points), &bob, &twitter()).expect("a user");
        let influencers = Side { users: (1..8).map(|it| user(f64::from(it))).collect(), count: 15 };
        let influencees = Side { users: vec![user(84.1)], count: 138_166 };
        let influence = Influence::of(influencers, influencees);
        let value = serde_json::to_value(&influence).expect("JSON");
        let scores: Vec<_> = (0..5)
            .map(|place| {
                value["myInfluencers"][place]["entity"]["payload"]["score"]["score"].clone()
            })
            .collect();
        assert_eq!(scores, [7.0, 6.0, 5.0, 4.0, 3.0]);
        assert_eq!(value["myInfluencers"].as_array().map(Vec::len), Some(SHOWN));
        let text = json(&influence);
        let end = concat!(
            r#""myInfluencees":[{"entity":{"id":"123456","payload":{"kloutId":"123456","nick":"bob","#,
            r#""score":{"score":84.1,"bucket":"80-89"},"#,
            r#""scoreDeltas":{"dayChange":0.11,"weekChange":-0.07,"monthChange":0.0}}}}],"#,
            r#""myInfluencersCount":15,"myInfluenceesCount":138166}"#
        );
        assert!(
            text.starts_with(r#"{"myInfluencers":[{"entity":"#) && text.ends_with(end),
            "{text}"
        );
    }

    #[test]
    fn whoever_has_no_score_has_no_number() {
        for state in ["UNKNOWN", "PENDING", ""] {
            let none = Score { state: state.to_owned(), ..score(50.0) };
            assert_eq!(ScoreAnswer::of(&none), None, "{state}");
        }
        assert_eq!(ScoreAnswer::of(&Score { score: None, ..score(1.0) }), None);
    }

    #[test]
    fn a_nick_is_there_whatever_somebody_has() {
        let twitter = twitter();
        let called = |person: &Person| nick(person, &twitter);
        assert_eq!(called(&person(&[("bluesky", "did:1", "a.example")])), "a.example");
        assert_eq!(called(&person(&[("x", "43", " ")])), "43");
        assert_eq!(called(&person(&[])), "123456");
        let named = Person { display_name: "Alice".to_owned(), ..person(&[]) };
        assert_eq!(called(&named), "Alice");
    }

    proptest! {
        #[test]
        fn every_score_keeps_all_its_digits_and_has_its_decade(points in 1.0..=100.0_f64) {
            let answer = serde_json::to_value(ScoreAnswer::of(&score(points))).expect("JSON");
            prop_assert_eq!(answer["score"].as_f64(), Some(points));
            let bucket = answer["bucket"].as_str().expect("a bucket");
            let (from, to) = bucket.split_once('-').expect("a range");
            let (from, to): (f64, f64) = (from.parse()?, to.parse()?);
            prop_assert!(from <= points && (points < to + 1.0 || to > 99.0), "{points} {bucket}");
        }

        #[test]
        fn every_id_of_a_topic_fits_63_bits(id: u64) {
            let told: i64 = topic_id(&id.to_string()).expect("an id").parse()?;
            prop_assert!(told > 0);
            if let Ok(small) = i64::try_from(id) {
                prop_assert_eq!(told, small.max(1));
            }
        }
    }
}
