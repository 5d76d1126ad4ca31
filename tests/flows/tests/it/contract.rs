//! What the contract names, somebody answers.

use std::time::Duration;

use klout_flows::Installation;
use klout_proto::json::DESCRIPTORS;
use tonic::{
    Code, Request, Status,
    client::Grpc,
    codegen::http::uri::PathAndQuery,
    metadata::{Ascii, MetadataValue},
    transport::Endpoint,
};
use tonic_prost::ProstCodec;

/// Asked for nothing, each RPC refuses or answers; none is unknown to the service that it belongs to.
#[tokio::test]
async fn every_rpc_of_the_contract_is_there() {
    let installation = Installation::of_one_process().await;
    let endpoint = Endpoint::from_shared(installation.url()).expect("an address");
    let channel = endpoint.connect().await.expect("the gateway answers");
    let key = format!("Bearer {}", installation.key_for("operator"));
    let key: MetadataValue<Ascii> = key.parse().expect("a header");
    let mut asked = 0;
    for service in DESCRIPTORS.services().filter(|it| it.package_name().starts_with("klout.")) {
        for method in service.methods() {
            let path = format!("/{}/{}", service.full_name(), method.name());
            let mut request = Request::new(());
            request.metadata_mut().insert("authorization", key.clone());
            request.set_timeout(Duration::from_secs(5));
            let mut grpc = Grpc::new(channel.clone());
            grpc.ready().await.expect("connected");
            let to = PathAndQuery::try_from(path.as_str()).expect("a path");
            let codec = ProstCodec::<(), ()>::default();
            let answer: Result<(), Status> = if method.is_server_streaming() {
                grpc.server_streaming(request, to, codec).await.map(|_| ())
            } else {
                grpc.unary(request, to, codec).await.map(|_| ())
            };
            let code = answer.err().map(|status| status.code());
            assert_ne!(code, Some(Code::Unimplemented), "{path}");
            asked += 1;
        }
    }
    assert!(asked > 40, "{asked}");
}
