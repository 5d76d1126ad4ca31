//! Shows campaigns.

use klout_proto::{
    json::to_value,
    perk::v1::{Campaign, GetCampaignRequest, ListCampaignsRequest},
};

use super::{amount, print_json, print_line, time};
use crate::{
    client::{Missing, Target},
    exit::Failure,
    output,
    printable::{self, indented},
};

/// Shows a campaign, as it is or as one of its versions was.
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  klout campaign show 1234
  klout campaign show 1234 --version 1
  klout campaign show 1234 --spec > lounge.json           a file to change, for `klout campaign update`")]
pub(super) struct Show {
    /// Which: its number
    #[arg(value_name = "CAMPAIGN")]
    campaign: String,
    /// One of its versions [default: the newest]
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(i32).range(1..))]
    version: Option<i32>,
    /// Prints what it offers and nothing else, as JSON: what `create` and `update` read
    #[arg(long, conflicts_with = "json")]
    spec: bool,
    /// Prints the response as JSON
    #[arg(long)]
    json: bool,
    #[command(flatten)]
    target: Target,
}

/// Lists campaigns, newest first.
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  klout campaign list
  klout campaign list --state active --brand 'Cathay Pacific'")]
pub(super) struct List {
    /// Only those in this state
    #[arg(long, value_name = "STATE", value_parser = ["draft", "active", "paused", "ended"])]
    state: Option<String>,
    /// Only those of this brand
    #[arg(long, value_name = "BRAND", default_value = "", hide_default_value = true)]
    brand: String,
    /// How many at most
    #[arg(long, value_name = "N", default_value_t = 100, value_parser = clap::value_parser!(u16).range(1..=1_000))]
    top: u16,
    /// Prints the response as JSON
    #[arg(long)]
    json: bool,
    #[command(flatten)]
    target: Target,
}

// === impl Show ===

impl Show {
    pub(super) fn run(self) -> Result<(), Failure> {
        let Self { campaign, version, spec, json, target } = self;
        let response = target.ask(Missing::Refuse, async |client| {
            let request = GetCampaignRequest { campaign, version: version.unwrap_or_default() };
            Ok(client.perks().get_campaign(request).await?.into_inner())
        })?;
        if json {
            return print_json(&response);
        }
        let campaign = response.campaign.unwrap_or_default();
        if spec {
            let json = to_value(&campaign.spec.unwrap_or_default());
            return output::line(&format!("{json:#}"));
        }
        print(&campaign)
    }
}

// === impl List ===

impl List {
    pub(super) fn run(self) -> Result<(), Failure> {
        let Self { state, brand, top, json, target } = self;
        let response = target.ask(Missing::Refuse, async |client| {
            let state = state.map(|it| it.to_ascii_uppercase()).unwrap_or_default();
            let request =
                ListCampaignsRequest { page_size: top.into(), state, brand, ..Default::default() };
            Ok(client.perks().list_campaigns(request).await?.into_inner())
        })?;
        if json {
            return print_json(&response);
        }
        if response.campaigns.is_empty() {
            eprintln!("klout: there is none; `klout campaign create` makes one");
            return Ok(());
        }
        for it in &response.campaigns {
            let given = it.given.clone().unwrap_or_default();
            let left = given.left.map(|left| format!(", {} left", output::grouped(left)));
            let [given, reserved] = [given.confirmed, given.reserved].map(output::grouped);
            let left = left.unwrap_or_default();
            print_line(Some(it))?;
            let brand = it.spec.as_ref().map(|spec| spec.brand.as_str()).unwrap_or_default();
            let brand = printable::on_one_line(brand);
            output::line(&format!("   of {brand}; {given} given, {reserved} reserved{left}"))?;
        }
        if !response.next_page_token.is_empty() {
            eprintln!("klout: there are more, see --top");
        }
        Ok(())
    }
}

/// Everything about a campaign, a line for each thing.
fn print(campaign: &Campaign) -> Result<(), Failure> {
    let spec = campaign.spec.clone().unwrap_or_default();
    let benefit = spec.benefit.unwrap_or_default();
    let given = campaign.given.clone().unwrap_or_default();
    let line = |head: &str, text: &str| output::line(&indented(&format!("{head:<13}"), text));
    let shadow = if spec.shadow { ", in shadow: gives nothing" } else { "" };
    output::line(&printable::on_one_line(&format!("{} of {}", spec.title, spec.brand)))?;
    line("state", &format!("{}, version {}{shadow}", campaign.state, campaign.version))?;
    let mut gets = vec![benefit.kind];
    gets.extend(Some(benefit.description).filter(|it| !it.is_empty()));
    gets.extend(benefit.value.as_ref().map(|it| format!("worth {}", amount(it))));
    gets.extend(Some(benefit.categories.join(", ")).filter(|it| !it.is_empty()));
    line("one gets", &gets.join("; "))?;
    let from = time(spec.start_time.as_ref()).unwrap_or_else(|| "activated".to_owned());
    let until = time(spec.end_time.as_ref()).unwrap_or_else(|| "ended".to_owned());
    line("period", &format!("from {from} until {until}"))?;
    let properties = Some(spec.properties.join(", ")).filter(|it| !it.is_empty());
    line("properties", properties.as_deref().unwrap_or("all, and none"))?;
    let places = spec.places.iter().map(|it| match it.city.as_str() {
        "" => it.country.clone(),
        city => format!("{city} ({})", it.country),
    });
    let places: Vec<_> = places.collect();
    line("places", if places.is_empty() { "all".to_owned() } else { places.join(", ") }.as_str())?;
    for rule in &spec.rules {
        line("rule", &format!("{}: {}", rule.rule, rule.expression))?;
    }
    let budgets = spec.budgets.unwrap_or_default();
    let mut limits = Vec::new();
    limits.extend(spec.stock.map(|it| format!("{} in all", output::grouped(it))));
    limits.extend(budgets.money.as_ref().map(amount));
    let each = [
        (budgets.per_person, "for a person"),
        (budgets.per_property, "at a property"),
        (budgets.per_day, "on a day"),
    ];
    limits.extend(
        each.into_iter()
            .filter_map(|(limit, of)| Some(format!("{} {of}", output::grouped(limit?)))),
    );
    limits.push(format!("once for a {}", spec.unique_per.to_ascii_lowercase()));
    line("at most", &limits.join(", "))?;
    if spec.hold_out_share > 0.0 {
        line("held out", &format!("{:.1} %", spec.hold_out_share * 100.0))?;
    }
    if spec.codes != "NONE" {
        line("codes", &spec.codes.to_ascii_lowercase())?;
    }
    if !spec.line.is_empty() {
        line("line", &spec.line)?;
    }
    let disclosure = Some(spec.disclosure).filter(|it| !it.is_empty());
    line("disclosure", disclosure.as_deref().unwrap_or("missing: it cannot be activated"))?;
    let mut so_far = vec![
        format!("{} confirmed", output::grouped(given.confirmed)),
        format!("{} reserved", output::grouped(given.reserved)),
    ];
    so_far.extend(given.value.as_ref().map(|it| format!("worth {}", amount(it))));
    so_far.extend(given.left.map(|left| format!("{} left", output::grouped(left))));
    line("given", &so_far.join(", "))
}
