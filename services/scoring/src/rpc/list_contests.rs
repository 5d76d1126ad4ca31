use klout_chassis::Caller;
use klout_proto::score::v1::{ListContestsRequest, ListContestsResponse};

use super::{ScoreRpc, get_score::parse_person, page};
use crate::{
    contest::shown_to,
    error::Error,
    store::{self, contest::Which},
};

pub(super) async fn list_contests(
    rpc: &ScoreRpc,
    caller: &Caller,
    request: ListContestsRequest,
) -> Result<ListContestsResponse, Error> {
    let person = match request.person.as_str() {
        "" => None,
        person => {
            let person = parse_person("person", person)?;
            Some(rpc.reader.visible(person, caller.purpose()).await?.person.get())
        }
    };
    let size = page::size(request.page_size, 20, 100)?;
    let before = page::before(&request.page_token)?;
    let which = Which { person, open_only: request.open_only, before };
    let more = i64::try_from(size + 1).unwrap_or(i64::MAX);
    let mut contests = store::contest::list(&rpc.reader.db, which, more)
        .await
        .map_err(Error::store("read cases"))?;
    let last = page::cut(&mut contests, size);
    let next_page_token = last.map(|last| page::token_before(last.contest_id)).unwrap_or_default();
    let shown = contests.into_iter().map(|it| shown_to(caller, &rpc.lookups, it));
    Ok(ListContestsResponse { contests: shown.collect::<Result<_, _>>()?, next_page_token })
}
