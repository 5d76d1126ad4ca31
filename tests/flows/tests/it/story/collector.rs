//! A collector of traces, for one test.

use std::{
    collections::BTreeMap,
    sync::{Arc, Mutex},
};

use opentelemetry_proto::tonic::{
    collector::trace::v1::{
        ExportTraceServiceRequest, ExportTraceServiceResponse,
        trace_service_server::{TraceService, TraceServiceServer},
    },
    common::v1::any_value::Value,
    trace::v1::ResourceSpans,
};
use tokio::{net::TcpListener, task::JoinSet};
use tokio_stream::wrappers::TcpListenerStream;
use tonic::{Request, Response, Status, transport::Server};

/// Collects until it is dropped.
#[derive(Debug)]
pub(crate) struct Collector {
    /// Where spans are to be sent.
    pub(crate) url: String,
    spans: Arc<Mutex<Vec<Span>>>,
    _server: JoinSet<()>,
}

/// A span, as far as a story needs it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Span {
    pub(crate) process: String,
    pub(crate) name: String,
    trace: String,
    pub(crate) id: String,
    pub(crate) parent: String,
}

#[derive(Debug)]
struct Rpc(Arc<Mutex<Vec<Span>>>);

// === impl Collector ===

impl Collector {
    pub(crate) async fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a free port");
        let url = format!("http://{}", listener.local_addr().expect("an address"));
        let spans = Arc::default();
        let rpc = TraceServiceServer::new(Rpc(Arc::clone(&spans)));
        let mut server = JoinSet::new();
        server.spawn(async move {
            let incoming = TcpListenerStream::new(listener);
            let served = Server::builder().add_service(rpc).serve_with_incoming(incoming).await;
            served.expect("it serves");
        });
        Self { url, spans, _server: server }
    }

    /// The spans of a trace, by their ids.
    pub(crate) fn trace(&self, id: &str) -> BTreeMap<String, Span> {
        let spans = self.spans.lock().expect("nobody panics while collecting");
        let spans = spans.iter().filter(|span| span.trace == id);
        spans.map(|span| (span.id.clone(), span.clone())).collect()
    }
}

#[tonic::async_trait]
impl TraceService for Rpc {
    async fn export(
        &self,
        request: Request<ExportTraceServiceRequest>,
    ) -> Result<Response<ExportTraceServiceResponse>, Status> {
        let sent = request.into_inner().resource_spans;
        let mut spans = self.0.lock().expect("nobody panics while collecting");
        spans.extend(sent.into_iter().flat_map(read));
        Ok(Response::new(ExportTraceServiceResponse::default()))
    }
}

fn read(sent: ResourceSpans) -> impl Iterator<Item = Span> {
    let attributes = sent.resource.unwrap_or_default().attributes;
    let process = attributes.into_iter().find(|it| it.key == "service.name");
    let process = process.and_then(|it| it.value).and_then(|it| it.value);
    let process = match process {
        Some(Value::StringValue(name)) => name,
        other => panic!("a process without a name: {other:?}"),
    };
    let spans = sent.scope_spans.into_iter().flat_map(|scope| scope.spans);
    spans.map(move |span| Span {
        process: process.clone(),
        name: span.name,
        trace: hexadecimal(&span.trace_id),
        id: hexadecimal(&span.span_id),
        parent: hexadecimal(&span.parent_span_id),
    })
}

fn hexadecimal(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}
