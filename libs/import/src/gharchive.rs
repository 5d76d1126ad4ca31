//! Hours of GH Archive as signals: what people do to the repositories of others.

mod event;

use klout_model::RowReason;
use klout_proto::{
    convert::timestamp,
    signal::v1::{Account, Interaction, Signal, signal::Content},
};
use time::{OffsetDateTime, format_description::well_known::Rfc3339};

use crate::{Found, lines::Line};

use self::event::Event;

/// Where all of it happened.
const NETWORK: &str = "github";

pub(crate) fn read(line: Line<'_>) -> Found {
    if line.too_long {
        return Found::rejected(RowReason::RowMalformed);
    }
    let event = match serde_json::from_slice::<Event<'_>>(line.bytes) {
        Ok(event) => event,
        Err(error) => {
            let detail = Some(error.to_string());
            return Found::Rejected { reason: RowReason::RowMalformed, detail };
        }
    };
    match signal(&event, line.bytes) {
        Ok(Some(signal)) => Found::Signal(Box::new(signal)),
        Ok(None) => Found::NoReaction,
        Err(reason) => Found::rejected(reason),
    }
}

/// The kind of reaction that a type of event is, by its name in the minimised form and in the full one.
fn kind(event_type: &str) -> Option<&'static str> {
    Some(match event_type {
        "watch" | "WatchEvent" => "like",
        "fork" | "ForkEvent" => "reshare",
        "icomment" | "IssueCommentEvent" => "comment",
        "ccomment" | "CommitCommentEvent" => "comment",
        "prcomment" | "PullRequestReviewCommentEvent" => "comment",
        "issue" | "IssuesEvent" => "mention",
        "pr" | "PullRequestEvent" | "prreview" | "PullRequestReviewEvent" => "reply",
        "follow" | "FollowEvent" => "follow",
        _ => return None,
    })
}

/// `None`: it is no reaction to somebody else.
fn signal(event: &Event<'_>, line: &[u8]) -> Result<Option<Signal>, RowReason> {
    let event_type = event.event_type.as_deref().ok_or(RowReason::RowMalformed)?;
    let Some(kind) = kind(event_type) else { return Ok(None) };
    let actor = event.actor().ok_or(RowReason::AccountInvalid)?;
    let (subject, post) = if kind == "follow" {
        (event.target(), None)
    } else {
        let Some(repository) = event.repository() else { return Err(RowReason::RowMalformed) };
        let owner = repository.split_once('/').map(|(owner, _)| owner.to_owned());
        (owner, Some(repository))
    };
    let subject = subject.filter(|it| !it.is_empty()).ok_or(RowReason::AccountInvalid)?;
    // To GitHub, names that differ in case only are one, and who writes their own in two ways does it to
    // themselves. A native id keeps the case of the archive all the same.
    if subject.eq_ignore_ascii_case(&actor) {
        return Ok(None);
    }
    let time = event.time().ok_or(RowReason::TimeInvalid)?;
    let time = OffsetDateTime::parse(&time, &Rfc3339).map_err(|_| RowReason::TimeInvalid)?;
    let interaction = Interaction {
        actor: Some(account(&actor)),
        subject: Some(account(&subject)),
        kind: kind.to_owned(),
        count: None,
        post,
        label: None,
    };
    Ok(Some(Signal {
        network: NETWORK.to_owned(),
        signal_id: event.id()?.unwrap_or_else(|| line_id(line)),
        time: Some(timestamp(time)),
        content: Some(Content::Interaction(interaction)),
    }))
}

fn account(login: &str) -> Account {
    Account { native_id: format!("login/{login}"), handle: Some(login.to_owned()) }
}

/// The identity of an event that has no id, as in the first years: all that the line says.
fn line_id(line: &[u8]) -> String {
    format!("line:{}", &blake3::hash(line).to_hex()[..32])
}

#[cfg(test)]
mod tests {
    use std::io::Cursor;

    use proptest::prelude::*;

    use super::*;
    use crate::{EachLine, Input, SignalReader as _};

    fn read_all(bytes: Vec<u8>) -> Vec<Found> {
        let input = Input::from_reader("test".to_owned(), Cursor::new(bytes), None);
        let mut reader = EachLine::of_gharchive(input.expect("readable")).expect("readable");
        let mut found = Vec::new();
        while let Some(entry) = reader.next_entry().expect("readable") {
            found.push(entry.found);
        }
        found
    }

    /// Id, actor, subject, kind and post of the signal in a line.
    fn parts(line: &str) -> Option<(String, String, String, String, Option<String>)> {
        let found = read_all(line.as_bytes().to_vec()).remove(0);
        let signal = match found {
            Found::Signal(signal) => signal,
            Found::NoReaction => return None,
            other @ (Found::Rejected { .. } | Found::Noted) => panic!("{other:?}"),
        };
        let Some(Content::Interaction(it)) = signal.content else { panic!("an interaction") };
        let name = |account: Option<Account>| account.expect("an account").native_id;
        Some((signal.signal_id, name(it.actor), name(it.subject), it.kind, it.post))
    }

    fn reaction(
        id: &str,
        kind: &str,
        post: Option<&str>,
    ) -> Option<(String, String, String, String, Option<String>)> {
        let (bob, ann) = ("login/bob".to_owned(), "login/ann".to_owned());
        Some((id.to_owned(), bob, ann, kind.to_owned(), post.map(str::to_owned)))
    }

    #[test]
    fn all_shapes_of_an_event_are_the_same_reaction() {
        let minimised = r#"{"id":"7","dt":"2015-02-22T21:00:00Z","repo":"ann/x","type":"watch","actor":"bob","action":"started"}"#;
        let full = r#"{"id":"7","type":"WatchEvent","actor":{"id":1,"login":"bob"},"repo":{"id":2,"name":"ann/x"},"payload":{"action":"started"},"public":true,"created_at":"2015-02-22T21:00:00Z"}"#;
        let older = r#"{"id":7,"type":"WatchEvent","actor":"bob","actor_attributes":{"login":"bob"},"repository":{"owner":"ann","name":"x"},"payload":{},"created_at":"2013-02-22T21:00:00-08:00"}"#;
        for line in [minimised, full, older] {
            assert_eq!(parts(line), reaction("7", "like", Some("ann/x")), "{line}");
        }
        let without_id = older.replace(r#""id":7,"#, "");
        let found = parts(&without_id).expect("a reaction");
        assert!(found.0.starts_with("line:") && Some(found) == parts(&without_id));
    }

    #[test]
    fn every_type_has_its_meaning() {
        for (event_type, minimised, kind) in [
            ("WatchEvent", "watch", Some("like")),
            ("ForkEvent", "fork", Some("reshare")),
            ("IssueCommentEvent", "icomment", Some("comment")),
            ("CommitCommentEvent", "ccomment", Some("comment")),
            ("PullRequestReviewCommentEvent", "prcomment", Some("comment")),
            ("IssuesEvent", "issue", Some("mention")),
            ("PullRequestEvent", "pr", Some("reply")),
            ("PullRequestReviewEvent", "prreview", Some("reply")),
            ("PushEvent", "push", None),
            ("CreateEvent", "create", None),
            ("SomethingNew", "new", None),
        ] {
            for event_type in [event_type, minimised] {
                let line = format!(
                    r#"{{"id":"7","type":"{event_type}","actor":"bob","repo":"ann/x","dt":"2015-02-22T21:00:00Z"}}"#
                );
                let expected = kind.and_then(|kind| reaction("7", kind, Some("ann/x")));
                assert_eq!(parts(&line), expected, "{event_type}");
            }
        }
        let follow = r#"{"id":"7","type":"FollowEvent","actor":{"login":"bob"},"payload":{"target":{"login":"ann"}},"created_at":"2012-02-22T21:00:00Z"}"#;
        assert_eq!(parts(follow), reaction("7", "follow", None));
    }

    #[test]
    fn what_one_does_to_ones_own_repository_is_no_reaction() {
        let line =
            r#"{"id":"7","type":"watch","actor":"Ann","repo":"ann/x","dt":"2015-02-22T21:00:00Z"}"#;
        assert_eq!(parts(line), None);
    }

    #[test]
    fn of_an_event_that_is_no_reaction_nothing_but_its_type_is_needed() {
        for rest in [
            r#""actor":{},"repo":{}"#,
            r#""actor":7,"repo":[],"repository":{"name":{}},"id":{},"created_at":1,"dt":{}"#,
            r#""public":true"#,
        ] {
            let push = format!(r#"{{"type":"PushEvent",{rest}}}"#);
            assert_eq!(read_all(push.clone().into_bytes()), [Found::NoReaction], "{push}");
            let watch = push.replace("PushEvent", "WatchEvent");
            let rejected = Found::rejected(RowReason::AccountInvalid);
            assert_eq!(read_all(watch.into_bytes()), [rejected]);
        }
    }

    #[test]
    fn a_native_id_keeps_the_case_of_the_archive() {
        let line =
            r#"{"id":"7","type":"watch","actor":"Bob","repo":"Ann/x","dt":"2015-02-22T21:00:00Z"}"#;
        let (_, actor, subject, ..) = parts(line).expect("a reaction");
        assert_eq!((actor.as_str(), subject.as_str()), ("login/Bob", "login/Ann"));
    }

    #[test]
    fn a_line_that_cannot_be_read_has_a_reason_and_stops_nothing() {
        let good =
            r#"{"id":"7","type":"watch","actor":"bob","repo":"ann/x","dt":"2015-02-22T21:00:00Z"}"#;
        let deep = r#"{"type":"watch","payload":"#.to_owned() + &"[".repeat(500_000);
        for (line, reason) in [
            ("<xml/>".to_owned(), RowReason::RowMalformed),
            ("{}".to_owned(), RowReason::RowMalformed),
            (good[..40].to_owned(), RowReason::RowMalformed),
            (deep, RowReason::RowMalformed),
            (good.replace("2015", "15"), RowReason::TimeInvalid),
            (good.replace("dt", "when"), RowReason::TimeInvalid),
            (good.replace("bob", ""), RowReason::AccountInvalid),
            (good.replace("ann/x", "x"), RowReason::AccountInvalid),
            (good.replace(r#""repo":"ann/x","#, ""), RowReason::RowMalformed),
            (good.replace(r#""ann/x""#, "{}"), RowReason::RowMalformed),
            (good.replace(r#""7""#, "{}"), RowReason::RowMalformed),
        ] {
            let found = read_all(format!("{line}\n{good}").into_bytes());
            let told = matches!(&found[0], Found::Rejected { reason: it, .. } if *it == reason);
            assert!(told && matches!(found[1], Found::Signal(_)), "{line:.90}: {:?}", found[0]);
        }
    }

    proptest! {
        #[test]
        fn no_line_makes_it_panic(line in r#"(\{"(type|id|actor|repo|dt|payload)":("[a-z/]{0,5}"|[0-9]|\{|\[|null|,|\}|\]){1,6}){1,3}"#) {
            read_all(line.into_bytes());
        }
    }
}
