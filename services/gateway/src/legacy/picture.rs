//! A picture for each topic: old software shows one, and there is none in our ontology. Pure.

use axum::response::{IntoResponse as _, Response};
use http::{
    StatusCode,
    header::{CACHE_CONTROL, CONTENT_SECURITY_POLICY, CONTENT_TYPE, X_CONTENT_TYPE_OPTIONS},
};

/// The first letter of a topic. Nothing else of its address stands in it, and nobody is looked up for it.
pub(super) fn picture(file: &str) -> Response {
    let Some(slug) = file.strip_suffix(".svg") else {
        return StatusCode::NOT_FOUND.into_response();
    };
    let letter = slug.chars().find(char::is_ascii_alphanumeric).unwrap_or('K');
    let letter = letter.to_ascii_uppercase();
    let svg = format!(
        concat!(
            r#"<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 48 48" width="48" height="48">"#,
            r##"<rect width="48" height="48" rx="6" fill="#e8552b"/>"##,
            r##"<text x="24" y="34" font-family="sans-serif" font-size="28" fill="#fff" text-anchor="middle">{}</text>"##,
            "</svg>"
        ),
        letter
    );
    let headers = [
        (CONTENT_TYPE, "image/svg+xml"),
        (CACHE_CONTROL, "public, max-age=86400"),
        (CONTENT_SECURITY_POLICY, "default-src 'none'"),
        (X_CONTENT_TYPE_OPTIONS, "nosniff"),
    ];
    (headers, svg).into_response()
}
