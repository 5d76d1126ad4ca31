//! `klout perks`: what somebody can have, and what they got.

use klout_proto::{
    convert,
    json::to_value,
    perk::v1::{
        EvaluatePerksRequest, EvaluatePerksResponse, Evaluation, Facts, Grant, ListGrantsRequest,
        evaluate_perks_request,
    },
};

use crate::{
    arguments,
    client::{Missing, Target},
    exit::Failure,
    output, printable,
    subject::{self, Subject},
    table::{self, Column},
};

/// Tells what somebody can have, and what they got.
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Example:
  klout perks of bluesky:ann.example --property palms-las-vegas")]
pub(crate) struct Perks {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, clap::Subcommand)]
enum Command {
    Of(Of),
}

/// Tells what each active campaign says about somebody, rule by rule, and lists what they got. Takes nothing.
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  klout perks of bluesky:ann.example
  klout perks of bluesky:ann.example --property palms-las-vegas --eligible
  klout perks of 8123456789 --campaign 1234 --json

What can be had comes first. Of a campaign that says no each part of a rule is told that does not
hold, such as `needs 40 or more, you have 38`. With --json the first line is what campaigns say, the
second what was got.

docs/perk-facts.md tells what rules see of somebody.")]
struct Of {
    #[arg(help = subject::HELP)]
    subject: Subject,
    /// At which property [default: at none]
    #[arg(long, value_name = "NAME", default_value = "", hide_default_value = true)]
    property: String,
    /// Only this campaign, by its number; can be said again
    #[arg(long = "campaign", value_name = "CAMPAIGN")]
    campaigns: Vec<String>,
    /// Only what they can have
    #[arg(long)]
    eligible: bool,
    /// How many of what they got at most, newest first
    #[arg(long, value_name = "N", default_value_t = 20, value_parser = clap::value_parser!(u16).range(1..=1_000))]
    top: u16,
    /// Prints the responses as JSON
    #[arg(long)]
    json: bool,
    #[command(flatten)]
    target: Target,
}

/// What requests name by a flag.
const FLAGS: [(&str, &str); 2] = [("property", "--property"), ("campaigns", "--campaign")];

// === impl Perks ===

impl Perks {
    pub(crate) fn run(self) -> Result<(), Failure> {
        match self.command {
            Command::Of(it) => it.run(),
        }
    }
}

// === impl Of ===

impl Of {
    fn run(self) -> Result<(), Failure> {
        let Self { subject, property, campaigns, eligible, top, json, target } = self;
        let (evaluated, listed) = target.ask(Missing::Refuse, async |client| {
            let subject = match subject {
                Subject::Person(person) => {
                    evaluate_perks_request::Subject::Person(person.to_string())
                }
                Subject::Account(account) => evaluate_perks_request::Subject::Account(account),
            };
            let request = EvaluatePerksRequest {
                subject: Some(subject),
                property,
                campaigns,
                eligible_only: eligible,
            };
            let evaluated = client.perks().evaluate_perks(request).await;
            let evaluated = evaluated.map_err(Failure::naming(&FLAGS))?.into_inner();
            let request = ListGrantsRequest {
                person: evaluated.person.clone(),
                page_size: top.into(),
                ..ListGrantsRequest::default()
            };
            let listed = client.perks().list_grants(request).await?.into_inner();
            Ok((evaluated, listed))
        })?;
        if json {
            output::line(&to_value(&evaluated).to_string())?;
            return output::line(&to_value(&listed).to_string());
        }
        print_evaluations(&evaluated)?;
        output::line("")?;
        print_grants(&listed.grants)
    }
}

fn print_evaluations(evaluated: &EvaluatePerksResponse) -> Result<(), Failure> {
    output::line(&known(&evaluated.person, evaluated.facts.as_ref()))?;
    output::line("")?;
    if evaluated.evaluations.is_empty() {
        return output::line("no campaign");
    }
    let columns = [
        Column::Text("campaign"),
        Column::Text("title"),
        Column::Text("outcome"),
        Column::Text("rule"),
        Column::Text("why"),
    ];
    table::print(columns, evaluated.evaluations.iter().flat_map(rows))
}

/// Of whom that is, in a line.
fn known(person: &str, facts: Option<&Facts>) -> String {
    let facts = facts.cloned().unwrap_or_default();
    let score = facts.score.map_or("no score".to_owned(), |it| format!("score {it:.2}"));
    let left_out = facts.left_out_networks.iter().map(|it| printable::on_one_line(it));
    let left_out = left_out.collect::<Vec<_>>().join(", ");
    let left_out = if left_out.is_empty() { left_out } else { format!("  without {left_out}") };
    format!("person {}  {score}{left_out}", printable::on_one_line(person))
}

/// A row for each rule that says something: of what can be had none.
fn rows(it: &Evaluation) -> Vec<[String; 5]> {
    let outcome = it.outcome.to_ascii_lowercase().replace('_', " ");
    let failed = it.rules.iter().filter(|rule| !rule.holds);
    let reasons: Vec<(String, String)> = failed
        .flat_map(|rule| {
            let failed = rule.conditions.iter().filter(|it| !it.holds);
            failed.map(|it| (rule.rule.clone(), it.explanation.clone()))
        })
        .collect();
    let mut rows =
        vec![[it.campaign.clone(), it.title.clone(), outcome, String::new(), String::new()]];
    for (index, (rule, why)) in reasons.into_iter().enumerate() {
        if index > 0 {
            rows.push(<[String; 5]>::default());
        }
        if let Some([.., last_rule, last_why]) = rows.last_mut() {
            (*last_rule, *last_why) = (rule, why);
        }
    }
    rows
}

fn print_grants(grants: &[Grant]) -> Result<(), Failure> {
    if grants.is_empty() {
        return output::line("nothing got yet");
    }
    let columns = [
        Column::Text("grant"),
        Column::Text("campaign"),
        Column::Text("title"),
        Column::Text("state"),
        Column::Text("reserved"),
        Column::Text("code"),
    ];
    let rows = grants.iter().map(|it| {
        let reserved = it.reserve_time.as_ref().and_then(convert::time);
        [
            it.grant.clone(),
            it.campaign.clone(),
            it.title.clone(),
            it.state.to_ascii_lowercase(),
            reserved.map(arguments::print_time).unwrap_or_default(),
            it.code.clone(),
        ]
    });
    table::print(columns, rows)
}

#[cfg(test)]
mod tests {
    use klout_proto::perk::v1::{ConditionResult, RuleResult};

    use super::*;

    #[test]
    fn each_part_of_a_rule_that_does_not_hold_has_a_row() {
        let condition = |holds, explanation: &str| ConditionResult {
            holds,
            explanation: explanation.to_owned(),
            ..ConditionResult::default()
        };
        let rule = RuleResult {
            rule: "klout".to_owned(),
            holds: false,
            conditions: vec![
                condition(false, "needs 40 or more, you have 38"),
                condition(true, "has one of them"),
                condition(false, "needs DE, you have US"),
            ],
        };
        let evaluation = Evaluation {
            campaign: "12".to_owned(),
            title: "Lounge".to_owned(),
            outcome: "RULE_FAILED".to_owned(),
            rules: vec![rule],
            ..Evaluation::default()
        };
        assert_eq!(
            rows(&evaluation),
            [
                ["12", "Lounge", "rule failed", "klout", "needs 40 or more, you have 38"],
                ["", "", "", "klout", "needs DE, you have US"],
            ]
        );
        let eligible =
            Evaluation { outcome: "ELIGIBLE".to_owned(), rules: Vec::new(), ..evaluation };
        assert_eq!(rows(&eligible), [["12", "Lounge", "eligible", "", ""]]);
    }

    #[test]
    fn what_was_left_out_is_said() {
        let facts = Facts {
            score: Some(35.0),
            left_out_networks: vec!["twitter".to_owned(), "x".to_owned()],
            ..Facts::default()
        };
        assert_eq!(known("7", Some(&facts)), "person 7  score 35.00  without twitter, x");
        assert_eq!(known("7", None), "person 7  no score");
    }
}
