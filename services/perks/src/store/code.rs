//! `perks.code`: codes that were uploaded, and who has them.

use sqlx::{PgConnection, PgExecutor};
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

/// The next so many that nobody has, in their order. Whoever asks holds the campaign.
#[instrument(name = "db.code.next", skip_all)]
pub(crate) async fn next(
    db: &mut PgConnection,
    campaign: i64,
    max: i64,
) -> Result<Vec<String>, sqlx::Error> {
    sqlx::query_scalar!(
        r#"
        select code
        from perks.code
        where campaign_id = $1 and grant_id is null
        order by number
        limit $2
        "#,
        campaign,
        max,
    )
    .fetch_all(db)
    .await
}

/// Gives codes to grants.
#[instrument(name = "db.code.give", skip_all, fields(codes.len = given.len()))]
pub(crate) async fn give(
    db: &mut PgConnection,
    campaign: i64,
    given: &[(String, i64)],
) -> Result<(), sqlx::Error> {
    let (codes, grants): (Vec<&str>, Vec<i64>) =
        given.iter().map(|(code, grant)| (code.as_str(), *grant)).unzip();
    sqlx::query!(
        r#"
        update perks.code as code
        set grant_id = given.grant_id
        from unnest($2::text[], $3::bigint[]) as given (code, grant_id)
        where code.campaign_id = $1 and code.code = given.code and code.code = any($2)
        "#,
        campaign,
        &codes as &[&str],
        &grants,
    )
    .execute(db)
    .await?;
    Ok(())
}

/// Takes the codes back that these grants had, and that nobody was told.
#[instrument(name = "db.code.give_back", skip_all, fields(grants.len = grants.len()))]
pub(crate) async fn give_back(
    db: &mut PgConnection,
    campaign: i64,
    grants: &[i64],
) -> Result<(), sqlx::Error> {
    sqlx::query!(
        "update perks.code set grant_id = null where campaign_id = $1 and grant_id = any($2)",
        campaign,
        grants,
    )
    .execute(db)
    .await?;
    Ok(())
}
