//! What people have to say against their scores, and what operators find out.

use std::collections::BTreeMap;

use klout_chassis::{Caller, Link};
use klout_model::AccountKey;
use klout_proto::score::v1::{
    AnswerContestRequest, Contest, ContestScoreRequest, Finding, ListContestsRequest,
    ListFindingsRequest, RecordFindingRequest, ReverseFindingRequest, Score,
    score_operator_service_client::ScoreOperatorServiceClient,
    score_service_client::ScoreServiceClient,
};
use klout_testkit::{link, until};
use tonic::{Code, Status};

use crate::world::{World, likes, told};

fn operator(world: &World) -> ScoreOperatorServiceClient<Link> {
    ScoreOperatorServiceClient::new(link(&world.running))
}

/// People 1 and 2 have likes.
async fn world() -> World {
    let world = World::start().await;
    world.own(11, 1, 1).await;
    world.own(12, 2, 1).await;
    world.apply(likes(1, &[(11, 90, 1), (12, 91, 2)])).await.expect("applied");
    world.scored().await;
    world
}

fn contest(person: i64, request_id: &str) -> ContestScoreRequest {
    ContestScoreRequest {
        person: person.to_string(),
        reason: "it was my sister".to_owned(),
        request_id: request_id.to_owned(),
    }
}

async fn open(world: &World, request: ContestScoreRequest) -> Result<Contest, Status> {
    let response = world.client().contest_score(request).await?;
    Ok(response.into_inner().contest.expect("always present"))
}

async fn answer(
    world: &World,
    contest: &str,
    answer: &str,
    findings: &[&str],
) -> Result<Contest, Status> {
    let request = AnswerContestRequest {
        contest: contest.to_owned(),
        answer: answer.to_owned(),
        reversed_findings: findings.iter().map(|it| (*it).to_owned()).collect(),
    };
    let response = operator(world).answer_contest(request).await?;
    Ok(response.into_inner().contest.expect("always present"))
}

async fn contests(world: &World, request: ListContestsRequest) -> (Vec<String>, String) {
    let response = world.client().list_contests(request).await.expect("listed").into_inner();
    let contests = response.contests.into_iter().map(|it| it.contest).collect();
    (contests, response.next_page_token)
}

fn finding(person: &str, request_id: &str) -> RecordFindingRequest {
    RecordFindingRequest {
        network: "bluesky".to_owned(),
        native_id: "did:bot".to_owned(),
        person: person.to_owned(),
        reason: "its followers were bought".to_owned(),
        request_id: request_id.to_owned(),
    }
}

async fn record(world: &World, request: RecordFindingRequest) -> Result<Finding, Status> {
    let response = operator(world).record_finding(request).await?;
    Ok(response.into_inner().finding.expect("always present"))
}

async fn reverse(world: &World, finding: &str) -> Result<Finding, Status> {
    let request = ReverseFindingRequest { finding: finding.to_owned() };
    let response = operator(world).reverse_finding(request).await?;
    Ok(response.into_inner().finding.expect("always present"))
}

#[tokio::test]
async fn a_case_is_opened_once_listed_and_answered() {
    let world = world().await;
    let first = open(&world, contest(1, "a")).await.expect("opened");
    assert_eq!((first.state.as_str(), first.person.as_str()), ("OPEN", "1"));
    assert_eq!(open(&world, contest(1, "a")).await.expect("the same"), first);
    let other = open(&world, contest(2, "a")).await.expect("of somebody else");
    assert_ne!(other.contest, first.contest);
    let second = open(&world, contest(1, "b")).await.expect("opened");

    let of_one = ListContestsRequest { person: "1".to_owned(), ..Default::default() };
    assert_eq!(contests(&world, of_one).await.0, [&*second.contest, &first.contest]);
    let page = ListContestsRequest { page_size: 2, ..Default::default() };
    let (newest, page_token) = contests(&world, page.clone()).await;
    assert_eq!(newest, [&*second.contest, &other.contest]);
    let rest = contests(&world, ListContestsRequest { page_token, ..page }).await;
    assert_eq!(rest, (vec![first.contest.clone()], String::new()));

    let answered = answer(&world, &first.contest, "it was", &[]).await.expect("answered");
    assert_eq!((answered.state.as_str(), answered.answer.as_str()), ("ANSWERED", "it was"));
    assert!(answered.answer_time.is_some());
    let again = answer(&world, &first.contest, "it was", &[]).await.expect("the same answer");
    assert_eq!(again, answered);
    let refused = answer(&world, &first.contest, "no", &[]).await.expect_err("another answer");
    assert_eq!(told(&refused), (Code::FailedPrecondition, "CONTEST_ANSWERED".to_owned()));
    let open = ListContestsRequest { open_only: true, ..Default::default() };
    assert_eq!(contests(&world, open).await.0, [second.contest, other.contest]);
}

#[tokio::test]
async fn whoever_is_shown_a_case_has_seen_its_explanation_and_stands_in_the_log() {
    let world = world().await;
    let shop = Caller::new("shop", "crm").expect("a caller");
    let mut customer = ScoreServiceClient::new(world.link_for(&shop));
    let opened = customer.contest_score(contest(1, "a")).await.expect("opened").into_inner();
    let case = opened.contest.expect("always present");
    assert!(case.explanation.is_some_and(|it| it.score.is_some()), "the whole score is in it");
    // Our own services look for somebody else.
    open(&world, contest(2, "a")).await.expect("opened");
    let desk = Caller::new("desk", "operator").expect("a caller");
    let mut operators = ScoreServiceClient::new(world.link_for(&desk));
    operators.list_contests(ListContestsRequest::default()).await.expect("both");
    let request = AnswerContestRequest {
        contest: case.contest,
        answer: "it was".to_owned(),
        ..AnswerContestRequest::default()
    };
    let mut operators = ScoreOperatorServiceClient::new(world.link_for(&desk));
    operators.answer_contest(request).await.expect("answered");

    let look = |person: i64, count: u64| ((person, "explanation".to_owned()), count);
    until("all of that is in the log", async || {
        world.looks_of(&shop) == BTreeMap::from([look(1, 1)])
            && world.looks_of(&desk) == BTreeMap::from([look(1, 2), look(2, 1)])
    })
    .await;
}

#[tokio::test]
async fn so_many_cases_of_a_person_wait_and_no_more_however_many_come_at_once() {
    let world = world().await;
    let ids: Vec<String> = (0..15).map(|id| id.to_string()).collect();
    let all = ids.iter().map(|id| open(&world, contest(1, id)));
    let (opened, refused): (Vec<_>, Vec<_>) =
        futures::future::join_all(all).await.into_iter().partition(Result::is_ok);
    assert_eq!((opened.len(), refused.len()), (10, 5));
    for status in refused.into_iter().filter_map(Result::err) {
        let reason = (Code::FailedPrecondition, "CONTESTS_TOO_MANY".to_owned());
        assert_eq!(told(&status), reason);
    }
    assert!(open(&world, contest(2, "x")).await.is_ok(), "somebody else");
    let first = opened.into_iter().find_map(Result::ok).expect("ten").contest;
    answer(&world, &first, "yes", &[]).await.expect("answered");
    assert!(open(&world, contest(1, "another")).await.is_ok(), "there is room again");
}

#[tokio::test]
async fn a_finding_is_recorded_once_reversed_once_and_kept() {
    let world = world().await;
    let recorded = record(&world, finding("", "a")).await.expect("recorded");
    assert_eq!((recorded.network.as_str(), recorded.person.as_str()), ("bluesky", ""));
    assert_eq!(record(&world, finding("", "a")).await.expect("the same"), recorded);
    let other = record(&world, finding("2", "b")).await.expect("recorded");

    let reversed = reverse(&world, &recorded.finding).await.expect("reversed");
    assert!(recorded.reverse_time.is_none() && reversed.reverse_time.is_some());
    assert_eq!(reverse(&world, &recorded.finding).await.expect("once"), reversed);

    let request = ListFindingsRequest::default();
    let listed = operator(&world).list_findings(request).await.expect("listed").into_inner();
    assert_eq!(listed.findings, [other, reversed]);
}

#[tokio::test]
async fn those_are_scored_again_whom_a_finding_concerns() {
    let world = world().await;
    let revisions = async || {
        world.scored().await;
        (world.score(1).await.revision_token, world.score(2).await.revision_token)
    };
    let (one, two) = revisions().await;

    let about_two = record(&world, finding("2", "a")).await.expect("recorded");
    until("person 2 is scored again", async || revisions().await.1 != two).await;
    assert_eq!(revisions().await.0, one, "it is not about person 1");

    record(&world, finding("", "b")).await.expect("recorded");
    until("person 1 is scored again", async || revisions().await.0 != one).await;

    record(&world, finding("8", "c")).await.expect("recorded");
    world.scored().await;
    let nobody = world.try_score("8").await.expect_err("a finding makes nobody a member");
    assert_eq!(told(&nobody).1, "PERSON_UNKNOWN");

    let (_, two) = revisions().await;
    reverse(&world, &about_two.finding).await.expect("reversed");
    until("person 2 is scored again", async || revisions().await.1 != two).await;
}

#[tokio::test]
async fn what_a_finding_is_about_does_not_count_until_it_is_reversed() {
    let world = world().await;
    // The account of `finding`, by the key of tests.
    let key = AccountKey::new(*b"the well-known key of --dev only");
    let (network, bot) = ("bluesky".parse().expect("a network"), "did:bot".parse().expect("an id"));
    let bot = key.account(&network, &bot).0.0;
    let scores = async || {
        world.passed().await;
        let said = |score: Score| (score.score, score.percentile, score.true_reach);
        [said(world.score(1).await), said(world.score(2).await)]
    };
    let without = scores().await;
    world.own(bot, 3, 1).await;
    world.apply(likes(2, &[(11, bot, 1), (12, bot, 1)])).await.expect("applied");
    let with = scores().await;
    assert!(with[0].0 > without[0].0 && with[1].0 > without[1].0, "{with:?}");

    let about_two = record(&world, finding("2", "a")).await.expect("recorded").finding;
    let one_less = scores().await;
    assert_eq!((one_less[0].0, one_less[1].0), (with[0].0, without[1].0));
    let about_anybody = record(&world, finding("", "b")).await.expect("recorded").finding;
    assert_eq!(scores().await, without, "of a bot nothing is left");

    let opened = open(&world, contest(1, "x")).await.expect("opened");
    let said = opened.explanation.and_then(|it| it.score).and_then(|it| it.score);
    assert_eq!(said, without[0].0, "with the explanation of that moment");
    let reversed = [about_two.as_str(), about_anybody.as_str()];
    answer(&world, &opened.contest, "we were wrong", &reversed).await.expect("answered");
    assert_eq!(scores().await, with, "to the bit");
}

#[tokio::test]
async fn an_answer_and_the_findings_that_it_reverses_are_one_step() {
    let world = world().await;
    let found = record(&world, finding("1", "a")).await.expect("recorded");
    let case = open(&world, contest(1, "a")).await.expect("opened").contest;

    let refused = answer(&world, &case, "sorry", &[&found.finding, "99"]).await;
    let refused = refused.expect_err("one is not there");
    assert_eq!(told(&refused), (Code::NotFound, "FINDING_UNKNOWN".to_owned()));
    let findings = async || {
        let listed = operator(&world).list_findings(ListFindingsRequest::default()).await;
        listed.expect("listed").into_inner().findings
    };
    assert_eq!(findings().await, std::slice::from_ref(&found), "nothing was done");

    let answered = answer(&world, &case, "sorry", &[&found.finding]).await.expect("answered");
    assert_eq!(answered.reversed_findings, [found.finding]);
    assert!(findings().await[0].reverse_time.is_some());
}

#[tokio::test]
async fn what_cannot_be_is_refused() {
    let world = world().await;
    let invalid = (Code::InvalidArgument, "FIELD_INVALID".to_owned());
    let long = "x".repeat(4_001);
    for request in [
        ContestScoreRequest { person: "x".to_owned(), ..contest(1, "a") },
        ContestScoreRequest { reason: String::new(), ..contest(1, "a") },
        ContestScoreRequest { reason: long.clone(), ..contest(1, "a") },
        contest(1, ""),
        contest(1, &"x".repeat(101)),
    ] {
        assert_eq!(told(&open(&world, request).await.expect_err("refused")), invalid);
    }
    for request in [
        RecordFindingRequest { network: "My Space".to_owned(), ..finding("", "a") },
        RecordFindingRequest { native_id: String::new(), ..finding("", "a") },
        finding("x", "a"),
        RecordFindingRequest { reason: long, ..finding("", "a") },
        finding("", ""),
    ] {
        assert_eq!(told(&record(&world, request).await.expect_err("refused")), invalid);
    }
    let not_found = |reason: &str| (Code::NotFound, reason.to_owned());
    let nobody = open(&world, contest(8, "a")).await.expect_err("nobody");
    assert_eq!(told(&nobody), not_found("PERSON_UNKNOWN"));
    for id in ["99", "x", ""] {
        let refused = reverse(&world, id).await.expect_err("none");
        assert_eq!(told(&refused), not_found("FINDING_UNKNOWN"));
        let refused = answer(&world, id, "yes", &[]).await.expect_err("none");
        assert_eq!(told(&refused), not_found("CONTEST_UNKNOWN"));
    }
}
