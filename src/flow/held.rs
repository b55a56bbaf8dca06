//! A file that a run replaces whole, again and again, and keeps locked all the time.

use super::FlowError;
use super::folder::{Locked, beside, locked};
use std::fs::{self, OpenOptions};
use std::io;
use std::os::unix::fs::{MetadataExt, OpenOptionsExt};
use std::path::{Path, PathBuf};

/// A file under this run's lock, which ends with the process: no lock outlives a run that is killed.
pub struct HeldFile {
    path: PathBuf,
    file: Locked,
}

impl HeldFile {
    /// A new file with `bytes`. Nothing is replaced.
    ///
    /// Errors: [`FlowError::Busy`] where it is there already.
    pub fn create(path: &Path, bytes: &[u8]) -> Result<HeldFile, FlowError> {
        let made = beside(path, bytes).map_err(FlowError::io("write", path))?;
        locked(made.as_file(), path)?;
        match made.persist_noclobber(path) {
            Ok(file) => Ok(HeldFile { path: path.to_path_buf(), file: file.into() }),
            Err(error) if error.error.kind() == io::ErrorKind::AlreadyExists => {
                Err(FlowError::Busy { output: path.to_path_buf() })
            }
            Err(error) => Err(FlowError::io("write", path)(error.error)),
        }
    }

    /// The file that is there; a link to one is not opened.
    ///
    /// Errors: [`FlowError::Busy`] while another run holds it.
    pub fn open(path: &Path) -> Result<HeldFile, FlowError> {
        loop {
            let options = OpenOptions::new().read(true).custom_flags(libc::O_NOFOLLOW).open(path);
            let file = options.map_err(FlowError::io("open", path))?;
            locked(&file, path)?;
            // The run that held it may have replaced or removed it between our opening and locking it.
            let ours = file.metadata().map_err(FlowError::io("read", path))?.ino();
            if fs::symlink_metadata(path).map_err(FlowError::io("read", path))?.ino() == ours {
                return Ok(HeldFile { path: path.to_path_buf(), file: file.into() });
            }
        }
    }

    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Replaces the content whole: a reader sees all of the one or of the other.
    pub fn replace(&mut self, bytes: &[u8]) -> Result<(), FlowError> {
        let made = beside(&self.path, bytes).map_err(FlowError::io("write", &self.path))?;
        locked(made.as_file(), &self.path)?;
        let file =
            made.persist(&self.path).map_err(|error| FlowError::io("write", &self.path)(error.error))?;
        self.file = file.into();
        Ok(())
    }

    /// Removes it.
    pub fn remove(self) -> Result<(), FlowError> {
        fs::remove_file(&self.path).map_err(FlowError::io("remove", &self.path))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_run_at_a_time_holds_a_file() {
        let root = tempfile::tempdir().unwrap();
        let path = root.path().join("file");
        let busy = |path: &Path| matches!(HeldFile::open(path), Err(FlowError::Busy { .. }));
        let mut held = HeldFile::create(&path, b"one").unwrap();
        assert!(busy(&path));
        assert!(matches!(HeldFile::create(&path, b"other"), Err(FlowError::Busy { .. })));
        held.replace(b"two").unwrap();
        assert!(busy(&path), "a replaced file is free");
        assert_eq!(fs::read(&path).unwrap(), b"two");
        drop(held);
        let mut held = HeldFile::open(&path).unwrap();
        held.replace(b"three").unwrap();
        assert!(busy(&path));
        held.remove().unwrap();
        assert_eq!(fs::read_dir(root.path()).unwrap().count(), 0);
        assert!(matches!(HeldFile::open(&path), Err(FlowError::Io { .. })));
        std::os::unix::fs::symlink(root.path().join("none"), &path).unwrap();
        assert!(matches!(HeldFile::open(&path), Err(FlowError::Io { .. })));
        assert!(HeldFile::create(&path, b"x").is_err(), "a link was followed or replaced");
        assert!(path.is_symlink());
    }
}
