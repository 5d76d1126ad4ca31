//! What targets share: answers of networks, as bytes.

use http::{HeaderMap, HeaderName, HeaderValue};
use klout_networks::{Account, Answer, Mode, Network, Recorded, Task, Visit, built};
use time::{OffsetDateTime, macros::datetime};
use url::Url;

/// When all visits are.
pub const NOW: OffsetDateTime = datetime!(2026-11-26 12:00 UTC);

/// Reads an answer of a network, and holds what comes of it against what is promised.
///
/// The first line is the path that was asked, then there are lines of headers, of which `status` is the status, and
/// after an empty line the body.
///
/// # Panics
///
/// When a promise is broken.
pub fn read(name: &str, bytes: &[u8]) {
    let network = built().iter().find(|it| it.description().network == name);
    let network = *network.expect("it is built in");
    let Some((path, rest)) = split(bytes, b"\n") else { return };
    let (headers, body) = split(rest, b"\n\n").unwrap_or((rest, b""));
    let (status, headers) = parse(headers);
    let answer = Answer { status, headers: &headers, body };
    let Ok(path) = std::str::from_utf8(path) else { return };
    let Ok(url) = Url::parse(SERVER).expect("an address").join(path) else { return };
    if url.origin().ascii_serialization() != SERVER {
        return;
    }
    let Some(recorded) = network.recorded(&url) else { return };
    for mode in [Mode::Backfill, Mode::Incremental] {
        hold(network, &visit(name, mode), &recorded, &answer);
    }
}

/// Headers of lines, and the status that one of them may be.
#[must_use]
pub fn parse(lines: &[u8]) -> (u16, HeaderMap) {
    let (mut status, mut headers) = (200, HeaderMap::new());
    for line in lines.split(|it| *it == b'\n').take(32) {
        let Some((name, value)) = split(line, b":") else { continue };
        let value = value.trim_ascii();
        if name == b"status" {
            status = std::str::from_utf8(value).ok().and_then(|it| it.parse().ok()).unwrap_or(200);
        } else if let (Ok(name), Ok(value)) =
            (HeaderName::from_bytes(name), HeaderValue::from_bytes(value))
        {
            headers.append(name, value);
        }
    }
    (status, headers)
}

/// Whom visits ask.
pub const SERVER: &str = "https://social.example";

/// A visit of an account that gave access.
#[must_use]
pub fn visit(network: &str, mode: Mode) -> Visit {
    let (native_id, handle) = match network {
        "bluesky" => ("did:plc:ann", "ann.example"),
        "mastodon" => ("ann@social.example", "ann@social.example"),
        "wikipedia" => ("social.example/1", "Ann"),
        _ => ("1", "ann"),
    };
    let server = Url::parse(SERVER).expect("an address");
    Visit {
        account: Account { native_id: native_id.to_owned(), handle: Some(handle.to_owned()) },
        public: server.clone(),
        own: Some(server),
        mode,
        since: datetime!(2026-08-29 00:00 UTC),
        synced: Some(datetime!(2026-11-20 06:00 UTC)),
        now: NOW,
    }
}

fn hold(network: &dyn Network, visit: &Visit, recorded: &Recorded, answer: &Answer<'_>) {
    let tasks = match recorded {
        Recorded::Account => {
            if let Err(trouble) = network.resolved(visit, answer) {
                assert!(trouble.reason().starts_with("NETWORK_"));
            }
            // Visits begin with the same answers.
            network.begin(visit).into_iter().map(|it| it.task).take(1).collect()
        }
        Recorded::Task(task) => vec![task.clone()],
    };
    for task in tasks {
        hold_task(network, visit, &task, answer);
    }
}

fn hold_task(network: &dyn Network, visit: &Visit, task: &Task, answer: &Answer<'_>) {
    let step = match network.read(visit, task, answer) {
        Ok(step) => step,
        Err(trouble) => return assert!(trouble.reason().starts_with("NETWORK_")),
    };
    for task in step.next.iter().chain(step.then.iter().map(|it| &it.task)) {
        if let Ok(ask) = network.ask(visit, task) {
            assert_eq!(ask.url.origin(), visit.public.origin(), "nobody leaves the server");
        }
    }
    let name = network.description().network;
    assert!(step.signals.iter().all(|it| it.network == name && it.content.is_some()));
}

fn split<'a>(bytes: &'a [u8], at: &[u8]) -> Option<(&'a [u8], &'a [u8])> {
    let place = bytes.windows(at.len()).position(|it| it == at)?;
    Some((&bytes[..place], &bytes[place + at.len()..]))
}
