//! What has changed in a design's folder since `bincim generate` made it, by the digests of its manifest.

use crate::bounded;
use crate::flow::MOST_BYTES;
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};
use std::collections::BTreeSet;
use std::fs;
use std::io;
use std::path::Path;

/// A file that is not as the manifest has it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Change {
    /// Path inside the folder.
    pub file: String,
    /// `changed`, `missing`, or `new`: a source that the manifest does not name.
    pub state: &'static str,
}

#[derive(Deserialize)]
struct Manifest {
    model: Entry,
    files: Vec<Entry>,
}

#[derive(Deserialize)]
struct Entry {
    #[serde(alias = "file")]
    name: String,
    sha256: String,
}

/// Folders in which a file that the manifest does not name would take part in simulation or synthesis.
const SOURCES: [&str; 5] = ["rtl", "board", "verif", "verif/cells", "verif/model"];
const ENDINGS: [&str; 8] = ["v", "sv", "vh", "hex", "vlt", "f", "cpp", "h"];

/// The files of `dir` that differ from its manifest, in the manifest's order, new ones last; `None` where there is no
/// manifest that could be read.
pub fn changes(dir: &Path) -> Option<Vec<Change>> {
    let manifest: Manifest = serde_json::from_slice(&read(&dir.join("manifest.json")).ok()?).ok()?;
    let mut changes = Vec::new();
    for entry in &manifest.files {
        let state = match read(&dir.join(&entry.name)) {
            Err(_) => "missing",
            Ok(bytes) if digest(&bytes) != entry.sha256 => "changed",
            Ok(_) => continue,
        };
        changes.push(Change { file: entry.name.clone(), state });
    }
    let models: Vec<String> =
        files(dir, "source").into_iter().filter(|name| name.ends_with(".onnx")).collect();
    for model in models {
        if read(&dir.join(&model)).map_or(true, |bytes| digest(&bytes) != manifest.model.sha256) {
            changes.push(Change { file: model, state: "changed" });
        }
    }
    let known: BTreeSet<&str> = manifest.files.iter().map(|entry| entry.name.as_str()).collect();
    for folder in SOURCES {
        let there = files(dir, folder);
        let source = |name: &String| name.rsplit_once('.').is_some_and(|(_, end)| ENDINGS.contains(&end));
        let new = there.into_iter().filter(|name| source(name) && !known.contains(name.as_str()));
        changes.extend(new.map(|file| Change { file, state: "new" }));
    }
    Some(changes)
}

fn read(path: &Path) -> io::Result<Vec<u8>> {
    bounded::bytes(path, MOST_BYTES)
}

/// The files of a folder inside `dir`, by name, with the folder before it.
fn files(dir: &Path, folder: &str) -> Vec<String> {
    let entries = fs::read_dir(dir.join(folder)).into_iter().flatten().flatten();
    let mut names: Vec<String> = entries
        .filter(|entry| entry.path().is_file())
        .map(|entry| format!("{folder}/{}", entry.file_name().to_string_lossy()))
        .collect();
    names.sort();
    names
}

fn digest(bytes: &[u8]) -> String {
    Sha256::digest(bytes).iter().map(|byte| format!("{byte:02x}")).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_file_that_differs_is_named() {
        let folder = tempfile::tempdir().unwrap();
        let write = |name: &str, text: &str| {
            let path = folder.path().join(name);
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(path, text).unwrap();
        };
        assert_eq!(changes(folder.path()), None);
        for name in ["rtl/a.v", "rtl/b.v", "source/net.onnx"] {
            write(name, name);
        }
        let entry = |name: &str| serde_json::json!({ "name": name, "sha256": digest(name.as_bytes()) });
        let manifest = serde_json::json!({
            "generator": {}, "model": { "file": "net.onnx", "sha256": digest(b"source/net.onnx") },
            "files": [entry("rtl/a.v"), entry("rtl/b.v")],
        });
        write("manifest.json", &manifest.to_string());
        assert_eq!(changes(folder.path()), Some(vec![]));
        write("rtl/a.v", "other");
        write("rtl/c.v", "new");
        write("rtl/notes.txt", "of no concern");
        write("source/net.onnx", "other");
        fs::remove_file(folder.path().join("rtl/b.v")).unwrap();
        let found: Vec<(String, &str)> =
            changes(folder.path()).unwrap().into_iter().map(|change| (change.file, change.state)).collect();
        let named = [
            ("rtl/a.v", "changed"),
            ("rtl/b.v", "missing"),
            ("source/net.onnx", "changed"),
            ("rtl/c.v", "new"),
        ];
        assert_eq!(found, named.map(|(file, state)| (file.to_string(), state)));
    }
}
