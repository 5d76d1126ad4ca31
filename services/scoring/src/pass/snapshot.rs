//! What a pass reads, all of one moment, and what it computes of it.

use std::sync::Arc;

use bytes::Bytes;
use klout_score_engine::{Account, Block, Census, Graph, Identity, Ignored, Published, Scope};
use klout_score_math::{Model, PersonScore, percentile};
use klout_store::copy_out;
use rayon::prelude::*;
use sqlx::PgPool;
use tracing::instrument;

use super::shadow::{self, Shadow};
use crate::{
    error::Error,
    some::Networks,
    store::{
        self,
        evidence::COPY_ALL,
        score::{NewKnown, NewScore},
    },
};

/// Everything that a pass reads.
#[derive(Debug, Default)]
pub(super) struct Snapshot {
    accounts: Vec<Account>,
    networks: Networks,
    blocks: Vec<Block<Bytes>>,
    ignored: Ignored,
    /// How often findings about anybody had come or gone.
    pub(super) findings: i64,
}

/// What comes out of it.
#[derive(Debug)]
pub(super) struct Outcome {
    pub(super) published: Published,
    pub(super) scores: Vec<NewScore>,
    /// Of those who are known, ascending.
    pub(super) ranking: Vec<f64>,
    pub(super) cells: u64,
    pub(super) shadows: Vec<Shadow>,
}

// === impl Snapshot ===

impl Snapshot {
    #[instrument(name = "pass_read", skip_all)]
    pub(super) async fn read(db: &PgPool) -> Result<Self, Error> {
        let store = Error::store;
        let begin = "begin isolation level repeatable read read only";
        let mut transaction =
            db.begin_with(begin).await.map_err(store("begin to read everything"))?;
        let ignored =
            store::finding::standing(&mut *transaction).await.map_err(store("read findings"))?;
        let findings = store::finding::count_changes(&mut *transaction).await;
        let findings = findings.map_err(store("count findings"))?;
        let Self { mut accounts, mut networks, mut blocks, .. } = Self::default();
        copy_out(&mut transaction, store::account::COPY_ALL, |row| {
            let network = std::str::from_utf8(text(row, 1)?).map_err(sqlx::Error::decode)?;
            let network = networks.place(network).map_err(sqlx::Error::decode)?;
            let owner = row.get(2).is_some_and(Option::is_some).then(|| number(row, 2));
            accounts.push(Account { id: number(row, 0)?, network, owner: owner.transpose()? });
            Ok(())
        })
        .await
        .map_err(store("read all accounts"))?;
        copy_out(&mut transaction, COPY_ALL, |row| {
            let account = number(row, 0)?;
            let bytes = row.get_mut(1).and_then(Option::take).unwrap_or_default();
            blocks.push(Block { account, bytes });
            Ok(())
        })
        .await
        .map_err(store("read all evidence"))?;
        transaction.commit().await.map_err(store("end to read everything"))?;
        Ok(Self { accounts, networks, blocks, ignored, findings })
    }

    /// The whole pass, but for reading and writing.
    pub(super) fn compute(
        self,
        model: &Model,
        shadows: &[Arc<Model>],
        today: i32,
    ) -> Result<Outcome, Error> {
        let Self { accounts, networks, blocks, ignored, .. } = self;
        let scope = Scope {
            model,
            today,
            networks: networks.names(),
            accounts: &accounts,
            ignored: &ignored,
        };
        // One after the other, so that they do not need the memory of several passes.
        let shadows: Result<Vec<_>, _> =
            shadows.iter().map(|model| shadow::compute(model, scope, blocks.clone())).collect();
        let shadows = shadows?;
        let Census { evidence, people, cells } =
            Census::take(scope, blocks).map_err(Error::Packed)?;
        let graph = Graph::new(model, evidence);
        let epoch = graph.epoch(model);
        let (scores, _) = graph.scores(model, &epoch);
        drop(graph);
        let published = Published::new(&epoch, &people);
        let members: Vec<(i64, Option<PersonScore>)> = people
            .iter()
            .zip(scores)
            .map_while(|(identity, score)| match identity {
                Identity::Person(person) => Some((*person, score)),
                // Members come first.
                Identity::Account(_) => None,
            })
            .collect();
        let known = members.iter().filter_map(|(_, score)| score.as_ref());
        let mut ranking: Vec<f64> = known.map(|score| score.score.points()).collect();
        ranking.par_sort_unstable_by(f64::total_cmp);
        let scores = members
            .into_par_iter()
            .map(|(person, score)| NewScore {
                person,
                known: score
                    .map(|score| NewKnown::new(&score, percentile(&ranking, score.score.points()))),
            })
            .collect();
        Ok(Outcome { published, scores, ranking, cells, shadows })
    }
}

fn text(row: &[Option<Bytes>], place: usize) -> Result<&[u8], sqlx::Error> {
    let field = row.get(place).and_then(Option::as_ref);
    field.map(|bytes| &bytes[..]).ok_or_else(|| sqlx::Error::ColumnNotFound(place.to_string()))
}

fn number(row: &[Option<Bytes>], place: usize) -> Result<i64, sqlx::Error> {
    let bytes = text(row, place)?.try_into().map_err(sqlx::Error::decode)?;
    Ok(i64::from_be_bytes(bytes))
}
