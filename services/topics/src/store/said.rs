//! `topics.declared` and `topics.veto`: what people say of themselves.

use sqlx::{PgConnection, PgExecutor};
use tracing::instrument;

/// A topic that somebody declared.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Declared {
    pub(crate) person: i64,
    pub(crate) topic: i64,
    /// It was not declared itself: it is what a topic was part of that waits.
    pub(crate) stand_in: bool,
    pub(crate) influencers: Vec<i64>,
}

/// What these people declared, of topics that the ontology in use has.
#[instrument(name = "db.declared.of_people", skip_all, fields(people.len = people.len()))]
pub(crate) async fn declared(
    db: impl PgExecutor<'_>,
    people: &[i64],
) -> Result<Vec<Declared>, sqlx::Error> {
    sqlx::query_as!(
        Declared,
        r#"
        select person_id as person, topic_id as topic, stand_in, influencers
        from topics.declared
        where person_id = any($1) and edition_id = 0
        order by person_id, position, topic_id
        "#,
        people,
    )
    .fetch_all(db)
    .await
}

/// Declares, in place of all that was.
#[instrument(name = "db.declared.renew", skip_all)]
pub(crate) async fn declare(
    db: &mut PgConnection,
    person: i64,
    declared: &[Declared],
) -> Result<(), sqlx::Error> {
    sqlx::query!("delete from topics.declared where person_id = $1", person)
        .execute(&mut *db)
        .await?;
    for (position, it) in (0_i32..).zip(declared) {
        sqlx::query!(
            r#"
            insert into topics.declared (person_id, topic_id, position, influencers)
            values ($1, $2, $3, $4)
            "#,
            person,
            it.topic,
            position,
            &it.influencers,
        )
        .execute(&mut *db)
        .await?;
    }
    Ok(())
}

/// How many topics somebody declared, also those that wait for an ontology which has them.
#[instrument(name = "db.declared.count", skip_all)]
pub(crate) async fn declared_count(
    db: impl PgExecutor<'_>,
    person: i64,
) -> Result<usize, sqlx::Error> {
    let count = sqlx::query_scalar!(
        r#"select count(*) as "count!" from topics.declared where person_id = $1 and not stand_in"#,
        person,
    )
    .fetch_one(db)
    .await?;
    Ok(usize::try_from(count).unwrap_or(usize::MAX))
}

/// Declares topics after all that are. What stood in is declared itself then.
#[instrument(name = "db.declared.add", skip_all)]
pub(crate) async fn declare_too(
    db: &mut PgConnection,
    person: i64,
    more: &[Declared],
) -> Result<(), sqlx::Error> {
    for it in more {
        sqlx::query!(
            r#"
            insert into topics.declared (person_id, topic_id, position, influencers)
            select $1, $2, coalesce(max(position) + 1, 0), $3
            from topics.declared
            where person_id = $1
            on conflict on constraint declared_pkey do update
            set stand_in = false, influencers = excluded.influencers
            "#,
            person,
            it.topic,
            &it.influencers,
        )
        .execute(&mut *db)
        .await?;
    }
    Ok(())
}

/// What these people vetoed, of topics that the ontology in use has: person and topic.
#[instrument(name = "db.veto.of_people", skip_all, fields(people.len = people.len()))]
pub(crate) async fn vetoed(
    db: impl PgExecutor<'_>,
    people: &[i64],
) -> Result<Vec<(i64, i64)>, sqlx::Error> {
    let rows = sqlx::query!(
        r#"
        select person_id, topic_id
        from topics.veto
        where person_id = any($1) and edition_id = 0
        order by person_id, topic_id
        "#,
        people,
    )
    .fetch_all(db)
    .await?;
    Ok(rows.into_iter().map(|it| (it.person_id, it.topic_id)).collect())
}

/// Vetoes a topic. Returns whether it was not before.
#[instrument(name = "db.veto.add", skip_all)]
pub(crate) async fn veto(
    db: impl PgExecutor<'_>,
    person: i64,
    topic: i64,
) -> Result<bool, sqlx::Error> {
    let done = sqlx::query!(
        r#"
        insert into topics.veto (person_id, topic_id)
        values ($1, $2)
        on conflict on constraint veto_pkey do nothing
        "#,
        person,
        topic,
    )
    .execute(db)
    .await?;
    Ok(done.rows_affected() == 1)
}

/// Takes a veto back. Returns whether there was one.
#[instrument(name = "db.veto.remove", skip_all)]
pub(crate) async fn restore(
    db: impl PgExecutor<'_>,
    person: i64,
    topic: i64,
) -> Result<bool, sqlx::Error> {
    let done = sqlx::query!(
        "delete from topics.veto where person_id = $1 and topic_id = $2 and edition_id = 0",
        person,
        topic,
    )
    .execute(db)
    .await?;
    Ok(done.rows_affected() == 1)
}

/// What a person declared of these topics is said no more. Returns how many there were.
#[instrument(name = "db.declared.remove", skip_all)]
pub(crate) async fn undeclare(
    db: impl PgExecutor<'_>,
    person: i64,
    topics: &[i64],
) -> Result<u64, sqlx::Error> {
    let done = sqlx::query!(
        r#"
        delete from topics.declared
        where person_id = $1 and topic_id = any($2) and edition_id = 0
        "#,
        person,
        topics,
    )
    .execute(db)
    .await?;
    Ok(done.rows_affected())
}
