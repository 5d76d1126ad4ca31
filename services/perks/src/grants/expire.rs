//! Ends reservations that nobody confirmed in time.
//!
//! Each group ends those of its campaign. Where nobody comes, this does: a group that wants nothing else stands in the
//! line of each campaign that has some. What is over counts as over before it is written down, and is written down once,
//! since whoever does so holds the campaign.

use std::time::Duration;

use futures::{StreamExt as _, stream};
use klout_chassis::Chain;
use tracing::{instrument, warn};

use super::{
    Granter,
    line::{Done, Wish},
};
use crate::{error::Error, store};

/// How often it is looked whether some are over.
pub(crate) const INTERVAL: Duration = Duration::from_secs(1);

/// Campaigns of one step.
const CAMPAIGNS_MAX: i64 = 1_000;

/// Campaigns at once, which leaves connections to whoever reserves.
const AT_ONCE: usize = 4;

impl Granter {
    /// Returns whether any was over.
    #[instrument(name = "expire_reservations", skip_all)]
    pub(crate) async fn expire(&self) -> Result<bool, Error> {
        let due = store::grant::due(&self.db, self.now(), CAMPAIGNS_MAX).await;
        let due = due.map_err(Error::store("look for reservations whose time is over"))?;
        let ended: Vec<Result<usize, Error>> = stream::iter(due)
            .map(async |campaign| match self.line.stand(self, campaign, Wish::Expire).await {
                Ok(Done::Expired(ended)) => Ok(ended),
                Ok(Done::Decided(_) | Done::Known(_) | Done::Stepped(_)) => Err(Error::GroupLost),
                // They wait where everybody ends them.
                Err(Error::Overloaded) => Ok(0),
                Err(error) => Err(error),
            })
            .buffer_unordered(AT_ONCE)
            .collect()
            .await;
        // One that fails keeps no other from being looked at.
        let mut failed = None;
        let mut any = false;
        for ended in ended {
            match ended {
                Ok(ended) => any |= ended > 0,
                // Whoever repeats this tells the last one.
                Err(error) => {
                    if let Some(before) = failed.replace(error) {
                        warn!(error = %Chain(&before), "reservations of a campaign were not ended");
                    }
                }
            }
        }
        failed.map_or(Ok(any), Err)
    }
}
