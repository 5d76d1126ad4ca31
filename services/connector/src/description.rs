//! Everything that is held about one person, as JSON: the signals about their accounts, and what there is of connections of
//! these.

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

/// Rows of connections that are in memory at a time.
const ROWS: i64 = 1_000;

#[derive(Debug)]
struct Describer {
    db: PgPool,
    accounts: Vec<i64>,
    /// The last signal that was told. `None`: all are.
    after: Option<(i64, Uuid)>,
    /// The table of connections that comes next, and after how many of its rows.
    table: usize,
    rows: i64,
    ready: VecDeque<DescribePersonResponse>,
}

/// The signals about a person's accounts, then their connections. What they did to others is in the evidence of those.
pub(crate) fn describe(
    db: PgPool,
    accounts: Vec<i64>,
) -> impl Stream<Item = Result<DescribePersonResponse, Error>> + Send {
    let after = Some((i64::MIN, Uuid::nil()));
    let ready = VecDeque::new();
    let describer = Describer { db, accounts, after, table: 0, rows: 0, ready };
    stream::try_unfold(describer, |mut describer| async move {
        loop {
            if let Some(ready) = describer.ready.pop_front() {
                return Ok(Some((ready, describer)));
            }
            if let Some(after) = describer.after {
                describer.read(after).await?;
            } else if !describer.read_rows().await? {
                return Ok(None);
            }
        }
    })
}

// === impl Describer ===

impl Describer {
    /// Returns whether there is another table.
    async fn read_rows(&mut self) -> Result<bool, Error> {
        use store::description as tables;
        let (db, accounts, after) = (&self.db, self.accounts.as_slice(), self.rows);
        let (name, rows) = match self.table {
            0 => ("connection", tables::connection(db, accounts, after, ROWS).await),
            1 => ("credential", tables::credential(db, accounts, after, ROWS).await),
            2 => ("task", tables::task(db, accounts, after, ROWS).await),
            3 => ("listed", tables::listed(db, accounts, after, ROWS).await),
            4 => ("seen", tables::seen(db, accounts, after, ROWS).await),
            5 => ("validator", tables::validator(db, accounts, after, ROWS).await),
            6 => ("stream_record", tables::stream_record(db, accounts, after, ROWS).await),
            _ => return Ok(false),
        };
        let rows = rows.map_err(Error::store("describe connections"))?;
        let count = i64::try_from(rows.len()).unwrap_or(i64::MAX);
        let thing = |json| DescribePersonResponse { name: name.to_owned(), json };
        self.ready.extend(rows.into_iter().map(thing));
        (self.table, self.rows) = match count < ROWS {
            true => (self.table + 1, 0),
            false => (self.table, after + count),
        };
        Ok(true)
    }

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
