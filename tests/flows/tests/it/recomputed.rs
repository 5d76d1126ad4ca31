//! A score can be recomputed: what is served of a file is what a slow reference makes of it.

use std::{collections::BTreeSet, fs};

use klout_flows::{AS_OF, Installation};
use klout_model::{CounterName, Kind};
use klout_proto::{
    graph::v1::{AccountName, account_name::Name},
    score::v1::{
        ExplainScoreRequest, Explanation, GetScoreRequest, ListModelsRequest, Score,
        explain_score_request, get_score_request, score_service_client::ScoreServiceClient,
    },
};
use klout_reference::{Counter, Numbers, Post, Reaction, Scored, World, scores};
use serde_json::{Value, json};
use time::{Duration, OffsetDateTime, format_description::well_known::Rfc3339};
use tonic::{
    Code, Request, Status,
    metadata::{Ascii, MetadataValue},
    transport::{Channel, Endpoint},
};

use crate::world::{Files, text};

/// The last of them vouches for its votes.
const NETWORKS: [&str; 3] = ["bluesky", "github", "stackexchange"];

const ACCOUNTS: usize = 60;

/// Numbers that look like chance, and are the same every time.
struct Chance(u64);

impl Chance {
    fn below(&mut self, limit: usize) -> usize {
        self.0 =
            self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        usize::try_from(self.0 >> 33).expect("31 bits") % limit
    }
}

/// People of one account each, of whom every other one joined: reactions of all kinds, some of nobody in
/// particular; posts; every counter.
fn world() -> World {
    let mut chance = Chance(7);
    let mut world = World {
        registered: (0..).take(ACCOUNTS).step_by(2).collect(),
        accounts: (0..)
            .zip(NETWORKS.iter().cycle())
            .take(ACCOUNTS)
            .map(|(person, network)| (person, (*network).to_owned()))
            .collect(),
        ..World::default()
    };
    for row in 0..1_500 {
        // Both on one network. Low numbers are popular, and high ones have nothing said of them.
        let network = chance.below(NETWORKS.len());
        let mut account = |among: usize| chance.below(among) * NETWORKS.len() + network;
        let (one, other) = (account(16), account(16));
        let (subject, actor) = (one.min(other), account(20));
        world.reactions.push(Reaction {
            subject,
            actor: (row % 8 > 0).then_some(actor),
            kind: Kind::ALL[chance.below(Kind::ALL.len())],
            age: chance.below(90),
            count: 1 + u64::try_from(chance.below(4)).expect("few"),
        });
    }
    for account in 0..ACCOUNTS / 2 {
        for _ in 0..chance.below(5) {
            world.posts.push(Post { account, age: chance.below(90) });
        }
        let name = CounterName::ALL[account % CounterName::ALL.len()];
        let value = f64::from(u32::try_from(chance.below(100_000)).expect("few")) / 8.0;
        world.counters.push(Counter { account, name, value });
    }
    world
}

/// The same as a file of signals.
fn signals(world: &World) -> String {
    let as_of = OffsetDateTime::parse(AS_OF, &Rfc3339).expect("a time");
    let account = |account: usize| json!({ "nativeId": format!("a{account}") });
    let mut lines = Vec::new();
    let mut signal = |of: usize, age: usize, kind: &str, content: Value| {
        let time = as_of - Duration::days(age.try_into().expect("few"));
        let mut signal = json!({
            "network": world.accounts[of].1,
            "signalId": format!("s{}", lines.len()),
            "time": time.format(&Rfc3339).expect("a time"),
        });
        signal[kind] = content;
        lines.push(signal.to_string());
    };
    for it in &world.reactions {
        let mut content = json!({
            "subject": account(it.subject), "kind": it.kind.as_str(), "count": it.count,
        });
        if let Some(actor) = it.actor {
            content["actor"] = account(actor);
        }
        signal(it.subject, it.age, "interaction", content);
    }
    for (number, it) in world.posts.iter().enumerate() {
        let content = json!({ "account": account(it.account), "post": format!("p{number}") });
        signal(it.account, it.age, "post", content);
    }
    for it in &world.counters {
        let content = json!({
            "account": account(it.account), "name": it.name.as_str(), "value": it.value,
        });
        signal(it.account, 0, "counter", content);
    }
    lines.join("\n")
}

/// Asks an installation over gRPC.
struct Caller {
    scores: ScoreServiceClient<Channel>,
    key: MetadataValue<Ascii>,
}

impl Caller {
    async fn of(installation: &Installation) -> Self {
        let endpoint = Endpoint::from_shared(installation.url()).expect("an address");
        let channel = endpoint.connect().await.expect("the gateway answers");
        let key = format!("Bearer {}", installation.key_for("look-ups"));
        Self { scores: ScoreServiceClient::new(channel), key: key.parse().expect("a header") }
    }

    fn request<T>(&self, message: T) -> Request<T> {
        let mut request = Request::new(message);
        request.metadata_mut().insert("authorization", self.key.clone());
        request
    }

    async fn score(&mut self, account: AccountName) -> Score {
        let subject = Some(get_score_request::Subject::Account(account));
        let request = self.request(GetScoreRequest { subject, ..Default::default() });
        let answered = self.scores.get_score(request).await.expect("a score");
        answered.into_inner().score.expect("a score")
    }

    async fn explanation(&mut self, account: AccountName) -> Result<Explanation, Status> {
        let subject = Some(explain_score_request::Subject::Account(account));
        let request = self.request(ExplainScoreRequest { subject, ..Default::default() });
        let answered = self.scores.explain_score(request).await?;
        Ok(answered.into_inner().explanation.expect("an explanation"))
    }

    /// The name of the model that serves, and all its numbers.
    async fn model(&mut self) -> (String, Numbers) {
        let request = self.request(ListModelsRequest::default());
        let models = self.scores.list_models(request).await.expect("models").into_inner().models;
        let serving =
            models.into_iter().find(|it| it.state == "SERVING").expect("there is always one");
        (serving.name, Numbers::read(&serving.numbers))
    }
}

fn assert_agrees(who: &str, ours: &Scored, score: &Score, explanation: &Explanation) {
    let numbers = [
        ("score", ours.score, score.score),
        ("true reach", ours.true_reach, score.true_reach),
        ("amplification", ours.amplification, score.amplification),
        ("network impact", ours.network_impact, score.network_impact),
        ("confidence", ours.confidence, score.confidence),
        ("influence", ours.influence, Some(explanation.influence)),
        ("low", ours.low, Some(explanation.low_score)),
        ("high", ours.high, Some(explanation.high_score)),
    ];
    for (what, reference, served) in numbers {
        let served = served.unwrap_or(f64::NAN);
        // Not the other way round, so that what is not a number disagrees.
        let close = (reference - served).abs() <= 1e-9 * reference.abs().max(1.0);
        assert!(close, "{what} of {who}: {reference} by the reference, {served} is served");
    }
}

#[tokio::test]
async fn what_is_served_is_what_a_slow_reference_makes_of_the_file() {
    let (files, world) = (Files::new(), world());
    let (file, registered) = (files.path("signals.jsonl"), files.path("registered.csv"));
    fs::write(&file, signals(&world)).expect("a file");
    let joined = world.registered.iter().map(|it| format!("{},a{it}", NETWORKS[*it as usize % 3]));
    let joined: Vec<_> = joined.collect();
    fs::write(&registered, format!("network,account\n{}\n", joined.join("\n"))).expect("a file");
    let installation = Installation::of_one_process().await;
    let imported =
        installation.klout(&["import", "signals", text(&file), "--registered", text(&registered)]);
    assert!(imported.stderr.contains("rejected 0"), "{imported:?}");

    let mut caller = Caller::of(&installation).await;
    let (model, numbers) = caller.model().await;
    let reference = scores(&numbers, &world);

    let mut states = BTreeSet::new();
    for person in &world.registered {
        let (network, id) = (NETWORKS[*person as usize % 3].to_owned(), format!("a{person}"));
        let account = AccountName { network, name: Some(Name::NativeId(id.clone())) };
        let score = caller.score(account.clone()).await;
        assert_eq!(score.model, model);
        states.insert(score.state.clone());
        let explained = caller.explanation(account).await;
        match reference.scores.get(person) {
            Some(ours) => assert_agrees(&id, ours, &score, &explained.expect("it is known")),
            None => {
                assert_eq!((&*score.state, score.score), ("UNKNOWN", None), "{id}");
                assert_eq!(explained.expect_err("nothing").code(), Code::FailedPrecondition);
            }
        }
    }
    let both = ["KNOWN", "UNKNOWN"].map(str::to_owned);
    assert_eq!(states, BTreeSet::from(both), "some have evidence and some have none");
}
