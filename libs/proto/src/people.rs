//! States of people, as social-graph tells every service of them.

use std::collections::{BTreeSet, HashMap, HashSet};

use klout_model::{Day, Purposes};
use prost_types::Timestamp;

use crate::{
    convert,
    graph::v1::{
        ApplyPersonStatesRequest, ApplyPersonStatesResponse, ForgetPersonRequest, KnownPersonState,
    },
    signal::v1::{BatchedCounter, BatchedInteraction, BatchedPost, SignalBatch},
};

/// States that are told at once, at most.
pub const STATES_MAX: usize = 1_000;

/// Whether somebody takes part.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum State {
    /// The only one who is shown.
    Member,
    /// Too young, or of an age that is not told.
    Withheld,
    OptedOut,
    Erased,
    /// Somebody else now.
    Merged,
}

/// The state of a person. Of two the one of the higher number holds.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Told {
    pub person: i64,
    pub number: i64,
    pub state: State,
    /// To which purposes the person does not consent.
    pub withheld: Purposes,
    /// Who a merged person is now.
    pub into: Option<i64>,
    /// Of somebody who was erased.
    pub erased: Vec<Erased>,
}

/// An account about and by which nothing is taken in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Erased {
    pub account: i64,
    /// Up to this UTC day (since 1970); `None`: whatever the day.
    pub through_day: Option<i32>,
}

/// It is not what social-graph sends.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the states cannot be: {0}")]
pub struct StatesMalformed(pub &'static str);

/// What a service knows of somebody.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Known {
    pub person: i64,
    pub number: i64,
    pub state: String,
}

// === impl State ===

impl State {
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Member => "MEMBER",
            Self::Withheld => "WITHHELD",
            Self::OptedOut => "OPTED_OUT",
            Self::Erased => "ERASED",
            Self::Merged => "MERGED",
        }
    }

    fn parse(text: &str) -> Result<Self, StatesMalformed> {
        let all = [Self::Member, Self::Withheld, Self::OptedOut, Self::Erased, Self::Merged];
        let found = all.into_iter().find(|it| it.as_str() == text);
        found.ok_or(StatesMalformed("a state has no known name"))
    }
}

// === impl Erased ===

impl Erased {
    /// Whether what happened on that day is not taken in.
    #[must_use]
    pub const fn covers(self, day: i32) -> bool {
        match self.through_day {
            Some(last) => day <= last,
            None => true,
        }
    }
}

/// The answer to who told states, of what a service knows of these people now: names those of whom what was told is not
/// in force.
#[must_use]
pub fn taken_over(told: &[Told], known: Vec<Known>) -> ApplyPersonStatesResponse {
    let told: HashMap<i64, &Told> = told.iter().map(|it| (it.person, it)).collect();
    let is_other = |it: &Known| {
        told.get(&it.person)
            .is_some_and(|told| told.number < it.number || told.state.as_str() != it.state)
    };
    let newer = known.into_iter().filter(is_other).map(|it| KnownPersonState {
        person_id: it.person,
        number: it.number.cast_unsigned(),
        state: it.state,
    });
    ApplyPersonStatesResponse { newer: newer.collect() }
}

/// Reads what is told of people's states: of each person the newest.
///
/// # Errors
///
/// When it cannot be, or is of more than [`STATES_MAX`].
pub fn states(request: ApplyPersonStatesRequest) -> Result<Vec<Told>, StatesMalformed> {
    if request.states.len() > STATES_MAX {
        return Err(StatesMalformed("more than 1,000"));
    }
    let mut told = Vec::with_capacity(request.states.len());
    for it in request.states {
        let state = State::parse(&it.state)?;
        if it.person_id <= 0 {
            return Err(StatesMalformed("a person is no number from 1 on"));
        }
        let number = i64::try_from(it.number).ok().filter(|number| *number > 0);
        if (state == State::Merged) != (it.into_person_id != 0) || it.into_person_id < 0 {
            return Err(StatesMalformed("who is merged is somebody else now, and nobody else is"));
        }
        let erased = |it: crate::graph::v1::ErasedAccount| Erased {
            account: it.account_id,
            through_day: it.through_day,
        };
        told.push(Told {
            person: it.person_id,
            number: number.ok_or(StatesMalformed("a number is 0 or too high"))?,
            state,
            withheld: Purposes::parse(&it.withheld_purposes)
                .map_err(|_| StatesMalformed("a purpose that nobody can withhold"))?,
            into: (it.into_person_id != 0).then_some(it.into_person_id),
            erased: it.erased_accounts.into_iter().map(erased).collect(),
        });
    }
    // Of two of one person the newest stays: a statement writes a row once.
    told.sort_unstable_by_key(|it| (it.person, -it.number));
    told.dedup_by_key(|it| it.person);
    Ok(told)
}

/// Whom to forget: whether the person was erased, or opted out.
///
/// # Errors
///
/// When nobody can be forgotten for that.
pub fn forgetting(request: &ForgetPersonRequest) -> Result<State, StatesMalformed> {
    if request.person_id <= 0 {
        return Err(StatesMalformed("a person is no number from 1 on"));
    }
    match State::parse(&request.state)? {
        state @ (State::Erased | State::OptedOut) => Ok(state),
        State::Member | State::Withheld | State::Merged => {
            Err(StatesMalformed("only who was erased or opted out is forgotten"))
        }
    }
}

/// All accounts that a batch is about or that did something in it.
#[must_use]
pub fn accounts(batch: &SignalBatch) -> Vec<i64> {
    let interactions = batch.interactions.iter().chain(&batch.retracted_interactions);
    let of_interactions =
        interactions.flat_map(|it| [Some(it.subject_account_id), it.actor_account_id]).flatten();
    let counters = batch.counters.iter().chain(&batch.retracted_counters).map(|it| it.account_id);
    let posts = batch.posts.iter().chain(&batch.retracted_posts).map(|it| it.account_id);
    let handles = batch.handles.iter().map(|it| it.account_id);
    let all: BTreeSet<i64> = of_interactions.chain(counters).chain(posts).chain(handles).collect();
    all.into_iter().collect()
}

/// Leaves out of a batch what is about or by accounts that were erased. Returns whether there was anything.
pub fn leave_out(batch: &mut SignalBatch, erased: &HashMap<i64, Erased>) -> bool {
    let gone = |account: i64, day: i32| erased.get(&account).is_some_and(|it| it.covers(day));
    // What has no time is malformed, and for others to refuse.
    let gone_at = |account: i64, time: Option<&Timestamp>| {
        let time = time.and_then(convert::time);
        time.is_some_and(|time| gone(account, Day::of(time).number()))
    };
    let interaction = |it: &BatchedInteraction| {
        !gone(it.subject_account_id, it.day)
            && it.actor_account_id.is_none_or(|actor| !gone(actor, it.day))
    };
    let counter = |it: &BatchedCounter| !gone_at(it.account_id, it.read_time.as_ref());
    let post = |it: &BatchedPost| !gone(it.account_id, it.day);
    let before = size(batch);
    batch.interactions.retain(interaction);
    batch.retracted_interactions.retain(interaction);
    batch.counters.retain(counter);
    batch.retracted_counters.retain(counter);
    batch.posts.retain(post);
    batch.retracted_posts.retain(post);
    batch.handles.retain(|it| !gone_at(it.account_id, it.seen_time.as_ref()));
    if size(batch) == before {
        return false;
    }
    keep_words_of_what_is_there(batch);
    true
}

/// Leaves out words whose posts or interactions are not in the batch: they go with what they belong to.
pub fn keep_words_of_what_is_there(batch: &mut SignalBatch) {
    let posts: HashSet<_> = batch.posts.iter().map(|it| (it.account_id, it.signal)).collect();
    batch.texts.retain(|it| posts.contains(&(it.account_id, it.signal)));
    let labelled =
        batch.interactions.iter().filter_map(|it| Some((it.subject_account_id, it.signal?)));
    let labelled: HashSet<_> = labelled.collect();
    batch.labels.retain(|it| labelled.contains(&(it.account_id, it.signal)));
}

fn size(batch: &SignalBatch) -> usize {
    let told = batch.interactions.len() + batch.counters.len() + batch.posts.len();
    let retracted = batch.retracted_interactions.len()
        + batch.retracted_counters.len()
        + batch.retracted_posts.len();
    told + retracted + batch.handles.len()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        graph::v1::PersonState,
        signal::v1::{BatchedHandle, BatchedLabel, BatchedText},
    };

    #[test]
    fn what_is_about_or_by_an_erased_account_is_left_out_with_its_words() {
        let interaction = |subject_account_id, actor, day, signal| BatchedInteraction {
            subject_account_id,
            actor_account_id: Some(actor),
            day,
            signal: Some(signal),
            ..BatchedInteraction::default()
        };
        let post =
            |account_id, signal| BatchedPost { account_id, signal, day: 5, ..Default::default() };
        let text = |account_id, signal| BatchedText { account_id, signal, ..Default::default() };
        let label = |account_id, signal| BatchedLabel { account_id, signal, ..Default::default() };
        let handle = |account_id| BatchedHandle {
            account_id,
            seen_time: Some(Timestamp { seconds: 5 * 86_400, nanos: 0 }),
            ..BatchedHandle::default()
        };
        let mut batch = SignalBatch {
            interactions: vec![
                interaction(1, 2, 5, 1),
                interaction(2, 1, 5, 2),
                interaction(2, 1, 6, 3),
                interaction(2, 3, 5, 4),
            ],
            posts: vec![post(1, 5), post(2, 6)],
            texts: vec![text(1, 5), text(2, 6)],
            labels: vec![label(1, 1), label(2, 2), label(2, 3)],
            handles: vec![handle(1), handle(2)],
            ..SignalBatch::default()
        };
        assert_eq!(accounts(&batch), [1, 2, 3]);
        let erased = HashMap::from([(1, Erased { account: 1, through_day: Some(5) })]);
        assert!(leave_out(&mut batch, &erased));
        assert_eq!(batch.interactions, [interaction(2, 1, 6, 3), interaction(2, 3, 5, 4)]);
        assert_eq!(
            (batch.posts.clone(), batch.texts.clone()),
            (vec![post(2, 6)], vec![text(2, 6)])
        );
        assert_eq!(
            (batch.labels.clone(), batch.handles.clone()),
            (vec![label(2, 3)], vec![handle(2)])
        );
        assert!(!leave_out(&mut batch, &erased), "nothing is left of it");
    }

    fn state(person_id: i64, number: u64, state: &str) -> PersonState {
        PersonState { person_id, number, state: state.to_owned(), ..PersonState::default() }
    }

    fn read(states_told: Vec<PersonState>) -> Result<Vec<Told>, StatesMalformed> {
        states(ApplyPersonStatesRequest { states: states_told })
    }

    #[test]
    fn of_each_person_the_newest_state_is_read() {
        let told =
            read(vec![state(7, 1, "ERASED"), state(7, 3, "OPTED_OUT"), state(2, 2, "MEMBER")]);
        let told = told.expect("read");
        let read: Vec<_> = told.iter().map(|it| (it.person, it.number, it.state)).collect();
        assert_eq!(read, [(2, 2, State::Member), (7, 3, State::OptedOut)]);
    }

    #[test]
    fn what_cannot_be_is_refused() {
        assert!(read(vec![state(0, 1, "MEMBER")]).is_err());
        assert!(read(vec![state(1, 0, "MEMBER")]).is_err());
        assert!(read(vec![state(1, 1, "GONE")]).is_err());
        assert!(read(vec![state(1, 1, "MERGED")]).is_err(), "into nobody");
        assert!(read(vec![PersonState { into_person_id: 2, ..state(1, 1, "ERASED") }]).is_err());
        let withheld_purposes = vec!["operator".to_owned()];
        assert!(read(vec![PersonState { withheld_purposes, ..state(1, 1, "MEMBER") }]).is_err());
        assert!(read(vec![state(1, 1, "MEMBER"); 1_001]).is_err());
    }

    #[test]
    fn an_erased_account_covers_days_up_to_the_one_that_was_set() {
        let ever = Erased { account: 1, through_day: None };
        let until = Erased { through_day: Some(10), ..ever };
        assert!(ever.covers(i32::MAX));
        assert!(until.covers(10) && !until.covers(11));
    }
}
