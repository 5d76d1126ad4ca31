//! Watches how much waits.

use std::{sync::Arc, time::Duration};

use sqlx::PgPool;

use crate::{error::Error, metrics::Metrics, ontologies::Ontologies, pass::Passer, store};

/// How often it is looked.
pub(crate) const INTERVAL: Duration = Duration::from_secs(5);

/// What waits.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Waiting {
    pub(crate) posts: i64,
    /// At least one while a pass is due or goes on, which will compute everybody.
    pub(crate) people: i64,
    pub(crate) people_age_seconds: f64,
    pub(crate) accounts: i64,
}

/// What looking needs.
#[derive(Clone, Debug)]
pub(crate) struct Backlog {
    pub(crate) db: PgPool,
    pub(crate) ontologies: Ontologies,
    pub(crate) passer: Passer,
    pub(crate) metrics: Arc<Metrics>,
}

// === impl Backlog ===

impl Backlog {
    /// What waits right now. First what becomes something else: nothing is missed on its way.
    pub(crate) async fn waiting(&self) -> Result<Waiting, Error> {
        let store = Error::store;
        let generation = self.ontologies.current().await?.in_use.generation;
        let posts = store::post::count_unread(&self.db, generation).await;
        let posts = posts.map_err(store("count posts to read"))?;
        let due = self.passer.is_due().await?;
        let passing = store::pass::any(&self.db).await.map_err(store("look for a pass"))?;
        let people = store::dirty_person::waiting(&self.db).await;
        let people = people.map_err(store("count people to compute"))?;
        let accounts = store::account::count_waiting(&self.db).await;
        Ok(Waiting {
            posts,
            people: people.people.max(i64::from(due || passing)),
            people_age_seconds: people.age_seconds,
            accounts: accounts.map_err(store("count accounts of nobody"))?,
        })
    }

    pub(crate) async fn step(&self) -> Result<bool, Error> {
        let waiting = self.waiting().await?;
        self.metrics.waiting(waiting.posts, waiting.people, waiting.people_age_seconds);
        Ok(false)
    }
}
