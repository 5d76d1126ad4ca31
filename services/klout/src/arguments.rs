//! How arguments are read.

use klout_score_math::Model;
use time::{OffsetDateTime, format_description::well_known::Rfc3339};

/// A time such as `2018-06-01T00:00:00Z`.
pub(crate) fn time(text: &str) -> Result<OffsetDateTime, String> {
    OffsetDateTime::parse(text, &Rfc3339)
        .map_err(|_| "not a time such as 2018-06-01T00:00:00Z".to_owned())
}

/// The name of a model.
pub(crate) fn model(text: &str) -> Result<&'static str, String> {
    let all: Vec<_> = Model::all().map(Model::name).collect();
    let found = Model::by_name(text).map(Model::name);
    found.ok_or_else(|| format!("there is no such model; there are {}", all.join(", ")))
}
