//! `scoring.cell`, `post_tally`, `counter` and `post`: what scores are made of.

use std::collections::{BTreeMap, BTreeSet};

use klout_model::{CounterName, CounterValue, Day, Kind, WINDOW_DAYS};
use klout_score_math::counted::Cell;
use sqlx::{PgConnection, PgPool};
use tracing::instrument;

use super::broken;
use crate::batch::{CellChange, CellKey, PostKey, ReadingKey, TallyKey};

/// Everything known of one person.
#[derive(Clone, Debug, Default)]
pub(crate) struct PersonEvidence {
    pub(crate) accounts: BTreeMap<i64, AccountRows>,
}

/// Everything known of one account in the window.
#[derive(Clone, Debug, Default)]
pub(crate) struct AccountRows {
    pub(crate) cells: Vec<Cell>,
    pub(crate) counters: Vec<(CounterName, CounterValue)>,
    /// Whether one of its posts has a counter.
    pub(crate) posts_have_counters: bool,
    /// Age in days, and how many posts.
    pub(crate) posts: Vec<(u8, u64)>,
}

/// Adds whole counts to cells, up to 10^18 either way.
#[instrument(name = "db.cell.add", skip_all, fields(cells.len = cells.len()))]
pub(crate) async fn add_cells(
    db: &mut PgConnection,
    cells: &BTreeMap<CellKey, CellChange>,
) -> Result<(), sqlx::Error> {
    if cells.is_empty() {
        return Ok(());
    }
    let subjects: Vec<_> = cells.keys().map(|key| key.subject).collect();
    let known: Vec<_> = cells.keys().map(|key| key.actor.is_some()).collect();
    let actors: Vec<_> = cells.keys().map(|key| key.actor.unwrap_or(0)).collect();
    let kinds: Vec<_> = cells.keys().map(|key| i16::from(key.kind.code())).collect();
    let days: Vec<_> = cells.keys().map(|key| key.day).collect();
    let counts: Vec<_> = cells.values().map(|change| change.count).collect();
    let told: Vec<_> = cells.values().map(|change| change.told).collect();
    sqlx::query!(
        r#"
        insert into scoring.cell as cell
            (subject_account_id, actor_known, actor_account_id, kind, day, count, told)
        select * from unnest(
            $1::bigint[], $2::boolean[], $3::bigint[], $4::smallint[], $5::integer[], $6::bigint[],
            $7::bigint[]
        )
        on conflict on constraint cell_pkey do update
        set told = cell.told + excluded.told,
            count = greatest(
                least(cell.count + excluded.count, 1000000000000000000), -1000000000000000000
            )
        "#,
        &subjects,
        &known,
        &actors,
        &kinds,
        &days,
        &counts,
        &told,
    )
    .execute(db)
    .await?;
    Ok(())
}

/// Adds whole counts to what belongs to posts, up to 10^18 either way.
#[instrument(name = "db.post_tally.add", skip_all, fields(tallies.len = tallies.len()))]
pub(crate) async fn add_tallies(
    db: &mut PgConnection,
    tallies: &BTreeMap<TallyKey, i64>,
) -> Result<(), sqlx::Error> {
    if tallies.is_empty() {
        return Ok(());
    }
    let subjects: Vec<_> = tallies.keys().map(|key| key.subject).collect();
    let posts: Vec<_> = tallies.keys().map(|key| key.post).collect();
    let kinds: Vec<_> = tallies.keys().map(|key| i16::from(key.kind.code())).collect();
    let days: Vec<_> = tallies.keys().map(|key| key.day).collect();
    let counts: Vec<_> = tallies.values().copied().collect();
    sqlx::query!(
        r#"
        insert into scoring.post_tally as tally (subject_account_id, post_hash, kind, day, count)
        select * from unnest($1::bigint[], $2::uuid[], $3::smallint[], $4::integer[], $5::bigint[])
        on conflict on constraint post_tally_pkey do update
        set count = greatest(
            least(tally.count + excluded.count, 1000000000000000000), -1000000000000000000
        )
        "#,
        &subjects,
        &posts,
        &kinds,
        &days,
        &counts,
    )
    .execute(db)
    .await?;
    Ok(())
}

/// Adds readings of counters.
#[instrument(name = "db.counter.add", skip_all, fields(readings.len = readings.len()))]
pub(crate) async fn add_readings(
    db: &mut PgConnection,
    readings: &BTreeMap<ReadingKey, i64>,
) -> Result<(), sqlx::Error> {
    if readings.is_empty() {
        return Ok(());
    }
    let accounts: Vec<_> = readings.keys().map(|key| key.account).collect();
    let names: Vec<_> = readings.keys().map(|key| i16::from(key.name.code())).collect();
    let posts: Vec<_> = readings.keys().map(|key| key.post).collect();
    let times: Vec<_> = readings.keys().map(|key| key.time).collect();
    let values: Vec<_> = readings.keys().map(ReadingKey::value).collect();
    let told: Vec<_> = readings.values().copied().collect();
    sqlx::query!(
        r#"
        insert into scoring.counter as reading
            (account_id, name, post_hash, read_time, value, told)
        select * from unnest(
            $1::bigint[], $2::smallint[], $3::uuid[], $4::timestamptz[], $5::float8[], $6::bigint[]
        )
        on conflict on constraint counter_pkey do update
        set told = reading.told + excluded.told
        "#,
        &accounts,
        &names,
        &posts,
        &times,
        &values,
        &told,
    )
    .execute(db)
    .await?;
    Ok(())
}

/// Adds posts, each as told of a day.
#[instrument(name = "db.post.add", skip_all, fields(posts.len = posts.len()))]
pub(crate) async fn add_posts(
    db: &mut PgConnection,
    posts: &BTreeMap<PostKey, i64>,
) -> Result<(), sqlx::Error> {
    if posts.is_empty() {
        return Ok(());
    }
    let accounts: Vec<_> = posts.keys().map(|(account, ..)| *account).collect();
    let hashes: Vec<_> = posts.keys().map(|(_, post, _)| *post).collect();
    let days: Vec<_> = posts.keys().map(|(.., day)| *day).collect();
    let told: Vec<_> = posts.values().copied().collect();
    sqlx::query!(
        r#"
        insert into scoring.post as post (account_id, post_hash, day, told)
        select * from unnest($1::bigint[], $2::uuid[], $3::integer[], $4::bigint[])
        on conflict on constraint post_pkey do update
        set told = post.told + excluded.told
        "#,
        &accounts,
        &hashes,
        &days,
        &told,
    )
    .execute(db)
    .await?;
    Ok(())
}

/// Drops what no score can count any more: everything before `first`. Four statements, because each
/// table is on its own and none has to be right with the others.
#[instrument(name = "db.evidence.drop_before", skip_all)]
pub(crate) async fn drop_before(db: &PgPool, first: Day) -> Result<(), sqlx::Error> {
    let day = first.number();
    sqlx::query!("delete from scoring.cell where day < $1", day).execute(db).await?;
    sqlx::query!("delete from scoring.post_tally where day < $1", day).execute(db).await?;
    sqlx::query!("delete from scoring.post where day < $1", day).execute(db).await?;
    sqlx::query!(
        "delete from scoring.counter where read_time < to_timestamp($1::bigint * 86400)",
        i64::from(day),
    )
    .execute(db)
    .await?;
    Ok(())
}

/// Everything in the window that ends `today`, of these people.
#[instrument(name = "db.evidence.of_people", skip_all, fields(people.len = people.len()))]
pub(crate) async fn of_people(
    db: &mut PgConnection,
    people: &BTreeSet<i64>,
    today: Day,
) -> Result<BTreeMap<i64, PersonEvidence>, sqlx::Error> {
    let people: Vec<_> = people.iter().copied().collect();
    let last = today.number();
    let first = today.minus(u16::from(WINDOW_DAYS) - 1).number();
    let mut accounts: BTreeMap<i64, AccountRows> = BTreeMap::new();

    let owned = sqlx::query!(
        r#"
        select account_id, person_id as "person_id!"
        from scoring.account
        where person_id = any($1)
        "#,
        &people,
    )
    .fetch_all(&mut *db)
    .await?;
    let ids: Vec<_> = owned.iter().map(|row| row.account_id).collect();
    let age = |day: i32| u8::try_from(last - day).map_err(|_| broken("day", day));

    // A row an account: of somebody famous there are ten thousand cells, and a row or a column of it costs more
    // than a cell. So age, kind and whether the actor is known are one number.
    let cells = sqlx::query!(
        r#"
        select asked.account_id as "account_id!", cells.actors as "actors!", cells.whats as "whats!",
            cells.counts as "counts!"
        from unnest($1::bigint[]) as asked (account_id)
        cross join lateral (
            select array_agg(actor_account_id) as actors, array_agg(count) as counts,
                array_agg(($3 - day) * 65536 + kind * 2 + actor_known::integer) as whats
            from scoring.cell
            where subject_account_id = asked.account_id and day between $2 and $3 and told > 0
        ) as cells
        where cells.counts is not null
        "#,
        &ids,
        first,
        last,
    )
    .fetch_all(&mut *db)
    .await?;
    for row in cells {
        let columns = row.actors.iter().zip(&row.whats).zip(&row.counts);
        let cells = columns.map(|((actor, what), count)| {
            let [known_kind, _, age, _] = what.to_le_bytes();
            Ok(Cell {
                actor: (known_kind & 1 == 1).then_some(*actor),
                kind: Kind::from_code(known_kind >> 1).ok_or_else(|| broken("kind", *what))?,
                age,
                // Below zero while what was taken back is known of a signal that has not arrived.
                count: u64::try_from(*count).unwrap_or(0),
            })
        });
        let cells = cells.collect::<Result<Vec<_>, sqlx::Error>>()?;
        accounts.entry(row.account_id).or_default().cells = cells;
    }

    let counters = sqlx::query!(
        r#"
        select distinct on (account_id, name, post_hash) account_id, name,
            post_hash = '00000000-0000-0000-0000-000000000000' as "own!", value
        from scoring.counter
        where account_id = any($1) and told > 0
            and read_time >= to_timestamp($2::bigint * 86400)
            and read_time < to_timestamp(($3::bigint + 1) * 86400)
        order by account_id, name, post_hash, read_time desc, value desc
        "#,
        &ids,
        i64::from(first),
        i64::from(last),
    )
    .fetch_all(&mut *db)
    .await?;
    for row in counters {
        let name = u8::try_from(row.name).ok().and_then(CounterName::from_code);
        let name = name.ok_or_else(|| broken("name", row.name))?;
        let value = CounterValue::new(row.value).map_err(|_| broken("value", row.value))?;
        let rows = accounts.entry(row.account_id).or_default();
        if row.own {
            rows.counters.push((name, value));
        } else {
            rows.posts_have_counters = true;
        }
    }

    let posts = sqlx::query!(
        r#"
        select account_id, day as "day!", count(*) as "count!"
        from (
            select account_id, min(day) as day
            from scoring.post
            where account_id = any($1) and day between $2 and $3 and told > 0
            group by account_id, post_hash
        ) as post
        group by account_id, day
        "#,
        &ids,
        first,
        last,
    )
    .fetch_all(&mut *db)
    .await?;
    for row in posts {
        let day = (age(row.day)?, row.count.cast_unsigned());
        accounts.entry(row.account_id).or_default().posts.push(day);
    }

    let mut evidence: BTreeMap<i64, PersonEvidence> = BTreeMap::new();
    for row in owned {
        let rows = accounts.remove(&row.account_id).unwrap_or_default();
        evidence.entry(row.person_id).or_default().accounts.insert(row.account_id, rows);
    }
    Ok(evidence)
}
