//! A stored score as the wire has it.

use klout_model::Score as Points;
use klout_proto::{
    convert::{self, state},
    revision::{Deployment, Revision},
    score::v1::Score,
};

use crate::store::score::StoredScore;

/// `dirty`: whether evidence came that is not scored yet. A known score stays known meanwhile; an
/// unknown one is pending.
pub(crate) fn to_wire(stored: &StoredScore, dirty: bool, deployment: Deployment) -> Score {
    let score = Score {
        person: stored.person.to_string(),
        score_time: Some(convert::timestamp(stored.score_time)),
        model: stored.model.clone(),
        epoch: stored.epoch,
        revision_token: Revision::Score(stored.revision.cast_unsigned()).to_token(deployment),
        ..Score::default()
    };
    let Some(known) = &stored.known else {
        let state = if dirty { state::PENDING } else { state::UNKNOWN };
        return Score { state: state.to_owned(), ..score };
    };
    Score {
        state: state::KNOWN.to_owned(),
        score: Some(known.score),
        percentile: Some(known.percentile),
        confidence: Some(known.confidence),
        bucket: Points::new(known.score).map(|it| it.bucket().to_string()).unwrap_or_default(),
        day_change: known.day_change,
        week_change: known.week_change,
        month_change: known.month_change,
        true_reach: Some(known.true_reach),
        amplification: Some(known.amplification),
        network_impact: Some(known.network_impact),
        ..score
    }
}
