//! Where people say to live.

use std::sync::atomic::Ordering;

use klout_proto::graph::v1::{
    BatchGetMembershipsRequest, CreatePersonRequest, GetPersonRequest, LinkAccountRequest,
    Membership, Person, UpdatePersonRequest,
};
use tonic::{Code, Status};

use crate::world::{Client, World, account, join, names, told};

async fn update(
    client: &mut Client,
    person: &str,
    country: Option<&str>,
    city: Option<&str>,
) -> Result<Person, Status> {
    let request = UpdatePersonRequest {
        person: person.to_owned(),
        country: country.map(str::to_owned),
        city: city.map(str::to_owned),
        ..Default::default()
    };
    let answer = client.update_person(request).await?;
    Ok(answer.into_inner().person.expect("always present"))
}

async fn create(client: &mut Client, native_id: &str, country: &str, city: &str) -> Person {
    let request = CreatePersonRequest {
        accounts: vec![account(native_id, "")],
        country: country.to_owned(),
        city: city.to_owned(),
        ..Default::default()
    };
    let answer = client.create_person(request).await.expect("created");
    answer.into_inner().person.expect("always present")
}

fn place(person: &Person) -> (&str, &str) {
    (&person.country, &person.city)
}

/// What was told last of each account.
fn newest(told: &[Membership]) -> Vec<(&str, &str)> {
    let mut newest = std::collections::BTreeMap::new();
    for it in told {
        let known = newest.entry(it.account_id).or_insert(it);
        if it.revision > known.revision {
            *known = it;
        }
    }
    newest.into_values().map(|it| (it.country.as_str(), it.city.as_str())).collect()
}

#[tokio::test]
async fn a_person_says_where_they_live_and_what_is_not_named_stays() {
    let world = World::start().await;
    let mut client = world.client();
    let ann = join(&mut client, vec![account("did:1", "ann")]).await.person;
    let moved = update(&mut client, &ann, Some("de"), Some(" Bremen ")).await.expect("moved");
    assert_eq!(place(&moved), ("DE", "Bremen"));
    assert_eq!(names(&moved.accounts), [account("did:1", "ann")]);
    let moved = update(&mut client, &ann, None, Some("Kiel")).await.expect("moved");
    assert_eq!(place(&moved), ("DE", "Kiel"));
    let request = GetPersonRequest { person: ann.clone() };
    let found = client.get_person(request).await.expect("found").into_inner().person;
    assert_eq!(found, Some(moved));
    let gone = update(&mut client, &ann, Some(""), None).await.expect("not told any more");
    assert_eq!(place(&gone), ("", ""));
}

#[tokio::test]
async fn what_cannot_be_is_refused_and_changes_nothing() {
    let world = World::start().await;
    let mut client = world.client();
    let ann = create(&mut client, "did:1", "DE", "Bremen").await.person;
    let invalid = (Code::InvalidArgument, "FIELD_INVALID".to_owned());
    for (country, city) in [
        (Some("XX"), None),
        (Some("Germany"), None),
        (None, Some("x".repeat(129))),
        (Some(""), Some("Bremen".to_owned())),
    ] {
        let refused = update(&mut client, &ann, country, city.as_deref()).await;
        assert_eq!(told(&refused.expect_err("refused")), invalid, "{country:?} {city:?}");
    }
    let refused = update(&mut client, "ann", Some("DE"), None).await.expect_err("no person");
    assert_eq!(told(&refused), invalid);
    let refused = update(&mut client, "42", Some("DE"), None).await.expect_err("nobody");
    assert_eq!(told(&refused), (Code::NotFound, "PERSON_UNKNOWN".to_owned()));
    let request = CreatePersonRequest {
        accounts: vec![account("did:2", "")],
        city: "Bremen".to_owned(),
        ..Default::default()
    };
    let refused = client.create_person(request).await.expect_err("no country");
    assert_eq!(told(&refused), invalid);
    let request = GetPersonRequest { person: ann };
    let found = client.get_person(request).await.expect("found").into_inner().person;
    assert_eq!(place(&found.expect("ann")), ("DE", "Bremen"));
}

#[tokio::test]
async fn topics_hears_of_every_move_with_a_newer_revision_and_scoring_need_not() {
    let world = World::start().await;
    let mut client = world.client();
    let accounts = vec![account("did:1", "ann"), account("did:2", "")];
    let ann = join(&mut client, accounts).await.person;
    world.told().await;
    update(&mut client, &ann, Some("DE"), Some("Bremen")).await.expect("moved");
    let scoring = world.told().await;
    let topics = world.topics.all();
    assert_eq!((scoring.len(), topics.len()), (2, 4));
    assert_eq!(newest(&topics), [("DE", "Bremen"); 2]);
    let newer = topics[2].revision.min(topics[3].revision);
    assert!(newer > topics[0].revision.max(topics[1].revision));

    // What changes nothing is told to nobody.
    update(&mut client, &ann, Some("DE"), None).await.expect("where she is");
    world.told().await;
    assert_eq!(world.topics.all().len(), 4);

    // An account that is linked afterwards is told with the place.
    let request = LinkAccountRequest { person: ann, account: Some(account("did:3", "")) };
    client.link_account(request).await.expect("linked");
    world.told().await;
    assert_eq!(newest(&world.topics.all()), [("DE", "Bremen"); 3]);

    let account_ids: Vec<_> = topics.iter().map(|it| it.account_id).collect();
    let request = BatchGetMembershipsRequest { account_ids };
    let asked = client.batch_get_memberships(request).await.expect("answered").into_inner();
    assert_eq!(newest(&asked.memberships), [("DE", "Bremen"); 2]);
}

#[tokio::test]
async fn a_move_before_topics_has_heard_of_somebody_is_told_once() {
    let world = World::start().await;
    let mut client = world.client();
    world.topics.refusing.store(true, Ordering::SeqCst);
    let ann = join(&mut client, vec![account("did:1", "ann")]).await.person;
    for city in ["Bremen", "Kiel", "Bonn"] {
        update(&mut client, &ann, Some("DE"), Some(city)).await.expect("moved");
    }
    world.topics.refusing.store(false, Ordering::SeqCst);
    world.told().await;
    assert_eq!(world.topics.all().len(), 1);
    assert_eq!(newest(&world.topics.all()), [("DE", "Bonn")]);
}

#[tokio::test]
async fn who_is_made_again_with_a_place_moves_there_and_without_one_stays() {
    let world = World::start().await;
    let mut client = world.client();
    let first = create(&mut client, "did:1", "DE", "Bremen").await;
    assert_eq!(place(&first), ("DE", "Bremen"));
    assert_eq!(create(&mut client, "did:1", "", "").await, first);
    let moved = create(&mut client, "did:1", "FR", "").await;
    assert_eq!((place(&moved), &moved.person), (("FR", ""), &first.person));
    world.told().await;
    assert_eq!(newest(&world.topics.all()), [("FR", "")]);
}

#[tokio::test]
async fn moves_and_links_at_once_end_with_one_place_told() {
    let world = World::start().await;
    let mut client = world.client();
    let ann = join(&mut client, vec![account("did:0", "ann")]).await.person;
    let link = |number: u32| {
        let (mut client, person) = (world.client(), ann.clone());
        async move {
            let account = Some(account(&format!("did:{number}"), ""));
            client.link_account(LinkAccountRequest { person, account }).await.expect("linked");
        }
    };
    let moves = |city: &'static str| {
        let (mut client, person) = (world.client(), ann.clone());
        async move { update(&mut client, &person, Some("DE"), Some(city)).await.expect("moved") }
    };
    let links = futures::future::join_all((1..=8).map(link));
    let moving = futures::future::join_all(["Bonn", "Kiel", "Bremen", "Ulm"].map(moves));
    let _ = futures::future::join(links, moving).await;
    world.told().await;
    let found = client.get_person(GetPersonRequest { person: ann }).await.expect("found");
    let found = found.into_inner().person.expect("ann");
    assert_eq!(newest(&world.topics.all()), [place(&found); 9]);
}
