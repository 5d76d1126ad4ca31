//! Everything that the log holds about one person, as JSON.

use std::collections::{BTreeMap, VecDeque};

use futures::{Stream, stream};
use klout_model::{AccountId, SignalHash};
use klout_proto::{graph::v1::DescribePersonResponse, json::to_value};
use serde_json::{Value, json};
use sqlx::PgPool;
use uuid::Uuid;

use crate::{
    admission::Item,
    batch,
    error::Error,
    store::{self, forgetting::Listed},
};

/// Signals that are in memory at a time: as many as there may be batches to find them in.
const PAGE: i64 = 64;

#[derive(Debug)]
struct Describer {
    db: PgPool,
    accounts: Vec<i64>,
    after: Option<(i64, Uuid)>,
    ready: VecDeque<DescribePersonResponse>,
}

/// The signals about a person's accounts. What they did to others is in the evidence of those.
pub(crate) fn describe(
    db: PgPool,
    accounts: Vec<i64>,
) -> impl Stream<Item = Result<DescribePersonResponse, Error>> + Send {
    let after = Some((i64::MIN, Uuid::nil()));
    let describer = Describer { db, accounts, after, ready: VecDeque::new() };
    stream::try_unfold(describer, |mut describer| async move {
        loop {
            if let Some(ready) = describer.ready.pop_front() {
                return Ok(Some((ready, describer)));
            }
            let Some(after) = describer.after else { return Ok(None) };
            describer.read(after).await?;
        }
    })
}

// === impl Describer ===

impl Describer {
    async fn read(&mut self, after: (i64, Uuid)) -> Result<(), Error> {
        let store = Error::store;
        let listed = store::forgetting::list(&self.db, &self.accounts, after, PAGE).await;
        let listed = listed.map_err(store("list signals"))?;
        self.after = listed.last().map(|last| (last.subject, last.signal_id));
        let mut by_batch: BTreeMap<Uuid, Vec<Listed>> = BTreeMap::new();
        for it in listed {
            by_batch.entry(it.batch_id).or_default().push(it);
        }
        // One after the other: each may have 4 MiB.
        for (batch_id, listed) in by_batch {
            let found = store::batch::find(&self.db, &[batch_id]).await;
            let found = found.map_err(store("read the log"))?.pop();
            let index = found.map(|it| batch::index(&it)).transpose();
            let index = index.map_err(Error::LogBroken)?.unwrap_or_default();
            for it in listed {
                let identity = (AccountId(it.subject), SignalHash(it.signal_id.into_bytes()));
                let content = index.get(&batch::key(identity)).map(content);
                let json = json!({
                    "account_id": it.subject.to_string(), "signal_id": it.signal_id.to_string(),
                    "retracted": it.retracted, "content": content,
                });
                let (name, json) = ("signal".to_owned(), json.to_string());
                self.ready.push_back(DescribePersonResponse { name, json });
            }
        }
        Ok(())
    }
}

fn content(item: &Item) -> Value {
    match item {
        Item::Interaction(it) => json!({ "interaction": to_value(it) }),
        Item::Counter(it) => json!({ "counter": to_value(it) }),
        Item::Post(it) => json!({ "post": to_value(it) }),
        // It has none in the log.
        Item::Retraction(_) => Value::Null,
    }
}
