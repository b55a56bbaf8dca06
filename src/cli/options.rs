//! Values on the command line: each in a range that makes sense, and `-` with one meaning.

use clap::builder::{PathBufValueParser, TypedValueParser};
use std::path::{Path, PathBuf};

pub use crate::app::MOST_THREADS;

/// Most tools at a time.
pub const MOST_JOBS: usize = 256;

/// A whole number from `LEAST` to `MOST`.
pub fn count<const LEAST: usize, const MOST: usize>(text: &str) -> Result<usize, String> {
    match text.parse() {
        Ok(number) if (LEAST..=MOST).contains(&number) => Ok(number),
        _ => Err(format!("a whole number from {LEAST} to {MOST}")),
    }
}

/// A fraction from 0 to 1.
pub fn fraction(text: &str) -> Result<f64, String> {
    match text.parse() {
        Ok(number) if (0.0..=1.0).contains(&number) => Ok(number),
        _ => Err("a fraction from 0 to 1".into()),
    }
}

/// A time in seconds, of a number and a unit: `20s`, `90min`, `1h`, `1.5d`, `1y` (365 days).
pub fn time(text: &str) -> Result<f64, String> {
    let digits = text.trim_end_matches(|c: char| c.is_ascii_alphabetic());
    let unit = match &text[digits.len()..] {
        "" | "s" => Some(1.0),
        "min" => Some(60.0),
        "h" => Some(3600.0),
        "d" => Some(86_400.0),
        "y" => Some(365.0 * 86_400.0),
        _ => None,
    };
    match (digits.parse::<f64>(), unit) {
        (Ok(number), Some(unit)) if number >= 0.0 && number * unit <= 1e10 => Ok(number * unit),
        _ => Err("a time from 0 to 317 years, such as 20s, 90min, 1h, 1.5d or 1y".into()),
    }
}

/// What stands for standard output.
pub const STDOUT: &str = "-";

/// Whether `path` stands for standard output.
pub fn is_stdout(path: &Path) -> bool {
    path.as_os_str() == STDOUT
}

/// An output of more than one file, which standard output cannot hold.
pub fn on_disk() -> impl TypedValueParser<Value = PathBuf> {
    PathBufValueParser::new().try_map(|path| match is_stdout(&path) {
        true => Err("`-`, standard output, cannot take this: give a path on the disk (or `./-`)"),
        false => Ok(path),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_outside_of_their_range_are_refused() {
        assert_eq!(count::<1, 8>("8"), Ok(8));
        for text in ["0", "9", "-1", "1.5", "", "18446744073709551617"] {
            assert_eq!(count::<1, 8>(text), Err("a whole number from 1 to 8".into()), "{text}");
        }
        assert_eq!(fraction("0.5"), Ok(0.5));
        assert_eq!(
            ["1y", "1.5d", "90min", "2h", "20s", "7"].map(|t| time(t).unwrap()),
            [31_536_000.0, 129_600.0, 5400.0, 7200.0, 20.0, 7.0]
        );
        assert!(["-1s", "1w", "y", "", "nan", "1e11", "1 y"].iter().all(|text| time(text).is_err()));
        assert!(["-0.1", "1.1", "nan", "inf", "x"].iter().all(|text| fraction(text).is_err()));
    }
}
