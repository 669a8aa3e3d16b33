//! The `linecard` program.

use std::process::ExitCode;

// Requests allocate much and shortly; the C library's allocator costs a tenth of them.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

fn main() -> ExitCode {
    linecard::cli::main()
}
