//! The conversation with one board: registers one by one, frames several at a time, and what is lost again.
//!
//! Every request has a tag of its own, its repetitions too. A result that overtakes another one's place says that that
//! frame was lost; a silence says that nothing more will come. Settings are written again before frames are repeated,
//! for the board may have been reset; what a board says whose settings are gone (`session` is 0) counts for nothing.

use super::message::{Reason, Reply, Request};
use super::packet::{Decoder, FLAG, encode};
use super::{SerialError, register};
use std::collections::VecDeque;
use std::io;
use std::time::Duration;

/// Tries in a row before a request is given up.
const TRIES: u32 = 5;
/// Bytes without a packet in them before they count as a silence.
const MOST_NOISE: u64 = 1 << 18;

/// A line to a board.
pub trait Port {
    /// Sends all `bytes`, or leaves them to the system to send.
    fn send(&mut self, bytes: &[u8]) -> io::Result<()>;
    /// Waits up to `wait` for bytes; how many came, 0 for none.
    fn receive(&mut self, buffer: &mut [u8], wait: Duration) -> io::Result<usize>;
}

/// What a design takes and gives.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Shape {
    pub frame_bytes: usize,
    pub result_bytes: usize,
    /// Whether the line reaches registers, the link's own among them.
    pub registers: bool,
}

/// What happened on the line.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Counts {
    /// Bytes received, and whole packets in them.
    pub bytes: u64,
    pub packets: u64,
    /// Packets received with a wrong check sequence.
    pub damaged: u64,
    /// Requests that the board refused.
    pub refused: u64,
    /// Silences where an answer was due.
    pub silent: u64,
    /// Frames sent more than once.
    pub again: u64,
    /// Results of a board that had been reset.
    pub reset: u64,
}

/// A conversation over `P`.
#[derive(Debug)]
pub struct Session<P> {
    port: P,
    shape: Shape,
    patience: Duration,
    counts: Counts,
    decoder: Decoder,
    bytes: VecDeque<u8>,
    tag: u8,
    settings: Vec<(u16, u32)>,
    /// Results that came while a register was waited for.
    early: VecDeque<Reply>,
}

/// A frame on its way.
struct Sent {
    tag: u8,
    index: usize,
    frame: Vec<u8>,
}

impl<P: Port> Session<P> {
    /// A conversation in which an answer that does not come within `patience` counts as lost.
    pub fn new(port: P, shape: Shape, patience: Duration) -> Session<P> {
        let (counts, decoder) = (Counts::default(), Decoder::default());
        let (bytes, early, settings) = (VecDeque::new(), VecDeque::new(), Vec::new());
        Session { port, shape, patience, counts, decoder, bytes, tag: 0, settings, early }
    }

    /// What happened so far.
    pub fn counts(&self) -> Counts {
        self.counts
    }

    /// The port, for a change of its rate; whatever was half received is forgotten.
    pub fn port(&mut self) -> &mut P {
        self.decoder = Decoder::default();
        self.bytes.clear();
        &mut self.port
    }

    /// Sets how long an answer may take.
    pub fn set_patience(&mut self, patience: Duration) {
        self.patience = patience;
    }

    /// Finds the board, asks for its sizes, and begins a session with the settings as they are. A board without
    /// registers is found by its first result.
    ///
    /// Errors: no answer, or a board with another design.
    pub fn begin(&mut self) -> Result<(), SerialError> {
        self.port.send(&[FLAG, FLAG])?;
        if !self.shape.registers {
            return Ok(());
        }
        let version = self.read(register::LINK)?;
        if version != register::VERSION {
            let what = format!("its line speaks {version:#010x} and not {:#010x}", register::VERSION);
            return Err(SerialError::OtherDesign { what });
        }
        let wanted = [
            ("frames", register::FRAME_BYTES, self.shape.frame_bytes),
            ("results", register::RESULT_BYTES, self.shape.result_bytes),
        ];
        for (name, address, bytes) in wanted {
            let there = self.read(address)?;
            if there as usize != bytes {
                let what = format!("its {name} have {there} bytes, and this one's {bytes}");
                return Err(SerialError::OtherDesign { what });
            }
        }
        self.restore()
    }

    /// What the register at `address` holds.
    pub fn read(&mut self, address: u16) -> Result<u32, SerialError> {
        match self.exchange(Request::Read(address))? {
            Reply::Read { value, .. } => Ok(value),
            _ => unreachable!("exchange gives the reply that belongs to its request"),
        }
    }

    /// Writes the register at `address`.
    pub fn write(&mut self, address: u16, value: u32) -> Result<(), SerialError> {
        self.exchange(Request::Write(address, value)).map(|_| ())
    }

    /// Writes the register at `address`, and again whenever the board may have lost it.
    pub fn set(&mut self, address: u16, value: u32) -> Result<(), SerialError> {
        self.settings.retain(|&(other, _)| other != address);
        self.settings.push((address, value));
        self.write(address, value)
    }

    /// Sends `frames`, at most `window` of them without their results, and gives each result with the frame's number to
    /// `each`, in any order.
    pub fn frames(
        &mut self,
        window: usize,
        frames: &mut dyn Iterator<Item = Vec<u8>>,
        each: &mut dyn FnMut(usize, &[u8]),
    ) -> Result<(), SerialError> {
        let mut window = window.max(1);
        let mut fresh = frames.enumerate();
        let mut again: VecDeque<(usize, Vec<u8>)> = VecDeque::new();
        let mut sent: VecDeque<Sent> = VecDeque::new();
        let mut failures = 0;
        loop {
            while sent.len() < window {
                let Some((index, frame)) = again.pop_front().or_else(|| fresh.next()) else { break };
                let tag = self.send(Request::Frame(&frame))?;
                sent.push_back(Sent { tag, index, frame });
            }
            if sent.is_empty() {
                return Ok(());
            }
            let reply = match self.early.pop_front() {
                Some(reply) => Some(reply),
                None => self.reply()?,
            };
            let place = |tag: u8| sent.iter().position(|frame| frame.tag == tag);
            // How many of those that were sent first are lost.
            let lost = match reply {
                Some(Reply::Result { tag, session: true, data }) => {
                    // A result of a frame that was given up does not count.
                    let Some(place) = place(tag) else { continue };
                    if let Some(frame) = sent.remove(place) {
                        each(frame.index, &data);
                    }
                    failures = 0;
                    place
                }
                Some(Reply::Result { tag, session: false, .. }) => {
                    // Others of the same reset, whose frames are on their way again.
                    if place(tag).is_none() {
                        continue;
                    }
                    self.counts.reset += 1;
                    failures += 1;
                    self.restore()?;
                    sent.len()
                }
                Some(Reply::Refused { tag, reason }) => {
                    self.refused(reason)?;
                    failures += 1;
                    if reason == Reason::Full {
                        window = 1;
                    }
                    if let Some(frame) = place(tag).and_then(|place| sent.remove(place)) {
                        again.push_back((frame.index, frame.frame));
                        self.counts.again += 1;
                    }
                    0
                }
                Some(_) => 0,
                None => {
                    self.counts.silent += 1;
                    failures += 1;
                    self.restore()?;
                    sent.len()
                }
            };
            self.counts.again += lost as u64;
            again.extend(sent.drain(..lost).map(|frame| (frame.index, frame.frame)));
            if failures >= TRIES {
                return Err(self.failure());
            }
        }
    }

    /// Writes all settings once more and marks the session.
    fn restore(&mut self) -> Result<(), SerialError> {
        if !self.shape.registers {
            return Ok(());
        }
        for (address, value) in self.settings.clone() {
            self.write(address, value)?;
        }
        self.write(register::SESSION, 1)
    }

    /// Sends a request under a tag of its own.
    fn send(&mut self, request: Request) -> Result<u8, SerialError> {
        self.tag = self.tag.wrapping_add(1);
        self.port.send(&encode(&request.content(self.tag)))?;
        Ok(self.tag)
    }

    /// A request for a register and its reply, with repetitions.
    fn exchange(&mut self, request: Request) -> Result<Reply, SerialError> {
        for _ in 0..TRIES {
            let wanted = self.send(request)?;
            loop {
                match self.reply()? {
                    Some(reply @ Reply::Read { tag, .. }) if tag == wanted => return Ok(reply),
                    Some(reply @ Reply::Written { tag }) if tag == wanted => return Ok(reply),
                    Some(reply @ Reply::Result { .. }) => self.early.push_back(reply),
                    Some(Reply::Refused { reason, .. }) => {
                        self.refused(reason)?;
                        break;
                    }
                    // Of an earlier try.
                    Some(_) => {}
                    None => {
                        self.counts.silent += 1;
                        break;
                    }
                }
            }
        }
        Err(self.failure())
    }

    /// Counts a refusal.
    ///
    /// Errors: one that a repetition cannot mend.
    fn refused(&mut self, reason: Reason) -> Result<(), SerialError> {
        self.counts.refused += 1;
        match reason {
            Reason::Unknown => Err(SerialError::Refused { reason }),
            _ => Ok(()),
        }
    }

    /// Why nothing came of several tries.
    fn failure(&self) -> SerialError {
        let Counts { bytes, packets, damaged, refused, silent, .. } = self.counts;
        match (bytes, packets) {
            (0, _) => SerialError::Silent { tries: TRIES },
            (_, 0) => SerialError::Noise { bytes },
            _ => SerialError::Lost { tries: TRIES, damaged, refused, silent },
        }
    }

    /// The next whole reply; `None` if none comes.
    fn reply(&mut self) -> Result<Option<Reply>, SerialError> {
        let mut buffer = [0; 4096];
        let mut noise = 0;
        loop {
            while let Some(byte) = self.bytes.pop_front() {
                match self.decoder.push(byte) {
                    Some(Some(content)) => match Reply::parse(&content, self.shape.result_bytes) {
                        Some(reply) => {
                            self.counts.packets += 1;
                            return Ok(Some(reply));
                        }
                        None => self.counts.damaged += 1,
                    },
                    Some(None) => self.counts.damaged += 1,
                    None => {}
                }
            }
            let count = self.port.receive(&mut buffer, self.patience)?;
            noise += count as u64;
            self.counts.bytes += count as u64;
            if count == 0 || noise > MOST_NOISE.max(4 * self.shape.result_bytes as u64) {
                return Ok(None);
            }
            self.bytes.extend(&buffer[..count]);
        }
    }
}

#[cfg(test)]
mod tests;
