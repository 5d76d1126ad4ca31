//! Commands about networks and connections, which ask a gateway that is played.

use std::{
    process::Stdio,
    sync::{Arc, Mutex},
};

use axum::Router;
use klout_chassis::Refusal;
use klout_proto::signal::v1::{
    Account, CompleteConnectionRequest, CompleteConnectionResponse, Connection, ConnectionError,
    ConnectionProgress, DisconnectRequest, DisconnectResponse, GetConnectionRequest,
    GetConnectionResponse, ListConnectionsRequest, ListConnectionsResponse, ListNetworksRequest,
    ListNetworksResponse, NetworkDescription, StartConnectionRequest, StartConnectionResponse,
    SyncConnectionRequest, SyncConnectionResponse, Terms,
};
use klout_testkit::{Peer, http_client, unary, until};
use tokio::{io::AsyncWriteExt as _, process::Command};
use tonic::{Code, Status, service::Routes};

/// A gateway that notes what it is asked.
#[derive(Clone, Debug, Default)]
struct Gateway(Arc<Mutex<Asked>>);

#[derive(Debug, Default)]
struct Asked {
    started: Vec<StartConnectionRequest>,
    completed: Vec<CompleteConnectionRequest>,
    listed: Vec<ListConnectionsRequest>,
    synced: Vec<SyncConnectionRequest>,
    ended: Vec<DisconnectRequest>,
    /// How often it was asked how far a connection is.
    looked: u64,
}

/// What a command printed, and how it ended.
struct Ended {
    code: Option<i32>,
    stdout: String,
    stderr: String,
}

// === impl Gateway ===

impl Gateway {
    async fn serve(&self) -> Peer {
        let service = |name: &str| format!("/klout.signal.v1.SignalService/{name}");
        let path = |name: &str| -> &'static str { Box::leak(service(name).into_boxed_str()) };
        let (start, complete, list, get, sync, end) =
            (self.clone(), self.clone(), self.clone(), self.clone(), self.clone(), self.clone());
        let routes = [
            unary(path("ListNetworks"), networks),
            unary(path("StartConnection"), move |it| start.start(it)),
            unary(path("CompleteConnection"), move |request| {
                complete.asked().completed.push(request);
                Ok(CompleteConnectionResponse { connection: Some(connection(0)) })
            }),
            unary(path("ListConnections"), move |request| {
                list.asked().listed.push(request);
                let connections = vec![connection(1)];
                Ok(ListConnectionsResponse { connections, ..Default::default() })
            }),
            unary(path("GetConnection"), move |_: GetConnectionRequest| {
                get.asked().looked += 1;
                Ok(GetConnectionResponse { connection: Some(connection(get.asked().looked)) })
            }),
            unary(path("SyncConnection"), move |request| {
                sync.asked().synced.push(request);
                Ok(SyncConnectionResponse { connection: Some(connection(1)) })
            }),
            unary(path("Disconnect"), move |request| {
                end.asked().ended.push(request);
                Ok(DisconnectResponse { taken_back: 1_234 })
            }),
        ];
        let all = routes.into_iter().map(Routes::into_axum_router);
        Peer::serve(Routes::from(all.reduce(Router::merge).expect("some"))).await
    }

    fn start(&self, request: StartConnectionRequest) -> Result<StartConnectionResponse, Status> {
        if request.handle == "nobody" {
            let refusal = Refusal::new(Code::NotFound, "ACCOUNT_UNKNOWN");
            return Err(refusal.into_plain_status("its network knows no such account"));
        }
        let oauth = request.method == "OAUTH";
        self.asked().started.push(request);
        Ok(StartConnectionResponse {
            attempt: "sealed".to_owned(),
            authorization_url: if oauth { "https://give.example/?x=1" } else { "" }.to_owned(),
            instructions: "Do what is to be done.".to_owned(),
            ..StartConnectionResponse::default()
        })
    }

    fn asked(&self) -> std::sync::MutexGuard<'_, Asked> {
        self.0.lock().expect("nobody panicked")
    }

    /// Runs the command against this gateway, with a text on stdin.
    async fn run(&self, input: &str, arguments: &[&str]) -> Ended {
        self.run_beside(input, arguments, async {}).await
    }

    /// The same, while somebody does something.
    async fn run_beside(
        &self,
        input: &str,
        arguments: &[&str],
        beside: impl Future<Output = ()>,
    ) -> Ended {
        let peer = self.serve().await;
        let mut command = Command::new(env!("CARGO_BIN_EXE_klout"));
        command.args(arguments).args(["--server", peer.address()]).kill_on_drop(true);
        command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
        let mut child = command.spawn().expect("the binary was built with the tests");
        let mut stdin = child.stdin.take().expect("it is piped");
        stdin.write_all(input.as_bytes()).await.expect("the command reads, or waits");
        drop(stdin);
        let (output, ()) = tokio::join!(child.wait_with_output(), beside);
        let output = output.expect("it ends");
        let text = |bytes| String::from_utf8(bytes).expect("klout prints UTF-8");
        let (stdout, stderr) = (text(output.stdout), text(output.stderr));
        Ended { code: output.status.code(), stdout, stderr }
    }
}

fn networks(_: ListNetworksRequest) -> Result<ListNetworksResponse, Status> {
    let described = |network: &str, state: &str, methods: &[&str]| NetworkDescription {
        network: network.to_owned(),
        display_name: network.to_uppercase(),
        state: state.to_owned(),
        methods: methods.iter().map(|it| (*it).to_owned()).collect(),
        gives: "Likes.".to_owned(),
        terms: Some(Terms { summary: "Be kind.".to_owned(), ..Terms::default() }),
        ..NetworkDescription::default()
    };
    let networks = vec![
        described("github", "LIVE", &["OAUTH", "TOKEN"]),
        described("google-plus", "DEAD", &[]),
    ];
    Ok(ListNetworksResponse { networks, ..Default::default() })
}

/// A connection that has been read when it was looked at twice.
fn connection(looked: u64) -> Connection {
    let read = looked >= 2;
    Connection {
        connection: "9".to_owned(),
        person: "42".to_owned(),
        network: "github".to_owned(),
        account: Some(Account { native_id: "1".to_owned(), handle: Some("ann".to_owned()) }),
        method: "TOKEN".to_owned(),
        state: if read { "ACTIVE" } else { "FAILING" }.to_owned(),
        mode: if read { "IDLE" } else { "BACKFILL" }.to_owned(),
        sync_time: read.then_some(prost_types::Timestamp { seconds: 1_795_694_460, nanos: 0 }),
        last_error: (!read).then(|| ConnectionError {
            reason: "NETWORK_RATE_LIMITED".to_owned(),
            message: "the network asks us to wait\u{1b}[2J".to_owned(),
            fail_time: None,
        }),
        progress: Some(ConnectionProgress { signals: 1_234, ..ConnectionProgress::default() }),
        ..Connection::default()
    }
}

#[tokio::test]
async fn networks_say_how_they_are_connected_and_one_says_all_about_itself() {
    let gateway = Gateway::default();
    let all = gateway.run("", &["networks"]).await;
    assert_eq!(all.code, Some(0), "{}", all.stderr);
    assert!(all.stdout.contains("OAUTH, TOKEN") && all.stdout.contains("DEAD"), "{}", all.stdout);
    let one = gateway.run("", &["networks", "github"]).await;
    assert!(one.stdout.contains("Likes.") && one.stdout.contains("Be kind."), "{}", one.stdout);
    assert_eq!(gateway.run("", &["networks", "myspace"]).await.code, Some(1));
}

#[tokio::test]
async fn a_token_is_read_from_stdin_handed_over_and_not_printed_and_the_end_is_waited_for() {
    let gateway = Gateway::default();
    let arguments = ["connect", "github", "ann", "--person", "42", "--method", "token"];
    let ended = gateway.run("hidden-token\n", &arguments).await;
    let Ended { code, stdout, stderr } = ended;

    assert_eq!(code, Some(0), "{stderr}");
    let asked = gateway.asked();
    let started = &asked.started[0];
    assert_eq!((&*started.person, &*started.network, &*started.handle), ("42", "github", "ann"));
    assert_eq!((&*started.method, &*started.redirect_uri), ("TOKEN", ""));
    let completed = &asked.completed[0];
    assert_eq!((&*completed.attempt, &*completed.secret), ("sealed", "hidden-token"));
    assert_eq!(asked.looked, 2, "until all is read");
    assert!(!stdout.contains("hidden") && !stderr.contains("hidden"));
    assert!(stdout.starts_with("github:ann of 42: ACTIVE, IDLE"), "{stdout}");
    // What went wrong meanwhile is said once, and nothing in it is obeyed.
    assert_eq!(stderr.matches("NETWORK_RATE_LIMITED").count(), 1, "{stderr}");
    assert!(!stderr.contains('\u{1b}'), "{stderr:?}");
}

#[tokio::test]
async fn whoever_pastes_the_address_that_they_came_back_to_is_connected() {
    let gateway = Gateway::default();
    let input =
        "nonsense\nhttp://127.0.0.1:1/klout/back?code=c&state=s&iss=https%3A%2F%2Fone.example\n";
    let arguments = ["connect", "github", "--person", "42", "--no-wait"];
    let ended = gateway.run(input, &arguments).await;
    assert_eq!(ended.code, Some(0), "{}", ended.stderr);
    assert!(ended.stderr.contains("https://give.example/?x=1"), "{}", ended.stderr);
    let asked = gateway.asked();
    let completed = &asked.completed[0];
    assert_eq!((&*completed.code, &*completed.state), ("c", "s"));
    assert_eq!(completed.issuer, "https://one.example");
    assert_eq!(asked.looked, 0);
}

#[tokio::test]
async fn whoever_comes_back_with_their_browser_is_connected_and_told_so() {
    let gateway = Gateway::default();
    let back = async {
        until("it waits", async || !gateway.asked().started.is_empty()).await;
        let redirect_uri = gateway.asked().started[0].redirect_uri.clone();
        assert!(redirect_uri.starts_with("http://127.0.0.1:"), "{redirect_uri}");
        // What browsers ask for beside does not count.
        let url = format!("{redirect_uri}?other=1");
        http_client().get(url).send().await.expect("answered");
        let url = format!("{redirect_uri}?code=c%2F1&state=s");
        let page = http_client().get(url).send().await.expect("answered");
        assert!(page.text().await.expect("a page").contains("You may close this page"));
    };
    let arguments = ["connect", "github", "--person", "42", "--no-wait", "--method", "oauth"];
    let ended = gateway.run_beside("", &arguments, back).await;
    assert_eq!(ended.code, Some(0), "{}", ended.stderr);
    assert_eq!(gateway.asked().completed[0].code, "c/1");
}

#[tokio::test]
async fn what_cannot_be_connected_ends_with_the_reason() {
    let gateway = Gateway::default();
    let dead = gateway.run("", &["connect", "google-plus", "ann", "--person", "42"]).await;
    assert_eq!(dead.code, Some(1));
    assert!(dead.stderr.contains("DEAD"), "{}", dead.stderr);
    let arguments = ["connect", "github", "nobody", "--person", "42", "--method", "token"];
    let unknown = gateway.run("", &arguments).await;
    assert!(unknown.stderr.contains("ACCOUNT_UNKNOWN"), "{}", unknown.stderr);
    let arguments = ["connect", "github", "ann", "--person", "42", "--method", "token"];
    assert_eq!(gateway.run("\n", &arguments).await.code, Some(1), "no token");
    let input = "http://127.0.0.1:1/?error=access_denied\n";
    let denied = gateway.run(input, &["connect", "github", "--person", "42"]).await;
    assert!(denied.stderr.contains("access_denied"), "{}", denied.stderr);
    assert_eq!(gateway.run("", &["connect", "github"]).await.code, Some(2), "whose is not said");
    let magic = ["connect", "github", "ann", "--person", "42", "--method", "magic"];
    assert_eq!(gateway.run("", &magic).await.code, Some(2));
    assert!(gateway.asked().completed.is_empty());
}

#[tokio::test]
async fn connections_are_listed_shown_looked_at_and_ended() {
    let gateway = Gateway::default();
    let list = gateway.run("", &["connections", "list", "42"]).await;
    assert!(list.stdout.contains("github:ann") && list.stdout.contains("1,234"), "{}", list.stdout);
    let show = gateway.run("", &["connections", "show", "9"]).await;
    assert!(show.stdout.contains("never yet") && show.stdout.contains("NETWORK_RATE_LIMITED"));
    let json = gateway.run("", &["connections", "show", "9", "--json"]).await;
    let json: serde_json::Value = serde_json::from_str(&json.stdout).expect("JSON");
    assert_eq!(json["account"]["handle"], "ann");
    gateway.run("", &["connections", "sync", "9", "--backfill"]).await;
    let end = gateway.run("", &["connections", "disconnect", "9", "--forget"]).await;
    assert_eq!(end.stdout, "disconnected; 1,234 signals were taken back\n");
    let asked = gateway.asked();
    assert_eq!(asked.listed[0].person, "42");
    assert_eq!(asked.synced[0].mode, "BACKFILL");
    assert!(asked.ended[0].forget && asked.ended[0].connection == "9");
}
