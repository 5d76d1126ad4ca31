//! The keys of customers. One file for each RPC.

use klout_proto::profile::v1::key_operator_service_server::KeyOperatorService;
use sqlx::PgPool;

#[derive(Clone, Debug)]
pub(crate) struct KeyOperatorRpc {
    pub(crate) db: PgPool,
}

#[tonic::async_trait]
impl KeyOperatorService for KeyOperatorRpc {}
