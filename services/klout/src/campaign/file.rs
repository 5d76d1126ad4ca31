//! Campaigns as files.

use std::{fs, path::Path, path::PathBuf};

use klout_chassis::reason;
use klout_proto::{json, perk::v1::CampaignSpec};
use serde_json::Value;
use tonic::Status;
use tonic_types::StatusExt as _;

use super::print_json;
use crate::{exit::Failure, output, printable};

/// Says what is wrong with a file, without a server.
///
/// Everything is looked at but whether the properties are there.
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Example:
  klout campaign check docs/example/perks/lounge.json

A rule that is wrong is shown with a mark below the character where it is.")]
pub(super) struct Check {
    /// The campaign, as JSON or (.toml) TOML
    #[arg(value_name = "FILE")]
    file: PathBuf,
    /// Prints the spec as JSON, as it would be kept: with its defaults
    #[arg(long)]
    json: bool,
}

// === impl Check ===

impl Check {
    pub(super) fn run(self) -> Result<(), Failure> {
        let spec = read(&self.file)?;
        let checked = klout_perks::check(spec.clone()).map_err(refused(&self.file, &spec))?;
        if self.json {
            return print_json(&checked);
        }
        let rules = match checked.rules.len() {
            0 => "no rule".to_owned(),
            1 => "1 rule".to_owned(),
            count => format!("{count} rules"),
        };
        output::line(&format!("{}: fine, with {rules}", self.file.display()))?;
        if checked.disclosure.trim().is_empty() {
            eprintln!("klout: without a disclosure it cannot be activated");
        }
        Ok(())
    }
}

/// Reads a file: TOML when its name says so, else JSON.
pub(super) fn read(path: &Path) -> Result<CampaignSpec, Failure> {
    let failed =
        |problem: &dyn std::fmt::Display| Failure::Failed(format!("{}: {problem}", path.display()));
    let text = fs::read(path).map_err(|error| failed(&error))?;
    if !path.extension().is_some_and(|it| it.eq_ignore_ascii_case("toml")) {
        return json::from_slice(&text).map_err(|error| failed(&error));
    }
    let text = String::from_utf8(text).map_err(|error| failed(&error))?;
    let table: toml::Table = toml::from_str(&text).map_err(|error| failed(&error))?;
    let json = as_json(toml::Value::Table(table)).to_string();
    json::from_slice(json.as_bytes()).map_err(|error| {
        // Lines are of the JSON, which nobody has seen.
        let problem = error.to_string();
        let problem = problem.rsplit_once(" at line ").map_or(problem.as_str(), |(it, _)| it);
        failed(&problem)
    })
}

/// The same in JSON, where times are texts.
fn as_json(value: toml::Value) -> Value {
    match value {
        toml::Value::String(text) => text.into(),
        toml::Value::Integer(number) => number.into(),
        toml::Value::Float(number) => number.into(),
        toml::Value::Boolean(is) => is.into(),
        toml::Value::Datetime(time) => time.to_string().into(),
        toml::Value::Array(values) => values.into_iter().map(as_json).collect(),
        toml::Value::Table(table) => {
            Value::Object(table.into_iter().map(|(key, value)| (key, as_json(value))).collect())
        }
    }
}

/// What a service said of a file; of a rule, where it is wrong.
pub(super) fn refused(path: &Path, spec: &CampaignSpec) -> impl Fn(Status) -> Failure {
    move |status| match reason(&status).as_deref() {
        Some("RULE_INVALID") => {
            Failure::Failed(format!("{}: {}", path.display(), pointing(&status, spec)))
        }
        Some("FIELD_INVALID") => {
            let message = printable::on_one_line(status.message());
            Failure::Failed(format!("{}: {message} (FIELD_INVALID)", path.display()))
        }
        Some(_) | None => status.into(),
    }
}

/// What is wrong, the line of the rule below it, and a mark below the character.
fn pointing(status: &Status, spec: &CampaignSpec) -> String {
    let mut text = format!("{} (RULE_INVALID)", printable::on_one_line(status.message()));
    let metadata = status.get_details_error_info().map(|info| info.metadata).unwrap_or_default();
    let number = |key: &str| metadata.get(key).and_then(|it| it.parse::<usize>().ok());
    let named = metadata.get("rule");
    let rule = spec.rules.iter().find(|it| Some(&it.rule) == named);
    let (Some(rule), Some(line), Some(column)) = (rule, number("line"), number("column")) else {
        return text;
    };
    let Some(line) = rule.expression.lines().nth(line.saturating_sub(1)) else { return text };
    let before: String = line.chars().take(column.saturating_sub(1)).collect();
    let before = printable::on_one_line(&before);
    let mark = console::measure_text_width(&before);
    text.push_str(&format!("\n  {}\n  {}^", printable::on_one_line(line), " ".repeat(mark)));
    text
}

#[cfg(test)]
mod tests {
    use klout_proto::perk::v1::Rule;

    use super::*;

    fn written(name: &str, text: &str) -> Result<CampaignSpec, String> {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join(name);
        fs::write(&path, text).expect("written");
        read(&path).map_err(|failure| failure.to_string())
    }

    #[test]
    fn a_campaign_is_the_same_in_json_and_in_toml() {
        let json = r#"{
            "brand": "The Palms", "title": "A suite", "stock": "5",
            "benefit": {"kind": "UPGRADE", "categories": ["suite"]},
            "startTime": "2026-12-01T00:00:00Z", "holdOutShare": 0.1,
            "rules": [{"rule": "score", "expression": "score >= 55.0"}]
        }"#;
        let toml = r#"
            brand = "The Palms"
            title = "A suite"
            stock = 5
            startTime = 2026-12-01T00:00:00Z
            holdOutShare = 0.1
            [benefit]
            kind = "UPGRADE"
            categories = ["suite"]
            [[rules]]
            rule = "score"
            expression = "score >= 55.0"
        "#;
        let json = written("a.json", json).expect("a spec");
        assert_eq!(json.stock, Some(5));
        assert_eq!(written("a.toml", toml).expect("a spec"), json);
    }

    #[test]
    fn what_is_misspelt_is_told() {
        for (name, text) in [("a.json", r#"{"brnad": "x"}"#), ("a.toml", "brnad = \"x\"")] {
            let problem = written(name, text).expect_err("refused");
            assert!(problem.contains("brnad") && problem.contains(name), "{problem}");
        }
        assert!(written("a.toml", "brand = ").is_err());
        assert!(written("a.json", "").is_err());
    }

    #[test]
    fn a_mark_stands_below_what_is_wrong() {
        let rule =
            |expression: &str| Rule { rule: "score".to_owned(), expression: expression.to_owned() };
        let spec = CampaignSpec {
            rules: vec![rule("true &&\n score >= 40.0 &&& true")],
            ..Default::default()
        };
        let status = klout_chassis::Refusal::new(tonic::Code::InvalidArgument, "RULE_INVALID")
            .with("rule", "score")
            .with("line", 2)
            .with("column", 18)
            .into_plain_status("the rule is wrong");

        let text = pointing(&status, &spec);

        let lines: Vec<&str> = text.lines().collect();
        let mark = lines[2].find('^').expect("a mark");
        assert_eq!(lines[1].chars().nth(mark), Some('&'), "{text}");
        assert_eq!(mark, 2 + 17);
    }
}
