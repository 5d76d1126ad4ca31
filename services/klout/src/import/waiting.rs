//! Waits until what was sent can be read as scores.

use std::time::Duration;

use klout_proto::{graph::v1, score::v1 as score, signal::v1 as signal};
use tokio::time::sleep;

use super::sending::retried;
use crate::{client::Client, exit::Failure, output};

/// How often the services are asked.
const INTERVAL: Duration = Duration::from_millis(200);

/// Asks in the order in which signals travel: what has left one service is seen by the next.
pub(super) async fn until_visible(client: &Client) -> Result<(), Failure> {
    let bar = output::progress(None, "{spinner} waiting for scores: {msg}");
    while let Some(left) = left(client).await? {
        bar.set_message(left);
        bar.tick();
        sleep(INTERVAL).await;
    }
    bar.finish_and_clear();
    eprintln!("klout: all scores can be read");
    Ok(())
}

/// What is still on its way.
async fn left(client: &Client) -> Result<Option<String>, Failure> {
    let signals = retried(|| {
        let mut client = client.signals();
        async move { client.get_backlog(signal::GetBacklogRequest {}).await }
    });
    let batches = signals.await?.into_inner().batches;
    if batches > 0 {
        return Ok(Some(format!("{batches} batches are being delivered")));
    }
    let graph = retried(|| {
        let mut client = client.graph();
        async move { client.get_backlog(v1::GetBacklogRequest {}).await }
    });
    let accounts = graph.await?.into_inner().accounts;
    if accounts > 0 {
        return Ok(Some(format!("{accounts} accounts are being announced")));
    }
    let scores = retried(|| {
        let mut client = client.scores();
        async move { client.get_backlog(score::GetBacklogRequest {}).await }
    });
    let backlog = scores.await?.into_inner();
    if backlog.people > 0 {
        return Ok(Some(format!("{} people are being scored", backlog.people)));
    }
    let publishing =
        (!backlog.percentiles_current).then(|| "percentiles are being published".into());
    Ok(publishing)
}
