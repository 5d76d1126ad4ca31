use klout_chassis::{Caller, Seen};
use klout_proto::graph::v1::{ListHandlesRequest, ListHandlesResponse};

use super::{GraphRpc, page, parse_person};
use crate::{
    error::Error,
    handles,
    shown::{hangs_on_consent, shown_to},
};

/// Handles of a page, and the most of them.
const SIZE: u16 = 100;
const SIZE_MAX: u16 = 1_000;

pub(super) async fn list_handles(
    rpc: &GraphRpc,
    caller: &Caller,
    request: ListHandlesRequest,
) -> Result<ListHandlesResponse, Error> {
    let person = parse_person("person", &request.person)?;
    let size = page::size(request.page_size, SIZE, SIZE_MAX)?;
    let [skip] = page::after(&request.page_token)?.unwrap_or([0]);
    if skip < 0 {
        return Err(page::not_ours().into());
    }
    let max = i64::try_from(size).expect("at most a thousand");
    let withheld = if hangs_on_consent(caller) {
        shown_to(&rpc.db, caller, person).await?.withheld_networks
    } else {
        Vec::new()
    };
    let (meant, mut handles) = handles::list(&rpc.db, person, skip, max + 1).await?;
    rpc.lookups.note(caller, Seen::Profile, meant);
    let next_page_token =
        if handles.len() > size { page::token([skip + max]) } else { String::new() };
    handles.truncate(size);
    handles.retain(|handle| !withheld.contains(&handle.network));
    Ok(ListHandlesResponse { handles, next_page_token })
}
