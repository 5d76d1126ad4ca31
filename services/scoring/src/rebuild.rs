//! Makes all evidence again from the log of the connector.
//!
//! Between the two ends evidence is in pieces, so nobody is scored, and scores stay what they were. Whoever scores
//! asks [`crate::store::rebuild::goes_on`] while holding the lock that both ends wait for.

use std::time::Duration;

use sqlx::PgPool;
use tracing::{info, instrument};

use crate::{
    error::{Error, ending},
    store,
};

/// Forgets all evidence, or once more what has been delivered of it since.
#[instrument(name = "start_rebuild", skip_all)]
pub(crate) async fn start(db: &PgPool, time_max: Duration) -> Result<i64, Error> {
    let start = async {
        let store = Error::store;
        let mut transaction = db.begin().await.map_err(store("begin to rebuild"))?;
        store::standing::lock(&mut transaction).await.map_err(store("wait for rescores"))?;
        store::evidence::lock_folds(&mut transaction).await.map_err(store("wait for folds"))?;
        let number =
            store::rebuild::begin(&mut transaction).await.map_err(store("note a rebuild"))?;
        store::rebuild::forget(&mut transaction).await.map_err(store("forget evidence"))?;
        transaction.commit().await.map_err(store("commit that evidence is forgotten"))?;
        Ok::<i64, Error>(number)
    };
    let number = ending(time_max, start).await??;
    info!(rebuild = number, "evidence is made again; scores stay as they are until that is done");
    Ok(number)
}

/// Lets everybody be scored by what was delivered.
#[instrument(name = "finish_rebuild", skip_all)]
pub(crate) async fn finish(db: &PgPool, number: i64, time_max: Duration) -> Result<(), Error> {
    let finish = async {
        let store = Error::store;
        let mut transaction = db.begin().await.map_err(store("begin to end a rebuild"))?;
        store::standing::lock(&mut transaction).await.map_err(store("wait for rescores"))?;
        let ended = store::rebuild::end(&mut transaction, number).await;
        match ended.map_err(store("note the end of a rebuild"))? {
            None => return Err(Error::RebuildUnknown),
            // It is finished once.
            Some(false) => return Ok(()),
            Some(true) => {}
        }
        // What was delivered meanwhile has put everybody on the list, some of them a thousand times.
        store::dirty_person::clear(&mut *transaction)
            .await
            .map_err(store("clear the list of dirty people"))?;
        store::dirty_person::mark_everybody(&mut *transaction)
            .await
            .map_err(store("mark everybody dirty"))?;
        store::pass::ask(&mut *transaction, None).await.map_err(store("ask for a pass"))?;
        transaction.commit().await.map_err(store("commit the end of a rebuild"))
    };
    ending(time_max, finish).await??;
    info!("evidence is whole again; everybody is scored");
    Ok(())
}
