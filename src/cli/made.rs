//! What an earlier run of each verb made: what of a folder, or which file, may be replaced.
//!
//! A name alone counts nowhere: the manifest of a design says what its files held, and what other verbs put beside them
//! must be of their kind.

use super::glyphs;
use crate::app::chip;
use crate::app::vary::{records, results, settings};
use crate::bounded;
use crate::read::glyphs::SIDE;
use crate::report::TrainView;
use crate::variation::Chip;
use serde::Deserialize;
use sha2::{Digest, Sha256};
use std::fs;
use std::path::Path;

/// Most bytes of a file that is looked into, and most entries of a folder.
const MOST_BYTES: usize = 1 << 30;
const MOST_ENTRIES: usize = 100_000;

/// `manifest.json` of a design, as far as it says whose the folder is.
#[derive(Deserialize)]
struct Manifest {
    generator: Generator,
    model: Sum,
    files: Vec<Sum>,
}

#[derive(Deserialize)]
struct Generator {
    name: String,
}

#[derive(Deserialize)]
struct Sum {
    #[serde(default)]
    name: String,
    sha256: String,
}

/// The files that the manifest of a design's folder names, in its order; none where there is no manifest.
pub fn files(folder: &Path) -> Vec<String> {
    let manifest = bounded::bytes(&folder.join("manifest.json"), MOST_BYTES);
    let manifest = manifest.ok().and_then(|bytes| serde_json::from_slice::<Manifest>(&bytes).ok());
    manifest.map_or_else(Vec::new, |manifest| manifest.files.into_iter().map(|file| file.name).collect())
}

/// What in the folder of a design `generate`, `verify`, `synth`, `report` and its own Makefiles did not make, and what
/// was changed since.
pub fn not_of_a_design(folder: &Path) -> Vec<String> {
    let manifest = bounded::bytes(&folder.join("manifest.json"), MOST_BYTES);
    let manifest = manifest.ok().and_then(|bytes| serde_json::from_slice::<Manifest>(&bytes).ok());
    let Some(manifest) = manifest.filter(|manifest| manifest.generator.name == "bincim") else {
        return vec!["it has no manifest.json of an accelerator".into()];
    };
    let unchanged = |sum: &Sum, path: &Path| {
        bounded::bytes(path, MOST_BYTES).is_ok_and(|bytes| sha256(&bytes) == sum.sha256)
    };
    others(folder, &|name, path| match name {
        "manifest.json" => true,
        "verify.json" => is_json(path, &["mismatches"]),
        "report.html" => is_page(path),
        chip::SOURCE => bounded::bytes(path, MOST_BYTES).is_ok_and(|b| Chip::read_from(&b).is_ok()),
        // Of verify, synth and the Makefiles, and of Python in the bench.
        _ if ["build/", "synth/", "verif/__pycache__/", "host/__pycache__/"]
            .iter()
            .any(|place| name.starts_with(place)) =>
        {
            true
        }
        _ if name.starts_with("source/") && name.ends_with(".onnx") => unchanged(&manifest.model, path),
        _ => manifest.files.iter().any(|sum| sum.name == name && unchanged(sum, path)),
    })
}

/// What in `synth/DEVICE` `bincim synth` did not make.
pub fn not_of_a_synthesis(folder: &Path) -> Vec<String> {
    match is_json(&folder.join("report.json"), &["design", "device", "part"]) {
        true => Vec::new(),
        false => vec!["it has no report.json of a synthesis".into()],
    }
}

/// What in a folder of glyphs `bincim glyphs` did not make.
pub fn not_of_glyphs(folder: &Path) -> Vec<String> {
    let side = (SIDE as u32).to_be_bytes();
    let begins = |path: &Path, magic: &[u8], sides: &[u8]| {
        bounded::bytes(path, MOST_BYTES)
            .is_ok_and(|bytes| bytes.starts_with(magic) && bytes.get(8..8 + sides.len()) == Some(sides))
    };
    others(folder, &|name, path| match name {
        glyphs::IMAGES => begins(path, &[0, 0, 8, 3], &[side, side].concat()),
        glyphs::LABELS => begins(path, &[0, 0, 8, 1], &[]),
        glyphs::CONTACT => begins(path, b"\x89PNG", &[]),
        _ => false,
    })
}

/// What in the folder of a Monte-Carlo run `bincim vary` and `bincim merge` did not make.
pub fn not_of_a_run(folder: &Path) -> Vec<String> {
    let settings = folder.join(settings::FILE);
    if !is_json(&settings, &["bincim", "network", "chips", "cases"]) {
        return vec![format!("it has no {} of a run", settings::FILE)];
    }
    let own = [&[settings::FILE, records::FILE][..], &results::FILES].concat();
    others(folder, &|name, _| own.contains(&name))
}

/// Whether `path` is the record of a training.
pub fn is_record(path: &Path) -> bool {
    let bytes = bounded::bytes(path, MOST_BYTES);
    is_plain(path) && bytes.is_ok_and(|bytes| serde_json::from_slice::<TrainView>(&bytes).is_ok())
}

/// Whether `path` is the curves of a training.
pub fn is_curves(path: &Path) -> bool {
    is_plain(path) && begins_with(path, "<svg xmlns", "class=\"plot\"")
}

fn is_page(path: &Path) -> bool {
    begins_with(path, "<!doctype html>", "bincim report</title>")
}

fn begins_with(path: &Path, first: &str, later: &str) -> bool {
    bounded::text(path, MOST_BYTES).is_ok_and(|text| text.starts_with(first) && text.contains(later))
}

fn is_json(path: &Path, keys: &[&str]) -> bool {
    let value = bounded::bytes(path, MOST_BYTES).ok();
    let value = value.and_then(|bytes| serde_json::from_slice::<serde_json::Value>(&bytes).ok());
    value.is_some_and(|value| keys.iter().all(|key| value.get(key).is_some()))
}

fn is_plain(path: &Path) -> bool {
    fs::symlink_metadata(path).is_ok_and(|there| there.is_file())
}

fn sha256(bytes: &[u8]) -> String {
    Sha256::digest(bytes).iter().map(|byte| format!("{byte:02x}")).collect()
}

/// Everything below `folder` that is no plain file, or one that is not `own` by its name in the folder and its path;
/// sorted.
fn others(folder: &Path, own: &dyn Fn(&str, &Path) -> bool) -> Vec<String> {
    let (mut found, mut left) = (Vec::new(), vec![folder.to_path_buf()]);
    let mut seen = 0;
    while let Some(inner) = left.pop() {
        let Ok(entries) = fs::read_dir(&inner) else {
            found.push(named(folder, &inner));
            continue;
        };
        for entry in entries {
            seen += 1;
            let (Ok(entry), true) = (entry, seen < MOST_ENTRIES) else {
                found.push("more than can be looked through".into());
                return found;
            };
            let path = entry.path();
            let name = named(folder, &path);
            match entry.file_type() {
                Ok(kind) if kind.is_dir() => left.push(path),
                Ok(kind) if kind.is_file() && own(&name, &path) => {}
                _ => found.push(name),
            }
        }
    }
    found.sort();
    found
}

fn named(folder: &Path, path: &Path) -> String {
    path.strip_prefix(folder).unwrap_or(path).to_string_lossy().into_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn write(folder: &Path, name: &str, text: &str) {
        let path = folder.join(name);
        fs::create_dir_all(path.parent().expect("a folder")).expect("writable");
        fs::write(path, text).expect("writable");
    }

    #[test]
    fn a_design_is_told_by_its_manifest() {
        let root = tempfile::tempdir().expect("a temporary folder");
        let dir = root.path();
        let said = || not_of_a_design(dir);
        write(dir, "rtl/a.v", "module");
        assert_eq!(said(), ["it has no manifest.json of an accelerator"]);
        write(dir, "manifest.json", "{\"name\": \"a page\"}");
        assert_eq!(said(), ["it has no manifest.json of an accelerator"]);
        let manifest = serde_json::json!({
            "generator": { "name": "bincim", "version": "0" },
            "model": { "file": "m.onnx", "sha256": sha256(b"model") },
            "files": [{ "name": "rtl/a.v", "sha256": sha256(b"module") }],
        });
        write(dir, "manifest.json", &manifest.to_string());
        write(dir, "source/net.onnx", "model");
        write(dir, "verify.json", "{\"mismatches\": 0}");
        write(dir, "build/model/x.o", "");
        write(dir, "synth/up5k/report.json", "{}");
        write(dir, "verif/__pycache__/x.pyc", "");
        assert_eq!(said(), [""; 0]);
        write(dir, "rtl/a.v", "changed");
        write(dir, "source/net.onnx", "other");
        write(dir, "source/chip.bin", "mine");
        write(dir, "notes/today.txt", "mine");
        write(dir, "report.html", "mine");
        std::os::unix::fs::symlink("/", dir.join("build/root")).expect("a link");
        let mine =
            ["build/root", "notes/today.txt", "report.html", "rtl/a.v", "source/chip.bin", "source/net.onnx"];
        assert_eq!(said(), mine);
    }

    #[test]
    fn runs_and_records_are_told_by_what_they_hold() {
        let root = tempfile::tempdir().expect("a temporary folder");
        let dir = root.path();
        write(dir, "settings.json", "{\"editor\": 1}");
        assert_eq!(not_of_a_run(dir), ["it has no settings.json of a run"]);
        write(dir, "settings.json", "{\"bincim\":\"1\",\"network\":\"n\",\"chips\":1,\"cases\":[]}");
        write(dir, "chips.csv", "");
        assert_eq!(not_of_a_run(dir), [""; 0]);
        write(dir, "notes", "");
        assert_eq!(not_of_a_run(dir), ["notes"]);
        assert_eq!(not_of_a_synthesis(dir), ["it has no report.json of a synthesis"]);
        write(dir, "a.svg", "<svg>mine</svg>");
        assert!(!is_curves(&dir.join("a.svg")) && !is_record(&dir.join("settings.json")));
    }
}
