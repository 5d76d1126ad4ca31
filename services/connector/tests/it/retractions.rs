//! Signals that are taken back.

use klout_proto::signal::v1::{
    Account, BatchedInteraction, Counter, Post, Retraction, Signal, SignalBatch, signal::Content,
};

use crate::world::{World, like};

/// What is told of ann under `id` is not so any more.
fn retraction(id: &str, of: &str) -> Signal {
    let ann = Account { native_id: "ann".to_owned(), handle: None };
    let content = Retraction { subject: Some(ann), of_signal_id: of.to_owned() };
    Signal { content: Some(Content::Retraction(content)), ..like(id, "nobody") }
}

/// Everything that scoring was told: what came, and what was taken back.
fn told(world: &World) -> (Vec<BatchedInteraction>, Vec<BatchedInteraction>) {
    let batches = world.consumers.scoring.lock().expect("not poisoned");
    let all = |part: fn(&SignalBatch) -> &Vec<BatchedInteraction>| {
        batches.iter().flat_map(part).cloned().collect()
    };
    (all(|batch| &batch.interactions), all(|batch| &batch.retracted_interactions))
}

#[tokio::test]
async fn a_retraction_brings_the_signal_back_as_it_was() {
    let world = World::start().await;
    world.deliver(vec![like("1", "bob"), like("2", "cid")]).await;

    let answer = world.deliver(vec![retraction("3", "2")]).await;

    assert_eq!((answer.accepted, answer.repeated), (1, 0));
    let (came, went) = told(&world);
    assert_eq!((came.len(), went.len()), (2, 1));
    assert!(came.contains(&went[0]));
    let cid: Vec<_> =
        came.iter().filter(|it| it.actor_account_id != went[0].actor_account_id).collect();
    assert_eq!(cid.len(), 1, "it was one of the two");
}

#[tokio::test]
async fn a_signal_that_was_taken_back_before_it_came_never_comes() {
    let world = World::start().await;
    world.deliver(vec![retraction("3", "1")]).await;

    let answer = world.deliver(vec![like("1", "bob"), like("2", "cid")]).await;

    assert_eq!((answer.accepted, answer.repeated), (1, 1));
    let (came, went) = told(&world);
    assert_eq!((came.len(), went.len()), (1, 0));
}

#[tokio::test]
async fn taking_back_twice_is_once_and_the_signal_stays_away() {
    let world = World::start().await;
    world.deliver(vec![like("1", "bob")]).await;

    world.deliver(vec![retraction("2", "1")]).await;
    let repeated = world.deliver(vec![retraction("2", "1")]).await;
    world.deliver(vec![retraction("3", "1")]).await;
    let again = world.deliver(vec![like("1", "bob")]).await;

    assert_eq!((repeated.accepted, repeated.repeated), (0, 1));
    assert_eq!((again.accepted, again.repeated), (0, 1));
    let (came, went) = told(&world);
    assert_eq!((came.len(), went.len()), (1, 1));
}

#[tokio::test]
async fn a_signal_and_its_retraction_in_one_request_cancel_out_in_any_order() {
    for reversed in [false, true] {
        let world = World::start().await;
        let mut signals = vec![like("1", "bob"), retraction("2", "1")];
        if reversed {
            signals.reverse();
        }
        world.deliver(signals).await;
        let (came, went) = told(&world);
        assert_eq!((came.len(), went.len()), (1, 1));
        assert_eq!(came, went);
    }
}

#[tokio::test]
async fn counters_and_posts_are_taken_back_too_and_retractions_are_not() {
    let world = World::start().await;
    let ann = Some(Account { native_id: "ann".to_owned(), handle: None });
    let counter =
        Counter { account: ann.clone(), name: "follower_count".to_owned(), value: 7.0, post: None };
    let post = Post { account: ann, post: "p".to_owned(), ..Post::default() };
    let signals = vec![
        Signal { content: Some(Content::Counter(counter)), ..like("1", "nobody") },
        Signal { content: Some(Content::Post(post)), ..like("2", "nobody") },
    ];
    world.deliver(signals).await;

    let retractions = [("3", "1"), ("4", "2"), ("5", "4")];
    world.deliver(retractions.map(|(id, of)| retraction(id, of)).to_vec()).await;

    let batches = world.consumers.scoring.lock().expect("not poisoned").clone();
    assert_eq!(batches[0].counters, batches[1].retracted_counters);
    assert_eq!(batches[0].posts, batches[1].retracted_posts);
    let topics = world.consumers.topics.lock().expect("not poisoned");
    assert_eq!(topics.len(), 2, "topics hears of posts that come and go");
}

#[tokio::test]
async fn what_another_subject_calls_the_same_is_left_alone() {
    let world = World::start().await;
    world.deliver(vec![like("1", "bob")]).await;
    let eve = Account { native_id: "eve".to_owned(), handle: None };
    let content = Retraction { subject: Some(eve), of_signal_id: "1".to_owned() };
    let other = Signal { content: Some(Content::Retraction(content)), ..like("2", "nobody") };

    world.deliver(vec![other]).await;

    assert!(told(&world).1.is_empty());
}
