//! On answers of the AppView's shapes, written by hand.

use http::HeaderMap;
use klout_proto::signal::v1::signal::Content;
use proptest::prelude::*;
use serde_json::{Value, json};
use time::macros::datetime;

use super::*;
use crate::{Listing, Mode};

const NOW: time::OffsetDateTime = datetime!(2026-11-26 12:00 UTC);
const ANN: &str = "did:plc:ann";
const BEN: &str = "did:plc:ben";
const POST: &str = "at://did:plc:ann/app.bsky.feed.post/3n2uxghnscc2m";

fn visit() -> Visit {
    Visit {
        account: Account { native_id: ANN.to_owned(), handle: Some("ann.test".to_owned()) },
        public: "https://public.example".parse().expect("a URL"),
        own: Some("https://own.example".parse().expect("a URL")),
        mode: Mode::Backfill,
        since: datetime!(2026-08-29 0:00 UTC),
        synced: None,
        now: NOW,
    }
}

fn answered(asked: &Asked, status: u16, body: &Value) -> Result<Step, Trouble> {
    let headers = HeaderMap::new();
    let body = body.to_string();
    let answer = Answer { status, headers: &headers, body: body.as_bytes() };
    Bluesky.read(&visit(), &Task::of(asked), &answer)
}

fn read(asked: &Asked, body: &Value) -> Step {
    answered(asked, 200, body).expect("it can be read")
}

/// The id and the kind of each, and who did it.
fn told(step: &Step) -> Vec<(&str, &str, &str)> {
    let told = step.signals.iter().map(|it| match it.content.as_ref().expect("content") {
        Content::Interaction(interaction) => {
            let actor = interaction.actor.as_ref().expect("an actor");
            (it.signal_id.as_str(), interaction.kind.as_str(), actor.native_id.as_str())
        }
        Content::Post(_) => (it.signal_id.as_str(), "post", ""),
        Content::Counter(counter) => (counter.name.as_str(), "counter", ""),
        Content::Retraction(_) => panic!("lists take back by themselves"),
    });
    told.collect()
}

fn seconds(step: &Step) -> Vec<i64> {
    step.signals.iter().map(|it| it.time.expect("a time").seconds).collect()
}

fn likes() -> Asked {
    Asked::Likes { post: POST.to_owned(), cursor: None }
}

fn ben() -> Value {
    json!({ "did": BEN, "handle": "ben.test", "displayName": "Ben" })
}

fn view(key: &str, author: Value, record: Value, indexed: &str) -> Value {
    let did = author["did"].as_str().expect("a DID");
    json!({
        "uri": format!("at://{did}/app.bsky.feed.post/{key}"), "cid": "bafy", "author": author,
        "record": record, "indexedAt": indexed,
        "likeCount": 2, "repostCount": 1, "replyCount": 0, "quoteCount": 1,
    })
}

#[test]
fn a_handle_leads_to_an_account_only_if_that_account_is_called_so() {
    let mut visit = visit();
    visit.account = Account { native_id: String::new(), handle: Some(" @Ann.test".to_owned()) };
    let ask = Bluesky.resolve(&visit).expect("it may be a handle");
    assert_eq!(
        ask.url.as_str(),
        "https://public.example/xrpc/app.bsky.actor.getProfile?actor=Ann.test"
    );
    let resolved = |handle: &str| {
        let body = json!({ "did": ANN, "handle": handle }).to_string();
        let headers = HeaderMap::new();
        Bluesky.resolved(&visit, &Answer { status: 200, headers: &headers, body: body.as_bytes() })
    };
    let account = resolved("ann.test").expect("it is hers");
    assert_eq!((account.native_id.as_str(), account.handle.as_deref()), (ANN, Some("ann.test")));
    for other in ["handle.invalid", "bob.test", ""] {
        assert!(matches!(resolved(other), Err(Trouble::AccountGone)), "{other}");
    }
    for impossible in ["", "ann", "a b.test", "ann..test", "ann.test/x"] {
        visit.account.handle = Some(impossible.to_owned());
        assert!(matches!(Bluesky.resolve(&visit), Err(Trouble::AccountGone)), "{impossible}");
    }
}

#[test]
fn a_profile_tells_numbers_and_what_the_account_is_called_now() {
    let body = json!({
        "did": ANN, "handle": "new.test", "followersCount": 2, "followsCount": 0, "postsCount": 7,
    });
    let step = read(&Asked::Profile, &body);
    let names = [("follower_count", "counter", ""), ("following_count", "counter", "")];
    assert_eq!(told(&step)[..2], names);
    assert_eq!(step.account.and_then(|it| it.handle).as_deref(), Some("new.test"));
    assert_eq!(step.then[0].unless.as_ref().expect("a number").value, "2");
    assert!(step.listing.is_none());
    let other = answered(&Asked::Profile, 200, &json!({ "did": BEN, "handle": "ben.test" }));
    assert!(matches!(other, Err(Trouble::Malformed { .. })));
}

#[test]
fn own_posts_are_told_and_asked_about_and_what_was_reposted_is_not() {
    let ann = json!({ "did": ANN, "handle": "ann.test" });
    let record = json!({
        "$type": "app.bsky.feed.post", "text": "Rust, see there", "createdAt": "2026-11-20T10:00:00.123Z",
        "facets": [{ "index": { "byteStart": 0, "byteEnd": 4 }, "features": [
            { "$type": "app.bsky.richtext.facet#tag", "tag": "rust" },
            { "$type": "app.bsky.richtext.facet#link", "uri": "https://rust.example" },
        ]}],
        "embed": { "$type": "app.bsky.embed.external", "external": { "uri": "https://page.example", "title": "", "description": "" } },
        "tags": ["rust", "systems"],
    });
    let mine = view("mine", ann.clone(), record.clone(), "2026-11-20T10:00:01Z");
    let bens = view("bens", ben(), record.clone(), "2026-11-19T10:00:00Z");
    let unreadable = view("odd", ann.clone(), json!({ "text": 7 }), "2026-11-18T10:00:00Z");
    let body = json!({
        "feed": [
            { "post": mine },
            { "post": bens, "reason": { "$type": "app.bsky.feed.defs#reasonRepost", "indexedAt": "2026-11-19T12:00:00Z" } },
            { "post": unreadable },
        ],
        "cursor": "next",
    });
    let step = read(&Asked::Posts { cursor: None }, &body);

    let uri = "at://did:plc:ann/app.bsky.feed.post/mine";
    assert_eq!(told(&step), [(format!("post/{uri}").as_str(), "post", "")]);
    let Some(Content::Post(post)) = &step.signals[0].content else { panic!("a post") };
    assert_eq!(post.text.as_deref(), Some("Rust, see there"));
    assert_eq!(post.tags, ["rust", "systems"]);
    assert_eq!(post.links, ["https://rust.example", "https://page.example"]);
    let asked: Vec<Asked> = step.then.iter().map(|it| it.task.read().expect("ours")).collect();
    assert!(matches!(&asked[0], Asked::Likes { post, cursor: None } if post == uri));
    let seen: Vec<_> = step.then.iter().filter_map(|it| it.unless.as_ref()).collect();
    assert_eq!(
        seen.iter().map(|it| (it.value.as_str(), it.none)).collect::<Vec<_>>(),
        [("2", false), ("1", false), ("1", false), ("0", true)]
    );
    let next: Asked = step.next.expect("more").read().expect("ours");
    assert_eq!(next, Asked::Posts { cursor: Some("next".to_owned()) });
    assert_eq!(step.listing, Some(Listing { name: "posts".to_owned(), under: None, last: false }));

    // Nothing of before the window is asked for, whatever cursor there is.
    let old = json!({ "text": "old", "createdAt": "2026-08-01T00:00:00Z" });
    let old = view("old", ann, old, "2026-08-01T00:00:00Z");
    let step = read(
        &Asked::Posts { cursor: None },
        &json!({ "feed": [{ "post": old }], "cursor": "next" }),
    );
    assert!(step.signals.is_empty() && step.next.is_none() && step.listing.expect("one").last);
}

#[test]
fn a_like_has_its_time_in_its_id_and_is_not_of_later_than_it_was_there() {
    let like = |created: &str| json!({ "actor": ben(), "createdAt": created, "indexedAt": "2026-11-22T06:11:25.203Z" });
    let body = json!({ "likes": [like("2026-11-22T06:11:25.999999"), like("2030-01-01T00:00:00Z"), like("soon")] });
    let step = read(&likes(), &body);
    let ids = told(&step);
    assert_eq!(ids[0], (format!("like/{POST}/{BEN}/1795327885999").as_str(), "like", BEN));
    assert_eq!(ids.len(), 2);
    assert_eq!(seconds(&step), [1_795_327_885, 1_795_327_885]);
    let listing = step.listing.expect("a list");
    assert_eq!((listing.under.as_deref(), listing.last), (Some(POST), true));
}

#[test]
fn what_has_no_time_happened_after_the_post_and_after_all_was_seen() {
    let posted = datetime!(2026-11-20 10:00 UTC).unix_timestamp();
    let asked = Asked::Reposts { post: POST.to_owned(), posted, cursor: None };
    let body =
        json!({ "repostedBy": [ben(), { "did": "did:plc:cid", "handle": "handle.invalid" }] });
    let step = read(&asked, &body);
    assert_eq!(told(&step)[0], (format!("repost/{POST}/{BEN}").as_str(), "reshare", BEN));
    assert_eq!(seconds(&step), [posted, posted]);
    let Some(Content::Interaction(nameless)) = &step.signals[1].content else { panic!("one") };
    assert_eq!(nameless.actor.as_ref().and_then(|it| it.handle.as_ref()), None);

    let followers = json!({ "followers": [ben()], "subject": { "did": ANN } });
    let mut visit = visit();
    let at = |visit: &Visit| {
        let (headers, body) = (HeaderMap::new(), followers.to_string());
        let answer = Answer { status: 200, headers: &headers, body: body.as_bytes() };
        let task = Task::of(&Asked::Followers { cursor: None });
        seconds(&Bluesky.read(visit, &task, &answer).expect("it can be read"))
    };
    assert_eq!(at(&visit), [visit.since.unix_timestamp()]);
    visit.synced = Some(datetime!(2026-11-25 0:00 UTC));
    assert_eq!(at(&visit), [datetime!(2026-11-25 0:00 UTC).unix_timestamp()]);
}

#[test]
fn quotes_and_direct_answers_are_told_and_answers_to_answers_are_not() {
    let record = json!({ "text": "so true", "createdAt": "2026-11-21T00:00:00Z" });
    let quote = view("q", ben(), record.clone(), "2026-11-21T00:00:00Z");
    let asked = Asked::Quotes { post: POST.to_owned(), cursor: None };
    let step = read(&asked, &json!({ "posts": [quote] }));
    let id = "quote/at://did:plc:ben/app.bsky.feed.post/q";
    assert_eq!(told(&step), [(id, "reshare", BEN)]);

    let deeper = view("deeper", ben(), record.clone(), "2026-11-21T00:00:00Z");
    let answer = view("r", ben(), record, "2026-11-21T00:00:00Z");
    let thread = json!({ "thread": {
        "$type": "app.bsky.feed.defs#threadViewPost",
        "post": view("p", json!({ "did": ANN }), json!({}), "2026-11-20T00:00:00Z"),
        "replies": [
            { "$type": "app.bsky.feed.defs#threadViewPost", "post": answer, "replies": [{ "post": deeper }] },
            { "$type": "app.bsky.feed.defs#notFoundPost", "uri": "at://x", "notFound": true },
        ],
    }});
    let step = read(&Asked::Replies { post: POST.to_owned() }, &thread);
    assert_eq!(told(&step), [("reply/at://did:plc:ben/app.bsky.feed.post/r", "reply", BEN)]);
    assert!(step.listing.expect("a list").last);
}

#[test]
fn a_thread_that_is_cut_short_takes_nothing_back() {
    let leaf = json!({ "$type": "app.bsky.feed.defs#blockedPost" });
    let mut root = view("p", json!({ "did": ANN }), json!({}), "2026-11-20T00:00:00Z");
    root["replyCount"] = json!(500);
    let thread = json!({ "thread": { "post": root, "replies": vec![leaf; 100] } });
    assert_eq!(read(&Asked::Replies { post: POST.to_owned() }, &thread).listing, None);
}

#[test]
fn mentions_are_asked_with_the_accounts_own_access_alone() {
    let asked = Asked::Mentions { cursor: None };
    let ask = Bluesky.ask(&visit(), &Task::of(&asked)).expect("it can be asked");
    assert_eq!((ask.server, ask.url.host_str()), (Server::Own, Some("own.example")));
    let stranger = Visit { own: None, ..visit() };
    assert_eq!(Bluesky.begin(&visit()).len(), Bluesky.begin(&stranger).len() + 1);
    let refused = Bluesky.ask(&stranger, &Task::of(&asked));
    assert!(matches!(refused, Err(Trouble::AccessRefused { .. })));

    let told_of = |reason: &str, key: &str| {
        json!({
            "uri": format!("at://{BEN}/app.bsky.feed.post/{key}"), "author": ben(), "reason": reason,
            "record": { "text": "hi", "createdAt": "2026-11-21T00:00:00Z" },
            "indexedAt": "2026-11-21T00:00:01Z", "isRead": false,
        })
    };
    let body = json!({ "notifications": [told_of("mention", "m"), told_of("quote", "q")] });
    let id = "mention/at://did:plc:ben/app.bsky.feed.post/m";
    assert_eq!(told(&read(&asked, &body)), [(id, "mention", BEN)]);
}

#[test]
fn errors_are_told_by_their_names_and_not_by_their_status() {
    let with = |asked: &Asked, status, error: &str, message: &str| {
        answered(asked, status, &json!({ "error": error, "message": message }))
    };
    let own = Asked::Mentions { cursor: None };
    let reason = |told: Result<Step, Trouble>| told.expect_err("trouble").reason();
    for (asked, status, error, message, expected) in [
        (&own, 400, "ExpiredToken", "Token has expired", "NETWORK_ACCESS_EXPIRED"),
        (&own, 400, "InvalidToken", "Malformed token", "NETWORK_ACCESS_REFUSED"),
        (&own, 401, "AuthMissing", "", "NETWORK_ACCESS_REFUSED"),
        (&likes(), 403, "", "", "NETWORK_UNAVAILABLE"),
        (&likes(), 400, "AccountDeactivated", "", "NETWORK_ACCOUNT_GONE"),
        (&likes(), 400, "AccountTakedown", "", "NETWORK_ACCOUNT_GONE"),
        (&Asked::Profile, 400, "InvalidRequest", "Profile not found", "NETWORK_ACCOUNT_GONE"),
        (&Asked::Profile, 400, "InvalidRequest", "Error: actor", "NETWORK_ANSWER_MALFORMED"),
        (&likes(), 429, "RateLimitExceeded", "Rate Limit Exceeded", "NETWORK_RATE_LIMITED"),
        (&likes(), 429, "", "", "NETWORK_RATE_LIMITED"),
        (&likes(), 500, "InternalServerError", "bad cursor", "NETWORK_UNAVAILABLE"),
        (&likes(), 501, "MethodNotImplemented", "", "NETWORK_UNAVAILABLE"),
        (&likes(), 502, "UpstreamFailure", "", "NETWORK_UNAVAILABLE"),
    ] {
        assert_eq!(reason(with(asked, status, error, message)), expected, "{error} {message}");
    }
    let headers = HeaderMap::new();
    for (status, body) in [(503, "<html>"), (404, "")] {
        let answer = Answer { status, headers: &headers, body: body.as_bytes() };
        let told = Bluesky.read(&visit(), &Task::of(&likes()), &answer);
        assert_eq!(reason(told), "NETWORK_UNAVAILABLE");
    }
}

#[test]
fn a_post_that_is_gone_has_nothing_and_what_it_had_is_taken_back() {
    for asked in [likes(), Asked::Replies { post: POST.to_owned() }] {
        let gone = json!({ "error": "NotFound", "message": "Post not found" });
        let step = answered(&asked, 400, &gone).expect("a list");
        assert!(step.signals.is_empty() && step.listing.expect("a list").last);
    }
}

#[test]
fn a_cursor_that_is_no_cursor_ends_the_list() {
    let step = read(&likes(), &json!({ "likes": [], "cursor": "" }));
    assert!(step.next.is_none() && step.listing.expect("a list").last);
    let long = json!({ "likes": [], "cursor": "x".repeat(5_000) });
    assert!(matches!(answered(&likes(), 200, &long), Err(Trouble::Malformed { .. })));
}

#[test]
fn a_task_of_another_version_is_none_of_ours() {
    let task = Task::kept(r#"{"kind":"stickers"}"#.to_owned());
    assert!(matches!(Bluesky.ask(&visit(), &task), Err(Trouble::TaskBroken(_))));
}

fn any_json() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<i64>().prop_map(Value::from),
        any::<f64>().prop_map(Value::from),
        "\\PC{0,12}".prop_map(Value::from),
        prop::sample::select(vec![
            ANN,
            BEN,
            POST,
            "2026-11-21T00:00:00Z",
            "mention",
            "commit",
            "create",
            "app.bsky.feed.post"
        ])
        .prop_map(Value::from),
    ];
    let names = prop::sample::select(vec![
        "feed",
        "post",
        "reason",
        "followers",
        "likes",
        "actor",
        "createdAt",
        "indexedAt",
        "repostedBy",
        "posts",
        "thread",
        "replies",
        "notifications",
        "record",
        "uri",
        "did",
        "handle",
        "author",
        "cursor",
        "facets",
        "features",
        "embed",
        "reply",
        "parent",
        "text",
        "kind",
        "commit",
        "operation",
        "collection",
        "rkey",
        "time_us",
        "payload",
        "$type",
        "seq",
        "time",
        "error",
        "account",
        "identity",
        "subject",
    ]);
    leaf.prop_recursive(5, 64, 8, move |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..4).prop_map(Value::from),
            prop::collection::btree_map(names.clone().prop_map(str::to_owned), inner, 0..8)
                .prop_map(|fields| Value::Object(fields.into_iter().collect())),
        ]
    })
}

proptest! {
    #[test]
    fn whatever_is_answered_is_read_or_refused(status in any::<u16>(), body in any_json()) {
        let all = [
            Asked::Profile,
            Asked::Posts { cursor: None },
            Asked::Followers { cursor: None },
            Asked::Mentions { cursor: None },
            likes(),
            Asked::Reposts { post: POST.to_owned(), posted: i64::MAX, cursor: None },
            Asked::Quotes { post: POST.to_owned(), cursor: None },
            Asked::Replies { post: POST.to_owned() },
        ];
        for asked in &all {
            for status in [200, status] {
                let _ = answered(asked, status, &body);
            }
        }
        for framing in [jetstream::Framing::Subscribe, jetstream::Framing::SubscribeEvents] {
            let _ = framing.read(body.to_string().as_bytes(), NOW);
        }
    }

    #[test]
    fn whatever_bytes_come_are_read_or_refused(body in prop::collection::vec(any::<u8>(), 0..64)) {
        let headers = HeaderMap::new();
        let answer = Answer { status: 200, headers: &headers, body: &body };
        prop_assert!(Bluesky.read(&visit(), &Task::of(&likes()), &answer).is_err());
    }
}

#[test]
fn an_address_that_was_recorded_is_what_asks_for_it() {
    let post = POST.to_owned();
    let cursor = Some("c".to_owned());
    for asked in [
        Asked::Posts { cursor: cursor.clone() },
        Asked::Followers { cursor: cursor.clone() },
        Asked::Mentions { cursor: None },
        Asked::Likes { post: post.clone(), cursor },
        Asked::Reposts { post: post.clone(), posted: 0, cursor: None },
        Asked::Quotes { post: post.clone(), cursor: None },
        Asked::Replies { post },
    ] {
        let task = Task::of(&asked);
        let url = Bluesky.ask(&visit(), &task).expect("an address").url;
        assert_eq!(Bluesky.recorded(&url), Some(Recorded::Task(task)));
    }
    let account = Bluesky.resolve(&visit()).expect("a handle").url;
    assert_eq!(Bluesky.recorded(&account), Some(Recorded::Account));
    let other = "https://public.example/xrpc/app.bsky.feed.getTimeline".parse().expect("a URL");
    assert_eq!(Bluesky.recorded(&other), None);
}
