//! What version 1 answered. The names and their order are what old software reads. Pure.

use klout_proto::{
    graph::v1::Person,
    score::v1::Score,
    topic::v1::{PersonTopic, Topic},
};

use super::{
    node::Node,
    v2::{SHOWN, account_on, earned, known},
};

/// A style of being influential, as version 1 told it. Of those it knew, these four are known with their numbers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Kclass {
    Observer,
    Explorer,
    Socializer,
    Specialist,
}

/// Below this score somebody hardly shows in what others do.
const OBSERVER_BELOW: f64 = 20.0;

/// So many people make a circle that somebody is the centre of.
const SOCIALIZER_REACH: f64 = 100.0;

/// From here on others act a lot on what somebody says.
const SPECIALIST_AMPLIFICATION: f64 = 40.0;

/// All users that were asked for.
pub(super) fn answered(users: Vec<Node>) -> Node {
    with_status(200, users)
}

/// Some users wait to be scored: those that do not.
pub(super) fn queued(users: Vec<Node>) -> Node {
    with_status(202, users)
}

fn with_status(status: u16, users: Vec<Node>) -> Node {
    let users = Node::List("user", users);
    Node::Fields(vec![("status", Node::Number(status.into())), ("users", users)])
}

/// One of the users is nobody.
pub(super) fn no_users(status: u16) -> Node {
    let error = Node::Fields(vec![("error", Node::text("No users"))]);
    Node::Fields(vec![
        ("status", Node::Number(status.into())),
        ("headers", Node::List("header", Vec::new())),
        ("body", error),
    ])
}

/// Of `klout`, and of each influencer and influencee. `None`: there is no score.
pub(super) fn klout(name: &str, score: &Score) -> Option<Node> {
    let (points, _) = known(score)?;
    Some(Node::Fields(vec![
        ("twitter_screen_name", Node::text(name)),
        ("kscore", Node::hundredths(points)),
    ]))
}

/// Of `users/show`; `before`: the score of five days ago, if there was one. `None`: there is no score.
pub(super) fn show(
    name: &str,
    score: &Score,
    before: Option<f64>,
    person: &Person,
    twitter: &[String],
) -> Option<Node> {
    let (points, _) = known(score)?;
    let part = |part: Option<f64>| Node::hundredths(part.unwrap_or_default());
    let kclass = Kclass::of(points, score);
    let id = account_on(person, twitter).map(|it| it.native_id.as_str()).unwrap_or_default();
    let score = Node::Fields(vec![
        ("kscore", Node::hundredths(points)),
        ("slope", part(score.month_change)),
        ("description", Node::text("")),
        ("kclass_id", Node::Number(kclass.id().into())),
        ("kclass", Node::text(kclass.name())),
        ("kclass_description", Node::text(kclass.description())),
        ("kscore_description", Node::text("")),
        ("network_score", part(score.network_impact)),
        ("amplification_score", part(score.amplification)),
        ("true_reach", Node::Number(score.true_reach.unwrap_or_default().round())),
        ("delta_1day", part(score.day_change)),
        ("delta_5day", part(before.map(|before| points - before))),
    ]);
    Some(Node::Fields(vec![
        ("twitter_id", Node::text(id)),
        ("twitter_screen_name", Node::text(name)),
        ("score", score),
    ]))
}

/// Of `users/topics`.
pub(super) fn topics(name: &str, topics: &[PersonTopic]) -> Node {
    let name_of = |topic: &Topic| Node::text(&topic.display_name.to_lowercase());
    let topics = earned(topics).map(name_of).take(SHOWN).collect();
    Node::Fields(vec![
        ("twitter_screen_name", Node::text(name)),
        ("topics", Node::List("topic", topics)),
    ])
}

/// Of `soi/influenced_by`: the method has a name, and what it lists another one.
pub(super) fn influenced_by(name: &str, influencers: Vec<Node>) -> Node {
    let influencers = Node::List("influencer", influencers);
    Node::Fields(vec![("twitter_screen_name", Node::text(name)), ("influencers", influencers)])
}

/// Of `soi/influencer_of`.
pub(super) fn influencer_of(name: &str, influencees: Vec<Node>) -> Node {
    let influencees = Node::List("influencee", influencees);
    Node::Fields(vec![("twitter_screen_name", Node::text(name)), ("influencees", influencees)])
}

// === impl Kclass ===

impl Kclass {
    fn of(points: f64, score: &Score) -> Self {
        let part = Option::unwrap_or_default;
        if points < OBSERVER_BELOW {
            Self::Observer
        } else if part(score.amplification) >= SPECIALIST_AMPLIFICATION {
            Self::Specialist
        } else if part(score.true_reach) >= SOCIALIZER_REACH {
            Self::Socializer
        } else {
            Self::Explorer
        }
    }

    const fn id(self) -> u8 {
        match self {
            Self::Observer => 1,
            Self::Explorer => 4,
            Self::Socializer => 10,
            Self::Specialist => 11,
        }
    }

    const fn name(self) -> &'static str {
        match self {
            Self::Observer => "Observer",
            Self::Explorer => "Explorer",
            Self::Socializer => "Socializer",
            Self::Specialist => "Specialist",
        }
    }

    const fn description(self) -> &'static str {
        match self {
            Self::Observer => "Follows what others do and says little that they react to.",
            Self::Explorer => "Tries things out, and some people react to it.",
            Self::Socializer => "Stands in the middle of a circle of people who react.",
            Self::Specialist => "What they say makes others act.",
        }
    }
}

#[cfg(test)]
mod tests {
    use klout_proto::graph::v1::LinkedAccount;
    use proptest::prelude::*;

    use super::*;

    fn score(points: f64) -> Score {
        Score {
            person: "7".to_owned(),
            state: "KNOWN".to_owned(),
            score: Some(points),
            day_change: Some(-0.0704),
            month_change: Some(-0.319),
            true_reach: Some(3.2),
            amplification: Some(2.0),
            network_impact: Some(11.251),
            ..Score::default()
        }
    }

    fn json(node: &Node) -> String {
        serde_json::to_string(node).expect("JSON")
    }

    #[test]
    fn klout_is_byte_for_byte_what_it_was() {
        let alice = klout("alice", &score(10.8571)).expect("a score");
        assert_eq!(
            json(&answered(vec![alice])),
            r#"{"status":200,"users":[{"twitter_screen_name":"alice","kscore":10.86}]}"#
        );
    }

    #[test]
    fn users_show_is_byte_for_byte_what_it_was() {
        let account = LinkedAccount {
            network: "twitter".to_owned(),
            native_id: "42".to_owned(),
            ..LinkedAccount::default()
        };
        let person = Person { accounts: vec![account], ..Person::default() };
        let twitter = ["twitter".to_owned()];
        let shown = show("alice", &score(10.8571), Some(11.2), &person, &twitter);
        assert_eq!(
            json(&answered(vec![shown.expect("a score")])),
            concat!(
                r#"{"status":200,"users":[{"twitter_id":"42","twitter_screen_name":"alice","#,
                r#""score":{"kscore":10.86,"slope":-0.32,"description":"","kclass_id":1,"#,
                r#""kclass":"Observer","#,
                r#""kclass_description":"Follows what others do and says little that they react to.","#,
                r#""kscore_description":"","network_score":11.25,"amplification_score":2,"#,
                r#""true_reach":3,"delta_1day":-0.07,"delta_5day":-0.34}}]}"#
            )
        );
    }

    #[test]
    fn topics_and_influence_are_byte_for_byte_what_they_were() {
        let topic = |name: &str| PersonTopic {
            topic: Some(Topic { display_name: name.to_owned(), ..Topic::default() }),
            states: vec!["earned".to_owned()],
            ..PersonTopic::default()
        };
        assert_eq!(
            json(&topics("alice", &[topic("Humor"), topic("Comedy")])),
            r#"{"twitter_screen_name":"alice","topics":["humor","comedy"]}"#
        );
        let bob = klout("bob", &score(95.71)).expect("a score");
        assert_eq!(
            json(&influenced_by("alice", vec![bob])),
            r#"{"twitter_screen_name":"alice","influencers":[{"twitter_screen_name":"bob","kscore":95.71}]}"#
        );
        let carol = klout("carol", &score(12.03)).expect("a score");
        assert_eq!(
            json(&influencer_of("alice", vec![carol])),
            r#"{"twitter_screen_name":"alice","influencees":[{"twitter_screen_name":"carol","kscore":12.03}]}"#
        );
    }

    #[test]
    fn nobody_is_byte_for_byte_what_it_was() {
        assert_eq!(
            json(&no_users(200)),
            r#"{"status":200,"headers":[],"body":{"error":"No users"}}"#
        );
        assert_eq!(json(&queued(Vec::new())), r#"{"status":202,"users":[]}"#);
    }

    #[test]
    fn every_style_has_the_number_that_was_seen() {
        let of = |points, amplification, reach| {
            let score = Score {
                amplification: Some(amplification),
                true_reach: Some(reach),
                ..Score::default()
            };
            let kclass = Kclass::of(points, &score);
            (kclass.id(), kclass.name())
        };
        assert_eq!(of(10.86, 50.0, 500.0), (1, "Observer"));
        assert_eq!(of(30.0, 10.0, 20.0), (4, "Explorer"));
        assert_eq!(of(30.0, 10.0, 200.0), (10, "Socializer"));
        assert_eq!(of(30.0, 60.0, 200.0), (11, "Specialist"));
        assert_eq!(Kclass::of(30.0, &Score::default()), Kclass::Explorer);
    }

    proptest! {
        #[test]
        fn a_score_is_within_half_a_hundredth_of_what_is_told(points in 1.0..=100.0_f64) {
            let node = klout("a", &score(points)).expect("a score");
            let told = serde_json::to_value(&node).expect("JSON")["kscore"].as_f64();
            prop_assert!((told.expect("a number") - points).abs() <= 0.005 + 1e-9);
        }
    }
}
