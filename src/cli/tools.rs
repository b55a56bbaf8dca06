//! `bincim tools`: the outside tools as the program finds them.

use super::{Outcome, output};
use crate::flow::{self, Tool};
use clap::Args;
use miette::miette;

/// Tells which outside tools are found, which versions, and where
#[derive(Args, Debug)]
pub struct Tools {
    /// Print only the program's path of this tool, such as yosys; exit status 1 if it is missing
    pub name: Option<String>,
    /// Print one JSON object
    #[arg(long, conflicts_with = "name")]
    pub json: bool,
}

/// Runs the verb. [`Outcome::No`] if the tool asked for is missing.
pub fn run(args: &Tools) -> miette::Result<Outcome> {
    if let Some(name) = &args.name {
        return path(name);
    }
    let found = Tool::ALL.map(|tool| (tool, flow::find(tool)));
    let text = match args.json {
        true => {
            let entry = |(tool, found): &(Tool, Result<flow::Found, flow::FlowError>)| {
                let value = match found {
                    Ok(found) => serde_json::json!({
                        "version": found.version, "origin": found.origin, "program": found.program,
                    }),
                    Err(_) => serde_json::Value::Null,
                };
                (tool.name().to_string(), value)
            };
            let all: serde_json::Map<_, _> = found.iter().map(entry).collect();
            format!("{:#}\n", serde_json::Value::from(all))
        }
        false => found.iter().map(|(_, found)| line(found) + "\n").collect(),
    };
    output::result(&text)?;
    Ok(Outcome::Done)
}

fn line(found: &Result<flow::Found, flow::FlowError>) -> String {
    match found {
        Ok(found) => found.describe(),
        Err(error) => error.to_string(),
    }
}

fn path(name: &str) -> miette::Result<Outcome> {
    let known = |tool: &Tool| tool.name() == name || tool.name().split(' ').next() == Some(name);
    let Some(tool) = Tool::ALL.into_iter().find(known) else {
        let names = Tool::ALL.map(Tool::name).join(", ");
        return Err(miette!(
            code = "cli::tools",
            help = format!("the tools are: {names}"),
            "no tool `{name}`"
        ));
    };
    match flow::find(tool) {
        Ok(found) => output::result(&format!("{}\n", found.program.display())).map(|()| Outcome::Done),
        Err(error) => {
            output::log(format_args!("{:?}", miette::Report::new(error)));
            Ok(Outcome::No)
        }
    }
}
