use klout_model::TopicId;
use klout_proto::topic::v1::{ListTopicsRequest, ListTopicsResponse};

use super::{TopicRpc, page, parse, show};
use crate::{error::Error, ontologies::path};

/// Of a query.
const QUERY_BYTES_MAX: usize = 200;

pub(super) async fn list_topics(
    rpc: &TopicRpc,
    request: ListTopicsRequest,
) -> Result<ListTopicsResponse, Error> {
    if request.query.len() > QUERY_BYTES_MAX {
        let problem = "has more than 200 bytes";
        return Err(Error::FieldInvalid { field: "query", problem });
    }
    let negative = |_| Error::FieldInvalid { field: "level_max", problem: "is negative" };
    let level_max = u32::try_from(request.level_max).map_err(negative)?;
    let language = parse::language(&request.language)?;
    let size = page::size(request.page_size, 50, 1_000)?;
    let after = page::after::<1>(&request.page_token)?;
    let current = rpc.ontologies.current().await?;
    let parent = match request.parent.as_str() {
        "" => None,
        parent => Some(parse::topic(rpc, &current, parent).await?),
    };
    let mut found = current.ontology.search(&request.query, parent);
    if level_max > 0 {
        found.retain(|topic| current.ontology.level(*topic) <= level_max);
    }
    // A page goes on after the last topic of the one before, so nothing comes twice.
    let first = match after {
        None => 0,
        Some([last]) => {
            let last = TopicId::of_bits(last);
            let place = found.iter().position(|topic| Some(*topic) == last);
            place.ok_or_else(page::not_ours)? + 1
        }
    };
    let rest = &found[first..];
    let topics = &rest[..size.min(rest.len())];
    let next = topics.last().filter(|_| rest.len() > size);
    Ok(ListTopicsResponse {
        topics: topics.iter().map(|it| show::topic(&current, *it, language)).collect(),
        next_page_token: next.map_or_else(String::new, |it| page::token([it.bits()])),
        edition: path(&current.ontology),
    })
}
