use klout_model::ContactHash;
use klout_proto::graph::v1::{ImportDeletionListRequest, ImportDeletionListResponse};
use tonic::Streaming;

use super::{GraphRpc, REQUESTS_MAX};
use crate::{deletion_list, error::Error, state::By};

const KINDS: [&str; 3] = ["email", "phone", "loyalty_number"];

pub(super) async fn import_deletion_list(
    rpc: &GraphRpc,
    caller: &str,
    mut stream: Streaming<ImportDeletionListRequest>,
) -> Result<ImportDeletionListResponse, Error> {
    let mut response = ImportDeletionListResponse::default();
    let mut untold = Vec::new();
    while let Some(message) =
        stream.message().await.map_err(|status| Error::Stream(Box::new(status)))?
    {
        let ImportDeletionListRequest { hashes, kind } = message;
        if hashes.len() > REQUESTS_MAX {
            return Err(Error::field("hashes", format!("has more than {REQUESTS_MAX}")));
        }
        if !KINDS.contains(&kind.as_str()) {
            return Err(Error::field("kind", "is not email, phone or loyalty_number"));
        }
        let contacts: Vec<ContactHash> = hashes
            .iter()
            .filter_map(|hash| hash.as_slice().try_into().ok())
            .map(|sha256| rpc.account_key.contact(sha256))
            .collect();
        let note = "on a deletion list";
        let by = By { caller, note, now: rpc.clock.now() };
        let taken =
            deletion_list::take(&rpc.ledger(), &rpc.contact_keys, &contacts, &kind, &by).await?;
        let count = |length: usize| u64::try_from(length).unwrap_or(u64::MAX);
        response.received += count(hashes.len());
        response.rejected += count(hashes.len() - contacts.len());
        response.repeated += count(contacts.len()) - taken.new;
        response.erased += count(taken.erased.len());
        // What is not confirmed at once is waited for in the end.
        if !taken.erased.is_empty() && rpc.teller.tell(&taken.erased).await.is_err() {
            untold.extend(taken.erased);
        }
    }
    rpc.teller.tell(&untold).await?;
    Ok(response)
}
