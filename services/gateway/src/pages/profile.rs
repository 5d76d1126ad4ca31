//! What is known of one person.

use askama::Template;
use axum::body::Bytes;
use klout_proto::{
    convert::state,
    graph::v1::{GetPersonRequest, Person},
    score::v1::{GetScoreRequest, ListScoresRequest, Score, get_score_request::Subject},
};
use tonic::Status;

use super::{
    Made, Peers,
    chart::{self, Chart},
    history::{self, Days, Point},
    names::{self, Name},
    render,
    text::{self, Figure},
};
use crate::call::to_caller;

/// Days of history that the chart shows: those of the window.
const DAYS: i32 = 90;

#[derive(Debug, Template)]
#[template(path = "profile.html")]
struct ProfilePage {
    person: String,
    names: Vec<Name>,
    standing: Standing,
    epoch: u64,
    made: Option<Made>,
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
    changes: [(&'static str, Option<String>); 3],
    chart: Option<Chart>,
    /// Days and their scores, the newest first.
    history: Vec<(String, String)>,
    facts: Vec<Fact>,
}

/// A number with what it means.
#[derive(Debug)]
struct Fact {
    name: &'static str,
    value: String,
    meaning: &'static str,
}

pub(super) async fn page(peers: &Peers, person: String) -> Result<Bytes, Status> {
    let (score, person, history) =
        futures::try_join!(score(peers, &person), names(peers, &person), history(peers, &person))?;
    let page = ProfilePage {
        names: names::names(&person),
        person: person.person,
        epoch: score.epoch,
        made: Made::of([&score].into_iter()),
        standing: standing(&score, &history),
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

async fn history(peers: &Peers, person: &str) -> Result<Vec<Point>, Status> {
    let person = person.to_owned();
    let request = ListScoresRequest { person, page_size: DAYS, ..Default::default() };
    let answered = peers.scores.clone().list_scores(request).await.map_err(to_caller)?;
    Ok(history::points(&answered.into_inner().scores))
}

fn standing(score: &Score, history: &[Point]) -> Standing {
    let points = match score.score {
        Some(points) if score.known() => points,
        Some(_) | None if score.state == state::PENDING => return Standing::Pending,
        Some(_) | None => return Standing::Unknown,
    };
    Standing::Known(Box::new(Known {
        score: text::figure(points),
        changes: [
            ("In a day", score.day_change.map(text::change)),
            ("In a week", score.week_change.map(text::change)),
            ("In a month", score.month_change.map(text::change)),
        ],
        chart: Days::around(history.iter()).and_then(|days| chart::chart(history, days)),
        history: history
            .iter()
            .rev()
            .map(|point| (text::day(point.day), text::tenths(point.score)))
            .collect(),
        facts: facts(score),
    }))
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
            standing(&score, &[])
        };
        assert!(matches!(of(state::KNOWN, Some(1.0)), Standing::Known(_)));
        assert!(matches!(of(state::KNOWN, None), Standing::Unknown));
        assert!(matches!(of(state::PENDING, None), Standing::Pending));
        assert!(matches!(of(state::UNKNOWN, None), Standing::Unknown));
        assert!(matches!(of(state::UNKNOWN, Some(1.0)), Standing::Unknown));
    }
}
