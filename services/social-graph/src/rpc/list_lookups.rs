use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use klout_chassis::Caller;
use klout_proto::graph::v1::{ListLookupsRequest, ListLookupsResponse};
use prost::Message;

use super::{GraphRpc, parse_person};
use crate::{
    error::Error,
    lookups,
    shown::hidden_from,
    store::{self, lookup::Place},
};

const SIZE_DEFAULT: usize = 100;
const SIZE_MAX: usize = 1_000;

/// The last row of a page, as its token has it.
#[derive(Clone, PartialEq, Message)]
struct Token {
    #[prost(sint32, tag = "1")]
    day: i32,
    #[prost(string, tag = "2")]
    caller: String,
    #[prost(string, tag = "3")]
    purpose: String,
    #[prost(string, tag = "4")]
    what: String,
}

pub(super) async fn list_lookups(
    rpc: &GraphRpc,
    caller: &Caller,
    request: ListLookupsRequest,
) -> Result<ListLookupsResponse, Error> {
    let person = parse_person("person", &request.person)?;
    let size = match usize::try_from(request.page_size) {
        Ok(0) => SIZE_DEFAULT,
        Ok(size) => size.min(SIZE_MAX),
        Err(_) => return Err(Error::field("page_size", "is negative")),
    };
    let after = place(&request.page_token)?;
    let failed = || Error::store("read who looked");
    let person = store::shown::who(&rpc.db, person)
        .await
        .map_err(failed())?
        .ok_or(Error::PersonUnknown { person })?;
    if hidden_from(&rpc.db, caller, &[person]).await?.contains(&person) {
        return Err(Error::PersonUnknown { person });
    }
    let more = i64::try_from(size + 1).unwrap_or(i64::MAX);
    let mut rows =
        store::lookup::list(&rpc.db, person, after.as_ref(), more).await.map_err(failed())?;
    let has_more = rows.len() > size;
    rows.truncate(size);
    let next_page_token = match rows.last() {
        Some(last) if has_more => {
            let (caller, purpose) = (last.caller.clone(), last.purpose.clone());
            let last = Token { day: last.day, caller, purpose, what: last.what.clone() };
            URL_SAFE_NO_PAD.encode(last.encode_to_vec())
        }
        Some(_) | None => String::new(),
    };
    let lookups = rows.into_iter().map(lookups::to_wire).collect();
    Ok(ListLookupsResponse { lookups, next_page_token })
}

/// Where the page before ended.
fn place(token: &str) -> Result<Option<Place>, Error> {
    if token.is_empty() {
        return Ok(None);
    }
    let invalid = || Error::field("page_token", "is not one of ours");
    let bytes = URL_SAFE_NO_PAD.decode(token).map_err(|_| invalid())?;
    let Token { day, caller, purpose, what } =
        Token::decode(bytes.as_slice()).map_err(|_| invalid())?;
    if [&caller, &purpose, &what].iter().any(|text| text.contains('\0')) {
        return Err(invalid());
    }
    Ok(Some(Place { day, caller, purpose, what }))
}
