//! `klout rebuild`: makes all evidence again from the log.

use klout_proto::{
    json::to_value,
    score::v1::{FinishRebuildRequest, StartRebuildRequest},
    signal::v1::{RedeliverSignalsRequest, RedeliverSignalsResponse},
};

use crate::{
    client::{Client, Missing, Target, retried},
    exit::Failure,
    output, visible,
};

/// Makes the evidence behind all scores again, from the log of everything that was ever taken in.
///
/// Until it is done nobody is scored, and scores stay as they are; what comes in meanwhile counts. The
/// scores after it are the ones before it, to the bit, unless evidence had been lost or damaged. It may be
/// ended at any moment: run it again, and it starts over.
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Needs the operator's key, which a data directory has.

Examples:
  klout rebuild
  KLOUT_KEY=… klout rebuild --server https://klout.example")]
pub(crate) struct Rebuild {
    /// Prints how many batches were delivered as JSON
    #[arg(long)]
    json: bool,
    #[command(flatten)]
    target: Target,
}

// === impl Rebuild ===

impl Rebuild {
    pub(crate) fn run(self) -> Result<(), Failure> {
        let redelivered = self.target.ask(Missing::Refuse, async |client| {
            eprintln!(
                "klout: evidence is forgotten; until it is made again scores stay as they are"
            );
            let rebuild = start(client).await?;
            let redelivered = redeliver(client).await?;
            let batches = redelivered.batches;
            eprintln!("klout: {batches} batches of the log are delivered once more");
            visible::until_delivered(client).await?;
            finish(client, &rebuild).await?;
            eprintln!("klout: evidence is whole again, and everybody is scored");
            visible::until_visible(client).await?;
            Ok(redelivered)
        })?;
        if self.json {
            output::line(&to_value(&redelivered).to_string())?;
        }
        Ok(())
    }
}

async fn start(client: &Client) -> Result<String, Failure> {
    let started = retried(|| {
        let mut client = client.score_operator();
        async move { client.start_rebuild(StartRebuildRequest {}).await }
    });
    Ok(started.await?.into_inner().rebuild)
}

async fn redeliver(client: &Client) -> Result<RedeliverSignalsResponse, Failure> {
    let redelivered = retried(|| {
        let mut client = client.signals();
        let request = RedeliverSignalsRequest { consumer: "scoring".to_owned() };
        async move { client.redeliver_signals(request).await }
    });
    Ok(redelivered.await?.into_inner())
}

/// Fails when somebody else has started one since: then what was delivered for this one is forgotten.
async fn finish(client: &Client, rebuild: &str) -> Result<(), Failure> {
    let finished = retried(|| {
        let mut client = client.score_operator();
        let request = FinishRebuildRequest { rebuild: rebuild.to_owned() };
        async move { client.finish_rebuild(request).await }
    });
    finished.await?;
    Ok(())
}
