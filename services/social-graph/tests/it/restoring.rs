//! What becomes of who leaves when this service, or one that it tells, was restored from a backup.

use klout_proto::graph::v1::{
    KnownPersonState, ListPersonStatesRequest, PersonState, ResumePersonStatesRequest,
};
use klout_testkit::until;
use tonic::Code;

use crate::{
    consent::{set, state},
    erasing::erase,
    world::{Client, World, account, join, told},
};

/// The service was told that of somebody before social-graph was restored.
fn knows(world: &World, service: &str, person: &str, number: u64, state: &str) {
    let person_id = person.parse().expect("a number");
    let known = KnownPersonState { person_id, number, state: state.to_owned() };
    let holder = world.peers.of(service);
    holder.known.lock().expect("not poisoned").insert(person_id, known);
}

fn newest(world: &World, service: &str, person: &str) -> Option<(u64, String)> {
    world.peers.of(service).newest(person).map(|it| (it.number, it.state))
}

async fn states(client: &mut Client) -> Vec<PersonState> {
    let request = ListPersonStatesRequest::default();
    client.list_person_states(request).await.expect("states").into_inner().states
}

#[tokio::test]
async fn who_leaves_under_a_number_that_services_have_passed_gets_one_above_theirs() {
    let world = World::start().await;
    let mut client = world.client();
    let ann = join(&mut client, vec![account("did:1", "ann")]).await.person;
    let bea = join(&mut client, vec![account("did:2", "bea")]).await.person;
    knows(&world, "scoring", &ann, 130, "MEMBER");
    knows(&world, "connector", &ann, 131, "OPTED_OUT");

    erase(&mut client, &ann).await.expect("in force everywhere");

    for service in ["scoring", "connector"] {
        let (number, state) = newest(&world, service, &ann).expect("told");
        assert_eq!(state, "ERASED", "{service}");
        assert!(number > 130, "{service}: {number}");
    }
    erase(&mut client, &bea).await.expect("erased too");
    let (number, _) = newest(&world, "scoring", &bea).expect("told");
    assert!(number > 131, "numbers go on from there: {number}");
    let all = states(&mut client).await;
    assert!(all.iter().all(|it| it.number > 130), "{all:?}");
}

#[tokio::test]
async fn who_left_after_the_backup_was_made_is_not_made_a_member_again() {
    let world = World::start().await;
    let mut client = world.client();
    let ann = join(&mut client, vec![account("did:1", "ann")]).await.person;
    knows(&world, "scoring", &ann, 130, "OPTED_OUT");

    let mut withhold = state(&ann, "");
    withhold.withhold_purposes = vec!["crm".to_owned()];
    let refused = set(&mut client, withhold).await.expect_err("scoring knows better");
    assert_eq!(told(&refused), (Code::Unavailable, "MASKING_UNCONFIRMED".to_owned()));
    assert_eq!(newest(&world, "scoring", &ann), None, "nothing was taken over");
    assert!(newest(&world, "topics", &ann).is_some());

    knows(&world, "scoring", &ann, 130, "ERASED");
    set(&mut client, state(&ann, "OPTED_OUT")).await.expect("not shown either way");
    assert_eq!(newest(&world, "scoring", &ann), None, "erased is for good");
}

#[tokio::test]
async fn a_service_that_was_restored_forgets_again_who_left_since() {
    let world = World::start().await;
    let mut client = world.client();
    let ann = join(&mut client, vec![account("did:1", "ann")]).await.person;
    let bea = join(&mut client, vec![account("did:2", "bea")]).await.person;
    let cleo = join(&mut client, vec![account("did:3", "cleo")]).await.person;
    erase(&mut client, &ann).await.expect("erased");
    let before = states(&mut client).await.last().expect("a state").number;
    erase(&mut client, &bea).await.expect("erased");
    set(&mut client, state(&cleo, "OPTED_OUT")).await.expect("out");
    let db = world.stores.db().await;
    let waiting = async || -> i64 {
        let statement = "select count(*) from social_graph.forgetting";
        sqlx::query_scalar(statement).fetch_one(&db).await.expect("a count")
    };
    until("everything is deleted", async || waiting().await == 0).await;
    let topics = world.peers.of("topics");
    topics.forgotten.lock().expect("not poisoned").clear();
    topics.states.lock().expect("not poisoned").clear();

    let resume = |service: &str| ResumePersonStatesRequest {
        service: service.to_owned(),
        after_number: before,
    };
    client.resume_person_states(resume("topics")).await.expect("noted");

    until("they are forgotten again", async || waiting().await == 0).await;
    let mut asked: Vec<_> = {
        let forgotten = topics.forgotten.lock().expect("not poisoned");
        forgotten.iter().map(|it| (it.person_id.to_string(), it.state.clone())).collect()
    };
    asked.sort();
    asked.dedup();
    let mut expected = vec![(bea.clone(), "ERASED".to_owned()), (cleo, "OPTED_OUT".to_owned())];
    expected.sort();
    assert_eq!(asked, expected, "of whom it had not heard, and of no others");
    assert!(newest(&world, "topics", &bea).is_some(), "told before");
    let refused = client.resume_person_states(resume("nobody")).await.expect_err("no service");
    assert_eq!(told(&refused), (Code::InvalidArgument, "FIELD_INVALID".to_owned()));
}
