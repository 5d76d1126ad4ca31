use klout_proto::graph::v1::{GetConsentRequest, GetConsentResponse};

use super::{GraphRpc, page, parse_person};
use crate::{consent, error::Error, store};

pub(super) async fn get_consent(
    rpc: &GraphRpc,
    request: GetConsentRequest,
) -> Result<GetConsentResponse, Error> {
    let person = parse_person("person", &request.person)?;
    let size = page::size(request.page_size, 100, 1_000)?;
    let before = page::after::<1>(&request.page_token)?.map_or(i64::MAX, |[number]| number);
    let consent::Found { person, standing } = consent::find(&rpc.db, person).await?;
    let standing = standing.ok_or(Error::PersonUnknown { person })?;
    let more = i64::try_from(size + 1).unwrap_or(i64::MAX);
    let mut entries = store::consent_entry::before(&rpc.db, person, before, more)
        .await
        .map_err(Error::store("read the ledger"))?;
    let has_more = entries.len() > size;
    entries.truncate(size);
    let last = entries.last().filter(|_| has_more);
    let next_page_token =
        last.map(|last| page::token([last.number.cast_signed()])).unwrap_or_default();
    Ok(GetConsentResponse { consent: Some(consent::to_wire(&standing)), entries, next_page_token })
}
