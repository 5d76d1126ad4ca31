//! Keys of customers: whether one that somebody shows is valid, and whose it is.
//!
//! What a key may do is read once and kept for two seconds, so that a key that was taken back is refused everywhere soon.
//! Keys that are in use are read again each second, all at once, and before they have to be: a call waits for Postgres
//! only when its key was not used lately. One flight reads a key, whoever waits for it. Ids that nobody made are told
//! apart without Postgres ([`IdCheck`]), so that guessing makes no load and fills no memory.
//!
//! With Postgres away, keys that were known stay valid for a minute after they were last read. Others cannot be told
//! from wrong ones, and whoever shows one is asked to try again.

mod changes;
mod text;
mod usage;

use std::{
    collections::HashMap,
    convert::Infallible,
    sync::{
        Arc,
        atomic::{AtomicBool, AtomicU64, Ordering},
    },
    time::Duration,
};

use blake3::Hash;
use klout_chassis::{Authentication, Caller, Chain, Clock, Identified};
use klout_model::PurposeRefused;
use quick_cache::sync::Cache;
use sqlx::PgPool;
use time::OffsetDateTime;
use tokio::time::{Instant, timeout};
use tracing::warn;

pub(crate) use self::{
    changes::{Made, NewKey, OVERLAP_MAX, Told},
    text::{KeyId, is_key},
};
use self::{
    text::{IdCheck, Shown},
    usage::Usage,
};
use crate::{
    access::{Scope, Scopes},
    config::KeyDefaults,
    error::Error,
    store::key::{self as store, Key, Secret},
};

/// Keys in memory: more than there are customers who call within seconds.
const KEYS_MAX: usize = 10_000;

/// How long what was read of a key holds.
const FRESH_TIME: Duration = Duration::from_secs(2);

/// How often keys that are in use are read again.
pub(crate) const REFRESH_INTERVAL: Duration = Duration::from_secs(1);

/// How long a key stays valid after it was last read, when it cannot be read again.
const KNOWN_TIME_MAX: Duration = Duration::from_secs(60);

/// When a key that could not be read is tried again.
const AGAIN_TIME: Duration = Duration::from_secs(1);

/// How long reading a key may take: a call waits for it.
const READ_TIME_MAX: Duration = Duration::from_secs(1);

/// How often uses are written down. A process that is killed loses as much.
pub(crate) const FLUSH_INTERVAL: Duration = Duration::from_secs(3);

/// Clones share what is known.
#[derive(Clone, Debug)]
pub(crate) struct Keys(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    db: PgPool,
    check: IdCheck,
    authentication: Authentication,
    defaults: KeyDefaults,
    kept: Cache<KeyId, Kept>,
    /// What keys were when they were last read, for when they cannot be.
    last_known: moka::sync::Cache<KeyId, Arc<Known>>,
    usage: Usage,
}

/// What was found of an id, and for how long that holds.
#[derive(Clone, Debug)]
struct Kept {
    found: Found,
    until: Instant,
}

#[derive(Clone, Debug)]
enum Found {
    Known(Arc<Known>),
    Nobody,
    /// Postgres does not answer.
    Away,
}

/// A key that there is, valid or not.
#[derive(Debug)]
pub(crate) struct Known {
    pub(crate) scopes: Scopes,
    who: Result<Identified, PurposeRefused>,
    key: Key,
    rows: Vec<Secret>,
    /// As many as there may be, so that each comparison is as long as another.
    secrets: [SecretHash; SECRETS_MAX],
    /// Calls that were let in and not yet written down.
    calls: Arc<AtomicU64>,
    /// Whether it was shown since it was last read.
    used: AtomicBool,
}

/// Secrets of a key that are valid at once.
const SECRETS_MAX: usize = 2;

/// A secret, as far as anybody needs it who is shown one.
#[derive(Clone, Copy, Debug)]
struct SecretHash {
    hash: Hash,
    until: Option<OffsetDateTime>,
}

/// What is compared with what somebody shows for whom there is no secret. No text has this hash that anybody could find.
const NO_SECRET: SecretHash = SecretHash { hash: Hash::from_bytes([0; 32]), until: None };

// === impl Keys ===

impl Keys {
    /// Reads what tells ids that were made here from others.
    ///
    /// # Errors
    ///
    /// When Postgres does not answer.
    pub(crate) async fn open(
        db: PgPool,
        authentication: Authentication,
        defaults: KeyDefaults,
    ) -> Result<Self, sqlx::Error> {
        let check = IdCheck::new(&store::id_check(&db).await?);
        let last_known = moka::sync::Cache::builder().max_capacity(KEYS_MAX as u64);
        let last_known = last_known.time_to_live(KNOWN_TIME_MAX).build();
        let (kept, usage) = (Cache::new(KEYS_MAX), Usage::default());
        Ok(Self(Arc::new(Inner { db, check, authentication, defaults, kept, last_known, usage })))
    }

    /// Whose key that is.
    ///
    /// Somebody who guesses ids learns nothing from how long it takes: whether there is such a key or not, what they show
    /// is hashed once and compared with as many secrets, in a time that does not depend on where they differ.
    pub(crate) async fn who(&self, text: &str) -> Result<Arc<Known>, Error> {
        let shown = Shown::parse(text).ok_or(Error::KeyInvalid)?;
        let found = match self.remembered(shown.id) {
            Some(found) => found,
            None => self.find(shown.id).await,
        };
        Self::judge(&shown, found, Clock::running().now())
    }

    /// The same where memory tells that it is somebody's. `None`: ask.
    pub(crate) fn who_at_once(&self, text: &str, now: OffsetDateTime) -> Option<Arc<Known>> {
        let shown = Shown::parse(text)?;
        Self::judge(&shown, self.remembered(shown.id)?, now).ok()
    }

    fn judge(shown: &Shown, found: Found, now: OffsetDateTime) -> Result<Arc<Known>, Error> {
        let secrets = match &found {
            Found::Known(known) => &known.secrets,
            Found::Nobody | Found::Away => &[NO_SECRET; SECRETS_MAX],
        };
        let is_right =
            secrets.iter().fold(false, |right, secret| right | secret.is(shown.hash, now));
        match found {
            Found::Away => Err(Error::KeysUnreadable),
            Found::Known(known) if is_right => {
                known.check(now)?;
                if !known.used.load(Ordering::Relaxed) {
                    known.used.store(true, Ordering::Relaxed);
                }
                Ok(known)
            }
            Found::Known(_) | Found::Nobody => Err(Error::KeyInvalid),
        }
    }

    /// Reads the keys again that were used since this was done last. Says that there is nothing more to do.
    pub(crate) async fn refresh(&self) -> Result<bool, sqlx::Error> {
        let used = self.0.kept.iter().filter_map(|(id, kept)| match kept.found {
            Found::Known(known) => known.used.swap(false, Ordering::Relaxed).then_some(id),
            Found::Nobody | Found::Away => None,
        });
        let used: Vec<KeyId> = used.collect();
        if used.is_empty() {
            return Ok(false);
        }
        let read = Instant::now();
        let found = timeout(READ_TIME_MAX, self.0.read(&used)).await;
        for (id, found) in found.unwrap_or(Err(sqlx::Error::PoolTimedOut))? {
            self.0.kept.insert(id, Kept { found, until: read + FRESH_TIME });
        }
        Ok(false)
    }

    /// Writes down how often keys were used. Says that there is nothing more to do.
    pub(crate) async fn flush(&self) -> Result<bool, sqlx::Error> {
        self.0.usage.flush(&self.0.db, Clock::running().now()).await?;
        Ok(false)
    }

    /// What is known of an id without asking Postgres.
    fn remembered(&self, id: KeyId) -> Option<Found> {
        if !self.0.check.holds(id) {
            return Some(Found::Nobody);
        }
        self.0.kept.get(&id).filter(Kept::holds).map(|kept| kept.found)
    }

    async fn find(&self, id: KeyId) -> Found {
        let kept = &self.0.kept;
        kept.remove_if(&id, |kept| !kept.holds());
        let read = async { Ok::<_, Infallible>(self.0.read_one(id).await) };
        let Ok(kept) = kept.get_or_insert_async(&id, read).await;
        kept.found
    }

    /// Of a key that was changed here.
    fn forget(&self, id: KeyId) {
        self.0.kept.remove(&id);
        self.0.last_known.invalidate(&id);
    }
}

// === impl Inner ===

impl Inner {
    async fn read_one(&self, id: KeyId) -> Kept {
        let begun = Instant::now();
        let problem = match timeout(READ_TIME_MAX, self.read(&[id])).await {
            Ok(Ok(mut read)) => {
                let found = read.pop().map_or(Found::Nobody, |(_, found)| found);
                return Kept { found, until: begun + FRESH_TIME };
            }
            Ok(Err(error)) => Chain(&error).to_string(),
            Err(_) => format!("it took longer than {READ_TIME_MAX:?}"),
        };
        warn!(key = %id, problem, "could not read a key");
        let found = self.last_known.get(&id).map_or(Found::Away, Found::Known);
        Kept { found, until: Instant::now() + AGAIN_TIME }
    }

    /// What there is of each of these ids.
    async fn read(&self, ids: &[KeyId]) -> Result<Vec<(KeyId, Found)>, sqlx::Error> {
        let texts: Vec<String> = ids.iter().map(KeyId::to_string).collect();
        // The secrets last: one that is added in between belongs to a key that was read, and is valid.
        let keys = store::find(&self.db, &texts).await?.into_iter();
        let mut keys: HashMap<String, Key> = keys.map(|key| (key.key.clone(), key)).collect();
        let mut secrets: HashMap<String, Vec<Secret>> = HashMap::new();
        for secret in store::secrets(&self.db, &texts).await? {
            secrets.entry(secret.key.clone()).or_default().push(secret);
        }
        let found = ids.iter().zip(texts).map(|(id, text)| {
            let Some(key) = keys.remove(&text) else {
                self.last_known.invalidate(id);
                return (*id, Found::Nobody);
            };
            let known = self.know(*id, key, secrets.remove(&text).unwrap_or_default());
            self.last_known.insert(*id, Arc::clone(&known));
            (*id, Found::Known(known))
        });
        Ok(found.collect())
    }

    /// What was known before is the same caller still, unless it was changed.
    fn know(&self, id: KeyId, key: Key, rows: Vec<Secret>) -> Arc<Known> {
        let before = self.last_known.get(&id);
        if let Some(before) = before.filter(|it| it.key == key && it.rows == rows) {
            return before;
        }
        let caller = Caller::new(&key.name, &key.purpose);
        let who = caller.map(|caller| self.authentication.identified(caller, &key.key));
        let mut secrets = [NO_SECRET; SECRETS_MAX];
        for (place, row) in secrets.iter_mut().zip(rows.iter().rev()) {
            *place = SecretHash::of(row);
        }
        Arc::new(Known {
            scopes: key.scopes.iter().filter_map(|name| Scope::named(name)).collect(),
            who,
            key,
            rows,
            secrets,
            calls: self.usage.counter(id),
            used: AtomicBool::new(true),
        })
    }
}

// === impl Known ===

impl Known {
    /// Who calls with it, and the room that is theirs.
    pub(crate) fn who(&self) -> Result<&Identified, Error> {
        self.who.as_ref().map_err(|refused| Error::PurposeRefused(refused.clone()))
    }

    /// Its id, as text.
    pub(crate) fn key(&self) -> &str {
        &self.key.key
    }

    /// Calls a second, over all gateways; 0: no limit.
    pub(crate) const fn calls_per_second(&self) -> i64 {
        self.key.calls_per_second
    }

    /// Calls a UTC day, over all gateways; 0: no limit.
    pub(crate) const fn calls_per_day(&self) -> i64 {
        self.key.calls_per_day
    }

    /// Counts a call that is let in.
    pub(crate) fn count(&self) {
        self.calls.fetch_add(1, Ordering::Relaxed);
    }

    /// Of whoever showed a right secret, which may be told more than somebody who guesses.
    fn check(&self, now: OffsetDateTime) -> Result<(), Error> {
        if self.key.revoke_time.is_some() {
            return Err(Error::KeyTakenBack);
        }
        match self.key.expire_time {
            Some(end) if end <= now => Err(Error::KeyExpired),
            Some(_) | None => Ok(()),
        }
    }
}

// === impl SecretHash ===

impl SecretHash {
    fn of(row: &Secret) -> Self {
        let bytes = row.hash.as_slice().try_into();
        Self { hash: bytes.map_or(NO_SECRET.hash, Hash::from_bytes), until: row.expire_time }
    }

    /// Both are looked at, and the hashes are compared in constant time, which is how BLAKE3's hashes compare.
    fn is(&self, shown: Hash, now: OffsetDateTime) -> bool {
        (self.hash == shown) & self.until.is_none_or(|end| now < end)
    }
}

// === impl Kept ===

impl Kept {
    fn holds(&self) -> bool {
        Instant::now() < self.until
    }
}

#[cfg(test)]
mod tests {
    use time::macros::datetime;

    use super::*;

    #[test]
    fn a_secret_is_right_until_it_ends_and_nobodys_never_is() {
        let (now, hash) = (datetime!(2026-11-26 12:00 UTC), blake3::hash(b"a secret"));
        let secret = |until| SecretHash { hash, until };
        assert!(secret(None).is(hash, now));
        assert!(secret(Some(now + time::Duration::SECOND)).is(hash, now));
        assert!(!secret(Some(now)).is(hash, now), "it has ended");
        let other = blake3::hash(b"another");
        assert!(!secret(None).is(other, now) && !NO_SECRET.is(other, now));
    }

    #[test]
    fn a_hash_that_is_none_is_right_for_nobody() {
        let row = Secret {
            key: String::new(),
            hash: vec![7; 31],
            ending: String::new(),
            create_time: OffsetDateTime::UNIX_EPOCH,
            expire_time: None,
        };
        assert_eq!(SecretHash::of(&row).hash, NO_SECRET.hash);
    }
}
