//! Sends chunks, and makes accounts people.

use std::{collections::HashSet, sync::Mutex};

use klout_import::RegisteredRow;
use klout_proto::{
    graph::v1::{
        BatchCreatePeopleRequest, CreatePersonRequest, LinkedAccount, create_person_result,
    },
    signal::v1::{BatchIngestSignalsRequest, Signal},
};
use tonic::Code;

use super::reading::{Chunk, RejectedRow, SignalRow};
use crate::{
    client::{Client, retried},
    exit::Failure,
};

/// People in one request.
pub(super) const PEOPLE_MAX: usize = 1_000;

/// The way in.
#[derive(Debug)]
pub(super) struct Sender {
    client: Client,
    register_all: bool,
    /// Who was made a person already.
    registered: Mutex<HashSet<RegisteredRow>>,
}

/// What became of a chunk.
#[derive(Debug, Default)]
pub(super) struct Sent {
    pub(super) accepted: u64,
    pub(super) repeated: u64,
    /// In the order of lines.
    pub(super) rejected: Vec<RejectedRow>,
    pub(super) people: u64,
    pub(super) file_bytes: u64,
}

// === impl Sender ===

impl Sender {
    pub(super) fn new(client: &Client, register_all: bool) -> Self {
        Self { client: client.clone(), register_all, registered: Mutex::default() }
    }

    /// Sends a chunk. When this returns, it is durable.
    pub(super) async fn send(&self, chunk: Chunk) -> Result<Sent, Failure> {
        let Chunk { rows, rejected, file_bytes, .. } = chunk;
        let mut sent = Sent { rejected, file_bytes, ..Sent::default() };
        if rows.is_empty() {
            return Ok(sent);
        }
        let signals: Vec<Signal> = rows.iter().map(|row| row.signal.clone()).collect();
        let response = retried(|| {
            let mut client = self.client.signals();
            let signals = signals.clone();
            async move { client.batch_ingest_signals(BatchIngestSignalsRequest { signals }).await }
        })
        .await?
        .into_inner();
        sent.accepted = response.accepted.into();
        sent.repeated = response.repeated.into();

        let mut rows: Vec<Option<SignalRow>> = rows.into_iter().map(Some).collect();
        for rejection in response.rejected {
            let index = usize::try_from(rejection.index).unwrap_or(usize::MAX);
            let Some(row) = rows.get_mut(index).and_then(Option::take) else { continue };
            sent.rejected.push(RejectedRow {
                line: row.line,
                fields: row.fields,
                reason: rejection.reason,
                message: rejection.message,
            });
        }
        sent.rejected.sort_by_key(|row| row.line);
        if self.register_all {
            let accounts = rows.into_iter().flatten().flat_map(|row| row.accounts).collect();
            sent.people = self.register(accounts).await?;
        }
        Ok(sent)
    }

    /// Makes each account a person of its own, unless it is somebody's. Returns how many are new.
    pub(super) async fn register(&self, accounts: Vec<RegisteredRow>) -> Result<u64, Failure> {
        let new: Vec<RegisteredRow> = {
            let mut registered = self.registered.lock().expect("nobody panics while registering");
            accounts.into_iter().filter(|account| registered.insert(account.clone())).collect()
        };
        let mut people = 0;
        for accounts in new.chunks(PEOPLE_MAX) {
            let requests: Vec<_> = accounts.iter().map(request).collect();
            let response =
                retried(|| {
                    let mut client = self.client.graph();
                    let requests = requests.clone();
                    async move {
                        client.batch_create_people(BatchCreatePeopleRequest { requests }).await
                    }
                })
                .await?;
            for row in response.into_inner().results {
                match row.result {
                    Some(create_person_result::Result::Created(created)) => {
                        people += u64::from(created.created);
                    }
                    // Somebody with further accounts owns it: joined is joined.
                    Some(create_person_result::Result::Status(status))
                        if status.code == i32::from(Code::AlreadyExists) => {}
                    Some(create_person_result::Result::Status(status)) => {
                        return Err(klout_chassis::from_row(&status).into());
                    }
                    None => return Err(Failure::Failed("an empty answer".into())),
                }
            }
        }
        Ok(people)
    }
}

fn request(account: &RegisteredRow) -> CreatePersonRequest {
    let account = LinkedAccount {
        network: account.network.to_string(),
        native_id: account.account.to_string(),
        handle: String::new(),
    };
    CreatePersonRequest { accounts: vec![account] }
}
