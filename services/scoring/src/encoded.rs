//! Scores as the wire has them, and the answers that carry them so.
//!
//! A score is encoded once, when it is read from below, and answered as it is. As a message it would be
//! copied and encoded for each caller, and would lie in six places: of 100,000 people most of these are in no
//! cache of the processor when they are asked for.

use klout_model::Purposes;
use klout_proto::{revision::Revision, score::v1::Score};
use prost::{
    Message,
    bytes::{Buf as _, Bytes},
};
use tonic_types::pb;

/// A [`Score`] on the wire. Clones share it.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct EncodedScore {
    /// 0 when it is of somebody without a score.
    pub(crate) revision: u64,
    /// For what it is not to be told.
    pub(crate) withheld: Purposes,
    /// A `GetScoreResponse` with the score, which is the last of it.
    pub(crate) response: Bytes,
    /// Where the score begins in that.
    start: usize,
}

/// `GetScoreResponse`, the same on the wire.
#[derive(Clone, PartialEq, Message)]
pub(crate) struct EncodedResponse {
    #[prost(bytes = "bytes", tag = "1")]
    pub(crate) score: Bytes,
}

/// `BatchLookupScoresResponse`, the same on the wire.
#[derive(Clone, PartialEq, Message)]
pub(crate) struct EncodedResults {
    #[prost(message, repeated, tag = "1")]
    pub(crate) results: Vec<EncodedResult>,
}

/// `LookupResult`, the same on the wire.
#[derive(Clone, PartialEq, Message)]
pub(crate) struct EncodedResult {
    #[prost(oneof = "encoded_result::Result", tags = "1, 2")]
    pub(crate) result: Option<encoded_result::Result>,
}

pub(crate) mod encoded_result {
    use prost::{Oneof, bytes::Bytes};
    use tonic_types::pb;

    /// What is known, or why nothing is.
    #[derive(Clone, PartialEq, Oneof)]
    pub(crate) enum Result {
        #[prost(bytes = "bytes", tag = "1")]
        Score(Bytes),
        #[prost(message, tag = "2")]
        Status(pb::Status),
    }
}

// === impl EncodedScore ===

impl EncodedScore {
    /// Not to be told for some purposes.
    pub(crate) const fn withheld(mut self, withheld: Purposes) -> Self {
        self.withheld = withheld;
        self
    }

    /// The score alone.
    pub(crate) fn into_score(mut self) -> Bytes {
        self.response.advance(self.start);
        self.response
    }
}

impl From<&Score> for EncodedScore {
    fn from(score: &Score) -> Self {
        let revision = match Revision::from_own_token(&score.revision_token) {
            Some(Revision::Score(revision)) => revision,
            Some(Revision::Batches(_)) | None => 0,
        };
        let score: Bytes = score.encode_to_vec().into();
        let length = score.len();
        let response: Bytes = EncodedResponse { score }.encode_to_vec().into();
        let start = response.len() - length;
        Self { revision, withheld: Purposes::NONE, response, start }
    }
}

// === impl EncodedResult ===

impl From<Result<EncodedScore, pb::Status>> for EncodedResult {
    fn from(result: Result<EncodedScore, pb::Status>) -> Self {
        let result = match result {
            Ok(score) => encoded_result::Result::Score(score.into_score()),
            Err(status) => encoded_result::Result::Status(status),
        };
        Self { result: Some(result) }
    }
}

#[cfg(test)]
mod tests {
    use klout_proto::{
        revision::Deployment,
        score::v1::{BatchLookupScoresResponse, GetScoreResponse, LookupResult, lookup_result},
    };

    use super::*;

    fn score() -> Score {
        Score {
            person: "42".to_owned(),
            state: "KNOWN".to_owned(),
            score: Some(61.8),
            percentile: Some(0.0),
            revision_token: Revision::Score(7).to_token(Deployment::of(&[7; 16])),
            ..Score::default()
        }
    }

    #[test]
    fn an_answer_is_the_same_on_the_wire_as_the_message_of_the_contract() {
        let encoded = EncodedScore::from(&score());
        assert_eq!(encoded.revision, 7);
        let response = EncodedResponse { score: encoded.clone().into_score() };
        let message = GetScoreResponse { score: Some(score()) };
        assert_eq!(response.encode_to_vec(), message.encode_to_vec());
        assert_eq!(encoded.response, message.encode_to_vec());
        assert_eq!(encoded.clone().into_score(), score().encode_to_vec());

        let status = pb::Status { code: 5, message: "nobody".to_owned(), details: vec![] };
        let results = vec![Ok(encoded).into(), Err(status.clone()).into()];
        let row = |result| LookupResult { result: Some(result) };
        let message = BatchLookupScoresResponse {
            results: vec![
                row(lookup_result::Result::Score(score())),
                row(lookup_result::Result::Status(status)),
            ],
        };
        assert_eq!(EncodedResults { results }.encode_to_vec(), message.encode_to_vec());
    }
}
