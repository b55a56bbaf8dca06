//! Files of others, read up to a limit: no file takes more memory than its kind may need, whatever its length or
//! that of what is packed in it.

use std::fs::File;
use std::io::{self, ErrorKind, Read};
use std::os::unix::fs::FileTypeExt;
use std::path::Path;

/// Bytes taken from a source at a time.
const PIECE: usize = 64 << 10;

/// Opens the file at `path`, which may be a device, or the pipe that a shell puts in place of a file (`<(...)`).
///
/// # Errors
/// What the system says, and [`ErrorKind::Unsupported`] for a named pipe: without anybody who writes into it, opening
/// it would wait for ever.
pub fn open(path: &Path) -> io::Result<File> {
    // A pipe that a shell hands over is under /dev and has no name of its own.
    let named = |path: &Path| path.canonicalize().is_ok_and(|name| !name.starts_with("/dev"));
    if std::fs::metadata(path)?.file_type().is_fifo() && named(path) {
        return Err(io::Error::new(
            ErrorKind::Unsupported,
            "it is a named pipe; give a file, or `<(cat PIPE)` in its place",
        ));
    }
    File::open(path)
}

/// What the file at `path` holds, up to `limit` bytes.
///
/// # Errors
/// Those of [`open`], and [`ErrorKind::FileTooLarge`] for more than `limit`; a device or a pipe without an end is
/// read to the limit and no further.
pub fn bytes(path: &Path, limit: usize) -> io::Result<Vec<u8>> {
    let file = open(path)?;
    // Of a device or a pipe this is 0.
    if file.metadata()?.len() > limit as u64 {
        return Err(too_large(limit));
    }
    all(file, limit)
}

/// [`bytes`] as text.
///
/// # Errors
/// Those of [`bytes`], and [`ErrorKind::InvalidData`] for what is not UTF-8.
pub fn text(path: &Path, limit: usize) -> io::Result<String> {
    String::from_utf8(bytes(path, limit)?)
        .map_err(|_| io::Error::new(ErrorKind::InvalidData, "it is no UTF-8 text"))
}

/// All of `source`, up to `limit` bytes; the memory taken is never more than that and a little.
///
/// # Errors
/// Those of [`bytes`], and [`ErrorKind::OutOfMemory`] where even that much is not to be had.
pub fn all(mut source: impl Read, limit: usize) -> io::Result<Vec<u8>> {
    let (mut bytes, mut piece) = (Vec::new(), vec![0; PIECE]);
    loop {
        let count = match source.read(&mut piece) {
            Ok(0) => return Ok(bytes),
            Ok(count) => count,
            Err(error) if error.kind() == ErrorKind::Interrupted => continue,
            Err(error) => return Err(error),
        };
        let length = bytes.len() + count;
        if length > limit {
            return Err(too_large(limit));
        }
        if length > bytes.capacity() {
            let capacity = (2 * bytes.capacity()).clamp(length, limit);
            bytes.try_reserve_exact(capacity - bytes.len()).map_err(|_| ErrorKind::OutOfMemory)?;
        }
        bytes.extend_from_slice(&piece[..count]);
    }
}

fn too_large(limit: usize) -> io::Error {
    io::Error::new(
        ErrorKind::FileTooLarge,
        format!("it is larger than {}, the most that is read", size(limit)),
    )
}

/// A number of bytes for a reader.
pub fn size(bytes: usize) -> String {
    match bytes {
        0..1024 => format!("{bytes} bytes"),
        1024..0x10_0000 => format!("{} KiB", bytes >> 10),
        _ => format!("{} MiB", bytes >> 20),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_source_is_read_to_its_limit_and_no_further() {
        let ten = [7; 10];
        assert_eq!(all(&ten[..], 10).unwrap(), ten);
        assert_eq!(all(&ten[..], 9).unwrap_err().kind(), ErrorKind::FileTooLarge);
        assert_eq!(all(io::repeat(0), 3 << 20).unwrap_err().to_string(), too_large(3 << 20).to_string());
        let long = all(io::repeat(1).take(5 << 20), 6 << 20).unwrap();
        assert!(long.len() == 5 << 20 && long.capacity() <= 6 << 20);
        assert!(all(io::empty(), 0).unwrap().is_empty());
    }

    #[test]
    fn files_devices_and_texts() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("file");
        std::fs::write(&file, b"four").unwrap();
        assert_eq!(text(&file, 4).unwrap(), "four");
        assert!(bytes(&file, 3).unwrap_err().to_string().contains("3 bytes"));
        std::fs::write(&file, [0xff]).unwrap();
        assert_eq!(text(&file, 4).unwrap_err().kind(), ErrorKind::InvalidData);
        let endless = bytes(Path::new("/dev/zero"), 1 << 20).unwrap_err();
        assert!(endless.to_string().contains("1 MiB"), "{endless}");
        assert_eq!(bytes(&folder.path().join("none"), 1).unwrap_err().kind(), ErrorKind::NotFound);
    }
}
