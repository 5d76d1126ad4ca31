//! `topics.person`: members.

use sqlx::{PgConnection, PgExecutor};
use time::OffsetDateTime;
use tracing::instrument;

/// A member.
#[derive(Clone, Debug)]
pub(crate) struct Person {
    pub(crate) person: i64,
    pub(crate) country: String,
    pub(crate) city: String,
    /// What the posts of the person are about by their words alone.
    pub(crate) known_for: Vec<i64>,
}

/// Adds people who are not there. Returns whom it added.
#[instrument(name = "db.person.add", skip_all, fields(people.len = people.len()))]
pub(crate) async fn add(db: impl PgExecutor<'_>, people: &[i64]) -> Result<Vec<i64>, sqlx::Error> {
    sqlx::query_scalar!(
        r#"
        insert into topics.person (person_id)
        select person_id from unnest($1::bigint[]) as new (person_id)
        where person_id <> 0
        order by person_id
        on conflict on constraint person_pkey do nothing
        returning person_id
        "#,
        people,
    )
    .fetch_all(db)
    .await
}

/// These people, whose topics nobody else writes until the transaction ends.
#[instrument(name = "db.person.lock", skip_all, fields(people.len = people.len()))]
pub(crate) async fn lock(
    db: &mut PgConnection,
    people: &[i64],
) -> Result<Vec<Person>, sqlx::Error> {
    sqlx::query_as!(
        Person,
        r#"
        select person_id as person, country, city, known_for
        from topics.person
        where person_id = any($1)
        order by person_id
        for update
        "#,
        people,
    )
    .fetch_all(db)
    .await
}

/// Takes people out.
#[instrument(name = "db.person.remove", skip_all, fields(people.len = people.len()))]
pub(crate) async fn remove(db: impl PgExecutor<'_>, people: &[i64]) -> Result<(), sqlx::Error> {
    sqlx::query!("delete from topics.person where person_id = any($1)", people).execute(db).await?;
    Ok(())
}

/// These people.
#[instrument(name = "db.person.named", skip_all, fields(people.len = people.len()))]
pub(crate) async fn named(
    db: impl PgExecutor<'_>,
    people: &[i64],
) -> Result<Vec<Person>, sqlx::Error> {
    sqlx::query_as!(
        Person,
        r#"
        select person_id as person, country, city, known_for
        from topics.person
        where person_id = any($1)
        "#,
        people,
    )
    .fetch_all(db)
    .await
}

/// Writes where these people live: as was said last of any of their accounts.
#[instrument(name = "db.person.renew_places", skip_all, fields(people.len = people.len()))]
pub(crate) async fn renew_places(db: &mut PgConnection, people: &[i64]) -> Result<(), sqlx::Error> {
    sqlx::query!(
        r#"
        update topics.person as person
        set country = coalesce(newest.country, ''), city = coalesce(newest.city, '')
        from unnest($1::bigint[]) as asked (person_id)
        left join lateral (
            select country, city
            from topics.account
            where person_id = asked.person_id
            order by revision desc, account_id
            limit 1
        ) as newest on true
        where person.person_id = asked.person_id
        "#,
        people,
    )
    .execute(db)
    .await?;
    Ok(())
}

/// Notes that the topics of a person were computed, and what the person's posts are about by themselves.
#[instrument(name = "db.person.computed", skip_all)]
pub(crate) async fn computed(
    db: impl PgExecutor<'_>,
    person: i64,
    time: OffsetDateTime,
    known_for: &[i64],
) -> Result<(), sqlx::Error> {
    sqlx::query!(
        "update topics.person set compute_time = $2, known_for = $3 where person_id = $1",
        person,
        time,
        known_for,
    )
    .execute(db)
    .await?;
    Ok(())
}
