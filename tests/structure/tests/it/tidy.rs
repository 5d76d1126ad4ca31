//! Small habits that make every corner look like the others.

use crate::sources;

/// Longer than this is not read in one sitting.
const LINES_MAX: usize = 700;

/// What a service has beside its sources.
const SERVICE_FILES: [&str; 4] = ["README.md", "config.default.toml", "migrations", "sqlx.toml"];

/// Generated code cannot keep our lints; its crate says in its manifest how it does.
const LINTS_OF_ITS_OWN: &str = "libs/proto";

#[test]
fn a_module_lies_beside_its_folder() {
    for source in sources::rust() {
        let old = source.path.ends_with("/mod.rs");
        assert!(!old, "{}: name it after its folder and put it beside that", source.path);
    }
}

#[test]
fn no_file_is_too_long_to_be_read_in_one_sitting() {
    for source in sources::rust() {
        let lines = source.text.lines().count();
        assert!(lines <= LINES_MAX, "{} has {lines} lines; split it by meaning", source.path);
    }
}

#[test]
fn nothing_is_left_for_later() {
    // Put together, so that this file passes.
    let leftovers = ["todo", "dbg", "unimplemented"].map(|name| format!("{name}!("));
    for source in sources::rust() {
        for leftover in &leftovers {
            assert!(!source.text.contains(leftover), "{} has a {leftover}…)", source.path);
        }
    }
}

#[test]
fn a_crate_says_what_it_is() {
    for folder in sources::crates() {
        let library = format!("{folder}/src/lib.rs");
        let described = !sources::exists(&library) || sources::read(&library).starts_with("//! ");
        assert!(described, "{library} starts with `//!` and what the crate is");
        let manifest = manifest(&folder);
        let description = manifest["package"].get("description").and_then(toml::Value::as_str);
        assert!(description.is_some_and(|it| it.ends_with('.')), "{folder} has a description");
    }
}

#[test]
fn a_crate_takes_lints_and_versions_from_the_workspace() {
    let inherits =
        |value: &toml::Value| value.get("workspace") == Some(&toml::Value::Boolean(true));
    for folder in sources::crates() {
        let manifest = manifest(&folder);
        let linted = manifest.get("lints").is_some_and(inherits) || folder == LINTS_OF_ITS_OWN;
        assert!(linted, "{folder}: [lints] workspace = true");
        for table in ["dependencies", "dev-dependencies", "build-dependencies"] {
            let dependencies = manifest.get(table).and_then(toml::Value::as_table);
            for (name, dependency) in dependencies.into_iter().flatten() {
                assert!(inherits(dependency), "{folder}: {name}.workspace = true");
            }
        }
    }
}

/// Whoever can stop a process where they want could stop one that matters.
#[test]
fn failpoints_are_in_no_build_but_those_of_the_tests() {
    for folder in sources::crates() {
        let manifest = manifest(&folder);
        let default = manifest.get("features").and_then(|features| features.get("default"));
        assert!(default.is_none(), "{folder}: nobody asks for features that are there by default");
    }
    // Put together, so that this file passes.
    let feature = "/failpoints";
    let asked = [feature, "features failpoints", "\"failpoints\"]"].map(str::to_owned);
    for source in sources::all() {
        let named =
            asked.iter().any(|asked| source.text.replace("--", "").contains(asked.as_str()));
        let may =
            ["xtask/src/", "services/klout/Cargo.toml", "tests/structure/", "libs/chassis/src/"];
        let may = may.iter().any(|path| source.path.starts_with(path));
        assert!(!named || may, "{}: failpoints are only for tests", source.path);
    }
}

#[test]
fn a_service_has_the_shape_of_every_service() {
    let mut missing = sources::services();
    missing =
        missing.iter().flat_map(|it| SERVICE_FILES.map(|name| format!("{it}/{name}"))).collect();
    missing.retain(|path| !sources::exists(path));
    assert!(missing.is_empty(), "missing: {missing:#?}");
}

#[test]
fn no_file_names_a_folder_of_somebodys_machine() {
    // Put together, so that this file passes.
    let folders = ["root", "work", "home", "Users"].map(|name| format!("/{name}/"));
    for source in sources::all() {
        for folder in &folders {
            let found = source.text.lines().position(|line| names_folder(line, folder));
            let line = found.map_or(0, |index| index + 1);
            assert!(found.is_none(), "{}:{line} names {folder}…", source.path);
        }
    }
}

#[test]
fn the_map_names_every_crate() {
    let map = sources::read("ARCHITECTURE.md");
    let mut missing = sources::crates();
    missing.retain(|folder| !map.contains(folder));
    assert!(missing.is_empty(), "ARCHITECTURE.md does not say what these are: {missing:#?}");
}

/// Whether `line` has `folder` where a path begins, so not within a longer path or a URL.
fn names_folder(line: &str, folder: &str) -> bool {
    line.match_indices(folder).any(|(at, _)| {
        let before = line[..at].chars().next_back();
        !before.is_some_and(|it| it.is_alphanumeric() || "._-}~".contains(it))
    })
}

fn manifest(folder: &str) -> toml::Table {
    let path = format!("{folder}/Cargo.toml");
    sources::read(&path).parse().unwrap_or_else(|error| panic!("{path}: {error}"))
}
