//! Ontologies as others use them.

mod checks;
mod klout;
mod looked_up;
mod made_up;
mod moved;
mod shipped;
mod toml;

/// A file of this name and text.
fn file(name: &str, text: &str) -> klout_ontology::File {
    klout_ontology::File { name: name.to_owned(), content: text.as_bytes().to_vec() }
}

/// The same, packed.
fn gzip(bytes: &[u8]) -> Vec<u8> {
    use std::io::Write as _;

    let mut packed = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
    packed.write_all(bytes).expect("memory takes it");
    packed.finish().expect("memory takes it")
}
