//! What browsers need: gRPC that HTTP/1.1 can carry, and leave to ask from pages of other origins.

use std::convert::Infallible;

use axum::{
    body::Body,
    extract::Request,
    middleware::Next,
    response::{IntoResponse as _, Response},
};
use http::{
    HeaderName, HeaderValue, Method, Uri,
    header::{
        ACCEPT, AUTHORIZATION, CONTENT_DISPOSITION, CONTENT_ENCODING, CONTENT_TYPE, ETAG,
        IF_NONE_MATCH, LINK, RETRY_AFTER, WWW_AUTHENTICATE,
    },
};
use http_body_util::{BodyStream, StreamBody};
use klout_chassis::ConfigError;
use tonic_web::GrpcWebLayer;
use tower::{Layer as _, ServiceExt as _, service_fn};
use tower_http::cors::{AllowOrigin, CorsLayer};

use crate::{limits, request_id};

/// How long a browser remembers what it may ask: as long as the shortest-lived of them does.
const REMEMBERED_FOR: std::time::Duration = std::time::Duration::from_secs(2 * 60 * 60);

/// What pages may send besides what every page may.
const ALLOWED: [HeaderName; 11] = [
    ACCEPT,
    AUTHORIZATION,
    // Of a part of a file that is packed.
    CONTENT_ENCODING,
    CONTENT_TYPE,
    IF_NONE_MATCH,
    HeaderName::from_static("grpc-timeout"),
    HeaderName::from_static("traceparent"),
    HeaderName::from_static("x-api-key"),
    HeaderName::from_static("x-grpc-web"),
    request_id::HEADER,
    HeaderName::from_static("x-user-agent"),
];

/// What pages may read besides what every page may, and what tells of limits.
const EXPOSED: [HeaderName; 9] = [
    // What a file is called, and where the next page of one is.
    CONTENT_DISPOSITION,
    LINK,
    ETAG,
    RETRY_AFTER,
    WWW_AUTHENTICATE,
    HeaderName::from_static("grpc-message"),
    HeaderName::from_static("grpc-status"),
    HeaderName::from_static("grpc-status-details-bin"),
    request_id::HEADER,
];

/// Lets pages of `origins` ask: `scheme://host`, separated by spaces; `*` are all. `None`: none may.
///
/// Browsers are never told to send what they keep for us, as we give them nothing to keep: a key is sent by who has it.
///
/// # Errors
///
/// When something is no origin.
pub(crate) fn cors(origins: &str) -> Result<Option<CorsLayer>, ConfigError> {
    let mut allowed = Vec::new();
    let mut any = false;
    for origin in origins.split_whitespace() {
        match origin {
            "*" => any = true,
            origin => allowed.push(parse(origin).ok_or_else(|| wrong(origin))?),
        }
    }
    let allowed = match () {
        () if any => AllowOrigin::any(),
        () if allowed.is_empty() => return Ok(None),
        () => AllowOrigin::list(allowed),
    };
    let methods = [Method::GET, Method::POST, Method::PUT, Method::PATCH, Method::DELETE];
    let layer = CorsLayer::new()
        .allow_origin(allowed)
        .allow_methods(methods)
        .allow_headers(ALLOWED)
        .expose_headers(EXPOSED.into_iter().chain(limits::HEADERS).collect::<Vec<_>>())
        .max_age(REMEMBERED_FOR);
    Ok(Some(layer))
}

/// Answers gRPC-Web with what the routes answer to gRPC.
pub(crate) async fn grpc_web(request: Request, next: Next) -> Response {
    let content_type = request.headers().get(CONTENT_TYPE);
    if !content_type.is_some_and(|it| it.as_bytes().starts_with(b"application/grpc-web")) {
        return next.run(request).await;
    }
    let routes = service_fn(move |request: http::Request<tonic::body::Body>| {
        let next = next.clone();
        // Letters are more than the bytes they stand for, of which nobody may think that there are as many.
        let request = request.map(|body| Body::new(StreamBody::new(BodyStream::new(body))));
        async move { Ok::<_, Infallible>(next.run(request).await) }
    });
    match GrpcWebLayer::new().layer(routes).oneshot(request).await {
        Ok(response) => response.into_response(),
        Err(never) => match never {},
    }
}

/// An origin as browsers write it, which is compared letter by letter.
fn parse(origin: &str) -> Option<HeaderValue> {
    let uri: Uri = origin.parse().ok()?;
    let (scheme, authority) = (uri.scheme_str()?, uri.authority()?);
    let whole = format!("{scheme}://{authority}") == origin;
    let known = matches!(scheme, "http" | "https") && !authority.as_str().contains('@');
    HeaderValue::from_str(origin).ok().filter(|_| whole && known)
}

fn wrong(origin: &str) -> ConfigError {
    let problem = format!("names `{origin}`, which is no origin such as https://app.example.com");
    ConfigError::Setting { setting: "gateway.cors_origins", problem }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn without_origins_no_page_may_ask() {
        assert!(matches!(cors(" "), Ok(None)));
        assert!(matches!(cors("https://app.example.com http://localhost:3000"), Ok(Some(_))));
        assert!(matches!(cors("*"), Ok(Some(_))));
    }

    #[test]
    fn what_is_no_origin_is_refused() {
        for wrong in ["null", "app.example.com", "https://a.example/", "ftp://a", "https://a@b"] {
            assert!(cors(wrong).is_err(), "{wrong}");
        }
    }
}
