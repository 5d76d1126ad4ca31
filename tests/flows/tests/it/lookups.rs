//! Who looks at whom, and who is there for whom.

use std::{collections::BTreeSet, time::Duration};

use klout_flows::Installation;
use klout_proto::{
    graph::v1::{
        AccountName, AddContactsRequest, Contacts, GetPersonRequest, account_name::Name,
        graph_service_client::GraphServiceClient,
    },
    score::v1::{GetScoreRequest, get_score_request, score_service_client::ScoreServiceClient},
};
use klout_testkit::{http_client, until};
use serde_json::{Value, json};
use sha2::{Digest as _, Sha256};
use tonic::{
    Code, Request,
    transport::{Channel, Endpoint},
};

use crate::world::{Files, rows};

/// Somebody with a key.
struct Customer {
    name: &'static str,
    key: String,
    url: String,
    channel: Channel,
}

impl Customer {
    async fn of(installation: &Installation, name: &'static str, purpose: &str) -> Self {
        let made = installation.klout(&["keys", "token", name, "--purpose", purpose]);
        assert_eq!(made.code, Some(0), "{made:?}");
        let url = installation.url();
        let endpoint = Endpoint::from_shared(url.clone()).expect("an address");
        let channel = endpoint.connect().await.expect("the gateway answers");
        Self { name, key: made.stdout.trim().to_owned(), url, channel }
    }

    async fn get(&self, path: &str) -> (u16, Value) {
        let request = http_client().get(format!("{}{path}", self.url));
        let response = request.header("x-api-key", &self.key).send().await.expect("an answer");
        (response.status().as_u16(), response.json().await.unwrap_or_default())
    }

    /// Looks somebody up.
    async fn look_up(&self, body: Value) -> (u16, Value) {
        let request = http_client().post(format!("{}/v1/people:score", self.url));
        // Named alike, answers can be compared.
        let request = request.header("x-api-key", &self.key).header("x-request-id", "look-up");
        let response = request.body(body.to_string()).send().await.expect("an answer");
        (response.status().as_u16(), response.json().await.unwrap_or_default())
    }

    /// A list of people as CSV: the first column.
    async fn people(&self, query: &str) -> Vec<String> {
        let request = http_client().get(format!("{}/v1/people?{query}", self.url));
        let request = request.header("x-api-key", &self.key).header("accept", "text/csv");
        let response = request.send().await.expect("an answer");
        assert_eq!(response.status(), 200);
        let text = response.text().await.expect("to its end");
        let first = |row: &str| row.split(',').next().expect("a column").to_owned();
        text.lines().skip(1).map(first).collect()
    }

    fn request<T>(&self, message: T) -> Request<T> {
        let mut request = Request::new(message);
        request.metadata_mut().insert("x-api-key", self.key.parse().expect("a header"));
        request
    }

    async fn score(&self, account: AccountName) -> Result<String, Code> {
        let subject = Some(get_score_request::Subject::Account(account));
        let request = self.request(GetScoreRequest { subject, ..Default::default() });
        let answered = ScoreServiceClient::new(self.channel.clone()).get_score(request).await;
        let answered = answered.map_err(|status| status.code())?.into_inner();
        Ok(answered.score.expect("a score").person)
    }

    async fn profile(&self, person: &str) -> Result<(), Code> {
        let request = self.request(GetPersonRequest { person: person.to_owned() });
        let answered = GraphServiceClient::new(self.channel.clone()).get_person(request).await;
        answered.map(|_| ()).map_err(|status| status.code())
    }
}

fn account(native_id: &str) -> AccountName {
    let name = Some(Name::NativeId(native_id.to_owned()));
    AccountName { network: "bluesky".to_owned(), name }
}

/// Who looked at what of somebody, and why.
async fn looked(installation: &Installation, person: &str) -> BTreeSet<[String; 3]> {
    let (status, list) = installation.get(&format!("/v1/people/{person}/lookups")).await;
    assert_eq!(status, 200, "{list}");
    let rows = list["lookups"].as_array().expect("rows").iter().map(|row| {
        ["caller", "purpose", "what"].map(|field| row[field].as_str().expect(field).to_owned())
    });
    rows.collect()
}

#[tokio::test]
async fn a_person_sees_which_customers_looked_and_why() {
    let files = Files::new();
    let installation = Installation::of_six_processes().await;
    installation.import(&files.write("all.csv", &rows()));
    let shop = Customer::of(&installation, "shop", "crm").await;
    let lab = Customer::of(&installation, "lab", "research").await;

    let person = lab.score(account("a1")).await.expect("a score");
    let (status, score) = shop.get(&format!("/v1/people/{person}/score")).await;
    assert_eq!((status, score["person"].as_str()), (200, Some(person.as_str())));
    let (status, _) = shop.get(&format!("/v1/people/{person}/topics")).await;
    assert_eq!(status, 200);
    let page = http_client().get(format!("{}/people/{person}", installation.url())).send().await;
    assert_eq!(page.expect("a page").status(), 200);
    // Nobody is not looked at.
    let (status, _) = shop.get("/v1/people/4611686018427387904/score").await;
    assert_eq!(status, 404);

    let row = |caller: &Customer, purpose: &str, what: &str| {
        [caller.name.to_owned(), purpose.to_owned(), what.to_owned()]
    };
    let web = ["web".to_owned(), "show".to_owned(), "score".to_owned()];
    let expected = [
        row(&lab, "research", "score"),
        row(&shop, "crm", "score"),
        row(&shop, "crm", "topics"),
        web,
    ];
    until("all who looked are written down", async || {
        let looked = looked(&installation, &person).await;
        expected.iter().all(|row| looked.contains(row))
    })
    .await;
    let told = looked(&installation, &person).await;
    assert!(!told.iter().any(|row| row[1] == "internal"), "services are nobody: {told:?}");
    let printed = installation.klout(&["lookups", "bluesky:id=a1"]);
    assert_eq!(printed.code, Some(0), "{printed:?}");
    for words in [["lab", "research"], ["shop", "crm"]] {
        let told = |line: &str| words.iter().all(|word| line.contains(word));
        assert!(printed.stdout.lines().any(told), "{words:?}: {printed:?}");
    }
}

/// A score over REST that is in the memory of the process is answered by functions alone: past all that other calls pass.
#[tokio::test]
async fn a_score_from_memory_is_limited_written_down_and_compared_as_any_other() {
    let files = Files::new();
    let installation = Installation::of_one_process().await;
    installation.import(&files.write("all.csv", &rows()[..100]));
    let lab = Customer::of(&installation, "lab", "research").await;
    let person = lab.score(account("a1")).await.expect("a score");
    let arguments = ["keys", "create", "shop", "--purpose", "crm", "--calls-per-second", "0"];
    let made = installation.klout(&[&arguments[..], &["--calls-per-day", "5"]].concat());
    assert_eq!(made.code, Some(0), "{made:?}");
    let key = made.stdout.trim().to_owned();
    let url = format!("{}/v1/people/{person}/score", installation.url());
    let ask = async |held: &str| {
        let request = http_client().get(&url).header("x-api-key", &key);
        let answer = request.header("if-none-match", held).send().await.expect("an answer");
        let header = |name: &str| {
            let value = answer.headers().get(name).and_then(|value| value.to_str().ok());
            value.unwrap_or_default().to_owned()
        };
        let told = [header("etag"), header("ratelimit-remaining"), header("content-type")];
        (answer.status().as_u16(), told, answer.text().await.expect("a body"))
    };

    let (_, [tag, ..], body) = ask("").await;
    let json = || "application/json".to_owned();
    for left in ["3", "2"] {
        let told = [tag.clone(), left.to_owned(), json()];
        assert_eq!(ask("").await, (200, told, body.clone()), "{left} are left");
    }
    let told = [tag.clone(), "1".to_owned(), String::new()];
    assert_eq!(ask(&tag).await, (304, told, String::new()));
    until("four looks are written down", async || {
        let (_, list) = installation.get(&format!("/v1/people/{person}/lookups")).await;
        let rows = list["lookups"].as_array().expect("rows");
        rows.iter()
            .any(|row| (row["caller"].as_str(), row["count"].as_str()) == (Some("shop"), Some("4")))
    })
    .await;

    installation.ask_to_erase(person.parse().expect("a number"), Duration::from_secs(20)).await;
    assert_eq!(ask(&tag).await.0, 404, "whoever has left is not told to be as before");
    assert_eq!(ask("").await.0, 429, "the day is used up");
}

#[tokio::test]
async fn who_withholds_research_is_nobody_to_researchers_and_there_for_others() {
    let files = Files::new();
    let installation = Installation::of_one_process().await;
    installation.import(&files.write("all.csv", &rows()[..100]));
    let shop = Customer::of(&installation, "shop", "crm").await;
    let lab = Customer::of(&installation, "lab", "research").await;
    let person = shop.score(account("a1")).await.expect("a score");
    lab.profile(&person).await.expect("consent is given on joining");
    sqlx::query(
        "update social_graph.person set withheld_purposes = '{research}' where person_id = $1",
    )
    .bind(person.parse::<i64>().expect("a person"))
    .execute(&installation.stores.db().await)
    .await
    .expect("withheld");

    assert_eq!(lab.profile(&person).await, Err(Code::NotFound));
    let (status, problem) = lab.get(&format!("/v1/people/{person}")).await;
    assert_eq!((status, problem["reason"].as_str()), (404, Some("PERSON_UNKNOWN")));
    shop.profile(&person).await.expect("to nobody else");
    let (status, _) = shop.get(&format!("/v1/people/{person}")).await;
    assert_eq!(status, 200);
}

#[tokio::test]
async fn a_key_for_hiring_is_not_made_and_one_in_other_words_is() {
    let installation = Installation::of_one_process().await;
    let refused = installation.klout(&["keys", "token", "desk", "--purpose", "hiring"]);
    assert_eq!((refused.code, refused.stdout.as_str()), (Some(2), ""), "{refused:?}");
    let other = Customer::of(&installation, "desk", "anything we like").await;
    let (status, _) = other.get("/v1/topics?pageSize=1").await;
    assert_eq!(status, 200);
}

#[tokio::test]
async fn customers_are_looked_up_and_listed_until_they_leave() {
    let files = Files::new();
    let installation = Installation::of_six_processes().await;
    installation.import(&files.write("all.csv", &rows()));
    let shop = Customer::of(&installation, "shop", "customer care").await;
    let person = shop.score(account("a1")).await.expect("a score");
    let endpoint = Endpoint::from_shared(installation.url()).expect("an address");
    let channel = endpoint.connect().await.expect("the gateway answers");
    let contacts = Contacts { emails: vec!["Ann@example.org".to_owned()], ..Contacts::default() };
    let add = AddContactsRequest { person: person.clone(), contacts: Some(contacts) };
    let mut add = Request::new(add);
    add.metadata_mut().insert("x-api-key", installation.key().parse().expect("a header"));
    GraphServiceClient::new(channel).add_contacts(add).await.expect("added");
    let hash: String =
        Sha256::digest("ann@example.org").iter().map(|byte| format!("{byte:02x}")).collect();
    let by_email = json!({"contacts": {"emails": ["ann@example.org"]}, "purpose": "crm"});
    let by_hash = json!({"contacts": {"emailHashes": [hash]}});
    let by_account = json!({"accounts": [{"network": "bluesky", "nativeId": "a1"}]});

    let (_, score) = shop.get(&format!("/v1/people/{person}/score")).await;
    for (named, matched_on) in [(&by_email, "email"), (&by_account, "native_id")] {
        let (status, found) = shop.look_up(named.clone()).await;
        assert_eq!(status, 200, "{found}");
        assert_eq!(found["match"]["matchedOn"], json!([matched_on]));
        assert_eq!(
            (&found["score"]["person"], &found["score"]["score"]),
            (&json!(person), &score["score"])
        );
    }
    let (status, found) = shop.look_up(by_hash.clone()).await;
    assert_eq!((status, &found["score"]["person"]), (200, &json!("")), "{found}");
    assert!(!found.to_string().contains(&person), "{found}");
    let all = shop.people("").await;
    let ranked: BTreeSet<String> = all.iter().cloned().collect();
    assert_eq!((ranked.len(), ranked.contains(&person)), (all.len(), true));
    assert_eq!(shop.people("network=bluesky").await, all);
    assert!(shop.people("network=github").await.is_empty());
    let score = score["score"].as_f64().expect("a score");
    let above = shop.people(&format!("minScore={score}&pageSize=1000")).await;
    assert_eq!(above.last(), Some(&person), "those above, and who has just that");
    until("the look-ups are written down", async || {
        let looked = looked(&installation, &person).await;
        ["identity", "score", "profile"]
            .iter()
            .all(|what| looked.contains(&["shop", "customer care", what].map(str::to_owned)))
    })
    .await;

    installation.ask_to_erase(person.parse().expect("a number"), Duration::from_secs(20)).await;

    let (status, nobody) = shop.look_up(json!({"contacts": {"emails": ["x@example.org"]}})).await;
    assert_eq!(status, 404);
    for named in [by_email, by_hash, by_account] {
        let (status, problem) = shop.look_up(named).await;
        assert_eq!((status, problem), (404, nobody.clone()));
    }
    assert!(!shop.people("").await.contains(&person));
}
