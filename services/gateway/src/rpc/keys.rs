//! The keys of customers. One file for each RPC.

mod create_key;
mod list_keys;
mod revoke_key;
mod rotate_key;
mod show;
mod update_key;

use klout_chassis::{Caller, Refusal};
use klout_proto::profile::v1::{
    CreateKeyRequest, CreateKeyResponse, ListKeysRequest, ListKeysResponse, RevokeKeyRequest,
    RevokeKeyResponse, RotateKeyRequest, RotateKeyResponse, UpdateKeyRequest, UpdateKeyResponse,
    key_operator_service_server::KeyOperatorService,
};
use tonic::{Code, Request, Response, Status};

use crate::{access, keys::Keys};

#[derive(Clone, Debug)]
pub(crate) struct KeyOperatorRpc {
    pub(crate) keys: Keys,
}

/// What is asked, if an operator does. The gateway lets nobody else come here, but behind it every service token is valid:
/// without this, whoever has one for anything could make keys for everything.
fn of_operator<T>(request: Request<T>) -> Result<T, Status> {
    if access::is_operator(&Caller::of(&request)) {
        return Ok(request.into_inner());
    }
    Err(Refusal::new(Code::Unimplemented, "METHOD_UNKNOWN").into_plain_status("no such method"))
}

#[tonic::async_trait]
impl KeyOperatorService for KeyOperatorRpc {
    async fn create_key(
        &self,
        request: Request<CreateKeyRequest>,
    ) -> Result<Response<CreateKeyResponse>, Status> {
        let response = create_key::create_key(&self.keys, of_operator(request)?).await?;
        Ok(Response::new(response))
    }

    async fn list_keys(
        &self,
        request: Request<ListKeysRequest>,
    ) -> Result<Response<ListKeysResponse>, Status> {
        Ok(Response::new(list_keys::list_keys(&self.keys, of_operator(request)?).await?))
    }

    async fn update_key(
        &self,
        request: Request<UpdateKeyRequest>,
    ) -> Result<Response<UpdateKeyResponse>, Status> {
        let response = update_key::update_key(&self.keys, of_operator(request)?).await?;
        Ok(Response::new(response))
    }

    async fn rotate_key(
        &self,
        request: Request<RotateKeyRequest>,
    ) -> Result<Response<RotateKeyResponse>, Status> {
        let response = rotate_key::rotate_key(&self.keys, of_operator(request)?).await?;
        Ok(Response::new(response))
    }

    async fn revoke_key(
        &self,
        request: Request<RevokeKeyRequest>,
    ) -> Result<Response<RevokeKeyResponse>, Status> {
        let response = revoke_key::revoke_key(&self.keys, of_operator(request)?).await?;
        Ok(Response::new(response))
    }
}
