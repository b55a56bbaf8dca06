//! A serial port of this machine, held by this program alone.

use super::SerialError;
use super::session::Port;
use crate::escape;
use serial2::{SerialPort, Settings};
use std::io::{self, ErrorKind};
use std::os::fd::AsRawFd;
use std::path::Path;
use std::time::Duration;

/// How long the system may take to accept bytes.
const WRITE_TIMEOUT: Duration = Duration::from_secs(20);

/// An open port: 8 data bits, no parity, 1 stop bit, no flow control.
#[derive(Debug)]
pub struct Uart {
    port: SerialPort,
    name: String,
}

impl Uart {
    /// Opens the port at `path` with `rate` bits a second.
    ///
    /// Errors: no such port, one that another program holds or that may not be opened, a rate that it cannot have.
    pub fn open(path: &Path, rate: u32) -> Result<Uart, SerialError> {
        let name = escape::path(path);
        let raw = |mut settings: Settings| {
            settings.set_raw();
            Ok(settings)
        };
        let mut port = match SerialPort::open(path, raw) {
            Ok(port) => port,
            Err(error) => return Err(refusal(error, name)),
        };
        // SAFETY: the descriptor is open as long as `port` lives; flock touches no memory.
        if unsafe { libc::flock(port.as_raw_fd(), libc::LOCK_EX | libc::LOCK_NB) } != 0 {
            return Err(SerialError::Busy { port: name });
        }
        port.set_write_timeout(WRITE_TIMEOUT)?;
        let mut uart = Uart { port, name };
        uart.set_rate(rate)?;
        Ok(uart)
    }

    /// Sets the rate, bits a second, and forgets what has come so far.
    ///
    /// Errors: a rate that the port cannot have.
    pub fn set_rate(&mut self, rate: u32) -> Result<(), SerialError> {
        let refused = |source| SerialError::Rate { port: self.name.clone(), rate, source };
        let mut settings = self.port.get_configuration().map_err(refused)?;
        settings.set_baud_rate(rate).map_err(refused)?;
        self.port.set_configuration(&settings).map_err(refused)?;
        self.port.discard_buffers()?;
        Ok(())
    }
}

/// Why a port could not be opened.
fn refusal(error: io::Error, port: String) -> SerialError {
    match error.kind() {
        ErrorKind::NotFound => {
            let there = SerialPort::available_ports().unwrap_or_default();
            let names: Vec<String> = there.iter().map(|path| escape::path(path)).collect();
            let there = match names.is_empty() {
                true => "; there is none at all".to_string(),
                false => format!("; there are {}", names.join(", ")),
            };
            SerialError::NoPort { port, there }
        }
        ErrorKind::ResourceBusy => SerialError::Busy { port },
        ErrorKind::PermissionDenied => SerialError::Denied { port, source: error },
        _ => SerialError::NoPort { port, there: format!(" that can be opened: {error}") },
    }
}

impl Port for Uart {
    fn send(&mut self, bytes: &[u8]) -> io::Result<()> {
        self.port.write_all(bytes)
    }

    fn receive(&mut self, buffer: &mut [u8], wait: Duration) -> io::Result<usize> {
        if self.port.get_read_timeout()? != wait {
            self.port.set_read_timeout(wait)?;
        }
        match self.port.read(buffer) {
            Err(error) if error.kind() == ErrorKind::TimedOut => Ok(0),
            Err(error) if error.kind() == ErrorKind::Interrupted => self.receive(buffer, wait),
            Ok(0) => Err(io::Error::new(ErrorKind::UnexpectedEof, "the port has gone")),
            other => other,
        }
    }
}
