//! `GetCampaignReport`.

use std::collections::HashMap;

use futures::TryStreamExt as _;
use klout_chassis::Caller;
use klout_proto::perk::v1::{
    Facts, GetCampaignReportRequest, GetCampaignReportResponse, GroupReport, OutcomeCount,
};
use prost::Message as _;

use super::PerkRpc;
use crate::{
    decide::Outcome,
    error::Error,
    rpc::{parse, show},
    store::{self, granted},
};

/// Of fewer people a mean tells too much of each of them.
const MEAN_OF_MIN: f64 = 10.0;

pub(super) async fn get_campaign_report(
    rpc: &PerkRpc,
    _: &Caller,
    request: GetCampaignReportRequest,
) -> Result<GetCampaignReportResponse, Error> {
    let store = Error::store;
    let campaign = parse::campaign(&request.campaign)?;
    let kept = store::campaign::find(&rpc.db, campaign, None).await;
    let kept = kept.map_err(store("read a campaign"))?;
    let kept = kept.ok_or_else(|| Error::no_campaign(campaign))?;
    let outcomes = granted::outcomes(&rpc.db, campaign).await;
    let outcomes = outcomes.map_err(store("count decisions"))?;
    let states = granted::states(&rpc.db, campaign, rpc.granter.now()).await;
    let states = states.map_err(store("count grants"))?;
    let groups = granted::groups(&rpc.db, campaign).await;
    let groups = groups.map_err(store("count who came again"))?;
    let mut scores: HashMap<String, Mean> = HashMap::new();
    let mut facts = std::pin::pin!(granted::first_facts(&rpc.db, campaign));
    while let Some((outcome, facts)) = facts.try_next().await.map_err(store("read facts"))? {
        // Only this service writes them.
        let score = Facts::decode(facts.as_slice()).ok().and_then(|it| it.score);
        if let Some(score) = score {
            scores.entry(outcome).or_default().add(score);
        }
    }
    let group = |outcome: Outcome| {
        let found = groups.iter().find(|it| it.outcome == outcome.as_str());
        Some(GroupReport {
            people: found.map_or(0, |it| it.people),
            came_again: found.map_or(0, |it| it.came_again),
            mean_score: scores.get(outcome.as_str()).and_then(Mean::get),
        })
    };
    let counts = |counts: Vec<(String, i64)>| {
        counts.into_iter().map(|(name, count)| OutcomeCount { name, count }).collect()
    };
    Ok(GetCampaignReportResponse {
        campaign: Some(show::campaign(&kept)?),
        outcomes: counts(outcomes),
        grants: counts(states),
        offered: group(Outcome::Reserved),
        held_out: group(Outcome::HeldOut),
    })
}

/// A mean that is taken one after the other.
#[derive(Clone, Copy, Debug, Default)]
struct Mean {
    count: f64,
    mean: f64,
}

impl Mean {
    fn add(&mut self, value: f64) {
        self.count += 1.0;
        self.mean += (value - self.mean) / self.count;
    }

    /// `None`: it would be of too few.
    fn get(&self) -> Option<f64> {
        (self.count >= MEAN_OF_MIN).then_some(self.mean)
    }
}
