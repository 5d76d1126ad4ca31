//! `social_graph.person`, as those who vouch for one another see it: members, and who a merged person is now.

use std::collections::BTreeMap;

use sqlx::PgExecutor;
use tracing::instrument;

/// A member.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Member {
    /// Not who was asked for when that one was merged.
    pub(crate) person: i64,
    pub(crate) time_zone: String,
}

/// Which members these people are. Nobody else is there.
#[instrument(name = "db.person.members", skip_all, fields(people.len = people.len()))]
pub(crate) async fn find(
    db: impl PgExecutor<'_>,
    people: &[i64],
) -> Result<BTreeMap<i64, Member>, sqlx::Error> {
    let rows = sqlx::query!(
        r#"
        select asked.person_id as asked, member.person_id as person, member.time_zone
        from social_graph.person as asked
        join social_graph.person as member
            on member.person_id = coalesce(asked.merged_into, asked.person_id)
        where asked.person_id = any($1) and member.state = 'MEMBER'
        "#,
        people,
    )
    .fetch_all(db)
    .await?;
    let members = rows
        .into_iter()
        .map(|row| (row.asked, Member { person: row.person, time_zone: row.time_zone }));
    Ok(members.collect())
}

/// Those who consent to a purpose, by their ids, after one of them.
#[instrument(name = "db.person.list_members", skip_all)]
pub(crate) async fn list(
    db: impl PgExecutor<'_>,
    purpose: &str,
    after: i64,
    max: i64,
) -> Result<Vec<i64>, sqlx::Error> {
    sqlx::query_scalar!(
        r#"
        select person_id
        from social_graph.person
        where person_id > $2 and state = 'MEMBER' and $1 <> all(withheld_purposes)
        order by person_id
        limit $3
        "#,
        purpose,
        after,
        max,
    )
    .fetch_all(db)
    .await
}

/// Holds a member whose budget or list is counted, until the transaction ends: nobody counts it at the same time.
/// Returns the time zone; `None`: there is no such member any more. Two people are held in the order of ids, so that
/// no two writers wait for one another in a circle.
#[instrument(name = "db.person.hold", skip_all)]
pub(crate) async fn hold(
    db: impl PgExecutor<'_>,
    person: i64,
) -> Result<Option<String>, sqlx::Error> {
    sqlx::query_scalar!(
        r#"
        select time_zone
        from social_graph.person
        where person_id = $1 and state = 'MEMBER'
        for no key update
        "#,
        person,
    )
    .fetch_optional(db)
    .await
}

/// Keeps a member from leaving until the transaction ends. Whoever is kept can still be held by somebody else: many
/// may give to one at the same time.
#[instrument(name = "db.person.keep", skip_all)]
pub(crate) async fn keep(db: impl PgExecutor<'_>, person: i64) -> Result<bool, sqlx::Error> {
    let found = sqlx::query_scalar!(
        r#"
        select person_id
        from social_graph.person
        where person_id = $1 and state = 'MEMBER'
        for key share
        "#,
        person,
    )
    .fetch_optional(db)
    .await?;
    Ok(found.is_some())
}
