//! Arguments → command → exit code; nothing else exits.

use std::process::ExitCode;

use askara_gate::command;

fn main() -> ExitCode {
    command::main()
}
