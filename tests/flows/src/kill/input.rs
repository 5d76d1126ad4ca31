//! The signals: reactions of a heavy-tailed graph, with posts, counters, newcomers, and what is taken back.

use std::{fmt::Write as _, ops::Range};

use klout_world::{Edge, Interactions};
use serde_json::{Value, json};
use time::{Duration, OffsetDateTime, format_description::well_known::Rfc3339};

use crate::AS_OF;

/// Signals for each account.
const SIGNALS_PER_ACCOUNT: u32 = 40;

/// One in so many signals is of each kind that is not a reaction.
const STEP: usize = 25;

/// Spreads what is taken back over all signals; a prime.
const FAR: usize = 7_919;

/// What people write about, each about one, and are called for.
const TOPICS: [&str; 3] = ["photography", "board games", "gardening"];

/// Posts of each subject.
const POSTS: usize = 7;

pub(super) struct Input {
    edges: Vec<Edge>,
    as_of: OffsetDateTime,
}

// === impl Input ===

impl Input {
    pub(super) fn new(seed: u64, signals: u32) -> Self {
        let accounts = signals / SIGNALS_PER_ACCOUNT;
        let as_of = OffsetDateTime::parse(AS_OF, &Rfc3339).expect("a time");
        Self { edges: Interactions::new(seed, accounts, signals.into()).collect(), as_of }
    }

    /// Some of the signals, a line each.
    pub(super) fn lines(&self, signals: Range<u32>) -> String {
        signals.fold(String::new(), |mut lines, signal| {
            writeln!(lines, "{}", self.signal(signal as usize)).expect("there is memory");
            lines
        })
    }

    fn signal(&self, number: usize) -> Value {
        let edge = &self.edges[number];
        let time = self.as_of - Duration::days(edge.age.into());
        let mut signal = json!({
            "network": "bluesky",
            "signalId": format!("s{number}"),
            "time": time.format(&Rfc3339).expect("a time"),
        });
        let (kind, content) = self.content(number, edge);
        signal[kind] = content;
        signal
    }

    fn content(&self, number: usize, edge: &Edge) -> (&'static str, Value) {
        let Edge { subject, actor, kind, count, .. } = *edge;
        let account = |account: u32| json!({ "nativeId": account.to_string() });
        match number % STEP {
            0 => {
                let about = TOPICS[subject as usize % TOPICS.len()];
                let text = format!("what {subject} says of {about}");
                let post = json!({ "account": account(subject), "post": post(subject, number / STEP), "text": text });
                ("post", post)
            }
            1 => {
                let counter = json!({ "account": account(subject), "name": "follower_count", "value": count });
                ("counter", counter)
            }
            // Of a signal that came long ago, or is still to come.
            2 => {
                let mut of = number * FAR % self.edges.len();
                if of % STEP == 2 {
                    of -= 1;
                }
                let whose = account(self.edges[of].subject);
                ("retraction", json!({ "subject": whose, "ofSignalId": format!("s{of}") }))
            }
            // There is always somebody new.
            3 => {
                let actor = json!({ "nativeId": format!("new-{number}") });
                (
                    "interaction",
                    json!({ "actor": actor, "subject": account(subject), "kind": "follow" }),
                )
            }
            _ => {
                let mut interaction = json!({
                    "actor": account(actor), "subject": account(subject),
                    "kind": kind.as_str(), "count": count,
                });
                if number.is_multiple_of(3) {
                    interaction["post"] = json!(post(subject, number));
                }
                if number.is_multiple_of(5) {
                    interaction["label"] = json!(TOPICS[subject as usize % TOPICS.len()]);
                }
                ("interaction", interaction)
            }
        }
    }
}

/// One of the posts of a subject.
fn post(subject: u32, number: usize) -> String {
    format!("{subject}/{}", number % POSTS)
}
