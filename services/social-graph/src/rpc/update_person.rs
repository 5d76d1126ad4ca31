use klout_chassis::{Caller, Seen};
use klout_proto::graph::v1::{UpdatePersonRequest, UpdatePersonResponse};

use super::{GraphRpc, note, parse_person};
use crate::{
    error::Error,
    profile::{Change, Told},
    shown,
    state::By,
    update,
};

pub(super) async fn update_person(
    rpc: &GraphRpc,
    caller: &Caller,
    request: UpdatePersonRequest,
) -> Result<UpdatePersonResponse, Error> {
    let person = parse_person("person", &request.person)?;
    let change = Change::parse(Told {
        country: request.country,
        city: request.city,
        display_name: request.display_name,
        languages: request.languages.map(|it| it.languages),
        time_zone: request.time_zone,
        age_band: request.age_band,
    })?;
    shown::check(&rpc.db, caller, person).await?;
    let by = By { caller: caller.name(), note: note::TOLD_AGE, now: rpc.clock.now() };
    let (person, written) = update::person(&rpc.db, rpc.age_rules, person, change, &by).await?;
    if written.announced {
        rpc.owners_changed.ring();
    }
    rpc.tell(&written.moved).await?;
    // The answer is the whole profile, whatever was changed, also when nothing was.
    rpc.lookups.note(caller, Seen::Profile, parse_person("person", &person.person)?);
    Ok(UpdatePersonResponse { person: Some(shown::as_told(caller, person)) })
}
