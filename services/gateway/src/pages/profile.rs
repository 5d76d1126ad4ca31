//! What is known of one person.

use std::time::Duration;

use askama::Template;
use axum::body::Bytes;
use klout_chassis::within;
use klout_proto::{
    convert::state,
    graph::v1::{GetPersonRequest, Person},
    score::v1::{
        ExplainScoreRequest, Explanation, GetScoreRequest, ListScoresRequest, Score,
        explain_score_request, get_score_request::Subject,
    },
};
use tonic::Status;
use tracing::debug;

use super::{
    Made, Peers,
    chart::{self, Chart},
    history::{self, Days, Switch},
    influence::{self, Circle},
    known_for::{self, KnownFor},
    names::{self, Name},
    plus_k::{self, Vouched},
    render,
    text::{self, Figure},
    why::{self, Why},
};
use crate::call::to_caller;

/// Days of history that the chart shows: those of the window.
const DAYS: i32 = 90;

/// A page is not worth a longer wait for why its score is what it is, and is good without.
const EXPLANATION_TIME_MAX: Duration = Duration::from_secs(1);

#[derive(Debug, Template)]
#[template(path = "profile.html")]
struct ProfilePage {
    person: String,
    names: Vec<Name>,
    standing: Standing,
    epoch: u64,
    made: Option<Made>,
    /// `None`: it was not told.
    known_for: Option<KnownFor>,
    /// `None`: it was not told.
    circle: Option<Circle>,
    /// `None`: it was not told.
    vouched: Option<Vouched>,
}

/// What is known of a score. Only who is known has a number.
#[derive(Debug)]
enum Standing {
    Known(Box<Known>),
    Pending,
    Unknown,
}

#[derive(Debug)]
struct Known {
    score: Figure,
    changes: [Change; 3],
    chart: Option<Chart>,
    /// The newest first.
    history: Vec<Day>,
    /// When another model came, the oldest first.
    switches: Vec<(String, String)>,
    why: Option<Why>,
    facts: Vec<Fact>,
}

/// How much a score has changed in a time.
#[derive(Debug)]
struct Change {
    since: &'static str,
    points: Option<String>,
    /// Why there is no number.
    missing: &'static str,
}

/// A row of the history.
#[derive(Debug)]
struct Day {
    day: String,
    score: String,
    /// The model, on its first day after another one.
    model: Option<String>,
}

/// A number with what it means.
#[derive(Debug)]
struct Fact {
    name: &'static str,
    value: String,
    meaning: &'static str,
}

pub(super) async fn page(peers: &Peers, person: String) -> Result<Bytes, Status> {
    let (score, person, history, explanation, known_for, circle, vouched) = futures::try_join!(
        score(peers, &person),
        names(peers, &person),
        history(peers, &person),
        async { Ok(explanation(peers, &person).await) },
        async { Ok(known_for::known_for(peers, &person).await) },
        async { Ok(influence::circle(peers, &person).await) },
        async { Ok(plus_k::vouched(peers, &person).await) },
    )?;
    let page = ProfilePage {
        names: names::names(&person),
        person: person.person,
        epoch: score.epoch,
        made: Made::of([&score].into_iter()),
        standing: standing(&score, &history, explanation.as_ref()),
        known_for,
        circle,
        vouched,
    };
    Ok(render(&page))
}

async fn score(peers: &Peers, person: &str) -> Result<Score, Status> {
    let subject = Some(Subject::Person(person.to_owned()));
    let request = GetScoreRequest { subject, ..Default::default() };
    let answered = peers.scores.clone().get_score(request).await.map_err(to_caller)?;
    Ok(answered.into_inner().score.unwrap_or_default())
}

async fn names(peers: &Peers, person: &str) -> Result<Person, Status> {
    let request = GetPersonRequest { person: person.to_owned() };
    let answered = peers.people.clone().get_person(request).await.map_err(to_caller)?;
    Ok(answered.into_inner().person.unwrap_or_default())
}

async fn history(peers: &Peers, person: &str) -> Result<Vec<Score>, Status> {
    let person = person.to_owned();
    let request = ListScoresRequest { person, page_size: DAYS, ..Default::default() };
    let answered = peers.scores.clone().list_scores(request).await.map_err(to_caller)?;
    Ok(answered.into_inner().scores)
}

/// `None` where there is nothing to explain, and when it is not told in time.
async fn explanation(peers: &Peers, person: &str) -> Option<Explanation> {
    let subject = Some(explain_score_request::Subject::Person(person.to_owned()));
    let request = ExplainScoreRequest { subject, ..Default::default() };
    let mut scores = peers.scores.clone();
    let answered = within(EXPLANATION_TIME_MAX, scores.explain_score(request)).await;
    match answered.and_then(|answered| answered) {
        Ok(answered) => answered.into_inner().explanation,
        Err(status) => {
            debug!(%status, "a profile is shown without why its score is what it is");
            None
        }
    }
}

/// `history` comes newest first.
fn standing(score: &Score, history: &[Score], explanation: Option<&Explanation>) -> Standing {
    let number = match score.score {
        Some(number) if score.known() => number,
        Some(_) | None if score.state == state::PENDING => return Standing::Pending,
        Some(_) | None => return Standing::Unknown,
    };
    let points = history::points(history);
    let switches = history::switches(history);
    Standing::Known(Box::new(Known {
        score: text::figure(number),
        changes: [
            ("In a day", score.day_change, 1),
            ("In a week", score.week_change, 7),
            ("In a month", score.month_change, 30),
        ]
        .map(|(since, change, days)| Change {
            since,
            points: change.map(text::change),
            missing: missing(score, history, days),
        }),
        chart: Days::around(points.iter()).and_then(|days| chart::chart(&points, days)),
        history: points
            .iter()
            .rev()
            .map(|point| Day {
                day: text::day(point.day),
                score: text::tenths(point.score),
                model: switches.iter().find(|it| it.day == point.day).map(|it| it.model.clone()),
            })
            .collect(),
        switches: switches
            .into_iter()
            .map(|Switch { day, model }| (text::day(day), model))
            .collect(),
        why: explanation.map(why::why),
        facts: facts(score),
    }))
}

/// Why there is no change since so many days before: changes are between scores of one model.
fn missing(score: &Score, history: &[Score], days: i64) -> &'static str {
    let then = history::day(score).map(|day| day.saturating_sub(time::Duration::days(days)));
    let had = history
        .iter()
        .filter(|it| it.score.is_some() && it.model != score.model)
        .any(|it| history::day(it).zip(then).is_some_and(|(day, then)| day <= then));
    if had { "another model then" } else { "no score then" }
}

fn facts(score: &Score) -> Vec<Fact> {
    let of_hundred = |number| format!("{} of 100", text::tenths(number));
    let mut facts = Vec::new();
    let mut add = |name, value: Option<String>, meaning| {
        facts.extend(value.map(|value| Fact { name, value, meaning }));
    };
    add("True reach", score.true_reach.map(text::people), "How many people are really influenced.");
    add("Amplification", score.amplification.map(of_hundred), "How much these people do about it.");
    add(
        "Network impact",
        score.network_impact.map(of_hundred),
        "How influential these people are themselves.",
    );
    add(
        "Confidence",
        score.confidence.map(|it| format!("{}, {}", text::confidence(it), text::hundredths(it))),
        "From 0 to 1: how many people’s reactions were seen.",
    );
    add(
        "Percentile",
        score.percentile.map(text::percentile),
        "Of 100 people with a score here, how many have a lower one.",
    );
    let bucket = (!score.bucket.is_empty()).then(|| score.bucket.clone());
    add("Bucket", bucket, "The ten points that the score lies in.");
    facts
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_who_is_known_has_a_number() {
        let of = |state: &str, points| {
            let score = Score { state: state.to_owned(), score: points, ..Score::default() };
            standing(&score, &[], None)
        };
        assert!(matches!(of(state::KNOWN, Some(1.0)), Standing::Known(_)));
        assert!(matches!(of(state::KNOWN, None), Standing::Unknown));
        assert!(matches!(of(state::PENDING, None), Standing::Pending));
        assert!(matches!(of(state::UNKNOWN, None), Standing::Unknown));
        assert!(matches!(of(state::UNKNOWN, Some(1.0)), Standing::Unknown));
    }
}
