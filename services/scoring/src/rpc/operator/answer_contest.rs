use std::collections::BTreeSet;

use klout_chassis::Caller;
use klout_proto::score::v1::{AnswerContestRequest, AnswerContestResponse};

use super::OperatorRpc;
use crate::{
    contest::{self, shown_to},
    error::Error,
    finding,
    rpc::text,
};

/// Findings that one answer reverses.
const FINDINGS_MAX: usize = 1_000;

pub(super) async fn answer_contest(
    rpc: &OperatorRpc,
    caller: &Caller,
    request: AnswerContestRequest,
) -> Result<AnswerContestResponse, Error> {
    let unknown = |_| Error::ContestUnknown { contest: request.contest.clone() };
    let contest: i64 = request.contest.parse().map_err(unknown)?;
    text::check("answer", &request.answer)?;
    if request.reversed_findings.len() > FINDINGS_MAX {
        let (field, problem) = ("reversed_findings", "is more than 1,000");
        return Err(Error::FieldInvalid { field, problem });
    }
    let findings: BTreeSet<i64> =
        request.reversed_findings.iter().map(|it| finding::parse(it)).collect::<Result<_, _>>()?;
    let findings: Vec<i64> = findings.into_iter().collect();
    let answered = contest::answer(&rpc.db, contest, &request.answer, &findings).await?;
    rpc.evidence_grew.notify_one();
    Ok(AnswerContestResponse { contest: Some(shown_to(caller, &rpc.lookups, answered)?) })
}
