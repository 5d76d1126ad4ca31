//! Takes over what the connector pushes, in one transaction.

use klout_chassis::failpoint;
use sqlx::PgPool;
use tracing::instrument;

use crate::{batch::Posts, error::Error, store};

/// Keeps posts, once: returns false when the batch was applied before.
#[instrument(skip_all, fields(batch.id = %posts.batch_id))]
pub(crate) async fn signals(db: &PgPool, posts: &Posts) -> Result<bool, Error> {
    let store = Error::store;
    let mut transaction = db.begin().await.map_err(store("begin to apply a batch"))?;
    let new = store::applied_batch::append(&mut *transaction, posts.batch_id)
        .await
        .map_err(store("note the batch"))?;
    if !new {
        return Ok(false);
    }
    store::post::add(&mut *transaction, &posts.posts).await.map_err(store("keep posts"))?;
    failpoint!("topics.batch.written");
    transaction.commit().await.map_err(store("commit a batch"))?;
    failpoint!("topics.batch.committed");
    Ok(true)
}
