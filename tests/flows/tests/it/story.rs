//! What happened, found afterwards.

mod collector;

use std::collections::BTreeMap;

use klout_flows::Installation;
use klout_testkit::until;
use serde_json::Value;

use self::collector::{Collector, Span};
use crate::world::{Files, rows};

/// The trace of a caller, and the span of theirs that our spans come under.
const TRACE: &str = "0af7651916cd43dd8448eb211c80319c";
const CALLER: &str = "b7ad6b7169203331";

const ROUTE: &str = "GET /v1/accounts/{network}/{handle}/score";
const GET_SCORE: &str = "klout.score.v1.ScoreService/GetScore";

/// The names of the spans above one, from the caller's down, each with its process.
fn way(spans: &BTreeMap<String, Span>, span: &Span) -> Vec<(String, String)> {
    let mut way = vec![(span.process.clone(), span.name.clone())];
    let mut parent = &span.parent;
    while parent != CALLER {
        let span = spans.get(parent).unwrap_or_else(|| panic!("{way:?} comes from nowhere"));
        way.insert(0, (span.process.clone(), span.name.clone()));
        parent = &span.parent;
    }
    way
}

/// The lines of a process that name the trace.
fn lines(installation: &Installation, service: &str) -> Vec<Value> {
    let lines = installation.lines(service).into_iter();
    let lines = lines.filter_map(|line| serde_json::from_str::<Value>(&line).ok());
    lines.filter(|line| line["trace_id"] == TRACE).collect()
}

#[tokio::test]
async fn the_story_of_a_look_up_is_found_from_its_trace_id_alone() {
    let collector = Collector::start().await;
    let installation = Installation::of_six_processes_with(vec![
        ("KLOUT_TELEMETRY__OTLP_ENDPOINT", collector.url.clone()),
        ("KLOUT_TELEMETRY__LOG", "info,klout=debug".to_owned()),
        ("KLOUT_TELEMETRY__LOG_FORMAT", "json".to_owned()),
        // Only what a caller has decided is exported.
        ("KLOUT_TELEMETRY__TRACE_RATIO", "0".to_owned()),
        ("OTEL_BSP_SCHEDULE_DELAY", "100".to_owned()),
    ])
    .await;
    installation.import(&Files::new().write("interactions.csv", &rows()));

    let traceparent = format!("00-{TRACE}-{CALLER}-01");
    let headers = [("traceparent", traceparent.as_str())];
    let (status, score) = installation.get_with("/v1/accounts/bluesky/a1/score", &headers).await;
    assert_eq!((status, &score["state"]), (200, &Value::from("KNOWN")), "{score}");

    // Every process sends its spans when it is its time.
    let is = |span: &Span, process: &str, name: &str| {
        span.process == format!("klout-{process}") && span.name.starts_with(name)
    };
    until("the statement of social-graph and the whole request were sent", async || {
        let spans = collector.trace(TRACE);
        let sent = |process, name| spans.values().any(|span| is(span, process, name));
        sent("gateway", "GET ")
            && sent("scoring", GET_SCORE)
            && sent("social-graph", "klout.graph.v1.GraphService/")
            && sent("social-graph", "db.")
    })
    .await;

    let spans = collector.trace(TRACE);
    let statement = spans.values().find(|span| is(span, "social-graph", "db.")).expect("sent");
    let way = way(&spans, statement);
    let names: Vec<_> =
        way.iter().map(|(process, name)| (process.as_str(), name.as_str())).collect();
    assert_eq!(names[0], ("klout-gateway", ROUTE), "{names:?}");
    assert!(names.contains(&("klout-scoring", GET_SCORE)), "{names:?}");
    let graph = |(process, name): &(&str, &str)| {
        *process == "klout-social-graph" && name.starts_with("klout.graph.v1.GraphService/")
    };
    assert!(names.iter().any(graph), "{names:?}");
    for span in spans.values() {
        self::way(&spans, span);
    }

    // The same id finds the lines that were written on the way.
    for (service, method) in [
        ("scoring", "klout.score.v1.ScoreService/"),
        ("social-graph", "klout.graph.v1.GraphService/"),
    ] {
        let ended = |line: &Value| {
            line["fields"]["rpc.method"].as_str().is_some_and(|name| name.starts_with(method))
        };
        until("the line was written", async || lines(&installation, service).iter().any(ended))
            .await;
    }
    // And what it cost is in the numbers of the process.
    let told = installation.metrics("scoring").await;
    let counted = format!(
        "rpc_server_call_duration_seconds_count{{rpc_method=\"{GET_SCORE}\",rpc_status_code=\"OK\"}}"
    );
    assert!(told.contains(&counted), "{told}");
    assert!(told.contains("klout_score_freshness_seconds_bucket"), "{told}");
    assert!(told.contains("db_client_operation_duration_seconds_count"), "{told}");
    let doctor = installation.klout(&["doctor", "--server", &installation.url()]);
    assert_eq!(doctor.code, Some(0), "{doctor:?}");
    assert_eq!(doctor.stdout, "ok    everything taken in can be read as scores\n");
}

#[tokio::test]
async fn a_trace_goes_through_processes_that_export_none() {
    let installation = Installation::of_six_processes_with(vec![
        ("KLOUT_TELEMETRY__LOG", "info,klout=debug".to_owned()),
        ("KLOUT_TELEMETRY__LOG_FORMAT", "json".to_owned()),
    ])
    .await;
    let traceparent = format!("00-{TRACE}-{CALLER}-01");
    let headers = [("traceparent", traceparent.as_str())];
    let (status, _) = installation.get_with("/v1/accounts/bluesky/nobody/score", &headers).await;
    assert_eq!(status, 404);

    for service in ["scoring", "social-graph"] {
        until("the line was written", async || !lines(&installation, service).is_empty()).await;
    }
}
