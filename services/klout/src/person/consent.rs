//! `klout person consent`, `opt-out`, `opt-in`: to what people consent, and how that came about.

use klout_proto::{
    convert,
    graph::v1::{
        ConsentEntry, GetConsentRequest, GetConsentResponse, SetConsentRequest, SetConsentResponse,
    },
    json::to_value,
};

use super::receipt;
use crate::{
    arguments,
    client::{Missing, Target, retried},
    exit::Failure,
    output, printable,
    subject::{self, Subject},
};

/// Entries of the ledger in one page.
const PAGE: i32 = 1_000;

/// Prints to what somebody consents and how that came about, or changes it.
///
/// Everybody consents to everything that they do not withhold. Purposes are show (pages and whoever shows scores), crm,
/// perks and research; to whoever asks for one that is withheld, the person is nobody. A person is not scored by a
/// network that is withheld. Every change is an entry of a ledger that is only added to.
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Who opted out is named by the number, as nobody is found by an account any more.

Examples:
  klout person consent bluesky:ann.example
  klout person consent bluesky:ann.example --withhold crm --withhold research
  klout person consent bluesky:ann.example --grant crm --withhold-network github --note 'asked by mail'
  klout person consent 4611686018427387904 --json")]
pub(super) struct Consents {
    #[arg(help = subject::HELP)]
    subject: Subject,
    /// A purpose to consent to: show, crm, perks or research; may be repeated
    #[arg(long, value_name = "PURPOSE")]
    grant: Vec<String>,
    /// A purpose not to consent to; may be repeated
    #[arg(long, value_name = "PURPOSE")]
    withhold: Vec<String>,
    /// A network to be scored by again; may be repeated
    #[arg(long, value_name = "NETWORK")]
    grant_network: Vec<String>,
    /// A network not to be scored by; may be repeated
    #[arg(long, value_name = "NETWORK")]
    withhold_network: Vec<String>,
    /// Why, at most 512 bytes; it stands in the ledger
    #[arg(long, value_name = "TEXT", default_value = "")]
    note: String,
    /// Prints the response as JSON
    #[arg(long)]
    json: bool,
    #[command(flatten)]
    target: Target,
}

/// Takes somebody out: nobody sees anything of them once this has ended, and what was computed is deleted.
///
/// Their reactions to others stay, as those of somebody whom nobody knows. Prints a receipt. The number that is printed
/// with it names the person from now on, for `klout person opt-in`.
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Example:
  klout person opt-out bluesky:ann.example --note 'asked by mail'")]
pub(super) struct OptOut {
    #[command(flatten)]
    who: Who,
}

/// Takes somebody in again who opted out: their score is made anew from what is known.
///
/// Who is too young stays out.
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Example:
  klout person opt-in 4611686018427387904")]
pub(super) struct OptIn {
    #[command(flatten)]
    who: Who,
}

#[derive(Debug, clap::Args)]
struct Who {
    #[arg(help = subject::HELP)]
    subject: Subject,
    /// Why, at most 512 bytes; it stands in the ledger
    #[arg(long, value_name = "TEXT", default_value = "")]
    note: String,
    /// Prints the response as JSON
    #[arg(long)]
    json: bool,
    #[command(flatten)]
    target: Target,
}

// === impl Consents ===

impl Consents {
    pub(super) fn run(self) -> Result<(), Failure> {
        let Self { subject, grant, withhold, grant_network, withhold_network, note, json, target } =
            self;
        let request = SetConsentRequest {
            grant_purposes: grant,
            withhold_purposes: withhold,
            grant_networks: grant_network,
            withhold_networks: withhold_network,
            note,
            ..Default::default()
        };
        let response = target.ask(Missing::Refuse, async |client| {
            let person = subject.person(client).await?;
            let nothing = SetConsentRequest { note: request.note.clone(), ..Default::default() };
            if request != nothing {
                set(client, SetConsentRequest { person: person.clone(), ..request }).await?;
            }
            let mut all = GetConsentResponse::default();
            loop {
                let page = GetConsentRequest {
                    person: person.clone(),
                    page_size: PAGE,
                    page_token: all.next_page_token,
                };
                let page = client.graph().get_consent(page).await?.into_inner();
                all.consent = page.consent;
                all.entries.extend(page.entries);
                all.next_page_token = page.next_page_token;
                if all.next_page_token.is_empty() {
                    return Ok(all);
                }
            }
        })?;
        if json {
            return output::line(&to_value(&response).to_string());
        }
        let consent = response.consent.unwrap_or_default();
        let or_nothing = |words: &[String]| {
            if words.is_empty() { "nothing".to_owned() } else { words.join(", ") }
        };
        output::line(&format!("state     {}", consent.state))?;
        output::line(&format!("withheld  {} of purposes", or_nothing(&consent.withheld_purposes)))?;
        output::line(&format!("withheld  {} of networks", or_nothing(&consent.withheld_networks)))?;
        response.entries.iter().try_for_each(print)
    }
}

// === impl OptOut ===

impl OptOut {
    pub(super) fn run(self) -> Result<(), Failure> {
        let (response, person, json) = self.who.set("OPTED_OUT")?;
        if json {
            return output::line(&to_value(&response).to_string());
        }
        output::line(&format!("person {person} opted out"))?;
        response.receipt.iter().try_for_each(receipt::print)
    }
}

// === impl OptIn ===

impl OptIn {
    pub(super) fn run(self) -> Result<(), Failure> {
        let (response, person, json) = self.who.set("MEMBER")?;
        if json {
            return output::line(&to_value(&response).to_string());
        }
        let state = response.consent.unwrap_or_default().state;
        output::line(&format!("person {person} is {state}"))
    }
}

// === impl Who ===

impl Who {
    /// Returns the person too, and whether JSON is wanted.
    fn set(self, state: &str) -> Result<(SetConsentResponse, String, bool), Failure> {
        let Self { subject, note, json, target } = self;
        let state = state.to_owned();
        let (response, person) = target.ask(Missing::Refuse, async |client| {
            let person = subject.person(client).await?;
            let request =
                SetConsentRequest { person: person.clone(), state, note, ..Default::default() };
            Ok((set(client, request).await?, person))
        })?;
        Ok((response, person, json))
    }
}

/// Asks again while it is not confirmed everywhere: what is decided stays decided.
async fn set(
    client: &crate::client::Client,
    request: SetConsentRequest,
) -> Result<SetConsentResponse, Failure> {
    let done = retried(|| {
        let (mut client, request) = (client.graph(), request.clone());
        async move { client.set_consent(request).await }
    });
    let flags = [
        ("grant_purposes", "--grant"),
        ("withhold_purposes", "--withhold"),
        ("grant_networks", "--grant-network"),
        ("withhold_networks", "--withhold-network"),
        ("note", "--note"),
    ];
    Ok(done.await.map_err(Failure::naming(&flags))?.into_inner())
}

fn print(entry: &ConsentEntry) -> Result<(), Failure> {
    let ConsentEntry { number, create_time, about, decision, caller, note } = entry;
    let time = create_time.as_ref().and_then(convert::time);
    let time = time.map_or_else(|| "unknown".to_owned(), arguments::print_time);
    let by = printable::printable(caller);
    let why =
        if note.is_empty() { String::new() } else { format!(": {}", printable::printable(note)) };
    output::line(&format!("{number}  {time}  {about} {decision}, by {by}{why}"))
}
