//! Calls an RPC that is known by its descriptor alone.

use http::uri::PathAndQuery;
use klout_chassis::{Link, Refusal, reason};
use prost::{
    Message as _,
    bytes::{Buf as _, BufMut as _},
};
use prost_reflect::{DynamicMessage, MessageDescriptor, MethodDescriptor};
use tonic::{
    Code, Request, Status,
    client::Grpc,
    codec::{Codec, DecodeBuf, Decoder, EncodeBuf, Encoder},
};
use tracing::error;

use klout_chassis::Chain;

/// Calls `rpc` with `request`.
pub(crate) async fn unary(
    link: Link,
    rpc: &MethodDescriptor,
    request: DynamicMessage,
) -> Result<DynamicMessage, Status> {
    let path: PathAndQuery = path(rpc).parse().expect("names of RPCs can stand in a path");
    let codec = DynamicCodec { response: rpc.output() };
    let mut client = Grpc::new(link);
    client.ready().await.map_err(|error| to_caller(Status::from_error(error)))?;
    let answered = client.unary(Request::new(request), path, codec).await;
    answered.map(tonic::Response::into_inner).map_err(to_caller)
}

/// `/PACKAGE.SERVICE/METHOD`.
pub(crate) fn path(rpc: &MethodDescriptor) -> String {
    format!("/{}/{}", rpc.parent_service().full_name(), rpc.name())
}

/// What a service says, it says to our caller. What has no reason was not said by a service, and
/// nobody has logged it yet.
pub(crate) fn to_caller(status: Status) -> Status {
    // Our own token was refused, which is not the caller's mistake.
    let ours = status.code() == Code::Unauthenticated;
    if reason(&status).is_some() && !ours {
        return status;
    }
    error!(code = ?status.code(), error = %Chain(&status), "a service did not answer");
    Refusal::peer(&status).into_status(status)
}

/// Encodes and decodes messages by their descriptors.
#[derive(Clone, Debug)]
struct DynamicCodec {
    response: MessageDescriptor,
}

impl Codec for DynamicCodec {
    type Encode = DynamicMessage;
    type Decode = DynamicMessage;
    type Encoder = Self;
    type Decoder = Self;

    fn encoder(&mut self) -> Self {
        self.clone()
    }

    fn decoder(&mut self) -> Self {
        self.clone()
    }
}

impl Encoder for DynamicCodec {
    type Item = DynamicMessage;
    type Error = Status;

    fn encode(
        &mut self,
        message: DynamicMessage,
        buffer: &mut EncodeBuf<'_>,
    ) -> Result<(), Status> {
        buffer.put(message.encode_to_vec().as_slice());
        Ok(())
    }
}

impl Decoder for DynamicCodec {
    type Item = DynamicMessage;
    type Error = Status;

    fn decode(&mut self, buffer: &mut DecodeBuf<'_>) -> Result<Option<DynamicMessage>, Status> {
        let bytes = buffer.copy_to_bytes(buffer.remaining());
        DynamicMessage::decode(self.response.clone(), bytes)
            .map(Some)
            .map_err(|error| Status::from_error(error.into()))
    }
}
