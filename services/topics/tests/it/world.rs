//! A topics service that runs, a social-graph that knows who joined, and a scoring that knows who is somebody.

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::{Arc, Mutex},
};

use klout_chassis::{Caller, Host, Link, Running};
use klout_proto::{
    graph::v1::{
        BatchGetMembershipsRequest, BatchGetMembershipsResponse, BatchGetPeopleRequest,
        BatchGetPeopleResponse, GetPersonRequest, GetPersonResponse, Membership, Person,
        RecordLookupsRequest, RecordLookupsResponse, ResolvePersonRequest, ResolvePersonResponse,
        account_name::Name,
    },
    score::v1::{ActorStanding, BatchGetActorsRequest, BatchGetActorsResponse},
    signal::v1::SignalBatch,
    topic::v1::{
        ApplyMembershipsRequest, ApplySignalsRequest, Expert, ExplainPersonTopicRequest,
        ExplainPersonTopicResponse, GetBacklogRequest, ImportOntologyRequest,
        ImportOntologyResponse, ListExpertsRequest, ListPersonTopicsRequest, OntologyHeader,
        OntologyPiece, PersonTopic, import_ontology_request::Part,
        signal_consumer_service_client::SignalConsumerServiceClient,
        topic_operator_service_client::TopicOperatorServiceClient,
        topic_service_client::TopicServiceClient,
    },
};
use klout_testkit::{Looked, Looks, Peer, Stores, link, start, unary, until};
use klout_topics::Topics;
use tonic::{Code, Status, service::Routes};

/// The clock of these tests.
pub(crate) const AS_OF: &str = "2018-06-01T12:00:00Z";

/// Its day, since 1970.
pub(crate) const TODAY: i32 = 17_683;

/// The network that members are on, but for those said to be elsewhere.
pub(crate) const NETWORK: &str = "bluesky";

/// A whole person, as an epoch says it.
const WHOLE: u64 = 1 << 40;

pub(crate) struct World {
    pub(crate) stores: Stores,
    pub(crate) running: Running,
    pub(crate) members: Members,
    pub(crate) epoch: Epoch,
    looked: Looked,
    _peers: [Peer; 2],
}

/// The accounts that members own.
#[derive(Clone, Debug, Default)]
pub(crate) struct Members(Arc<Mutex<BTreeMap<i64, Membership>>>);

/// What scoring knows.
#[derive(Clone, Debug)]
pub(crate) struct Epoch(Arc<Mutex<(u64, BTreeSet<i64>)>>);

impl World {
    pub(crate) async fn start(flags: &[(&'static str, &str)]) -> Self {
        Self::start_on(Stores::fresh().await, Members::default(), flags).await
    }

    /// With the ontology of these tests.
    pub(crate) async fn in_the_garden() -> Self {
        let world = Self::start(&[]).await;
        world.import("1", &[("garden.toml", GARDEN)]).await.expect("an ontology");
        world
    }

    pub(crate) async fn start_on(
        stores: Stores,
        members: Members,
        flags: &[(&'static str, &str)],
    ) -> Self {
        let epoch = Epoch(Arc::new(Mutex::new((1, BTreeSet::new()))));
        let looked = Looked::default();
        let graph = Peer::serve(graph(&members, &looked)).await;
        let scores = Peer::serve(scores(&members, &epoch)).await;
        let mut all = vec![
            ("server.as_of", AS_OF),
            ("links.social_graph", graph.address()),
            ("links.scoring", scores.address()),
            ("topics.compute_interval", "20ms"),
            ("topics.pass_pause", "0s"),
        ];
        all.extend(flags);
        let running = start(Host::new("test").with::<Topics>(), &stores, &all).await;
        Self { stores, running, members, epoch, looked, _peers: [graph, scores] }
    }

    /// The same stores and members, and another process.
    pub(crate) async fn beside(&self) -> Self {
        Self::start_on(self.stores.clone(), self.members.clone(), &[]).await
    }

    pub(crate) fn client(&self) -> TopicServiceClient<Link> {
        TopicServiceClient::new(link(&self.running))
    }

    /// What the log has of a caller: whom they looked at, what they saw, and how often.
    pub(crate) fn looks_of(&self, caller: &Caller) -> Looks {
        self.looked.of(caller.name())
    }

    pub(crate) fn operator(&self) -> TopicOperatorServiceClient<Link> {
        TopicOperatorServiceClient::new(link(&self.running))
    }

    /// Pushes a batch; returns whether it was applied before.
    pub(crate) async fn apply(&self, batch: SignalBatch) -> Result<bool, Status> {
        let mut client = SignalConsumerServiceClient::new(link(&self.running));
        let request = ApplySignalsRequest { batch: Some(batch) };
        Ok(client.apply_signals(request).await?.into_inner().repeated)
    }

    /// Somebody joins with an account, and topics is told.
    pub(crate) async fn join(&self, account: i64, person: i64) {
        self.tell(Membership {
            account_id: account,
            network: NETWORK.to_owned(),
            person_id: person,
            revision: 1,
            city: String::new(),
            country: String::new(),
        })
        .await;
    }

    /// Topics is told of a membership.
    pub(crate) async fn tell(&self, membership: Membership) {
        self.members.know(membership.clone());
        let request = ApplyMembershipsRequest { memberships: vec![membership] };
        let mut client = SignalConsumerServiceClient::new(link(&self.running));
        client.apply_memberships(request).await.expect("applied");
    }

    pub(crate) async fn import(
        &self,
        edition: &str,
        files: &[(&str, &str)],
    ) -> Result<ImportOntologyResponse, Status> {
        let header = OntologyHeader { ontology: "garden".to_owned(), edition: edition.to_owned() };
        let mut parts = vec![Part::Header(header)];
        parts.extend(files.iter().map(|(file, content)| {
            Part::Piece(OntologyPiece {
                file: (*file).to_owned(),
                content: content.as_bytes().to_vec(),
            })
        }));
        self.import_parts(parts).await
    }

    pub(crate) async fn import_parts(
        &self,
        parts: Vec<Part>,
    ) -> Result<ImportOntologyResponse, Status> {
        let parts = parts.into_iter().map(|part| ImportOntologyRequest { part: Some(part) });
        let parts: Vec<_> = parts.collect();
        let imported = self.operator().import_ontology(futures::stream::iter(parts)).await;
        Ok(imported?.into_inner())
    }

    /// Waits until nothing is left to read or to compute, and everybody is ranked.
    pub(crate) async fn settled(&self) {
        let mut client = self.client();
        let db = self.stores.db().await;
        until("topics are computed", async || {
            let backlog = client.get_backlog(GetBacklogRequest {}).await.expect("a backlog");
            let backlog = backlog.into_inner();
            let ranked: bool =
                sqlx::query_scalar("select not exists (select from topics.dirty_topic)")
                    .fetch_one(&db)
                    .await
                    .expect("an answer");
            backlog.posts == 0 && backlog.people == 0 && ranked
        })
        .await;
    }

    /// Scoring publishes another epoch; waits until a pass has been made with it.
    pub(crate) async fn passed(&self) {
        let epoch = self.epoch.publish().cast_signed();
        self.settled().await;
        let made: bool = sqlx::query_scalar(
            "select exists (select from topics.pass where epoch = $1 and end_time is not null)",
        )
        .bind(epoch)
        .fetch_one(&self.stores.db().await)
        .await
        .expect("an answer");
        assert!(made, "a pass that is due is waited for");
    }

    /// What a person is listed with, by slug.
    pub(crate) async fn topics(&self, person: i64) -> Vec<PersonTopic> {
        let request = ListPersonTopicsRequest {
            person: person.to_string(),
            page_size: 100,
            ..ListPersonTopicsRequest::default()
        };
        let listed = self.client().list_person_topics(request).await.expect("listed");
        listed.into_inner().topics
    }

    /// The slugs of what a person is shown with.
    pub(crate) async fn earned(&self, person: i64) -> BTreeSet<String> {
        let topics = self.topics(person).await;
        let earned = topics.iter().filter(|it| it.states.contains(&"earned".to_owned()));
        earned.map(slug).collect()
    }

    pub(crate) async fn explain(&self, person: i64, topic: &str) -> ExplainPersonTopicResponse {
        let request = ExplainPersonTopicRequest {
            person: person.to_string(),
            topic: topic.to_owned(),
            language: String::new(),
        };
        self.client().explain_person_topic(request).await.expect("explained").into_inner()
    }

    pub(crate) async fn experts(&self, topic: &str) -> Vec<Expert> {
        let request = ListExpertsRequest {
            topic: topic.to_owned(),
            page_size: 1_000,
            ..ListExpertsRequest::default()
        };
        self.client().list_experts(request).await.expect("listed").into_inner().experts
    }

    /// The people who are listed for a topic.
    pub(crate) async fn people(&self, topic: &str) -> Vec<i64> {
        let experts = self.experts(topic).await;
        experts.iter().map(|it| it.person.parse().expect("a person")).collect()
    }

    /// Every post that is there: its account, text and tags.
    pub(crate) async fn posts(&self) -> Vec<(i64, Option<String>, Vec<String>)> {
        sqlx::query_as(
            "select account_id, text, tags from topics.post where told > 0 order by 1, 2",
        )
        .fetch_all(&self.stores.db().await)
        .await
        .expect("posts")
    }

    /// How many rows a table has, of whatever kind.
    pub(crate) async fn rows(&self, table: &str) -> i64 {
        let statement = sqlx::AssertSqlSafe(format!("select count(*) from topics.{table}"));
        sqlx::query_scalar(statement).fetch_one(&self.stores.db().await).await.expect("a count")
    }
}

pub(crate) fn slug(topic: &PersonTopic) -> String {
    topic.topic.as_ref().expect("always present").slug.clone()
}

impl Members {
    /// Social-graph knows, and topics is not told.
    pub(crate) fn know(&self, membership: Membership) {
        self.0.lock().expect("not poisoned").insert(membership.account_id, membership);
    }

    fn of(&self, account: i64) -> Option<Membership> {
        let members = self.0.lock().expect("not poisoned");
        members.get(&account).filter(|it| it.person_id != 0).cloned()
    }

    fn is_there(&self, person: &str) -> bool {
        // Some joined without an account.
        let members = self.0.lock().expect("not poisoned");
        person.starts_with("72") || members.values().any(|it| it.person_id.to_string() == person)
    }
}

impl Epoch {
    pub(crate) fn publish(&self) -> u64 {
        let mut known = self.0.lock().expect("not poisoned");
        known.0 += 1;
        known.0
    }

    /// From the next epoch on this account is nobody.
    pub(crate) fn doubt(&self, account: i64) {
        self.0.lock().expect("not poisoned").1.insert(account);
    }
}

fn graph(members: &Members, looked: &Looked) -> Routes {
    let unknown = || {
        klout_chassis::Refusal::new(Code::NotFound, "PERSON_UNKNOWN").into_plain_status("nobody")
    };
    let known = members.clone();
    let memberships = unary(
        "/klout.graph.v1.GraphService/BatchGetMemberships",
        move |asked: BatchGetMembershipsRequest| {
            let memberships = asked.account_ids.into_iter().filter_map(|it| known.of(it));
            Ok(BatchGetMembershipsResponse { memberships: memberships.collect() })
        },
    );
    let known = members.clone();
    let person = unary("/klout.graph.v1.GraphService/GetPerson", move |asked: GetPersonRequest| {
        let is_there = known.is_there(&asked.person);
        let person = Some(Person { person: asked.person, ..Person::default() });
        if is_there { Ok(GetPersonResponse { person }) } else { Err(unknown()) }
    });
    let known = members.clone();
    let people = unary(
        "/klout.graph.v1.GraphService/BatchGetPeople",
        move |asked: BatchGetPeopleRequest| {
            let people = asked.people.into_iter().filter(|it| known.is_there(it));
            let people = people.map(|person| Person { person, ..Person::default() });
            Ok(BatchGetPeopleResponse { people: people.collect() })
        },
    );
    let known = members.clone();
    let resolve =
        unary("/klout.graph.v1.GraphService/ResolvePerson", move |asked: ResolvePersonRequest| {
            // The handle of an account is its number.
            let name = asked.account.and_then(|it| it.name);
            let account = match name {
                Some(Name::Handle(text) | Name::NativeId(text)) => text.parse().unwrap_or(0),
                None => 0,
            };
            let found = known.of(account).ok_or_else(unknown)?;
            Ok(ResolvePersonResponse { person: found.person_id.to_string(), ..Default::default() })
        });
    let looked = looked.clone();
    let lookups =
        unary("/klout.graph.v1.GraphService/RecordLookups", move |told: RecordLookupsRequest| {
            for it in told.lookups {
                looked.note(&it.caller, &it.what, &it.person_ids, &it.counts);
            }
            Ok(RecordLookupsResponse {})
        });
    let all = [memberships, person, people, resolve, lookups].map(Routes::into_axum_router);
    let mut all = all.into_iter();
    let first = all.next().expect("five");
    Routes::from(all.fold(first, |all, one| all.merge(one)))
}

fn scores(members: &Members, epoch: &Epoch) -> Routes {
    let (members, epoch) = (members.clone(), epoch.clone());
    unary("/klout.score.v1.ScoreService/BatchGetActors", move |asked: BatchGetActorsRequest| {
        let known = epoch.0.lock().expect("not poisoned");
        let actors = asked.account_ids.iter().map(|account| {
            let whole = if known.1.contains(account) { 0 } else { WHOLE };
            ActorStanding {
                attention: whole,
                people: whole,
                prestige: 0,
                strangers: WHOLE - whole,
                person_id: members.of(*account).map_or(0, |it| it.person_id),
                influence: 0.0,
            }
        });
        let actors = actors.collect();
        Ok(BatchGetActorsResponse { epoch: known.0, actors, ..Default::default() })
    })
}

/// The ontology of these tests.
pub(crate) const GARDEN: &str = r#"
[[topic]]
id = 1
slug = "nature"
names = { en = "Nature", de = "Natur" }

[[topic]]
id = 2
slug = "gardening"
parents = ["nature"]
names = { en = "Gardening", de = "Gärtnern" }
wikidata = "Q14748"

[[topic]]
id = 3
slug = "tomatoes"
parents = ["gardening", "food"]
names = { en = "Tomatoes", de = "Tomaten" }
aliases = { en = ["tomato"] }

[[topic]]
id = 4
slug = "animals"
parents = ["nature"]
names = { en = "Animals", de = "Tiere" }

[[topic]]
id = 5
slug = "lambs"
parents = ["animals"]
names = { en = "Lambs" }
aliases = { en = ["lambing season"] }

[[topic]]
id = 6
slug = "food"
names = { en = "Food" }

[[topic]]
id = 7
slug = "health"
names = { en = "Health" }
sensitive = true

[[topic]]
id = "10000000000000020305"
slug = "diabetes"
parents = ["health"]
names = { en = "Diabetes" }

[[topic]]
id = 9
slug = "hurricanes"
parents = ["nature"]
names = { en = "Hurricanes" }
aliases = { en = ["tropical storm"] }
"#;
