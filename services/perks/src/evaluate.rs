//! Tells what campaigns say about somebody. Takes and writes nothing.

use std::{cmp::Reverse, sync::Arc};

use klout_model::PersonId;
use klout_perk_rules::{Prepared, Taken};
use sqlx::PgPool;
use time::OffsetDateTime;
use tracing::instrument;

use crate::{
    campaigns::{Campaigns, Compiled},
    decide::{HoldOut, Outcome, Verdict, decide_prepared, left},
    error::Error,
    facts::Person,
    spec::{Codes, UniquePer},
    store::{self, left::Left},
};

/// Campaigns that can be named at once.
pub(crate) const NAMED_MAX: usize = 100;

/// Reads what campaigns are and gave. Clones share it.
#[derive(Clone, Debug)]
pub(crate) struct Evaluator {
    pub(crate) db: PgPool,
    pub(crate) campaigns: Campaigns,
    pub(crate) hold_out: HoldOut,
}

/// What a campaign says.
#[derive(Debug)]
pub(crate) struct Evaluated {
    pub(crate) campaign: Arc<Compiled>,
    pub(crate) verdict: Verdict,
}

impl Evaluator {
    /// The campaigns of these ids; none: all that are active.
    pub(crate) async fn campaigns(&self, named: &[i64]) -> Result<Arc<[Arc<Compiled>]>, Error> {
        if named.is_empty() {
            return self.campaigns.active().await;
        }
        let mut campaigns = Vec::with_capacity(named.len());
        for campaign in named {
            campaigns.push(self.campaigns.get(*campaign).await?);
        }
        Ok(campaigns.into())
    }

    /// What they say about somebody, those first that one can have, then by their ids.
    #[instrument(name = "evaluate_perks", skip_all, fields(campaigns.len = campaigns.len()))]
    pub(crate) async fn evaluate(
        &self,
        campaigns: &[Arc<Compiled>],
        person: &Person,
        property: &str,
        now: OffsetDateTime,
    ) -> Result<Vec<Evaluated>, Error> {
        let mut evaluated = self.decide_all(campaigns, person, property, now);
        self.look_what_is_left(&mut evaluated, person.id, property, now).await?;
        evaluated
            .sort_by_key(|it| (Reverse(it.verdict.outcome == Outcome::Eligible), it.campaign.id));
        Ok(evaluated)
    }

    fn decide_all(
        &self,
        campaigns: &[Arc<Compiled>],
        person: &Person,
        property: &str,
        now: OffsetDateTime,
    ) -> Vec<Evaluated> {
        let prepared = Prepared::new(&person.facts.rules);
        let decide = |campaign: &Arc<Compiled>| Evaluated {
            verdict: decide_prepared(campaign, person, &prepared, property, now, &self.hold_out),
            campaign: Arc::clone(campaign),
        };
        campaigns.iter().map(decide).collect()
    }

    async fn look_what_is_left(
        &self,
        evaluated: &mut [Evaluated],
        person: PersonId,
        property: &str,
        now: OffsetDateTime,
    ) -> Result<(), Error> {
        let eligible = || |it: &&mut Evaluated| it.verdict.outcome == Outcome::Eligible;
        let ids: Vec<i64> =
            evaluated.iter_mut().filter(eligible()).map(|it| it.campaign.id).collect();
        if ids.is_empty() {
            return Ok(());
        }
        let rows = store::left::find(&self.db, &ids, person.get(), property, now).await;
        let rows = rows.map_err(Error::store("look what is left"))?;
        for it in evaluated.iter_mut().filter(eligible()) {
            let row = rows.get(&it.campaign.id);
            // One that was there a second ago and is not any more gives nothing.
            it.verdict.outcome =
                row.map_or(Outcome::NotActive, |row| outcome(&it.campaign, row, property));
        }
        Ok(())
    }
}

fn outcome(campaign: &Compiled, row: &Left, property: &str) -> Outcome {
    let spec = &campaign.spec;
    if spec.unique_per == UniquePer::Person && row.has_one {
        return Outcome::AlreadyGranted;
    }
    let codes_left = row.taken.codes_left.filter(|_| spec.codes == Codes::Uploaded);
    left(spec, &Taken { codes_left, ..row.taken }, !property.is_empty())
}
