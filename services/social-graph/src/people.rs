//! People with all their accounts, as they are answered.

use std::collections::BTreeMap;

use klout_model::PersonId;
use klout_proto::{convert, graph::v1::Person};
use sqlx::PgConnection;

use crate::{account::Account, error::Error, store};

/// Those of `people` that exist.
pub(crate) async fn find(
    db: &mut PgConnection,
    people: &[PersonId],
) -> Result<BTreeMap<PersonId, Person>, Error> {
    let joined =
        store::person::find(&mut *db, people).await.map_err(Error::store("read people"))?;
    let mut accounts =
        store::account::of_people(&mut *db, people).await.map_err(Error::store("read accounts"))?;
    let people = joined.into_iter().map(|(id, joined)| {
        let person = Person {
            person: id.to_string(),
            accounts: accounts.remove(&id).unwrap_or_default(),
            create_time: Some(convert::timestamp(joined.create_time)),
            country: joined.place.country().to_owned(),
            city: joined.place.city().to_owned(),
            ..Default::default()
        };
        (id, person)
    });
    Ok(people.collect())
}

/// Refuses an account that has the 64 bits of another one's id: it would get the other's reactions.
pub(crate) fn same_account(account: &Account, tag: &[u8]) -> Result<(), Error> {
    if account.tag.0 == tag {
        return Ok(());
    }
    Err(Error::AccountIdShared {
        network: account.network.clone(),
        native_id: account.native_id.to_string(),
    })
}
