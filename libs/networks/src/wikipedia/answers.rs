//! What MediaWiki answers, and what it says is wrong: as a rule in a 200.

use std::collections::BTreeMap;

use serde::Deserialize;
use time::OffsetDateTime;

use super::work::Place;
use crate::{Answer, Trouble, wait};

/// In bytes: a title and some numbers.
const PLACE_LENGTH_MAX: usize = 1_024;

/// Names of where to go on, of one answer.
const PLACE_NAMES_MAX: usize = 8;

/// What our own code is called when a wiki does not know where we were.
const BAD_CONTINUE: &str = "badcontinue";

/// An answer to a query.
#[derive(Debug, Default, Deserialize)]
pub(super) struct Envelope {
    #[serde(default)]
    pub(super) query: Option<Query>,
    #[serde(default, rename = "continue")]
    on: Option<BTreeMap<String, serde_json::Value>>,
    #[serde(default)]
    error: Option<Wrong>,
}

#[derive(Debug, Default, Deserialize)]
pub(super) struct Query {
    #[serde(default)]
    pub(super) redirects: Vec<Redirect>,
    #[serde(default)]
    pub(super) pages: Vec<Page>,
    #[serde(default)]
    pub(super) backlinks: Vec<Backlink>,
}

/// Where a title that was asked for leads to.
#[derive(Debug, Deserialize)]
pub(super) struct Redirect {
    #[serde(default)]
    pub(super) tofragment: Option<String>,
}

#[derive(Debug, Deserialize)]
pub(super) struct Page {
    #[serde(default)]
    pub(super) pageid: Option<u64>,
    #[serde(default)]
    pub(super) ns: i64,
    #[serde(default)]
    pub(super) title: String,
    #[serde(default)]
    pub(super) missing: bool,
    #[serde(default)]
    pub(super) invalid: bool,
    #[serde(default)]
    pub(super) redirect: bool,
    #[serde(default)]
    pub(super) touched: Option<String>,
    #[serde(default)]
    pub(super) pageprops: Option<BTreeMap<String, serde_json::Value>>,
    #[serde(default)]
    pub(super) linkshere: Vec<Link>,
    #[serde(default)]
    pub(super) links: Vec<Link>,
}

/// A page that links, or is linked to.
#[derive(Debug, Deserialize)]
pub(super) struct Link {
    #[serde(default)]
    pub(super) pageid: Option<u64>,
    #[serde(default)]
    pub(super) ns: i64,
    #[serde(default)]
    pub(super) title: String,
}

/// A page that links to the one that was asked for, and those that link to it when it is a redirect.
#[derive(Debug, Deserialize)]
pub(super) struct Backlink {
    #[serde(flatten)]
    pub(super) page: Link,
    #[serde(default)]
    pub(super) redirect: bool,
    #[serde(default)]
    pub(super) redirlinks: Vec<Redirlink>,
}

/// A page that links to a redirect.
#[derive(Debug, Deserialize)]
pub(super) struct Redirlink {
    #[serde(flatten)]
    pub(super) page: Link,
    #[serde(default)]
    pub(super) redirect: bool,
}

#[derive(Debug, Deserialize)]
struct Wrong {
    code: String,
    #[serde(default)]
    info: String,
}

/// Reads an answer to a query.
pub(super) fn query(answer: &Answer<'_>, now: OffsetDateTime) -> Result<Envelope, Trouble> {
    let until = || wait(answer, now);
    // The header is there when the body is no JSON, too.
    if let Some(code) = answer.header("mediawiki-api-error") {
        let info = answer.json::<Envelope>(WHAT).ok().and_then(|it| it.error);
        return Err(trouble(answer, code, &info.map(|it| it.info).unwrap_or_default(), until()));
    }
    match answer.status {
        429 => return Err(Trouble::RateLimited { until: until() }),
        // Also 403, with which hosts keep out whom they do not know: there is no access that would help.
        status if !answer.is_success() => return Err(Trouble::Unavailable { status }),
        _ => {}
    }
    let envelope: Envelope = answer.json(WHAT)?;
    match envelope.error {
        Some(wrong) => Err(trouble(answer, &wrong.code, &wrong.info, until())),
        None => Ok(envelope),
    }
}

/// Whether the wiki does not know where we were.
pub(super) fn lost_its_place(answer: &Answer<'_>) -> bool {
    let said = || answer.json::<Envelope>(WHAT).ok()?.error.map(|it| it.code);
    answer.header("mediawiki-api-error") == Some(BAD_CONTINUE)
        || said().as_deref() == Some(BAD_CONTINUE)
}

const WHAT: &str = "the wiki's answer";

/// What an error of the API means for us.
fn trouble(answer: &Answer<'_>, code: &str, info: &str, until: Option<OffsetDateTime>) -> Trouble {
    match code {
        "ratelimited" | "maxlag" => Trouble::RateLimited { until },
        "nosuchpageid" | "missingtitle" => Trouble::AccountGone,
        "readapidenied" | "permissiondenied" => {
            Trouble::AccessRefused { message: format!("{}: {}", short(code), short(info)) }
        }
        "readonly" | "timeout" => Trouble::Unavailable { status: answer.status },
        _ if code.starts_with("internal_api_error") => {
            Trouble::Unavailable { status: answer.status }
        }
        _ => {
            Trouble::Malformed { what: WHAT, problem: format!("{}: {}", short(code), short(info)) }
        }
    }
}

/// What is shown of words of others.
fn short(text: &str) -> String {
    text.chars().filter(|it| !it.is_control()).take(200).collect()
}

// === impl Envelope ===

impl Envelope {
    /// Where to go on. `None`: this was all.
    ///
    /// # Errors
    ///
    /// When it is where we are, or is no place at all.
    pub(super) fn further(&self, here: Option<&Place>) -> Result<Option<Place>, Trouble> {
        let odd = |problem: &str| Trouble::Malformed {
            what: "where the wiki's answer goes on",
            problem: problem.to_owned(),
        };
        let Some(on) = &self.on else { return Ok(None) };
        if on.len() > PLACE_NAMES_MAX {
            return Err(odd("it names too much"));
        }
        let mut place = Place::new();
        for (name, value) in on {
            // Whatever else would change what is asked.
            let ours = name.ends_with("continue") && name.len() <= 32;
            let value = match value {
                serde_json::Value::String(text) => text.clone(),
                serde_json::Value::Number(number) => number.to_string(),
                serde_json::Value::Null
                | serde_json::Value::Bool(_)
                | serde_json::Value::Array(_)
                | serde_json::Value::Object(_) => return Err(odd("it is no text")),
            };
            if !ours || value.len() > PLACE_LENGTH_MAX {
                return Err(odd("it is none of ours"));
            }
            place.insert(name.clone(), value);
        }
        match here {
            Some(here) if *here == place => Err(odd("it is where it was")),
            _ => Ok(Some(place)),
        }
    }
}

// === impl Page ===

impl Page {
    /// Whether it is there, and no sign to another one.
    pub(super) fn is_article(&self) -> bool {
        !self.missing && !self.invalid && !self.redirect && self.ns == super::ARTICLES
    }
}
