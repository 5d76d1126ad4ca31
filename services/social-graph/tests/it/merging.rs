//! Accounts that are taken away, and two people who are one.

use std::collections::{BTreeMap, BTreeSet};

use klout_proto::graph::v1::{
    GetPersonRequest, LinkAccountRequest, MergePeopleRequest, Person, ResolvePersonRequest,
    UnlinkAccountRequest, UpdatePersonRequest,
};
use proptest::{
    collection::vec,
    prelude::{Strategy as _, any},
    strategy::ValueTree as _,
    test_runner::TestRunner,
};
use tonic::{Code, Status};

use crate::world::{Client, World, account, by_native_id, join, told};

async fn merge(client: &mut Client, person: &str, into: &str) -> Result<Person, Status> {
    let (person, into_person) = (person.to_owned(), into.to_owned());
    let response = client.merge_people(MergePeopleRequest { person, into_person }).await?;
    Ok(response.into_inner().person.expect("who stayed"))
}

async fn unlink(client: &mut Client, person: &str, native_id: &str) -> Result<Person, Status> {
    let account = Some(by_native_id(native_id));
    let request = UnlinkAccountRequest { person: person.to_owned(), account };
    Ok(client.unlink_account(request).await?.into_inner().person.expect("always present"))
}

async fn link(client: &mut Client, person: &str, native_id: &str) -> Result<Person, Status> {
    let account = Some(account(native_id, ""));
    let request = LinkAccountRequest { person: person.to_owned(), account };
    Ok(client.link_account(request).await?.into_inner().person.expect("always present"))
}

async fn get(client: &mut Client, person: &str) -> Result<Person, Status> {
    let request = GetPersonRequest { person: person.to_owned() };
    Ok(client.get_person(request).await?.into_inner().person.expect("always present"))
}

async fn owner(client: &mut Client, native_id: &str) -> Result<String, Status> {
    let request =
        ResolvePersonRequest { account: Some(by_native_id(native_id)), ..Default::default() };
    Ok(client.resolve_person(request).await?.into_inner().person)
}

fn native_ids(person: &Person) -> Vec<&str> {
    person.accounts.iter().map(|account| account.native_id.as_str()).collect()
}

/// Who owns each account, as the newest that scoring was told of it has it.
async fn owners(world: &World) -> BTreeMap<i64, i64> {
    let mut told = world.told().await;
    told.sort_by_key(|it| it.revision);
    told.into_iter().map(|it| (it.account_id, it.person_id)).collect()
}

#[tokio::test]
async fn an_account_that_is_taken_away_is_nobodys_until_somebody_links_it() {
    let world = World::start().await;
    let mut client = world.client();
    let ann = join(&mut client, vec![account("did:1", "ann"), account("did:2", "")]).await.person;
    let bob = join(&mut client, vec![]).await.person;

    assert_eq!(native_ids(&unlink(&mut client, &ann, "did:1").await.expect("unlinked")), ["did:2"]);
    assert_eq!(native_ids(&unlink(&mut client, &ann, "did:1").await.expect("again")), ["did:2"]);
    let refused = owner(&mut client, "did:1").await.expect_err("nobody");
    assert_eq!(told(&refused), (Code::NotFound, "PERSON_UNKNOWN".to_owned()));
    let known = owners(&world).await;
    assert_eq!(known.values().filter(|person| **person == 0).count(), 1, "{known:?}");

    link(&mut client, &bob, "did:1").await.expect("free");
    assert_eq!(owner(&mut client, "did:1").await.expect("linked"), bob);
    let people: BTreeSet<_> = owners(&world).await.into_values().collect();
    assert_eq!(people, [&ann, &bob].map(|it| it.parse().expect("a number")).into());

    // Somebody else's is not taken away.
    assert_eq!(native_ids(&unlink(&mut client, &ann, "did:1").await.expect("no")), ["did:2"]);
    assert_eq!(owner(&mut client, "did:1").await.expect("still theirs"), bob);
    let refused = unlink(&mut client, "7", "did:1").await.expect_err("nobody");
    assert_eq!(told(&refused), (Code::NotFound, "PERSON_UNKNOWN".to_owned()));
}

#[tokio::test]
async fn a_merged_person_is_the_other_one_from_then_on() {
    let world = World::start().await;
    let mut client = world.client();
    let ann = join(&mut client, vec![account("did:1", "ann")]).await.person;
    let anna = join(&mut client, vec![account("did:2", "anna")]).await.person;

    let one = merge(&mut client, &ann, &anna).await.expect("merged");
    assert_eq!((&one.person, native_ids(&one)), (&anna, vec!["did:1", "did:2"]));
    assert_eq!(merge(&mut client, &ann, &anna).await.expect("again"), one);
    assert_eq!(get(&mut client, &ann).await.expect("the other"), one);
    assert_eq!(owner(&mut client, "did:1").await.expect("theirs"), anna);
    let people: BTreeSet<_> = owners(&world).await.into_values().collect();
    assert_eq!(people, [anna.parse().expect("a number")].into());
    let state = world.peers.of("scoring").newest(&ann).expect("told");
    assert_eq!((state.state.as_str(), state.into_person_id.to_string()), ("MERGED", anna.clone()));

    // Whoever acts for the merged one acts for the other.
    let linked = link(&mut client, &ann, "did:3").await.expect("linked");
    assert_eq!((&linked.person, native_ids(&linked)), (&anna, vec!["did:1", "did:2", "did:3"]));
}

#[tokio::test]
async fn merges_have_no_cycles_and_a_chain_is_as_long_as_one() {
    let world = World::start().await;
    let mut client = world.client();
    let mut people = Vec::new();
    for id in 0..4 {
        people.push(join(&mut client, vec![account(&format!("did:{id}"), "")]).await.person);
    }
    let [one, two, three, four] = &people[..] else { unreachable!("four") };
    let field = (Code::InvalidArgument, "FIELD_INVALID".to_owned());

    assert_eq!(told(&merge(&mut client, one, one).await.expect_err("the same")), field);
    merge(&mut client, one, two).await.expect("merged");
    assert_eq!(told(&merge(&mut client, two, one).await.expect_err("a cycle")), field);
    let refused = merge(&mut client, one, three).await.expect_err("is another one already");
    assert_eq!(told(&refused), (Code::FailedPrecondition, "PERSON_MERGED".to_owned()));
    merge(&mut client, two, three).await.expect("merged");
    merge(&mut client, three, four).await.expect("merged");
    merge(&mut client, one, two).await.expect("they are one by now");

    for id in [one, two, three, four] {
        let person = get(&mut client, id).await.expect("there");
        assert_eq!((&person.person, person.accounts.len()), (four, 4));
        let state = world.peers.of("topics").newest(id);
        let into = state.map(|state| state.into_person_id.to_string());
        assert_eq!(into, (id != four).then(|| four.clone()), "others hear of nobody who is gone");
    }
    let refused = merge(&mut client, "7", four).await.expect_err("nobody");
    assert_eq!(told(&refused), (Code::NotFound, "PERSON_UNKNOWN".to_owned()));
}

#[tokio::test]
async fn merges_in_a_circle_at_once_leave_one_person() {
    let world = World::start().await;
    let mut people = Vec::new();
    for id in 0..6 {
        people
            .push(join(&mut world.client(), vec![account(&format!("did:{id}"), "")]).await.person);
    }
    let circle = people.iter().zip(people.iter().cycle().skip(1));
    let merges = circle.map(|(person, into)| {
        let mut client = world.client();
        async move { merge(&mut client, person, into).await }
    });
    let merged = futures::future::join_all(merges).await;

    let refused = merged.iter().filter(|merged| merged.is_err()).count();
    assert_eq!(refused, 1, "who would have closed the circle");
    let mut meant = BTreeSet::new();
    for person in &people {
        meant.insert(get(&mut world.client(), person).await.expect("there").person);
    }
    assert_eq!(meant.len(), 1);
}

#[tokio::test]
async fn nobody_comes_of_age_or_has_more_than_a_hundred_accounts_by_a_merge() {
    let world = World::start().await;
    let mut client = world.client();
    let young = join(&mut client, vec![account("did:1", "")]).await.person;
    let old = join(&mut client, vec![account("did:2", "")]).await.person;
    for (person, age_band) in [(&young, "13_15"), (&old, "25_34")] {
        let request = UpdatePersonRequest {
            person: person.clone(),
            age_band: Some(age_band.to_owned()),
            ..Default::default()
        };
        client.update_person(request).await.expect("told");
    }
    let one = merge(&mut client, &young, &old).await.expect("merged");
    assert_eq!((one.state.as_str(), one.age_band.as_str()), ("WITHHELD", "13_15"));

    let many =
        |from: usize| (from..from + 60).map(|id| account(&format!("many:{id}"), "")).collect();
    let one = join(&mut client, many(0)).await.person;
    let other = join(&mut client, many(60)).await.person;
    let refused = merge(&mut client, &one, &other).await.expect_err("too many");
    assert_eq!(told(&refused), (Code::FailedPrecondition, "ACCOUNTS_TOO_MANY".to_owned()));
    assert_eq!(get(&mut client, &one).await.expect("as before").accounts.len(), 60);
}

/// What is done in a history of links and merges, by numbers of people.
#[derive(Clone, Copy, Debug)]
enum Step {
    Link { person: usize, account: usize },
    Merge { person: usize, into: usize },
}

const PEOPLE: usize = 6;

/// Each account is linked once, each person but the last is merged at most once and into a later one, in any order.
fn histories() -> impl proptest::strategy::Strategy<Value = Vec<Step>> {
    let links = vec(0..PEOPLE, 8);
    let merges = vec((any::<bool>(), any::<proptest::sample::Index>()), PEOPLE - 1);
    (links, merges).prop_flat_map(|(links, merges)| {
        let links = links.into_iter().enumerate();
        let links = links.map(|(account, person)| Step::Link { person, account });
        let merges = merges.into_iter().enumerate().filter(|(_, (merges, _))| *merges);
        let merges = merges.map(|(person, (_, into))| {
            let into = person + 1 + into.index(PEOPLE - 1 - person);
            Step::Merge { person, into }
        });
        proptest::strategy::Just(links.chain(merges).collect::<Vec<_>>()).prop_shuffle()
    })
}

#[tokio::test]
async fn any_order_of_links_and_merges_gives_the_people_of_the_model() {
    let world = World::start().await;
    let mut client = world.client();
    let mut runner = TestRunner::deterministic();
    for round in 0..24 {
        let steps = histories().new_tree(&mut runner).expect("a history").current();
        let mut people = Vec::new();
        for _ in 0..PEOPLE {
            people.push(join(&mut client, vec![]).await.person);
        }
        let name = |account: usize| format!("round:{round}:{account}");
        let mut into: Vec<usize> = (0..PEOPLE).collect();
        let mut linked = [0; 8];
        for step in &steps {
            match *step {
                Step::Link { person, account } => {
                    linked[account] = person;
                    link(&mut client, &people[person], &name(account)).await.expect("linked");
                }
                Step::Merge { person, into: other } => {
                    into[person] = other;
                    merge(&mut client, &people[person], &people[other]).await.expect("merged");
                }
            }
        }
        let meant = |mut person: usize| {
            while into[person] != person {
                person = into[person];
            }
            person
        };
        for (account, person) in linked.into_iter().enumerate() {
            let owner = owner(&mut client, &name(account)).await.expect("somebody's");
            assert_eq!(owner, people[meant(person)], "account {account} after {steps:?}");
        }
        for person in 0..PEOPLE {
            let found = get(&mut client, &people[person]).await.expect("there");
            assert_eq!(found.person, people[meant(person)], "person {person} after {steps:?}");
            let accounts = linked.iter().filter(|it| meant(**it) == meant(person)).count();
            assert_eq!(found.accounts.len(), accounts, "person {person} after {steps:?}");
        }
    }
}
