//! `klout networks`: what each network gives, from where, and under which terms.

use klout_proto::{
    json::to_value,
    signal::v1::{Capabilities, ListNetworksRequest, NetworkDescription},
};

use crate::{
    client::{Missing, Target},
    exit::Failure,
    output,
    printable::{indented, on_one_line},
    table::{self, Column},
};

/// Lists networks: which can be connected, how, and what the others lack.
///
/// LIVE: accounts can be connected. NOT_BUILT: the network would allow it. GATED: it allows it to whom it approves. PAID: it
/// costs money a call. IMPORT: only what people download of themselves. DEAD: it is no more.
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  klout networks
  klout networks bluesky              what it gives, and under which terms")]
pub(crate) struct Networks {
    /// Tells all about this one
    #[arg(value_name = "NETWORK")]
    network: Option<String>,
    /// Prints the response as JSON
    #[arg(long)]
    json: bool,
    #[command(flatten)]
    target: Target,
}

// === impl Networks ===

impl Networks {
    pub(crate) fn run(self) -> Result<(), Failure> {
        let Self { network, json, target } = self;
        let response = target.ask(Missing::Refuse, async |client| {
            let request = ListNetworksRequest { page_size: 1_000, ..Default::default() };
            Ok(client.signals().list_networks(request).await?.into_inner())
        })?;
        let Some(network) = network else {
            if json {
                return output::line(&to_value(&response).to_string());
            }
            let columns =
                [Column::Text("network"), Column::Text("state"), Column::Text("connected by")];
            let rows = response.networks.into_iter();
            return table::print(
                columns,
                rows.map(|it| [it.network, it.state, it.methods.join(", ")]),
            );
        };
        let found = response.networks.into_iter().find(|it| it.network == network);
        let found = found.ok_or_else(|| {
            Failure::Failed(format!("there is no network {network}; `klout networks` lists them"))
        })?;
        if json {
            return output::line(&to_value(&found).to_string());
        }
        describe(&found)
    }
}

fn describe(it: &NetworkDescription) -> Result<(), Failure> {
    let head = format!("{} ({}): {}", it.display_name, it.network, it.state);
    output::line(&on_one_line(&head))?;
    output::line(&indented("", &it.gives))?;
    output::line(&indented("asked at: ", &it.source))?;
    if !it.methods.is_empty() {
        output::line(&indented("connected by: ", &it.methods.join(", ")))?;
    }
    if let Some(can) = &it.capabilities {
        output::line(&indented("can be asked: ", &capabilities(can)))?;
    }
    let Some(terms) = &it.terms else { return Ok(()) };
    output::line(&indented("terms: ", &terms.summary))?;
    output::line(&indented("", &terms.url))
}

fn capabilities(it: &Capabilities) -> String {
    let named = [
        ("resolve", &it.resolve),
        ("audience", &it.audience),
        ("posts", &it.posts),
        ("reaction counts", &it.reaction_counts),
        ("reactors", &it.reactors),
        ("mentions", &it.mentions),
        ("stream", &it.stream),
        ("archive", &it.archive),
    ];
    let can = named.into_iter().filter(|(_, whose)| *whose != "NONE");
    let can: Vec<String> =
        can.map(|(name, whose)| format!("{name} of {}", whose.to_lowercase())).collect();
    can.join(", ")
}
