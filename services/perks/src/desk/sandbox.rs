//! A property to try everything on: guests who were made up, and nothing that counts.
//!
//! Whoever connects a property's system sees each answer that there is, on an installation without any data. What is
//! told is written down and told again as elsewhere; no campaign, stock or budget is touched, and nobody is looked up.

use klout_proto::perk::v1::Guest;
use time::{Duration, OffsetDateTime};
use tokio::time::sleep_until;

use super::{Answer, Desk, GUEST_UNKNOWN, Stay};
use crate::{
    check_in,
    decide::Outcome,
    error::Error,
    store::{check_in::CheckIn as Told, property::Property},
};

/// As whose offer everything comes.
pub(crate) const CAMPAIGN: &str = "sandbox";

/// For how long an offer waits.
const RESERVATION_TIME: Duration = Duration::minutes(10);

/// How much later than its deadline a guest is known who takes too long.
const TOO_LATE: std::time::Duration = std::time::Duration::from_millis(100);

/// What it says of who pays.
const DISCLOSURE: &str = "Made up, to try the desk: nobody gives anything.";

/// What a guest meets.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Fate {
    Granted {
        is_stale: bool,
    },
    Refused(Outcome),
    /// The answer cannot be found out.
    Unknowable,
    /// It takes longer than any deadline.
    Late,
}

/// Guests by their e-mail address.
const GUESTS: [(&str, Fate); 9] = [
    ("ada@sandbox.example", Fate::Granted { is_stale: false }),
    ("stella@sandbox.example", Fate::Granted { is_stale: true }),
    ("bob@sandbox.example", Fate::Refused(Outcome::RuleFailed)),
    ("paula@sandbox.example", Fate::Refused(Outcome::PlaceFailed)),
    ("henry@sandbox.example", Fate::Refused(Outcome::HeldOut)),
    ("sol@sandbox.example", Fate::Refused(Outcome::SoldOut)),
    ("again@sandbox.example", Fate::Refused(Outcome::AlreadyGranted)),
    ("nowhere@sandbox.example", Fate::Unknowable),
    ("late@sandbox.example", Fate::Late),
];

/// What somebody without enough is told.
const FAILED_RULE: &str = "score: needs 40 or more, you have 38";

pub(super) async fn decide(desk: &Desk, stay: &Stay) -> Result<Answer, Error> {
    let told = match fate(&stay.question.guest) {
        None => desk.unknown(stay, ""),
        Some(Fate::Unknowable) => return Ok(nothing(desk, stay, "PEER_UNAVAILABLE")),
        Some(Fate::Late) => {
            sleep_until(stay.end + TOO_LATE).await;
            return Ok(nothing(desk, stay, "DEADLINE_PASSED"));
        }
        Some(Fate::Refused(outcome)) => told(desk, stay, outcome, false, ""),
        Some(Fate::Granted { is_stale }) => match stay.question.upgrades.first() {
            Some((category, _)) => told(desk, stay, Outcome::Reserved, is_stale, category),
            None => Told {
                reason: "NO_UPGRADE".to_owned(),
                explanation: check_in::explanation("NO_UPGRADE", ""),
                ..desk.blank(stay)
            },
        },
    };
    let mut answer = desk.write_down(stay, told).await?;
    answer.is_sandbox = true;
    answer.expire_time = expire_time(&answer.told);
    Ok(answer)
}

/// Until when an offer of the sandbox waits.
pub(super) fn expire_time(told: &Told) -> Option<OffsetDateTime> {
    told.is_offer.then(|| told.decide_time + RESERVATION_TIME)
}

fn nothing(desk: &Desk, stay: &Stay, reason: &str) -> Answer {
    let (property, stay) = (&stay.question.property.property, &stay.question.stay);
    Answer::unrecorded(desk.nothing(property.clone(), stay.clone(), reason), true)
}

fn told(desk: &Desk, stay: &Stay, outcome: Outcome, is_stale: bool, category: &str) -> Told {
    let property = &stay.question.property;
    let is_offer = outcome == Outcome::Reserved;
    let shown = |text: &str| if is_offer { text.to_owned() } else { String::new() };
    let blank = desk.blank(stay);
    Told {
        is_offer,
        reason: check_in::reason(outcome.as_str()).to_owned(),
        explanation: check_in::explanation(outcome.as_str(), FAILED_RULE),
        line: shown(&line(property, category)),
        category: shown(category),
        disclosure: shown(DISCLOSURE),
        grant: is_offer.then_some(stay.attempt),
        is_stale,
        score_time: Some(blank.decide_time),
        ..blank
    }
}

/// What could be offered to a guest who is expected, and why there is nothing.
pub(super) fn expected(guest: &Guest) -> Result<&'static str, &'static str> {
    match fate(guest) {
        Some(Fate::Granted { .. }) => Ok(DISCLOSURE),
        Some(Fate::Refused(outcome)) => Err(check_in::reason(outcome.as_str())),
        None | Some(Fate::Unknowable | Fate::Late) => Err(GUEST_UNKNOWN),
    }
}

/// What to say to a guest.
pub(super) fn line(property: &Property, category: &str) -> String {
    let (name, category) = (property.name(), property.name_of(category));
    format!("{name} would like to offer you an upgrade to {category}.")
}

fn fate(guest: &Guest) -> Option<Fate> {
    let contacts = guest.contacts.as_ref()?;
    let known = |email: &String| {
        let email = email.trim().to_ascii_lowercase();
        GUESTS.iter().find(|(guest, _)| *guest == email).map(|(_, fate)| *fate)
    };
    contacts.emails.iter().find_map(known)
}
