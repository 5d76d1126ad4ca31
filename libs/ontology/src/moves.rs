//! Where topics lead to when another edition comes into use.

use std::collections::BTreeMap;

use klout_model::TopicId;

use crate::{ontology::Ontology, topic::Topic};

/// Where a topic leads to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Move {
    pub from: TopicId,
    /// `None`: it is gone.
    pub to: Option<TopicId>,
    pub by: MovedBy,
}

/// Why a topic leads to another.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum MovedBy {
    /// It is there in both, within one ontology. Ids of different ontologies say nothing of one another.
    Id,
    /// Both are the same item of Wikidata.
    Wikidata,
    /// Both have the same slug.
    Slug,
    /// It is gone, and the nearest topic that it was part of is not.
    Ancestor,
    /// It is gone, and all that it was part of.
    Gone,
}

type Exact = Option<(TopicId, MovedBy)>;

// === impl MovedBy ===

impl MovedBy {
    /// Whether it leads to the same topic, rather than to a wider one or nowhere.
    #[must_use]
    pub const fn is_exact(self) -> bool {
        matches!(self, Self::Id | Self::Wikidata | Self::Slug)
    }
}

/// In order of old id.
pub(crate) fn moves(old: &Ontology, new: &Ontology) -> Vec<Move> {
    let mut by_item: BTreeMap<&str, Vec<&Topic>> = BTreeMap::new();
    for topic in new.topics() {
        if let Some(item) = &topic.wikidata {
            by_item.entry(item).or_default().push(topic);
        }
    }
    let same_ids = old.name() == new.name();
    let exact: Vec<Exact> = old
        .topics()
        .iter()
        .map(|topic| {
            let by_id = new.get(topic.id).filter(|_| same_ids).map(|it| (it.id, MovedBy::Id));
            by_id
                .or_else(|| by_wikidata(topic, &by_item))
                .or_else(|| new.by_slug(&topic.slug).map(|it| (it.id, MovedBy::Slug)))
        })
        .collect();
    let topics = old.topics().iter().zip(&exact);
    topics
        .map(|(topic, found)| {
            let found = found.or_else(|| nearest(topic, old, &exact));
            let (to, by) = found.map_or((None, MovedBy::Gone), |(to, by)| (Some(to), by));
            Move { from: topic.id, to, by }
        })
        .collect()
}

/// Of several topics that are one item, only the one of the same slug is surely meant.
fn by_wikidata(topic: &Topic, by_item: &BTreeMap<&str, Vec<&Topic>>) -> Exact {
    let found = by_item.get(topic.wikidata.as_deref()?)?;
    let meant = match found.as_slice() {
        [only] => Some(only),
        several => several.iter().find(|it| it.slug == topic.slug),
    };
    meant.map(|it| (it.id, MovedBy::Wikidata))
}

/// The nearest ancestor that is in the new edition; of several that are as near, the one of least old id.
fn nearest(topic: &Topic, old: &Ontology, exact: &[Exact]) -> Exact {
    let mut level = topic.parents.clone();
    // The limit of ancestors bounds both the levels and what is on them.
    while !level.is_empty() {
        level.sort_unstable();
        level.dedup();
        let places = level.iter().filter_map(|it| old.place(*it));
        if let Some((to, _)) = places.filter_map(|place| exact[place as usize]).next() {
            return Some((to, MovedBy::Ancestor));
        }
        level =
            level.iter().filter_map(|it| old.get(*it)).flat_map(|it| it.parents.clone()).collect();
    }
    None
}
