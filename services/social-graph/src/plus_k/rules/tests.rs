use proptest::prelude::*;
use time::macros::datetime;

use super::*;

const DAILY: u16 = 10;

fn given(time: OffsetDateTime, zone: &str) -> Given {
    Given { receiver: 2, topic: 3, time, time_zone: zone.to_owned(), taken_back: false }
}

#[test]
fn the_day_is_that_of_the_giver() {
    let ten = vec![given(datetime!(2026-03-10 23:30 UTC), ""); 10];
    let left = |zone: &str, now| {
        let ten: Vec<Given> =
            ten.iter().map(|it| Given { time_zone: zone.to_owned(), ..it.clone() }).collect();
        budget(&ten, zone, now, DAILY).left
    };
    assert_eq!(left("", datetime!(2026-03-10 23:59:59 UTC)), 0);
    assert_eq!(left("", datetime!(2026-03-11 00:00 UTC)), 10);
    assert_eq!(left("Europe/Berlin", datetime!(2026-03-11 00:00 UTC)), 0, "there it is 1 o'clock");
    assert_eq!(left("America/New_York", datetime!(2026-03-11 03:59 UTC)), 0);
    assert_eq!(left("America/New_York", datetime!(2026-03-11 04:00 UTC)), 10);
}

#[test]
fn it_is_whole_again_at_the_next_midnight() {
    let one = [given(datetime!(2026-03-10 12:00 UTC), "Asia/Tokyo")];
    let budget = budget(&one, "Asia/Tokyo", datetime!(2026-03-10 13:00 UTC), DAILY);
    assert_eq!((budget.left, budget.reset_time), (9, datetime!(2026-03-10 15:00 UTC)));
}

#[test]
fn days_of_23_and_25_hours_and_days_without_midnight_are_days() {
    let now = datetime!(2026-03-29 12:00 UTC);
    let berlin = budget(&[], "Europe/Berlin", now, DAILY).reset_time;
    assert_eq!(berlin, datetime!(2026-03-29 22:00 UTC), "summer time began at night");
    // In Santiago clocks go from 24:00 to 1:00.
    let zone = time_zone("America/Santiago").expect("a zone");
    let start = midnight(&zone, datetime!(2026-09-06 12:00 UTC));
    assert_eq!(start, datetime!(2026-09-06 04:00 UTC));
}

#[test]
fn whoever_moves_gets_no_second_day() {
    let ten = vec![given(datetime!(2026-03-10 09:00 UTC), "Pacific/Kiritimati"); 10];
    // There it is the 10th until 10:00 UTC; in Pago Pago it has just become the 10th at 11:00.
    let left = |zone, now| budget(&ten, zone, now, DAILY).left;
    assert_eq!(left("Pacific/Kiritimati", datetime!(2026-03-10 10:00 UTC)), 10);
    assert_eq!(left("Pacific/Pago_Pago", datetime!(2026-03-10 09:30 UTC)), 0);
    assert_eq!(left("Pacific/Pago_Pago", datetime!(2026-03-10 10:30 UTC)), 0, "still the 9th");
    assert_eq!(left("", datetime!(2026-03-10 10:30 UTC)), 0, "the same day");
}

#[test]
fn one_for_each_receiver_and_topic_in_seven_days() {
    let now = datetime!(2026-03-10 12:00 UTC);
    let one = [given(now, "")];
    let may = |pair, time| may_give(&one, pair, "", time, DAILY);
    let again_time = now + Duration::days(7);
    let last = again_time - Duration::seconds(1);
    assert_eq!(may((2, 3), last), Err(Refused::Given { again_time }));
    assert!(may((2, 3), again_time).is_ok());
    assert!(may((2, 4), now).is_ok() && may((4, 3), now).is_ok());
    let taken_back = [Given { taken_back: true, ..one[0].clone() }];
    assert!(may_give(&taken_back, (2, 3), "", now, DAILY).is_ok());
}

#[test]
fn what_is_taken_back_returns_but_not_for_ever() {
    let now = datetime!(2026-03-10 12:00 UTC);
    let back = |count| vec![Given { taken_back: true, ..given(now, "") }; count];
    let left = |count| budget(&back(count), "", now, DAILY).left;
    assert_eq!([left(1), left(90), left(99), left(100)], [10, 10, 1, 0]);
}

#[test]
fn a_zone_is_an_iana_name() {
    assert!(time_zone("").is_some() && time_zone("Asia/Kathmandu").is_some());
    assert!(time_zone("Middle/Earth").is_none());
    let zoneless = budget(&[], "Middle/Earth", datetime!(2026-03-10 12:00 UTC), DAILY);
    assert_eq!(zoneless.reset_time, datetime!(2026-03-11 00:00 UTC), "UTC");
}

#[test]
fn a_clock_that_went_back_gives_nothing_back() {
    let later = vec![given(datetime!(2026-03-12 12:00 UTC), ""); 10];
    assert_eq!(budget(&later, "", datetime!(2026-03-10 12:00 UTC), DAILY).left, 0);
}

/// What somebody does next.
#[derive(Clone, Debug)]
enum Step {
    Wait(i64),
    Move(&'static str),
    Give,
    TakeBack(usize),
}

fn step() -> impl Strategy<Value = Step> {
    const ZONES: [&str; 7] = [
        "",
        "Pacific/Kiritimati",
        "Pacific/Pago_Pago",
        "Europe/Berlin",
        "America/Santiago",
        "Asia/Kathmandu",
        "Australia/Lord_Howe",
    ];
    prop_oneof![
        2 => (1_i64..6 * 3_600).prop_map(Step::Wait),
        1 => prop::sample::select(&ZONES[..]).prop_map(Step::Move),
        8 => Just(Step::Give),
        1 => any::<usize>().prop_map(Step::TakeBack),
    ]
}

proptest! {
    /// However somebody moves, waits and takes back: of no day of theirs, by the zone in which they gave, more than
    /// ten are left, and of none that they gave lately.
    #[test]
    fn there_is_never_an_eleventh(steps in prop::collection::vec(step(), 1..300)) {
        let (mut now, mut zone) = (datetime!(2026-03-27 20:00 UTC), "");
        let mut all: Vec<Given> = Vec::new();
        for step in steps {
            match step {
                Step::Wait(seconds) => now += Duration::seconds(seconds),
                Step::Move(to) => zone = to,
                Step::Give => {
                    let pair = (i64::try_from(all.len()).expect("few"), 1);
                    let lately: Vec<Given> =
                        all.iter().filter(|it| it.time > now - AGAIN_AFTER).cloned().collect();
                    if let Ok(budget) = may_give(&lately, pair, zone, now, DAILY) {
                        prop_assert!(budget.left > 0 && budget.reset_time > now);
                        all.push(Given { receiver: pair.0, topic: pair.1, ..given(now, zone) });
                    }
                }
                Step::TakeBack(which) if !all.is_empty() => {
                    let which = which % all.len();
                    all[which].taken_back |= take_back_until(all[which].time) >= now;
                }
                Step::TakeBack(_) => {}
            }
        }
        let kept: Vec<&Given> = all.iter().filter(|it| !it.taken_back).collect();
        for one in &kept {
            let day = time_zone(&one.time_zone).expect("known");
            let same_day =
                kept.iter().filter(|it| midnight(&day, it.time) == midnight(&day, one.time));
            prop_assert!(same_day.count() <= usize::from(DAILY));
        }
    }

    /// Nobody who stays where they are has less than ten a day.
    #[test]
    fn who_stays_has_ten_a_day(start in 0_i64..400 * 86_400, days in 1_usize..5) {
        let zone = "America/Santiago";
        let mut now = datetime!(2026-01-01 00:00 UTC) + Duration::seconds(start);
        let mut all: Vec<Given> = Vec::new();
        for _ in 0..days {
            let budget_now = budget(&all, zone, now, DAILY);
            prop_assert_eq!(budget_now.left, DAILY);
            all.extend(vec![given(now, zone); 10]);
            let spent = budget(&all, zone, now, DAILY);
            prop_assert_eq!(spent.left, 0);
            now = spent.reset_time;
        }
    }
}
