//! Gives back what was reserved for a desk that was told meanwhile that there is nothing.
//!
//! Whether a reservation was made that ended in an error is not known; its request_id tells. As long as the store does
//! not answer, it is asked again: until it does, or the reservation has expired by itself.

use std::time::Duration;

use tokio::time::{Instant, sleep};
use tracing::{debug, info, warn};

use super::{Desk, Stay};
use crate::{error::Error, grants::Ask, store};

/// Between two tries.
const PAUSE_MIN: Duration = Duration::from_millis(50);
const PAUSE_MAX: Duration = Duration::from_secs(5);

/// What is under way for a stay.
#[derive(Debug)]
pub(super) struct Settler {
    desk: Desk,
    property: String,
    stay: String,
    attempt: i64,
    reserving: Option<Reserving>,
}

/// A reservation that may have been made.
#[derive(Debug)]
struct Reserving {
    campaign: i64,
    caller: String,
    request_id: String,
    /// When it has expired by itself.
    end: Instant,
}

// === impl Settler ===

impl Settler {
    pub(super) fn new(desk: &Desk, stay: &Stay) -> Self {
        Self {
            desk: desk.clone(),
            property: stay.question.property.property.clone(),
            stay: stay.question.stay.clone(),
            attempt: stay.attempt,
            reserving: None,
        }
    }

    pub(super) fn reserving(&mut self, ask: &Ask) {
        self.reserving = Some(Reserving {
            campaign: ask.campaign.id,
            caller: ask.caller.name().to_owned(),
            request_id: ask.request_id.clone(),
            end: Instant::now() + ask.campaign.spec.reservation_duration,
        });
    }

    /// The one that was under way gave nothing.
    pub(super) fn nothing_taken(&mut self) {
        self.reserving = None;
    }

    /// Whether there may be something to give back.
    pub(super) const fn is_reserving(&self) -> bool {
        self.reserving.is_some()
    }

    /// Withdraws what nobody was told, and gives back what it reserved.
    pub(super) async fn settle(&self) {
        let mut pause = PAUSE_MIN;
        while let Err(error) = self.try_to_settle().await {
            let Some(Reserving { end, .. }) = &self.reserving else {
                debug!(
                    error = &error as &dyn std::error::Error,
                    "that there is no offer came too late, and stays written down"
                );
                return;
            };
            if Instant::now() + pause > *end {
                warn!(
                    error = &error as &dyn std::error::Error,
                    "what came too late for a desk could not be withdrawn"
                );
                return;
            }
            // Whoever goes down leaves it to expire: the retry of the desk meets what was written down.
            if self.desk.0.going_down.run_until_cancelled(sleep(pause)).await.is_none() {
                debug!("what came too late for a desk is left to expire");
                return;
            }
            pause = (pause * 2).min(PAUSE_MAX);
        }
    }

    async fn try_to_settle(&self) -> Result<(), Error> {
        let db = &self.desk.0.db;
        let withdrawn =
            store::check_in::withdraw(db, &self.property, &self.stay, self.attempt, false).await;
        let withdrawn = withdrawn.map_err(Error::store("withdraw what came too late"))?;
        if withdrawn {
            self.desk.0.metrics.withdrawn.increment(1);
        }
        let Some(reserving) = &self.reserving else { return Ok(()) };
        let Reserving { campaign, caller, request_id, end: _ } = reserving;
        let granter = &self.desk.0.granter;
        let decided = granter.recorded(*campaign, caller, request_id).await?;
        let Some(grant) = decided.and_then(|it| it.grant) else { return Ok(()) };
        let told = self.desk.told(&self.property, &self.stay).await?;
        let is_told = told.is_some_and(|it| it.attempt == self.attempt && !it.is_withdrawn);
        if is_told {
            debug!(withdrawn, "another call has told it");
            return Ok(());
        }
        match granter.release(*campaign, grant.id).await {
            Ok(_) => {
                info!(campaign, grant = grant.id, "a reservation that came too late was released");
                Ok(())
            }
            // It expired meanwhile, or was released by an operator.
            Err(Error::GrantEnded { .. } | Error::GrantConfirmed | Error::GrantUnknown { .. }) => {
                Ok(())
            }
            Err(error) => Err(error),
        }
    }
}
