//! Everything that an installation knows, so that two can be compared to the last bit.

use std::collections::BTreeMap;

use klout_testkit::{evidence, until};
use sqlx::PgPool;

use crate::Installation;

/// How many rows are told of each total that differs.
const ROWS_TOLD_MAX: usize = 3;

/// Accounts whose scores are asked for one by one. All scores are compared where they are stored.
const ACCOUNTS_ASKED: u32 = 50;

/// What an installation that has settled has none of.
const LEFT_TO_DO: &str = "what is left to do";

/// Rows by what they are, each as text; numbers stand there in the shortest form that reads as the same bits.
/// Left out is what has to differ: who a person is, revisions, how many passes there were, and when the machine did something. Where
/// nothing is left of what was told and taken back, a row may or may not be there.
const TOTALS: [(&str, &str); 11] = [
    (
        "connector.signal",
        "select (subject_account_id, signal_id, retracted)::text from connector.signal",
    ),
    (
        "scoring.account",
        "select (account_id, network, person_id is not null)::text from scoring.account",
    ),
    (
        "scoring.score",
        "select (account_id, score, percentile, confidence, day_change, week_change, month_change,
            true_reach, amplification, network_impact, influence, score_time, model)::text
         from scoring.score join scoring.account using (person_id)",
    ),
    (
        "social_graph.tie",
        // Not the newest day: it goes with ties of which all was taken back, whenever the sweep comes by.
        "select concat_ws(' ', subject_account_id, actor_account_id, strength, reactions)
            from social_graph.tie where reactions <> 0",
    ),
    (
        "social_graph.account",
        "select (account_id, tag, network, native_id, handle)::text from social_graph.account",
    ),
    (
        "topics.post",
        "select (account_id, post_hash, signal, day, told, text, links, tags)::text
         from topics.post where told <> 0",
    ),
    (
        "topics.post_topic",
        "select (account_id, post_hash, signal, topic_id, weight, alone, words)::text
         from topics.post_topic",
    ),
    (
        "topics.reaction",
        "select (account_id, post_hash, actor_id, kind, day, count)::text
         from topics.reaction where count <> 0",
    ),
    (
        "topics.label",
        "select (account_id, signal, actor_id, kind, day, count, told, label)::text
         from topics.label where told <> 0",
    ),
    (
        "topics.person_topic",
        "select (account_id, topic_id, topic.network, written, reacted, said, influencers, strength,
            score, base_score, people, posts, direct, mostly, shown, rank, percentile)::text
         from topics.person_topic as topic join topics.account using (person_id)",
    ),
    (
        LEFT_TO_DO,
        "select 'a batch for ' || consumer from connector.outbox
         union all select 'an owner' from social_graph.membership_outbox
         union all select 'a person' from scoring.dirty_person
         union all select 'a person''s topics' from topics.dirty_person
         union all select 'ranks in a topic' from topics.dirty_topic
         union all select 'a pass over topics' from topics.pass where end_time is null",
    ),
];

/// Passes over everybody that are not over: one may begin by itself whenever it is time.
const PASSES_LEFT: &str = "
    select concat_ws(' ', 'a pass over everybody', state, people_done) from scoring.pass
    where state not in ('DONE', 'FAILED')";

/// Whether everybody's topics rest on the last epoch.
const TOPICS_SETTLED: &str = "
    select not exists (select from topics.dirty_person)
        and not exists (select from topics.dirty_topic)
        and not exists (select from topics.pass where end_time is null)
        and (select epoch from topics.pass order by pass_id desc limit 1)
            = (select max(epoch) from scoring.pass where state = 'DONE')";

pub(super) struct Totals(BTreeMap<&'static str, Vec<String>>);

// === impl Totals ===

impl Totals {
    /// Of an installation that has something of everything, and nothing left to do.
    pub(super) async fn of(installation: &Installation) -> Self {
        let totals = Self::now(installation).await;
        for (name, rows) in &totals.0 {
            assert_eq!(rows.is_empty(), *name == LEFT_TO_DO, "{name}: {:?}", rows.first());
        }
        totals
    }

    /// As it is now.
    pub(super) async fn now(installation: &Installation) -> Self {
        let db: PgPool = installation.stores.db().await;
        until("topics rest on the last epoch", async || {
            sqlx::query_scalar::<_, Option<bool>>(TOPICS_SETTLED)
                .fetch_one(&db)
                .await
                .expect("the tables are there")
                .unwrap_or_default()
        })
        .await;
        let mut totals = BTreeMap::new();
        for (name, statement) in TOTALS {
            let rows = sqlx::query_scalar(statement).fetch_all(&db).await;
            let rows: Vec<String> = rows.unwrap_or_else(|error| panic!("{name}: {error}"));
            totals.insert(name, rows);
        }
        let evidence = evidence(&db).await.into_iter();
        totals.insert("evidence", evidence.map(|of_account| format!("{of_account:?}")).collect());
        // As those see it who ask.
        let ranking = installation.ranking().into_iter();
        totals.insert(
            "klout export",
            ranking.map(|(name, score)| format!("{name}: {score}")).collect(),
        );
        totals.insert("what the gateway answers", answers(installation).await);
        totals.values_mut().for_each(|rows| rows.sort_unstable());
        Self(totals)
    }

    /// What an installation has left to do, a line for each kind of it.
    pub(super) async fn left_behind(installation: &Installation) -> Vec<String> {
        let (_, left) =
            TOTALS.iter().find(|(name, _)| *name == LEFT_TO_DO).expect("it is one of them");
        let counted = format!(
            "select count(*) || ' times ' || what from ({left} union all {PASSES_LEFT}) as it (what)
             group by what order by what"
        );
        let db = installation.stores.db().await;
        let rows = sqlx::query_scalar(sqlx::AssertSqlSafe(counted)).fetch_all(&db).await;
        rows.unwrap_or_else(|error| vec![error.to_string()])
    }

    /// What is left to do, a line each.
    pub(super) fn left_to_do(&self) -> Vec<String> {
        self.0[LEFT_TO_DO].clone()
    }

    /// What differs, a line each; empty when nothing does.
    pub(super) fn differences(&self, other: &Self) -> Vec<String> {
        let mut differences = Vec::new();
        for (name, rows) in &self.0 {
            let others = &other.0[name];
            let missing = only_in(rows, others);
            let more = only_in(others, rows);
            if missing.is_empty() && more.is_empty() && rows.len() == others.len() {
                continue;
            }
            let some = |rows: &[&String]| {
                rows.iter()
                    .take(ROWS_TOLD_MAX)
                    .map(|row| row.as_str())
                    .collect::<Vec<_>>()
                    .join(" ")
            };
            differences.push(format!(
                "{name}: {} rows missing, such as {}; {} others, such as {}",
                missing.len(),
                some(&missing),
                more.len(),
                some(&more),
            ));
        }
        differences
    }
}

/// The scores of some as the gateway has them, from Redis where it has kept them.
async fn answers(installation: &Installation) -> Vec<String> {
    let mut answers = Vec::new();
    for account in 0..ACCOUNTS_ASKED {
        let path = format!("/v1/accounts/bluesky/{account}/score");
        // Twice: the first answer may be what fills Redis.
        let _ = installation.get(&path).await;
        let (status, mut score) = installation.get(&path).await;
        for differs in ["person", "epoch", "revisionToken", "requestId"] {
            score[differs].take();
        }
        answers.push(format!("{account}: {status} {score}"));
    }
    answers
}

fn only_in<'a>(rows: &'a [String], others: &[String]) -> Vec<&'a String> {
    rows.iter().filter(|row| others.binary_search(row).is_err()).collect()
}
