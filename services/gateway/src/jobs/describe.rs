//! Everything that is held about one person, as JSON.

use std::collections::VecDeque;

use futures::{Stream, stream};
use klout_proto::graph::v1::DescribePersonResponse;
use sqlx::PgPool;

use super::{Jobs, error::JobError};
use crate::store;

/// Rows that are in memory at a time.
const PAGE: i64 = 1_000;

struct Describer {
    db: PgPool,
    person: i64,
    /// The row before; `None`: none was read.
    after: Option<(i64, i32, i64)>,
    ended: bool,
    ready: VecDeque<DescribePersonResponse>,
}

impl Jobs {
    /// Things of one kind come one after the other.
    pub(crate) fn describe(
        &self,
        person: i64,
    ) -> impl Stream<Item = Result<DescribePersonResponse, JobError>> + Send + use<> {
        let (db, ready) = (self.db.clone(), VecDeque::new());
        let describer = Describer { db, person, after: None, ended: false, ready };
        stream::try_unfold(describer, |mut describer| async move {
            while describer.ready.is_empty() && !describer.ended {
                describer.read().await?;
            }
            Ok(describer.ready.pop_front().map(|thing| (thing, describer)))
        })
    }
}

// === impl Describer ===

impl Describer {
    async fn read(&mut self) -> Result<(), JobError> {
        let failed = JobError::store;
        let thing = |name: &str, json| DescribePersonResponse { name: name.to_owned(), json };
        if self.after.is_none() {
            let state = store::person_state::describe(&self.db, self.person).await;
            let state = state.map_err(failed("describe a person"))?;
            self.ready.extend(state.map(|json| thing("person_state", json)));
        }
        let after = self.after.unwrap_or_default();
        let rows = store::job_result::describe(&self.db, self.person, after, PAGE).await;
        let rows = rows.map_err(failed("describe a person"))?;
        self.ended = i64::try_from(rows.len()).unwrap_or(PAGE) < PAGE;
        self.after = Some(rows.last().map_or(after, |it| (it.job_id, it.part, it.place)));
        self.ready.extend(rows.into_iter().map(|it| thing("lookup_result", it.json)));
        Ok(())
    }
}
