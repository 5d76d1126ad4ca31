//! The epoch that people are scored by, in the memory of this process.

use std::sync::{Arc, RwLock};

use klout_score_engine::Published;
use klout_score_math::Model;
use sqlx::PgConnection;
use tracing::{info, instrument};

use crate::{error::Error, models, store};

/// What a pass found out about everybody, and by which model.
#[derive(Clone, Debug)]
pub(crate) struct Epoch {
    /// 0: before the first pass.
    pub(crate) number: u64,
    pub(crate) model: Arc<Model>,
    pub(crate) published: Published,
}

/// Clones share it.
#[derive(Clone, Debug)]
pub(crate) struct Epochs(Arc<RwLock<Arc<Epoch>>>);

// === impl Epochs ===

impl Epochs {
    pub(crate) fn new() -> Self {
        let model = models::built_in();
        let first = Epoch { number: 0, model, published: Published::default() };
        Self(Arc::new(RwLock::new(Arc::new(first))))
    }

    /// The newest that this process has heard of.
    pub(crate) fn known(&self) -> Arc<Epoch> {
        Arc::clone(&self.0.read().expect("nobody panics with it"))
    }

    /// Goes over to an epoch, if it is newer.
    pub(crate) fn follow(&self, epoch: Arc<Epoch>) {
        let mut known = self.0.write().expect("nobody panics with it");
        if epoch.number > known.number {
            *known = epoch;
        }
    }

    /// The one that is published, as the transaction sees it; loads it when another process published it.
    #[instrument(name = "current_epoch", skip_all)]
    pub(crate) async fn current(&self, db: &mut PgConnection) -> Result<Arc<Epoch>, Error> {
        let store = Error::store;
        let known = self.known();
        let head = store::epoch::current(&mut *db).await.map_err(store("look for an epoch"))?;
        let Some(head) = head.filter(|head| head.epoch.cast_unsigned() != known.number) else {
            return Ok(known);
        };
        let model = models::named(&mut *db, &head.model).await?;
        let parts =
            store::epoch::parts(&mut *db, head.epoch).await.map_err(store("read an epoch"))?;
        let published = Published::unpack(&parts).map_err(Error::Packed)?;
        let number = head.epoch.cast_unsigned();
        info!(epoch = number, model = head.model, "scoring with another epoch");
        let epoch = Arc::new(Epoch { number, model, published });
        self.follow(Arc::clone(&epoch));
        Ok(epoch)
    }
}
