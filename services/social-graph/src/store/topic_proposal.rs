//! `social_graph.topic_proposal`: topics that were proposed and wait for an answer.

use sqlx::PgExecutor;
use time::OffsetDateTime;
use tracing::instrument;

use super::plus_k::Place;

/// A topic that somebody proposed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Proposal {
    pub(crate) id: i64,
    pub(crate) proposer: i64,
    pub(crate) person: i64,
    pub(crate) topic_id: i64,
    pub(crate) topic: String,
    pub(crate) create_time: OffsetDateTime,
}

/// What waits.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Waiting {
    pub(crate) of_proposer: i64,
    pub(crate) for_person: i64,
}

/// The one of this proposer on this topic.
#[instrument(name = "db.topic_proposal.same", skip_all)]
pub(crate) async fn same(
    db: impl PgExecutor<'_>,
    proposer: i64,
    person: i64,
    topic_id: i64,
) -> Result<Option<Proposal>, sqlx::Error> {
    sqlx::query_as!(
        Proposal,
        r#"
        select proposal_id as id, proposer_id as proposer, person_id as person, topic_id, topic, create_time
        from social_graph.topic_proposal
        where person_id = $1 and proposer_id = $2 and topic_id = $3
        "#,
        person,
        proposer,
        topic_id,
    )
    .fetch_optional(db)
    .await
}

/// One that was made to somebody.
#[instrument(name = "db.topic_proposal.find", skip_all)]
pub(crate) async fn find(
    db: impl PgExecutor<'_>,
    person: i64,
    id: i64,
) -> Result<Option<Proposal>, sqlx::Error> {
    sqlx::query_as!(
        Proposal,
        r#"
        select proposal_id as id, proposer_id as proposer, person_id as person, topic_id, topic, create_time
        from social_graph.topic_proposal
        where person_id = $1 and proposal_id = $2
        "#,
        person,
        id,
    )
    .fetch_optional(db)
    .await
}

/// How many of a proposer wait, and how many for a member.
#[instrument(name = "db.topic_proposal.waiting", skip_all)]
pub(crate) async fn waiting(
    db: impl PgExecutor<'_>,
    proposer: i64,
    person: i64,
) -> Result<Waiting, sqlx::Error> {
    sqlx::query_as!(
        Waiting,
        r#"
        select
            (select count(*) from social_graph.topic_proposal where proposer_id = $1) as "of_proposer!",
            (select count(*) from social_graph.topic_proposal where person_id = $2) as "for_person!"
        "#,
        proposer,
        person,
    )
    .fetch_one(db)
    .await
}

/// Adds one.
#[instrument(name = "db.topic_proposal.insert", skip_all)]
pub(crate) async fn insert(db: impl PgExecutor<'_>, it: &Proposal) -> Result<(), sqlx::Error> {
    sqlx::query!(
        r#"
        insert into social_graph.topic_proposal
            (person_id, proposal_id, proposer_id, topic_id, topic, create_time)
        values ($1, $2, $3, $4, $5, $6)
        "#,
        it.person,
        it.id,
        it.proposer,
        it.topic_id,
        it.topic,
        it.create_time,
    )
    .execute(db)
    .await?;
    Ok(())
}

/// Deletes one that is answered, and the same topic of other proposers. Returns whether there was one.
#[instrument(name = "db.topic_proposal.delete", skip_all)]
pub(crate) async fn delete(
    db: impl PgExecutor<'_>,
    person: i64,
    id: i64,
    same_topic: Option<i64>,
) -> Result<bool, sqlx::Error> {
    let done = sqlx::query!(
        "delete from social_graph.topic_proposal where person_id = $1 and (proposal_id = $2 or topic_id = $3)",
        person,
        id,
        same_topic,
    )
    .execute(db)
    .await?;
    Ok(done.rows_affected() > 0)
}

/// Deletes what somebody proposed to a member who does not want to hear of them.
#[instrument(name = "db.topic_proposal.delete_of", skip_all)]
pub(crate) async fn delete_of(
    db: impl PgExecutor<'_>,
    person: i64,
    proposer: i64,
) -> Result<(), sqlx::Error> {
    sqlx::query!(
        "delete from social_graph.topic_proposal where person_id = $1 and proposer_id = $2",
        person,
        proposer,
    )
    .execute(db)
    .await?;
    Ok(())
}

/// What members proposed to somebody, newest first.
#[instrument(name = "db.topic_proposal.list", skip_all)]
pub(crate) async fn list(
    db: impl PgExecutor<'_>,
    person: i64,
    after: Option<Place>,
    max: i64,
) -> Result<Vec<Proposal>, sqlx::Error> {
    let (time, id) = after.map_or((None, i64::MAX), |it| (Some(it.time), it.id));
    sqlx::query_as!(
        Proposal,
        r#"
        select proposal_id as id, proposer_id as proposer, it.person_id as person, topic_id, topic, it.create_time
        from social_graph.topic_proposal as it
        join social_graph.person as proposer on proposer.person_id = it.proposer_id and proposer.state = 'MEMBER'
        where it.person_id = $1
            and (it.create_time, proposal_id) < (coalesce($2, timestamptz 'infinity'), $3::bigint)
        order by it.create_time desc, proposal_id desc
        limit $4
        "#,
        person,
        time,
        id,
        max,
    )
    .fetch_all(db)
    .await
}
