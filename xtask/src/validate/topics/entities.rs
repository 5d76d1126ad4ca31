//! How far names alone go: whether a person or thing has to do with a topic, told by what it is called.
//!
//! Klout published pairs of an entity and a topic, and whether people found that the two belong together.

use std::{collections::HashMap, fs, io::Read as _, path::Path, sync::Arc};

use anyhow::{Context as _, Result, anyhow};
use flate2::read::MultiGzDecoder;
use klout_model::TopicId;
use klout_ontology::{File, Ontology};
use klout_topic_math::words::{Matcher, Words};

use super::share;

const LABELS: &str = "entity_topic_labels_public.csv.gz";
/// What an entity is called that has no name.
const NAMELESS: &str = "_display_unknown_";

/// What came of it.
#[derive(Default)]
pub(super) struct Entities {
    labels: usize,
    nameless: usize,
    /// Of topics that the ontology does not have any more.
    gone: usize,
    belongs: usize,
    /// When a name has to say the topic itself; an ancestor or a descendant will do; it may be any that shares
    /// an ancestor below the top.
    judged: [Judged; 3],
}

#[derive(Clone, Copy, Default)]
struct Judged {
    said: usize,
    right: usize,
    /// Neither said nor true.
    rightly_silent: usize,
}

pub(super) fn measure(folder: &Path) -> Result<Entities> {
    let ontology = Arc::new(ontology(folder)?);
    let matcher = Matcher::new(Arc::clone(&ontology));
    let labels = folder.join(LABELS);
    let file = fs::File::open(&labels).with_context(|| labels.display().to_string())?;
    let mut text = String::new();
    MultiGzDecoder::new(file).read_to_string(&mut text)?;

    let mut entities = Entities::default();
    let mut known: HashMap<String, Vec<TopicId>> = HashMap::new();
    let mut reader = csv::Reader::from_reader(text.as_bytes());
    for row in reader.records() {
        let row = row?;
        let (name, topic, label) = (&row[1], &row[2], &row[4]);
        entities.labels += 1;
        let topic: Option<TopicId> = topic.parse().ok();
        let Some(topic) = topic.filter(|it| ontology.get(*it).is_some()) else {
            entities.gone += 1;
            continue;
        };
        let belongs = label == "1";
        entities.belongs += usize::from(belongs);
        entities.nameless += usize::from(name == NAMELESS);
        let found = known.entry(name.to_owned()).or_insert_with(|| {
            let words = Words { text: name, ..Words::default() };
            let name = Some(words).filter(|_| name != NAMELESS);
            let found = name.map(|it| matcher.topics(&it, &[])).unwrap_or_default();
            found.into_iter().map(|it| it.topic).collect()
        });
        let line = |one, other| ontology.ancestors(one).contains(&other);
        let is_line = |it: TopicId| it == topic || line(it, topic) || line(topic, it);
        let near = |it| ontology.ancestors(it).iter().filter(|it| ontology.level(**it) > 1);
        let is_related = |it: TopicId| near(it).any(|above| near(topic).any(|it| it == above));
        let said = [
            found.contains(&topic),
            found.iter().any(|it| is_line(*it)),
            found.iter().any(|it| is_line(*it) || is_related(*it)),
        ];
        for (judged, said) in entities.judged.iter_mut().zip(said) {
            judged.said += usize::from(said);
            judged.right += usize::from(said && belongs);
            judged.rightly_silent += usize::from(!said && !belongs);
        }
    }
    Ok(entities)
}

// === impl Entities ===

impl Entities {
    pub(super) fn table(&self) -> String {
        let Self { labels, nameless, gone, belongs, judged } = self;
        let judgeable = labels - gone;
        let always = Judged { said: judgeable, right: *belongs, rightly_silent: 0 };
        let rows = [
            ("always yes", &always),
            ("the topic itself", &judged[0]),
            ("or one above or below", &judged[1]),
            ("or one beside", &judged[2]),
        ];
        let mut table = format!(
            "topics of {judgeable} pairs of an entity and a topic, by the entity's name \
             ({nameless} have none, {gone} more are of topics that are gone)\n\
             {:<22}{:>10}{:>11}{:>8}\n",
            "", "accuracy", "precision", "recall"
        );
        for (name, judged) in rows {
            let accuracy = share(judged.right + judged.rightly_silent, judgeable);
            let (precision, recall) =
                (share(judged.right, judged.said), share(judged.right, *belongs));
            table += &format!("{name:<22}{accuracy:>10.3}{precision:>11.3}{recall:>8.3}\n");
        }
        table
    }
}

/// Klout's topics.
fn ontology(folder: &Path) -> Result<Ontology> {
    let mut files = Vec::new();
    for entry in fs::read_dir(folder).with_context(|| folder.display().to_string())? {
        let path = entry?.path();
        let name = path.file_name().unwrap_or_default().to_string_lossy().into_owned();
        if name.starts_with("klout_topic_") {
            files.push(File { name, content: fs::read(&path)? });
        }
    }
    let read = Ontology::read("klout", "2018-06-01", files);
    Ok(read.map_err(|flaws| anyhow!("the topics are no ontology: {}", flaws[0]))?.0)
}
