//! `ListKeys`.

use klout_chassis::page;
use klout_proto::profile::v1::{ListKeysRequest, ListKeysResponse};

use super::show;
use crate::{error::Error, keys::Keys};

/// Keys of a page that says nothing.
const PAGE_SIZE: u16 = 100;

/// Keys of a page at most.
const PAGE_SIZE_MAX: u16 = 1_000;

pub(crate) async fn list_keys(
    keys: &Keys,
    request: ListKeysRequest,
) -> Result<ListKeysResponse, Error> {
    let ListKeysRequest { page_size, page_token } = request;
    let size = page::size(page_size, PAGE_SIZE, PAGE_SIZE_MAX)?;
    let after = match page_token.as_str() {
        "" => None,
        token => Some(token.parse().map_err(|_| page::not_ours())?),
    };
    // One more, which tells whether there is another page.
    let limit = i64::try_from(size + 1).expect("a page is short");
    let mut told = keys.list(after, limit).await?;
    let more = told.len() > size;
    told.truncate(size);
    let last = told.last().filter(|_| more);
    let next_page_token = last.map(|told| told.key.key.clone()).unwrap_or_default();
    Ok(ListKeysResponse { keys: told.into_iter().map(show::key).collect(), next_page_token })
}
