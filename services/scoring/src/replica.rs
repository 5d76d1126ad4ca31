//! Holds the lease under which this process may serve cached scores.
//!
//! The lease is renewed on the connection that hears of changes, so that it is not held by a process that
//! hears nothing: a connection that is dead without a word renews nothing either. When it is lost,
//! changes may have been missed, so nothing that was remembered before is served again.

use std::time::Duration;

use klout_chassis::{Chain, switched_on};
use klout_store::{ConnectError, ending};
use secrecy::SecretString;
use sqlx::PgPool;
use tokio::time::{Instant, MissedTickBehavior, interval, sleep};
use tokio_util::sync::CancellationToken;
use tracing::{debug, warn};
use uuid::Uuid;

use crate::{
    cached::Cached,
    change::Change,
    flights::Flights,
    store::{
        self,
        replica::{Current, Renewed},
    },
    watch::Watches,
};

/// How long a lease is held without being renewed.
const LEASE_TIME: Duration = Duration::from_secs(2);

/// How much earlier this process takes it for lapsed than Postgres does: clocks do not run alike.
const LEASE_MARGIN: Duration = Duration::from_millis(100);

/// How often it is renewed, and how long that may take.
const RENEW_INTERVAL: Duration = Duration::from_millis(500);
const RENEW_TIME_MAX: Duration = Duration::from_secs(1);

/// How long nothing is tried after the connection was lost.
const PAUSE: Duration = Duration::from_millis(250);

/// Renewals between two looks for the leases of processes that are gone.
const RENEWALS_PER_CLEARING: u64 = 120;

/// This process among those that serve scores.
#[derive(Debug)]
pub(crate) struct Replica {
    id: Uuid,
    db: PgPool,
    url: SecretString,
    cached: Cached,
    flights: Flights,
    watches: Watches,
}

/// What ended a session.
#[derive(Debug, thiserror::Error)]
enum Lost {
    #[error("could not listen for changes")]
    Listen(#[source] ConnectError),
    #[error("the lease could not be renewed")]
    Renew(#[source] sqlx::Error),
    #[error("could not hear of changes")]
    Hear(#[source] sqlx::Error),
    #[error("the connection to Postgres ended")]
    Ended,
}

// === impl Replica ===

impl Replica {
    pub(crate) fn new(
        db: PgPool,
        url: SecretString,
        cached: Cached,
        flights: Flights,
        watches: Watches,
    ) -> Self {
        Self { id: Uuid::new_v4(), db, url, cached, flights, watches }
    }

    /// Holds the lease until `stop` is cancelled, and takes it again whenever it is lost.
    pub(crate) async fn run(&self, stop: &CancellationToken) {
        while !stop.is_cancelled() {
            let ended = tokio::select! {
                () = stop.cancelled() => break,
                ended = self.session() => ended,
            };
            self.cached.end_lease();
            warn!(error = %Chain(&ended), "scores are read from Postgres only until it is there again");
            tokio::select! {
                () = stop.cancelled() => {}
                () = sleep(PAUSE) => {}
            }
        }
        self.cached.end_lease();
        let given_back = ending(RENEW_TIME_MAX, store::replica::remove(&self.db, self.id)).await;
        if let Err(error) = given_back {
            debug!(%error, "the lease was not given back; it lapses");
        }
    }

    /// From the first renewal to the loss of the connection.
    async fn session(&self) -> Lost {
        let channel = store::replica::CHANNEL;
        let mut listener = match klout_store::listen(&self.url, "scoring", channel).await {
            Ok(listener) => listener,
            Err(error) => return Lost::Listen(error),
        };
        self.begin_session();
        // The last change of anybody's state that was heard of, and the one that was confirmed.
        let (mut heard, mut confirmed) = (0, 0);
        let mut renewals = interval(RENEW_INTERVAL);
        renewals.set_missed_tick_behavior(MissedTickBehavior::Delay);
        let mut count = 0;
        loop {
            tokio::select! {
                _ = renewals.tick() => {
                    let asked = Instant::now();
                    let seconds = LEASE_TIME.as_secs_f64();
                    let renewed = store::replica::renew(&mut listener, self.id, seconds, heard);
                    match ending(RENEW_TIME_MAX, renewed).await {
                        Ok(renewed) => {
                            confirmed = heard;
                            self.follow(renewed, &mut heard);
                        }
                        Err(error) => return Lost::Renew(error),
                    }
                    self.cached.lease(asked + LEASE_TIME - LEASE_MARGIN);
                    count += 1;
                    if count % RENEWALS_PER_CLEARING == 0
                        && let Err(error) =
                            ending(RENEW_TIME_MAX, store::replica::remove_lapsed(&mut listener)).await
                    {
                        return Lost::Renew(error);
                    }
                }
                received = listener.try_recv() => match received {
                    // What is lost is caught up with at the next renewal that hears.
                    Ok(Some(_)) if switched_on!("scoring.hears_nothing") => {}
                    Ok(Some(told)) => self.hear(told.payload(), &mut heard),
                    Ok(None) => return Lost::Ended,
                    Err(error) => return Lost::Hear(error),
                }
            }
            // Somebody waits for it.
            if heard > confirmed {
                let confirming = store::replica::confirm(&mut listener, self.id, heard);
                if let Err(error) = ending(RENEW_TIME_MAX, confirming).await {
                    return Lost::Renew(error);
                }
                confirmed = heard;
            }
        }
    }

    fn hear(&self, message: &str, heard: &mut i64) {
        match Change::read(message) {
            Some(Change::People(people)) => {
                self.flights.outdate(&people);
                // Not before: what is read from now on is new.
                self.watches.tell_people(&people);
            }
            Some(Change::Standing(standing)) => {
                self.cached.follow_standing(standing);
                self.watches.tell_everybody();
            }
            Some(Change::Generation(generation)) => self.cached.follow_generation(generation),
            // All people whom it is about were named before.
            Some(Change::Masking(number)) => *heard = (*heard).max(number),
            // A later version said it. Whatever it is about, it is read anew.
            None => self.begin_session(),
        }
    }

    /// Changes may have been missed.
    fn begin_session(&self) {
        self.cached.begin_session();
        self.watches.tell_everybody();
    }

    /// A lease that had lapsed is held again, so somebody may have been masked meanwhile without waiting for this
    /// process: nothing of before is served if not all changes were heard of. Before the lease counts here.
    fn follow(&self, renewed: Renewed, heard: &mut i64) {
        let Renewed { current, masking } = renewed;
        if masking > *heard && !switched_on!("scoring.hears_nothing") {
            self.begin_session();
            *heard = masking;
        }
        self.follow_current(current);
    }

    fn follow_current(&self, current: Current) {
        let before = self.cached.standing();
        self.cached.follow(current);
        if self.cached.standing() != before {
            self.watches.tell_everybody();
        }
    }
}
