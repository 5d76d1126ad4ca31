//! Who a guest is, and what is known of them.

use std::time::Duration;

use klout_chassis::reason;
use klout_model::PersonId;
use klout_perk_rules::Facts;
use klout_proto::perk::v1::{self as wire, Guest};
use prost::Message as _;
use tokio::time::{Instant, timeout_at};
use tracing::debug;

use super::{Desk, Question, Stay};
use crate::{
    error::Error,
    facts::{Known, Named, Person},
    passes::Pass,
    store::{self, person_state::Standing},
};

/// How likely it has to be that a guest is somebody, so that nobody gets what is another's.
const MIN_LIKELIHOOD: f64 = 0.95;

/// How often somebody may have been merged with somebody else whose pass or mark is still used.
const MERGES_MAX: usize = 8;

/// How old a mark may be from which a desk decides when scoring does not answer.
const MARK_TIME_MAX: time::Duration = time::Duration::hours(24);

/// Somebody, and what is known of them.
#[derive(Clone, Debug)]
pub(super) struct Found {
    pub(super) person: Person,
    /// From a pass or a mark: what is not known may still be so.
    pub(super) is_fallback: bool,
}

/// It is not known who the guest is.
#[derive(Clone, Copy, Debug)]
pub(super) struct Nobody {
    /// In words, if there is something to say.
    pub(super) problem: &'static str,
    /// Whether that stays so as long as the guest is named by the same.
    pub(super) is_lasting: bool,
}

/// By what a guest is looked for.
enum By {
    Pass(Pass),
    Names(Named),
}

impl Desk {
    /// What tells a guest from others, however a desk writes what it knows of them.
    pub(super) fn guest(&self, guest: &Guest) -> [u8; 32] {
        let mut guest = guest.clone();
        // A guest who comes back with a newer pass is the same.
        if let Some(holder) = self.0.passes.holder(&guest.pass) {
            (guest.person, guest.pass) = (holder.to_string(), String::new());
        }
        // Handles are not changed: some networks tell capital letters apart.
        guest.accounts.sort_by_cached_key(prost::Message::encode_to_vec);
        guest.accounts.dedup();
        if let Some(contacts) = &mut guest.contacts {
            for email in &mut contacts.emails {
                *email = email.trim().to_lowercase();
            }
            for phone in &mut contacts.phones {
                phone.retain(|it| it.is_ascii_digit());
            }
            for texts in [
                &mut contacts.emails,
                &mut contacts.email_hashes,
                &mut contacts.phones,
                &mut contacts.phone_hashes,
                &mut contacts.loyalty_hashes,
            ] {
                texts.sort();
                texts.dedup();
            }
            contacts.loyalty_numbers.sort_by_cached_key(prost::Message::encode_to_vec);
            contacts.loyalty_numbers.dedup();
        }
        self.hash(&guest.encode_to_vec())
    }

    /// What tells the booked category from others.
    pub(super) fn room(&self, question: &Question) -> [u8; 32] {
        self.hash(question.booked_category.as_bytes())
    }

    /// Keyed, so that nobody can guess what it is of.
    pub(super) fn hash(&self, text: &[u8]) -> [u8; 32] {
        *blake3::keyed_hash(&self.0.fingerprints, text).as_bytes()
    }

    /// Who the guest is; from a mark or a pass when the others do not answer.
    pub(super) async fn find_guest(&self, stay: &Stay) -> Result<Result<Found, Nobody>, Error> {
        let by = match self.names(&stay.question.guest) {
            Ok(by) => by,
            Err(nobody) => return Ok(Err(nobody)),
        };
        let (named, pass) = match by {
            By::Pass(pass) => (Named::Person(pass.person), Some(pass)),
            By::Names(named) => (named, None),
        };
        // Something has to be left to decide and to write it down.
        let left = stay.end.saturating_duration_since(Instant::now());
        let end = Instant::now() + left.mul_f64(0.6);
        let error = match timeout_at(end, self.0.facts.gather(&named)).await {
            Ok(Ok(person)) => return Ok(Ok(Found { person, is_fallback: false })),
            Ok(Err(error)) if is_nobody(&error) => {
                return Ok(Err(Nobody { problem: "", is_lasting: true }));
            }
            Ok(Err(error)) => error,
            Err(_) => Error::Slow,
        };
        debug!(error = &error as &dyn std::error::Error, "a desk decides from what was known");
        let known = match pass {
            Some(pass) => Some((pass.person, of_pass(pass))),
            None => self.marked(stay, &named).await?,
        };
        let Some((id, facts)) = known else { return Err(error) };
        Ok(match self.consenting(id).await? {
            Some(id) => Ok(Found { person: Person { id, facts }, is_fallback: true }),
            // By what else the guest is named cannot be asked now.
            None => Err(Nobody { problem: "", is_lasting: false }),
        })
    }

    /// What a pass says that is one of ours and has not expired.
    pub(crate) fn verify(&self, pass: &str) -> Result<Pass, Error> {
        self.0.passes.verify(pass)
    }

    /// Whether somebody is there, and consents to perks, as far as this service was told.
    pub(crate) async fn consents(&self, person: PersonId) -> Result<bool, Error> {
        let gone = store::person_state::gone(&self.0.db, &[person.get()]).await;
        Ok(gone.map_err(Error::store("look who has left"))?.is_empty())
    }

    /// Who somebody is by now, if they are there and consent to perks, as far as this service was told.
    pub(crate) async fn consenting(&self, person: PersonId) -> Result<Option<PersonId>, Error> {
        let mut person = person;
        for _ in 0..MERGES_MAX {
            let found = store::person_state::find(&self.0.db, &[person.get()]).await;
            let found = found.map_err(Error::store("look who has left"))?;
            let Some(Standing::Moved(into)) = found.get(&person.get()) else { break };
            let Some(into) = PersonId::new(*into) else { return Ok(None) };
            person = into;
        }
        Ok(self.consents(person).await?.then_some(person))
    }

    fn names(&self, guest: &Guest) -> Result<By, Nobody> {
        let nobody = |problem, is_lasting| Err(Nobody { problem, is_lasting });
        if !guest.person.is_empty() {
            return match guest.person.parse() {
                Ok(person) => Ok(By::Names(Named::Person(person))),
                Err(_) => nobody("that is not the id of a person", true),
            };
        }
        let contacts = guest.contacts.clone().unwrap_or_default();
        let is_named = !guest.accounts.is_empty() || contacts != Default::default();
        if !guest.pass.is_empty() {
            match self.0.passes.verify(&guest.pass) {
                Ok(pass) => return Ok(By::Pass(pass)),
                // Another one may be shown, so this is found out anew.
                Err(_) if !is_named => {
                    return nobody("the pass is not valid, or has expired", false);
                }
                Err(_) => {}
            }
        }
        if !is_named {
            return nobody("the guest is not named", true);
        }
        Ok(By::Names(Named::Guest {
            accounts: guest.accounts.clone(),
            contacts,
            min_likelihood: MIN_LIKELIHOOD,
        }))
    }

    /// What was known of the guest when the stay was marked.
    async fn marked(&self, stay: &Stay, named: &Named) -> Result<Option<(PersonId, Known)>, Error> {
        let Question { property, stay: name, .. } = &stay.question;
        let since = self.0.clock.now() - MARK_TIME_MAX;
        let found = store::arrival::find(&self.0.db, &property.property, name, since).await;
        let Some(store::arrival::Mark { person, guest, facts }) =
            found.map_err(Error::store("read a mark"))?
        else {
            return Ok(None);
        };
        let is_same = guest == stay.guest;
        let id = PersonId::new(person).filter(|id| match named {
            Named::Person(person) => is_same || person == id,
            // Another guest may have the stay by now, and who that is cannot be asked.
            Named::Account(_) | Named::Guest { .. } => is_same,
        });
        // Only this service writes them.
        let facts = wire::Facts::decode(facts.as_slice()).ok().map(Known::from);
        Ok(id.zip(facts.map(|facts| Known { stale: true, ..facts })))
    }
}

/// What a pass proves; of all else nothing is known.
fn of_pass(pass: Pass) -> Known {
    Known {
        rules: Facts { score: Some(pass.score), ..Facts::default() },
        model: pass.model,
        score_time: Some(pass.issue_time),
        ..Known::default()
    }
}

/// Whether it is an answer: nobody, or several.
pub(super) fn is_nobody(error: &Error) -> bool {
    if let Error::Peer(status) = error {
        return reason(status).as_deref() == Some("PEOPLE_AMBIGUOUS");
    }
    matches!(error, Error::PersonUnknown | Error::Account(_))
}

/// How long marking one guest may take, for whom nobody waits.
pub(super) const MARKING_TIME_MAX: Duration = Duration::from_secs(5);

/// As who a guest is looked for, by whoever marks.
pub(super) fn named(desk: &Desk, guest: &Guest) -> Option<Named> {
    match desk.names(guest) {
        Ok(By::Names(named)) => Some(named),
        Ok(By::Pass(pass)) => Some(Named::Person(pass.person)),
        Err(_) => None,
    }
}
