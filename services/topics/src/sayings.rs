//! What people say of themselves: declared and vetoed topics. It is in force with the transaction that writes it.

use std::collections::BTreeSet;

use klout_model::{PersonId, TopicId};
use sqlx::{PgConnection, PgPool, Postgres, Transaction};
use tracing::instrument;

use crate::{
    error::Error,
    ontologies::Current,
    store::{self, person_state::Standing, said::Declared},
};

/// Topics that one person declares.
pub(crate) const TOPICS_MAX: usize = 20;

/// Begins what a person says. `None`: another ontology came into use, so it is to be begun again.
async fn begin(
    db: &PgPool,
    current: &Current,
    person: i64,
) -> Result<Option<Transaction<'static, Postgres>>, Error> {
    let store = Error::store;
    let mut transaction = db.begin().await.map_err(store("begin what a person says"))?;
    let in_use = store::edition::hold(&mut transaction).await;
    if in_use.map_err(store("hold the ontology in use"))? != Some(current.in_use) {
        return Ok(None);
    }
    store::person::add(&mut *transaction, &[person]).await.map_err(store("note a member"))?;
    // Whoever computes the person's topics writes them before this, or sees what is said.
    store::person::lock(&mut transaction, &[person]).await.map_err(store("hold a member"))?;
    let standings = store::person_state::find(&mut *transaction, &[person]).await;
    let standings = standings.map_err(store("look who is a member"))?;
    if let (Some(Standing::Gone | Standing::Moved(_)), Some(person)) =
        (standings.get(&person), PersonId::new(person))
    {
        // Since the caller looked.
        return Err(Error::PersonUnknown { person });
    }
    Ok(Some(transaction))
}

/// Declares topics in place of what was declared. Returns false when another ontology came into use.
#[instrument(name = "declare_topics", skip_all)]
pub(crate) async fn declare(
    db: &PgPool,
    current: &Current,
    person: i64,
    declared: &[Declared],
) -> Result<bool, Error> {
    let store = Error::store;
    let Some(mut transaction) = begin(db, current, person).await? else { return Ok(false) };
    let connection = &mut *transaction;
    none_vetoed(&mut *connection, current, person, declared).await?;
    let before = store::said::declared(&mut *connection, &[person]).await;
    let before = before.map_err(store("read what was declared"))?;
    // What stands in was not declared, even when it is the same.
    if before == declared {
        return Ok(true);
    }
    store::said::declare(&mut *connection, person, declared)
        .await
        .map_err(store("write what is declared"))?;
    let of = |said: &[Declared]| -> BTreeSet<i64> { said.iter().map(|it| it.topic).collect() };
    if of(&before) != of(declared) {
        changed(&mut *connection, current, person).await?;
    }
    store::dirty_person::mark(&mut *connection, &BTreeSet::from([person]))
        .await
        .map_err(store("mark a person dirty"))?;
    transaction.commit().await.map_err(store("commit what is declared"))?;
    Ok(true)
}

/// Declares topics beside what was declared, which stays as it is. Returns false when another ontology came into use.
#[instrument(name = "declare_topics_too", skip_all)]
pub(crate) async fn declare_too(
    db: &PgPool,
    current: &Current,
    person: i64,
    more: &[Declared],
) -> Result<bool, Error> {
    let store = Error::store;
    let Some(mut transaction) = begin(db, current, person).await? else { return Ok(false) };
    let connection = &mut *transaction;
    none_vetoed(&mut *connection, current, person, more).await?;
    let before = store::said::declared(&mut *connection, &[person]).await;
    let before = before.map_err(store("read what was declared"))?;
    let is_said = |topic| before.iter().any(|it| it.topic == topic && !it.stand_in);
    let new: Vec<Declared> = more.iter().filter(|it| !is_said(it.topic)).cloned().collect();
    if new.is_empty() {
        return Ok(true);
    }
    let count = store::said::declared_count(&mut *connection, person).await;
    if count.map_err(store("count what is declared"))? + new.len() > TOPICS_MAX {
        return Err(Error::TopicsTooMany);
    }
    store::said::declare_too(&mut *connection, person, &new)
        .await
        .map_err(store("write what is declared"))?;
    changed(&mut *connection, current, person).await?;
    store::dirty_person::mark(&mut *connection, &BTreeSet::from([person]))
        .await
        .map_err(store("mark a person dirty"))?;
    transaction.commit().await.map_err(store("commit what is declared"))?;
    Ok(true)
}

/// Refuses topics of which one is vetoed.
async fn none_vetoed(
    db: &mut PgConnection,
    current: &Current,
    person: i64,
    declared: &[Declared],
) -> Result<(), Error> {
    let vetoed = store::said::vetoed(db, &[person]).await;
    let vetoed = vetoed.map_err(Error::store("read what is vetoed"))?.into_iter().map(|it| it.1);
    let vetoed: Vec<TopicId> = current.topics(vetoed).collect();
    let topics = current.topics(declared.iter().map(|it| it.topic));
    if let Some(topic) = topics.into_iter().find(|it| current.is_within(*it, &vetoed)) {
        let topic = current.ontology.get(topic).map_or(String::new(), |it| it.slug.clone());
        return Err(Error::TopicVetoed { topic });
    }
    Ok(())
}

/// What is declared changed: posts may say something else, and what is sensitive is told of nobody who does not
/// declare it.
async fn changed(db: &mut PgConnection, current: &Current, person: i64) -> Result<(), Error> {
    let store = Error::store;
    let declared = store::said::declared(&mut *db, &[person]).await;
    let declared = declared.map_err(store("read what is declared"))?;
    let declared: Vec<TopicId> = current.topics(declared.into_iter().map(|it| it.topic)).collect();
    let kept = store::person_topic::before(&mut *db, person).await;
    let kept: BTreeSet<i64> =
        kept.map_err(store("read topics of a person"))?.into_iter().map(|it| it.topic).collect();
    let silenced: Vec<i64> = current
        .topics(kept)
        .filter(|topic| !current.may_tell(*topic, &declared))
        .map(TopicId::bits)
        .collect();
    forget(&mut *db, person, &silenced).await?;
    store::post::read_again(db, &[person]).await.map_err(store("have posts read again"))
}

/// Takes topics of a person out of every answer.
async fn forget(db: &mut PgConnection, person: i64, topics: &[i64]) -> Result<(), Error> {
    let store = Error::store;
    let gone = store::person_topic::veto(&mut *db, person, topics).await;
    let gone = gone.map_err(store("remove topics of a person"))?;
    store::standing::mark(db, &gone).await.map_err(store("note whose ranks change"))
}

/// Vetoes a topic with its parts. Returns false when another ontology came into use.
#[instrument(name = "veto_topic", skip_all)]
pub(crate) async fn veto(
    db: &PgPool,
    current: &Current,
    person: i64,
    topic: TopicId,
) -> Result<bool, Error> {
    let store = Error::store;
    let Some(mut transaction) = begin(db, current, person).await? else { return Ok(false) };
    let connection = &mut *transaction;
    let new = store::said::veto(&mut *connection, person, topic.bits()).await;
    if !new.map_err(store("write a veto"))? {
        return Ok(true);
    }
    let below = current.below(topic);
    let undeclared = store::said::undeclare(&mut *connection, person, &below).await;
    forget(&mut *connection, person, &below).await?;
    if undeclared.map_err(store("take back what was declared"))? > 0 {
        changed(&mut *connection, current, person).await?;
    }
    store::dirty_person::mark(&mut *connection, &BTreeSet::from([person]))
        .await
        .map_err(store("mark a person dirty"))?;
    transaction.commit().await.map_err(store("commit a veto"))?;
    Ok(true)
}

/// Takes a veto back. Returns false when another ontology came into use.
#[instrument(name = "restore_topic", skip_all)]
pub(crate) async fn restore(
    db: &PgPool,
    current: &Current,
    person: i64,
    topic: TopicId,
) -> Result<bool, Error> {
    let store = Error::store;
    let Some(mut transaction) = begin(db, current, person).await? else { return Ok(false) };
    let connection = &mut *transaction;
    let restored = store::said::restore(&mut *connection, person, topic.bits()).await;
    if !restored.map_err(store("take a veto back"))? {
        return Ok(true);
    }
    store::dirty_person::mark(&mut *connection, &BTreeSet::from([person]))
        .await
        .map_err(store("mark a person dirty"))?;
    transaction.commit().await.map_err(store("commit that a veto is taken back"))?;
    Ok(true)
}
