//! `connector.listed`: what lists held when they were read.

use sqlx::{PgConnection, PgExecutor};
use tracing::instrument;
use uuid::Uuid;

/// A signal that a list has held before.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Known {
    pub(crate) signal_id: Uuid,
    pub(crate) round: i16,
    pub(crate) gone: bool,
}

/// A signal that a list holds.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Held {
    pub(crate) signal_id: Uuid,
    pub(crate) sent_id: Uuid,
    pub(crate) post: Option<Uuid>,
    pub(crate) day: i32,
    pub(crate) round: i16,
}

/// A signal that a list does not hold any more.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Gone {
    pub(crate) sent_id: Uuid,
    pub(crate) post: Option<Uuid>,
}

/// What is known of these signals of a list.
#[instrument(name = "db.listed.known", skip_all, fields(signals.len = signals.len()))]
pub(crate) async fn known(
    db: impl PgExecutor<'_>,
    account_id: i64,
    listing: Uuid,
    signals: &[Uuid],
) -> Result<Vec<Known>, sqlx::Error> {
    sqlx::query_as!(
        Known,
        r#"
        select signal_id, round, gone
        from connector.listed
        where account_id = $1 and listing = $2 and signal_id = any($3)
        "#,
        account_id,
        listing,
        signals,
    )
    .fetch_all(db)
    .await
}

/// Notes that a list holds these, each named once, at the time of a visit.
#[instrument(name = "db.listed.renew", skip_all, fields(signals.len = held.len()))]
pub(crate) async fn renew(
    db: &mut PgConnection,
    account_id: i64,
    listing: Uuid,
    under: Option<Uuid>,
    visit: i32,
    held: &[Held],
) -> Result<(), sqlx::Error> {
    let signals: Vec<_> = held.iter().map(|it| it.signal_id).collect();
    let sent: Vec<_> = held.iter().map(|it| it.sent_id).collect();
    let posts: Vec<_> = held.iter().map(|it| it.post).collect();
    let days: Vec<_> = held.iter().map(|it| it.day).collect();
    let rounds: Vec<_> = held.iter().map(|it| it.round).collect();
    sqlx::query!(
        r#"
        insert into connector.listed (
            account_id, listing, signal_id, sent_id, under, post, visit, day, round
        )
        select $1, $2, signal_id, sent_id, $3, post, $4, day, round
        from unnest($5::uuid[], $6::uuid[], $7::uuid[], $8::integer[], $9::smallint[])
            as held (signal_id, sent_id, post, day, round)
        on conflict on constraint listed_pkey do update
        set sent_id = excluded.sent_id,
            under = excluded.under,
            post = excluded.post,
            visit = excluded.visit,
            day = excluded.day,
            round = excluded.round,
            gone = false
        "#,
        account_id,
        listing,
        under,
        visit,
        &signals,
        &sent,
        &posts as &[Option<Uuid>],
        &days,
        &rounds,
    )
    .execute(db)
    .await?;
    Ok(())
}

/// Takes out of a list what a visit did not see, of what is told at all: of that day and later. Returns what that is.
#[instrument(name = "db.listed.take_out", skip_all)]
pub(crate) async fn take_out(
    db: &mut PgConnection,
    account_id: i64,
    listing: Uuid,
    visit: i32,
    first_day: i32,
) -> Result<Vec<Gone>, sqlx::Error> {
    sqlx::query_as!(
        Gone,
        r#"
        update connector.listed
        set gone = true
        where account_id = $1 and listing = $2 and visit <> $3 and day >= $4 and not gone
        returning sent_id, post
        "#,
        account_id,
        listing,
        visit,
        first_day,
    )
    .fetch_all(db)
    .await
}

/// Takes out everything that is listed under posts. Returns what that is.
#[instrument(name = "db.listed.take_out_under", skip_all, fields(posts.len = posts.len()))]
pub(crate) async fn take_out_under(
    db: &mut PgConnection,
    account_id: i64,
    posts: &[Uuid],
) -> Result<Vec<Gone>, sqlx::Error> {
    sqlx::query_as!(
        Gone,
        r#"
        update connector.listed
        set gone = true
        where account_id = $1 and under = any($2) and not gone
        returning sent_id, post
        "#,
        account_id,
        posts,
    )
    .fetch_all(db)
    .await
}

/// Some of all that is listed of an account, which is taken out. Returns what that is.
#[instrument(name = "db.listed.take_all_out", skip_all)]
pub(crate) async fn take_all_out(
    db: &mut PgConnection,
    account_id: i64,
    limit: i64,
) -> Result<Vec<Gone>, sqlx::Error> {
    sqlx::query_as!(
        Gone,
        r#"
        update connector.listed
        set gone = true
        where (account_id, listing, signal_id) in (
            select account_id, listing, signal_id
            from connector.listed
            where account_id = $1 and not gone
            limit $2
        )
        returning sent_id, post
        "#,
        account_id,
        limit,
    )
    .fetch_all(db)
    .await
}

/// Forgets what is of a day before that: nobody tells it any more, and it counts for nothing.
#[instrument(name = "db.listed.expire", skip_all)]
pub(crate) async fn expire(
    db: &mut PgConnection,
    account_id: i64,
    first_day: i32,
) -> Result<(), sqlx::Error> {
    sqlx::query!(
        "delete from connector.listed where account_id = $1 and day < $2",
        account_id,
        first_day,
    )
    .execute(db)
    .await?;
    Ok(())
}
