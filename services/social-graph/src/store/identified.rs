//! By which statements somebody is told apart, over rows that only a test writes so.

use std::sync::{Arc, Mutex};

use klout_chassis::Caller;
use klout_model::{AccountKey, PersonId, Purpose};
use klout_proto::graph::v1::{AccountName, Contacts, account_name};
use klout_testkit::Stores;
use sqlx::PgPool;
use tracing::{Subscriber, instrument::WithSubscriber as _, span};
use tracing_subscriber::layer::{Context, Layer, SubscriberExt as _};

use super::MIGRATOR;
use crate::{
    account::Named,
    contact::{Contact, ContactKeys},
    identify::{Customer, Names, identify},
};

/// Each statement is a span.
#[derive(Clone, Debug, Default)]
struct Statements(Arc<Mutex<Vec<&'static str>>>);

impl<S: Subscriber> Layer<S> for Statements {
    fn on_new_span(&self, span: &span::Attributes<'_>, _: &span::Id, _: Context<'_, S>) {
        let name = span.metadata().name();
        if name.starts_with("db.") {
            self.0.lock().expect("not poisoned").push(name);
        }
    }
}

struct World {
    db: PgPool,
    account_key: AccountKey,
    keys: ContactKeys,
}

impl World {
    /// Of whom everybody is called as their number.
    async fn start(people: std::ops::Range<i64>) -> Self {
        let db = Stores::fresh().await.db().await;
        MIGRATOR.run(&db).await.expect("the schema is made");
        let account_key = AccountKey::new([7; 32]);
        let world = Self { db, keys: ContactKeys::new(&account_key, ""), account_key };
        for person in people {
            world.join(person).await;
        }
        world
    }

    async fn join(&self, person: i64) {
        sqlx::query("insert into social_graph.person (person_id, create_time) values ($1, now())")
            .bind(person)
            .execute(&self.db)
            .await
            .expect("somebody");
        let (network, native_id) = ("bluesky".parse(), format!("did:{person}").parse());
        let (network, native_id) = (network.expect("a network"), native_id.expect("an id"));
        let account = self.account_key.account(&network, &native_id);
        sqlx::query(
            "insert into social_graph.account (account_id, tag, network, native_id, handle, handle_time, person_id, link_time)
            values ($1, $2, 'bluesky', $3, $4, now(), $5, now())",
        )
        .bind(account.0.0)
        .bind(account.1.0.as_slice())
        .bind(format!("did:{person}"))
        .bind(format!("name{person}"))
        .bind(person)
        .execute(&self.db)
        .await
        .expect("an account");
        let (contacts, _) = Contact::parse_usable(email(person)).expect("an address");
        sqlx::query(
            "insert into social_graph.contact (contact_hash, kind, key_version, person_id, add_time)
            values ($1, 'email', 1, $2, now())",
        )
        .bind(self.keys.hashes(contacts[0].sha)[0].0.as_slice())
        .bind(person)
        .execute(&self.db)
        .await
        .expect("a contact");
    }

    /// Named by everything there is.
    fn customers(&self, people: std::ops::Range<i64>) -> Vec<Customer> {
        people
            .map(|person| {
                let name = |name| AccountName { network: "bluesky".to_owned(), name: Some(name) };
                let names = [
                    name(account_name::Name::NativeId(format!("did:{person}"))),
                    name(account_name::Name::Handle(format!("name{person}"))),
                ];
                let accounts = names.map(|name| {
                    Named::parse(&self.account_key, "account", Some(name)).expect("an account")
                });
                let contacts = Contact::parse_usable(email(person)).expect("an address").0;
                let names = Names::Several { accounts: accounts.into(), contacts };
                Customer { names, min: 0.95 }
            })
            .collect()
    }

    /// Who is found, and by which statements.
    async fn ask(
        &self,
        purpose: Purpose,
        customers: &[Customer],
    ) -> (Vec<Option<i64>>, Vec<&'static str>) {
        let statements = Statements::default();
        let caller = Caller::new("acme", purpose.as_str()).expect("a caller");
        let found = identify(&self.db, &self.keys, &caller, customers)
            .with_subscriber(tracing_subscriber::registry().with(statements.clone()))
            .await
            .expect("answered");
        let found = found.into_iter().map(|it| it.ok().map(|it| it.person.get())).collect();
        let statements = statements.0.lock().expect("not poisoned").clone();
        (found, statements)
    }
}

fn email(person: i64) -> Contacts {
    Contacts { emails: vec![format!("{person}@example.org")], ..Contacts::default() }
}

#[tokio::test]
async fn the_same_statements_are_made_for_somebody_for_who_is_hidden_and_for_nobody() {
    let world = World::start(1..4).await;
    let execute = async |statement| {
        sqlx::query(statement).execute(&world.db).await.expect(statement);
    };
    execute("update social_graph.person set withheld_purposes = '{crm}' where person_id = 2").await;
    execute("update social_graph.person set state = 'OPTED_OUT' where person_id = 3").await;

    let mut all = Vec::new();
    for person in 1..5 {
        let asked = world.ask(Purpose::Crm, &world.customers(person..person + 1)).await;
        let by_id =
            Customer { names: Names::Person(PersonId::new(person).expect("a person")), min: 0.95 };
        let by_id = world.ask(Purpose::Crm, &[by_id]).await;
        assert_eq!(asked.0, [(person == 1).then_some(person)]);
        assert_eq!(by_id.0, asked.0);
        all.push((asked.1, by_id.1));
    }
    assert!(all.iter().all(|it| *it == all[0]), "{all:?}");
    assert_eq!((all[0].0.len(), all[0].1.len()), (3, 1));
}

#[tokio::test]
async fn a_thousand_customers_are_asked_for_in_as_many_statements_as_one() {
    let world = World::start(1..3).await;
    let (found, statements) = world.ask(Purpose::Crm, &world.customers(1..1_001)).await;
    assert_eq!((found.len(), found.iter().flatten().count()), (1_000, 2));
    assert_eq!(statements.len(), 3, "{statements:?}");
}
