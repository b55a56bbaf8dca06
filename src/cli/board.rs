//! `bincim board`: images through the board that holds a design, every score compared with the golden model.

mod golden;
mod line;
mod text;

use super::pixels::PictureArgs;
use super::progress::{self, Step};
use super::{Outcome, load, options, output};
use crate::bounded;
use crate::design::Design;
use crate::emit::board::host::Record;
use crate::emit::vectors;
use crate::escape;
use crate::flow::MOST_BYTES;
use crate::golden::{machine, reference};
use crate::network::Network;
use crate::serial::{Counts, Request, Session, Shape, Uart, encode, register};
use crate::variation::Correction;
use clap::Args;
use miette::miette;
use std::path::{Path, PathBuf};
use std::time::Instant;

/// What a design's folder says of its board.
pub const RECORD: &str = "host/board.json";
/// Differences that are kept to be told.
const MOST_TOLD: usize = 5;

/// Runs images on the board and compares every score with the golden model
#[derive(Args, Debug)]
pub struct Board {
    /// Folder written by `bincim generate` with a device that has a board, which holds that design
    pub dir: PathBuf,
    /// Serial port of the board, such as /dev/ttyUSB1
    #[arg(long, value_name = "PORT")]
    pub port: PathBuf,
    /// Data set: a folder or file of idx, CIFAR-10 binary, npy, npz, PNG or JPEG format
    #[arg(long, long_help = crate::read::FORMATS, required_unless_present = "registers")]
    pub data: Option<PathBuf>,
    #[command(flatten)]
    pub pictures: PictureArgs,
    /// Rate of the line in bits a second, in place of the design's
    #[arg(long, value_parser = clap::value_parser!(u32).range(9_600..=12_000_000))]
    pub rate: Option<u32>,
    /// Only the first N images
    #[arg(long, value_name = "N", value_parser = options::count::<1, { usize::MAX }>)]
    pub images: Option<usize>,
    /// Split of the data set
    #[arg(long, value_enum, default_value = "test")]
    pub split: super::infer::Split,
    /// Run at most K planes of weights in each layer (register PLANES); all if not given
    #[arg(long, value_name = "K")]
    pub planes: Option<usize>,
    /// Seed of the noise in gates, of columns or of weights that are drawn (register SEED), as in `bincim infer`
    #[arg(long, default_value_t = 1)]
    pub noise_seed: u32,
    /// Frames on their way at a time; as many as the board takes if not given
    #[arg(long, value_name = "N", value_parser = options::count::<1, { line::MOST_WINDOW }>)]
    pub window: Option<usize>,
    /// Seconds after which an answer counts as lost; from the sizes and the rate if not given
    #[arg(long, value_name = "SECONDS", value_parser = line::seconds)]
    pub patience: Option<f64>,
    /// Show every register of the board at the end
    #[arg(long)]
    pub registers: bool,
    /// Print one JSON object
    #[arg(long)]
    pub json: bool,
}

/// Everything a run found.
struct Found<'a> {
    args: &'a Board,
    record: Record,
    line: line::Line,
    run: Option<Run>,
    counts: Counts,
    registers: Vec<(String, u32)>,
}

/// What the images gave.
struct Run {
    images: usize,
    correct: Option<usize>,
    /// Images whose scores differ, and the first of them.
    different: usize,
    told: Vec<Difference>,
    /// Cycles of the last frame, counted by the board, if it can say them, and by the design.
    cycles: (Option<u32>, u64),
    seconds: f64,
    limits: line::Limits,
}

/// One image whose scores differ.
struct Difference {
    image: usize,
    board: Vec<i32>,
    golden: Vec<i32>,
}

impl Run {
    fn equal(&self) -> bool {
        self.different == 0 && self.cycles.0.is_none_or(|counted| u64::from(counted) == self.cycles.1)
    }
}

/// Runs the verb. [`Outcome::No`] if a score or the count of cycles differs.
pub fn run(args: &Board) -> miette::Result<Outcome> {
    let record = record(&args.dir)?;
    let (design, model) = load::folder(&args.dir)?;
    let model = model.fitting(args.pictures.resize)?;
    let planes = load::planes(args.planes, &design)?;
    if !record.registers {
        without_registers(args, &record, &design, planes)?;
    }
    let data = match &args.data {
        Some(path) => Some(images(args, &load::data(&model, path, args.split.into())?, path, &design)?),
        None => None,
    };
    let line = line::Line::new(args, &record, design.interval_of(planes));
    let work = match data {
        Some(images) => {
            let golden = golden::scores(args, &design, planes, &images.pixels)?;
            let mean = design.network.averaged(design.samples());
            Some(Work {
                design: &design,
                mean,
                correction: record.result.correction.as_ref(),
                planes,
                images,
                golden,
            })
        }
        None => None,
    };
    let step = Step::start(format!("looking for the board at {}", escape::path(&args.port)));
    let mut session = line.connect(&args.port, shape(&design, record.registers))?;
    step.done(&format!("{} at {} baud", record.board, line.baud));
    if record.registers && design.planes_of_weights() > 1 {
        session.set(register::PLANES, planes as u32)?;
    }
    let mut run = work.map(|work| compare(args, &line, &mut session, &work)).transpose()?;
    if let Some(run) = run.as_mut().filter(|_| record.registers) {
        run.cycles.0 = Some(session.read(register::CYCLES)?);
    }
    let registers = match args.registers {
        true => registers(&mut session, &design)?,
        false => Vec::new(),
    };
    let found = Found { args, record, line, run, counts: session.counts(), registers };
    output::result(&if args.json { text::json(&found) } else { text::summary(&found) })?;
    Ok(if found.run.as_ref().is_none_or(Run::equal) { Outcome::Done } else { Outcome::No })
}

/// What is run, and the golden model's scores of it.
struct Work<'a> {
    design: &'a Design,
    /// The network with outputs of the sums of samples.
    mean: Network,
    /// What becomes of these sums before a class is made of them.
    correction: Option<&'a Correction>,
    planes: usize,
    images: Images,
    golden: Vec<i32>,
}

/// The images of a run.
struct Images {
    pixels: Vec<u8>,
    elements: Vec<Vec<i16>>,
    labels: Option<Vec<u32>>,
}

fn images(args: &Board, data: &load::Data, path: &Path, design: &Design) -> miette::Result<Images> {
    let count = load::image_count(args.images, data.len(), path)?;
    if count == 0 {
        return Err(miette!(
            code = "cli::images",
            help = "take a data set with at least one image",
            "{}: no image to run",
            escape::path(path)
        ));
    }
    let labels = data.labels_of(&design.network)?.map(|labels| labels[..count].to_vec());
    let pixels = data.pixels[..count * data.input.shape.elements()].to_vec();
    Ok(Images { pixels, elements: (0..count).map(|index| data.image(index)).collect(), labels })
}

/// The record of the board for which the design in `dir` was made.
fn record(dir: &Path) -> miette::Result<Record> {
    let path = dir.join(RECORD);
    let none = |what: String| {
        miette!(
            code = "cli::no_board",
            help = "`bincim generate MODEL --device DEVICE -o DIR`, for a device with a board, makes one",
            "{}: {what}",
            escape::path(&path)
        )
    };
    let bytes = bounded::bytes(&path, MOST_BYTES)
        .map_err(|error| none(format!("the folder holds no design with a board ({error})")))?;
    serde_json::from_slice(&bytes)
        .map_err(|error| none(escape::terminal(&format!("no record of a board: {error}"))))
}

/// What the design's line takes and gives.
fn shape(design: &Design, registers: bool) -> Shape {
    let frame_bytes = design.input.beats * design.input.stream_bits / 8;
    Shape { frame_bytes, result_bytes: result_bytes(design), registers }
}

fn result_bytes(design: &Design) -> usize {
    design.output.scores * design.output.stream_bits / 8
}

/// Refuses what a line for frames alone cannot do.
fn without_registers(args: &Board, record: &Record, design: &Design, planes: usize) -> miette::Result<()> {
    let asked = [
        (args.registers, "--registers asks for what it cannot reach"),
        (planes < design.planes_of_weights(), "--planes needs the register PLANES"),
        (design.has_seed(), "noise needs the register SEED before every frame"),
    ];
    let what: Vec<&str> = asked.iter().filter(|(asked, _)| *asked).map(|(_, what)| *what).collect();
    if what.is_empty() {
        return Ok(());
    }
    Err(miette!(
        code = "cli::no_registers",
        help = "take a device with more room, such as up5k: its line reaches the registers",
        "the line of the {} carries frames alone: {}",
        escape::terminal(&record.board),
        what.join("; ")
    ))
}

/// Sends every image and holds what comes back against the golden model.
fn compare(args: &Board, line: &line::Line, session: &mut Session<Uart>, work: &Work) -> miette::Result<Run> {
    let Work { design, mean, correction, planes, images, golden } = work;
    let count = images.elements.len();
    let classes = design.output.scores;
    let mut run = Run {
        images: count,
        correct: images.labels.as_ref().map(|_| 0),
        different: 0,
        told: Vec::new(),
        cycles: (None, design.frame_of(*planes).layers.iter().sum()),
        seconds: 0.0,
        limits: line.limits(0.0, 0.0),
    };
    let text = format!("running {count} images");
    let bar = progress::bar(&text, "{bar:40} {pos}/{len} images, {per_sec}, {eta} left", count, 0);
    let mut each = |index: usize, data: &[u8]| {
        let mut scores = scores(design, data);
        let expected = &golden[index * classes..(index + 1) * classes];
        if scores != expected {
            run.different += 1;
            if run.told.len() < MOST_TOLD {
                run.told.push(Difference { image: index, board: scores.clone(), golden: expected.to_vec() });
            }
        }
        if let (Some(correct), Some(labels)) = (&mut run.correct, &images.labels) {
            if let Some(correction) = correction {
                correction.apply(&mut scores, design.samples());
            }
            let class = reference::decide(mean, &scores, mean.output.decision);
            *correct += usize::from(class == labels[index] as usize);
        }
        bar.inc(1);
    };
    let mut sent = 0;
    let mut frame = |elements: &Vec<i16>| {
        let frame = vectors::beats(&design.input, design.network.input.shape, elements);
        sent += encode(&Request::Frame(&frame).content(0)).len();
        frame
    };
    #[expect(clippy::disallowed_methods, reason = "cli reads clocks")]
    let start = Instant::now();
    if design.has_seed() {
        // Noise follows from the seed and the frame's number: each frame is told its own.
        for (index, elements) in images.elements.iter().enumerate() {
            session.set(register::SEED, machine::frame_seed(args.noise_seed, index as u64))?;
            let mut one = std::iter::once(frame(elements));
            session.frames(1, &mut one, &mut |_, data| each(index, data))?;
        }
    } else {
        session.frames(line.window, &mut images.elements.iter().map(&mut frame), &mut each)?;
    }
    run.seconds = start.elapsed().as_secs_f64();
    bar.finish_and_clear();
    let reply = encode(&[&[0x81, 0, 1][..], &vec![0; result_bytes(design)]].concat()).len();
    run.limits = line.limits(sent as f64 / count as f64, reply as f64);
    run.told.sort_by_key(|difference| difference.image);
    Ok(run)
}

/// The scores in a result, in channel, row, column order.
fn scores(design: &Design, data: &[u8]) -> Vec<i32> {
    let bytes = design.output.stream_bits / 8;
    let score = |bytes: &[u8]| {
        let low = bytes.iter().rev().fold(0i64, |value, &byte| value << 8 | i64::from(byte));
        let unused = 64 - 8 * bytes.len().min(8) as u32;
        (low << unused >> unused) as i32
    };
    design.in_channel_order(&data.chunks_exact(bytes).map(score).collect::<Vec<i32>>())
}

/// Every register with its name, the counters of the layers last.
fn registers(session: &mut Session<Uart>, design: &Design) -> miette::Result<Vec<(String, u32)>> {
    let own = register::NAMES.iter().map(|&(name, address)| (name.to_string(), address));
    let layers =
        (0..design.layers.len()).map(|layer| (format!("LAYER_CYCLES {layer}"), 0x100 + 4 * layer as u16));
    own.chain(layers).map(|(name, address)| Ok((name, session.read(address)?))).collect()
}
