//! The way to what another service holds about people.

use std::time::Duration;

use klout_chassis::Link;
use klout_proto::{
    graph::v1::{
        ApplyPersonStatesRequest, DescribePersonRequest, DescribePersonResponse,
        ForgetPersonRequest, ForgetPersonResponse, KnownPersonState, PersonState,
    },
    perk::v1::person_data_service_client::PersonDataServiceClient as PerkClient,
    profile::v1::person_data_service_client::PersonDataServiceClient as ProfileClient,
    score::v1::person_data_service_client::PersonDataServiceClient as ScoreClient,
    signal::v1::person_data_service_client::PersonDataServiceClient as SignalClient,
    topic::v1::person_data_service_client::PersonDataServiceClient as TopicClient,
};
use tonic::{Request, Status, Streaming};

use crate::tell::Consumer;

/// A service that holds something about people, and the way to it.
#[derive(Clone, Debug)]
pub(crate) struct Peer {
    pub(crate) consumer: Consumer,
    pub(crate) link: Link,
}

/// The services are called the same in six packages, and their clients are six types.
macro_rules! ask {
    ($peer:expr, $method:ident, $request:expr) => {{
        let (link, request) = ($peer.link.clone(), $request);
        let answered = match $peer.consumer {
            Consumer::Scoring => ScoreClient::new(link).$method(request).await,
            Consumer::Topics => TopicClient::new(link).$method(request).await,
            Consumer::Connector => SignalClient::new(link).$method(request).await,
            Consumer::Perks => PerkClient::new(link).$method(request).await,
            Consumer::Gateway => ProfileClient::new(link).$method(request).await,
        };
        answered.map(tonic::Response::into_inner)
    }};
}

// === impl Peer ===

impl Peer {
    /// Tells of states, and waits until they are in force. Returns of whom they are not, as the service knows something
    /// newer.
    pub(crate) async fn apply(
        &self,
        states: Vec<PersonState>,
        time_max: Duration,
    ) -> Result<Vec<KnownPersonState>, Status> {
        let mut request = Request::new(ApplyPersonStatesRequest { states });
        request.set_timeout(time_max);
        ask!(self, apply_person_states, request).map(|it| it.newer)
    }

    /// Lets it delete what is kept of somebody.
    pub(crate) async fn forget(
        &self,
        request: ForgetPersonRequest,
        time_max: Duration,
    ) -> Result<ForgetPersonResponse, Status> {
        let mut request = Request::new(request);
        request.set_timeout(time_max);
        ask!(self, forget_person, request)
    }

    /// Asks for everything that it holds about somebody.
    pub(crate) async fn describe(
        &self,
        request: DescribePersonRequest,
    ) -> Result<Streaming<DescribePersonResponse>, Status> {
        ask!(self, describe_person, request)
    }
}
