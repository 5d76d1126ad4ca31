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

/// The topics of an edition, by item.
type Items<'a> = BTreeMap<&'a str, Vec<&'a Topic>>;

/// Items that published ontologies have for what is another item elsewhere: Klout's soccer is association football.
const SAME_ITEMS: [(&str, &str); 1] = [("Q1081491", "Q2736")];

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
    let (old_items, new_items) = (items(old), items(new));
    let same_ids = old.name() == new.name();
    let exact: Vec<Exact> = old
        .topics()
        .iter()
        .map(|topic| {
            let by_id = new.get(topic.id).filter(|_| same_ids).map(|it| (it.id, MovedBy::Id));
            by_id
                .or_else(|| by_wikidata(topic, &new_items))
                .or_else(|| by_slug(topic, new, &old_items, &new_items))
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

fn items(ontology: &Ontology) -> Items<'_> {
    let mut items = Items::new();
    for topic in ontology.topics() {
        if let Some(item) = item(topic) {
            items.entry(item).or_default().push(topic);
        }
    }
    items
}

fn item(topic: &Topic) -> Option<&str> {
    let item = topic.wikidata.as_deref()?;
    Some(SAME_ITEMS.iter().find(|(other, _)| *other == item).map_or(item, |(_, same)| same))
}

/// Of several topics that are one item, only the one of the same slug is surely meant.
fn by_wikidata(topic: &Topic, new_items: &Items<'_>) -> Exact {
    let found = new_items.get(item(topic)?)?;
    let meant = match found.as_slice() {
        [only] => Some(only),
        several => several.iter().find(|it| it.slug == topic.slug),
    };
    meant.map(|it| (it.id, MovedBy::Wikidata))
}

/// Items of one thing may differ, as those of an edition may be of before Wikidata merged two. Not if what has the
/// slug is what another old topic was, or another new topic is what had it: then one word is two things, as
/// football is.
fn by_slug(topic: &Topic, new: &Ontology, old_items: &Items<'_>, new_items: &Items<'_>) -> Exact {
    let found = new.by_slug(&topic.slug)?;
    let is_another = match (item(topic), item(found)) {
        (Some(was), Some(is)) => {
            was != is && (old_items.contains_key(is) || new_items.contains_key(was))
        }
        _ => false,
    };
    (!is_another).then_some((found.id, MovedBy::Slug))
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
