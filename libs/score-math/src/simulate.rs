//! What a score would be if more happened, and what would raise it. docs/scoring.md, section 16.

use std::collections::BTreeMap;

use klout_model::{Kind, Network};

use crate::{
    Factors, Model, PersonScore, PlusK, Portrait, Presence, Repute, Share, Sums, Unnamed,
    ledger::{Ledger, Whole, sums_of},
};

/// Something that has not happened: `count` times today, each time by somebody else, who reacts to nobody but
/// the person.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Event {
    pub network: Network,
    pub what: What,
    pub count: u32,
    pub by: By,
}

/// What happens.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum What {
    Interaction(Kind),
    /// The person posts, and nobody reacts.
    Post,
}

/// By whom.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub enum By {
    /// As the actors that the person has on that network, in the median of what their reactions are worth; a
    /// [`Member`](Self::Member) when there are none.
    #[default]
    LikeMine,
    /// A member to whom nobody reacts.
    Member,
    /// A member with a prestige of one half.
    Influential,
    /// Somebody whom nobody knows.
    Unknown,
}

/// What would raise a score.
#[derive(Clone, Debug, PartialEq)]
pub struct Counterfactual {
    /// In words.
    pub text: String,
    pub event: Event,
    /// How many points more.
    pub change: f64,
}

/// So many are told.
const COUNTERFACTUALS_MAX: usize = 5;
/// What would raise a score by less is not worth telling.
const CHANGE_MIN: f64 = 0.005;
/// How many interactions more are tried: the first of these that is felt, for up there every point is harder.
const MORE: [u32; 4] = [20, 200, 2_000, 20_000];
/// In points.
const FELT: f64 = 0.1;
/// Of how many kinds that earned most.
const KINDS: usize = 3;
/// What one can ask an audience for.
const ACTIONABLE: [Kind; 2] = [Kind::Reshare, Kind::Reply];

impl Portrait {
    /// The score if these things happened today. Without evidence and without events it is
    /// [`PersonScore::NOTHING`].
    ///
    /// # Panics
    ///
    /// When a row names an actor that is not there.
    #[must_use]
    pub fn simulate(&self, model: &Model, events: &[Event]) -> PersonScore {
        Ledger::new(model, self).simulate(events)
    }

    /// What would raise the score most, of what the person may bring about: more of what earned most, a word
    /// of somebody influential, an audience where there is none. Best first; the same for the same portrait.
    ///
    /// # Panics
    ///
    /// When a row names an actor that is not there.
    #[must_use]
    pub fn counterfactuals(&self, model: &Model) -> Vec<Counterfactual> {
        let ledger = Ledger::new(model, self);
        let points = |events: &[Event]| ledger.simulate(events).score.points();
        let now = points(&[]);
        let tried = |more: u32| {
            let candidates = ledger.candidates(more).into_iter().map(|(text, event)| {
                let change = points(std::slice::from_ref(&event)) - now;
                Counterfactual { text, event, change }
            });
            let mut found: Vec<_> = candidates.filter(|it| it.change >= CHANGE_MIN).collect();
            // Stable, so that of equal ones the first candidate comes first.
            found.sort_by(|one, other| other.change.total_cmp(&one.change));
            found.truncate(COUNTERFACTUALS_MAX);
            found
        };
        let enough = |found: &[Counterfactual]| found.first().is_some_and(|it| it.change >= FELT);
        let mut found = Vec::new();
        for more in MORE {
            found = tried(more);
            if enough(&found) {
                break;
            }
        }
        found
    }
}

/// What happens to one presence.
#[derive(Default)]
struct More {
    sums: Sums,
    posts: u64,
}

// === impl Ledger ===

impl Ledger<'_> {
    fn simulate(&self, events: &[Event]) -> PersonScore {
        if events.is_empty() {
            return self.score().unwrap_or(PersonScore::NOTHING);
        }
        let mut more: BTreeMap<&Network, More> = BTreeMap::new();
        let mut plus_k = self.whole.plus_k;
        for event in events {
            let count = u64::from(event.count);
            let factors = || self.factors(&event.network, event.by);
            let share = |kind| self.model.share(self.model.mass(kind, 0, 1));
            match event.what {
                What::Interaction(Kind::PlusK) => {
                    let mut one = PlusK::default();
                    one.add(&factors(), share(Kind::PlusK), Share::NONE);
                    plus_k = plus_k.and(one.times(count));
                }
                What::Interaction(kind) => {
                    let here = more.entry(&event.network).or_default();
                    here.sums = here.sums.and(&sums_of(&factors(), share(kind)).times(count));
                }
                What::Post => {
                    let here = more.entry(&event.network).or_default();
                    here.posts = here.posts.saturating_add(count);
                }
            }
        }
        let mut presences: Vec<Presence> = Vec::new();
        for (entry, presence) in self.entries.iter().zip(&self.whole.presences) {
            presences.push(match more.remove(&entry.of.network) {
                None => *presence,
                Some(more) => {
                    let sums = entry.sums.and(&more.sums);
                    entry.with_posts(self.model, &sums, &entry.unnamed, more.posts)
                }
            });
        }
        for (network, More { sums, posts }) in more {
            let vouched = self.model.vouches(network);
            let unnamed = Unnamed::default();
            presences.push(Presence::new(self.model, &sums, vouched, &unnamed, [(0, posts)]));
        }
        Whole { presences, counters: self.whole.counters.clone(), plus_k }.score(self.model)
    }

    /// Of somebody who reacts on a network.
    fn factors(&self, network: &Network, by: By) -> Factors {
        let member = Repute { credibility: 1.0, prestige: 0.0, worth: 1.0 };
        match by {
            By::LikeMine => self.median(network).unwrap_or_else(|| member.factors()),
            By::Member => member.factors(),
            By::Influential => {
                let worth = 1.0 + self.model.numbers.prestige.worth * HALF;
                Repute { prestige: HALF, worth, ..member }.factors()
            }
            By::Unknown => Repute::UNSEEN.factors(),
        }
    }

    /// The factors of the actor in the middle, by what its reactions are worth; of two the lesser.
    fn median(&self, network: &Network) -> Option<Factors> {
        let entry = self.entries.iter().find(|entry| entry.of.network == *network)?;
        let actors = entry.edges.iter().map(|edge| self.actor(edge.actor).factors);
        let mut actors: Vec<Factors> = actors.collect();
        let middle = actors.len().checked_sub(1)? / 2;
        let worth = |it: &Factors| (it.attention, it.strangers, it.people, it.prestige);
        let (_, median, _) = actors.select_nth_unstable_by_key(middle, worth);
        Some(*median)
    }

    /// What might raise the score, in words.
    fn candidates(&self, more: u32) -> Vec<(String, Event)> {
        let rates = self.rates();
        let mut candidates = Vec::new();
        // Of equal ones the first by name, as the presences come.
        let earned = |place: usize| self.whole.presences[place].influence;
        let reached =
            (0..self.entries.len()).filter(|place| !self.entries[*place].edges.is_empty());
        let best = reached.reduce(|best, it| if earned(it) > earned(best) { it } else { best });
        if let Some(best) = best {
            let network = &self.entries[best].of.network;
            let mut kinds: Vec<(Kind, f64)> = self.kinds_of(&rates, best);
            kinds.sort_by(|one, other| other.1.total_cmp(&one.1));
            kinds.truncate(KINDS);
            let mut kinds: Vec<Kind> = kinds.into_iter().map(|it| it.0).collect();
            for kind in ACTIONABLE {
                if kinds.len() < KINDS && !kinds.contains(&kind) {
                    kinds.push(kind);
                }
            }
            for kind in kinds {
                let things = plural(kind);
                let text = format!(
                    "{more} more {things} on {network}, by people like those who react to you there"
                );
                candidates.push((text, event(network, kind, more, By::LikeMine)));
            }
            let text = format!("a reshare on {network}, by one influential member");
            candidates.push((text, event(network, Kind::Reshare, 1, By::Influential)));
        }
        // On our own network there is nothing but +K, which is given and not earned by posts.
        for entry in self.entries.iter().filter(|entry| entry.edges.is_empty()) {
            let network = &entry.of.network;
            if network.as_str() == Network::KLOUT {
                continue;
            }
            let text = format!(
                "the first {more} likes on {network}, by members whom you do not reach yet"
            );
            candidates.push((text, event(network, Kind::Like, more, By::Member)));
        }
        candidates
    }
}

/// The prestige of the influential in what would be.
const HALF: f64 = 0.5;

fn event(network: &Network, kind: Kind, count: u32, by: By) -> Event {
    Event { network: network.clone(), what: What::Interaction(kind), count, by }
}

/// What several of a kind are called.
const fn plural(kind: Kind) -> &'static str {
    match kind {
        Kind::Like => "likes",
        Kind::Reshare => "reshares",
        Kind::Reply => "replies",
        Kind::Mention => "mentions",
        Kind::Comment => "comments",
        Kind::Follow => "followers",
        Kind::List => "list entries",
        Kind::Endorse => "endorsements",
        Kind::Accept => "accepted answers",
        Kind::PlusK => "+K",
    }
}

// === impl What ===

impl What {
    /// The word of the contract.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Interaction(kind) => kind.as_str(),
            Self::Post => "post",
        }
    }

    /// What a word of the contract means.
    #[must_use]
    pub fn from_word(word: &str) -> Option<Self> {
        match word {
            "post" => Some(Self::Post),
            word => word.parse().ok().map(Self::Interaction),
        }
    }
}

// === impl By ===

impl By {
    pub const ALL: [Self; 4] = [Self::LikeMine, Self::Member, Self::Influential, Self::Unknown];

    /// The word of the contract.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::LikeMine => "like_mine",
            Self::Member => "member",
            Self::Influential => "influential",
            Self::Unknown => "unknown",
        }
    }

    /// What a word of the contract means; an empty one is the default.
    #[must_use]
    pub fn from_word(word: &str) -> Option<Self> {
        if word.is_empty() {
            return Some(Self::default());
        }
        Self::ALL.into_iter().find(|by| by.as_str() == word)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn events_have_the_words_of_the_contract() {
        for by in By::ALL {
            assert_eq!(By::from_word(by.as_str()), Some(by));
        }
        assert_eq!((By::from_word(""), By::from_word("members")), (Some(By::LikeMine), None));
        for what in Kind::ALL.map(What::Interaction).into_iter().chain([What::Post]) {
            assert_eq!(What::from_word(what.as_str()), Some(what));
        }
        assert_eq!(What::from_word("adore"), None);
    }
}
