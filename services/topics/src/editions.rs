//! Puts another edition of an ontology to use.
//!
//! 1. It is checked and kept. One with a flaw changes nothing.
//! 2. In one transaction, for which everybody waits who writes what rests on the ontology: what people have to do
//!    with topics moves, what they said moves to the same topics or waits, and the edition comes into use.
//! 3. Posts are read again in the background, those of each account together; nobody's topics are computed until
//!    all are, so that what was moved stays until then.
//!
//! A veto moves to the same topic only: what was part of a wider one is not all of that. What is declared of a
//! topic that is gone waits too, and what it was part of stands in for it. So the way back loses nothing.

use std::sync::Arc;

use klout_model::TopicId;
use klout_ontology::{File, Move, MovedBy, Notice, Ontology};
use sqlx::{PgConnection, PgPool};
use tokio::task::spawn_blocking;
use tracing::{info, instrument};

use crate::{
    error::Error,
    ontologies::{Ontologies, path},
    store::{
        self,
        edition::{Edition, Moves},
    },
};

/// What becomes of the topics of before.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Counts {
    /// Lead to the same topic.
    pub(crate) kept: i32,
    /// Lead to what they were part of.
    pub(crate) moved: i32,
    /// Lead nowhere.
    pub(crate) gone: i32,
}

/// Reads an edition from files. Returns what is odd in it too.
pub(crate) async fn read(
    ontology: String,
    edition: String,
    files: Vec<File>,
) -> Result<(Arc<Ontology>, Vec<Notice>), Error> {
    let read = spawn_blocking(move || Ontology::read(&ontology, &edition, files));
    let read = read.await.map_err(Error::Lost)?;
    let (ontology, notices) = read.map_err(|flaws| Error::OntologyInvalid { flaws })?;
    Ok((Arc::new(ontology), notices))
}

/// Keeps an edition and puts it to use.
#[instrument(skip_all, fields(edition = %path(ontology)))]
pub(crate) async fn import(
    db: &PgPool,
    ontologies: &Ontologies,
    ontology: &Arc<Ontology>,
) -> Result<(Edition, Counts), Error> {
    // There is one in use before another one comes.
    ontologies.current().await?;
    let kept = ontologies.keep(ontology).await?;
    if kept.checksum != ontology.checksum() {
        return Err(Error::EditionDiffers { edition: path(ontology) });
    }
    let counts = put_to_use(db, ontologies, &kept, ontology).await?;
    Ok((kept, counts))
}

/// Puts an edition that is there to use.
#[instrument(skip_all, fields(edition.id = edition.edition_id))]
pub(crate) async fn go_over(
    db: &PgPool,
    ontologies: &Ontologies,
    edition: &Edition,
) -> Result<Counts, Error> {
    let ontology = ontologies.load(edition.edition_id).await?;
    put_to_use(db, ontologies, edition, &ontology).await
}

async fn put_to_use(
    db: &PgPool,
    ontologies: &Ontologies,
    edition: &Edition,
    new: &Arc<Ontology>,
) -> Result<Counts, Error> {
    let store = Error::store;
    loop {
        let current = ontologies.current().await?;
        let moves = moves(&current.ontology, new).await?;
        let counts = Counts::of(&moves);
        if current.in_use.edition_id == edition.edition_id {
            return Ok(counts);
        }
        // What people said of earlier editions, which few do.
        let mut transaction = db.begin().await.map_err(store("begin to change the ontology"))?;
        let in_use = store::edition::lock(&mut transaction).await;
        if in_use.map_err(store("hold the ontology in use"))? != Some(current.in_use) {
            continue;
        }
        move_all(&mut transaction, ontologies, current.in_use.edition_id, new, &moves).await?;
        store::edition::go_over(&mut *transaction, edition.edition_id)
            .await
            .map_err(store("put an ontology to use"))?;
        transaction.commit().await.map_err(store("commit a change of the ontology"))?;
        let Counts { kept, moved, gone } = counts;
        info!(edition = %path(new), kept, moved, gone, "another ontology is in use");
        return Ok(counts);
    }
}

/// Moves everything that people have to do with topics, or said of them.
async fn move_all(
    db: &mut PgConnection,
    ontologies: &Ontologies,
    old_edition: i64,
    new: &Arc<Ontology>,
    moves: &[Move],
) -> Result<(), Error> {
    let store = Error::store;
    let gone: Vec<i64> =
        moves.iter().filter(|it| it.to.is_none()).map(|it| it.from.bits()).collect();
    let steps = steps(moves, |it| it.to != Some(it.from));
    let present: Vec<i64> = new.topics().iter().map(|it| it.id.bits()).collect();
    store::plan_anew(&mut *db).await.map_err(store("plan anew"))?;
    store::edition::note_moves(&mut *db, &steps, &gone, &present)
        .await
        .map_err(store("note where topics are"))?;
    store::edition::move_people(&mut *db, &steps, &gone)
        .await
        .map_err(store("move what people have to do with topics"))?;
    store::edition::begin_move_of_words(&mut *db, old_edition)
        .await
        .map_err(store("begin to move what people said"))?;
    let editions = store::edition::editions_of_words(&mut *db).await;
    for edition in editions.map_err(store("look what people said"))? {
        let of_edition = if edition == old_edition {
            moves.to_vec()
        } else {
            self::moves(&ontologies.load(edition).await?, new).await?
        };
        let same = self::steps(&of_edition, |it| it.by.is_exact());
        let part_of = self::steps(&of_edition, |it| it.by == MovedBy::Ancestor);
        store::edition::move_words(&mut *db, edition, &same, &part_of)
            .await
            .map_err(store("move what people said"))?;
    }
    let vetoed = store::edition::vetoed_topics(&mut *db).await;
    let (topics, below) = below(new, &vetoed.map_err(store("read vetoed topics"))?);
    store::edition::drop_vetoed(&mut *db, &topics, &below)
        .await
        .map_err(store("hide what is vetoed"))?;
    let touched: Vec<i64> = [steps.from, steps.to, gone].concat();
    store::edition::mark_topics(db, &touched).await.map_err(store("note whose ranks change"))
}

/// Each topic with itself and each of its parts.
fn below(ontology: &Ontology, topics: &[i64]) -> (Vec<i64>, Vec<i64>) {
    let mut pairs = (Vec::new(), Vec::new());
    for topic in topics.iter().filter_map(|it| TopicId::of_bits(*it)) {
        for below in ontology.descendants(topic).iter().copied().chain([topic]) {
            pairs.0.push(topic.bits());
            pairs.1.push(below.bits());
        }
    }
    pairs
}

/// Where topics lead to, of those that `wanted` says.
fn steps(moves: &[Move], wanted: impl Fn(&Move) -> bool) -> Moves {
    let mut steps = Moves::default();
    for it in moves.iter().filter(|it| wanted(it)) {
        if let Some(to) = it.to {
            steps.from.push(it.from.bits());
            steps.to.push(to.bits());
        }
    }
    steps
}

async fn moves(old: &Arc<Ontology>, new: &Arc<Ontology>) -> Result<Vec<Move>, Error> {
    let (old, new) = (Arc::clone(old), Arc::clone(new));
    spawn_blocking(move || Ontology::moves(&old, &new)).await.map_err(Error::Lost)
}

// === impl Counts ===

impl Counts {
    fn of(moves: &[Move]) -> Self {
        let count = |wanted: &dyn Fn(&MovedBy) -> bool| {
            let count = moves.iter().filter(|it| wanted(&it.by)).count();
            i32::try_from(count).unwrap_or(i32::MAX)
        };
        Self {
            kept: count(&|by| by.is_exact()),
            moved: count(&|by| *by == MovedBy::Ancestor),
            gone: count(&|by| *by == MovedBy::Gone),
        }
    }
}
