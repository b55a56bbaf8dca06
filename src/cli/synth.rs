//! `bincim synth`: a generated design to a bitstream and its figures.
//!
//! Everything it makes lies in `DIR/synth/<device>/`, put there at the end; a failed run leaves its
//! logs in `<device>.partial-XXXXXX` until the next one.

use super::progress::Step;
use super::{Outcome, made, options, output};
use crate::arch::device::{self, Board, Device, DeviceFamily};
use crate::bounded;
use crate::escape;
use crate::flow::{self, Family, FlowError, Found, MOST_BYTES, Tool, folder, nextpnr, pack, yosys};
use crate::report::{self, Available, ClockView, DesignView, SeedView, SynthView, ToolView, UsedView};
use clap::Args;
use miette::{IntoDiagnostic, miette};
use sha2::{Digest, Sha256};
use std::fs;
use std::path::{Path, PathBuf};
use std::time::Duration;

/// Makes the bitstream for a device and reports what it takes and how fast it runs
#[derive(Args, Debug)]
pub struct Synth {
    /// Folder written by `bincim generate`
    pub dir: PathBuf,
    /// Device: up5k, hx8k, hx1k, ecp5-12, ecp5-25, ecp5-45, ecp5-85, gw1nr-9, xc7a35t
    #[arg(long)]
    pub device: String,
    /// Clock target in MHz, in place of the design's
    #[arg(long, value_name = "MHZ", value_parser = frequency)]
    pub freq: Option<f64>,
    /// Seeds of place and route to try; the fastest result is kept
    #[arg(long, default_value_t = 1, value_parser = clap::value_parser!(u64).range(1..=1000))]
    pub seeds: u64,
    /// First seed
    #[arg(long, default_value_t = 1)]
    pub seed: u64,
    /// Seeds tried at a time
    #[arg(long, default_value_t = 1, value_parser = options::count::<1, { options::MOST_JOBS }>)]
    pub jobs: usize,
    /// Minutes after which synthesis, or place and route of one seed, is given up
    #[arg(long, default_value_t = 360, value_name = "MINUTES", value_parser = clap::value_parser!(u64).range(1..=100_000))]
    pub limit: u64,
    /// Synthesise the accelerator without its board: figures only, no bitstream
    #[arg(long)]
    pub synth_only: bool,
    /// Print one JSON object
    #[arg(long)]
    pub json: bool,
}

/// Runs the verb. [`Outcome::No`] if the clock target is missed or the design does not fit.
pub fn run(args: &Synth) -> miette::Result<Outcome> {
    let device = device::find(&args.device)?;
    let design = super::report::design(&args.dir)?;
    let plan = plan(args, device, &design)?;
    flow::need(&tools(device, &plan))?;
    let place = args.dir.join("synth").join(&device.name);
    let mut pending = folder::Pending::begin(&place, made::not_of_a_synthesis)?;
    pending.keep_if_failed();
    let view = match build(args, device, &design, &plan, pending.path()) {
        Err(error @ FlowError::DoesNotFit { .. }) => {
            output::error(&miette::Report::new(error));
            return Ok(Outcome::No);
        }
        other => other?,
    };
    let report = pending.path().join("report.json");
    fs::write(&report, report::json(&view)).map_err(FlowError::io("write", &report))?;
    pending.finish()?;
    show(args, view)
}

/// What is built: the sources, their top, and the board if there is one.
struct Plan {
    top: String,
    rtl: PathBuf,
    files: Vec<PathBuf>,
    board: Option<&'static Board>,
    target_mhz: f64,
    /// Clock at which the bitstream runs.
    clock_mhz: f64,
}

fn plan(args: &Synth, device: &'static Device, design: &DesignView) -> miette::Result<Plan> {
    let rtl = fs::canonicalize(args.dir.join("rtl")).map_err(|error| {
        miette!(
            code = "cli::no_design",
            help = "`bincim generate MODEL --arch ARCH -o DIR` makes one",
            "{} holds no design: no folder `rtl` ({error})",
            escape::path(&args.dir)
        )
    })?;
    let mut files = folder::file_list(&rtl.join("files.f"))?;
    let board = device.board.as_ref().filter(|_| !args.synth_only);
    let mut top = design.top.clone();
    if let Some(board) = board {
        files.extend(board_files(&args.dir.join("board"), board)?);
        top = format!("{}_top", board.name);
    }
    let clock = board.map(|board| board.clock_mhz);
    // The last resort is only for a design without a clock on a device without a board.
    let target_mhz = args.freq.or(design.clock_mhz).or(clock).unwrap_or(100.0);
    // Nothing but the board's own PLL or oscillator says how fast a bitstream runs.
    let clock_mhz = board.and(design.board_clock_mhz).unwrap_or(target_mhz);
    Ok(Plan { top, rtl, files, board, target_mhz, clock_mhz })
}

/// Every tool that the plan will start.
fn tools(device: &Device, plan: &Plan) -> Vec<Tool> {
    let mut tools = vec![Tool::Yosys];
    if plan.board.is_some() {
        tools.extend(match device.family {
            DeviceFamily::Ice40 => vec![Tool::NextpnrIce40, Tool::Icepack],
            DeviceFamily::Ecp5 => vec![Tool::NextpnrEcp5, Tool::Ecppack],
            DeviceFamily::Gowin => vec![Tool::NextpnrGowin, Tool::GowinPack],
            DeviceFamily::Xilinx => vec![],
        });
    }
    tools
}

/// The board's wrapper and what all wrappers share: every file of `board/` that is no wrapper.
fn board_files(folder: &Path, board: &Board) -> miette::Result<Vec<PathBuf>> {
    let wrapper = format!("{}_top.v", board.name);
    let mut names: Vec<String> = fs::read_dir(folder)
        .map(|entries| entries.flatten().map(|e| e.file_name().to_string_lossy().into_owned()).collect())
        .unwrap_or_default();
    names.retain(|name| name.ends_with(".v"));
    names.sort();
    if !names.contains(&wrapper) {
        let there: Vec<&str> = names.iter().filter_map(|name| name.strip_suffix("_top.v")).collect();
        let there = if there.is_empty() { "none".to_string() } else { there.join(", ") };
        return Err(miette!(
            code = "cli::no_board",
            help =
                "generate the design for this device, or take --synth-only for figures without a bitstream",
            "{} has no wrapper `{wrapper}` for the {}; wrappers there: {there}",
            escape::path(folder),
            board.title
        ));
    }
    let wanted = names.into_iter().filter(|name| *name == wrapper || !name.ends_with("_top.v"));
    wanted.map(|name| fs::canonicalize(folder.join(name)).into_diagnostic()).collect()
}

fn build(
    args: &Synth,
    device: &Device,
    design: &DesignView,
    plan: &Plan,
    out: &Path,
) -> Result<SynthView, FlowError> {
    let family = match device.family {
        DeviceFamily::Ice40 => Family::Ice40,
        DeviceFamily::Ecp5 => Family::Ecp5,
        DeviceFamily::Gowin => Family::Gowin,
        DeviceFamily::Xilinx => Family::Xilinx,
    };
    let step = Step::start(format!("synthesis of {} for {}", plan.top, device.part));
    let netlist = yosys::synthesise(&yosys::Synthesis {
        family,
        synth_args: &device.synth,
        files: &plan.files,
        top: &plan.top,
        cwd: &plan.rtl,
        out,
        limit: Some(Duration::from_secs(60 * args.limit)),
    })?;
    step.done(&netlist.tool.describe());
    let mut view = first_view(device, design, plan, &netlist);
    let Some(board) = plan.board else { return Ok(with_speed(view, design)) };

    let constraints = out.join(&board.pins);
    // The pins of the folder, which its user may have changed; older folders have none.
    let given = args.dir.join("board").join(&board.pins);
    let pins = match bounded::bytes(&given, MOST_BYTES) {
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => {
            board.constraints().unwrap_or_default().into()
        }
        other => other.map_err(FlowError::io("read", &given))?,
    };
    fs::write(&constraints, pins).map_err(FlowError::io("write", &constraints))?;
    let seeds: Vec<u64> = (0..args.seeds).map(|n| args.seed.wrapping_add(n)).collect();
    let step = Step::start(format!(
        "place and route, {} seed{}",
        seeds.len(),
        if seeds.len() > 1 { "s" } else { "" }
    ));
    let routed = nextpnr::route(&nextpnr::Route {
        family,
        device_args: &device.route,
        netlist: &netlist.json,
        constraints: Some(&constraints),
        target_mhz: plan.target_mhz.max(plan.clock_mhz),
        seeds: &seeds,
        jobs: args.jobs,
        out,
        limit: Some(Duration::from_secs(60 * args.limit)),
    })?;
    step.done(&routed.tool.describe());
    let step = Step::start("bitstream");
    let (bitstream, packer) = pack::pack(family, &routed.design, &file_name(&design.name), &device.pack)?;
    step.done(&packer.describe());

    let bytes = bounded::bytes(&bitstream, MOST_BYTES).map_err(FlowError::io("read", &bitstream))?;
    let name = bitstream.file_name().unwrap_or_default().to_string_lossy().into_owned();
    view.bitstream = Some(format!("synth/{}/{name}", device.name));
    view.bitstream_bytes = Some(bytes.len() as u64);
    view.bitstream_sha256 = Some(Sha256::digest(&bytes).iter().map(|byte| format!("{byte:02x}")).collect());
    view.fmax_mhz = routed.timing.fmax_mhz();
    if view.fmax_mhz.is_none() {
        return Err(FlowError::BadOutput {
            tool: "nextpnr",
            file: routed.log.clone(),
            what: "no clock in it, so the design's speed is not known".into(),
        });
    }
    view.meets_target = view.fmax_mhz.map(|fmax| fmax >= plan.target_mhz.max(plan.clock_mhz));
    let clock = |(name, clock): (&String, &nextpnr::Clock)| ClockView {
        name: name.clone(),
        achieved_mhz: clock.achieved,
        target_mhz: clock.constraint,
    };
    view.clocks = routed.timing.clocks.iter().map(clock).collect();
    let seed =
        |&(seed, fmax_mhz): &(u64, Option<f64>)| SeedView { seed, fmax_mhz, kept: seed == routed.seed };
    view.seeds = routed.sweep.iter().map(seed).collect();
    let used = routed.timing.utilisation.iter().filter(|(_, cells)| cells.used > 0);
    view.utilisation = used
        .map(|(name, cells)| UsedView { name: name.clone(), used: cells.used, available: cells.available })
        .collect();
    view.tools.extend([tool_view(&routed.tool), tool_view(&packer)]);
    Ok(with_speed(view, design))
}

/// The view after synthesis alone.
fn first_view(device: &Device, design: &DesignView, plan: &Plan, netlist: &yosys::Netlist) -> SynthView {
    let used = netlist.resources;
    let mut remarks = Vec::new();
    if plan.board.is_none() {
        remarks.push("The accelerator alone, without board, place and route.".to_string());
    }
    if device.family == DeviceFamily::Gowin {
        remarks.push(
            "The clock of Gowin devices is the open tool's estimate; it has not been checked.".to_string(),
        );
    }
    SynthView {
        design: design.name.clone(),
        device: device.name.clone(),
        part: device.part.clone(),
        board: plan.board.map(|board| board.title.clone()),
        top: plan.top.clone(),
        lut_inputs: device.lut_inputs,
        luts: used.luts,
        carries: used.carries,
        ffs: used.ffs,
        brams: used.brams,
        sprams: used.sprams,
        dsps: used.dsps,
        available: Available {
            luts: device.luts,
            ffs: device.ffs,
            brams: device.brams,
            sprams: device.sprams,
            dsps: device.dsps,
        },
        fmax_mhz: None,
        target_mhz: plan.target_mhz,
        clock_mhz: Some(plan.clock_mhz),
        meets_target: None,
        cycles: design.cycles,
        interval: design.interval(),
        bound: design.bound(),
        frames_per_second: 0.0,
        frames_per_second_at_target: 0.0,
        frames_per_second_at_fmax: None,
        gops: 0.0,
        gops_per_lut: 0.0,
        bitstream: None,
        bitstream_bytes: None,
        bitstream_sha256: None,
        clocks: Vec::new(),
        seeds: Vec::new(),
        utilisation: Vec::new(),
        layers: design.layers.clone(),
        tools: vec![program_view(), tool_view(&netlist.tool)],
        remarks,
    }
}

/// Fills in what follows from the clock.
fn with_speed(mut view: SynthView, design: &DesignView) -> SynthView {
    let at = |mhz| report::speed(view.interval, design.macs, mhz);
    let bitstream = at(view.clock());
    view.frames_per_second = bitstream.frames_per_second;
    view.frames_per_second_at_target = at(view.target_mhz).frames_per_second;
    view.frames_per_second_at_fmax = view.fmax_mhz.map(|fmax| at(fmax).frames_per_second);
    view.gops = bitstream.gops;
    view.gops_per_lut = bitstream.gops / view.luts.max(1) as f64;
    view
}

fn show(args: &Synth, mut view: SynthView) -> miette::Result<Outcome> {
    // On the command line the path is one that can be opened from here.
    view.bitstream = view.bitstream.map(|file| args.dir.join(file).display().to_string());
    if args.json {
        output::result(&report::json(&view))?;
    } else {
        output::result(&text(&view))?;
    }
    if view.meets_target == Some(false) {
        output::log(format_args!(
            "the clock of {} MHz is missed; try --seeds 8, or a lower target.clock_mhz or a deeper pipeline in the \
             architecture file",
            view.target_mhz.max(view.clock())
        ));
        return Ok(Outcome::No);
    }
    Ok(Outcome::Done)
}

fn text(view: &SynthView) -> String {
    let row = |name: &str, used: u64, there: u64| {
        let percent = 100.0 * used as f64 / there.max(1) as f64;
        format!("  {name:<12} {used:>8} of {there:>8} ({percent:.0} %)\n")
    };
    let mut out = format!("{} on {} ({})\n", view.design, view.device, view.part);
    out += &row(&format!("LUT{}", view.lut_inputs), view.luts, view.available.luts);
    out += &row("flip-flops", view.ffs, view.available.ffs);
    out += &row("block RAM", view.brams, view.available.brams);
    if view.available.sprams > 0 {
        out += &row("large RAM", view.sprams, view.available.sprams);
    }
    match view.fmax_mhz {
        Some(fmax) => {
            out += &format!("  {:<12} {:>8.2} MHz, target {} MHz\n", "clock", view.clock(), view.target_mhz);
            let most = view.frames_per_second_at_fmax.unwrap_or_default();
            out += &format!("  {:<12} {fmax:>8.2} MHz, {most:.1} frames a second there\n", "fmax");
        }
        None => {
            out += &format!("  {:<12} not placed and routed; figures at {} MHz\n", "fmax", view.target_mhz)
        }
    }
    out += &format!(
        "  {:<12} {:>8.1} a second, {} cycles each\n",
        "frames", view.frames_per_second, view.interval
    );
    out += &format!("  {:<12} {:>8.2} GOPS\n", "speed", view.gops);
    if let Some(bitstream) = &view.bitstream {
        out += &format!("  {:<12} {bitstream}\n", "bitstream");
    }
    out
}

fn tool_view(found: &Found) -> ToolView {
    let origin = match found.origin {
        flow::Origin::Native => "native",
        flow::Origin::Project => "project",
        flow::Origin::Given => "given",
    };
    ToolView { name: found.tool.name().into(), version: found.version.clone(), origin: origin.into() }
}

/// This program among the tools.
fn program_view() -> ToolView {
    ToolView { name: "bincim".into(), version: super::VERSION.into(), origin: "program".into() }
}

/// A network's name as a file name.
fn file_name(name: &str) -> String {
    let plain = |c: char| if c.is_ascii_alphanumeric() || "-_".contains(c) { c } else { '_' };
    let name: String = name.chars().map(plain).take(64).collect();
    // No tool may take it for an option.
    if name.starts_with('-') || name.is_empty() { format!("design{name}") } else { name }
}

fn frequency(text: &str) -> Result<f64, String> {
    match text.parse::<f64>() {
        Ok(mhz) if mhz.is_finite() && (0.001..=10_000.0).contains(&mhz) => Ok(mhz),
        _ => Err("a frequency in MHz between 0.001 and 10000".into()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_and_frequencies_are_made_safe() {
        assert_eq!(file_name("a b/c-1"), "a_b_c-1");
        assert_eq!(file_name(""), "design");
        assert_eq!(frequency("12.5"), Ok(12.5));
        for bad in ["0", "-1", "nan", "inf", "x", "1e9"] {
            assert!(frequency(bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn a_missing_wrapper_names_those_there() {
        let folder = tempfile::tempdir().unwrap();
        for name in ["ulx3s_top.v", "uart.v", "notes.txt", "icebreaker_top.v"] {
            fs::write(folder.path().join(name), "").unwrap();
        }
        let board = |device| device::find(device).unwrap().board.as_ref().unwrap();
        let files = board_files(folder.path(), board("up5k")).unwrap();
        let names: Vec<_> = files.iter().map(|file| file.file_name().unwrap().to_str().unwrap()).collect();
        assert_eq!(names, ["icebreaker_top.v", "uart.v"]);
        let error = board_files(folder.path(), board("hx8k")).unwrap_err().to_string();
        assert!(error.contains("`hx8k_b_evn_top.v`") && error.ends_with("icebreaker, ulx3s"), "{error}");
        let error = board_files(Path::new("/nowhere"), board("hx8k")).unwrap_err().to_string();
        assert!(error.ends_with("wrappers there: none"), "{error}");
    }
}
