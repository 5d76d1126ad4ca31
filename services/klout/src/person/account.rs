//! Which accounts are whose, and what they were called.

use klout_proto::{
    convert,
    graph::v1::{
        AccountName, CompleteLinkRequest, LinkAccountRequest, LinkedAccount, ListHandlesRequest,
        StartLinkRequest, UnlinkAccountRequest, account_name::Name,
    },
    json::to_value,
};

use super::{linked, print};
use crate::{
    client::{Missing, Target},
    exit::Failure,
    output, printable,
    subject::{self, Subject},
    table::{self, Column},
};

/// Links an account: on your word as an operator, or with proof that it is theirs.
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  klout person link bluesky:ann.example github:id=login/ann
  klout person link bluesky:ann.example github:id=login/ann --challenge
  klout person complete-link LINK                     with the link that the line before printed")]
pub(super) struct Link {
    #[arg(help = subject::HELP)]
    subject: Subject,
    /// The account
    #[arg(value_name = "NETWORK:id=NATIVE_ID", value_parser = linked)]
    account: LinkedAccount,
    /// Starts a proof: a text is to stand on the account's page
    #[arg(long, conflicts_with = "rel_me")]
    challenge: bool,
    /// Starts a proof: the account's page and a page of the person's own, an account of the network web, link to one
    /// another
    #[arg(long)]
    rel_me: bool,
    /// Prints the response as JSON
    #[arg(long)]
    json: bool,
    #[command(flatten)]
    target: Target,
}

/// Looks for the proof that `klout person link` started, and links the account.
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Example:
  klout person complete-link LINK")]
pub(super) struct CompleteLink {
    /// What `klout person link --challenge` or `--rel-me` printed
    #[arg(value_name = "LINK")]
    link: String,
    /// Prints the person as JSON
    #[arg(long)]
    json: bool,
    #[command(flatten)]
    target: Target,
}

/// Takes an account away from somebody, who does not own what is on it any more.
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Example:
  klout person unlink bluesky:ann.example github:id=login/ann")]
pub(super) struct Unlink {
    #[arg(help = subject::HELP)]
    subject: Subject,
    /// The account
    #[arg(value_name = "NETWORK:id=NATIVE_ID", value_parser = linked)]
    account: LinkedAccount,
    /// Prints the person as JSON
    #[arg(long)]
    json: bool,
    #[command(flatten)]
    target: Target,
}

/// Lists what accounts of somebody are and were called, newest first.
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Example:
  klout person handles bluesky:ann.example")]
pub(super) struct Handles {
    #[arg(help = subject::HELP)]
    subject: Subject,
    /// How many at most
    #[arg(long, value_name = "N", default_value_t = 100, value_parser = clap::value_parser!(u16).range(1..=1000))]
    top: u16,
    /// Prints the response as JSON
    #[arg(long)]
    json: bool,
    #[command(flatten)]
    target: Target,
}

// === impl Link ===

impl Link {
    pub(super) fn run(self) -> Result<(), Failure> {
        let Self { subject, account, challenge, rel_me, json, target } = self;
        let account = Some(account);
        if !(challenge || rel_me) {
            let response = target.ask(Missing::Refuse, async |client| {
                let person = subject.person(client).await?;
                let request = LinkAccountRequest { person, account };
                Ok(client.graph().link_account(request).await?.into_inner())
            })?;
            return print(response.person, json);
        }
        let response = target.ask(Missing::Refuse, async |client| {
            let person = subject.person(client).await?;
            let method = if challenge { "CHALLENGE" } else { "REL_ME" }.to_owned();
            let request = StartLinkRequest { person, account, method };
            Ok(client.graph().start_link(request).await?.into_inner())
        })?;
        if json {
            return output::line(&to_value(&response).to_string());
        }
        eprintln!("klout: {}", printable::on_one_line(&response.instructions));
        output::line(&response.link)
    }
}

// === impl CompleteLink ===

impl CompleteLink {
    pub(super) fn run(self) -> Result<(), Failure> {
        let Self { link, json, target } = self;
        let response = target.ask(Missing::Refuse, async |client| {
            Ok(client.graph().complete_link(CompleteLinkRequest { link }).await?.into_inner())
        })?;
        print(response.person, json)
    }
}

// === impl Unlink ===

impl Unlink {
    pub(super) fn run(self) -> Result<(), Failure> {
        let Self { subject, account, json, target } = self;
        let LinkedAccount { network, native_id, .. } = account;
        let account = Some(AccountName { network, name: Some(Name::NativeId(native_id)) });
        let response = target.ask(Missing::Refuse, async |client| {
            let person = subject.person(client).await?;
            let request = UnlinkAccountRequest { person, account };
            Ok(client.graph().unlink_account(request).await?.into_inner())
        })?;
        print(response.person, json)
    }
}

// === impl Handles ===

impl Handles {
    pub(super) fn run(self) -> Result<(), Failure> {
        let Self { subject, top, json, target } = self;
        let response = target.ask(Missing::Refuse, async |client| {
            let person = subject.person(client).await?;
            let request =
                ListHandlesRequest { person, page_size: top.into(), ..Default::default() };
            Ok(client.graph().list_handles(request).await?.into_inner())
        })?;
        if json {
            return output::line(&to_value(&response).to_string());
        }
        let columns = [
            Column::Text("account"),
            Column::Text("handle"),
            Column::Text("since"),
            Column::Text("until"),
        ];
        let day = |time: Option<prost_types::Timestamp>| {
            let time = time.as_ref().and_then(convert::time);
            time.map(|time| time.date().to_string()).unwrap_or_default()
        };
        let rows = response.handles.into_iter().map(|it| {
            let account = format!("{}:id={}", it.network, it.native_id);
            [account, it.handle, day(it.since_time), day(it.until_time)]
        });
        table::print(columns, rows)
    }
}
