use klout_proto::topic::v1::{UseEditionRequest, UseEditionResponse};

use super::OperatorRpc;
use crate::{editions, error::Error, store};

pub(super) async fn use_edition(
    rpc: &OperatorRpc,
    request: UseEditionRequest,
) -> Result<UseEditionResponse, Error> {
    let UseEditionRequest { ontology, edition } = request;
    let path = format!("{ontology}/{edition}");
    let found = if path.contains('\0') {
        None
    } else {
        store::edition::named(&rpc.db, &ontology, &edition)
            .await
            .map_err(Error::store("look for an edition"))?
    };
    let found = found.ok_or(Error::EditionUnknown { edition: path })?;
    let counts = editions::go_over(&rpc.db, &rpc.ontologies, &found).await?;
    rpc.posts_changed.notify_one();
    let editions::Counts { kept, moved, gone } = counts;
    Ok(UseEditionResponse { edition: Some(rpc.encode(found).await?), kept, moved, gone })
}
