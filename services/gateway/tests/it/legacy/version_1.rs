//! Every method of version 1.

use super::town::{Answer, Town};

const NO_USERS: &str = r#"{"status":200,"headers":[],"body":{"error":"No users"}}"#;

#[track_caller]
fn assert_json(answer: &Answer, status: u16, body: &str) {
    assert_eq!((answer.status, answer.body.as_str()), (status, body), "{answer:?}");
    assert_eq!(answer.headers["content-type"], "application/json");
}

#[tokio::test]
async fn klout_tells_scores_of_up_to_five_users_in_one_call() {
    let town = Town::start().await;
    let answer = town.get("/1/klout.json?users=alice,bob,@carol,Xavier").await;
    assert_json(
        &answer,
        200,
        concat!(
            r#"{"status":200,"users":[{"twitter_screen_name":"alice","kscore":48.88},"#,
            r#"{"twitter_screen_name":"bob","kscore":84.1},"#,
            r#"{"twitter_screen_name":"carol","kscore":12.03},"#,
            r#"{"twitter_screen_name":"Xavier","kscore":30}]}"#
        ),
    );
    let asked = town.asked();
    assert_eq!(asked, [("BatchLookupScores", "acme".to_owned(), "crm".to_owned())]);

    let answer = town.get("/1/klout.json?users=a,b,c,d,e,f").await;
    let refused = r#"{"error":403,"description":"At most 5 users can be asked about at once."}"#;
    assert_json(&answer, 403, refused);
    assert!(town.asked().is_empty());
}

#[tokio::test]
async fn users_show_tells_all_numbers_with_changes_from_the_history() {
    let town = Town::start().await;
    let answer = town.get("/1/users/show.json?users=alice,bob").await;
    assert_json(
        &answer,
        200,
        concat!(
            r#"{"status":200,"users":[{"twitter_id":"42","twitter_screen_name":"alice","score":{"#,
            r#""kscore":48.88,"slope":0.19,"description":"","kclass_id":10,"kclass":"Socializer","#,
            r#""kclass_description":"Stands in the middle of a circle of people who react.","#,
            r#""kscore_description":"","network_score":7,"amplification_score":31.61,"#,
            r#""true_reach":1234,"delta_1day":0.11,"delta_5day":0.34}},"#,
            r#"{"twitter_id":"43","twitter_screen_name":"bob","score":{"#,
            r#""kscore":84.1,"slope":0,"description":"","kclass_id":4,"kclass":"Explorer","#,
            r#""kclass_description":"Tries things out, and some people react to it.","#,
            r#""kscore_description":"","network_score":0,"amplification_score":0,"#,
            r#""true_reach":0,"delta_1day":0,"delta_5day":0}}]}"#
        ),
    );
}

#[tokio::test]
async fn users_topics_tells_names() {
    let town = Town::start().await;
    let answer = town.get("/1/users/topics.json?users=alice,bob").await;
    let expected = concat!(
        r#"{"status":200,"users":[{"twitter_screen_name":"alice","topics":["music","board games"]},"#,
        r#"{"twitter_screen_name":"bob","topics":[]}]}"#
    );
    assert_json(&answer, 200, expected);
}

#[tokio::test]
async fn influenced_by_lists_influencers_and_influencer_of_lists_influencees() {
    let town = Town::start().await;
    let answer = town.get("/1/soi/influenced_by.json?users=alice").await;
    let expected = concat!(
        r#"{"status":200,"users":[{"twitter_screen_name":"alice","influencers":["#,
        r#"{"twitter_screen_name":"bob","kscore":84.1},{"twitter_screen_name":"carol","kscore":12.03}]}]}"#
    );
    assert_json(&answer, 200, expected);
    let answer = town.get("/1/soi/influencer_of.json?users=alice,dave").await;
    let expected = concat!(
        r#"{"status":200,"users":[{"twitter_screen_name":"alice","influencees":["#,
        r#"{"twitter_screen_name":"ivy.example","kscore":55}]},"#,
        r#"{"twitter_screen_name":"dave","influencees":[]}]}"#
    );
    assert_json(&answer, 200, expected);
}

#[tokio::test]
async fn nobody_is_no_users_and_one_nobody_among_others_is_not_found() {
    let town = Town::start().await;
    for method in ["klout", "users/show", "users/topics", "soi/influenced_by", "soi/influencer_of"]
    {
        for users in
            ["users=nobody", "users=several", "users=", "users=,", "users=nobody,neither", ""]
        {
            let answer = town.get(&format!("/1/{method}.json?{users}")).await;
            assert_json(&answer, 200, NO_USERS);
        }
        let answer = town.get(&format!("/1/{method}.json?users=alice,nobody")).await;
        assert_json(&answer, 404, &NO_USERS.replace("200", "404"));
    }
    for method in ["klout", "users/show"] {
        let answer = town.get(&format!("/1/{method}.json?users=dave")).await;
        assert_json(&answer, 200, NO_USERS);
    }
}

#[tokio::test]
async fn whoever_waits_to_be_scored_is_queued() {
    let town = Town::start().await;
    let answer = town.get("/1/klout.json?users=fay").await;
    assert_json(&answer, 202, r#"{"status":202,"users":[]}"#);
    let answer = town.get("/1/klout.json?users=fay,bob").await;
    let bob = r#"{"status":202,"users":[{"twitter_screen_name":"bob","kscore":84.1}]}"#;
    assert_json(&answer, 202, bob);
    assert_eq!(town.get("/1/users/show.json?users=fay").await.status, 202);
}

#[tokio::test]
async fn the_same_is_told_as_xml() {
    let town = Town::start().await;
    let answer = town.get("/1/klout.xml?users=alice,bob").await;
    assert_eq!(
        (answer.status, &*answer.headers["content-type"]),
        (200, "application/xml; charset=utf-8")
    );
    assert_eq!(
        answer.body,
        concat!(
            r#"<?xml version="1.0" encoding="UTF-8"?><users>"#,
            "<user><twitter_screen_name>alice</twitter_screen_name><kscore>48.88</kscore></user>",
            "<user><twitter_screen_name>bob</twitter_screen_name><kscore>84.1</kscore></user></users>"
        )
    );
    let answer = town.get("/1/users/topics.xml?users=alice").await;
    assert!(answer.body.contains("<topics><topic>music</topic>"), "{answer:?}");
    let answer = town.get("/1/klout.xml?users=nobody").await;
    assert!(answer.status == 200 && answer.body.contains("No users"), "{answer:?}");
}
