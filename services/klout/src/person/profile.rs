//! What people say of themselves.

use klout_proto::graph::v1::{
    CreatePersonRequest, GetPersonRequest, Languages, LinkedAccount, UpdatePersonRequest,
};

use super::{linked, print};
use crate::{
    client::{Missing, Target},
    exit::Failure,
    subject::{self, Subject},
};

/// Fields of requests, and the arguments that set them.
const FLAGS: [(&str, &str); 7] = [
    ("country", "--country"),
    ("city", "--city"),
    ("display_name", "--name"),
    ("languages", "--language"),
    ("time_zone", "--time-zone"),
    ("age_band", "--age"),
    ("withheld_purposes", "--withhold"),
];

/// Makes a person, or finds the one who has exactly these accounts.
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  klout person create bluesky:id=did:plc:ann --name Ann --country DE --city Bremen
  klout person create github:id=login/bob --language en --age 18_24 --withhold crm")]
pub(super) struct Create {
    /// The accounts that are the person's, at most 100
    #[arg(value_name = "NETWORK:id=NATIVE_ID", value_parser = linked)]
    accounts: Vec<LinkedAccount>,
    #[command(flatten)]
    told: Told,
    /// What the person does not consent to: show, crm, perks or research; may be repeated
    #[arg(long, value_name = "PURPOSE")]
    withhold: Vec<String>,
    /// Prints the person as JSON
    #[arg(long)]
    json: bool,
    #[command(flatten)]
    target: Target,
}

/// Prints who somebody is.
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Example:
  klout person show bluesky:ann.example")]
pub(super) struct Show {
    #[arg(help = subject::HELP)]
    subject: Subject,
    /// Prints the person as JSON
    #[arg(long)]
    json: bool,
    #[command(flatten)]
    target: Target,
}

/// Takes over what somebody says of themselves. What is not named stays; an empty text is taken back.
///
/// Who is told too young is not scored, shown or found any more, until told older: then name the person by the id.
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  klout person update bluesky:ann.example --time-zone Europe/Berlin --language de --language en
  klout person update bluesky:ann.example --city ''")]
pub(super) struct Update {
    #[arg(help = subject::HELP)]
    subject: Subject,
    #[command(flatten)]
    told: Told,
    /// Prints the person as JSON
    #[arg(long)]
    json: bool,
    #[command(flatten)]
    target: Target,
}

/// What somebody says of themselves.
#[derive(Debug, clap::Args)]
struct Told {
    /// What the person is to be called
    #[arg(long, value_name = "NAME")]
    name: Option<String>,
    /// Where the person lives: an ISO 3166-1 code, such as DE
    #[arg(long, value_name = "CODE")]
    country: Option<String>,
    /// The city, as the person writes it
    #[arg(long, value_name = "CITY")]
    city: Option<String>,
    /// A language that the person speaks, such as de or pt-BR; may be repeated, best first
    #[arg(long, value_name = "TAG")]
    language: Vec<String>,
    /// The time zone that the person lives by, such as Europe/Berlin
    #[arg(long, value_name = "ZONE")]
    time_zone: Option<String>,
    /// How old the person is: `under_13`, `13_15`, `16_17`, `18_24`, `25_34`, `35_44`, `45_54`, `55_64` or `65_and_over`
    #[arg(long, value_name = "BAND")]
    age: Option<String>,
}

// === impl Create ===

impl Create {
    pub(super) fn run(self) -> Result<(), Failure> {
        let Self { accounts, told, withhold, json, target } = self;
        let response = target.ask(Missing::Refuse, async |client| {
            let request = CreatePersonRequest {
                accounts,
                country: told.country.unwrap_or_default(),
                city: told.city.unwrap_or_default(),
                display_name: told.name.unwrap_or_default(),
                languages: told.language,
                time_zone: told.time_zone.unwrap_or_default(),
                age_band: told.age.unwrap_or_default(),
                withheld_purposes: withhold,
            };
            let created = client.graph().create_person(request).await;
            Ok(created.map_err(Failure::naming(&FLAGS))?.into_inner())
        })?;
        if !response.created {
            eprintln!("klout: there was such a person");
        }
        print(response.person, json)
    }
}

// === impl Show ===

impl Show {
    pub(super) fn run(self) -> Result<(), Failure> {
        let Self { subject, json, target } = self;
        let response = target.ask(Missing::Refuse, async |client| {
            let person = subject.person(client).await?;
            Ok(client.graph().get_person(GetPersonRequest { person }).await?.into_inner())
        })?;
        print(response.person, json)
    }
}

// === impl Update ===

impl Update {
    pub(super) fn run(self) -> Result<(), Failure> {
        let Self { subject, told, json, target } = self;
        let response = target.ask(Missing::Refuse, async |client| {
            let languages = told.language;
            let request = UpdatePersonRequest {
                person: subject.person(client).await?,
                country: told.country,
                city: told.city,
                display_name: told.name,
                languages: (!languages.is_empty()).then(|| Languages {
                    languages: languages.into_iter().filter(|it| !it.is_empty()).collect(),
                }),
                time_zone: told.time_zone,
                age_band: told.age,
            };
            let updated = client.graph().update_person(request).await;
            Ok(updated.map_err(Failure::naming(&FLAGS))?.into_inner())
        })?;
        print(response.person, json)
    }
}
