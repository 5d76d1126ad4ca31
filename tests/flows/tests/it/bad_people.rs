//! People and accounts that are not what they should be, over REST and gRPC: a reason, and nothing done.

use klout_flows::Installation;
use klout_proto::graph::v1::{
    AccountName, CreatePersonRequest, GetPersonRequest, LinkAccountRequest, LinkedAccount,
    ListLookupsRequest, ResolvePersonRequest, account_name::Name,
    graph_service_client::GraphServiceClient,
};
use tonic::{
    Code, Request, Status,
    metadata::{Ascii, MetadataValue},
    transport::Endpoint,
};

use crate::world::{Files, rows};

/// A person of whom nobody has heard.
const NOBODY: &str = "4611686018427387904";

fn account(native_id: &str) -> LinkedAccount {
    LinkedAccount {
        network: "bluesky".to_owned(),
        native_id: native_id.to_owned(),
        ..LinkedAccount::default()
    }
}

fn told<T>(answered: Result<T, Status>) -> Code {
    answered.map_or_else(|status| status.code(), |_| Code::Ok)
}

#[tokio::test]
async fn whoever_cannot_be_is_refused_and_whoever_is_not_there_is_unknown() {
    let files = Files::new();
    let installation = Installation::of_one_process().await;
    installation.import(&files.write("all.csv", &rows()[..100]));
    let long = "n".repeat(300);
    let percent = |text: &str| -> String { text.bytes().map(|it| format!("%{it:02x}")).collect() };
    // In other letters, and with letters that nobody sees.
    let (cyrillic, turned) = (percent("\u{430}1"), percent("\u{202e}a1"));
    let (dots, nul) = (percent("../a1"), percent("a1\0"));
    for (path, status, reason) in [
        ("/v1/people/0".to_owned(), 400, "FIELD_INVALID"),
        ("/v1/people/-1".to_owned(), 400, "FIELD_INVALID"),
        ("/v1/people/9223372036854775808".to_owned(), 400, "FIELD_INVALID"),
        ("/v1/people/1e3/score".to_owned(), 400, "FIELD_INVALID"),
        (format!("/v1/people/{NOBODY}"), 404, "PERSON_UNKNOWN"),
        (format!("/v1/people/{NOBODY}/score"), 404, "PERSON_UNKNOWN"),
        (format!("/v1/people/{NOBODY}/lookups"), 404, "PERSON_UNKNOWN"),
        (format!("/v1/people/{NOBODY}/topics"), 404, "PERSON_UNKNOWN"),
        ("/v1/people/abc/lookups".to_owned(), 400, "FIELD_INVALID"),
        (format!("/v1/people/{NOBODY}/lookups?pageSize=-1"), 400, "FIELD_INVALID"),
        (format!("/v1/people/{NOBODY}/lookups?pageToken=%25"), 400, "FIELD_INVALID"),
        (format!("/v1/people/{NOBODY}/lookups?pageToken=EgEA"), 400, "FIELD_INVALID"),
        (format!("/v1/accounts/bluesky/{long}/score"), 400, "FIELD_INVALID"),
        (format!("/v1/accounts/bluesky/{cyrillic}/score"), 404, "PERSON_UNKNOWN"),
        (format!("/v1/accounts/bluesky/{turned}/score"), 400, "FIELD_INVALID"),
        (format!("/v1/accounts/bluesky/{dots}/score"), 404, "PERSON_UNKNOWN"),
        (format!("/v1/accounts/bluesky/{nul}/score"), 400, "FIELD_INVALID"),
        ("/v1/accounts/No%20Network/a1/score".to_owned(), 400, "FIELD_INVALID"),
    ] {
        let (answered, problem) = installation.get(&path).await;
        let answered = (answered, problem["reason"].as_str().unwrap_or_default());
        assert_eq!(answered, (status, reason), "{path}: {problem}");
    }
    let (status, score) = installation.get("/v1/accounts/bluesky/a1/score").await;
    assert_eq!(status, 200, "who is called so in these letters is there: {score}");
}

#[tokio::test]
async fn the_same_over_grpc_leaves_nothing_half_done() {
    let installation = Installation::of_one_process().await;
    let endpoint = Endpoint::from_shared(installation.url()).expect("an address");
    let channel = endpoint.connect().await.expect("the gateway answers");
    let key: MetadataValue<Ascii> = installation.key_for("operator").parse().expect("a header");
    let keyed = move |mut request: Request<()>| -> Result<Request<()>, Status> {
        request.metadata_mut().insert("x-api-key", key.clone());
        Ok(request)
    };
    let mut graph = GraphServiceClient::with_interceptor(channel, keyed);
    let long = "n".repeat(300);

    let create = |accounts| CreatePersonRequest { accounts, ..CreatePersonRequest::default() };
    let ann = graph.create_person(create(vec![account("ann")])).await.expect("ann").into_inner();
    let ann = ann.person.expect("ann").person;
    let bob = graph.create_person(create(vec![account("bob")])).await.expect("bob").into_inner();
    let bob = bob.person.expect("bob").person;

    for person in ["", "0", "-5", "ann", "9223372036854775808", "1.0"] {
        let request = GetPersonRequest { person: person.to_owned() };
        assert_eq!(told(graph.get_person(request).await), Code::InvalidArgument, "{person}");
        let request = ListLookupsRequest { person: person.to_owned(), ..Default::default() };
        assert_eq!(told(graph.list_lookups(request).await), Code::InvalidArgument, "{person}");
    }
    let names = ["", &long, "a\u{0}b", "line\nbreak"];
    for name in names {
        let bad = graph.create_person(create(vec![account("eve"), account(name)])).await;
        assert_eq!(told(bad), Code::InvalidArgument, "{name:?}");
        let link = LinkAccountRequest { person: ann.clone(), account: Some(account(name)) };
        assert_eq!(told(graph.link_account(link).await), Code::InvalidArgument, "{name:?}");
    }
    let link = |person: &str, name: &str| LinkAccountRequest {
        person: person.to_owned(),
        account: Some(account(name)),
    };
    assert_eq!(told(graph.link_account(link(&ann, "bob")).await), Code::AlreadyExists, "bob's");
    assert_eq!(told(graph.link_account(link(NOBODY, "new")).await), Code::NotFound);
    let both = graph.create_person(create(vec![account("ann"), account("bob")])).await;
    assert_eq!(told(both), Code::AlreadyExists, "of two people");

    // Nothing of all this came to be.
    for name in ["eve", "new"] {
        let name = Some(Name::NativeId(name.to_owned()));
        let account = Some(AccountName { network: "bluesky".to_owned(), name });
        let request = ResolvePersonRequest { account, ..Default::default() };
        assert_eq!(told(graph.resolve_person(request).await), Code::NotFound);
    }
    for (person, name) in [(&ann, "ann"), (&bob, "bob")] {
        let request = GetPersonRequest { person: person.clone() };
        let found = graph.get_person(request).await.expect("there").into_inner().person;
        let accounts = found.expect("there").accounts;
        let names: Vec<_> = accounts.iter().map(|it| it.native_id.as_str()).collect();
        assert_eq!(names, [name]);
    }
}
