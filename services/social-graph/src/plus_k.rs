//! Members vouch for members on a topic.

pub(crate) mod block;
pub(crate) mod give;
pub(crate) mod propose;
pub(crate) mod push;
pub(crate) mod rules;
pub(crate) mod suggest;
pub(crate) mod take_back;
pub(crate) mod thank;

use std::sync::Arc;

use klout_chassis::Clock;
use klout_model::{AccountKey, Network, PersonId};
use sqlx::{PgConnection, PgPool};
use time::{Duration, OffsetDateTime};
use tokio::sync::Notify;

use crate::{
    announce::Bell,
    error::Error,
    metrics::Vouched,
    store::{self, member::Member},
    topics::Topics,
};
use rules::{Budget, Given};

/// The network on which members vouch for one another: a native id is a person as a decimal.
pub(crate) const NETWORK: &str = Network::KLOUT;

/// What is needed to vouch.
#[derive(Clone, Debug)]
pub(crate) struct Vouching {
    pub(crate) db: PgPool,
    pub(crate) clock: Clock,
    pub(crate) account_key: AccountKey,
    pub(crate) topics: Topics,
    /// How many somebody may give a day.
    pub(crate) daily: u16,
    /// Rung when somebody was given an account of [`NETWORK`].
    pub(crate) owners_changed: Bell,
    /// Rung when one was given or taken back.
    pub(crate) given: Arc<Notify>,
    pub(crate) metrics: Arc<Vouched>,
}

/// A +K that was given.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct PlusK {
    pub(crate) id: i64,
    pub(crate) giver: i64,
    pub(crate) receiver: i64,
    pub(crate) topic_id: i64,
    pub(crate) topic: String,
    pub(crate) give_time: OffsetDateTime,
    pub(crate) take_back_time: Option<OffsetDateTime>,
    pub(crate) thank_time: Option<OffsetDateTime>,
    pub(crate) thanks: String,
    pub(crate) thanks_public: bool,
    /// Who the two were when it was given: what they are called on [`NETWORK`].
    pub(crate) giver_native: i64,
    pub(crate) receiver_native: i64,
}

/// What somebody has to do with a +K.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Side {
    Given,
    Received,
}

// === impl Vouching ===

impl Vouching {
    /// What time it is, in the microseconds that the store keeps: the first answer and the next say the same.
    pub(crate) fn now(&self) -> OffsetDateTime {
        let now = self.clock.now();
        now.replace_nanosecond(now.microsecond() * 1_000).expect("below a second")
    }

    /// Which member somebody is; a merged one is the other.
    pub(crate) async fn member(&self, person: PersonId) -> Result<Member, Error> {
        let found = store::member::find(&self.db, &[person.get()]).await;
        let mut found = found.map_err(Error::store("look for a member"))?;
        found.remove(&person.get()).ok_or(Error::PersonUnknown { person })
    }

    /// Which members two people are who are not the same.
    pub(crate) async fn two(
        &self,
        one: PersonId,
        (field, other): (&str, PersonId),
    ) -> Result<(Member, Member), Error> {
        let asked = [one, other];
        let found = store::member::find(&self.db, &asked.map(PersonId::get)).await;
        let found = found.map_err(Error::store("look for members"))?;
        let member = |person: PersonId| {
            found.get(&person.get()).cloned().ok_or(Error::PersonUnknown { person })
        };
        let (first, second) = (member(one)?, member(other)?);
        if first.person == second.person {
            return Err(Error::field(field, "is oneself"));
        }
        Ok((first, second))
    }

    /// What a member has left.
    pub(crate) async fn budget(
        &self,
        db: &mut PgConnection,
        giver: i64,
        zone: &str,
    ) -> Result<Budget, Error> {
        let now = self.now();
        let given = given_lately(db, giver, now).await?;
        Ok(rules::budget(&given, zone, now, self.daily))
    }
}

/// What counts against somebody's budget or keeps them from giving the same again.
async fn given_lately(
    db: &mut PgConnection,
    giver: i64,
    now: OffsetDateTime,
) -> Result<Vec<Given>, Error> {
    let given = store::plus_k::given_since(db, giver, now - rules::AGAIN_AFTER).await;
    given.map_err(Error::store("read what was given"))
}

/// Holds one of two members and keeps the other; returns the time zone of the one that is held.
async fn hold_and_keep(db: &mut PgConnection, held: i64, kept: i64) -> Result<String, Error> {
    let store = Error::store;
    let gone = |id: i64| Error::PersonUnknown {
        person: PersonId::new(id).expect("it was found by this id"),
    };
    let keep_first = kept < held;
    if keep_first && !store::member::keep(&mut *db, kept).await.map_err(store("keep a member"))? {
        return Err(gone(kept));
    }
    let zone = store::member::hold(&mut *db, held).await.map_err(store("hold a member"))?;
    let zone = zone.ok_or_else(|| gone(held))?;
    if !keep_first && !store::member::keep(&mut *db, kept).await.map_err(store("keep a member"))? {
        return Err(gone(kept));
    }
    Ok(zone)
}

/// Two of them meet with a chance of n²/2⁶⁴.
fn random_id() -> i64 {
    rand::random_range(1..=i64::MAX)
}

/// The first day of those of which suggestions are told.
const SUGGESTED_TIME: Duration = Duration::days(30);
