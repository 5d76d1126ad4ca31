//! `klout up`, in every situation that a machine can be in.

use std::{
    collections::BTreeSet, fs, os::unix::fs::PermissionsExt as _, path::Path, process::Command,
};

use klout_flows::up::{Machine, kill};
use rustix::process::{Signal, geteuid};
use serde_json::Value;

use crate::world::{Files, rows, text};

/// Imports the small world, and returns the ranking that comes of it.
fn import(machine: &Machine) -> String {
    let files = Files::new();
    let file = files.write("interactions.csv", &rows());
    // Whoever runs the command has to be able to read it.
    fs::set_permissions(file.parent().expect("a folder"), fs::Permissions::from_mode(0o755))
        .expect("open to all");
    let imported = machine.klout(&["import", "csv", text(&file), "--register-all"]);
    assert_eq!(imported.code, Some(0), "{imported:?}");
    let ranking = machine.ranking();
    assert!(ranking.lines().count() > 25, "{ranking}");
    ranking
}

/// From nothing to scores, to the end, and again.
fn walk(machine: &Machine) {
    let up = machine.up();
    let mode = fs::metadata(machine.directory.join("operator.key")).expect("a key").permissions();
    assert_eq!(mode.mode() & 0o777, 0o600);
    let ranking = import(machine);
    assert_eq!(up.stop().code(), Some(0), "it ends in order");
    machine.until_nothing_is_left();
    assert!(!machine.directory.join("endpoints.json").exists());

    let again = machine.up();
    assert_eq!(machine.ranking(), ranking);
    assert_eq!(again.stop().code(), Some(0));
}

#[test]
fn from_nothing_to_scores_and_all_of_it_is_there_the_next_time() {
    walk(&Machine::new());
}

#[test]
fn it_works_in_a_folder_that_nobody_else_may_enter() {
    walk(&Machine::new().closed_to_others());
}

#[test]
fn it_works_under_a_path_of_two_hundred_characters() {
    walk(&Machine::new().with_a_long_path());
}

#[test]
fn it_works_for_an_ordinary_user() {
    walk(&Machine::new().of_an_ordinary_user().closed_to_others());
}

#[test]
fn it_works_for_an_ordinary_user_under_a_long_path() {
    walk(&Machine::new().of_an_ordinary_user().with_a_long_path());
}

#[test]
fn it_works_without_redis_and_says_so() {
    let files = Files::new();
    let only_postgres = files.path("bin");
    fs::create_dir(&only_postgres).expect("a folder");
    let machine = Machine::new().with_variable("PATH", text(&only_postgres));
    walk(&machine);
    let doctor = machine.klout(&["doctor"]);
    assert_eq!(doctor.code, Some(0), "{doctor:?}");
    assert!(doctor.stdout.contains("note  Redis is not installed"), "{doctor:?}");
}

#[test]
fn a_second_one_is_refused_and_told_the_pid_of_the_first() {
    let machine = Machine::new();
    let up = machine.up();
    let refused = machine.up_in_vain();
    assert_eq!(refused.code, Some(1), "{refused:?}");
    assert!(refused.stderr.contains(&up.pid().to_string()), "{refused:?}");
    assert_eq!(up.stop().code(), Some(0));
}

#[test]
fn killing_it_leaves_no_process_and_loses_no_row() {
    let machine = Machine::new();
    let up = machine.up();
    let ranking = import(&machine);
    up.kill();
    machine.until_nothing_is_left();

    let again = machine.up();
    assert_eq!(machine.ranking(), ranking);
    assert_eq!(again.stop().code(), Some(0));
}

#[test]
fn what_is_left_when_the_keeper_is_killed_too_is_found_by_the_next_start() {
    let machine = Machine::new();
    let up = machine.up();
    let ranking = import(&machine);
    let keeper = up.child("keep-stores");
    // The keeper first: it could still stop the stores.
    kill(keeper, Signal::KILL);
    up.kill();
    assert!(!machine.processes().is_empty(), "Postgres lives on");

    let again = machine.up();
    assert_eq!(machine.ranking(), ranking);
    assert_eq!(again.stop().code(), Some(0));
    machine.until_nothing_is_left();
}

#[test]
fn stores_that_are_killed_come_back_and_nothing_is_lost() {
    let machine = Machine::new();
    let up = machine.up();
    let ranking = import(&machine);
    for store in ["redis-server", "postgres -D"] {
        let pid = up.child(store);
        kill(pid, Signal::KILL);
        up.until_another(store, pid);
    }
    // A second time is a repetition of everything: it needs the log, and waits for Postgres.
    assert_eq!(import(&machine), ranking);
    assert_eq!(up.stop().code(), Some(0));
    machine.until_nothing_is_left();
}

#[test]
fn the_second_signal_ends_it_at_once_and_the_stores_too() {
    let machine = Machine::new().with_variable("KLOUT_SERVER__DRAIN_TIME", "1h");
    let up = machine.up();
    up.signal(Signal::INT);
    // It drains for an hour now, and says so: a second signal before that could be taken for the first.
    up.until_told("going down");
    up.signal(Signal::INT);
    assert_eq!(up.end().code(), Some(1), "it did not end in order");
    machine.until_nothing_is_left();
}

#[test]
fn a_start_that_is_killed_at_any_point_is_made_good_by_the_next() {
    let machine = Machine::new();
    let stores = || {
        let elsewhere = fs::read_to_string(machine.directory.join("stores.path"));
        elsewhere.map_or(machine.directory.join("stores"), |it| Path::new(it.trim()).to_owned())
    };
    let half_made = || {
        let entries = fs::read_dir(stores()).into_iter().flatten().flatten();
        entries.into_iter().any(|it| it.file_name().to_string_lossy().starts_with("postgres.new"))
    };
    // While the folder is made, while the database is, when it is whole, while it starts, and while it
    // is migrated.
    machine.up_killed_when(|| machine.directory.join("lock").exists());
    machine.up_killed_when(half_made);
    machine.up_killed_when(|| stores().join("postgres/PG_VERSION").exists());
    machine.up_killed_when(|| stores().join("postgres/postmaster.pid").exists());
    machine.up_killed_when(|| machine.directory.join("operator.key").exists());

    walk(&machine);
}

#[test]
fn commands_start_the_stores_for_themselves_and_leave_nothing_running() {
    let machine = Machine::new();
    let nothing = machine.klout(&["export"]);
    assert_eq!(nothing.code, Some(1), "{nothing:?}");
    assert!(nothing.stderr.contains("klout up"), "{nothing:?}");
    assert!(!machine.directory.exists(), "reading makes nothing");

    let up = machine.up();
    let ranking = import(&machine);
    assert_eq!(up.stop().code(), Some(0));

    assert_eq!(machine.ranking(), ranking);
    machine.until_nothing_is_left();
}

#[test]
fn a_clock_that_was_pinned_stays_pinned() {
    let machine = Machine::new();
    assert_eq!(machine.up().stop().code(), Some(0));
    assert_eq!(machine.file("as-of").trim(), klout_flows::AS_OF);
}

/// The rows of a ranking without the ids of people, which are random.
fn by_account(ranking: &str) -> BTreeSet<String> {
    let rows = ranking.lines().map(|row| row.split_once(',').expect("columns").1.to_owned());
    rows.collect()
}

/// How many campaigns are active.
fn offered(machine: &Machine) -> usize {
    let listed = machine.klout(&["campaign", "list", "--state", "active", "--json"]);
    let listed: Value = serde_json::from_str(&listed.stdout).expect("JSON");
    listed["campaigns"].as_array().map_or(0, Vec::len)
}

#[tokio::test]
async fn a_sample_that_was_interrupted_ends_as_one_that_was_not() {
    let machine = Machine::new().with_the_sample();
    let up = machine.up();
    up.until_told("Try next");
    let ranking = machine.ranking();
    let readme = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../README.md");
    let readme = fs::read_to_string(readme).expect("a README");
    for line in up.told("  The highest scores", 3) {
        assert!(readme.contains(&line), "the README does not show: {line}");
    }
    for line in up.told("  Try next", 4) {
        let pasted = Command::new("sh").args(["-c", &line]).current_dir("/").output();
        assert!(pasted.expect("sh runs").status.success(), "{line}");
    }
    let best = ranking.lines().nth(1).and_then(|row| row.split(',').next()).expect("a person");
    let history = machine.klout(&["history", best, "--table"]);
    assert_eq!(history.stdout.lines().count(), 32, "a header, and a month day by day: {history:?}");
    let (status, profile) = up.page(&format!("/people/{best}")).await;
    assert!(status == 200 && profile.contains("<svg"), "{profile}");
    let (status, page) = up.page("/").await;
    assert!(status == 200 && page.contains(&format!("/people/{best}")), "{page}");
    assert_eq!(offered(&machine), 2, "the lounge and the upgrade");
    assert_eq!(up.stop().code(), Some(0));

    let shaken = Machine::new().with_the_sample();
    let days_done = |days: u16| {
        let state = fs::read_to_string(shaken.directory.join("sample.json")).unwrap_or_default();
        let state: Value = serde_json::from_str(&state).unwrap_or_default();
        state["daysDone"].as_u64() >= Some(days.into())
    };
    shaken.up_killed_when(|| days_done(95));
    assert!(shaken.klout(&["doctor"]).stdout.contains("goes on with it"));
    let up = shaken.up();
    up.until_told("Try next");
    assert!(days_done(120));
    let ranking_after = shaken.ranking();
    assert_eq!(offered(&shaken), 2, "each was made once");
    assert_eq!(up.stop().code(), Some(0));
    let (calm, shaken) = (by_account(&ranking), by_account(&ranking_after));
    let different: Vec<_> = calm.symmetric_difference(&shaken).take(4).collect();
    assert!(different.is_empty(), "{different:#?}");
}

#[test]
fn a_sample_is_not_mixed_into_data_that_is_there() {
    let machine = Machine::new();
    assert_eq!(machine.up().stop().code(), Some(0));
    let machine = machine.with_the_sample();
    let refused = machine.up_in_vain();
    assert_eq!(refused.code, Some(1), "{refused:?}");
    assert!(refused.stderr.contains("an empty folder"), "{refused:?}");
}

#[test]
fn doctor_names_what_is_bad_and_the_line_that_mends_it() {
    let machine = Machine::new();
    let up = machine.up();
    let well = machine.klout(&["doctor"]);
    assert_eq!(well.code, Some(0), "{well:?}");
    for service in ["connector", "scoring", "social_graph", "topics", "perks", "gateway"] {
        assert!(well.stdout.contains(&format!("ok    {service} serves")), "{well:?}");
    }
    for consumer in ["scoring", "social_graph", "topics"] {
        let taken = format!("ok    {consumer} had taken all signals");
        assert!(well.stdout.contains(&taken), "{well:?}");
    }
    assert!(well.stdout.contains("ok    no score was written since the start"), "{well:?}");
    assert_eq!(up.stop().code(), Some(0));

    let key = machine.directory.join("account.key");
    fs::set_permissions(&key, fs::Permissions::from_mode(0o644)).expect("open to all");
    let ill = machine.klout(&["doctor"]);
    assert_eq!(ill.code, Some(1), "{ill:?}");
    let mend = ill.stdout.lines().skip_while(|line| !line.starts_with("bad")).nth(1);
    let mend = mend.expect("a line that mends it").trim();
    assert!(Command::new("sh").args(["-c", mend]).status().expect("sh runs").success(), "{mend}");
    assert_eq!(machine.klout(&["doctor"]).code, Some(0));
}

/// Needs root, who alone may make a small disk.
#[test]
fn a_full_disk_is_told_and_room_mends_it() {
    if !geteuid().is_root() {
        return;
    }
    let place = tempfile::tempdir().expect("a folder");
    let disk = |options: &str| {
        let mut mount = Command::new("mount");
        mount.args(["-t", "tmpfs", "-o", options, "tmpfs"]).arg(place.path());
        assert!(mount.status().expect("mount runs").success());
    };
    disk("size=20m");
    let machine = Machine::new().on(place.path().join("data"));
    let refused = machine.up_in_vain();
    disk("remount,size=400m");
    let walked = std::panic::catch_unwind(|| walk(&machine));
    let unmounted = Command::new("umount").arg(place.path()).status().expect("umount runs");

    assert_eq!(refused.code, Some(1), "{refused:?}");
    assert!(refused.stderr.contains("make room"), "{refused:?}");
    assert!(walked.is_ok() && unmounted.success());
}
