//! Looks a customer up: who that is, and their score.
//!
//! Whoever left, or does not consent to the purpose of the key, is nobody to social-graph already, which is then the
//! only one that is asked. So nobody and somebody hidden are answered alike, after the same calls and as late.

use std::time::Duration;

use axum::{
    Json,
    response::{IntoResponse as _, Response},
};
use http::{StatusCode, header::RETRY_AFTER};
use klout_chassis::{Caller, Clock, Link, Links, Refusal, from_row, reason};
use klout_model::Purpose;
use klout_proto::{
    convert,
    graph::v1::{
        BatchIdentifyPeopleRequest, IdentifiedPerson, ResolvePersonRequest,
        graph_service_client::GraphServiceClient, identify_result,
    },
    profile::v1::{Match, ResolveAndGetScoreRequest, ResolveAndGetScoreResponse},
    score::v1::{
        Consistency, GetScoreRequest, Score, get_score_request::Subject,
        score_service_client::ScoreServiceClient,
    },
};
use tokio::time::{Instant, sleep_until};
use tonic::{Code, Status};
use tracing::instrument;

use crate::{call::to_caller, error::Error, unnamed::unnamed};

/// As the table of routes has it.
pub(crate) const RPC: &str = "klout.profile.v1.LookupService/ResolveAndGetScore";

/// When to ask again for somebody who is not scored yet.
const PENDING_TIME: Duration = Duration::from_secs(1);

/// Nobody is told sooner that there is nobody. To find somebody and see that they are hidden takes a row or two more than
/// to find nobody; that is far less than this, and cannot be measured behind it.
const NOBODY_TIME: Duration = Duration::from_millis(20);

/// Asks who customers are. Clones share what they use.
#[derive(Clone, Debug)]
pub(crate) struct Lookup {
    graph: Link,
    scoring: Link,
    /// How long callers may keep an answer.
    keep_time: Duration,
}

// === impl Lookup ===

impl Lookup {
    pub(crate) fn new(links: &Links, keep_time: Duration) -> Self {
        Self { graph: links.to("social_graph"), scoring: links.to("scoring"), keep_time }
    }

    #[instrument(name = "resolve_and_get_score", skip_all)]
    pub(crate) async fn resolve_and_get_score(
        &self,
        caller: &Caller,
        request: ResolveAndGetScoreRequest,
    ) -> Result<ResolveAndGetScoreResponse, Status> {
        let begun = Instant::now();
        let answered = self.find_and_get_score(caller, request).await;
        if answered.as_ref().is_err_and(|status| status.code() == Code::NotFound) {
            sleep_until(begun + NOBODY_TIME).await;
        }
        answered
    }

    async fn find_and_get_score(
        &self,
        caller: &Caller,
        request: ResolveAndGetScoreRequest,
    ) -> Result<ResolveAndGetScoreResponse, Status> {
        let ResolveAndGetScoreRequest {
            person,
            accounts,
            contacts,
            min_likelihood,
            purpose,
            consistency,
        } = request;
        let caller = asking_for(caller, &purpose)?;
        let customer =
            ResolvePersonRequest { account: None, accounts, person, contacts, min_likelihood };
        let found = self.identify(&caller, customer).await?;
        let score = self.score(&caller, found.person_id, consistency).await?;
        let score = if found.by_hashes_alone { unnamed(score) } else { score };
        Ok(ResolveAndGetScoreResponse {
            r#match: Some(Match { likelihood: found.likelihood, matched_on: found.matched_on }),
            score: Some(score),
            expire_time: Some(convert::timestamp(Clock::running().now() + self.keep_time)),
        })
    }

    async fn identify(
        &self,
        caller: &Caller,
        customer: ResolvePersonRequest,
    ) -> Result<IdentifiedPerson, Status> {
        if names_nothing(&customer) {
            let problem = "are missing, and nothing else is named";
            return Err(Refusal::field("contacts", problem).into_plain_status(problem));
        }
        let mut graph = GraphServiceClient::new(self.graph.clone().on_behalf_of(caller));
        let request =
            BatchIdentifyPeopleRequest { customers: vec![customer], ..Default::default() };
        let answered = graph.batch_identify_people(request).await.map_err(to_caller)?;
        let row = answered.into_inner().results.into_iter().next().and_then(|row| row.result);
        match row {
            Some(identify_result::Result::Person(found)) => Ok(found),
            Some(identify_result::Result::Status(status)) => Err(refused(from_row(&status))),
            None => Err(to_caller(Status::internal("a customer was not answered"))),
        }
    }

    async fn score(
        &self,
        caller: &Caller,
        person: i64,
        consistency: Option<Consistency>,
    ) -> Result<Score, Status> {
        let mut scores = ScoreServiceClient::new(self.scoring.clone().on_behalf_of(caller));
        let subject = Some(Subject::Person(person.to_string()));
        let request = GetScoreRequest { subject, consistency, ..Default::default() };
        let answered = scores.get_score(request).await;
        let score = answered.map_err(|status| refused(to_caller(status)))?.into_inner().score;
        score.ok_or_else(|| to_caller(Status::internal("a score was not told")))
    }
}

/// Whether somebody was found who waits to be scored, of an answer as JSON.
pub(crate) fn waits(found: &serde_json::Value) -> bool {
    found["score"]["state"] == "PENDING"
}

/// The answer over REST for who does.
pub(crate) fn accepted(found: serde_json::Value) -> Response {
    let retry_after = [(RETRY_AFTER, PENDING_TIME.as_secs().to_string())];
    (StatusCode::ACCEPTED, retry_after, Json(found)).into_response()
}

/// For whom and why it is asked.
///
/// A key says what it is for, and a request can only say the same. An operator may ask for anybody's purpose, and is
/// shown and noted what that shows.
fn asking_for(caller: &Caller, purpose: &str) -> Result<Caller, Error> {
    let purpose = purpose.trim();
    let is_keys = |words: &str| words.trim().eq_ignore_ascii_case(purpose);
    if purpose.is_empty() || is_keys(caller.words()) || is_keys(caller.purpose().as_str()) {
        return Ok(caller.clone());
    }
    let refused = || Error::PurposeNotKeys { purpose: purpose.to_owned() };
    if caller.purpose() != Purpose::Operator {
        return Err(refused());
    }
    let asking = Caller::new(caller.name(), purpose).map_err(|_| refused())?;
    let is_consented_to = Purpose::OF_CONSENT.contains(&asking.purpose());
    if is_consented_to { Ok(asking) } else { Err(refused()) }
}

fn names_nothing(customer: &ResolvePersonRequest) -> bool {
    let contacts = customer.contacts.clone().unwrap_or_default();
    customer.person.is_empty() && customer.accounts.is_empty() && contacts == Default::default()
}

/// What the caller is told. Who is not there is nobody in the same words, by whatever they were named, and whether
/// social-graph says so or scoring.
fn refused(status: Status) -> Status {
    match reason(&status).as_deref() {
        Some("PERSON_UNKNOWN") => Error::NobodyKnown.into(),
        Some(_) | None => status,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_request_is_for_what_the_key_is_for() {
        let caller = |words: &str| Caller::new("acme", words).expect("a caller");
        let words = |words: &str, purpose: &str| {
            asking_for(&caller(words), purpose).map(|it| it.words().to_owned()).ok()
        };
        for purpose in ["", " Customer care ", "crm"] {
            assert_eq!(words("customer care", purpose).as_deref(), Some("customer care"));
        }
        for purpose in ["perks", "marketing", "operator", "internal", "hiring"] {
            assert_eq!(words("customer care", purpose), None, "{purpose}");
        }
        assert_eq!(words("operator", "crm").as_deref(), Some("crm"));
        assert_eq!(words("operator", "").as_deref(), Some("operator"));
        for purpose in ["internal", "hiring"] {
            assert_eq!(words("operator", purpose), None, "{purpose}");
        }
    }
}
