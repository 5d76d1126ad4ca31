//! The way to both processes, and what an answer is worth.

use std::time::Duration;

use klout_proto::perk::v1::{
    desk_service_client::DeskServiceClient, perk_service_client::PerkServiceClient,
};
use tonic::{
    Code, Request, Status,
    metadata::{Ascii, MetadataValue},
    service::{Interceptor, interceptor::InterceptedService},
    transport::{Channel, Endpoint},
};
use tonic_types::StatusExt as _;

/// How long an answer is waited for: a process may stand still.
const PATIENCE: Duration = Duration::from_secs(2);

/// How long to wait before asking again whoever did not answer.
pub(super) const PAUSE: Duration = Duration::from_millis(20);

/// The way to both processes.
#[derive(Clone, Debug)]
pub(super) struct Door {
    channels: [Channel; 2],
    key: MetadataValue<Ascii>,
}

/// A client that carries a key.
pub(super) type KeyClient = PerkServiceClient<InterceptedService<Channel, Key>>;

#[derive(Clone, Debug)]
pub(super) struct Key(MetadataValue<Ascii>);

impl Door {
    pub(super) fn new(addresses: [String; 2], key: &str) -> Self {
        let channel = |address: String| {
            let endpoint = Endpoint::from_shared(address).expect("an address");
            endpoint.timeout(PATIENCE).connect_timeout(PATIENCE).connect_lazy()
        };
        let key = format!("Bearer {key}").parse().expect("a header");
        Self { channels: addresses.map(channel), key }
    }

    /// Of one of the processes, counted round and round.
    pub(super) fn client(&self, number: usize) -> KeyClient {
        PerkServiceClient::with_interceptor(self.channel(number), Key(self.key.clone()))
    }

    /// For what a property says of itself.
    pub(super) fn desk(
        &self,
        number: usize,
    ) -> DeskServiceClient<InterceptedService<Channel, Key>> {
        DeskServiceClient::with_interceptor(self.channel(number), Key(self.key.clone()))
    }

    fn channel(&self, number: usize) -> Channel {
        self.channels[number % self.channels.len()].clone()
    }
}

impl Interceptor for Key {
    fn call(&mut self, mut request: Request<()>) -> Result<Request<()>, Status> {
        request.metadata_mut().insert("authorization", self.0.clone());
        Ok(request)
    }
}

/// Whether it is nobody's mistake: whoever was asked is dead, or what they stand on. What a process itself calls unknown
/// or internal is a mistake of its own; what has a source was never told by a process.
pub(super) fn is_trouble(status: &Status) -> bool {
    let is_away = [Code::Unavailable, Code::Cancelled, Code::DeadlineExceeded];
    let is_broken = [Code::Unknown, Code::Internal];
    is_away.contains(&status.code())
        || (is_broken.contains(&status.code()) && std::error::Error::source(status).is_some())
}

/// The stable word for a refusal.
pub(super) fn reason(status: &Status) -> String {
    status.get_details_error_info().map(|it| it.reason).unwrap_or_default()
}
