//! `scoring.shadow_score`: what scores would be by the models in shadow.

use sqlx::PgExecutor;
use time::OffsetDateTime;
use tracing::instrument;

/// Scores by one model, in columns, of people each of whom is there once.
#[derive(Clone, Debug, Default)]
pub(crate) struct ShadowScores {
    pub(crate) people: Vec<i64>,
    /// `None`: a member without evidence.
    pub(crate) scores: Vec<Option<f64>>,
    pub(crate) influences: Vec<Option<f64>>,
}

/// One person's scores by the serving model and by one in shadow; either may be missing.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Pair {
    pub(crate) person: i64,
    pub(crate) serving: Option<f64>,
    pub(crate) shadow: Option<f64>,
}

/// Replaces the scores of these people by a model; of one that was taken away meanwhile none are kept.
#[instrument(name = "db.shadow_score.renew", skip_all, fields(scores.len = scores.people.len()))]
pub(crate) async fn renew(
    db: impl PgExecutor<'_>,
    model: &str,
    epoch: i64,
    score_time: OffsetDateTime,
    scores: &ShadowScores,
) -> Result<(), sqlx::Error> {
    sqlx::query!(
        r#"
        insert into scoring.shadow_score (person_id, model, score, influence, epoch, score_time)
        select new.person_id, $1::text, new.score, new.influence, $2::bigint, $3::timestamptz
        from unnest($4::bigint[], $5::float8[], $6::float8[]) as new (person_id, score, influence)
        where exists (
            select from scoring.model where name = $1 and state in ('SHADOW', 'ANNOUNCED')
        )
        on conflict on constraint shadow_score_pkey do update
        set score = excluded.score, influence = excluded.influence, epoch = excluded.epoch,
            score_time = excluded.score_time
        "#,
        model,
        epoch,
        score_time,
        &scores.people,
        &scores.scores as &[Option<f64>],
        &scores.influences as &[Option<f64>],
    )
    .execute(db)
    .await?;
    Ok(())
}

/// The next `max` people after one who have a score by the model that serves, or by one in shadow of the pass of
/// `epoch` or a later one, by their ids.
#[instrument(name = "db.shadow_score.pairs", skip_all)]
pub(crate) async fn pairs(
    db: impl PgExecutor<'_>,
    serving: &str,
    shadow: &str,
    epoch: i64,
    after: i64,
    max: i64,
) -> Result<Vec<Pair>, sqlx::Error> {
    // The first of both sides together are among the first of each.
    sqlx::query_as!(
        Pair,
        r#"
        select person_id as "person!", serving.score as serving, shadow.score as shadow
        from (
            select person_id, score from scoring.score
            where person_id > $4 and model = $1 and score is not null
            order by person_id limit $5
        ) as serving
        full join (
            select person_id, score from scoring.shadow_score
            where person_id > $4 and model = $2 and score is not null and epoch >= $3
            order by person_id limit $5
        ) as shadow using (person_id)
        order by person_id
        limit $5
        "#,
        serving,
        shadow,
        epoch,
        after,
        max,
    )
    .fetch_all(db)
    .await
}

/// Takes the scores by a model away that is not in shadow any more, of the next `max` people after one; returns
/// the last of them, if there were any. Holds the model meanwhile, so that it cannot come back into the shadow
/// before what is deleted is gone.
#[instrument(name = "db.shadow_score.sweep", skip_all)]
pub(crate) async fn sweep(
    db: impl PgExecutor<'_>,
    model: &str,
    after: i64,
    max: i64,
) -> Result<Option<i64>, sqlx::Error> {
    sqlx::query_scalar!(
        r#"
        with unused as (
            select name from scoring.model
            where name = $1 and state not in ('SHADOW', 'ANNOUNCED')
            for update
        ),
        next as (
            select person_id from scoring.shadow_score
            where person_id > $2 and model = (select name from unused)
            order by person_id limit $3
        ),
        gone as (
            delete from scoring.shadow_score as score
            using next
            where score.person_id = next.person_id and score.model = $1
        )
        select max(person_id) as last from next
        "#,
        model,
        after,
        max,
    )
    .fetch_one(db)
    .await
}
