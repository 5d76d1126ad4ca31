//! Keeps a service's own copy of people's states complete.
//!
//! Social-graph pushes each change, and waits until it is in force. What a service has missed nevertheless, as it was
//! restored from a backup, it asks for: when it starts, and from time to time.

use std::time::Duration;

use klout_proto::{
    graph::v1::{
        ApplyPersonStatesRequest, ListPersonStatesRequest, graph_service_client::GraphServiceClient,
    },
    people::{self, STATES_MAX, Told},
};
use tokio::time::sleep;
use tokio_util::sync::CancellationToken;
use tracing::{debug, info};

use crate::{Chain, Link};

/// How often it is asked.
const INTERVAL: Duration = Duration::from_secs(60);

/// The same as long as there is no answer.
const RETRY_INTERVAL: Duration = Duration::from_secs(2);

/// A change may have been on its way while later ones had arrived: so many are asked for once more at the start.
const OVERLAP: u64 = 10_000;

/// Asks social-graph for states after the `newest` that the service has and has it `apply` them, until `stop` is
/// cancelled. What goes wrong is tried again: it is what the service was not told for long that is looked for.
pub async fn follow_states<E, N, A>(
    graph: GraphServiceClient<Link>,
    stop: &CancellationToken,
    newest: impl Fn() -> N,
    apply: impl Fn(Vec<Told>) -> A,
) where
    E: std::error::Error + 'static,
    N: Future<Output = Result<u64, E>>,
    A: Future<Output = Result<(), E>>,
{
    let mut overlap = OVERLAP;
    while !stop.is_cancelled() {
        let pause = match newest().await {
            Ok(newest) => {
                let caught_up = catch_up(&graph, newest.saturating_sub(overlap), &apply);
                tokio::select! {
                    () = stop.cancelled() => return,
                    caught_up = caught_up => match caught_up {
                        Some(applied) => {
                            if applied > 0 && overlap == 0 {
                                info!(states = applied, "took over states of people that were missed");
                            }
                            overlap = 0;
                            INTERVAL
                        }
                        None => RETRY_INTERVAL,
                    },
                }
            }
            Err(error) => {
                debug!(error = %Chain(&error), "could not look which states are known");
                RETRY_INTERVAL
            }
        };
        tokio::select! {
            () = stop.cancelled() => {}
            () = sleep(pause) => {}
        }
    }
}

/// Applies everything after a number. Returns how much that was; `None`: there is more, which did not come or was
/// not taken.
async fn catch_up<E, A>(
    graph: &GraphServiceClient<Link>,
    mut after_number: u64,
    apply: &impl Fn(Vec<Told>) -> A,
) -> Option<usize>
where
    E: std::error::Error + 'static,
    A: Future<Output = Result<(), E>>,
{
    let mut applied = 0;
    loop {
        let request = ListPersonStatesRequest { after_number, page_size: 0 };
        let states = match graph.clone().list_person_states(request).await {
            Ok(response) => response.into_inner().states,
            Err(status) => {
                debug!(error = %status, "social-graph does not tell states of people");
                return None;
            }
        };
        let Some(last) = states.last().map(|it| it.number) else { return Some(applied) };
        let page = states.len();
        let told = match people::states(ApplyPersonStatesRequest { states }) {
            Ok(told) => told,
            Err(error) => {
                debug!(%error, "states of people cannot be read");
                return None;
            }
        };
        applied += told.len();
        if let Err(error) = apply(told).await {
            debug!(error = %Chain(&error), "states of people were not taken over");
            return None;
        }
        if page < STATES_MAX || last <= after_number {
            return Some(applied);
        }
        after_number = last;
    }
}
