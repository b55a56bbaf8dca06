//! The files around the Verilog that check it: benches and their makefiles.
//!
//! Texts only; expected values come in from outside. Paths are relative to the design's folder, which
//! holds the Verilog and its memory images in `rtl/`, listed in `rtl/files.f`.

use super::NamedText;
use super::vectors::{self, Frame, Settings};
use super::{cells, load, popcount};
use crate::design::Design;
use askama::Template;

/// What the templates show of one layer.
struct LayerView {
    name: String,
    groups: usize,
    sums: usize,
    bits: usize,
    channels: usize,
}

#[derive(Template)]
#[template(path = "verif/bincim_tb.v", syntax = "verilog")]
struct Bench {
    top: String,
    images: usize,
    frames: usize,
    has_seed: bool,
    /// Layers as often as they run; the last of these that reads the input.
    runs: Vec<LayerView>,
    input_run: usize,
    layers: usize,
    /// Most samples; 0: no weight is drawn.
    samples: usize,
    lanes: usize,
    map_bits: usize,
    sum_bits: usize,
    in_bits: usize,
    out_bits: usize,
    beats: usize,
    scores: usize,
    sum_events: usize,
    bit_events: usize,
    bit_words: usize,
    cycles: u64,
    interval: u64,
    planes: usize,
    weight_planes: usize,
    /// What is written to the register where the number is not to be taken, and what it then holds.
    other_planes: usize,
    other_planes_taken: usize,
    input_frames: usize,
    padding_cycles: u64,
    result_cycles: usize,
}

#[derive(Template)]
#[template(path = "verif/cosim_top.sv", syntax = "verilog")]
struct CosimTop {
    top: String,
    in_bits: usize,
    out_bits: usize,
    lanes: usize,
    map_bits: usize,
    sum_bits: usize,
    gives_bits: bool,
    loadable: bool,
}

#[derive(Template)]
#[template(path = "verif/test_bincim.py", syntax = "verilog")]
struct Cocotb {
    beats: usize,
    scores: usize,
    layers: usize,
    cycles: u64,
    planes: usize,
    weight_planes: usize,
}

#[derive(Template)]
#[template(path = "verif/design.mk", syntax = "verilog")]
struct Make {
    description: String,
    /// What the file makes.
    targets: &'static str,
    top: String,
    /// What the names of the popcount tree begin with.
    tree: String,
    loadable: bool,
}

#[derive(Template)]
#[template(path = "verif/cocotb.mk", syntax = "verilog")]
struct CocotbMake {
    top: String,
}

#[derive(Template)]
#[template(path = "verif/memories.h", syntax = "verilog")]
struct Memories {
    /// Words, and the beats of a program that make one.
    memories: Vec<(usize, usize)>,
}

/// Has the popcount tree compiled once.
#[derive(Template)]
#[template(path = "verif/cosim.vlt", syntax = "verilog")]
struct Blocks {
    tree: String,
}

/// Frames that the Verilog bench runs besides its images.
const MORE_FRAMES: usize = 7;

/// Frames that [`files`] takes for a Verilog bench of `images` images: frame n carries image `n mod images` and, where
/// results depend on a seed, has the seed that n gives; every frame then has results of its own.
pub fn frames(design: &Design, images: usize) -> usize {
    if design.has_seed() { images + MORE_FRAMES } else { images }
}

/// Everything that checks `design`, named by paths inside its folder; `frames` (as many as [`frames`] says) are the vectors
/// of the Verilog and Python benches.
///
/// Errors: a template that cannot be rendered.
pub fn files(design: &Design, frames: &[Frame]) -> Result<Vec<NamedText>, askama::Error> {
    let vectors = vectors::hex(design, frames);
    let make = Make {
        description: description(design),
        top: design.module("top"),
        tree: design.tree_stem(),
        targets: "`make lint`, `make sim`, `make cocotb`, `make synth`.",
        loadable: false,
    };
    let mut texts = vec![
        text("Makefile", make.render()?),
        text("verif/Makefile", include_str!("../../templates/verif/verif.mk")),
        text("verif/cocotb.mk", CocotbMake { top: design.module("top") }.render()?),
        text("verif/bincim_tb.v", bench(design, frames).render()?),
        text("verif/test_bincim.py", cocotb(design, frames).render()?),
    ];
    texts.extend(cosimulation(design)?);
    texts
        .extend(tree_cells(design).into_iter().map(|cell| text(&format!("{CELLS}{}", cell.name), cell.text)));
    if design.analog.is_none() {
        let model = popcount::specification(&design.tree, &popcount::top(&design.tree_stem()));
        texts.push(text(&format!("verif/model/{}", model.name), model.text));
    }
    texts.extend(vectors.into_iter().map(|(name, content)| text(&format!("verif/vectors/{name}"), content)));
    Ok(texts)
}

/// Folder of the simulation models of device cells.
pub(super) const CELLS: &str = "verif/cells/";

/// Simulation models of the device cells in the popcount tree.
pub(super) fn tree_cells(design: &Design) -> Vec<NamedText> {
    match design.analog {
        None => cells::of_tree(&design.tree),
        Some(_) => Vec::new(),
    }
}

/// The files of the C++ co-simulation alone; the first is its Verilog top, the second holds `main`.
pub fn cosimulation(design: &Design) -> Result<Vec<NamedText>, askama::Error> {
    let top = CosimTop {
        top: design.module("top"),
        in_bits: design.input.stream_bits,
        out_bits: design.output.stream_bits,
        lanes: design.lanes,
        map_bits: design.map_bits(),
        sum_bits: design.widths.total,
        gives_bits: design.layers.iter().any(|layer| !layer.scores),
        loadable: design.loadable(),
    };
    let memories = if design.loadable() { load::memory_sizes(design) } else { Vec::new() };
    Ok(vec![
        text("verif/cosim_top.sv", top.render()?),
        text("verif/cosim.cpp", include_str!("../../templates/verif/cosim.cpp")),
        text("verif/harness.h", include_str!("../../templates/verif/harness.h")),
        text("verif/cosim.vlt", Blocks { tree: popcount::top(&design.tree_stem()) }.render()?),
        text("verif/vectors.h", include_str!("../../templates/verif/vectors.h")),
        text("verif/engine.h", include_str!("../../templates/verif/engine.h")),
        text("verif/registers.h", include_str!("../../templates/verif/registers.h")),
        text("verif/memories.h", Memories { memories }.render()?),
        text("verif/program.h", include_str!("../../templates/verif/program.h")),
        text("verif/traffic.h", include_str!("../../templates/verif/traffic.h")),
        text("verif/lite.h", include_str!("../../templates/verif/lite.h")),
        text("verif/streams.h", include_str!("../../templates/verif/streams.h")),
        text("verif/taps.h", include_str!("../../templates/verif/taps.h")),
        text("verif/coverage.h", include_str!("../../templates/verif/coverage.h")),
        text("verif/report.h", include_str!("../../templates/verif/report.h")),
        text("verif/stimulus.h", include_str!("../../templates/verif/stimulus.h")),
    ])
}

/// What checks a loadable machine: the co-simulation, the models of its tree, and their makefiles.
///
/// Errors: a template that cannot be rendered.
pub fn machine_files(machine: &Design) -> Result<Vec<NamedText>, askama::Error> {
    let make = Make {
        description: description(machine),
        top: machine.module("top"),
        tree: machine.tree_stem(),
        targets: "`make lint`, `make synth`; `bincim verify .` loads and runs its networks.",
        loadable: true,
    };
    let mut texts = cosimulation(machine)?;
    texts.push(text("Makefile", make.render()?));
    let cells = tree_cells(machine).into_iter();
    texts.extend(cells.map(|cell| text(&format!("{CELLS}{}", cell.name), cell.text)));
    let model = popcount::specification(&machine.tree, &popcount::top(&machine.tree_stem()));
    texts.push(text(&format!("verif/model/{}", model.name), model.text));
    Ok(texts)
}

fn text(name: &str, content: impl Into<String>) -> NamedText {
    let mut text: String = content.into();
    if !text.ends_with('\n') {
        text.push('\n');
    }
    NamedText { name: name.into(), text }
}

fn bench(design: &Design, frames: &[Frame]) -> Bench {
    let settings = frames.first().map_or(Settings::all(design), |frame| frame.settings);
    let Settings { planes, samples, .. } = settings;
    let order = design.runs(samples);
    let runs: Vec<LayerView> = order
        .iter()
        .map(|&index| {
            let (sums, bits) = vectors::events(design, index);
            LayerView {
                name: design.layers[index].name.comment(),
                groups: design.layers[index].groups,
                sums,
                bits,
                channels: design.network.layers[index].conv.c,
            }
        })
        .collect();
    let bit_events = runs.iter().map(|layer| layer.groups * layer.bits).sum();
    Bench {
        top: design.module("top"),
        images: frames.len() - if design.has_seed() { MORE_FRAMES } else { 0 },
        frames: frames.len(),
        has_seed: design.has_seed(),
        lanes: design.lanes,
        map_bits: design.map_bits(),
        sum_bits: design.widths.total,
        in_bits: design.input.stream_bits,
        out_bits: design.output.stream_bits,
        beats: design.input.beats,
        scores: design.output.scores,
        sum_events: runs.iter().map(|layer| layer.groups * layer.sums).sum(),
        bit_events,
        bit_words: (frames.len() * bit_events).max(1),
        cycles: frame_cycles(frames),
        interval: design.interval_with(planes, samples),
        planes,
        weight_planes: design.planes_of_weights(),
        // More than there are, with a lowest byte of 0.
        other_planes: if planes == 1 { 256 } else { 0 },
        other_planes_taken: if planes == 1 { design.planes_of_weights() } else { 1 },
        input_frames: design.input.frames,
        padding_cycles: design.filling_cycles() - design.input.beats as u64,
        // Each word of lanes but the first is fetched in a cycle of its own.
        result_cycles: design.output.scores + design.output.groups * design.output.pixels - 2,
        input_run: order.iter().rposition(|layer| *layer == 0).unwrap_or(0),
        layers: design.layers.len(),
        samples: design.ensemble.as_ref().map_or(0, |ensemble| ensemble.samples),
        runs,
    }
}

fn cocotb(design: &Design, frames: &[Frame]) -> Cocotb {
    Cocotb {
        beats: design.input.beats,
        scores: design.output.scores,
        layers: design.layers.len(),
        cycles: frame_cycles(frames),
        planes: planes_of(frames),
        weight_planes: design.planes_of_weights(),
    }
}

fn planes_of(frames: &[Frame]) -> usize {
    frames.first().map_or(1, |frame| frame.settings.planes)
}

fn frame_cycles(frames: &[Frame]) -> u64 {
    frames.first().map_or(0, |frame| frame.cycles.iter().sum())
}

pub(super) fn description(design: &Design) -> String {
    format!("Accelerator of '{}', {} rows x {} lanes", design.name.comment(), design.rows, design.lanes)
}
