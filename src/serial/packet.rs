//! Packets: flags, escapes and the check sequence of RFC 1662, as on the board.

/// Begins and ends a packet.
pub const FLAG: u8 = 0x7E;
const ESCAPE: u8 = 0x7D;
/// What the check sequence comes to behind a whole packet.
const RESIDUE: u16 = 0xF0B8;

/// The check sequence one byte further: x^16 + x^12 + x^5 + 1, lowest bit first.
fn step(fcs: u16, byte: u8) -> u16 {
    (0..8).fold(fcs ^ u16::from(byte), |fcs, _| if fcs & 1 == 1 { fcs >> 1 ^ 0x8408 } else { fcs >> 1 })
}

/// The bytes on the line that carry `content`.
pub fn encode(content: &[u8]) -> Vec<u8> {
    let fcs = !content.iter().fold(0xFFFF, |fcs, &byte| step(fcs, byte));
    let mut line = Vec::with_capacity(content.len() + 8);
    line.push(FLAG);
    for byte in content.iter().copied().chain(fcs.to_le_bytes()) {
        match byte {
            FLAG | ESCAPE => line.extend([ESCAPE, byte ^ 0x20]),
            _ => line.push(byte),
        }
    }
    line.push(FLAG);
    line
}

/// Finds packets in the bytes of a line.
#[derive(Debug, Default)]
pub struct Decoder {
    content: Vec<u8>,
    escaped: bool,
    /// Longer than any packet may be: not kept any further.
    overlong: bool,
}

/// Longest content that is kept.
const MOST_BYTES: usize = 1 << 17;

impl Decoder {
    /// One byte further; at the end of a packet its content, or `None` inside if it is damaged.
    pub fn push(&mut self, byte: u8) -> Option<Option<Vec<u8>>> {
        match byte {
            FLAG => {
                let mut content = std::mem::take(&mut self.content);
                let broken = std::mem::take(&mut self.escaped) | std::mem::take(&mut self.overlong);
                if content.is_empty() && !broken {
                    return None;
                }
                let fcs = content.iter().fold(0xFFFF, |fcs, &byte| step(fcs, byte));
                let whole = !broken && content.len() >= 2 && fcs == RESIDUE;
                content.truncate(content.len().saturating_sub(2));
                return Some(whole.then_some(content));
            }
            ESCAPE => self.escaped = true,
            _ if self.content.len() == MOST_BYTES => self.overlong = true,
            _ => self.content.push(if std::mem::take(&mut self.escaped) { byte ^ 0x20 } else { byte }),
        }
        None
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn decode(line: &[u8]) -> Vec<Option<Vec<u8>>> {
        let mut decoder = Decoder::default();
        line.iter().filter_map(|&byte| decoder.push(byte)).collect()
    }

    /// The check value of CRC-16/X-25 in the catalogues.
    #[test]
    fn the_check_sequence_is_the_standards() {
        assert_eq!(!b"123456789".iter().fold(0xFFFF, |fcs, &byte| step(fcs, byte)), 0x906E);
    }

    #[test]
    fn every_byte_value_passes() {
        let content: Vec<u8> = (0..=255).chain([FLAG, ESCAPE, FLAG]).collect();
        let line = encode(&content);
        assert_eq!(line.iter().filter(|&&byte| byte == FLAG).count(), 2, "flags only around it");
        assert_eq!(decode(&line), [Some(content)]);
    }

    #[test]
    fn a_lost_or_changed_byte_costs_its_packet_alone() {
        let (first, second) = (encode(&[1, FLAG, 3]), encode(&[9, 8]));
        for index in 0..first.len() {
            let lost: Vec<u8> =
                first.iter().enumerate().filter(|(at, _)| *at != index).map(|(_, byte)| *byte).collect();
            let found = decode(&[lost, second.clone()].concat());
            assert_eq!(found.last(), Some(&Some(vec![9, 8])), "byte {index} lost");
            let whole = found.iter().filter(|packet| packet.is_some()).count();
            // A flag is there twice between two packets.
            assert_eq!(
                whole,
                if index == 0 || index + 1 == first.len() { 2 } else { 1 },
                "byte {index} lost"
            );
            for bit in 0..8 {
                let mut changed = first.clone();
                changed[index] ^= 1 << bit;
                let found = decode(&[changed, second.clone()].concat());
                assert_eq!(found.last(), Some(&Some(vec![9, 8])), "bit {bit} of byte {index}");
                assert!(!found.contains(&Some(vec![1, FLAG, 3])) || index == 0 || index + 1 == first.len());
            }
        }
    }
}
