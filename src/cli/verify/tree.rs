//! The proof of the design's popcount tree: the text that is synthesised against the plan, once for each text.

use crate::bounded;
use crate::design::Design;
use crate::emit::{cells, popcount};
use crate::escape;
use crate::flow::{self, FlowError, MOST_BYTES, Tool, elaborate, folder};
use crate::proof::netlist::Netlist;
use crate::proof::{self, Outcome};
use clap::ValueEnum;
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};
use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

/// Counts up when what is proved changes, so that what an earlier program kept does not pass for it.
const EDITION: u32 = 1;

/// Whether the popcount tree is proved.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum Wanted {
    /// Where Yosys is there
    Auto,
    /// Without a proof the run fails
    Required,
    /// Left to simulation
    Off,
}

/// What is known of the tree; the tag and its fields stand in the JSON.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(tag = "proof", rename_all = "snake_case")]
pub enum TreeProof {
    /// Analog arrays have no tree.
    NoTree,
    /// For all inputs and in the right cycle; kept from an earlier run of the same text, or found in this one.
    Proved { how: String, tool: String, kept: bool },
    /// It counts something else.
    Wrong { reason: String },
    /// Neither could be shown.
    Undecided { reason: String },
    /// Left to simulation.
    NotRun { reason: String },
}

/// What is kept of a proof.
#[derive(Serialize, Deserialize)]
struct Kept {
    digest: String,
    how: String,
    tool: String,
}

impl TreeProof {
    /// Whether the run may pass.
    pub fn passes(&self, wanted: Wanted) -> bool {
        match self {
            TreeProof::NoTree | TreeProof::Proved { .. } => true,
            TreeProof::NotRun { .. } => wanted != Wanted::Required,
            TreeProof::Wrong { .. } | TreeProof::Undecided { .. } => false,
        }
    }

    /// One line for people.
    pub fn sentence(&self) -> String {
        match self {
            TreeProof::NoTree => "no popcount tree: the arrays are analog".into(),
            TreeProof::Proved { how, kept, .. } => {
                let kept = if *kept { " (kept from an earlier run on the same text)" } else { "" };
                format!("popcount tree proved equal to its specification: {how}{kept}")
            }
            TreeProof::Wrong { reason } => format!("popcount tree differs from its specification: {reason}"),
            TreeProof::Undecided { reason } => format!("popcount tree could not be proved: {reason}"),
            TreeProof::NotRun { reason } => format!("popcount tree simulated only, not proved: {reason}"),
        }
    }
}

/// Proves the tree of the design in `dir`, or finds the proof of the same text in `dir/build/`.
///
/// Errors: files that cannot be read, or what Yosys has against the text.
pub fn prove(dir: &Path, design: &Design, wanted: Wanted) -> Result<TreeProof, FlowError> {
    if design.analog.is_some() {
        return Ok(TreeProof::NoTree);
    }
    if wanted == Wanted::Off {
        return Ok(TreeProof::NotRun { reason: "--proof off".into() });
    }
    let rtl = dir.join("rtl");
    let mut sources = Vec::new();
    for name in folder::file_list(&rtl.join("files.f"))? {
        let path = rtl.join(&name);
        let text = bounded::text(&path, MOST_BYTES).map_err(FlowError::io("read", &path))?;
        sources.push((name, text));
    }
    let top = popcount::top(&design.tree_stem());
    let sources = with_parts(&sources, &top);
    if sources.is_empty() {
        let reason = format!("rtl/files.f names no file with the module {top}");
        return Ok(TreeProof::Undecided { reason });
    }
    // The cells' meaning is the program's own, whatever stands in the folder.
    let cells = cells::of_tree(&design.tree);
    let work = dir.join("build/tree");
    let mut hash = Sha256::new();
    hash.update(format!("{EDITION} {}", serde_json::json!(design.tree)));
    for (name, text) in &sources {
        hash.update(format!("\0{}\0{text}", name.display()));
    }
    for cell in &cells {
        hash.update(format!("\0{}\0{}", cell.name, cell.text));
    }
    let digest: String = hash.finalize().iter().map(|byte| format!("{byte:02x}")).collect();
    let record = work.join("proof.json");
    let kept = bounded::bytes(&record, MOST_BYTES)
        .ok()
        .and_then(|bytes| serde_json::from_slice::<Kept>(&bytes).ok());
    if let Some(Kept { how, tool, .. }) = kept.filter(|kept| kept.digest == digest) {
        return Ok(TreeProof::Proved { how, tool, kept: true });
    }

    let mut files: Vec<PathBuf> = sources.into_iter().map(|(name, _)| name).collect();
    fs::create_dir_all(&work).map_err(FlowError::io("create", &work))?;
    for cell in &cells {
        let path = work.join(&cell.name);
        fs::write(&path, &cell.text).map_err(FlowError::io("write", &path))?;
        files.push(PathBuf::from("../build/tree").join(&cell.name));
    }
    let (json, tool) = match elaborate::elaborate(&files, &top, &rtl, &work) {
        Err(FlowError::ToolMissing { detail, .. }) => {
            let reason = format!("no yosys{detail}; `make setup` installs it");
            return Ok(TreeProof::NotRun { reason });
        }
        Err(problem) => {
            let yosys = flow::find(Tool::Yosys)?;
            return match problem {
                // It says nothing of the text.
                _ if !yosys.starts() => {
                    let reason = format!("{} cannot be started", escape::path(&yosys.program));
                    Ok(TreeProof::NotRun { reason })
                }
                FlowError::ToolFailed { excerpt, .. } => {
                    Ok(TreeProof::Wrong { reason: format!("Yosys cannot elaborate it: {excerpt}") })
                }
                problem => Err(problem),
            };
        }
        Ok(elaborated) => elaborated,
    };
    let netlist = Netlist::read(&json).map_err(|problem| FlowError::BadOutput {
        tool: "yosys",
        file: work.join("netlist.json"),
        what: problem.to_string(),
    })?;
    Ok(match proof::tree(&netlist, &top, &design.tree, &popcount::parts(&design.tree, &design.tree_stem())) {
        Outcome::Wrong(reason) => TreeProof::Wrong { reason },
        Outcome::Undecided(reason) => TreeProof::Undecided { reason },
        Outcome::Proved(how) => {
            let kept = Kept { digest, how, tool: tool.describe() };
            folder::write_whole(&record, format!("{:#}\n", serde_json::json!(kept)).as_bytes())?;
            TreeProof::Proved { how: kept.how, tool: kept.tool, kept: false }
        }
    })
}

/// The sources that hold module `top` and every module that it may instantiate: those whose names occur in them.
fn with_parts(sources: &[(PathBuf, String)], top: &str) -> Vec<(PathBuf, String)> {
    let words = |text: &'_ str| -> BTreeSet<String> {
        text.split(|c: char| !(c.is_ascii_alphanumeric() || c == '_' || c == '$'))
            .map(str::to_string)
            .collect()
    };
    let modules = |text: &str| -> Vec<String> {
        let all: Vec<&str> = text.split_whitespace().collect();
        let names = all.windows(2).filter(|pair| pair[0] == "module");
        names.map(|pair| pair[1].split(['(', '#', ';']).next().unwrap_or_default().to_string()).collect()
    };
    let mut wanted = BTreeSet::from([top.to_string()]);
    let mut taken = vec![false; sources.len()];
    loop {
        let next = sources.iter().enumerate().find(|(index, (_, text))| {
            !taken[*index] && modules(text).iter().any(|module| wanted.contains(module))
        });
        let Some((index, (_, text))) = next else { break };
        taken[index] = true;
        wanted.extend(words(text));
    }
    sources.iter().zip(taken).filter(|(_, taken)| *taken).map(|(source, _)| source.clone()).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_tree_comes_with_its_parts_and_nothing_else() {
        let source = |name: &str, text: &str| (PathBuf::from(name), text.to_string());
        let sources = [
            source("leaf.v", "module leaf(input a);\nendmodule\n"),
            source("other.v", "module other (input a);\nendmodule\n"),
            source("tree.v", "module popcount_tree #(\n) ();\n  node u_node ();\nendmodule\n"),
            source("node.v", "module node\n();\n  leaf u_leaf ();\nendmodule\n"),
        ];
        let names: Vec<PathBuf> =
            with_parts(&sources, "popcount_tree").into_iter().map(|(name, _)| name).collect();
        assert_eq!(names, ["leaf.v", "tree.v", "node.v"].map(PathBuf::from));
    }
}
