//! The `linecard` program.

use std::process::ExitCode;

fn main() -> ExitCode {
    linecard::cli::main()
}
