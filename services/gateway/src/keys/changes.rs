//! What operators do with keys: make, list, change, rotate and take back.

use std::time::Duration;

use klout_chassis::Clock;
use klout_model::Purpose;
use sqlx::PgTransaction;
use time::OffsetDateTime;

use super::{
    Keys, SECRETS_MAX,
    text::{KeyId, NewSecret},
};
use crate::{
    access::Scopes,
    error::Error,
    store::key::{self as store, Change, Key, Secret, Use},
};

/// Bytes of a name, and of a purpose: as many as the log of look-ups keeps.
const TEXT_BYTES_MAX: usize = 128;

/// How long the old secret of a key may stay valid beside a new one: a customer who has not put a new one in place in a
/// quarter of a year will not.
pub(crate) const OVERLAP_MAX: Duration = Duration::from_hours(90 * 24);

/// What a key shall be. What is `None` is as the configuration says.
#[derive(Clone, Debug)]
pub(crate) struct NewKey {
    pub(crate) name: String,
    pub(crate) purpose: String,
    pub(crate) scopes: Option<Scopes>,
    pub(crate) calls_per_second: Option<i64>,
    pub(crate) calls_per_day: Option<i64>,
    pub(crate) expire_time: Option<OffsetDateTime>,
}

/// A key as operators are told of it.
#[derive(Clone, Debug)]
pub(crate) struct Told {
    pub(crate) key: Key,
    /// Those that are valid, the oldest first.
    pub(crate) secrets: Vec<Secret>,
    /// `None`: it was never used.
    pub(crate) used: Option<Use>,
}

/// A key, and the secret that was made of it, as the customer shows it.
pub(crate) struct Made {
    pub(crate) told: Told,
    pub(crate) shown_once: String,
}

// === impl Keys ===

impl Keys {
    /// Makes a key.
    pub(crate) async fn create(&self, new: NewKey) -> Result<Made, Error> {
        let now = Clock::running().now();
        let NewKey { name, purpose, scopes, calls_per_second, calls_per_day, expire_time } = new;
        check_text("name", &name)?;
        check_purpose(&purpose)?;
        check_limit("calls_per_second", calls_per_second)?;
        check_limit("calls_per_day", calls_per_day)?;
        check_expire_time(expire_time, now)?;
        let id = self.0.check.make();
        let defaults = &self.0.defaults;
        let key = Key {
            key: id.to_string(),
            name,
            purpose,
            scopes: scopes.unwrap_or_else(|| Scopes::USUAL.into_iter().collect()).names(),
            calls_per_second: calls_per_second.unwrap_or(defaults.calls_per_second),
            calls_per_day: calls_per_day.unwrap_or(defaults.calls_per_day),
            create_time: now,
            expire_time,
            revoke_time: None,
        };
        let mut transaction = self.begin().await?;
        let added = store::add(&mut transaction, &key).await.map_err(Error::store("add a key"))?;
        if !added {
            return Err(Error::KeyExists { name: key.name });
        }
        let shown_once = add_secret(&mut transaction, id, now).await?;
        transaction.commit().await.map_err(Error::store("add a key"))?;
        Ok(Made { told: self.tell(id).await?, shown_once })
    }

    /// A page of keys by name, after one.
    pub(crate) async fn list(&self, after: Option<KeyId>, limit: i64) -> Result<Vec<Told>, Error> {
        let after = after.map(|id| id.to_string());
        let keys = store::list(&self.0.db, after.as_deref(), limit).await;
        self.tell_all(keys.map_err(Error::store("list keys"))?).await
    }

    /// Changes what a key may do, and until when.
    pub(crate) async fn update(&self, id: KeyId, change: Change) -> Result<Told, Error> {
        check_limit("calls_per_second", change.calls_per_second)?;
        check_limit("calls_per_day", change.calls_per_day)?;
        check_expire_time(change.expire_time, Clock::running().now())?;
        let mut transaction = self.begin().await?;
        lock(&mut transaction, id).await?;
        let changed = store::change(&mut transaction, &id.to_string(), &change).await;
        changed.map_err(Error::store("change a key"))?;
        transaction.commit().await.map_err(Error::store("change a key"))?;
        self.forget(id);
        self.tell(id).await
    }

    /// Gives a key a second secret. The one that it has stays valid for `overlap`; without any, all end that it has, as
    /// either of two may have leaked.
    pub(crate) async fn rotate(&self, id: KeyId, overlap: Duration) -> Result<Made, Error> {
        let failed = || Error::store("rotate a key");
        let (now, text) = (Clock::running().now(), id.to_string());
        let mut transaction = self.begin().await?;
        lock(&mut transaction, id).await?;
        if overlap.is_zero() {
            store::end_secrets(&mut transaction, &text, now).await.map_err(failed())?;
        }
        store::delete_ended_secrets(&mut transaction, &text, now).await.map_err(failed())?;
        let keys = std::slice::from_ref(&text);
        let valid = store::secrets(&mut *transaction, keys).await.map_err(failed())?;
        if valid.len() >= SECRETS_MAX {
            return Err(Error::KeyRotating);
        }
        store::end_secrets(&mut transaction, &text, now + overlap).await.map_err(failed())?;
        let shown_once = add_secret(&mut transaction, id, now).await?;
        transaction.commit().await.map_err(failed())?;
        self.forget(id);
        Ok(Made { told: self.tell(id).await?, shown_once })
    }

    /// Takes a key back.
    pub(crate) async fn revoke(&self, id: KeyId) -> Result<Told, Error> {
        let revoked = store::revoke(&self.0.db, &id.to_string(), Clock::running().now()).await;
        if !revoked.map_err(Error::store("take a key back"))? {
            return Err(Error::KeyUnknown { key: id });
        }
        self.forget(id);
        self.tell(id).await
    }

    async fn begin(&self) -> Result<PgTransaction<'static>, Error> {
        self.0.db.begin().await.map_err(Error::store("begin to change a key"))
    }

    async fn tell(&self, id: KeyId) -> Result<Told, Error> {
        let key = store::find(&self.0.db, &[id.to_string()]).await;
        let key = key.map_err(Error::store("read a key"))?;
        self.tell_all(key).await?.pop().ok_or(Error::KeyUnknown { key: id })
    }

    async fn tell_all(&self, keys: Vec<Key>) -> Result<Vec<Told>, Error> {
        let now = Clock::running().now();
        let texts: Vec<String> = keys.iter().map(|key| key.key.clone()).collect();
        let secrets = store::secrets(&self.0.db, &texts).await;
        let mut secrets = secrets.map_err(Error::store("read secrets"))?;
        let used = store::uses(&self.0.db, &texts, now.date()).await;
        let mut used = used.map_err(Error::store("read how often keys are used"))?;
        let told = keys.into_iter().map(|key| {
            let ends = [key.revoke_time, key.expire_time];
            let is_valid = ends.into_iter().flatten().all(|end| now < end);
            let valid = |it: &mut Secret| {
                it.key == key.key && is_valid && it.expire_time.is_none_or(|end| now < end)
            };
            let secrets = secrets.extract_if(.., valid).collect();
            let used = used.extract_if(.., |it| it.key == key.key).next();
            Told { secrets, used, key }
        });
        Ok(told.collect())
    }
}

/// Keeps others from changing a key until the transaction ends. One that was taken back is not changed.
async fn lock(transaction: &mut PgTransaction<'_>, id: KeyId) -> Result<(), Error> {
    let key = store::lock(transaction, &id.to_string()).await;
    match key.map_err(Error::store("lock a key"))? {
        None => Err(Error::KeyUnknown { key: id }),
        Some(key) if key.revoke_time.is_some() => Err(Error::KeyRevoked),
        Some(_) => Ok(()),
    }
}

async fn add_secret(
    transaction: &mut PgTransaction<'_>,
    id: KeyId,
    now: OffsetDateTime,
) -> Result<String, Error> {
    let new = NewSecret::make();
    let secret = Secret {
        key: id.to_string(),
        hash: new.hash().as_bytes().to_vec(),
        ending: new.ending().to_owned(),
        create_time: now,
        expire_time: None,
    };
    store::add_secret(transaction, &secret).await.map_err(Error::store("add a secret"))?;
    Ok(new.into_key(id))
}

/// A name stands in logs and in headers, and people see it.
fn check_text(field: &'static str, text: &str) -> Result<(), Error> {
    let problem = if text.trim().is_empty() {
        "is missing"
    } else if text.len() > TEXT_BYTES_MAX {
        "is longer than 128 bytes"
    } else if text.trim() != text || text.contains(char::is_control) {
        "has control characters, or spaces at an end"
    } else {
        return Ok(());
    };
    Err(Error::KeyField { field, problem })
}

/// Whoever runs the installation, and its services, have tokens: these are valid everywhere, and a key of a customer at
/// the gateway alone.
fn check_purpose(purpose: &str) -> Result<(), Error> {
    check_text("purpose", purpose)?;
    match Purpose::of_key(purpose).map_err(Error::PurposeRefused)? {
        Purpose::Operator | Purpose::Internal => {
            let problem = "is no customer's: `klout keys token` makes tokens for operators";
            Err(Error::KeyField { field: "purpose", problem })
        }
        Purpose::Show | Purpose::Crm | Purpose::Perks | Purpose::Research => Ok(()),
    }
}

fn check_limit(field: &'static str, limit: Option<i64>) -> Result<(), Error> {
    match limit {
        Some(limit) if limit < 0 => Err(Error::KeyField { field, problem: "is negative" }),
        Some(_) | None => Ok(()),
    }
}

fn check_expire_time(time: Option<OffsetDateTime>, now: OffsetDateTime) -> Result<(), Error> {
    match time {
        Some(time) if time <= now => {
            Err(Error::KeyField { field: "expire_time", problem: "has passed" })
        }
        Some(_) | None => Ok(()),
    }
}
