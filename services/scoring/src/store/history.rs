//! `scoring.history`: what scores were.

use std::collections::{BTreeMap, BTreeSet};

use klout_model::Day;
use sqlx::{PgConnection, PgExecutor};
use tracing::instrument;

use super::score::{Known, StoredScore};

/// The newest scores a day, a week and a month ago, or earlier.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Before {
    pub(crate) day: Option<f64>,
    pub(crate) week: Option<f64>,
    pub(crate) month: Option<f64>,
}

/// What these people's scores were, under `model`, seen from `today`.
#[instrument(name = "db.history.before", skip_all)]
pub(crate) async fn before(
    db: &mut PgConnection,
    people: &BTreeSet<i64>,
    model: &str,
    today: Day,
) -> Result<BTreeMap<i64, Before>, sqlx::Error> {
    let people: Vec<_> = people.iter().copied().collect();
    let rows = sqlx::query!(
        r#"
        select asked.person_id as "person_id!", day.score as "day?", week.score as "week?",
            month.score as "month?"
        from unnest($1::bigint[]) as asked (person_id)
        left join lateral (
            select score from scoring.history
            where person_id = asked.person_id and model = $2 and day <= $3
            order by day desc limit 1
        ) as day on true
        left join lateral (
            select score from scoring.history
            where person_id = asked.person_id and model = $2 and day <= $4
            order by day desc limit 1
        ) as week on true
        left join lateral (
            select score from scoring.history
            where person_id = asked.person_id and model = $2 and day <= $5
            order by day desc limit 1
        ) as month on true
        "#,
        &people,
        model,
        today.minus(1).number(),
        today.minus(7).number(),
        today.minus(30).number(),
    )
    .fetch_all(db)
    .await?;
    let before = |day, week, month| Before { day, week, month };
    Ok(rows.into_iter().map(|row| (row.person_id, before(row.day, row.week, row.month))).collect())
}

/// Writes today's rows of those who are known, and takes away those of who is so no longer, as their evidence
/// was taken back. No other day is ever written.
#[instrument(name = "db.history.renew", skip_all)]
pub(crate) async fn renew(
    db: &mut PgConnection,
    today: Day,
    scores: impl Iterator<Item = &StoredScore>,
) -> Result<(), sqlx::Error> {
    let (mut known, mut unknown) = (Vec::new(), Vec::new());
    for score in scores {
        match &score.known {
            Some(it) => known.push((score, it)),
            None => unknown.push(score),
        }
    }
    let unknown_people: Vec<_> = unknown.iter().map(|score| score.person).collect();
    let unknown_models: Vec<_> = unknown.iter().map(|score| score.model.as_str()).collect();
    let column = |value: fn(&Known) -> f64| -> Vec<f64> {
        known.iter().map(|(_, known)| value(known)).collect()
    };
    let change = |value: fn(&Known) -> Option<f64>| -> Vec<Option<f64>> {
        known.iter().map(|(_, known)| value(known)).collect()
    };
    let people: Vec<_> = known.iter().map(|(score, _)| score.person).collect();
    let revisions: Vec<_> = known.iter().map(|(score, _)| score.revision).collect();
    let times: Vec<_> = known.iter().map(|(score, _)| score.score_time).collect();
    let models: Vec<_> = known.iter().map(|(score, _)| score.model.as_str()).collect();
    let epochs: Vec<_> = known.iter().map(|(score, _)| score.epoch.cast_signed()).collect();
    sqlx::query!(
        r#"
        with gone as (
            delete from scoring.history as history
            using unnest($17::bigint[], $18::text[]) as unknown (person_id, model)
            where history.day = $1 and history.person_id = unknown.person_id
                and history.model = unknown.model
        )
        insert into scoring.history (
            day, person_id, revision, score, percentile, confidence, day_change, week_change,
            month_change, true_reach, amplification, network_impact, influence, score_time, model,
            epoch
        )
        select $1::integer, new.*
        from unnest(
            $2::bigint[], $3::bigint[], $4::float8[], $5::float8[], $6::float8[], $7::float8[],
            $8::float8[], $9::float8[], $10::float8[], $11::float8[], $12::float8[],
            $13::float8[], $14::timestamptz[], $15::text[], $16::bigint[]
        ) as new
        on conflict on constraint history_pkey do update
        set revision = excluded.revision, score = excluded.score,
            percentile = excluded.percentile, confidence = excluded.confidence,
            day_change = excluded.day_change, week_change = excluded.week_change,
            month_change = excluded.month_change, true_reach = excluded.true_reach,
            amplification = excluded.amplification, network_impact = excluded.network_impact,
            influence = excluded.influence, score_time = excluded.score_time,
            epoch = excluded.epoch
        "#,
        today.number(),
        &people,
        &revisions,
        &column(|known| known.score),
        &column(|known| known.percentile),
        &column(|known| known.confidence),
        &change(|known| known.day_change) as &[Option<f64>],
        &change(|known| known.week_change) as &[Option<f64>],
        &change(|known| known.month_change) as &[Option<f64>],
        &column(|known| known.true_reach),
        &column(|known| known.amplification),
        &column(|known| known.network_impact),
        &column(|known| known.influence),
        &times,
        &models as &[&str],
        &epochs,
        &unknown_people,
        &unknown_models as &[&str],
    )
    .execute(db)
    .await?;
    Ok(())
}

/// The rows of one person after a place, newest first.
#[instrument(name = "db.history.list", skip_all)]
pub(crate) async fn list(
    db: impl PgExecutor<'_>,
    person: i64,
    after: Option<(i32, String)>,
    max: i64,
) -> Result<Vec<(i32, StoredScore)>, sqlx::Error> {
    let (day, model) = after.unwrap_or((i32::MAX, String::new()));
    let rows = sqlx::query!(
        r#"
        select day, model, revision, score, percentile, confidence, day_change, week_change,
            month_change, true_reach, amplification, network_impact, influence, score_time, epoch
        from scoring.history
        where person_id = $1 and (day, model) < ($2, $3)
        order by day desc, model desc
        limit $4
        "#,
        person,
        day,
        model,
        max,
    )
    .fetch_all(db)
    .await?;
    let rows = rows.into_iter().map(|row| {
        let known = Known {
            score: row.score,
            percentile: row.percentile,
            confidence: row.confidence,
            day_change: row.day_change,
            week_change: row.week_change,
            month_change: row.month_change,
            true_reach: row.true_reach,
            amplification: row.amplification,
            network_impact: row.network_impact,
            influence: row.influence,
        };
        let score = StoredScore {
            person,
            revision: row.revision,
            known: Some(known),
            score_time: row.score_time,
            model: row.model,
            epoch: row.epoch.cast_unsigned(),
        };
        (row.day, score)
    });
    Ok(rows.collect())
}
