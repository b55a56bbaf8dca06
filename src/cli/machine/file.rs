//! The file of a program: what is loaded into a machine, and the network that it is the program of.
//!
//! The network's model and the rules that it was read by lie behind the beats, so that a machine can be verified with the
//! file alone; a board is sent the beats.

use crate::cli::load::{self, Model};
use crate::cli::pixels;
use crate::design::{Design, Machine};
use crate::{bounded, emit, escape};
use miette::miette;
use sha2::{Digest, Sha256};
use std::path::Path;

/// What the file begins with; its lengths follow, 64 bits each, little-endian.
const MAGIC: &[u8; 16] = b"BINCIM program 1";
const SECTIONS: usize = 4;
const MOST_BYTES: usize = 1 << 30;

/// A network's program for one machine.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ProgramFile {
    /// Name of the network.
    pub name: String,
    /// What is sent to the machine; the second beat is the machine's number.
    pub beats: Vec<u32>,
    /// How its model is read, as `source/input.toml` of a design says it.
    pub rules: String,
    /// The model file.
    pub model: Vec<u8>,
}

impl ProgramFile {
    /// The program of `design`, whose model lies at `path`, on the machine of that number.
    ///
    /// Errors: the model cannot be read again.
    pub fn of(
        (machine, number): (&Machine, u32),
        design: &Design,
        model: &Model,
        path: &Path,
    ) -> miette::Result<ProgramFile> {
        Ok(ProgramFile {
            name: design.name.raw().into(),
            beats: emit::program(&machine.capacity, design, number),
            rules: pixels::record(&model.pixels, &model.fixed),
            model: load::model_bytes(path)?,
        })
    }

    /// Number of the machine that it was made for.
    pub fn machine(&self) -> u32 {
        self.beats[1]
    }

    /// The content of the file.
    pub fn bytes(&self) -> Vec<u8> {
        let beats: Vec<u8> = self.beats.iter().flat_map(|beat| beat.to_le_bytes()).collect();
        let sections: [&[u8]; SECTIONS] = [self.name.as_bytes(), self.rules.as_bytes(), &beats, &self.model];
        let mut all = MAGIC.to_vec();
        sections.iter().for_each(|section| all.extend((section.len() as u64).to_le_bytes()));
        sections.iter().for_each(|section| all.extend(*section));
        all.extend(Sha256::digest(&all));
        all
    }

    /// The file at `path`.
    ///
    /// Errors: it cannot be read, is no program, or has been changed.
    pub fn read(path: &Path) -> miette::Result<ProgramFile> {
        let refused = |what: String| {
            miette!(
                code = "cli::program",
                help = "`bincim compile MODEL --machine DIR -o NET.bin` makes one",
                "{}: {what}",
                escape::path(path)
            )
        };
        let bytes = bounded::bytes(path, MOST_BYTES).map_err(|error| refused(error.to_string()))?;
        parse(&bytes).ok_or_else(|| refused("it is no program, or has been changed".into()))
    }
}

fn parse(bytes: &[u8]) -> Option<ProgramFile> {
    let digest = Sha256::output_size();
    let (content, sum) = bytes.split_at_checked(bytes.len().checked_sub(digest)?)?;
    let (head, rest) = content.split_at_checked(MAGIC.len() + 8 * SECTIONS)?;
    let (magic, lengths) = head.split_at(MAGIC.len());
    if magic != MAGIC || Sha256::digest(content).as_slice() != sum {
        return None;
    }
    let mut rest = rest;
    let mut sections = Vec::new();
    for length in lengths.chunks_exact(8) {
        let length = u64::from_le_bytes(length.try_into().ok()?);
        let (section, after) = rest.split_at_checked(usize::try_from(length).ok()?)?;
        sections.push(section);
        rest = after;
    }
    let [name, rules, beats, model] = sections[..] else { return None };
    let text = |bytes: &[u8]| String::from_utf8(bytes.to_vec()).ok();
    let beats: Vec<u32> =
        beats.chunks_exact(4).map(|beat| u32::from_le_bytes([beat[0], beat[1], beat[2], beat[3]])).collect();
    let whole = rest.is_empty() && beats.len() > 2;
    whole.then_some(ProgramFile { name: text(name)?, beats, rules: text(rules)?, model: model.to_vec() })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_program_is_read_back_and_one_that_was_changed_is_none() {
        let program = ProgramFile {
            name: "net".into(),
            beats: vec![1, 2, 3, 4],
            rules: "rule = \"raw\"".into(),
            model: vec![9; 40],
        };
        let bytes = program.bytes();
        assert_eq!(parse(&bytes), Some(program));
        for at in 0..bytes.len() {
            let mut changed = bytes.clone();
            changed[at] ^= 0x10;
            assert_eq!(parse(&changed), None, "byte {at}");
            assert_eq!(parse(&bytes[..at]), None, "{at} bytes");
        }
    }
}
