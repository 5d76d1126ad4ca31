//! An article in a wiki that is made up here, asked until nothing is left to be asked.

use std::collections::{BTreeMap, BTreeSet, VecDeque};

use http::{HeaderMap, HeaderValue};
use proptest::prelude::*;
use serde_json::{Value, json};
use time::{Duration, OffsetDateTime, macros::datetime};

use super::*;
use crate::{Mode, Seen};

const NOW: OffsetDateTime = datetime!(2026-11-26 12:00 UTC);

fn visit(native_id: &str, handle: &str) -> Visit {
    Visit {
        account: Account { native_id: native_id.to_owned(), handle: Some(handle.to_owned()) },
        public: "https://en.wikipedia.org/w/api.php".parse().expect("an address"),
        own: None,
        mode: Mode::Backfill,
        since: NOW - Duration::days(89),
        synced: None,
        now: NOW,
    }
}

fn ann() -> Visit {
    visit("en.wikipedia.org/1", "Ann Example")
}

/// A wiki that answers as MediaWiki does, two items at a time.
#[derive(Default)]
struct Wiki {
    /// By number: title, links, and whether the first link is a redirect.
    pages: BTreeMap<u64, (String, Vec<String>, bool)>,
}

impl Wiki {
    fn page(&mut self, title: &str, links: &[&str]) -> u64 {
        let number = u64::try_from(self.pages.len()).expect("few") + 1;
        let links = links.iter().map(|it| (*it).to_owned()).collect();
        self.pages.insert(number, (title.to_owned(), links, false));
        number
    }

    fn redirect(&mut self, title: &str, to: &str) {
        let number = self.page(title, &[to]);
        self.pages.get_mut(&number).expect("just made").2 = true;
    }

    fn number(&self, title: &str) -> Option<u64> {
        self.pages.iter().find(|(_, it)| it.0 == title).map(|(number, _)| *number)
    }

    fn linking(&self, title: &str) -> Vec<(u64, &str, bool)> {
        let links = self.pages.iter().filter(|(_, it)| it.1.iter().any(|to| to == title));
        links.map(|(number, it)| (*number, it.0.as_str(), it.2)).collect()
    }

    fn answer(&self, url: &Url) -> Value {
        let asked: BTreeMap<String, String> = url.query_pairs().into_owned().collect();
        let get = |name: &str| asked.get(name).map(String::as_str).unwrap_or_default();
        assert_eq!([get("action"), get("maxlag")], ["query", "5"]);
        let ids = get("pageids").split('|').filter_map(|it| it.parse::<u64>().ok());
        let ids: BTreeSet<u64> = ids.collect();
        assert!(ids.len() <= 50, "no more is allowed");
        let of = |number: &u64| match self.pages.get(number) {
            Some((title, _, redirect)) => json!({"pageid": number, "ns": 0, "title": title,
                "redirect": redirect, "touched": "2026-11-01T00:00:00Z"}),
            None => json!({"pageid": number, "missing": true}),
        };
        if get("list") == "backlinks" {
            let number = get("blpageid").parse().expect("a number");
            let items: Vec<Value> = self.linking(&self.pages[&number].0).into_iter().map(|(number, title, redirect)| {
                let mut item = json!({"pageid": number, "ns": 0, "title": title});
                if redirect {
                    item["redirect"] = json!(true);
                    item["redirlinks"] = self.linking(title).into_iter()
                        .map(|(number, title, _)| json!({"pageid": number, "ns": 0, "title": title})).collect();
                }
                item
            }).collect();
            return parts(
                items,
                get("blcontinue"),
                "blcontinue",
                |items| json!({"backlinks": items}),
            );
        }
        if get("generator") == "links" {
            let number = ids.first().expect("one");
            let items = self.pages[number].1.iter().map(|to| match self.number(to) {
                Some(number) if self.pages[&number].2 => {
                    of(&self.number(&self.pages[&number].1[0]).expect("there"))
                }
                Some(number) => of(&number),
                None => json!({"ns": 0, "title": to, "missing": true}),
            });
            return parts(
                items.collect(),
                get("gplcontinue"),
                "gplcontinue",
                |items| json!({"pages": items}),
            );
        }
        let pairs: Vec<(u64, Value)> = match get("prop") {
            "linkshere" => ids
                .iter()
                .flat_map(|id| {
                    self.linking(&self.pages[id].0)
                        .into_iter()
                        .filter(|it| !it.2)
                        .map(|(number, title, _)| {
                            (*id, json!({"pageid": number, "ns": 0, "title": title}))
                        })
                        .collect::<Vec<_>>()
                })
                .collect(),
            "links" => ids
                .iter()
                .flat_map(|id| {
                    self.pages[id].1.iter().map(|to| (*id, json!({"ns": 0, "title": to})))
                })
                .collect(),
            "info" => Vec::new(),
            other => panic!("{other} is not asked for"),
        };
        let (from, name) = match get("prop") {
            "links" => (get("plcontinue"), "links"),
            _ => ("", "linkshere"),
        };
        let start: usize = from.rsplit('|').next().and_then(|it| it.parse().ok()).unwrap_or(0);
        let end = (start + 2).min(pairs.len());
        let pages: Vec<Value> = ids
            .iter()
            .map(|id| {
                let mut page = of(id);
                let items: Vec<&Value> =
                    pairs[start..end].iter().filter(|it| it.0 == *id).map(|it| &it.1).collect();
                if !items.is_empty() {
                    page[name] = json!(items);
                }
                page
            })
            .collect();
        match pairs.get(end).filter(|_| name == "links") {
            Some((id, _)) => {
                json!({"continue": {"plcontinue": format!("{id}|0|{end}"), "continue": "||"}, "query": {"pages": pages}})
            }
            None => json!({"batchcomplete": true, "query": {"pages": pages}}),
        }
    }
}

fn parts(items: Vec<Value>, from: &str, name: &str, whole: impl Fn(&[Value]) -> Value) -> Value {
    let start: usize = from.parse().unwrap_or(0);
    let end = (start + 2).min(items.len());
    match end < items.len() {
        true => {
            json!({"continue": {name: end.to_string(), "continue": "-||"}, "query": whole(&items[start..end])})
        }
        false => json!({"batchcomplete": true, "query": whole(&items[start..end])}),
    }
}

fn read(visit: &Visit, task: &Task, status: u16, body: &[u8]) -> Result<Step, Trouble> {
    let headers = HeaderMap::new();
    Wikipedia.read(visit, task, &Answer { status, headers: &headers, body })
}

/// All that comes of a visit: numbers by their names, lists that were read, and what it noted.
#[derive(Default, Debug)]
struct Told {
    numbers: BTreeMap<String, f64>,
    lists: Vec<String>,
    seen: Vec<Seen>,
    handle: Option<String>,
}

fn visited(wiki: &Wiki, visit: &Visit) -> Result<Told, Trouble> {
    let mut told = Told::default();
    let mut waiting: VecDeque<Task> =
        Wikipedia.begin(visit).into_iter().map(|it| it.task).collect();
    for _ in 0..1_000 {
        let Some(task) = waiting.pop_front() else { return Ok(told) };
        assert!(task.as_str().len() <= 1 << 20);
        let ask = Wikipedia.ask(visit, &task).expect("a task of ours");
        let step = read(visit, &task, 200, wiki.answer(&ask.url).to_string().as_bytes())?;
        for signal in step.signals {
            let Some(Content::Counter(counter)) = signal.content else { panic!("it is a counter") };
            told.numbers.insert(counter.name, counter.value);
        }
        told.lists.extend(step.listing.filter(|it| it.last).map(|it| it.name));
        told.handle = step.account.and_then(|it| it.handle).or(told.handle);
        waiting.extend(step.next);
        for then in step.then {
            told.seen.extend(then.unless);
            waiting.push_back(then.task);
        }
    }
    panic!("a visit ends")
}

fn small() -> Wiki {
    let mut wiki = Wiki::default();
    wiki.page("Ann Example", &["Klout", "Rust", "Nowhere", "Old Ann", "Crab"]);
    wiki.page("Klout", &["Ann Example", "Rust"]);
    wiki.page("Rust", &["Klout", "Ann Example", "Old Ann", "Nowhere else"]);
    wiki.redirect("Old Ann", "Ann Example");
    wiki.page("Fan", &["Old Ann", "Klout"]);
    wiki.redirect("Crab", "Rust");
    for other in 0..5 {
        wiki.page(&format!("Other {other}"), &["Rust"]);
    }
    wiki
}

#[test]
fn links_are_counted_once_over_redirects_and_only_where_there_is_a_page() {
    let told = visited(&small(), &ann()).expect("it can be read");

    // Klout, Rust (twice), Fan over a redirect; the redirect and the article itself are none.
    assert_eq!(told.numbers["page_inlinks"], 3.0);
    // Klout, Rust (twice, once as Crab); not what is nowhere, not itself.
    assert_eq!(told.numbers["page_outlinks"], 2.0);
    let rank = told.numbers["page_rank"];
    assert!(rank > 1.0 && rank < 4.0, "{rank}");
    assert_eq!(told.lists.len(), 3);
}

#[test]
fn who_comes_to_an_article_that_nobody_links_to_comes_by_chance() {
    let mut wiki = Wiki::default();
    wiki.page("Ann Example", &["Nowhere"]);
    let told = visited(&wiki, &ann()).expect("it can be read");
    assert_eq!(told.numbers["page_inlinks"], 0.0);
    assert_eq!(told.numbers["page_outlinks"], 0.0);
    let rank = told.numbers["page_rank"];
    assert!((rank - 0.15).abs() < 1e-12, "{rank}");
}

#[test]
fn one_more_link_raises_the_rank() {
    let mut wiki = small();
    let before = visited(&wiki, &ann()).expect("it can be read").numbers["page_rank"];
    wiki.page("Another fan", &["Old Ann"]);
    let after = visited(&wiki, &ann()).expect("it can be read").numbers["page_rank"];
    assert!(after > before, "{before} {after}");
}

#[test]
fn a_page_that_is_renamed_keeps_its_links_and_tells_its_name() {
    let mut wiki = small();
    let before = visited(&wiki, &ann()).expect("it can be read");
    wiki.pages.get_mut(&1).expect("there").0 = "Ann E. Example".to_owned();
    wiki.redirect("Ann Example", "Ann E. Example");

    let after = visited(&wiki, &ann()).expect("it can be read");

    assert_eq!(after.numbers["page_inlinks"], before.numbers["page_inlinks"]);
    assert_eq!(after.handle.as_deref(), Some("Ann E. Example"));
}

#[test]
fn a_page_that_is_gone_is_a_gone_account_and_one_that_sends_elsewhere_tells_nothing() {
    let mut wiki = small();
    wiki.pages.get_mut(&1).expect("there").2 = true;
    let told = visited(&wiki, &ann()).expect("it can be read");
    assert!(told.numbers.is_empty(), "{told:?}");
    // All it told is taken back: the lists were read, and are empty.
    assert_eq!(told.lists, ["page_inlinks", "page_outlinks", "page_rank"]);

    wiki.pages.remove(&1);
    assert!(matches!(visited(&wiki, &ann()), Err(Trouble::AccountGone)));
}

#[test]
fn what_follows_is_left_out_when_nothing_has_changed() {
    let told = visited(&small(), &ann()).expect("it can be read");
    let seen: Vec<_> = told.seen.iter().map(|it| (it.item.as_str(), it.value.as_str())).collect();
    assert_eq!(seen, [("page_outlinks", "2026-11-01T00:00:00Z"), ("page_rank", "3")]);
    assert_eq!([31, 32, 33, 1_000, 1_023, 9_999].map(roughly), [31, 32, 32, 992, 992, 9_728]);
}

#[test]
fn a_number_of_the_same_day_is_the_same_signal_until_it_changes() {
    let id = |value| told(&ann(), "page_inlinks", value).signals[0].signal_id.clone();
    assert_eq!(id(3.0), "page_inlinks@2026-11-26=3");
    assert_ne!(id(3.0), id(4.0));
    let tomorrow = Visit { now: NOW + Duration::DAY, ..ann() };
    assert_ne!(id(3.0), told(&tomorrow, "page_inlinks", 3.0).signals[0].signal_id);
}

#[track_caller]
fn resolved(body: &Value) -> Result<Account, Trouble> {
    let headers = HeaderMap::new();
    let body = body.to_string();
    let answer = Answer { status: 200, headers: &headers, body: body.as_bytes() };
    Wikipedia.resolved(&visit("", "Ann Example"), &answer)
}

#[test]
fn whose_article_it_is_is_told_by_the_number_of_its_page() {
    let ask = Wikipedia.resolve(&visit("", "Ann_Example")).expect("a title");
    let query = "action=query&format=json&formatversion=2&maxlag=5&titles=Ann+Example&redirects=1&prop=pageprops&ppprop=disambiguation";
    assert_eq!(ask.url.as_str(), format!("https://en.wikipedia.org/w/api.php?{query}"));

    let page = json!({"pageid": 2, "ns": 0, "title": "Ann Example"});
    let redirects = json!([{"from": "Old Ann", "to": "Ann Example"}]);
    let account = resolved(&json!({"query": {"redirects": redirects, "pages": [page]}}));
    let account = account.expect("it is there");
    assert_eq!(account.native_id, "en.wikipedia.org/2");
    assert_eq!(account.handle.as_deref(), Some("Ann Example"));
}

#[test]
fn what_was_asked_for_is_told_by_its_address() {
    for work in [Work::Page, Work::Inlinks(Inlinks::default()), Work::Outlinks(Outlinks::default())]
    {
        let url = Wikipedia.ask(&ann(), &work.task()).expect("ours").url;
        assert_eq!(Wikipedia.recorded(&url), Some(Recorded::Task(work.task())));
    }
    let url = Wikipedia.resolve(&ann()).expect("a title").url;
    assert_eq!(Wikipedia.recorded(&url), Some(Recorded::Account));
    let other = "https://en.wikipedia.org/w/index.php?titles=Ann".parse().expect("an address");
    assert_eq!(Wikipedia.recorded(&other), None);
}

#[test]
fn what_is_no_article_about_somebody_is_nobodys() {
    let page = |more: Value| {
        let mut page = json!({"pageid": 2, "ns": 0, "title": "Ann"});
        page.as_object_mut().expect("one").extend(more.as_object().expect("one").clone());
        json!({"query": {"pages": [page]}})
    };
    assert!(resolved(&page(json!({}))).is_ok());
    for nobody in [
        page(json!({"missing": true, "pageid": null})),
        json!({"query": {"pages": [{"title": "a<b", "invalid": true, "invalidreason": "…"}]}}),
        page(json!({"ns": 3})),
        page(json!({"pageprops": {"disambiguation": ""}})),
        json!({"query": {"interwiki": [{"title": "w:Ann", "iw": "w"}]}}),
        json!({"batchcomplete": true}),
        json!({"query": {"redirects": [{"from": "Ann", "to": "Examples", "tofragment": "Ann"}],
            "pages": [{"pageid": 9, "ns": 0, "title": "Examples"}]}}),
    ] {
        assert!(matches!(resolved(&nobody), Err(Trouble::AccountGone)), "{nobody}");
    }
}

#[test]
fn errors_hide_in_answers_that_seem_to_be_good() {
    let said = |code: &str| {
        let body = json!({"error": {"code": code, "info": "because", "docref": "see"}});
        read(&ann(), &Work::Page.task(), 200, body.to_string().as_bytes()).expect_err("it is one")
    };
    for (code, reason) in [
        ("ratelimited", "NETWORK_RATE_LIMITED"),
        ("maxlag", "NETWORK_RATE_LIMITED"),
        ("readonly", "NETWORK_UNAVAILABLE"),
        ("internal_api_error_DBQueryError", "NETWORK_UNAVAILABLE"),
        ("nosuchpageid", "NETWORK_ACCOUNT_GONE"),
        ("readapidenied", "NETWORK_ACCESS_REFUSED"),
        ("badvalue", "NETWORK_ANSWER_MALFORMED"),
        ("badcontinue", "NETWORK_ANSWER_MALFORMED"),
    ] {
        assert_eq!(said(code).reason(), reason, "{code}");
    }
    let of = |status, body: &str| {
        read(&ann(), &Work::Page.task(), status, body.as_bytes()).expect_err("it is one").reason()
    };
    assert_eq!(of(429, "<html>"), "NETWORK_RATE_LIMITED");
    assert_eq!(of(403, "<html>"), "NETWORK_UNAVAILABLE");
    assert_eq!(of(503, ""), "NETWORK_UNAVAILABLE");
    assert_eq!(of(200, "<html>"), "NETWORK_ANSWER_MALFORMED");
}

#[test]
fn an_error_in_a_header_counts_and_says_how_long_to_wait() {
    let mut headers = HeaderMap::new();
    headers.insert("mediawiki-api-error", HeaderValue::from_static("maxlag"));
    headers.insert("retry-after", HeaderValue::from_static("5"));
    let answer = Answer { status: 200, headers: &headers, body: b"{}" };
    let trouble = Wikipedia.read(&ann(), &Work::Page.task(), &answer).expect_err("it is behind");
    let Trouble::RateLimited { until } = trouble else { panic!("{trouble}") };
    assert_eq!(until, Some(NOW + Duration::seconds(5)));
}

#[test]
fn a_list_whose_place_is_lost_is_begun_again_twice_and_then_left() {
    let lost = br#"{"error":{"code":"badcontinue","info":"Invalid continue param."}}"#;
    let place = json!({"blcontinue": "0|3", "continue": "-||"});
    let mut task = Task::kept(
        json!({"kind": "inlinks", "at": place, "ids": [4, 5], "names": ["Ann"], "linkers": []})
            .to_string(),
    );
    for _ in 0..2 {
        let step = read(&ann(), &task, 200, lost).expect("begun again");
        task = step.next.expect("from the beginning");
        assert!(!Wikipedia.ask(&ann(), &task).expect("ours").url.as_str().contains("blcontinue"));
    }
    assert!(matches!(read(&ann(), &task, 200, lost), Err(Trouble::Malformed { .. })));
}

#[test]
fn a_wiki_that_goes_on_for_ever_or_sends_us_elsewhere_is_not_followed() {
    let task = Work::Inlinks(Inlinks::new("Ann Example")).task();
    let answer = |on: Value| json!({"continue": on, "query": {"backlinks": []}}).to_string();
    let on = answer(json!({"blcontinue": "0|3", "continue": "-||"}));
    let next = read(&ann(), &task, 200, on.as_bytes()).expect("it goes on").next.expect("on");
    let asked = Wikipedia.ask(&ann(), &next).expect("ours").url;
    assert!(asked.as_str().ends_with("&blcontinue=0%7C3&continue=-%7C%7C"), "{asked}");
    assert!(read(&ann(), &next, 200, on.as_bytes()).is_err(), "it is where it was");

    for other in [
        json!({"action": "login"}),
        json!({"blcontinue": {"$gt": ""}}),
        json!({"blcontinue": "x".repeat(2_000)}),
        (0..20).map(|it| (format!("a{it}continue"), json!(""))).collect(),
    ] {
        let body = answer(other);
        assert!(read(&ann(), &task, 200, body.as_bytes()).is_err(), "{body}");
    }
}

#[test]
fn a_wiki_that_tells_without_end_is_kept_within_bounds() {
    let long = "x".repeat(255);
    let mut task = Work::Inlinks(Inlinks::new("Ann Example")).task();
    let mut parts = 0_u64;
    let rank = loop {
        let backlinks: Vec<Value> = (0..5_000_u64)
            .map(|it| json!({"pageid": u64::MAX - parts * 5_000 - it, "ns": 0, "title": long}))
            .collect();
        let on = json!({"blcontinue": parts.to_string(), "continue": "-||"});
        let body = json!({"continue": on, "query": {"backlinks": backlinks}}).to_string();
        let step = read(&ann(), &task, 200, body.as_bytes()).expect("it can be read");
        parts += 1;
        match step.next {
            Some(next) => task = next,
            None => break step.then[0].task.clone(),
        }
        assert!(task.as_str().len() <= 1 << 20);
    };
    assert_eq!(parts, 2);

    let mut task = rank;
    let mut requests = 0_u64;
    loop {
        let asked = Wikipedia.ask(&ann(), &task).expect("ours").url;
        let asked: BTreeMap<String, String> = asked.query_pairs().into_owned().collect();
        let links: Vec<Value> = (0..500_u64)
            .map(|it| json!({"pageid": requests * 500 + it, "ns": 0, "title": format!("{it}{}", &long[..250])}))
            .collect();
        let pages = asked["pageids"].split('|').filter_map(|it| it.parse::<u64>().ok());
        let pages: Vec<Value> = pages
            .map(|it| json!({"pageid": it, "ns": 0, "links": links, "linkshere": links}))
            .collect();
        let on = json!({"plcontinue": format!("{requests}|0|x"), "continue": "||"});
        let body = json!({"continue": on, "query": {"pages": pages}}).to_string();
        let step = read(&ann(), &task, 200, body.as_bytes()).expect("it can be read");
        requests += 1;
        match step.next {
            Some(next) => task = next,
            None => break,
        }
        assert!(task.as_str().len() <= 1 << 20, "{}", task.as_str().len());
    }
    assert!(requests < 100, "{requests}");
}

fn any_json() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<i64>().prop_map(Value::from),
        any::<f64>().prop_map(Value::from),
        prop_oneof![Just("Ann Example".to_owned()), "\\PC{0,8}"].prop_map(Value::from),
    ];
    let name = prop_oneof![
        prop::sample::select(
            &[
                "query",
                "pages",
                "backlinks",
                "redirlinks",
                "redirect",
                "links",
                "linkshere",
                "pageid",
                "ns",
                "title",
                "missing",
                "invalid",
                "touched",
                "continue",
                "plcontinue",
                "blcontinue",
                "error",
                "code",
                "info",
                "pageprops",
                "redirects",
                "tofragment",
            ][..]
        )
        .prop_map(str::to_owned),
        "[a-z]{0,6}",
    ];
    leaf.prop_recursive(5, 40, 5, move |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..4).prop_map(Value::from),
            prop::collection::vec((name.clone(), inner), 0..5)
                .prop_map(|fields| Value::Object(fields.into_iter().collect())),
        ]
    })
}

/// An answer that is nearly right.
fn any_answer() -> impl Strategy<Value = Value> {
    let number =
        prop_oneof![(0_u64..6).prop_map(Value::from), any::<i64>().prop_map(Value::from)].boxed();
    let link = (number.clone(), "[AK]{1,2}", any_json()).prop_map(
        |(id, title, redirlinks)| json!({"pageid": id, "ns": 0, "title": title, "redirlinks": redirlinks}),
    );
    let links = prop::collection::vec(link, 0..4).boxed();
    let page = (number, "[AK]{1,2}", links.clone(), any::<bool>()).prop_map(|(id, title, links, redirect)| {
        json!({"pageid": id, "ns": 0, "title": title, "links": links, "linkshere": links, "redirect": redirect})
    });
    let pages = prop::collection::vec(page, 0..4);
    let on = prop_oneof![Just(json!({"plcontinue": "2|0|A"})), Just(Value::Null), any_json()];
    prop_oneof![
        any_json(),
        (pages, links, on).prop_map(
            |(pages, links, on)| json!({"continue": on, "query": {"pages": pages, "backlinks": links}})
        ),
    ]
}

proptest! {
    #[test]
    fn whatever_a_wiki_answers_is_read_or_refused(
        answers in prop::collection::vec(any_answer(), 1..8),
        status in prop_oneof![Just(200_u16), any::<u16>()],
    ) {
        let mut waiting: Vec<Task> = vec![
            Work::Page.task(),
            Work::Nothing { list: PAGE_RANK.to_owned() }.task(),
            Work::Inlinks(Inlinks::new("A")).task(),
            Work::Outlinks(Outlinks::default()).task(),
            Task::kept(r#"{"kind":"further","batch":0,"around":{"names":["A"],"pages":[{"id":1,"title":""},{"id":2,"title":"K"}],"linkers":9,"read":0}}"#.to_owned()),
            Task::kept(r#"{"kind":"links","batch":0,"parts":0,"around":{"names":["A"],"pages":[{"id":1,"title":""},{"id":2,"title":"K","to":[0,7]}],"linkers":1,"read":0}}"#.to_owned()),
        ];
        for body in answers {
            let body = body.to_string();
            let mut following = Vec::new();
            for task in &waiting {
                prop_assert!(Wikipedia.ask(&ann(), task).is_ok());
                if let Ok(step) = read(&ann(), task, status, body.as_bytes()) {
                    for signal in &step.signals {
                        let Some(Content::Counter(counter)) = &signal.content else { panic!("a counter") };
                        prop_assert!(counter.value.is_finite() && counter.value >= 0.0);
                    }
                    following.extend(step.next);
                    following.extend(step.then.into_iter().map(|it| it.task));
                }
            }
            waiting.extend(following);
            waiting.truncate(24);
            let headers = HeaderMap::new();
            let _account = Wikipedia.resolved(&ann(), &Answer { status, headers: &headers, body: body.as_bytes() });
        }
    }

    #[test]
    fn a_task_of_somebody_else_is_refused(json in any_json()) {
        let task = Task::kept(json.to_string());
        if let Ok(step) = read(&ann(), &task, 200, b"{}") {
            prop_assert!(step.signals.len() <= 1);
        }
    }
}
