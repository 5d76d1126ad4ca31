//! Who influences whom.

use std::collections::BTreeSet;

use klout_proto::{
    graph::v1::{
        BatchCreatePeopleRequest, CreatePersonRequest, Influence, LinkedAccount,
        ListInfluenceesRequest, ListInfluenceesResponse, ListInfluencersRequest,
        ListLookupsRequest, ListMutualsRequest, create_person_result,
    },
    signal::v1::{BatchedInteraction, SignalBatch},
};
use klout_testkit::until;
use sqlx::Executor as _;
use tonic::{Code, Status};

use crate::{
    batches::{TODAY, account_id_on, apply, like},
    lookups::{client_for, withhold},
    topics::Known,
    world::{Client, World, account, join, told},
};

/// People by name, each with an account of bluesky, and others on github for who is named twice.
struct Scene {
    world: World,
    client: Client,
    known: Known,
    batches: u8,
}

impl Scene {
    async fn new() -> Self {
        let known = Known::default();
        let world = World::long_ago(known.clone()).await;
        Self { client: world.client(), world, known, batches: 0 }
    }

    async fn join(&mut self, name: &str) -> String {
        join(&mut self.client, vec![account(name, name)]).await.person
    }

    async fn join_twice(&mut self, name: &str) -> String {
        let github = LinkedAccount { network: "github".to_owned(), ..account(name, name) };
        join(&mut self.client, vec![account(name, name), github]).await.person
    }

    async fn apply(&mut self, interactions: Vec<BatchedInteraction>) {
        self.batches += 1;
        let batch_id = vec![self.batches; 16];
        let batch = SignalBatch { batch_id, interactions, ..SignalBatch::default() };
        apply(&self.world, batch).await.expect("applied");
    }

    async fn influencers(&mut self, person: &str) -> Vec<Influence> {
        let request = ListInfluencersRequest { person: person.to_owned(), ..Default::default() };
        let listed = self.client.list_influencers(request).await.expect("listed").into_inner();
        assert_eq!(listed.next_page_token, "");
        listed.influencers
    }

    async fn influencees(&mut self, person: &str) -> Vec<Influence> {
        let listed = self.listed(person, |_| {}).await.expect("listed");
        assert_eq!(listed.next_page_token, "");
        listed.influencees
    }

    /// How many the person influences. Nobody is told who has not asked.
    async fn total(&mut self, person: &str) -> Option<i64> {
        let unasked = self.listed(person, |it| it.page_size = 1).await.expect("listed");
        assert_eq!(unasked.total_size, None);
        let asked = self.listed(person, |it| {
            it.page_size = 1;
            it.with_total_size = true;
        });
        asked.await.expect("listed").total_size
    }

    async fn listed(
        &mut self,
        person: &str,
        with: impl FnOnce(&mut ListInfluenceesRequest),
    ) -> Result<ListInfluenceesResponse, Status> {
        let mut request =
            ListInfluenceesRequest { person: person.to_owned(), ..Default::default() };
        with(&mut request);
        Ok(self.client.list_influencees(request).await?.into_inner())
    }
}

fn on_github(subject: &str, actor: &str, count: u32) -> BatchedInteraction {
    BatchedInteraction {
        network: "github".to_owned(),
        subject_account_id: account_id_on("github", subject),
        actor_account_id: Some(account_id_on("github", actor)),
        ..like(subject, actor, count)
    }
}

fn of_kind(kind: &str, age: i32, reaction: BatchedInteraction) -> BatchedInteraction {
    BatchedInteraction { kind: kind.to_owned(), day: TODAY - age, ..reaction }
}

fn people(listed: &[Influence]) -> Vec<&str> {
    listed.iter().map(|it| it.person.as_str()).collect()
}

#[tokio::test]
async fn who_reacts_is_influenced_and_who_is_reacted_to_influences() {
    let mut scene = Scene::new().await;
    let (ann, bob) = (scene.join_twice("ann").await, scene.join_twice("bob").await);
    let cid = scene.join("cid").await;
    scene.known.set(&ann, &["jazz", "rust", "tea", "salt"]);
    scene.known.set(&bob, &["tea"]);
    scene
        .apply(vec![
            like("ann", "bob", 1),
            of_kind("endorse", 15, like("ann", "bob", 2)),
            on_github("ann", "bob", 4),
            of_kind("follow", 30, like("ann", "cid", 2)),
            like("cid", "ann", 1),
            like("ann", "somebody", 100),
        ])
        .await;

    let listed = scene.influencees(&ann).await;
    assert_eq!(people(&listed), [bob.as_str(), &cid]);
    assert_eq!(listed[0].strength, 1.0 + 2.0 * 1.5 / 2.0 + 4.0);
    assert_eq!(listed[0].networks, ["github", "bluesky"]);
    assert_eq!(listed[0].direction, "INFLUENCEE");
    assert_eq!(listed[0].topics, ["tea", "jazz", "rust"], "what both have comes first");
    assert_eq!(listed[1].strength, 0.25);
    assert_eq!(listed[1].direction, "MUTUAL");
    assert_eq!(listed[1].topics, ["jazz", "rust", "tea"]);
    let last = listed[1].last_reaction_time.expect("a time").seconds;
    assert_eq!(last, i64::from(TODAY - 30) * 86_400);

    let listed = scene.influencers(&bob).await;
    assert_eq!(people(&listed), [ann.as_str()]);
    assert_eq!(listed[0].strength, 6.5);
    assert_eq!(listed[0].direction, "INFLUENCER");
    assert_eq!(listed[0].topics, ["jazz", "rust", "tea"]);
    assert!(scene.influencees(&bob).await.is_empty());
    assert_eq!(scene.total(&bob).await, Some(0));

    let of_github = |it: &mut ListInfluenceesRequest| it.network = "github".to_owned();
    let listed = scene.listed(&ann, of_github).await.expect("listed").influencees;
    assert_eq!(people(&listed), [bob.as_str()]);
    assert_eq!((listed[0].strength, listed[0].networks.len()), (4.0, 1));
}

#[tokio::test]
async fn lists_can_be_of_those_who_have_a_topic() {
    let mut scene = Scene::new().await;
    let (ann, bob, cid) =
        (scene.join("ann").await, scene.join("bob").await, scene.join("cid").await);
    scene.known.set(&ann, &["jazz"]);
    scene.known.set(&bob, &["jazz", "tea"]);
    scene.apply(vec![like("ann", "bob", 1), like("ann", "cid", 2), like("bob", "ann", 1)]).await;

    let mut of = async |topic: &str| {
        let listed = scene.listed(&ann, |it| it.topic = topic.to_owned()).await;
        listed.map(|it| people(&it.influencees).into_iter().map(str::to_owned).collect::<Vec<_>>())
    };
    assert_eq!(of("jazz").await.expect("listed"), [bob.as_str()]);
    assert_eq!(of("tea").await.expect("listed"), [""; 0], "ann has nothing to do with it");
    assert_eq!(of("").await.expect("listed"), [cid, bob]);
    let refused = of("unheard-of").await.expect_err("refused");
    assert_eq!(told(&refused), (Code::NotFound, "TOPIC_UNKNOWN".to_owned()));
}

#[tokio::test]
async fn only_members_are_listed_and_nobody_influences_themselves() {
    let mut scene = Scene::new().await;
    let ann =
        join(&mut scene.client, vec![account("ann", ""), account("ann too", "")]).await.person;
    let bob = scene.join("bob").await;
    let gone = scene.join("gone").await;
    let old = scene.join("old").await;
    let late = BatchedInteraction { day: TODAY - 90, ..like("ann", "old", 1) };
    scene
        .apply(vec![
            like("ann", "ann too", 9),
            like("ann", "bob", 1),
            like("ann too", "bob", 1),
            like("ann", "gone", 5),
            late,
        ])
        .await;
    let listed = scene.influencees(&ann).await;
    assert_eq!(people(&listed), [gone.as_str(), &bob], "{old} reacted before the window");
    assert_eq!(listed[1].strength, 2.0, "both accounts together");
    assert_eq!(scene.total(&ann).await, Some(2), "as many people as are listed");

    let db = scene.world.stores.db().await;
    db.execute("update social_graph.person set state = 'OPTED_OUT' where person_id = (select person_id from social_graph.account where native_id = 'gone')")
        .await
        .expect("opted out");
    assert_eq!(people(&scene.influencees(&ann).await), [bob.as_str()]);
    assert_eq!(scene.total(&ann).await, Some(1));
    for person in [gone.as_str(), "4"] {
        let refused = scene.listed(person, |_| {}).await.expect_err("refused");
        assert_eq!(told(&refused), (Code::NotFound, "PERSON_UNKNOWN".to_owned()));
    }

    let merged = format!(
        "update social_graph.account set person_id = {bob} where native_id like 'ann%';
        update social_graph.person set state = 'MERGED', merged_into = {bob} where person_id = {ann}"
    );
    db.execute(sqlx::AssertSqlSafe(merged)).await.expect("merged");
    assert!(scene.influencees(&ann).await.is_empty(), "bob reacted to what is bob's now");
    let withheld = "update social_graph.person set withheld_networks = '{bluesky}'";
    db.execute(withheld).await.expect("withheld");
    assert!(scene.influencees(&bob).await.is_empty());
    assert_eq!(scene.total(&bob).await, Some(0));
}

#[tokio::test]
async fn who_withholds_a_purpose_is_on_no_list_for_it() {
    let mut scene = Scene::new().await;
    let (ann, bob) = (scene.join("ann").await, scene.join("bob").await);
    scene.apply(vec![like("ann", "bob", 1), like("bob", "ann", 1)]).await;
    withhold(&scene.world, &bob, "crm").await;

    let request = || ListInfluenceesRequest { person: ann.clone(), ..Default::default() };
    for (purpose, seen) in [("crm", 0), ("perks", 1)] {
        let mut client = client_for(&scene.world, "a customer", purpose);
        let listed = client.list_influencees(request()).await.expect("listed").into_inner();
        assert_eq!(listed.influencees.len(), seen, "{purpose}");
        let counted = ListInfluenceesRequest { with_total_size: true, ..request() };
        let counted = client.list_influencees(counted).await.expect("listed").into_inner();
        assert_eq!(counted.total_size, i64::try_from(seen).ok(), "{purpose}");
    }
    until("the look-ups are in the log", async || {
        let request = ListLookupsRequest { person: ann.clone(), ..Default::default() };
        let listed = scene.world.client().list_lookups(request).await.expect("listed");
        let lookups = listed.into_inner().lookups;
        ["crm", "perks"].iter().all(|purpose| {
            lookups.iter().any(|it| it.what == "influence" && it.purpose == *purpose)
        })
    })
    .await;
    let mut client = client_for(&scene.world, "a customer", "crm");
    let of_bob = ListInfluencersRequest { person: bob.clone(), ..Default::default() };
    let refused = client.list_influencers(of_bob).await.expect_err("refused");
    assert_eq!(told(&refused), (Code::NotFound, "PERSON_UNKNOWN".to_owned()));
    assert_eq!(people(&scene.influencees(&ann).await), [bob.as_str()], "we see who is there");
}

#[tokio::test]
async fn pages_show_everybody_once_the_strongest_first() {
    const PEOPLE: u32 = 450;
    let mut scene = Scene::new().await;
    let ann = scene.join("ann").await;
    let accounts = |number: u32| {
        let mut accounts = vec![account(&format!("p{number}"), "")];
        if number.is_multiple_of(50) {
            accounts.push(account(&format!("p{number} too"), ""));
        }
        CreatePersonRequest { accounts, ..Default::default() }
    };
    let request = BatchCreatePeopleRequest { requests: (0..PEOPLE).map(accounts).collect() };
    let made = scene.client.batch_create_people(request).await.expect("made").into_inner().results;
    let made: BTreeSet<String> = made
        .into_iter()
        .map(|it| match it.result {
            Some(create_person_result::Result::Created(made)) => made.person.expect("made").person,
            other => panic!("{other:?}"),
        })
        .collect();
    let mut reactions = Vec::new();
    for number in 0..PEOPLE {
        // Many are as strong as others.
        reactions.push(like("ann", &format!("p{number}"), 1 + number % 40));
        if number.is_multiple_of(50) {
            reactions.push(like("ann", &format!("p{number} too"), 30));
        }
    }
    // Windows lie between strangers and members.
    reactions.extend((0..2_500).map(|number| like("ann", &format!("s{number}"), 1 + number % 20)));
    scene.apply(reactions).await;

    let mut seen: Vec<Influence> = Vec::new();
    let mut token = String::new();
    let mut pages = Vec::new();
    loop {
        let listed = scene
            .listed(&ann, |it| {
                it.page_size = 70;
                it.page_token.clone_from(&token);
            })
            .await
            .expect("a page");
        assert!(listed.influencees.len() <= 70);
        pages.push(listed.influencees.len());
        seen.extend(listed.influencees);
        if listed.next_page_token.is_empty() {
            break;
        }
        assert_ne!(listed.next_page_token, token, "it goes on");
        token = listed.next_page_token;
    }
    assert_eq!(seen.len(), made.len(), "{pages:?}");
    let total = i64::try_from(made.len()).expect("a number");
    assert_eq!(scene.total(&ann).await, Some(total), "whatever a page has");
    let all: BTreeSet<String> = seen.iter().map(|it| it.person.clone()).collect();
    assert_eq!(all, made);
    let of_two = seen.iter().filter(|it| it.strength > 40.0).count();
    assert!(of_two > 0 && seen[0].strength > 40.0, "those with two accounts come first");
    // A window has a thousand ties, so the order is that of strength but where windows meet.
    let falls = seen.windows(2).filter(|it| it[0].strength < it[1].strength).count();
    assert!(falls <= 2, "{falls}");
    for bad in ["x", "1.2.3.4", "-1.0.0.0.0"] {
        let refused = scene.listed(&ann, |it| it.page_token = bad.to_owned()).await;
        let refused = told(&refused.expect_err("refused"));
        assert_eq!(refused, (Code::InvalidArgument, "FIELD_INVALID".to_owned()));
    }
}

#[tokio::test]
async fn lists_of_who_has_very_many_accounts_are_in_order_and_whole() {
    const PEOPLE: u32 = 300;
    let mut scene = Scene::new().await;
    let own = (0..60).map(|number| account(&format!("a{number}"), "")).collect();
    let ann = join(&mut scene.client, own).await.person;
    let accounts = |number: u32| CreatePersonRequest {
        accounts: ["", " too"].map(|it| account(&format!("p{number}{it}"), "")).to_vec(),
        ..Default::default()
    };
    let request = BatchCreatePeopleRequest { requests: (0..PEOPLE).map(accounts).collect() };
    let made = scene.client.batch_create_people(request).await.expect("made").into_inner().results;
    let made: Vec<String> = made
        .into_iter()
        .map(|it| match it.result {
            Some(create_person_result::Result::Created(made)) => made.person.expect("made").person,
            other => panic!("{other:?}"),
        })
        .collect();
    // Most are tied to one account, of which fewer are read than it has, and the others to what has room.
    let mut reactions: Vec<BatchedInteraction> = (0..PEOPLE)
        .map(|number| {
            let own = if number.is_multiple_of(5) { number % 60 } else { 7 };
            like(&format!("a{own}"), &format!("p{number}"), 1 + number)
        })
        .collect();
    reactions.push(like("p8 too", "a59", 1));
    scene.apply(reactions).await;

    let mut seen: Vec<Influence> = Vec::new();
    let mut token = String::new();
    let mut pages = 0;
    loop {
        let listed = scene
            .listed(&ann, |it| {
                it.page_size = 90;
                it.page_token.clone_from(&token);
            })
            .await
            .expect("a page");
        pages += 1;
        seen.extend(listed.influencees);
        token = listed.next_page_token;
        if token.is_empty() {
            break;
        }
    }
    let strongest_first: Vec<&str> = made.iter().rev().map(String::as_str).collect();
    assert_eq!(people(&seen), strongest_first, "in {pages} pages");
    let mutual: Vec<&str> =
        seen.iter().filter(|it| it.direction == "MUTUAL").map(|it| it.person.as_str()).collect();
    assert_eq!(mutual, [made[8].as_str()]);
}

#[tokio::test]
async fn what_two_people_have_in_common_are_influencers_influencees_and_topics() {
    let mut scene = Scene::new().await;
    let mut all = Vec::new();
    for name in ["ann", "bob", "cid", "dee", "eve"] {
        all.push(scene.join(name).await);
    }
    scene.known.set(&all[0], &["jazz", "rust", "tea"]);
    scene.known.set(&all[1], &["tea", "jazz"]);
    scene
        .apply(vec![
            like("cid", "ann", 1),
            like("cid", "bob", 1),
            like("dee", "ann", 2),
            like("dee", "bob", 2),
            like("eve", "ann", 5),
            like("ann", "eve", 1),
            like("bob", "eve", 1),
            like("ann", "bob", 9),
            like("bob", "ann", 9),
        ])
        .await;

    let request = |page_size| ListMutualsRequest {
        person: all[0].clone(),
        other_person: all[1].clone(),
        page_size,
    };
    let found = scene.client.list_mutuals(request(0)).await.expect("found").into_inner();
    assert_eq!(found.influencers, [all[3].as_str(), &all[2]]);
    assert_eq!(found.influencees, [all[4].as_str()]);
    assert_eq!(found.topics, ["jazz", "tea"]);
    let found = scene.client.list_mutuals(request(1)).await.expect("found").into_inner();
    assert_eq!(found.influencers, [all[3].as_str()]);

    let same = ListMutualsRequest { other_person: all[0].clone(), ..request(0) };
    let refused = scene.client.list_mutuals(same).await.expect_err("refused");
    assert_eq!(told(&refused), (Code::InvalidArgument, "FIELD_INVALID".to_owned()));
}
