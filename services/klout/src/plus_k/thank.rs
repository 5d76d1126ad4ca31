//! Thanks.

use klout_proto::{graph::v1::ThankForPlusKRequest, json::to_value};

use crate::{
    client::{Missing, Target},
    exit::Failure,
    output,
    subject::Subject,
};

/// Thanks for a +K, once.
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  klout plus-k thank bluesky:bob.example 1234
  klout plus-k thank bluesky:bob.example 1234 'See you on the trail' --public")]
pub(super) struct Thank {
    /// Who received it: a person's id, NETWORK:HANDLE, or NETWORK:id=NATIVE_ID
    #[arg(value_name = "RECEIVER")]
    receiver: Subject,
    /// Which: the number that `klout plus-k received` prints
    #[arg(value_name = "ID")]
    plus_k: String,
    /// In words, at most 512 bytes
    #[arg(value_name = "THANKS", default_value = "", hide_default_value = true)]
    thanks: String,
    /// All may see it, not only the giver
    #[arg(long)]
    public: bool,
    /// Prints the +K as JSON
    #[arg(long)]
    json: bool,
    #[command(flatten)]
    target: Target,
}

// === impl Thank ===

impl Thank {
    pub(super) fn run(self) -> Result<(), Failure> {
        let Self { receiver, plus_k, thanks, public, json, target } = self;
        let response = target.ask(Missing::Refuse, async |client| {
            let receiver = receiver.person(client).await?;
            let request = ThankForPlusKRequest { receiver, plus_k, thanks, public };
            let flags = [("plus_k", "ID"), ("thanks", "THANKS")];
            let thanked = client.plus_k().thank_for_plus_k(request).await;
            Ok(thanked.map_err(Failure::naming(&flags))?.into_inner())
        })?;
        if json {
            return output::line(&to_value(&response.plus_k.unwrap_or_default()).to_string());
        }
        eprintln!("klout: thanked{}", if public { ", for all to see" } else { "" });
        Ok(())
    }
}
