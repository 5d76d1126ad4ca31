//! `topics.related_topic`: what people of a topic are influential on too.

use futures::stream::BoxStream;
use sqlx::{PgConnection, PgExecutor};
use tracing::instrument;

/// What somebody is influential on, by what others did and said.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Known {
    pub(crate) person: i64,
    pub(crate) topic: i64,
    pub(crate) strength: f64,
}

/// Streams what everybody is influential on, in the order of people.
pub(crate) fn known(db: &mut PgConnection) -> BoxStream<'_, Result<Known, sqlx::Error>> {
    sqlx::query_as!(
        Known,
        r#"
        select person_id as person, topic_id as topic, reacted + said as "strength!"
        from topics.person_topic
        where network = '' and shown
        order by person_id, topic_id
        "#
    )
    .fetch(db)
}

/// Topics, related ones, and how closely each two are.
pub(crate) type Pairs = Vec<(i64, i64, f64)>;

/// All that is related.
#[instrument(name = "db.related_topic.all", skip_all)]
pub(crate) async fn all(db: impl PgExecutor<'_>) -> Result<Pairs, sqlx::Error> {
    let rows = sqlx::query!("select topic_id, related_id, strength from topics.related_topic")
        .fetch_all(db)
        .await?;
    Ok(rows.into_iter().map(|it| (it.topic_id, it.related_id, it.strength)).collect())
}

/// What is related to these topics, the closest first.
#[instrument(name = "db.related_topic.of", skip_all)]
pub(crate) async fn of(db: impl PgExecutor<'_>, topics: &[i64]) -> Result<Pairs, sqlx::Error> {
    let rows = sqlx::query!(
        r#"
        select topic_id, related_id, strength
        from topics.related_topic
        where topic_id = any($1)
        order by strength desc, related_id
        "#,
        topics,
    )
    .fetch_all(db)
    .await?;
    Ok(rows.into_iter().map(|it| (it.topic_id, it.related_id, it.strength)).collect())
}

/// Writes what is related, in place of what was.
#[instrument(name = "db.related_topic.renew", skip_all, fields(pairs.len = pairs.len()))]
pub(crate) async fn renew(
    db: &mut PgConnection,
    pairs: &[(i64, i64, f64)],
) -> Result<(), sqlx::Error> {
    let topics: Vec<_> = pairs.iter().map(|it| it.0).collect();
    let related: Vec<_> = pairs.iter().map(|it| it.1).collect();
    let strengths: Vec<_> = pairs.iter().map(|it| it.2).collect();
    sqlx::query!("delete from topics.related_topic").execute(&mut *db).await?;
    sqlx::query!(
        r#"
        insert into topics.related_topic (topic_id, related_id, strength)
        select * from unnest($1::bigint[], $2::bigint[], $3::float8[])
        "#,
        &topics,
        &related,
        &strengths,
    )
    .execute(db)
    .await?;
    Ok(())
}
