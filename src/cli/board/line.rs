//! The serial line of a run: its rate, how a board is found on it, and what it can carry.

use super::Board;
use crate::emit::board::host::Record;
use crate::emit::hdl;
use crate::serial::{SerialError, Session, Shape, Uart};
use miette::miette;
use std::path::Path;
use std::time::Duration;

/// Most frames on their way: the board keeps the tags of so many.
pub const MOST_WINDOW: usize = 8;
/// Bits on the line for a byte.
const BITS: f64 = 10.0;

/// The line as it is asked for.
pub struct Line {
    pub baud: u32,
    /// Frames on their way at a time.
    pub window: usize,
    patience: Duration,
    most_baud: u32,
    /// The clock makes no faster rate that the converter would hold.
    clock_bound: bool,
    /// Frames a second that the accelerator computes.
    computed: f64,
}

/// What bounds the frames a second.
pub struct Limits {
    /// Of the line, at its rate.
    pub line: f64,
    /// Of the accelerator, at its clock.
    pub cycles: f64,
    /// Bytes of a frame on the line, and of its result.
    pub bytes: (f64, f64),
    /// `line`, `clock` or `cycles`.
    pub binding: &'static str,
}

/// A time on the command line.
pub fn seconds(text: &str) -> Result<f64, String> {
    match text.parse() {
        Ok(seconds) if (0.001..=3600.0).contains(&seconds) => Ok(seconds),
        _ => Err("seconds, from 0.001 to 3600".into()),
    }
}

impl Line {
    /// The line of a run on the board of `record`, whose frames are `interval` cycles apart.
    pub fn new(args: &Board, record: &Record, interval: u64) -> Line {
        let baud = args.rate.unwrap_or(record.baud);
        let computed = record.clock_hz as f64 / interval as f64;
        let packet = BITS * (record.frame.bytes as f64 + 8.0) / f64::from(baud);
        // A board that computes faster than the line brings frames takes any number; else one waits in its buffer.
        let window = args.window.unwrap_or(if computed * packet > 1.2 { MOST_WINDOW - 2 } else { 2 });
        let patience = 0.5 + 2.0 * window as f64 * (packet + 1.0 / computed);
        let fastest = hdl::fastest(record.clock_hz, record.most_baud.into()).unwrap_or(0);
        Line {
            baud,
            window,
            patience: Duration::from_secs_f64(args.patience.unwrap_or(patience)),
            most_baud: record.most_baud,
            clock_bound: fastest == u64::from(baud) && baud < record.most_baud,
            computed,
        }
    }

    /// A session with the board at `port`; where it does not answer, but does at another rate, the error says so.
    pub fn connect(&self, port: &Path, shape: Shape) -> miette::Result<Session<Uart>> {
        let mut session = Session::new(Uart::open(port, self.baud)?, shape, self.patience);
        let error = match session.begin() {
            Ok(()) => return Ok(session),
            Err(error @ (SerialError::Silent { .. } | SerialError::Noise { .. })) => error,
            Err(error) => return Err(error.into()),
        };
        let others = hdl::RATES.into_iter().map(|rate| rate as u32).filter(|&rate| rate != self.baud);
        for rate in others.filter(|&rate| rate <= self.most_baud) {
            if session.port().set_rate(rate).is_ok() && !matches!(session.begin(), Err(error) if deaf(&error))
            {
                return Err(miette!(
                    code = "serial::rate_wrong",
                    help = format!("take --rate {rate}, or program the board with this folder's bitstream"),
                    "the board does not answer at {} baud, but it does at {rate}",
                    self.baud
                ));
            }
        }
        Err(error.into())
    }

    /// The limits where a frame takes `sent` bytes on the line and its result `received`.
    pub fn limits(&self, sent: f64, received: f64) -> Limits {
        // With one frame at a time nothing goes both ways at once.
        let bytes = if self.window == 1 { sent + received } else { sent.max(received) };
        let line = f64::from(self.baud) / BITS / bytes;
        let binding = match (line > self.computed, self.clock_bound) {
            (true, _) => "cycles",
            (false, true) => "clock",
            (false, false) => "line",
        };
        Limits { line, cycles: self.computed, bytes: (sent, received), binding }
    }
}

/// Whether nobody was there that spoke the protocol.
fn deaf(error: &SerialError) -> bool {
    !matches!(error, SerialError::OtherDesign { .. } | SerialError::Refused { .. })
}
