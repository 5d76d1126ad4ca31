//! `klout connections`: what is connected, how far it is, and what went wrong.

use klout_proto::{
    convert,
    json::to_value,
    signal::v1::{
        Connection, DisconnectRequest, GetConnectionRequest, ListConnectionsRequest,
        SyncConnectionRequest,
    },
};

use crate::{
    client::{Missing, Target},
    exit::Failure,
    output,
    printable::{indented, on_one_line},
    subject::{self, Subject},
    table::{self, Column},
};

/// Accounts that are connected.
///
/// ACTIVE: it works. FAILING: the last attempt failed, and another one will be made. NEEDS_ACCESS: the network lets us in no
/// more; `klout connect` it again. GONE: there is no such account any more.
#[derive(Debug, clap::Args)]
pub(crate) struct Connections {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, clap::Subcommand)]
enum Command {
    List(List),
    Show(Show),
    Sync(Sync),
    Disconnect(Disconnect),
}

/// Lists what is connected, of somebody or of everybody.
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  klout connections list
  klout connections list bluesky:ann.example")]
struct List {
    #[arg(help = subject::HELP)]
    subject: Option<Subject>,
    /// How many at most
    #[arg(long, value_name = "N", default_value_t = 100, value_parser = clap::value_parser!(u16).range(1..=1_000))]
    top: u16,
    /// Prints the response as JSON
    #[arg(long)]
    json: bool,
    #[command(flatten)]
    target: Target,
}

/// Shows how far one is, and what went wrong.
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Example:
  klout connections show 10474125842390385210")]
struct Show {
    #[command(flatten)]
    which: Which,
}

/// Has one looked at now.
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  klout connections sync 10474125842390385210
  klout connections sync 10474125842390385210 --backfill      all of the last 90 days once more")]
struct Sync {
    /// Reads all of the last 90 days once more, and not only what is new
    #[arg(long)]
    backfill: bool,
    #[command(flatten)]
    which: Which,
}

/// Ends one: its access and all that was still to be asked are gone at once.
///
/// What it told stays, unless you say otherwise or the terms of its network do. The account stays the person's.
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  klout connections disconnect 10474125842390385210
  klout connections disconnect 10474125842390385210 --forget")]
struct Disconnect {
    /// Takes back what it told, too
    #[arg(long)]
    forget: bool,
    #[command(flatten)]
    which: Which,
}

#[derive(Debug, clap::Args)]
struct Which {
    /// Its id, as `klout connections list` prints it
    #[arg(value_name = "CONNECTION")]
    connection: String,
    /// Prints the response as JSON
    #[arg(long)]
    json: bool,
    #[command(flatten)]
    target: Target,
}

// === impl Connections ===

impl Connections {
    pub(crate) fn run(self) -> Result<(), Failure> {
        match self.command {
            Command::List(it) => it.run(),
            Command::Show(it) => it.run(),
            Command::Sync(it) => it.run(),
            Command::Disconnect(it) => it.run(),
        }
    }
}

// === impl List ===

impl List {
    fn run(self) -> Result<(), Failure> {
        let Self { subject, top, json, target } = self;
        let response = target.ask(Missing::Refuse, async |client| {
            let person = match subject {
                Some(subject) => subject.person(client).await?,
                None => String::new(),
            };
            let request =
                ListConnectionsRequest { person, page_size: top.into(), page_token: String::new() };
            Ok(client.signals().list_connections(request).await?.into_inner())
        })?;
        if json {
            return output::line(&to_value(&response).to_string());
        }
        if !response.next_page_token.is_empty() {
            eprintln!("klout: there are more; say --top");
        }
        let columns = [
            Column::Text("connection"),
            Column::Text("account"),
            Column::Text("person"),
            Column::Text("state"),
            Column::Text("mode"),
            Column::Number("signals"),
            Column::Text("last error"),
        ];
        let rows = response.connections.into_iter().map(|it| {
            let (account, signals) = (name(&it), it.progress.map(|it| it.signals));
            let signals = output::grouped(signals.unwrap_or_default());
            let error = it.last_error.map(|it| it.reason).unwrap_or_default();
            [it.connection, account, it.person, it.state, it.mode, signals, error]
        });
        table::print(columns, rows)
    }
}

// === impl Show ===

impl Show {
    fn run(self) -> Result<(), Failure> {
        let Which { connection, json, target } = self.which;
        let response = target.ask(Missing::Refuse, async |client| {
            let request = GetConnectionRequest { connection };
            Ok(client.signals().get_connection(request).await?.into_inner())
        })?;
        print(response.connection, json)
    }
}

// === impl Sync ===

impl Sync {
    fn run(self) -> Result<(), Failure> {
        let Self { backfill, which: Which { connection, json, target } } = self;
        let mode = if backfill { "BACKFILL" } else { "INCREMENTAL" }.to_owned();
        let response = target.ask(Missing::Refuse, async |client| {
            let request = SyncConnectionRequest { connection, mode };
            Ok(client.signals().sync_connection(request).await?.into_inner())
        })?;
        print(response.connection, json)
    }
}

// === impl Disconnect ===

impl Disconnect {
    fn run(self) -> Result<(), Failure> {
        let Self { forget, which: Which { connection, json, target } } = self;
        let response = target.ask(Missing::Refuse, async |client| {
            let request = DisconnectRequest { connection, forget };
            Ok(client.signals().disconnect(request).await?.into_inner())
        })?;
        if json {
            return output::line(&to_value(&response).to_string());
        }
        let taken_back = output::grouped(response.taken_back);
        output::line(&format!("disconnected; {taken_back} signals were taken back"))
    }
}

fn print(connection: Option<Connection>, json: bool) -> Result<(), Failure> {
    let connection = connection.ok_or_else(|| Failure::Failed("an empty answer".to_owned()))?;
    if json {
        return output::line(&to_value(&connection).to_string());
    }
    show(&connection)
}

/// The account of a connection, as it is named elsewhere.
pub(crate) fn name(connection: &Connection) -> String {
    let network = &connection.network;
    match &connection.account {
        Some(account) => match account.handle.as_deref() {
            Some(handle) if !handle.is_empty() => format!("{network}:{handle}"),
            Some(_) | None => format!("{network}:id={}", account.native_id),
        },
        None => network.clone(),
    }
}

/// All there is of a connection, for people.
pub(crate) fn show(it: &Connection) -> Result<(), Failure> {
    let line = |label: &str, text: &str| output::line(&indented(label, text));
    let head = format!("{} of {}: {}, {}", name(it), it.person, it.state, it.mode);
    output::line(&on_one_line(&head))?;
    line("connection: ", &it.connection)?;
    line("connected by: ", &it.method)?;
    let time = |time: &Option<prost_types::Timestamp>| {
        let time = time.as_ref().and_then(convert::time);
        time.map_or_else(
            || "never yet".to_owned(),
            |it| it.replace_nanosecond(0).unwrap_or(it).to_string(),
        )
    };
    line("read last: ", &time(&it.sync_time))?;
    line("read next: ", &time(&it.next_time))?;
    if let Some(progress) = &it.progress {
        let (signals, requests) =
            (output::grouped(progress.signals), output::grouped(progress.requests));
        let waiting = output::grouped(progress.requests_waiting);
        line("so far: ", &format!("{signals} signals, {requests} requests, {waiting} to come"))?;
    }
    match &it.last_error {
        Some(error) => {
            line("what went wrong last: ", &format!("{} ({})", error.message, error.reason))
        }
        None => Ok(()),
    }
}
