//! Takes over what the connector pushes, in one transaction.

use klout_chassis::failpoint;
use klout_proto::signal::v1::SignalBatch;
use sqlx::PgPool;
use tracing::instrument;

use crate::{
    batch::{Erased, accounts, reactions},
    error::Error,
    plus_k::suggest,
    store,
};

/// Adds reactions and renews handles, once: returns false when the batch was applied before. What is about or by an
/// account of somebody who was erased is left out; nobody is erased while this writes.
#[instrument(skip_all)]
pub(crate) async fn signals(db: &PgPool, batch: SignalBatch) -> Result<bool, Error> {
    let store = Error::store;
    let mut transaction = db.begin().await.map_err(store("begin to apply a batch"))?;
    store::erased_account::share_lock(&mut transaction)
        .await
        .map_err(store("keep people from being erased"))?;
    let erased = store::erased_account::among(&mut *transaction, &accounts(&batch))
        .await
        .map_err(store("look for erased accounts"))?;
    let reactions = reactions(batch, &Erased(erased))?;
    let new = store::applied_batch::append(&mut *transaction, reactions.batch_id)
        .await
        .map_err(store("note the batch"))?;
    if !new {
        return Ok(false);
    }
    store::tie::add(&mut *transaction, &reactions.ties).await.map_err(store("add to ties"))?;
    store::account::renew_handles(&mut *transaction, &reactions.handles)
        .await
        .map_err(store("renew handles"))?;
    suggest::note(&mut transaction, &reactions.answers).await?;
    failpoint!("social_graph.batch.written");
    transaction.commit().await.map_err(store("commit a batch"))?;
    failpoint!("social_graph.batch.committed");
    Ok(true)
}
