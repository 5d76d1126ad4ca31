//! Customers who are looked up. One file for each RPC.

use klout_chassis::Links;
use klout_proto::profile::v1::lookup_service_server::LookupService;
use sqlx::PgPool;

#[derive(Clone, Debug)]
pub(crate) struct LookupRpc {
    pub(crate) db: PgPool,
    pub(crate) links: Links,
}

#[tonic::async_trait]
impl LookupService for LookupRpc {}
