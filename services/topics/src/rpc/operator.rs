//! What only operators do. One file for each RPC.

mod import_ontology;
mod list_editions;
mod use_edition;

use std::sync::Arc;

use klout_proto::{
    convert,
    topic::v1::{
        Edition, ImportOntologyRequest, ImportOntologyResponse, ListEditionsRequest,
        ListEditionsResponse, UseEditionRequest, UseEditionResponse,
        topic_operator_service_server::TopicOperatorService,
    },
};
use sqlx::PgPool;
use tokio::sync::Notify;
use tonic::{Request, Response, Status, Streaming};

use crate::{error::Error, ontologies::Ontologies, store};

#[derive(Clone, Debug)]
pub(crate) struct OperatorRpc {
    pub(crate) db: PgPool,
    pub(crate) ontologies: Ontologies,
    /// Rung when there is something to read.
    pub(crate) posts_changed: Arc<Notify>,
}

// === impl OperatorRpc ===

impl OperatorRpc {
    async fn encode(&self, edition: store::edition::Edition) -> Result<Edition, Error> {
        let in_use = self.ontologies.current().await?.in_use;
        let is_in_use = in_use.edition_id == edition.edition_id;
        let posts_left = if is_in_use {
            let waiting = store::post::count_unread(&self.db, in_use.generation).await;
            waiting.map_err(Error::store("count posts to read"))?
        } else {
            0
        };
        Ok(Edition {
            ontology: edition.ontology,
            edition: edition.edition,
            checksum: edition.checksum,
            topics: edition.topics,
            import_time: Some(convert::timestamp(edition.import_time)),
            in_use: is_in_use,
            posts_left,
        })
    }
}

#[tonic::async_trait]
impl TopicOperatorService for OperatorRpc {
    async fn import_ontology(
        &self,
        request: Request<Streaming<ImportOntologyRequest>>,
    ) -> Result<Response<ImportOntologyResponse>, Status> {
        Ok(Response::new(import_ontology::import_ontology(self, request.into_inner()).await?))
    }

    async fn list_editions(
        &self,
        request: Request<ListEditionsRequest>,
    ) -> Result<Response<ListEditionsResponse>, Status> {
        Ok(Response::new(list_editions::list_editions(self, request.into_inner()).await?))
    }

    async fn use_edition(
        &self,
        request: Request<UseEditionRequest>,
    ) -> Result<Response<UseEditionResponse>, Status> {
        Ok(Response::new(use_edition::use_edition(self, request.into_inner()).await?))
    }
}
