use klout_proto::graph::v1::{ListPlusKSuggestionsRequest, ListPlusKSuggestionsResponse};

use super::{PlusKRpc, page, parse_person, show};
use crate::error::Error;

pub(super) async fn list_plus_k_suggestions(
    rpc: &PlusKRpc,
    request: ListPlusKSuggestionsRequest,
) -> Result<ListPlusKSuggestionsResponse, Error> {
    let person = parse_person("person", &request.person)?;
    let size = page::size(request.page_size, 20, 100)?;
    let suggestions = rpc.vouching.suggestions(person, size).await?;
    let suggestions = suggestions.into_iter().map(show::suggestion).collect();
    Ok(ListPlusKSuggestionsResponse { suggestions })
}
