//! Whoever has limits is told in the headers of every answer how far they are, whatever answers.

use std::cell::Cell;

use axum::{extract::Request, middleware::Next, response::Response};

use super::standing::Standing;

tokio::task_local! {
    /// How far the key of the call that this task answers is.
    static STANDING: Cell<Option<Standing>>;
}

/// Tells what was noted while the request was answered. Around everything that has a door.
pub(crate) async fn tell(request: Request, next: Next) -> Response {
    telling(next.run(request)).await
}

/// The same of one answer.
pub(crate) fn telling(answered: impl Future<Output = Response>) -> impl Future<Output = Response> {
    let told = async {
        let mut response = answered.await;
        if let Some(standing) = STANDING.with(Cell::get) {
            standing.add_to(response.headers_mut());
        }
        response
    };
    STANDING.scope(Cell::new(None), told)
}

/// Has it told. Where nobody tells, as in a call that came another way, it does nothing.
pub(super) fn note(standing: Standing) {
    let _ = STANDING.try_with(|it| it.set(Some(standing)));
}
