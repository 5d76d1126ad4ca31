use klout_chassis::{Caller, Seen};
use klout_model::Score;
use klout_proto::perk::v1::{IssuePassRequest, IssuePassResponse};
use time::Duration;

use super::{DeskRpc, show};
use crate::{
    error::Error,
    facts::Named,
    passes::{self, Pass, VALID_TIME, VALID_TIME_MAX, VALID_TIME_MIN},
};

pub(super) async fn issue_pass(
    rpc: &DeskRpc,
    caller: &Caller,
    request: IssuePassRequest,
) -> Result<IssuePassResponse, Error> {
    let person = request.person.parse();
    let person = person.map_err(|_| Error::field("person", "is not the id of a person"))?;
    let valid_duration = match &request.valid_duration {
        None => VALID_TIME,
        Some(it) => Duration::new(it.seconds, it.nanos),
    };
    if !(VALID_TIME_MIN..=VALID_TIME_MAX).contains(&valid_duration) {
        return Err(Error::field("valid_duration", "is not from 10 s to 10 minutes"));
    }
    let person = rpc.facts.gather(&Named::Person(person)).await?;
    rpc.lookups.note(caller, Seen::Perks, person.id);
    // What networks say that forbid rewards is in it no more than in what rules see.
    let score = person.facts.rules.score.ok_or(Error::ScoreUnknown)?;
    let now = rpc.clock.now();
    let issue_time = now.replace_nanosecond(0).unwrap_or(now);
    let pass = Pass {
        person: person.id,
        score,
        bucket: Score::new(score).map(|it| it.bucket().to_string()).unwrap_or_default(),
        model: person.facts.model,
        issue_time,
        expire_time: issue_time + valid_duration,
    };
    // Last: whoever verifies it without us cannot ask any more.
    if !rpc.desk.consents(pass.person).await? {
        return Err(Error::PersonUnknown);
    }
    let signed = rpc.passes.sign(&pass);
    Ok(IssuePassResponse {
        qr_svg: passes::qr_svg(&signed),
        pass: signed,
        claims: Some(show::claims(&pass)),
    })
}
