//! What is written down of a history.

use klout_testkit::flaws_of_books;
use sqlx::{FromRow, PgPool};
use time::{Date, OffsetDateTime};

use super::offers::{FREE, Offer};

/// All that was decided, and all that was given.
#[derive(Clone, Debug, Default)]
pub(super) struct Books {
    pub(super) decisions: Vec<Decision>,
    pub(super) grants: Vec<Grant>,
}

#[derive(Clone, Debug, FromRow)]
pub(super) struct Decision {
    pub(super) campaign: i64,
    pub(super) decision: i64,
    pub(super) request_id: String,
    pub(super) person: i64,
    pub(super) property: String,
    pub(super) stay: String,
    pub(super) outcome: String,
    pub(super) given: Option<i64>,
    pub(super) time: OffsetDateTime,
}

#[derive(Clone, Debug, FromRow)]
pub(super) struct Grant {
    pub(super) campaign: i64,
    pub(super) id: i64,
    pub(super) person: i64,
    pub(super) property: String,
    pub(super) stay: String,
    pub(super) category: String,
    pub(super) state: String,
    pub(super) minor_units: i64,
    pub(super) day: Date,
    pub(super) code: Option<String>,
    pub(super) reserve_time: OffsetDateTime,
    pub(super) expire_time: OffsetDateTime,
    pub(super) confirm_time: Option<OffsetDateTime>,
    pub(super) end_time: Option<OffsetDateTime>,
}

impl Books {
    pub(super) async fn read(db: &PgPool) -> Self {
        let decisions = sqlx::query_as(
            "select campaign_id as campaign, decision_id as decision, request_id, person_id as person, property, stay,
                 outcome, grant_id as given, decide_time as time
             from perks.decision order by decide_time",
        );
        let grants = sqlx::query_as(
            "select campaign_id as campaign, grant_id as id, person_id as person, property, stay, category, state,
                 minor_units, day, code, reserve_time, expire_time, confirm_time, end_time
             from perks.grant order by reserve_time",
        );
        Self {
            decisions: decisions.fetch_all(db).await.expect("Postgres answers"),
            grants: grants.fetch_all(db).await.expect("Postgres answers"),
        }
    }

    pub(super) fn of(&self, offer: &Offer) -> Vec<&Grant> {
        let campaign = offer.id();
        self.grants.iter().filter(|it| it.campaign == campaign).collect()
    }
}

impl Grant {
    /// Whether nobody else can have what it took.
    pub(super) fn holds(&self) -> bool {
        matches!(self.state.as_str(), "RESERVED" | "CONFIRMED")
    }
}

/// What does not add up of what is committed just now, or is beyond a limit. Each statement sees one moment.
pub(super) async fn flaws_now(db: &PgPool, offers: &[Offer]) -> Result<Vec<String>, sqlx::Error> {
    let mut flaws = flaws_of_books(db).await?;
    for Offer { campaign, limits, .. } in offers {
        let given = "select count(*), coalesce(sum(minor_units), 0)::bigint from perks.grant
                     where campaign_id = $1 and state in ('RESERVED', 'CONFIRMED')";
        let id: i64 = campaign.parse().expect("a number");
        let (grants, minor_units): (i64, i64) =
            sqlx::query_as(given).bind(id).fetch_one(db).await?;
        let is_beyond = |limit: Option<i64>, given| limit.is_some_and(|limit| given > limit);
        if is_beyond(limits.stock, grants) || is_beyond(limits.minor_units, minor_units) {
            flaws.push(format!("{campaign} gave {grants} worth {minor_units}, which is too much"));
        }
        for (kind, limit) in [
            ("person_id::text", limits.per_person),
            ("property", limits.per_property),
            ("day::text", limits.per_day),
        ] {
            let Some(limit) = limit else { continue };
            let beyond = format!(
                "select {kind} from perks.grant where campaign_id = $1 and state in ('RESERVED', 'CONFIRMED')
                 group by {kind} having count(*) > $2"
            );
            let beyond = sqlx::query_scalar(sqlx::AssertSqlSafe(beyond)).bind(id).bind(limit);
            let beyond: Vec<String> = beyond.fetch_all(db).await?;
            flaws.extend(beyond.into_iter().map(|it| format!("{campaign} gave {it} too much")));
        }
    }
    for (category, free) in FREE {
        // The clock is read after what the statement sees, so whatever was given in the place of what was over is not
        // counted beside it.
        let waiting = "select property, count(*) from perks.grant
                       where category = $1 and state = 'RESERVED' and expire_time > clock_timestamp()
                       group by property having count(*) > $2";
        let waiting = sqlx::query_as(waiting).bind(category).bind(i64::from(free));
        let waiting: Vec<(String, i64)> = waiting.fetch_all(db).await?;
        let too_many = |it: (String, i64)| format!("{} {category} wait at {}", it.1, it.0);
        flaws.extend(waiting.into_iter().map(too_many));
    }
    let twice = "select concat_ws(' ', property, stay, count(*)) from perks.grant
                 where category <> '' and state in ('RESERVED', 'CONFIRMED')
                 group by property, stay having count(*) > 1";
    let twice: Vec<String> = sqlx::query_scalar(twice).fetch_all(db).await?;
    flaws.extend(twice.into_iter().map(|it| format!("a stay has more than one upgrade: {it}")));
    Ok(flaws)
}
