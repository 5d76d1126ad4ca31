use klout_proto::{
    convert::timestamp,
    score::v1::{ListModelsRequest, ListModelsResponse, Model},
};
use tracing::instrument;

use super::{ScoreRpc, page};
use crate::{error::Error, store::model::StoredModel};

/// Numbers in one answer, which callers take up to 4 MiB of.
const NUMBERS_BYTES_MAX: usize = 2 * 1024 * 1024;

#[instrument(skip_all)]
pub(super) async fn list_models(
    rpc: &ScoreRpc,
    request: ListModelsRequest,
) -> Result<ListModelsResponse, Error> {
    let size = page::size(request.page_size, 100, 1_000)?;
    let after = page::after(&request.page_token, |rank, name| {
        Some((rank.parse::<usize>().ok()?, name.to_owned()))
    })?;
    let mut models = rpc.models.all(rpc.reader.clock.now()).await?;
    models.sort_by_key(place);
    let mut left = models.into_iter().peekable();
    while left.next_if(|it| after.as_ref().is_some_and(|after| place(it) <= *after)).is_some() {}

    let (mut page, mut bytes) = (Vec::new(), 0);
    while let Some(model) = left.next_if(|it| {
        page.len() < size && (page.is_empty() || bytes + it.numbers.len() <= NUMBERS_BYTES_MAX)
    }) {
        bytes += model.numbers.len();
        page.push(model);
    }
    let next_page_token = match (page.last(), left.peek()) {
        (Some(last), Some(_)) => {
            let (rank, name) = place(last);
            page::token(rank, name)
        }
        _ => String::new(),
    };
    let models = page.into_iter().map(to_wire).collect();
    Ok(ListModelsResponse { models, next_page_token })
}

/// The serving one first, the retired ones last.
fn place(model: &StoredModel) -> (usize, String) {
    (model.state as usize, model.name.clone())
}

pub(super) fn to_wire(model: StoredModel) -> Model {
    let serve_time = model.announce_time.or(model.serve_time);
    Model {
        name: model.name,
        checksum: model.checksum,
        state: model.state.as_str().to_owned(),
        serve_time: serve_time.map(timestamp),
        numbers: model.numbers,
    }
}
