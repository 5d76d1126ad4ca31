//! The ontology that ships with the project.

use std::sync::{Arc, LazyLock};

use crate::{file::File, ontology::Ontology};

/// What it is called. Ids are unique within it for ever.
const NAME: &str = "klout-open";

/// Changes with its files.
const EDITION: &str = "2026-11-26";

/// A file for everything below a topic at the top.
const FILES: [(&str, &str); 1] = [("music.toml", include_str!("../taxonomy/music.toml"))];

pub(crate) fn ontology() -> &'static Arc<Ontology> {
    static SHIPPED: LazyLock<Arc<Ontology>> = LazyLock::new(|| {
        let file = |(name, text): (&str, &str)| File {
            name: name.to_owned(),
            content: text.as_bytes().to_vec(),
        };
        let files = FILES.map(file).into();
        let (ontology, _) = Ontology::read(NAME, EDITION, files).expect("its files are tested");
        Arc::new(ontology)
    });
    &SHIPPED
}
