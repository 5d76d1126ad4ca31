//! Shows how far a connection is, until all is read or somebody has seen enough.

use std::time::Duration;

use indicatif::ProgressBar;
use klout_chassis::Signals;
use klout_proto::signal::v1::{Connection, GetConnectionRequest};
use tokio::time::sleep;

use crate::{
    client::{Client, retried},
    exit::Failure,
    output,
    printable::on_one_line,
};

/// How often it is asked.
const INTERVAL: Duration = Duration::from_millis(500);

/// Waits until all of the window has been read once.
pub(super) async fn until_read(
    client: &Client,
    mut connection: Connection,
) -> Result<Connection, Failure> {
    let bar = output::progress(Some(0), "[{bar:30}] {pos}/{len} requests, {msg}");
    let mut signals = Signals::listen();
    let mut said = String::new();
    while connection.sync_time.is_none() && is_asked(&connection) {
        show(&bar, &connection);
        tell(&bar, &connection, &mut said);
        tokio::select! {
            () = sleep(INTERVAL) => {}
            () = signals.next() => {
                bar.finish_and_clear();
                eprintln!("klout: `klout connections show {}` tells how far it is", connection.connection);
                return Ok(connection);
            }
        }
        connection = read(client, &connection.connection).await?;
    }
    bar.finish_and_clear();
    Ok(connection)
}

async fn read(client: &Client, connection: &str) -> Result<Connection, Failure> {
    let request = GetConnectionRequest { connection: connection.to_owned() };
    let response = retried(|| {
        let (mut client, request) = (client.signals(), request.clone());
        async move { client.get_connection(request).await }
    });
    let found = response.await?.into_inner().connection;
    found.ok_or_else(|| Failure::Failed("an empty answer".to_owned()))
}

/// Whether its network is asked at all.
fn is_asked(connection: &Connection) -> bool {
    matches!(connection.state.as_str(), "ACTIVE" | "FAILING")
}

fn show(bar: &ProgressBar, connection: &Connection) {
    let Some(progress) = &connection.progress else { return };
    bar.set_length(progress.requests_done + progress.requests_waiting);
    bar.set_position(progress.requests_done);
    bar.set_message(format!("{} signals", output::grouped(progress.signals)));
}

/// Says once what is the matter.
fn tell(bar: &ProgressBar, connection: &Connection, said: &mut String) {
    let Some(error) = &connection.last_error else { return };
    if *said != error.message {
        said.clone_from(&error.message);
        bar.suspend(|| {
            eprintln!("klout: {} ({})", on_one_line(&error.message), on_one_line(&error.reason))
        });
    }
}
