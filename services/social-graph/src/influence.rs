//! Who influences whom: lists of people, made of the ties of their accounts.
//!
//! Ties are read in windows, the strongest first. Somebody is listed in the window that their strongest tie is in,
//! with all their ties added up, and within a window the strongest come first. So for everybody with no more ties
//! than a window has, the list is in the order of strength, and for everybody else it is so window by window.
//!
//! What a page costs does not grow with how many accounts somebody has, nor those that they are tied to: where there
//! are many, a window is smaller.

use std::collections::{BTreeMap, BTreeSet};

use klout_model::{Day, Network, PersonId, Purpose};
use sqlx::PgPool;
use tracing::instrument;

use crate::{
    error::Error,
    store::{
        self,
        tie::{Between, End, Limit, Listed, Place, Window},
    },
    sweep::first_day,
    topics::Topics,
};

/// A window: some milliseconds of work. Whoever has more than five accounts has smaller ones.
const WINDOW: Limit = Limit { ties: 1_000, read: 5_000 };

/// Ties that are read for one page, after which no window begins: where hardly anybody is a member, a page is short
/// rather than late.
const READ_MAX: i64 = 5_000;

/// Pairs of one's own accounts and those of others that are looked up for a window, but for one other all: no two
/// people have more (101 accounts each). A thousand people with four accounts each are as many to whoever has five.
const PAIRS_MAX: usize = 20_000;

/// Ties of each of two people that what they have in common is looked for in.
const MUTUAL: Limit = Limit { ties: 5_000, read: 25_000 };

/// Ties that people are counted among: some tens of milliseconds of work.
const COUNTED: Limit = Limit { ties: 20_000, read: 20_000 };

/// Before all ties.
const START: Place = Place { strength: f64::INFINITY, other: i64::MAX, own: i64::MAX };

/// Somebody who asks, as far as that matters here.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Viewer {
    pub(crate) today: Day,
    /// Who withheld themselves from it is not there. `None`: nobody did.
    pub(crate) purpose: Option<Purpose>,
}

/// Where a page begins.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Position {
    /// After which tie the window begins.
    window: Place,
    /// After whom of the window: strength and person.
    within: Option<(f64, i64)>,
}

/// Somebody at the other end of ties.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Other {
    pub(crate) person: PersonId,
    /// All ties together, as they are kept.
    pub(crate) strength: f64,
    /// The strongest first.
    pub(crate) networks: Vec<String>,
    pub(crate) last_day: i32,
    /// Whether there are ties the other way round.
    pub(crate) mutual: bool,
    /// What they own and may be told of.
    accounts: Vec<i64>,
}

/// Somebody whose list is asked for.
#[derive(Clone, Debug)]
pub(crate) struct Own {
    pub(crate) person: PersonId,
    /// Accounts with their networks.
    accounts: BTreeMap<i64, String>,
}

/// Reads one list.
#[derive(Clone, Debug)]
pub(crate) struct Reader<'a> {
    db: &'a PgPool,
    end: End,
    own: Own,
    /// The accounts whose ties are listed.
    accounts: Vec<i64>,
    listed: Listed,
}

/// What two people have in common, the strongest first.
#[derive(Debug)]
pub(crate) struct Mutual {
    pub(crate) influencers: Vec<PersonId>,
    pub(crate) influencees: Vec<PersonId>,
}

/// Finds out who `person` is. A merged one is whom they were merged into.
#[instrument(skip_all)]
pub(crate) async fn own(db: &PgPool, person: PersonId, viewer: Viewer) -> Result<Own, Error> {
    let found = store::tie::own_accounts(db, person, viewer.purpose).await;
    let found = found.map_err(Error::store("read accounts"))?;
    let (found, accounts) = found.ok_or(Error::PersonUnknown { person })?;
    Ok(Own { person: found, accounts })
}

/// Who influences two people both, and whom both influence, among their strongest ties.
#[instrument(skip_all)]
pub(crate) async fn mutual(
    db: &PgPool,
    people: [&Own; 2],
    viewer: Viewer,
    max: usize,
) -> Result<Mutual, Error> {
    let influencers = in_both(db, people, End::Actor, viewer, max).await?;
    Ok(Mutual { influencers, influencees: in_both(db, people, End::Subject, viewer, max).await? })
}

/// Who is at the other end of the strongest ties of both.
async fn in_both(
    db: &PgPool,
    people: [&Own; 2],
    end: End,
    viewer: Viewer,
    max: usize,
) -> Result<Vec<PersonId>, Error> {
    let [one, other] = people.map(|own| Reader::new(db, end, own.clone(), None, viewer));
    let (near_one, near_other) = (one.near().await?, other.near().await?);
    let mut both: Vec<(f64, PersonId)> = near_one
        .iter()
        .filter(|(person, _)| people.iter().all(|own| own.person != **person))
        .filter_map(|(person, strength)| Some((strength + near_other.get(person)?, *person)))
        .collect();
    both.sort_by(|one, next| next.0.total_cmp(&one.0).then(next.1.cmp(&one.1)));
    both.truncate(max);
    Ok(both.into_iter().map(|(_, person)| person).collect())
}

/// How much of a window is looked up: so many ties, whose people have so many pairs of accounts with one's own.
fn within(window: &Window, accounts: &BTreeMap<PersonId, Vec<i64>>, own: usize) -> (usize, usize) {
    let mut seen = BTreeSet::new();
    let mut pairs = 0;
    for (number, tie) in window.ties.iter().enumerate() {
        let new = tie.person.and_then(PersonId::new).filter(|it| seen.insert(*it));
        let more = new.and_then(|it| accounts.get(&it)).map_or(0, |it| it.len() * own);
        if pairs > 0 && pairs + more > PAIRS_MAX {
            return (number, pairs);
        }
        pairs += more;
    }
    (window.ties.len(), pairs)
}

// === impl Reader ===

impl<'a> Reader<'a> {
    /// A list of who is at the other end of ties whose `end` is one's own.
    pub(crate) fn new(
        db: &'a PgPool,
        end: End,
        own: Own,
        network: Option<&Network>,
        viewer: Viewer,
    ) -> Self {
        let of_network = |it: &str| network.is_none_or(|network| network.as_str() == it);
        let accounts = own.accounts.iter().filter(|(_, it)| of_network(it));
        let accounts = accounts.map(|(account, _)| *account).collect();
        let listed = Listed { first_day: first_day(viewer.today), purpose: viewer.purpose };
        Self { db, end, own, accounts, listed }
    }

    /// A page of at most `size` people, of those who have a topic if one is named, and where the next one begins, if
    /// there is one.
    #[instrument(skip_all)]
    pub(crate) async fn page(
        &self,
        position: Option<Position>,
        size: usize,
        topic: Option<(&Topics, &str)>,
    ) -> Result<(Vec<Other>, Option<Position>), Error> {
        let mut position = position.unwrap_or(Position { window: START, within: None });
        let mut page = Vec::new();
        let (mut read, mut looked_up) = (0, 0);
        let next = loop {
            let mut window = self.window(position.window, WINDOW).await?;
            let (mut people, pairs) = self.people(position.window, &mut window).await?;
            if let Some((strength, person)) = position.within {
                people.retain(|it| {
                    it.strength.total_cmp(&strength).then(it.person.get().cmp(&person)).is_lt()
                });
            }
            if let Some((topics, topic)) = topic {
                let having: Vec<PersonId> = people.iter().map(|it| it.person).collect();
                let having = topics.who_has(&having, topic).await?;
                people.retain(|it| having.contains(&it.person));
            }
            let room = size - page.len();
            if people.len() > room {
                people.truncate(room);
                page.append(&mut people);
                let within = page.last().map(|it| (it.strength, it.person.get()));
                break Some(Position { within, ..position });
            }
            page.append(&mut people);
            read += window.read;
            looked_up += pairs;
            let Some(last) = window.ties.last().filter(|_| window.more) else { break None };
            position = Position { window: last.place(), within: None };
            if page.len() == size || read >= READ_MAX || looked_up >= PAIRS_MAX {
                break Some(position);
            }
        };
        self.tell_mutual(&mut page).await?;
        Ok((page, next))
    }

    /// How many people are listed, over all pages.
    #[instrument(skip_all)]
    pub(crate) async fn count(&self) -> Result<i64, Error> {
        let own = self.own.person;
        let count =
            store::tie::people(self.db, self.end, &self.accounts, own, COUNTED, &self.listed);
        count.await.map_err(Error::store("count who is at the other end of ties"))
    }

    async fn window(&self, after: Place, limit: Limit) -> Result<Window, Error> {
        let window =
            store::tie::strongest(self.db, self.end, &self.accounts, after, limit, &self.listed);
        window.await.map_err(Error::store("read ties"))
    }

    /// Those whose strongest tie is in this window, the strongest first, and how many pairs of accounts were looked
    /// up. The window ends before these are too many.
    async fn people(
        &self,
        after: Place,
        window: &mut Window,
    ) -> Result<(Vec<Other>, usize), Error> {
        let accounts = self.accounts_of(window).await?;
        let (len, pairs) = within(window, &accounts, self.own.accounts.len());
        if len < window.ties.len() {
            window.ties.truncate(len);
            window.more = true;
        }
        let near: BTreeSet<PersonId> = window.people().collect();
        let accounts = accounts.into_iter().filter(|(person, _)| near.contains(person));
        let accounts: BTreeMap<PersonId, Vec<i64>> = accounts.collect();
        let owners = accounts.iter().flat_map(|(person, all)| all.iter().map(|it| (*it, *person)));
        let owners: BTreeMap<i64, PersonId> = owners.collect();
        let others: Vec<i64> = owners.keys().copied().collect();
        let mut of_people: BTreeMap<PersonId, Vec<Between>> = BTreeMap::new();
        for tie in self.between(self.end, &self.accounts, &others).await? {
            if let Some(person) = owners.get(&tie.other) {
                of_people.entry(*person).or_default().push(tie);
            }
        }
        let mut others: Vec<Other> = of_people
            .into_iter()
            .filter_map(|(person, ties)| {
                let accounts = accounts.get(&person).cloned().unwrap_or_default();
                Some(Other { accounts, ..self.other(person, ties, after)? })
            })
            .collect();
        others.sort_by(|one, next| {
            next.strength.total_cmp(&one.strength).then(next.person.cmp(&one.person))
        });
        Ok((others, pairs))
    }

    /// What everybody but oneself owns in a window.
    async fn accounts_of(&self, window: &Window) -> Result<BTreeMap<PersonId, Vec<i64>>, Error> {
        let people: BTreeSet<PersonId> =
            window.people().filter(|it| *it != self.own.person).collect();
        let people: Vec<i64> = people.into_iter().map(PersonId::get).collect();
        let mut accounts: BTreeMap<PersonId, Vec<i64>> = BTreeMap::new();
        if people.is_empty() {
            return Ok(accounts);
        }
        let found = store::tie::accounts_of(self.db, &people).await;
        for (account, person) in found.map_err(Error::store("read accounts of people"))? {
            accounts.entry(person).or_default().push(account);
        }
        Ok(accounts)
    }

    /// `None`: they were listed in a window before.
    fn other(&self, person: PersonId, mut ties: Vec<Between>, window: Place) -> Option<Other> {
        ties.sort_by(|one, next| next.place().cmp(&one.place()));
        let strongest = ties.first()?.place();
        if strongest.cmp(&window).is_ge() {
            return None;
        }
        let mut networks: Vec<(f64, &String)> = Vec::new();
        for tie in &ties {
            let network = self.own.accounts.get(&tie.own)?;
            match networks.iter_mut().find(|it| it.1 == network) {
                Some(known) => known.0 += tie.strength,
                None => networks.push((tie.strength, network)),
            }
        }
        networks.sort_by(|one, next| next.0.total_cmp(&one.0).then(one.1.cmp(next.1)));
        Some(Other {
            person,
            // In the order of places, so that each page adds them up alike.
            strength: ties.iter().fold(0.0, |sum, it| sum + it.strength),
            networks: networks.into_iter().map(|it| it.1.clone()).collect(),
            last_day: ties.iter().map(|it| it.last_day).max()?,
            mutual: false,
            accounts: Vec::new(),
        })
    }

    async fn tell_mutual(&self, page: &mut [Other]) -> Result<(), Error> {
        let theirs: Vec<i64> = page.iter().flat_map(|it| it.accounts.iter().copied()).collect();
        let all: Vec<i64> = self.own.accounts.keys().copied().collect();
        let back = self.between(self.end.other(), &all, &theirs).await?;
        let back: BTreeSet<i64> = back.into_iter().map(|it| it.other).collect();
        for it in page {
            it.mutual = it.accounts.iter().any(|account| back.contains(account));
        }
        Ok(())
    }

    async fn between(
        &self,
        end: End,
        accounts: &[i64],
        others: &[i64],
    ) -> Result<Vec<Between>, Error> {
        if others.is_empty() {
            return Ok(Vec::new());
        }
        let first_day = self.listed.first_day;
        let ties = store::tie::between(self.db, end, accounts, others, first_day);
        ties.await.map_err(Error::store("read ties of people"))
    }

    /// The people at the other end of the strongest ties, each with what these come to.
    async fn near(&self) -> Result<BTreeMap<PersonId, f64>, Error> {
        let mut near = BTreeMap::new();
        for tie in self.window(START, MUTUAL).await?.ties {
            if let Some(person) = tie.person.and_then(PersonId::new) {
                *near.entry(person).or_default() += tie.strength;
            }
        }
        Ok(near)
    }
}

// === impl Position ===

impl Position {
    /// As numbers of a page token.
    pub(crate) fn numbers(self) -> [i64; 5] {
        let bits = |strength: f64| strength.to_bits().cast_signed();
        let (strength, person) = self.within.map_or((0, 0), |it| (bits(it.0), it.1));
        let Place { strength: window, other, own } = self.window;
        [bits(window), other, own, strength, person]
    }

    /// `None`: nowhere.
    pub(crate) fn from_numbers(numbers: [i64; 5]) -> Option<Self> {
        let [window, other, own, strength, person] = numbers;
        let strength_of = |bits: i64| {
            let strength = f64::from_bits(bits.cast_unsigned());
            (strength >= 0.0).then_some(strength)
        };
        let window = Place { strength: strength_of(window)?, other, own };
        let within = match person {
            0 => None,
            person => Some((strength_of(strength)?, person)),
        };
        Some(Self { window, within })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_position_survives_being_numbers() {
        let window = Place { strength: 0.1, other: -3, own: i64::MIN };
        for within in [None, Some((7.5, 42))] {
            let position = Position { window, within };
            assert_eq!(Position::from_numbers(position.numbers()), Some(position));
        }
        let start = Position { window: START, within: None };
        assert_eq!(Position::from_numbers(start.numbers()), Some(start));
        assert_eq!(Position::from_numbers([-1, 0, 0, 0, 0]), None, "not a number");
        assert_eq!(Position::from_numbers([0, 0, 0, -1, 1]), None, "below zero");
    }
}
