//! Makes an ontology of what was read, or says what is wrong with it.

use std::collections::BTreeMap;

use klout_model::TopicId;

use crate::{
    draft::{Draft, Parent, ParentTopic},
    flaw::{Findings, Place, quoted},
    graph::Graph,
    topic::Topic,
};

/// Klout's last edition has 8,033.
const TOPICS_MAX: usize = 100_000;

/// Klout's have at most 18.
const PARENTS_MAX: usize = 64;

/// Of all topics together.
const EDGES_MAX: usize = 1_000_000;

/// Names, aliases, keywords and exceptions of all topics together.
const PHRASES_MAX: usize = 2_000_000;

/// Topics in order of id, and what is part of what.
pub(crate) struct Checked {
    pub(crate) topics: Vec<Topic>,
    pub(crate) graph: Graph,
}

/// The order of `drafts` does not matter. `None`: `findings` has a flaw.
pub(crate) fn check(mut drafts: Vec<Draft>, findings: &mut Findings) -> Option<Checked> {
    if drafts.is_empty() {
        findings.flaw(Place::default(), "there is no topic");
    }
    let phrases = drafts.iter().map(|draft| draft.names.len() + draft.phrases.len());
    let edges = drafts.iter().map(|draft| draft.parents.len());
    for (what, count, max) in [
        ("topics", drafts.len(), TOPICS_MAX),
        ("names and phrases", phrases.sum(), PHRASES_MAX),
        ("parents", edges.sum(), EDGES_MAX),
    ] {
        if count > max {
            findings.flaw(Place::default(), format!("there are {count} {what}, and may be {max}"));
            return None;
        }
    }

    drafts.sort_by_key(|draft| (draft.id, draft.at));
    for draft in &drafts {
        draft.check(findings);
    }
    for pair in drafts.windows(2) {
        if pair[0].id == pair[1].id {
            let (id, other) = (pair[1].id, findings.at(pair[0].at));
            let slugs = (quoted(&pair[0].slug), quoted(&pair[1].slug));
            let problem =
                format!("{id} is the id of two topics: {}, at {other}, and {}", slugs.0, slugs.1);
            findings.flaw(pair[1].at, problem);
        }
    }
    let by_slug = by_slug(&drafts, findings);
    if findings.any_flaw() {
        // Unknown parents are told with the rest; cycles only once everything else is right.
        for draft in &drafts {
            parents(draft, &drafts, &by_slug, findings);
        }
        return None;
    }
    let parents: Vec<Vec<TopicId>> =
        drafts.iter().map(|draft| parents(draft, &drafts, &by_slug, findings)).collect();
    if findings.any_flaw() {
        return None;
    }
    drop(by_slug);

    let places: Vec<Place> = drafts.iter().map(|draft| draft.at).collect();
    let topics: Vec<Topic> =
        drafts.into_iter().zip(parents).map(|(draft, parents)| topic(draft, parents)).collect();
    let graph = Graph::new(&topics, &places, findings)?;
    Some(Checked { topics, graph })
}

fn topic(draft: Draft, parents: Vec<TopicId>) -> Topic {
    let mut phrases = draft.phrases;
    phrases.sort_unstable();
    phrases.dedup();
    Topic {
        id: draft.id,
        slug: draft.slug,
        names: draft.names,
        parents,
        wikidata: draft.wikidata,
        phrases,
        sensitive: draft.sensitive,
        description: draft.description,
    }
}

/// Slugs that differ only in case would be one address to most people, so they count as the same.
fn by_slug(drafts: &[Draft], findings: &mut Findings) -> BTreeMap<String, TopicId> {
    let mut lines: Vec<(String, Place, TopicId)> =
        drafts.iter().map(|it| (it.slug.to_lowercase(), it.at, it.id)).collect();
    lines.sort_unstable();
    for pair in lines.windows(2) {
        if pair[0].0 == pair[1].0 && pair[0].2 != pair[1].2 {
            let (slug, other) = (quoted(&pair[1].0), findings.at(pair[0].1));
            let (first, second) = (pair[0].2, pair[1].2);
            let problem =
                format!("{slug} is the slug of two topics: {first}, at {other}, and {second}");
            findings.flaw(pair[1].1, problem);
        }
    }
    lines.into_iter().map(|(slug, _, id)| (slug, id)).collect()
}

fn parents(
    draft: &Draft,
    drafts: &[Draft],
    by_slug: &BTreeMap<String, TopicId>,
    findings: &mut Findings,
) -> Vec<TopicId> {
    let slug = || quoted(&draft.slug);
    let mut parents = Vec::new();
    for Parent { topic, at } in &draft.parents {
        let (found, name) = match topic {
            ParentTopic::Id(id) => {
                let known = drafts.binary_search_by_key(id, |draft| draft.id).is_ok();
                (known.then_some(*id), id.to_string())
            }
            ParentTopic::Slug(slug) => (by_slug.get(&slug.to_lowercase()).copied(), quoted(slug)),
        };
        match found {
            None => findings.flaw(*at, format!("{} is part of {name}, which is no topic", slug())),
            Some(id) if id == draft.id => {
                findings.flaw(*at, format!("the topic {} is part of itself", slug()));
            }
            Some(id) => parents.push(id),
        }
    }
    parents.sort_unstable();
    parents.dedup();
    if parents.len() > PARENTS_MAX {
        let problem = format!("{} is part of more than {PARENTS_MAX} topics", slug());
        findings.flaw(draft.at, problem);
    }
    parents
}
