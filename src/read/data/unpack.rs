//! A file's content, unpacked where it is gzip or Zstandard, never more than [`MAX_BYTES`].

use super::{Error, MAX_BYTES};
use crate::bounded;
use crate::escape;
use ruzstd::decoding::errors::{FrameDecoderError, ReadFrameHeaderError};
use ruzstd::decoding::{FrameDecoder, StreamingDecoder};
use std::io::{self, BufRead, BufReader, Read};
use std::path::Path;

/// A Zstandard frame that holds nothing. Only a decoder that has had a frame before checks how far back the next one
/// wants to look, and refuses more than 100 MiB before it takes memory.
const EMPTY_FRAME: [u8; 9] = [0x28, 0xb5, 0x2f, 0xfd, 0, 0, 1, 0, 0];

/// What the decoder does not look back at, with the end by which [`Error::help`] knows it.
const WIDE_WINDOW: &str = "it was packed with a window of more than 100 MiB";

/// Reads and unpacks `path`.
pub fn load(path: &Path) -> Result<Vec<u8>, Error> {
    let io = |e: io::Error| Error::Io { reason: format!("{}: {e}", escape::path(path)) };
    unpack(BufReader::new(bounded::open(path).map_err(io)?)).map_err(io)
}

/// `content` unpacked by what its first bytes say.
///
/// # Errors
/// What is damaged, cut short, or larger than [`MAX_BYTES`] when unpacked.
pub fn unpack(mut content: impl BufRead) -> io::Result<Vec<u8>> {
    let head = bounded::all(content.by_ref().take(4), 4)?;
    let whole = head.as_slice().chain(content);
    match head[..] {
        [0x1f, 0x8b, ..] => bounded::all(flate2::bufread::MultiGzDecoder::new(whole), MAX_BYTES),
        [0x28, 0xb5, 0x2f, 0xfd] => zstandard(whole),
        _ => bounded::all(whole, MAX_BYTES),
    }
}

/// All frames of a Zstandard file.
fn zstandard(mut content: impl BufRead) -> io::Result<Vec<u8>> {
    let (mut bytes, mut decoder) = (Vec::new(), FrameDecoder::new());
    decoder.init(&EMPTY_FRAME[..]).map_err(io::Error::other)?;
    while !content.fill_buf()?.is_empty() {
        let part = match StreamingDecoder::new_with_decoder(&mut content, &mut decoder) {
            Ok(frame) => bounded::all(frame, MAX_BYTES - bytes.len())?,
            Err(FrameDecoderError::ReadFrameHeaderError(ReadFrameHeaderError::SkipFrame {
                length, ..
            })) => {
                io::copy(&mut content.by_ref().take(length.into()), &mut io::sink())?;
                continue;
            }
            Err(FrameDecoderError::WindowSizeTooBig { .. }) => return Err(io::Error::other(WIDE_WINDOW)),
            Err(error) => return Err(io::Error::other(error)),
        };
        let (stated, found) = (decoder.get_checksum_from_data(), decoder.get_calculated_checksum());
        if stated.is_some() && stated != found {
            return Err(io::Error::other("its checksum does not fit what is packed in it"));
        }
        bytes.reserve_exact(part.len());
        bytes.extend(part);
    }
    Ok(bytes)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A frame of blocks that repeat one byte: four bytes each, up to 2 MiB of content.
    fn repeated(descriptor: &[u8], blocks: usize, size: u32) -> Vec<u8> {
        let mut frame = vec![0x28, 0xb5, 0x2f, 0xfd];
        frame.extend(descriptor);
        for block in 1..=blocks {
            let header = u32::from(block == blocks) | 1 << 1 | size << 3;
            frame.extend(&header.to_le_bytes()[..3]);
            frame.push(9);
        }
        frame
    }

    #[test]
    fn frames_are_joined_and_others_skipped() {
        let one = repeated(&[0, 0x38], 2, 1000);
        assert_eq!(unpack(&one[..]).unwrap(), [9; 2000]);
        let skipped = [&[0x50, 0x2a, 0x4d, 0x18, 3, 0, 0, 0, 1, 2, 3][..]].concat();
        let all = [&one[..], &skipped, &one].concat();
        assert_eq!(unpack(&all[..]).unwrap(), [9; 4000]);
        assert!(unpack(&[&one[..], b"more"].concat()[..]).is_err());
        for length in 5..one.len() {
            assert!(unpack(&one[..length]).is_err(), "{length}");
        }
        assert!(unpack(&[&[0x28, 0xb5, 0x2f, 0xfd, 4, 0x38, 1, 0, 0][..], &[1; 4]].concat()[..]).is_err());
    }

    #[test]
    fn what_takes_too_much_is_refused() {
        // A frame that keeps 4 GiB to look back at, and one of more than is read.
        let wide = repeated(&[0xe0, 0, 0, 0, 0, 1, 0, 0, 0], 40_000, 1 << 17);
        assert_eq!(unpack(&wide[..]).unwrap_err().to_string(), WIDE_WINDOW);
        let long = repeated(&[0, 0x38], MAX_BYTES / (1 << 17) + 1, 1 << 17);
        assert_eq!(unpack(&long[..]).unwrap_err().kind(), io::ErrorKind::FileTooLarge);
    }
}
