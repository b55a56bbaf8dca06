//! The outside tools of a test: found as the program itself finds them, started in a folder that they see.
//!
//! Tools compiled to WebAssembly have a `/tmp` of their own, and every tool may stand in a path with a space: what they
//! read and write is named relative to the folder they run in.
#![allow(dead_code, reason = "each test binary uses its own part")]

use bincim::flow::{self, Found, Tool};
use harness::Lack;
use std::path::Path;
use std::process::Command;

/// The tool; where it is missing, the test ends as one that did not run.
pub fn need(tool: Tool) -> Option<Found> {
    flow::find(tool).map_err(|error| harness::not_run(Lack::Tool, error)).ok()
}

/// The tool; where it is missing, `what` is told as left out.
pub fn find(tool: Tool, what: &str) -> Option<Found> {
    flow::find(tool).map_err(|error| harness::in_part(Lack::Tool, format!("{what}: {error}"))).ok()
}

/// Whether all tools are there that `what` needs; where one is missing, the test ends as one that did not run.
pub fn present(what: &str, tools: &[Tool]) -> bool {
    tools.iter().all(|&tool| match flow::find(tool) {
        Ok(_) => true,
        Err(error) => {
            harness::not_run(Lack::Tool, format_args!("{what}: {error}"));
            false
        }
    })
}

/// A call of `found` in `folder`.
#[expect(clippy::disallowed_methods, reason = "a test starts the tools itself")]
pub fn command(found: &Found, folder: &Path) -> Command {
    let mut command = Command::new(&found.program);
    command.current_dir(folder).envs(found.env.iter().cloned());
    command
}
