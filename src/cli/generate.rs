//! `bincim generate`: the accelerator of a network as a folder of Verilog, memory images and benches.
//!
//! The folder appears whole or not at all. It holds its own sources (the model, and `source/arch.toml` with every
//! number resolved), so that `verify` and `synth` need nothing else.

use super::load::Model;
use super::pixels::{self, ReadArgs};
use super::progress::{self, Step};
use super::{Outcome, chip, load, machine, made, options, output};
use crate::arch::device::{Board, Device, DeviceFamily};
use crate::cost::{self, Choice};
use crate::design::{Design, Machine};
use crate::emit::board::pll::{Pll, PllFamily};
use crate::emit::board::{BoardTop, Line, host};
use crate::emit::package::{self, BoardTarget};
use crate::emit::vectors::{Frame, Settings};
use crate::emit::{self, NamedText, hdl};
use crate::escape;
use crate::flow::folder::{self, Pending};
use crate::golden;
use crate::network::{Network, random};
use crate::read::Pixels;
use crate::report::{DesignView, LayerView};
use crate::variation::Chip;
use clap::Args;
use miette::{Context, IntoDiagnostic};
use sha2::{Digest, Sha256};
use std::path::{Path, PathBuf};

/// Images in the benches that come with a design, and the seed they are drawn from.
const BENCH_FRAMES: usize = 3;
const BENCH_SEED: u64 = 1;

/// Writes the accelerator: Verilog, memory images, benches, board wrapper
#[derive(Args, Debug)]
pub struct Generate {
    /// QONNX model; several for a machine that they are loaded into (program.load = "loadable")
    #[arg(required = true, value_name = "MODEL")]
    pub models: Vec<PathBuf>,
    /// Architecture file, `none` for no such file; arch.toml beside the model if not given, and where there is none,
    /// every number is chosen
    #[arg(long, value_name = "FILE")]
    pub arch: Option<PathBuf>,
    /// Device, in place of the architecture file's
    #[arg(long)]
    pub device: Option<String>,
    /// Frames a second that are enough: the smallest machine that makes them is chosen
    #[arg(long, value_name = "N", value_parser = load::frames)]
    pub target_fps: Option<f64>,
    /// Rate of the board's serial line in bits a second, 115200 to 3000000; the fastest that its converter holds and the
    /// clock can make if not given
    #[arg(long, value_name = "RATE", value_parser = clap::value_parser!(u64).range(115_200..=3_000_000))]
    pub baud: Option<u64>,
    /// Chip made by `bincim draw` for the memories of analog arrays; without one, the ideal chip
    #[arg(long)]
    pub chip: Option<PathBuf>,
    #[command(flatten)]
    pub reading: ReadArgs,
    /// Folder to write; an earlier accelerator there is replaced
    #[arg(short, long, value_name = "DIR", value_parser = options::on_disk())]
    pub output: PathBuf,
    /// Print one JSON object
    #[arg(long)]
    pub json: bool,
}

pub fn run(args: &Generate) -> miette::Result<Outcome> {
    folder::refuse_foreign(&args.output, made::not_of_a_design)?;
    let first = &args.models[0];
    let arch = load::arch(first, args.arch.as_deref());
    let mut models = Vec::new();
    for path in &args.models {
        let step = Step::start(format!("reading {}", escape::path(path)));
        let read = load::network(path, &args.reading)?;
        step.done(&format!("{} layers", read.network.layers.len()));
        read.warn(&progress::Terminal);
        models.push(read);
    }
    let step = Step::start("choosing the machine");
    let chosen =
        load::choice_as(&models[0].network, arch.as_deref(), args.device.as_deref(), args.target_fps);
    let (choice, device) = match chosen {
        Ok(chosen) => chosen,
        Err(error) => return load::no(error, args.json),
    };
    step.done(&format!("{} rows x {} lanes", choice.design.rows, choice.design.lanes));
    let step = Step::start(format!("writing {}", escape::path(&args.output)));
    let contents = match choice.design.loadable() {
        true => loadable(args, &choice, device, &models)?,
        false => fixed(args, &choice, device, &models)?,
    };
    let pending = Pending::begin(&args.output, made::not_of_a_design)?;
    for file in &contents.texts {
        write(&pending.path().join(&file.name), file.text.as_bytes())?;
    }
    for (name, bytes) in &contents.bytes {
        write(&pending.path().join(name), bytes)?;
    }
    let folder = pending.finish()?;
    step.done(&format!("{} files", contents.texts.len()));
    output::result(&summary(args, &choice, &folder, &contents))?;
    Ok(Outcome::Done)
}

/// What the folder holds, named by paths inside it.
struct Contents {
    texts: Vec<NamedText>,
    bytes: Vec<(String, Vec<u8>)>,
    /// The networks that a loadable machine was made for, as they run on it.
    programs: Vec<Design>,
}

/// The folder of the accelerator of one network.
fn fixed(
    args: &Generate,
    choice: &Choice,
    device: Option<&Device>,
    models: &[Model],
) -> miette::Result<Contents> {
    let (design, read) = (&choice.design, &models[0]);
    if models.len() > 1 {
        return Err(miette::miette!(
            code = "cli::many_models",
            help = "program.load = \"loadable\" in the architecture file makes a machine that they are loaded into",
            "{} models: an accelerator whose network is fixed has one",
            models.len()
        ));
    }
    let chip = match &args.chip {
        Some(path) => Some(chip::read(path, design)?),
        None => chip::ideal(design),
    };
    let rtl = emit::accelerator(design, chip.as_ref());
    let names: Vec<String> = rtl.iter().map(|file| file.name.clone()).collect();
    let mut files = in_folder("rtl", rtl);
    files.extend(emit::bench::files(design, &frames(design, chip.as_ref())).into_diagnostic()?);
    let top = device.map(|device| board(design, device, args.baud)).transpose()?.flatten();
    if args.baud.is_some() && top.is_none() {
        return Err(no_line(device));
    }
    let wrapper = match (&top, device) {
        (Some(top), Some(device)) => wrapper(top, device)?,
        _ => Vec::new(),
    };
    let pll = top.as_ref().and_then(|top| top.pll.as_ref());
    files.extend(in_folder("verif/cells", pll.map(Pll::model).into_iter().collect()));
    let target = device.and_then(|device| board_target(design, device, &wrapper));
    files.push(package::core(design, &names, target.as_ref()).into_diagnostic()?);
    files.extend(in_folder("board", wrapper));
    if let (Some(top), Some(device)) = (&top, device) {
        files.extend(in_folder("host", host::files(design, chip.as_ref(), top, &device.name)));
    }
    let clock = top.map(|top| top.core_hz() as f64 / 1e6);
    files.extend(described(&view(design, &read.pixels, clock), design)?);
    files.push(NamedText { name: pixels::SOURCE.into(), text: pixels::record(&read.pixels, &read.fixed) });
    let model = load::model_bytes(&args.models[0])?;
    files.push(json_file("manifest.json", &manifest(args, &model, &files, &[])));
    let mut bytes = vec![(format!("source/{}.onnx", design.name.raw()), model)];
    bytes.extend(chip.map(|chip| (chip::SOURCE.to_string(), chip.write_to())));
    Ok(Contents { texts: files, bytes, programs: Vec::new() })
}

/// The folder of a machine that networks are loaded into, with the programs of its own.
fn loadable(
    args: &Generate,
    choice: &Choice,
    device: Option<&Device>,
    models: &[Model],
) -> miette::Result<Contents> {
    if args.baud.is_some() {
        return Err(no_line(device));
    }
    if args.chip.is_some() {
        return Err(miette::miette!(
            code = "cli::chip",
            help = "leave --chip out",
            "--chip: a loadable machine has no analog arrays"
        ));
    }
    if device.is_some_and(|device| device.board.is_some()) {
        progress::tell(format_args!("note: a loadable machine gets no wrapper for the device's board"));
    }
    let networks: Vec<Network> = models.iter().map(|model| model.network.clone()).collect();
    let machine = Machine::of(&networks, &choice.design.arch).map_err(machine::fault)?;
    let texts = machine::generate::texts(&machine, models, &args.models)?;
    let names: Vec<String> = texts.rtl.iter().map(|file| file.name.clone()).collect();
    let mut files = in_folder("rtl", texts.rtl);
    files.extend(texts.benches);
    files.push(package::core(&machine.capacity, &names, None).into_diagnostic()?);
    let first = &machine.programs[0];
    files.extend(described(&view(first, &models[0].pixels, None), first)?);
    let model = load::model_bytes(&args.models[0])?;
    files.push(json_file("manifest.json", &manifest(args, &model, &files, &texts.programs)));
    Ok(Contents { texts: files, bytes: texts.programs, programs: machine.programs })
}

/// What every folder says of itself.
fn described(view: &DesignView, design: &Design) -> miette::Result<[NamedText; 3]> {
    let arch = toml::to_string_pretty(&design.arch.to_file()).into_diagnostic()?;
    Ok([
        package::licence(),
        json_file("design.json", view),
        NamedText { name: "source/arch.toml".into(), text: arch },
    ])
}

/// The same files inside `folder`.
fn in_folder(folder: &str, files: Vec<NamedText>) -> Vec<NamedText> {
    files.into_iter().map(|file| NamedText { name: format!("{folder}/{}", file.name), ..file }).collect()
}

/// Frames of random images and what the machine makes of them, for the benches that come with the design.
fn frames(design: &Design, chip: Option<&Chip>) -> Vec<Frame> {
    let elements = random::elements(&design.network, BENCH_SEED, BENCH_FRAMES);
    let images = elements.chunks(design.network.input.shape.elements()).cycle();
    let frame = |(index, image): (usize, &[i16])| {
        let seed = golden::machine::frame_seed(golden::machine::RESET_SEED, index as u64);
        super::verify::cosim::frame(design, chip, Settings::all(design), image.to_vec(), seed)
    };
    images.take(emit::bench::frames(design, BENCH_FRAMES)).enumerate().map(frame).collect()
}

/// The wrapper for the device's board; nothing for a device without one.
fn board(design: &Design, device: &Device, baud: Option<u64>) -> miette::Result<Option<BoardTop>> {
    let Some(board) = &device.board else { return Ok(None) };
    if design.arch.target.prefix == board.name {
        return Err(miette::miette!(
            code = "cli::prefix",
            help = "take another word for target.prefix",
            "target.prefix = {0:?} is the name of the board, whose wrapper is called {0}_top too",
            board.name
        ));
    }
    let hertz = |mhz: f64| (mhz * 1e6).round() as u64;
    let (oscillator, wanted) = (hertz(board.clock_mhz), hertz(design.arch.clock_mhz()));
    let family = match device.family {
        DeviceFamily::Ice40 if board.pll_on_pad => Some(PllFamily::Ice40Pad),
        DeviceFamily::Ice40 => Some(PllFamily::Ice40),
        DeviceFamily::Ecp5 => Some(PllFamily::Ecp5),
        DeviceFamily::Gowin => Some(PllFamily::Gowin),
        DeviceFamily::Xilinx => None,
    };
    let pll = match family {
        Some(family) if wanted != oscillator => {
            Some(Pll::new(family, oscillator, wanted).into_diagnostic().wrap_err("target.clock_mhz")?)
        }
        _ => None,
    };
    let core_hz = pll.as_ref().map_or(oscillator, |pll| pll.output_hz);
    Ok(Some(BoardTop {
        module: format!("{}_top", board.name),
        accelerator: design.module("top"),
        title: board.title.clone(),
        clock_hz: oscillator,
        pll,
        reset_pin: board.reset_pin,
        led_active_low: board.led_active_low,
        line: line(board, core_hz, baud)?,
        s_bytes: design.input.stream_bits / 8,
        m_bytes: design.output.stream_bits / 8,
        frame_beats: design.input.beats,
        result_beats: design.output.scores,
    }))
}

/// The board's serial line: at the rate asked for, or the fastest that converter and clock can hold.
fn line(board: &Board, core_hz: u64, asked: Option<u64>) -> miette::Result<Line> {
    let baud = match asked {
        Some(baud) if baud > board.most_baud => {
            return Err(miette::miette!(
                code = "cli::baud",
                help = "give a rate up to that, or leave --baud out",
                "--baud {baud}: the {} of the {} holds {} at most",
                board.converter,
                board.title,
                board.most_baud
            ));
        }
        Some(baud) => hdl::divider(core_hz, baud).map(|_| baud),
        None => hdl::fastest(core_hz, board.most_baud),
    };
    let baud = baud.into_diagnostic().wrap_err("--baud")?;
    let (converter, most_baud, registers) = (board.converter.clone(), board.most_baud, board.registers);
    Ok(Line { baud, converter, most_baud, registers })
}

/// There is no board whose line could have a rate.
fn no_line(device: Option<&Device>) -> miette::Report {
    let what = device.map_or("without --device".to_string(), |device| format!("for {}", device.name));
    miette::miette!(
        code = "cli::baud",
        help = "name a device with a board (--device up5k), or leave --baud out",
        "--baud: a design {what} has no board and so no serial line"
    )
}

/// The files of `board/`: the wrapper's modules and the pins.
fn wrapper(top: &BoardTop, device: &Device) -> miette::Result<Vec<NamedText>> {
    let mut files = emit::board::modules(top).into_diagnostic()?;
    if let Some(board) = &device.board {
        let pins = board.constraints().map(|text| NamedText { name: board.pins.clone(), text: text.into() });
        files.extend(pins);
    }
    Ok(files)
}

/// The board as a target of FuseSoC; nothing for the families that it has no open flow for.
fn board_target(design: &Design, device: &Device, wrapper: &[NamedText]) -> Option<BoardTarget> {
    let board = device.board.as_ref()?;
    let (tool, pins) = match device.family {
        DeviceFamily::Ice40 => ("icestorm", "PCF"),
        DeviceFamily::Ecp5 => ("trellis", "LPF"),
        DeviceFamily::Gowin | DeviceFamily::Xilinx => return None,
    };
    let names = wrapper.iter().map(|file| file.name.clone());
    let clock = ["--freq".to_string(), design.arch.clock_mhz().to_string()];
    Some(BoardTarget {
        name: board.name.clone(),
        title: board.title.clone(),
        tool,
        top: format!("{}_top", board.name),
        files: names.filter(|name| name.ends_with(".v")).collect(),
        pins: (board.pins.clone(), pins),
        synth: device.synth.clone(),
        route: device.route.iter().cloned().chain(clock).collect(),
    })
}

fn write(path: &Path, bytes: &[u8]) -> miette::Result<()> {
    let what = || format!("cannot write {}", escape::path(path));
    if let Some(parent) = path.parent() {
        std::fs::create_dir_all(parent).into_diagnostic().wrap_err_with(what)?;
    }
    std::fs::write(path, bytes).into_diagnostic().wrap_err_with(what)
}

fn json_file(name: &str, value: &impl serde::Serialize) -> NamedText {
    let text = serde_json::to_string_pretty(value).expect("plain values") + "\n";
    NamedText { name: name.into(), text }
}

/// What the design says of itself.
fn view(design: &Design, pixels: &Pixels, board_clock_mhz: Option<f64>) -> DesignView {
    DesignView {
        name: design.name.raw().into(),
        top: design.module("top"),
        rows: design.rows as u64,
        lanes: design.lanes as u64,
        weight_bits: design.network.weight_bits() as u64,
        macs: design.network.macs() as u64,
        cycles: design.cycles,
        interval: Some(design.interval()),
        plane_cycles: plane_cycles(design),
        clock_mhz: Some(design.arch.clock_mhz()),
        board_clock_mhz,
        pixels: Some(pixels::told(pixels)),
        layers: design
            .network
            .layers
            .iter()
            .zip(&design.layers)
            .map(|(layer, program)| LayerView {
                name: layer.name.raw().into(),
                op: layer.op.into(),
                macs: layer.macs() as u64,
                cycles: program.cycles,
                bound: program.bound,
            })
            .collect(),
        blocks: super::blocks::blocks(design),
    }
}

/// Cycles of a frame with 1, 2, ... planes of weights; empty where there is one.
fn plane_cycles(design: &Design) -> Vec<u64> {
    let cycles = design.plane_cycles.iter().map(|frame| frame.layers.iter().sum());
    if design.planes_of_weights() > 1 { cycles.collect() } else { Vec::new() }
}

/// What the folder was made from: versions and digests live here and not in the Verilog.
fn manifest(
    args: &Generate,
    model: &[u8],
    files: &[NamedText],
    programs: &[(String, Vec<u8>)],
) -> serde_json::Value {
    let digest =
        |bytes: &[u8]| Sha256::digest(bytes).iter().map(|byte| format!("{byte:02x}")).collect::<String>();
    let file_name = |path: &Path| path.file_name().map(|name| name.to_string_lossy().into_owned());
    serde_json::json!({
        "generator": {
            "name": "bincim", "version": env!("CARGO_PKG_VERSION"), "commit": env!("BINCIM_COMMIT")
        },
        "model": { "file": file_name(&args.models[0]), "sha256": digest(model) },
        "files": files
            .iter()
            .map(|file| (&file.name, digest(file.text.as_bytes())))
            .chain(programs.iter().map(|(name, bytes)| (name, digest(bytes))))
            .map(|(name, digest)| serde_json::json!({ "name": name, "sha256": digest }))
            .collect::<Vec<_>>(),
    })
}

fn summary(args: &Generate, choice: &Choice, folder: &Path, contents: &Contents) -> String {
    let design = &choice.design;
    let clock = design.arch.clock_mhz();
    let speed = cost::speed(design, clock);
    let files = contents.texts.len();
    let programs = contents.programs.iter();
    if args.json {
        let programs = programs.map(|program| {
            let speed = cost::speed(program, clock);
            serde_json::json!({
                "name": program.name.raw(), "cycles": program.cycles, "interval": speed.interval,
                "frames_per_second": speed.frames_per_second,
            })
        });
        let object = serde_json::json!({
            "folder": folder.to_string_lossy(), "files": files, "rows": design.rows, "lanes": design.lanes,
            "cycles": design.cycles, "interval": speed.interval, "frames_per_second": speed.frames_per_second,
            "programs": programs.collect::<Vec<_>>(), "reasons": choice.reasons,
        });
        return format!("{object}\n");
    }
    let frames = |design: &Design| {
        format!(
            "{} cycles a frame, {:.0} frames/s at {clock} MHz",
            design.cycles,
            cost::speed(design, clock).frames_per_second
        )
    };
    let array = format!("array {} x {}", design.rows, design.lanes);
    let mut text = match contents.programs.is_empty() {
        true => {
            let name = design.name.terminal();
            format!("{name}: {files} files in {}\n  {array}, {}\n", escape::path(folder), frames(design))
        }
        false => format!("loadable machine: {files} files in {}\n  {array}\n", escape::path(folder)),
    };
    for program in programs {
        text += &format!("  {}: {}\n", program.name.terminal(), frames(program));
    }
    for reason in &choice.reasons {
        text += &format!("  - {reason}\n");
    }
    text + &format!("  next: bincim verify {} --data DATA\n", escape::shell_path(&args.output))
}
