//! `topics.edition`, `topics.ontology_in_use` and `topics.moved_topic`: ontologies, and which one is in use.

use sqlx::{PgConnection, PgExecutor};
use time::OffsetDateTime;
use tracing::instrument;

/// An edition, without what is in it.
#[derive(Clone, Debug)]
pub(crate) struct Edition {
    pub(crate) edition_id: i64,
    pub(crate) ontology: String,
    pub(crate) edition: String,
    pub(crate) checksum: String,
    pub(crate) topics: i32,
    pub(crate) import_time: OffsetDateTime,
}

/// The edition in use.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct InUse {
    pub(crate) edition_id: i64,
    /// How often another one was put to use.
    pub(crate) generation: i64,
}

/// The edition in use; `None` before the first start.
#[instrument(name = "db.ontology_in_use.read", skip_all)]
pub(crate) async fn in_use(db: impl PgExecutor<'_>) -> Result<Option<InUse>, sqlx::Error> {
    sqlx::query_as!(InUse, "select edition_id, generation from topics.ontology_in_use")
        .fetch_optional(db)
        .await
}

/// What tells this lock from others of the database: "onto". Who waits for it is served in turn, so that another
/// edition comes into use however many write what rests on this one; a lock of the row is shared past who waits.
const LOCK: i64 = 0x6f6e_746f;

/// The same, and it stays in use until the transaction ends.
#[instrument(name = "db.ontology_in_use.hold", skip_all)]
pub(crate) async fn hold(db: &mut PgConnection) -> Result<Option<InUse>, sqlx::Error> {
    sqlx::query!(r#"select pg_advisory_xact_lock_shared($1) as "locked!: ()""#, LOCK)
        .fetch_one(&mut *db)
        .await?;
    // A statement of its own, which sees what was written while it was waited.
    in_use(db).await
}

/// The same for whoever puts another one to use: all others wait.
#[instrument(name = "db.ontology_in_use.lock", skip_all)]
pub(crate) async fn lock(db: &mut PgConnection) -> Result<Option<InUse>, sqlx::Error> {
    sqlx::query!(r#"select pg_advisory_xact_lock($1) as "locked!: ()""#, LOCK)
        .fetch_one(&mut *db)
        .await?;
    in_use(db).await
}

/// Puts the first edition to use, unless there is one.
#[instrument(name = "db.ontology_in_use.begin", skip_all)]
pub(crate) async fn begin(db: impl PgExecutor<'_>, edition: i64) -> Result<(), sqlx::Error> {
    sqlx::query!(
        r#"
        insert into topics.ontology_in_use (edition_id, generation)
        values ($1, 1)
        on conflict on constraint ontology_in_use_pkey do nothing
        "#,
        edition,
    )
    .execute(db)
    .await?;
    Ok(())
}

/// Puts an edition to use in place of a locked one.
#[instrument(name = "db.ontology_in_use.go_over", skip_all)]
pub(crate) async fn go_over(db: impl PgExecutor<'_>, edition: i64) -> Result<(), sqlx::Error> {
    sqlx::query!(
        "update topics.ontology_in_use set edition_id = $1, generation = generation + 1",
        edition,
    )
    .execute(db)
    .await?;
    Ok(())
}

/// What is to be kept of an edition.
#[derive(Clone, Copy, Debug)]
pub(crate) struct NewEdition<'a> {
    pub(crate) ontology: &'a str,
    pub(crate) edition: &'a str,
    pub(crate) checksum: &'a str,
    pub(crate) topics: i32,
    pub(crate) content: &'a [u8],
}

/// Keeps an edition, unless there is one of that name.
#[instrument(name = "db.edition.add", skip_all)]
pub(crate) async fn add(db: impl PgExecutor<'_>, new: &NewEdition<'_>) -> Result<(), sqlx::Error> {
    sqlx::query!(
        r#"
        insert into topics.edition (ontology, edition, checksum, topics, content)
        values ($1, $2, $3, $4, $5)
        on conflict on constraint edition_name do nothing
        "#,
        new.ontology,
        new.edition,
        new.checksum,
        new.topics,
        new.content,
    )
    .execute(db)
    .await?;
    Ok(())
}

/// The edition of that name.
#[instrument(name = "db.edition.named", skip_all)]
pub(crate) async fn named(
    db: impl PgExecutor<'_>,
    ontology: &str,
    edition: &str,
) -> Result<Option<Edition>, sqlx::Error> {
    sqlx::query_as!(
        Edition,
        r#"
        select edition_id, ontology, edition, checksum, topics, import_time
        from topics.edition
        where ontology = $1 and edition = $2
        "#,
        ontology,
        edition,
    )
    .fetch_optional(db)
    .await
}

/// Up to `max` editions that were taken in before another one, the newest first.
#[instrument(name = "db.edition.list", skip_all)]
pub(crate) async fn list(
    db: impl PgExecutor<'_>,
    before: i64,
    max: i64,
) -> Result<Vec<Edition>, sqlx::Error> {
    sqlx::query_as!(
        Edition,
        r#"
        select edition_id, ontology, edition, checksum, topics, import_time
        from topics.edition
        where edition_id < $1
        order by edition_id desc
        limit $2
        "#,
        before,
        max,
    )
    .fetch_all(db)
    .await
}

/// What is in an edition.
#[instrument(name = "db.edition.content", skip_all)]
pub(crate) async fn content(db: impl PgExecutor<'_>, edition: i64) -> Result<Vec<u8>, sqlx::Error> {
    sqlx::query_scalar!("select content from topics.edition where edition_id = $1", edition)
        .fetch_one(db)
        .await
}

/// What becomes of topics, in bits.
#[derive(Clone, Debug, Default)]
pub(crate) struct Moves {
    pub(crate) from: Vec<i64>,
    pub(crate) to: Vec<i64>,
}

/// Where a topic is now that is not in use any more.
#[instrument(name = "db.moved_topic.find", skip_all)]
pub(crate) async fn moved(db: impl PgExecutor<'_>, topic: i64) -> Result<Option<i64>, sqlx::Error> {
    sqlx::query_scalar!("select to_topic_id from topics.moved_topic where topic_id = $1", topic)
        .fetch_optional(db)
        .await
}

/// Notes where topics are now. `gone` lead nowhere, and `present` are in use.
#[instrument(name = "db.moved_topic.renew", skip_all, fields(moves.len = moves.from.len()))]
pub(crate) async fn note_moves(
    db: &mut PgConnection,
    moves: &Moves,
    gone: &[i64],
    present: &[i64],
) -> Result<(), sqlx::Error> {
    // What moved before moves on.
    sqlx::query!(
        r#"
        update topics.moved_topic as moved
        set to_topic_id = step.to_topic_id
        from unnest($1::bigint[], $2::bigint[]) as step (topic_id, to_topic_id)
        where moved.to_topic_id = step.topic_id
        "#,
        &moves.from,
        &moves.to,
    )
    .execute(&mut *db)
    .await?;
    sqlx::query!(
        r#"
        insert into topics.moved_topic as moved (topic_id, to_topic_id)
        select * from unnest($1::bigint[], $2::bigint[])
        on conflict on constraint moved_topic_pkey do update
        set to_topic_id = excluded.to_topic_id
        "#,
        &moves.from,
        &moves.to,
    )
    .execute(&mut *db)
    .await?;
    sqlx::query!(
        "delete from topics.moved_topic where to_topic_id = any($1) or topic_id = any($2)",
        gone,
        present,
    )
    .execute(db)
    .await?;
    Ok(())
}

/// Moves what people have to do with topics. Where somebody has to do with both, the stronger one stays.
#[instrument(name = "db.person_topic.move_all", skip_all, fields(moves.len = moves.from.len()))]
pub(crate) async fn move_people(
    db: &mut PgConnection,
    moves: &Moves,
    gone: &[i64],
) -> Result<(), sqlx::Error> {
    sqlx::query!(
        r#"
        with old as (
            delete from topics.person_topic as topic
            using unnest($1::bigint[], $2::bigint[]) as step (topic_id, to_topic_id)
            where topic.topic_id = step.topic_id
            returning topic.*, step.to_topic_id as new_id
        ),
        best as (
            select distinct on (person_id, new_id, network) *
            from old
            order by person_id, new_id, network, shown desc, strength desc, topic_id
        )
        insert into topics.person_topic as topic
            (person_id, topic_id, network, written, reacted, said, influencers, strength, score,
             base_score, people, posts, direct, mostly, shown, country, city,
             compute_time)
        select person_id, new_id, network, written, reacted, said, influencers, strength, score,
            base_score, people, posts, direct, new_id, shown, country, city, compute_time
        from best
        on conflict on constraint person_topic_pkey do nothing
        "#,
        &moves.from,
        &moves.to,
    )
    .execute(&mut *db)
    .await?;
    sqlx::query!("delete from topics.person_topic where topic_id = any($1)", gone)
        .execute(&mut *db)
        .await?;
    sqlx::query!(
        r#"
        update topics.person_topic as topic
        set mostly = step.to_topic_id
        from unnest($1::bigint[], $2::bigint[]) as step (topic_id, to_topic_id)
        where topic.mostly = step.topic_id
        "#,
        &moves.from,
        &moves.to,
    )
    .execute(&mut *db)
    .await?;
    sqlx::query!("update topics.person_topic set mostly = topic_id where mostly = any($1)", gone,)
        .execute(db)
        .await?;
    Ok(())
}

/// Begins to move what people said: it is all of the edition that was in use, and nothing stands in for
/// anything.
#[instrument(name = "db.declared.begin_move", skip_all)]
pub(crate) async fn begin_move_of_words(
    db: &mut PgConnection,
    edition: i64,
) -> Result<(), sqlx::Error> {
    sqlx::query!("delete from topics.declared where stand_in").execute(&mut *db).await?;
    // What waits of the same edition for the same topic was said before.
    sqlx::query!(
        r#"
        delete from topics.declared as older
        using topics.declared as newer
        where newer.edition_id = 0 and older.edition_id = $1
            and older.person_id = newer.person_id and older.topic_id = newer.topic_id
        "#,
        edition,
    )
    .execute(&mut *db)
    .await?;
    sqlx::query!("update topics.declared set edition_id = $1 where edition_id = 0", edition)
        .execute(&mut *db)
        .await?;
    sqlx::query!(
        r#"
        delete from topics.veto as older
        using topics.veto as newer
        where newer.edition_id = 0 and older.edition_id = $1
            and older.person_id = newer.person_id and older.topic_id = newer.topic_id
        "#,
        edition,
    )
    .execute(&mut *db)
    .await?;
    sqlx::query!("update topics.veto set edition_id = $1 where edition_id = 0", edition)
        .execute(db)
        .await?;
    Ok(())
}

/// The editions whose topics people said something of.
#[instrument(name = "db.declared.editions", skip_all)]
pub(crate) async fn editions_of_words(db: &mut PgConnection) -> Result<Vec<i64>, sqlx::Error> {
    sqlx::query_scalar!(
        r#"
        select edition_id as "edition_id!"
        from (select edition_id from topics.declared union select edition_id from topics.veto) as said
        where edition_id <> 0
        order by edition_id desc
        "#
    )
    .fetch_all(db)
    .await
}

/// Moves what people said of topics of an edition to those that are the same. Where `part_of` says what a topic
/// was part of, what is declared waits and that stands in for it.
#[instrument(name = "db.declared.move_all", skip_all)]
pub(crate) async fn move_words(
    db: &mut PgConnection,
    edition: i64,
    same: &Moves,
    part_of: &Moves,
) -> Result<(), sqlx::Error> {
    sqlx::query!(
        r#"
        with old as (
            delete from topics.declared as declared
            using unnest($2::bigint[], $3::bigint[]) as step (topic_id, to_topic_id)
            where declared.edition_id = $1 and declared.topic_id = step.topic_id
            returning declared.*, step.to_topic_id as new_id
        )
        insert into topics.declared (person_id, edition_id, topic_id, position, influencers)
        select distinct on (person_id, new_id) person_id, 0, new_id, position, influencers
        from old
        order by person_id, new_id, position
        on conflict on constraint declared_pkey do nothing
        "#,
        edition,
        &same.from,
        &same.to,
    )
    .execute(&mut *db)
    .await?;
    sqlx::query!(
        r#"
        with old as (
            delete from topics.veto as veto
            using unnest($2::bigint[], $3::bigint[]) as step (topic_id, to_topic_id)
            where veto.edition_id = $1 and veto.topic_id = step.topic_id
            returning veto.*, step.to_topic_id as new_id
        )
        insert into topics.veto (person_id, edition_id, topic_id, veto_time)
        select distinct on (person_id, new_id) person_id, 0, new_id, veto_time
        from old
        order by person_id, new_id, veto_time
        on conflict on constraint veto_pkey do nothing
        "#,
        edition,
        &same.from,
        &same.to,
    )
    .execute(&mut *db)
    .await?;
    sqlx::query!(
        r#"
        insert into topics.declared
            (person_id, edition_id, topic_id, stand_in, position, influencers)
        select distinct on (person_id, to_topic_id) person_id, 0, to_topic_id, true, position,
            influencers
        from topics.declared as declared
        join unnest($2::bigint[], $3::bigint[]) as step (topic_id, to_topic_id)
            on declared.topic_id = step.topic_id
        where declared.edition_id = $1
        order by person_id, to_topic_id, position
        on conflict on constraint declared_pkey do nothing
        "#,
        edition,
        &part_of.from,
        &part_of.to,
    )
    .execute(db)
    .await?;
    Ok(())
}

/// Removes what people have to do with topics that they vetoed. `below`: each topic with itself and its parts.
#[instrument(name = "db.person_topic.drop_vetoed", skip_all)]
pub(crate) async fn drop_vetoed(
    db: &mut PgConnection,
    topics: &[i64],
    below: &[i64],
) -> Result<(), sqlx::Error> {
    sqlx::query!(
        r#"
        delete from topics.person_topic as topic
        using topics.veto as veto,
            unnest($1::bigint[], $2::bigint[]) as part (topic_id, below_id)
        where veto.edition_id = 0 and part.topic_id = veto.topic_id
            and topic.person_id = veto.person_id and topic.topic_id = part.below_id
        "#,
        topics,
        below,
    )
    .execute(&mut *db)
    .await?;
    sqlx::query!(
        r#"
        delete from topics.declared as declared
        using topics.veto as veto,
            unnest($1::bigint[], $2::bigint[]) as part (topic_id, below_id)
        where veto.edition_id = 0 and part.topic_id = veto.topic_id
            and declared.person_id = veto.person_id and declared.edition_id = 0
            and declared.stand_in and declared.topic_id = part.below_id
        "#,
        topics,
        below,
    )
    .execute(db)
    .await?;
    Ok(())
}

/// The topics of which somebody vetoed any.
#[instrument(name = "db.veto.topics", skip_all)]
pub(crate) async fn vetoed_topics(db: &mut PgConnection) -> Result<Vec<i64>, sqlx::Error> {
    sqlx::query_scalar!("select distinct topic_id from topics.veto where edition_id = 0")
        .fetch_all(db)
        .await
}

/// Puts every topic that anybody is shown in on the list of those to be ranked.
#[instrument(name = "db.dirty_topic.mark_moved", skip_all)]
pub(crate) async fn mark_topics(db: &mut PgConnection, topics: &[i64]) -> Result<(), sqlx::Error> {
    sqlx::query!(
        "delete from topics.related_topic where related_id = any($1) or topic_id = any($1)",
        topics
    )
    .execute(&mut *db)
    .await?;
    super::standing::mark(db, topics).await
}
