//! Which models there are, and which one serves.

use std::sync::{Arc, LazyLock};

use klout_score_math::Model;
use sqlx::{PgConnection, PgPool};

use crate::error::Error;

static BUILT_IN: LazyLock<Arc<Model>> = LazyLock::new(|| {
    Arc::new(Model::load(Model::CURRENT_FILE).expect("a test reads the built-in model"))
});

/// The model that serves where nobody has chosen another one.
pub(crate) fn built_in() -> Arc<Model> {
    Arc::clone(&BUILT_IN)
}

/// The model that a pass of now is made by.
pub(crate) async fn serving(_db: &PgPool) -> Result<Arc<Model>, Error> {
    Ok(built_in())
}

/// The model of that name.
pub(crate) async fn named(_db: &mut PgConnection, name: &str) -> Result<Arc<Model>, Error> {
    if name == built_in().name() {
        return Ok(built_in());
    }
    Err(Error::ModelGone { model: name.to_owned() })
}
