//! Designs for tests: machines of any size, random ones among them, and their folders.

#![allow(dead_code)]

use bincim::arch::{self, Arch, ArchFile};
use bincim::cli::verify::cosim;
use bincim::design::{self, Design};
use bincim::emit::{bench, vectors::Frame};
use bincim::flow::icarus::{self, Level};
use bincim::flow::verilator;
use bincim::golden::reference;
use bincim::network::random;
use bincim::network::{Activation, Network};
use bincim::variation::Chip;
use rand::Rng;
use rand::seq::IndexedRandom;
use std::fs;
use std::path::{Path, PathBuf};
use std::time::Duration;

/// A machine of the given size without a device.
pub fn arch(rows: usize, lanes: usize, word: usize, weight_rows: usize, depth: usize) -> Arch {
    ArchFile::default().with("generic", rows, lanes, word, weight_rows, depth)
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
    random::elements(&design.network, seed, count)
        .chunks(design.network.input.shape.elements())
        .map(|image| cosim::frame(design, chip, image.to_vec()))
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
    let names: Vec<String> = rtl.iter().map(|(name, _)| name.clone()).collect();
    let benches = bench::files(design, &names, frames).expect("benches can be written");
    write(folder, benches.into_iter().map(|text| (text.name, text.text)));
    write(folder, rtl.into_iter().map(|(name, text)| (format!("rtl/{name}"), text)));
}

/// Runs the design's own bench under Icarus; what it prints.
pub fn simulate(folder: &Path, seed: u64) -> Result<String, String> {
    let words = |problem: bincim::flow::FlowError| problem.to_string();
    let rtl = folder.join("rtl");
    let mut files = bincim::flow::folder::file_list(&rtl.join("files.f")).map_err(words)?;
    files.push(PathBuf::from("../verif/bincim_tb.v"));
    let (compiled, log) = (folder.join("bench.vvp"), folder.join("log"));
    icarus::compile(&files, "bincim_tb", Level::Verilog2005, &rtl, &compiled, &log).map_err(words)?;
    let seed = [format!("+seed={}", seed + 1)];
    Ok(icarus::simulate(&compiled, &seed, &rtl, &log, Duration::from_secs(300)).map_err(words)?.stdout)
}

/// The machine's bits and scores against the definition's.
pub fn compare(design: &Design, frame: &Frame) -> Result<(), String> {
    let trace = reference::run(&design.network, &frame.image);
    for (index, layer) in design.network.layers.iter().enumerate() {
        let expected = &trace.layers[index].bits;
        let pixels = layer.output.pixels();
        for (at, &bit) in expected.iter().enumerate() {
            let (channel, pixel) = (at / pixels, at % pixels);
            let (group, lane) = (channel / design.lanes, channel % design.lanes);
            let actual = frame.bits[index][(group * pixels + pixel) * design.lanes + lane];
            if actual != bit {
                return Err(format!(
                    "machine, layer {index}, channel {channel}, pixel {pixel}: {actual}, not {bit}"
                ));
            }
        }
        if frame.cycles[index] != design.layers[index].cycles {
            return Err(format!(
                "machine, layer {index}: {} cycles, {} predicted",
                frame.cycles[index], design.layers[index].cycles
            ));
        }
    }
    let expected = stream_order(&design.network, &trace.scores);
    match expected == frame.scores {
        true => Ok(()),
        false => Err(format!("machine, scores: {:?}, not {expected:?}", frame.scores)),
    }
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
    let files = bincim::flow::folder::file_list(&rtl.join("files.f")).map_err(words)?;
    let warnings = verilator::lint(&files, "bincim_top", &rtl, &folder.join("lint.log")).map_err(words)?;
    if warnings.is_empty() { Ok(()) } else { Err(format!("lint: {warnings:#?}")) }
}
