//! Accounts that somebody shows to be theirs, on pages that are honest and on pages that are not.

use std::{
    collections::BTreeMap,
    sync::{Arc, Mutex},
};

use axum::{
    Router,
    body::{Body, Bytes},
    extract::{Path, State},
    http::{StatusCode, header::LOCATION},
    response::{IntoResponse as _, Response},
    routing::get,
};
use klout_proto::graph::v1::{
    AccountName, CompleteLinkRequest, GetPersonRequest, LinkAccountRequest,
    LinkProvenAccountRequest, LinkedAccount, ListDisputesRequest, ListLookupsRequest,
    MergePeopleRequest, Person, ResolvePersonRequest, SettleDisputeRequest, StartLinkRequest,
    StartLinkResponse, UnlinkAccountRequest, account_name,
};
use klout_testkit::{Stores, until};
use tokio::task::JoinSet;
use tonic::{Code, Status};

use crate::{
    lookups::client_for,
    topics::Known,
    world::{Client, Told, World, account, by_native_id, join, told},
};

/// A site of pages by name, and whoever asks for it.
struct Site {
    address: String,
    pages: Arc<Mutex<BTreeMap<String, Page>>>,
    _serving: JoinSet<()>,
}

#[derive(Clone, Debug)]
enum Page {
    Text(String),
    /// Sends whoever asks to another address.
    Elsewhere(String),
    /// Never ends.
    Endless,
    /// Never begins.
    Silent,
}

impl Site {
    async fn open() -> Self {
        let pages: Arc<Mutex<BTreeMap<String, Page>>> = Arc::default();
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.expect("bound");
        let address = format!("http://{}", listener.local_addr().expect("bound"));
        let router = Router::new().route("/{name}", get(answer)).with_state(pages.clone());
        let mut serving = JoinSet::new();
        serving.spawn(async move { axum::serve(listener, router).await.expect("served") });
        Self { address, pages, _serving: serving }
    }

    fn write(&self, name: &str, page: Page) {
        self.pages.lock().expect("not poisoned").insert(name.to_owned(), page);
    }

    fn url(&self, name: &str) -> String {
        format!("{}/{name}", self.address)
    }
}

async fn answer(
    State(pages): State<Arc<Mutex<BTreeMap<String, Page>>>>,
    Path(name): Path<String>,
) -> Response {
    let page = pages.lock().expect("not poisoned").get(&name).cloned();
    match page {
        None => StatusCode::NOT_FOUND.into_response(),
        Some(Page::Text(text)) => text.into_response(),
        Some(Page::Elsewhere(address)) => {
            (StatusCode::FOUND, [(LOCATION, address)]).into_response()
        }
        Some(Page::Endless) => {
            let chunk = Bytes::from_static(&[b'x'; 1 << 16]);
            let chunks = futures::stream::repeat_with(move || Ok::<_, Status>(chunk.clone()));
            Body::from_stream(chunks).into_response()
        }
        Some(Page::Silent) => std::future::pending().await,
    }
}

/// A world that reads pages of a site, and of private networks if it is allowed to.
async fn world(site: &Site, private: &str) -> World {
    let page = site.url("{native_id}");
    let flags = [
        ("social_graph.profile_pages.bluesky", page.as_str()),
        ("social_graph.private_pages_allowed", private),
    ];
    let stores = Stores::fresh().await;
    World::start_with(stores, Told::default(), Told::default(), Known::default(), &flags).await
}

async fn begin(
    client: &mut Client,
    person: &str,
    account: LinkedAccount,
    method: &str,
) -> Result<StartLinkResponse, Status> {
    let (person, method) = (person.to_owned(), method.to_owned());
    let request = StartLinkRequest { person, account: Some(account), method };
    Ok(client.start_link(request).await?.into_inner())
}

async fn complete(client: &mut Client, link: &str) -> Result<Person, Status> {
    let request = CompleteLinkRequest { link: link.to_owned() };
    Ok(client.complete_link(request).await?.into_inner().person.expect("always present"))
}

fn reason(refused: &Status) -> String {
    told(refused).1
}

fn proofs(person: &Person) -> Vec<(&str, &str)> {
    person.accounts.iter().map(|it| (it.native_id.as_str(), it.proof.as_str())).collect()
}

#[tokio::test]
async fn a_challenge_on_the_page_of_an_account_shows_whose_it_is() {
    let site = Site::open().await;
    let world = world(&site, "true").await;
    let mut client = world.client();
    let ann = join(&mut client, vec![]).await.person;
    let eve = join(&mut client, vec![]).await.person;
    let started =
        begin(&mut client, &ann, account("ann", "somebody"), "CHALLENGE").await.expect("started");
    assert_eq!(started.profile_page, site.url("ann"));
    assert!(started.instructions.contains(&started.challenge), "{}", started.instructions);

    let refused = complete(&mut client, &started.link).await.expect_err("no such page");
    assert_eq!(told(&refused), (Code::Unavailable, "PAGE_UNAVAILABLE".to_owned()));
    site.write("ann", Page::Text("Hello, I am Ann".to_owned()));
    let refused = complete(&mut client, &started.link).await.expect_err("not there yet");
    assert_eq!(told(&refused), (Code::FailedPrecondition, "PROOF_MISSING".to_owned()));

    site.write("ann", Page::Text(format!("I am Ann ({})", started.challenge)));
    // Somebody else who reads it has shown nothing.
    let of_eve = begin(&mut client, &eve, account("ann", ""), "CHALLENGE").await.expect("started");
    let refused = complete(&mut client, &of_eve.link).await.expect_err("not hers");
    assert_eq!(reason(&refused), "PROOF_MISSING");
    let linked = complete(&mut client, &started.link).await.expect("linked");
    assert_eq!(proofs(&linked), [("ann", "CHALLENGE")]);
    assert_eq!(linked.accounts[0].handle, "ann", "what it is called is not shown by that");
    assert_eq!(complete(&mut client, &started.link).await.expect("again"), linked);

    // An old proof does not bring back what was taken away.
    let account = Some(by_native_id("ann"));
    let request = UnlinkAccountRequest { person: ann, account };
    client.unlink_account(request).await.expect("unlinked");
    let refused = complete(&mut client, &started.link).await.expect_err("used");
    assert_eq!(told(&refused), (Code::NotFound, "LINK_UNKNOWN".to_owned()));
    let (payload, _) = started.link.split_once('.').expect("two parts");
    let (_, other) = of_eve.link.split_once('.').expect("two parts");
    for forged in ["", "x", "x.y", &format!("{payload}.{other}"), &format!("{payload}.")] {
        let refused = complete(&mut client, forged).await.expect_err("not ours");
        assert_eq!(reason(&refused), "LINK_UNKNOWN", "{forged}");
    }
}

#[tokio::test]
async fn who_completes_a_link_is_shown_the_profile_and_stands_in_the_log() {
    let site = Site::open().await;
    let world = world(&site, "true").await;
    let ann = join(&mut world.client(), vec![]).await.person;
    let mut customer = client_for(&world, "acme", "crm");
    let started =
        begin(&mut customer, &ann, account("ann", ""), "CHALLENGE").await.expect("started");
    site.write("ann", Page::Text(started.challenge));
    complete(&mut customer, &started.link).await.expect("linked");
    until("the look-up is in the log", async || {
        let request = ListLookupsRequest { person: ann.clone(), ..Default::default() };
        let listed = world.client().list_lookups(request).await.expect("listed").into_inner();
        let mut looks = listed.lookups.iter().map(|it| (it.caller.as_str(), it.what.as_str()));
        looks.any(|look| look == ("acme", "profile"))
    })
    .await;
}

#[tokio::test]
async fn pages_that_link_to_one_another_show_whose_an_account_is() {
    let site = Site::open().await;
    let world = world(&site, "true").await;
    let mut client = world.client();
    let refused = {
        let homeless = join(&mut client, vec![]).await.person;
        begin(&mut client, &homeless, account("ann", ""), "REL_ME").await
    };
    assert_eq!(reason(&refused.expect_err("no page of their own")), "FIELD_INVALID");
    let home = LinkedAccount { network: "web".to_owned(), ..account(&site.url("home"), "") };
    let ann = join(&mut client, vec![home]).await.person;
    let started = begin(&mut client, &ann, account("ann", ""), "REL_ME").await.expect("started");
    assert_eq!(started.challenge, "");

    let link = |to: &str| Page::Text(format!(r#"<a class=x rel="nofollow me" href="{to}">me</a>"#));
    site.write("home", link(&site.url("ann")));
    site.write("ann", Page::Text(format!(r#"<a href="{}">not me</a>"#, site.url("home"))));
    let refused = complete(&mut client, &started.link).await.expect_err("one way");
    assert_eq!(reason(&refused), "PROOF_MISSING");
    site.write("ann", link(&site.url("home")));
    site.write("home", Page::Text(format!(r#"<!-- <a rel="me" href="{}"> -->"#, site.url("ann"))));
    let refused = complete(&mut client, &started.link).await.expect_err("the other way");
    assert_eq!(reason(&refused), "PROOF_MISSING");
    site.write("home", link("/ann"));
    let linked = complete(&mut client, &started.link).await.expect("linked");
    let expected = [("ann", "REL_ME"), (&*site.url("home"), "OPERATOR")];
    assert_eq!(proofs(&linked), expected);
}

#[tokio::test]
async fn a_page_is_one_account_however_its_address_is_written() {
    let site = Site::open().await;
    let world = world(&site, "true").await;
    let mut client = world.client();
    let web = |address: &str| LinkedAccount { network: "web".to_owned(), ..account(address, "") };
    let ann = join(&mut client, vec![web("HTTPS://Bücher.Example:443/#me")]).await;
    assert_eq!(ann.accounts[0].native_id, "https://xn--bcher-kva.example/");
    let other = join(&mut client, vec![]).await.person;
    let link = async |address: &str| {
        let request = LinkAccountRequest { person: other.clone(), account: Some(web(address)) };
        world.client().link_account(request).await
    };
    for same in ["https://xn--bcher-kva.example", "https://bücher.example//"] {
        assert_eq!(reason(&link(same).await.expect_err("ann's")), "ACCOUNT_LINKED", "{same}");
        let name = account_name::Name::NativeId(same.to_owned());
        let named = AccountName { network: "web".to_owned(), name: Some(name) };
        let request = ResolvePersonRequest { account: Some(named), ..Default::default() };
        let found = client.resolve_person(request).await.expect("found").into_inner();
        assert_eq!(found.person, ann.person, "{same}");
    }
    assert_eq!(reason(&link("bücher.example").await.expect_err("no page")), "FIELD_INVALID");
    // A Cyrillic с looks like the Latin one and is another page.
    link("https://büсher.example").await.expect("nobody's yet");
}

#[tokio::test]
async fn pages_that_lie_are_not_believed_and_keep_nobody() {
    let site = Site::open().await;
    let other = Site::open().await;
    let world = world(&site, "true").await;
    let mut client = world.client();
    let ann = join(&mut client, vec![]).await.person;
    let started = begin(&mut client, &ann, account("ann", ""), "CHALLENGE").await.expect("started");
    let proof = Page::Text(started.challenge.clone());

    other.write("ann", proof.clone());
    site.write("ann", Page::Elsewhere(other.url("ann")));
    let refused = complete(&mut client, &started.link).await.expect_err("another host");
    assert_eq!(reason(&refused), "PAGE_UNAVAILABLE");
    site.write("ann", Page::Elsewhere("/ann".to_owned()));
    let refused = complete(&mut client, &started.link).await.expect_err("round and round");
    assert_eq!(reason(&refused), "PAGE_UNAVAILABLE");
    site.write("ann", Page::Endless);
    let refused = complete(&mut client, &started.link).await.expect_err("no end");
    assert_eq!(reason(&refused), "PROOF_MISSING");
    site.write("ann", Page::Silent);
    let refused = complete(&mut client, &started.link).await.expect_err("no beginning");
    assert_eq!(reason(&refused), "PAGE_UNAVAILABLE");

    site.write("ann", Page::Elsewhere("/moved".to_owned()));
    site.write("moved", proof);
    complete(&mut client, &started.link).await.expect("a page of the same host");
}

#[tokio::test]
async fn pages_of_private_networks_are_not_read_unless_an_operator_allows_it() {
    let site = Site::open().await;
    let world = world(&site, "false").await;
    let mut client = world.client();
    let ann = join(&mut client, vec![]).await.person;
    let started = begin(&mut client, &ann, account("ann", ""), "CHALLENGE").await.expect("started");
    site.write("ann", Page::Text(started.challenge.clone()));

    let refused = complete(&mut client, &started.link).await.expect_err("private");
    assert_eq!(reason(&refused), "PAGE_UNAVAILABLE");
    let page = |url: &str| LinkedAccount { network: "web".to_owned(), ..account(url, "") };
    for private in ["http://localhost/", "http://169.254.169.254/latest/meta-data", "http://[::1]/"]
    {
        let started = begin(&mut client, &ann, page(private), "CHALLENGE").await.expect("started");
        let refused = complete(&mut client, &started.link).await.expect_err("private");
        assert_eq!(reason(&refused), "PAGE_UNAVAILABLE", "{private}");
    }
    for (account, method) in [
        (page("file:///etc/passwd"), "CHALLENGE"),
        (LinkedAccount { network: "nowhere".to_owned(), ..account("ann", "") }, "CHALLENGE"),
        (account("ann", ""), "OPERATOR"),
    ] {
        let refused = begin(&mut client, &ann, account, method).await.expect_err("refused");
        assert_eq!(told(&refused), (Code::InvalidArgument, "FIELD_INVALID".to_owned()));
    }
}

/// An account of ann's that bob shows to be his. Returns the world, ann, bob and the dispute.
async fn disputed(site: &Site) -> (World, String, String, String) {
    let world = world(site, "true").await;
    let mut client = world.client();
    let ann = join(&mut client, vec![account("shared", "")]).await.person;
    let bob = join(&mut client, vec![]).await.person;
    let started =
        begin(&mut client, &bob, account("shared", ""), "CHALLENGE").await.expect("started");
    site.write("shared", Page::Text(started.challenge));
    for _ in 0..2 {
        let refused = complete(&mut client, &started.link).await.expect_err("hers");
        assert_eq!(told(&refused), (Code::AlreadyExists, "ACCOUNT_DISPUTED".to_owned()));
    }
    let disputes = client.list_disputes(ListDisputesRequest::default()).await.expect("listed");
    let [dispute] = &disputes.into_inner().disputes[..] else { panic!("one dispute") };
    assert_eq!((&dispute.owner, &dispute.claimant), (&ann, &bob));
    assert_eq!((dispute.proof.as_str(), dispute.settled_for.as_str()), ("CHALLENGE", ""));
    (world, ann, bob, dispute.dispute.clone())
}

async fn settle(client: &mut Client, dispute: &str, person: &str) -> Result<(), Status> {
    let (dispute, person) = (dispute.to_owned(), person.to_owned());
    client.settle_dispute(SettleDisputeRequest { dispute, person }).await.map(|_| ())
}

async fn accounts(client: &mut Client, person: &str) -> usize {
    let request = GetPersonRequest { person: person.to_owned() };
    let found = client.get_person(request).await.expect("found").into_inner().person;
    found.expect("always present").accounts.len()
}

#[tokio::test]
async fn whoever_claims_somebody_elses_account_gets_a_dispute_which_an_operator_settles() {
    let site = Site::open().await;
    let (world, ann, bob, dispute) = disputed(&site).await;
    let mut client = world.client();
    assert_eq!((accounts(&mut client, &ann).await, accounts(&mut client, &bob).await), (1, 0));

    let eve = join(&mut client, vec![]).await.person;
    assert_eq!(
        reason(&settle(&mut client, &dispute, &eve).await.expect_err("a third")),
        "FIELD_INVALID"
    );
    let refused = settle(&mut client, "7777", &bob).await.expect_err("no such dispute");
    assert_eq!(told(&refused), (Code::NotFound, "DISPUTE_UNKNOWN".to_owned()));
    settle(&mut client, &dispute, &bob).await.expect("settled");
    settle(&mut client, &dispute, &bob).await.expect("again");
    assert_eq!((accounts(&mut client, &ann).await, accounts(&mut client, &bob).await), (0, 1));
    assert!(settle(&mut client, &dispute, &ann).await.is_err(), "it is settled");

    let newest = world.told().await.into_iter().max_by_key(|it| it.revision).expect("told");
    assert_eq!(newest.person_id.to_string(), bob);
    let listed = client.list_disputes(ListDisputesRequest::default()).await.expect("listed");
    assert!(listed.into_inner().disputes.is_empty());
    let request = ListDisputesRequest { include_settled: true, ..Default::default() };
    let listed = client.list_disputes(request).await.expect("listed").into_inner().disputes;
    assert_eq!(listed[0].settled_for, bob);
}

#[tokio::test]
async fn a_dispute_of_two_who_turn_out_to_be_one_is_none() {
    let site = Site::open().await;
    let (world, ann, bob, _) = disputed(&site).await;
    let mut client = world.client();
    let request = MergePeopleRequest { person: ann, into_person: bob.clone() };
    client.merge_people(request).await.expect("merged");
    let listed = client.list_disputes(ListDisputesRequest::default()).await.expect("listed");
    assert!(listed.into_inner().disputes.is_empty());
    assert_eq!(accounts(&mut client, &bob).await, 1);
}

#[tokio::test]
async fn what_a_network_has_shown_is_linked_once_and_disputed_where_it_is_somebody_elses() {
    let site = Site::open().await;
    let world = world(&site, "true").await;
    let mut client = world.client();
    let ann = join(&mut client, vec![]).await.person;
    let eve = join(&mut client, vec![]).await.person;
    let proven = |person: &str| LinkProvenAccountRequest {
        person: person.to_owned(),
        account: Some(account("did:ann", "ann.example")),
    };

    for _ in 0..2 {
        let linked = client.link_proven_account(proven(&ann)).await.expect("linked").into_inner();
        let person = linked.person.expect("always present");
        assert_eq!(proofs(&person), [("did:ann", "OAUTH")]);
    }
    let refused = client.link_proven_account(proven(&eve)).await.expect_err("it is ann's");
    assert_eq!(told(&refused), (Code::AlreadyExists, "ACCOUNT_DISPUTED".to_owned()));
    let disputes = client.list_disputes(ListDisputesRequest::default()).await.expect("listed");
    let [dispute] = &disputes.into_inner().disputes[..] else { panic!("one dispute") };
    assert_eq!((&dispute.claimant, &*dispute.proof), (&eve, "OAUTH"));
    let refused = client.link_proven_account(proven("7777")).await.expect_err("nobody");
    assert_eq!(told(&refused), (Code::NotFound, "PERSON_UNKNOWN".to_owned()));
}
