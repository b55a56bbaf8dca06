//! The folder in which a run makes its output, beside the output's place; see [`super::folder`].

use super::FlowError;
use super::folder::{Locked, parent};
use std::ffi::OsString;
use std::fs::{self, File, OpenOptions, TryLockError};
use std::io::{self, Read, Write};
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::{MetadataExt, OpenOptionsExt};
use std::path::{Path, PathBuf};

/// Name of the mark, and its first line.
pub const MARK: &str = "made-by-bincim";
const MARK_TEXT: &str = "an unfinished output of bincim: the next run on the same output removes this folder";

/// The run's own folder beside the output: the mark, `new`, and `old` while a predecessor is replaced.
pub struct Home {
    pub path: PathBuf,
    _mark: Locked,
}

/// Whose a folder is that is named like a run's own.
pub enum Owner {
    /// A run at work.
    AtWork,
    /// A run that ended without removing it; its mark, locked.
    Ended(File),
    /// An empty folder: a run that ended before it marked it.
    Unmarked,
    /// Not the program's.
    Other,
}

impl Home {
    pub fn make(finished: &Path) -> Result<Home, FlowError> {
        let place = parent(finished);
        loop {
            let made = tempfile::Builder::new().prefix(&prefix(finished)).tempdir_in(place);
            let path = made.map_err(FlowError::io("create a folder in", place))?.keep();
            match marked(&path) {
                Ok(mark) => return Ok(Home { path, _mark: mark.into() }),
                // Another run took it, before it was marked, for what an ended one had left.
                Err(error) if error.kind() == io::ErrorKind::NotFound => {}
                Err(error) => {
                    let _ = fs::remove_dir_all(&path);
                    return Err(FlowError::io("write", path.join(MARK))(error));
                }
            }
        }
    }

    /// Other folders that are named like a run's own on the same output.
    pub fn others(&self, finished: &Path) -> io::Result<Vec<PathBuf>> {
        let prefix = prefix(finished);
        let ours = |path: &PathBuf| {
            let name = path.file_name().unwrap_or_default().as_bytes();
            name.starts_with(prefix.as_bytes()) && *path != self.path
        };
        let entries = fs::read_dir(parent(finished))?.map(|entry| Ok(entry?.path()));
        Ok(entries.collect::<io::Result<Vec<_>>>()?.into_iter().filter(ours).collect())
    }
}

pub fn owner(path: &Path) -> Owner {
    let mark = path.join(MARK);
    let is = |path: &Path, of: fn(&fs::Metadata) -> bool| fs::symlink_metadata(path).is_ok_and(|m| of(&m));
    if !is(path, fs::Metadata::is_dir) {
        return Owner::Other;
    }
    let entries = fs::read_dir(path).map_or(usize::MAX, Iterator::count);
    if entries == 0 {
        return if named_by_a_run(path) { Owner::Unmarked } else { Owner::Other };
    }
    if !is(&mark, fs::Metadata::is_file) {
        return Owner::Other;
    }
    let opened = OpenOptions::new().read(true).write(true).custom_flags(libc::O_NOFOLLOW).open(&mark);
    let Ok(mark) = opened else { return Owner::Other };
    match mark.try_lock() {
        Err(TryLockError::WouldBlock) => return Owner::AtWork,
        Err(TryLockError::Error(_)) => return Owner::Other,
        Ok(()) => {}
    }
    let mut text = Vec::new();
    let read = (&mark).take(8192).read_to_end(&mut text);
    match (read, mark_text(path)) {
        (Ok(_), Ok(expected)) if text == expected => Owner::Ended(mark),
        // It ended before it wrote the mark.
        (Ok(0), _) if entries == 1 => Owner::Ended(mark),
        _ => Owner::Other,
    }
}

/// Marks a folder that was just made.
///
/// Errors: not found, where another run has removed it meanwhile.
fn marked(home: &Path) -> io::Result<File> {
    let place = home.join(MARK);
    let mut mark = File::create_new(&place)?;
    mark.lock()?;
    mark.write_all(&mark_text(home)?)?;
    fs::symlink_metadata(&place)?;
    Ok(mark)
}

/// Names the folder and its inode, so that a copy or a folder of another name is no run's own.
fn mark_text(home: &Path) -> io::Result<Vec<u8>> {
    let name = home.file_name().unwrap_or_default().as_bytes();
    let inode = fs::symlink_metadata(home)?.ino();
    Ok([MARK_TEXT.as_bytes(), b"\n", name, format!("\n{inode}\n").as_bytes()].concat())
}

/// Whether the name ends as those that `tempfile` makes: six letters and digits. Before there is a mark nothing else tells
/// a run's folder from another's.
fn named_by_a_run(path: &Path) -> bool {
    let name = path.file_name().unwrap_or_default().as_bytes();
    let ending = name.rsplit(|&byte| byte == b'-').next().unwrap_or_default();
    ending.len() == 6 && ending.iter().all(u8::is_ascii_alphanumeric)
}

fn prefix(finished: &Path) -> OsString {
    let mut name = finished.file_name().unwrap_or_default().to_os_string();
    name.push(".partial-");
    name
}

/// Puts back what was set aside, unless something stands in its place, and removes the run's folder. The mark goes last:
/// if this is interrupted too, a later run still knows whose the rest is.
pub fn clear(home: &Path, finished: &Path) -> io::Result<()> {
    put_back(home, finished)?;
    for entry in fs::read_dir(home)? {
        let entry = entry?;
        match entry.file_type()? {
            kind if kind.is_dir() => fs::remove_dir_all(entry.path())?,
            _ if entry.file_name() == MARK => {}
            _ => fs::remove_file(entry.path())?,
        }
    }
    fs::remove_dir_all(home)
}

pub fn put_back(home: &Path, finished: &Path) -> io::Result<()> {
    let old = home.join("old");
    if fs::symlink_metadata(&old).is_ok() && fs::symlink_metadata(finished).is_err() {
        fs::rename(&old, finished)?;
    }
    Ok(())
}
