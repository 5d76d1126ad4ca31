//! Whoever accepted an answer may want to give its author a +K.

use std::{
    cmp::Reverse,
    collections::{BTreeMap, BTreeSet},
};

use futures::{StreamExt as _, TryStreamExt as _};
use klout_model::{AccountId, Day, PersonId};
use sqlx::PgConnection;
use tracing::instrument;

use super::{SUGGESTED_TIME, Vouching};
use crate::{
    error::Error,
    store::{self, plus_k_suggestion::Suggested},
};

/// Suggestions that are kept of one person.
const SUGGESTIONS_MAX: i64 = 200;

/// Topics of one suggestion.
const TOPICS_MAX: usize = 3;

/// Members whose topics are asked for at once.
const ASKED_AT_ONCE: usize = 8;

/// Somebody whose answer was accepted.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Pair {
    pub(crate) asker: i64,
    pub(crate) answerer: i64,
}

/// Answers that accounts accepted in a batch, each pair with its last day; and those that they accept no more.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Answers {
    pub(crate) accepted: BTreeMap<Pair, i32>,
    pub(crate) taken_back: BTreeMap<Pair, i32>,
}

/// Somebody to give one to, and on what.
#[derive(Clone, Debug)]
pub(crate) struct Suggestion {
    pub(crate) suggested: Suggested,
    pub(crate) topics: Vec<String>,
}

// === impl Answers ===

impl Answers {
    /// Notes an answer of the account `subject` that `actor` accepted.
    pub(crate) fn note(&mut self, sign: i64, subject: i64, actor: i64, day: i32) {
        let pairs = if sign > 0 { &mut self.accepted } else { &mut self.taken_back };
        let last = pairs.entry(Pair { asker: actor, answerer: subject }).or_insert(day);
        *last = day.max(*last);
    }
}

/// Keeps what members accepted from members.
#[instrument(name = "suggest_plus_k", skip_all)]
pub(crate) async fn note(db: &mut PgConnection, answers: &Answers) -> Result<(), Error> {
    let store = Error::store;
    let pairs = || answers.accepted.keys().chain(answers.taken_back.keys());
    let accounts: BTreeSet<i64> = pairs().flat_map(|it| [it.asker, it.answerer]).collect();
    if accounts.is_empty() {
        return Ok(());
    }
    let accounts: Vec<AccountId> = accounts.into_iter().map(AccountId).collect();
    let owners = store::account::owners(&mut *db, &accounts).await;
    let owners = owners.map_err(store("read who owns accounts"))?;
    let owner = |account: i64| owners.get(&AccountId(account)).map(|it| it.person.get());
    let of_members = |pairs: &BTreeMap<Pair, i32>| {
        let mut members: BTreeMap<Pair, i32> = BTreeMap::new();
        for (pair, day) in pairs {
            let two = owner(pair.asker).zip(owner(pair.answerer));
            let Some((asker, answerer)) = two.filter(|(one, other)| one != other) else { continue };
            let last = members.entry(Pair { asker, answerer }).or_insert(*day);
            *last = (*day).max(*last);
        }
        members
    };
    let (accepted, taken_back) = (of_members(&answers.accepted), of_members(&answers.taken_back));
    if !accepted.is_empty() {
        let askers: BTreeSet<i64> = accepted.keys().map(|it| it.asker).collect();
        let askers: Vec<i64> = askers.into_iter().collect();
        store::plus_k_suggestion::add(&mut *db, &accepted)
            .await
            .map_err(store("suggest people"))?;
        store::plus_k_suggestion::cut(&mut *db, &askers, SUGGESTIONS_MAX)
            .await
            .map_err(store("forget older suggestions"))?;
    }
    if !taken_back.is_empty() {
        store::plus_k_suggestion::remove(&mut *db, &taken_back)
            .await
            .map_err(store("take suggestions back"))?;
    }
    Ok(())
}

// === impl Vouching ===

impl Vouching {
    /// Whom a member may want to give one to, newest first, each with topics of theirs: first those that both have.
    #[instrument(name = "list_plus_k_suggestions", skip_all)]
    pub(crate) async fn suggestions(
        &self,
        person: PersonId,
        size: usize,
        after: Option<Suggested>,
    ) -> Result<(Vec<Suggestion>, Option<Suggested>), Error> {
        let person = self.member(person).await?.person;
        let first = Day::from_date((self.now() - SUGGESTED_TIME).date()).number();
        let listed = store::plus_k_suggestion::list(&self.db, person, first, SUGGESTIONS_MAX).await;
        let mut listed = listed.map_err(Error::store("read suggestions"))?;
        if let Some(after) = after {
            listed.retain(|it| place(it) > place(&after));
        }
        let more = listed.len() > size;
        listed.truncate(size);
        let next = listed.last().copied().filter(|_| more);
        if listed.is_empty() {
            return Ok((Vec::new(), None));
        }
        let own = self.topics.of_person(person).await?;
        let own: BTreeSet<i64> = own.into_iter().map(|it| it.id).collect();
        let completed = listed.into_iter().map(|suggested| {
            let own = &own;
            async move {
                let mut topics = self.topics.of_person(suggested.receiver).await?;
                // Stable: otherwise they stay in the order of how well known the receiver is for them.
                topics.sort_by_key(|it| !own.contains(&it.id));
                let topics = topics.into_iter().take(TOPICS_MAX).map(|it| it.slug).collect();
                Ok::<_, Error>(Suggestion { suggested, topics })
            }
        });
        let completed = futures::stream::iter(completed).buffered(ASKED_AT_ONCE);
        Ok((completed.try_collect().await?, next))
    }
}

/// The order of suggestions.
fn place(it: &Suggested) -> (Reverse<i32>, i64) {
    (Reverse(it.day), it.receiver)
}
