//! `perks.budget`: how many grants of a campaign a person has, a property gave, or a day saw.

use std::collections::HashMap;

use sqlx::PgConnection;
use tracing::instrument;

use crate::grants::Key;

/// How many count for each of these keys.
#[instrument(name = "db.budget.read", skip_all, fields(keys.len = keys.len()))]
pub(crate) async fn read(
    db: &mut PgConnection,
    campaign: i64,
    keys: &[Key],
) -> Result<HashMap<Key, i64>, sqlx::Error> {
    let kinds: Vec<_> = keys.iter().map(Key::kind).collect();
    let texts: Vec<_> = keys.iter().map(Key::text).collect();
    let taken = sqlx::query_scalar!(
        r#"
        select coalesce(budget.taken, 0) as "taken!"
        from unnest($2::text[], $3::text[]) with ordinality as asked (kind, key, place)
        left join perks.budget as budget
            on budget.campaign_id = $1 and budget.kind = asked.kind and budget.key = asked.key
        order by asked.place
        "#,
        campaign,
        &kinds as &[&str],
        &texts,
    )
    .fetch_all(db)
    .await?;
    Ok(keys.iter().cloned().zip(taken).collect())
}

/// Counts more, or fewer, for each of these keys.
#[instrument(name = "db.budget.add", skip_all, fields(changes.len = changes.len()))]
pub(crate) async fn add(
    db: &mut PgConnection,
    campaign: i64,
    changes: &[(Key, i64)],
) -> Result<(), sqlx::Error> {
    let kinds: Vec<_> = changes.iter().map(|(key, _)| key.kind()).collect();
    let texts: Vec<_> = changes.iter().map(|(key, _)| key.text()).collect();
    let counts: Vec<_> = changes.iter().map(|(_, count)| *count).collect();
    // What would be inserted is checked before it is seen that a row is there, so fewer cannot be inserted.
    sqlx::query!(
        r#"
        with change as (
            select * from unnest($2::text[], $3::text[], $4::bigint[]) as it (kind, key, count)
        ),
        fewer as (
            update perks.budget as budget
            set taken = budget.taken + change.count
            from change
            where budget.campaign_id = $1 and budget.kind = change.kind and budget.key = change.key
                and change.count < 0
        )
        insert into perks.budget as budget (campaign_id, kind, key, taken)
        select $1, kind, key, count from change where count > 0
        on conflict on constraint budget_pkey do update set taken = budget.taken + excluded.taken
        "#,
        campaign,
        &kinds as &[&str],
        &texts,
        &counts,
    )
    .execute(db)
    .await?;
    Ok(())
}
