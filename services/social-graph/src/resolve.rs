//! Tells who owns accounts.

use std::collections::{BTreeMap, BTreeSet};

use klout_chassis::Caller;
use klout_model::{AccountId, NativeId, Network, PersonId};
use sqlx::PgPool;
use tracing::instrument;

use crate::{
    account::Named,
    error::Error,
    shown::Hidden,
    state::State,
    store::{
        self,
        account::{Called, Owner},
    },
};

/// What the database knows about some accounts.
#[derive(Debug)]
pub(crate) struct Known {
    owners: BTreeMap<AccountId, Owner>,
    /// By network and handle, as that network compares handles.
    called: BTreeMap<(Network, String), Vec<Called>>,
    hidden: Hidden,
}

/// Which member owns each of these accounts, as far as `caller` may know; in at most two statements.
#[instrument(skip_all, fields(accounts.len = accounts.len()))]
pub(crate) async fn resolve(
    db: &PgPool,
    caller: &Caller,
    accounts: &[Named],
) -> Result<Vec<Result<PersonId, Error>>, Error> {
    let known = Known::read(db, caller, accounts).await?;
    Ok(accounts.iter().map(|account| known.owner(account)).collect())
}

// === impl Known ===

impl Known {
    /// In a statement for native ids and one for handles, if any are named.
    pub(crate) async fn read<'a>(
        db: &PgPool,
        caller: &Caller,
        accounts: impl IntoIterator<Item = &'a Named>,
    ) -> Result<Self, Error> {
        let (mut ids, mut handles) = (Vec::new(), Vec::new());
        for account in accounts {
            match account {
                Named::NativeId { id, .. } => ids.push(*id),
                Named::Handle { network, handle } => handles.push((network, handle)),
            }
        }
        let mut known =
            Self { owners: BTreeMap::new(), called: BTreeMap::new(), hidden: Hidden::from(caller) };
        if !ids.is_empty() {
            known.owners = store::account::owners(db, &ids)
                .await
                .map_err(Error::store("read who owns accounts"))?;
        }
        if !handles.is_empty() {
            let called = store::account::called(db, &handles)
                .await
                .map_err(Error::store("read who is called so"))?;
            for account in called {
                let compared = account.network.compared(&account.handle);
                let key = (account.network.clone(), compared);
                known.called.entry(key).or_default().push(account);
            }
        }
        Ok(known)
    }

    pub(crate) fn owner(&self, account: &Named) -> Result<PersonId, Error> {
        match account {
            Named::NativeId { id, network, native_id } => {
                let shown = |owner: &&Owner| {
                    owner.state == State::Member
                        && !self.hidden.account(owner.withheld)
                        && !self.hidden.person(&owner.withheld_purposes)
                };
                match self.owners.get(id).filter(shown) {
                    Some(owner) => Ok(owner.person),
                    None => Err(unknown(network, native_id)),
                }
            }
            Named::Handle { network, handle } => self.called(network, handle),
        }
    }

    fn called(&self, network: &Network, handle: &NativeId) -> Result<PersonId, Error> {
        let called = self.called.get(&(network.clone(), network.compared(handle.as_str())));
        let called = called.map(Vec::as_slice).unwrap_or_default();
        let newest = called.iter().map(|account| account.handle_time).max();
        // Who had the handle before has lost it, though nobody has told what they are called now. That holds when
        // the one who has it now is not shown, too.
        let has_it = |account: &&Called| {
            account.shown && (!network.has_unique_handles() || Some(account.handle_time) == newest)
        };
        // Whoever is hidden has the handle nevertheless, and it is not told that a name is theirs too.
        let shown = |account: &&Called| {
            !self.hidden.account(account.withheld)
                && !self.hidden.person(&account.withheld_purposes)
        };
        let mut called: Vec<&Called> = called.iter().filter(has_it).filter(shown).collect();
        // Of several that differ in capitals the one is meant that is written so.
        let is_written_so = |account: &&Called| account.handle == handle.as_str();
        if called.iter().any(is_written_so) {
            called.retain(is_written_so);
        }
        let people: BTreeSet<_> = called.iter().map(|account| account.person).collect();
        match people.first() {
            None => Err(unknown(network, handle)),
            Some(person) if people.len() == 1 => Ok(*person),
            Some(_) => Err(Error::HandleAmbiguous {
                network: network.clone(),
                handle: handle.to_string(),
                native_ids: called.iter().map(|account| account.native_id.clone()).collect(),
            }),
        }
    }
}

fn unknown(network: &Network, name: &NativeId) -> Error {
    Error::AccountUnknown { network: network.clone(), name: name.to_string() }
}
