//! Accounts that are connected: opened, listed, looked at and ended.

use klout_chassis::page;
use klout_model::{AccountKey, NativeId, Network, PersonId};
use klout_proto::{
    convert::timestamp,
    signal::v1::{
        Account, Connection as Wire, ConnectionError, ConnectionProgress, ListConnectionsResponse,
    },
};
use sqlx::{PgConnection, PgPool};
use time::OffsetDateTime;
use url::Url;

use crate::{
    error::Error,
    store::{
        self,
        connection::{Connection, New},
    },
};

/// Connections of a page.
const PAGE_SIZE: u16 = 100;

const PAGE_SIZE_MAX: u16 = 1_000;

/// An account that has been shown to be a person's.
#[derive(Clone, Debug)]
pub(crate) struct Proven {
    pub(crate) person: PersonId,
    pub(crate) network: Network,
    pub(crate) native_id: NativeId,
    pub(crate) handle: Option<String>,
    pub(crate) public: Url,
    pub(crate) own: Option<Url>,
    pub(crate) method: klout_networks::Method,
}

/// Connects an account, within the transaction that writes its access. It is visited as soon as somebody looks.
pub(crate) async fn open(
    db: &mut PgConnection,
    key: &AccountKey,
    proven: &Proven,
    now: OffsetDateTime,
) -> Result<i64, Error> {
    let (account, _) = key.account(&proven.network, &proven.native_id);
    let new = New {
        account_id: account.0,
        person_id: proven.person.get(),
        network: proven.network.as_str(),
        native_id: proven.native_id.as_str(),
        handle: proven.handle.as_deref(),
        public_url: proven.public.as_str(),
        own_url: proven.own.as_ref().map(Url::as_str),
        method: proven.method.as_str(),
        now,
    };
    store::connection::open(db, &new).await.map_err(Error::store("connect an account"))?;
    Ok(account.0)
}

/// One connection.
pub(crate) async fn get(db: &PgPool, connection: &str) -> Result<Connection, Error> {
    let account = id(connection)?;
    let found = store::connection::read(db, account).await;
    let found = found.map_err(Error::store("read a connection"))?;
    found.ok_or_else(|| Error::ConnectionUnknown { connection: connection.to_owned() })
}

/// A page of connections, of one person or of everybody.
pub(crate) async fn list(
    db: &PgPool,
    person: &str,
    page_size: i32,
    page_token: &str,
) -> Result<ListConnectionsResponse, Error> {
    let person = match person {
        "" => None,
        person => Some(
            person
                .parse::<PersonId>()
                .map_err(|_| Error::FieldInvalid { field: "person", problem: "is not a person" })?,
        ),
    };
    let size = page::size(page_size, PAGE_SIZE, PAGE_SIZE_MAX).map_err(Error::Page)?;
    let after = page::after::<1>(page_token).map_err(Error::Page)?.map_or(i64::MIN, |[it]| it);
    let limit = i64::try_from(size).unwrap_or(i64::MAX);
    let mut found = store::connection::list(db, person.map(PersonId::get), after, limit + 1)
        .await
        .map_err(Error::store("list connections"))?;
    let more = found.len() > size;
    found.truncate(size);
    let last = found.last().filter(|_| more);
    let next_page_token = last.map(|it| page::token([it.account_id])).unwrap_or_default();
    Ok(ListConnectionsResponse {
        connections: found.into_iter().map(Wire::from).collect(),
        next_page_token,
    })
}

/// An id of a connection: that of its account, as a number from 0 on.
pub(crate) fn id(connection: &str) -> Result<i64, Error> {
    let number = connection
        .parse::<u64>()
        .map_err(|_| Error::FieldInvalid { field: "connection", problem: "is not a connection" })?;
    Ok(number.cast_signed())
}

impl From<Connection> for Wire {
    fn from(it: Connection) -> Self {
        let server = Url::parse(&it.public_url).ok();
        let server = server.as_ref().and_then(Url::host_str).unwrap_or_default();
        let error = it.error_reason.map(|reason| ConnectionError {
            reason,
            message: it.error_message.unwrap_or_default(),
            fail_time: it.error_time.map(timestamp),
        });
        Self {
            connection: it.account_id.cast_unsigned().to_string(),
            person: it.person_id.to_string(),
            network: it.network,
            account: Some(Account { native_id: it.native_id, handle: it.handle }),
            server: server.to_owned(),
            method: it.method,
            state: it.state,
            mode: it.mode,
            create_time: Some(timestamp(it.create_time)),
            sync_time: it.sync_time.map(timestamp),
            next_time: Some(timestamp(it.next_time)),
            last_error: error,
            progress: Some(ConnectionProgress {
                requests: it.requests.unsigned_abs(),
                signals: it.signals.unsigned_abs(),
                requests_waiting: it.waiting.unsigned_abs().into(),
                requests_done: it.requests_done.unsigned_abs(),
            }),
        }
    }
}
