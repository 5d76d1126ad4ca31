use std::time::Duration;

use klout_chassis::Caller;
use klout_proto::{
    convert,
    perk::v1::{DecideCheckInRequest, DecideCheckInResponse},
};

use super::PerkRpc;
use crate::{
    desk::{Answer, Asked, DEADLINE, SANDBOX_CAMPAIGN},
    error::Error,
};

pub(super) async fn decide_check_in(
    rpc: &PerkRpc,
    caller: &Caller,
    request: DecideCheckInRequest,
) -> Result<DecideCheckInResponse, Error> {
    let deadline = match request.deadline {
        None => DEADLINE,
        Some(it) => Duration::try_from(it).map_err(|_| Error::field("deadline", "is negative"))?,
    };
    let asked = Asked {
        property: request.property,
        stay: request.stay,
        guest: request.guest.unwrap_or_default(),
        booked_category: request.booked_category,
        upgrades: request.upgrades,
        deadline,
    };
    Ok(encode(rpc.desk.decide(caller, asked).await?))
}

fn encode(answer: Answer) -> DecideCheckInResponse {
    let Answer { told, expire_time, is_sandbox, is_recorded, is_repeat } = answer;
    let campaign = match told.campaign {
        Some(campaign) => campaign.to_string(),
        None if is_sandbox && told.grant.is_some() => SANDBOX_CAMPAIGN.to_owned(),
        None => String::new(),
    };
    DecideCheckInResponse {
        outcome: if told.is_offer { "OFFER" } else { "NO_OFFER" }.to_owned(),
        reason: told.reason,
        explanation: told.explanation,
        line: told.line,
        category: told.category,
        campaign,
        grant: told.grant.map(|it| it.to_string()).unwrap_or_default(),
        expire_time: expire_time.map(convert::timestamp),
        disclosure: told.disclosure,
        stale: told.is_stale,
        score_time: told.score_time.map(convert::timestamp),
        recorded: is_recorded,
        is_repeat,
        decide_time: Some(convert::timestamp(told.decide_time)),
    }
}
