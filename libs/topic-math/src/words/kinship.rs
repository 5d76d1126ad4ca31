//! Which topics belong together.

use klout_ontology::Ontology;

use super::index;

/// For each topic, by its place in the ontology, itself and its ancestors.
#[derive(Debug)]
pub(super) struct Kinship {
    starts: Vec<u32>,
    /// All of a topic, then all of the next, each with those below the top first.
    lineage: Vec<u32>,
    /// How many of a topic's are below the top, or the topic itself.
    near: Vec<u32>,
}

// === impl Kinship ===

impl Kinship {
    pub(super) fn new(ontology: &Ontology) -> Self {
        let mut kinship = Self { starts: vec![0], lineage: Vec::new(), near: Vec::new() };
        for topic in ontology.topics() {
            let (near, top): (Vec<_>, Vec<_>) =
                ontology.ancestors(topic.id).iter().partition(|it| ontology.level(**it) > 1);
            let places = |ids: Vec<_>| ids.into_iter().filter_map(|id| ontology.place(id));
            let mut near: Vec<u32> = places(near).chain(ontology.place(topic.id)).collect();
            near.sort_unstable();
            kinship.near.push(index(near.len()));
            kinship.lineage.extend(near);
            kinship.lineage.extend(places(top));
            kinship.starts.push(index(kinship.lineage.len()));
        }
        kinship
    }

    /// A topic with its ancestors below the top, in order: topics that share one are kin. At the top everything
    /// belongs together somehow.
    pub(super) fn near(&self, topic: u32) -> &[u32] {
        let start = self.starts[topic as usize] as usize;
        &self.lineage[start..start + self.near[topic as usize] as usize]
    }

    /// A topic and all its ancestors.
    pub(super) fn lineage(&self, topic: u32) -> &[u32] {
        let topic = topic as usize;
        &self.lineage[self.starts[topic] as usize..self.starts[topic + 1] as usize]
    }

    pub(super) fn are_kin(&self, one: u32, other: u32) -> bool {
        let other = self.near(other);
        self.near(one).iter().any(|it| other.binary_search(it).is_ok())
    }

    pub(super) fn bytes(&self) -> usize {
        size_of_val(&*self.starts) + size_of_val(&*self.lineage) + size_of_val(&*self.near)
    }
}
