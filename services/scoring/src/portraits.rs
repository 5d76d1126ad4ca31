//! Everything that one person's score is made of, for those who want it explained.

use std::{
    collections::{BTreeMap, HashMap, HashSet},
    sync::Arc,
};

use klout_chassis::Clock;
use klout_model::{Day, Network, PersonId};
use klout_score_engine::{
    Block, Identity, Ignored,
    packed::{AccountEvidence, Tally, age_on, settled_tallies, unpack_tallies},
};
use klout_score_math::{
    Portrait, PortraitActor, PortraitPlusK, PortraitPresence, PortraitReaction, PostHash, PostTally,
};
use sqlx::PgPool;
use tracing::instrument;

use crate::{
    epochs::{Epoch, Epochs},
    error::Error,
    memberships::{Memberships, Owners},
    store::{self, evidence::OwnAccount, score::StoredScore},
};

/// What portraits are made with.
#[derive(Clone, Debug)]
pub(crate) struct Portraits {
    pub(crate) db: PgPool,
    pub(crate) clock: Clock,
    pub(crate) epochs: Epochs,
    pub(crate) memberships: Memberships,
}

/// Of whom there are portraits.
#[derive(Debug)]
pub(crate) struct Sitter {
    pub(crate) epoch: Arc<Epoch>,
    pub(crate) today: Day,
    /// `None`: there is no row of this person.
    pub(crate) score: Option<StoredScore>,
    /// Whether something was taken out of the evidence that the log does not have any more.
    pub(crate) gaps: bool,
    person: i64,
    accounts: Vec<OfAccount>,
    memberships: Memberships,
    ignored: Arc<Ignored>,
}

#[derive(Debug)]
struct OfAccount {
    id: i64,
    network: Network,
    evidence: AccountEvidence,
    tallies: Vec<Tally>,
}

// === impl Portraits ===

impl Portraits {
    /// Reads everything of one person, of one moment.
    #[instrument(name = "read_portrait", skip_all, fields(person.id = person.get()))]
    pub(crate) async fn of(&self, person: PersonId) -> Result<Sitter, Error> {
        let store = Error::store;
        // Before the snapshot below: one that is older than what is known must not put an owner of before back.
        let mut connection = self.db.acquire().await.map_err(store("begin to read evidence"))?;
        self.memberships.refresh(&mut connection).await?;
        let before = store::rebuild::whole(&mut *connection).await;
        let before = before.map_err(store("look whether evidence is whole"))?;
        let before = before.ok_or(Error::Rebuilding)?;
        drop(connection);
        let begin = "begin isolation level repeatable read read only";
        let mut transaction =
            self.db.begin_with(begin).await.map_err(store("begin to read evidence"))?;
        let epoch = self.epochs.current(&mut transaction).await?;
        let own = store::evidence::of_people(&mut *transaction, &[person.get()])
            .await
            .map_err(store("read evidence"))?;
        let ids: Vec<i64> = own.iter().map(|it| it.account).collect();
        let tallies = store::evidence::tallies(&mut *transaction, &ids)
            .await
            .map_err(store("read what belongs to posts"))?;
        let found = store::score::find(&mut *transaction, &[person.get()])
            .await
            .map_err(store("read a score"))?;
        let ignored =
            store::finding::standing(&mut *transaction).await.map_err(store("read findings"))?;
        let gaps = store::forgetting::any_gap(&mut *transaction, &ids).await;
        let gaps = gaps.map_err(store("look whether evidence was taken out"))?;
        transaction.commit().await.map_err(store("end to read evidence"))?;
        // What is truncated is gone for older snapshots too.
        let after = store::rebuild::whole(&self.db).await;
        if after.map_err(store("look whether evidence is whole"))? != Some(before) {
            return Err(Error::Rebuilding);
        }
        Ok(Sitter {
            epoch,
            today: Day::of(self.clock.now()),
            gaps,
            score: found.get(&person.get()).and_then(|found| found.score.clone()),
            person: person.get(),
            accounts: together(own, tallies)?,
            memberships: self.memberships.clone(),
            ignored: Arc::new(ignored),
        })
    }
}

// === impl Sitter ===

impl Sitter {
    /// Whether what one of the person's accounts does to somebody does not count.
    fn is_ignored(&self, account: i64, to: Identity) -> bool {
        let Ignored { everywhere, about } = &*self.ignored;
        let about = |receiver| about.contains(&(account, receiver));
        everywhere.contains(&account) || matches!(to, Identity::Person(it) if about(it))
    }

    /// What is known on a day, with what is known today of those who react.
    pub(crate) fn portrait(&self, day: Day) -> Result<Portrait, Error> {
        let owners = self.memberships.owners();
        let mut actors = Actors {
            person: self.person,
            owners: &owners,
            epoch: &self.epoch,
            ignored: &self.ignored,
            places: HashMap::new(),
            given_to: HashSet::new(),
            actors: Vec::new(),
        };
        let day = day.number();
        for of_account in &self.accounts {
            for (receiver, _, count) in of_account.evidence.given_on(day) {
                let to = identity(&owners, receiver);
                if count > 0 && !self.is_ignored(of_account.id, to) {
                    actors.given_to.insert(to);
                }
            }
        }
        let mut presences: BTreeMap<&Network, PortraitPresence> = BTreeMap::new();
        let (mut plus_k, mut seen) = (Vec::new(), false);
        for OfAccount { network, evidence, tallies, .. } in &self.accounts {
            let presence = presences.entry(network).or_insert_with(|| PortraitPresence {
                network: network.clone(),
                vouched: self.epoch.model.vouches(network),
                reactions: Vec::new(),
                unnamed: Vec::new(),
                posts: Vec::new(),
                tallies: Vec::new(),
                counters: Vec::new(),
            });
            for (actor, kind, age, count) in evidence.cells_on(day) {
                let Some(actor) = actor else {
                    presence.unnamed.push((kind, age, count));
                    continue;
                };
                let Some((actor, given_back)) = actors.place(actor).filter(|_| count > 0) else {
                    seen = true;
                    continue;
                };
                if kind == klout_model::Kind::PlusK {
                    plus_k.push(PortraitPlusK { actor, age, count, given_back });
                } else {
                    presence.reactions.push(PortraitReaction { actor, kind, age, count });
                }
            }
            let post = |(hash, age)| (post_hash(hash), age);
            presence.posts.extend(evidence.posts_on(day).map(post));
            let tally = |it: &Tally| {
                let count = u64::try_from(it.count).ok()?;
                let (post, kind, age) = (post_hash(it.post), it.kind, age_on(day, it.day)?);
                Some(PostTally { post, kind, age, count })
            };
            presence.tallies.extend(tallies.iter().filter_map(tally));
            let (counters, of_posts) = evidence.counters_on(day).map_err(Error::Packed)?;
            presence.counters.extend(counters);
            seen |= of_posts;
        }
        let actors = actors.actors;
        Ok(Portrait { presences: presences.into_values().collect(), actors, plus_k, seen })
    }
}

/// Those who did something to a person, as they are met.
struct Actors<'a> {
    person: i64,
    owners: &'a Owners,
    epoch: &'a Epoch,
    ignored: &'a Ignored,
    places: HashMap<Identity, u32>,
    given_to: HashSet<Identity>,
    actors: Vec<PortraitActor>,
}

// === impl Actors ===

impl Actors<'_> {
    /// Where the owner of an account stands, and whether the person gave them a +K. `None`: what it does weighs
    /// nothing.
    fn place(&mut self, account: i64) -> Option<(u32, bool)> {
        let identity = identity(self.owners, account);
        if identity == Identity::Person(self.person)
            || self.ignored.everywhere.contains(&account)
            || self.ignored.about.contains(&(account, self.person))
        {
            return None;
        }
        let next = u32::try_from(self.actors.len()).expect("evidence fits into memory");
        let place = *self.places.entry(identity).or_insert(next);
        if place == next {
            let published = &self.epoch.published;
            let (discount, come_round) = match identity {
                Identity::Person(actor) => (
                    published.discount(self.person, actor),
                    published.come_round(self.person, actor),
                ),
                Identity::Account(_) => Default::default(),
            };
            self.actors.push(PortraitActor {
                factors: published.factors(identity),
                registered: matches!(identity, Identity::Person(_)),
                discount,
                come_round,
            });
        }
        Some((place, self.given_to.contains(&identity)))
    }
}

fn identity(owners: &Owners, account: i64) -> Identity {
    owners.get(&account).map_or(Identity::Account(account), |owner| Identity::Person(*owner))
}

const fn post_hash(hash: [u8; 16]) -> PostHash {
    PostHash(u128::from_be_bytes(hash))
}

/// The evidence of each account, from its block and the changes beside it.
fn together(own: Vec<OwnAccount>, tallies: Vec<Block<Vec<u8>>>) -> Result<Vec<OfAccount>, Error> {
    let mut accounts: BTreeMap<i64, OfAccount> = BTreeMap::new();
    for it in own {
        let network = it.network.parse();
        let network = network.map_err(|_| Error::NetworkBroken { name: it.network.clone() })?;
        let of_account = accounts.entry(it.account).or_insert_with(|| OfAccount {
            id: it.account,
            network,
            evidence: AccountEvidence::default(),
            tallies: Vec::new(),
        });
        if let Some(packed) = it.evidence {
            of_account.evidence.add(AccountEvidence::unpack(&packed).map_err(Error::Packed)?);
        }
    }
    for block in tallies {
        if let Some(of_account) = accounts.get_mut(&block.account) {
            of_account.tallies.extend(unpack_tallies(&block.bytes).map_err(Error::Packed)?);
        }
    }
    let settled = accounts.into_values().map(|it| OfAccount {
        id: it.id,
        network: it.network,
        evidence: it.evidence.settled(),
        tallies: settled_tallies(it.tallies),
    });
    Ok(settled.collect())
}
