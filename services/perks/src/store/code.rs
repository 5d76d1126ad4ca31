//! `perks.code`: codes that were uploaded, and who has them.

use sqlx::PgExecutor;
use tracing::instrument;

/// How many nobody has.
#[instrument(name = "db.code.left", skip_all)]
pub(crate) async fn left(db: impl PgExecutor<'_>, campaign: i64) -> Result<i64, sqlx::Error> {
    sqlx::query_scalar!(
        r#"select count(*) as "left!" from perks.code where campaign_id = $1 and grant_id is null"#,
        campaign,
    )
    .fetch_one(db)
    .await
}

/// Whether there are any, also such as somebody has.
#[instrument(name = "db.code.any", skip_all)]
pub(crate) async fn any(db: impl PgExecutor<'_>, campaign: i64) -> Result<bool, sqlx::Error> {
    sqlx::query_scalar!(
        r#"select exists (select from perks.code where campaign_id = $1) as "any!""#,
        campaign,
    )
    .fetch_one(db)
    .await
}

/// Adds those that are not there, after those that are. Returns how many that were. Only while the campaign is held.
#[instrument(name = "db.code.append", skip_all)]
pub(crate) async fn append(
    db: impl PgExecutor<'_>,
    campaign: i64,
    codes: &[String],
) -> Result<i64, sqlx::Error> {
    sqlx::query_scalar!(
        r#"
        with added as (
            insert into perks.code (campaign_id, code, number)
            select $1, given.code, given.place
                + (select coalesce(max(number), 0) from perks.code where campaign_id = $1)
            from unnest($2::text[]) with ordinality given (code, place)
            order by given.place
            on conflict do nothing
            returning 1
        )
        select count(*) as "added!" from added
        "#,
        campaign,
        codes,
    )
    .fetch_one(db)
    .await
}
