//! Tomorrow's guests, marked with what they could be offered, so that a desk can work without us.
//!
//! Nothing is taken from any stock: a mark says what holds at night. What is known of the guest is kept with it, and a
//! desk decides from that when scoring does not answer.

use std::{collections::HashSet, sync::Arc};

use futures::{StreamExt as _, stream};
use jiff::Timestamp;
use klout_chassis::{Caller, Seen, within};
use klout_model::PersonId;
use klout_proto::perk::v1::{self as wire, AvailableUpgrade};
use prost::Message as _;
use sqlx::PgPool;
use time::{Date, Duration, Month, macros::format_description};
use tracing::debug;

use super::{Desk, GUEST_UNKNOWN, Question, guest, offers, question, sandbox};
use crate::{
    check_in,
    decide::Outcome,
    error::Error,
    store::{self, arrival::Arrival, property::Property},
};

/// Guests in one request.
const ARRIVALS_MAX: usize = 1_000;

/// Marks of a property for one day.
const MARKS_MAX: i64 = 10_000;

/// How many days ahead can be marked.
const DAYS_AHEAD_MAX: i64 = 7;

/// Guests about whom others are asked at once.
const AT_ONCE: usize = 16;

/// For how long a mark is kept after the day of the arrival.
const KEPT_DAYS: i64 = 3;

/// For how long it is kept what a desk was told.
const TOLD_DAYS: i64 = 400;

/// The same of a stay for which nobody was found, as at a sandbox.
const TOLD_OF_NOBODY_DAYS: i64 = 1;

/// Marks, or stays, that are deleted at once.
pub(crate) const SWEPT_MAX: i64 = 10_000;

/// How often old ones are looked for.
pub(crate) const SWEEP_INTERVAL: std::time::Duration = std::time::Duration::from_secs(60 * 60);

/// What came of marking.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Marked {
    pub(crate) marked: usize,
    pub(crate) offers: usize,
    /// Guests of whom nothing could be found out: their stays are as they were marked before, if they were.
    pub(crate) left_out: usize,
}

impl Desk {
    /// Marks who arrives on a day of the property.
    pub(crate) async fn mark(
        &self,
        caller: &Caller,
        property: &str,
        day: &str,
        arrivals: Vec<wire::Arrival>,
    ) -> Result<Marked, Error> {
        let property = self.0.properties.get(property).await?;
        let day = parse_day(day)?;
        let today = self.today(&property);
        if !(0..=DAYS_AHEAD_MAX).contains(&(day - today).whole_days()) {
            return Err(Error::field("arrival_day", "is not today or in the next 7 days"));
        }
        check(&property, &arrivals)?;
        let property = &property;
        let found: Vec<Result<Arrival, Error>> = stream::iter(arrivals)
            .map(|arrival| async move {
                if property.is_sandbox {
                    Ok(self.mark_sandbox(property, arrival))
                } else {
                    self.mark_one(caller, property, arrival).await
                }
            })
            .buffered(AT_ONCE)
            .collect()
            .await;
        let (mut marked, mut trouble, mut left_out) = (Vec::with_capacity(found.len()), None, 0);
        for arrival in found {
            match arrival {
                Ok(arrival) => marked.push(arrival),
                Err(error) if error.is_of_store() => return Err(error),
                Err(error) => {
                    debug!(error = &error as &dyn std::error::Error, "a guest is not marked");
                    left_out += 1;
                    trouble = Some(error);
                }
            }
        }
        // Not one guest, but the others are the trouble.
        if let Some(error) = trouble.filter(|_| marked.is_empty()) {
            return Err(error);
        }
        let store = Error::store;
        let mut transaction = self.0.db.begin().await.map_err(store("begin to mark arrivals"))?;
        let people: Vec<i64> = marked.iter().filter_map(|it| it.person).collect();
        let gone = store::person_state::share_and_find_gone(&mut transaction, &people).await;
        let gone = gone.map_err(store("look who has left"))?;
        for arrival in &mut marked {
            if arrival.person.is_some_and(|it| gone.contains(&it)) {
                nothing(arrival, GUEST_UNKNOWN);
                (arrival.person, arrival.facts) = (None, None);
            }
        }
        let done = store::arrival::mark(&mut *transaction, &property.property, day, &marked).await;
        done.map_err(store("mark arrivals"))?;
        let count = store::arrival::count(&mut *transaction, &property.property, day).await;
        if count.map_err(store("count arrivals"))? > MARKS_MAX {
            return Err(Error::field("arrivals", "are more than 10,000 of the day"));
        }
        transaction.commit().await.map_err(store("commit marks of arrivals"))?;
        let offers = marked.iter().filter(|it| it.is_offer).count();
        Ok(Marked { marked: marked.len(), offers, left_out })
    }

    /// A page of a day by stay, after one. Who has left, or does not consent any more, has no offer.
    pub(crate) async fn arrivals(
        &self,
        caller: &Caller,
        property: &str,
        day: &str,
        after: &str,
        limit: i64,
    ) -> Result<Vec<Arrival>, Error> {
        let property = self.0.properties.get(property).await?;
        let day = parse_day(day)?;
        let found = store::arrival::list(&self.0.db, &property.property, day, after, limit).await;
        let mut found = found.map_err(Error::store("list arrivals"))?;
        let people: Vec<i64> = found.iter().filter_map(|it| it.person).collect();
        // Read after them: who has left in between has no offer either.
        let gone = store::person_state::gone(&self.0.db, &people).await;
        let gone = gone.map_err(Error::store("look who has left"))?;
        let active = self.0.campaigns.active().await?;
        let active: HashSet<i64> = active.iter().map(|it| it.id).collect();
        for arrival in &mut found {
            if property.is_sandbox {
                continue;
            }
            let person = arrival.person.and_then(PersonId::new);
            match person.filter(|it| !gone.contains(&it.get())) {
                Some(person) => self.0.lookups.note(caller, Seen::Perks, person),
                None => nothing(arrival, GUEST_UNKNOWN),
            }
            if arrival.is_offer && arrival.campaign.is_none_or(|it| !active.contains(&it)) {
                nothing(arrival, check_in::reason(Outcome::NotActive.as_str()));
            }
        }
        Ok(found)
    }

    async fn mark_one(
        &self,
        caller: &Caller,
        property: &Arc<Property>,
        arrival: wire::Arrival,
    ) -> Result<Arrival, Error> {
        let wire::Arrival { stay, guest, booked_category, .. } = arrival;
        let guest = guest.unwrap_or_default();
        let nobody = self.unmarked(&stay, &guest, &booked_category, GUEST_UNKNOWN);
        let Some(named) = guest::named(self, &guest) else { return Ok(nobody) };
        let found = within(guest::MARKING_TIME_MAX, self.0.facts.gather(&named)).await;
        let person = match found.map_err(Error::Peer)? {
            Ok(person) => person,
            Err(error) if guest::is_nobody(&error) => return Ok(nobody),
            Err(error) => return Err(error),
        };
        self.0.lookups.note(caller, Seen::Perks, person.id);
        let question = question_of(property, &stay, &booked_category)?;
        let campaigns = self.0.campaigns.active().await?;
        let now = self.0.clock.now();
        let marked = Arrival {
            person: Some(person.id.get()),
            facts: Some(wire::Facts::from(&person.facts).encode_to_vec()),
            ..nobody
        };
        let offers = match offers::of(&question, &campaigns, &person, now, &self.0.hold_out) {
            Ok(offers) => offers,
            Err(reason) => return Ok(Arrival { reason: reason.to_owned(), ..marked }),
        };
        let mut eligible = offers.iter().filter(|it| it.verdict.outcome == Outcome::Eligible);
        let Some(first) = eligible.next() else {
            let outcome = offers.last().map_or(Outcome::NotActive, |it| it.verdict.outcome);
            return Ok(Arrival { reason: check_in::reason(outcome.as_str()).to_owned(), ..marked });
        };
        // Of one campaign, as the desk that works without us cannot know what others say.
        let rest = eligible.filter(|it| it.campaign.id == first.campaign.id);
        Ok(Arrival {
            is_offer: true,
            reason: check_in::reason(Outcome::Eligible.as_str()).to_owned(),
            categories: [first].into_iter().chain(rest).map(|it| it.category.clone()).collect(),
            line: offers::line(&first.campaign, property, &first.category),
            disclosure: first.campaign.spec.proto.disclosure.clone(),
            campaign: Some(first.campaign.id),
            ..marked
        })
    }

    fn mark_sandbox(&self, property: &Arc<Property>, arrival: wire::Arrival) -> Arrival {
        let wire::Arrival { stay, guest, booked_category, .. } = arrival;
        let question = question_of(property, &stay, &booked_category);
        let categories: Vec<String> =
            question.into_iter().flat_map(|it| it.upgrades).map(|(category, _)| category).collect();
        let guest = guest.unwrap_or_default();
        let unmarked = |reason| self.unmarked(&stay, &guest, &booked_category, reason);
        match (sandbox::expected(&guest), categories.first()) {
            (Err(reason), _) => unmarked(reason),
            (Ok(_), None) => unmarked("NO_UPGRADE"),
            (Ok(disclosure), Some(best)) => Arrival {
                is_offer: true,
                line: sandbox::line(property, best),
                disclosure: disclosure.to_owned(),
                categories,
                ..unmarked(check_in::reason(Outcome::Eligible.as_str()))
            },
        }
    }

    fn unmarked(
        &self,
        stay: &str,
        guest: &wire::Guest,
        booked_category: &str,
        reason: &str,
    ) -> Arrival {
        Arrival {
            stay: stay.to_owned(),
            person: None,
            guest: self.guest(guest).to_vec(),
            booked_category: booked_category.to_owned(),
            is_offer: false,
            reason: reason.to_owned(),
            categories: Vec::new(),
            line: String::new(),
            disclosure: String::new(),
            campaign: None,
            facts: None,
            mark_time: self.0.clock.now(),
        }
    }

    /// Which day it is at a property.
    fn today(&self, property: &Property) -> Date {
        let now = self.0.clock.now();
        let stamp = Timestamp::from_second(now.unix_timestamp()).unwrap_or(Timestamp::UNIX_EPOCH);
        let here = property.zone().to_datetime(stamp).date();
        let part = |it: i8| u8::try_from(it).unwrap_or_default();
        Month::try_from(part(here.month()))
            .and_then(|month| Date::from_calendar_date(here.year().into(), month, part(here.day())))
            .unwrap_or_else(|_| now.date())
    }
}

/// Deletes marks, and what desks were told, when they are old.
#[derive(Clone, Debug)]
pub(crate) struct Sweeper {
    pub(crate) db: PgPool,
    pub(crate) clock: klout_chassis::Clock,
}

// === impl Sweeper ===

impl Sweeper {
    /// Returns whether more may be old.
    pub(crate) async fn step(&self) -> Result<bool, Error> {
        // A day more, as it is still yesterday somewhere.
        let now = self.clock.now();
        let before = now.date() - Duration::days(KEPT_DAYS + 1);
        let swept = store::arrival::sweep(&self.db, before, SWEPT_MAX).await;
        let arrivals = swept.map_err(Error::store("delete old arrivals"))?;
        let (before, of_nobody_before) =
            (now - Duration::days(TOLD_DAYS), now - Duration::days(TOLD_OF_NOBODY_DAYS));
        let swept = store::check_in::sweep(&self.db, before, of_nobody_before, SWEPT_MAX).await;
        let told = swept.map_err(Error::store("delete what desks were told long ago"))?;
        Ok(arrivals.max(told) >= SWEPT_MAX.cast_unsigned())
    }
}

/// As when all of the categories were free.
fn question_of(property: &Arc<Property>, stay: &str, booked: &str) -> Result<Question, Error> {
    let upgrade =
        |category: &str| AvailableUpgrade { category: category.to_owned(), available: None };
    Question::new(
        Arc::clone(property),
        question::Asked {
            property: property.property.clone(),
            stay: stay.to_owned(),
            guest: wire::Guest::default(),
            booked_category: booked.to_owned(),
            upgrades: property.categories.iter().map(|it| upgrade(&it.category)).collect(),
            deadline: question::DEADLINE,
        },
    )
}

fn check(property: &Property, arrivals: &[wire::Arrival]) -> Result<(), Error> {
    if arrivals.len() > ARRIVALS_MAX {
        return Err(Error::field("arrivals", "are more than 1,000"));
    }
    let mut seen = HashSet::new();
    for (index, arrival) in arrivals.iter().enumerate() {
        let field = |name: &str| format!("arrivals[{index}].{name}");
        question::check_stay(field("stay"), &arrival.stay)?;
        if let Some(guest) = &arrival.guest {
            question::check_guest(&field("guest"), guest)?;
        }
        if !seen.insert(&arrival.stay) {
            return Err(Error::field(field("stay"), "is there twice"));
        }
        let booked = &arrival.booked_category;
        if !booked.is_empty() && property.place(booked).is_none() {
            return Err(Error::field(field("booked_category"), "is no category of the property"));
        }
    }
    Ok(())
}

fn parse_day(text: &str) -> Result<Date, Error> {
    let day = Date::parse(text, format_description!("[year]-[month]-[day]"));
    day.map_err(|_| Error::field("arrival_day", "is not a day such as 2026-11-27"))
}

fn nothing(arrival: &mut Arrival, reason: &str) {
    arrival.is_offer = false;
    arrival.reason = reason.to_owned();
    arrival.categories.clear();
    arrival.line.clear();
    arrival.disclosure.clear();
    arrival.campaign = None;
}
