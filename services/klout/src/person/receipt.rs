//! `klout person receipt`: what became of what was held about somebody.

use klout_proto::{
    convert,
    graph::v1::{GetReceiptRequest, Receipt},
    json::to_value,
};
use prost_types::Timestamp;

use crate::{
    arguments,
    client::{Missing, Target},
    exit::Failure,
    output, printable,
};

/// Prints what was masked and deleted of somebody who left, and what had been told to whom before.
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Example:
  klout person receipt 6ba7b810-9dad-11d1-80b4-00c04fd430c8")]
pub(super) struct ShowReceipt {
    /// The receipt, as erasing or opting out printed it
    #[arg(value_name = "RECEIPT")]
    receipt: String,
    /// Prints the receipt as JSON
    #[arg(long)]
    json: bool,
    #[command(flatten)]
    target: Target,
}

// === impl ShowReceipt ===

impl ShowReceipt {
    pub(super) fn run(self) -> Result<(), Failure> {
        let Self { receipt, json, target } = self;
        let receipt = target.ask(Missing::Refuse, async |client| {
            let answer = client.graph().get_receipt(GetReceiptRequest { receipt }).await;
            let answer = answer.map_err(Failure::naming(&[("receipt", "RECEIPT")]))?;
            answer.into_inner().receipt.ok_or(Failure::Failed("an empty answer".to_owned()))
        })?;
        if json {
            return output::line(&to_value(&receipt).to_string());
        }
        print(&receipt)
    }
}

/// Prints a receipt as it stands.
pub(super) fn print(receipt: &Receipt) -> Result<(), Failure> {
    let Receipt { receipt: name, kind, request_time, masked, deleted, .. } = receipt;
    output::line(&format!("receipt {name}: {kind}, asked for {}", time(request_time.as_ref())))?;
    for it in masked {
        let since = match &it.mask_time {
            Some(_) => format!("since {}", time(it.mask_time.as_ref())),
            None => "not confirmed yet".to_owned(),
        };
        output::line(&format!("  masked   {}, {since}", it.service))?;
    }
    for it in deleted {
        let count = output::grouped(it.count);
        output::line(&format!(
            "  deleted  {}: {count} of {}",
            it.service,
            printable::printable(&it.name)
        ))?;
    }
    for it in &receipt.already_left {
        let (caller, purpose) =
            (printable::printable(&it.caller), printable::printable(&it.purpose));
        let (count, last) = (output::grouped(it.count), time(it.last_time.as_ref()));
        output::line(&format!("  told     {caller} for {purpose}: {count} times, last {last}"))?;
    }
    match &receipt.delete_time {
        Some(_) => output::line(&format!("  complete {}", time(receipt.delete_time.as_ref()))),
        None => {
            let deadline = time(receipt.delete_by_time.as_ref());
            output::line(&format!("  goes on; everything is deleted by {deadline} at the latest"))
        }
    }
}

fn time(time: Option<&Timestamp>) -> String {
    let time = time.and_then(convert::time);
    time.map_or_else(|| "unknown".to_owned(), arguments::print_time)
}
