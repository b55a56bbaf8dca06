//! What a machine must satisfy before anything is built from it.

use super::readout::MOST_GAIN;
use super::{
    Arch, ArchFile, Ensemble, InputDrive, Interface, Load, Range, RangeWord, Readout, ReadoutKind,
    Subtraction, Target,
};
use crate::device::{CellKind, Physics, Reference};

/// One key of the architecture file that cannot be, why, and what would be right.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{key} = {value}: {what}; {fix}")]
pub struct ArchProblem {
    pub key: &'static str,
    pub value: String,
    pub what: String,
    pub fix: String,
}

/// Problems as they are found.
#[derive(Default)]
struct Problems(Vec<ArchProblem>);

impl Problems {
    fn say(&mut self, wrong: bool, key: &'static str, value: impl ToString, what: String, fix: String) {
        if wrong {
            self.0.push(ArchProblem { key, value: value.to_string(), what, fix });
        }
    }
}

/// Everything that is wrong with `arch`; empty when it can be built.
pub fn validate(arch: &Arch) -> Vec<ArchProblem> {
    let mut problems = Problems::default();
    problems.say(
        !(8..=4096).contains(&arch.rows),
        "array.rows",
        arch.rows,
        "outside 8 to 4096".into(),
        "take a number of rows such as 64, 256 or 576".into(),
    );
    problems.say(
        !(1..=1024).contains(&arch.lanes),
        "array.columns",
        arch.lanes,
        "outside 1 to 1024".into(),
        "take a number of columns such as 16, 32 or 64".into(),
    );
    if problems.0.is_empty() {
        shape(arch, &mut problems);
    }
    planes(&arch.planes, &mut problems);
    slices(arch.cell_bits, &arch.readout, &arch.variation, &mut problems);
    readout(&arch.readout, arch.cell_bits, &mut problems);
    variation(&arch.variation, &mut problems);
    reference(&arch.readout, &arch.variation, arch.share, &mut problems);
    sample(&arch.readout, &arch.variation, arch.share, &mut problems);
    problems.say(
        arch.load == Load::Loadable && arch.readout.is_analog(),
        "program.load",
        "loadable",
        "the cells of analog arrays are a chip's and are not loaded".into(),
        "set it to \"fixed\", or readout.kind to \"popcount\"".into(),
    );
    ensemble(&arch.ensemble, &mut problems);
    ports(&arch.interface, &mut problems);
    target(&arch.target, &mut problems);
    problems.0
}

/// How the parts of an array of possible size fit together.
fn shape(arch: &Arch, problems: &mut Problems) {
    problems.say(
        arch.word == 0 || !arch.rows.is_multiple_of(arch.word),
        "activation.word",
        arch.word,
        format!("does not divide array.rows = {}", arch.rows),
        format!("take one of {}", list(&divisors(arch.rows))),
    );
    problems.say(
        arch.word != 0 && !arch.word.is_multiple_of(arch.lanes) && !arch.lanes.is_multiple_of(arch.word),
        "activation.word",
        arch.word,
        format!("neither divides nor is divided by array.columns = {}", arch.lanes),
        "make one a multiple of the other, so that results fill whole words".into(),
    );
    problems.say(
        arch.word != 0 && arch.lanes > arch.rows,
        "array.columns",
        arch.lanes,
        format!(
            "more than array.rows = {}: one cycle would write more words than there are banks",
            arch.rows
        ),
        format!("take at most {} columns", arch.rows),
    );
    problems.say(
        arch.share == 0
            || !arch.lanes.is_multiple_of(arch.share)
            || arch.share > 1 && !arch.readout.is_analog(),
        "array.lanes",
        arch.lanes / arch.share.max(1),
        format!("of array.columns = {} columns an equal number must take turns at a converter", arch.lanes),
        "leave array.lanes out, or take a divisor of array.columns and an analog readout".into(),
    );
    problems.say(
        arch.segment != 0 && !arch.lanes.is_multiple_of(arch.segment),
        "array.segment",
        arch.segment,
        format!("does not divide array.columns = {}", arch.lanes),
        format!("take 0 (no copies of the row register) or one of {}", list(&divisors(arch.lanes))),
    );
    problems.say(
        arch.segment != 0 && arch.readout.is_analog(),
        "array.segment",
        arch.segment,
        "analog columns read their rows from the chip's memories, not from copies of the row register".into(),
        "leave array.segment out, or take 0".into(),
    );
    problems.say(
        arch.weight_rows == 0 || !arch.rows.is_multiple_of(arch.weight_rows),
        "weights.rows_per_cycle",
        arch.weight_rows,
        format!("does not divide array.rows = {}", arch.rows),
        format!("take one of {}", list(&divisors(arch.rows))),
    );
    problems.say(
        !matches!(arch.accumulator_depth, 0 | 4..=65536),
        "accumulator.depth",
        arch.accumulator_depth,
        "neither 0 nor 4 to 65536".into(),
        "take 0 (no accumulator memory) or a depth such as 64".into(),
    );
    let step = arch.readout.rows_per_cycle;
    problems.say(
        step != 0 && !arch.rows.is_multiple_of(step),
        "readout.rows_per_cycle",
        step,
        format!("does not divide array.rows = {}", arch.rows),
        format!("take 0 (all rows at once) or one of {}", list(&divisors(arch.rows))),
    );
}

/// The streams.
fn ports(interface: &Interface, problems: &mut Problems) {
    problems.say(
        !(1..=2).contains(&interface.input_buffers),
        "interface.input_buffers",
        interface.input_buffers,
        "neither 1 nor 2".into(),
        "take 2 to overlap the next frame with the present one".into(),
    );
    problems.say(
        !(1..=64).contains(&interface.stream_bytes),
        "interface.stream_bytes",
        interface.stream_bytes,
        "outside 1 to 64".into(),
        "take 1, 2, 4 or 8".into(),
    );
}

/// The clock and the names.
fn target(target: &Target, problems: &mut Problems) {
    let mhz = target.clock_mhz.unwrap_or(1.0);
    problems.say(
        !(mhz > 0.0 && mhz <= 2000.0),
        "target.clock_mhz",
        mhz,
        "not a clock between 0 and 2000 MHz".into(),
        "take a frequency such as 12, 25 or 60".into(),
    );
    let prefix = &target.prefix;
    let letters = prefix.chars().all(|c| c.is_ascii_alphanumeric() || c == '_');
    problems.say(
        !letters || !prefix.starts_with(|c: char| c.is_ascii_alphabetic()) || prefix.len() > 40,
        "target.prefix",
        format!("{prefix:?}"),
        "no beginning of a Verilog name of at most 40 letters, digits and underlines".into(),
        "take a word such as left or digits_1".into(),
    );
}

/// The physics of the cells and columns.
fn variation(physics: &Physics, problems: &mut Problems) {
    for problem in physics.validate() {
        problems.say(true, problem.key, problem.value, problem.what, problem.fix);
    }
}

/// Where the reference of an offset mapping is subtracted.
fn reference(readout: &Readout, physics: &Physics, share: usize, problems: &mut Problems) {
    let subtraction = Subtraction::of(readout, physics);
    if subtraction == Subtraction::Analog {
        return;
    }
    let name = format!("{subtraction:?}").to_lowercase();
    let possible = Subtraction::possible(readout, physics);
    problems.say(
        !possible,
        "readout.reference",
        &name,
        "only converters that read an offset mapping leave something to take away behind them".into(),
        "leave the key out, or take readout.kind = \"adc\" and variation.cell.kind = \"offset\"".into(),
    );
    problems.say(
        possible && physics.cell.reference != Reference::Fixed,
        "variation.cell.reference",
        format!("{:?}", physics.cell.reference).to_lowercase(),
        format!(
            "what is subtracted before the converter, and here it is behind it (readout.reference: {name})"
        ),
        "leave the key out, or set readout.reference to \"analog\"".into(),
    );
    let column = possible && subtraction == Subtraction::Column;
    problems.say(
        column && share > 1,
        "array.lanes",
        format!("array.columns / {share}"),
        "the reference column has a converter of its own, and takes no turns (readout.reference: column)"
            .into(),
        "leave array.lanes out, or take readout.reference = \"digital\"".into(),
    );
    problems.say(
        column && physics.cell.bits == 1,
        "variation.cell.bits",
        1,
        "cells of two conductances hold no middle one, and the reference column does (readout.reference: column)".into(),
        "take 0 or more bits, or readout.reference = \"digital\"".into(),
    );
    problems.say(
        column && readout.noise > 0.0,
        "readout.noise",
        readout.noise,
        "the reference column has no generator of noise (readout.reference: column)".into(),
        "take 0 and variation.read_noise, or readout.reference = \"digital\"".into(),
    );
}

/// Samples of a frame.
fn ensemble(ensemble: &Ensemble, problems: &mut Problems) {
    problems.say(
        !(1..=255).contains(&ensemble.samples),
        "ensemble.samples",
        ensemble.samples,
        "outside 1 to 255".into(),
        "take a number of samples such as 8 or 16".into(),
    );
}

/// Most planes of each layer.
fn planes(layers: &[usize], problems: &mut Problems) {
    for (index, planes) in layers.iter().enumerate() {
        problems.say(
            !(1..=16).contains(planes),
            "planes.layers",
            planes,
            format!("no number of planes for layer {index}: every layer runs its first plane, none has more than 16"),
            "give a number from 1 on for each layer, or leave the key out".into(),
        );
    }
}

/// Cells of several levels.
fn slices(bits: usize, readout: &Readout, physics: &Physics, problems: &mut Problems) {
    let key = "array.weight_bits_per_cell";
    problems.say(
        !(1..=8).contains(&bits),
        key,
        bits,
        "outside 1 to 8".into(),
        "take 1 for cells of one bit, or the bits of a weight that one conductance stands for".into(),
    );
    problems.say(
        bits > 1 && (!readout.is_analog() || readout.is_sample()),
        key,
        bits,
        "the cells that a popcount reads, or that are drawn, hold one bit".into(),
        "take 1, or readout.kind = \"adc\" or \"sense\"".into(),
    );
    problems.say(
        bits > 1 && physics.cell.kind == CellKind::Xnor,
        "variation.cell.kind",
        "xnor",
        format!("such a cell stores one bit, and {key} = {bits}"),
        "take \"pair\" or \"offset\", or cells of one bit".into(),
    );
}

/// The converters, and the pace of the emulated arrays.
fn readout(readout: &Readout, cell_bits: usize, problems: &mut Problems) {
    problems.say(
        !(2..=4096).contains(&readout.levels),
        "readout.levels",
        readout.levels,
        "outside 2 to 4096".into(),
        "take a number of codes such as 11, 31 or 32".into(),
    );
    let ranges = match &readout.range {
        Range::Counts(counts) => std::slice::from_ref(counts),
        Range::Layers(layers) => layers,
        Range::Word(_) | Range::Ends(_) => &[],
    };
    let pairs: &[[f64; 2]] = if let Range::Ends(pairs) = &readout.range { pairs } else { &[] };
    let most = 4096.0 * f64::from((1u32 << cell_bits.clamp(1, 8)) - 1);
    for counts in ranges {
        problems.say(
            !(*counts > 0.0 && *counts <= most),
            "readout.range",
            counts,
            format!("not a number of counts between 0 and {most}"),
            "give the counts of the last code, one number or one a layer, or \"full\"".into(),
        );
    }
    for [low, high] in pairs {
        // Also of what is not a number.
        let inside = low < high && -most <= *low && *high <= most;
        problems.say(
            !inside,
            "readout.range",
            format!("[{low}, {high}]"),
            format!("not two rising numbers of counts between -{most} and {most}"),
            "give the counts of the first and of the last code, a pair a layer, or \"full\"".into(),
        );
    }
    problems.say(
        readout.range == Range::Word(RangeWord::Calibrated),
        "readout.range",
        "\"calibrated\"",
        "a range that is still to be found from images".into(),
        "let `bincim calibrate MODEL --arch ARCH --data DATA -o NEW` write the numbers".into(),
    );
    problems.say(
        readout.fraction_bits > 10,
        "readout.fraction_bits",
        readout.fraction_bits,
        "more than 10".into(),
        "take 6, which resolves 1/64 of a count".into(),
    );
    problems.say(
        readout.value_fraction_bits > 6,
        "readout.value_fraction_bits",
        readout.value_fraction_bits,
        "more than 6".into(),
        "take 0 for whole counts, or as many bits as the converter's step needs".into(),
    );
    problems.say(
        readout.fraction_bits <= 10 && !(readout.fraction_bits + 2..=16).contains(&readout.cell_bits),
        "readout.cell_bits",
        readout.cell_bits,
        format!("outside {} to 16: one count must fit with its sign", readout.fraction_bits + 2),
        "take fraction_bits + 3".into(),
    );
    problems.say(
        readout.input_drive == InputDrive::Unipolar && readout.kind != ReadoutKind::Adc,
        "readout.input_drive",
        "unipolar",
        "only arrays with converters leave the rows of bits 0 undriven".into(),
        "leave the key out, or take readout.kind = \"adc\"".into(),
    );
    noise(readout, problems);
}

/// Cells that are drawn as they are read.
fn sample(readout: &Readout, physics: &Physics, share: usize, problems: &mut Problems) {
    let ideal = Physics::default();
    if !readout.is_sample() {
        problems.say(
            physics.draws != ideal.draws,
            "variation.draws",
            "a table",
            "only cells that are drawn as they are read have a plane of noise".into(),
            "leave the table out, or take readout.kind = \"sample\"".into(),
        );
        return;
    }
    let none = |key, differs| {
        (key, differs, "leave it out: of cells that are drawn only programming, drift and draws differ")
    };
    for (key, differs, fix) in [
        (
            "variation.read_noise",
            physics.read_noise != 0.0,
            "take variation.draws.noise, the noise that draws the cells",
        ),
        none("variation.cell", physics.cell != ideal.cell),
        none("variation.gaussian", physics.gaussian != ideal.gaussian),
        none("variation.lognormal", physics.lognormal != ideal.lognormal),
        none("variation.threshold", physics.threshold != ideal.threshold),
        none("variation.stuck", physics.stuck != ideal.stuck),
        none("variation.die", physics.die != ideal.die),
        none("variation.row", physics.row != ideal.row),
        none("variation.wires", physics.wires != ideal.wires),
        none("variation.column", physics.column != ideal.column),
        none("variation.converter", physics.converter != ideal.converter),
        none("variation.sense", physics.sense != ideal.sense),
    ] {
        let what = "what no cell has that is drawn as it is read (readout.kind = \"sample\")".into();
        problems.say(differs, key, "not its default", what, fix.into());
    }
    let devices = physics.programming.scale > 0.0
        || physics.drift.time > 0.0
        || physics.draws.mismatch > 0.0
        || physics.draws.read_noise > 0.0
        || physics.draws.tolerance > 0.0;
    problems.say(
        devices && physics.draws.noise == 0.0,
        "variation.draws.noise",
        0,
        "without noise no device is programmed, and none errs or drifts: cells follow their codes".into(),
        "take a fraction of Gmax such as 0.12 (3 uS of 25), or leave errors and drift out".into(),
    );
    problems.say(
        share > 1,
        "array.lanes",
        format!("array.columns / {share}"),
        "cells that are drawn have no converter that columns could take turns at".into(),
        "leave array.lanes out, or take readout.kind = \"adc\"".into(),
    );
}

/// Noise in gates: a whole gain of the generators.
fn noise(readout: &Readout, problems: &mut Problems) {
    let (least, asked) = (readout.noise_step(), readout.noise);
    let most = least * MOST_GAIN as f64;
    let range = format!(
        "take 0, or {least:.4} to {most:.1} counts with readout.fraction_bits = {}",
        readout.fraction_bits
    );
    problems.say(
        // Also true of what is not a number.
        !(asked == 0.0 || asked >= least / 2.0 && asked <= most),
        "readout.noise",
        asked,
        "not a whole gain of the generators".into(),
        range,
    );
    problems.say(
        asked != 0.0 && (!readout.is_analog() || readout.is_sample()),
        "readout.noise",
        asked,
        "a popcount has no voltage that noise could be added to, nor has a count of draws".into(),
        "take 0, or readout.kind = \"adc\" or \"sense\"".into(),
    );
}

/// What is wrong with the keys that are given, whatever "auto" becomes.
pub fn validate_file(file: &ArchFile) -> Vec<ArchProblem> {
    let mut problems = Problems::default();
    for (key, setting, low, high) in [
        ("array.rows", file.array.rows, 8, 4096),
        ("array.columns", file.array.columns, 1, 1024),
        ("array.lanes", file.array.lanes, 1, 1024),
        ("activation.word", file.activation.word, 1, 4096),
        ("weights.rows_per_cycle", file.weights.rows_per_cycle, 1, 4096),
    ] {
        if let Some(value) = setting.value() {
            problems.say(
                !(low..=high).contains(&value),
                key,
                value,
                format!("outside {low} to {high}"),
                "give a number in this range, or \"auto\"".into(),
            );
        }
    }
    if let (Some(lanes), Some(columns)) = (file.array.lanes.value(), file.array.columns.value()) {
        let analog = file.readout.is_analog();
        problems.say(
            lanes != columns && !analog,
            "array.lanes",
            lanes,
            format!(
                "differs from array.columns = {columns}; a popcount is the column itself, so that fewer of them would \
                 take the cycles of fewer columns and save only cells, which a weight memory fills as fast"
            ),
            "leave array.lanes out, or take as many columns as lanes".into(),
        );
        problems.say(
            analog && (lanes > columns || lanes > 0 && columns % lanes != 0),
            "array.lanes",
            lanes,
            format!("does not divide array.columns = {columns}"),
            format!("take one of {}", list(&divisors(columns.clamp(1, 1024)))),
        );
    }
    problems.say(
        file.array.segment > 1024,
        "array.segment",
        file.array.segment,
        "more columns than an array may have".into(),
        "take at most 1024, or leave it out".into(),
    );
    if let Some(pixel_lanes) = file.array.pixel_lanes.value() {
        problems.say(
            pixel_lanes != 1,
            "array.pixel_lanes",
            pixel_lanes,
            "only one pixel a cycle is built: the same lanes as columns take no more cycles where a layer has as \
             many channels, and often fewer in dense layers, which have one pixel"
                .into(),
            "take 1 and spend the area on more columns or rows".into(),
        );
    }
    planes(&file.planes.layers, &mut problems);
    let bits = file.array.weight_bits_per_cell;
    slices(bits, &file.readout, &file.variation, &mut problems);
    for (key, value, most) in [
        ("readout.rows_per_cycle", file.readout.rows_per_cycle, 4096),
        ("readout.edges_per_cycle", file.readout.edges_per_cycle, 4096),
    ] {
        let help = format!("take at most {most}, or 0 for all");
        problems.say(value > most, key, value, format!("above {most}"), help);
    }
    readout(&file.readout, bits, &mut problems);
    variation(&file.variation, &mut problems);
    reference(&file.readout, &file.variation, file.share(), &mut problems);
    sample(&file.readout, &file.variation, file.share(), &mut problems);
    ensemble(&file.ensemble, &mut problems);
    ports(&file.interface, &mut problems);
    target(&file.target, &mut problems);
    problems.0
}

fn divisors(n: usize) -> Vec<usize> {
    (1..=n).filter(|d| n.is_multiple_of(*d)).collect()
}

fn list(numbers: &[usize]) -> String {
    numbers.iter().map(usize::to_string).collect::<Vec<_>>().join(", ")
}
