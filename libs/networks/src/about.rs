//! Signals about one account, as networks tell them.

use klout_proto::{
    convert::timestamp,
    signal::v1::{Account as WireAccount, Counter, Interaction, Post, Signal, signal::Content},
};
use time::OffsetDateTime;

use crate::{Account, Visit};

/// Writes signals of a visit.
#[derive(Clone, Copy, Debug)]
pub(crate) struct About<'a> {
    pub(crate) network: &'static str,
    pub(crate) visit: &'a Visit,
}

/// What somebody did.
#[derive(Clone, Debug)]
pub(crate) struct Deed {
    /// Unique for the account.
    pub(crate) id: String,
    pub(crate) kind: &'static str,
    /// `None`: it is told that somebody did, and not who.
    pub(crate) actor: Option<Account>,
    pub(crate) time: OffsetDateTime,
    pub(crate) post: Option<String>,
}

// === impl About ===

impl About<'_> {
    pub(crate) fn deed(&self, deed: Deed) -> Signal {
        let interaction = Interaction {
            actor: deed.actor.map(wire),
            subject: Some(self.account()),
            kind: deed.kind.to_owned(),
            count: None,
            post: deed.post,
            label: None,
        };
        self.signal(deed.id, deed.time, Content::Interaction(interaction))
    }

    /// What a number reads now, of the account or of a post.
    pub(crate) fn counter(&self, name: &str, value: u64, post: Option<String>) -> Signal {
        let now = self.visit.now;
        // Whoever reads it again has another reading, unless it is the same to the second.
        let of = post.as_deref().unwrap_or_default();
        let id = format!("counter/{name}/{of}/{}/{value}", now.unix_timestamp());
        #[expect(clippy::cast_precision_loss, reason = "counts beyond 2^53 are nobody's")]
        let value = value as f64;
        let counter = Counter { account: Some(self.account()), name: name.to_owned(), value, post };
        self.signal(id, now, Content::Counter(counter))
    }

    pub(crate) fn post(&self, time: OffsetDateTime, post: Post) -> Signal {
        let id = format!("post/{}", post.post);
        let post = Post { account: Some(self.account()), ..post };
        self.signal(id, time, Content::Post(post))
    }

    /// When something happened that is told without a time and is the case now.
    pub(crate) fn untimed(&self) -> OffsetDateTime {
        self.visit.synced.map_or(self.visit.since, |synced| synced.max(self.visit.since))
    }

    fn account(&self) -> WireAccount {
        wire(self.visit.account.clone())
    }

    fn signal(&self, signal_id: String, time: OffsetDateTime, content: Content) -> Signal {
        Signal {
            network: self.network.to_owned(),
            signal_id,
            time: Some(timestamp(time)),
            content: Some(content),
        }
    }
}

fn wire(account: Account) -> WireAccount {
    WireAccount { native_id: account.native_id, handle: account.handle }
}
