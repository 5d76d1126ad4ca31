//! `klout property`: places with a desk.

use klout_proto::{
    json::to_value,
    perk::v1::{
        Category, CreatePropertyRequest, GetPropertyRequest, ListPropertiesRequest, Property,
        UpdatePropertyRequest,
    },
};

use crate::{
    client::{Missing, Target, retried},
    exit::Failure,
    output,
    printable::{self, indented},
    table::{self, Column},
};

/// Hotels, lounges and shops where a desk decides.
///
/// A property has categories of rooms or seats, from the plainest to the best: what is offered is better than what is
/// booked. A sandbox is a property to connect a system to: it answers everything, and nothing counts.
#[derive(Debug, clap::Args)]
#[command(after_help = "\
To try a desk on:
  klout property create sandbox --sandbox --category KING --category SUITE
  klout check-in decide sandbox S-1 --email ada@sandbox.example --booked KING --upgrade SUITE

docs/check-in.md tells the whole of it.")]
pub(crate) struct Properties {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, clap::Subcommand)]
enum Command {
    Create(Create),
    Update(Update),
    Show(Show),
    List(List),
}

/// Makes a property. The same again changes nothing.
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  klout property create palms --name 'The Palms' --country US --city 'Las Vegas' --time-zone America/Los_Angeles \\
      --currency USD --category 'KING=a king room' --category 'SUITE=a suite'
  klout property create sandbox --sandbox --category KING --category SUITE")]
struct Create {
    #[command(flatten)]
    what: What,
    /// To try it on: everything is answered, and nothing counts
    #[arg(long)]
    sandbox: bool,
    /// Prints the response as JSON
    #[arg(long)]
    json: bool,
    #[command(flatten)]
    target: Target,
}

/// Changes a property: what is not said is kept.
///
/// Categories are replaced as a whole. Its name, and whether it is a sandbox, stay.
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Example:
  klout property update palms --category KING --category VIEW --category 'SUITE=a suite'")]
struct Update {
    #[command(flatten)]
    what: What,
    /// Prints the response as JSON
    #[arg(long)]
    json: bool,
    #[command(flatten)]
    target: Target,
}

/// Shows a property.
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Example:
  klout property show palms")]
struct Show {
    /// Which
    #[arg(value_name = "PROPERTY")]
    property: String,
    /// Prints the response as JSON
    #[arg(long)]
    json: bool,
    #[command(flatten)]
    target: Target,
}

/// Lists properties by name.
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Example:
  klout property list")]
struct List {
    /// How many at most
    #[arg(long, value_name = "N", default_value_t = 100, value_parser = clap::value_parser!(u16).range(1..=1_000))]
    top: u16,
    /// Prints the response as JSON
    #[arg(long)]
    json: bool,
    #[command(flatten)]
    target: Target,
}

#[derive(Debug, clap::Args)]
struct What {
    /// Its name, in a-z, 0-9 and -
    #[arg(value_name = "PROPERTY")]
    property: String,
    /// What guests call it
    #[arg(long, value_name = "NAME")]
    name: Option<String>,
    /// Where it is: two letters
    #[arg(long, value_name = "CODE")]
    country: Option<String>,
    /// And in which city
    #[arg(long, value_name = "CITY")]
    city: Option<String>,
    /// By which its days are counted, such as America/Los_Angeles [default: UTC]
    #[arg(long, value_name = "ZONE")]
    time_zone: Option<String>,
    /// Three letters, such as USD
    #[arg(long, value_name = "CODE")]
    currency: Option<String>,
    /// A category of rooms or seats, as the property's system names it, and what guests call it; once for each, from
    /// the plainest to the best
    #[arg(long = "category", value_name = "CATEGORY[=NAME]", value_parser = category)]
    categories: Vec<Category>,
}

// === impl Properties ===

impl Properties {
    pub(crate) fn run(self) -> Result<(), Failure> {
        match self.command {
            Command::Create(it) => it.run(),
            Command::Update(it) => it.run(),
            Command::Show(it) => it.run(),
            Command::List(it) => it.run(),
        }
    }
}

// === impl What ===

impl What {
    /// What was said, in place of what there is.
    fn over(self, mut property: Property) -> Property {
        let Self {
            property: name,
            name: display_name,
            country,
            city,
            time_zone,
            currency,
            categories,
        } = self;
        property.property = name;
        let said = [
            (&mut property.display_name, display_name),
            (&mut property.country, country),
            (&mut property.city, city),
            (&mut property.time_zone, time_zone),
            (&mut property.currency, currency),
        ];
        for (field, said) in said {
            if let Some(said) = said {
                *field = said;
            }
        }
        if !categories.is_empty() {
            property.categories = categories;
        }
        property
    }
}

// === impl Create ===

impl Create {
    fn run(self) -> Result<(), Failure> {
        let Self { what, sandbox, json, target } = self;
        let property = Property { sandbox, ..what.over(Property::default()) };
        let response = target.ask(Missing::Refuse, async |client| {
            let request = CreatePropertyRequest { property: Some(property) };
            let made = retried(|| {
                let (mut client, request) = (client.desk(), request.clone());
                async move { client.create_property(request).await }
            });
            Ok(made.await?.into_inner())
        })?;
        if json {
            return output::line(&to_value(&response).to_string());
        }
        print(&response.property.unwrap_or_default())
    }
}

// === impl Update ===

impl Update {
    fn run(self) -> Result<(), Failure> {
        let Self { what, json, target } = self;
        let response = target.ask(Missing::Refuse, async |client| {
            let request = GetPropertyRequest { property: what.property.clone() };
            let found = client.desk().get_property(request).await?.into_inner();
            let property = what.over(found.property.unwrap_or_default());
            let request = UpdatePropertyRequest { property: Some(property) };
            Ok(client.desk().update_property(request).await?.into_inner())
        })?;
        if json {
            return output::line(&to_value(&response).to_string());
        }
        print(&response.property.unwrap_or_default())
    }
}

// === impl Show ===

impl Show {
    fn run(self) -> Result<(), Failure> {
        let Self { property, json, target } = self;
        let response = target.ask(Missing::Refuse, async |client| {
            Ok(client.desk().get_property(GetPropertyRequest { property }).await?.into_inner())
        })?;
        if json {
            return output::line(&to_value(&response).to_string());
        }
        print(&response.property.unwrap_or_default())
    }
}

// === impl List ===

impl List {
    fn run(self) -> Result<(), Failure> {
        let Self { top, json, target } = self;
        let response = target.ask(Missing::Refuse, async |client| {
            let request = ListPropertiesRequest { page_size: top.into(), ..Default::default() };
            Ok(client.desk().list_properties(request).await?.into_inner())
        })?;
        if json {
            return output::line(&to_value(&response).to_string());
        }
        if response.properties.is_empty() {
            eprintln!("klout: there is none; `klout property create` makes one");
            return Ok(());
        }
        let columns = [
            Column::Text("property"),
            Column::Text("name"),
            Column::Text("place"),
            Column::Number("categories"),
            Column::Text(""),
        ];
        let rows = response.properties.iter().map(|it| {
            let sandbox = if it.sandbox { "sandbox" } else { "" };
            [
                it.property.clone(),
                it.display_name.clone(),
                place(it),
                it.categories.len().to_string(),
                sandbox.to_owned(),
            ]
        });
        table::print(columns, rows)?;
        if !response.next_page_token.is_empty() {
            eprintln!("klout: there are more, see --top");
        }
        Ok(())
    }
}

/// Everything about a property, a line for each thing.
fn print(property: &Property) -> Result<(), Failure> {
    let line = |head: &str, text: &str| output::line(&indented(&format!("{head:<11}"), text));
    let sandbox = if property.sandbox { ", a sandbox: nothing counts" } else { "" };
    output::line(&printable::on_one_line(&format!("{}{sandbox}", property.property)))?;
    let said = [
        ("name", property.display_name.clone()),
        ("place", place(property)),
        ("time zone", property.time_zone.clone()),
        ("currency", property.currency.clone()),
    ];
    for (head, text) in said.into_iter().filter(|(_, text)| !text.is_empty()) {
        line(head, &text)?;
    }
    for Category { category, display_name } in &property.categories {
        let name = Some(display_name.as_str()).filter(|it| !it.is_empty());
        let text = name.map_or_else(|| category.clone(), |name| format!("{category}: {name}"));
        line("category", &text)?;
    }
    Ok(())
}

fn place(property: &Property) -> String {
    match (property.city.as_str(), property.country.as_str()) {
        ("", country) => country.to_owned(),
        (city, "") => city.to_owned(),
        (city, country) => format!("{city} ({country})"),
    }
}

/// `SUITE`, or `SUITE=a suite`.
fn category(text: &str) -> Result<Category, String> {
    let (category, display_name) = text.split_once('=').unwrap_or((text, ""));
    if category.is_empty() {
        return Err("not CATEGORY or CATEGORY=NAME".to_owned());
    }
    Ok(Category { category: category.to_owned(), display_name: display_name.to_owned() })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_category_may_have_a_name() {
        let both = category("SUITE=a = suite").expect("a category");
        assert_eq!((both.category.as_str(), both.display_name.as_str()), ("SUITE", "a = suite"));
        assert_eq!(category("KING").expect("a category").display_name, "");
        assert!(category("=a suite").is_err());
    }
}
