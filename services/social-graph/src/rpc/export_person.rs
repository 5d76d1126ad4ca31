use futures::{Stream, TryStreamExt as _};
use klout_proto::graph::v1::{ExportPersonRequest, ExportPersonResponse};

use super::{GraphRpc, parse_person};
use crate::{describe, error::Error};

pub(super) async fn export_person(
    rpc: &GraphRpc,
    request: ExportPersonRequest,
) -> Result<impl Stream<Item = Result<ExportPersonResponse, Error>> + use<>, Error> {
    let person = parse_person("person", &request.person)?;
    let pieces = describe::document(&rpc.db, &rpc.teller, person, rpc.clock.now()).await?;
    Ok(pieces.map_ok(|piece| ExportPersonResponse { piece }))
}
