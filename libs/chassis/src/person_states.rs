//! Keeps a service's own copy of people's states complete.
//!
//! Social-graph pushes each change, and waits until it is in force. What a service has missed nevertheless, as it was
//! restored from a backup, it asks for: when it starts, and from time to time.

use std::time::Duration;

use klout_proto::{
    graph::v1::{
        ApplyPersonStatesRequest, ListPersonStatesRequest, ResumePersonStatesRequest,
        graph_service_client::GraphServiceClient,
    },
    people::{self, STATES_MAX, Told},
};
use tokio::time::{Instant, sleep, timeout};
use tokio_util::{sync::CancellationToken, task::task_tracker::TaskTrackerToken};
use tonic::{Code, Request};
use tracing::{debug, info};

use crate::{Chain, Link};

/// How often it is asked.
const INTERVAL: Duration = Duration::from_secs(60);

/// The same as long as there is no answer.
const RETRY_INTERVAL: Duration = Duration::from_secs(2);

/// The same as long as others wait for the first one.
const FIRST_RETRY_INTERVAL: Duration = Duration::from_millis(200);

/// How long the service's own store, or social-graph, is waited for.
const ANSWER_TIME_MAX: Duration = Duration::from_secs(10);

/// A change may have been on its way while later ones had arrived: so many are asked for once more at the start.
const OVERLAP: u64 = 10_000;

/// Asks social-graph for states after the `newest` that the service has and has it `apply` them, until `stop` is
/// cancelled. What goes wrong is tried again: it is what the service was not told for long that is looked for.
///
/// At first it says which that is: whoever left since is to be forgotten by this service once more, which may have been
/// restored from a backup. `held` is let go when it has caught up for the first time.
pub async fn follow_states<E, N, A, T>(
    service: &'static str,
    graph: GraphServiceClient<Link>,
    held: TaskTrackerToken,
    stop: &CancellationToken,
    newest: impl Fn() -> N,
    apply: impl Fn(Vec<Told>) -> A,
) where
    E: std::error::Error + 'static,
    N: Future<Output = Result<u64, E>>,
    A: Future<Output = Result<T, E>>,
{
    // What was known before anything was told to this process.
    let mut at_first = None;
    let mut resumed = false;
    let mut held = Some(held);
    let started = Instant::now();
    let mut overlap = OVERLAP;
    while !stop.is_cancelled() {
        let following = async {
            let newest = newest_in_time(&newest).await?;
            let newest = if resumed { newest } else { *at_first.get_or_insert(newest) };
            if !resumed {
                resume(&graph, service, newest).await?;
            }
            catch_up(&graph, newest.saturating_sub(overlap), &apply).await
        };
        let caught_up = tokio::select! {
            () = stop.cancelled() => return,
            caught_up = following => caught_up,
        };
        let pause = match caught_up {
            Some(applied) => {
                if applied > 0 && overlap == 0 {
                    info!(states = applied, "took over states of people that were missed");
                }
                (overlap, resumed) = (0, true);
                held = None;
                INTERVAL
            }
            None if held.is_some() && started.elapsed() < ANSWER_TIME_MAX => FIRST_RETRY_INTERVAL,
            None => RETRY_INTERVAL,
        };
        tokio::select! {
            () = stop.cancelled() => {}
            () = sleep(pause) => {}
        }
    }
}

/// The newest state that the service knows; `None`: its store does not say so.
async fn newest_in_time<E, N>(newest: &impl Fn() -> N) -> Option<u64>
where
    E: std::error::Error + 'static,
    N: Future<Output = Result<u64, E>>,
{
    match timeout(ANSWER_TIME_MAX, newest()).await {
        Ok(Ok(newest)) => Some(newest),
        Ok(Err(error)) => {
            debug!(error = %Chain(&error), "could not look which states are known");
            None
        }
        // A connection that is dead without a word.
        Err(_late) => {
            debug!("it took too long to look which states are known");
            None
        }
    }
}

/// Tells social-graph after which state this service is to forget people once more.
async fn resume(graph: &GraphServiceClient<Link>, service: &str, after_number: u64) -> Option<()> {
    let mut request =
        Request::new(ResumePersonStatesRequest { service: service.to_owned(), after_number });
    request.set_timeout(ANSWER_TIME_MAX);
    match graph.clone().resume_person_states(request).await {
        Ok(_) => Some(()),
        // Of the version before.
        Err(status) if status.code() == Code::Unimplemented => Some(()),
        Err(status) => {
            debug!(error = %status, "social-graph does not have people forgotten again");
            None
        }
    }
}

/// Applies everything after a number. Returns how much that was; `None`: there is more, which did not come or was
/// not taken.
async fn catch_up<E, A, T>(
    graph: &GraphServiceClient<Link>,
    mut after_number: u64,
    apply: &impl Fn(Vec<Told>) -> A,
) -> Option<usize>
where
    E: std::error::Error + 'static,
    A: Future<Output = Result<T, E>>,
{
    let mut applied = 0;
    loop {
        let mut request = Request::new(ListPersonStatesRequest { after_number, page_size: 0 });
        request.set_timeout(ANSWER_TIME_MAX);
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

#[cfg(test)]
mod tests {
    use std::{
        fmt,
        sync::atomic::{AtomicU32, Ordering},
    };

    use super::*;

    #[tokio::test(start_paused = true)]
    async fn a_store_that_does_not_answer_is_asked_again() {
        let asked = AtomicU32::new(0);
        let newest = || async {
            if asked.fetch_add(1, Ordering::SeqCst) == 0 {
                std::future::pending::<()>().await;
            }
            Ok::<_, fmt::Error>(7)
        };
        assert_eq!(newest_in_time(&newest).await, None, "it hangs");
        assert_eq!(newest_in_time(&newest).await, Some(7));
    }
}
