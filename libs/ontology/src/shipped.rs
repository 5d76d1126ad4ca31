//! The ontology that ships with the project.

use std::sync::{Arc, LazyLock};

use crate::{file::File, ontology::Ontology};

/// What it is called. Ids are unique within it for ever.
const NAME: &str = "klout-open";

/// Changes with its files.
const EDITION: &str = "2026-11-26";

/// A file for everything below a topic at the top.
const FILES: [(&str, &str); 11] = [
    ("arts.toml", include_str!("../taxonomy/arts.toml")),
    ("business.toml", include_str!("../taxonomy/business.toml")),
    ("food.toml", include_str!("../taxonomy/food.toml")),
    ("games.toml", include_str!("../taxonomy/games.toml")),
    ("literature.toml", include_str!("../taxonomy/literature.toml")),
    ("music.toml", include_str!("../taxonomy/music.toml")),
    ("science.toml", include_str!("../taxonomy/science.toml")),
    ("screen.toml", include_str!("../taxonomy/screen.toml")),
    ("sports.toml", include_str!("../taxonomy/sports.toml")),
    ("technology.toml", include_str!("../taxonomy/technology.toml")),
    ("travel.toml", include_str!("../taxonomy/travel.toml")),
];

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
