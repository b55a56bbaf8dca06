//! What a machine must satisfy before anything is built from it.

use super::{Arch, ArchFile, Range, Readout};

/// One key of the architecture file that cannot be, why, and what would be right.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{key} = {value}: {what}; {fix}")]
pub struct ArchProblem {
    pub key: &'static str,
    pub value: String,
    pub what: String,
    pub fix: String,
}

/// Everything that is wrong with `arch`; empty when it can be built.
pub fn validate(arch: &Arch) -> Vec<ArchProblem> {
    let mut problems = Vec::new();
    let mut say = |wrong: bool, key, value: String, what: String, fix: String| {
        if wrong {
            problems.push(ArchProblem { key, value, what, fix });
        }
    };
    let range = |value: usize, low: usize, high: usize| !(low..=high).contains(&value);
    say(
        range(arch.rows, 8, 4096),
        "array.rows",
        arch.rows.to_string(),
        "outside 8 to 4096".into(),
        "take a number of rows such as 64, 256 or 576".into(),
    );
    say(
        range(arch.lanes, 1, 1024),
        "array.columns",
        arch.lanes.to_string(),
        "outside 1 to 1024".into(),
        "take a number of columns such as 16, 32 or 64".into(),
    );
    if !problems.is_empty() {
        return problems;
    }
    let mut say = |wrong: bool, key, value: String, what: String, fix: String| {
        if wrong {
            problems.push(ArchProblem { key, value, what, fix });
        }
    };
    say(
        arch.word == 0 || !arch.rows.is_multiple_of(arch.word),
        "activation.word",
        arch.word.to_string(),
        format!("does not divide array.rows = {}", arch.rows),
        format!("take one of {}", list(&divisors(arch.rows))),
    );
    say(
        arch.word != 0 && !arch.word.is_multiple_of(arch.lanes) && !arch.lanes.is_multiple_of(arch.word),
        "activation.word",
        arch.word.to_string(),
        format!("neither divides nor is divided by array.columns = {}", arch.lanes),
        "make one a multiple of the other, so that results fill whole words".into(),
    );
    say(
        arch.word != 0 && arch.lanes > arch.rows,
        "array.columns",
        arch.lanes.to_string(),
        format!(
            "more than array.rows = {}: one cycle would write more words than there are banks",
            arch.rows
        ),
        format!("take at most {} columns", arch.rows),
    );
    say(
        arch.weight_rows == 0 || !arch.rows.is_multiple_of(arch.weight_rows),
        "weights.rows_per_cycle",
        arch.weight_rows.to_string(),
        format!("does not divide array.rows = {}", arch.rows),
        format!("take one of {}", list(&divisors(arch.rows))),
    );
    say(
        arch.accumulator_depth > 65536
            || range(arch.accumulator_depth, 4, 65536) && arch.accumulator_depth != 0,
        "accumulator.depth",
        arch.accumulator_depth.to_string(),
        "neither 0 nor 4 to 65536".into(),
        "take 0 (no accumulator memory) or a depth such as 64".into(),
    );
    say(
        range(arch.interface.input_buffers, 1, 2),
        "interface.input_buffers",
        arch.interface.input_buffers.to_string(),
        "neither 1 nor 2".into(),
        "take 2 to overlap the next frame with the present one".into(),
    );
    say(
        range(arch.interface.stream_bytes, 1, 64),
        "interface.stream_bytes",
        arch.interface.stream_bytes.to_string(),
        "outside 1 to 64".into(),
        "take 1, 2, 4 or 8".into(),
    );
    say(
        !(arch.clock_mhz() > 0.0 && arch.clock_mhz() <= 2000.0),
        "target.clock_mhz",
        arch.clock_mhz().to_string(),
        "not a clock between 0 and 2000 MHz".into(),
        "take a frequency such as 12, 25 or 60".into(),
    );
    problems.extend(validate_readout(&arch.readout, arch.rows));
    problems
}

/// What is wrong with the readout of an array of `rows` rows.
fn validate_readout(readout: &Readout, rows: usize) -> Vec<ArchProblem> {
    let mut problems = Vec::new();
    let mut say = |wrong: bool, key, value: String, what: &str, fix: &str| {
        if wrong {
            problems.push(ArchProblem { key, value, what: what.into(), fix: fix.into() });
        }
    };
    say(
        !(2..=1024).contains(&readout.levels),
        "readout.levels",
        readout.levels.to_string(),
        "outside 2 to 1024",
        "take a number of codes such as 11, 31 or 32",
    );
    if let Range::Counts(counts) = readout.range {
        say(
            !(counts > 0.0 && counts <= 4096.0),
            "readout.range",
            counts.to_string(),
            "not a number of counts between 0 and 4096",
            "give the counts of the last code, or \"full\"",
        );
    }
    say(
        readout.fraction_bits > 10,
        "readout.fraction_bits",
        readout.fraction_bits.to_string(),
        "more than 10",
        "take 6, which resolves 1/64 of a count",
    );
    say(
        readout.value_fraction_bits > 6,
        "readout.value_fraction_bits",
        readout.value_fraction_bits.to_string(),
        "more than 6",
        "take 0 for whole counts, or as many bits as the converter's step needs",
    );
    say(
        !(readout.fraction_bits + 2..=16).contains(&readout.cell_bits),
        "readout.cell_bits",
        readout.cell_bits.to_string(),
        "not between fraction_bits + 2 and 16: a cell of one count must fit with its sign",
        "take fraction_bits + 3",
    );
    say(
        readout.rows_per_cycle != 0 && !rows.is_multiple_of(readout.rows_per_cycle),
        "readout.rows_per_cycle",
        readout.rows_per_cycle.to_string(),
        "does not divide array.rows",
        "take 0 (all rows at once) or a divisor",
    );
    problems
}

/// What is wrong with the keys that are given, whatever "auto" becomes.
pub fn validate_file(file: &ArchFile) -> Vec<ArchProblem> {
    let mut problems = Vec::new();
    for (key, setting, low, high) in [
        ("array.rows", file.array.rows, 8, 4096),
        ("array.columns", file.array.columns, 1, 1024),
        ("array.lanes", file.array.lanes, 1, 1024),
        ("activation.word", file.activation.word, 1, 4096),
        ("weights.rows_per_cycle", file.weights.rows_per_cycle, 1, 4096),
    ] {
        if let Some(value) = setting.value().filter(|value| !(low..=high).contains(value)) {
            problems.push(ArchProblem {
                key,
                value: value.to_string(),
                what: format!("outside {low} to {high}"),
                fix: "give a number in this range, or \"auto\"".into(),
            });
        }
    }
    if let (Some(lanes), Some(columns)) = (file.array.lanes.value(), file.array.columns.value())
        && lanes != columns
    {
        problems.push(ArchProblem {
            key: "array.lanes",
            value: lanes.to_string(),
            what: format!(
                "differs from array.columns = {columns}; the popcount readout has one lane a column"
            ),
            fix: "leave array.lanes out, or make both equal".into(),
        });
    }
    if let Some(pixel_lanes @ (0 | 2..)) = file.array.pixel_lanes.value() {
        problems.push(ArchProblem {
            key: "array.pixel_lanes",
            value: pixel_lanes.to_string(),
            what: "only one pixel a cycle is built".into(),
            fix: "take 1 and spend the area on more columns or rows".into(),
        });
    }
    problems
}

fn divisors(n: usize) -> Vec<usize> {
    (1..=n).filter(|d| n.is_multiple_of(*d)).collect()
}

fn list(numbers: &[usize]) -> String {
    numbers.iter().map(usize::to_string).collect::<Vec<_>>().join(", ")
}
