//! The one style sheet.

use std::sync::LazyLock;

use axum::response::{IntoResponse as _, Response};
use http::{
    HeaderMap, StatusCode,
    header::{CACHE_CONTROL, CONTENT_TYPE, ETAG, IF_NONE_MATCH},
};

const SHEET: &str = include_str!("../../templates/style.css");

/// Changes with the sheet.
static TAG: LazyLock<String> =
    LazyLock::new(|| format!("\"{}\"", &blake3::hash(SHEET.as_bytes()).to_hex()[..32]));

/// Kept by a browser, which asks each time whether it is still the same: after an upgrade, pages and
/// sheet belong together at once.
pub(super) async fn sheet(asked: HeaderMap) -> Response {
    let headers = [(ETAG, TAG.as_str()), (CACHE_CONTROL, "no-cache")];
    if is_current(&asked) {
        return (StatusCode::NOT_MODIFIED, headers).into_response();
    }
    (headers, [(CONTENT_TYPE, "text/css; charset=utf-8")], SHEET).into_response()
}

/// A proxy that compresses makes tags weak; it is the same sheet all the same.
fn is_current(asked: &HeaderMap) -> bool {
    let tags = asked.get_all(IF_NONE_MATCH).iter().filter_map(|value| value.to_str().ok());
    let mut tags = tags.flat_map(|tags| tags.split(',')).map(str::trim);
    tags.any(|tag| tag.trim_start_matches("W/") == *TAG)
}
