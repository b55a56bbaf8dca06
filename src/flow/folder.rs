//! Folders and file lists: output built beside its place and renamed, sources read from a list.
//!
//! A reader of the output never sees half of it; a failed run leaves nothing, an interrupted one only a
//! `.partial` folder that the next run removes. Two runs on one output folder: the second is refused.

use super::FlowError;
use std::fs::{self, File, Permissions, TryLockError};
use std::io::Write;
use std::os::unix::fs::{MetadataExt, PermissionsExt};
use std::path::{Path, PathBuf};

/// An output folder under construction: `NAME.partial` beside `NAME`, held by a lock on `NAME.lock`.
pub struct Pending {
    partial: PathBuf,
    old: PathBuf,
    finished: PathBuf,
    keeps: bool,
    _lock: Lock,
}

/// A lock file, locked; removed when dropped.
pub struct Lock {
    path: PathBuf,
    _file: File,
}

impl Lock {
    fn take(path: PathBuf, output: &Path) -> Result<Lock, FlowError> {
        loop {
            let file = File::create(&path).map_err(FlowError::io("create", &path))?;
            match file.try_lock() {
                Ok(()) => {}
                Err(TryLockError::WouldBlock) => {
                    return Err(FlowError::Busy { output: output.to_path_buf() });
                }
                Err(TryLockError::Error(error)) => return Err(FlowError::io("lock", &path)(error)),
            }
            // The run before may have removed the file between our opening and locking it.
            let ours = file.metadata().map_err(FlowError::io("read", &path))?.ino();
            if fs::metadata(&path).is_ok_and(|there| there.ino() == ours) {
                return Ok(Lock { path, _file: file });
            }
        }
    }
}

impl Drop for Lock {
    fn drop(&mut self) {
        // Only tidiness: a lock file without a lock holds nobody up.
        let _ = fs::remove_file(&self.path);
    }
}

/// Keeps other runs out of `folder`, whose own content is changed in place, until the lock is dropped.
///
/// Errors: [`FlowError::Busy`] while another run holds it.
pub fn hold(folder: &Path) -> Result<Lock, FlowError> {
    let mut name = folder.as_os_str().to_os_string();
    name.push(".lock");
    Lock::take(name.into(), folder)
}

/// Writes `bytes` beside `file` and renames, so that nobody reads half of it and an earlier file stays
/// until the new one is whole; folders above it are created.
pub fn write_whole(file: &Path, bytes: &[u8]) -> Result<(), FlowError> {
    let folder = file.parent().filter(|parent| !parent.as_os_str().is_empty()).unwrap_or(Path::new("."));
    let write = || -> std::io::Result<()> {
        fs::create_dir_all(folder)?;
        let mut partial = tempfile::NamedTempFile::new_in(folder)?;
        partial.write_all(bytes)?;
        // Temporary files are private; a result is not.
        fs::set_permissions(partial.path(), Permissions::from_mode(0o644))?;
        partial.persist(file)?;
        Ok(())
    };
    write().map_err(FlowError::io("write", file))
}

impl Pending {
    /// Starts an empty folder beside `finished`; its parents are created.
    pub fn begin(finished: &Path) -> Result<Self, FlowError> {
        let parent = finished.parent().filter(|p| !p.as_os_str().is_empty()).unwrap_or(Path::new("."));
        fs::create_dir_all(parent).map_err(FlowError::io("create", parent))?;
        let parent = fs::canonicalize(parent).map_err(FlowError::io("find", parent))?;
        let name = finished.file_name().ok_or(FlowError::BadName {
            name: finished.display().to_string(),
            what: "name of an output folder",
            rule: "give a path that ends in a name",
        })?;
        let beside = |ending: &str| {
            let mut name = name.to_os_string();
            name.push(ending);
            parent.join(name)
        };
        let (partial, old, finished) = (beside(".partial"), beside(".old"), parent.join(name));
        let lock = Lock::take(beside(".lock"), &finished)?;
        // A run that ended between the two renames of `finish` left its predecessor aside.
        if old.exists() && !finished.exists() {
            fs::rename(&old, &finished).map_err(FlowError::io("restore", &finished))?;
        }
        remove_if_there(&partial)?;
        fs::create_dir(&partial).map_err(FlowError::io("create", &partial))?;
        Ok(Self { partial, old, finished, keeps: false, _lock: lock })
    }

    /// Leaves what was written in `NAME.partial` if the run fails, for its logs.
    pub fn keep_if_failed(&mut self) {
        self.keeps = true;
    }

    /// The folder to write into; absolute.
    pub fn path(&self) -> &Path {
        &self.partial
    }

    /// Puts the folder in its place, replacing an earlier one.
    pub fn finish(mut self) -> Result<PathBuf, FlowError> {
        remove_if_there(&self.old)?;
        if self.finished.exists() {
            fs::rename(&self.finished, &self.old).map_err(FlowError::io("replace", &self.finished))?;
        }
        fs::rename(&self.partial, &self.finished).map_err(FlowError::io("create", &self.finished))?;
        remove_if_there(&self.old)?;
        Ok(std::mem::take(&mut self.finished))
    }
}

impl Drop for Pending {
    fn drop(&mut self) {
        if !self.keeps {
            // What cannot be removed now is removed by the next run.
            let _ = fs::remove_dir_all(&self.partial);
        }
    }
}

fn remove_if_there(path: &Path) -> Result<(), FlowError> {
    match fs::remove_dir_all(path) {
        Err(error) if error.kind() != std::io::ErrorKind::NotFound => {
            Err(FlowError::Io { action: "remove", path: path.to_path_buf(), source: error })
        }
        _ => Ok(()),
    }
}

/// The source files of a list (`files.f`), as written, relative to the list's own folder.
///
/// Blank lines and `//` or `#` comments are skipped. Options (`+incdir+`, `-f`) and files that do
/// not exist are errors, since a silent skip would synthesise something else.
pub fn file_list(list: &Path) -> Result<Vec<PathBuf>, FlowError> {
    let text = fs::read_to_string(list).map_err(FlowError::io("read", list))?;
    let base = list.parent().unwrap_or(Path::new("."));
    let bad = |index: usize, what: String| FlowError::BadFileList {
        file: list.to_path_buf(),
        line: index + 1,
        what,
    };
    let mut files = Vec::new();
    for (index, line) in text.lines().enumerate() {
        let name = line.split("//").next().unwrap_or_default().trim();
        if name.is_empty() || name.starts_with('#') {
            continue;
        }
        if name.starts_with(['+', '-']) {
            return Err(bad(index, format!("`{name}` is an option, not a file")));
        }
        if !base.join(name).is_file() {
            return Err(bad(index, format!("no file `{name}` in {}", base.display())));
        }
        files.push(PathBuf::from(name));
    }
    if files.is_empty() {
        return Err(bad(0, "the list names no file".into()));
    }
    Ok(files)
}

/// What simulates the design in `dir`, relative to its `rtl/`: the listed sources and the models of device cells.
pub fn simulation_files(dir: &Path) -> Result<Vec<PathBuf>, FlowError> {
    let mut files = file_list(&dir.join("rtl/files.f"))?;
    let cells = fs::read_dir(dir.join("verif/cells")).into_iter().flatten().flatten();
    let mut names: Vec<_> = cells.map(|entry| entry.file_name()).collect();
    names.retain(|name| Path::new(name).extension().is_some_and(|ending| ending == "v"));
    names.sort();
    files.extend(names.into_iter().map(|name| Path::new("../verif/cells").join(name)));
    Ok(files)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn output_appears_whole_and_replaces_the_old() {
        let root = tempfile::tempdir().unwrap();
        let place = root.path().join("a/out");
        let pending = Pending::begin(&place).unwrap();
        fs::write(pending.path().join("one"), "1").unwrap();
        assert!(!place.exists());
        drop(pending);
        assert_eq!(fs::read_dir(root.path().join("a")).unwrap().count(), 0, "a failed run left something");
        let mut pending = Pending::begin(&place).unwrap();
        fs::write(pending.path().join("log"), "1").unwrap();
        pending.keep_if_failed();
        drop(pending);
        assert!(root.path().join("a/out.partial/log").exists());
        let pending = Pending::begin(&place).unwrap();
        assert!(!pending.path().join("log").exists(), "an interrupted run left something behind");
        fs::write(pending.path().join("two"), "2").unwrap();
        pending.finish().unwrap();
        Pending::begin(&place).unwrap().finish().unwrap();
        assert!(place.is_dir() && !place.join("two").exists());
        assert_eq!(fs::read_dir(root.path().join("a")).unwrap().count(), 1);
    }

    #[test]
    fn a_second_run_on_one_folder_is_refused() {
        let root = tempfile::tempdir().unwrap();
        let place = root.path().join("out");
        let first = Pending::begin(&place).unwrap();
        assert!(matches!(Pending::begin(&place), Err(FlowError::Busy { .. })));
        first.finish().unwrap();
        Pending::begin(&place).unwrap();
    }

    #[test]
    fn a_file_is_replaced_whole_or_not_at_all() {
        let root = tempfile::tempdir().unwrap();
        let file = root.path().join("new/file");
        write_whole(&file, b"one").unwrap();
        write_whole(&file, b"two").unwrap();
        assert_eq!(fs::read(&file).unwrap(), b"two");
        assert_eq!(fs::metadata(&file).unwrap().permissions().mode() & 0o777, 0o644);
        // A folder stands in the way: the temporary file goes too.
        fs::create_dir(root.path().join("new/taken")).unwrap();
        assert!(write_whole(&root.path().join("new/taken"), b"three").is_err());
        assert_eq!(fs::read_dir(root.path().join("new")).unwrap().count(), 2);
    }

    #[test]
    fn a_held_folder_is_refused() {
        let root = tempfile::tempdir().unwrap();
        let held = hold(&root.path().join("build")).unwrap();
        assert!(matches!(hold(&root.path().join("build")), Err(FlowError::Busy { .. })));
        drop(held);
        hold(&root.path().join("build")).unwrap();
    }

    #[test]
    fn what_an_interrupted_replacement_set_aside_comes_back() {
        let root = tempfile::tempdir().unwrap();
        let place = root.path().join("out");
        fs::create_dir(root.path().join("out.old")).unwrap();
        fs::write(root.path().join("out.old/kept"), "").unwrap();
        let pending = Pending::begin(&place).unwrap();
        assert!(place.join("kept").exists());
        drop(pending);
    }

    #[test]
    fn a_list_is_read_and_refused_by_line() {
        let root = tempfile::tempdir().unwrap();
        let list = root.path().join("files.f");
        fs::write(root.path().join("a.v"), "").unwrap();
        fs::write(&list, "// head\n\na.v // the one\n# tail\n").unwrap();
        assert_eq!(file_list(&list).unwrap(), [PathBuf::from("a.v")]);
        for (text, says) in [
            ("a.v\nb.v\n", ":2: no file `b.v`"),
            ("+incdir+x\n", ":1: `+incdir+x` is an option"),
            ("\n", "names no file"),
        ] {
            fs::write(&list, text).unwrap();
            let error = file_list(&list).unwrap_err().to_string();
            assert!(error.contains(says), "{error}");
        }
    }
}
