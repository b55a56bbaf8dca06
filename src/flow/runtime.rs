//! Verilator's runtime library, compiled once: its objects are the same for every model of one Verilator, compiler and
//! set of options, and take more time to compile than most models.
//!
//! They are kept in `$XDG_CACHE_HOME/bincim/verilator` (else `~/.cache/bincim/verilator`), a folder for each key, and
//! laid beside a new model, whose makefile is told not to make them. A cache that cannot be read or written is no error:
//! the objects are compiled.

use super::Found;
use sha2::{Digest, Sha256};
use std::env;
use std::ffi::OsString;
use std::fs;
use std::io;
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};

/// The objects for one key.
pub struct Runtime {
    kept: PathBuf,
}

impl Runtime {
    /// Those for models that `tool` builds with `options`; none where there is no place to keep them.
    pub fn new(tool: &Found, options: &[OsString]) -> Option<Runtime> {
        let home = || env::home_dir().map(|home| home.join(".cache"));
        let cache = env::var_os("XDG_CACHE_HOME").map(PathBuf::from).filter(|path| path.is_absolute());
        let cache = cache.or_else(home)?;
        let mut key = Sha256::new();
        key.update(&tool.version);
        // A program is known by its place, size and age; which compiler it is says Verilator's own makefile.
        let compilers = ["c++", "g++", "clang++"].into_iter().filter_map(on_path);
        for program in std::iter::once(tool.program.clone()).chain(compilers) {
            let there = fs::canonicalize(&program).ok()?;
            let meta = fs::metadata(&there).ok()?;
            key.update(there.as_os_str().as_bytes());
            key.update(format!("\n{} {} {}\n", meta.len(), meta.mtime(), meta.mtime_nsec()));
        }
        // What make takes from outside.
        let given = ["CXX", "CXXFLAGS", "CPPFLAGS"].map(|name| env::var_os(name).unwrap_or_default());
        for word in options.iter().chain(&given) {
            key.update(word.as_bytes());
            key.update("\n");
        }
        let name: String = key.finalize()[..16].iter().map(|byte| format!("{byte:02x}")).collect();
        Some(Runtime { kept: cache.join("bincim/verilator").join(name) })
    }

    /// Copies what is kept into the model's folder, over what another Verilator may have left there; returns the arguments
    /// that keep make from making it: each object depends on the makefile, which is always newer.
    pub fn lay(&self, model: &Path) -> Option<String> {
        let mut there = String::new();
        for object in objects(&self.kept) {
            let name = object.file_name()?.to_str()?;
            let (place, part) = (model.join(name), model.join(format!("{name}.part")));
            // Never half an object under the name that is linked.
            if fs::copy(&object, &part).and_then(|_| fs::rename(&part, &place)).is_ok() {
                there.push_str(&format!(" --old-file={name}"));
            }
        }
        (!there.is_empty()).then_some(there)
    }

    /// Keeps the objects of a model that was built, unless some are kept.
    pub fn keep(&self, model: &Path) {
        if !self.kept.exists() {
            let _ = self.copy(model);
        }
    }

    /// Whole or not at all: of two runs that keep the same objects the first to finish is taken.
    fn copy(&self, model: &Path) -> io::Result<()> {
        let parent = self.kept.parent().unwrap_or(Path::new("."));
        fs::create_dir_all(parent)?;
        let made = tempfile::Builder::new().prefix(".new-").tempdir_in(parent)?;
        for object in objects(model) {
            fs::copy(&object, made.path().join(object.file_name().unwrap_or_default()))?;
        }
        fs::rename(made.path(), &self.kept)
    }
}

/// The runtime's objects in a folder: `verilated.o`, `verilated_threads.o`, ...
fn objects(folder: &Path) -> Vec<PathBuf> {
    let entries = fs::read_dir(folder).into_iter().flatten().flatten();
    let named = |name: &str| name.starts_with("verilated") && name.ends_with(".o");
    entries.filter(|entry| entry.file_name().to_str().is_some_and(named)).map(|entry| entry.path()).collect()
}

/// The program of that name on the PATH.
pub fn on_path(program: &str) -> Option<PathBuf> {
    let path = env::var_os("PATH")?;
    env::split_paths(&path).map(|folder| folder.join(program)).find(|program| program.is_file())
}
