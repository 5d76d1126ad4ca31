//! The `klout` binary. Everything is in the library.

use std::process::ExitCode;

fn main() -> ExitCode {
    klout::main()
}
