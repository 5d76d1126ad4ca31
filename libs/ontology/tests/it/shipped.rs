//! The ontology that ships.

use klout_ontology::Ontology;

#[test]
fn it_is_read() {
    assert!(!Ontology::shipped().topics().is_empty());
}
