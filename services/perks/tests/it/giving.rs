//! Perks that run among peers who know everybody, and what is given there.

use std::time::Duration;

use klout_chassis::{Host, Link, Refusal, Running};
use klout_perks::Perks;
use klout_proto::{
    graph::v1::{
        BatchCountPlusKRequest, BatchCountPlusKResponse, BatchGetPeopleRequest,
        BatchGetPeopleResponse, GetPersonRequest, GetPersonResponse, Person,
    },
    perk::v1::{
        ActivateCampaignRequest, Benefit, Budgets, CampaignSpec, ConfirmGrantRequest,
        CreateCampaignRequest, Grant, Money, ReleaseGrantRequest, ReserveGrantRequest,
        ReserveGrantResponse, ReverseGrantRequest, Rule, UpdateCampaignRequest,
        perk_service_client::PerkServiceClient, reserve_grant_request::Subject,
    },
    score::v1::{
        BatchLookupScoresRequest, BatchLookupScoresResponse, LookupResult, LookupSubject, Score,
        lookup_result, lookup_subject,
    },
    topic::v1::{BatchGetPersonTopicsRequest, BatchGetPersonTopicsResponse},
};
use klout_testkit::{Peer, Stores, flaws_of_books, link, start, unary};
use sqlx::PgPool;
use tonic::{Code, Request, Status, service::Routes};

/// Somebody who does not consent to perks.
pub(crate) const WITHHOLDING: i64 = 666;

/// Nobody.
pub(crate) const NOBODY: i64 = 404;

/// Replicas of perks on the same stores.
pub(crate) struct Giving {
    pub(crate) db: PgPool,
    pub(crate) replicas: Vec<Running>,
    stores: Stores,
    peers: Peer,
}

impl Giving {
    pub(crate) async fn start(replicas: usize) -> Self {
        let stores = Stores::fresh().await;
        let peers = Peer::serve(peers()).await;
        let mut running = Vec::new();
        for _ in 0..replicas {
            running.push(replica(&stores, &peers).await);
        }
        Self { db: stores.db().await, replicas: running, stores, peers }
    }

    /// Another replica, which remembers nothing.
    pub(crate) async fn beside(&self) -> Running {
        replica(&self.stores, &self.peers).await
    }

    pub(crate) fn client(&self) -> PerkServiceClient<Link> {
        self.client_of(0)
    }

    /// Of one of the replicas, counted round and round.
    pub(crate) fn client_of(&self, number: usize) -> PerkServiceClient<Link> {
        PerkServiceClient::new(link(&self.replicas[number % self.replicas.len()]))
    }

    /// An active one.
    pub(crate) async fn campaign(&self, spec: CampaignSpec) -> String {
        let request = CreateCampaignRequest { spec: Some(spec), request_id: String::new() };
        let made = self.client().create_campaign(request).await.expect("made").into_inner();
        let campaign = made.campaign.expect("always there").campaign;
        let request = ActivateCampaignRequest { campaign: campaign.clone() };
        self.client().activate_campaign(request).await.expect("activated");
        campaign
    }

    pub(crate) async fn change(&self, campaign: &str, spec: CampaignSpec) {
        let request =
            UpdateCampaignRequest { campaign: campaign.to_owned(), spec: Some(spec), version: 0 };
        self.client().update_campaign(request).await.expect("changed");
    }

    pub(crate) async fn reserve(
        &self,
        request: ReserveGrantRequest,
    ) -> Result<ReserveGrantResponse, Status> {
        Ok(self.client().reserve_grant(request).await?.into_inner())
    }

    /// Asks, and hangs up after a while. Returns what they were told.
    pub(crate) async fn leave(&self, request: ReserveGrantRequest) -> Code {
        let mut request = Request::new(request);
        request.set_timeout(Duration::from_secs(1));
        let decided = self.client().reserve_grant(request).await;
        decided.map_or_else(|status| status.code(), |_| Code::Ok)
    }

    /// What comes of it, and the grant if there is one.
    pub(crate) async fn outcome(&self, request: ReserveGrantRequest) -> (String, Option<Grant>) {
        let response = self.reserve(request).await.expect("decided");
        (response.decision.expect("always there").outcome, response.grant)
    }

    /// The grant that it has to give.
    pub(crate) async fn given(&self, request: ReserveGrantRequest) -> Grant {
        let (outcome, grant) = self.outcome(request).await;
        assert_eq!(outcome, "RESERVED");
        grant.expect("reserved")
    }

    pub(crate) async fn confirm(&self, grant: &Grant) -> Result<Grant, Status> {
        let Grant { campaign, grant, .. } = grant.clone();
        let confirmed = self.client().confirm_grant(ConfirmGrantRequest { campaign, grant }).await;
        Ok(confirmed?.into_inner().grant.expect("always there"))
    }

    pub(crate) async fn release(&self, grant: &Grant) -> Result<Grant, Status> {
        let Grant { campaign, grant, .. } = grant.clone();
        let released = self.client().release_grant(ReleaseGrantRequest { campaign, grant }).await;
        Ok(released?.into_inner().grant.expect("always there"))
    }

    pub(crate) async fn reverse(&self, grant: &Grant) -> Result<Grant, Status> {
        let Grant { campaign, grant, .. } = grant.clone();
        let request = ReverseGrantRequest { campaign, grant, why: "it was broken".to_owned() };
        let reversed = self.client().reverse_grant(request).await;
        Ok(reversed?.into_inner().grant.expect("always there"))
    }

    /// Has the time of a reservation be over.
    pub(crate) async fn let_time_pass(&self, grant: &Grant) {
        let id: i64 = grant.grant.parse().expect("a number");
        let passed =
            "update perks.grant set expire_time = least(expire_time, now()) where grant_id = $1";
        sqlx::query(passed).bind(id).execute(&self.db).await.expect("Postgres answers");
    }

    /// Reserved and confirmed, and what they are worth.
    pub(crate) async fn counts(&self, campaign: &str) -> (i64, i64, i64) {
        let id: i64 = campaign.parse().expect("a number");
        let counts = "select reserved, confirmed, given_minor_units from perks.campaign where campaign_id = $1";
        sqlx::query_as(counts).bind(id).fetch_one(&self.db).await.expect("Postgres answers")
    }

    pub(crate) async fn assert_books_add_up(&self) {
        let flaws = flaws_of_books(&self.db).await.expect("Postgres answers");
        assert!(flaws.is_empty(), "{flaws:#?}");
    }
}

async fn replica(stores: &Stores, peers: &Peer) -> Running {
    let links = ["links.social_graph", "links.scoring", "links.topics"];
    let flags = links.map(|it| (it, peers.address()));
    start(Host::new("test").with::<Perks>(), stores, &flags).await
}

/// Somebody asks for what a campaign offers.
pub(crate) fn ask(campaign: &str, person: i64, request_id: &str) -> ReserveGrantRequest {
    ReserveGrantRequest {
        campaign: campaign.to_owned(),
        subject: Some(Subject::Person(person.to_string())),
        request_id: request_id.to_owned(),
        ..Default::default()
    }
}

/// Whoever has 40 gets something worth 1.50, of which there are so many.
pub(crate) fn offer(stock: Option<i64>) -> CampaignSpec {
    CampaignSpec {
        brand: "Cathay Pacific".to_owned(),
        title: "The lounge at San Francisco".to_owned(),
        benefit: Some(Benefit {
            kind: "ACCESS".to_owned(),
            value: Some(Money { currency: "USD".to_owned(), minor_units: 150 }),
            ..Default::default()
        }),
        rules: vec![Rule { rule: "score".to_owned(), expression: "score >= 40.0".to_owned() }],
        stock,
        budgets: Some(Budgets::default()),
        disclosure: "Cathay Pacific pays for it.".to_owned(),
        ..Default::default()
    }
}

/// People whose number is their score; of those above 99 it is 50.
fn peers() -> Routes {
    let nobody = || Refusal::new(Code::NotFound, "PERSON_UNKNOWN").into_plain_status("nobody");
    let person = move |request: GetPersonRequest| {
        if request.person == NOBODY.to_string() {
            return Err(nobody());
        }
        let withholds = request.person == WITHHOLDING.to_string();
        let person = Some(Person {
            person: request.person,
            state: "MEMBER".to_owned(),
            withheld_purposes: withholds.then(|| "perks".to_owned()).into_iter().collect(),
            ..Default::default()
        });
        Ok(GetPersonResponse { person })
    };
    let people = move |request: BatchGetPeopleRequest| {
        let found = request.people.into_iter().map(|it| person(GetPersonRequest { person: it }));
        let people = found.filter_map(|it| it.ok()?.person).collect();
        Ok(BatchGetPeopleResponse { people })
    };
    let score = |subject: LookupSubject| {
        let Some(lookup_subject::Subject::Person(person)) = subject.subject else {
            return Err(Status::invalid_argument("perks name people"));
        };
        let number: i32 = person.parse().map_err(|_| Status::invalid_argument("a number"))?;
        let score = Score {
            person,
            state: "KNOWN".to_owned(),
            score: Some(if number > 99 { 50.0 } else { f64::from(number) }),
            model: "klout-2".to_owned(),
            epoch: 7,
            ..Default::default()
        };
        Ok(LookupResult { result: Some(lookup_result::Result::Score(score)) })
    };
    let scores = move |request: BatchLookupScoresRequest| {
        let results = request.subjects.into_iter().map(score).collect::<Result<_, _>>()?;
        Ok(BatchLookupScoresResponse { results })
    };
    let topics = |_: BatchGetPersonTopicsRequest| Ok(BatchGetPersonTopicsResponse::default());
    let plus_k = |request: BatchCountPlusKRequest| {
        Ok(BatchCountPlusKResponse { counts: vec![0; request.people.len()] })
    };
    let all = [
        unary("/klout.graph.v1.GraphService/GetPerson", person),
        unary("/klout.graph.v1.GraphService/BatchGetPeople", people),
        unary("/klout.score.v1.ScoreService/BatchLookupScores", scores),
        unary("/klout.topic.v1.TopicService/BatchGetPersonTopics", topics),
        unary("/klout.graph.v1.PlusKService/BatchCountPlusK", plus_k),
    ];
    let all = all.map(Routes::into_axum_router).into_iter();
    Routes::from(all.reduce(|all, one| all.merge(one)).expect("some"))
}
