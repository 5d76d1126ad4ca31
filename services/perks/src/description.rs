//! Everything that is held about one person, as JSON.

use std::collections::VecDeque;

use futures::{Stream, stream};
use klout_proto::{graph::v1::DescribePersonResponse, json, perk::v1::Facts};
use prost::Message as _;
use serde_json::Value;
use sqlx::PgPool;

use crate::{
    error::Error,
    store::{self, description::WithFacts},
};

/// Rows that are in memory at a time.
const PAGE: i64 = 1_000;

#[derive(Debug)]
struct Describer {
    db: PgPool,
    person: i64,
    /// The table that comes next, and after how many of its rows.
    table: usize,
    after: i64,
    ready: VecDeque<DescribePersonResponse>,
}

/// Things of one kind come one after the other.
pub(crate) fn describe(
    db: PgPool,
    person: i64,
) -> impl Stream<Item = Result<DescribePersonResponse, Error>> + Send {
    let describer = Describer { db, person, table: 0, after: 0, ready: VecDeque::new() };
    stream::try_unfold(describer, |mut describer| async move {
        loop {
            if let Some(ready) = describer.ready.pop_front() {
                return Ok(Some((ready, describer)));
            }
            if !describer.read().await? {
                return Ok(None);
            }
        }
    })
}

// === impl Describer ===

impl Describer {
    /// Returns whether there is another table.
    async fn read(&mut self) -> Result<bool, Error> {
        use store::description as tables;
        let (db, person, after) = (&self.db, self.person, self.after);
        let with_facts = |rows: Vec<WithFacts>| rows.into_iter().map(whole).collect::<Vec<_>>();
        let (name, rows) = match self.table {
            0 => ("person_state", tables::person_state(db, person, after, PAGE).await),
            1 => ("grant", tables::grant(db, person, after, PAGE).await),
            2 => ("budget", tables::budget(db, person, after, PAGE).await),
            3 => ("decision", tables::decision(db, person, after, PAGE).await.map(with_facts)),
            4 => ("check_in", tables::check_in(db, person, after, PAGE).await),
            5 => ("arrival", tables::arrival(db, person, after, PAGE).await.map(with_facts)),
            _ => return Ok(false),
        };
        let rows = rows.map_err(Error::store("describe a person"))?;
        let count = i64::try_from(rows.len()).unwrap_or(i64::MAX);
        let thing = |json| DescribePersonResponse { name: name.to_owned(), json };
        self.ready.extend(rows.into_iter().map(thing));
        if count < PAGE {
            (self.table, self.after) = (self.table + 1, 0);
        } else {
            self.after += count;
        }
        Ok(true)
    }
}

/// A row with its facts as people can read them.
fn whole(row: WithFacts) -> String {
    let facts = row.facts.as_deref().and_then(|facts| Facts::decode(facts).ok());
    match (serde_json::from_str(&row.json), facts) {
        (Ok(Value::Object(mut object)), Some(facts)) => {
            object.insert("facts".to_owned(), json::to_value(&facts));
            Value::Object(object).to_string()
        }
        (Ok(_) | Err(_), _) => row.json,
    }
}
