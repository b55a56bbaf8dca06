//! Designs for tests: machines of any size, random ones among them, and their folders.

#![allow(dead_code, reason = "each test binary uses its own part of this file")]

use bincim::arch::{
    self, Arch, ArchFile, InputBits, InputDrive, Range, RangeWord, ReadoutKind, Subtraction, WeightSlices,
};
use bincim::cli::verify::cosim;
use bincim::design::{self, Design, Threshold};
use bincim::device::CellKind;
use bincim::emit::bench;
use bincim::emit::vectors::{Frame, Settings};
use bincim::flow::Tool;
use bincim::flow::icarus::{self, Level};
use bincim::flow::verilator;
use bincim::golden::{machine, reference};
use bincim::network::random;
use bincim::network::{Activation, Layer, Network, plane_scales};
use bincim::variation::{ArrayDraw, Chip, OwnThresholds, Site, Zero};
use rand::Rng;
use rand::seq::IndexedRandom;
use rand_chacha::ChaCha8Rng;
use std::fs;
use std::path::{Path, PathBuf};
use std::time::Duration;

use crate::common::tools;

/// A machine of the given size without a device.
pub fn arch(rows: usize, lanes: usize, word: usize, weight_rows: usize, depth: usize) -> Arch {
    ArchFile::default().with("generic", rows, lanes, word, weight_rows, depth)
}

/// Gives a third of all machines copies of the row register, for any part of the columns each.
pub fn maybe_segments(arch: &mut Arch, rng: &mut impl Rng) {
    let shares: Vec<usize> = (1..=arch.lanes).filter(|share| arch.lanes.is_multiple_of(*share)).collect();
    if rng.random_bool(0.33) {
        arch.segment = *shares.choose(rng).unwrap_or(&1);
    }
}

/// A random valid machine: small, so that layers take several tiles.
pub fn random_arch(rng: &mut impl Rng) -> Arch {
    loop {
        let pick = |rng: &mut dyn rand::RngCore, from: &[usize]| *from.choose(rng).unwrap_or(&1);
        let word = pick(rng, &[1, 2, 3, 4, 6, 8, 12, 16]);
        let rows = word * pick(rng, &[1, 2, 3, 4, 5, 8, 9]);
        let lanes = match rng.random_bool(0.5) {
            true => word * pick(rng, &[1, 1, 2, 3]),
            false => pick(rng, &[1, 2, 3, 4, 5, 8, 16]),
        };
        let weight_rows = pick(rng, &(1..=rows).filter(|w| rows % w == 0).collect::<Vec<_>>());
        let depth = pick(rng, &[0, 0, 4, 7, 16, 64]);
        let mut arch = arch(rows, lanes, word, weight_rows, depth);
        arch.popcount.pipelined = rng.random();
        arch.popcount.style = *[
            arch::PopcountStyle::Auto,
            arch::PopcountStyle::Flat,
            arch::PopcountStyle::Compress32,
            arch::PopcountStyle::CarryIn,
        ]
        .choose(rng)
        .unwrap_or(&arch::PopcountStyle::Auto);
        arch.interface.input_buffers = rng.random_range(1..=2);
        arch.interface.stream_bytes = pick(rng, &[1, 2, 4, 8]);
        if arch::validate(&arch).is_empty() {
            return arch;
        }
    }
}

/// The design, or `None` where this machine cannot hold this network.
pub fn design(network: &Network, arch: &Arch) -> Option<Design> {
    design::build(network, arch).ok()
}

/// `count` random images and the golden model's answers.
pub fn frames(design: &Design, seed: u64, count: usize) -> Vec<Frame> {
    chip_frames(design, None, seed, count)
}

/// The same on one chip.
pub fn chip_frames(design: &Design, chip: Option<&Chip>, seed: u64, count: usize) -> Vec<Frame> {
    limited_frames(design, chip, design.planes_of_weights(), seed, count)
}

/// The same with at most `planes` planes of weights.
pub fn limited_frames(
    design: &Design,
    chip: Option<&Chip>,
    planes: usize,
    seed: u64,
    count: usize,
) -> Vec<Frame> {
    let elements = random::elements(&design.network, seed, count);
    let images = elements.chunks(design.network.input.shape.elements()).cycle();
    let frame = |(index, image): (usize, &[i16])| {
        cosim::frame(
            design,
            chip,
            Settings { planes, ..Settings::all(design) },
            image.to_vec(),
            machine::frame_seed(machine::RESET_SEED, index as u64),
        )
    };
    images.take(bench::frames(design, count)).enumerate().map(frame).collect()
}

/// `count` random images and the golden model's answers with at most `planes` planes of weights.
pub fn plane_frames(design: &Design, planes: usize, seed: u64, count: usize) -> Vec<Frame> {
    random::elements(&design.network, seed, count)
        .chunks(design.network.input.shape.elements())
        .map(|image| {
            cosim::frame(design, None, Settings { planes, ..Settings::all(design) }, image.to_vec(), 0)
        })
        .collect()
}

/// Writes texts, named by paths inside `folder`.
pub fn write(folder: &Path, texts: impl IntoIterator<Item = (String, String)>) {
    for (name, text) in texts {
        let path = folder.join(name);
        fs::create_dir_all(path.parent().expect("a file in a folder")).expect("a folder can be made");
        fs::write(path, text).expect("a file can be written");
    }
}

/// Writes the Verilog files of `rtl/` and everything that checks them.
pub fn write_design(folder: &Path, design: &Design, rtl: Vec<(String, String)>, frames: &[Frame]) {
    let benches = bench::files(design, frames).expect("benches can be written");
    write(folder, benches.into_iter().map(|text| (text.name, text.text)));
    write(folder, rtl.into_iter().map(|(name, text)| (format!("rtl/{name}"), text)));
}

/// What [`simulate`] needs; where it is missing, the test ends as one that did not run. To be called before its threads
/// start.
pub fn need_simulator() {
    tools::present("simulation", &[Tool::Iverilog, Tool::Vvp]);
}

/// The same for co-simulation as well.
pub fn need_both_simulators() {
    tools::present("simulation", &[Tool::Verilator, Tool::Iverilog, Tool::Vvp]);
}

/// Runs the design's own bench under Icarus; what it prints.
pub fn simulate(folder: &Path, seed: u64) -> Result<String, String> {
    let words = |problem: bincim::flow::FlowError| problem.to_string();
    let rtl = folder.join("rtl");
    let mut files = bincim::flow::folder::simulation_files(folder).map_err(words)?;
    files.push(PathBuf::from("../verif/bincim_tb.v"));
    let (compiled, log) = (folder.join("bench.vvp"), folder.join("log"));
    icarus::compile(&files, "bincim_tb", Level::Verilog2005, &rtl, &compiled, &log).map_err(words)?;
    let seed = [format!("+seed={}", seed + 1)];
    Ok(icarus::simulate(&compiled, &seed, &rtl, &log, Duration::from_secs(300)).map_err(words)?.stdout)
}

/// The machine's bits and scores against the definition's.
pub fn compare(design: &Design, frame: &Frame) -> Result<(), String> {
    let trace = reference::run(&design.network.limited(frame.settings.planes), &frame.image);
    let cycles = &design.frame_of(frame.settings.planes).layers;
    for (index, layer) in design.network.layers.iter().enumerate() {
        compare_bits(design, layer, &trace.layers[index].bits, &frame.bits[index])
            .map_err(|what| format!("machine, layer {index}, {what}"))?;
        if frame.cycles[index] != cycles[index] {
            return Err(format!(
                "machine, layer {index}: {} cycles, {} predicted",
                frame.cycles[index], cycles[index]
            ));
        }
    }
    let expected = stream_order(&design.network, &trace.scores);
    match expected == frame.scores {
        true => Ok(()),
        false => Err(format!("machine, scores: {:?}, not {expected:?}", frame.scores)),
    }
}

/// The thresholds that each channel and pixel of a layer meets: the definition's bits (step, channel, pixel) beside what the
/// planes of the machine's bits (group, pixel, plane, lane) count.
pub fn compare_bits(design: &Design, layer: &Layer, expected: &[bool], got: &[bool]) -> Result<(), String> {
    let (pixels, elements) = (layer.output.pixels(), layer.output.elements());
    let scales = plane_scales(layer.steps());
    for index in 0..expected.len() / layer.steps() {
        let (channel, pixel) = (index / pixels, index % pixels);
        let first = (channel / design.lanes * pixels + pixel) * scales.len();
        let at = |plane: usize| (first + plane) * design.lanes + channel % design.lanes;
        let set = scales.iter().enumerate().filter(|(plane, _)| got[at(*plane)]);
        let got: usize = set.map(|(_, scale)| scale).sum();
        let met = expected[index..].iter().step_by(elements).filter(|bit| **bit).count();
        if got != met {
            return Err(format!("channel {channel}, pixel {pixel}: {got}, not {met}"));
        }
    }
    Ok(())
}

/// Scores (channel, row, column) as the stream carries them: channel innermost, bits as 0 and 1.
fn stream_order(network: &Network, scores: &[i32]) -> Vec<i64> {
    let last = network.layers.last().expect("a network has a layer");
    let pixels = last.output.pixels();
    let bits = last.activation != Activation::Scores;
    (0..scores.len())
        .map(|at| scores[at % last.output.c * pixels + at / last.output.c])
        .map(|score| if bits { i64::from(score > 0) } else { i64::from(score) })
        .collect()
}

/// Verilator's complaints about the design's Verilog, as an error.
pub fn lint(folder: &Path) -> Result<(), String> {
    let rtl = folder.join("rtl");
    let words = |problem: bincim::flow::FlowError| problem.to_string();
    let files = bincim::flow::folder::simulation_files(folder).map_err(words)?;
    let warnings = verilator::lint(&files, "bincim_top", &rtl, &folder.join("lint.log")).map_err(words)?;
    if warnings.is_empty() { Ok(()) } else { Err(format!("lint: {warnings:#?}")) }
}

/// A random analog readout of any kind.
pub fn random_readout(arch: &mut Arch, rng: &mut ChaCha8Rng) {
    let steps: Vec<usize> = (0..=arch.rows).filter(|s| *s == 0 || arch.rows.is_multiple_of(*s)).collect();
    random_slices(arch, rng);
    if rng.random_bool(0.4) {
        let shares: Vec<usize> = (1..=arch.lanes).filter(|share| arch.lanes.is_multiple_of(*share)).collect();
        arch.share = *shares.choose(rng).unwrap();
    }
    let cell_bits = arch.cell_bits;
    let readout = &mut arch.readout;
    readout.kind = if rng.random_bool(0.7) { ReadoutKind::Adc } else { ReadoutKind::Sense };
    readout.levels = *[2, 3, 5, 11, 16, 31].choose(rng).unwrap();
    readout.range = match rng.random_bool(0.5) {
        true => Range::Word(RangeWord::Full),
        false => Range::Counts(*[3.0, 7.5, 20.0].choose(rng).unwrap()),
    };
    readout.fraction_bits = rng.random_range(0..=6);
    readout.value_fraction_bits = rng.random_range(0..=2);
    readout.cell_bits = readout.fraction_bits + rng.random_range(2..=4);
    if cell_bits > 1 {
        readout.cell_bits = (readout.cell_bits + cell_bits as u32).min(16);
    }
    readout.noise = match rng.random_bool(0.5) {
        true => readout.noise_step() * rng.random_range(1..40) as f64,
        false => 0.0,
    };
    readout.rows_per_cycle = *steps.choose(rng).unwrap();
    readout.edges_per_cycle = rng.random_range(0..=readout.levels - 1);
    readout.input_bits = *INPUT_BITS.choose(rng).unwrap();
    random_reference(arch, rng);
    if arch.readout.kind == ReadoutKind::Adc && rng.random_bool(0.5) {
        arch.readout.input_drive = InputDrive::Unipolar;
    }
}

/// A range of its own for each of `layers` layers, around 0 or not.
pub fn random_ends(layers: usize, rng: &mut ChaCha8Rng) -> Range {
    let mut pair = || {
        let low = rng.random_range(-60..20) as f64 / 2.0;
        [low, low + rng.random_range(2..100) as f64 / 2.0]
    };
    Range::Ends((0..layers).map(|_| pair()).collect())
}

/// Now and then an offset mapping, and where what its cells have in common is subtracted.
pub fn random_reference(arch: &mut Arch, rng: &mut ChaCha8Rng) {
    if arch.readout.kind != ReadoutKind::Adc || rng.random_bool(0.5) {
        return;
    }
    arch.variation.cell.kind = CellKind::Offset;
    arch.variation.cell.g_min = *[0.0, 0.0, 0.1, 0.5].choose(rng).unwrap();
    let column = Some(Subtraction::Column);
    let all = [None, Some(Subtraction::Digital), column, column, Some(Subtraction::Analog)];
    arch.readout.reference = *all.choose(rng).unwrap();
    if arch.readout.reference == column {
        (arch.share, arch.readout.noise) = (1, 0.0);
    }
    // Cells that hold their whole current.
    arch.readout.cell_bits = (arch.readout.cell_bits + 2).min(16);
}

/// How the bits of an integer input meet the cells.
pub const INPUT_BITS: [InputBits; 2] = [InputBits::Serial, InputBits::SideBySide];

/// Cells of one bit or of several.
pub fn random_slices(arch: &mut Arch, rng: &mut ChaCha8Rng) {
    arch.cell_bits = *[1, 1, 2, 3, 8].choose(rng).unwrap();
    arch.slices = match rng.random_bool(0.7) {
        true => WeightSlices::Balanced,
        false => WeightSlices::Offset,
    };
}

/// Any integers that a chip may hold, near what physics would draw.
pub fn random_chip(design: &Design, rng: &mut ChaCha8Rng) -> Chip {
    let analog = design.analog.as_ref().expect("the trial is analog");
    let unit = 1i32 << analog.fraction_bits;
    let most = (1i32 << (analog.cell_width - 1)) - 1;
    let mut draw = |site: &Site| {
        if analog.draws {
            return random_draws(site, rng);
        }
        let mut cell = |place: usize| {
            let common = if site.zero == Zero::Current { site.most() } else { 0 };
            let value = (common + site.weight(place)) * unit + rng.random_range(-unit..=unit);
            if site.weights[place] == 0 { 0 } else { value.clamp(-most - 1, most) as i16 }
        };
        let plus = (0..site.weights.len()).map(&mut cell).collect();
        let minus = (0..site.weights.len()).map(&mut cell).collect();
        let offset = (0..site.columns).map(|_| rng.random_range(-unit..=unit)).collect();
        let mut edges = Vec::new();
        for _ in 0..site.columns {
            let reach = site.rows as i32 * site.most() * unit / 3;
            let mut column: Vec<i32> = (0..analog.edges).map(|_| rng.random_range(-reach..=reach)).collect();
            column.sort_unstable();
            edges.extend(column);
        }
        ArrayDraw { rows: site.rows, columns: site.columns, plus, minus, offset, edges }
    };
    let arrays = design.sites().iter().map(&mut draw).collect();
    let thresholds = rng.random_bool(0.4).then(|| random_thresholds(design, rng));
    Chip { thresholds, ..chip(design, arrays) }
}

/// Cells of any probability, many of them certain.
fn random_draws(site: &Site, rng: &mut ChaCha8Rng) -> ArrayDraw {
    let mut cell = |weight: &i8| match weight {
        0 => 0,
        _ => {
            rng.random_range(1..=200).min(128)
                * i16::from(*weight)
                * if rng.random_bool(0.1) { -1 } else { 1 }
        }
    };
    let plus = site.weights.iter().map(&mut cell).collect();
    ArrayDraw { rows: site.rows, columns: site.columns, plus, ..ArrayDraw::default() }
}

/// Any thresholds that a chip may have, inside the sums of each layer.
fn random_thresholds(design: &Design, rng: &mut ChaCha8Rng) -> OwnThresholds {
    let values = |entry: &Vec<Threshold>| entry.iter().map(|threshold| threshold.value).collect();
    let mut memory: Vec<Vec<i64>> = design.thresholds.iter().map(values).collect();
    for set in memory.chunks_mut(design.groups()) {
        for (layer, network) in design.layers.iter().zip(&design.network.layers) {
            let readout = layer.readout.as_ref().expect("the trial is analog");
            if layer.scores || readout.decides {
                continue;
            }
            let (low, high) = readout.sums;
            let lanes = set[layer.threshold_base..].iter_mut().flatten().take(network.conv.c);
            lanes.for_each(|value| *value = rng.random_range(low / 3..=high / 3 + 1));
        }
    }
    OwnThresholds { replace: design.thresholds_digest(), values: memory }
}

/// A chip of these arrays.
pub fn chip(design: &Design, arrays: Vec<ArrayDraw>) -> Chip {
    let fraction_bits = design.analog.as_ref().expect("an analog design").fraction_bits;
    Chip {
        seed: 0,
        subject: String::new(),
        physics: String::new(),
        fraction_bits,
        widths: None,
        arrays,
        thresholds: None,
        correction: None,
    }
}
