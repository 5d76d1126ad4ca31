//! What is part of what: checked once, then looked up.

use klout_model::TopicId;

use crate::{
    flaw::{Findings, Place, quoted},
    topic::Topic,
};

/// The most that a topic may be part of, at any depth. Klout's have at most 22. With this and `EDGES_MAX` memory is
/// bounded whatever an ontology looks like.
const ANCESTORS_MAX: usize = 256;

/// Lists of topics, one a topic, in one piece of memory.
#[derive(Debug)]
pub(crate) struct Lists {
    ends: Vec<u32>,
    topics: Vec<TopicId>,
}

/// Who is above and below whom, by place.
#[derive(Debug)]
pub(crate) struct Graph {
    pub(crate) children: Lists,
    pub(crate) ancestors: Lists,
    pub(crate) descendants: Lists,
    pub(crate) levels: Vec<u32>,
    pub(crate) sensitive: Vec<bool>,
}

// === impl Lists ===

impl Lists {
    pub(crate) fn get(&self, place: u32) -> &[TopicId] {
        let place = place as usize;
        let start = place.checked_sub(1).map_or(0, |before| self.ends[before]);
        &self.topics[start as usize..self.ends[place] as usize]
    }

    fn new(lists: impl Iterator<Item = Vec<TopicId>>) -> Self {
        let (mut ends, mut topics) = (Vec::new(), Vec::new());
        for list in lists {
            topics.extend(list);
            ends.push(small(topics.len()));
        }
        Self { ends, topics }
    }

    /// For each topic, those in whose list it is.
    fn inverse(&self, topics: &[Topic]) -> Self {
        let count = topics.len();
        let places: Vec<u32> = self
            .topics
            .iter()
            .map(|id| small(topics.binary_search_by_key(id, |topic| topic.id).expect("it is one")))
            .collect();
        let mut ends = vec![0_u32; count];
        for &place in &places {
            ends[place as usize] += 1;
        }
        let mut sum = 0;
        let mut next = Vec::with_capacity(count);
        for end in &mut ends {
            next.push(sum);
            sum += *end;
            *end = sum;
        }
        let mut inverse = vec![TopicId::new(1).expect("not 0"); places.len()];
        let mut start = 0;
        for (topic, &end) in topics.iter().zip(&self.ends) {
            for &place in &places[start as usize..end as usize] {
                let at = &mut next[place as usize];
                inverse[*at as usize] = topic.id;
                *at += 1;
            }
            start = end;
        }
        Self { ends, topics: inverse }
    }
}

// === impl Graph ===

impl Graph {
    /// Of topics in order of id, all of whose parents exist. `None` and a flaw when one is part of itself.
    /// `places` says where each was read. Nothing here recurses, so depth cannot overflow the stack.
    pub(crate) fn new(topics: &[Topic], places: &[Place], findings: &mut Findings) -> Option<Self> {
        let parents = Lists::new(topics.iter().map(|topic| topic.parents.clone()));
        let children = parents.inverse(topics);
        let place = |id: &TopicId| {
            topics.binary_search_by_key(id, |topic| topic.id).expect("parents and children exist")
        };

        // Parents before children (Kahn, 1962).
        let mut waits_for: Vec<usize> = topics.iter().map(|topic| topic.parents.len()).collect();
        let mut order: Vec<usize> = (0..topics.len()).filter(|&it| waits_for[it] == 0).collect();
        let mut done = 0;
        while let Some(&topic) = order.get(done) {
            done += 1;
            for child in children.get(small(topic)) {
                let child = place(child);
                waits_for[child] -= 1;
                if waits_for[child] == 0 {
                    order.push(child);
                }
            }
        }
        if order.len() < topics.len() {
            let start = (0..topics.len()).find(|&it| waits_for[it] > 0).expect("some are left");
            let cycle = cycle(topics, &waits_for, start, place);
            let path: Vec<String> =
                cycle.iter().take(12).map(|&it| topics[it].slug.clone()).collect();
            let more = if cycle.len() > path.len() { " ⊂ …" } else { "" };
            let first = cycle[0];
            let path = quoted(&path.join(" ⊂ "));
            findings.flaw(
                places[first],
                format!(
                    "the topic {} is part of itself: {path}{more}",
                    quoted(&topics[first].slug)
                ),
            );
            return None;
        }

        let mut ancestors: Vec<Vec<TopicId>> = vec![Vec::new(); topics.len()];
        let mut levels = vec![1_u32; topics.len()];
        let mut sensitive: Vec<bool> = topics.iter().map(|topic| topic.sensitive).collect();
        for &topic in &order {
            let mut above = topics[topic].parents.clone();
            let mut level = u32::MAX;
            for parent in &topics[topic].parents {
                let parent = place(parent);
                above.extend(&ancestors[parent]);
                level = level.min(levels[parent] + 1);
                sensitive[topic] |= sensitive[parent];
            }
            above.sort_unstable();
            above.dedup();
            above.shrink_to_fit();
            if above.len() > ANCESTORS_MAX {
                let slug = quoted(&topics[topic].slug);
                let problem =
                    format!("the topic {slug} is part of more than {ANCESTORS_MAX} topics");
                findings.flaw(places[topic], problem);
                return None;
            }
            if !above.is_empty() {
                levels[topic] = level;
            }
            ancestors[topic] = above;
        }
        let ancestors = Lists::new(ancestors.into_iter());
        let descendants = ancestors.inverse(topics);
        Some(Self { children, ancestors, descendants, levels, sensitive })
    }
}

/// Follows parents from a topic that has a cycle above it, until one comes again: the cycle, from its topic of
/// least id on.
fn cycle(
    topics: &[Topic],
    waits_for: &[usize],
    start: usize,
    place: impl Fn(&TopicId) -> usize,
) -> Vec<usize> {
    let mut seen = vec![false; topics.len()];
    let mut path = Vec::new();
    let mut topic = start;
    while !seen[topic] {
        seen[topic] = true;
        path.push(topic);
        let mut parents = topics[topic].parents.iter().map(&place);
        topic = parents.find(|&it| waits_for[it] > 0).expect("it waits for one that waits");
    }
    let begin = path.iter().position(|&it| it == topic).expect("it was seen");
    let mut cycle = path.split_off(begin);
    let least = (0..cycle.len()).min_by_key(|&it| cycle[it]).unwrap_or(0);
    cycle.rotate_left(least);
    cycle
}

/// Limits keep every count of this crate below 2³².
pub(crate) fn small(count: usize) -> u32 {
    u32::try_from(count).expect("limits keep counts below 2^32")
}
