//! Connections to Postgres, and migrations.

use std::{str::FromStr as _, time::Duration};

use secrecy::{ExposeSecret as _, SecretString};
use sqlx::{
    Connection as _, Executor as _, PgConnection, PgPool,
    migrate::{MigrateError, Migrator},
    postgres::{PgConnectOptions, PgListener, PgPoolOptions, types::PgInterval},
};
use tokio::time::{Instant, sleep, timeout};
use tracing::warn;

/// How long a statement waits for a free connection before it is told to try again later.
const ACQUIRE_TIME_MAX: Duration = Duration::from_secs(5);

/// How long a connection may take to answer a ping. Where the other end has gone without a word, the
/// system would wait for a quarter of an hour.
const PING_TIME_MAX: Duration = Duration::from_secs(1);

/// For how long a connection that answered when it was given back is taken to be there.
const TRUSTED_TIME_MAX: Duration = Duration::from_millis(500);

/// How long a start waits for a Postgres that is not there yet.
const START_TIME_MAX: Duration = Duration::from_secs(60);

/// How long a start waits between two attempts.
const RETRY_INTERVAL: Duration = Duration::from_millis(500);

#[derive(Debug, thiserror::Error)]
pub enum ConnectError {
    #[error("the database URL cannot be read; it looks like postgres://user:password@host/name")]
    Url(#[source] sqlx::Error),
    #[error("could not connect to Postgres")]
    Connect(#[source] sqlx::Error),
    #[error("could not migrate the database")]
    Migrate(#[source] MigrateError),
}

/// Opens a pool of at most `connections_max` connections that appear in Postgres as `name`.
///
/// A Postgres that refuses connections or is still starting is waited for, up to a minute.
///
/// # Errors
///
/// When the URL is wrong, when Postgres says no, or when it is not there in time.
pub async fn connect(
    url: &SecretString,
    name: &str,
    connections_max: u32,
) -> Result<PgPool, ConnectError> {
    let options = options(url, name)?;
    // The pool itself pings without a bound whatever is taken from it and given back, and a connection
    // that does not answer would be missing from it for a quarter of an hour.
    let pool = PgPoolOptions::new()
        .max_connections(connections_max)
        .acquire_timeout(ACQUIRE_TIME_MAX)
        .test_before_acquire(false)
        .after_connect(|connection, _| Box::pin(end_when_abandoned(connection)))
        .before_acquire(|connection, meta| {
            // A ping costs as much as a small statement: who answered a moment ago is taken to be there.
            let trusted = meta.idle_for < TRUSTED_TIME_MAX;
            Box::pin(async move { if trusted { Ok(true) } else { alive(connection).await } })
        })
        .after_release(|connection, _| Box::pin(alive(connection)));
    let end = Instant::now() + START_TIME_MAX;
    loop {
        match pool.clone().connect_with(options.clone()).await {
            Ok(pool) => return Ok(pool),
            Err(error) if is_transient(&error) && Instant::now() < end => {
                warn!(%error, "Postgres does not answer yet");
                sleep(RETRY_INTERVAL).await;
            }
            Err(error) => return Err(ConnectError::Connect(error)),
        }
    }
}

/// A connection of its own that hears what is said on `channel`, and says when it is lost.
///
/// # Errors
///
/// When the URL is wrong, or Postgres is not there.
pub async fn listen(
    url: &SecretString,
    name: &str,
    channel: &str,
) -> Result<PgListener, ConnectError> {
    let pool = PgPoolOptions::new()
        .max_connections(1)
        .acquire_timeout(PING_TIME_MAX)
        .connect_with(options(url, name)?)
        .await
        .map_err(ConnectError::Connect)?;
    let mut listener = PgListener::connect_with(&pool).await.map_err(ConnectError::Connect)?;
    // What was said meanwhile would be missed without a word.
    listener.eager_reconnect(false);
    let listening = ending(PING_TIME_MAX, listener.listen(channel)).await;
    listening.map_err(ConnectError::Connect)?;
    Ok(listener)
}

fn options(url: &SecretString, name: &str) -> Result<PgConnectOptions, ConnectError> {
    let options = PgConnectOptions::from_str(url.expose_secret()).map_err(ConnectError::Url)?;
    Ok(options.application_name(name))
}

/// Where we have gone without a word, the server would keep a transaction of ours, and its locks, for two
/// hours. None of ours is idle for as long as this.
async fn end_when_abandoned(connection: &mut PgConnection) -> Result<(), sqlx::Error> {
    let setting = "set idle_in_transaction_session_timeout = '10s'";
    connection.execute(setting).await.map(|_| ())
}

async fn alive(connection: &mut PgConnection) -> Result<bool, sqlx::Error> {
    ending(PING_TIME_MAX, connection.ping()).await.map(|()| true)
}

/// A time as Postgres' `interval`, to the microsecond.
#[must_use]
pub fn interval(time: Duration) -> PgInterval {
    let microseconds = i64::try_from(time.as_micros()).unwrap_or(i64::MAX);
    PgInterval { months: 0, days: 0, microseconds }
}

/// Gives an end to what Postgres may never answer.
///
/// # Errors
///
/// As `work`; when it did not end in time, that of a connection that broke.
pub async fn ending<T>(
    time_max: Duration,
    work: impl Future<Output = Result<T, sqlx::Error>>,
) -> Result<T, sqlx::Error> {
    let late = |_| sqlx::Error::Io(std::io::ErrorKind::TimedOut.into());
    timeout(time_max, work).await.map_err(late)?
}

/// Brings the schema of one service up to date. Safe to run twice, at once, and beside running
/// servers: sqlx holds a lock of the database meanwhile.
///
/// # Errors
///
/// When a migration fails, or differs from the one that was applied.
pub async fn migrate(db: &PgPool, migrator: &Migrator) -> Result<(), ConnectError> {
    migrator.run(db).await.map_err(ConnectError::Migrate)
}

/// Whether the same statement may well succeed a moment later.
#[must_use]
#[expect(clippy::wildcard_enum_match_arm, reason = "all else is a mistake of ours")]
pub fn is_transient(error: &sqlx::Error) -> bool {
    match error {
        sqlx::Error::Database(error) => error.code().is_some_and(|code| {
            // Connection lost, too many connections, shutting down or starting; a transaction that
            // lost to another; a lock or a statement that took too long.
            ["08", "53", "57", "40", "55"].iter().any(|class| code.starts_with(class))
        }),
        sqlx::Error::PoolTimedOut | sqlx::Error::PoolClosed | sqlx::Error::Io(_) => true,
        _ => false,
    }
}
