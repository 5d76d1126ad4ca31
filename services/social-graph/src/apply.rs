//! Takes over what the connector pushes, in one transaction.

use klout_chassis::failpoint;
use sqlx::PgPool;
use tracing::instrument;

use crate::{batch::Reactions, error::Error, plus_k::suggest, store};

/// Adds reactions and renews handles, once: returns false when the batch was applied before.
#[instrument(skip_all, fields(batch.id = %reactions.batch_id))]
pub(crate) async fn signals(db: &PgPool, reactions: &Reactions) -> Result<bool, Error> {
    let store = Error::store;
    let mut transaction = db.begin().await.map_err(store("begin to apply a batch"))?;
    let new = store::applied_batch::append(&mut *transaction, reactions.batch_id)
        .await
        .map_err(store("note the batch"))?;
    if !new {
        return Ok(false);
    }
    store::edge::add(&mut *transaction, &reactions.edges).await.map_err(store("add to edges"))?;
    store::account::renew_handles(&mut *transaction, &reactions.handles)
        .await
        .map_err(store("renew handles"))?;
    suggest::note(&mut transaction, &reactions.answers).await?;
    failpoint!("social_graph.batch.written");
    transaction.commit().await.map_err(store("commit a batch"))?;
    failpoint!("social_graph.batch.committed");
    Ok(true)
}
