//! `CreateKey`.

use klout_proto::profile::v1::{CreateKeyRequest, CreateKeyResponse};

use super::show;
use crate::{
    access::Scopes,
    error::Error,
    keys::{Keys, Made, NewKey},
};

pub(crate) async fn create_key(
    keys: &Keys,
    request: CreateKeyRequest,
) -> Result<CreateKeyResponse, Error> {
    let CreateKeyRequest { name, purpose, scopes, calls_per_second, calls_per_day, expire_time } =
        request;
    let scopes = if scopes.is_empty() { None } else { Some(Scopes::parse(&scopes)?) };
    let expire_time = show::time("expire_time", expire_time)?;
    let new = NewKey { name, purpose, scopes, calls_per_second, calls_per_day, expire_time };
    let Made { told, shown_once } = keys.create(new).await?;
    Ok(CreateKeyResponse { key: Some(show::key(told)), secret: shown_once })
}
