//! Changes what state somebody is in, and to what they consent: the one place where that happens.
//!
//! A change is one transaction of the caller's. It writes the person's row, the ledger, the state by which other
//! services are told, new revisions of all their accounts (who is no member owns nothing, as `store::account::
//! memberships` has it), and the rows of the outboxes. From its commit on this service shows nothing of who is no
//! member; the others do not once [`Teller::tell`](crate::tell::Teller::tell) has returned.
//!
//! ```text
//! let turn = Turn::take(&mut transaction).await?;          // before any row of a person is locked
//! turn.change(&mut transaction, person, &[Change::State(State::Withheld)], &by).await?;
//! transaction.commit().await?;
//! rpc.owners_changed.ring();                               // memberships
//! rpc.teller.tell(&[person]).await?;                       // masks; MASKING_UNCONFIRMED when it takes too long
//! ```

use std::collections::{BTreeMap, BTreeSet};

use klout_model::{AccountId, Day, PersonId, Purpose};
use sqlx::PgConnection;
use time::OffsetDateTime;
use uuid::Uuid;

use crate::{announce, error::Error, merge, replay::Replayed, store, tell};

/// Whether somebody takes part.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum State {
    /// Scored and shown.
    Member,
    /// Too young, or of an age that the operator wants to know and is not told.
    Withheld,
    OptedOut,
    /// For good.
    Erased,
    /// Somebody else now, for good.
    Merged {
        into: PersonId,
    },
}

/// What changes of one person.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Change {
    State(State),
    Purpose { purpose: Purpose, granted: bool },
    Network { network: String, granted: bool },
}

/// Who changes it, and why; it stands in the ledger.
#[derive(Clone, Copy, Debug)]
pub(crate) struct By<'a> {
    pub(crate) caller: &'a str,
    pub(crate) note: &'a str,
    pub(crate) now: OffsetDateTime,
}

/// What holds of a person.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Standing {
    pub(crate) state: State,
    pub(crate) withheld_purposes: BTreeSet<String>,
    pub(crate) withheld_networks: BTreeSet<String>,
}

/// An entry of the ledger that is to be.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Entry {
    pub(crate) person: PersonId,
    pub(crate) about: String,
    pub(crate) decision: &'static str,
}

/// It is this transaction's turn to change states, until it ends.
///
/// Numbers of states are given out under it, so that they can be seen in their order. It is taken before the row of any
/// person is locked: whoever did it the other way round could wait for who waits for them.
#[derive(Debug)]
pub(crate) struct Turn(());

// === impl State ===

impl State {
    pub(crate) const fn as_str(self) -> &'static str {
        match self {
            Self::Member => "MEMBER",
            Self::Withheld => "WITHHELD",
            Self::OptedOut => "OPTED_OUT",
            Self::Erased => "ERASED",
            Self::Merged { .. } => "MERGED",
        }
    }

    /// As it is kept: `into` is there when it is merged.
    pub(crate) fn kept(state: &str, into: Option<i64>) -> Option<Self> {
        Some(match state {
            "MEMBER" => Self::Member,
            "WITHHELD" => Self::Withheld,
            "OPTED_OUT" => Self::OptedOut,
            "ERASED" => Self::Erased,
            "MERGED" => Self::Merged { into: into.and_then(PersonId::new)? },
            _ => return None,
        })
    }

    /// Who a merged person is now.
    pub(crate) const fn into(self) -> Option<PersonId> {
        match self {
            Self::Merged { into } => Some(into),
            Self::Member | Self::Withheld | Self::OptedOut | Self::Erased => None,
        }
    }

    /// Whether those who ask are told that there is such a person.
    pub(crate) const fn is_there(self) -> bool {
        matches!(self, Self::Member | Self::Withheld)
    }

    /// Whether it stays so for ever.
    pub(crate) const fn is_final(self) -> bool {
        matches!(self, Self::Erased | Self::Merged { .. })
    }

    /// The kind of the receipt for getting there.
    const fn receipt(self) -> Option<&'static str> {
        match self {
            Self::Erased => Some("ERASURE"),
            Self::OptedOut => Some("OPT_OUT"),
            Self::Member | Self::Withheld | Self::Merged { .. } => None,
        }
    }
}

// === impl Standing ===

impl Standing {
    /// Takes over a change. Returns the entry of the ledger, if that was any news.
    fn take(&mut self, person: PersonId, change: &Change) -> Option<Entry> {
        let told = |granted| if granted { "GRANTED" } else { "WITHHELD" };
        let (news, about, decision) = match change {
            Change::State(state) => {
                let news = self.state != *state;
                self.state = *state;
                (news, "state".to_owned(), state.as_str())
            }
            Change::Purpose { purpose, granted } => {
                let news = put(&mut self.withheld_purposes, purpose.as_str(), !granted);
                (news, format!("purpose:{purpose}"), told(*granted))
            }
            Change::Network { network, granted } => {
                let news = put(&mut self.withheld_networks, network, !granted);
                (news, format!("network:{network}"), told(*granted))
            }
        };
        news.then_some(Entry { person, about, decision })
    }
}

impl Standing {
    /// The entries of the ledger that lead from here to there.
    fn entries_to(&self, person: PersonId, after: &Self) -> Vec<Entry> {
        let mut now = self.clone();
        let mut changes = vec![Change::State(after.state)];
        changes.extend(Purpose::OF_CONSENT.map(|purpose| {
            let granted = !after.withheld_purposes.contains(purpose.as_str());
            Change::Purpose { purpose, granted }
        }));
        changes.iter().filter_map(|change| now.take(person, change)).collect()
    }
}

/// Puts a word into a set or takes it out. Returns whether that changed it.
fn put(words: &mut BTreeSet<String>, word: &str, inside: bool) -> bool {
    if inside { words.insert(word.to_owned()) } else { words.remove(word) }
}

// === impl Turn ===

impl Turn {
    /// Waits for the turn.
    pub(crate) async fn take(transaction: &mut PgConnection) -> Result<Self, Error> {
        store::state_number::lock(transaction)
            .await
            .map_err(Error::store("wait for the turn to change states"))?;
        Ok(Self(()))
    }

    /// Changes one person. Returns what holds then, and whether anything of that is news.
    ///
    /// PERSON_UNKNOWN: nobody, or somebody who was erased or merged, of whom nothing changes any more.
    pub(crate) async fn change(
        &self,
        transaction: &mut PgConnection,
        person: PersonId,
        changes: &[Change],
        by: &By<'_>,
    ) -> Result<(Standing, bool), Error> {
        let changed = self.change_all(transaction, &[person], changes, by).await?;
        changed.into_iter().next().map(|(_, it)| it).ok_or(Error::PersonUnknown { person })
    }

    /// Changes people, all the same way. Those of whom nothing changes any more are left out.
    pub(crate) async fn change_all(
        &self,
        transaction: &mut PgConnection,
        people: &[PersonId],
        changes: &[Change],
        by: &By<'_>,
    ) -> Result<BTreeMap<PersonId, (Standing, bool)>, Error> {
        let store = Error::store;
        let before = store::person::standings_locked(&mut *transaction, people)
            .await
            .map_err(store("read states"))?;
        let (mut entries, mut all, mut news) = (Vec::new(), BTreeMap::new(), BTreeMap::new());
        for (person, before) in before {
            if before.state.is_final() {
                continue;
            }
            let mut after = before.clone();
            entries.extend(changes.iter().filter_map(|change| after.take(person, change)));
            if after != before {
                news.insert(person, (before, after.clone()));
            }
            all.insert(person, (after, news.contains_key(&person)));
        }
        if !news.is_empty() {
            let numbers = self.numbers(transaction, news.keys().copied()).await?;
            self.write(transaction, &news, &numbers, &entries, by).await?;
        }
        Ok(all)
    }

    /// Takes note that somebody joined with accounts that are linked by now. Those that somebody had who was erased are
    /// heard of again from tomorrow on: what was there before stays gone.
    pub(crate) async fn rejoin(
        &self,
        transaction: &mut PgConnection,
        accounts: &[AccountId],
        today: Day,
    ) -> Result<(), Error> {
        let store = Error::store;
        let ended = store::erased_account::end(&mut *transaction, accounts, today)
            .await
            .map_err(store("let an account in again"))?;
        if ended.is_empty() {
            return Ok(());
        }
        let (accounts, people): (Vec<i64>, BTreeSet<PersonId>) = ended.into_iter().unzip();
        // Of the one before, should they not be deleted yet: of the new one nothing was let in until now.
        store::tie::delete_of(&mut *transaction, &accounts)
            .await
            .map_err(store("delete ties of the one before"))?;
        let numbers = self.numbers(transaction, people.iter().copied()).await?;
        store::person_state::renumber(&mut *transaction, &numbers)
            .await
            .map_err(store("number states anew"))?;
        store::person_state_outbox::append(&mut *transaction, &tell::CONSUMERS, &numbers)
            .await
            .map_err(store("announce states"))
    }

    /// Gives people's states, as they are, numbers above those under which a service knows something else of them, and has
    /// them told again. Whose number is above it already waits to be told.
    pub(crate) async fn overtake(
        &self,
        transaction: &mut PgConnection,
        known: &BTreeMap<PersonId, i64>,
    ) -> Result<(), Error> {
        let store = Error::store;
        let people: Vec<i64> = known.keys().map(|person| person.get()).collect();
        let states = store::person_state::of(&mut *transaction, &people)
            .await
            .map_err(store("read states"))?;
        let behind: BTreeSet<PersonId> = states
            .iter()
            .filter_map(|it| Some((PersonId::new(it.person_id)?, it.number.cast_signed())))
            .filter(|(person, number)| known.get(person).is_some_and(|known| number < known))
            .map(|(person, _)| person)
            .collect();
        let Some(last) = behind.iter().filter_map(|person| known.get(person)).max() else {
            return Ok(());
        };
        store::state_number::pass(transaction, *last).await.map_err(store("number states"))?;
        let numbers = self.numbers(transaction, behind.iter().copied()).await?;
        store::person_state::renumber(&mut *transaction, &numbers)
            .await
            .map_err(store("number states anew"))?;
        store::person_state_outbox::append(&mut *transaction, &tell::CONSUMERS, &numbers)
            .await
            .map_err(store("announce states"))
    }

    /// Has all who were merged into somebody, who is to be somebody else, be that one from now on.
    pub(crate) async fn redirect(
        &self,
        transaction: &mut PgConnection,
        from: PersonId,
        into: PersonId,
    ) -> Result<Vec<PersonId>, Error> {
        let store = Error::store;
        let people = store::person::redirect(&mut *transaction, from, into)
            .await
            .map_err(store("redirect who was merged"))?;
        if people.is_empty() {
            return Ok(people);
        }
        let numbers = self.numbers(transaction, people.iter().copied()).await?;
        store::person_state::redirect(&mut *transaction, &numbers, into)
            .await
            .map_err(store("number states anew"))?;
        store::person_state_outbox::append(&mut *transaction, &tell::CONSUMERS, &numbers)
            .await
            .map_err(store("announce states"))?;
        Ok(people)
    }

    /// Puts states in force that were in force before a backup was restored, under their old numbers. Whoever is not
    /// there any more, or not yet, is told of to the others all the same. Whoever was merged has their belongings moved
    /// again, where both are there.
    pub(crate) async fn replay(
        &self,
        transaction: &mut PgConnection,
        states: &BTreeMap<PersonId, &Replayed>,
        by: &By<'_>,
    ) -> Result<(), Error> {
        let store = Error::store;
        let Some(last) = states.values().map(|state| state.number).max() else { return Ok(()) };
        store::state_number::pass(transaction, last).await.map_err(store("number states"))?;
        let into = states.values().filter_map(|state| state.standing.state.into());
        let people: Vec<_> = states.keys().copied().chain(into).collect();
        let before = store::person::standings_locked(&mut *transaction, &people)
            .await
            .map_err(store("read states"))?;
        let numbers = states.iter().map(|(person, state)| (*person, state.number)).collect();
        let (mut news, mut gone, mut entries) = (BTreeMap::new(), BTreeMap::new(), Vec::new());
        let mut heirs = Vec::new();
        for (person, state) in states {
            let into = state.standing.state.into().filter(|into| before.contains_key(into));
            if let Some(into) = into
                && before.get(person).is_some_and(|before| before.state.is_there())
            {
                merge::move_belongings(&mut *transaction, *person, into).await?;
                heirs.push(into);
            }
            match before.get(person) {
                Some(before) => {
                    let withheld_networks = before.withheld_networks.clone();
                    let after = Standing { withheld_networks, ..state.standing.clone() };
                    entries.extend(before.entries_to(*person, &after));
                    news.insert(*person, (before.clone(), after));
                }
                None => {
                    gone.insert(*person, &state.standing);
                }
            }
        }
        store::person_state::write(&mut *transaction, &gone, &numbers)
            .await
            .map_err(store("number states"))?;
        store::person_state_outbox::append(&mut *transaction, &tell::CONSUMERS, &numbers)
            .await
            .map_err(store("announce states"))?;
        self.write(transaction, &news, &numbers, &entries, by).await?;
        let revisions = store::account::renew_revisions(&mut *transaction, &heirs)
            .await
            .map_err(store("number accounts anew"))?;
        store::membership_outbox::append(&mut *transaction, &announce::Consumer::ALL, &revisions)
            .await
            .map_err(store("announce accounts"))?;
        // As they were, and with what somebody had whose rows are gone.
        for (person, state) in states {
            if state.erased_accounts.is_empty() {
                continue;
            }
            store::erased_account::replay(&mut *transaction, *person, &state.erased_accounts)
                .await
                .map_err(store("keep accounts of who was erased"))?;
        }
        Ok(())
    }

    async fn write(
        &self,
        transaction: &mut PgConnection,
        news: &BTreeMap<PersonId, (Standing, Standing)>,
        numbers: &BTreeMap<PersonId, i64>,
        entries: &[Entry],
        by: &By<'_>,
    ) -> Result<(), Error> {
        let store = Error::store;
        let after: BTreeMap<_, _> =
            news.iter().map(|(person, (_, after))| (*person, after)).collect();
        let who = |is_it: &dyn Fn(&Standing, &Standing) -> bool| -> Vec<PersonId> {
            let those = news.iter().filter(|(_, (before, after))| is_it(before, after));
            those.map(|(person, _)| *person).collect()
        };
        store::person::write_standings(&mut *transaction, &after)
            .await
            .map_err(store("write states"))?;
        store::consent_entry::append(&mut *transaction, entries, by)
            .await
            .map_err(store("add to the ledger"))?;
        store::person_state::write(&mut *transaction, &after, numbers)
            .await
            .map_err(store("number states"))?;

        let erased = who(&|_, after| after.state == State::Erased);
        if !erased.is_empty() {
            // Whoever applies signals has looked whether an account is erased, and writes before or after this.
            store::erased_account::lock(&mut *transaction)
                .await
                .map_err(store("hold signals up"))?;
            store::erased_account::append(&mut *transaction, &erased)
                .await
                .map_err(store("keep accounts of who was erased"))?;
        }
        let owners = who(&|before, after| {
            before.state != after.state || before.withheld_networks != after.withheld_networks
        });
        let revisions = store::account::renew_revisions(&mut *transaction, &owners)
            .await
            .map_err(store("number accounts anew"))?;
        store::membership_outbox::append(&mut *transaction, &announce::Consumer::ALL, &revisions)
            .await
            .map_err(store("announce accounts"))?;
        store::person_state_outbox::append(&mut *transaction, &tell::CONSUMERS, numbers)
            .await
            .map_err(store("announce states"))?;
        self.give_receipts(transaction, news, numbers).await
    }

    /// For those who left, and lets nothing be deleted any more of those who are back.
    async fn give_receipts(
        &self,
        transaction: &mut PgConnection,
        news: &BTreeMap<PersonId, (Standing, Standing)>,
        numbers: &BTreeMap<PersonId, i64>,
    ) -> Result<(), Error> {
        let store = Error::store;
        let moved = news.iter().filter(|(_, (before, after))| before.state != after.state);
        let (mut left, mut back) = (Vec::new(), Vec::new());
        for (person, (_, after)) in moved {
            match after.state.receipt() {
                Some(kind) => left.push((Uuid::new_v4(), *person, kind)),
                None => back.push(*person),
            }
        }
        store::forgetting::delete(&mut *transaction, &back)
            .await
            .map_err(store("keep what was to be deleted"))?;
        if left.is_empty() {
            return Ok(());
        }
        store::receipt::insert(&mut *transaction, &left, numbers)
            .await
            .map_err(store("write a receipt"))?;
        store::receipt::insert_masked(&mut *transaction, &left, &tell::CONSUMERS)
            .await
            .map_err(store("write who is to mask"))?;
        // Else a fold under way would be in neither: it does not know of these receipts.
        store::lookup::lock(&mut *transaction).await.map_err(store("wait for look-ups"))?;
        store::receipt::insert_already_left(&mut *transaction, &left)
            .await
            .map_err(store("write what had already left"))?;
        let leaving = left.iter().filter_map(|(_, who, _)| Some((*who, *numbers.get(who)?)));
        store::forgetting::append(&mut *transaction, &leaving.collect(), &tell::CONSUMERS)
            .await
            .map_err(store("write who is to delete"))
    }

    async fn numbers(
        &self,
        transaction: &mut PgConnection,
        people: impl ExactSizeIterator<Item = PersonId>,
    ) -> Result<BTreeMap<PersonId, i64>, Error> {
        let count = i64::try_from(people.len()).expect("not that many people");
        let last = store::state_number::advance(transaction, count)
            .await
            .map_err(Error::store("number states"))?;
        Ok(people.zip(last - count + 1..).collect())
    }
}
