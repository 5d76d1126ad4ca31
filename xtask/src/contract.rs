//! The gateway as strangers use it: a tester that makes up requests from the OpenAPI document, over a gateway that runs.

use std::{fs, path::Path, process::Command};

use anyhow::{Context as _, Result};

use crate::{
    install,
    job::{self, Interrupt},
    running::Up,
    workspace::Workspace,
};

/// Runs schemathesis over a running gateway: no 500, no status, header or answer that the OpenAPI document does not have.
///
/// Builds `klout`, starts it with the sample on free ports of this machine and in a folder that is thrown away, and stops
/// it at the end. schemathesis is installed from PyPI into the target folder; it asks no other machine than this one.
/// What goes wrong is printed with a line that asks the same again; reports are left in target/contract.
#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:
  cargo xtask contract
  cargo xtask contract --examples 200 --seed 7")]
pub struct Contract {
    /// Requests that are made up for each operation, at most, beside those that try each limit.
    #[arg(long, value_name = "N", default_value_t = 30)]
    examples: u32,
    /// The same number makes the same requests up.
    #[arg(long, value_name = "N", default_value_t = 2011)]
    seed: u32,
    /// Ends after so many seconds, whatever is left.
    #[arg(long, value_name = "SECONDS", default_value_t = 600)]
    time_max: u32,
}

/// Another version may make other requests up.
const PACKAGES: [(&str, &str); 1] = [("schemathesis", "4.32.5")];

/// Protobuf's JSON takes a number in a string and a string in a number, which the document need not say; and what can be
/// a request by its schema need not be one that makes sense.
const NOT_HELD: &str = "negative_data_rejection,positive_data_acceptance";

/// Writes what is at an address, asked with a key, to a file.
const FETCH: &str = "
import sys, urllib.request
address, key, file = sys.argv[1:]
opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
request = urllib.request.Request(address, headers={'x-api-key': key})
open(file, 'wb').write(opener.open(request, timeout=20).read())
";

impl Contract {
    pub(crate) fn run(self, workspace: &Workspace, interrupt: &Interrupt) -> Result<()> {
        install::postgres()?;
        install::redis()?;
        eprintln!("xtask: building klout");
        job::run(workspace.cargo().args(["build", "--package", "klout", "--locked"]), interrupt)?;
        let target = workspace.target()?;
        let place = target.join("contract");
        fs::create_dir_all(&place)?;
        let python = install::python(&place.join("python"), &PACKAGES)?;

        let up = Up::start(&target.join("debug/klout"), &["--sample"], &[], interrupt)?;
        let key = fs::read_to_string(up.folder.path().join("operator.key"))?;
        let key = key.trim();
        // The operator's document has every operation. The key is shown as the document says, so that the tester can
        // leave it out and be refused.
        let document = up.folder.path().join("openapi.json");
        let address = format!("{}/openapi-operators.json", up.http);
        job::run(
            Command::new(&python).args(["-I", "-c", FETCH, &address, key]).arg(&document),
            interrupt,
        )?;
        let config = up.folder.path().join("schemathesis.toml");
        fs::write(&config, format!("[auth.openapi.bearer]\nbearer = \"{key}\"\n"))?;
        eprintln!("xtask: schemathesis over {address}, for {} s at most", self.time_max);
        let mut tester = self.tester(&python, &place, &config);
        tester.args(["--url", &up.http]).arg(&document);
        let held = job::run(&mut tester, interrupt);
        up.stop()?;
        held.context("the gateway and its document differ")
    }

    fn tester(&self, python: &Path, place: &Path, config: &Path) -> Command {
        let mut tester = Command::new(python.with_file_name("schemathesis"));
        tester.current_dir(place).arg("--config-file").arg(config);
        tester.args(["run", "--checks", "all", "--exclude-checks", NOT_HELD]);
        tester.args(["--continue-on-failure", "--no-shrink", "--warnings", "off"]);
        tester.args(["--suppress-health-check", "all", "--request-timeout", "20"]);
        tester.args(["--report", "junit,ndjson"]).arg("--report-dir").arg(place.join("report"));
        let (examples, seed) = (self.examples.to_string(), self.seed.to_string());
        tester.args(["--max-examples", &examples, "--seed", &seed]);
        tester.args(["--max-time", &self.time_max.to_string()]);
        tester
    }
}
