//! The people with the highest scores, a page at a time.

use std::{collections::HashMap, time::Duration};

use askama::Template;
use axum::body::Bytes;
use futures::future::try_join_all;
use klout_chassis::{Refusal, switched_on, within};
use klout_proto::{
    graph::v1::{BatchGetPeopleRequest, Person},
    score::v1::{
        BatchLookupScoresRequest, ListScoresRequest, ListTopScoresRequest, LookupSubject, Score,
        lookup_result, lookup_subject,
    },
};
use tokio::{
    sync::Mutex,
    time::{Instant, sleep_until},
};
use tonic::{Code, Status};

use super::{
    Made, Peers,
    chart::{self, Sparkline},
    history::{self, Days, Point},
    names::{self, Name},
    render,
    text::{self, Figure},
};
use crate::{call::to_caller, error::Error, transcode::Unbindable};

/// People on a page.
const SIZE: i32 = 20;

/// Days of history that a sparkline shows.
const DAYS: i32 = 30;

/// Places in the ranking that a link may name.
const RANKS: std::ops::RangeInclusive<u32> = 1..=1_000_000_000;

/// Names of a person beside the first that there is room for.
const OTHERS_MAX: usize = 2;

/// Where in the ranking a page begins.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Place {
    /// Of ListTopScores. Empty: the first page.
    token: String,
    /// The rank of its first person, as the link says that led here: a token does not tell. It
    /// carries no authority, and whoever writes a link with another number misnumbers a page for who
    /// follows it.
    rank: u32,
}

/// How often a page is made for one who asks, as somebody on it has just left.
const MAKINGS_MAX: usize = 3;

/// A page, and who is on it.
#[derive(Clone, Debug)]
struct Shown {
    page: Bytes,
    people: Vec<String>,
}

/// Makes the pages, for nobody in particular.
///
/// A page needs no key and stands for many calls, so it must not be a lever for load. The first page
/// is made at most once a second, and at most one further page at a time, whoever asks and however
/// many: who comes while it is made waits for it, and who comes within a second after gets the same,
/// failures too. Further pages do not stand in the way of the first.
///
/// Before a page is shown, also one that was waited for, scoring is asked whether everybody on it is still there; that
/// is one call, which it answers from memory. Else the page is made anew: nobody is shown who has left since.
#[derive(Debug)]
pub(super) struct Overview {
    request_time_max: Duration,
    /// How long a page is shown to whoever asks.
    keep_time: Duration,
    first: Flight,
    further: Flight,
}

/// The last page that was made. Held while making one, so that one is made for all.
type Flight = Mutex<Option<Kept>>;

#[derive(Debug)]
struct Kept {
    place: Place,
    /// When it was made, or begun.
    time: Instant,
    /// `None` while it is made. Found so, it was begun for somebody who then hung up: whoever begins
    /// again waits until its second has passed, or hanging up would be the lever.
    page: Option<Result<Shown, Status>>,
}

#[derive(Debug, Template)]
#[template(path = "overview.html")]
struct OverviewPage {
    /// The rank of a further page's first person.
    further: Option<u32>,
    rows: Vec<Row>,
    size: i32,
    next: Option<String>,
    made: Option<Made>,
}

#[derive(Debug)]
struct Row {
    rank: u32,
    person: String,
    name: Name,
    others: Vec<Name>,
    /// How many names more there are.
    further: usize,
    score: Figure,
    line: Option<Sparkline>,
    change: Option<String>,
}

// === impl Place ===

impl Place {
    /// Of the query of an address.
    pub(super) fn parse(query: &str) -> Result<Self, Error> {
        let mut place = Self { token: String::new(), rank: 1 };
        for (name, value) in form_urlencoded::parse(query.as_bytes()) {
            match &*name {
                "page" => place.token = value.into_owned(),
                "from" => {
                    let rank = value.parse().ok().filter(|rank| RANKS.contains(rank));
                    place.rank = rank.ok_or_else(|| {
                        let problem = "is not a rank";
                        Error::Field(Unbindable { field: "from".to_owned(), problem })
                    })?;
                }
                // What others add to links is none of our business.
                _ => {}
            }
        }
        if place.is_first() {
            place.rank = 1;
        }
        Ok(place)
    }

    const fn is_first(&self) -> bool {
        self.token.is_empty()
    }

    /// The address of the page that begins here.
    fn address(&self) -> String {
        let mut query = form_urlencoded::Serializer::new(String::new());
        query.append_pair("page", &self.token).append_pair("from", &self.rank.to_string());
        format!("/?{}", query.finish())
    }
}

// === impl Overview ===

impl Overview {
    pub(super) fn new(request_time_max: Duration, keep_time: Duration) -> Self {
        Self { request_time_max, keep_time, first: Flight::default(), further: Flight::default() }
    }

    pub(super) async fn page(&self, peers: &Peers, place: Place) -> Result<Bytes, Status> {
        let mut gone = None;
        for _ in 0..MAKINGS_MAX {
            let shown = self.shown(peers, &place, gone).await?;
            let still_there = within(self.request_time_max, are_there(peers, &shown.people));
            if still_there.await?? {
                return Ok(shown.page);
            }
            gone = Some(shown.page);
        }
        let refusal = Refusal::new(Code::Unavailable, "PEER_UNAVAILABLE");
        Err(refusal.into_plain_status("people on this page are leaving right now"))
    }

    /// The page that was made last or is made now; not the one on which somebody has `gone`.
    async fn shown(
        &self,
        peers: &Peers,
        place: &Place,
        gone: Option<Bytes>,
    ) -> Result<Shown, Status> {
        let flight = if place.is_first() { &self.first } else { &self.further };
        let mut kept = within(self.request_time_max, flight.lock()).await?;
        if let Some(last) = &*kept {
            match &last.page {
                Some(Ok(shown)) if gone.as_ref() == Some(&shown.page) => {}
                Some(page) if last.place == *place && last.time.elapsed() < self.keep_time => {
                    return page.clone();
                }
                Some(_) => {}
                None => sleep_until(last.time + self.keep_time).await,
            }
        }
        *kept = Some(Kept { place: place.clone(), time: Instant::now(), page: None });
        let made = within(self.request_time_max, make(peers, place)).await;
        let page = made.and_then(|made| made);
        let page = page.map(|(page, people)| Shown { page: render(&page), people });
        let (place, time) = (place.clone(), Instant::now());
        *kept = Some(Kept { place, time, page: Some(page.clone()) });
        page
    }
}

/// Whether scoring knows all of these people.
async fn are_there(peers: &Peers, people: &[String]) -> Result<bool, Status> {
    if people.is_empty() || switched_on!("gateway.pages_unasked") {
        return Ok(true);
    }
    let subject = |person: &String| LookupSubject {
        subject: Some(lookup_subject::Subject::Person(person.clone())),
    };
    let request = BatchLookupScoresRequest { subjects: people.iter().map(subject).collect() };
    let answered = peers.scores.clone().batch_lookup_scores(request).await.map_err(to_caller)?;
    let results = answered.into_inner().results;
    Ok(results.iter().all(|it| matches!(it.result, Some(lookup_result::Result::Score(_)))))
}

/// A page, and everybody whom it was made of: also who has just left names its end, to whoever turns it.
async fn make(peers: &Peers, place: &Place) -> Result<(OverviewPage, Vec<String>), Status> {
    let page_token = place.token.clone();
    let request = ListTopScoresRequest { page_size: SIZE, page_token, ..Default::default() };
    let top = peers.scores.clone().list_top_scores(request).await.map_err(to_caller)?.into_inner();
    let ranked_people: Vec<String> = top.scores.iter().map(|score| score.person.clone()).collect();
    let (people, histories) = futures::try_join!(
        people_of(peers, ranked_people.clone()),
        try_join_all(top.scores.iter().map(|score| history_of(peers, score)))
    )?;
    // One and the same for all, so that lines can be compared.
    let days = Days::around(histories.iter().flatten());
    let ranked = (place.rank..).zip(top.scores.iter().zip(&histories));
    let rows = ranked.filter_map(|(rank, (score, points))| {
        // Who has just left has no name any more, and is not shown.
        row(rank, score, people.get(&score.person)?, days.map(|days| (points.as_slice(), days)))
    });
    let rows = rows.collect();
    let passed = u32::try_from(top.scores.len()).unwrap_or(0);
    let next = (!top.next_page_token.is_empty()).then(|| {
        let rank = place.rank.saturating_add(passed);
        Place { token: top.next_page_token, rank }.address()
    });
    let made = Made::of(top.scores.iter());
    let further = (!place.is_first()).then_some(place.rank);
    Ok((OverviewPage { further, rows, size: SIZE, next, made }, ranked_people))
}

async fn people_of(peers: &Peers, people: Vec<String>) -> Result<HashMap<String, Person>, Status> {
    if people.is_empty() {
        return Ok(HashMap::new());
    }
    let request = BatchGetPeopleRequest { people };
    let answered = peers.people.clone().batch_get_people(request).await.map_err(to_caller)?;
    let people = answered.into_inner().people.into_iter();
    Ok(people.map(|person| (person.person.clone(), person)).collect())
}

async fn history_of(peers: &Peers, score: &Score) -> Result<Vec<Point>, Status> {
    let person = score.person.clone();
    let request = ListScoresRequest { person, page_size: DAYS, ..Default::default() };
    match peers.scores.clone().list_scores(request).await {
        Ok(answered) => Ok(history::points(&answered.into_inner().scores)),
        // Who has just left has none.
        Err(status) if status.code() == Code::NotFound => Ok(Vec::new()),
        Err(status) => Err(to_caller(status)),
    }
}

/// `None` without a score, which nobody in a ranking is.
fn row(
    rank: u32,
    score: &Score,
    person: &Person,
    history: Option<(&[Point], Days)>,
) -> Option<Row> {
    let mut names = names::names(person).into_iter();
    let name = names.next()?;
    let others: Vec<_> = names.by_ref().take(OTHERS_MAX).collect();
    Some(Row {
        rank,
        person: score.person.clone(),
        name,
        others,
        further: names.count(),
        score: text::figure(score.score?),
        line: history.and_then(|(points, days)| chart::sparkline(points, days)),
        change: score.week_change.map(text::change),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_place_survives_being_an_address() {
        let place = Place { token: "a&b=ü 1".to_owned(), rank: 21 };
        let address = place.address();
        let query = address.strip_prefix("/?").expect("a query");
        assert_eq!(Place::parse(query).expect("a place"), place);
    }

    #[test]
    fn the_first_page_begins_at_the_first_rank() {
        for query in ["", "from=7", "utm=x&page="] {
            let place = Place::parse(query).expect("a place");
            assert!(place.is_first() && place.rank == 1, "{query}");
        }
        assert!(Place::parse("page=x&from=first").is_err());
        assert!(Place::parse("page=x&from=-1").is_err());
        assert!(Place::parse("page=x&from=0").is_err());
        assert!(Place::parse("page=x&from=4294967295").is_err());
    }
}
