//! Which topics of an imported ontology tell of somebody's health, religion, sex life or politics.

/// By slug.
const SLUGS: [&str; 1] = ["religion"];

/// Whether a topic is sensitive, and with it all that is part of it.
pub(crate) fn is_sensitive(slug: &str, _wikidata: Option<&str>) -> bool {
    SLUGS.contains(&slug)
}
