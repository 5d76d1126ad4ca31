use klout_model::AccountKey;
use klout_proto::graph::v1::{CreatePersonRequest, CreatePersonResponse};

use super::{GraphRpc, note};
use crate::{
    account::Account,
    create::{self, Created, NewPerson},
    error::Error,
    link_account::ACCOUNTS_MAX,
    profile::{Change, Profile, Told},
    state::By,
};

pub(super) async fn create_person(
    rpc: &GraphRpc,
    caller: &str,
    request: CreatePersonRequest,
) -> Result<CreatePersonResponse, Error> {
    let request = parse(&rpc.account_key, request)?;
    let changes = !request.change.is_empty();
    let by = By { caller, note: note::JOINED, now: rpc.clock.now() };
    let made = create::people(&rpc.db, rpc.age_rules, &[request], &by).await?;
    let created = made.people.into_iter().next().expect("as many as there were requests")?;
    if created.created || changes {
        rpc.owners_changed.ring();
    }
    rpc.tell(&made.moved).await?;
    Ok(encode(created))
}

pub(super) fn parse(key: &AccountKey, request: CreatePersonRequest) -> Result<NewPerson, Error> {
    if i64::try_from(request.accounts.len()).is_ok_and(|count| count > ACCOUNTS_MAX) {
        return Err(Error::field("accounts", "has more than 100"));
    }
    let somewhere = !(request.country.is_empty() && request.city.is_empty());
    let told = |text: String| (!text.is_empty()).then_some(text);
    let change = Change::parse(Told {
        country: somewhere.then_some(request.country),
        city: somewhere.then_some(request.city),
        display_name: told(request.display_name),
        languages: (!request.languages.is_empty()).then_some(request.languages),
        time_zone: told(request.time_zone),
        age_band: told(request.age_band),
    })?;
    let profile = change.clone().from(&Profile::default())?;
    let withheld_purposes = request.withheld_purposes.iter().enumerate();
    let withheld_purposes = withheld_purposes
        .map(|(index, purpose)| {
            let field = || format!("withheld_purposes[{index}]");
            purpose.parse().map_err(|unknown| Error::field(field(), unknown))
        })
        .collect::<Result<_, _>>()?;
    let accounts = request.accounts.into_iter().enumerate();
    let accounts = accounts
        .map(|(index, account)| Account::parse(key, &format!("accounts[{index}]"), account))
        .collect::<Result<_, _>>()?;
    Ok(NewPerson { accounts, change, profile, withheld_purposes })
}

pub(super) fn encode(created: Created) -> CreatePersonResponse {
    CreatePersonResponse { person: Some(created.person), created: created.created }
}
