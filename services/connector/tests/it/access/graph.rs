//! Social-graph, played: what it is asked, and what it says.

use std::sync::{Arc, Mutex};

use axum::Router;
use klout_chassis::Refusal;
use klout_proto::graph::v1::{
    BatchGetMembershipsRequest, BatchGetMembershipsResponse, CompleteLinkRequest,
    CompleteLinkResponse, GetPersonRequest, GetPersonResponse, LinkAccountRequest,
    LinkAccountResponse, LinkProvenAccountRequest, LinkProvenAccountResponse, Membership, Person,
    StartLinkRequest, StartLinkResponse,
};
use klout_testkit::{Peer, unary};
use tonic::{Code, Status, service::Routes};

/// Whom everything is about.
pub(super) const ANN: &str = "42";

/// Knows one person, and notes what is linked to her.
#[derive(Clone, Debug, Default)]
pub(super) struct Graph {
    /// As `NETWORK NATIVE_ID HOW`.
    pub(super) linked: Arc<Mutex<Vec<String>>>,
    /// Whether every account is somebody else's.
    pub(super) disputes: Arc<Mutex<bool>>,
}

// === impl Graph ===

impl Graph {
    pub(super) async fn serve(&self) -> Peer {
        let graph = self.clone();
        let proven = move |request: LinkProvenAccountRequest| {
            if *graph.disputes.lock().expect("not poisoned") {
                let refusal = Refusal::new(Code::AlreadyExists, "ACCOUNT_DISPUTED");
                return Err(refusal.into_plain_status("it is somebody else's"));
            }
            let account = request.account.expect("an account");
            graph.note(&format!("{} {} OAUTH", account.network, account.native_id));
            Ok(LinkProvenAccountResponse { person: Some(ann()) })
        };
        let graph = self.clone();
        let by_operator = move |request: LinkAccountRequest| {
            let account = request.account.expect("an account");
            graph.note(&format!("{} {} OPERATOR", account.network, account.native_id));
            Ok(LinkAccountResponse { person: Some(ann()) })
        };
        let started = |request: StartLinkRequest| {
            let account = request.account.expect("an account");
            Ok(StartLinkResponse {
                link: format!("{} {} {}", account.network, account.native_id, request.method),
                challenge: "klout-text".to_owned(),
                ..StartLinkResponse::default()
            })
        };
        let graph = self.clone();
        let completed = move |request: CompleteLinkRequest| {
            graph.note(&request.link);
            Ok(CompleteLinkResponse { person: Some(ann()) })
        };
        let routes = [
            unary("/klout.graph.v1.GraphService/GetPerson", get),
            unary("/klout.graph.v1.GraphService/BatchGetMemberships", memberships),
            unary("/klout.graph.v1.GraphService/LinkProvenAccount", proven),
            unary("/klout.graph.v1.GraphService/LinkAccount", by_operator),
            unary("/klout.graph.v1.GraphService/StartLink", started),
            unary("/klout.graph.v1.GraphService/CompleteLink", completed),
        ];
        let all = routes.into_iter().map(Routes::into_axum_router);
        Peer::serve(Routes::from(all.reduce(Router::merge).expect("some"))).await
    }

    pub(super) fn linked(&self) -> Vec<String> {
        self.linked.lock().expect("not poisoned").clone()
    }

    fn note(&self, linked: &str) {
        self.linked.lock().expect("not poisoned").push(linked.to_owned());
    }
}

fn ann() -> Person {
    Person { person: ANN.to_owned(), ..Person::default() }
}

fn get(request: GetPersonRequest) -> Result<GetPersonResponse, Status> {
    match request.person.as_str() {
        ANN => Ok(GetPersonResponse { person: Some(ann()) }),
        _ => {
            let refusal = Refusal::new(Code::NotFound, "PERSON_UNKNOWN");
            Err(refusal.into_plain_status("nobody"))
        }
    }
}

fn memberships(request: BatchGetMembershipsRequest) -> Result<BatchGetMembershipsResponse, Status> {
    let person_id = ANN.parse().expect("a number");
    let all = request.account_ids.into_iter();
    let memberships =
        all.map(|account_id| Membership { account_id, person_id, ..Membership::default() });
    Ok(BatchGetMembershipsResponse { memberships: memberships.collect() })
}
