//! Gives a +K.
//!
//! What costs nothing is looked at first, so that whoever asks for more than they have is refused without a lock and
//! without a call. Then, under a lock of the giver's row that only one holds, everything is looked at again: on how
//! many devices and replicas somebody gives at once, each sees what the others gave.

use std::collections::BTreeMap;

use klout_model::{AccountId, NativeId, Network, PersonId};
use sqlx::PgConnection;
use time::OffsetDateTime;
use tracing::instrument;

use super::{
    NETWORK, PlusK, Vouching, given_lately, hold_and_keep, random_id,
    rules::{self, Budget, Refused},
};
use crate::{
    account::Account, announce::Consumer, error::Error, people, proof::Proof, store, topics::Topic,
};

/// Who gives whom what.
#[derive(Clone, Debug)]
pub(crate) struct Wish {
    pub(crate) giver: PersonId,
    pub(crate) receiver: PersonId,
    /// A slug or an id.
    pub(crate) topic: String,
    pub(crate) request_id: Option<String>,
}

/// Who they are, and what the topic is.
struct Meant<'a> {
    giver: i64,
    receiver: i64,
    topic: Topic,
    request_id: Option<&'a str>,
}

// === impl Vouching ===

impl Vouching {
    /// Gives one, or finds the one that was given by this request.
    #[instrument(name = "give_plus_k", skip_all)]
    pub(crate) async fn give(&self, wish: &Wish) -> Result<(PlusK, Budget), Error> {
        let store = Error::store;
        let (giver, receiver) = self.two(wish.giver, ("receiver", wish.receiver)).await?;
        let mut connection = self.db.acquire().await.map_err(store("reach the store"))?;
        let request_id = wish.request_id.as_deref();
        if let Some(given) = repeated(&mut connection, giver.person, request_id).await? {
            let topic_is_same =
                Topic { id: given.topic_id, slug: given.topic.clone() }.is_called(&wish.topic);
            if given.receiver != receiver.person || !topic_is_same {
                return Err(Error::RequestIdReused);
            }
            let budget = self.budget(&mut connection, giver.person, &giver.time_zone).await?;
            return Ok((given, budget));
        }
        let budget = self.budget(&mut connection, giver.person, &giver.time_zone).await?;
        if budget.left == 0 {
            return Err(Refused::Spent(budget).into());
        }
        may_be_given(&mut connection, receiver.person, giver.person).await?;
        // No connection is kept while another service is asked.
        drop(connection);
        let topics = self.topics.of_person(receiver.person).await?;
        let topic = self.topics.of_these(&topics, &wish.topic).await?;
        let (giver, receiver) = (giver.person, receiver.person);
        self.commit(&Meant { giver, receiver, topic, request_id }).await
    }

    async fn commit(&self, meant: &Meant<'_>) -> Result<(PlusK, Budget), Error> {
        let store = Error::store;
        let Meant { giver, receiver, topic, request_id } = meant;
        let mut transaction = self.db.begin().await.map_err(store("begin to give"))?;
        let zone = hold_and_keep(&mut transaction, *giver, *receiver).await?;
        let now = self.now();
        if let Some(given) = repeated(&mut transaction, *giver, *request_id).await? {
            if (given.receiver, given.topic_id) != (*receiver, topic.id) {
                return Err(Error::RequestIdReused);
            }
            let budget = self.budget(&mut transaction, *giver, &zone).await?;
            return Ok((given, budget));
        }
        may_be_given(&mut transaction, *receiver, *giver).await?;
        let mut lately = given_lately(&mut transaction, *giver, now).await?;
        rules::may_give(&lately, (*receiver, topic.id), &zone, now, self.daily)?;

        let is_new = self.link(&mut transaction, [*giver, *receiver], now).await?;
        let given = PlusK {
            id: random_id(),
            giver: *giver,
            receiver: *receiver,
            topic_id: topic.id,
            topic: topic.slug.clone(),
            give_time: now,
            take_back_time: None,
            thank_time: None,
            thanks: String::new(),
            thanks_public: false,
            giver_native: *giver,
            receiver_native: *receiver,
        };
        store::plus_k::insert(&mut *transaction, &given, &zone, *request_id)
            .await
            .map_err(store("write a +K"))?;
        store::plus_k_outbox::append(&mut *transaction, &given, false)
            .await
            .map_err(store("have a +K told"))?;
        transaction.commit().await.map_err(store("commit a +K"))?;
        self.given.notify_one();
        if is_new {
            self.owners_changed.ring();
        }
        lately.push(rules::Given {
            receiver: *receiver,
            topic: topic.id,
            time: now,
            time_zone: zone.clone(),
            taken_back: false,
        });
        Ok((given, rules::budget(&lately, &zone, now, self.daily)))
    }

    /// Gives people their account of the network on which members vouch. Returns whether one was new.
    async fn link(
        &self,
        db: &mut PgConnection,
        people: [i64; 2],
        now: OffsetDateTime,
    ) -> Result<bool, Error> {
        let store = Error::store;
        let network: Network = NETWORK.parse().expect("a network's name");
        let accounts = people.map(|person| {
            let native_id: NativeId = person.to_string().parse().expect("digits are a native id");
            let (id, tag) = self.account_key.account(&network, &native_id);
            let handle = native_id.clone();
            (Account { id, tag, network: network.clone(), native_id, handle }, person)
        });
        let ids: Vec<AccountId> = accounts.iter().map(|(account, _)| account.id).collect();
        let owners = store::account::owners(&mut *db, &ids).await;
        let owners = owners.map_err(store("read who owns accounts"))?;
        let mut missing = BTreeMap::new();
        for (account, person) in &accounts {
            match owners.get(&account.id) {
                None => {
                    let person = PersonId::new(*person).expect("it was found by this id");
                    missing.insert(account.id, (account, person));
                }
                Some(owner) => {
                    people::same_account(account, &owner.tag)?;
                    if owner.person.get() != *person {
                        return Err(taken(account));
                    }
                }
            }
        }
        if missing.is_empty() {
            return Ok(false);
        }
        let linked = store::account::insert(&mut *db, &missing, Proof::Operator, now).await;
        let linked = linked.map_err(store("link accounts"))?;
        store::membership_outbox::append(&mut *db, &Consumer::ALL, &linked)
            .await
            .map_err(store("announce accounts"))?;
        Ok(!linked.is_empty())
    }
}

impl From<Refused> for Error {
    fn from(refused: Refused) -> Self {
        match refused {
            Refused::Given { again_time } => Self::PlusKGiven { again_time },
            Refused::Spent(Budget { daily, reset_time, .. }) => {
                Self::BudgetSpent { daily, reset_time }
            }
        }
    }
}

/// What was given by this request.
async fn repeated(
    db: &mut PgConnection,
    giver: i64,
    request_id: Option<&str>,
) -> Result<Option<PlusK>, Error> {
    let Some(request_id) = request_id else { return Ok(None) };
    let found = store::plus_k::by_request(db, giver, request_id).await;
    found.map_err(Error::store("look for a request"))
}

/// Refuses a giver, or a proposer, who is blocked.
pub(super) async fn may_be_given(
    db: &mut PgConnection,
    receiver: i64,
    giver: i64,
) -> Result<(), Error> {
    let blocked = store::block::is_there(db, receiver, giver).await;
    if blocked.map_err(Error::store("look for a block"))? {
        return Err(Error::GiverBlocked);
    }
    Ok(())
}

fn taken(account: &Account) -> Error {
    Error::AccountLinked {
        network: account.network.clone(),
        native_id: account.native_id.to_string(),
    }
}
