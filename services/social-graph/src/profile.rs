//! What people say of themselves.

use std::collections::BTreeMap;

use jiff::tz::TimeZone;
use klout_model::PersonId;
use sqlx::PgConnection;

use crate::{
    age::{AgeBand, AgeRules},
    announce::Consumer,
    error::Error,
    name,
    place::{Move, Place},
    state::{self, By, Turn},
    store,
};

/// In bytes, of what a person is to be called.
const DISPLAY_NAME_LENGTH_MAX: usize = 128;

/// Languages of one person.
const LANGUAGES_MAX: usize = 10;

/// In bytes, of a language: longer than any tag that is registered.
const LANGUAGE_LENGTH_MAX: usize = 35;

/// What is known of a person. What is empty was not told.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Profile {
    pub(crate) place: Place,
    pub(crate) display_name: String,
    pub(crate) languages: Vec<String>,
    pub(crate) time_zone: String,
    pub(crate) age_band: Option<AgeBand>,
}

/// What is to be another one of a profile. `None`: it stays as it is.
#[derive(Clone, Debug, Default)]
pub(crate) struct Change {
    place: Move,
    display_name: Option<String>,
    languages: Option<Vec<String>>,
    time_zone: Option<String>,
    age_band: Option<Option<AgeBand>>,
}

/// A change as callers tell it.
#[derive(Clone, Debug, Default)]
pub(crate) struct Told {
    pub(crate) country: Option<String>,
    pub(crate) city: Option<String>,
    pub(crate) display_name: Option<String>,
    pub(crate) languages: Option<Vec<String>>,
    pub(crate) time_zone: Option<String>,
    pub(crate) age_band: Option<String>,
}

// === impl Change ===

impl Change {
    pub(crate) fn parse(told: Told) -> Result<Self, Error> {
        Ok(Self {
            place: Move::parse(told.country, told.city)?,
            display_name: told.display_name.map(|text| display_name(&text)).transpose()?,
            languages: told.languages.map(languages).transpose()?,
            time_zone: told.time_zone.map(|text| time_zone(&text)).transpose()?,
            age_band: told.age_band.map(|text| AgeBand::parse(text.trim())).transpose()?,
        })
    }

    pub(crate) fn is_empty(&self) -> bool {
        let Self { place, display_name, languages, time_zone, age_band } = self;
        place.is_nowhere()
            && display_name.is_none()
            && languages.is_none()
            && time_zone.is_none()
            && age_band.is_none()
    }

    /// Whether it may change who takes part.
    pub(crate) const fn tells_age(&self) -> bool {
        self.age_band.is_some()
    }

    /// What the profile becomes.
    pub(crate) fn from(self, before: &Profile) -> Result<Profile, Error> {
        Ok(Profile {
            place: self.place.from(&before.place)?,
            display_name: self.display_name.unwrap_or_else(|| before.display_name.clone()),
            languages: self.languages.unwrap_or_else(|| before.languages.clone()),
            time_zone: self.time_zone.unwrap_or_else(|| before.time_zone.clone()),
            age_band: self.age_band.unwrap_or(before.age_band),
        })
    }
}

/// What came of new profiles.
#[derive(Clone, Debug, Default)]
pub(crate) struct Written {
    /// Whether somebody has to be told who owns accounts, or where they live.
    pub(crate) announced: bool,
    /// Who takes part from now on, or does not any more: other services are told.
    pub(crate) moved: Vec<PersonId>,
}

/// Writes what people, whose rows are locked, say of themselves now. Who is told too young does not take part from
/// now on, and who is told older does again; that needs the turn, which whoever tells an age takes.
pub(crate) async fn write(
    db: &mut PgConnection,
    turn: Option<&Turn>,
    rules: AgeRules,
    by: &By<'_>,
    before: &BTreeMap<PersonId, store::person::Known>,
    mut profiles: BTreeMap<PersonId, Profile>,
) -> Result<Written, Error> {
    let store = Error::store;
    profiles.retain(|person, now| before.get(person).is_some_and(|it| it.profile != *now));
    if profiles.is_empty() {
        return Ok(Written::default());
    }
    store::person::write(&mut *db, &profiles).await.map_err(store("write what people say"))?;
    let (mut movers, mut moved) = (Vec::new(), Vec::new());
    for (person, now) in &profiles {
        let known = &before[person];
        let state = rules.state(now.age_band);
        // Only an age that is told anew changes who takes part: another limit does not, behind people's backs.
        let judged = known.profile.age_band != now.age_band && known.standing.state != state;
        if let Some(turn) = turn.filter(|_| judged) {
            turn.change(db, *person, &[state::Change::State(state)], by).await?;
            moved.push(*person);
        } else if known.profile.place != now.place {
            movers.push(*person);
        }
    }
    // Scoring does not ask where people live.
    let revisions = store::account::renew_revisions(&mut *db, &movers)
        .await
        .map_err(store("number accounts anew"))?;
    store::membership_outbox::append(&mut *db, &[Consumer::Topics], &revisions)
        .await
        .map_err(store("announce where people live"))?;
    Ok(Written { announced: !moved.is_empty() || !revisions.is_empty(), moved })
}

fn display_name(text: &str) -> Result<String, Error> {
    let text = text.trim();
    if text.len() > DISPLAY_NAME_LENGTH_MAX {
        return Err(Error::field("display_name", "has more than 128 bytes"));
    }
    if name::is_deceptive(text) {
        return Err(Error::field("display_name", name::DECEPTIVE));
    }
    Ok(text.to_owned())
}

/// Checks the form of the tags: which of them are registered changes every year. Twice the same counts once.
fn languages(told: Vec<String>) -> Result<Vec<String>, Error> {
    if told.len() > LANGUAGES_MAX {
        return Err(Error::field("languages", "are more than 10"));
    }
    let mut languages: Vec<String> = Vec::new();
    for (index, tag) in told.iter().enumerate() {
        let tag = language(tag.trim())
            .ok_or_else(|| Error::field(format!("languages[{index}]"), "is no BCP 47 tag"))?;
        if !languages.contains(&tag) {
            languages.push(tag);
        }
    }
    Ok(languages)
}

/// The tag as it is written: the language small, a script with a capital, a country in capitals.
fn language(tag: &str) -> Option<String> {
    if tag.len() > LANGUAGE_LENGTH_MAX {
        return None;
    }
    let mut parts = tag.split('-');
    let language = parts.next()?;
    let letters = |part: &str| part.bytes().all(|byte| byte.is_ascii_alphabetic());
    if !(2..=3).contains(&language.len()) || !letters(language) {
        return None;
    }
    let mut written = language.to_ascii_lowercase();
    for part in parts {
        if !(2..=8).contains(&part.len()) || !part.bytes().all(|byte| byte.is_ascii_alphanumeric())
        {
            return None;
        }
        let part = match part.len() {
            2 => part.to_ascii_uppercase(),
            4 if letters(part) => {
                format!("{}{}", part[..1].to_ascii_uppercase(), part[1..].to_ascii_lowercase())
            }
            _ => part.to_ascii_lowercase(),
        };
        written.push('-');
        written.push_str(&part);
    }
    Some(written)
}

/// The zone as IANA writes it.
fn time_zone(text: &str) -> Result<String, Error> {
    let text = text.trim();
    if text.is_empty() {
        return Ok(String::new());
    }
    let zone = TimeZone::get(text).ok();
    let name = zone.as_ref().and_then(TimeZone::iana_name);
    name.map(str::to_owned)
        .ok_or_else(|| Error::field("time_zone", "is no IANA time zone such as Europe/Berlin"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_language_is_written_as_bcp_47_does() {
        for (told, written) in
            [("de", "de"), ("PT-br", "pt-BR"), ("zh-hant-tw", "zh-Hant-TW"), ("es-419", "es-419")]
        {
            assert_eq!(language(told).as_deref(), Some(written));
        }
        for bad in ["", "d", "german", "de_DE", "de-", "de-ü", "d3", &"de-abcdefgh".repeat(4)] {
            assert_eq!(language(bad), None, "{bad}");
        }
        let told = ["de", "EN", "de"].map(str::to_owned).to_vec();
        assert_eq!(languages(told).expect("languages"), ["de", "en"]);
        assert!(languages(vec!["de".to_owned(); 11]).is_err());
    }

    #[test]
    fn a_time_zone_is_one_that_iana_names() {
        assert_eq!(time_zone("Europe/Berlin").expect("a zone"), "Europe/Berlin");
        assert_eq!(time_zone(" ").expect("not told"), "");
        for bad in ["Mars/Olympus", "+02:00", "Europe/Berlin\0", "../../etc/passwd"] {
            assert!(time_zone(bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn a_display_name_reads_as_it_is_stored() {
        assert_eq!(display_name(" Ann 👩‍💻 ").expect("a name"), "Ann 👩‍💻");
        for bad in ["Ann\u{202e}nna", "An\u{200b}n", "A\nnn", &"x".repeat(129)] {
            assert!(display_name(bad).is_err(), "{bad:?}");
        }
    }
}
