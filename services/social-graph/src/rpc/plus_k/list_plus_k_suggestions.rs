use klout_proto::graph::v1::{ListPlusKSuggestionsRequest, ListPlusKSuggestionsResponse};

use super::{PlusKRpc, page, parse_person, show};
use crate::{error::Error, store::plus_k_suggestion::Suggested};

pub(super) async fn list_plus_k_suggestions(
    rpc: &PlusKRpc,
    request: ListPlusKSuggestionsRequest,
) -> Result<ListPlusKSuggestionsResponse, Error> {
    let person = parse_person("person", &request.person)?;
    let size = page::size(request.page_size, 20, 100)?;
    let size = usize::try_from(size).expect("a page is small");
    let after = after(&request.page_token)?;
    let (suggestions, next) = rpc.vouching.suggestions(person, size, after).await?;
    let next_page_token = next.map(|it| format!("{}.{}", it.day, it.receiver)).unwrap_or_default();
    let suggestions = suggestions.into_iter().map(show::suggestion).collect();
    Ok(ListPlusKSuggestionsResponse { suggestions, next_page_token })
}

fn after(token: &str) -> Result<Option<Suggested>, Error> {
    if token.is_empty() {
        return Ok(None);
    }
    let place = token.split_once('.').and_then(|(day, receiver)| {
        Some(Suggested { day: day.parse().ok()?, receiver: receiver.parse().ok()? })
    });
    place.map(Some).ok_or_else(|| Error::field("page_token", "is not one of ours"))
}
