//! Gives one, and takes it back.

use klout_proto::{
    graph::v1::{GetPlusKBudgetRequest, GivePlusKRequest, TakeBackPlusKRequest},
    json::to_value,
};

use super::{tell_budget, time};
use crate::{
    client::{Missing, Target},
    exit::Failure,
    output,
    subject::{self, Subject},
};

/// Gives somebody a +K on a topic that they have.
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  klout plus-k give bluesky:ann.example bluesky:bob.example photography
  klout plus-k give bluesky:ann.example bluesky:bob.example photography --request-id 2018-06-01/7

The same --request-id again gives nothing more, and prints what was given.")]
pub(super) struct Give {
    /// Who gives: a person's id, NETWORK:HANDLE, or NETWORK:id=NATIVE_ID
    #[arg(value_name = "GIVER")]
    giver: Subject,
    /// To whom
    #[arg(value_name = "RECEIVER")]
    receiver: Subject,
    /// On what: a slug, such as board-games, or an id
    #[arg(value_name = "TOPIC")]
    topic: String,
    /// Names this request, so that it can be repeated
    #[arg(long, value_name = "ID", default_value = "", hide_default_value = true)]
    request_id: String,
    /// Prints the response as JSON
    #[arg(long)]
    json: bool,
    #[command(flatten)]
    target: Target,
}

/// Takes a +K back within a day; it returns to the budget.
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Example:
  klout plus-k take-back bluesky:ann.example 1234")]
pub(super) struct TakeBack {
    /// Who gave it: a person's id, NETWORK:HANDLE, or NETWORK:id=NATIVE_ID
    #[arg(value_name = "GIVER")]
    giver: Subject,
    /// Which: the number that `klout plus-k given` prints
    #[arg(value_name = "ID")]
    plus_k: String,
    #[command(flatten)]
    target: Target,
}

/// Says how many +K somebody has left today.
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Example:
  klout plus-k budget bluesky:ann.example")]
pub(super) struct Budget {
    #[arg(help = subject::HELP)]
    subject: Subject,
    /// Prints the budget as JSON
    #[arg(long)]
    json: bool,
    #[command(flatten)]
    target: Target,
}

// === impl Give ===

impl Give {
    pub(super) fn run(self) -> Result<(), Failure> {
        let Self { giver, receiver, topic, request_id, json, target } = self;
        let response = target.ask(Missing::Refuse, async |client| {
            let request = GivePlusKRequest {
                giver: giver.person(client).await?,
                receiver: receiver.person(client).await?,
                topic,
                request_id,
            };
            let flags = [("request_id", "--request-id")];
            let given = client.plus_k().give_plus_k(request).await;
            Ok(given.map_err(Failure::naming(&flags))?.into_inner())
        })?;
        if json {
            return output::line(&to_value(&response).to_string());
        }
        let given = response.plus_k.unwrap_or_default();
        let until = time(given.take_back_until_time.as_ref());
        output::line(&format!("{}: can be taken back until {until}", given.plus_k))?;
        tell_budget(response.budget.as_ref())
    }
}

// === impl TakeBack ===

impl TakeBack {
    pub(super) fn run(self) -> Result<(), Failure> {
        let Self { giver, plus_k, target } = self;
        let response = target.ask(Missing::Refuse, async |client| {
            let giver = giver.person(client).await?;
            let request = TakeBackPlusKRequest { giver, plus_k };
            Ok(client.plus_k().take_back_plus_k(request).await?.into_inner())
        })?;
        tell_budget(response.budget.as_ref())
    }
}

// === impl Budget ===

impl Budget {
    pub(super) fn run(self) -> Result<(), Failure> {
        let Self { subject, json, target } = self;
        let response = target.ask(Missing::Refuse, async |client| {
            let request = GetPlusKBudgetRequest { person: subject.person(client).await? };
            Ok(client.plus_k().get_plus_k_budget(request).await?.into_inner())
        })?;
        let budget = response.budget.unwrap_or_default();
        if json { output::line(&to_value(&budget).to_string()) } else { tell_budget(Some(&budget)) }
    }
}
