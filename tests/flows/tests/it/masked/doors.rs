//! Other doors of the gateway, about one person: the old API, what systems for customers are given, and gRPC-Web.

use std::time::Instant;

use klout_proto::score::v1::{GetScoreRequest, GetScoreResponse, get_score_request::Subject};
use prost::Message as _;
use serde_json::json;

use super::eyes::{Eyes, Watchers};

impl Eyes {
    /// One door after the other. Accounts of this town are what the old API calls Twitter.
    pub(super) async fn look_through_doors(&self, watchers: &Watchers) {
        for (number, person) in self.near(watchers) {
            let name = format!("author{number}");
            for (surface, path) in [
                ("old API identity", format!("/v2/identity.json/twitter?screenName={name}")),
                ("old API identity by number", format!("/v2/identity.json/tw/{name}")),
                ("old API network id", format!("/v2/identity.json/klout/{person}/tw")),
                ("old API Twitter user", format!("/v2/tw-user.json/{name}/score")),
                ("version 1 klout", format!("/1/klout.json?users={name}")),
                ("version 1 show", format!("/1/users/show.json?users={name}")),
                ("version 1 topics", format!("/1/users/topics.xml?users={name}")),
                ("version 1 influenced by", format!("/1/soi/influenced_by.json?users={name}")),
                ("version 1 influencer of", format!("/1/soi/influencer_of.json?users={name}")),
                ("CRM score", format!("/crm/v1/people/{person}/score")),
                ("score of an account", format!("/v1/accounts/bluesky/{name}/score")),
            ] {
                let asked = Instant::now();
                let (status, _, text) = self.get(&path, None).await;
                // Version 1 answers 200 about nobody too.
                if status == 200 && !text.contains("No users") {
                    watchers.saw(surface, asked, [person.clone()]);
                }
                if watchers.is_over() {
                    return;
                }
            }
            let account = json!({ "network": "bluesky", "handle": name });
            for (surface, path, body) in [
                ("look-up by account", "/v1/people:score", json!({ "accounts": [account] })),
                ("CRM look-up", "/crm/v1/people:score", json!({ "person": person })),
                (
                    "CRM batch",
                    "/crm/v1/scores:batchLookup",
                    json!({ "subjects": [{ "person": person }] }),
                ),
            ] {
                let asked = Instant::now();
                let request = self.http.post(format!("{}{path}", self.url));
                let request = request.bearer_auth(&self.key).json(&body);
                let text = request.send().await.expect("answered").text().await.unwrap_or_default();
                if text.contains("\"bucket\"") {
                    watchers.saw(surface, asked, [person.clone()]);
                }
            }
            self.look_as_browser(person, watchers).await;
        }
    }

    async fn look_as_browser(&self, person: &str, watchers: &Watchers) {
        let subject = Some(Subject::Person(person.to_owned()));
        let message = GetScoreRequest { subject, ..Default::default() }.encode_to_vec();
        let length = u32::try_from(message.len()).expect("short");
        let framed = [&[0][..], &length.to_be_bytes(), &message].concat();
        let asked = Instant::now();
        let request = self.http.post(format!("{}/klout.score.v1.ScoreService/GetScore", self.url));
        let request = request.header("content-type", "application/grpc-web+proto").body(framed);
        let answer = request.bearer_auth(&self.key).send().await.expect("answered");
        let body = answer.bytes().await.unwrap_or_default();
        // A frame of data comes first, where there is a score.
        let Some([0, a, b, c, d, rest @ ..]) = body.get(..) else { return };
        let length = usize::try_from(u32::from_be_bytes([*a, *b, *c, *d])).expect("short");
        let response = GetScoreResponse::decode(&rest[..length]).expect("a response");
        watchers.saw("gRPC-Web", asked, response.score.map(|score| score.person));
    }
}
