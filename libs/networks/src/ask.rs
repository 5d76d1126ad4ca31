//! What is asked of a network.

use url::Url;

/// One request. All of what is asked again and again is a GET.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Ask {
    pub url: Url,
    /// Which access goes with it.
    pub server: Server,
    /// Beside those that every request has.
    pub headers: Vec<(&'static str, String)>,
    /// Whether the answer is wanted only if it is another one than the last time, where its network can tell: for lists
    /// whose items say themselves when they were. That is asked only of a list that was in one part and led to nothing
    /// further.
    pub conditional: bool,
}

/// To whom a request goes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Server {
    /// Whom everybody may ask, without the account's access.
    Public,
    /// Whom the account gave access to itself, with that access.
    Own,
    /// Whom everybody may ask, with the account's access where there is one: it is told more, or more often.
    Either,
}

// === impl Ask ===

impl Ask {
    /// Asks for an address.
    #[must_use]
    pub fn get(server: Server, url: Url) -> Self {
        Self { url, server, headers: Vec::new(), conditional: false }
    }
}
