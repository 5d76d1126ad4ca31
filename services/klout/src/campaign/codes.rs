//! Brings codes.

use std::{
    fs::File,
    io::{self, BufRead as _, BufReader, Read},
    path::{Path, PathBuf},
};

use klout_proto::perk::v1::{UploadCodesRequest, UploadCodesResponse};

use super::print_json;
use crate::{
    client::{Missing, Target, retried},
    exit::Failure,
    output,
};

/// Codes in one call.
const CODES_MAX: usize = 10_000;

/// Adds codes from a file to a campaign that gives uploaded ones.
///
/// One code in a line, each 1 to 100 visible characters of ASCII; empty lines and space around codes do not count.
/// They are given in their order. One that is there already stays as it is, so that an upload that broke off is simply
/// repeated.
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  klout campaign codes 1234 codes.txt
  seq -f 'SPOTIFY-%06.0f' 1 500 | klout campaign codes 1234 -")]
pub(super) struct Codes {
    /// Which: its number
    #[arg(value_name = "CAMPAIGN")]
    campaign: String,
    /// The codes; - is stdin
    #[arg(value_name = "FILE")]
    file: PathBuf,
    /// Prints the last response as JSON, with how many were added in all
    #[arg(long)]
    json: bool,
    #[command(flatten)]
    target: Target,
}

// === impl Codes ===

impl Codes {
    pub(super) fn run(self) -> Result<(), Failure> {
        let Self { campaign, file, json, target } = self;
        let codes = read(&file)?;
        if codes.is_empty() {
            return Err(Failure::Failed(format!("{}: there is no code in it", file.display())));
        }
        let template = "codes: [{bar:30}] {pos}/{len}, {eta} left";
        let bar = output::progress(u64::try_from(codes.len()).ok(), template);
        let response = target.ask(Missing::Refuse, async |client| {
            let mut all = UploadCodesResponse::default();
            for codes in codes.chunks(CODES_MAX) {
                let request =
                    UploadCodesRequest { campaign: campaign.clone(), codes: codes.to_vec() };
                let taken = retried(|| {
                    let (mut client, request) = (client.perks(), request.clone());
                    async move { client.upload_codes(request).await }
                });
                let taken = taken.await?.into_inner();
                all = UploadCodesResponse { added: all.added + taken.added, left: taken.left };
                bar.inc(u64::try_from(codes.len()).unwrap_or_default());
            }
            Ok(all)
        })?;
        bar.finish_and_clear();
        if json {
            return print_json(&response);
        }
        let [added, left] = [response.added, response.left].map(output::grouped);
        output::line(&format!("{added} added, {left} left that nobody has"))
    }
}

fn read(path: &Path) -> Result<Vec<String>, Failure> {
    let failed = |error| Failure::Failed(format!("{}: {error}", path.display()));
    let source: Box<dyn Read> = if path.as_os_str() == "-" {
        Box::new(io::stdin())
    } else {
        Box::new(File::open(path).map_err(failed)?)
    };
    let mut codes = Vec::new();
    for line in BufReader::new(source).lines() {
        let line = line.map_err(failed)?;
        let code = line.trim();
        if !code.is_empty() {
            codes.push(code.to_owned());
        }
    }
    Ok(codes)
}
