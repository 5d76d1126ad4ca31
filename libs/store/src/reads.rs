//! Connections for short reads.

use std::{
    sync::{
        Arc, Mutex,
        atomic::{AtomicUsize, Ordering},
    },
    time::Duration,
};

use futures::future::BoxFuture;
use sqlx::{PgConnection, PgPool, Postgres, pool::PoolConnection};

use crate::ending;

/// Runs short reads on connections that it keeps, where the pool would ask the server after each statement
/// whether the connection is still there, which takes as long as the statement.
///
/// A read has an end: a connection on which it did not come is thrown away, so one that is dead without
/// a word is used once.
#[derive(Clone, Debug)]
pub struct Reads(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    db: PgPool,
    kept: Mutex<Kept>,
    /// More connections than this are not kept.
    kept_max: usize,
    in_use: AtomicUsize,
    time_max: Duration,
}

#[derive(Debug)]
struct Kept {
    connections: Vec<PoolConnection<Postgres>>,
    /// After the end none are kept.
    ended: bool,
}

// === impl Reads ===

impl Reads {
    /// Keeps half of the connections of `db` at most. `time_max`: for one read.
    #[must_use]
    pub fn new(db: PgPool, time_max: Duration) -> Self {
        let kept_max = usize::try_from(db.options().get_max_connections() / 2).unwrap_or(0);
        let kept = Mutex::new(Kept { connections: Vec::new(), ended: false });
        Self(Arc::new(Inner { db, kept, kept_max, in_use: AtomicUsize::new(0), time_max }))
    }

    /// Whether Postgres has little to read right now: less than half of what is kept is in use.
    #[must_use]
    pub fn at_rest(&self) -> bool {
        self.0.in_use.load(Ordering::Relaxed) * 2 < self.0.kept_max
    }

    /// What `statement` reads.
    ///
    /// # Errors
    ///
    /// As the statement; and when Postgres cannot be reached or does not answer in time.
    pub async fn read<T>(
        &self,
        statement: impl for<'c> Fn(&'c mut PgConnection) -> BoxFuture<'c, Result<T, sqlx::Error>>,
    ) -> Result<T, sqlx::Error> {
        ending(self.0.time_max, self.read_without_end(statement)).await
    }

    async fn read_without_end<T>(
        &self,
        statement: impl for<'c> Fn(&'c mut PgConnection) -> BoxFuture<'c, Result<T, sqlx::Error>>,
    ) -> Result<T, sqlx::Error> {
        loop {
            let kept =
                self.0.kept.lock().expect("nobody panics while holding it").connections.pop();
            let is_new = kept.is_none();
            let connection = match kept {
                Some(connection) => connection,
                None => self.0.db.acquire().await?,
            };
            // When this future is dropped, whatever the connection would say next is not for its next user.
            let mut used = Used::new(connection, &self.0.in_use);
            let result = statement(used.connection()).await;
            if !result.as_ref().is_err_and(is_end_of_connection) {
                self.keep(used.into_inner());
                return result;
            }
            if is_new {
                return result;
            }
            // A kept connection may have ended since, with all the others: Postgres was restarted.
        }
    }

    /// Gives everything back to the pool, which would otherwise wait for it when it is closed.
    pub fn end(&self) {
        let mut kept = self.0.kept.lock().expect("nobody panics while holding it");
        kept.ended = true;
        kept.connections.clear();
    }

    fn keep(&self, connection: PoolConnection<Postgres>) {
        let mut kept = self.0.kept.lock().expect("nobody panics while holding it");
        if !kept.ended && kept.connections.len() < self.0.kept_max {
            kept.connections.push(connection);
        }
    }
}

/// Whether nothing more can be asked there: it broke, or the server said that it ends it.
#[expect(clippy::wildcard_enum_match_arm, reason = "all else is about the statement")]
fn is_end_of_connection(error: &sqlx::Error) -> bool {
    match error {
        sqlx::Error::Io(_) | sqlx::Error::Protocol(_) | sqlx::Error::Tls(_) => true,
        sqlx::Error::Database(error) => error.code().is_some_and(|code| code.starts_with("57P")),
        _ => false,
    }
}

/// A connection that is closed if its user does not come back.
struct Used<'a> {
    connection: Option<PoolConnection<Postgres>>,
    in_use: &'a AtomicUsize,
}

// === impl Used ===

impl<'a> Used<'a> {
    fn new(connection: PoolConnection<Postgres>, in_use: &'a AtomicUsize) -> Self {
        in_use.fetch_add(1, Ordering::Relaxed);
        Self { connection: Some(connection), in_use }
    }

    fn connection(&mut self) -> &mut PgConnection {
        self.connection.as_mut().expect("it is taken out at the end")
    }

    fn into_inner(mut self) -> PoolConnection<Postgres> {
        self.connection.take().expect("it is taken out once")
    }
}

impl Drop for Used<'_> {
    fn drop(&mut self) {
        self.in_use.fetch_sub(1, Ordering::Relaxed);
        if let Some(connection) = &mut self.connection {
            connection.close_on_drop();
        }
    }
}
