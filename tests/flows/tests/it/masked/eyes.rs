//! What readers look through, and what they have found.

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::{
        Arc, Mutex,
        atomic::{AtomicBool, AtomicUsize, Ordering},
    },
    time::Instant,
};

use klout_proto::{
    graph::v1::graph_service_client::GraphServiceClient,
    score::v1::{
        BatchLookupScoresRequest, ExplainScoreRequest, GetScoreRequest, ListScoresRequest,
        ListTopScoresRequest, LookupSubject, WatchScoresRequest, explain_score_request,
        get_score_request, lookup_result, lookup_subject, score_service_client::ScoreServiceClient,
    },
};
use reqwest::{Client, StatusCode, header::ETAG};
use serde_json::{Value, json};
use tokio::sync::Notify;
use tonic::{
    Request, Status,
    metadata::{Ascii, MetadataValue},
    service::{Interceptor, interceptor::InterceptedService},
    transport::Channel,
};

/// Puts a key to every call.
#[derive(Clone)]
pub(super) struct Key(pub(super) MetadataValue<Ascii>);

impl Interceptor for Key {
    fn call(&mut self, mut request: Request<()>) -> Result<Request<()>, Status> {
        request.metadata_mut().insert("authorization", self.0.clone());
        Ok(request)
    }
}

pub(super) type Called = InterceptedService<Channel, Key>;

/// What readers look through.
#[derive(Clone)]
pub(super) struct Eyes {
    pub(super) url: String,
    pub(super) key: String,
    pub(super) http: Client,
    /// Both processes of scoring.
    pub(super) scores: [ScoreServiceClient<Called>; 2],
    pub(super) people: GraphServiceClient<Called>,
    /// Who is there at first.
    pub(super) everybody: Arc<Vec<String>>,
}

/// What readers have found.
#[derive(Clone, Default)]
pub(super) struct Watchers {
    /// Since when somebody is not there any more.
    pub(super) gone: Arc<Mutex<BTreeMap<String, Instant>>>,
    /// What has shown somebody after that.
    pub(super) leaks: Arc<Mutex<BTreeMap<&'static str, BTreeSet<String>>>>,
    /// How often each surface has answered, and shown somebody.
    pub(super) shown: Arc<Mutex<BTreeMap<&'static str, u64>>>,
    /// How many have left, or are about to.
    pub(super) left: Arc<AtomicUsize>,
    pub(super) over: Arc<AtomicBool>,
    pub(super) ended: Arc<Notify>,
}

// === impl Watchers ===

impl Watchers {
    pub(super) fn end(&self) {
        self.over.store(true, Ordering::SeqCst);
        self.ended.notify_waiters();
    }

    pub(super) fn is_over(&self) -> bool {
        self.over.load(Ordering::SeqCst)
    }

    /// What was asked at a time showed these people.
    pub(super) fn saw(
        &self,
        surface: &'static str,
        asked: Instant,
        people: impl IntoIterator<Item = String>,
    ) {
        let gone = self.gone.lock().expect("nobody panics while holding it").clone();
        let mut any = false;
        for person in people {
            any = true;
            if gone.get(&person).is_some_and(|since| asked > *since) {
                let mut leaks = self.leaks.lock().expect("nobody panics while holding it");
                leaks.entry(surface).or_default().insert(person);
            }
        }
        if any {
            let mut shown = self.shown.lock().expect("nobody panics while holding it");
            *shown.entry(surface).or_default() += 1;
        }
    }

    /// All of something was asked once.
    pub(super) fn came_round(&self, surface: &'static str) {
        let mut shown = self.shown.lock().expect("nobody panics while holding it");
        *shown.entry(surface).or_default() += 1;
    }

    /// Takes what was found, and begins anew.
    pub(super) fn take(&self) -> BTreeMap<&'static str, BTreeSet<String>> {
        self.gone.lock().expect("nobody panics while holding it").clear();
        std::mem::take(&mut *self.leaks.lock().expect("nobody panics while holding it"))
    }

    pub(super) fn found(&self) -> bool {
        !self.leaks.lock().expect("nobody panics while holding it").is_empty()
    }

    pub(super) fn shown(&self, surface: &str) -> u64 {
        let shown = self.shown.lock().expect("nobody panics while holding it");
        shown.get(surface).copied().unwrap_or(0)
    }
}

// === impl Eyes ===

/// Of those who left last and of those who leave next, so many are looked at one by one.
const NEAR: usize = 3;

impl Eyes {
    /// Those about whom somebody may be wrong. They leave from the last one on.
    pub(super) fn near(&self, watchers: &Watchers) -> impl Iterator<Item = (usize, &String)> {
        let left = watchers.left.load(Ordering::SeqCst);
        let (first, count) = (left.saturating_sub(NEAR), left.min(NEAR) + NEAR);
        self.everybody.iter().enumerate().rev().skip(first).take(count)
    }

    pub(super) async fn get(
        &self,
        path: &str,
        tag: Option<&str>,
    ) -> (StatusCode, Option<String>, String) {
        let mut request = self.http.get(format!("{}{path}", self.url)).bearer_auth(&self.key);
        if let Some(tag) = tag {
            request = request.header("if-none-match", tag);
        }
        let response = request.send().await.expect("the gateway answers");
        let tag = response.headers().get(ETAG).and_then(|it| it.to_str().ok()).map(str::to_owned);
        (response.status(), tag, response.text().await.unwrap_or_default())
    }

    /// One surface after the other, with tags of answers that are held, or none.
    pub(super) async fn look(
        &self,
        watchers: &Watchers,
        tags: &mut BTreeMap<String, String>,
        with_tags: bool,
    ) {
        for (_, person) in self.near(watchers) {
            for (surface, path) in [
                ("REST score", format!("/v1/people/{person}/score")),
                ("REST history", format!("/v1/people/{person}/scores")),
                ("REST explanation", format!("/v1/people/{person}/explanation")),
                ("REST moments", format!("/v1/people/{person}/moments")),
                ("REST topics", format!("/v1/people/{person}/topics")),
                ("REST person", format!("/v1/people/{person}")),
                ("page of a person", format!("/people/{person}")),
                ("old API user", format!("/v2/user.json/{person}")),
                ("old API score", format!("/v2/user.json/{person}/score")),
                ("old API topics", format!("/v2/user.json/{person}/topics")),
                ("old API influence", format!("/v2/user.json/{person}/influence")),
            ] {
                let asked = Instant::now();
                let held = tags.get(&path).filter(|_| with_tags).cloned();
                let (status, tag, _) = self.get(&path, held.as_deref()).await;
                match status {
                    StatusCode::OK => {
                        watchers.saw(surface, asked, [person.clone()]);
                        if let Some(tag) = tag {
                            tags.insert(path, tag);
                        }
                    }
                    StatusCode::NOT_MODIFIED => {
                        watchers.saw("not modified", asked, [person.clone()]);
                    }
                    _ => {}
                }
                if watchers.is_over() {
                    return;
                }
            }
            let asked = Instant::now();
            let request = self.http.post(format!("{}/v1/people:score", self.url));
            let request = request.bearer_auth(&self.key).json(&json!({ "person": person }));
            if request.send().await.expect("answered").status() == StatusCode::OK {
                watchers.saw("look-up", asked, [person.clone()]);
            }
        }
    }

    /// What is about many.
    pub(super) async fn look_at_lists(&self, watchers: &Watchers) {
        let named = |text: &str| -> Vec<String> {
            self.everybody.iter().filter(|person| text.contains(person.as_str())).cloned().collect()
        };
        for (surface, path) in [
            ("overview", "/"),
            ("experts", "/v1/topics/photography/experts?pageSize=100"),
            ("list of people", "/v1/people?pageSize=1000"),
            ("CRM list", "/crm/v1/people?pageSize=1000"),
        ] {
            let asked = Instant::now();
            let (_, _, text) = self.get(path, None).await;
            watchers.saw(surface, asked, named(&text));
        }
        let asked = Instant::now();
        let request = self.http.get(format!("{}/v1/people", self.url)).bearer_auth(&self.key);
        let answered = request.header("accept", "text/csv").send().await;
        let text = answered.expect("answered").text().await.unwrap_or_default();
        watchers.saw("list as CSV", asked, named(&text));
        let subjects: Vec<_> =
            self.everybody.iter().map(|person| json!({ "person": person })).collect();
        let asked = Instant::now();
        let request = self.http.post(format!("{}/v1/scores:batchLookup", self.url));
        let request = request.bearer_auth(&self.key).json(&json!({ "subjects": subjects }));
        let rows: Value = request.send().await.expect("answered").json().await.unwrap_or_default();
        let rows = rows["results"].as_array().cloned().unwrap_or_default();
        let seen = rows.iter().filter_map(|row| row["score"]["person"].as_str());
        watchers.saw("REST batch", asked, seen.map(str::to_owned));
    }

    /// The memory of one process of scoring: nothing slow stands between two looks.
    pub(super) async fn look_into_memory(&self, place: usize, watchers: &Watchers) {
        let mut client = self.scores[place].clone();
        let subject = |person: &String| lookup_subject::Subject::Person(person.clone());
        let subjects = self.everybody.iter().map(|it| LookupSubject { subject: Some(subject(it)) });
        let asked = Instant::now();
        let request = BatchLookupScoresRequest { subjects: subjects.collect() };
        if let Ok(rows) = client.batch_lookup_scores(request).await {
            let seen = rows.into_inner().results.into_iter().filter_map(|row| match row.result {
                Some(lookup_result::Result::Score(score)) => Some(score.person),
                Some(lookup_result::Result::Status(_)) | None => None,
            });
            watchers.saw("batch", asked, seen);
        }
    }

    /// The rest of it, without anything between.
    pub(super) async fn look_at_scoring(&self, place: usize, watchers: &Watchers) {
        let mut client = self.scores[place].clone();
        let asked = Instant::now();
        if let Ok(top) = client.list_top_scores(ListTopScoresRequest::default()).await {
            watchers.saw("ranking", asked, top.into_inner().scores.into_iter().map(|it| it.person));
        }
        for (_, person) in self.near(watchers) {
            let asked = Instant::now();
            let subject = Some(get_score_request::Subject::Person(person.clone()));
            if client.get_score(GetScoreRequest { subject, ..Default::default() }).await.is_ok() {
                watchers.saw("single", asked, [person.clone()]);
            }
            let asked = Instant::now();
            let request = ListScoresRequest { person: person.clone(), ..Default::default() };
            if client.list_scores(request).await.is_ok() {
                watchers.saw("history", asked, [person.clone()]);
            }
            let asked = Instant::now();
            let subject = Some(explain_score_request::Subject::Person(person.clone()));
            let request = ExplainScoreRequest { subject, ..Default::default() };
            if client.explain_score(request).await.is_ok() {
                watchers.saw("explanation", asked, [person.clone()]);
            }
        }
    }

    /// What a stream sends was asked for when it was received.
    pub(super) async fn watch(&self, place: usize, watchers: &Watchers) {
        let request = WatchScoresRequest { people: self.everybody.to_vec(), ..Default::default() };
        let Ok(answer) = self.scores[place].clone().watch_scores(request).await else { return };
        let mut stream = answer.into_inner();
        let mut last = Instant::now();
        while let Ok(Some(next)) = stream.message().await {
            if let Some(score) = next.score {
                // It may have been on its way since the one before was received.
                watchers.saw("watch", last, [score.person]);
            }
            last = Instant::now();
            if watchers.is_over() {
                return;
            }
        }
    }
}
