//! `scoring.finding`: accounts whose reactions are no honest signals.

use klout_score_engine::Ignored;
use sqlx::{PgConnection, PgExecutor};
use time::OffsetDateTime;
use tracing::instrument;

/// What was found out.
#[derive(Clone, Debug)]
pub(crate) struct Finding {
    pub(crate) finding_id: i64,
    pub(crate) network: String,
    /// `None`: it is about anybody.
    pub(crate) person_id: Option<i64>,
    pub(crate) reason: String,
    pub(crate) record_time: OffsetDateTime,
    pub(crate) reverse_time: Option<OffsetDateTime>,
}

/// What is to be recorded.
#[derive(Clone, Debug)]
pub(crate) struct NewFinding {
    pub(crate) account_id: i64,
    pub(crate) network: String,
    pub(crate) person_id: Option<i64>,
    pub(crate) reason: String,
    pub(crate) request_id: String,
}

/// Records a finding; `None` when that request has recorded one.
#[instrument(name = "db.finding.append", skip_all)]
pub(crate) async fn append(
    db: impl PgExecutor<'_>,
    new: &NewFinding,
) -> Result<Option<Finding>, sqlx::Error> {
    sqlx::query_as!(
        Finding,
        r#"
        insert into scoring.finding (account_id, network, person_id, reason, request_id)
        values ($1, $2, $3, $4, $5)
        on conflict on constraint finding_request_id_key do nothing
        returning finding_id, network, person_id, reason, record_time, reverse_time
        "#,
        new.account_id,
        new.network,
        new.person_id,
        new.reason,
        new.request_id,
    )
    .fetch_optional(db)
    .await
}

/// What a request has recorded.
#[instrument(name = "db.finding.by_request", skip_all)]
pub(crate) async fn by_request(
    db: impl PgExecutor<'_>,
    request_id: &str,
) -> Result<Finding, sqlx::Error> {
    sqlx::query_as!(
        Finding,
        r#"
        select finding_id, network, person_id, reason, record_time, reverse_time
        from scoring.finding
        where request_id = $1
        "#,
        request_id,
    )
    .fetch_one(db)
    .await
}

/// Those of these findings that are there.
#[instrument(name = "db.finding.find", skip_all)]
pub(crate) async fn find(
    db: impl PgExecutor<'_>,
    findings: &[i64],
) -> Result<Vec<Finding>, sqlx::Error> {
    sqlx::query_as!(
        Finding,
        r#"
        select finding_id, network, person_id, reason, record_time, reverse_time
        from scoring.finding
        where finding_id = any($1)
        order by finding_id
        "#,
        findings,
    )
    .fetch_all(db)
    .await
}

/// Reverses those of these findings that stand, and returns whom they were about, `None` is anybody, and of which
/// account they were.
#[instrument(name = "db.finding.reverse", skip_all)]
pub(crate) async fn reverse(
    db: &mut PgConnection,
    findings: &[i64],
) -> Result<Vec<(Option<i64>, i64)>, sqlx::Error> {
    let rows = sqlx::query!(
        r#"
        update scoring.finding
        set reverse_time = now()
        where finding_id = any($1) and reverse_time is null
        returning person_id, account_id
        "#,
        findings,
    )
    .fetch_all(db)
    .await?;
    Ok(rows.into_iter().map(|row| (row.person_id, row.account_id)).collect())
}

/// Puts those on the list whose evidence is another one when a finding about `person` comes or goes: that person, and
/// who owns the account, since a +K that it gave is given back or is not; everybody, when it is about anybody.
#[instrument(name = "db.finding.touch", skip_all)]
pub(crate) async fn touch(
    db: &mut PgConnection,
    person: Option<i64>,
    account: i64,
) -> Result<(), sqlx::Error> {
    match person {
        Some(person) => {
            super::dirty_person::mark_known(&mut *db, person).await?;
            super::dirty_person::mark_owner(db, account).await
        }
        None => super::dirty_person::mark_everybody(db).await,
    }
}

/// Up to `max` findings before one, newest first.
#[instrument(name = "db.finding.list", skip_all)]
pub(crate) async fn list(
    db: impl PgExecutor<'_>,
    before: i64,
    max: i64,
) -> Result<Vec<Finding>, sqlx::Error> {
    sqlx::query_as!(
        Finding,
        r#"
        select finding_id, network, person_id, reason, record_time, reverse_time
        from scoring.finding
        where finding_id < $1
        order by finding_id desc
        limit $2
        "#,
        before,
        max,
    )
    .fetch_all(db)
    .await
}

/// How often findings about anybody have come or gone.
#[instrument(name = "db.finding.count_changes", skip_all)]
pub(crate) async fn count_changes(db: impl PgExecutor<'_>) -> Result<i64, sqlx::Error> {
    sqlx::query_scalar!(
        r#"
        select count(*) + count(reverse_time) as "changes!"
        from scoring.finding
        where person_id is null
        "#
    )
    .fetch_one(db)
    .await
}

/// What does not count because of the findings that stand.
#[instrument(name = "db.finding.standing", skip_all)]
pub(crate) async fn standing(db: impl PgExecutor<'_>) -> Result<Ignored, sqlx::Error> {
    let rows = sqlx::query!(
        r#"
        select account_id, person_id
        from scoring.finding
        where reverse_time is null
        "#
    )
    .fetch_all(db)
    .await?;
    let mut ignored = Ignored::default();
    for row in rows {
        match row.person_id {
            Some(person) => {
                ignored.about.insert((row.account_id, person));
            }
            None => {
                ignored.everywhere.insert(row.account_id);
            }
        }
    }
    Ok(ignored)
}
