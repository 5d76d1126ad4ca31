//! Keeps events, in one transaction with how far the stream was read.

use std::collections::{BTreeMap, BTreeSet, HashSet};

use klout_chassis::failpoint;
use klout_model::Day;
use sqlx::PgConnection;

use super::{
    LEASE_TIME, Streamer,
    run::{Made, Run, identity, item, row},
};
use crate::{
    error::Error,
    ingest::{self, Ingested, Taken},
    store::{
        self,
        signal::Identity,
        stream::Progress,
        stream_record::{RecordId, Row},
    },
};

/// How often something may be taken back and given again. Nobody who means it does so more often.
const ROUNDS_MAX: u32 = 32;

/// Signals that are taken back in one transaction.
const TAKEN_BACK_MAX: i64 = 5_000;

impl Streamer {
    /// Keeps a run. Returns whether the stream was still ours; if not, nothing is kept.
    pub(super) async fn keep(&self, mut run: Run, source: &str) -> Result<bool, Error> {
        let store = Error::store;
        let Some(position) = run.position else { return Ok(true) };
        if let Some(account) = run.deleted {
            self.take_all_back(account.0).await?;
        }
        let mut transaction = self.db.begin().await.map_err(store("begin to keep events"))?;
        let connection = &mut *transaction;
        // Before any signal is written, as visits do: so nobody waits for one another.
        if !run.changed.is_empty() {
            let (accounts, handles): (Vec<_>, Vec<_>) =
                std::mem::take(&mut run.changed).into_iter().map(|(it, name)| (it.0, name)).unzip();
            store::connection::changed(&mut *connection, &accounts, &handles, self.running.now())
                .await
                .map_err(store("note that accounts changed"))?;
        }
        let known = self.known(&mut *connection, &run).await?;
        run.made.retain(|made| !known.contains(&made.record));
        self.rounds(&mut *connection, &mut run.made).await?;
        let unmade: Vec<RecordId> =
            run.unmade.iter().filter(|it| known.contains(*it)).copied().collect();
        let gone = match unmade.is_empty() {
            true => Vec::new(),
            false => store::stream_record::take_back(&mut *connection, &unmade)
                .await
                .map_err(store("look what records told"))?,
        };
        let mut ingested = Ingested { rejected: run.rejected, ..Ingested::default() };
        let mut taken = Taken::new();
        for part in run.made.iter().flat_map(|it| &it.parts) {
            let admitted = part.admitted.clone();
            taken.insert((admitted.subject, admitted.signal_id), admitted);
        }
        self.write(&mut *connection, taken, &gone, &mut ingested).await?;
        let rows = rows(&run.made, &ingested.new);
        if !rows.is_empty() {
            let today = Day::of(self.running.now()).number();
            store::stream_record::append(&mut *connection, &rows, today)
                .await
                .map_err(store("note what records told"))?;
        }
        let progress = Progress {
            source: Some(source.to_owned()),
            number: position.number,
            // Whoever lies about the time does not lead us there.
            micros: Some(position.micros.min(self.now_micros())),
        };
        let ours = store::stream::move_on(
            &mut *connection,
            self.network.as_str(),
            self.holder,
            &progress,
            LEASE_TIME,
        )
        .await
        .map_err(store("note how far a stream was read"))?;
        if !ours {
            transaction.rollback().await.map_err(store("leave a stream to somebody else"))?;
            return Ok(false);
        }
        failpoint!("connector.stream.written");
        transaction.commit().await.map_err(store("commit events"))?;
        failpoint!("connector.stream.committed");
        self.metrics.ingested(&ingested);
        self.metrics.bluesky.kept.increment(run.kept);
        self.metrics.bluesky.nothing.increment(run.nothing);
        #[expect(clippy::cast_precision_loss, reason = "microseconds of a lag")]
        let lag = (self.now_micros() - position.micros).max(0) as f64 / 1e6;
        self.metrics.bluesky.lag.set(lag);
        if !ingested.batches.is_empty() {
            self.outbox_grew.ring();
        }
        Ok(true)
    }

    /// Which of the records of a run are known.
    async fn known(&self, db: &mut PgConnection, run: &Run) -> Result<HashSet<RecordId>, Error> {
        let made = run.made.iter().map(|it| it.record);
        let records: BTreeSet<RecordId> = made.chain(run.unmade.iter().copied()).collect();
        if records.is_empty() {
            return Ok(HashSet::new());
        }
        let records: Vec<RecordId> = records.into_iter().collect();
        let known = store::stream_record::known(db, &records).await;
        Ok(known.map_err(Error::store("look which records are known"))?.into_iter().collect())
    }

    /// Gives what is given again an id of its own, as what was taken back stays so: the ids that lists give it, too.
    async fn rounds(&self, db: &mut PgConnection, made: &mut [Made]) -> Result<(), Error> {
        let network = &self.network;
        for round in 1..=ROUNDS_MAX {
            let parts = || made.iter().flat_map(|it| &it.parts).filter(|it| it.named.is_some());
            let named: BTreeSet<Identity> =
                parts().map(|it| (it.admitted.subject, it.admitted.signal_id)).collect();
            if named.is_empty() {
                return Ok(());
            }
            let named: Vec<Identity> = named.into_iter().collect();
            let gone = store::signal::gone(&mut *db, &named).await;
            let gone = gone.map_err(Error::store("look what was taken back"))?;
            if gone.is_empty() {
                return Ok(());
            }
            for part in made.iter_mut().flat_map(|it| &mut it.parts) {
                let Some(name) = &part.named else { continue };
                let admitted = &mut part.admitted;
                if gone.contains(&(admitted.subject, admitted.signal_id)) {
                    admitted.signal_id = self.terms.key.signal(network, &format!("{name}#{round}"));
                } else {
                    part.named = None;
                }
            }
        }
        Ok(())
    }

    /// Writes what came, and takes back what went.
    async fn write(
        &self,
        db: &mut PgConnection,
        taken: Taken,
        gone: &[Row],
        ingested: &mut Ingested,
    ) -> Result<(), Error> {
        if taken.is_empty() && gone.is_empty() {
            return Ok(());
        }
        let targets: BTreeSet<Identity> = gone.iter().map(identity).collect();
        let targets: Vec<Identity> = targets.into_iter().collect();
        let own = gone.iter().filter(|it| it.own);
        let items: BTreeMap<Identity, _> =
            own.filter_map(|it| Some((identity(it), item(&self.network, it)?))).collect();
        ingest::write_knowing(db, taken, &targets, items, ingested).await
    }

    /// Takes back all that an account did, as far as records told it. Doing it again does nothing.
    async fn take_all_back(&self, account: i64) -> Result<(), Error> {
        let store = Error::store;
        loop {
            let mut transaction = self.db.begin().await.map_err(store("begin to take back"))?;
            let gone =
                store::stream_record::take_back_all(&mut transaction, account, TAKEN_BACK_MAX)
                    .await;
            let gone = gone.map_err(store("look what records told"))?;
            if gone.is_empty() {
                return Ok(());
            }
            let mut ingested = Ingested::default();
            self.write(&mut transaction, Taken::new(), &gone, &mut ingested).await?;
            transaction.commit().await.map_err(store("commit what is taken back"))?;
            self.outbox_grew.ring();
        }
    }
}

/// What is noted of what was made.
fn rows(made: &[Made], new: &BTreeSet<Identity>) -> Vec<Row> {
    let rows = made.iter().flat_map(|made| {
        made.parts.iter().filter_map(|part| {
            let identity = (part.admitted.subject, part.admitted.signal_id);
            row(made.record, part, new.contains(&identity))
        })
    });
    rows.collect()
}
