//! What people say of themselves.

use std::collections::BTreeMap;

use klout_chassis::{Caller, reason};
use klout_proto::{
    graph::v1::{
        AccountName, ApplyPersonStatesRequest, ForgetPersonRequest, Membership, PersonState,
        account_name::Name,
    },
    topic::v1::{
        BatchGetPersonTopicsRequest, DeclareTopicsRequest, DeclaredTopic, Influencer,
        ListPersonTopicsRequest, PersonTopic, RestoreTopicRequest, VetoTopicRequest, influencer,
        person_data_service_client::PersonDataServiceClient,
        topic_service_client::TopicServiceClient,
    },
};
use klout_testkit::{link, until};
use tonic::{Code, Status};

use crate::{
    signals::{known_for, lists},
    world::{GARDEN, NETWORK, TODAY, World, slug},
};

impl World {
    pub(crate) async fn declare(
        &self,
        person: i64,
        topics: &[&str],
    ) -> Result<Vec<PersonTopic>, Status> {
        let topics = topics
            .iter()
            .map(|topic| DeclaredTopic { topic: (*topic).to_owned(), influencers: Vec::new() });
        let topics = topics.collect();
        let request = DeclareTopicsRequest { person: person.to_string(), topics, add: false };
        Ok(self.client().declare_topics(request).await?.into_inner().topics)
    }

    pub(crate) async fn veto(&self, person: i64, topic: &str) -> Result<(), Status> {
        let request = VetoTopicRequest { person: person.to_string(), topic: topic.to_owned() };
        self.client().veto_topic(request).await.map(|_| ())
    }

    pub(crate) async fn restore(&self, person: i64, topic: &str) -> Result<(), Status> {
        let request = RestoreTopicRequest { person: person.to_string(), topic: topic.to_owned() };
        self.client().restore_topic(request).await.map(|_| ())
    }

    async fn vetoed(&self, person: i64) -> Vec<String> {
        let request = ListPersonTopicsRequest {
            person: person.to_string(),
            include_vetoed: true,
            page_size: 100,
            ..ListPersonTopicsRequest::default()
        };
        let listed = self.client().list_person_topics(request).await.expect("listed").into_inner();
        let vetoed = listed.topics.iter().filter(|it| it.states == ["vetoed"]);
        vetoed.map(slug).collect()
    }

    /// Nobody tells of these topics of a person, in whatever way.
    async fn says_nothing(&self, person: i64, topics: &[&str]) {
        let listed: Vec<String> = self.topics(person).await.iter().map(slug).collect();
        for topic in topics {
            assert!(!listed.contains(&(*topic).to_owned()), "{topic} is listed");
            assert!(!self.people(topic).await.contains(&person), "{topic} has an expert");
            let explained = self.explain(person, topic).await;
            assert!(explained.posts.is_empty() && explained.people.is_empty(), "{topic}");
            assert_eq!(explained.topic.expect("always present").states, [""; 0], "{topic}");
        }
    }
}

#[tokio::test]
async fn a_veto_is_never_overridden() {
    let world = World::in_the_garden().await;
    world.join(1, 71).await;
    for batch in known_for(1, "tomatoes in my garden, gardening", 4) {
        world.apply(batch).await.expect("applied");
    }
    world.settled().await;
    assert_eq!(world.people("nature").await, [71]);

    world.veto(71, "gardening").await.expect("vetoed");
    world.says_nothing(71, &["gardening", "tomatoes"]).await;
    world.veto(71, "gardening").await.expect("a second time changes nothing");
    assert_eq!(world.vetoed(71).await, ["gardening"]);

    world.apply(lists(1, "gardening", 6)).await.expect("applied");
    world.settled().await;
    world.says_nothing(71, &["gardening", "tomatoes", "nature", "food"]).await;
    world.passed().await;
    world.says_nothing(71, &["gardening", "tomatoes", "nature"]).await;
    world
        .import("2", &[("garden.toml", &GARDEN.replace("Nature", "The nature"))])
        .await
        .expect("2");
    world.settled().await;
    world.says_nothing(71, &["gardening", "tomatoes", "nature"]).await;

    let World { stores, running, members, .. } = world;
    running.stop().await.expect("stopped in order");
    let world = World::start_on(stores, members, &[]).await;
    world.settled().await;
    world.says_nothing(71, &["gardening", "tomatoes", "nature"]).await;

    world.restore(71, "gardening").await.expect("restored");
    world.restore(71, "gardening").await.expect("without a veto nothing changes");
    world.settled().await;
    assert_eq!(world.people("gardening").await, [71]);
    assert!(world.vetoed(71).await.is_empty());
}

#[tokio::test]
async fn a_veto_outlasts_leaving_and_coming_back() {
    let world = World::in_the_garden().await;
    world.join(1, 71).await;
    world.veto(71, "gardening").await.expect("vetoed");
    let mut data = PersonDataServiceClient::new(link(&world.running));
    for (number, state) in [(1, "OPTED_OUT"), (2, "MEMBER")] {
        let state = state.to_owned();
        let told = PersonState { person_id: 71, number, state, ..PersonState::default() };
        let request = ApplyPersonStatesRequest { states: vec![told] };
        data.apply_person_states(request).await.expect("applied");
        if number == 1 {
            let request = ForgetPersonRequest {
                person_id: 71,
                state: "OPTED_OUT".to_owned(),
                account_ids: vec![1],
            };
            let forgotten = data.forget_person(request).await.expect("forgotten").into_inner();
            assert!(forgotten.done && forgotten.forgotten.iter().all(|it| it.name != "veto"));
        }
    }
    let network = NETWORK.to_owned();
    let back =
        Membership { account_id: 1, network, person_id: 71, revision: 2, ..Membership::default() };
    world.tell(back).await;
    assert_eq!(world.vetoed(71).await, ["gardening"]);
}

#[tokio::test]
async fn topics_of_many_are_named_without_what_they_vetoed() {
    let world = World::in_the_garden().await;
    world.join(1, 71).await;
    for batch in known_for(1, "tomatoes in my garden, gardening", 4) {
        world.apply(batch).await.expect("applied");
    }
    world.settled().await;
    world.declare(72, &["lambs", "food"]).await.expect("declared");
    let names = async |topics_max: i32, topic: &str| {
        let people = ["71", "72", "73"].map(str::to_owned).to_vec();
        let request = BatchGetPersonTopicsRequest { people, topics_max, topic: topic.to_owned() };
        let named = world.client().batch_get_person_topics(request).await;
        named.map(|it| it.into_inner().people)
    };
    let of = |named: &[klout_proto::topic::v1::PersonTopicNames]| -> Vec<(Vec<String>, bool)> {
        named.iter().map(|it| (it.topics.clone(), it.has_topic)).collect()
    };

    let listed: Vec<String> = world.topics(71).await.iter().map(slug).collect();
    let said = ["lambs", "food"].map(str::to_owned).to_vec();
    let named = of(&names(100, "").await.expect("named"));
    assert_eq!(named, [(listed.clone(), false), (said, false), (vec![], false)]);
    let named = of(&names(1, "gardening").await.expect("named"));
    let one = |topics: &[String]| topics[..1].to_vec();
    assert_eq!(named[0], (one(&listed), true));
    assert_eq!(named[1], (vec!["lambs".to_owned()], false));
    let named = of(&names(0, "food").await.expect("named"));
    assert!(named[1].1 && named.iter().all(|it| it.0.is_empty()), "{named:?}");

    world.veto(71, "gardening").await.expect("vetoed");
    // Until then what the topic was part of may still be there, and go between one answer and the next.
    world.settled().await;
    let named = of(&names(100, "gardening").await.expect("named"));
    let left: Vec<String> = world.topics(71).await.iter().map(slug).collect();
    assert_eq!(named[0], (left.clone(), false));
    assert!(!left.contains(&"gardening".to_owned()));
    let refused = names(1, "unheard-of").await.expect_err("refused");
    assert_eq!(reason(&refused).as_deref(), Some("TOPIC_UNKNOWN"));
    let refused = names(-1, "").await.expect_err("refused");
    assert_eq!(reason(&refused).as_deref(), Some("FIELD_INVALID"));
}

#[tokio::test]
async fn what_is_declared_too_takes_nothing_away() {
    let world = World::in_the_garden().await;
    world.join(1, 71).await;
    world.join(2, 72).await;
    let whom = Influencer { influencer: Some(influencer::Influencer::Person("72".to_owned())) };
    let declare = async |topic: &str, influencers: Vec<Influencer>, add| {
        let topics = vec![DeclaredTopic { topic: topic.to_owned(), influencers }];
        let request = DeclareTopicsRequest { person: "71".to_owned(), topics, add };
        let mut client = world.client();
        Ok::<_, Status>(client.declare_topics(request).await?.into_inner().topics)
    };
    declare("tomatoes", vec![whom], false).await.expect("declared");
    let db = world.stores.db().await;
    let said = async || -> Vec<(i32, Vec<i64>)> {
        sqlx::query_as("select position, influencers from topics.declared order by position")
            .fetch_all(&db)
            .await
            .expect("read")
    };

    for _ in 0..2 {
        let topics = declare("lambs", Vec::new(), true).await.expect("declared too");
        assert_eq!(topics.iter().map(slug).collect::<Vec<_>>(), ["tomatoes", "lambs"]);
        assert_eq!(said().await, [(0, vec![72]), (1, vec![])]);
    }
    declare("tomatoes", Vec::new(), true).await.expect("it is declared");
    assert_eq!(said().await[0], (0, vec![72]), "as it was");

    // As if there were twenty.
    sqlx::query(
        "insert into topics.declared (person_id, edition_id, topic_id, position, influencers) \
         select 71, 1, number, 10, '{}' from generate_series(1, 18) as number",
    )
    .execute(&db)
    .await
    .expect("written");
    world.veto(71, "lambs").await.expect("vetoed");
    let refused = declare("lambs", Vec::new(), true).await.expect_err("vetoed");
    assert_eq!(reason(&refused).as_deref(), Some("TOPIC_VETOED"));
    world.restore(71, "lambs").await.expect("restored");
    declare("lambs", Vec::new(), true).await.expect("the twentieth");
    sqlx::query(
        "insert into topics.declared (person_id, edition_id, topic_id, position, influencers) \
         select 72, 1, number, 10, '{}' from generate_series(1, 20) as number",
    )
    .execute(&db)
    .await
    .expect("written");
    let topics = vec![DeclaredTopic { topic: "tomatoes".to_owned(), influencers: Vec::new() }];
    let request = DeclareTopicsRequest { person: "72".to_owned(), topics, add: true };
    let refused = world.client().declare_topics(request).await.expect_err("the twenty-first");
    assert_eq!(reason(&refused).as_deref(), Some("TOPICS_TOO_MANY"));
}

#[tokio::test]
async fn to_declare_nothing_more_is_a_look_at_the_topics_and_stands_in_the_log() {
    let world = World::in_the_garden().await;
    world.join(1, 71).await;
    // Our own services look for somebody else.
    world.declare(71, &["lambs"]).await.expect("declared");
    let shop = Caller::new("shop", "crm").expect("a caller");
    let mut customer = TopicServiceClient::new(link(&world.running).on_behalf_of(&shop));
    // Neither answers anything of the person.
    let (person, topic) = ("71".to_owned(), "food".to_owned());
    let veto = VetoTopicRequest { person: person.clone(), topic: topic.clone() };
    customer.veto_topic(veto).await.expect("vetoed");
    let restore = RestoreTopicRequest { person: person.clone(), topic };
    customer.restore_topic(restore).await.expect("restored");
    let nothing = DeclareTopicsRequest { person, topics: Vec::new(), add: true };
    let topics = customer.declare_topics(nothing).await.expect("answered").into_inner().topics;
    assert_eq!(topics.iter().map(slug).collect::<Vec<_>>(), ["lambs"]);

    until("the look-up is in the log", async || !world.looks_of(&shop).is_empty()).await;
    assert_eq!(world.looks_of(&shop), BTreeMap::from([((71, "topics".to_owned()), 1)]));
}

#[tokio::test]
async fn declared_is_told_apart_from_earned_and_replaces_what_was() {
    let world = World::in_the_garden().await;
    let declared = world.declare(72, &["lambs", "6"]).await.expect("declared");
    let again = world.declare(72, &["lambs", "food"]).await.expect("declared");
    assert_eq!(declared, again);

    let states: Vec<_> = declared.iter().map(|it| (slug(it), it.states.clone())).collect();
    let said = vec!["declared".to_owned()];
    assert_eq!(states, [("lambs".to_owned(), said.clone()), ("food".to_owned(), said)]);
    assert!(declared.iter().all(|it| it.score.is_none() && it.rank.is_none()));
    assert!(world.experts("lambs").await.is_empty());

    world.declare(72, &["food"]).await.expect("declared");
    let listed: Vec<String> = world.topics(72).await.iter().map(slug).collect();
    assert_eq!(listed, ["food"]);
}

#[tokio::test]
async fn what_is_declared_while_posts_are_read_is_not_lost() {
    let world = World::in_the_garden().await;
    world.join(1, 71).await;
    world.settled().await;
    let db = world.stores.db().await;
    let waiting = async |many: i64| {
        until("somebody waits", async || {
            let statement = "select count(*) from pg_stat_activity
                where datname = current_database() and wait_event_type = 'Lock'";
            let waiting: i64 = sqlx::query_scalar(statement).fetch_one(&db).await.expect("a count");
            waiting >= many
        })
        .await;
    };
    // The reader cannot write what it read, before anything is declared.
    let mut blocked = db.begin().await.expect("a transaction");
    let lock = "lock table topics.post_topic in exclusive mode";
    sqlx::query(lock).execute(&mut *blocked).await.expect("locked");
    sqlx::query(
        "insert into topics.post
            (account_id, post_hash, signal, day, told, owned, text, links, tags)
        values (1, gen_random_uuid(), 1, $1, 1, true, 'diabetes', '{}', '{}')",
    )
    .bind(TODAY)
    .execute(&db)
    .await
    .expect("a post");
    waiting(1).await;

    let (declared, ()) = tokio::join!(world.declare(71, &["diabetes"]), async {
        waiting(2).await;
        blocked.rollback().await.expect("the reader goes on");
    });
    declared.expect("declared");
    world.settled().await;
    assert!(world.rows("post_topic").await > 0, "it is read with what was declared");
}

#[tokio::test]
async fn named_influencers_are_evidence() {
    let world = World::in_the_garden().await;
    for (account, person) in [(1, 71), (2, 2_000)] {
        world.join(account, person).await;
    }
    for batch in known_for(2, "tomatoes", 6) {
        world.apply(batch).await.expect("applied");
    }
    world.settled().await;
    let account =
        AccountName { network: "bluesky".to_owned(), name: Some(Name::Handle("2".to_owned())) };
    let by_account = Influencer { influencer: Some(influencer::Influencer::Account(account)) };
    let by_person =
        Influencer { influencer: Some(influencer::Influencer::Person("2000".to_owned())) };
    let topic = |influencers| DeclaredTopic { topic: "tomatoes".to_owned(), influencers };
    let request = DeclareTopicsRequest {
        person: "71".to_owned(),
        topics: vec![topic(vec![by_account, by_person])],
        add: false,
    };
    world.client().declare_topics(request).await.expect("declared");
    world.settled().await;

    let topics = world.topics(71).await;
    let families = topics[0].families.expect("there is evidence");
    assert!(families.influencers > 0.0);
    assert_eq!(topics[0].states, ["declared"], "influencers alone make nobody influential");
}

#[tokio::test]
async fn what_is_vetoed_cannot_be_declared_and_a_veto_takes_back_what_was() {
    let world = World::in_the_garden().await;
    world.join(1, 71).await;
    world.declare(71, &["tomatoes", "lambs"]).await.expect("declared");
    world.veto(71, "gardening").await.expect("vetoed");
    let listed: Vec<String> = world.topics(71).await.iter().map(slug).collect();
    assert_eq!(listed, ["lambs"]);

    let refused = world.declare(71, &["tomatoes"]).await.expect_err("vetoed");
    assert_eq!(refused.code(), Code::FailedPrecondition);
    assert_eq!(reason(&refused).as_deref(), Some("TOPIC_VETOED"));
}

#[tokio::test]
async fn what_cannot_be_said_is_refused() {
    let world = World::in_the_garden().await;
    world.join(1, 71).await;
    let refused = async |topics: Vec<DeclaredTopic>| {
        let request = DeclareTopicsRequest { person: "71".to_owned(), topics, add: false };
        let status = world.client().declare_topics(request).await.expect_err("refused");
        reason(&status).expect("a reason")
    };
    let topic = |topic: &str, influencers| DeclaredTopic { topic: topic.to_owned(), influencers };
    let person = |person: &str| Influencer {
        influencer: Some(influencer::Influencer::Person(person.to_owned())),
    };
    assert_eq!(refused(vec![topic("food", vec![]); 21]).await, "FIELD_INVALID");
    assert_eq!(refused(vec![topic("food", vec![]); 2]).await, "FIELD_INVALID");
    assert_eq!(refused(vec![topic("food", vec![]), topic("6", vec![])]).await, "FIELD_INVALID");
    assert_eq!(refused(vec![topic("", vec![])]).await, "FIELD_INVALID");
    assert_eq!(refused(vec![topic("golf", vec![])]).await, "TOPIC_UNKNOWN");
    let eleven = (1..=11).map(|it| person(&format!("72{it}"))).collect();
    assert_eq!(refused(vec![topic("food", eleven)]).await, "FIELD_INVALID");
    assert_eq!(refused(vec![topic("food", vec![person("71")])]).await, "FIELD_INVALID");
    assert_eq!(refused(vec![topic("food", vec![person("x")])]).await, "FIELD_INVALID");
    assert_eq!(refused(vec![topic("food", vec![person("999")])]).await, "PERSON_UNKNOWN");
    assert_eq!(refused(vec![topic("food", vec![Influencer::default()])]).await, "FIELD_INVALID");
    for (person, topic, expected) in [
        ("x", "food", "FIELD_INVALID"),
        ("", "food", "FIELD_INVALID"),
        ("999", "food", "PERSON_UNKNOWN"),
        ("71", "golf", "TOPIC_UNKNOWN"),
        ("71", "", "FIELD_INVALID"),
    ] {
        let (person, topic) = (person.to_owned(), topic.to_owned());
        let request = VetoTopicRequest { person: person.clone(), topic: topic.clone() };
        let status = world.client().veto_topic(request).await.expect_err("refused");
        assert_eq!(reason(&status).as_deref(), Some(expected));
        let request = RestoreTopicRequest { person, topic };
        let status = world.client().restore_topic(request).await.expect_err("refused");
        assert_eq!(reason(&status).as_deref(), Some(expected));
    }
}

#[tokio::test]
async fn words_that_name_what_may_not_be_told_or_is_vetoed_are_shown_to_nobody() {
    let world = World::in_the_garden().await;
    world.join(1, 71).await;
    for batch in known_for(1, "tomatoes and the lambing season", 4) {
        world.apply(batch).await.expect("applied");
    }
    for (place, name) in
        ["diabetes tomatoes", "lambs and tomatoes", "tomato friends"].iter().enumerate()
    {
        let mut listed = lists(1, name, 3);
        let other = u64::try_from(place).expect("few") * 100_000;
        listed.interactions.iter_mut().for_each(|it| it.signal = it.signal.map(|it| it + other));
        listed.labels.iter_mut().for_each(|it| it.signal += other);
        world.apply(listed).await.expect("applied");
    }
    world.settled().await;
    let labels = async || -> Vec<String> {
        let explained = world.explain(71, "gardening").await;
        explained.labels.into_iter().map(|it| it.label).collect()
    };
    assert_eq!(labels().await, ["lambs and tomatoes", "tomato friends"]);
    let words = async || -> Vec<String> {
        let topics = world.topics(71).await;
        topics.into_iter().find(|it| slug(it) == "nature").expect("known for it").words
    };
    assert_eq!(
        words().await,
        ["lambs and tomatoes", "tomato friends", "lambing season", "tomatoes"]
    );

    world.veto(71, "lambs").await.expect("vetoed");
    assert_eq!(labels().await, ["tomato friends"], "at once");
    assert_eq!(words().await, ["tomato friends", "tomatoes"], "at once");
    world.settled().await;
    assert_eq!(labels().await, ["tomato friends"]);
    assert_eq!(words().await, ["tomato friends", "tomatoes"]);
    let explained = world.explain(71, "nature").await;
    assert!(explained.posts.iter().all(|it| it.words == ["tomatoes"]), "{explained:?}");
    let known_for: Vec<i64> =
        sqlx::query_scalar("select unnest(known_for) from topics.person where person_id = 71")
            .fetch_all(&world.stores.db().await)
            .await
            .expect("topics");
    assert_eq!(known_for, [3], "what is vetoed helps to tell nothing");
}
