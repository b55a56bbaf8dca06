//! Folders and file lists: output built beside its place and renamed, sources read from a list.
//!
//! A reader of the output never sees half of it. What is under construction lies in `NAME.partial-XXXXXX`, a folder
//! made under a name that was free; a mark in it says whose it is, and is locked as long as the run lives. What a run
//! that was killed left there, the next one on the same output knows by that mark and removes, and puts back a
//! predecessor that was set aside; an empty folder of such a name, which a run that was killed before its mark leaves, it
//! removes too. Nothing else that the program did not make is touched, followed or replaced. Of two runs on one output
//! the second is refused.

use super::home::{self, Home, Owner};
use super::{FlowError, MOST_BYTES};
use crate::bounded;
use crate::escape;
use std::fs::{self, File, OpenOptions, Permissions, TryLockError};
use std::io::{self, Write};
use std::os::unix::fs::{OpenOptionsExt, PermissionsExt};
use std::path::{Path, PathBuf};
use std::time::Duration;

/// Says what in an existing folder the program did not make, an entry each; nothing: it may be replaced.
pub type Foreign = fn(&Path) -> Vec<String>;

/// An output folder under construction.
pub struct Pending {
    home: Home,
    made: PathBuf,
    finished: PathBuf,
    foreign: Foreign,
    keeps: bool,
}

/// The folder that `path` lies in.
pub(super) fn parent(path: &Path) -> &Path {
    path.parent().filter(|parent| !parent.as_os_str().is_empty()).unwrap_or(Path::new("."))
}

/// A file that this run has locked.
///
/// It is unlocked when it is dropped, and not closed alone: a child that is just being started still has a copy of it,
/// which would hold the lock a moment longer.
pub(super) struct Locked(File);

impl Drop for Locked {
    fn drop(&mut self) {
        let _ = self.0.unlock();
    }
}

impl From<File> for Locked {
    fn from(file: File) -> Locked {
        Locked(file)
    }
}

/// A lock that ends with the process.
pub struct Lock {
    _folder: Locked,
}

/// Keeps other runs out of `folder`, whose own content is changed in place, until the lock is dropped. It is made if it
/// is not there; nothing is written into it.
///
/// Errors: [`FlowError::Busy`] while another run holds it.
pub fn hold(folder: &Path) -> Result<Lock, FlowError> {
    fs::create_dir_all(folder).map_err(FlowError::io("create", folder))?;
    let opened = OpenOptions::new().read(true).custom_flags(libc::O_DIRECTORY).open(folder);
    let file = opened.map_err(FlowError::io("open", folder))?;
    locked(&file, folder)?;
    Ok(Lock { _folder: file.into() })
}

/// Locks `file`, with which a run holds `output`.
pub(super) fn locked(file: &File, output: &Path) -> Result<(), FlowError> {
    match file.try_lock() {
        Ok(()) => Ok(()),
        Err(TryLockError::WouldBlock) => Err(FlowError::Busy { output: output.to_path_buf() }),
        Err(TryLockError::Error(error)) => Err(FlowError::io("lock", output)(error)),
    }
}

/// Writes `bytes` beside `file` and renames, so that nobody reads half of it and an earlier file stays
/// until the new one is whole; folders above it are created. Links, devices and pipes are refused.
pub fn write_whole(file: &Path, bytes: &[u8]) -> Result<(), FlowError> {
    let failed = || FlowError::io("write", file);
    if let Ok(there) = fs::symlink_metadata(file)
        && !there.is_file()
    {
        let what =
            if there.is_symlink() { "it is a link: name the file itself" } else { "it is no plain file" };
        return Err(failed()(io::Error::other(what)));
    }
    fs::create_dir_all(parent(file)).map_err(failed())?;
    let written = beside(file, bytes).map_err(failed())?;
    written.persist(file).map_err(|error| failed()(error.error))?;
    Ok(())
}

/// A file with `bytes` beside `file`, under a name that was free.
pub(super) fn beside(file: &Path, bytes: &[u8]) -> io::Result<tempfile::NamedTempFile> {
    let mut partial = tempfile::Builder::new().prefix(".bincim-").tempfile_in(parent(file))?;
    partial.write_all(bytes)?;
    // Temporary files are private; a result is not.
    fs::set_permissions(partial.path(), Permissions::from_mode(0o644))?;
    Ok(partial)
}

/// Refuses `folder` unless it is not there, empty, or wholly the program's own.
///
/// Errors: [`FlowError::Foreign`] names what is not.
pub fn refuse_foreign(folder: &Path, foreign: Foreign) -> Result<(), FlowError> {
    let what = match (fs::metadata(folder), fs::symlink_metadata(folder)) {
        (Err(_), Err(error)) if error.kind() == io::ErrorKind::NotFound => return Ok(()),
        (Err(_), Ok(_)) => vec!["a link to nothing".into()],
        (Err(error), Err(_)) => return Err(FlowError::io("read", folder)(error)),
        (Ok(there), _) if !there.is_dir() => vec!["no folder".into()],
        (Ok(_), _) => match fs::read_dir(folder).map_err(FlowError::io("read", folder))?.next() {
            None => return Ok(()),
            Some(_) => foreign(folder),
        },
    };
    if what.is_empty() {
        return Ok(());
    }
    let more = if what.len() > 5 { format!(" and {} more", what.len() - 5) } else { String::new() };
    let what = what[..what.len().min(5)].join(", ") + &more;
    Err(FlowError::Foreign { output: folder.to_path_buf(), what })
}

impl Pending {
    /// Starts an empty folder beside `finished`, which must be free or wholly the program's own; its parents are
    /// created. A link to a folder stands for that folder.
    ///
    /// Errors: [`FlowError::Foreign`], and [`FlowError::Busy`] while another run makes the same output.
    pub fn begin(finished: &Path, foreign: Foreign) -> Result<Self, FlowError> {
        let place = parent(finished);
        fs::create_dir_all(place).map_err(FlowError::io("create", place))?;
        refuse_foreign(finished, foreign)?;
        let finished = match finished.is_symlink() {
            true => fs::canonicalize(finished),
            false => {
                let name = finished.file_name().ok_or(FlowError::BadName {
                    name: escape::path(finished),
                    what: "name of an output folder",
                    rule: "give a path that ends in a name",
                })?;
                fs::canonicalize(place).map(|place| place.join(name))
            }
        };
        let finished = finished.map_err(FlowError::io("find", place))?;
        let home = Home::make(&finished)?;
        let pending = Self { made: home.path.join("new"), home, finished, foreign, keeps: false };
        pending.alone()?;
        fs::create_dir(&pending.made).map_err(FlowError::io("create", &pending.made))?;
        Ok(pending)
    }

    /// Refuses a second run, and clears away what ended ones left. Each run looks round after it has marked its own
    /// folder, so of two at least one sees the other; where both do, the first by name goes on.
    fn alone(&self) -> Result<(), FlowError> {
        let failed = || FlowError::io("clear", parent(&self.finished));
        for patience in (0..50).rev() {
            let mut busy = false;
            for other in self.home.others(&self.finished).map_err(failed())? {
                match home::owner(&other) {
                    Owner::AtWork if other < self.home.path || patience == 0 => {
                        return Err(FlowError::Busy { output: self.finished.clone() });
                    }
                    Owner::AtWork => busy = true,
                    Owner::Ended(_mark) => home::clear(&other, &self.finished).map_err(failed())?,
                    // Fails where a run has marked it meanwhile, which then sees this one.
                    Owner::Unmarked => drop(fs::remove_dir(&other)),
                    Owner::Other => {}
                }
            }
            if !busy {
                break;
            }
            std::thread::sleep(Duration::from_millis(10));
        }
        Ok(())
    }

    /// Leaves what was written if the run fails, for its logs, until the next run on the same output.
    pub fn keep_if_failed(&mut self) {
        self.keeps = true;
    }

    /// The folder to write into; absolute.
    pub fn path(&self) -> &Path {
        &self.made
    }

    /// Puts the folder in its place, replacing an earlier one.
    ///
    /// Errors: [`FlowError::Foreign`] where something of others has come into it meanwhile.
    pub fn finish(self) -> Result<PathBuf, FlowError> {
        refuse_foreign(&self.finished, self.foreign)?;
        if self.finished.exists() {
            let old = self.home.path.join("old");
            fs::rename(&self.finished, old).map_err(FlowError::io("replace", &self.finished))?;
        }
        fs::rename(&self.made, &self.finished).map_err(FlowError::io("create", &self.finished))?;
        let finished = self.finished.clone();
        Ok(finished)
    }
}

impl Drop for Pending {
    fn drop(&mut self) {
        // What cannot be put back or removed now, the next run will.
        let _ = match self.keeps && self.made.exists() {
            true => home::put_back(&self.home.path, &self.finished),
            false => home::clear(&self.home.path, &self.finished),
        };
    }
}

/// The source files of a list (`files.f`), as written, relative to the list's own folder.
///
/// Blank lines and `//` or `#` comments are skipped. Options (`+incdir+`, `-f`) and files that do
/// not exist are errors, since a silent skip would synthesise something else.
pub fn file_list(list: &Path) -> Result<Vec<PathBuf>, FlowError> {
    let text = bounded::text(list, MOST_BYTES).map_err(FlowError::io("read", list))?;
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
            return Err(bad(index, format!("no file `{name}` in {}", escape::path(base))));
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

    const NONE: Foreign = |_| Vec::new();

    fn names(folder: &Path) -> Vec<String> {
        let name =
            |entry: io::Result<fs::DirEntry>| entry.unwrap().file_name().to_string_lossy().into_owned();
        let mut names: Vec<String> = fs::read_dir(folder).unwrap().map(name).collect();
        names.sort();
        names
    }

    #[test]
    fn output_appears_whole_and_replaces_the_old() {
        let root = tempfile::tempdir().unwrap();
        let place = root.path().join("a/out");
        let pending = Pending::begin(&place, NONE).unwrap();
        fs::write(pending.path().join("one"), "1").unwrap();
        assert!(!place.exists());
        drop(pending);
        assert_eq!(names(&root.path().join("a")), [""; 0], "a failed run left something");
        let mut pending = Pending::begin(&place, NONE).unwrap();
        let log = pending.path().join("log");
        fs::write(&log, "1").unwrap();
        pending.keep_if_failed();
        drop(pending);
        assert!(log.exists());
        let pending = Pending::begin(&place, NONE).unwrap();
        assert!(!log.exists() && names(pending.path()).is_empty(), "a failed run's logs are still there");
        fs::write(pending.path().join("two"), "2").unwrap();
        pending.finish().unwrap();
        Pending::begin(&place, NONE).unwrap().finish().unwrap();
        assert!(place.is_dir() && !place.join("two").exists());
        assert_eq!(names(&root.path().join("a")), ["out"]);
    }

    #[test]
    fn a_second_run_on_one_folder_is_refused() {
        let root = tempfile::tempdir().unwrap();
        let place = root.path().join("out");
        let first = Pending::begin(&place, NONE).unwrap();
        assert!(matches!(Pending::begin(&place, NONE), Err(FlowError::Busy { .. })));
        Pending::begin(&root.path().join("out2"), NONE).unwrap();
        first.finish().unwrap();
        Pending::begin(&place, NONE).unwrap();
    }

    /// Of many that begin at once, one gets the folder or all are told that others are at it.
    #[test]
    fn runs_that_begin_together_never_both_get_the_folder() {
        let root = tempfile::tempdir().unwrap();
        let place = root.path().join("out");
        for _ in 0..20 {
            let both = std::sync::Barrier::new(4);
            let got = std::sync::Mutex::new(Vec::new());
            std::thread::scope(|scope| {
                for _ in 0..4 {
                    scope.spawn(|| {
                        both.wait();
                        let pending = Pending::begin(&place, NONE);
                        got.lock().unwrap().extend(pending.ok());
                    });
                }
            });
            assert!(got.into_inner().unwrap().len() <= 1);
        }
        assert_eq!(names(root.path()), [""; 0]);
    }

    /// A run may be killed before it has marked its folder, or while it does.
    #[test]
    fn a_folder_without_its_mark_yet_is_cleared() {
        let root = tempfile::tempdir().unwrap();
        let at = |name: &str| root.path().join(name);
        for name in ["out.partial-aaaaaa", "out.partial-bbbbbb"] {
            fs::create_dir(at(name)).unwrap();
        }
        fs::write(at("out.partial-bbbbbb").join(home::MARK), "").unwrap();
        Pending::begin(&at("out"), NONE).unwrap().finish().unwrap();
        assert_eq!(names(root.path()), ["out"]);
        // A mark without text beside something else is nobody's that is known, nor is a folder that no run names so.
        fs::create_dir_all(at("out.partial-of mine")).unwrap();
        fs::create_dir_all(at("out.partial-cccccc/old")).unwrap();
        fs::write(at("out.partial-cccccc").join(home::MARK), "").unwrap();
        Pending::begin(&at("out"), NONE).unwrap().finish().unwrap();
        assert_eq!(names(root.path()), ["out", "out.partial-cccccc", "out.partial-of mine"]);
    }

    #[test]
    fn what_others_made_is_neither_touched_nor_replaced() {
        let root = tempfile::tempdir().unwrap();
        let at = |name: &str| root.path().join(name);
        // Copies and links of a run's own folder, files and folders of like names.
        let mut pending = Pending::begin(&at("out"), NONE).unwrap();
        pending.keep_if_failed();
        let left = pending.home.path.clone();
        drop(pending);
        fs::create_dir(at("out.partial-copied")).unwrap();
        fs::copy(left.join(home::MARK), at("out.partial-copied").join(home::MARK)).unwrap();
        fs::create_dir(at("out.partial-mine")).unwrap();
        fs::write(at("out.partial-mine/made-by-bincim"), "mine").unwrap();
        std::os::unix::fs::symlink(&left, at("out.partial-linked")).unwrap();
        for name in ["out.partial-file", "out.partial", "out.lock", "out.old"] {
            fs::write(at(name), "mine").unwrap();
        }
        let before = names(root.path());
        Pending::begin(&at("out"), NONE).unwrap().finish().unwrap();
        let own = left.file_name().unwrap().to_string_lossy().into_owned();
        let mut after = before.clone();
        after.retain(|name| *name != own);
        after.insert(0, "out".into());
        assert_eq!(names(root.path()), after);
        assert_eq!(fs::read(at("out.partial-mine/made-by-bincim")).unwrap(), b"mine");

        // A folder of others, a file, a link to nothing, and a folder that becomes others' while the run goes on.
        let all = |folder: &Path| names(folder);
        fs::write(at("out/notes"), "mine").unwrap();
        std::os::unix::fs::symlink(at("none"), at("nothing")).unwrap();
        for (name, says) in [("out", "notes"), ("out.lock", "no folder"), ("nothing", "a link to nothing")] {
            let error = Pending::begin(&at(name), all).err().expect(name).to_string();
            assert!(error.contains(says), "{error}");
        }
        fs::remove_file(at("out/notes")).unwrap();
        let pending = Pending::begin(&at("out"), all).unwrap();
        fs::write(at("out/late"), "mine").unwrap();
        assert!(matches!(pending.finish(), Err(FlowError::Foreign { .. })));
        assert_eq!(fs::read(at("out/late")).unwrap(), b"mine");
        // A link to a folder stands for it.
        fs::create_dir(at("real")).unwrap();
        std::os::unix::fs::symlink(at("real"), at("link")).unwrap();
        let pending = Pending::begin(&at("link"), all).unwrap();
        fs::write(pending.path().join("made"), "").unwrap();
        pending.finish().unwrap();
        assert!(at("link").is_symlink() && at("real/made").exists());
    }

    #[test]
    fn a_file_is_replaced_whole_or_not_at_all() {
        let root = tempfile::tempdir().unwrap();
        let file = root.path().join("new/file");
        write_whole(&file, b"one").unwrap();
        write_whole(&file, b"two").unwrap();
        assert_eq!(fs::read(&file).unwrap(), b"two");
        assert_eq!(fs::metadata(&file).unwrap().permissions().mode() & 0o777, 0o644);
        // A folder and a link stand in the way: the temporary file goes too, and neither is replaced or followed.
        fs::create_dir(root.path().join("new/taken")).unwrap();
        assert!(write_whole(&root.path().join("new/taken"), b"three").is_err());
        std::os::unix::fs::symlink(&file, root.path().join("new/link")).unwrap();
        assert!(write_whole(&root.path().join("new/link"), b"three").is_err());
        assert_eq!(fs::read(&file).unwrap(), b"two");
        assert_eq!(fs::read_dir(root.path().join("new")).unwrap().count(), 3);
    }

    #[test]
    fn a_held_folder_is_refused_and_nothing_is_left() {
        let root = tempfile::tempdir().unwrap();
        let held = hold(&root.path().join("build")).unwrap();
        assert!(matches!(hold(&root.path().join("build")), Err(FlowError::Busy { .. })));
        // As a child has it that is just being started.
        let copy = held._folder.0.try_clone().unwrap();
        drop(held);
        hold(&root.path().join("build")).unwrap();
        drop(copy);
        assert_eq!((names(root.path()).len(), names(&root.path().join("build")).len()), (1, 0));
    }

    #[test]
    fn what_an_interrupted_replacement_set_aside_comes_back() {
        let root = tempfile::tempdir().unwrap();
        let place = root.path().join("out");
        // As a kill between the two renames leaves it.
        let home = Home::make(&place).unwrap();
        fs::create_dir(home.path.join("old")).unwrap();
        fs::write(home.path.join("old/kept"), "").unwrap();
        drop(home);
        drop(Pending::begin(&place, NONE).unwrap());
        assert!(place.join("kept").exists());
        assert_eq!(names(root.path()), ["out"]);
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
