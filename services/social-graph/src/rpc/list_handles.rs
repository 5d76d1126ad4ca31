use klout_proto::graph::v1::{ListHandlesRequest, ListHandlesResponse};

use super::{GraphRpc, page, parse_person};
use crate::{error::Error, handles};

/// Handles of a page, and the most of them.
const SIZE: u16 = 100;
const SIZE_MAX: u16 = 1_000;

pub(super) async fn list_handles(
    rpc: &GraphRpc,
    request: ListHandlesRequest,
) -> Result<ListHandlesResponse, Error> {
    let person = parse_person("person", &request.person)?;
    let size = page::size(request.page_size, SIZE, SIZE_MAX)?;
    let [skip] = page::after(&request.page_token)?.unwrap_or([0]);
    if skip < 0 {
        return Err(page::not_ours());
    }
    let max = i64::try_from(size).expect("at most a thousand");
    let mut handles = handles::list(&rpc.db, person, skip, max + 1).await?;
    let next_page_token =
        if handles.len() > size { page::token([skip + max]) } else { String::new() };
    handles.truncate(size);
    Ok(ListHandlesResponse { handles, next_page_token })
}
