//! Drops evidence that is older than anybody asks for.

use std::time::Duration;

use klout_chassis::Clock;
use sqlx::PgPool;
use tracing::instrument;

use crate::{error::Error, evidence::Window, store};

/// How often it is looked for.
pub(crate) const INTERVAL: Duration = Duration::from_secs(60);

/// Evidence of twice the window is dropped: a clock that is set back finds what it had.
const KEPT_DAYS: i32 = 180;

/// Rows dropped by one statement: some hundred milliseconds of work.
const ROWS_MAX: i64 = 10_000;

/// What dropping needs.
#[derive(Clone, Debug)]
pub(crate) struct Expirer {
    pub(crate) db: PgPool,
    pub(crate) clock: Clock,
}

// === impl Expirer ===

impl Expirer {
    /// Drops some old evidence. Returns whether there was any.
    #[instrument(name = "expire", skip_all)]
    pub(crate) async fn step(&self) -> Result<bool, Error> {
        let store = Error::store;
        let before = Window::of(&self.clock).last() - KEPT_DAYS;
        let posts = store::post::expire(&self.db, before, ROWS_MAX).await;
        let posts = posts.map_err(store("drop old posts"))?;
        let reactions = store::reaction::expire(&self.db, before, ROWS_MAX).await;
        let reactions = reactions.map_err(store("drop old reactions"))?;
        let labels = store::label::expire(&self.db, before, ROWS_MAX).await;
        Ok(posts || reactions || labels.map_err(store("drop old labels"))?)
    }
}
