//! `klout connect`: walks a person through connecting an account.

mod back;
mod follow;

use std::io::{self, BufRead as _, IsTerminal as _};

use klout_proto::{
    json::to_value,
    signal::v1::{
        CompleteConnectionRequest, Connection, ListNetworksRequest, NetworkDescription,
        StartConnectionRequest, StartConnectionResponse,
    },
};

use self::back::{Back, Came, Waiting};
use crate::{
    client::{Client, Missing, Target},
    connections,
    exit::Failure,
    output,
    printable::on_one_line,
    subject::Subject,
};

/// Connects an account: its network is asked for what happens there, again and again.
///
/// You show that the account is yours, by one of the ways that `klout networks` lists: OAUTH, you give access on the
/// network's own page; APP_PASSWORD or TOKEN, you hand over what you made in the settings of the account; CHALLENGE, you
/// put a text on its page; REL_ME, its page and one of your own link to one another; OPERATOR, an operator says so.
/// Then all that happened in the last 90 days is read. Ctrl-C leaves that to the server, if it goes on.
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  klout connect bluesky ann.example --person 42
  klout connect mastodon ann@one.example --person bluesky:ann.example --method challenge
  KLOUT_SERVER=https://klout.example klout connect github --person 42 --method token

An account that is somebody's already needs no --person. What is asked for is read without echo, or from stdin where that is
no terminal. docs/connections.md tells what is kept.")]
pub(crate) struct Connect {
    /// Where the account is: one that `klout networks` calls LIVE
    #[arg(value_name = "NETWORK")]
    network: String,
    /// What it is called there, such as ann.example or ann@one.example; where the network says it, it may be left out
    #[arg(value_name = "HANDLE")]
    handle: Option<String>,
    /// Whose it is: a person's id, NETWORK:HANDLE, or NETWORK:id=NATIVE_ID
    #[arg(long, value_name = "PERSON")]
    person: Option<Subject>,
    /// How it is shown to be theirs: oauth, app-password, token, challenge, rel-me or operator [default: the first that
    /// the network has]
    #[arg(long, value_name = "METHOD", value_parser = method)]
    method: Option<String>,
    /// Does not wait until all is read
    #[arg(long)]
    no_wait: bool,
    /// Prints the connection as JSON
    #[arg(long)]
    json: bool,
    #[command(flatten)]
    target: Target,
}

// === impl Connect ===

impl Connect {
    pub(crate) fn run(self) -> Result<(), Failure> {
        let Self { network, handle, person, method, no_wait, json, target } = self;
        let connection = target.ask(Missing::Refuse, async |client| {
            let described = described(client, &network).await?;
            let person = whose(client, &network, handle.as_deref(), person).await?;
            let method = match method.or_else(|| described.methods.first().cloned()) {
                Some(method) => method,
                None => {
                    let state = &described.state;
                    return Err(Failure::Failed(format!(
                        "{network} is {state}: no account can be connected"
                    )));
                }
            };
            let connection = connect(client, person, network, handle, method).await?;
            let name = connections::name(&connection);
            eprintln!("klout: connected {}", on_one_line(&name));
            if no_wait {
                return Ok(connection);
            }
            follow::until_read(client, connection).await
        })?;
        if json {
            return output::line(&to_value(&connection).to_string());
        }
        connections::show(&connection)
    }
}

async fn described(client: &Client, network: &str) -> Result<NetworkDescription, Failure> {
    let request = ListNetworksRequest { page_size: 1_000, ..Default::default() };
    let networks = client.signals().list_networks(request).await?.into_inner().networks;
    networks.into_iter().find(|it| it.network == network).ok_or_else(|| {
        Failure::Failed(format!("there is no network {network}; `klout networks` lists them"))
    })
}

/// Whose the account is to be; of an account that is known already, whose it is.
async fn whose(
    client: &Client,
    network: &str,
    handle: Option<&str>,
    person: Option<Subject>,
) -> Result<String, Failure> {
    let unsaid = || {
        let hint =
            "say whose the account is with --person; `klout person create` makes somebody new";
        Failure::Usage(hint.to_owned())
    };
    match (person, handle) {
        (Some(person), _) => person.person(client).await,
        (None, Some(handle)) => {
            let subject: Subject = format!("{network}:{handle}").parse().map_err(|_| unsaid())?;
            subject.person(client).await.map_err(|failure| {
                let nobody =
                    matches!(&failure, Failure::Failed(said) if said.contains("PERSON_UNKNOWN"));
                if nobody { unsaid() } else { failure }
            })
        }
        (None, None) => Err(unsaid()),
    }
}

async fn connect(
    client: &Client,
    person: String,
    network: String,
    handle: Option<String>,
    method: String,
) -> Result<Connection, Failure> {
    let waiting = match method.as_str() {
        "OAUTH" => Some(Waiting::listen().await?),
        _ => None,
    };
    let redirect_uri = waiting.as_ref().map(Waiting::redirect_uri).unwrap_or_default();
    let handle = handle.unwrap_or_default();
    let request =
        StartConnectionRequest { person, network, handle, method: method.clone(), redirect_uri };
    let flags = Failure::naming(&[
        ("handle", "the handle"),
        ("method", "--method"),
        ("network", "the network"),
        ("person", "--person"),
    ]);
    let started = client.signals().start_connection(request).await.map_err(&flags)?.into_inner();
    eprintln!("klout: {}", on_one_line(&started.instructions));
    let mut complete =
        CompleteConnectionRequest { attempt: started.attempt.clone(), ..Default::default() };
    match (method.as_str(), waiting) {
        (_, Some(waiting)) => {
            let Back { code, state, issuer } = came_back(&started, waiting).await?;
            (complete.code, complete.state, complete.issuer) = (code, state, issuer);
        }
        ("APP_PASSWORD", None) => complete.secret = asked_for("App password").await?,
        ("TOKEN", None) => complete.secret = asked_for("Token").await?,
        ("OPERATOR", None) => {}
        (_, None) => {
            line_of("Press Enter when that is done").await?;
        }
    }
    let completed = client.signals().complete_connection(complete).await?.into_inner();
    completed.connection.ok_or_else(|| Failure::Failed("an empty answer".to_owned()))
}

/// Shows where to give access, and waits for whoever comes back, or for the address that somebody pastes.
async fn came_back(started: &StartConnectionResponse, waiting: Waiting) -> Result<Back, Failure> {
    eprintln!("\n  {}\n", on_one_line(&started.authorization_url));
    eprintln!(
        "klout: where that is opened on another machine, paste the address that it leads to:"
    );
    let pasted = async {
        loop {
            let Some(line) = line_in().await? else {
                // Nobody types: whoever comes back is waited for.
                return std::future::pending().await;
            };
            match Back::of_address(&line) {
                Some(back) => return Ok::<Came, Failure>(back),
                None => eprintln!("klout: that is not an address with a code; once more:"),
            }
        }
    };
    let back = tokio::select! {
        back = waiting.back() => back?,
        back = pasted => back?,
    };
    back.map_err(|said: String| {
        Failure::Failed(format!("the network gave no access: {}", on_one_line(&said)))
    })
}

/// Something that nobody is to see.
async fn asked_for(what: &'static str) -> Result<String, Failure> {
    let read = tokio::task::spawn_blocking(move || {
        if io::stdin().is_terminal() {
            eprint!("{what} (it is not shown): ");
            return console::Term::stderr().read_secure_line();
        }
        let mut line = String::new();
        io::stdin().lock().read_line(&mut line)?;
        Ok(line)
    });
    let line = read.await.map_err(|error| Failure::failed(&error))?;
    let line = line.map_err(|error| Failure::Failed(format!("could not read: {error}")))?;
    match line.trim() {
        "" => Err(Failure::Failed("nothing was handed over".to_owned())),
        secret => Ok(secret.to_owned()),
    }
}

async fn line_of(asks: &str) -> Result<(), Failure> {
    eprintln!("klout: {asks}.");
    line_in().await.map(|_| ())
}

/// A line of stdin. `None`: there is none any more.
async fn line_in() -> Result<Option<String>, Failure> {
    let read = tokio::task::spawn_blocking(|| {
        let mut line = String::new();
        io::stdin().lock().read_line(&mut line).map(|bytes| (bytes > 0).then_some(line))
    });
    let line = read.await.map_err(|error| Failure::failed(&error))?;
    line.map_err(|error| Failure::Failed(format!("could not read: {error}")))
}

/// As the contract has it.
fn method(text: &str) -> Result<String, String> {
    let method = text.to_uppercase().replace('-', "_");
    let methods = ["OAUTH", "APP_PASSWORD", "TOKEN", "CHALLENGE", "REL_ME", "OPERATOR"];
    if methods.contains(&method.as_str()) {
        return Ok(method);
    }
    Err("it is one of oauth, app-password, token, challenge, rel-me and operator".to_owned())
}
