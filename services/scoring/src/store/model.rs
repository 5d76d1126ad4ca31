//! `scoring.model`: the models that scores are, were or will be made by.

use sqlx::{PgConnection, PgExecutor};
use time::OffsetDateTime;
use tracing::instrument;

use super::broken;

/// A model, as it is kept.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct StoredModel {
    pub(crate) name: String,
    /// Empty for a model of before checksums.
    pub(crate) checksum: String,
    /// The model file; empty where it is not kept.
    pub(crate) numbers: String,
    pub(crate) state: ModelState,
    /// From when on it shall serve; of an announced one only.
    pub(crate) announce_time: Option<OffsetDateTime>,
    /// Since when it serves, or served last; `None` when it never did.
    pub(crate) serve_time: Option<OffsetDateTime>,
    /// The last epoch in which a pass scored everybody by it in shadow.
    pub(crate) shadow_epoch: Option<i64>,
}

/// What a model is there for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum ModelState {
    /// Scores are made by it.
    Serving,
    /// It is in shadow, and serves from a time on.
    Announced,
    /// Everybody is scored by it too, and nobody is told.
    Shadow,
    /// It served once.
    Retired,
}

/// One row, as the table has it.
struct Row {
    name: String,
    checksum: String,
    numbers: String,
    state: String,
    announce_time: Option<OffsetDateTime>,
    serve_time: Option<OffsetDateTime>,
    shadow_epoch: Option<i64>,
}

/// All models that were not withdrawn, by name.
#[instrument(name = "db.model.all", skip_all)]
pub(crate) async fn all(db: impl PgExecutor<'_>) -> Result<Vec<StoredModel>, sqlx::Error> {
    let rows = sqlx::query_as!(
        Row,
        r#"
        select name, checksum, numbers, state, announce_time, serve_time, shadow_epoch
        from scoring.model
        where state <> 'WITHDRAWN'
        order by name
        "#
    )
    .fetch_all(db)
    .await?;
    rows.into_iter().map(Row::into_model).collect()
}

/// The numbers of a model, where they are kept.
#[instrument(name = "db.model.numbers", skip_all)]
pub(crate) async fn numbers(
    db: impl PgExecutor<'_>,
    name: &str,
) -> Result<Option<String>, sqlx::Error> {
    sqlx::query_scalar!("select numbers from scoring.model where name = $1 and numbers <> ''", name)
        .fetch_optional(db)
        .await
}

/// Notes the models that are compiled in, where none serves yet: `serving` serves, and each of `before` is
/// retired that a score names. Called again, by whomever, it changes nothing.
#[instrument(name = "db.model.register", skip_all)]
pub(crate) async fn register(
    db: impl PgExecutor<'_>,
    serving: &StoredModel,
    before: &[&str],
) -> Result<(), sqlx::Error> {
    sqlx::query!(
        r#"
        insert into scoring.model (name, checksum, numbers, state, serve_time)
        select $1::text, $2::text, $3::text, 'SERVING', $4::timestamptz
        where not exists (select from scoring.model where state = 'SERVING')
        union all
        select before.name, '', '', 'RETIRED', null
        from unnest($5::text[]) as before (name)
        where exists (select from scoring.score where model = before.name)
            or exists (select from scoring.history where model = before.name)
        on conflict do nothing
        "#,
        serving.name,
        serving.checksum,
        serving.numbers,
        serving.serve_time,
        before as &[&str],
    )
    .execute(db)
    .await?;
    Ok(())
}

/// Until the transaction ends nobody else adds, changes or takes away a model; all may read them.
#[instrument(name = "db.model.lock", skip_all)]
pub(crate) async fn lock(db: &mut PgConnection) -> Result<(), sqlx::Error> {
    sqlx::query!("lock table scoring.model in share row exclusive mode").execute(db).await?;
    Ok(())
}

/// Adds a model in shadow; its name may be that of one that was withdrawn.
#[instrument(name = "db.model.add", skip_all)]
pub(crate) async fn add(
    db: impl PgExecutor<'_>,
    name: &str,
    checksum: &str,
    numbers: &str,
) -> Result<(), sqlx::Error> {
    sqlx::query!(
        r#"
        insert into scoring.model (name, checksum, numbers, state) values ($1, $2, $3, 'SHADOW')
        on conflict on constraint model_pkey do update
        set checksum = excluded.checksum, numbers = excluded.numbers, state = 'SHADOW',
            shadow_epoch = null
        where model.state = 'WITHDRAWN'
        "#,
        name,
        checksum,
        numbers,
    )
    .execute(db)
    .await?;
    Ok(())
}

/// Puts a retired model in shadow again.
#[instrument(name = "db.model.shadow_again", skip_all)]
pub(crate) async fn shadow_again(db: impl PgExecutor<'_>, name: &str) -> Result<(), sqlx::Error> {
    sqlx::query!(
        r#"
        update scoring.model set state = 'SHADOW', shadow_epoch = null
        where name = $1 and state = 'RETIRED'
        "#,
        name,
    )
    .execute(db)
    .await?;
    Ok(())
}

/// Announces a model that is in shadow and by which a pass has scored; returns whether it was one.
#[instrument(name = "db.model.announce", skip_all)]
pub(crate) async fn announce(
    db: impl PgExecutor<'_>,
    name: &str,
    announce_time: OffsetDateTime,
) -> Result<bool, sqlx::Error> {
    let done = sqlx::query!(
        r#"
        update scoring.model
        set state = 'ANNOUNCED', announce_time = $2
        where name = $1 and state in ('SHADOW', 'ANNOUNCED') and shadow_epoch is not null
        "#,
        name,
        announce_time,
    )
    .execute(db)
    .await?;
    Ok(done.rows_affected() == 1)
}

/// Takes a model in shadow away, announced or not; one that served before is retired again, as scores name it.
/// Returns whether it was in shadow. Its scores are there until they are swept.
#[instrument(name = "db.model.withdraw", skip_all)]
pub(crate) async fn withdraw(db: impl PgExecutor<'_>, name: &str) -> Result<bool, sqlx::Error> {
    let done = sqlx::query!(
        r#"
        update scoring.model
        set state = case when serve_time is null then 'WITHDRAWN' else 'RETIRED' end,
            announce_time = null, shadow_epoch = coalesce(shadow_epoch, 0)
        where name = $1 and state in ('SHADOW', 'ANNOUNCED')
        "#,
        name,
    )
    .execute(db)
    .await?;
    Ok(done.rows_affected() == 1)
}

/// A model that is not in shadow any more and has shadow scores.
#[instrument(name = "db.model.to_sweep", skip_all)]
pub(crate) async fn to_sweep(db: impl PgExecutor<'_>) -> Result<Option<String>, sqlx::Error> {
    sqlx::query_scalar!(
        r#"
        select name from scoring.model
        where state not in ('SHADOW', 'ANNOUNCED') and shadow_epoch is not null
        order by name limit 1
        "#
    )
    .fetch_optional(db)
    .await
}

/// Notes that a model has no shadow scores any more, and forgets it if it was withdrawn.
#[instrument(name = "db.model.note_swept", skip_all)]
pub(crate) async fn note_swept(db: impl PgExecutor<'_>, name: &str) -> Result<(), sqlx::Error> {
    sqlx::query!(
        r#"
        with kept as (
            update scoring.model set shadow_epoch = null
            where name = $1 and state in ('SERVING', 'RETIRED')
        )
        delete from scoring.model where name = $1 and state = 'WITHDRAWN'
        "#,
        name,
    )
    .execute(db)
    .await?;
    Ok(())
}

/// Notes that a pass has scored everybody by a model in shadow.
#[instrument(name = "db.model.note_shadowed", skip_all)]
pub(crate) async fn note_shadowed(
    db: impl PgExecutor<'_>,
    name: &str,
    epoch: i64,
) -> Result<(), sqlx::Error> {
    sqlx::query!(
        r#"
        update scoring.model
        set shadow_epoch = $2
        where name = $1 and state in ('SHADOW', 'ANNOUNCED')
            and (shadow_epoch is null or shadow_epoch < $2)
        "#,
        name,
        epoch,
    )
    .execute(db)
    .await?;
    Ok(())
}

/// Retires the model that serves.
#[instrument(name = "db.model.retire", skip_all)]
pub(crate) async fn retire(db: impl PgExecutor<'_>) -> Result<(), sqlx::Error> {
    sqlx::query!("update scoring.model set state = 'RETIRED' where state = 'SERVING'")
        .execute(db)
        .await?;
    Ok(())
}

/// Lets a model serve that is announced, where none does; returns whether it was announced. Others that were
/// announced for an earlier time will never have served: they go back into the shadow.
#[instrument(name = "db.model.serve", skip_all)]
pub(crate) async fn serve(db: impl PgExecutor<'_>, name: &str) -> Result<bool, sqlx::Error> {
    let done = sqlx::query_scalar!(
        r#"
        with next as (
            update scoring.model
            set state = 'SERVING', serve_time = announce_time, announce_time = null
            where name = $1 and state = 'ANNOUNCED'
            returning name, serve_time
        ),
        overtaken as (
            update scoring.model as other set state = 'SHADOW', announce_time = null
            from next
            where other.state = 'ANNOUNCED' and other.name <> next.name
                and other.announce_time <= next.serve_time
        )
        select name from next
        "#,
        name,
    )
    .fetch_optional(db)
    .await?;
    Ok(done.is_some())
}

// === impl ModelState ===

impl ModelState {
    /// In the word of the contract, which is the table's.
    pub(crate) const fn as_str(self) -> &'static str {
        match self {
            Self::Serving => "SERVING",
            Self::Announced => "ANNOUNCED",
            Self::Shadow => "SHADOW",
            Self::Retired => "RETIRED",
        }
    }

    /// Whether passes score everybody by it beside the serving one.
    pub(crate) const fn is_shadow(self) -> bool {
        matches!(self, Self::Announced | Self::Shadow)
    }
}

// === impl Row ===

impl Row {
    fn into_model(self) -> Result<StoredModel, sqlx::Error> {
        let state = match self.state.as_str() {
            "SERVING" => ModelState::Serving,
            "ANNOUNCED" => ModelState::Announced,
            "SHADOW" => ModelState::Shadow,
            "RETIRED" => ModelState::Retired,
            other => return Err(broken("state", other)),
        };
        Ok(StoredModel {
            name: self.name,
            checksum: self.checksum,
            numbers: self.numbers,
            state,
            announce_time: self.announce_time,
            serve_time: self.serve_time,
            shadow_epoch: self.shadow_epoch,
        })
    }
}
