//! From whom somebody takes nothing.

use klout_proto::{
    graph::v1::{BlockPersonRequest, ListBlockedRequest, UnblockPersonRequest},
    json::to_value,
};

use super::{called, names};
use crate::{
    client::{Missing, Target},
    exit::Failure,
    output,
    subject::{self, Subject},
};

/// Blocks somebody, who gives no +K and proposes no topics to the blocker any more.
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Example:
  klout plus-k block bluesky:bob.example bluesky:spammer.example")]
pub(super) struct Block {
    /// Who blocks: a person's id, NETWORK:HANDLE, or NETWORK:id=NATIVE_ID
    #[arg(value_name = "BLOCKER")]
    blocker: Subject,
    /// Whom
    #[arg(value_name = "BLOCKED")]
    blocked: Subject,
    #[command(flatten)]
    target: Target,
}

/// Ends a block.
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Example:
  klout plus-k unblock bluesky:bob.example bluesky:ann.example")]
pub(super) struct Unblock {
    /// Who blocks: a person's id, NETWORK:HANDLE, or NETWORK:id=NATIVE_ID
    #[arg(value_name = "BLOCKER")]
    blocker: Subject,
    /// Whom
    #[arg(value_name = "BLOCKED")]
    blocked: Subject,
    #[command(flatten)]
    target: Target,
}

/// Lists whom somebody blocks, newest first.
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Example:
  klout plus-k blocked bluesky:bob.example")]
pub(super) struct Blocked {
    #[arg(help = subject::HELP)]
    subject: Subject,
    /// Prints the response as JSON
    #[arg(long)]
    json: bool,
    #[command(flatten)]
    target: Target,
}

/// As many as one blocks at most.
const BLOCKED_MAX: i32 = 1_000;

// === impl Block ===

impl Block {
    pub(super) fn run(self) -> Result<(), Failure> {
        let Self { blocker, blocked, target } = self;
        target.ask(Missing::Refuse, async |client| {
            let person = blocker.person(client).await?;
            let blocked = blocked.person(client).await?;
            client.plus_k().block_person(BlockPersonRequest { person, blocked }).await?;
            Ok(())
        })?;
        eprintln!("klout: blocked");
        Ok(())
    }
}

// === impl Unblock ===

impl Unblock {
    pub(super) fn run(self) -> Result<(), Failure> {
        let Self { blocker, blocked, target } = self;
        target.ask(Missing::Refuse, async |client| {
            let person = blocker.person(client).await?;
            let blocked = blocked.person(client).await?;
            client.plus_k().unblock_person(UnblockPersonRequest { person, blocked }).await?;
            Ok(())
        })?;
        eprintln!("klout: not blocked");
        Ok(())
    }
}

// === impl Blocked ===

impl Blocked {
    pub(super) fn run(self) -> Result<(), Failure> {
        let Self { subject, json, target } = self;
        target.ask(Missing::Refuse, async |client| {
            let person = subject.person(client).await?;
            let request =
                ListBlockedRequest { person, page_size: BLOCKED_MAX, ..Default::default() };
            let response = client.plus_k().list_blocked(request).await?.into_inner();
            if json {
                return output::line(&to_value(&response).to_string());
            }
            let names = names(client, response.people.iter()).await?;
            response.people.iter().try_for_each(|it| output::line(&called(&names, it)))
        })
    }
}
