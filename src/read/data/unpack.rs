//! A file's content, unpacked where it is gzip or Zstandard, never more than [`MAX_BYTES`].

use super::{Error, MAX_BYTES};
use std::io::{BufReader, Read};
use std::path::Path;

/// Reads and unpacks `path`.
pub fn load(path: &Path) -> Result<Vec<u8>, Error> {
    let io = |e: std::io::Error| Error::Io { reason: format!("{}: {e}", path.display()) };
    let mut file = BufReader::new(std::fs::File::open(path).map_err(io)?);
    let mut head = Vec::new();
    file.by_ref().take(4).read_to_end(&mut head).map_err(io)?;
    unpack(&head, head.as_slice().chain(file)).map_err(io)
}

/// `content` unpacked by what its first bytes say.
fn unpack(head: &[u8], content: impl Read) -> std::io::Result<Vec<u8>> {
    match head {
        [0x1f, 0x8b, ..] => limited(flate2::read::MultiGzDecoder::new(content)),
        [0x28, 0xb5, 0x2f, 0xfd] => {
            let decoder = ruzstd::decoding::StreamingDecoder::new(content)
                .map_err(|e| std::io::Error::other(e.to_string()))?;
            limited(decoder)
        }
        _ => limited(content),
    }
}

fn limited(content: impl Read) -> std::io::Result<Vec<u8>> {
    let mut bytes = Vec::new();
    content.take(MAX_BYTES as u64 + 1).read_to_end(&mut bytes)?;
    if bytes.len() > MAX_BYTES {
        return Err(std::io::Error::other(format!("its content is larger than {} MiB", MAX_BYTES >> 20)));
    }
    Ok(bytes)
}
