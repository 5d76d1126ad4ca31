//! Whom the played services know, beside [`ANN`](crate::world::ANN).

use klout_chassis::Refusal;
use klout_proto::{
    convert,
    graph::v1::{
        BatchCreatePeopleRequest, BatchCreatePeopleResponse, BatchGetMembershipsRequest,
        BatchGetMembershipsResponse, BatchGetPeopleRequest, BatchGetPeopleResponse,
        BatchResolvePeopleRequest, BatchResolvePeopleResponse, CreatePersonRequest,
        CreatePersonResponse, GetBacklogRequest, GetBacklogResponse, GetPersonRequest,
        GetPersonResponse, Influence, LinkAccountRequest, LinkAccountResponse, LinkedAccount,
        ListInfluenceesRequest, ListInfluenceesResponse, ListInfluencersRequest,
        ListInfluencersResponse, Person, ResolvePersonRequest, ResolvePersonResponse,
        UpdatePersonRequest, UpdatePersonResponse, graph_service_server::GraphService,
    },
    score::v1::{Contribution, Counterfactual, Explanation, Score},
};
use time::{Duration, OffsetDateTime, macros::datetime};
use tonic::{Code, Request, Response, Status};

use crate::world::{ANN, SLOW};

/// Who has a score with all numbers, and two accounts.
pub(crate) const DEE: &str = "50";

/// Whose handle is markup.
pub(crate) const EVE: &str = "51";

/// Whose model has changed today.
pub(crate) const KIT: &str = "55";

/// Who has no evidence.
pub(crate) const UNSEEN: &str = "52";

/// Whose signals are not scored yet.
pub(crate) const FRESH: &str = "53";

/// Who has a score, and whom social-graph does not know any more.
pub(crate) const GONE: &str = "54";

/// When everybody was scored last.
const JUNE: OffsetDateTime = datetime!(2018-06-01 00:00 UTC);

/// The score that `person` had some days before the last.
pub(crate) fn score(person: &str, days_before: i64) -> Score {
    let time = Some(convert::timestamp(JUNE - Duration::days(days_before)));
    let model = if person == KIT && days_before > 0 { "older" } else { "test" }.to_owned();
    let score =
        Score { person: person.to_owned(), score_time: time, model, epoch: 7, ..Score::default() };
    match person {
        UNSEEN => Score { state: "UNKNOWN".to_owned(), ..score },
        FRESH => Score { state: "PENDING".to_owned(), ..score },
        DEE => Score {
            state: "KNOWN".to_owned(),
            score: Some(if days_before == 0 { 61.54 } else { 58.0 }),
            bucket: "60-69".to_owned(),
            percentile: Some(97.25),
            confidence: Some(0.625),
            day_change: Some(0.44),
            week_change: Some(-1.26),
            true_reach: Some(12_340.4),
            amplification: Some(31.61),
            network_impact: Some(7.0),
            ..score
        },
        _ => Score { state: "KNOWN".to_owned(), score: Some(12.0), ..score },
    }
}

/// Why somebody's score is what it is.
pub(crate) fn explanation(person: &str) -> Explanation {
    let contribution = |name: &str, points| Contribution {
        name: name.to_owned(),
        points,
        ..Contribution::default()
    };
    Explanation {
        score: Some(score(person, 0)),
        low_score: 59.94,
        high_score: 63.26,
        networks: vec![contribution("bluesky", 60.54), contribution("floor", 1.0)],
        kinds: vec![contribution("reshare", 60.54), contribution("floor", 1.0)],
        actor_classes: vec![contribution("influential", 60.54), contribution("floor", 1.0)],
        counterfactuals: vec![Counterfactual {
            text: "20 more reshares <by> people like those you have".to_owned(),
            change: 0.44,
            ..Counterfactual::default()
        }],
        ..Explanation::default()
    }
}

/// Who they are; `None`: nobody.
fn person(person: &str) -> Option<Person> {
    let account = |network: &str, handle: &str| LinkedAccount {
        network: network.to_owned(),
        native_id: format!("id of {handle}"),
        handle: handle.to_owned(),
        ..Default::default()
    };
    let accounts = match person {
        ANN => vec![account("bluesky", "ann")],
        DEE => vec![account("bluesky", "dee.example"), account("github", "dee-codes")],
        EVE => vec![account("bluesky", "<script>alert('eve')</script>")],
        UNSEEN => vec![account("mastodon", "unseen")],
        FRESH => vec![account("mastodon", "fresh")],
        KIT => vec![account("mastodon", "kit")],
        SLOW => vec![account("mastodon", "slow")],
        _ => return None,
    };
    Some(Person {
        person: person.to_owned(),
        accounts,
        create_time: None,
        city: String::new(),
        country: String::new(),
        ..Default::default()
    })
}

fn influence(person: &str, strength: f64, direction: &str) -> Influence {
    Influence {
        person: person.to_owned(),
        strength,
        direction: direction.to_owned(),
        networks: vec!["bluesky".to_owned()],
        topics: vec!["rust".to_owned()],
        ..Influence::default()
    }
}

/// The played social-graph.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Graph;

#[tonic::async_trait]
impl GraphService for Graph {
    async fn get_person(
        &self,
        request: Request<GetPersonRequest>,
    ) -> Result<Response<GetPersonResponse>, Status> {
        let person = person(&request.into_inner().person).ok_or_else(|| {
            let refusal = Refusal::new(Code::NotFound, "PERSON_UNKNOWN");
            refusal.into_plain_status("there is no such person")
        })?;
        Ok(Response::new(GetPersonResponse { person: Some(person) }))
    }

    async fn update_person(
        &self,
        request: Request<UpdatePersonRequest>,
    ) -> Result<Response<UpdatePersonResponse>, Status> {
        let UpdatePersonRequest { person, country, city, .. } = request.into_inner();
        let (country, city) = (country.unwrap_or("as before".to_owned()), city.unwrap_or_default());
        let person = Person { person, country, city, ..Person::default() };
        Ok(Response::new(UpdatePersonResponse { person: Some(person) }))
    }

    async fn batch_get_people(
        &self,
        request: Request<BatchGetPeopleRequest>,
    ) -> Result<Response<BatchGetPeopleResponse>, Status> {
        let people = request.into_inner().people;
        // In no particular order.
        let people = people.iter().rev().filter_map(|it| person(it)).collect();
        Ok(Response::new(BatchGetPeopleResponse { people }))
    }

    async fn list_influencers(
        &self,
        request: Request<ListInfluencersRequest>,
    ) -> Result<Response<ListInfluencersResponse>, Status> {
        let influencers = match request.into_inner().person.as_str() {
            DEE => vec![influence(ANN, 8.0, "MUTUAL"), influence(EVE, 2.0, "INFLUENCER")],
            KIT => return Err(Status::unavailable("not for them")),
            _ => vec![],
        };
        Ok(Response::new(ListInfluencersResponse { influencers, ..Default::default() }))
    }

    async fn list_influencees(
        &self,
        request: Request<ListInfluenceesRequest>,
    ) -> Result<Response<ListInfluenceesResponse>, Status> {
        let influencees = match request.into_inner().person.as_str() {
            DEE => vec![influence(ANN, 1.5, "MUTUAL")],
            _ => vec![],
        };
        Ok(Response::new(ListInfluenceesResponse { influencees, ..Default::default() }))
    }

    async fn create_person(
        &self,
        _: Request<CreatePersonRequest>,
    ) -> Result<Response<CreatePersonResponse>, Status> {
        Err(Status::unimplemented("not played"))
    }

    async fn batch_create_people(
        &self,
        _: Request<BatchCreatePeopleRequest>,
    ) -> Result<Response<BatchCreatePeopleResponse>, Status> {
        Err(Status::unimplemented("not played"))
    }

    async fn resolve_person(
        &self,
        _: Request<ResolvePersonRequest>,
    ) -> Result<Response<ResolvePersonResponse>, Status> {
        Err(Status::unimplemented("not played"))
    }

    async fn batch_resolve_people(
        &self,
        _: Request<BatchResolvePeopleRequest>,
    ) -> Result<Response<BatchResolvePeopleResponse>, Status> {
        Err(Status::unimplemented("not played"))
    }

    async fn batch_get_memberships(
        &self,
        _: Request<BatchGetMembershipsRequest>,
    ) -> Result<Response<BatchGetMembershipsResponse>, Status> {
        Err(Status::unimplemented("not played"))
    }

    async fn link_account(
        &self,
        _: Request<LinkAccountRequest>,
    ) -> Result<Response<LinkAccountResponse>, Status> {
        Err(Status::unimplemented("not played"))
    }

    async fn get_backlog(
        &self,
        _: Request<GetBacklogRequest>,
    ) -> Result<Response<GetBacklogResponse>, Status> {
        Err(Status::unimplemented("not played"))
    }
}
