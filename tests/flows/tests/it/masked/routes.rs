//! Every route of the gateway about one person, as its own document names them, and what came of a file.

use std::time::Instant;

use klout_testkit::until;
use serde_json::{Value, json};

use super::eyes::{Eyes, Watchers};

/// Routes that tell of somebody who has left, to the operator alone: that they left, and who had looked at them.
const OF_WHO_LEFT: [&str; 2] = ["/v1/people/{person}/consent", "/v1/people/{person}/lookups"];

/// How a time round all routes is counted.
pub(super) const ROUND: &str = "every route";

impl Eyes {
    /// What a GET answers of one person who is there.
    pub(super) async fn routes(&self) -> Vec<&'static str> {
        let (status, _, text) = self.get("/openapi-operators.json", None).await;
        assert_eq!(status, 200, "{text}");
        let document: Value = serde_json::from_str(&text).expect("JSON");
        let paths = document["paths"].as_object().expect("paths");
        let mut routes = Vec::new();
        for (path, operations) in paths {
            let of_one = path.contains("{person}") && path.matches('{').count() == 1;
            if !of_one || operations.get("get").is_none() || OF_WHO_LEFT.contains(&path.as_str()) {
                continue;
            }
            let (status, ..) = self.get(&path.replace("{person}", &self.everybody[0]), None).await;
            if status == 200 {
                // As long as the test is.
                routes.push(&*path.clone().leak());
            }
        }
        routes
    }

    /// One time round.
    pub(super) async fn look_at_routes(&self, routes: &[&'static str], watchers: &Watchers) {
        for (_, person) in self.near(watchers) {
            for route in routes {
                let asked = Instant::now();
                let (status, ..) = self.get(&route.replace("{person}", person), None).await;
                if status == 200 {
                    watchers.saw(route, asked, [person.clone()]);
                }
                if watchers.is_over() {
                    return;
                }
            }
        }
        let asked = Instant::now();
        let (_, _, text) = self.get("/v1/connections?pageSize=1000", None).await;
        let named = self.everybody.iter().filter(|person| text.contains(person.as_str())).cloned();
        watchers.saw("list of connections", asked, named);
        watchers.came_round(ROUND);
    }

    /// Connects an account of everybody.
    pub(super) async fn connect_everybody(&self) {
        let post = async |path: &str, body: Value| -> Value {
            let request = self.http.post(format!("{}{path}", self.url)).bearer_auth(&self.key);
            let answered = request.json(&body).send().await.expect("answered");
            assert!(answered.status().is_success(), "{answered:?}");
            answered.json().await.expect("JSON")
        };
        for (number, person) in self.everybody.iter().enumerate() {
            let handle = format!("author{}", number + 1);
            let account = json!({ "network": "github", "handle": handle, "method": "OPERATOR" });
            let started = post(&format!("/v1/people/{person}/connections"), account).await;
            post("/v1/connections:complete", json!({ "attempt": started["attempt"] })).await;
        }
    }

    /// Has everybody looked up in a file, and returns the job when it is done.
    pub(super) async fn file_of_everybody(&self) -> String {
        let address = |path: &str| format!("{}/v1/lookupJobs{path}", self.url);
        let request = self.http.post(address("")).bearer_auth(&self.key).json(&json!({}));
        let made: Value = request.send().await.expect("answered").json().await.expect("JSON");
        let job = made["job"].as_str().expect("a job").to_owned();
        let rows: String =
            (0..self.everybody.len()).map(|it| format!("bluesky,author{it}\n")).collect();
        let request = self.http.put(address(&format!("/{job}/parts/1"))).bearer_auth(&self.key);
        let request = request.header("content-type", "text/csv");
        let sent = request.body(format!("network,handle\n{rows}")).send().await.expect("answered");
        assert!(sent.status().is_success(), "{sent:?}");
        let request = self.http.post(address(&format!("/{job}/close"))).bearer_auth(&self.key);
        let closed = request.json(&json!({})).send().await.expect("answered");
        assert!(closed.status().is_success(), "{closed:?}");
        until("the file is looked up", async || {
            let (_, _, text) = self.get(&format!("/v1/lookupJobs/{job}"), None).await;
            text.contains("\"DONE\"")
        })
        .await;
        job
    }

    pub(super) async fn look_at_file(&self, job: &str, watchers: &Watchers) {
        let asked = Instant::now();
        let (_, _, text) = self.get(&format!("/v1/lookupJobs/{job}/results"), None).await;
        let named = self.everybody.iter().filter(|person| text.contains(person.as_str())).cloned();
        watchers.saw("rows of a file", asked, named);
    }
}
