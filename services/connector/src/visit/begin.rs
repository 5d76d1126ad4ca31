//! Begins visits that are due.

use klout_model::{Day, WINDOW_DAYS};
use klout_networks::{Account, Trouble, Visit};
use time::OffsetDateTime;
use tracing::{instrument, warn};
use url::Url;

use super::{BACKFILL, INCREMENTAL, Visitor, mode_of};
use crate::{
    error::Error,
    owners,
    store::{self, connection::Connection},
    visit::commit,
};

/// Visits that are begun at once.
const DUE_MAX: i64 = 100;

impl Visitor {
    /// Begins visits that are due. Returns whether there were any.
    #[instrument(name = "begin_visits", skip_all)]
    pub(crate) async fn begin_due(&self, owners: &owners::Owners) -> Result<bool, Error> {
        let now = self.running.now();
        let due = store::connection::due(&self.db, now, DUE_MAX).await;
        let due = due.map_err(Error::store("look who is due"))?;
        if due.is_empty() {
            return Ok(false);
        }
        let accounts: Vec<i64> = due.iter().map(|it| it.account_id).collect();
        let Some(owned) = owners.of(&accounts).await else {
            // Whose they are is not known now: nobody's account is asked about.
            return Ok(false);
        };
        for connection in &due {
            match owned.get(&connection.account_id) {
                Some(owner) if *owner == connection.person_id => self.begin(connection).await?,
                // Merged, or linked anew: it goes on for whose it is now.
                Some(owner) => self.hand_over(connection.account_id, *owner).await?,
                None => self.end(connection.account_id).await?,
            }
        }
        self.due.notify_waiters();
        Ok(true)
    }

    pub(super) async fn begin(&self, due: &Connection) -> Result<(), Error> {
        let store = Error::store;
        let now = self.running.now();
        let Some(network) = self.networks.get(&due.network) else {
            warn!(network = due.network, "a connection of a network that is not built in");
            return self.postpone(due.account_id).await;
        };
        let mut transaction = self.db.begin().await.map_err(store("begin a visit"))?;
        let held = store::connection::hold(&mut transaction, due.account_id).await;
        let held = held.map_err(store("hold a connection"))?;
        // Somebody else may have begun it since.
        let Some(mut held) = held.filter(|it| it.visit == due.visit && it.mode == "IDLE") else {
            return Ok(());
        };
        let whole = held.whole_time.is_none_or(|last| last + self.whole_interval <= now);
        held.mode = if whole { BACKFILL } else { INCREMENTAL }.to_owned();
        let visit = match self.visit(&held) {
            Ok(visit) => visit,
            Err(trouble) => {
                warn!(problem = %trouble, "a connection cannot be visited");
                return self.postpone(due.account_id).await;
            }
        };
        let first_day = first_day(self.clock.now()).number();
        store::listed::expire(&mut transaction, held.account_id, first_day)
            .await
            .map_err(store("forget what is before the window"))?;
        let then = network.begin(&visit);
        let tasks = self.tasks(&mut transaction, &held, &visit, network, then).await?;
        let waiting = i32::try_from(tasks.len()).unwrap_or(i32::MAX);
        store::connection::begin(&mut transaction, held.account_id, &held.mode, waiting, now)
            .await
            .map_err(store("note that a visit began"))?;
        store::task::append(&mut transaction, held.account_id, &tasks, now)
            .await
            .map_err(store("write what is to be asked"))?;
        // A visit that has nothing to ask has ended.
        let next_time = commit::next_time(self.running.now(), self.visit_interval);
        store::connection::went_on(&mut transaction, held.account_id, 0, next_time)
            .await
            .map_err(store("count what is to be asked"))?;
        transaction.commit().await.map_err(store("commit that a visit began"))
    }

    /// Looks at it again when the next visit would begin.
    async fn postpone(&self, account: i64) -> Result<(), Error> {
        let mut connection =
            self.db.acquire().await.map_err(Error::store("put a connection off"))?;
        let next_time = commit::next_time(self.running.now(), self.visit_interval);
        store::connection::stop(&mut connection, account, "FAILING", next_time)
            .await
            .map_err(Error::store("put a connection off"))
    }

    async fn hand_over(&self, account: i64, owner: i64) -> Result<(), Error> {
        store::connection::hand_over(&self.db, account, owner)
            .await
            .map_err(Error::store("hand a connection over"))
    }

    /// Ends a connection of an account that is nobody's any more.
    async fn end(&self, account: i64) -> Result<(), Error> {
        let mut connection = self.db.acquire().await.map_err(Error::store("end a connection"))?;
        store::connection::remove(&mut connection, &[account])
            .await
            .map(|_| ())
            .map_err(Error::store("end a connection"))
    }
}

/// What a network has to know of a connection to be asked about it.
pub(super) fn visit(connection: &Connection, now: OffsetDateTime) -> Result<Visit, Trouble> {
    let url = |text: &str| {
        Url::parse(text).map_err(|error| Trouble::Malformed {
            what: "the address of the network",
            problem: error.to_string(),
        })
    };
    Ok(Visit {
        account: Account {
            native_id: connection.native_id.clone(),
            handle: connection.handle.clone(),
        },
        public: url(&connection.public_url)?,
        own: connection.own_url.as_deref().map(url).transpose()?,
        mode: mode_of(connection),
        since: window_start(now),
        synced: connection.sync_time,
        now,
    })
}

/// The first moment of the window of 90 days.
pub(crate) fn window_start(now: OffsetDateTime) -> OffsetDateTime {
    first_day(now).bounds().0
}

/// The first day of the window of 90 days.
pub(super) fn first_day(now: OffsetDateTime) -> Day {
    Day::of(now).minus(u16::from(WINDOW_DAYS) - 1)
}

#[cfg(test)]
mod tests {
    use time::macros::datetime;

    use super::*;

    #[test]
    fn the_first_moment_of_the_window_is_admitted_and_the_one_before_is_not() {
        let now = datetime!(2026-11-26 12:34:56 UTC);
        let start = window_start(now);
        assert!(Day::admit(start, now, time::Duration::ZERO).is_ok());
        let before = start - time::Duration::NANOSECOND;
        assert!(Day::admit(before, now, time::Duration::ZERO).is_err());
    }
}
