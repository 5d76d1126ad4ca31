//! Explanations as the wire has them: what `ExplainScore`, `SimulateScore` and `ListMoments` answer about
//! a person whose evidence is at hand. What is explained how is in `klout_score_math`; nothing is read here.

use klout_model::{Day, Network, PersonId, Score as Points};
use klout_proto::{convert, score::v1 as wire};
use klout_score_math::{
    Model, PersonScore, Portrait,
    explain::{Contribution, Moment},
    simulate::{By, Counterfactual, Event, What},
};
use time::{OffsetDateTime, Time};

use crate::error::Error;

/// How many events are tried at once.
const EVENTS_MAX: usize = 100;
/// How often each of them may happen.
const EVENT_COUNT_MAX: u32 = 1_000_000;
/// What differs by less is the same.
const SAME: f64 = 1e-9;
/// What changed of those who react: they are more credible than they were, or pay more attention.
const ACTORS: &str = "actors";

/// What is explained.
#[derive(Debug)]
pub(crate) struct Explained<'a> {
    pub(crate) person: PersonId,
    pub(crate) portrait: &'a Portrait,
    /// The day of the portrait.
    pub(crate) today: Day,
    /// As it is stored. What the portrait says takes the place of its numbers.
    pub(crate) score: wire::Score,
    /// The evidence as it was. `None`: there was no score.
    pub(crate) since: Option<Since<'a>>,
    /// Whether the same number comes out of the log again.
    pub(crate) recomputable: bool,
}

/// What an explanation tells the changes from.
#[derive(Debug)]
pub(crate) struct Since<'a> {
    /// The end of that day.
    pub(crate) time: OffsetDateTime,
    /// The score that was published then, by the model of the explanation. `None`: that of the portrait.
    pub(crate) score: Option<f64>,
    /// With what is known today of those who react.
    pub(crate) portrait: &'a Portrait,
}

/// What `ExplainScore` answers.
pub(crate) fn explain_score(
    model: &Model,
    explained: Explained<'_>,
) -> Result<wire::Explanation, Error> {
    let Explained { person, portrait, today, score, since, recomputable } = explained;
    let explanation = portrait.explain(model).ok_or(Error::ScoreUnknown { person })?;
    let (low, high) = explanation.interval;
    let since = since.and_then(|since| Some((since.score(model)?, since)));
    let changes = since.as_ref().map(|(old, since)| {
        let mut changes: Vec<_> =
            portrait.changes(model, since.portrait).into_iter().map(contribution).collect();
        let told: f64 = changes.iter().map(|change| change.points).sum();
        let left = explanation.score.score.points() - old - told;
        if left.abs() > SAME {
            let name = ACTORS.to_owned();
            changes.push(wire::Contribution { name, points: left, without: left, count: 0 });
            changes.sort_by(|one, other| other.points.abs().total_cmp(&one.points.abs()));
        }
        changes
    });
    let list = |list: Vec<Contribution>| list.into_iter().map(contribution).collect();
    Ok(wire::Explanation {
        score: Some(with(score, &explanation.score)),
        influence: explanation.score.influence,
        low_score: low.points(),
        high_score: high.points(),
        networks: list(explanation.networks),
        dimensions: list(explanation.dimensions),
        kinds: list(explanation.kinds),
        posts: list(explanation.posts),
        actor_classes: list(explanation.actor_classes),
        changes: changes.unwrap_or_default(),
        since_time: since.as_ref().map(|(_, since)| convert::timestamp(since.time)),
        since_score: since.as_ref().map(|(old, _)| *old),
        counterfactuals: portrait.counterfactuals(model).into_iter().map(counterfactual).collect(),
        bursts: portrait
            .bursts(model)
            .into_iter()
            .map(|burst| wire::Burst {
                network: burst.network.to_string(),
                day_time: Some(beginning(today, burst.age)),
                strangers: burst.strangers,
            })
            .collect(),
        recomputable,
    })
}

/// What `SimulateScore` answers. `score` is the one now.
pub(crate) fn simulate_score(
    model: &Model,
    portrait: &Portrait,
    score: wire::Score,
    events: &[wire::SimulatedEvent],
) -> Result<wire::SimulateScoreResponse, Error> {
    let refused = |problem| Error::FieldInvalid { field: "events", problem };
    match events.len() {
        0 => return Err(refused("are none")),
        1..=EVENTS_MAX => {}
        _ => return Err(refused("are more than 100")),
    }
    let events: Vec<Event> = events.iter().map(event).collect::<Result<_, _>>()?;
    let now = portrait.score(model);
    let simulated_score = portrait.simulate(model, &events).score.points();
    // Of somebody without a score all of it is more, from the floor on.
    let change = simulated_score - now.map_or(Points::MIN, |now| now.score).points();
    let score = now.map_or(score.clone(), |now| with(score, &now));
    Ok(wire::SimulateScoreResponse { score: Some(score), simulated_score, change })
}

/// What `ListMoments` answers: so many of the posts, best first, after those that were listed before; and
/// whether there are more.
pub(crate) fn list_moments(
    model: &Model,
    portrait: &Portrait,
    today: Day,
    listed: usize,
    size: usize,
) -> (Vec<wire::Moment>, bool) {
    let moments = portrait.moments(model);
    let more = moments.len() > listed.saturating_add(size);
    let page = moments.into_iter().skip(listed).take(size);
    (page.map(|moment| to_moment(moment, today)).collect(), more)
}

/// A score with the numbers that are explained, so that the lists add up to it.
fn with(score: wire::Score, explained: &PersonScore) -> wire::Score {
    let points = explained.score;
    // Changes are since a day, of which the numbers that are stored are.
    let moved = score.score.map_or(0.0, |stored| points.points() - stored);
    wire::Score {
        state: convert::state::KNOWN.to_owned(),
        score: Some(points.points()),
        confidence: Some(explained.confidence),
        bucket: points.bucket().to_string(),
        true_reach: Some(explained.true_reach),
        amplification: Some(explained.amplification),
        network_impact: Some(explained.network_impact),
        day_change: score.day_change.map(|change| change + moved),
        week_change: score.week_change.map(|change| change + moved),
        month_change: score.month_change.map(|change| change + moved),
        ..score
    }
}

fn contribution(contribution: Contribution) -> wire::Contribution {
    let Contribution { name, points, without, count } = contribution;
    wire::Contribution { name, points, without, count }
}

fn counterfactual(counterfactual: Counterfactual) -> wire::Counterfactual {
    let Counterfactual { text, event, change } = counterfactual;
    let event = wire::SimulatedEvent {
        network: event.network.to_string(),
        kind: event.what.as_str().to_owned(),
        count: event.count,
        actor_class: event.by.as_str().to_owned(),
    };
    wire::Counterfactual { text, event: Some(event), change }
}

fn to_moment(moment: Moment, today: Day) -> wire::Moment {
    let count =
        |(kind, count): (klout_model::Kind, u64)| wire::KindCount { kind: kind.to_string(), count };
    wire::Moment {
        network: moment.network.to_string(),
        post: moment.post.to_string(),
        post_time: moment.age.map(|age| beginning(today, age)),
        points: moment.points,
        counts: moment.counts.into_iter().map(count).collect(),
    }
}

/// When the UTC day that is so many days before today began.
fn beginning(today: Day, age: u8) -> prost_types::Timestamp {
    let day = today.minus(age.into()).to_date();
    convert::timestamp(OffsetDateTime::new_utc(day, Time::MIDNIGHT))
}

/// An event off the wire.
fn event(event: &wire::SimulatedEvent) -> Result<Event, Error> {
    let refused = |field, problem| Error::FieldInvalid { field, problem };
    let network: Network = event
        .network
        .parse()
        .map_err(|_| refused("events.network", "is not the name of a network"))?;
    let what = What::from_word(&event.kind)
        .ok_or_else(|| refused("events.kind", "is neither a kind of interaction nor `post`"))?;
    let by = By::from_word(&event.actor_class).ok_or_else(|| {
        let problem = "is not one of like_mine, member, influential and unknown";
        refused("events.actor_class", problem)
    })?;
    if !(1..=EVENT_COUNT_MAX).contains(&event.count) {
        return Err(refused("events.count", "is not a number from 1 to 1000000"));
    }
    Ok(Event { network, what, count: event.count, by })
}

// === impl Since ===

impl Since<'_> {
    fn score(&self, model: &Model) -> Option<f64> {
        self.portrait.score(model).map(|score| self.score.unwrap_or(score.score.points()))
    }
}

#[cfg(test)]
mod tests {
    use klout_model::Kind;
    use klout_score_math::{
        PortraitActor, PortraitPresence, PortraitReaction, PostHash, PostTally, Repute,
    };
    use time::macros::{date, datetime};

    use super::*;

    const TODAY: time::Date = date!(2026 - 11 - 01);

    /// Somebody whom so many members like on Bluesky today, twelve of them a post of yesterday.
    fn portrait(members: u32) -> Portrait {
        let factors = Repute { credibility: 1.0, prestige: 0.1, worth: 1.05 }.factors();
        let actor = PortraitActor { factors, registered: true, ..PortraitActor::default() };
        let (kind, age, post) = (Kind::Like, 0, PostHash(0xab));
        let reaction = |actor| PortraitReaction { actor, kind, age, count: 1 };
        let presence = PortraitPresence {
            network: "bluesky".parse().expect("a network"),
            vouched: false,
            reactions: (0..members).map(reaction).collect(),
            unnamed: Vec::new(),
            posts: vec![(post, 1)],
            tallies: vec![PostTally { post, kind, age, count: 12 }],
            counters: Vec::new(),
        };
        let actors = vec![actor; members as usize];
        Portrait { presences: vec![presence], actors, ..Portrait::default() }
    }

    fn person() -> PersonId {
        "42".parse().expect("a person")
    }

    fn stored() -> wire::Score {
        let score = Some(40.0);
        wire::Score { person: "42".to_owned(), score, day_change: Some(1.0), ..Default::default() }
    }

    fn explained<'a>(portrait: &'a Portrait, since: Option<Since<'a>>) -> Explained<'a> {
        let today = Day::from_date(TODAY);
        let (person, score) = (person(), stored());
        Explained { person, portrait, today, score, since, recomputable: true }
    }

    fn sum(list: &[wire::Contribution]) -> f64 {
        list.iter().map(|it| it.points).sum()
    }

    #[test]
    fn the_lists_add_up_to_the_score_that_is_answered() {
        let portrait = portrait(30);
        let answer = explain_score(Model::current(), explained(&portrait, None)).expect("evidence");
        let score = answer.score.clone().expect("always");
        let points = score.score.expect("is known");
        assert_eq!((score.state.as_str(), score.bucket.as_str()), ("KNOWN", "50-59"));
        let change = score.day_change.expect("was stored");
        assert!((change - (points - 39.0)).abs() < 1e-9, "{change} of {points}");
        assert!(answer.low_score < points && points < answer.high_score);
        for list in [
            &answer.networks,
            &answer.dimensions,
            &answer.kinds,
            &answer.posts,
            &answer.actor_classes,
        ] {
            assert!((sum(list) - points).abs() < 1e-9, "{list:?}");
        }
        assert!(answer.changes.is_empty() && answer.since_time.is_none());
        assert!(answer.recomputable && answer.bursts.is_empty());
    }

    #[test]
    fn what_would_raise_the_score_can_be_asked_for_as_it_is_told() {
        let portrait = portrait(30);
        let answer = explain_score(Model::current(), explained(&portrait, None)).expect("evidence");
        assert!(!answer.counterfactuals.is_empty());
        for it in answer.counterfactuals {
            let events = [it.event.expect("always")];
            let simulated = simulate_score(Model::current(), &portrait, stored(), &events)
                .expect("it is an event");
            assert!((simulated.change - it.change).abs() < 1e-12, "{}", it.text);
        }
    }

    #[test]
    fn changes_add_up_to_the_change_of_the_published_score() {
        let (old, new) = (portrait(20), portrait(30));
        let model = Model::current();
        let time = datetime!(2026-10-31 23:59:59 UTC);
        for published in [None, Some(45.0)] {
            let since = Since { time, score: published, portrait: &old };
            let answer = explain_score(model, explained(&new, Some(since))).expect("evidence");
            let points = answer.score.and_then(|it| it.score).expect("is known");
            let was = answer.since_score.expect("there was one");
            assert!((sum(&answer.changes) - (points - was)).abs() < 1e-9, "{:?}", answer.changes);
            let of_actors = answer.changes.iter().any(|it| it.name == ACTORS);
            assert_eq!(of_actors, published.is_some());
            assert_eq!(answer.since_time, Some(convert::timestamp(time)));
        }
        let since = Since { time, score: None, portrait: &Portrait::default() };
        let answer = explain_score(model, explained(&new, Some(since))).expect("evidence");
        assert_eq!((answer.since_score, answer.changes), (None, Vec::new()), "no score before");
    }

    #[test]
    fn nothing_is_explained_without_evidence() {
        let nobody = Portrait::default();
        let refused = explain_score(Model::current(), explained(&nobody, None));
        assert!(matches!(refused, Err(Error::ScoreUnknown { person: it }) if it == person()));
    }

    #[test]
    fn an_event_that_cannot_be_is_refused_by_its_field() {
        let event = |network: &str, kind: &str, count, class: &str| wire::SimulatedEvent {
            network: network.to_owned(),
            kind: kind.to_owned(),
            count,
            actor_class: class.to_owned(),
        };
        let good = event("bluesky", "reshare", 20, "");
        let field = |events: &[wire::SimulatedEvent]| {
            let portrait = portrait(3);
            match simulate_score(Model::current(), &portrait, stored(), events) {
                Ok(answer) => {
                    assert!(answer.change.is_finite() && answer.score.is_some());
                    "none"
                }
                Err(Error::FieldInvalid { field, .. }) => field,
                Err(error) => panic!("{error}"),
            }
        };
        assert_eq!(field(&[good.clone(), event("new-network", "post", 1, "unknown")]), "none");
        assert_eq!(field(&[event("bluesky", "like", 1_000_000, "influential")]), "none");
        assert_eq!(field(&[]), "events");
        assert_eq!(field(&vec![good.clone(); 101]), "events");
        for (wrong, name) in [
            (event("No Network", "like", 1, ""), "events.network"),
            (event("bluesky", "adore", 1, ""), "events.kind"),
            (event("bluesky", "like", 0, ""), "events.count"),
            (event("bluesky", "like", 1_000_001, ""), "events.count"),
            (event("bluesky", "like", 1, "members"), "events.actor_class"),
        ] {
            assert_eq!(field(&[good.clone(), wrong]), name);
        }
    }

    #[test]
    fn moments_come_in_pages_with_the_day_of_the_post() {
        let (portrait, today) = (portrait(30), Day::from_date(TODAY));
        let (moments, more) = list_moments(Model::current(), &portrait, today, 0, 10);
        let [moment] = &moments[..] else { panic!("{moments:?}") };
        assert_eq!(moment.post, "000000000000000000000000000000ab");
        let yesterday = convert::timestamp(datetime!(2026-10-31 0:00 UTC));
        assert_eq!((moment.post_time, more), (Some(yesterday), false));
        assert_eq!(moment.counts, [wire::KindCount { kind: "like".to_owned(), count: 12 }]);
        assert!(moment.points > 10.0);
        let (rest, more) = list_moments(Model::current(), &portrait, today, 1, 10);
        assert!(rest.is_empty() && !more);
        assert!(list_moments(Model::current(), &portrait, today, 0, 0).1);
    }
}
