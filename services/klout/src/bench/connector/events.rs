//! Made-up events of Jetstream: the shapes of the network, and about its mix.

use klout_networks::bluesky::jetstream::Framing;
use serde_json::{Value, json};

use crate::bench::ground::TODAY;

/// Between two events, in microseconds: a thousand happen in a second, as on a busy day of Bluesky.
const STEP_MICROS: i64 = 1_000;

/// How many posts of each account there are to react to.
const POSTS: u64 = 20;

/// What of a hundred events is what: likes, follows, posts and reposts; then what is taken back, and the rest is about
/// accounts.
const LIKES: u64 = 56;
const FOLLOWS: u64 = 14;
const WRITTEN: u64 = 12;
const REPOSTS: u64 = 9;
const TAKEN_BACK: u64 = 8;

/// What may be taken back: the last that were made.
const RECENT_MAX: usize = 10_000;

const WORDS: [&str; 24] = [
    "rust",
    "today",
    "influence",
    "the",
    "a",
    "of",
    "and",
    "never",
    "coffee",
    "score",
    "network",
    "people",
    "über",
    "naïve",
    "友達",
    "music",
    "why",
    "does",
    "this",
    "work",
    "morning",
    "🦋",
    "post",
    "reading",
];

const KEY_LETTERS: &[u8; 32] = b"234567abcdefghijklmnopqrstuvwxyz";

/// Messages, without end.
pub(super) struct Events {
    framing: Framing,
    accounts: u64,
    state: u64,
    number: u32,
    recent: Vec<(u64, &'static str, String)>,
}

/// When an event happens, in microseconds since 1970.
pub(super) fn micros(number: u32) -> i64 {
    let start = TODAY.midnight().assume_utc() + time::Duration::hours(12);
    start.unix_timestamp() * 1_000_000 + i64::from(number) * STEP_MICROS
}

// === impl Events ===

impl Events {
    pub(super) fn new(seed: u64, accounts: u32, framing: Framing) -> Self {
        let recent = Vec::with_capacity(RECENT_MAX);
        Self { framing, accounts: u64::from(accounts), state: seed, number: 0, recent }
    }

    /// SplitMix64.
    fn random(&mut self) -> u64 {
        self.state = self.state.wrapping_add(0x9e37_79b9_7f4a_7c15);
        mixed(self.state)
    }

    fn below(&mut self, end: u64) -> u64 {
        self.random() % end
    }

    /// A place in a list of so many.
    fn place(&mut self, count: usize) -> usize {
        usize::try_from(self.below(count as u64)).unwrap_or_default()
    }

    fn anybody(&mut self) -> u64 {
        self.below(self.accounts)
    }

    /// Somebody, the few much more often than the many.
    fn somebody_known(&mut self) -> u64 {
        let (first, second, third) = (self.anybody(), self.anybody(), self.anybody());
        first.min(second).min(third)
    }

    fn post_of(&mut self, account: u64) -> Value {
        let number = self.below(POSTS);
        let uri =
            format!("at://{}/app.bsky.feed.post/{}", did(account), key(account * POSTS + number));
        json!({ "uri": uri, "cid": cid(account * POSTS + number) })
    }

    fn reaction(&mut self, created: &str, kind: &str) -> Value {
        let subject = self.somebody_known();
        let subject = self.post_of(subject);
        json!({ "$type": kind, "createdAt": created, "subject": subject })
    }

    fn written(&mut self, created: &str) -> Value {
        let length = 4 + self.below(36);
        let words: Vec<&str> = (0..length).map(|_| WORDS[self.place(WORDS.len())]).collect();
        let mut post = json!({
            "$type": "app.bsky.feed.post", "text": words.join(" "), "createdAt": created, "langs": ["en"],
        });
        if self.below(100) < 45 {
            let parent = self.somebody_known();
            let parent = self.post_of(parent);
            post["reply"] = json!({ "root": parent, "parent": parent });
        }
        match self.below(100) {
            0..8 => {
                let quoted = self.somebody_known();
                let quoted = self.post_of(quoted);
                post["embed"] = json!({ "$type": "app.bsky.embed.record", "record": quoted });
            }
            8..28 => {
                let page = format!("https://page.example/{}", self.below(1_000));
                post["embed"] = json!({
                    "$type": "app.bsky.embed.external",
                    "external": { "uri": page, "title": "A page", "description": "What it says" },
                });
            }
            _ => {}
        }
        let feature = match self.below(100) {
            0..10 => json!({ "$type": "app.bsky.richtext.facet#tag", "tag": "rust" }),
            10..25 => {
                let mentioned = did(self.somebody_known());
                json!({ "$type": "app.bsky.richtext.facet#mention", "did": mentioned })
            }
            _ => return post,
        };
        let index = json!({ "byteStart": 0, "byteEnd": 4 });
        post["facets"] = json!([{ "index": index, "features": [feature] }]);
        post
    }

    /// Something about an account that tells nothing.
    fn about(&mut self, micros: i64, time: &str) -> String {
        let account = did(self.anybody());
        let state = json!({ "did": account, "handle": "somebody.example", "seq": 1, "time": time });
        self.message(micros, time, &account, "identity", state)
    }

    fn message(&self, micros: i64, time: &str, did: &str, kind: &str, content: Value) -> String {
        let message = match self.framing {
            Framing::Subscribe => {
                json!({ "did": did, "time_us": micros, "kind": kind, kind: content })
            }
            Framing::SubscribeEvents => {
                let mut payload = match kind {
                    "commit" => content,
                    _ => json!({ kind: content }),
                };
                let of = format!("network.bsky.jetstream.subscribeEvents#{kind}");
                payload["$type"] = json!(of);
                payload["seq"] = json!(self.number);
                payload["did"] = json!(did);
                payload["time"] = json!(time);
                json!({ "$type": "message", "payload": payload })
            }
        };
        message.to_string()
    }
}

impl Iterator for Events {
    type Item = String;

    fn next(&mut self) -> Option<String> {
        let micros = micros(self.number);
        let time = printed(micros);
        let what = self.below(100);
        let account = self.anybody();
        let key = key(u64::from(self.number).wrapping_add(1 << 40));
        let rev = key.clone();
        let (collection, record) = match what {
            it if it < LIKES => ("app.bsky.feed.like", self.reaction(&time, "app.bsky.feed.like")),
            it if it < LIKES + FOLLOWS => {
                let subject = did(self.somebody_known());
                let follow = json!({ "$type": "app.bsky.graph.follow", "createdAt": time, "subject": subject });
                ("app.bsky.graph.follow", follow)
            }
            it if it < LIKES + FOLLOWS + WRITTEN => ("app.bsky.feed.post", self.written(&time)),
            it if it < LIKES + FOLLOWS + WRITTEN + REPOSTS => {
                ("app.bsky.feed.repost", self.reaction(&time, "app.bsky.feed.repost"))
            }
            it if it < LIKES + FOLLOWS + WRITTEN + REPOSTS + TAKEN_BACK
                && !self.recent.is_empty() =>
            {
                let place = self.place(self.recent.len());
                let (account, collection, key) = self.recent.swap_remove(place);
                let commit = json!({
                    "rev": rev, "operation": "delete", "collection": collection, "rkey": key,
                });
                let told = self.message(micros, &time, &did(account), "commit", commit);
                self.number += 1;
                return Some(told);
            }
            _ => {
                let told = self.about(micros, &time);
                self.number += 1;
                return Some(told);
            }
        };
        let commit = json!({
            "rev": rev, "operation": "create", "collection": collection, "rkey": key,
            "record": record, "cid": cid(u64::from(self.number)),
        });
        let told = self.message(micros, &time, &did(account), "commit", commit);
        if self.recent.len() < RECENT_MAX {
            self.recent.push((account, collection, key));
        } else {
            let place = self.place(RECENT_MAX);
            self.recent[place] = (account, collection, key);
        }
        self.number += 1;
        Some(told)
    }
}

fn mixed(number: u64) -> u64 {
    let number = (number ^ (number >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    let number = (number ^ (number >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    number ^ (number >> 31)
}

/// So many letters that nobody can guess and that are the same each time.
fn letters(number: u64, count: usize) -> String {
    let letter = |place: u64| {
        let of_place = mixed(mixed(number.wrapping_add(1)).wrapping_add(place));
        char::from(KEY_LETTERS[usize::from(of_place.to_le_bytes()[0] % 32)])
    };
    (0..count as u64).map(letter).collect()
}

fn did(account: u64) -> String {
    format!("did:plc:{}", letters(account, 24))
}

/// As long as keys of records are.
fn key(number: u64) -> String {
    format!("3{}", letters(number, 12))
}

fn cid(number: u64) -> String {
    format!("bafyrei{}", letters(number, 52))
}

fn printed(micros: i64) -> String {
    let time = time::OffsetDateTime::from_unix_timestamp_nanos(i128::from(micros) * 1_000);
    let time = time.unwrap_or(time::OffsetDateTime::UNIX_EPOCH);
    let (hour, minute, second, millis) =
        (time.hour(), time.minute(), time.second(), time.millisecond());
    format!("{}T{hour:02}:{minute:02}:{second:02}.{millis:03}Z", time.date())
}

#[cfg(test)]
mod tests {
    use klout_networks::bluesky::jetstream::{Happened, Message};

    use super::*;

    #[test]
    fn events_are_the_same_each_time_and_in_both_framings_and_tell_what_they_are_to() {
        let told = |framing: Framing| -> Vec<Happened> {
            let now = crate::bench::ground::end_of_today();
            let read = |message: String| {
                let read = framing.read(message.as_bytes(), now).expect("a message");
                let Message::Event(event) = read else { panic!("an event: {message}") };
                event.happened
            };
            Events::new(1, 100, framing).take(2_000).map(read).collect()
        };
        let old = told(Framing::Subscribe);
        assert!(old == told(Framing::Subscribe) && old == told(Framing::SubscribeEvents));
        let made = old.iter().filter(|it| matches!(it, Happened::Made { .. })).count();
        let unmade = old.iter().filter(|it| matches!(it, Happened::Unmade(_))).count();
        assert!((1_700..1_900).contains(&made) && (100..240).contains(&unmade), "{made} {unmade}");
    }
}
