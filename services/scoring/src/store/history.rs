//! `scoring.history`: what scores were. Days that are over stand here, today's score in `scoring.score`.

use klout_model::Purposes;
use sqlx::{PgConnection, PgExecutor};
use time::OffsetDateTime;
use tracing::instrument;

use super::score::{Known, Made, StoredScore};

/// A score of a day.
struct Row {
    day: i32,
    model: String,
    revision: i64,
    score: f64,
    percentile: f64,
    confidence: f64,
    day_change: Option<f64>,
    week_change: Option<f64>,
    month_change: Option<f64>,
    true_reach: f64,
    amplification: f64,
    network_impact: f64,
    influence: f64,
    score_time: OffsetDateTime,
    epoch: i64,
}

/// Which scores of a person.
#[derive(Clone, Debug)]
pub(crate) struct Span {
    /// From this day on, since 1970.
    pub(crate) first: i32,
    /// Up to this day.
    pub(crate) last: i32,
    /// `None`: of all models.
    pub(crate) model: Option<String>,
}

/// Puts into the history what these people's newest scores are, where their day or their model is over. What stands
/// there of the same day and model makes way for a later score of that day alone.
#[instrument(name = "db.history.close", skip_all)]
pub(crate) async fn close(
    db: &mut PgConnection,
    people: &[i64],
    made: &Made<'_>,
) -> Result<(), sqlx::Error> {
    let (start, _) = made.day.bounds();
    sqlx::query!(
        r#"
        insert into scoring.history as history (
            person_id, day, model, revision, score, percentile, confidence, day_change, week_change,
            month_change, true_reach, amplification, network_impact, influence, score_time, epoch
        )
        select person_id, floor(extract(epoch from score_time) / 86400)::integer, model, revision,
            score, percentile, confidence, day_change, week_change, month_change, true_reach,
            amplification, network_impact, influence, score_time, epoch
        from scoring.score
        where person_id = any($1) and score is not null and (score_time < $2 or model <> $3)
        order by person_id
        on conflict on constraint history_pkey do update
        set revision = excluded.revision, score = excluded.score,
            percentile = excluded.percentile, confidence = excluded.confidence,
            day_change = excluded.day_change, week_change = excluded.week_change,
            month_change = excluded.month_change, true_reach = excluded.true_reach,
            amplification = excluded.amplification, network_impact = excluded.network_impact,
            influence = excluded.influence, score_time = excluded.score_time,
            epoch = excluded.epoch
        where history.revision < excluded.revision
        "#,
        people,
        start,
        made.model,
    )
    .execute(db)
    .await?;
    Ok(())
}

/// The scores of one person after a place, newest first.
#[instrument(name = "db.history.list", skip_all)]
pub(crate) async fn list(
    db: impl PgExecutor<'_>,
    person: i64,
    span: &Span,
    after: Option<(i32, String)>,
    max: i64,
) -> Result<Vec<(i32, StoredScore)>, sqlx::Error> {
    let (day, model) = after.unwrap_or((i32::MAX, String::new()));
    let rows = sqlx::query_as!(
        Row,
        r#"
        with newest as (
            select floor(extract(epoch from score_time) / 86400)::integer as day, model, revision,
                score, percentile, confidence, day_change, week_change, month_change, true_reach,
                amplification, network_impact, influence, score_time, epoch
            from scoring.score
            where person_id = $1 and score is not null
        ),
        every as (
            select * from newest
            union all
            select day, model, revision, score, percentile, confidence, day_change, week_change,
                month_change, true_reach, amplification, network_impact, influence, score_time,
                epoch
            from scoring.history
            where person_id = $1
                and not exists (
                    select from newest
                    where newest.day = history.day and newest.model = history.model
                )
        )
        select day as "day!", model as "model!", revision as "revision!", score as "score!",
            percentile as "percentile!", confidence as "confidence!", day_change, week_change,
            month_change, true_reach as "true_reach!", amplification as "amplification!",
            network_impact as "network_impact!", influence as "influence!",
            score_time as "score_time!", epoch as "epoch!"
        from every
        where (day, model) < ($2, $3) and day between $5 and $6
            and ($7::text is null or model = $7)
        order by day desc, model desc
        limit $4
        "#,
        person,
        day,
        model,
        max,
        span.first,
        span.last,
        span.model.as_deref(),
    )
    .fetch_all(db)
    .await?;
    Ok(rows.into_iter().map(|row| row.into_score(person)).collect())
}

// === impl Row ===

impl Row {
    fn into_score(self, person: i64) -> (i32, StoredScore) {
        let known = Known {
            score: self.score,
            percentile: self.percentile,
            confidence: self.confidence,
            day_change: self.day_change,
            week_change: self.week_change,
            month_change: self.month_change,
            true_reach: self.true_reach,
            amplification: self.amplification,
            network_impact: self.network_impact,
            influence: self.influence,
        };
        let score = StoredScore {
            person,
            revision: self.revision,
            known: Some(known),
            score_time: self.score_time,
            model: self.model,
            epoch: self.epoch.cast_unsigned(),
            withheld: Purposes::NONE,
        };
        (self.day, score)
    }
}
