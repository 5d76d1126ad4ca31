use klout_proto::graph::v1::{RemoveContactsRequest, RemoveContactsResponse};

use super::{GraphRpc, parse_person};
use crate::{contact::Contact, contacts, error::Error};

pub(super) async fn remove_contacts(
    rpc: &GraphRpc,
    request: RemoveContactsRequest,
) -> Result<RemoveContactsResponse, Error> {
    let person = parse_person("person", &request.person)?;
    let contacts = Contact::parse_all(request.contacts.unwrap_or_default())?;
    let removed = contacts::remove(&rpc.db, &rpc.contact_keys, person, &contacts).await?;
    Ok(RemoveContactsResponse { removed })
}
