use klout_chassis::{Caller, Seen};
use klout_model::Day;
use klout_proto::{
    convert,
    score::v1::{ListScoresRequest, ListScoresResponse},
};
use prost_types::Timestamp;

use super::{ScoreRpc, get_score::parse_person, page};
use crate::{
    error::Error,
    score::to_wire,
    store::{self, history::Span},
};

pub(super) async fn list_scores(
    rpc: &ScoreRpc,
    caller: &Caller,
    request: ListScoresRequest,
) -> Result<ListScoresResponse, Error> {
    let person = parse_person("person", &request.person)?;
    let size = page::size(request.page_size, 90, 1_000)?;
    let after = page::after(&request.page_token, |day, model| {
        Some((day.parse::<i32>().ok()?, model.to_owned()))
    })?;
    let span = Span {
        first: day(request.start_time, "start_time")?.unwrap_or(i32::MIN),
        // The first day that is left out.
        last: day(request.end_time, "end_time")?.map_or(i32::MAX, |day| day - 1),
        model: (!request.model.is_empty()).then_some(request.model),
    };
    if let Some(model) = &span.model {
        rpc.models.known(model, rpc.reader.clock.now()).await?;
    }
    if span.first > span.last {
        let problem = "is not later than `start_time`";
        return Err(Error::FieldInvalid { field: "end_time", problem });
    }
    let person = rpc.reader.visible(person, caller.purpose()).await?.person;
    let more = i64::try_from(size + 1).unwrap_or(i64::MAX);
    let mut rows = store::history::list(&rpc.reader.db, person.get(), &span, after, more)
        .await
        .map_err(Error::store("read history"))?;
    rpc.lookups.note(caller, Seen::History, person);
    let has_more = rows.len() > size;
    rows.truncate(size);
    let next_page_token = match rows.last() {
        Some((day, score)) if has_more => page::token(day, &score.model),
        Some(_) | None => String::new(),
    };
    let scores =
        rows.iter().map(|(_, score)| to_wire(score, false, rpc.reader.deployment)).collect();
    Ok(ListScoresResponse { scores, next_page_token })
}

/// The number of the UTC day of a time.
pub(super) fn day(time: Option<Timestamp>, field: &'static str) -> Result<Option<i32>, Error> {
    let Some(time) = time else { return Ok(None) };
    let time = convert::time(&time);
    let time = time.ok_or(Error::FieldInvalid { field, problem: "is not a time" })?;
    Ok(Some(Day::of(time).number()))
}
