//! How many members a campaign's rules hold for: estimated from a sample, and counted one after the other.
//!
//! The sample is drawn when somebody first asks and when it has grown old, in the background, and stays in memory for a
//! while: it is counts that are told of it, and nobody. An exact count is a row of `perks.preview`. Whichever process
//! leases it goes on page by page, and notes with each page how far it is: when that process ends another one takes the
//! count up there, and two that believe to have it cannot both count a page.

mod estimate;
mod sample;

use std::sync::Arc;

use klout_chassis::{Chain, Clock};
use klout_perk_rules::Rule;
use klout_proto::{convert::timestamp, perk::v1 as wire};
use prost::Message as _;
use sqlx::PgPool;
use time::Duration;
use tokio::task::spawn_blocking;
use tracing::{instrument, warn};

use self::estimate::estimate;
pub(crate) use self::sample::{INTERVAL as SAMPLE_INTERVAL, Samples};
use crate::{
    decide::qualifies,
    error::Error,
    facts::{FactsGatherer, PEOPLE_MAX},
    spec::Spec,
    store::{
        self,
        preview::{Kept, Leased},
    },
};

/// How often it is looked whether a count waits.
pub(crate) const INTERVAL: std::time::Duration = std::time::Duration::from_secs(1);

/// How long a process may take for a page before another one takes the count.
const LEASE_TIME: Duration = Duration::minutes(2);

/// How long a count is kept.
const KEPT_TIME: Duration = Duration::DAY;

/// How often in a row a page may fail, and how long it rests then, for each time.
const ATTEMPTS_MAX: i32 = 6;
const REST: Duration = Duration::seconds(2);

/// Estimates and counts. Clones do it together.
#[derive(Clone, Debug)]
pub(crate) struct Previewer {
    pub(crate) db: PgPool,
    pub(crate) facts: FactsGatherer,
    pub(crate) samples: Samples,
}

// === impl Previewer ===

impl Previewer {
    /// Estimates how many qualify; and has them counted, when that is asked for.
    #[instrument(name = "preview_campaign", skip_all)]
    pub(crate) async fn preview(
        &self,
        spec: Arc<Spec>,
        rules: Arc<[Rule]>,
        exact: bool,
    ) -> Result<wire::Preview, Error> {
        let sample = self.samples.get().await?;
        // Who has left since it was drawn, or does not consent any more, is not counted.
        let drawn: Vec<i64> = sample.people.iter().map(|it| it.id.get()).collect();
        let gone = store::person_state::gone(&self.db, &drawn).await;
        let gone = gone.map_err(Error::store("look who has left"))?;
        let count = |count: usize| i64::try_from(count).unwrap_or(i64::MAX);
        let (members, draw_time) = (sample.members - count(gone.len()), sample.draw_time);
        let sampled = sample.people.len() - gone.len();
        let proto = spec.proto.clone();
        let qualifying = spawn_blocking(move || {
            let there = sample.people.iter().filter(|person| !gone.contains(&person.id.get()));
            there.filter(|person| qualifies(&spec, &rules, person)).count()
        });
        let qualifying = qualifying.await.map_err(Error::Lost)?;
        let mut kept = Kept {
            state: String::new(),
            sampled: count(sampled),
            sampled_qualifying: count(qualifying),
            members,
            sample_time: draw_time,
            counted: 0,
            qualifying: 0,
            problem: String::new(),
        };
        if !exact {
            return Ok(shown(None, kept));
        }
        let preview = rand::random_range(1..=i64::MAX);
        let now = Clock::running().now();
        store::preview::insert(&self.db, preview, &proto.encode_to_vec(), &kept, now)
            .await
            .map_err(Error::store("begin to count"))?;
        kept.state = "RUNNING".to_owned();
        Ok(shown(Some(preview), kept))
    }

    /// How far a count is.
    pub(crate) async fn get(&self, preview: i64) -> Result<wire::Preview, Error> {
        let since = Clock::running().now() - KEPT_TIME;
        let found = store::preview::find(&self.db, preview, since).await;
        let found = found.map_err(Error::store("read a count"))?;
        let unknown = || Error::PreviewUnknown { preview: preview.to_string() };
        Ok(shown(Some(preview), found.ok_or_else(unknown)?))
    }

    /// Goes on with a count for a page. Returns whether there was one.
    #[instrument(name = "count_qualifying", skip_all)]
    pub(crate) async fn step(&self) -> Result<bool, Error> {
        let now = Clock::running().now();
        let expired = store::preview::expire(&self.db, now - KEPT_TIME).await;
        expired.map_err(Error::store("delete old counts"))?;
        let leased = store::preview::lease(&self.db, now, LEASE_TIME).await;
        let Some(leased) = leased.map_err(Error::store("take a count"))? else { return Ok(false) };
        match self.count(&leased).await {
            Ok(()) => {}
            Err(error) => {
                warn!(error = %Chain(&error), preview = leased.preview, "a count did not get on");
                let again = Clock::running().now() + REST;
                let problem = error.to_string();
                store::preview::fail(&self.db, &leased, &problem, again, ATTEMPTS_MAX)
                    .await
                    .map_err(Error::store("note that a count did not get on"))?;
            }
        }
        Ok(true)
    }

    async fn count(&self, leased: &Leased) -> Result<(), Error> {
        let unreadable = |_| Error::PreviewUnknown { preview: leased.preview.to_string() };
        let spec = wire::CampaignSpec::decode(leased.spec.as_slice()).map_err(unreadable)?;
        let (spec, rules) = Spec::check_apart(spec).await?;
        let members = self.facts.list_members(leased.after, PEOPLE_MAX).await?;
        let Some(last) = members.last() else {
            let finished = store::preview::finish(&self.db, leased).await;
            return finished.map_err(Error::store("finish a count"));
        };
        let people = self.facts.gather_many(&members).await?;
        let counted = i64::try_from(people.len()).unwrap_or(i64::MAX);
        let qualifying = spawn_blocking(move || {
            people.iter().filter(|person| qualifies(&spec, &rules, person)).count()
        });
        let qualifying = qualifying.await.map_err(Error::Lost)?;
        let qualifying = i64::try_from(qualifying).unwrap_or(i64::MAX);
        // It is free again at once: the next step may be another process's.
        let now = Clock::running().now();
        store::preview::count(&self.db, leased, last.get(), counted, qualifying, now)
            .await
            .map_err(Error::store("note how far a count is"))?;
        Ok(())
    }
}

fn shown(preview: Option<i64>, kept: Kept) -> wire::Preview {
    let (low, middle, high) = estimate(kept.sampled_qualifying, kept.sampled, kept.members);
    wire::Preview {
        preview: preview.map(|it| it.to_string()).unwrap_or_default(),
        sampled: kept.sampled,
        sampled_qualifying: kept.sampled_qualifying,
        members: kept.members,
        estimate: middle,
        estimate_low: low,
        estimate_high: high,
        state: kept.state,
        counted: kept.counted,
        qualifying: kept.qualifying,
        sample_time: Some(timestamp(kept.sample_time)),
        problem: kept.problem,
    }
}
