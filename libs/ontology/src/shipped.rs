//! The ontology that ships with the project.

use std::sync::{Arc, LazyLock};

use crate::{file::File, ontology::Ontology};

/// What it is called. Ids are unique within it for ever.
const NAME: &str = "klout-open";

/// Changes with its files.
const EDITION: &str = "2026-11-26";

/// A file for everything below a topic at the top.
const FILES: [(&str, &str); 24] = [
    ("animals.toml", include_str!("../taxonomy/animals.toml")),
    ("arts.toml", include_str!("../taxonomy/arts.toml")),
    ("business.toml", include_str!("../taxonomy/business.toml")),
    ("education.toml", include_str!("../taxonomy/education.toml")),
    ("family.toml", include_str!("../taxonomy/family.toml")),
    ("fashion.toml", include_str!("../taxonomy/fashion.toml")),
    ("food.toml", include_str!("../taxonomy/food.toml")),
    ("games.toml", include_str!("../taxonomy/games.toml")),
    ("health.toml", include_str!("../taxonomy/health.toml")),
    ("history.toml", include_str!("../taxonomy/history.toml")),
    ("hobbies.toml", include_str!("../taxonomy/hobbies.toml")),
    ("home.toml", include_str!("../taxonomy/home.toml")),
    ("literature.toml", include_str!("../taxonomy/literature.toml")),
    ("media.toml", include_str!("../taxonomy/media.toml")),
    ("music.toml", include_str!("../taxonomy/music.toml")),
    ("nature.toml", include_str!("../taxonomy/nature.toml")),
    ("religion.toml", include_str!("../taxonomy/religion.toml")),
    ("science.toml", include_str!("../taxonomy/science.toml")),
    ("screen.toml", include_str!("../taxonomy/screen.toml")),
    ("society.toml", include_str!("../taxonomy/society.toml")),
    ("sports.toml", include_str!("../taxonomy/sports.toml")),
    ("technology.toml", include_str!("../taxonomy/technology.toml")),
    ("transport.toml", include_str!("../taxonomy/transport.toml")),
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
