//! What lists hold, and what they do not hold any more.

use super::played::{World, json, once, status};

#[tokio::test]
async fn what_a_list_does_not_hold_any_more_is_taken_back_and_counts_again_when_it_is_there_again()
{
    let world = World::start().await;
    let posts = r#"{"posts":["one"],"then":{"likes/one":"2"}}"#;
    world.holds(&[("posts", posts), ("likes/one", r#"{"likes":["bob","cid"]}"#)]);
    world.visit().await;
    assert_eq!(world.likes().await, once(&["bob", "cid"]));
    assert_eq!(world.posts().await, 1);
    world.assert_done().await;

    for (count, likes, liked) in [
        ("1", r#"{"likes":["bob"]}"#, &["bob"][..]),
        ("2", r#"{"likes":["cid","bob"]}"#, &["bob", "cid"]),
        ("0", r#"{"likes":[]}"#, &[]),
        ("3", r#"{"likes":["cid","bob","dee"]}"#, &["bob", "cid", "dee"]),
    ] {
        let posts = posts.replace("\"2\"", &format!("\"{count}\""));
        world.holds(&[("posts", &posts), ("likes/one", likes)]);
        world.visit().await;
        assert_eq!(world.likes().await, once(liked), "{likes}");
    }
    assert_eq!(world.posts().await, 1);
}

#[tokio::test]
async fn nothing_is_taken_back_before_all_parts_of_a_list_were_read() {
    let world = World::start().await;
    let posts = r#"{"then":{"likes/one":"4"}}"#;
    world.holds(&[
        ("posts", posts),
        ("likes/one", r#"{"likes":["bob","cid"],"next":"b"}"#),
        ("likes/one?b", r#"{"likes":["dee"],"next":"c"}"#),
        ("likes/one?c", r#"{"likes":["eve"]}"#),
    ]);
    world.visit().await;
    assert_eq!(world.likes().await, once(&["bob", "cid", "dee", "eve"]));

    // The second part cannot be read: who stood in it is not known to have gone.
    world.holds(&[
        ("posts", &posts.replace('4', "3")),
        ("likes/one", r#"{"likes":["bob"],"next":"b"}"#),
    ]);
    world.visit().await;
    assert_eq!(world.likes().await, once(&["bob", "cid", "dee", "eve"]));
    assert_eq!(world.reason().await.as_deref(), Some("NETWORK_UNAVAILABLE"));
}

#[tokio::test]
async fn a_post_that_is_gone_takes_along_who_liked_it() {
    let world = World::start().await;
    world.holds(&[
        ("posts", r#"{"posts":["one","two"],"then":{"likes/one":"1","likes/two":"1"}}"#),
        ("likes/one", r#"{"likes":["bob"]}"#),
        ("likes/two", r#"{"likes":["bob","cid"]}"#),
    ]);
    world.visit().await;
    assert_eq!(world.likes().await["bob"], 2);

    world.holds(&[("posts", r#"{"posts":["one"],"then":{"likes/one":"1"}}"#)]);
    world.visit().await;
    assert_eq!(world.likes().await, once(&["bob"]));
    assert_eq!(world.posts().await, 1);
    world.assert_done().await;
}

#[tokio::test]
async fn a_post_that_leaves_the_window_is_not_gone_and_who_liked_it_lately_counts_on() {
    let world = World::start().await;
    world.holds(&[
        ("posts", r#"{"posts":["one","88-old"],"then":{"likes/88-old":"1"}}"#),
        ("likes/88-old", r#"{"likes":["bob"]}"#),
    ]);
    world.visit().await;
    assert_eq!((world.likes().await, world.posts().await), (once(&["bob"]), 2));

    // Two days later it is older than anything that is told, and its network is asked for no such post.
    world.wait(std::time::Duration::from_secs(2 * 86_400));
    world.holds(&[("posts", r#"{"posts":["one"]}"#)]);
    world.visit().await;
    assert_eq!((world.likes().await, world.posts().await), (once(&["bob"]), 2));
    world.assert_done().await;
}

#[tokio::test]
async fn what_seems_not_to_have_changed_is_not_asked_again_until_everything_is() {
    let world = World::start().await;
    let posts = r#"{"posts":["one"],"then":{"likes/one":"1"}}"#;
    world.holds(&[("posts", posts), ("likes/one", r#"{"likes":["bob"]}"#)]);
    world.visit().await;
    assert_eq!(world.asked(), ["posts", "likes/one"]);

    // Who likes it now is another one: the number does not tell.
    world.holds(&[("posts", posts), ("likes/one", r#"{"likes":["cid"]}"#)]);
    world.visit().await;
    assert_eq!(world.asked(), ["posts"]);
    assert_eq!(world.likes().await, once(&["bob"]));

    world.wait(world.visitor.whole_interval);
    world.begin(false).await;
    assert!(world.mode_is_whole().await);
    world.run().await;
    assert_eq!(world.asked(), ["posts", "likes/one"]);
    assert_eq!(world.likes().await, once(&["cid"]));
}

#[tokio::test]
async fn a_list_that_could_not_be_read_whole_is_asked_again_though_nothing_has_changed() {
    let world = World::start().await;
    let posts = r#"{"then":{"likes/one":"1"}}"#;
    world.holds(&[("posts", posts), ("likes/one", "not json")]);
    world.visit().await;
    // Each time it is given more time, and then it is given up.
    for _ in 0..10 {
        world.wait(std::time::Duration::from_secs(3600));
        world.run().await;
    }
    let connection = world.connection().await;
    assert_eq!((connection.mode.as_str(), connection.state.as_str()), ("IDLE", "FAILING"));
    assert_eq!(connection.error_reason.as_deref(), Some("NETWORK_ANSWER_MALFORMED"));

    world.holds(&[("posts", posts), ("likes/one", r#"{"likes":["bob"]}"#)]);
    world.visit().await;
    assert_eq!(world.likes().await, once(&["bob"]));
    world.assert_done().await;
}

#[tokio::test]
async fn a_list_that_is_still_the_same_is_not_told_again_and_stays_as_it_is() {
    let world = World::start().await;
    let posts = r#"{"posts":["one"],"then":{"likes/one":"1"}}"#;
    let visit = async |likes: &str| {
        world.holds_tagged(&[("posts", posts), ("likes/one", likes)]);
        world.begin(true).await;
        world.run().await;
        world.assert_done().await;
        (world.asked().pop().expect("something"), world.likes().await)
    };
    let (bob, both) = (r#"{"likes":["bob"]}"#, r#"{"likes":["bob","cid"]}"#);
    assert_eq!(visit(bob).await, ("likes/one".to_owned(), once(&["bob"])));
    assert_eq!(visit(bob).await, ("=likes/one".to_owned(), once(&["bob"])));
    // What has changed is told all the same, and is what is known then.
    assert_eq!(visit(both).await, ("=likes/one".to_owned(), once(&["bob", "cid"])));
    assert_eq!(visit(both).await, ("=likes/one".to_owned(), once(&["bob", "cid"])));
    assert_eq!(visit(bob).await, ("=likes/one".to_owned(), once(&["bob"])));
}

#[tokio::test]
async fn a_list_in_parts_is_read_whole_each_time() {
    let world = World::start().await;
    let posts = ("posts", r#"{"then":{"likes/one":"1"}}"#);
    let visit = async |lists: &[(&str, &str)]| {
        world.holds_tagged(&[&[posts][..], lists].concat());
        world.begin(true).await;
        world.run().await;
        (world.asked().split_off(1), world.likes().await)
    };
    let first = ("likes/one", r#"{"likes":["bob"],"next":"b"}"#);
    let parts = ["likes/one", "likes/one?b"];
    visit(&[("likes/one", r#"{"likes":["eve"]}"#)]).await;
    let (asked, likes) = visit(&[first, ("likes/one?b", r#"{"likes":["cid"]}"#)]).await;
    assert_eq!(
        (asked, likes),
        (vec!["=likes/one".to_owned(), parts[1].to_owned()], once(&["bob", "cid"]))
    );
    // The first part is the same, and the list is not.
    let (asked, likes) = visit(&[first, ("likes/one?b", r#"{"likes":["dee"]}"#)]).await;
    assert_eq!((asked, likes), (parts.map(str::to_owned).to_vec(), once(&["bob", "dee"])));
}

#[tokio::test]
async fn what_was_taken_back_with_a_post_is_there_again_with_it_though_its_list_is_the_same() {
    let world = World::start().await;
    let (there, likes) = (r#"{"posts":["one"],"then":{"likes/one":"1"}}"#, r#"{"likes":["bob"]}"#);
    let visit = async |posts: &str| {
        world.holds_tagged(&[("posts", posts), ("likes/one", likes)]);
        world.begin(true).await;
        world.run().await;
        (world.likes().await, world.posts().await)
    };
    assert_eq!(visit(there).await, (once(&["bob"]), 1));
    assert_eq!(visit("{}").await, (once(&[]), 0));
    assert_eq!(visit(there).await, (once(&["bob"]), 1));
}

#[tokio::test]
async fn who_answers_that_nothing_has_changed_without_being_asked_has_answered_nothing() {
    let world = World::start().await;
    world.answers(|at| match at {
        "posts" => json(r#"{"then":{"likes/one":"1"}}"#),
        _ => status(304),
    });
    world.visit().await;
    assert_eq!(world.reason().await.as_deref(), Some("NETWORK_UNAVAILABLE"));
    assert_eq!(world.likes().await, once(&[]));
}
