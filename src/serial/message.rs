//! What packets say; the table is in `templates/board/serial_link.v`.

const FRAME: u8 = 1;
const READ: u8 = 2;
const WRITE: u8 = 3;
const REFUSED: u8 = 0;
const REPLY: u8 = 0x80;

/// From the host to the board.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Request<'a> {
    /// One frame: the accelerator's beats, least significant byte first.
    Frame(&'a [u8]),
    /// A register's address.
    Read(u16),
    /// A register's address and its new content.
    Write(u16, u32),
}

impl Request<'_> {
    /// The content of the packet, whose reply will bear `tag`.
    pub fn content(self, tag: u8) -> Vec<u8> {
        match self {
            Request::Frame(bytes) => [&[FRAME, tag][..], bytes].concat(),
            Request::Read(address) => [&[READ, tag][..], &address.to_le_bytes()].concat(),
            Request::Write(address, value) => {
                [&[WRITE, tag][..], &address.to_le_bytes(), &value.to_le_bytes()].concat()
            }
        }
    }
}

/// From the board to the host.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Reply {
    /// A frame's result: the accelerator's beats. `session`: the board has not been reset since SESSION was written.
    Result { tag: u8, session: bool, data: Vec<u8> },
    /// What a register held.
    Read { tag: u8, value: u32 },
    /// A register has been written.
    Written { tag: u8 },
    /// A packet changed nothing; its tag may be damaged too.
    Refused { tag: u8, reason: Reason },
}

/// Why a packet was refused.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Reason {
    /// Its check sequence or a stop bit was wrong.
    Damaged,
    /// No request of this type and length.
    Unknown,
    /// There is no room for the frame.
    Full,
    /// Another register is being read or written.
    Busy,
}

impl Reply {
    /// The reply in a packet's content, if it is one; a result has `result_bytes` bytes.
    pub fn parse(content: &[u8], result_bytes: usize) -> Option<Reply> {
        let &[kind, tag, ref body @ ..] = content else { return None };
        match (kind.checked_sub(REPLY)?, body) {
            (FRAME, [status, data @ ..]) if data.len() == result_bytes => {
                Some(Reply::Result { tag, session: status & 1 == 1, data: data.to_vec() })
            }
            (READ, body) => Some(Reply::Read { tag, value: u32::from_le_bytes(body.try_into().ok()?) }),
            (WRITE, []) => Some(Reply::Written { tag }),
            (REFUSED, [reason]) => {
                let reason = match reason {
                    1 => Reason::Damaged,
                    2 => Reason::Unknown,
                    3 => Reason::Full,
                    4 => Reason::Busy,
                    _ => return None,
                };
                Some(Reply::Refused { tag, reason })
            }
            _ => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn replies_are_read_at_their_length_only() {
        let read = Reply::Read { tag: 7, value: 0x0403_0201 };
        assert_eq!(Reply::parse(&[0x82, 7, 1, 2, 3, 4], 2), Some(read));
        let result = Reply::Result { tag: 9, session: true, data: vec![5, 6] };
        assert_eq!(Reply::parse(&[0x81, 9, 1, 5, 6], 2), Some(result));
        for wrong in [
            &[0x81, 9, 1, 5][..],
            &[0x82, 7, 1, 2, 3],
            &[0x83, 1, 0],
            &[0x80, 1, 9],
            &[0x02, 1],
            &[0x81],
            &[],
        ] {
            assert_eq!(Reply::parse(wrong, 2), None, "{wrong:02x?}");
        }
    }
}
