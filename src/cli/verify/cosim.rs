//! Co-simulation: builds the Verilated model of a design folder and runs images through it, in shards.
//!
//! A shard is one process over one vector file; its course depends on the seed, its first image and its
//! design alone, so any shard can be run again by itself. Files are removed when they have been read.

use super::draws;
use super::texts::{self, Text};
use crate::design::{Design, LayerDesign};
use crate::emit::vectors::{self, Frame, Record, Run, Settings};
use crate::emit::{self, NamedText, popcount};
use crate::flow::{self, FlowError, Found, verilator};
use crate::golden::machine::{self, MachineTrace, Sampling};
use crate::variation::Chip;
use serde::{Deserialize, Serialize};
use std::ffi::OsString;
use std::fs;
use std::ops::Range;
use std::path::{Path, PathBuf};
use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::time::Duration;

/// Vector files are kept below this, so that any number of images fits in memory.
const SHARD_BYTES: usize = 48 << 20;
/// Most images of a shard, so that the progress bar moves.
const SHARD_IMAGES: usize = 250;
const TIME_LIMIT: Duration = Duration::from_secs(3600);

/// What the model is built to write.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Trace {
    Off,
    Fst,
    Vcd,
}

/// A Verilated model of one design folder.
#[derive(Debug, Clone)]
pub struct Model {
    program: PathBuf,
    /// Folder of the memory images, in which the model runs.
    images: PathBuf,
    /// What the analog arrays hold; none with the popcount readout.
    chip: Option<Chip>,
    /// Beats of the program that is loaded; none where the network is fixed.
    network: Vec<u32>,
    /// Folder for vector files and logs.
    work: PathBuf,
    pub tool: Found,
    pub trace: Trace,
}

/// The first difference found, as the harness writes it; -1 where a field does not apply.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Mismatch {
    pub kind: String,
    pub phase: String,
    pub note: String,
    pub image: i64,
    pub layer: i64,
    /// Which run of a layer that runs several times.
    pub sample: i64,
    pub group: i64,
    pub lane: i64,
    pub channel: i64,
    pub row: i64,
    pub column: i64,
    pub cycle: u64,
    pub expected: i64,
    pub actual: i64,
}

/// What one process of the harness found.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Shard {
    pub images: u64,
    pub first_image: u64,
    /// Frames that the run added to the images.
    pub synthetic: u64,
    pub mismatches: u64,
    pub sums: u64,
    pub bits: u64,
    pub scores: u64,
    pub register_reads: u64,
    pub register_writes: u64,
    pub resets: u64,
    pub cycles: u64,
    /// Fewest cycles between the first sums of two frames; 0 if there was one frame.
    pub interval: u64,
    pub seconds: f64,
    /// With the most planes and samples that run; 0 where no register was read behind such a frame.
    pub layer_cycles: Vec<u64>,
    /// Likewise, of the whole frame.
    pub frame_cycles: u64,
    /// Situations that the design can show, and how often they were met.
    pub coverage: Vec<(String, u64)>,
    pub first: Option<Mismatch>,
}

/// How to run.
#[derive(Debug, Clone, Copy)]
pub struct Plan {
    pub seed: u64,
    /// Frames of each shard that are cut off by a reset; 0 leaves out the phase of register traffic as well.
    pub resets: u64,
    /// Processes at a time.
    pub jobs: usize,
    /// Most planes of weights that a layer runs; none: a number drawn for every frame.
    pub planes: Option<usize>,
    /// Seed of the noise in gates: what the register SEED holds when image 0 starts, image i being frame i; none:
    /// drawn anew every few frames.
    pub noise_seed: Option<u32>,
    /// The images are one shard, as in an earlier run that is to be repeated.
    pub whole: bool,
}

impl Plan {
    /// The most planes of weights that a frame runs.
    pub fn most_planes(&self, design: &Design) -> usize {
        self.planes.unwrap_or(design.planes_of_weights())
    }
}

/// Cells of the array times cycles up to which a model is built for a short run: what `-O2` takes longer to build than
/// `-O1` came back after 0.9e9 with a tree in a block of its own (128 x 32), after 6e9 to 14e9 without (32 x 8, 64 x 16).
const SHORT_WORK: u64 = 1_000_000_000;

/// Builds the model of `design`, generated into `dir`, in `dir/build/`, with what `text` says for its popcount tree;
/// `images` images are to run on it.
///
/// Errors: a missing tool or file, or a failure of the build with the lines that say why.
pub fn build(
    dir: &Path,
    design: &Design,
    text: Text,
    trace: Trace,
    images: usize,
    jobs: usize,
) -> Result<Model, FlowError> {
    let rtl = dir.join("rtl");
    let mut files = flow::folder::simulation_files(dir)?;
    files.push(PathBuf::from("../verif/cosim_top.sv"));
    let work = dir.join("build");
    let mut name = match trace {
        Trace::Off => "model",
        Trace::Fst => "model_fst",
        Trace::Vcd => "model_vcd",
    }
    .to_string();
    let mut args: Vec<String> = match trace {
        Trace::Off => vec![],
        Trace::Fst => vec!["--trace-fst".into(), "--trace-structs".into()],
        Trace::Vcd => vec!["--trace".into(), "--trace-structs".into()],
    };
    match text {
        Text::Shipped if texts::in_blocks(design) => {
            files.insert(0, PathBuf::from("../verif/cosim.vlt"));
            args.push("--hierarchical".into());
        }
        Text::Shipped => {}
        Text::Model => {
            let tree = format!("{}.v", popcount::top(&design.tree_stem()));
            if let Some(file) = files.iter_mut().find(|file| file.as_path() == Path::new(&tree)) {
                *file = PathBuf::from(format!("../verif/model/{tree}"));
            }
            name += "_of_sums";
        }
    }
    let out = work.join(name);
    let model = verilator::build(&verilator::Build {
        files: &files,
        harness: &[PathBuf::from("../verif/cosim.cpp")],
        top: "cosim_top",
        cwd: &rtl,
        out: &out,
        trace: false,
        short: is_short(design, images),
        threads: 1,
        jobs,
        args: &args,
        limit: None,
    })?;
    Ok(Model {
        program: model.program,
        images: rtl,
        chip: None,
        network: Vec::new(),
        work,
        tool: model.tool,
        trace,
    })
}

/// Whether `images` images are soon simulated.
fn is_short(design: &Design, images: usize) -> bool {
    let cells = (design.rows * design.lanes) as u64;
    cells.saturating_mul(design.interval()).saturating_mul(images as u64) < SHORT_WORK
}

impl Model {
    /// The model with a network's program to load; the build serves every network.
    pub fn with_program(self, network: Vec<u32>) -> Model {
        Model { network, ..self }
    }

    /// The model with `chip` in its memories; the build serves every chip.
    ///
    /// Errors: a memory image that cannot be written.
    pub fn with_chip(self, design: &Design, chip: Chip) -> Result<Model, FlowError> {
        let images = self.work.join("chip");
        fs::create_dir_all(&images).map_err(FlowError::io("create", &images))?;
        for NamedText { name, text } in emit::memory_images(design, Some(&chip)) {
            let path = images.join(name);
            fs::write(&path, text).map_err(FlowError::io("write", &path))?;
        }
        Ok(Model { images, chip: Some(chip), ..self })
    }
}

/// Images of one shard at most.
pub fn shard_size(design: &Design) -> usize {
    let of_layer = |layer: &LayerDesign| layer.groups * layer.vectors * design.lanes;
    let values: usize =
        design.runs(design.samples()).iter().map(|&layer| of_layer(&design.layers[layer])).sum::<usize>();
    (SHARD_BYTES / (5 * values).max(1)).clamp(1, SHARD_IMAGES)
}

/// The shards of `range` under `plan`.
pub fn shards(design: &Design, range: Range<usize>, plan: &Plan) -> Vec<Range<usize>> {
    let most = shard_size(design);
    let size = match plan.whole && range.len() <= most {
        true => range.len(),
        false => most.min(range.len().div_ceil(plan.jobs.max(1))),
    };
    range.clone().step_by(size.max(1)).map(|start| start..(start + size).min(range.end)).collect()
}

/// Runs the images of `range` through the model; `image` gives one image's elements, `progress` hears of
/// every number of images done. Stops early once a mismatch is known. Results are in the order of images.
///
/// Errors: the first process that could not be run or did not answer.
pub fn run(
    design: &Design,
    model: &Model,
    image: &(dyn Fn(usize) -> Vec<i16> + Sync),
    range: Range<usize>,
    plan: &Plan,
    progress: &(dyn Fn(u64) + Sync),
) -> Result<Vec<Shard>, FlowError> {
    let shards = shards(design, range, plan);
    let next = AtomicUsize::new(0);
    let stop = AtomicBool::new(false);
    let results: Mutex<Vec<Result<Shard, FlowError>>> = Mutex::new(Vec::new());
    std::thread::scope(|scope| {
        for _ in 0..plan.jobs.clamp(1, shards.len().max(1)) {
            scope.spawn(|| {
                while !stop.load(Ordering::Relaxed) {
                    let Some(shard) = shards.get(next.fetch_add(1, Ordering::Relaxed)) else { break };
                    let result = run_shard(design, model, image, shard.clone(), plan, &[]);
                    if !matches!(&result, Ok(shard) if shard.mismatches == 0) {
                        stop.store(true, Ordering::Relaxed);
                    }
                    progress(shard.len() as u64);
                    results.lock().unwrap_or_else(|broken| broken.into_inner()).push(result);
                }
            });
        }
    });
    let results = results.into_inner().unwrap_or_else(|broken| broken.into_inner());
    let mut shards = results.into_iter().collect::<Result<Vec<Shard>, FlowError>>()?;
    shards.sort_by_key(|shard| shard.first_image);
    Ok(shards)
}

/// A network on a loadable machine.
#[derive(Clone, Copy)]
pub struct Loaded<'a> {
    pub design: &'a Design,
    /// Beats of its program.
    pub program: &'a [u32],
    /// Elements of one of its images.
    pub image: &'a (dyn Fn(usize) -> Vec<i16> + Sync),
}

/// Runs `images` images of each of `networks`, which are on one machine, one network behind the other without a reset, each
/// twice; a result a network.
///
/// Errors: as of [`run`].
pub fn switch(
    networks: &[Loaded],
    model: &Model,
    images: usize,
    plan: &Plan,
) -> Result<Vec<Shard>, FlowError> {
    let mut files = Vec::new();
    for (number, &Loaded { design, program, image }) in networks.iter().enumerate() {
        let records: Vec<Record> =
            (0..images).flat_map(|index| records(design, model, plan, index, &image(index))).collect();
        let run = Run { first: 0, planes: plan.planes, program };
        let file = model.work.join(format!("network_{number}.vectors"));
        fs::write(&file, vectors::bytes(design, &records, run)).map_err(FlowError::io("write", &file))?;
        files.push(file);
    }
    harness(model, &files, plan, &[], "switched")
}

/// Runs one shard again and writes the cycles `window` to `file`.
pub fn dump(
    design: &Design,
    model: &Model,
    image: &(dyn Fn(usize) -> Vec<i16> + Sync),
    shard: Range<usize>,
    plan: &Plan,
    file: &Path,
    window: Range<u64>,
) -> Result<Shard, FlowError> {
    let arguments: [OsString; 6] = [
        "--dump".into(),
        file.into(),
        "--from".into(),
        window.start.to_string().into(),
        "--to".into(),
        window.end.to_string().into(),
    ];
    run_shard(design, model, image, shard, plan, &arguments)
}

fn run_shard(
    design: &Design,
    model: &Model,
    image: &(dyn Fn(usize) -> Vec<i16> + Sync),
    shard: Range<usize>,
    plan: &Plan,
    arguments: &[OsString],
) -> Result<Shard, FlowError> {
    let records: Vec<Record> =
        shard.clone().flat_map(|index| records(design, model, plan, index, &image(index))).collect();
    let name = format!("images_{}_{}", shard.start, shard.end);
    let file = model.work.join(format!("{name}.vectors"));
    let run = Run { first: shard.start, planes: plan.planes, program: &model.network };
    fs::write(&file, vectors::bytes(design, &records, run)).map_err(FlowError::io("write", &file))?;
    drop(records);
    let mut results = harness(model, &[file], plan, arguments, &name)?;
    Ok(results.remove(0))
}

/// Runs the model on vector files, which are removed; a result a file. The log, called `name`, stays where something differs.
fn harness(
    model: &Model,
    files: &[PathBuf],
    plan: &Plan,
    arguments: &[OsString],
    name: &str,
) -> Result<Vec<Shard>, FlowError> {
    let mut words: Vec<OsString> = Vec::new();
    for file in files {
        words.push(fs::canonicalize(file).map_err(FlowError::io("find", file))?.into());
    }
    words.extend(["--seed".into(), plan.seed.to_string().into()]);
    words.extend(["--resets".into(), plan.resets.to_string().into()]);
    words.extend(arguments.iter().cloned());
    let log = model.work.join(format!("{name}.log"));
    let ran = flow::run_program(&model.program, &words, &model.images, &log, TIME_LIMIT)?;
    let failed = |problem: String| FlowError::ToolFailed {
        tool: "model".into(),
        status: format!("exit status {}, {problem}", ran.code),
        excerpt: ran.stdout.chars().take(2000).collect(),
        log: log.clone(),
    };
    let answers = ran.stdout.lines().filter(|line| line.starts_with('{'));
    let results: Vec<Shard> = answers
        .map(serde_json::from_str)
        .collect::<Result<_, _>>()
        .map_err(|problem| failed(problem.to_string()))?;
    if results.len() != files.len() {
        return Err(failed(format!("{} results of {}", results.len(), files.len())));
    }
    for file in files {
        fs::remove_file(file).map_err(FlowError::io("remove", file))?;
    }
    if results.iter().all(|result| result.mismatches == 0) {
        fs::remove_file(&log).map_err(FlowError::io("remove", &log))?;
    }
    Ok(results)
}

/// The frames that image `index` gives, and the golden model's answers.
fn records(design: &Design, model: &Model, plan: &Plan, index: usize, image: &[i16]) -> Vec<Record> {
    let record = |kind| {
        let seed = draws::seed(design, plan, index, kind);
        let settings = draws::settings(design, plan, index, kind);
        let elements = draws::elements(design, plan, index, kind, image);
        Record {
            frame: frame(design, model.chip.as_ref(), settings, elements, seed),
            image: index,
            kind,
            seed,
        }
    };
    draws::kinds(index).map(record).collect()
}

/// The golden model's run of one image; `chip` and `seed` as in [`machine::run_planes`].
pub fn trace(
    design: &Design,
    chip: Option<&Chip>,
    settings: Settings,
    image: &[i16],
    seed: u32,
) -> MachineTrace {
    match design.ensemble {
        Some(_) => {
            let flips = settings.mode & Settings::NO_FLIPS == 0;
            machine::run_samples(design, chip, image, Sampling { samples: settings.samples, seed, flips })
        }
        None => machine::run_planes(design, chip, settings.planes, image, seed),
    }
}

/// The golden model's answer to one image, as [`trace`].
pub fn frame(design: &Design, chip: Option<&Chip>, settings: Settings, image: Vec<i16>, seed: u32) -> Frame {
    let trace = trace(design, chip, settings, &image, seed);
    let cycles = trace.layers.iter().map(|layer| layer.cycles).collect();
    let (sums, bits) = trace.layers.into_iter().map(|layer| (layer.sums, layer.bits)).unzip();
    Frame { image, sums, bits, scores: trace.scores, cycles, settings }
}
