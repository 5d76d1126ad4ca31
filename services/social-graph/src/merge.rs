//! Makes two people one.

use std::collections::BTreeMap;

use klout_model::{PersonId, Purpose};
use klout_proto::graph::v1::Person;
use sqlx::{PgConnection, PgPool};
use tracing::instrument;

use crate::{
    age::AgeRules,
    announce::Consumer,
    error::Error,
    link_account::ACCOUNTS_MAX,
    people,
    profile::{self, Profile},
    state::{By, Change, Standing, State, Turn},
    store::{self, person::Known},
};

/// Who stayed, and of whom other services have to be told.
#[derive(Debug)]
pub(crate) struct Merged {
    pub(crate) person: Person,
    pub(crate) moved: Vec<PersonId>,
}

/// Makes `person` be `into`, each of whom may have been merged before. Whoever was merged into `person` is `into` too
/// from now on, so that nobody who is looked for is looked for twice.
///
/// Only who has the turn merges, so what was merged before stays as it is until the end.
#[instrument(skip_all)]
pub(crate) async fn people(
    db: &PgPool,
    rules: AgeRules,
    person: PersonId,
    into: PersonId,
    by: &By<'_>,
) -> Result<Merged, Error> {
    let store = Error::store;
    let mut transaction = db.begin().await.map_err(store("begin to merge people"))?;
    let turn = Turn::take(&mut transaction).await?;
    let into = standing(&mut transaction, into).await?.state.into().unwrap_or(into);
    let merged = standing(&mut transaction, person).await?.state.into();
    if merged == Some(into) {
        let person = people::theirs(&mut transaction, into).await?;
        return Ok(Merged { person, moved: Vec::new() });
    }
    if let Some(somebody) = merged {
        return Err(Error::PersonMerged { person, into: somebody });
    }
    if person == into {
        return Err(Error::field("into_person", "is the same person"));
    }

    let known = store::person::lock(&mut *transaction, &[person, into])
        .await
        .map_err(store("lock people"))?;
    let there = |person| {
        let known = known.get(&person).filter(|known| known.standing.state.is_there());
        known.ok_or(Error::PersonUnknown { person })
    };
    let (from_known, into_known) = (there(person)?, there(into)?);
    let counts = store::account::counts(&mut *transaction, &[person, into])
        .await
        .map_err(store("count accounts"))?;
    if counts.values().sum::<i64>() > ACCOUNTS_MAX {
        return Err(Error::AccountsTooMany { max: ACCOUNTS_MAX });
    }

    move_belongings(&mut transaction, person, into).await?;
    turn.change(&mut transaction, person, &[Change::State(State::Merged { into })], by).await?;
    let mut moved = turn.redirect(&mut transaction, person, into).await?;
    moved.extend([person, into]);
    keep_the_younger(&mut transaction, &turn, rules, by, from_known, (into, into_known)).await?;
    let withheld = withheld(&from_known.standing);
    turn.change(&mut transaction, into, &withheld, by).await?;
    // What was the other's is announced as theirs, whatever else changed of them.
    let revisions = store::account::renew_revisions(&mut *transaction, &[into])
        .await
        .map_err(store("number accounts anew"))?;
    store::membership_outbox::append(&mut *transaction, &Consumer::ALL, &revisions)
        .await
        .map_err(store("announce accounts"))?;
    let person = people::theirs(&mut transaction, into).await?;
    transaction.commit().await.map_err(store("commit a merge"))?;
    Ok(Merged { person, moved })
}

/// Everything that hangs on a person, and is to hang on another one.
pub(crate) async fn move_belongings(
    db: &mut PgConnection,
    from: PersonId,
    into: PersonId,
) -> Result<(), Error> {
    let store = Error::store;
    store::account::give_all(&mut *db, from, into).await.map_err(store("move accounts"))?;
    store::contact::give_all(&mut *db, from, into).await.map_err(store("move contacts"))?;
    store::dispute::give_all(&mut *db, from, into).await.map_err(store("move disputes"))?;
    store::plus_k::move_to(&mut *db, from.get(), into.get()).await.map_err(store("move +K"))
}

/// Of two ages that one person told the younger holds: nobody comes of age by a merge.
async fn keep_the_younger(
    db: &mut PgConnection,
    turn: &Turn,
    rules: AgeRules,
    by: &By<'_>,
    from: &Known,
    (into, known): (PersonId, &Known),
) -> Result<(), Error> {
    let told = [from.profile.age_band, known.profile.age_band];
    let age_band = told.into_iter().flatten().min();
    let profile = Profile { age_band, ..known.profile.clone() };
    let before = BTreeMap::from([(into, known.clone())]);
    let profiles = BTreeMap::from([(into, profile)]);
    profile::write(db, Some(turn), rules, by, &before, profiles).await?;
    Ok(())
}

/// What either did not consent to, they do not consent to together.
fn withheld(standing: &Standing) -> Vec<Change> {
    let purposes = Purpose::OF_CONSENT.into_iter();
    let purposes = purposes.filter(|it| standing.withheld_purposes.contains(it.as_str()));
    let purposes = purposes.map(|purpose| Change::Purpose { purpose, granted: false });
    let networks = standing.withheld_networks.iter();
    let networks = networks.map(|it| Change::Network { network: it.clone(), granted: false });
    purposes.chain(networks).collect()
}

async fn standing(db: &mut PgConnection, person: PersonId) -> Result<Standing, Error> {
    let standing = store::person::standing(&mut *db, person)
        .await
        .map_err(Error::store("read a person's state"))?;
    standing.ok_or(Error::PersonUnknown { person })
}
