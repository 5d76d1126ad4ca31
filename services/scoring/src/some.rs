//! Scores some people with what a pass found out about everybody: as its last step scores all of them, with the
//! same code.

use std::{collections::BTreeMap, sync::Arc};

use klout_chassis::Chain;
use klout_model::{Day, Network};
use klout_score_engine::{Account, Block, Census, Graph, Identity, Ignored, Scope, packed};
use klout_score_math::PersonScore;
use rustc_hash::FxHashMap;
use tracing::error;

use crate::{epochs::Epoch, error::Error, memberships::Memberships, store::evidence::OwnAccount};

/// By person; `None`: there is no evidence.
pub(crate) type Scores = BTreeMap<i64, Option<PersonScore>>;

/// What people's scores are made with.
#[derive(Clone, Debug)]
pub(crate) struct Means {
    pub(crate) epoch: Arc<Epoch>,
    pub(crate) memberships: Memberships,
    pub(crate) ignored: Arc<Ignored>,
    pub(crate) today: Day,
}

// === impl Means ===

impl Means {
    /// As [`Self::scores`], but for those whose evidence cannot be read, who are told apart: one damaged row, or one
    /// of a later version, is no reason to score nobody.
    pub(crate) fn scores_of_readable(
        &self,
        own: Vec<OwnAccount>,
    ) -> Result<(Scores, Vec<i64>), Error> {
        match self.scores(&own) {
            Ok(scores) => return Ok((scores, Vec::new())),
            Err(Error::Packed(_) | Error::NetworkBroken { .. }) => {}
            Err(error) => return Err(error),
        }
        let mut by_person: BTreeMap<i64, Vec<OwnAccount>> = BTreeMap::new();
        for it in own {
            by_person.entry(it.person).or_default().push(it);
        }
        let (mut scores, mut unreadable) = (BTreeMap::new(), Vec::new());
        for (person, own) in by_person {
            match self.scores(&own) {
                Ok(of_person) => scores.extend(of_person),
                Err(error) => {
                    error!(person, error = %Chain(&error), "somebody's evidence cannot be read");
                    unreadable.push(person);
                }
            }
        }
        Ok((scores, unreadable))
    }

    /// The scores of those who own these accounts; `None`: there is no evidence. Takes a processor as long as it
    /// takes.
    fn scores(&self, own: &[OwnAccount]) -> Result<Scores, Error> {
        let mut scores: Scores = own.iter().map(|it| (it.person, None)).collect();
        let mut networks = Networks::default();
        let mut accounts = Vec::with_capacity(own.len());
        let mut blocks = Vec::with_capacity(own.len());
        for it in own {
            let network = networks.place(&it.network)?;
            accounts.push(Account { id: it.account, network, owner: Some(it.person) });
            if let Some(bytes) = it.evidence.as_deref() {
                blocks.push(Block { account: it.account, bytes });
            }
        }
        self.add_actors(&blocks, &mut accounts)?;

        let model = &*self.epoch.model;
        let scope = Scope {
            model,
            today: self.today.number(),
            networks: networks.names(),
            accounts: &accounts,
            ignored: &self.ignored,
        };
        let census = Census::take(scope, blocks).map_err(Error::Packed)?;
        let epoch = self.epoch.published.of(&census.people);
        let graph = Graph::of_some(model, census.evidence, epoch.closed.clone());
        let (found, _) = graph.scores(model, &epoch);
        for (identity, score) in census.people.iter().zip(found) {
            if let Identity::Person(person) = identity
                && let Some(own) = scores.get_mut(person)
            {
                *own = score;
            }
        }
        Ok(scores)
    }

    /// Adds the accounts of members that the blocks name. They come after the people's own, of which there is a
    /// network.
    fn add_actors(
        &self,
        blocks: &[Block<&[u8]>],
        accounts: &mut Vec<Account>,
    ) -> Result<(), Error> {
        let owners = self.memberships.owners();
        for block in blocks {
            for id in packed::named(block.bytes).map_err(Error::Packed)? {
                if let Some(owner) = owners.get(&id) {
                    accounts.push(Account { id, network: 0, owner: Some(*owner) });
                }
            }
        }
        Ok(())
    }
}

/// Networks by their places.
#[derive(Debug, Default)]
pub(crate) struct Networks {
    names: Vec<Network>,
    places: FxHashMap<String, u32>,
}

// === impl Networks ===

impl Networks {
    pub(crate) fn place(&mut self, name: &str) -> Result<u32, Error> {
        if let Some(place) = self.places.get(name) {
            return Ok(*place);
        }
        let network = name.parse().map_err(|_| Error::NetworkBroken { name: name.to_owned() })?;
        let place = u32::try_from(self.names.len()).expect("there are not so many networks");
        self.names.push(network);
        self.places.insert(name.to_owned(), place);
        Ok(place)
    }

    pub(crate) fn names(&self) -> &[Network] {
        &self.names
    }
}
