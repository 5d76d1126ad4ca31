use klout_proto::graph::v1::{AddContactsRequest, AddContactsResponse};

use super::{GraphRpc, parse_person};
use crate::{contact::Contact, contacts, error::Error};

pub(super) async fn add_contacts(
    rpc: &GraphRpc,
    request: AddContactsRequest,
) -> Result<AddContactsResponse, Error> {
    let person = parse_person("person", &request.person)?;
    let contacts = Contact::parse_all(request.contacts.unwrap_or_default())?;
    let now = rpc.clock.now();
    let added = contacts::add(&rpc.db, &rpc.contact_keys, person, &contacts, now).await?;
    Ok(AddContactsResponse { added })
}
