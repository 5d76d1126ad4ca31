//! Everything that is held about one person, as JSON.

use std::collections::VecDeque;

use futures::{Stream, stream};
use klout_proto::graph::v1::DescribePersonResponse;
use klout_score_engine::packed::{AccountEvidence, settled_tallies, unpack_tallies};
use serde_json::json;
use sqlx::PgPool;

use crate::{error::Error, store};

/// What comes next.
#[derive(Clone, Copy, Debug)]
enum Section {
    State,
    ErasedAccounts,
    Accounts,
    Scores,
    History,
    ShadowScores,
    Contests,
    Findings,
    /// Of the account at this place.
    Evidence(usize),
}

#[derive(Debug)]
struct Describer {
    db: PgPool,
    person: i64,
    accounts: Vec<i64>,
    next: Option<Section>,
    ready: VecDeque<DescribePersonResponse>,
}

/// Things of one kind come one after the other; what is read of one kind or one account is in memory at a time.
pub(crate) fn describe(
    db: PgPool,
    person: i64,
    accounts: Vec<i64>,
) -> impl Stream<Item = Result<DescribePersonResponse, Error>> + Send {
    let describer =
        Describer { db, person, accounts, next: Some(Section::State), ready: VecDeque::new() };
    stream::try_unfold(describer, |mut describer| async move {
        loop {
            if let Some(ready) = describer.ready.pop_front() {
                return Ok(Some((ready, describer)));
            }
            let Some(section) = describer.next else { return Ok(None) };
            describer.read(section).await?;
        }
    })
}

// === impl Describer ===

impl Describer {
    async fn read(&mut self, section: Section) -> Result<(), Error> {
        use store::description as tables;
        let (db, person, accounts) = (&self.db, self.person, &self.accounts[..]);
        let (name, rows, next) = match section {
            Section::State => {
                ("person_state", tables::state(db, person, accounts).await, Section::ErasedAccounts)
            }
            Section::ErasedAccounts => (
                "erased_account",
                tables::erased_accounts(db, person, accounts).await,
                Section::Accounts,
            ),
            Section::Accounts => {
                ("account", tables::accounts(db, person, accounts).await, Section::Scores)
            }
            Section::Scores => {
                ("score", tables::scores(db, person, accounts).await, Section::History)
            }
            Section::History => {
                ("history", tables::history(db, person, accounts).await, Section::ShadowScores)
            }
            Section::ShadowScores => (
                "shadow_score",
                tables::shadow_scores(db, person, accounts).await,
                Section::Contests,
            ),
            Section::Contests => {
                ("contest", tables::contests(db, person, accounts).await, Section::Findings)
            }
            Section::Findings => {
                ("finding", tables::findings(db, person, accounts).await, Section::Evidence(0))
            }
            Section::Evidence(place) => {
                let Some(account) = accounts.get(place).copied() else {
                    self.next = None;
                    return Ok(());
                };
                let evidence = self.evidence(account).await?;
                self.ready.extend(evidence);
                self.next = Some(Section::Evidence(place + 1));
                return Ok(());
            }
        };
        let rows = rows.map_err(Error::store("describe a person"))?;
        self.ready.extend(
            rows.into_iter().map(|json| DescribePersonResponse { name: name.to_owned(), json }),
        );
        self.next = Some(next);
        Ok(())
    }

    async fn evidence(&self, account: i64) -> Result<Vec<DescribePersonResponse>, Error> {
        let store = Error::store;
        let mut connection = self.db.acquire().await.map_err(store("describe a person"))?;
        let rows = store::evidence::unfolded(&mut connection, &[account]).await;
        let (mut evidence, mut tallies) = (AccountEvidence::default(), Vec::new());
        for row in rows.map_err(store("describe a person"))? {
            evidence.add(AccountEvidence::unpack(&row.evidence).map_err(Error::Packed)?);
            if let Some(packed) = row.tallies {
                tallies.extend(unpack_tallies(&packed).map_err(Error::Packed)?);
            }
        }
        let evidence = evidence.settled();
        let id = account.to_string();
        let thing = |name: &str, json: serde_json::Value| DescribePersonResponse {
            name: name.to_owned(),
            json: json.to_string(),
        };
        let cells = evidence.cells.iter().map(|it| {
            let actor = it.actor.map(|actor| actor.to_string());
            let json = json!({
                "account_id": id, "actor_account_id": actor, "kind": it.kind.as_str(),
                "day": it.day, "count": it.count, "told": it.told,
            });
            thing("cell", json)
        });
        let given = evidence.given.iter().map(|it| {
            let json = json!({
                "account_id": id, "receiver_account_id": it.receiver.to_string(),
                "day": it.day, "count": it.count, "told": it.told,
            });
            thing("given", json)
        });
        let posts = evidence.posts.iter().map(|it| {
            let json = json!({
                "account_id": id, "post_hash": hex(&it.hash), "day": it.day, "told": it.told,
            });
            thing("post", json)
        });
        let readings = evidence.readings.iter().map(|it| {
            let json = json!({
                "account_id": id, "counter": it.name.as_str(), "post_hash": hex(&it.post),
                "time_us": it.time, "value": it.value, "told": it.told,
            });
            thing("counter", json)
        });
        let tallies = settled_tallies(tallies);
        let tallies = tallies.iter().map(|it| {
            let json = json!({
                "account_id": id, "post_hash": hex(&it.post), "kind": it.kind.as_str(),
                "day": it.day, "count": it.count,
            });
            thing("post_tally", json)
        });
        Ok(cells.chain(given).chain(posts).chain(readings).chain(tallies).collect())
    }
}

fn hex(bytes: &[u8]) -> String {
    use std::fmt::Write as _;
    bytes.iter().fold(String::new(), |mut text, byte| {
        write!(text, "{byte:02x}").expect("text can be written to");
        text
    })
}
