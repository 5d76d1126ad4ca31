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
    store,
};

/// How likely it has to be that a guest is somebody, so that nobody gets what is another's.
const MIN_LIKELIHOOD: f64 = 0.95;

/// How old a mark may be from which a desk decides when scoring does not answer.
const MARK_TIME_MAX: time::Duration = time::Duration::hours(24);

/// Somebody, and what is known of them.
#[derive(Clone, Debug)]
pub(super) struct Found {
    pub(super) person: Person,
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
    /// What tells this guest and room from others.
    pub(super) fn fingerprint(&self, question: &Question) -> [u8; 32] {
        let Question { guest, booked_category, .. } = question;
        // A guest who comes back with a newer pass is the same.
        let holder = self.0.passes.holder(&guest.pass);
        let guest = match holder {
            Some(holder) => {
                Guest { person: holder.to_string(), pass: String::new(), ..guest.clone() }
            }
            None => guest.clone(),
        };
        let guest = guest.encode_to_vec();
        let length = u64::try_from(guest.len()).unwrap_or(u64::MAX).to_le_bytes();
        let text = [&length[..], &guest, booked_category.as_bytes()].concat();
        *blake3::keyed_hash(&self.0.fingerprints, &text).as_bytes()
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
            Ok(Ok(person)) => return Ok(Ok(Found { person })),
            Ok(Err(error)) if is_nobody(&error) => {
                return Ok(Err(Nobody { problem: "", is_lasting: true }));
            }
            Ok(Err(error)) => error,
            Err(_) => Error::Slow,
        };
        debug!(error = &error as &dyn std::error::Error, "a desk decides from what was known");
        let known = match pass {
            Some(pass) => Some((pass.person, of_pass(pass))),
            None => self.marked(&stay.question, &named).await?,
        };
        match known {
            Some((id, facts)) if self.consents(id).await? => {
                Ok(Ok(Found { person: Person { id, facts } }))
            }
            Some(_) => Ok(Err(Nobody { problem: "", is_lasting: true })),
            None => Err(error),
        }
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
    async fn marked(
        &self,
        question: &Question,
        named: &Named,
    ) -> Result<Option<(PersonId, Known)>, Error> {
        let (property, stay) = (&question.property.property, &question.stay);
        let since = self.0.clock.now() - MARK_TIME_MAX;
        let found = store::arrival::find(&self.0.db, property, stay, since).await;
        let Some((id, facts)) = found.map_err(Error::store("read a mark"))? else {
            return Ok(None);
        };
        let id = PersonId::new(id).filter(|id| match named {
            Named::Person(person) => person == id,
            // Who else that may be cannot be asked now; the stay is the one that was marked.
            Named::Account(_) | Named::Guest { .. } => true,
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
