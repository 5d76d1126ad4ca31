//! `klout campaign`: what is offered to whom.

mod change;
mod codes;
mod file;
mod list;
mod preview;
mod report;

use klout_proto::{
    convert,
    json::to_value,
    perk::v1::{Campaign, Money},
};
use prost::Name;
use prost_types::Timestamp;

use crate::{arguments, exit::Failure, output, printable};

/// Offers something to people of a certain influence.
///
/// A campaign is a file: what one gets, from when to when, at which properties, to people of which places, by which rules,
/// and how much of it there is. It is made as a draft, and gives nothing before it is activated. Each change of it is a
/// version, and a grant names the one that decided. What has ended stays so.
#[derive(Debug, clap::Args)]
#[command(after_help = "\
From a file to a report:
  klout campaign check lounge.json                        without a server
  klout campaign preview lounge.json                      how many would qualify
  klout campaign create lounge.json                       prints its number, such as 1234
  klout campaign activate 1234
  klout campaign show 1234
  klout campaign report 1234

docs/perks.md tells the whole of it, docs/campaign-rules.md what rules may ask for.
Three files to start from are in docs/example/perks.")]
pub(crate) struct Campaigns {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, clap::Subcommand)]
enum Command {
    Check(file::Check),
    Preview(preview::Preview),
    Create(change::Create),
    Update(change::Update),
    Show(list::Show),
    List(list::List),
    Activate(change::Activate),
    Pause(change::Pause),
    End(change::End),
    Codes(codes::Codes),
    Report(report::Report),
}

// === impl Campaigns ===

impl Campaigns {
    pub(crate) fn run(self) -> Result<(), Failure> {
        match self.command {
            Command::Check(it) => it.run(),
            Command::Preview(it) => it.run(),
            Command::Create(it) => it.run(),
            Command::Update(it) => it.run(),
            Command::Show(it) => it.run(),
            Command::List(it) => it.run(),
            Command::Activate(it) => it.run(),
            Command::Pause(it) => it.run(),
            Command::End(it) => it.run(),
            Command::Codes(it) => it.run(),
            Command::Report(it) => it.run(),
        }
    }
}

/// Prints a response as JSON.
fn print_json<M: prost::Message + Name>(response: &M) -> Result<(), Failure> {
    output::line(&to_value(response).to_string())
}

/// Prints how a campaign stands, in a line.
fn print_line(campaign: Option<&Campaign>) -> Result<(), Failure> {
    let Some(it) = campaign else { return Ok(()) };
    let title = it.spec.as_ref().map(|spec| spec.title.as_str()).unwrap_or_default();
    let title = printable::on_one_line(title);
    output::line(&format!("{}  {}  version {}  {title}", it.campaign, it.state, it.version))
}

fn time(time: Option<&Timestamp>) -> Option<String> {
    time.and_then(convert::time).map(arguments::print_time)
}

/// Such as `12.50 EUR`.
fn amount(money: &Money) -> String {
    let digits = minor_digits(&money.currency);
    let (whole, part) =
        (money.minor_units / 10_i64.pow(digits), money.minor_units % 10_i64.pow(digits));
    let whole = output::grouped(whole);
    let currency = printable::on_one_line(&money.currency);
    if digits == 0 {
        return format!("{whole} {currency}");
    }
    let width = usize::try_from(digits).unwrap_or_default();
    format!("{whole}.{part:0width$} {currency}")
}

/// How many digits of a currency stand after the point.
fn minor_digits(currency: &str) -> u32 {
    let digits = iso_currency::Currency::from_code(currency).and_then(|it| it.exponent());
    digits.map_or(2, u32::from)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_amount_has_the_digits_of_its_currency() {
        let amount = |minor_units, currency: &str| {
            amount(&Money { currency: currency.to_owned(), minor_units })
        };
        assert_eq!(amount(1_250, "EUR"), "12.50 EUR");
        assert_eq!(amount(5, "USD"), "0.05 USD");
        assert_eq!(amount(1_234_567, "JPY"), "1,234,567 JPY");
        assert_eq!(amount(1_500, "KWD"), "1.500 KWD");
    }
}
