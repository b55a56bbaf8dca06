//! What can go wrong between host and board, with a stable code and a way out for each.

use super::message::Reason;
use miette::Diagnostic;
use std::io;
use thiserror::Error;

/// A failure of the port, the line or the board.
#[derive(Debug, Error, Diagnostic)]
pub enum SerialError {
    /// There is no such port.
    #[error("no serial port {port}{there}")]
    #[diagnostic(
        code(serial::no_port),
        help("plug the board in, and look at what `ls /dev/serial/by-id` or `dmesg` calls it")
    )]
    NoPort {
        /// The port's path.
        port: String,
        /// The ports that are there, in words.
        there: String,
    },

    /// Another program has it.
    #[error("the serial port {port} is in use by another program")]
    #[diagnostic(
        code(serial::busy),
        help("end the terminal or driver that holds it (`fuser -v {port}` names it)")
    )]
    Busy {
        /// The port's path.
        port: String,
    },

    /// The system does not let us.
    #[error("the serial port {port} may not be opened: {source}")]
    #[diagnostic(
        code(serial::denied),
        help(
            "become a member of the group that owns it (`ls -l {port}`; often `sudo adduser $USER dialout`)"
        )
    )]
    Denied {
        /// The port's path.
        port: String,
        source: io::Error,
    },

    /// The port cannot be set to the rate.
    #[error("the serial port {port} cannot run at {rate} baud: {source}")]
    #[diagnostic(code(serial::rate), help("take a rate that the board's converter holds"))]
    Rate {
        /// The port's path.
        port: String,
        /// Bits a second.
        rate: u32,
        source: io::Error,
    },

    /// Reading or writing failed.
    #[error("the serial port failed: {source}")]
    #[diagnostic(code(serial::io), help("was the board unplugged? plug it in and run this again"))]
    Io { source: io::Error },

    /// Nothing came back at all.
    #[error("the board does not answer: not one byte came back for {tries} requests")]
    #[diagnostic(
        code(serial::silent),
        help(
            "is it programmed (`bincim load DIR`), is this its port, and is --rate the rate that the design was made for?"
        )
    )]
    Silent {
        /// Requests sent.
        tries: u32,
    },

    /// Bytes came, but no packet.
    #[error("what comes back are no packets: {bytes} bytes, none of them in a whole one")]
    #[diagnostic(
        code(serial::rate_wrong),
        help("the rate is wrong (--rate), or something else is on this port")
    )]
    Noise {
        /// Bytes received.
        bytes: u64,
    },

    /// The line loses more than retries bring back.
    #[error(
        "the line loses bytes: no way through in {tries} tries; {damaged} damaged replies, {refused} refused requests, \
             {silent} without an answer"
    )]
    #[diagnostic(
        code(serial::lost),
        help("generate the design with a lower --baud, or take a shorter cable or another hub")
    )]
    Lost {
        /// Tries in a row that failed.
        tries: u32,
        /// Damaged replies, requests refused by the board, and silences, in the whole session.
        damaged: u64,
        refused: u64,
        silent: u64,
    },

    /// The board refuses a request for what it is.
    #[error("the board refuses a request: {reason:?}")]
    #[diagnostic(code(serial::refused), help("is the board programmed with this design? `bincim load DIR`"))]
    Refused {
        /// Why.
        reason: Reason,
    },

    /// The board holds another design.
    #[error("the board holds another design: {what}")]
    #[diagnostic(
        code(serial::other_design),
        help("program it with this one: `bincim synth DIR` and `bincim load DIR`")
    )]
    OtherDesign {
        /// What differs.
        what: String,
    },
}

impl From<io::Error> for SerialError {
    fn from(source: io::Error) -> SerialError {
        SerialError::Io { source }
    }
}
