use http::{HeaderMap, HeaderName, HeaderValue};
use klout_proto::signal::v1::{Signal, signal::Content};
use proptest::prelude::*;
use time::{OffsetDateTime, macros::datetime};

use super::*;
use crate::{Mode, any_json::any_json};

/// What is read of answers.
const NAMES: &[&str] = &[
    "id",
    "acct",
    "bot",
    "noindex",
    "hide_collections",
    "followers_count",
    "uri",
    "created_at",
    "visibility",
    "in_reply_to_id",
    "account",
    "reblog",
    "content",
    "spoiler_text",
    "tags",
    "name",
    "favourites_count",
    "descendants",
    "type",
    "status",
];

const NOW: OffsetDateTime = datetime!(2026-11-26 12:00 UTC);

const SYNCED: OffsetDateTime = datetime!(2026-11-20 06:00 UTC);

const SERVER: &str = "https://social.example";

fn visit(mode: Mode) -> Visit {
    Visit {
        account: Account {
            native_id: "ann@social.example".to_owned(),
            handle: Some("ann@social.example".to_owned()),
        },
        public: Url::parse(SERVER).expect("a URL"),
        own: None,
        mode,
        since: datetime!(2026-08-29 00:00 UTC),
        synced: Some(SYNCED),
        now: NOW,
    }
}

/// With access of the account.
fn own_visit(mode: Mode) -> Visit {
    Visit { own: Some(Url::parse(SERVER).expect("a URL")), ..visit(mode) }
}

fn headers(of: &[(&str, &str)]) -> HeaderMap {
    let pair = |(name, value): &(&str, &str)| {
        let name: HeaderName = name.parse().expect("a name");
        (name, HeaderValue::from_str(value).expect("a value"))
    };
    of.iter().map(pair).collect()
}

fn read(visit: &Visit, task: &Of, link: &str, body: &str) -> Result<Step, Trouble> {
    let headers = headers(&[("link", link)]);
    let answer = Answer { status: 200, headers: &headers, body: body.as_bytes() };
    Mastodon.read(visit, &Task::of(task), &answer)
}

fn id(text: &str) -> crate::id::Id {
    serde_json::from_value(text.into()).expect("an id")
}

fn of() -> task::Status {
    let written = datetime!(2026-11-25 00:00 UTC).unix_timestamp();
    task::Status { id: id("10"), uri: format!("{SERVER}/s/10"), written }
}

/// Kind, actor and post of interactions.
fn deeds(signals: &[Signal]) -> Vec<String> {
    let deed = |signal: &Signal| match signal.content.as_ref()? {
        Content::Interaction(it) => {
            let actor = it.actor.as_ref().map_or("nobody", |it| &it.native_id);
            Some(format!("{} {actor} {}", it.kind, it.post.as_deref().unwrap_or("-")))
        }
        Content::Counter(_) | Content::Post(_) | Content::Retraction(_) => None,
    };
    signals.iter().filter_map(deed).collect()
}

fn items(then: &[Then]) -> Vec<String> {
    let item = |then: &Then| {
        let seen = then.unless.as_ref();
        seen.map_or(then.task.kind(), |it| format!("{}={}", it.item, it.value))
    };
    then.iter().map(item).collect()
}

fn status(id: u64, more: &str) -> String {
    format!(
        r#"{{"id":"{id}","uri":"{SERVER}/s/{id}","created_at":"2026-11-25T00:00:00.000Z","visibility":"public",
        "account":{{"id":"1","acct":"ann"}},"content":"<p>Hello</p>"{more}}}"#
    )
}

#[test]
fn an_account_is_looked_for_on_its_own_server() {
    let handle = Some("@ann@social.example".to_owned());
    let account = Account { native_id: String::new(), handle };
    let looking = Visit { account, ..visit(Mode::Backfill) };
    let ask = Mastodon.resolve(&looking).expect("a handle");
    assert_eq!(ask.url.as_str(), "https://social.example/api/v1/accounts/lookup?acct=ann");
    let resolve = |body: &str| {
        let headers = HeaderMap::new();
        Mastodon
            .resolved(&looking, &Answer { status: 200, headers: &headers, body: body.as_bytes() })
    };
    let found = resolve(r#"{"id":7,"acct":"Ann","moved_to":"True"}"#).expect("an account");
    assert_eq!(found.native_id, "Ann@social.example");
    // No server says who is who on another one.
    let elsewhere = resolve(r#"{"id":"7","acct":"ann@other.example"}"#);
    assert!(matches!(elsewhere, Err(Trouble::Malformed { .. })), "{elsewhere:?}");
}

#[test]
fn who_hides_their_followers_is_not_asked_for_them() {
    let account = |hides: &str| {
        format!(
            r#"{{"id":"1","acct":"ann","followers_count":3,"following_count":-1,"statuses_count":2,"hide_collections":{hides}}}"#
        )
    };
    let visit = visit(Mode::Incremental);
    let step = read(&visit, &Of::Account, "", &account("null")).expect("an account");
    assert_eq!(items(&step.then), ["statuses", "followers=3"]);
    let names: Vec<_> = step.signals.iter().map(|it| it.signal_id.split('/').nth(1)).collect();
    // Whom it follows is not told.
    assert_eq!(names, [Some("follower_count"), Some("posts")]);
    let step = read(&visit, &Of::Account, "", &account("true")).expect("an account");
    assert_eq!(items(&step.then), ["statuses"]);
    let step = read(&own_visit(Mode::Incremental), &Of::Account, "", &account("true"));
    assert_eq!(items(&step.expect("an account").then), ["statuses", "mentions"]);
    let other = read(&visit, &Of::Account, "", r#"{"id":"1","acct":"bob"}"#);
    assert!(matches!(other, Err(Trouble::Malformed { .. })));
}

#[test]
fn posts_are_read_back_to_the_beginning_of_the_window_and_only_what_is_for_everybody() {
    let counts = r#","favourites_count":2,"reblogs_count":0,"replies_count":1,"quotes_count":4,"spoiler_text":"Long","tags":[{"name":"rust"}]"#;
    let body = [
        status(14, counts),
        status(13, r#","visibility":"private""#).replace(r#""visibility":"public","#, ""),
        status(12, r#","reblog":{"id":"9"}"#),
        status(11, "").replace("2026-11-25", "2026-11-01"),
        status(10, "").replace("2026-11-25", "2026-08-28"),
    ];
    let task = Of::Statuses { account: id("1"), page: None };
    let link = "<https://social.example/api/v1/accounts/1/statuses?max_id=10>; rel=\"next\"";
    let body = format!("[{}]", body.join(","));
    let step = read(&visit(Mode::Incremental), &task, link, &body).expect("posts");
    let posts: Vec<_> = step.signals.iter().map(|it| it.signal_id.as_str()).collect();
    let told = ["post/https://social.example/s/14", "post/https://social.example/s/11"];
    assert_eq!(posts, told);
    let Some(Content::Post(post)) = &step.signals[0].content else { panic!("a post") };
    assert_eq!(post.text.as_deref(), Some("Long\n\nHello"));
    assert_eq!(post.tags, ["rust"]);
    // One that was there before may have had reactions that are taken back.
    let asked = [
        "favourites/https://social.example/s/14=2",
        "replies/https://social.example/s/14=1",
        "favourites/https://social.example/s/11=0",
        "boosts/https://social.example/s/11=0",
        "replies/https://social.example/s/11=0",
    ];
    assert_eq!(items(&step.then), asked);
    assert!(step.next.is_none() && step.listing.expect("a list").last);
    let step = read(&own_visit(Mode::Incremental), &task, "", &body).expect("posts");
    assert!(items(&step.then).contains(&"quotes/https://social.example/s/14=4".to_owned()));
}

#[test]
fn who_likes_a_post_is_known_by_their_full_name_unless_they_ask_not_to_be_found() {
    let body = r#"[{"id":"2","acct":"bob"},{"id":"3","acct":"eve@Other.example","indexable":false},
        {"id":"4","acct":"shy","noindex":true},{"id":"5","acct":"news","bot":true},{"id":"1","acct":"ann"}]"#;
    let task = Of::Favourites { of: of(), page: None };
    let link = "<https://social.example/api/v1/statuses/10/favourited_by?max_id=3>; rel=\"next\"";
    let step = read(&visit(Mode::Backfill), &task, link, body).expect("accounts");
    let post = "https://social.example/s/10";
    let told = [
        format!("like bob@social.example {post}"),
        format!("like eve@other.example {post}"),
        format!("like nobody {post}"),
    ];
    assert_eq!(deeds(&step.signals), told);
    // After the post was written.
    let time = step.signals[0].time.expect("a time").seconds;
    assert_eq!(time, datetime!(2026-11-25 00:00 UTC).unix_timestamp());
    let listing = step.listing.expect("a list");
    assert!(!listing.last && listing.under.as_deref() == Some(post));
    let next = step.next.expect("a further page");
    let ask = Mastodon.ask(&visit(Mode::Backfill), &next).expect("an address");
    assert_eq!(ask.url.query(), Some("max_id=3"));
    let old = task::Status { written: datetime!(2026-09-01 00:00 UTC).unix_timestamp(), ..of() };
    let step = read(&visit(Mode::Backfill), &Of::Boosts { of: old, page: None }, "", body);
    let time = step.expect("accounts").signals[0].time.expect("a time").seconds;
    assert_eq!(time, SYNCED.unix_timestamp());
}

#[test]
fn who_answers_a_post_itself_is_told_and_who_answers_an_answer_is_not() {
    let reply = |id: u64, to: &str, who: &str| {
        status(id, &format!(r#","in_reply_to_id":{to}"#)).replace(r#""acct":"ann""#, who)
    };
    let body = [
        reply(20, "\"10\"", r#""acct":"bob""#),
        reply(21, "10", r#""acct":"eve@other.example""#),
        reply(22, "\"20\"", r#""acct":"eve@other.example""#),
        reply(23, "\"10\"", r#""acct":"ann""#),
        reply(24, "\"10\"", r#""acct":"cy""#).replace("\"public\"", "\"direct\""),
        reply(25, "\"10\"", r#""acct":"cy""#).replace("2026-11-25", "2026-08-01"),
    ];
    let body = format!(r#"{{"ancestors":[],"descendants":[{}]}}"#, body.join(","));
    let step = read(&visit(Mode::Backfill), &Of::Replies { of: of() }, "", &body).expect("replies");
    let post = "https://social.example/s/10";
    let told =
        [format!("reply bob@social.example {post}"), format!("reply eve@other.example {post}")];
    assert_eq!(deeds(&step.signals), told);
    assert!(step.listing.expect("a list").last);
}

#[test]
fn what_a_post_had_is_taken_back_when_it_is_not_there_any_more() {
    let answer = Answer { status: 404, headers: &HeaderMap::new(), body: b"{}" };
    for task in [Of::Favourites { of: of(), page: None }, Of::Replies { of: of() }] {
        let step = Mastodon.read(&visit(Mode::Backfill), &Task::of(&task), &answer);
        let listing = step.expect("an empty list").listing.expect("a list");
        assert!(listing.last && listing.under.as_deref() == Some("https://social.example/s/10"));
    }
}

#[test]
fn a_long_conversation_may_be_longer_than_what_is_told_of_it() {
    let reply = |id: u64| status(id, r#","in_reply_to_id":"10""#).replace("\"ann\"", "\"bob\"");
    let of_length = |count: u64| {
        let replies: Vec<_> = (100..100 + count).map(reply).collect();
        let body = format!(r#"{{"ancestors":[],"descendants":[{}]}}"#, replies.join(","));
        read(&visit(Mode::Backfill), &Of::Replies { of: of() }, "", &body).expect("replies")
    };
    assert!(of_length(59).listing.expect("a list").last);
    let step = of_length(60);
    assert!(!step.listing.expect("a list").last && step.signals.len() == 60);
}

#[test]
fn a_mention_counts_once_and_not_when_it_is_an_answer_or_a_secret() {
    let mention = |id: u64, more: &str| {
        let status = status(id, more).replace(r#""acct":"ann""#, r#""acct":"bob""#);
        format!(
            r#"{{"id":{id},"type":"mention","created_at":"2026-11-25T00:00:00Z","status":{status}}}"#
        )
    };
    let body = [
        mention(31, ""),
        mention(32, r#","in_reply_to_account_id":"1""#),
        mention(33, "").replace("\"public\"", "\"direct\""),
        r#"{"id":"34","type":"follow","created_at":"2026-11-25T00:00:00Z"}"#.to_owned(),
    ];
    let body = format!("[{}]", body.join(","));
    let task = Of::Mentions { account: id("1"), page: None };
    let visit = own_visit(Mode::Incremental);
    let ask = Mastodon.ask(&visit, &Task::of(&task)).expect("an address");
    assert_eq!(ask.server, Server::Own);
    let step = read(&visit, &task, "", &body).expect("mentions");
    assert_eq!(deeds(&step.signals), ["mention bob@social.example -"]);
    assert!(step.listing.is_none());
    // What is older than the last visit was told by it.
    let link = "<https://social.example/api/v1/notifications?max_id=3>; rel=\"next\"";
    let old = body.replace("2026-11-25", "2026-11-01");
    assert!(read(&visit, &task, link, &old).expect("mentions").next.is_none());
    let whole = read(&own_visit(Mode::Backfill), &task, link, &old).expect("mentions");
    assert!(whole.next.is_some() && whole.listing.is_some());
}

#[test]
fn what_is_the_matter_is_told_by_more_than_the_status() {
    let trouble = |task: &Of, status: u16, of: &[(&str, &str)], body: &str| {
        let headers = headers(of);
        let answer = Answer { status, headers: &headers, body: body.as_bytes() };
        let read = Mastodon.read(&visit(Mode::Backfill), &Task::of(task), &answer);
        read.expect_err("a problem").reason()
    };
    let replies = Of::Replies { of: of() };
    let none: &[(&str, &str)] = &[];
    let invalid = r#"{"error":"The access token is invalid"}"#;
    assert_eq!(trouble(&replies, 401, none, invalid), "NETWORK_ACCESS_EXPIRED");
    let realm = [("www-authenticate", "Bearer realm=\"Doorkeeper\", error=\"invalid_token\"")];
    assert_eq!(trouble(&replies, 401, &realm, "{}"), "NETWORK_ACCESS_EXPIRED");
    let closed = r#"{"error":"This API requires an authenticated user"}"#;
    assert_eq!(trouble(&replies, 401, none, closed), "NETWORK_ACCESS_REFUSED");
    let scope = r#"{"error":"This action is outside the authorized scopes"}"#;
    let mentions = Of::Mentions { account: id("1"), page: None };
    assert_eq!(trouble(&mentions, 403, none, scope), "NETWORK_ACCESS_REFUSED");
    assert_eq!(trouble(&replies, 403, none, scope), "NETWORK_ITEM_GONE");
    let missing = r#"{"detail":"Non-decimal ID"}"#;
    let statuses = Of::Statuses { account: id("1"), page: None };
    assert_eq!(trouble(&statuses, 404, none, missing), "NETWORK_ITEM_GONE");
    assert_eq!(trouble(&Of::Account, 404, none, missing), "NETWORK_ACCOUNT_GONE");
    assert_eq!(trouble(&Of::Account, 410, none, ""), "NETWORK_ACCOUNT_GONE");
    let reset = [("x-ratelimit-reset", "2026-11-26T12:05:00.461619Z")];
    assert_eq!(trouble(&replies, 429, &reset, "{}"), "NETWORK_RATE_LIMITED");
    assert_eq!(trouble(&replies, 422, none, "{}"), "NETWORK_ANSWER_MALFORMED");
    assert_eq!(trouble(&replies, 503, none, "<html>"), "NETWORK_UNAVAILABLE");
    assert_eq!(trouble(&replies, 200, none, "<html>"), "NETWORK_ANSWER_MALFORMED");
}

#[test]
fn a_server_is_named_by_the_handle() {
    let server = |handle: &str| Mastodon.server(handle);
    assert_eq!(server("@ann@social.example"), Ok(Some("social.example".to_owned())));
    assert_eq!(server("ann"), Err("is not user@server"));
    assert!(server("ann@127.0.0.1").is_err());
}

#[test]
fn an_address_that_was_recorded_is_what_its_task_asks_for() {
    for task in [
        Of::Followers { account: id("1"), page: None },
        Of::Statuses { account: id("1"), page: None },
        Of::Favourites { of: of(), page: None },
        Of::Boosts { of: of(), page: None },
        Of::Replies { of: of() },
        Of::Quotes { of: of(), page: None },
        Of::Mentions { account: id("1"), page: None },
    ] {
        let task = Task::of(&task);
        let url = Mastodon.ask(&own_visit(Mode::Backfill), &task).expect("an address").url;
        match Mastodon.recorded(&url) {
            Some(Recorded::Task(found)) => assert_eq!(found.kind(), task.kind()),
            other => panic!("{url}: {other:?}"),
        }
    }
    let account = Mastodon.ask(&visit(Mode::Backfill), &Task::of(&Of::Account)).expect("a URL").url;
    assert_eq!(Mastodon.recorded(&account), Some(Recorded::Account));
    let other = Url::parse("https://social.example/api/v1/timelines/home").expect("a URL");
    assert_eq!(Mastodon.recorded(&other), None);
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
        let visit = own_visit(Mode::Backfill);
        for path in ["accounts/1/followers", "accounts/1/statuses", "statuses/1/context", "notifications"] {
            let url = Url::parse(&format!("{SERVER}/api/v1/{path}")).expect("a URL");
            let Some(Recorded::Task(task)) = Mastodon.recorded(&url) else { unreachable!() };
            match Mastodon.read(&visit, &task, &answer) {
                Ok(Step { next: Some(next), .. }) => {
                    let ask = Mastodon.ask(&visit, &next).expect("an address");
                    prop_assert_eq!(ask.url.origin(), url.origin());
                }
                Ok(_) => {}
                Err(trouble) => prop_assert!(trouble.reason().starts_with("NETWORK_")),
            }
        }
    }
}
