//! What people say of themselves, and who takes part at what age.

use klout_proto::graph::v1::{
    BatchGetPeopleRequest, CreatePersonRequest, GetPersonRequest, Languages, Person,
    ResolvePersonRequest, UpdatePersonRequest,
};
use klout_testkit::Stores;
use tonic::{Code, Status};

use crate::{
    topics::Known,
    world::{Client, Told, World, account, by_native_id, join, told},
};

async fn update(client: &mut Client, request: UpdatePersonRequest) -> Result<Person, Status> {
    let response = client.update_person(request).await?.into_inner();
    Ok(response.person.expect("always present"))
}

async fn tell_age(client: &mut Client, person: &str, age_band: &str) -> Person {
    let request = UpdatePersonRequest {
        person: person.to_owned(),
        age_band: Some(age_band.to_owned()),
        ..Default::default()
    };
    update(client, request).await.expect("told")
}

async fn get(client: &mut Client, person: &str) -> Result<Person, Status> {
    let request = GetPersonRequest { person: person.to_owned() };
    let response = client.get_person(request).await?.into_inner();
    Ok(response.person.expect("always present"))
}

/// Whether the person is found in each way that there is.
async fn is_found(client: &mut Client, person: &str, native_id: &str) -> [bool; 3] {
    let request =
        ResolvePersonRequest { account: Some(by_native_id(native_id)), ..Default::default() };
    let resolved = client.resolve_person(request).await.is_ok();
    let request = BatchGetPeopleRequest { people: vec![person.to_owned()] };
    let batch = client.batch_get_people(request).await.expect("answered").into_inner();
    [get(client, person).await.is_ok(), resolved, !batch.people.is_empty()]
}

fn newest_owner(world: &World) -> i64 {
    let told = world.scoring.all();
    told.iter().max_by_key(|it| it.revision).expect("somebody was told").person_id
}

#[tokio::test]
async fn people_say_what_they_like_and_what_is_not_named_stays() {
    let world = World::start().await;
    let mut client = world.client();
    let request = CreatePersonRequest {
        accounts: vec![account("did:1", "ann")],
        display_name: " Ann 👩\u{200d}💻 ".to_owned(),
        languages: vec!["de".to_owned(), "PT-br".to_owned()],
        time_zone: "Europe/Berlin".to_owned(),
        age_band: "25_34".to_owned(),
        withheld_purposes: vec!["crm".to_owned()],
        ..Default::default()
    };
    let ann = client.create_person(request).await.expect("created").into_inner();
    let ann = ann.person.expect("a person");
    assert_eq!(ann.display_name, "Ann 👩\u{200d}💻");
    assert_eq!(ann.languages, ["de", "pt-BR"]);
    assert_eq!((ann.time_zone.as_str(), ann.age_band.as_str()), ("Europe/Berlin", "25_34"));
    assert_eq!(
        (ann.state.as_str(), &ann.withheld_purposes[..]),
        ("MEMBER", &["crm".to_owned()][..])
    );
    assert_eq!(get(&mut client, &ann.person).await.expect("found"), ann);

    let request = UpdatePersonRequest {
        person: ann.person.clone(),
        display_name: Some(String::new()),
        languages: Some(Languages::default()),
        ..Default::default()
    };
    let updated = update(&mut client, request).await.expect("updated");
    let expected = Person { display_name: String::new(), languages: vec![], ..ann.clone() };
    assert_eq!(updated, expected);

    for (field, request) in [
        (
            "languages[0]",
            UpdatePersonRequest {
                languages: Some(Languages { languages: vec!["german!".to_owned()] }),
                ..Default::default()
            },
        ),
        (
            "time_zone",
            UpdatePersonRequest {
                time_zone: Some("Mars/Olympus".to_owned()),
                ..Default::default()
            },
        ),
        ("age_band", UpdatePersonRequest { age_band: Some("17".to_owned()), ..Default::default() }),
        (
            "display_name",
            UpdatePersonRequest {
                display_name: Some("Ann\u{202e}".to_owned()),
                ..Default::default()
            },
        ),
    ] {
        let request = UpdatePersonRequest { person: ann.person.clone(), ..request };
        let refused = update(&mut client, request).await.expect_err("refused");
        assert_eq!(told(&refused), (Code::InvalidArgument, "FIELD_INVALID".to_owned()));
        assert!(refused.message().contains(field), "{}", refused.message());
    }
    assert_eq!(get(&mut client, &ann.person).await.expect("found"), expected, "nothing half done");
}

#[tokio::test]
async fn who_is_too_young_is_not_created_and_who_is_told_too_young_is_not_there() {
    let world = World::start().await;
    let mut client = world.client();
    let young = CreatePersonRequest {
        accounts: vec![account("did:1", "ann")],
        age_band: "13_15".to_owned(),
        ..Default::default()
    };
    let refused = client.create_person(young.clone()).await.expect_err("too young");
    assert_eq!(told(&refused), (Code::FailedPrecondition, "AGE_BELOW_LIMIT".to_owned()));
    let ann = join(&mut client, vec![account("did:1", "ann")]).await.person;
    world.told().await;
    assert_eq!(is_found(&mut client, &ann, "did:1").await, [true; 3]);

    let withheld = client.create_person(young).await.expect("found").into_inner();
    assert!(!withheld.created);
    assert_eq!(withheld.person.expect("theirs").state, "WITHHELD");
    assert_eq!(is_found(&mut client, &ann, "did:1").await, [false; 3]);
    let refused = get(&mut client, &ann).await.expect_err("not there");
    assert_eq!(told(&refused), (Code::NotFound, "PERSON_UNKNOWN".to_owned()));
    world.told().await;
    assert_eq!(newest_owner(&world), 0);
    let state = world.peers.of("scoring").newest(&ann).expect("told before the call returned");
    assert_eq!(state.state, "WITHHELD");

    assert_eq!(tell_age(&mut client, &ann, "16_17").await.state, "MEMBER");
    assert_eq!(is_found(&mut client, &ann, "did:1").await, [true; 3]);
    world.told().await;
    assert_eq!(newest_owner(&world).to_string(), ann);
}

#[tokio::test]
async fn where_an_age_is_demanded_who_does_not_tell_one_is_not_there() {
    let flags = [("social_graph.age_required", "true"), ("social_graph.age_limit", "18")];
    let stores = Stores::fresh().await;
    let world =
        World::start_with(stores, Told::default(), Told::default(), Known::default(), &flags).await;
    let mut client = world.client();
    let ann = join(&mut client, vec![account("did:1", "ann")]).await;
    assert_eq!(ann.state, "WITHHELD");
    assert_eq!(is_found(&mut client, &ann.person, "did:1").await, [false; 3]);
    world.told().await;
    assert_eq!(newest_owner(&world), 0);

    assert_eq!(tell_age(&mut client, &ann.person, "16_17").await.state, "WITHHELD");
    assert_eq!(tell_age(&mut client, &ann.person, "18_24").await.state, "MEMBER");
    assert_eq!(is_found(&mut client, &ann.person, "did:1").await, [true; 3]);
    assert_eq!(tell_age(&mut client, &ann.person, "").await.state, "WITHHELD");
}
