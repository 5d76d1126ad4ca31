use klout_proto::graph::v1::{ListHandlesRequest, ListHandlesResponse};

use super::{GraphRpc, page, parse_person};
use crate::{error::Error, handles};

pub(super) async fn list_handles(
    rpc: &GraphRpc,
    request: ListHandlesRequest,
) -> Result<ListHandlesResponse, Error> {
    let person = parse_person("person", &request.person)?;
    let size = page::size(request.page_size)?;
    let skip = page::start(&request.page_token)?;
    let mut handles = handles::list(&rpc.db, person, skip, size + 1).await?;
    let next_page_token = page::cut(&mut handles, size, |_| skip + size);
    Ok(ListHandlesResponse { handles, next_page_token })
}
