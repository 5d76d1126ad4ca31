//! The `klout` binary. Everything is in the library.

use std::process::ExitCode;

use mimalloc::MiMalloc;

/// A score that is served takes some thirty allocations, most of them in the transport.
#[global_allocator]
static ALLOCATOR: MiMalloc = MiMalloc;

fn main() -> ExitCode {
    klout::main()
}
