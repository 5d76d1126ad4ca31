//! Nobody is shown who is no member any more, from the moment that masking returns.

use klout_chassis::Link;
use klout_proto::{
    graph::v1::{
        ApplyPersonStatesRequest, DescribePersonRequest, ErasedAccount, ForgetPersonRequest,
        PersonState,
    },
    score::v1::{
        BatchLookupScoresRequest, ContestScoreRequest, ExplainScoreRequest, ListContestsRequest,
        ListMomentsRequest, ListScoresRequest, ListTopScoresRequest, LookupSubject,
        SimulateScoreRequest, SimulatedEvent, WatchScoresRequest, explain_score_request,
        lookup_result, lookup_subject, person_data_service_client::PersonDataServiceClient,
        simulate_score_request,
    },
    signal::v1::SignalBatch,
};
use klout_testkit::{Stores, link, until};
use tonic::{Code, Status};

use crate::world::{World, likes, told};

fn state(person: i64, number: u64, state: &str) -> PersonState {
    PersonState { person_id: person, number, state: state.to_owned(), ..PersonState::default() }
}

fn erased(person: i64, number: u64, accounts: &[i64]) -> PersonState {
    let account = |account_id: &i64| ErasedAccount { account_id: *account_id, through_day: None };
    let erased_accounts = accounts.iter().map(account).collect();
    PersonState { erased_accounts, ..state(person, number, "ERASED") }
}

impl World {
    fn person_data(&self) -> PersonDataServiceClient<Link> {
        PersonDataServiceClient::new(link(&self.running))
    }

    async fn try_mask(&self, states: Vec<PersonState>) -> Result<(), Status> {
        let request = ApplyPersonStatesRequest { states };
        self.person_data().apply_person_states(request).await.map(|_| ())
    }

    async fn mask(&self, state: PersonState) {
        // A loaded machine may not confirm in time; whoever masks asks again.
        until("it is in force", async || self.try_mask(vec![state.clone()]).await.is_ok()).await;
    }

    /// Everything that is deleted, by name.
    async fn forget(&self, person: i64, state: &str, accounts: &[i64]) -> Vec<(String, u64)> {
        let request = ForgetPersonRequest {
            person_id: person,
            state: state.to_owned(),
            account_ids: accounts.to_vec(),
        };
        let mut all = Vec::new();
        until("all is deleted", async || {
            let forgotten = self.person_data().forget_person(request.clone()).await;
            let forgotten = forgotten.expect("forgotten").into_inner();
            all.extend(forgotten.forgotten.into_iter().map(|it| (it.name, it.count)));
            forgotten.done
        })
        .await;
        all
    }

    /// The names of all that is held.
    async fn described(&self, person: i64, accounts: &[i64]) -> Vec<String> {
        let request = DescribePersonRequest { person_id: person, account_ids: accounts.to_vec() };
        let described = self.person_data().describe_person(request).await.expect("described");
        let mut things = described.into_inner();
        let mut names = Vec::new();
        while let Some(thing) = things.message().await.expect("it goes on") {
            let json: serde_json::Value = serde_json::from_str(&thing.json).expect("JSON");
            assert!(json.is_object(), "{json}");
            names.push(thing.name);
        }
        names.dedup();
        names
    }

    /// What every way to ask for a person says.
    async fn seen(&self, person: i64) -> Vec<&'static str> {
        let (mut client, text) = (self.client(), person.to_string());
        let mut seen = Vec::new();
        let mut note = |how, refused: Option<Status>| match refused {
            None => seen.push(how),
            Some(status) => {
                assert_eq!(told(&status), (Code::NotFound, "PERSON_UNKNOWN".to_owned()), "{how}");
            }
        };
        note("single", self.try_score(&text).await.err());
        let subject = Some(lookup_subject::Subject::Person(text.clone()));
        let request = BatchLookupScoresRequest { subjects: vec![LookupSubject { subject }] };
        let rows = client.batch_lookup_scores(request).await.expect("answered").into_inner();
        if let Some(lookup_result::Result::Score(_)) = rows.results[0].result {
            note("batch", None);
        }
        let request = ListScoresRequest { person: text.clone(), ..Default::default() };
        note("history", client.list_scores(request).await.err());
        let top = client.list_top_scores(ListTopScoresRequest::default()).await.expect("listed");
        if top.into_inner().scores.iter().any(|score| score.person == text) {
            note("ranking", None);
        }
        let subject = Some(explain_score_request::Subject::Person(text.clone()));
        let request = ExplainScoreRequest { subject, ..Default::default() };
        note("explanation", client.explain_score(request).await.err());
        let subject = Some(simulate_score_request::Subject::Person(text.clone()));
        let event = SimulatedEvent {
            network: "bluesky".to_owned(),
            kind: "reshare".to_owned(),
            count: 3,
            actor_class: "unknown".to_owned(),
        };
        let request = SimulateScoreRequest { subject, events: vec![event] };
        note("simulation", client.simulate_score(request).await.err());
        let request = ListMomentsRequest { person: text.clone(), ..Default::default() };
        note("moments", client.list_moments(request).await.err());
        let request = ListContestsRequest { person: text.clone(), ..Default::default() };
        note("cases", client.list_contests(request).await.err());
        seen
    }
}

/// Of somebody who is there.
const EVERYWHERE: [&str; 8] =
    ["single", "batch", "history", "ranking", "explanation", "simulation", "moments", "cases"];

fn batch() -> SignalBatch {
    likes(1, &[(11, 12, 3), (11, 90, 2), (12, 11, 1), (12, 91, 4)])
}

/// Two replicas; members 1 and 2, who own 11 and 12 and like one another.
async fn town(stores: Stores) -> (World, World) {
    let (one, other) = (World::start_on(stores.clone()).await, World::start_on(stores).await);
    one.own(11, 1, 1).await;
    one.own(12, 2, 1).await;
    one.apply(batch()).await.expect("applied");
    one.passed().await;
    for replica in [&one, &other] {
        for person in [1, 2] {
            until("it is everywhere", async || replica.seen(person).await == EVERYWHERE).await;
        }
    }
    (one, other)
}

async fn is_seen_nowhere(replicas: &[&World], person: i64) {
    for replica in replicas {
        assert_eq!(replica.seen(person).await, [""; 0]);
    }
}

async fn nobody_sees_who_is_masked(stores: Stores) {
    let (one, other) = town(stores).await;
    let reason = "wrong".to_owned();
    let contest =
        ContestScoreRequest { person: "1".to_owned(), reason, request_id: "a".to_owned() };
    one.client().contest_score(contest.clone()).await.expect("opened");

    one.mask(state(1, 5, "OPTED_OUT")).await;

    is_seen_nowhere(&[&one, &other], 1).await;
    let refused = other.client().contest_score(contest).await.expect_err("nobody is there");
    assert_eq!(told(&refused), (Code::NotFound, "PERSON_UNKNOWN".to_owned()));
    // Neither evidence nor a pass, an epoch or a late membership brings anybody back.
    one.apply(likes(2, &[(11, 92, 9)])).await.expect("applied");
    one.scored().await;
    one.own(11, 1, 2).await;
    one.passed().await;
    is_seen_nowhere(&[&one, &other], 1).await;
    assert_eq!(one.seen(2).await, EVERYWHERE, "others stay");
}

#[tokio::test]
async fn nobody_sees_who_is_masked_in_any_replica() {
    nobody_sees_who_is_masked(Stores::fresh().await).await;
}

#[tokio::test]
async fn nobody_sees_who_is_masked_in_any_replica_without_redis() {
    nobody_sees_who_is_masked(Stores::fresh().await.without_redis()).await;
}

#[tokio::test]
async fn who_opts_in_again_is_scored_again_and_an_older_state_is_nothing() {
    let (one, other) = town(Stores::fresh().await).await;
    let before = one.score(1).await;
    one.mask(state(1, 5, "OPTED_OUT")).await;
    one.mask(state(1, 4, "MEMBER")).await;
    is_seen_nowhere(&[&one, &other], 1).await;

    one.mask(state(1, 6, "MEMBER")).await;
    one.scored().await;
    for replica in [&one, &other] {
        until("it is everywhere", async || replica.seen(1).await == EVERYWHERE).await;
        assert_eq!(replica.score(1).await.score, before.score, "of the same evidence");
    }
}

#[tokio::test]
async fn who_was_merged_is_answered_with_who_they_are_now() {
    let (one, other) = town(Stores::fresh().await).await;
    one.mask(PersonState { into_person_id: 2, ..state(1, 5, "MERGED") }).await;
    one.own(11, 2, 2).await;
    one.scored().await;
    for replica in [&one, &other] {
        until("both accounts count", async || {
            let score = replica.score(1).await;
            score.person == "2" && score == replica.score(2).await
        })
        .await;
        let top = replica.client().list_top_scores(ListTopScoresRequest::default()).await;
        let top = top.expect("listed").into_inner().scores;
        assert_eq!(top.iter().map(|it| it.person.as_str()).collect::<Vec<_>>(), ["2"]);
    }
}

#[tokio::test]
async fn what_erased_people_left_is_forgotten_and_does_not_come_back() {
    let (one, other) = town(Stores::fresh().await).await;
    let liked = one.score(2).await.score.expect("a score");
    one.mask(erased(1, 5, &[11])).await;
    is_seen_nowhere(&[&one, &other], 1).await;
    // As social-graph tells of it.
    one.own(11, 0, 2).await;

    let forgotten = one.forget(1, "ERASED", &[11]).await;
    assert!(forgotten.contains(&("cell".to_owned(), 1)), "the like of 12: {forgotten:?}");
    assert!(forgotten.iter().any(|it| it.0 == "evidence"), "what was about 11: {forgotten:?}");
    assert_eq!(one.forget(1, "ERASED", &[11]).await, [], "repeated, it finds nothing");

    one.passed().await;
    let without = one.score(2).await.score.expect("a score");
    assert!(without < liked, "{without} of {liked}");
    let subject = Some(explain_score_request::Subject::Person("2".to_owned()));
    let request = ExplainScoreRequest { subject, ..Default::default() };
    let explained = one.client().explain_score(request).await.expect("explained").into_inner();
    assert!(!explained.explanation.expect("always present").recomputable);

    // The same signals once more: those of the others are told twice then.
    one.apply(SignalBatch { batch_id: vec![9; 16], ..batch() }).await.expect("applied");
    one.passed().await;
    is_seen_nowhere(&[&one, &other], 1).await;
    let names = one.described(1, &[11]).await;
    assert_eq!(names, ["person_state", "erased_account", "account"], "nothing but that they left");
}

#[tokio::test]
async fn everything_that_is_held_is_described() {
    let (one, _other) = town(Stores::fresh().await).await;
    let names = one.described(1, &[11]).await;
    assert_eq!(names, ["account", "score", "cell"]);
}

#[tokio::test]
async fn an_account_that_joins_again_counts_from_the_next_day_on() {
    let (one, _other) = town(Stores::fresh().await).await;
    one.mask(erased(1, 5, &[11])).await;
    one.forget(1, "ERASED", &[11]).await;
    let mut state = erased(1, 6, &[11]);
    state.erased_accounts[0].through_day = Some(crate::world::TODAY - 1);
    one.mask(state).await;
    one.own(11, 3, 2).await;
    let mut old = likes(3, &[(11, 93, 5)]);
    old.interactions[0].day = crate::world::TODAY - 1;
    one.apply(old).await.expect("applied");
    one.scored().await;
    until("somebody without evidence", async || one.score(3).await.state == "UNKNOWN").await;
    one.apply(likes(4, &[(11, 93, 5)])).await.expect("applied");
    until("somebody with evidence", async || one.score(3).await.state == "KNOWN").await;

    one.forget(1, "ERASED", &[11]).await;

    assert!(one.described(3, &[11]).await.iter().any(|it| it == "cell"), "it is of who joined");
}

#[tokio::test]
async fn a_watch_hears_who_is_gone_and_nothing_of_them_after_that() {
    let (one, other) = town(Stores::fresh().await).await;
    let people = vec!["1".to_owned(), "2".to_owned()];
    let request = WatchScoresRequest { people, ..Default::default() };
    let mut watch = other.client().watch_scores(request).await.expect("watched").into_inner();
    one.mask(state(1, 5, "WITHHELD")).await;
    one.apply(likes(2, &[(11, 93, 3), (12, 94, 3)])).await.expect("applied");
    let mut gone = false;
    loop {
        let next = watch.message().await.expect("it goes on").expect("it does not end");
        gone |= next.gone_person == "1";
        let Some(score) = next.score else { continue };
        assert!(!(gone && score.person == "1"), "{score:?}");
        if gone && score.person == "2" {
            break;
        }
    }
}

/// The process that does not hear is waited for until its lease is over, and then serves nothing of before.
#[tokio::test]
async fn a_replica_that_hears_nothing_shows_nobody_either() {
    let stores = Stores::fresh().await;
    let one = World::start_on(stores.clone()).await;
    let (disturbed, proxy) = stores.with_disturbed_postgres().await;
    let other = World::start_on(disturbed).await;
    one.own(11, 1, 1).await;
    one.apply(batch()).await.expect("applied");
    one.scored().await;
    until("both have it", async || other.try_score("1").await.is_ok()).await;

    proxy.hang();
    one.mask(state(1, 5, "ERASED")).await;
    let answer = other.try_score("1").await;
    assert!(answer.is_err(), "{answer:?}");
    proxy.clear_up();
    until("it is there again", async || {
        let refused = other.try_score("1").await.expect_err("nobody is there");
        told(&refused).1 == "PERSON_UNKNOWN"
    })
    .await;
}

#[tokio::test]
async fn states_that_cannot_be_are_refused_as_a_whole() {
    let (one, _other) = town(Stores::fresh().await).await;
    for bad in [state(0, 5, "ERASED"), state(2, 0, "ERASED"), state(2, 5, "AWAY")] {
        let refused = one.try_mask(vec![state(1, 5, "ERASED"), bad]).await.expect_err("refused");
        assert_eq!(told(&refused), (Code::InvalidArgument, "STATES_MALFORMED".to_owned()));
    }
    assert_eq!(one.seen(1).await, EVERYWHERE);
}
