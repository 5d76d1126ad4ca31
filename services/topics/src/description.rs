//! Everything that is held about one person, as JSON.

use std::collections::VecDeque;

use futures::{Stream, stream};
use klout_proto::graph::v1::DescribePersonResponse;
use sqlx::PgPool;

use crate::{error::Error, store};

/// Rows that are in memory at a time.
const PAGE: i64 = 1_000;

#[derive(Debug)]
struct Describer {
    db: PgPool,
    person: i64,
    accounts: Vec<i64>,
    /// The table that comes next, and after how many of its rows.
    table: usize,
    after: i64,
    ready: VecDeque<DescribePersonResponse>,
}

/// Things of one kind come one after the other.
pub(crate) fn describe(
    db: PgPool,
    person: i64,
    accounts: Vec<i64>,
) -> impl Stream<Item = Result<DescribePersonResponse, Error>> + Send {
    let describer = Describer { db, person, accounts, table: 0, after: 0, ready: VecDeque::new() };
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
        let (db, person, accounts, after) = (&self.db, self.person, &self.accounts[..], self.after);
        let (name, rows) = match self.table {
            0 => ("person_state", tables::person_state(db, person, accounts, after, PAGE).await),
            1 => {
                ("erased_account", tables::erased_account(db, person, accounts, after, PAGE).await)
            }
            2 => ("account", tables::account(db, person, accounts, after, PAGE).await),
            3 => ("person", tables::person(db, person, accounts, after, PAGE).await),
            4 => ("declared", tables::declared(db, person, accounts, after, PAGE).await),
            5 => ("veto", tables::veto(db, person, accounts, after, PAGE).await),
            6 => ("person_topic", tables::person_topic(db, person, accounts, after, PAGE).await),
            7 => ("post", tables::post(db, person, accounts, after, PAGE).await),
            8 => ("post_topic", tables::post_topic(db, person, accounts, after, PAGE).await),
            9 => ("reaction", tables::reaction(db, person, accounts, after, PAGE).await),
            10 => ("label", tables::label(db, person, accounts, after, PAGE).await),
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
