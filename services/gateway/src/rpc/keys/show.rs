//! Keys as their contract has them.

use klout_proto::{
    convert,
    profile::v1::{Key, KeySecret},
};
use time::OffsetDateTime;

use crate::{
    error::Error,
    keys::{KeyId, Told},
};

pub(super) fn key(told: Told) -> Key {
    let Told { key, secrets, used } = told;
    let last_day = used.as_ref().map(|used| used.last_day.midnight().assume_utc());
    let secret = |secret: crate::store::key::Secret| KeySecret {
        ending: secret.ending,
        create_time: Some(convert::timestamp(secret.create_time)),
        expire_time: secret.expire_time.map(convert::timestamp),
    };
    Key {
        key: key.key,
        name: key.name,
        purpose: key.purpose,
        scopes: key.scopes,
        calls_per_second: key.calls_per_second,
        calls_per_day: key.calls_per_day,
        create_time: Some(convert::timestamp(key.create_time)),
        expire_time: key.expire_time.map(convert::timestamp),
        revoke_time: key.revoke_time.map(convert::timestamp),
        secrets: secrets.into_iter().map(secret).collect(),
        calls_today: used.map_or(0, |used| used.calls),
        last_use_time: last_day.map(convert::timestamp),
    }
}

/// What is no id names no key that there is.
pub(super) fn id(text: &str) -> Result<KeyId, Error> {
    let problem = "is not the id of a key, which is the middle part of it";
    text.parse().map_err(|_| Error::KeyField { field: "key", problem })
}

pub(super) fn time(
    field: &'static str,
    time: Option<prost_types::Timestamp>,
) -> Result<Option<OffsetDateTime>, Error> {
    let Some(time) = time else { return Ok(None) };
    convert::time(&time).map(Some).ok_or(Error::KeyField { field, problem: "is no time" })
}
