use klout_chassis::{Caller, Seen};
use klout_proto::score::v1::{ListMomentsRequest, ListMomentsResponse};
use tokio::task::spawn_blocking;

use super::{ScoreRpc, explain_score::sitter, get_score::parse_person, page};
use crate::{error::Error, explanation};

pub(super) async fn list_moments(
    rpc: &ScoreRpc,
    caller: &Caller,
    request: ListMomentsRequest,
) -> Result<ListMomentsResponse, Error> {
    let person = parse_person("person", &request.person)?;
    let size = page::size(request.page_size, 10, 100)?;
    // How many were listed before, and on which day: with another one the order is another.
    let after = page::after(&request.page_token, |day, listed| {
        Some((day.parse::<i32>().ok()?, listed.parse::<usize>().ok()?))
    })?;
    let (person, sitter) = sitter(rpc, caller.purpose(), person).await?;
    let today = sitter.today.number();
    let listed = after.filter(|(day, _)| *day == today).map_or(0, |(_, listed)| listed);
    let moments = move || {
        let portrait = sitter.portrait(sitter.today)?;
        let model = &*sitter.epoch.model;
        Ok::<_, Error>(explanation::list_moments(model, &portrait, sitter.today, listed, size))
    };
    let (moments, more) = spawn_blocking(moments).await.map_err(Error::Lost)??;
    rpc.lookups.note(caller, Seen::Moments, person);
    let next_page_token =
        if more { page::token(today, listed + moments.len()) } else { String::new() };
    Ok(ListMomentsResponse { moments, next_page_token })
}
