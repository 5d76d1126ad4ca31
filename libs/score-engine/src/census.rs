//! From packed evidence to a population: gives people and presences their numbers.

use klout_model::Network;
use klout_score_math::Model;
use rayon::prelude::*;
use rustc_hash::FxHashSet;

use crate::{
    Evidence, PlusK,
    evidence::{Reaction, Rows},
    packed::{self, AccountEvidence, Cell, PackedInvalid},
    population::index_of,
    sorted_ids::SortedIds,
};

/// An account, where it is, and who owns it.
#[derive(Clone, Copy, Debug)]
pub struct Account {
    pub id: i64,
    /// Its place among the networks.
    pub network: u32,
    /// `None`: nobody claimed it.
    pub owner: Option<i64>,
}

/// Packed evidence of an account, or a change of it.
#[derive(Clone, Debug)]
pub struct Block<B> {
    pub account: i64,
    pub bytes: B,
}

/// Reactions that are left out.
#[derive(Clone, Debug, Default)]
pub struct Ignored {
    /// Of these accounts, to anybody.
    pub everywhere: FxHashSet<i64>,
    /// Of an account to a person.
    pub about: FxHashSet<(i64, i64)>,
}

/// Who somebody is: what a number of the evidence stands for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Identity {
    /// A person who joined.
    Person(i64),
    /// An account that nobody claimed.
    Account(i64),
}

/// A population as a pass wants it, and who is who in it.
#[derive(Debug)]
pub struct Census {
    pub evidence: Evidence,
    /// By the number of the person, in order: those who joined, then accounts.
    pub people: Vec<Identity>,
    /// Cells that were read.
    pub cells: u64,
}

/// What the evidence is of.
#[derive(Clone, Copy, Debug)]
pub struct Scope<'a> {
    pub model: &'a Model,
    /// The last day of the window, since 1970.
    pub today: i32,
    pub networks: &'a [Network],
    /// The accounts of those who are scored, then every other account that somebody owns.
    pub accounts: &'a [Account],
    pub ignored: &'a Ignored,
}

/// So many accounts are read by one task.
const TASK: usize = 512;

// === impl Identity ===

impl Identity {
    pub(crate) const fn person(&self) -> Option<i64> {
        match self {
            Self::Person(id) => Some(*id),
            Self::Account(_) => None,
        }
    }

    pub(crate) const fn account(&self) -> Option<i64> {
        match self {
            Self::Person(_) => None,
            Self::Account(id) => Some(*id),
        }
    }
}

// === impl Census ===

impl Census {
    /// Reads everything that the blocks have; those of one account add up. Blocks of accounts that are not
    /// in `accounts` are left out.
    ///
    /// # Errors
    ///
    /// When bytes are not packed evidence.
    pub fn take<B: AsRef<[u8]> + Sync + Send>(
        scope: Scope<'_>,
        mut blocks: Vec<Block<B>>,
    ) -> Result<Self, PackedInvalid> {
        blocks.par_sort_by_key(|it| it.account);
        let mut accounts = scope.accounts.to_vec();
        // Stable: of several rows of an account the first counts.
        accounts.par_sort_by_key(|it| it.id);
        accounts.dedup_by_key(|it| it.id);
        let numbers = Numbers::new(&accounts, &blocks)?;

        let of_accounts: Vec<&[Block<B>]> =
            blocks.chunk_by(|one, other| one.account == other.account).collect();
        let mut places: Vec<(u32, u32, usize)> = of_accounts
            .iter()
            .enumerate()
            .filter_map(|(place, blocks)| {
                let id = blocks[0].account;
                let account = &accounts[accounts.binary_search_by_key(&id, |it| it.id).ok()?];
                Some((numbers.person(id), account.network, place))
            })
            .collect();
        places.par_sort_unstable();
        let mut registered = vec![false; numbers.people.len()];
        registered[..numbers.members].fill(true);
        let (mut owners, mut vouched) = (Vec::new(), Vec::new());
        let votes: Vec<bool> = scope.networks.iter().map(|it| scope.model.vouches(it)).collect();
        let mut before = None;
        // The accounts of each presence follow one another.
        let accounts: Vec<(u32, u32, &[Block<B>])> = places
            .into_iter()
            .map(|(person, network, place)| {
                if before.replace((person, network)) != Some((person, network)) {
                    owners.push(person);
                    vouched.push(votes[network as usize]);
                }
                (person, index_of(owners.len() - 1), of_accounts[place])
            })
            .collect();

        let here: Vec<i64> = of_accounts.iter().map(|blocks| blocks[0].account).collect();
        let reader = Reader { scope, numbers: &numbers, here: &here };
        let parts: Vec<Part> = accounts
            .par_chunks(TASK)
            .map(|accounts| reader.read_all(accounts))
            .collect::<Result<_, PackedInvalid>>()?;
        let cells = parts.iter().map(|part| part.cells).sum();
        let mut rows = Rows { column: Vec::new(), lengths: vec![0; owners.len()] };
        rows.column.reserve_exact(parts.iter().map(|part| part.rows.len()).sum());
        let mut evidence = Vec::with_capacity(parts.len());
        let mut lengths = accounts.iter().map(|(_, presence, _)| *presence);
        for part in parts {
            rows.column.extend(part.rows);
            for (length, presence) in part.lengths.into_iter().zip(lengths.by_ref()) {
                rows.lengths[presence as usize] += length;
            }
            evidence.push(part.evidence);
        }
        let parts = evidence;
        let mut evidence = Evidence::new(registered, owners, vouched);
        evidence.extend(parts);
        evidence.by_presence = Some(rows);
        Ok(Self { evidence, people: numbers.people, cells })
    }
}

/// What some accounts have.
#[derive(Debug, Default)]
struct Part {
    evidence: Evidence,
    /// Reactions to one account after the other.
    rows: Vec<u64>,
    /// How many rows each account has.
    lengths: Vec<u32>,
    cells: u64,
}

/// The evidence of one account, from its block and the changes beside it.
///
/// # Errors
///
/// When bytes are not packed evidence.
pub fn together<B: AsRef<[u8]>>(blocks: &[B]) -> Result<AccountEvidence, PackedInvalid> {
    match blocks {
        [one] => AccountEvidence::unpack(one.as_ref()),
        several => {
            let mut sum = AccountEvidence::default();
            for block in several {
                sum.add(AccountEvidence::unpack(block.as_ref())?);
            }
            Ok(sum.settled())
        }
    }
}

/// Reads accounts.
#[derive(Clone, Copy)]
struct Reader<'a> {
    scope: Scope<'a>,
    numbers: &'a Numbers,
    /// The accounts that there are blocks of, in order.
    here: &'a [i64],
}

// === impl Reader ===

impl Reader<'_> {
    /// Reads accounts: the person, the presence and the blocks of each.
    fn read_all<B: AsRef<[u8]>>(
        &self,
        accounts: &[(u32, u32, &[Block<B>])],
    ) -> Result<Part, PackedInvalid> {
        let mut part = Part::default();
        for (person, presence, blocks) in accounts {
            part.cells += self.read(blocks, *person, *presence, &mut part.evidence)?;
            part.lengths.push(index_of(part.evidence.reactions.len()));
            part.rows.extend(part.evidence.reactions.drain(..).map(Reaction::row));
        }
        Ok(part)
    }

    /// Adds what the blocks of one account say. Returns how many cells they have.
    fn read<B: AsRef<[u8]>>(
        &self,
        blocks: &[Block<B>],
        person: u32,
        presence: u32,
        part: &mut Evidence,
    ) -> Result<u64, PackedInvalid> {
        let today = self.scope.today;
        let Ignored { everywhere, about } = self.scope.ignored;
        let nothing_ignored = everywhere.is_empty() && about.is_empty();
        let owner = self.numbers.people[person as usize].person();
        let is_ignored = |actor: i64| {
            everywhere.contains(&actor) || owner.is_some_and(|it| about.contains(&(actor, it)))
        };
        let account = blocks[0].account;
        let (mut cells, mut known, mut number) = (0, None, 0);
        let mut take = |cell: Cell| {
            cells += 1;
            let Some((actor, kind, age, count)) = cell.on(today) else { return };
            if !nothing_ignored && actor.is_some_and(is_ignored) {
                part.seen.push(person);
                return;
            }
            let actor = actor.map(|actor| {
                if known != Some(actor) {
                    (known, number) = (Some(actor), self.numbers.person(actor));
                }
                number
            });
            part.react_to(person, presence, actor, kind, age, count);
        };
        let evidence = match blocks {
            [one] => AccountEvidence::unpack_beside_cells(one.bytes.as_ref(), take)?,
            several => {
                let bytes: Vec<&[u8]> = several.iter().map(|it| it.bytes.as_ref()).collect();
                let evidence = together(&bytes)?;
                evidence.cells.iter().for_each(|cell| take(*cell));
                evidence
            }
        };
        for (receiver, age, count) in evidence.given_on(today) {
            // What does not count of what the person did gave nobody a +K either.
            let about = |it| match it {
                Identity::Person(receiver) => about.contains(&(account, receiver)),
                Identity::Account(_) => false,
            };
            let is_ignored = || {
                everywhere.contains(&account)
                    || about(self.numbers.people[self.numbers.person(receiver) as usize])
            };
            if !nothing_ignored && is_ignored() {
                continue;
            }
            // Who is here too says so too.
            if self.here.binary_search(&receiver).is_ok() {
                continue;
            }
            let receiver = self.numbers.person(receiver);
            if receiver != person && count > 0 {
                part.plus_k.push(PlusK { receiver, giver: person, age, count });
            }
        }
        part.posts.extend(evidence.posts_on(today).map(|(_, age)| (presence, age)));
        let (counters, of_posts) = evidence.counters_on(today)?;
        part.counters.extend(counters.map(|counters| (person, counters)));
        part.seen.extend(of_posts.then_some(person));
        Ok(cells)
    }
}

/// The number of the person of each account.
struct Numbers {
    people: Vec<Identity>,
    /// How many of them joined.
    members: usize,
    /// All accounts.
    ids: SortedIds,
    /// By the place of the account.
    person: Vec<u32>,
}

// === impl Numbers ===

impl Numbers {
    /// `accounts` are in order.
    fn new<B: AsRef<[u8]> + Sync>(
        accounts: &[Account],
        blocks: &[Block<B>],
    ) -> Result<Self, PackedInvalid> {
        let listed = SortedIds::new(accounts.iter().map(|it| it.id).collect());
        let unlisted = blocks.par_chunks(TASK).map(|blocks| {
            let mut unlisted = Vec::new();
            for block in blocks {
                let named = packed::named(block.bytes.as_ref())?;
                let ids = named.into_iter().chain([block.account]);
                unlisted.extend(ids.filter(|id| listed.place(*id).is_none()));
            }
            Ok(unlisted)
        });
        let unlisted: Vec<Vec<i64>> = unlisted.collect::<Result<_, PackedInvalid>>()?;
        let mut ids = unlisted.concat();
        ids.par_sort_unstable();
        ids.dedup();
        let ids = if ids.is_empty() {
            listed
        } else {
            ids.extend(listed.as_slice());
            // Two runs, which this sort takes as they are.
            ids.par_sort();
            SortedIds::new(ids)
        };

        let mut people: Vec<i64> = accounts.iter().filter_map(|it| it.owner).collect();
        people.par_sort_unstable();
        people.dedup();
        let members = people.len();
        let mut people: Vec<Identity> = people.into_iter().map(Identity::Person).collect();
        let mut accounts = accounts.iter().peekable();
        let person = ids
            .as_slice()
            .iter()
            .map(|id| {
                let Some(owner) = accounts.next_if(|it| it.id == *id).and_then(|it| it.owner)
                else {
                    people.push(Identity::Account(*id));
                    return index_of(people.len() - 1);
                };
                let place = people[..members].binary_search(&Identity::Person(owner));
                index_of(place.expect("every owner is a person"))
            })
            .collect();
        Ok(Self { people, members, ids, person })
    }

    /// # Panics
    ///
    /// When the account was not counted.
    fn person(&self, account: i64) -> u32 {
        self.person[self.ids.place(account).expect("every account is counted")]
    }
}
