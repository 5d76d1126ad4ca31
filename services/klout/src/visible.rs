//! Waits until what was sent can be read as scores.

use std::{fmt, time::Duration};

use klout_chassis::reason;
use klout_proto::{
    graph::v1 as graph, score::v1 as score, signal::v1 as signal, topic::v1 as topic,
};
use tokio::time::sleep;

use crate::{
    client::{Client, retried},
    exit::Failure,
    output,
};

/// How often the services are asked.
const INTERVAL: Duration = Duration::from_millis(200);

/// The same where nobody looks and much is waited for.
const SHORT_INTERVAL: Duration = Duration::from_millis(20);

/// What is still on its way, the first of it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Left {
    Batches(u64),
    Accounts(u64),
    People(u64),
    Percentiles,
    Nothing,
}

/// The states of a pass that is over.
const DONE: &str = "DONE";
const FAILED: &str = "FAILED";

/// Waits until a pass that saw everything that was taken in is published, and all scores rest on it.
pub(crate) async fn until_visible(client: &Client) -> Result<(), Failure> {
    let bar = output::progress(None, "{spinner} waiting for scores: {msg}");
    until_passed(client, INTERVAL, |what| {
        bar.set_message(what.to_owned());
        bar.tick();
    })
    .await?;
    bar.finish_and_clear();
    eprintln!("klout: all scores can be read");
    Ok(())
}

/// The same, without a word.
pub(crate) async fn until_passed_quietly(client: &Client) -> Result<(), Failure> {
    until_passed(client, SHORT_INTERVAL, |_| {}).await
}

async fn until_passed(
    client: &Client,
    interval: Duration,
    mut tell: impl FnMut(&str),
) -> Result<(), Failure> {
    loop {
        let left = left(client).await?;
        if !matches!(left, Left::Batches(_) | Left::Accounts(_)) {
            break;
        }
        tell(&left.to_string());
        sleep(interval).await;
    }
    // One that goes on may have begun before the last of it came.
    while !passed(client, interval, &mut tell).await? {}
    loop {
        let left = left(client).await?;
        if left == Left::Nothing {
            return Ok(());
        }
        tell(&left.to_string());
        sleep(interval).await;
    }
}

/// Asks for a pass and waits until it is over. `false`: it had begun before.
async fn passed(
    client: &Client,
    interval: Duration,
    tell: &mut impl FnMut(&str),
) -> Result<bool, Failure> {
    let asked = retried(|| {
        let mut client = client.scores();
        async move { client.start_rescore(score::StartRescoreRequest::default()).await }
    });
    let asked = match asked.await {
        // Through a gateway it is for the operator alone.
        Err(status) if reason(&status).as_deref() == Some("METHOD_UNKNOWN") => {
            eprintln!(
                "klout: this key may not start a pass; who is credible is found out by the next"
            );
            return Ok(true);
        }
        asked => asked?.into_inner(),
    };
    let mut pass = asked.rescore.unwrap_or_default();
    while pass.state != DONE {
        if pass.state == FAILED {
            return Err(Failure::Failed(format!("pass {} failed: {}", pass.rescore, pass.problem)));
        }
        tell(&format!("a pass over everybody is {}", pass.state.to_lowercase()));
        sleep(interval).await;
        let found = retried(|| {
            let (mut client, rescore) = (client.scores(), pass.rescore.clone());
            async move { client.get_rescore(score::GetRescoreRequest { rescore }).await }
        });
        pass = found.await?.into_inner().rescore.unwrap_or_default();
    }
    Ok(!asked.already_running)
}

/// Waits until topics has read what was taken in, and people have their topics.
pub(crate) async fn until_topics_are_told(client: &Client) -> Result<(), Failure> {
    let bar = output::progress(None, "{spinner} waiting for topics: {msg}");
    loop {
        let backlog = retried(|| {
            let mut client = client.topics();
            async move { client.get_backlog(topic::GetBacklogRequest {}).await }
        });
        let topic::GetBacklogResponse { posts, people, .. } = backlog.await?.into_inner();
        if (posts, people) == (0, 0) {
            break;
        }
        bar.set_message(format!("{posts} posts and {people} people are left"));
        bar.tick();
        sleep(INTERVAL).await;
    }
    bar.finish_and_clear();
    Ok(())
}

/// Waits until everything that was taken in is in the scores, and everybody is scored as of today.
pub(crate) async fn until_scored(client: &Client) -> Result<(), Failure> {
    while !matches!(left(client).await?, Left::Nothing | Left::Percentiles) {
        sleep(SHORT_INTERVAL).await;
    }
    Ok(())
}

/// Waits until scoring and social-graph have taken everything that was taken in.
pub(crate) async fn until_delivered(client: &Client) -> Result<(), Failure> {
    let bar = output::progress(None, "{spinner} waiting for the log: {msg}");
    while let batches @ 1.. = batches(client).await? {
        bar.set_message(Left::Batches(batches).to_string());
        bar.tick();
        sleep(INTERVAL).await;
    }
    bar.finish_and_clear();
    Ok(())
}

/// What topics has not taken is not waited for: no score rests on it, and it may be down.
async fn batches(client: &Client) -> Result<u64, Failure> {
    let signals = retried(|| {
        let mut client = client.signals();
        async move { client.get_backlog(signal::GetBacklogRequest {}).await }
    });
    let backlog = signals.await?.into_inner();
    Ok(backlog.batches.saturating_sub(backlog.batches_for_topics))
}

/// Asks in the order in which signals travel: what has left one service is seen by the next.
async fn left(client: &Client) -> Result<Left, Failure> {
    let batches = batches(client).await?;
    if batches > 0 {
        return Ok(Left::Batches(batches));
    }
    let graph = retried(|| {
        let mut client = client.graph();
        async move { client.get_backlog(graph::GetBacklogRequest {}).await }
    });
    let backlog = graph.await?.into_inner();
    let accounts = backlog.accounts.saturating_sub(backlog.accounts_for_topics);
    if accounts > 0 {
        return Ok(Left::Accounts(accounts));
    }
    let scores = retried(|| {
        let mut client = client.scores();
        async move { client.get_backlog(score::GetBacklogRequest {}).await }
    });
    let backlog = scores.await?.into_inner();
    Ok(match (backlog.people, backlog.percentiles_current) {
        (0, true) => Left::Nothing,
        (0, false) => Left::Percentiles,
        (people, _) => Left::People(people),
    })
}

// === impl Left ===

impl fmt::Display for Left {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Batches(count) => write!(f, "{count} batches are being delivered"),
            Self::Accounts(count) => write!(f, "{count} accounts are being announced"),
            Self::People(count) => write!(f, "{count} people are being scored"),
            Self::Percentiles => f.write_str("percentiles are being published"),
            Self::Nothing => f.write_str("nothing is left"),
        }
    }
}
