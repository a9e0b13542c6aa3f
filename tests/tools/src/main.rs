//! The `clerk-testing` binary. All of it is in the library, where it can be tested.

use std::process::ExitCode;

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    match clerk_testing::command::run(&arguments) {
        Ok(()) => ExitCode::SUCCESS,
        Err(failure) => {
            eprintln!("clerk-testing: {failure}");
            ExitCode::FAILURE
        }
    }
}
