//! Everything that is held about somebody, as one document.

use std::sync::atomic::Ordering;

use klout_proto::graph::v1::ExportPersonRequest;
use serde_json::{Value, json};
use tonic::{Code, Status};

use crate::{
    consent::{set, state},
    erasing::erase,
    world::{Client, World, account, join, told},
};

async fn export(client: &mut Client, person: &str) -> Result<String, Status> {
    let request = ExportPersonRequest { person: person.to_owned() };
    let mut pieces = client.export_person(request).await?.into_inner();
    let mut document = Vec::new();
    while let Some(piece) = pieces.message().await? {
        assert!(piece.piece.len() <= 64 * 1024, "bounded");
        document.extend(piece.piece);
    }
    Ok(String::from_utf8(document).expect("UTF-8"))
}

#[tokio::test]
async fn a_document_has_what_every_service_holds() {
    let world = World::start().await;
    let mut client = world.client();
    let ann = join(&mut client, vec![account("did:1", "ann"), account("did:2", "\"")]).await.person;
    set(&mut client, state(&ann, "OPTED_OUT")).await.expect("out");
    let long = json!({ "text": "ä".repeat(100_000) }).to_string();
    for (name, peer) in world.peers.all() {
        let thing = json!({ "of": name }).to_string();
        let things = ["thing", "thing"].map(|it| (it.to_owned(), thing.clone()));
        let mut held = peer.held.lock().expect("not poisoned");
        held.extend(things);
        held.push(("long".to_owned(), long.clone()));
    }

    let document = export(&mut client, &ann).await.expect("exported");

    let document: Value = serde_json::from_str(&document).expect("JSON");
    assert_eq!(document["person"], ann);
    assert!(document["exportTime"].as_str().is_some_and(|it| it.ends_with('Z')));
    for (name, _) in world.peers.all() {
        let held = &document["services"][name];
        assert_eq!(held["thing"], json!([{ "of": name }, { "of": name }]), "{name}");
        assert_eq!(held["long"][0]["text"].as_str().map(str::len), Some(200_000), "{name}");
    }
    let own = &document["services"]["social_graph"];
    assert_eq!(own["person"][0]["state"], "OPTED_OUT", "{own}");
    assert_eq!(own["account"][1]["handle"], "\"", "{own}");
    assert_eq!(own["consent"][0]["decision"], "OPTED_OUT", "{own}");
    assert_eq!(own["receipt"][0]["kind"], "OPT_OUT", "{own}");
}

#[tokio::test]
async fn a_service_that_does_not_answer_ends_it_and_is_named() {
    let world = World::start().await;
    let mut client = world.client();
    let ann = join(&mut client, vec![account("did:1", "ann")]).await.person;
    world.peers.of("perks").refusing.store(true, Ordering::SeqCst);
    let failed = export(&mut client, &ann).await.expect_err("perks is down");
    assert_eq!(told(&failed), (Code::Unavailable, "PEER_UNAVAILABLE".to_owned()));
    let details = tonic_types::StatusExt::get_details_error_info(&failed).expect("details");
    assert_eq!(details.metadata["service"], "perks");
}

#[tokio::test]
async fn there_is_nothing_of_nobody_and_of_who_was_erased() {
    let world = World::start().await;
    let mut client = world.client();
    let ann = join(&mut client, vec![account("did:1", "ann")]).await.person;
    erase(&mut client, &ann).await.expect("erased");
    for person in [&ann, "7"] {
        let refused = export(&mut client, person).await.expect_err("nobody");
        assert_eq!(told(&refused), (Code::NotFound, "PERSON_UNKNOWN".to_owned()));
    }
}
