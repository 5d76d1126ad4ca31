use klout_chassis::{Caller, Seen};
use klout_model::PersonId;
use klout_proto::score::v1::{ListTopScoresRequest, ListTopScoresResponse};

use super::{ScoreRpc, page};
use crate::{error::Error, score::to_wire, store};

pub(super) async fn list_top_scores(
    rpc: &ScoreRpc,
    caller: &Caller,
    request: ListTopScoresRequest,
) -> Result<ListTopScoresResponse, Error> {
    let size = page::size(request.page_size, 100, 1_000)?;
    let after = page::after(&request.page_token, |bits, person| {
        let bits = u64::from_str_radix(bits, 16).ok()?;
        Some((f64::from_bits(bits), person.parse::<i64>().ok()?))
    })?;
    let bounds = bound("min_score", request.min_score, f64::NEG_INFINITY)?
        ..=bound("max_score", request.max_score, f64::INFINITY)?;
    let more = i64::try_from(size + 1).unwrap_or(i64::MAX);
    let mut rows = store::score::top(&rpc.reader.db, caller.purpose(), &bounds, after, more)
        .await
        .map_err(Error::store("read the ranking"))?;
    let has_more = rows.len() > size;
    rows.truncate(size);
    let next_page_token = match rows.last() {
        Some(last) if has_more => {
            let score = last.known.map_or(0.0, |known| known.score);
            page::token(format_args!("{:x}", score.to_bits()), last.person)
        }
        Some(_) | None => String::new(),
    };
    for person in rows.iter().filter_map(|score| PersonId::new(score.person)) {
        rpc.lookups.note(caller, Seen::Ranking, person);
    }
    let scores = rows.iter().map(|score| to_wire(score, false, rpc.reader.deployment)).collect();
    Ok(ListTopScoresResponse { scores, next_page_token })
}

fn bound(field: &'static str, score: Option<f64>, otherwise: f64) -> Result<f64, Error> {
    match score {
        Some(score) if score.is_nan() => {
            Err(Error::FieldInvalid { field, problem: "is not a number" })
        }
        Some(score) => Ok(score),
        None => Ok(otherwise),
    }
}
