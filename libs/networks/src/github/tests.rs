use http::{HeaderMap, HeaderName, HeaderValue};
use klout_proto::signal::v1::{Signal, signal::Content};
use proptest::prelude::*;
use time::{OffsetDateTime, macros::datetime};

use super::*;
use crate::{Mode, any_json::any_json};

/// What is read of answers.
const NAMES: &[&str] = &[
    "id",
    "login",
    "type",
    "user",
    "followers",
    "following",
    "name",
    "owner",
    "fork",
    "has_issues",
    "stargazers_count",
    "created_at",
    "starred_at",
    "number",
    "pull_request",
    "reactions",
    "total_count",
    "issue_url",
    "content",
    "topics",
];

const NOW: OffsetDateTime = datetime!(2026-11-26 12:00 UTC);

/// Of a visit of the account 7 that follows another one.
fn visit(mode: Mode) -> Visit {
    Visit {
        account: Account { native_id: "7".to_owned(), handle: Some("ada".to_owned()) },
        public: Url::parse("https://api.github.example").expect("a URL"),
        own: None,
        mode,
        since: datetime!(2026-08-29 00:00 UTC),
        synced: Some(datetime!(2026-11-20 06:00:00.5 UTC)),
        now: NOW,
    }
}

fn headers(of: &[(&str, &str)]) -> HeaderMap {
    let pair = |(name, value): &(&str, &str)| {
        let name: HeaderName = name.parse().expect("a name");
        (name, HeaderValue::from_str(value).expect("a value"))
    };
    of.iter().map(pair).collect()
}

fn read(mode: Mode, task: &Of, link: &str, body: &str) -> Result<Step, Trouble> {
    let headers = headers(&[("link", link)]);
    let answer = Answer { status: 200, headers: &headers, body: body.as_bytes() };
    GitHub.read(&visit(mode), &Task::of(task), &answer)
}

/// Kind, actor, id and post of interactions.
fn deeds(signals: &[Signal]) -> Vec<String> {
    let deed = |signal: &Signal| match signal.content.as_ref()? {
        Content::Interaction(it) => {
            let actor = it.actor.as_ref().map_or("nobody", |it| &it.native_id);
            let post = it.post.as_deref().unwrap_or("-");
            Some(format!("{} {actor} {} {post}", it.kind, signal.signal_id))
        }
        Content::Counter(_) | Content::Post(_) | Content::Retraction(_) => None,
    };
    signals.iter().filter_map(deed).collect()
}

/// Names and values of counters.
fn counters(signals: &[Signal]) -> Vec<(String, f64)> {
    let counter = |signal: &Signal| match signal.content.as_ref()? {
        Content::Counter(it) => Some((it.name.clone(), it.value)),
        Content::Interaction(_) | Content::Post(_) | Content::Retraction(_) => None,
    };
    signals.iter().filter_map(counter).collect()
}

fn repository() -> task::Repository {
    let id = serde_json::from_str("31").expect("an id");
    task::Repository { id, owner: "ada".to_owned(), name: "engine".to_owned() }
}

fn asked(task: &Of) -> String {
    let ask = GitHub.ask(&visit(Mode::Incremental), &Task::of(task)).expect("an address");
    ask.url.to_string().replace("https://api.github.example", "")
}

#[test]
fn an_account_is_known_by_its_number_and_what_it_is_called_now() {
    let step = read(
        Mode::Incremental,
        &Of::Profile,
        "",
        r#"{"id":7,"login":"lovelace","type":"User","followers":3,"following":2,"public_repos":1}"#,
    )
    .expect("a profile");
    let account = step.account.expect("an account");
    assert_eq!((account.native_id.as_str(), account.handle.as_deref()), ("7", Some("lovelace")));
    let told = [("follower_count", 3.0), ("following_count", 2.0), ("posts", 1.0)];
    assert_eq!(counters(&step.signals), told.map(|(name, value)| (name.to_owned(), value)));
    let seen = step.then[0].unless.as_ref().expect("followers are read when there are others");
    assert_eq!((seen.item.as_str(), seen.value.as_str()), ("followers", "3"));
    // Under the new name.
    let then: Of = step.then[1].task.read().expect("a task");
    assert_eq!(asked(&then), "/users/lovelace/repos?type=owner&sort=pushed&per_page=100");
}

#[test]
fn an_answer_about_somebody_else_is_none() {
    let body = r#"{"id":8,"login":"ada","followers":3,"following":2}"#;
    let answer = read(Mode::Incremental, &Of::Profile, "", body);
    assert!(matches!(answer, Err(Trouble::Malformed { .. })), "{answer:?}");
}

#[test]
fn followers_are_read_to_the_end_of_their_list() {
    let task = Of::Followers { login: "ada".to_owned(), page: None };
    let link = "<https://api.github.example/user/7/followers?page=2>; rel=\"next\"";
    let body = r#"[{"id":1,"login":"bob","type":"User"},{"id":2,"login":"ci","type":"Bot"}]"#;
    let step = read(Mode::Incremental, &task, link, body).expect("a page");
    assert_eq!(deeds(&step.signals), ["follow 1 follow/1 -"]);
    let time = step.signals[0].time.expect("a time").seconds;
    assert_eq!(time, datetime!(2026-11-20 06:00:00 UTC).unix_timestamp());
    assert!(!step.listing.expect("a list").last);
    let next: Of = step.next.expect("a further page").read().expect("a task");
    assert_eq!(asked(&next), "/user/7/followers?page=2");
    let step = read(Mode::Incremental, &next, "", "[]").expect("a page");
    assert!(step.listing.expect("a list").last && step.next.is_none());
}

#[test]
fn a_repository_is_looked_at_when_its_counts_changed_and_forks_of_others_are_not() {
    let repository = |id: u64, owner: u64, stars: u64, fork: bool| {
        format!(
            r#"{{"id":{id},"name":"r{id}","owner":{{"id":{owner},"login":"ada"}},"fork":{fork},"has_issues":true,
            "stargazers_count":{stars},"forks_count":1,"created_at":"2026-11-01T00:00:00Z","topics":["maths"],
            "html_url":"https://github.example/ada/r{id}","homepage":"","description":"Engines"}}"#
        )
    };
    let task = Of::Repositories { login: "ada".to_owned(), page: None };
    let body = [
        repository(31, 7, 5, false),
        repository(32, 7, 5, true),
        repository(33, 9, 5, false),
        repository(34, 7, 40_001, false),
    ];
    let step =
        read(Mode::Incremental, &task, "", &format!("[{}]", body.join(","))).expect("a page");
    let item = |then: &Then| {
        let seen = then.unless.as_ref();
        seen.map_or(then.task.kind(), |it| format!("{}={}", it.item, it.value))
    };
    let items: Vec<_> = step.then.iter().map(item).collect();
    assert_eq!(items, ["stars/31=5", "forks/31=1", "issues", "forks/34=1", "issues"]);
    assert_eq!(counters(&step.signals), [("likes_received".to_owned(), 40_001.0)]);
    let posts: Vec<_> = step.signals.iter().map(|it| it.signal_id.as_str()).collect();
    assert!(posts.contains(&"post/repository/31") && !posts.contains(&"post/repository/32"));
    assert!(step.listing.is_none());
}

#[test]
fn stars_are_read_from_the_newest_back_to_the_beginning_of_the_window() {
    let star = |id: u64, time: &str| {
        format!(r#"{{"starred_at":"{time}","user":{{"id":{id},"login":"u{id}","type":"User"}}}}"#)
    };
    let of = repository();
    let first = Of::Stargazers { of: of.clone(), page: None };
    let old = format!("[{}]", star(1, "2020-01-01T00:00:00Z"));
    let link = "<https://api.github.example/repositories/31/stargazers?page=2>; rel=\"next\", \
                <https://api.github.example/repositories/31/stargazers?page=9>; rel=\"last\"";
    let step = read(Mode::Backfill, &first, link, &old).expect("a page");
    assert!(step.signals.is_empty() && !step.listing.expect("a list").last);
    let ninth: Of = step.next.expect("the last page").read().expect("a task");
    assert_eq!(asked(&ninth), "/repositories/31/stargazers?page=9");

    let link = "<https://api.github.example/repositories/31/stargazers?page=8>; rel=\"prev\"";
    let new = format!("[{}]", star(4, "2026-11-25T00:00:00Z"));
    let step = read(Mode::Backfill, &ninth, link, &new).expect("a page");
    assert_eq!(deeds(&step.signals), ["like 4 star/31/4 repository/31"]);
    let eighth: Of = step.next.expect("the page before").read().expect("a task");

    let link = "<https://api.github.example/repositories/31/stargazers?page=7>; rel=\"prev\"";
    let both = [star(2, "2026-08-28T23:59:59Z"), star(3, "2026-08-29T00:00:00Z")].join(",");
    let step = read(Mode::Backfill, &eighth, link, &format!("[{both}]")).expect("a page");
    assert_eq!(deeds(&step.signals), ["like 3 star/31/3 repository/31"]);
    let listing = step.listing.expect("a list");
    assert!(listing.last && listing.under.as_deref() == Some("repository/31"));
    assert!(step.next.is_none());
}

#[test]
fn what_others_write_counts_and_what_the_owner_and_bots_write_does_not() {
    let comment = |id: u64, user: &str, time: &str| {
        format!(
            r#"{{"id":{id},"user":{user},"created_at":"{time}",
            "issue_url":"https://api.github.example/repos/ada/engine/issues/5"}}"#
        )
    };
    let comments = [
        comment(1, r#"{"id":2,"login":"bob","type":"User"}"#, "2026-11-25T00:00:00Z"),
        comment(2, r#"{"id":7,"login":"ada","type":"User"}"#, "2026-11-25T00:00:00Z"),
        comment(3, r#"{"id":9,"login":"ci[bot]","type":"Bot"}"#, "2026-11-25T00:00:00Z"),
        comment(4, "null", "2026-11-25T00:00:00Z"),
        comment(5, r#"{"id":2,"login":"bob","type":"User"}"#, "2026-01-01T00:00:00Z"),
    ];
    let body = format!("[{}]", comments.join(","));
    let task = Of::Comments { of: repository(), page: None };
    let since = "/repos/ada/engine/issues/comments?sort=updated&direction=asc&since=2026-11-20T06%3A00%3A00Z&per_page=100";
    assert_eq!(asked(&task), since);
    let step = read(Mode::Incremental, &task, "", &body).expect("a page");
    let told = [
        "comment 2 comment/1 repository/31/issue/5",
        "comment nobody comment/4 repository/31/issue/5",
    ];
    assert_eq!(deeds(&step.signals), told);
    // What has changed lately is not all there is.
    assert!(step.listing.is_none());
    let step = read(Mode::Backfill, &task, "", &body).expect("a page");
    assert_eq!(step.listing.expect("all of the window").name, "comments/31");
}

#[test]
fn an_issue_calls_a_pull_request_answers_and_comments_are_looked_for_where_something_changed() {
    let body = r#"[
        {"id":50,"number":5,"user":{"id":2,"login":"bob"},"created_at":"2026-11-25T00:00:00Z"},
        {"id":60,"number":6,"user":{"id":3,"login":"eve"},"created_at":"2026-11-25T00:00:00Z","pull_request":{"url":"x"}},
        {"id":70,"number":7,"user":{"id":7,"login":"ada"},"created_at":"2026-11-25T00:00:00Z","reactions":{"total_count":4}}]"#;
    let task = Of::Issues { of: repository(), page: None };
    let step = read(Mode::Backfill, &task, "", body).expect("a page");
    let told =
        ["mention 2 issue/50 repository/31/issue/5", "reply 3 issue/60 repository/31/issue/6"];
    assert_eq!(deeds(&step.signals), told);
    let kinds: Vec<_> = step.then.iter().map(|it| it.task.kind()).collect();
    assert_eq!(kinds, ["comments", "reviews", "reactions"]);
    let step = read(Mode::Backfill, &task, "", "[]").expect("a page");
    assert!(step.then.is_empty());
}

#[test]
fn who_approves_in_two_ways_approves_once_and_who_disapproves_does_not() {
    let reaction = |id: u64, content: &str| {
        format!(
            r#"{{"user":{{"id":{id},"login":"u{id}"}},"content":"{content}","created_at":"2026-11-25T00:00:00Z"}}"#
        )
    };
    let body = [reaction(1, "+1"), reaction(1, "heart"), reaction(2, "-1")].join(",");
    let task = Of::Reactions { of: repository(), issue: 5, page: None };
    let step = read(Mode::Backfill, &task, "", &format!("[{body}]")).expect("a page");
    let told = "like 1 reaction/31/5/1 repository/31/issue/5";
    assert_eq!(deeds(&step.signals), [told, told]);
}

#[test]
fn what_is_the_matter_is_told_by_more_than_the_status() {
    let trouble = |task: &Of, status: u16, of: &[(&str, &str)], message: &str| {
        let body = format!(r#"{{"message":"{message}","documentation_url":"x"}}"#);
        let headers = headers(of);
        let answer = Answer { status, headers: &headers, body: body.as_bytes() };
        let read = GitHub.read(&visit(Mode::Backfill), &Task::of(task), &answer);
        read.expect_err("a problem").reason()
    };
    let forks = Of::Forks { of: repository(), page: None };
    let none: &[(&str, &str)] = &[];
    assert_eq!(trouble(&forks, 401, none, "Bad credentials"), "NETWORK_ACCESS_EXPIRED");
    assert_eq!(trouble(&forks, 401, none, "Requires authentication"), "NETWORK_ACCESS_REFUSED");
    let used_up = [("x-ratelimit-remaining", "0"), ("x-ratelimit-reset", "1795694460")];
    assert_eq!(trouble(&forks, 403, &used_up, "x"), "NETWORK_RATE_LIMITED");
    assert_eq!(trouble(&forks, 429, &[("retry-after", "60")], "x"), "NETWORK_RATE_LIMITED");
    let secondary = "You have exceeded a secondary rate limit.";
    assert_eq!(trouble(&forks, 403, none, secondary), "NETWORK_RATE_LIMITED");
    let token = "Resource not accessible by personal access token";
    assert_eq!(trouble(&forks, 403, none, token), "NETWORK_ACCESS_REFUSED");
    assert_eq!(trouble(&forks, 403, none, "Repository access blocked"), "NETWORK_ITEM_GONE");
    assert_eq!(trouble(&forks, 409, none, "Git Repository is empty."), "NETWORK_ITEM_GONE");
    assert_eq!(trouble(&Of::Profile, 404, none, "Not Found"), "NETWORK_ACCOUNT_GONE");
    assert_eq!(trouble(&forks, 422, none, "Validation Failed"), "NETWORK_ANSWER_MALFORMED");
    let limited = "In order to keep the API fast, pagination is limited for this resource.";
    assert_eq!(trouble(&forks, 422, none, limited), "NETWORK_ITEM_GONE");
    assert_eq!(trouble(&forks, 502, none, ""), "NETWORK_UNAVAILABLE");
}

#[test]
fn what_a_repository_had_is_taken_back_when_it_is_not_there_any_more() {
    for status in [404, 410, 451] {
        let answer =
            Answer { status, headers: &HeaderMap::new(), body: br#"{"message":"Not Found"}"# };
        let task = Task::of(&Of::Stargazers { of: repository(), page: None });
        let step = GitHub.read(&visit(Mode::Backfill), &task, &answer).expect("an empty list");
        let listing = step.listing.expect("a list");
        assert!(listing.last && listing.name == "stars/31" && step.signals.is_empty());
        // A name that is not there says nothing of the account's followers.
        let task = Task::of(&Of::Followers { login: "ada".to_owned(), page: None });
        let followers = GitHub.read(&visit(Mode::Backfill), &task, &answer);
        assert!(matches!(followers, Err(Trouble::ItemGone)), "{followers:?}");
    }
}

#[test]
fn handles_that_can_be_nobodys_are_not_asked_for() {
    let ask = |handle: &str| {
        let account = Account { native_id: String::new(), handle: Some(handle.to_owned()) };
        GitHub.resolve(&Visit { account, ..visit(Mode::Backfill) }).map(|it| it.url.to_string())
    };
    for handle in ["ada", "@ada"] {
        assert_eq!(ask(handle).expect("a name"), "https://api.github.example/users/ada");
    }
    for handle in ["", "@", "..", "a/b", "a?b", "ä", "a b", &"a".repeat(65)] {
        assert!(matches!(ask(handle), Err(Trouble::AccountGone)), "{handle}");
    }
}

#[test]
fn an_address_that_was_recorded_is_what_its_task_asks_for() {
    let page = |task: Of| asked(&task);
    for task in [
        Of::Followers { login: "ada".to_owned(), page: None },
        Of::Repositories { login: "ada".to_owned(), page: None },
        Of::Stargazers { of: repository(), page: None },
        Of::Forks { of: repository(), page: None },
        Of::Issues { of: repository(), page: None },
        Of::Comments { of: repository(), page: None },
        Of::Reviews { of: repository(), page: None },
        Of::Reactions { of: repository(), issue: 5, page: None },
    ] {
        let kind = Task::of(&task).kind();
        let url = format!("https://api.github.example{}", page(task));
        match GitHub.recorded(&Url::parse(&url).expect("a URL")) {
            Some(Recorded::Task(task)) => assert_eq!(task.kind(), kind),
            other => panic!("{url}: {other:?}"),
        }
    }
    let account = Url::parse("https://api.github.example/users/ada").expect("a URL");
    assert_eq!(GitHub.recorded(&account), Some(Recorded::Account));
    let other = Url::parse("https://api.github.example/repos/ada/engine/pulls").expect("a URL");
    assert_eq!(GitHub.recorded(&other), None);
}

proptest! {
    #[test]
    fn whatever_is_answered_is_read_or_an_error_with_a_name(
        status in prop::sample::select(vec![200_u16, 401, 403, 404, 422, 429, 500, 777]),
        link in "[<>;=, \"a-z:/.?0-9]{0,48}",
        json in any_json(NAMES),
        text in "\\PC{0,32}",
        is_json in prop::bool::weighted(0.9),
    ) {
        let body = if is_json { json.to_string() } else { text };
        let headers = headers(&[("link", &link)]);
        let answer = Answer { status, headers: &headers, body: body.as_bytes() };
        for path in ["user/7", "users/a/followers", "repos/a/b/stargazers", "repos/a/b/issues"] {
            let url = Url::parse(&format!("https://api.github.example/{path}")).expect("a URL");
            let Some(Recorded::Task(task)) = GitHub.recorded(&url) else { unreachable!() };
            match GitHub.read(&visit(Mode::Backfill), &task, &answer) {
                Ok(Step { next: Some(next), .. }) => {
                    let ask = GitHub.ask(&visit(Mode::Backfill), &next).expect("an address");
                    prop_assert_eq!(ask.url.origin(), url.origin());
                }
                Ok(_) => {}
                Err(trouble) => prop_assert!(trouble.reason().starts_with("NETWORK_")),
            }
        }
    }
}
