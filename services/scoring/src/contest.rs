//! Cases of people who say that their scores are wrong.

use klout_chassis::{Caller, Lookups, Seen};
use klout_model::PersonId;
use klout_proto::{
    convert,
    score::v1::{Contest, Explanation},
};
use prost::Message as _;
use sqlx::PgPool;
use tracing::instrument;

use crate::{
    error::Error,
    finding,
    store::{self, person_state::Standing},
};

/// Cases of a person that wait for an answer.
const OPEN_MAX: i64 = 10;

/// Opens a case, once a request.
#[instrument(name = "open_contest", skip_all)]
pub(crate) async fn open(
    db: &PgPool,
    person: i64,
    reason: &str,
    request_id: &str,
    explanation: Option<&[u8]>,
) -> Result<store::contest::Contest, Error> {
    let store = Error::store;
    let mut transaction = db.begin().await.map_err(store("begin to open a case"))?;
    store::standing::share_lock(&mut transaction)
        .await
        .map_err(store("wait for changes of states"))?;
    let standing = store::person_state::find(&mut *transaction, &[person]).await;
    let standing = standing.map_err(store("look who is a member"))?;
    if let (Some(Standing::Gone | Standing::Moved(_)), Some(person)) =
        (standing.get(&person), PersonId::new(person))
    {
        // Since the caller looked.
        return Err(Error::PersonUnknown { person });
    }
    // So that two at once are counted.
    store::contest::lock(&mut transaction, person).await.map_err(store("wait for other cases"))?;
    let before = store::contest::by_request(&mut *transaction, person, request_id).await;
    if let Some(before) = before.map_err(store("look for the case"))? {
        if before.reason == reason {
            return Ok(before);
        }
        // Whoever said that may be somebody else.
        let problem = "names another case of this person";
        return Err(Error::FieldInvalid { field: "request_id", problem });
    }
    let open = store::contest::count_open(&mut *transaction, person).await;
    let open = open.map_err(store("count cases"))?;
    if open >= OPEN_MAX {
        return Err(Error::ContestsTooMany { open });
    }
    let opened =
        store::contest::append(&mut *transaction, person, reason, request_id, explanation).await;
    let opened = opened.map_err(store("open a case"))?;
    transaction.commit().await.map_err(store("commit a case"))?;
    Ok(opened)
}

/// Answers a case, and reverses `findings`, which are in order and once each.
#[instrument(name = "answer_contest", skip_all, fields(contest))]
pub(crate) async fn answer(
    db: &PgPool,
    contest: i64,
    answer: &str,
    findings: &[i64],
) -> Result<store::contest::Contest, Error> {
    let store = Error::store;
    let mut transaction = db.begin().await.map_err(store("begin to answer a case"))?;
    let found = store::contest::find_locked(&mut transaction, contest).await;
    let Some(found) = found.map_err(store("look for the case"))? else {
        return Err(Error::ContestUnknown { contest: contest.to_string() });
    };
    if let Some(before) = &found.answer {
        let same = before == answer && found.reversed_findings == findings;
        return if same { Ok(found) } else { Err(Error::ContestAnswered { contest }) };
    }
    finding::reverse_all(&mut transaction, findings).await?;
    let answered = store::contest::answer(&mut transaction, contest, answer, findings).await;
    let answered = answered.map_err(store("answer a case"))?;
    transaction.commit().await.map_err(store("commit an answer"))?;
    Ok(answered)
}

/// A case as `caller` is shown it. With the explanation it has the whole score of that moment, so it is a look at both.
pub(crate) fn shown_to(
    caller: &Caller,
    lookups: &Lookups,
    contest: store::contest::Contest,
) -> Result<Contest, Error> {
    let person = PersonId::new(contest.person_id);
    let contest = to_wire(contest)?;
    if let Some(person) = person.filter(|_| contest.explanation.is_some()) {
        lookups.note(caller, Seen::Explanation, person);
    }
    Ok(contest)
}

/// A case as the wire has it.
fn to_wire(contest: store::contest::Contest) -> Result<Contest, Error> {
    let explanation = contest.explanation.as_deref().map(Explanation::decode).transpose();
    let state = if contest.answer.is_some() { "ANSWERED" } else { "OPEN" };
    let reversed = contest.reversed_findings.iter().map(ToString::to_string);
    Ok(Contest {
        contest: contest.contest_id.to_string(),
        person: contest.person_id.to_string(),
        state: state.to_owned(),
        reason: contest.reason,
        open_time: Some(convert::timestamp(contest.open_time)),
        explanation: explanation.map_err(Error::Explanation)?,
        answer: contest.answer.unwrap_or_default(),
        answer_time: contest.answer_time.map(convert::timestamp),
        reversed_findings: reversed.collect(),
    })
}
