//! What travels over the serial line between a host and `serial_bridge`, for host programs.
//!
//! The line is 8 data bits, no parity, 1 stop bit, least significant bit first.
//!
//! **Host to device.** A frame is `A5` and then exactly *beats x s_bytes* data bytes; byte *i* of
//! a beat is bits *8i .. 8i+7* of `s_axis_tdata`, and `tlast` accompanies the last beat. Outside a
//! frame the single byte `3F` asks for the status. Nothing else is sent.
//!
//! **Device to host.** Each result is `5A`, then *m_bytes* bytes a beat of `m_axis` up to the beat
//! with `tlast`, then one status byte. The answer to `3F` is `C3`, an error count, a status byte;
//! it never comes inside a result.
//!
//! **Status byte.** Bits 7..4 count the results since reset, modulo 16, the one just sent
//! included. Bits 3..0 say what went wrong since the last status byte and are cleared by it:
//! bit 0 a frame fell silent and was filled with zeros (its result means nothing), bit 1 a stop
//! bit was low, bit 2 a beat was lost because the accelerator did not take beats fast enough,
//! bit 3 a byte came outside a frame that meant nothing. The error count counts every such event
//! since reset and stays at 255.
//!
//! **Order and resynchronisation.** Send a frame, await its result, send the next. A line that is
//! silent inside a frame for the link's `silence_bits` ends the frame; so a host that has lost
//! its place waits that long, reads away what comes, asks for the status and starts afresh.

/// Host to device: a frame follows.
pub const FRAME: u8 = 0xA5;
/// Host to device: send the status.
pub const QUERY: u8 = 0x3F;
/// Device to host: a result follows.
pub const RESULT: u8 = 0x5A;
/// Device to host: the error count and the status follow.
pub const STATUS: u8 = 0xC3;

/// The last byte of every reply.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Status {
    /// Results sent since reset, modulo 16.
    pub sequence: u8,
    /// A frame fell silent and was filled with zeros.
    pub filled: bool,
    /// A stop bit was low.
    pub framing: bool,
    /// A beat was lost.
    pub overrun: bool,
    /// A byte outside a frame meant nothing.
    pub stray: bool,
}

impl From<u8> for Status {
    fn from(byte: u8) -> Self {
        Status {
            sequence: byte >> 4,
            filled: byte & 1 != 0,
            framing: byte & 2 != 0,
            overrun: byte & 4 != 0,
            stray: byte & 8 != 0,
        }
    }
}

impl Status {
    /// Nothing has gone wrong since the status before.
    pub fn is_clean(&self) -> bool {
        !(self.filled || self.framing || self.overrun || self.stray)
    }
}

/// One whole reply.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Reply {
    /// A result: its data bytes, beats in order, each beat little-endian.
    Result { data: Vec<u8>, status: Status },
    /// The answer to a status query.
    Status { errors: u8, status: Status },
}

/// The bytes that send one frame of `data`.
pub fn encode_frame(data: &[u8]) -> Vec<u8> {
    std::iter::once(FRAME).chain(data.iter().copied()).collect()
}

/// The first reply in `bytes` and the number of bytes it took, or `None` while it is not whole.
/// `result_bytes` is the length of a result, beats x m_bytes. Bytes before a reply that begin none
/// are skipped, so a host that joins late finds its place at the next quiet moment.
pub fn decode_reply(bytes: &[u8], result_bytes: usize) -> Option<(Reply, usize)> {
    let start = bytes.iter().position(|&byte| byte == RESULT || byte == STATUS)?;
    let body = &bytes[start + 1..];
    if bytes[start] == RESULT {
        let status = Status::from(*body.get(result_bytes)?);
        let data = body[..result_bytes].to_vec();
        Some((Reply::Result { data, status }, start + result_bytes + 2))
    } else {
        let (errors, status) = (*body.first()?, Status::from(*body.get(1)?));
        Some((Reply::Status { errors, status }, start + 3))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn replies_are_found_whole_or_not_at_all() {
        let line = [0x00, RESULT, 1, 2, 3, 0x15, STATUS, 7, 0x18];
        assert_eq!(decode_reply(&line[..5], 3), None);
        let (reply, used) = decode_reply(&line, 3).expect("a whole result");
        let Reply::Result { data, status } = reply else { panic!("{reply:?} is no result") };
        assert_eq!((data, status.sequence, status.overrun), (vec![1, 2, 3], 1, true));
        let (reply, rest) = decode_reply(&line[used..], 3).expect("a whole status");
        let Reply::Status { errors, status } = reply else { panic!("{reply:?} is no status") };
        assert_eq!((errors, status.stray, status.filled), (7, true, false));
        assert_eq!(used + rest, line.len());
        assert_eq!(decode_reply(&line[used..8], 3), None);
    }

    #[test]
    fn a_clean_status_has_only_a_sequence() {
        assert!(Status::from(0xF0).is_clean());
        assert!((0..4).all(|bit| !Status::from(1 << bit).is_clean()));
    }
}
