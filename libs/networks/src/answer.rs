//! What a network answered.

use http::HeaderMap;
use serde::de::DeserializeOwned;

use crate::Trouble;

/// What a network answered, whole and not yet understood.
#[derive(Clone, Copy, Debug)]
pub struct Answer<'a> {
    /// Which alone says nothing: some networks say what is wrong in a 200 or a 400.
    pub status: u16,
    pub headers: &'a HeaderMap,
    pub body: &'a [u8],
}

// === impl Answer ===

impl<'a> Answer<'a> {
    /// The body as JSON.
    ///
    /// # Errors
    ///
    /// [`Trouble::Malformed`] when it is none, or not of this shape.
    pub fn json<T: DeserializeOwned>(&self, what: &'static str) -> Result<T, Trouble> {
        serde_json::from_slice(self.body)
            .map_err(|error| Trouble::Malformed { what, problem: error.to_string() })
    }

    /// A header, if it is there and is text.
    #[must_use]
    pub fn header(&self, name: &str) -> Option<&'a str> {
        self.headers.get(name)?.to_str().ok()
    }

    #[must_use]
    pub fn is_success(&self) -> bool {
        (200..300).contains(&self.status)
    }
}
