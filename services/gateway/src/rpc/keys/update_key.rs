//! `UpdateKey`.

use klout_proto::profile::v1::{UpdateKeyRequest, UpdateKeyResponse};

use super::show;
use crate::{access::Scopes, error::Error, keys::Keys, store::key::Change};

pub(crate) async fn update_key(
    keys: &Keys,
    request: UpdateKeyRequest,
) -> Result<UpdateKeyResponse, Error> {
    let UpdateKeyRequest { key, scopes, calls_per_second, calls_per_day, expire_time } = request;
    let id = show::id(&key)?;
    let scopes = scopes.map(|it| Scopes::parse(&it.scopes)).transpose()?;
    let change = Change {
        scopes: scopes.map(Scopes::names),
        calls_per_second,
        calls_per_day,
        expire_time: show::time("expire_time", expire_time)?,
    };
    let told = keys.update(id, change).await?;
    Ok(UpdateKeyResponse { key: Some(show::key(told)) })
}
