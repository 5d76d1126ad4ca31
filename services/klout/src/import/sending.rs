//! Sends chunks, and makes accounts people.

use std::{
    collections::{BTreeMap, HashMap, HashSet},
    sync::{Mutex, MutexGuard},
};

use klout_proto::{
    graph::v1::{
        BatchCreatePeopleRequest, CreatePersonRequest, LinkedAccount, create_person_result,
    },
    signal::v1::{Account, BatchIngestSignalsRequest, Counter, Post, Signal, signal::Content},
};
use tonic::Code;

use super::reading::{Chunk, RejectedRow};
use crate::{
    client::{Client, retried},
    exit::Failure,
    sources::Place,
};

/// People in one request.
const PEOPLE_MAX: usize = 1_000;

/// Accounts that are remembered as registered. When there are more, all are forgotten: asking for
/// somebody twice costs time and nothing else.
const REGISTERED_MAX: usize = 1_000_000;

/// The way in.
#[derive(Debug)]
pub(super) struct Sender {
    client: Client,
    joining: Mutex<Joining>,
}

/// Who is made a person of their own.
#[derive(Debug)]
pub(super) enum Joining {
    Nobody,
    /// Everybody who is named, but for those who were already.
    Everybody(HashSet<Name>),
    /// These, when they are first named, as that is when it is heard what they are called; and in the end
    /// all whom nobody named.
    Listed(HashMap<Name, Place>),
}

/// Network and native id.
pub(super) type Name = (String, String);

/// What became of a chunk.
#[derive(Debug, Default)]
pub(super) struct Sent {
    pub(super) accepted: u64,
    pub(super) repeated: u64,
    /// In the order of lines.
    pub(super) rejected: Vec<RejectedRow>,
    pub(super) no_reaction: u64,
    pub(super) people: u64,
    pub(super) file_bytes: u64,
}

// === impl Sender ===

impl Sender {
    pub(super) fn new(client: &Client, joining: Joining) -> Self {
        Self { client: client.clone(), joining: Mutex::new(joining) }
    }

    /// Sends a chunk. When this returns, it is durable.
    pub(super) async fn send(&self, chunk: Chunk) -> Result<Sent, Failure> {
        let Chunk { signals, origins, rejected, no_reaction, file_bytes, .. } = chunk;
        let mut sent = Sent { rejected, no_reaction, file_bytes, ..Sent::default() };
        if signals.is_empty() {
            return Ok(sent);
        }
        let response = retried(|| {
            let mut client = self.client.signals();
            let signals = signals.clone();
            async move { client.batch_ingest_signals(BatchIngestSignalsRequest { signals }).await }
        })
        .await?
        .into_inner();
        sent.accepted = response.accepted.into();
        sent.repeated = response.repeated.into();

        let mut refused: BTreeMap<_, _> =
            response.rejected.into_iter().map(|it| (it.index, (it.reason, it.message))).collect();
        let mut taken = Vec::with_capacity(signals.len());
        for (index, (signal, origin)) in (0..).zip(signals.into_iter().zip(origins)) {
            match refused.remove(&index) {
                Some((reason, message)) => {
                    let signal = Some(signal);
                    sent.rejected.push(RejectedRow { origin, signal, reason, message });
                }
                None => taken.push(signal),
            }
        }
        sent.rejected.sort_by_key(|row| row.origin.line);
        let joining = self.joining().take(taken.into_iter().flat_map(accounts));
        sent.people = self.register(&joining).await?;
        Ok(sent)
    }

    /// Makes people of those who were listed and not named. Returns how many are new.
    pub(super) async fn register_the_rest(&self) -> Result<u64, Failure> {
        let rest = self.joining().take_rest();
        self.register(&rest).await
    }

    fn joining(&self) -> MutexGuard<'_, Joining> {
        self.joining.lock().expect("nobody panics while registering")
    }

    /// Makes each account a person of its own, unless it is somebody's. Returns how many are new.
    async fn register(&self, joining: &[CreatePersonRequest]) -> Result<u64, Failure> {
        let mut people = 0;
        for requests in joining.chunks(PEOPLE_MAX) {
            let response =
                retried(|| {
                    let mut client = self.client.graph();
                    let requests = requests.to_vec();
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

// === impl Joining ===

impl Joining {
    /// Those of `accounts` who join now.
    fn take(&mut self, accounts: impl Iterator<Item = LinkedAccount>) -> Vec<CreatePersonRequest> {
        let name = |it: &LinkedAccount| (it.network.clone(), it.native_id.clone());
        match self {
            Self::Nobody => Vec::new(),
            Self::Everybody(registered) => {
                if registered.len() > REGISTERED_MAX {
                    registered.clear();
                }
                let accounts = accounts.filter(|account| registered.insert(name(account)));
                accounts.map(|account| joining(account, Place::default())).collect()
            }
            Self::Listed(left) if left.is_empty() => Vec::new(),
            Self::Listed(left) => accounts
                .filter_map(|account| {
                    let place = left.remove(&name(&account))?;
                    Some(joining(account, place))
                })
                .collect(),
        }
    }

    fn take_rest(&mut self) -> Vec<CreatePersonRequest> {
        let Self::Listed(left) = self else { return Vec::new() };
        let rest = left.drain().map(|((network, native_id), place)| {
            joining(
                LinkedAccount { network, native_id, handle: String::new(), ..Default::default() },
                place,
            )
        });
        rest.collect()
    }
}

/// A person of their own, with this account.
fn joining(account: LinkedAccount, Place { country, city }: Place) -> CreatePersonRequest {
    CreatePersonRequest { accounts: vec![account], country, city, ..Default::default() }
}

/// Everybody whom a signal names, called as it calls them.
fn accounts(signal: Signal) -> impl Iterator<Item = LinkedAccount> {
    let Signal { network, content, .. } = signal;
    let accounts = match content {
        Some(Content::Interaction(it)) => [it.subject, it.actor],
        Some(Content::Counter(Counter { account, .. }) | Content::Post(Post { account, .. })) => {
            [account, None]
        }
        // Taking something back brings nobody in.
        Some(Content::Retraction(_)) | None => [None, None],
    };
    accounts.into_iter().flatten().map(move |Account { native_id, handle }| LinkedAccount {
        network: network.clone(),
        native_id,
        handle: handle.unwrap_or_default(),
        ..Default::default()
    })
}
