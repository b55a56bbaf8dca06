//! The conversation with a board of a few lines, on a line that loses what each test says.

use super::super::{Reply, encode};
use super::*;

/// A board whose result is the frame's first byte and PLANES, behind a line with faults.
struct Toy {
    decoder: Decoder,
    back: VecDeque<u8>,
    planes: u32,
    session: u32,
    /// Bytes that have gone to the board and come from it.
    sent: u64,
    received: u64,
    /// Numbers of the bytes that are lost, and of the one after which the board is reset.
    lose_sent: Vec<u64>,
    lose_received: Vec<u64>,
    reset_at: Option<u64>,
    deaf: bool,
}

const SHAPE: Shape = Shape { frame_bytes: 3, result_bytes: 2, registers: true };

fn toy() -> Toy {
    Toy {
        decoder: Decoder::default(),
        back: VecDeque::new(),
        planes: 4,
        session: 0,
        sent: 0,
        received: 0,
        lose_sent: vec![],
        lose_received: vec![],
        reset_at: None,
        deaf: false,
    }
}

impl Toy {
    fn answer(&mut self, content: &[u8]) {
        let content = match content {
            [1, tag, first, _, _] => vec![0x81, *tag, self.session as u8, *first, self.planes as u8],
            [2, tag, low, high] => {
                let value = match u16::from_le_bytes([*low, *high]) {
                    register::LINK => register::VERSION,
                    register::FRAME_BYTES => 3,
                    register::RESULT_BYTES => 2,
                    register::PLANES => self.planes,
                    _ => 0,
                };
                [&[0x82, *tag][..], &value.to_le_bytes()].concat()
            }
            [3, tag, low, high, value, ..] => {
                match u16::from_le_bytes([*low, *high]) {
                    register::PLANES => self.planes = u32::from(*value),
                    register::SESSION => self.session = u32::from(*value),
                    _ => {}
                }
                vec![0x83, *tag]
            }
            [_, tag, ..] => vec![0x80, *tag, 2],
            _ => vec![0x80, 0, 1],
        };
        self.back.extend(encode(&content));
    }
}

impl Port for Toy {
    fn send(&mut self, bytes: &[u8]) -> io::Result<()> {
        for &byte in bytes {
            self.sent += 1;
            if self.reset_at == Some(self.sent) {
                (self.planes, self.session, self.decoder) = (4, 0, Decoder::default());
                self.back.clear();
            }
            if self.deaf || self.lose_sent.contains(&self.sent) {
                continue;
            }
            match self.decoder.push(byte) {
                Some(Some(content)) => self.answer(&content),
                Some(None) => self.back.extend(encode(&[0x80, 0, 1])),
                None => {}
            }
        }
        Ok(())
    }

    fn receive(&mut self, buffer: &mut [u8], _: Duration) -> io::Result<usize> {
        let mut count = 0;
        while let Some(byte) = self.back.pop_front() {
            self.received += 1;
            if !self.lose_received.contains(&self.received) {
                buffer[count] = byte;
                count += 1;
            }
            if count == buffer.len() {
                break;
            }
        }
        Ok(count)
    }
}

fn session(toy: Toy) -> Session<Toy> {
    Session::new(toy, SHAPE, Duration::ZERO)
}

/// Ten frames with PLANES 2: every one must come back once, right, whatever was lost.
fn talk(toy: Toy, window: usize) -> Result<Counts, SerialError> {
    let mut session = session(toy);
    session.begin()?;
    session.set(register::PLANES, 2)?;
    let mut frames = (0..10).map(|first| vec![0x7D + first, 0x7E, 0]);
    let mut results = [0; 10];
    session.frames(window, &mut frames, &mut |index, data| {
        assert_eq!(data, [0x7D + index as u8, 2], "frame {index}");
        results[index] += 1;
    })?;
    assert_eq!(results, [1; 10], "each frame has its result once");
    Ok(session.counts())
}

#[test]
fn a_sound_line_loses_nothing() {
    for window in [1, 2, 7] {
        let counts = talk(toy(), window).expect("a sound line");
        assert_eq!((counts.again, counts.refused, counts.silent, counts.damaged), (0, 0, 0, 0));
    }
}

#[test]
fn any_lost_byte_costs_time_and_nothing_else() {
    for window in [1, 3] {
        for lost in 1..=180 {
            talk(Toy { lose_sent: vec![lost], ..toy() }, window).expect("brought back");
            talk(Toy { lose_received: vec![lost], ..toy() }, window).expect("brought back");
            talk(Toy { lose_sent: vec![lost, lost + 1, lost + 9], ..toy() }, window).expect("brought back");
        }
    }
    let counts = talk(Toy { lose_sent: vec![100], ..toy() }, 2).expect("brought back");
    assert!(counts.again > 0 && counts.refused + counts.silent > 0, "{counts:?}");
}

/// A reset takes PLANES back to 4; no result of such a board may count.
#[test]
fn a_reset_anywhere_is_noticed() {
    for window in [1, 3] {
        for at in 40..=200 {
            talk(Toy { reset_at: Some(at), ..toy() }, window).expect("begun again");
        }
    }
    let counts = talk(Toy { reset_at: Some(120), ..toy() }, 1).expect("begun again");
    assert!(counts.reset + counts.silent + counts.refused > 0, "{counts:?}");
}

#[test]
fn what_cannot_be_mended_is_named() {
    assert!(matches!(talk(Toy { deaf: true, ..toy() }, 1), Err(SerialError::Silent { .. })));
    let noisy = Toy { deaf: true, back: (0..99).map(|byte| byte ^ 0x55).collect(), ..toy() };
    assert!(matches!(talk(noisy, 1), Err(SerialError::Noise { bytes: 99 })));
    let lossy = Toy { lose_sent: (100..10_000).step_by(5).collect(), ..toy() };
    assert!(matches!(talk(lossy, 1), Err(SerialError::Lost { .. })));
    let mut other = Session::new(toy(), Shape { frame_bytes: 4, ..SHAPE }, Duration::ZERO);
    let error = other.begin().expect_err("another design");
    assert!(error.to_string().contains("its frames have 3 bytes, and this one's 4"), "{error}");
}

#[test]
fn a_reply_of_an_earlier_try_is_no_answer() {
    let mut session = session(toy());
    session.port().back.extend(encode(&[0x82, 0, 9, 9, 9, 9]));
    assert_eq!(session.read(register::PLANES).expect("an answer"), 4);
    assert_eq!(Reply::parse(&[0x82, 0, 9, 9, 9, 9], 2), Some(Reply::Read { tag: 0, value: 0x0909_0909 }));
}
