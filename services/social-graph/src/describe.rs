//! Everything that is held about somebody: what this service holds, and what the others say that they do.

use std::{collections::VecDeque, time::Duration};

use futures::{
    Stream, StreamExt as _, TryStreamExt as _,
    stream::{self, BoxStream},
};
use klout_model::PersonId;
use klout_proto::graph::v1::{DescribePersonRequest, DescribePersonResponse};
use serde_json::value::RawValue;
use sqlx::PgPool;
use time::{OffsetDateTime, format_description::well_known::Rfc3339};
use tonic::Status;
use tracing::instrument;

use crate::{
    consent,
    error::Error,
    peer::Peer,
    store,
    tell::{Consumer, Teller},
};

/// In bytes, of a piece of the document.
const PIECE_LENGTH_MAX: usize = 64 * 1024;

/// How long a service may take for the next thing that it holds.
const WAIT_TIME_MAX: Duration = Duration::from_secs(30);

/// What this service holds about somebody, of one kind after the other.
pub(crate) fn own(
    db: PgPool,
    people: Vec<i64>,
    accounts: Vec<i64>,
) -> impl Stream<Item = Result<DescribePersonResponse, Error>> {
    let kinds = stream::iter(store::held::told());
    kinds.flat_map(move |kind| {
        let (db, people, accounts) = (db.clone(), people.clone(), accounts.clone());
        store::held::describe(db, kind, people, accounts)
            .map_err(|source| Error::store("read what is held of somebody")(source))
            .boxed()
    })
}

/// The person and all who became them, and the ids of their accounts.
pub(crate) async fn whom(db: &PgPool, person: PersonId) -> Result<(Vec<i64>, Vec<i64>), Error> {
    let store = Error::store;
    let mut people = store::person::merged_into(db, person)
        .await
        .map_err(store("read who was merged into somebody"))?;
    people.push(person.get());
    let accounts = store::account::ids_of(db, person).await.map_err(store("read accounts"))?;
    Ok((people, accounts.into_keys().collect()))
}

/// One JSON document with everything that all services hold about somebody, in pieces.
#[instrument(skip_all)]
pub(crate) async fn document(
    db: &PgPool,
    teller: &Teller,
    person: PersonId,
    now: OffsetDateTime,
) -> Result<impl Stream<Item = Result<Vec<u8>, Error>> + use<>, Error> {
    let consent::Found { person, standing } = consent::find(db, person).await?;
    standing.ok_or(Error::PersonUnknown { person })?;
    let (people, accounts) = whom(db, person).await?;
    let request = DescribePersonRequest { person_id: person.get(), account_ids: accounts.clone() };
    let now = now.format(&Rfc3339).expect("the clock is in a year of four digits");
    let head = format!(r#"{{"person":"{person}","exportTime":"{now}","services":{{"#);

    let own = own(db.clone(), people, accounts).boxed();
    let mut services: Vec<(&'static str, BoxStream<'static, _>)> = vec![(Consumer::OURSELVES, own)];
    for peer in teller.peers.clone() {
        services.push((peer.consumer.name(), described(peer, request.clone()).boxed()));
    }
    let services = stream::iter(services).enumerate().flat_map(|(place, (name, things))| {
        let comma = if place == 0 { "" } else { "," };
        text(format!(r#"{comma}"{name}":{{"#))
            .chain(kinds(name, things))
            .chain(text("}".to_owned()))
    });
    Ok(pieces(text(head).chain(services).chain(text("}}\n".to_owned()))))
}

/// What another service holds.
fn described(
    peer: Peer,
    request: DescribePersonRequest,
) -> impl Stream<Item = Result<DescribePersonResponse, Error>> {
    let service = peer.consumer.name();
    let failed = move |source: Status| Error::Undescribed { service, source: Box::new(source) };
    let things = async move {
        let things = in_time(peer.describe(request)).await?;
        Ok::<_, Status>(stream::try_unfold(things, |mut things| async {
            Ok(in_time(things.message()).await?.map(|thing| (thing, things)))
        }))
    };
    stream::once(things).try_flatten().map_err(failed)
}

async fn in_time<T>(answer: impl Future<Output = Result<T, Status>>) -> Result<T, Status> {
    let answered = tokio::time::timeout(WAIT_TIME_MAX, answer).await;
    answered.unwrap_or_else(|_| Err(Status::unavailable("the service hangs")))
}

/// Things of one kind after the other, as the inside of an object of arrays.
fn kinds(
    service: &'static str,
    things: BoxStream<'static, Result<DescribePersonResponse, Error>>,
) -> BoxStream<'static, Result<String, Error>> {
    let end = stream::once(std::future::ready(Ok(None)));
    let things = things.map_ok(Some).chain(end);
    let text = things.scan(String::new(), move |kind, thing| {
        let text = thing.and_then(|thing| next(service, kind, thing));
        std::future::ready(Some(text))
    });
    text.boxed()
}

/// The text of the next thing, or of the end, after things of this kind.
fn next(
    service: &'static str,
    kind: &mut String,
    thing: Option<DescribePersonResponse>,
) -> Result<String, Error> {
    let Some(DescribePersonResponse { name, json }) = thing else {
        return Ok(if kind.is_empty() { String::new() } else { "]".to_owned() });
    };
    let wrong = || Error::misdescribed(service);
    let object: &RawValue = serde_json::from_str(&json).map_err(|_| wrong())?;
    if name.is_empty() || !object.get().starts_with('{') {
        return Err(wrong());
    }
    if *kind == name {
        return Ok(format!(",{object}"));
    }
    let before = if kind.is_empty() { "" } else { "]," };
    let quoted = serde_json::Value::String(name.clone());
    *kind = name;
    Ok(format!("{before}{quoted}:[{object}"))
}

fn text(text: String) -> BoxStream<'static, Result<String, Error>> {
    stream::once(std::future::ready(Ok(text))).boxed()
}

/// Gathers text into pieces of bounded size.
fn pieces(
    texts: impl Stream<Item = Result<String, Error>> + Send + 'static,
) -> impl Stream<Item = Result<Vec<u8>, Error>> + Send {
    let begin = (texts.boxed(), VecDeque::new());
    stream::try_unfold(begin, |(mut texts, mut held): (_, VecDeque<u8>)| async move {
        while held.len() < PIECE_LENGTH_MAX {
            let Some(text) = texts.try_next().await? else { break };
            held.extend(text.into_bytes());
        }
        if held.is_empty() {
            return Ok(None);
        }
        let rest = held.split_off(held.len().min(PIECE_LENGTH_MAX));
        Ok(Some((Vec::from(held), (texts, rest))))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn thing(name: &str, json: &str) -> Result<DescribePersonResponse, Error> {
        Ok(DescribePersonResponse { name: name.to_owned(), json: json.to_owned() })
    }

    async fn told(things: Vec<Result<DescribePersonResponse, Error>>) -> Result<String, Error> {
        let texts = kinds("scoring", stream::iter(things).boxed());
        texts.try_collect::<Vec<_>>().await.map(|texts| texts.concat())
    }

    #[tokio::test]
    async fn things_of_a_kind_stand_together() {
        let all = vec![thing("a", "{}"), thing("a", r#"{"b":1}"#), thing("c\"", "{}")];
        assert_eq!(told(all).await.expect("told"), r#""a":[{},{"b":1}],"c\"":[{}]"#);
        assert_eq!(told(Vec::new()).await.expect("told"), "");
    }

    #[tokio::test]
    async fn what_is_no_json_object_is_not_passed_on() {
        for wrong in ["", "{", "[]", "1", "{} {}", "null"] {
            let told = told(vec![thing("a", wrong)]).await;
            assert!(matches!(told, Err(Error::Undescribed { service: "scoring", .. })), "{wrong}");
        }
    }

    #[tokio::test]
    async fn pieces_are_bounded_and_lose_nothing() {
        let texts = ["ä".repeat(PIECE_LENGTH_MAX), "b".to_owned(), "c".repeat(10)];
        let whole = texts.concat();
        let pieces: Vec<_> =
            pieces(stream::iter(texts.map(Ok))).try_collect().await.expect("pieces");
        assert!(pieces.iter().all(|piece| piece.len() <= PIECE_LENGTH_MAX));
        assert_eq!(pieces.len(), 3);
        assert_eq!(pieces.concat(), whole.into_bytes());
    }
}
