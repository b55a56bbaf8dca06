//! Finished chips: one line of JSON each, appended whole as soon as the chip is done.
//!
//! A run that is killed loses no finished line; the line it was writing, if any, is cut off when the file is opened
//! again. The lines of a finished run stand in the order of the chips.

use super::settings::Settings;
use crate::bounded;
use crate::escape;
use crate::montecarlo::{Calibration, Job, Measured};
use miette::{IntoDiagnostic, WrapErr, miette};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use std::fs::{File, OpenOptions};
use std::io::Write;
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};

/// File in the run's folder.
pub const FILE: &str = "chips.jsonl";

/// Most bytes of it: a million chips of a network of dozens of layers.
const MOST_BYTES: usize = 1 << 30;
/// More cells than any machine has.
const MOST_CELLS: usize = 1 << 40;

/// One line.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Record {
    /// Index of the chip; its seed is the run's seed plus this.
    pub chip: usize,
    /// Index of the machine.
    pub case: usize,
    pub correct: usize,
    pub changed: usize,
    pub saturated: usize,
    pub flips: Vec<u64>,
    /// Of probabilities, where weights are drawn.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub calibration: Option<Calibration>,
}

/// Records by (chip, machine).
pub type Records = BTreeMap<(usize, usize), Record>;

impl Record {
    pub fn new(job: Job, measured: Measured) -> Record {
        let Measured { correct, changed, saturated, flips, calibration } = measured;
        Record { chip: job.chip, case: job.case, correct, changed, saturated, flips, calibration }
    }

    fn line(&self) -> String {
        serde_json::to_string(self).expect("plain values") + "\n"
    }

    /// Whether a run of these settings can have written it.
    fn fits(&self, settings: &Settings) -> bool {
        let bits = |layer: usize| settings.flips[layer].bits * settings.images as u64;
        // A run that asked for more chips before may have left them.
        settings.shard.is_none_or(|(index, count)| self.chip % count == index)
            && self.case < settings.cases.len()
            && self.correct.max(self.changed) <= settings.images
            && self.saturated <= MOST_CELLS
            && self.flips.len() == settings.flips.len()
            && self.calibration.is_some()
                == settings.ideal_calibration.get(self.case).is_some_and(Option::is_some)
            && self.flips.iter().enumerate().all(|(layer, &flips)| flips <= bits(layer))
    }
}

/// The records that stand whole in `dir`, and the length of the file up to the last of them.
///
/// Errors: a line that is no record of this run, and a chip that stands there twice.
pub fn read(dir: &Path, settings: &Settings) -> miette::Result<(Records, u64)> {
    let path = dir.join(FILE);
    let bytes = match bounded::bytes(&path, MOST_BYTES) {
        Ok(bytes) => bytes,
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => Vec::new(),
        Err(error) => {
            return Err(error).into_diagnostic().wrap_err(format!("cannot read {}", escape::path(&path)));
        }
    };
    let whole = bytes.iter().rposition(|&byte| byte == b'\n').map_or(0, |last| last + 1);
    let mut records = Records::new();
    for (index, line) in bytes[..whole].split_inclusive(|&byte| byte == b'\n').enumerate() {
        let damaged = |what: String| {
            miette!(
                code = "vary::bad_record",
                help = "remove the line to run its chip again, or take another folder",
                "{}:{}: {what}",
                escape::path(&path),
                index + 1
            )
        };
        let record: Record =
            serde_json::from_slice(line).map_err(|error| damaged(escape::terminal(&error.to_string())))?;
        if !record.fits(settings) {
            return Err(damaged(format!("chip {} is none of this run", record.chip)));
        }
        if let Some(twice) = records.insert((record.chip, record.case), record) {
            return Err(damaged(format!("chip {} of machine {} stands there twice", twice.chip, twice.case)));
        }
    }
    Ok((records, whole as u64))
}

/// All records as text, in order.
pub fn text(records: &Records) -> String {
    records.values().map(Record::line).collect()
}

/// The file of a run that goes on.
pub struct Log {
    path: PathBuf,
    file: File,
}

impl Log {
    /// Opens the file in `dir` behind its first `length` bytes and cuts off what follows them.
    pub fn open(dir: &Path, length: u64) -> miette::Result<Log> {
        let path = dir.join(FILE);
        let open = || -> std::io::Result<File> {
            let file =
                OpenOptions::new().create(true).append(true).custom_flags(libc::O_NOFOLLOW).open(&path)?;
            // The folder is held already; this tells another host on a shared file system.
            file.try_lock()?;
            file.set_len(length)?;
            Ok(file)
        };
        let file = open().into_diagnostic().wrap_err(format!("cannot open {}", escape::path(&path)))?;
        Ok(Log { path, file })
    }

    /// Appends one line; when this returns the line is with the operating system, whole.
    pub fn append(&mut self, record: &Record) -> miette::Result<()> {
        let written = self.file.write_all(record.line().as_bytes());
        written.into_diagnostic().wrap_err_with(|| format!("cannot write {}", escape::path(&self.path)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::app::vary::settings::tests::settings;

    fn record(chip: usize) -> Record {
        Record {
            chip,
            case: 0,
            correct: chip,
            changed: 0,
            saturated: 0,
            flips: Vec::new(),
            calibration: None,
        }
    }

    #[test]
    fn a_line_that_was_cut_off_is_run_again() {
        let dir = tempfile::tempdir().unwrap();
        let half = &record(2).line()[..20];
        std::fs::write(dir.path().join(FILE), record(1).line() + &record(0).line() + half).unwrap();
        let (mut records, length) = read(dir.path(), &settings()).unwrap();
        assert_eq!(records.len(), 2);
        let mut log = Log::open(dir.path(), length).unwrap();
        log.append(&record(2)).unwrap();
        records.insert((2, 0), record(2));
        assert_eq!(read(dir.path(), &settings()).unwrap().0, records);
        assert_eq!(text(&records), record(0).line() + &record(1).line() + &record(2).line());
    }

    #[test]
    fn a_line_of_another_run_is_named() {
        let dir = tempfile::tempdir().unwrap();
        let says = |lines: &str, settings: &Settings| {
            std::fs::write(dir.path().join(FILE), lines).unwrap();
            read(dir.path(), settings).expect_err("refused").to_string()
        };
        let ok = record(0).line();
        assert!(says(&(ok.clone() + &ok), &settings()).contains("chips.jsonl:2: chip 0 of machine 0 stands"));
        assert!(says(&(ok.clone() + "nonsense\n"), &settings()).contains("chips.jsonl:2"));
        let shard = Settings { shard: Some((1, 2)), ..settings() };
        assert!(says(&ok, &shard).contains("none of this run"));
        assert!(says(&record(11).line(), &settings()).contains("none of this run"), "11 of 10 images");
    }
}
