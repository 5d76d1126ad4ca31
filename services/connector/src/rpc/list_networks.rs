use klout_chassis::page;
use klout_networks::{Description, Method, catalogue};
use klout_proto::signal::v1::{
    Capabilities, ListNetworksRequest, ListNetworksResponse, NetworkDescription, Terms,
};

use crate::error::Error;

/// Networks of a page.
const PAGE_SIZE: u16 = 100;

const PAGE_SIZE_MAX: u16 = 1_000;

pub(super) fn list_networks(request: &ListNetworksRequest) -> Result<ListNetworksResponse, Error> {
    let size = page::size(request.page_size, PAGE_SIZE, PAGE_SIZE_MAX).map_err(Error::Page)?;
    let all = catalogue();
    // A page ends with a network, and the next one begins behind it: the set grows.
    let start = match request.page_token.as_str() {
        "" => 0,
        token if all.iter().any(|it| it.network == token) => {
            all.partition_point(|it| it.network <= token)
        }
        _ => return Err(Error::Page(page::not_ours())),
    };
    let end = (start + size).min(all.len());
    let more = end < all.len();
    let last = all[start..end].last().filter(|_| more);
    Ok(ListNetworksResponse {
        networks: all[start..end].iter().map(|it| described(it)).collect(),
        next_page_token: last.map(|it| it.network.to_owned()).unwrap_or_default(),
    })
}

fn described(it: &Description) -> NetworkDescription {
    let capabilities = Capabilities {
        resolve: it.capabilities.resolve.as_str().to_owned(),
        audience: it.capabilities.audience.as_str().to_owned(),
        posts: it.capabilities.posts.as_str().to_owned(),
        reaction_counts: it.capabilities.reaction_counts.as_str().to_owned(),
        reactors: it.capabilities.reactors.as_str().to_owned(),
        mentions: it.capabilities.mentions.as_str().to_owned(),
        stream: it.capabilities.stream.as_str().to_owned(),
        archive: it.capabilities.archive.as_str().to_owned(),
    };
    let terms = Terms {
        retention: it.terms.retention.and_then(|it| it.try_into().ok()),
        feeds_perks: it.terms.feeds_perks,
        blends: it.terms.blends,
        forgets: it.terms.forgets,
        summary: it.terms.summary.to_owned(),
        url: it.terms.url.to_owned(),
    };
    NetworkDescription {
        network: it.network.to_owned(),
        display_name: it.display_name.to_owned(),
        state: it.state.as_str().to_owned(),
        capabilities: Some(capabilities),
        methods: it.methods.iter().copied().map(Method::as_str).map(str::to_owned).collect(),
        terms: Some(terms),
        gives: it.gives.to_owned(),
        source: it.source.to_owned(),
    }
}
