//! What accounts are called, and who is meant by that.

use klout_proto::{
    graph::v1::{LinkAccountRequest, LinkedAccount, ListHandlesRequest, ResolvePersonRequest},
    signal::v1::{BatchedHandle, SignalBatch},
};
use tonic::{Code, Status};

use crate::{
    batches::{apply, called},
    world::{Client, World, account, by_handle, by_native_id, create, join, told},
};

async fn resolve(client: &mut Client, handle: &str) -> Result<String, Status> {
    let request = ResolvePersonRequest { account: Some(by_handle(handle)), ..Default::default() };
    Ok(client.resolve_person(request).await?.into_inner().person)
}

async fn link(client: &mut Client, person: &str, account: LinkedAccount) -> Result<(), Status> {
    let request = LinkAccountRequest { person: person.to_owned(), account: Some(account) };
    client.link_account(request).await.map(|_| ())
}

fn batch(id: u8, handles: Vec<BatchedHandle>) -> SignalBatch {
    SignalBatch { batch_id: vec![id; 16], handles, ..Default::default() }
}

fn unknown(refused: &Status) -> bool {
    told(refused) == (Code::NotFound, "PERSON_UNKNOWN".to_owned())
}

/// 2030: later than people join in tests.
const LATER: i64 = 1_900_000_000;

#[tokio::test]
async fn a_handle_that_a_stranger_took_over_does_not_mean_its_old_owner_any_more() {
    let world = World::start().await;
    let mut client = world.client();
    let ann = join(&mut client, vec![account("did:1", "ann")]).await.person;
    assert_eq!(resolve(&mut client, "ann").await.expect("hers"), ann);

    // Nobody has linked did:2, and nobody has told what did:1 is called now. Capitals are the same on this network.
    apply(&world, batch(1, vec![called("did:2", "Ann", LATER)])).await.expect("applied");

    assert!(unknown(&resolve(&mut client, "ann").await.expect_err("a stranger's")));
    let request =
        ResolvePersonRequest { account: Some(by_native_id("did:1")), ..Default::default() };
    let found = client.resolve_person(request).await.expect("by her id").into_inner();
    assert_eq!(found.person, ann);

    // An older signal that comes late gives it back to nobody.
    apply(&world, batch(2, vec![called("did:1", "ann", LATER - 1)])).await.expect("applied");
    assert!(unknown(&resolve(&mut client, "ann").await.expect_err("a stranger's")));
    apply(&world, batch(3, vec![called("did:1", "anna", LATER + 1)])).await.expect("applied");
    assert_eq!(resolve(&mut client, "anna").await.expect("hers"), ann);

    // The stranger joins, and then it is theirs.
    let bob = join(&mut client, vec![account("did:2", "")]).await.person;
    apply(&world, batch(4, vec![called("did:2", "ann", LATER + 1)])).await.expect("applied");
    assert_eq!(resolve(&mut client, "ann").await.expect("theirs"), bob);
}

#[tokio::test]
async fn what_accounts_were_called_is_listed_newest_first() {
    let world = World::start().await;
    let mut client = world.client();
    let ann = join(&mut client, vec![account("did:1", "ann")]).await.person;
    for (id, handle) in [(1, "anna"), (2, "anne"), (3, "anne"), (4, "ann")] {
        let called = called("did:1", handle, LATER + id);
        let id = u8::try_from(id).expect("small");
        apply(&world, batch(id, vec![called])).await.expect("applied");
    }

    let mut listed = Vec::new();
    let mut page_token = String::new();
    loop {
        let request = ListHandlesRequest {
            person: ann.clone(),
            page_size: 3,
            page_token: page_token.clone(),
        };
        let page = client.list_handles(request).await.expect("listed").into_inner();
        listed.extend(page.handles);
        page_token = page.next_page_token;
        if page_token.is_empty() {
            break;
        }
    }
    let handles: Vec<_> = listed.iter().map(|it| it.handle.as_str()).collect();
    assert_eq!(handles, ["ann", "anne", "anna", "ann"]);
    assert!(listed[0].until_time.is_none() && listed[1..].iter().all(|it| it.until_time.is_some()));
    assert_eq!(listed[1].until_time, listed[0].since_time);
    assert_eq!(listed[1].since_time.map(|time| time.seconds), Some(LATER + 2), "seen again since");

    let request = ListHandlesRequest { person: ann, page_size: -1, ..Default::default() };
    let refused = client.list_handles(request).await.expect_err("negative");
    assert_eq!(told(&refused), (Code::InvalidArgument, "FIELD_INVALID".to_owned()));
}

#[tokio::test]
async fn names_that_look_alike_are_different_and_names_that_hide_something_are_refused() {
    let world = World::start().await;
    let mut client = world.client();
    let ann = join(&mut client, vec![account("did:1", "ann")]).await.person;
    // A Cyrillic а, a letter with a mark in one and in two characters, a script from right to left.
    for (id, alike) in ["аnn", "än", "a\u{308}n", "اسم", "שם"].into_iter().enumerate() {
        assert!(unknown(&resolve(&mut client, alike).await.expect_err("nobody yet")), "{alike}");
        let other = join(&mut client, vec![account(&format!("alike:{id}"), alike)]).await.person;
        assert_eq!(resolve(&mut client, alike).await.expect("theirs"), other, "{alike}");
    }
    assert_eq!(resolve(&mut client, "ann").await.expect("still hers"), ann);

    let long = "x".repeat(300);
    for bad in ["ann\u{202e}", "\u{2066}ann", "an\u{200b}n", "ann\u{200f}", "a\nnn", "a\0nn", &long]
    {
        let mut client = world.client();
        let refused = [
            create(&mut client, vec![account("did:9", bad)]).await.map(|_| ()),
            create(&mut client, vec![account(bad, "")]).await.map(|_| ()),
            link(&mut client, &ann, account("did:9", bad)).await,
            resolve(&mut client, bad).await.map(|_| ()),
        ];
        for refused in refused {
            let refused = refused.expect_err("refused");
            assert_eq!(
                told(&refused),
                (Code::InvalidArgument, "FIELD_INVALID".to_owned()),
                "{bad:?}"
            );
        }
    }
    // From a network they are passed over: nobody goes by them.
    apply(&world, batch(1, vec![called("did:1", "ann\u{202e}", LATER)])).await.expect("applied");
    assert_eq!(resolve(&mut client, "ann").await.expect("as before"), ann);
}
