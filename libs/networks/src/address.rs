//! Addresses on a server.

use url::Url;

/// The address of what lies on a server under these names, which may be any text, asked with these words.
///
/// # Panics
///
/// When the server has no address that can have a path: no server of a visit is without.
pub(crate) fn address(server: &Url, path: &[&str], query: &[(&str, &str)]) -> Url {
    let mut url = server.clone();
    url.set_query(None);
    url.set_fragment(None);
    url.path_segments_mut().expect("servers have paths").pop_if_empty().extend(path);
    if !query.is_empty() {
        url.query_pairs_mut().extend_pairs(query);
    }
    url
}
