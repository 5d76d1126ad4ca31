//! Whoever has limits is told in the headers of every answer how far they are, whatever answers.

use std::{
    cell::Cell,
    pin::{Pin, pin},
};

use axum::{extract::Request, middleware::Next, response::Response};
use tokio::task::futures::TaskLocalFuture;

use super::standing::Standing;

tokio::task_local! {
    /// How far the key of the call that this task answers is.
    static STANDING: Cell<Option<Standing>>;
}

/// An answer on its way, of which may be noted how far its key is.
pub(crate) type Noting<F> = TaskLocalFuture<Cell<Option<Standing>>, F>;

/// Tells what was noted while the request was answered. Around everything that has a door.
pub(crate) async fn tell(request: Request, next: Next) -> Response {
    let mut answered = pin!(noting(next.run(request)));
    let mut response = answered.as_mut().await;
    tell_noted(answered, &mut response);
    response
}

/// Lets it be noted while `answered` is on its way.
pub(crate) fn noting<F: Future>(answered: F) -> Noting<F> {
    STANDING.scope(Cell::new(None), answered)
}

/// Tells in an answer that has come what was noted on its way.
pub(crate) fn tell_noted<F>(answered: Pin<&mut Noting<F>>, response: &mut Response) {
    if let Some(standing) = answered.take_value().and_then(Cell::into_inner) {
        standing.add_to(response.headers_mut());
    }
}

/// Has it told. Where nobody tells, as in a call that came another way, it does nothing.
pub(super) fn note(standing: Standing) {
    let _ = STANDING.try_with(|it| it.set(Some(standing)));
}
