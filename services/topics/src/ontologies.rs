//! The ontology in use, in the memory of this process, with what reads posts by it.
//!
//! Which one it is stands in Postgres and is looked up before anything is answered or written that rests on it, so
//! that all replicas go over at once.

use std::{
    sync::{Arc, RwLock},
    time::Duration,
};

use klout_model::TopicId;
use klout_ontology::Ontology;
use klout_topic_math::words::{Matcher, Words};
use sqlx::PgPool;
use tokio::{sync::Mutex, task::spawn_blocking};
use tracing::{info, instrument, warn};

use crate::{
    error::Error,
    store::{
        self,
        edition::{InUse, NewEdition},
    },
};

/// How often it is looked whether the ontology that ships is kept.
pub(crate) const INTERVAL: Duration = Duration::from_secs(3_600);

/// The ontology in use.
#[derive(Clone, Debug)]
pub(crate) struct Current {
    pub(crate) in_use: InUse,
    pub(crate) ontology: Arc<Ontology>,
    pub(crate) matcher: Arc<Matcher>,
}

/// Clones share it.
#[derive(Clone, Debug)]
pub(crate) struct Ontologies(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    db: PgPool,
    known: RwLock<Option<Current>>,
    /// Held by whoever loads one: the others wait for that, instead of each having it in memory once more.
    loading: Mutex<()>,
}

// === impl Ontologies ===

impl Ontologies {
    pub(crate) fn new(db: PgPool) -> Self {
        Self(Arc::new(Inner { db, known: RwLock::default(), loading: Mutex::default() }))
    }

    /// The one in use.
    #[instrument(name = "current_ontology", skip_all)]
    pub(crate) async fn current(&self) -> Result<Current, Error> {
        let in_use = self.in_use().await?;
        if let Some(known) = self.known(in_use) {
            return Ok(known);
        }
        let _loading = self.0.loading.lock().await;
        // Another one may have been put to use meanwhile.
        let in_use = self.in_use().await?;
        if let Some(known) = self.known(in_use) {
            return Ok(known);
        }
        let ontology = self.load(in_use.edition_id).await?;
        let of = Arc::clone(&ontology);
        let matcher = spawn_blocking(move || Matcher::new(of)).await.map_err(Error::Lost)?;
        info!(
            edition = %path(&ontology),
            generation = in_use.generation,
            matcher_bytes = matcher.bytes(),
            "reading posts with another ontology"
        );
        let current = Current { in_use, ontology, matcher: Arc::new(matcher) };
        *self.0.known.write().expect("nobody panics with it") = Some(current.clone());
        Ok(current)
    }

    /// What is in an edition.
    pub(crate) async fn load(&self, edition: i64) -> Result<Arc<Ontology>, Error> {
        let known = self.0.known.read().expect("nobody panics with it").clone();
        if let Some(known) = known.filter(|it| it.in_use.edition_id == edition) {
            return Ok(known.ontology);
        }
        let content = store::edition::content(&self.0.db, edition).await;
        let content = content.map_err(Error::store("read an edition"))?;
        let parsed =
            spawn_blocking(move || Ontology::parse(&content)).await.map_err(Error::Lost)?;
        parsed.map(Arc::new).map_err(|flaws| Error::EditionBroken { edition, flaws: told(&flaws) })
    }

    /// Keeps the edition that ships, and puts it to use when there is none.
    async fn begin(&self) -> Result<InUse, Error> {
        let store = Error::store;
        let shipped = Ontology::shipped();
        let edition = self.keep(shipped).await?;
        store::edition::begin(&self.0.db, edition.edition_id)
            .await
            .map_err(store("put the first ontology to use"))?;
        let in_use = store::edition::in_use(&self.0.db).await;
        in_use.map_err(store("look for the ontology in use"))?.ok_or(Error::OntologyMissing)
    }

    /// Keeps the edition that ships, so that an operator can put it to use.
    pub(crate) async fn keep_shipped(&self) -> Result<bool, Error> {
        let shipped = Ontology::shipped();
        let kept = self.keep(shipped).await?;
        if kept.checksum != shipped.checksum() {
            warn!(edition = %path(shipped), "another ontology has the name of the one that ships");
        }
        Ok(false)
    }

    /// Keeps an edition, unless there is one of that name. Returns which one there is.
    pub(crate) async fn keep(
        &self,
        ontology: &Arc<Ontology>,
    ) -> Result<store::edition::Edition, Error> {
        let store = Error::store;
        let named = || store::edition::named(&self.0.db, ontology.name(), ontology.edition());
        if let Some(known) = named().await.map_err(store("look for an edition"))? {
            return Ok(known);
        }
        let written = Arc::clone(ontology);
        let content = spawn_blocking(move || written.write()).await.map_err(Error::Lost)?;
        let new = NewEdition {
            ontology: ontology.name(),
            edition: ontology.edition(),
            checksum: ontology.checksum(),
            topics: i32::try_from(ontology.topics().len()).unwrap_or(i32::MAX),
            content: &content,
        };
        store::edition::add(&self.0.db, &new).await.map_err(store("keep an edition"))?;
        named().await.map_err(store("read an edition"))?.ok_or(Error::OntologyMissing)
    }

    async fn in_use(&self) -> Result<InUse, Error> {
        let in_use = store::edition::in_use(&self.0.db).await;
        match in_use.map_err(Error::store("look for the ontology in use"))? {
            Some(in_use) => Ok(in_use),
            None => self.begin().await,
        }
    }

    fn known(&self, in_use: InUse) -> Option<Current> {
        let known = self.0.known.read().expect("nobody panics with it");
        known.clone().filter(|it| it.in_use == in_use)
    }
}

// === impl Current ===

impl Current {
    /// The topics of these bits that the ontology has.
    pub(crate) fn topics<'a>(
        &'a self,
        bits: impl IntoIterator<Item = i64> + 'a,
    ) -> impl Iterator<Item = TopicId> + 'a {
        let topics = bits.into_iter().filter_map(TopicId::of_bits);
        topics.filter(|topic| self.ontology.place(*topic).is_some())
    }

    /// A topic and its parts, in bits.
    pub(crate) fn below(&self, topic: TopicId) -> Vec<i64> {
        let parts = self.ontology.descendants(topic).iter().copied();
        parts.chain([topic]).map(TopicId::bits).collect()
    }

    /// A topic and what it is part of.
    pub(crate) fn above(&self, topic: TopicId) -> impl Iterator<Item = TopicId> + '_ {
        self.ontology.ancestors(topic).iter().copied().chain([topic])
    }

    /// Whether it may be said that somebody who declared that has to do with a topic: not with what is
    /// sensitive, unless they declared it or what it is part of.
    pub(crate) fn may_tell(&self, topic: TopicId, declared: &[TopicId]) -> bool {
        !self.ontology.is_sensitive(topic) || self.above(topic).any(|it| declared.contains(&it))
    }

    /// Whether somebody who declared and vetoed that may be shown with these words: not when they name, beside
    /// whatever else, what may not be told of them, since everybody reads the words whatever they are shown for.
    pub(crate) fn may_show(&self, words: &str, declared: &[TopicId], vetoed: &[TopicId]) -> bool {
        let tag = words.to_owned();
        let words = Words { text: words, tags: std::slice::from_ref(&tag), ..Words::default() };
        let named = self.matcher.topics(&words, declared);
        named
            .iter()
            .all(|it| self.may_tell(it.topic, declared) && !self.is_within(it.topic, vetoed))
    }

    /// Whether a topic or what it is part of is among these.
    pub(crate) fn is_within(&self, topic: TopicId, topics: &[TopicId]) -> bool {
        !topics.is_empty() && self.above(topic).any(|it| topics.contains(&it))
    }
}

/// What an edition is called in answers, such as `klout/20180601`.
pub(crate) fn path(ontology: &Ontology) -> String {
    format!("{}/{}", ontology.name(), ontology.edition())
}

/// Flaws in one line.
fn told(flaws: &[klout_ontology::Flaw]) -> String {
    flaws.iter().map(ToString::to_string).collect::<Vec<_>>().join("; ")
}
