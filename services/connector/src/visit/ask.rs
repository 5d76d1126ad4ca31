//! Asks a host, within bounds of time and size.

use std::time::Duration;

use http::{
    HeaderMap, HeaderName, HeaderValue, StatusCode,
    header::{ETAG, IF_MODIFIED_SINCE, IF_NONE_MATCH, LAST_MODIFIED},
};
use klout_networks::{Answer, Ask};
use klout_outbound::{Outbound, OutboundError, Reach};

use crate::store::validator::Validator;

/// From asking to the last byte of an answer.
pub(crate) const REQUEST_TIME_MAX: Duration = Duration::from_secs(30);

/// In bytes, inflated: a page of the most that any network answers at once is a tenth of it.
const ANSWER_BYTES_MAX: usize = 8 << 20;

/// In bytes: what is longer is not kept, and asked for again.
const VALIDATOR_BYTES_MAX: usize = 256;

/// What was answered.
#[derive(Debug)]
pub(crate) struct Answered {
    pub(crate) status: StatusCode,
    pub(crate) headers: HeaderMap,
    pub(crate) body: Vec<u8>,
}

/// Why a host was not asked, or did not answer.
#[derive(Debug, thiserror::Error)]
pub(crate) enum Unasked {
    #[error("the network took longer than 30 s")]
    Slow,
    #[error("the network answered more than {0} bytes")]
    TooLarge(usize),
    #[error("the network is at an address that is not a public one")]
    Private,
    #[error("the network sends us to somebody else")]
    Elsewhere,
    #[error("the network would be told a secret that everybody on the way can read")]
    Plain,
    #[error("the network does not answer")]
    Failed(#[source] OutboundError),
}

// === impl Unasked ===

impl Unasked {
    /// A stable name with a page in `docs/errors`.
    pub(crate) const fn reason(&self) -> &'static str {
        match self {
            Self::Slow => "NETWORK_TOO_SLOW",
            Self::TooLarge(_) => "NETWORK_ANSWER_TOO_LARGE",
            Self::Private => "NETWORK_ADDRESS_PRIVATE",
            Self::Elsewhere => "NETWORK_SENDS_ELSEWHERE",
            Self::Plain => "NETWORK_UNENCRYPTED",
            Self::Failed(_) => "NETWORK_UNAVAILABLE",
        }
    }
}

impl From<OutboundError> for Unasked {
    fn from(error: OutboundError) -> Self {
        match error {
            OutboundError::Private => Self::Private,
            OutboundError::Elsewhere(_) => Self::Elsewhere,
            OutboundError::TooSlow(_) => Self::Slow,
            OutboundError::TooLarge(max) => Self::TooLarge(max),
            OutboundError::Failed(_) => Self::Failed(error),
        }
    }
}

// === impl Answered ===

impl Answered {
    pub(crate) fn as_answer(&self) -> Answer<'_> {
        Answer { status: self.status.as_u16(), headers: &self.headers, body: &self.body }
    }

    /// What it may be asked with again, if anything.
    pub(crate) fn validator(&self) -> Option<Validator> {
        let header = |name: HeaderName| {
            let text = self.headers.get(name)?.to_str().ok()?;
            (text.len() <= VALIDATOR_BYTES_MAX).then(|| text.to_owned())
        };
        let (etag, last_modified) = (header(ETAG), header(LAST_MODIFIED));
        let any = etag.is_some() || last_modified.is_some();
        any.then_some(Validator { etag, last_modified })
    }
}

/// Who asks.
///
/// # Errors
///
/// When there is no TLS to be had.
pub(crate) fn outbound(reach: Reach) -> Result<Outbound, reqwest::Error> {
    Outbound::new(reach, REQUEST_TIME_MAX)
}

/// Asks.
pub(crate) async fn send(
    outbound: &Outbound,
    ask: &Ask,
    access: &[(HeaderName, HeaderValue)],
    known: Option<&Validator>,
) -> Result<Answered, Unasked> {
    let mut request = outbound.client().get(ask.url.clone());
    for (name, value) in &ask.headers {
        request = request.header(*name, value);
    }
    for (name, value) in access {
        request = request.header(name, value);
    }
    if let Some(known) = known {
        if let Some(etag) = &known.etag {
            request = request.header(IF_NONE_MATCH, etag);
        }
        if let Some(time) = &known.last_modified {
            request = request.header(IF_MODIFIED_SINCE, time);
        }
    }
    let response = outbound.send(request).await?;
    let (status, headers) = (response.status(), response.headers().clone());
    let body = klout_outbound::read(response, ANSWER_BYTES_MAX).await?;
    Ok(Answered { status, headers, body })
}
