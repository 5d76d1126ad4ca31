//! To what people consent.

use std::{collections::BTreeSet, sync::atomic::Ordering};

use klout_proto::graph::v1::{
    Consent, ConsentEntry, GetConsentRequest, GetPersonRequest, ListPerkMembersRequest, Membership,
    ResolvePersonRequest, SetConsentRequest, SetConsentResponse, UpdatePersonRequest,
};
use rand::{RngExt as _, SeedableRng as _, rngs::StdRng};
use tonic::{Code, Status};

use crate::world::{Client, World, account, by_handle, by_native_id, create, join, told};

pub(crate) async fn set(
    client: &mut Client,
    request: SetConsentRequest,
) -> Result<SetConsentResponse, Status> {
    Ok(client.set_consent(request).await?.into_inner())
}

pub(crate) fn state(person: &str, state: &str) -> SetConsentRequest {
    let (person, state) = (person.to_owned(), state.to_owned());
    SetConsentRequest { person, state, ..Default::default() }
}

fn words(words: &[&str]) -> Vec<String> {
    words.iter().map(|word| (*word).to_owned()).collect()
}

/// All entries, newest first, in pages of two.
async fn ledger(client: &mut Client, person: &str) -> (Consent, Vec<ConsentEntry>) {
    let mut entries = Vec::new();
    let mut page_token = String::new();
    loop {
        let request = GetConsentRequest { person: person.to_owned(), page_size: 2, page_token };
        let page = client.get_consent(request).await.expect("a ledger").into_inner();
        entries.extend(page.entries);
        page_token = page.next_page_token;
        if page_token.is_empty() {
            return (page.consent.expect("always present"), entries);
        }
    }
}

/// What the last entry of each kind decides.
fn decided(entries: &[ConsentEntry]) -> Consent {
    let mut seen = BTreeSet::new();
    let mut consent = Consent { state: "MEMBER".to_owned(), ..Default::default() };
    for ConsentEntry { about, decision, .. } in entries {
        if !seen.insert(about) {
            continue;
        }
        match about.split_once(':') {
            None => consent.state.clone_from(decision),
            Some(_) if decision == "GRANTED" => {}
            Some(("purpose", purpose)) => consent.withheld_purposes.push(purpose.to_owned()),
            Some((_, network)) => consent.withheld_networks.push(network.to_owned()),
        }
    }
    consent.withheld_purposes.sort();
    consent.withheld_networks.sort();
    consent
}

fn newest(told: &[Membership]) -> &Membership {
    told.iter().max_by_key(|it| it.revision).expect("something was told")
}

#[tokio::test]
async fn who_opts_out_is_nobody_and_owns_nothing_and_who_comes_back_is_the_same() {
    let world = World::start().await;
    let mut client = world.client();
    let ann = join(&mut client, vec![account("did:1", "ann")]).await.person;
    world.told().await;

    let out = set(&mut client, state(&ann, "OPTED_OUT")).await.expect("out");

    assert_eq!(out.consent.expect("always present").state, "OPTED_OUT");
    let receipt = out.receipt.expect("of opting out");
    assert_eq!((receipt.kind.as_str(), receipt.masked.len()), ("OPT_OUT", 6));
    assert!(receipt.masked.iter().all(|it| it.mask_time.is_some()), "{receipt:?}");
    for (name, peer) in world.peers.all() {
        assert_eq!(peer.newest(&ann).expect(name).state, "OPTED_OUT", "{name}");
    }
    let unknown = (Code::NotFound, "PERSON_UNKNOWN".to_owned());
    let got = client.get_person(GetPersonRequest { person: ann.clone() }).await;
    assert_eq!(told(&got.expect_err("nobody")), unknown);
    for name in [by_handle("ann"), by_native_id("did:1")] {
        let request = ResolvePersonRequest { account: Some(name), ..Default::default() };
        assert_eq!(told(&client.resolve_person(request).await.expect_err("nobody")), unknown);
    }
    let taken = create(&mut client, vec![account("did:1", "ann")]).await.expect_err("taken");
    assert_eq!(told(&taken), (Code::AlreadyExists, "ACCOUNT_LINKED".to_owned()));
    let memberships = world.told().await;
    assert_eq!((newest(&memberships).person_id, newest(&memberships).country.as_str()), (0, ""));
    let (consent, entries) = ledger(&mut client, &ann).await;
    assert_eq!((consent.state.as_str(), entries.len()), ("OPTED_OUT", 1));

    let again = set(&mut client, state(&ann, "OPTED_OUT")).await.expect("still out");
    assert_eq!(again.receipt.expect("the same").receipt, receipt.receipt);

    let back = set(&mut client, state(&ann, "MEMBER")).await.expect("back");
    assert_eq!(
        (back.consent.expect("always present").state.as_str(), back.receipt),
        ("MEMBER", None)
    );
    assert_eq!(newest(&world.told().await).person_id.to_string(), ann);
    client.get_person(GetPersonRequest { person: ann.clone() }).await.expect("there");
    let state = world.peers.of("scoring").newest(&ann).expect("told");
    assert_eq!((state.state.as_str(), state.number), ("MEMBER", 2));
}

#[tokio::test]
async fn an_account_of_a_network_that_is_withheld_is_nobodys() {
    let world = World::start().await;
    let mut client = world.client();
    let ann = join(&mut client, vec![account("did:1", "ann")]).await.person;
    let network = |grant: &[&str], withhold: &[&str]| SetConsentRequest {
        person: ann.clone(),
        grant_networks: words(grant),
        withhold_networks: words(withhold),
        ..Default::default()
    };

    let withheld =
        set(&mut client, network(&[], &["bluesky", "mastodon"])).await.expect("withheld");

    let consent = withheld.consent.expect("always present");
    assert_eq!(consent.withheld_networks, ["bluesky", "mastodon"]);
    assert_eq!(newest(&world.told().await).person_id, 0);
    client.get_person(GetPersonRequest { person: ann.clone() }).await.expect("still there");

    set(&mut client, network(&["bluesky"], &[])).await.expect("granted");

    assert_eq!(newest(&world.told().await).person_id.to_string(), ann);
}

#[tokio::test]
async fn services_go_through_everybody_who_consents_to_perks() {
    let world = World::start().await;
    let mut client = world.client();
    let mut people = Vec::new();
    for name in ["ann", "bob", "cem", "dee"] {
        people.push(join(&mut client, vec![account(name, name)]).await.person);
    }
    let withhold_purposes = words(&["perks"]);
    let person = people[0].clone();
    set(&mut client, SetConsentRequest { person, withhold_purposes, ..Default::default() })
        .await
        .expect("withheld");
    set(&mut client, state(&people[1], "OPTED_OUT")).await.expect("opted out");

    let (mut found, mut after_person_id) = (Vec::new(), 0);
    loop {
        let request = ListPerkMembersRequest { page_size: 1, after_person_id };
        let page = client.list_perk_members(request).await.expect("a page").into_inner();
        let Some(last) = page.person_ids.last() else { break };
        after_person_id = *last;
        found.extend(page.person_ids.iter().map(ToString::to_string));
    }
    found.sort();
    let mut expected = people.split_off(2);
    expected.sort();
    assert_eq!(found, expected);
}

#[tokio::test]
async fn who_is_too_young_does_not_become_a_member_by_opting_out_and_in() {
    let world = World::start().await;
    let mut client = world.client();
    let ann = join(&mut client, vec![account("did:1", "ann")]).await.person;
    let age_band = Some("13_15".to_owned());
    let young = UpdatePersonRequest { person: ann.clone(), age_band, ..Default::default() };
    client.update_person(young).await.expect("told");
    for asked in ["MEMBER", "OPTED_OUT", "MEMBER"] {
        let set = set(&mut client, state(&ann, asked)).await.expect("set");
        let is = if asked == "OPTED_OUT" { asked } else { "WITHHELD" };
        assert_eq!(set.consent.expect("always present").state, is);
    }
}

#[tokio::test]
async fn what_services_do_not_confirm_is_told_as_such_and_goes_on() {
    let world = World::start().await;
    let mut client = world.client();
    let ann = join(&mut client, vec![account("did:1", "ann")]).await.person;
    world.peers.of("topics").refusing.store(true, Ordering::SeqCst);

    let refused = set(&mut client, state(&ann, "OPTED_OUT")).await.expect_err("topics is down");

    assert_eq!(told(&refused), (Code::Unavailable, "MASKING_UNCONFIRMED".to_owned()));
    let got = client.get_person(GetPersonRequest { person: ann.clone() }).await;
    assert!(got.is_err(), "it is decided");
    assert_eq!(world.peers.of("scoring").newest(&ann).expect("told").state, "OPTED_OUT");

    world.peers.of("topics").refusing.store(false, Ordering::SeqCst);
    klout_testkit::until("topics was told by the loop", async || {
        world.peers.of("topics").newest(&ann).is_some()
    })
    .await;
    let out = set(&mut client, state(&ann, "OPTED_OUT")).await.expect("confirmed by now");
    assert!(out.receipt.expect("of opting out").masked.iter().all(|it| it.mask_time.is_some()));
}

#[tokio::test]
async fn what_cannot_be_is_refused_and_changes_nothing() {
    let world = World::start().await;
    let mut client = world.client();
    let person = join(&mut client, vec![account("did:1", "ann")]).await.person;
    let ok = || SetConsentRequest { person: person.clone(), ..Default::default() };
    for wrong in [
        SetConsentRequest { person: "ann".to_owned(), ..ok() },
        SetConsentRequest { state: "ERASED".to_owned(), ..ok() },
        SetConsentRequest { grant_purposes: words(&["credit"]), ..ok() },
        SetConsentRequest {
            grant_purposes: words(&["show"]),
            withhold_purposes: words(&["show"]),
            ..ok()
        },
        SetConsentRequest { withhold_networks: words(&["No Network"]), ..ok() },
        SetConsentRequest { withhold_networks: words(&["a"; 101]), ..ok() },
        SetConsentRequest { note: "x".repeat(513), ..ok() },
        SetConsentRequest { note: "\0".to_owned(), ..ok() },
    ] {
        let refused = set(&mut client, wrong.clone()).await.expect_err("refused");
        assert_eq!(
            told(&refused),
            (Code::InvalidArgument, "FIELD_INVALID".to_owned()),
            "{wrong:?}"
        );
    }
    let nobody = set(&mut client, state("7", "OPTED_OUT")).await.expect_err("nobody");
    assert_eq!(told(&nobody), (Code::NotFound, "PERSON_UNKNOWN".to_owned()));
    assert_eq!(ledger(&mut client, &person).await.1, []);
}

/// Any request that changes a few things.
fn any(random: &mut StdRng, person: &str) -> SetConsentRequest {
    let mut request = state(person, ["", "", "MEMBER", "OPTED_OUT"][random.random_range(0..4)]);
    for purpose in ["show", "crm", "perks", "research"] {
        match random.random_range(0..4) {
            0 => request.grant_purposes.push(purpose.to_owned()),
            1 => request.withhold_purposes.push(purpose.to_owned()),
            _ => {}
        }
    }
    for network in ["bluesky", "github"] {
        match random.random_range(0..4) {
            0 => request.grant_networks.push(network.to_owned()),
            1 => request.withhold_networks.push(network.to_owned()),
            _ => {}
        }
    }
    request
}

#[tokio::test]
async fn whatever_is_said_by_whomever_at_once_the_last_entry_decides() {
    let world = World::start().await;
    for seed in 0..8 {
        let person =
            join(&mut world.client(), vec![account(&format!("did:{seed}"), "")]).await.person;
        let caller = |number: u64| {
            let (mut client, person) = (world.client(), person.clone());
            let mut random = StdRng::seed_from_u64(seed * 10 + number);
            async move {
                for _ in 0..6 {
                    let request = any(&mut random, &person);
                    set(&mut client, request).await.expect("set");
                }
            }
        };
        futures::future::join(caller(0), caller(1)).await;

        let (consent, entries) = ledger(&mut world.client(), &person).await;

        assert_eq!(consent, decided(&entries), "seed {seed}: {entries:?}");
        let numbers: Vec<_> = entries.iter().map(|entry| entry.number).collect();
        assert!(numbers.is_sorted_by(|newer, older| newer > older), "{numbers:?}");
        for (name, peer) in world.peers.all() {
            let Some(told) = peer.newest(&person) else { continue };
            assert_eq!(told.state, consent.state, "{name}, seed {seed}");
            let mut purposes = told.withheld_purposes;
            purposes.sort();
            assert_eq!(purposes, consent.withheld_purposes, "{name}, seed {seed}");
        }
    }
}

#[tokio::test]
async fn the_ledger_is_only_added_to() {
    let world = World::start().await;
    let mut client = world.client();
    let ann = join(&mut client, vec![account("did:1", "ann")]).await.person;
    set(&mut client, state(&ann, "OPTED_OUT")).await.expect("out");
    let db = world.stores.db().await;
    for statement in [
        "update social_graph.consent_entry set decision = 'MEMBER'",
        "delete from social_graph.consent_entry",
        "truncate social_graph.consent_entry",
    ] {
        let refused = sqlx::query(statement).execute(&db).await.expect_err(statement);
        let refused = refused.into_database_error().expect("by the database");
        assert_eq!(refused.constraint(), Some("consent_entry_is_kept"), "{statement}");
    }
    assert_eq!(ledger(&mut client, &ann).await.1.len(), 1);
}
