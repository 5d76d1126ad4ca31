//! What is still to be had once everything has settled: exactly what nobody has.

use std::collections::BTreeSet;

use klout_proto::perk::v1::{
    DecideCheckInResponse, ReserveGrantRequest, reserve_grant_request::Subject,
};
use sqlx::PgPool;
use time::{Date, OffsetDateTime};
use tokio::task::JoinSet;

use super::{
    books::Books,
    client::{self, PEOPLE, STAYS},
    door::{Door, is_trouble, reason},
    offers::{FREE, Limits, Offer, PROPERTIES},
    told::{Step, Told},
};

/// People of whom something is known who are asked about again.
const KNOWN: usize = 5;

/// Stays that are told again.
const STAYS_AGAIN: usize = 40;

/// So many are asked about beyond what a limit lets through.
const BEYOND: i64 = 20;

/// What a campaign has given, as it should know it.
#[derive(Debug)]
struct Given {
    limits: Limits,
    held: Vec<Held>,
    /// Codes that somebody was told, or has.
    codes: i64,
}

#[derive(Debug)]
struct Held {
    person: i64,
    property: String,
    stay: String,
    minor_units: i64,
    day: Date,
}

/// Asks until everything is refused. Returns what was told; what is not as it must be is among its flaws.
pub(super) async fn ask_anew(
    db: &PgPool,
    door: &Door,
    offers: &[Offer],
    stays: BTreeSet<String>,
) -> Vec<Told> {
    let books = Books::read(db).await;
    let mut asking = JoinSet::new();
    for offer in offers.iter().filter(|it| !it.is_upgrade) {
        let given = Given::of(offer, &books);
        let known: Vec<i64> = books.of(offer).iter().map(|it| it.person).collect();
        asking.spawn(ask_for(door.clone(), offer.clone(), given, known));
    }
    asking.spawn(ask_at_the_desk(db.clone(), door.clone(), stays));
    asking.join_all().await
}

/// First for people who may have something, then for others.
async fn ask_for(door: Door, offer: Offer, mut given: Given, known: Vec<i64>) -> Told {
    let mut told = Told::default();
    let mut number = 0;
    let people: Vec<i64> = known.into_iter().take(KNOWN).chain([1, 2, 10]).collect();
    for person in people {
        for stay in 0..4 {
            // Stays that may be taken, and some that cannot.
            let stay = if stay % 2 == 0 { stay } else { STAYS + number };
            ask(&door, &offer, &mut given, &mut told, (person, number, stay)).await;
            number += 1;
        }
    }
    let mut others = PEOPLE + 1;
    let mut refused = 0;
    let most = [offer.limits.stock, offer.limits.codes, offer.limits.per_day]
        .into_iter()
        .flatten()
        .chain(offer.limits.minor_units.map(|it| it / offer.limits.worth))
        .min()
        .unwrap_or(0);
    // Each property says so.
    while refused < PROPERTIES.len() && others < PEOPLE + most + BEYOND {
        let is_given =
            ask(&door, &offer, &mut given, &mut told, (others, number, STAYS + number)).await;
        refused = if is_given { 0 } else { refused + 1 };
        others += 1;
        number += 1;
    }
    if most > 0 && refused < PROPERTIES.len() {
        told.flaws.push(format!("{offer:?} gives without an end"));
    }
    told
}

/// Asks once, and confirms what is given, so that it stays given. Returns whether it was.
async fn ask(
    door: &Door,
    offer: &Offer,
    given: &mut Given,
    told: &mut Told,
    (person, number, stay): (i64, u32, u32),
) -> bool {
    let first = usize::try_from(number).expect("a few");
    let property = PROPERTIES[first % PROPERTIES.len()].to_owned();
    let request = ReserveGrantRequest {
        campaign: offer.campaign.clone(),
        subject: Some(Subject::Person(person.to_string())),
        request_id: format!("end/{number}"),
        property: property.clone(),
        stay: stay.to_string(),
    };
    let response = match client::reserve(door, first, &request).await {
        Ok(response) => response,
        Err(status) => {
            told.flaws.push(format!("{request:?} was refused: {status}"));
            return false;
        }
    };
    let decision = response.decision.clone().unwrap_or_default();
    let time = decision.decide_time.unwrap_or_default();
    let day = OffsetDateTime::from_unix_timestamp(time.seconds).expect("a time").date();
    let minor_units = offer.limits.worth;
    let held = Held { person, property, stay: request.stay.clone(), minor_units, day };
    let expected = given.says(&held);
    if decision.outcome != expected {
        told.flaws.push(format!("{request:?} is {}, not {expected}", decision.outcome));
    }
    let Some(grant) = told.reserved(request, response) else { return false };
    loop {
        match client::step(door.client(first + 1), Step::Confirm, &grant).await {
            (Ok(confirmed), call) => {
                if offer.limits.codes.is_some() == confirmed.code.is_empty() {
                    told.flaws.push(format!("{confirmed:?} has a code, or none, unlike its kind"));
                }
                told.stepped(grant, Step::Confirm, &confirmed, call);
                given.codes += 1;
                given.held.push(held);
                return true;
            }
            (Err(status), call) if reason(&status) == "GRANT_ENDED" => {
                // On a slow machine it was over before.
                told.refused(grant, Step::Confirm, "GRANT_ENDED", call);
                return true;
            }
            (Err(status), _) if is_trouble(&status) => {}
            (Err(status), _) => {
                told.flaws.push(format!("{grant:?} was not confirmed: {status}"));
                return false;
            }
        }
    }
}

/// The desk is told the same of old stays, and of new ones until nothing is free.
async fn ask_at_the_desk(db: PgPool, door: Door, stays: BTreeSet<String>) -> Told {
    let mut told = Told::default();
    let (category, free) = FREE[FREE.len() - 1];
    let next = stays.iter().filter_map(|it| it.parse::<u32>().ok()).max().map_or(0, |it| it + 1);
    for (number, stay) in stays.into_iter().rev().take(STAYS_AGAIN).enumerate() {
        let request = client::check_in(stay.parse().expect("a number"), &FREE);
        match client::decide(&door, number, &request).await {
            Ok((answer, _)) if !answer.is_repeat => {
                told.flaws.push(format!("{stay} was decided anew: {answer:?}"));
            }
            Ok((answer, call)) => {
                told.checked_in(stay, answer, call);
            }
            Err(flaw) => told.flaws.push(flaw),
        }
    }
    // Whose number ends with a 0 does not qualify. What expires meanwhile is given again.
    let whose = |stay: &u32| (i64::from(*stay) % PEOPLE + 1) % 10 != 0;
    for stay in (next..).filter(whose).take(usize::try_from(free).expect("a few") + 30) {
        let request = client::check_in(stay, &[(category, free)]);
        match client::decide(&door, 0, &request).await {
            Ok((answer, call)) if answer.outcome == "OFFER" => {
                told.checked_in(stay.to_string(), answer, call);
            }
            Ok((answer, call)) => {
                told.flaws.extend(why_none_is_free(&db, &answer, category, free).await);
                told.checked_in(stay.to_string(), answer, call);
                return told;
            }
            Err(flaw) => told.flaws.push(flaw),
        }
    }
    told.flaws.push(format!("the desk offers {category} without an end"));
    told
}

/// What is wrong if the desk was told that nothing is free.
async fn why_none_is_free(
    db: &PgPool,
    answer: &DecideCheckInResponse,
    category: &str,
    free: i32,
) -> Option<String> {
    let time = answer.decide_time.unwrap_or_default();
    let waiting = "select count(*) from perks.grant
                   where category = $1 and reserve_time <= $2 and coalesce(confirm_time, end_time, expire_time) > $2";
    let nanos = i128::from(time.seconds) * 1_000_000_000 + i128::from(time.nanos);
    let time = OffsetDateTime::from_unix_timestamp_nanos(nanos).expect("a time");
    let waiting = sqlx::query_scalar(waiting).bind(category).bind(time).fetch_one(db).await;
    let waiting: i64 = waiting.expect("Postgres answers");
    (answer.reason != "SOLD_OUT" || waiting != i64::from(free))
        .then(|| format!("{waiting} of {free} wait, and the desk is told {answer:?}"))
}

// === impl Given ===

impl Given {
    fn of(offer: &Offer, books: &Books) -> Self {
        let grants = books.of(offer);
        let held = grants.iter().filter(|it| it.holds()).map(|it| Held {
            person: it.person,
            property: it.property.clone(),
            stay: it.stay.clone(),
            minor_units: it.minor_units,
            day: it.day,
        });
        let codes = grants.iter().filter(|it| it.holds() || it.confirm_time.is_some()).count();
        Self {
            limits: offer.limits,
            held: held.collect(),
            codes: i64::try_from(codes).expect("not so many"),
        }
    }

    /// What whoever asks for this is to be told.
    fn says(&self, ask: &Held) -> &'static str {
        let limits = &self.limits;
        let count = |is: &dyn Fn(&Held) -> bool| {
            i64::try_from(self.held.iter().filter(|it| is(it)).count()).expect("not so many")
        };
        let is_full = |limit: Option<i64>, given: i64| limit.is_some_and(|limit| given >= limit);
        let is_same = |it: &Held| match limits.is_per_stay {
            true => (&it.property, &it.stay) == (&ask.property, &ask.stay),
            false => it.person == ask.person,
        };
        let minor_units: i64 = self.held.iter().map(|it| it.minor_units).sum();
        if ask.person % 10 == 0 {
            "RULE_FAILED"
        } else if self.held.iter().any(is_same) {
            "ALREADY_GRANTED"
        } else if is_full(limits.stock, count(&|_| true)) || is_full(limits.codes, self.codes) {
            "SOLD_OUT"
        } else if limits.minor_units.is_some_and(|limit| minor_units + ask.minor_units > limit)
            || is_full(limits.per_person, count(&|it| it.person == ask.person))
            || is_full(limits.per_property, count(&|it| it.property == ask.property))
            || is_full(limits.per_day, count(&|it| it.day == ask.day))
        {
            "BUDGET_SPENT"
        } else {
            "RESERVED"
        }
    }
}
