//! The epoch that people are scored by, in the memory of this process.

use std::sync::{Arc, RwLock};

use klout_score_engine::Published;
use klout_score_math::Model;
use sqlx::PgConnection;
use tokio::{sync::Mutex, task::spawn_blocking};
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
pub(crate) struct Epochs(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    known: RwLock<Arc<Epoch>>,
    /// Held by whoever loads one: the others wait for that, instead of each having it in memory once more.
    loading: Mutex<()>,
}

// === impl Epochs ===

impl Epochs {
    pub(crate) fn new() -> Self {
        let model = models::built_in();
        let first = Epoch { number: 0, model, published: Published::default() };
        Self(Arc::new(Inner { known: RwLock::new(Arc::new(first)), loading: Mutex::default() }))
    }

    /// The newest that this process has heard of.
    pub(crate) fn known(&self) -> Arc<Epoch> {
        Arc::clone(&self.0.known.read().expect("nobody panics with it"))
    }

    /// Goes over to an epoch, if it is newer.
    pub(crate) fn follow(&self, epoch: Arc<Epoch>) {
        let mut known = self.0.known.write().expect("nobody panics with it");
        if epoch.number > known.number {
            *known = epoch;
        }
    }

    /// The one that is published, as the transaction sees it; loads it when another process published it.
    #[instrument(name = "current_epoch", skip_all)]
    pub(crate) async fn current(&self, db: &mut PgConnection) -> Result<Arc<Epoch>, Error> {
        let store = Error::store;
        let head = store::epoch::current(&mut *db).await.map_err(store("look for an epoch"))?;
        let Some(head) = head else { return Ok(self.known()) };
        let number = head.epoch.cast_unsigned();
        let is_known = || Some(self.known()).filter(|known| known.number == number);
        if let Some(known) = is_known() {
            return Ok(known);
        }
        let _loading = self.0.loading.lock().await;
        if let Some(known) = is_known() {
            return Ok(known);
        }
        let model = models::named(&mut *db, &head.model).await?;
        let parts =
            store::epoch::parts(&mut *db, head.epoch).await.map_err(store("read an epoch"))?;
        if i32::try_from(parts.len()) != Ok(head.parts) {
            return Err(Error::EpochTorn { epoch: number });
        }
        let unpacked = spawn_blocking(move || Published::unpack(&parts));
        let published = unpacked.await.map_err(Error::Lost)?.map_err(Error::Packed)?;
        info!(epoch = number, model = head.model, "scoring with another epoch");
        let epoch = Arc::new(Epoch { number, model, published });
        self.follow(Arc::clone(&epoch));
        Ok(epoch)
    }
}
