//! What can go wrong when an outside tool is run, with a stable code and a way out for each.
//!
//! Every variant names the tool and the file it concerns.

use crate::escape;
use miette::Diagnostic;
use std::path::PathBuf;
use thiserror::Error;

/// A failure of an outside tool or of the files around it.
#[derive(Debug, Error, Diagnostic)]
pub enum FlowError {
    /// No usable copy of the tool was found.
    #[error("`{tool}` was not found{detail}")]
    #[diagnostic(
        code(flow::tool_missing),
        help(
            "{brought}; a copy on the PATH or in a folder that BINCIM_TOOLS names serves, and `bincim tools` tells what \
             is found (in the folder of bincim's sources, `make setup` brings them all)"
        )
    )]
    ToolMissing {
        /// The tool's own name.
        tool: &'static str,
        /// How it is installed.
        brought: &'static str,
        /// Copies that were met and passed over, each with the reason; empty if none was met.
        detail: String,
    },

    /// Several tools of one run were not found.
    #[error("{} tools were not found: {}", missing.len(), names(missing))]
    #[diagnostic(
        code(flow::tools_missing),
        help(
            "{}; copies on the PATH or in a folder that BINCIM_TOOLS names serve, and `bincim tools` tells what is found \
             (in the folder of bincim's sources, `make setup` brings them all)",
            ways(missing)
        )
    )]
    ToolsMissing {
        /// Each with its own [`FlowError::ToolMissing`].
        missing: Vec<FlowError>,
    },

    /// Another run is writing the same folder.
    #[error("another run is writing {}", escape::path(output))]
    #[diagnostic(code(flow::busy), help("wait for it to end, or name another folder"))]
    Busy {
        /// The folder.
        output: PathBuf,
    },

    /// An output folder that holds what others made.
    #[error("{} is not all of bincim's making: {what}", escape::path(output))]
    #[diagnostic(code(flow::foreign), help("name another folder, or move that away"))]
    Foreign {
        /// The folder.
        output: PathBuf,
        /// The first entries that are not.
        what: String,
    },

    /// The tool ran and reported failure.
    #[error("`{tool}` failed ({status}):\n{excerpt}")]
    #[diagnostic(code(flow::tool_failed), help("the whole log is in {}", escape::path(log)))]
    ToolFailed {
        /// The tool's own name.
        tool: String,
        /// Exit status in words.
        status: String,
        /// The lines of the log that say why.
        excerpt: String,
        /// Where the whole log lies.
        log: PathBuf,
    },

    /// The tool did not end within its time limit.
    #[error("`{tool}` was stopped after {seconds} s")]
    #[diagnostic(
        code(flow::tool_timeout),
        help("raise the time limit, or look in {} for where it hung", escape::path(log))
    )]
    Timeout {
        /// The tool's own name.
        tool: String,
        /// The limit in seconds.
        seconds: u64,
        /// Where the log so far lies.
        log: PathBuf,
    },

    /// The design needs more of something than the device has.
    #[error("the design does not fit: {detail}")]
    #[diagnostic(
        code(flow::does_not_fit),
        help(
            "choose a larger device, or fewer lanes or a smaller array in the architecture file; \
             the log is {}",
            escape::path(log)
        )
    )]
    DoesNotFit {
        /// Which resource, in the tool's words.
        detail: String,
        /// Where the log lies.
        log: PathBuf,
    },

    /// The tool ended well but its result cannot be read.
    #[error("cannot read what `{tool}` wrote to {}: {what}", escape::path(file))]
    #[diagnostic(
        code(flow::bad_output),
        help(
            "the tool's version may be one that this program does not know; `bincim tools` tells which one it is"
        )
    )]
    BadOutput {
        /// The tool's own name.
        tool: &'static str,
        /// The file.
        file: PathBuf,
        /// What is wrong in it.
        what: String,
    },

    /// Comments that the synthesiser obeys: what it builds is not what was simulated.
    #[error("comments in the Verilog change what is synthesised:\n{warnings}")]
    #[diagnostic(
        code(flow::obeyed_comment),
        help(
            "generate the design anew and add no `synthesis` or `synopsys` comments; the log is {}",
            escape::path(log)
        )
    )]
    ObeyedComment {
        /// The tool's warnings.
        warnings: String,
        /// Where the log lies.
        log: PathBuf,
    },

    /// A path or name that a tool's script language cannot carry.
    #[error("`{name}` cannot be used as a {what}")]
    #[diagnostic(code(flow::bad_name), help("{rule}"))]
    BadName {
        /// The offending text.
        name: String,
        /// What it was meant as.
        what: &'static str,
        /// What would be right.
        rule: &'static str,
    },

    /// A file list that names something it may not.
    #[error("{}:{line}: {what}", escape::path(file))]
    #[diagnostic(
        code(flow::bad_file_list),
        help("a file list holds one source file a line, relative to itself; `//` and `#` start comments")
    )]
    BadFileList {
        /// The list.
        file: PathBuf,
        /// Line number, from 1.
        line: usize,
        /// What is wrong.
        what: String,
    },

    /// A family that has no step of this kind.
    #[error("no {step} for the {family} family")]
    #[diagnostic(
        code(flow::no_such_step),
        help(
            "this device is supported for synthesis figures only; choose one of the others for a bitstream"
        )
    )]
    NoSuchStep {
        /// The step asked for.
        step: &'static str,
        /// The family.
        family: &'static str,
    },

    /// The file system refused.
    #[error("cannot {action} {}: {source}", escape::path(path))]
    #[diagnostic(code(flow::io), help("check that the path exists and may be written"))]
    Io {
        /// What was tried, as a verb.
        action: &'static str,
        /// The path.
        path: PathBuf,
        /// The system's reason.
        source: std::io::Error,
    },
}

/// The tools that are missing, and what was passed over.
fn names(missing: &[FlowError]) -> String {
    let name = |error: &FlowError| match error {
        FlowError::ToolMissing { tool, detail, .. } => format!("`{tool}`{detail}"),
        other => other.to_string(),
    };
    missing.iter().map(name).collect::<Vec<_>>().join(", ")
}

/// How they are installed, each way once.
fn ways(missing: &[FlowError]) -> String {
    let mut ways = Vec::new();
    for error in missing {
        if let FlowError::ToolMissing { brought, .. } = error
            && !ways.contains(brought)
        {
            ways.push(brought);
        }
    }
    ways.join("; ")
}

impl FlowError {
    /// Wraps a file-system error with what was tried and where.
    pub(crate) fn io(action: &'static str, path: impl Into<PathBuf>) -> impl FnOnce(std::io::Error) -> Self {
        let path = path.into();
        move |source| Self::Io { action, path, source }
    }
}
