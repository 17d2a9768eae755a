//! Arguments to a command; nothing else.

use std::process::ExitCode;

fn main() -> ExitCode {
    weaved::cli::run(std::env::args_os())
}
