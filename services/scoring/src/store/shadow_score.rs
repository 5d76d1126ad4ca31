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
    /// Of the same evidence, by the model that serves.
    pub(crate) serving: Vec<Option<f64>>,
}

/// One person's scores by the serving model and by one in shadow; either may be missing.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Pair {
    pub(crate) person: i64,
    pub(crate) serving: Option<f64>,
    pub(crate) shadow: Option<f64>,
}

/// Replaces the scores of these people by a model; of one that was taken away meanwhile none are kept, and of who is no
/// member neither: see [`crate::write::scores`].
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
        insert into scoring.shadow_score (
            person_id, model, score, influence, epoch, score_time, serving_score
        )
        select new.person_id, $1::text, new.score, new.influence, $2::bigint, $3::timestamptz,
            new.serving_score
        from unnest($4::bigint[], $5::float8[], $6::float8[], $7::float8[])
            as new (person_id, score, influence, serving_score)
        where exists (
            select from scoring.model where name = $1 and state in ('SHADOW', 'ANNOUNCED')
        )
            and not exists (
                select from scoring.person_state as state
                where state.person_id = new.person_id and state.state <> 'MEMBER'
            )
        on conflict on constraint shadow_score_pkey do update
        set score = excluded.score, influence = excluded.influence, epoch = excluded.epoch,
            score_time = excluded.score_time, serving_score = excluded.serving_score
        where shadow_score.epoch <= excluded.epoch
        "#,
        model,
        epoch,
        score_time,
        &scores.people,
        &scores.scores as &[Option<f64>],
        &scores.influences as &[Option<f64>],
        &scores.serving as &[Option<f64>],
    )
    .execute(db)
    .await?;
    Ok(())
}

/// The next `max` people after one, by their ids, who have a score by the model that served or by one in shadow in
/// the pass of `epoch` or a later one. Both are of the evidence of that pass: what was rescored since is no
/// difference between models.
#[instrument(name = "db.shadow_score.pairs", skip_all)]
pub(crate) async fn pairs(
    db: impl PgExecutor<'_>,
    shadow: &str,
    epoch: i64,
    after: i64,
    max: i64,
) -> Result<Vec<Pair>, sqlx::Error> {
    sqlx::query_as!(
        Pair,
        r#"
        select person_id as person, serving_score as serving, score as shadow
        from scoring.shadow_score
        where person_id > $3 and model = $1 and epoch >= $2
            and (serving_score is not null or score is not null)
        order by person_id
        limit $4
        "#,
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
