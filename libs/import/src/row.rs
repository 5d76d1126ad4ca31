//! What the rows of the files say, typed.

use klout_model::{Count, CounterName, CounterValue, Kind, NativeId, Network, RowReason};
use time::{OffsetDateTime, format_description::well_known::Rfc3339};

/// In bytes, of what a network calls a post or a signal.
const ID_LENGTH_MAX: usize = 1024;

/// In bytes, of a city.
const CITY_LENGTH_MAX: usize = 128;

/// In bytes, of the words that came with an interaction.
const LABEL_LENGTH_MAX: usize = 256;

/// In bytes, of a post's text.
const TEXT_LENGTH_MAX: usize = 64 * 1024;

/// What a file holds. Its header tells.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Format {
    Interactions,
    Counters,
    Posts,
    Registered,
}

#[derive(Clone, Debug, PartialEq)]
pub enum Row {
    Interaction(InteractionRow),
    Counter(CounterRow),
    Post(PostRow),
    Registered(RegisteredRow),
}

/// The actor acted on the subject.
#[derive(Clone, Debug, PartialEq)]
pub struct InteractionRow {
    pub time: OffsetDateTime,
    pub network: Network,
    /// `None`: the network did not say who, only how many.
    pub actor: Option<NativeId>,
    pub subject: NativeId,
    pub kind: Kind,
    pub count: Count,
    pub post: Option<String>,
    /// The words that came with it, without space around them.
    pub label: Option<String>,
    /// What the network calls it, if the file has a column for it.
    pub id: Option<String>,
}

/// A number that a network keeps.
#[derive(Clone, Debug, PartialEq)]
pub struct CounterRow {
    pub time: OffsetDateTime,
    pub network: Network,
    pub account: NativeId,
    pub counter: CounterName,
    pub value: CounterValue,
    pub post: Option<String>,
    pub id: Option<String>,
}

/// Something was published.
#[derive(Clone, Debug, PartialEq)]
pub struct PostRow {
    pub time: OffsetDateTime,
    pub network: Network,
    pub account: NativeId,
    pub post: String,
    pub text: Option<String>,
    pub id: Option<String>,
}

/// An account whose owner joined.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct RegisteredRow {
    pub network: Network,
    pub account: NativeId,
    /// Where the owner says to live: an ISO 3166-1 alpha-2 code. Empty: the file does not say.
    pub country: String,
    /// The city in that country. Empty: the file does not say.
    pub city: String,
}

/// Where somebody lives, as social-graph takes it.
fn place(country: &str, city: &str) -> Result<(String, String), RowReason> {
    let (country, city) = (country.trim().to_ascii_uppercase(), city.trim());
    let known = country.is_empty() || rust_iso3166::from_alpha2(&country).is_some();
    let elsewhere = country.is_empty() && !city.is_empty();
    if !known || elsewhere || city.len() > CITY_LENGTH_MAX || city.chars().any(char::is_control) {
        return Err(RowReason::RowMalformed);
    }
    Ok((country, city.to_owned()))
}

// === impl Format ===

impl Format {
    pub(crate) const ALL: [Self; 4] =
        [Self::Interactions, Self::Counters, Self::Posts, Self::Registered];

    /// Columns that have to be there.
    pub(crate) const fn required(self) -> &'static [&'static str] {
        match self {
            Self::Interactions => &["time", "network", "actor", "subject", "kind", "count"],
            Self::Counters => &["time", "network", "account", "counter", "value"],
            Self::Posts => &["time", "network", "account", "post"],
            Self::Registered => &["network", "account"],
        }
    }

    /// Columns that may be there. `reason` is what a rejected file has; it is not read.
    pub(crate) const fn optional(self) -> &'static [&'static str] {
        match self {
            Self::Interactions => &["id", "post", "label", "reason"],
            Self::Counters => &["id", "post", "reason"],
            Self::Posts => &["id", "text", "reason"],
            Self::Registered => &["country", "city", "reason"],
        }
    }
}

// === impl Row ===

impl Row {
    /// The row that `value` has the columns of. An empty text and a missing column are the same.
    pub(crate) fn parse<'a>(
        format: Format,
        value: impl Fn(&str) -> Option<&'a str>,
    ) -> Result<Self, RowReason> {
        let text = |column| value(column).unwrap_or_default();
        let short = |column| match value(column).filter(|text| !text.is_empty()) {
            Some(text) if text.len() > ID_LENGTH_MAX => Err(RowReason::RowMalformed),
            found => Ok(found.map(str::to_owned)),
        };
        let time =
            || OffsetDateTime::parse(text("time"), &Rfc3339).map_err(|_| RowReason::TimeInvalid);
        Ok(match format {
            Format::Interactions => Self::Interaction(InteractionRow {
                time: time()?,
                network: text("network").parse()?,
                actor: match text("actor") {
                    "" => None,
                    actor => Some(actor.parse()?),
                },
                subject: text("subject").parse()?,
                kind: text("kind").parse()?,
                count: text("count").parse()?,
                post: short("post")?,
                label: match value("label").map(str::trim).filter(|label| !label.is_empty()) {
                    Some(label) if label.len() > LABEL_LENGTH_MAX => {
                        return Err(RowReason::RowMalformed);
                    }
                    found => found.map(str::to_owned),
                },
                id: short("id")?,
            }),
            Format::Counters => Self::Counter(CounterRow {
                time: time()?,
                network: text("network").parse()?,
                account: text("account").parse()?,
                counter: text("counter").parse()?,
                value: text("value").parse()?,
                post: short("post")?,
                id: short("id")?,
            }),
            Format::Posts => Self::Post(PostRow {
                time: time()?,
                network: text("network").parse()?,
                account: text("account").parse()?,
                post: short("post")?.ok_or(RowReason::RowMalformed)?,
                text: match value("text").filter(|text| !text.is_empty()) {
                    Some(text) if text.len() > TEXT_LENGTH_MAX => {
                        return Err(RowReason::RowMalformed);
                    }
                    found => found.map(str::to_owned),
                },
                id: short("id")?,
            }),
            Format::Registered => {
                let (country, city) = place(text("country"), text("city"))?;
                Self::Registered(RegisteredRow {
                    network: text("network").parse()?,
                    account: text("account").parse()?,
                    country,
                    city,
                })
            }
        })
    }

    /// When it happened; a registration has no time.
    #[must_use]
    pub const fn time(&self) -> Option<OffsetDateTime> {
        match self {
            Self::Interaction(row) => Some(row.time),
            Self::Counter(row) => Some(row.time),
            Self::Post(row) => Some(row.time),
            Self::Registered(_) => None,
        }
    }

    /// Where it happened.
    #[must_use]
    pub const fn network(&self) -> &Network {
        match self {
            Self::Interaction(row) => &row.network,
            Self::Counter(row) => &row.network,
            Self::Post(row) => &row.network,
            Self::Registered(row) => &row.network,
        }
    }

    /// Whose evidence it is.
    #[must_use]
    pub const fn subject(&self) -> &NativeId {
        match self {
            Self::Interaction(row) => &row.subject,
            Self::Counter(row) => &row.account,
            Self::Post(row) => &row.account,
            Self::Registered(row) => &row.account,
        }
    }

    /// What the network calls the signal, if the file says.
    #[must_use]
    pub fn id(&self) -> Option<&str> {
        match self {
            Self::Interaction(row) => row.id.as_deref(),
            Self::Counter(row) => row.id.as_deref(),
            Self::Post(row) => row.id.as_deref(),
            Self::Registered(_) => None,
        }
    }
}
