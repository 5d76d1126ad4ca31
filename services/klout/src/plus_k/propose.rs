//! Topics that somebody does not have yet.

use klout_proto::{
    graph::v1::{AnswerTopicProposalRequest, ListTopicProposalsRequest, ProposeTopicRequest},
    json::to_value,
};

use super::{called, names, time};
use crate::{
    client::{Missing, Target},
    exit::Failure,
    output,
    subject::{self, Subject},
    table::{self, Column},
};

/// Proposes somebody a topic on which one would give them a +K.
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Example:
  klout plus-k propose bluesky:ann.example bluesky:bob.example hiking

Who accepts it declares it, as with `klout topic declare`.")]
pub(super) struct Propose {
    /// Who proposes: a person's id, NETWORK:HANDLE, or NETWORK:id=NATIVE_ID
    #[arg(value_name = "PROPOSER")]
    proposer: Subject,
    /// To whom
    #[arg(value_name = "WHOM")]
    person: Subject,
    /// What: a slug, such as board-games, or an id
    #[arg(value_name = "TOPIC")]
    topic: String,
    /// Prints the proposal as JSON
    #[arg(long)]
    json: bool,
    #[command(flatten)]
    target: Target,
}

/// Accepts a proposed topic, or declines it.
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  klout plus-k answer bluesky:bob.example 1234
  klout plus-k answer bluesky:bob.example 1234 --decline")]
pub(super) struct Answer {
    #[arg(help = subject::HELP)]
    subject: Subject,
    /// Which: the number that `klout plus-k proposals` prints
    #[arg(value_name = "PROPOSAL")]
    proposal: String,
    /// Declines it
    #[arg(long)]
    decline: bool,
    #[command(flatten)]
    target: Target,
}

/// Lists the topics that were proposed to somebody and wait for an answer, newest first.
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Example:
  klout plus-k proposals bluesky:bob.example")]
pub(super) struct Proposals {
    #[arg(help = subject::HELP)]
    subject: Subject,
    /// Prints the response as JSON
    #[arg(long)]
    json: bool,
    #[command(flatten)]
    target: Target,
}

// === impl Propose ===

impl Propose {
    pub(super) fn run(self) -> Result<(), Failure> {
        let Self { proposer, person, topic, json, target } = self;
        let response = target.ask(Missing::Refuse, async |client| {
            let request = ProposeTopicRequest {
                proposer: proposer.person(client).await?,
                person: person.person(client).await?,
                topic,
            };
            Ok(client.plus_k().propose_topic(request).await?.into_inner())
        })?;
        let proposal = response.proposal.unwrap_or_default();
        if json {
            return output::line(&to_value(&proposal).to_string());
        }
        output::line(&format!("{}: {} waits for an answer", proposal.proposal, proposal.topic))
    }
}

// === impl Answer ===

impl Answer {
    pub(super) fn run(self) -> Result<(), Failure> {
        let Self { subject, proposal, decline, target } = self;
        target.ask(Missing::Refuse, async |client| {
            let person = subject.person(client).await?;
            let request = AnswerTopicProposalRequest { person, proposal, accept: !decline };
            client.plus_k().answer_topic_proposal(request).await?;
            Ok(())
        })?;
        eprintln!("klout: {}", if decline { "declined" } else { "accepted, and declared" });
        Ok(())
    }
}

// === impl Proposals ===

impl Proposals {
    pub(super) fn run(self) -> Result<(), Failure> {
        let Self { subject, json, target } = self;
        target.ask(Missing::Refuse, async |client| {
            let person = subject.person(client).await?;
            let request = ListTopicProposalsRequest { person, ..Default::default() };
            let response = client.plus_k().list_topic_proposals(request).await?.into_inner();
            if json {
                return output::line(&to_value(&response).to_string());
            }
            let names = names(client, response.proposals.iter().map(|it| &it.proposer)).await?;
            let columns = [
                Column::Text("time"),
                Column::Text("by"),
                Column::Text("topic"),
                Column::Text("proposal"),
            ];
            let rows = response.proposals.into_iter().map(|it| {
                let by = called(&names, &it.proposer);
                [time(it.create_time.as_ref()), by, it.topic, it.proposal]
            });
            table::print(columns, rows)
        })
    }
}
