//! What a sweep leaves, read and written as only a test does.

use klout_testkit::Stores;
use sqlx::PgPool;

use super::MIGRATOR;
use crate::desk::arrivals::{SWEPT_MAX, Sweeper};

async fn sweeper() -> Sweeper {
    let db = Stores::fresh().await.db().await;
    MIGRATOR.run(&db).await.expect("the schema is made");
    Sweeper { db, clock: klout_chassis::Clock::running() }
}

async fn left(db: &PgPool, of: &'static str) -> Vec<String> {
    sqlx::query_scalar(of).fetch_all(db).await.expect("read")
}

#[tokio::test]
async fn marks_of_days_that_are_over_are_deleted_three_days_later() {
    let sweeper = sweeper().await;
    let db = &sweeper.db;
    // So many days ago.
    let marks = "insert into perks.arrival
                     (property, arrival_day, stay, guest, booked_category, outcome, reason, categories, line, disclosure,
                     mark_time)
                 select 'palms', $1::date - day, day::text, '', '', 'NO_OFFER', 'GUEST_UNKNOWN', '{}', '', '', now()
                 from unnest(array[-7, 0, 3, 4, 5, 30]) as day";
    let today = sweeper.clock.now().date();
    sqlx::query(marks).bind(today).execute(db).await.expect("marked");
    assert!(!sweeper.step().await.expect("swept"), "there were few");
    let stays = left(db, "select stay from perks.arrival order by arrival_day").await;
    // Where it is still yesterday the fourth day is the third.
    assert_eq!(stays, ["4", "3", "0", "-7"]);
}

#[tokio::test]
async fn what_a_desk_was_told_of_nobody_is_kept_for_a_day_and_else_for_a_year() {
    let sweeper = sweeper().await;
    let db = &sweeper.db;
    let told = "insert into perks.check_in
                    (property, stay, attempt, fingerprint, caller, person_id, outcome, reason, decide_time)
                select 'palms', coalesce(person::text, 'nobody') || ' ' || days, 1, '', 'desk', person, 'NO_OFFER',
                    'NO_UPGRADE', $1::timestamptz - make_interval(days => days, mins => 1)
                from unnest(array[0, 1, 399, 400]) as days cross join unnest(array[71, null]) as person";
    sqlx::query(told).bind(sweeper.clock.now()).execute(db).await.expect("told");
    sweeper.step().await.expect("swept");
    let stays = left(db, "select stay from perks.check_in order by decide_time, stay").await;
    assert_eq!(stays, ["71 399", "71 1", "71 0", "nobody 0"]);
}

#[tokio::test]
async fn a_sweep_says_when_there_may_be_more() {
    let sweeper = sweeper().await;
    let marks = "insert into perks.arrival
                     (property, arrival_day, stay, guest, booked_category, outcome, reason, categories, line, disclosure,
                     mark_time)
                 select 'palms', '2020-01-01', number::text, '', '', 'NO_OFFER', 'GUEST_UNKNOWN', '{}', '', '', now()
                 from generate_series(1, $1) as number";
    let count = sqlx::query(marks).bind(SWEPT_MAX + 1).execute(&sweeper.db).await;
    count.expect("marked");
    assert!(sweeper.step().await.expect("swept"));
    assert!(!sweeper.step().await.expect("swept"));
    assert!(left(&sweeper.db, "select stay from perks.arrival").await.is_empty());
}
