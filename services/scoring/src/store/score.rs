//! `scoring.score`: the newest score of each member.

use std::{collections::BTreeMap, ops::RangeInclusive};

use futures::TryStreamExt as _;
use klout_model::{Day, Purpose, Purposes};
use sqlx::{PgConnection, PgExecutor};
use time::OffsetDateTime;
use tracing::instrument;

use super::person_state::Standing;

/// A score, known or not.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct StoredScore {
    pub(crate) person: i64,
    pub(crate) revision: i64,
    /// `None`: a member without evidence.
    pub(crate) known: Option<Known>,
    pub(crate) score_time: OffsetDateTime,
    pub(crate) model: String,
    pub(crate) epoch: u64,
    /// For what it is not to be told.
    pub(crate) withheld: Purposes,
}

/// What is known of somebody with evidence. Units and ranges as in `klout.score.v1.Score`.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Known {
    pub(crate) score: f64,
    pub(crate) percentile: f64,
    pub(crate) confidence: f64,
    pub(crate) day_change: Option<f64>,
    pub(crate) week_change: Option<f64>,
    pub(crate) month_change: Option<f64>,
    pub(crate) true_reach: f64,
    pub(crate) amplification: f64,
    pub(crate) network_impact: f64,
    pub(crate) influence: f64,
}

/// A score that is to be written.
#[derive(Clone, Copy, Debug)]
pub(crate) struct NewScore {
    pub(crate) person: i64,
    /// `None`: a member without evidence.
    pub(crate) known: Option<NewKnown>,
}

/// As [`Known`], before it is compared with earlier scores.
#[derive(Clone, Copy, Debug)]
pub(crate) struct NewKnown {
    pub(crate) score: f64,
    pub(crate) percentile: f64,
    pub(crate) confidence: f64,
    pub(crate) true_reach: f64,
    pub(crate) amplification: f64,
    pub(crate) network_impact: f64,
    pub(crate) influence: f64,
}

/// How scores were made.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Made<'a> {
    pub(crate) time: OffsetDateTime,
    /// The UTC day of `time`.
    pub(crate) day: Day,
    pub(crate) model: &'a str,
    pub(crate) epoch: u64,
}

/// What was found of a person: a score, and whether evidence came since.
#[derive(Clone, Debug)]
pub(crate) struct Found {
    pub(crate) score: Option<StoredScore>,
    pub(crate) dirty: bool,
    pub(crate) standing: Standing,
}

/// Where somebody stands among all others.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Place {
    pub(crate) person: i64,
    /// Of the score that is placed.
    pub(crate) revision: i64,
    pub(crate) score: f64,
    pub(crate) percentile: f64,
}

/// One row, as the table has it.
struct Row {
    person_id: i64,
    revision: Option<i64>,
    score: Option<f64>,
    percentile: Option<f64>,
    confidence: Option<f64>,
    day_change: Option<f64>,
    week_change: Option<f64>,
    month_change: Option<f64>,
    true_reach: Option<f64>,
    amplification: Option<f64>,
    network_impact: Option<f64>,
    influence: Option<f64>,
    score_time: Option<OffsetDateTime>,
    model: Option<String>,
    epoch: Option<i64>,
    dirty: bool,
    state: Option<String>,
    withheld: Option<i16>,
    into_person_id: Option<i64>,
}

/// The newest scores of these people, by person; nobody is missing.
#[instrument(name = "db.score.find", skip_all, fields(people.len = people.len()))]
pub(crate) async fn find(
    db: impl PgExecutor<'_>,
    people: &[i64],
) -> Result<BTreeMap<i64, Found>, sqlx::Error> {
    let rows = sqlx::query_as!(
        Row,
        r#"
        select asked.person_id as "person_id!", revision as "revision?", score, percentile,
            confidence, day_change, week_change, month_change, true_reach, amplification,
            network_impact, influence, score_time as "score_time?", model as "model?",
            epoch as "epoch?",
            exists (
                select from scoring.dirty_person as dirty
                where dirty.person_id = asked.person_id
            ) as "dirty!",
            state.state as "state?", state.withheld as "withheld?", state.into_person_id
        from unnest($1::bigint[]) as asked (person_id)
        left join scoring.score using (person_id)
        left join scoring.person_state as state using (person_id)
        "#,
        people,
    )
    .fetch_all(db)
    .await?;
    let found = |row: Row| {
        let standing = row.standing();
        Found { dirty: row.dirty, score: row.into_score(), standing }
    };
    Ok(rows.into_iter().map(|row| (row.person_id, found(row))).collect())
}

/// The scores of those among these people who have a known one.
#[instrument(name = "db.score.known", skip_all, fields(people.len = people.len()))]
pub(crate) async fn known(
    db: impl PgExecutor<'_>,
    people: &[i64],
) -> Result<Vec<StoredScore>, sqlx::Error> {
    let rows = sqlx::query_as!(
        Row,
        r#"
        select person_id as "person_id!", revision as "revision?", score, percentile, confidence, day_change,
            week_change, month_change, true_reach, amplification, network_impact, influence,
            score_time as "score_time?", model as "model?", epoch as "epoch?", false as "dirty!",
            state.state as "state?", state.withheld as "withheld?", state.into_person_id
        from scoring.score
        left join scoring.person_state as state using (person_id)
        where person_id = any($1) and score is not null
            and (state.state is null or state.state = 'MEMBER')
        "#,
        people,
    )
    .fetch_all(db)
    .await?;
    Ok(rows.into_iter().filter_map(Row::into_score).collect())
}

/// How many members have a score or are known to have none.
#[instrument(name = "db.score.count", skip_all)]
pub(crate) async fn count(db: impl PgExecutor<'_>) -> Result<i64, sqlx::Error> {
    sqlx::query_scalar!(r#"select count(*) as "count!" from scoring.score"#).fetch_one(db).await
}

/// The best `max` scores within bounds and after a place in the ranking, best first, of those who consent to a purpose.
#[instrument(name = "db.score.top", skip_all)]
pub(crate) async fn top(
    db: impl PgExecutor<'_>,
    purpose: Purpose,
    bounds: &RangeInclusive<f64>,
    after: Option<(f64, i64)>,
    max: i64,
) -> Result<Vec<StoredScore>, sqlx::Error> {
    let purpose = i16::from(Purposes::NONE.with(purpose).bits());
    // The index begins there, however deep that is in the ranking.
    let (score, person) =
        after.filter(|(score, _)| score <= bounds.end()).unwrap_or((*bounds.end(), 0));
    let rows = sqlx::query_as!(
        Row,
        r#"
        select person_id as "person_id!", revision as "revision?", score, percentile, confidence, day_change,
            week_change, month_change, true_reach, amplification, network_impact, influence,
            score_time as "score_time?", model as "model?", epoch as "epoch?", false as "dirty!",
            state.state as "state?", state.withheld as "withheld?", state.into_person_id
        from scoring.score
        left join scoring.person_state as state using (person_id)
        where score is not null and score <= $1 and (score < $1 or person_id > $2) and score >= $5
            and (state.state is null or (state.state = 'MEMBER' and state.withheld & $4 = 0))
        order by score desc, person_id
        limit $3
        "#,
        score,
        person,
        max,
        purpose,
        *bounds.start(),
    )
    .fetch_all(db)
    .await?;
    Ok(rows.into_iter().filter_map(Row::into_score).collect())
}

/// Replaces those of these scores that are of the same day and model, unless there is one of a later revision: what
/// they are compared with stays. Returns the scores as they were written, in any order; all others are for
/// [`renew`].
///
/// `revision`: of all of them; `None` gives each its own.
#[instrument(name = "db.score.renew_today", skip_all, fields(scores.len = scores.len()))]
pub(crate) async fn renew_today(
    db: &mut PgConnection,
    made: &Made<'_>,
    revision: Option<i64>,
    scores: &[NewScore],
) -> Result<Vec<StoredScore>, sqlx::Error> {
    let people: Vec<_> = scores.iter().map(|score| score.person).collect();
    let column = |value: fn(&NewKnown) -> f64| -> Vec<Option<f64>> {
        scores.iter().map(|score| score.known.as_ref().map(value)).collect()
    };
    let (start, end) = made.day.bounds();
    let rows = sqlx::query_as!(
        Row,
        r#"
        update scoring.score as score
        set revision = coalesce($9, nextval('scoring.score_revision')), score = new.score,
            percentile = new.percentile, confidence = new.confidence,
            day_change = new.score - score.day_before, week_change = new.score - score.week_before,
            month_change = new.score - score.month_before, true_reach = new.true_reach,
            amplification = new.amplification, network_impact = new.network_impact,
            influence = new.influence, score_time = $10, epoch = $12
        from unnest(
            $1::bigint[], $2::float8[], $3::float8[], $4::float8[], $5::float8[], $6::float8[],
            $7::float8[], $8::float8[]
        ) as new (
            person_id, score, percentile, confidence, true_reach, amplification, network_impact,
            influence
        )
        -- As a case, so that it is not taken for a rare thing: of a table that was never looked at, each of these
        -- conditions is taken to hold for one row in two hundred, and the one row that is then left is
        -- sought among the new ones again and again, for each of a hundred thousand that there really are.
        where score.person_id = new.person_id and case
            when score.model = $11 and score.score_time >= $13 and score.score_time < $14
                and ($9::bigint is null or score.revision < $9) then true
            else false
        end
        returning score.person_id, revision as "revision?", score.score, score.percentile,
            score.confidence, day_change, week_change, month_change, score.true_reach,
            score.amplification, score.network_impact, score.influence,
            score_time as "score_time?", model as "model?", epoch as "epoch?", false as "dirty!",
            null::text as "state?", null::smallint as "withheld?", null::bigint as into_person_id
        "#,
        &people,
        &column(|known| known.score) as &[Option<f64>],
        &column(|known| known.percentile) as &[Option<f64>],
        &column(|known| known.confidence) as &[Option<f64>],
        &column(|known| known.true_reach) as &[Option<f64>],
        &column(|known| known.amplification) as &[Option<f64>],
        &column(|known| known.network_impact) as &[Option<f64>],
        &column(|known| known.influence) as &[Option<f64>],
        revision,
        made.time,
        made.model,
        made.epoch.cast_signed(),
        start,
        end,
    )
    .fetch_all(db)
    .await?;
    Ok(rows.into_iter().filter_map(Row::into_score).collect())
}

/// Replaces the scores of these people, unless there is one of a later revision. Scores of before today or by
/// another model were closed before: see [`super::history::close`]. Returns the scores as they were written.
///
/// `revision`: of all of them; `None` gives each its own.
#[instrument(name = "db.score.renew", skip_all, fields(scores.len = scores.len()))]
pub(crate) async fn renew(
    db: &mut PgConnection,
    made: &Made<'_>,
    revision: Option<i64>,
    scores: &[NewScore],
) -> Result<Vec<StoredScore>, sqlx::Error> {
    let people: Vec<_> = scores.iter().map(|score| score.person).collect();
    let column = |value: fn(&NewKnown) -> f64| -> Vec<Option<f64>> {
        scores.iter().map(|score| score.known.as_ref().map(value)).collect()
    };
    let rows = sqlx::query_as!(
        Row,
        r#"
        insert into scoring.score as score (
            person_id, revision, score, percentile, confidence, day_change, week_change,
            month_change, true_reach, amplification, network_impact, influence, score_time, model,
            epoch, day_before, week_before, month_before
        )
        select new.person_id, coalesce($9, nextval('scoring.score_revision')), new.score,
            new.percentile, new.confidence, new.score - before.day, new.score - before.week,
            new.score - before.month, new.true_reach, new.amplification, new.network_impact,
            new.influence, $10, $11, $12, before.day, before.week, before.month
        from unnest(
            $1::bigint[], $2::float8[], $3::float8[], $4::float8[], $5::float8[], $6::float8[],
            $7::float8[], $8::float8[]
        ) as new (
            person_id, score, percentile, confidence, true_reach, amplification, network_impact,
            influence
        )
        cross join lateral (
            select (
                select history.score from scoring.history
                where history.person_id = new.person_id and history.model = $11
                    and history.day <= $13
                order by history.day desc limit 1
            ) as day, (
                select history.score from scoring.history
                where history.person_id = new.person_id and history.model = $11
                    and history.day <= $14
                order by history.day desc limit 1
            ) as week, (
                select history.score from scoring.history
                where history.person_id = new.person_id and history.model = $11
                    and history.day <= $15
                order by history.day desc limit 1
            ) as month
        ) as before
        order by new.person_id
        on conflict on constraint score_pkey do update
        set revision = excluded.revision, score = excluded.score,
            percentile = excluded.percentile, confidence = excluded.confidence,
            day_change = excluded.day_change, week_change = excluded.week_change,
            month_change = excluded.month_change, true_reach = excluded.true_reach,
            amplification = excluded.amplification, network_impact = excluded.network_impact,
            influence = excluded.influence, score_time = excluded.score_time,
            model = excluded.model, epoch = excluded.epoch, day_before = excluded.day_before,
            week_before = excluded.week_before, month_before = excluded.month_before
        where score.revision < excluded.revision
        returning person_id, revision as "revision?", score, percentile, confidence, day_change,
            week_change, month_change, true_reach, amplification, network_impact, influence,
            score_time as "score_time?", model as "model?", epoch as "epoch?", false as "dirty!",
            null::text as "state?", null::smallint as "withheld?", null::bigint as into_person_id
        "#,
        &people,
        &column(|known| known.score) as &[Option<f64>],
        &column(|known| known.percentile) as &[Option<f64>],
        &column(|known| known.confidence) as &[Option<f64>],
        &column(|known| known.true_reach) as &[Option<f64>],
        &column(|known| known.amplification) as &[Option<f64>],
        &column(|known| known.network_impact) as &[Option<f64>],
        &column(|known| known.influence) as &[Option<f64>],
        revision,
        made.time,
        made.model,
        made.epoch.cast_signed(),
        made.day.minus(1).number(),
        made.day.minus(7).number(),
        made.day.minus(30).number(),
    )
    .fetch_all(db)
    .await?;
    Ok(rows.into_iter().filter_map(Row::into_score).collect())
}

/// Puts everybody on the list of dirty people whose score rests on an earlier epoch and
/// has a later revision.
#[instrument(name = "db.score.mark_behind", skip_all)]
pub(crate) async fn mark_behind(
    db: &mut PgConnection,
    epoch: u64,
    revision: i64,
) -> Result<u64, sqlx::Error> {
    let done = sqlx::query!(
        r#"
        insert into scoring.dirty_person (person_id)
        select person_id from scoring.score where epoch < $1 and revision > $2
        "#,
        epoch.cast_signed(),
        revision,
    )
    .execute(db)
    .await?;
    Ok(done.rows_affected())
}

/// All scores that are known, ascending.
#[instrument(name = "db.score.ranking", skip_all)]
pub(crate) async fn ranking(db: impl PgExecutor<'_>) -> Result<Vec<f64>, sqlx::Error> {
    sqlx::query_scalar!(
        r#"
        select score as "score!"
        from scoring.score
        where score is not null
        order by score
        "#
    )
    .fetch(db)
    .try_collect()
    .await
}

/// Where the next `max` people after a person stand, those whose score is known.
#[instrument(name = "db.score.places", skip_all)]
pub(crate) async fn places(
    db: impl PgExecutor<'_>,
    after: i64,
    max: i64,
) -> Result<Vec<Place>, sqlx::Error> {
    sqlx::query_as!(
        Place,
        r#"
        select person_id as person, revision, score as "score!", percentile as "percentile!"
        from scoring.score
        where person_id > $1 and score is not null
        order by person_id
        limit $2
        "#,
        after,
        max,
    )
    .fetch_all(db)
    .await
}

/// Gives scores their percentiles, unless they have been rescored, or are being.
#[instrument(name = "db.score.place", skip_all, fields(places.len = places.len()))]
pub(crate) async fn place(db: &mut PgConnection, places: &[Place]) -> Result<(), sqlx::Error> {
    let people: Vec<_> = places.iter().map(|place| place.person).collect();
    let revisions: Vec<_> = places.iter().map(|place| place.revision).collect();
    let percentiles: Vec<_> = places.iter().map(|place| place.percentile).collect();
    sqlx::query!(
        r#"
        with free as (
            select person_id, new.percentile
            from unnest($1::bigint[], $2::bigint[], $3::float8[])
                as new (person_id, revision, percentile)
            join scoring.score as score using (person_id)
            where score.revision = new.revision
            for no key update of score skip locked
        )
        update scoring.score as score
        set percentile = free.percentile
        from free
        where score.person_id = free.person_id
        "#,
        &people,
        &revisions,
        &percentiles,
    )
    .execute(db)
    .await?;
    Ok(())
}

// === impl Row ===

impl Row {
    fn standing(&self) -> Standing {
        Standing::read(self.state.as_deref(), self.withheld, self.into_person_id)
    }

    fn into_score(self) -> Option<StoredScore> {
        let withheld = match self.standing() {
            Standing::Member(withheld) => withheld,
            Standing::Gone | Standing::Moved(_) => return None,
        };
        let known = || {
            Some(Known {
                score: self.score?,
                percentile: self.percentile?,
                confidence: self.confidence?,
                day_change: self.day_change,
                week_change: self.week_change,
                month_change: self.month_change,
                true_reach: self.true_reach?,
                amplification: self.amplification?,
                network_impact: self.network_impact?,
                influence: self.influence?,
            })
        };
        Some(StoredScore {
            person: self.person_id,
            revision: self.revision?,
            known: known(),
            score_time: self.score_time?,
            model: self.model?,
            epoch: self.epoch?.cast_unsigned(),
            withheld,
        })
    }
}
