//! Waveforms: the cycles around a mismatch, or the first frame, with a view that names the signals.

use super::cosim::{self, Model, Trace};
use super::texts::Text;
use super::{Verdict, Waves, failing};
use crate::cli::output;
use crate::design::Design;
use crate::flow::FlowError;
use crate::variation::Chip;
use std::fs;
use std::path::{Path, PathBuf};

/// Cycles shown before a mismatch and behind it, and of a run without one.
const BEFORE: u64 = 5_000;
const BEHIND: u64 = 60;
const FIRST_FRAME: u64 = 50_000;

/// Writes the waveform and its GTKWave view into `dir/build/`; returns both paths.
///
/// FST where it can be built (it needs liblz4 and zlib), else VCD.
pub(super) fn write(
    verdict: &Verdict,
    dir: &Path,
    chip: Option<Chip>,
    image: &(dyn Fn(usize) -> Vec<i16> + Sync),
    format: Waves,
) -> Result<(PathBuf, PathBuf), FlowError> {
    let model = build(dir, verdict, format)?;
    let model = match chip {
        Some(chip) => model.with_chip(verdict.design, chip)?,
        None => model,
    };
    let model = model.with_program(verdict.program.to_vec());
    let first_image = verdict.shards.first().map_or(0, |shard| shard.first_image as usize);
    // The whole shard, so that every cycle is the one that was reported.
    let (shard, window, mark, resets) = match failing(&verdict.shards) {
        Some((shard, first)) => {
            let window = first.cycle.saturating_sub(BEFORE)..first.cycle + BEHIND;
            (shard, window, first.cycle, verdict.plan.resets)
        }
        None => {
            let window = 0..FIRST_FRAME.min(4 * verdict.design.cycles + 2000);
            (first_image..first_image + 1, window, 0, 0)
        }
    };
    let ending = if model.trace == Trace::Fst { "fst" } else { "vcd" };
    let work = fs::canonicalize(dir.join("build")).map_err(FlowError::io("find", dir.join("build")))?;
    let waves = work.join(format!("waves.{ending}"));
    let plan = cosim::Plan { resets, ..verdict.plan };
    cosim::dump(verdict.design, &model, image, shard, &plan, &waves, window)?;
    let file = work.join("waves.gtkw");
    let name = format!("waves.{ending}");
    fs::write(&file, view(&name, verdict, mark)).map_err(FlowError::io("write", &file))?;
    let shown = dir.join("build");
    Ok((shown.join(name), shown.join("waves.gtkw")))
}

fn build(dir: &Path, verdict: &Verdict, format: Waves) -> Result<Model, FlowError> {
    let images = verdict.images.min(cosim::shard_size(verdict.design));
    let build = |trace| cosim::build(dir, verdict.design, Text::Shipped, trace, images, verdict.plan.jobs);
    match format {
        Waves::Vcd => build(Trace::Vcd),
        Waves::Fst => build(Trace::Fst).or_else(|problem| {
            let problem = super::one_line(&problem.to_string());
            output::log(format_args!("FST cannot be built here, taking VCD: {problem}"));
            build(Trace::Vcd)
        }),
    }
}

/// A saved view: groups of signals with the marker at the mismatch. Times are in picoseconds, a cycle
/// takes ten. The waveform is named relative to the view, so that the folder may move.
fn view(waves: &str, verdict: &Verdict, mark: u64) -> String {
    let design = verdict.design;
    let bus = |name: &str, bits: usize| match bits {
        1 => name.to_string(),
        _ => format!("{name}[{}:0]", bits - 1),
    };
    let lane = verdict.first().and_then(|first| usize::try_from(first.lane).ok());
    let mut groups = vec![
        ("clock", vec!["clk_i".to_string(), "rst_ni".into()]),
        (
            "image stream",
            vec![
                "s_axis_tvalid".into(),
                "s_axis_tready".into(),
                "s_axis_tlast".into(),
                bus("s_axis_tdata", design.input.stream_bits),
            ],
        ),
        (
            "sums of the last pass",
            vec!["sum_valid_o".into(), bus("sum_o", design.lanes * design.widths.total)],
        ),
        ("result bits", vec!["bit_valid_o".into(), bus("result_bits_o", design.lanes)]),
        (
            "result stream",
            vec![
                "m_axis_tvalid".into(),
                "m_axis_tready".into(),
                "m_axis_tlast".into(),
                bus("m_axis_tdata", design.output.stream_bits),
            ],
        ),
        (
            "registers",
            vec![
                "s_axil_arvalid".into(),
                "s_axil_arready".into(),
                bus("s_axil_araddr", 12),
                "s_axil_rvalid".into(),
                bus("s_axil_rdata", 32),
            ],
        ),
    ];
    if let Some(lane) = lane {
        groups.push(("the failing lane", lane_signals(verdict.design, lane)));
    }
    let mut out = format!("[*] {}\n", design.name.comment());
    if let Some(first) = verdict.first() {
        out.push_str(&format!("[*] {}\n", super::text::sentence(verdict, first)));
    }
    out.push_str(&format!("[dumpfile] \"{waves}\"\n[savefile] \"waves.gtkw\"\n"));
    out.push_str(&format!("*-8.000000 {} -1 -1\n", 10 * mark));
    out.push_str("[treeopen] TOP.\n[treeopen] TOP.cosim_top.\n");
    for (title, signals) in groups {
        out.push_str(&format!("@200\n-{title}\n"));
        for signal in signals {
            // 28: one bit or decimal shown as is; 22: hexadecimal bus.
            let flags = if signal.contains('[') { "@22" } else { "@28" };
            out.push_str(&format!("{flags}\nTOP.cosim_top.{signal}\n"));
        }
    }
    out
}

/// What a lane computes, from its row vector to its sum and threshold, as paths below `cosim_top`.
fn lane_signals(design: &Design, lane: usize) -> Vec<String> {
    let bus = |name: String, bits: usize| match bits {
        1 => name,
        _ => format!("{name}[{}:0]", bits - 1),
    };
    let top = "u_dut";
    let mut signals = Vec::new();
    if design.analog.is_none() {
        let array = format!("{top}.u_cim_array");
        let (row, column) = match design.arch.segment {
            0 => (format!("{array}.row_i"), format!("{array}.gen_column[{lane}]")),
            segment => {
                let segment_of = format!("{array}.gen_segment[{}]", lane / segment);
                (format!("{segment_of}.row"), format!("{segment_of}.gen_column[{}]", lane % segment))
            }
        };
        signals.push(bus(row, design.rows));
        signals.push(bus(format!("{column}.cells"), design.rows));
        signals.push(bus(format!("{column}.count"), design.tree.count_width()));
    }
    let sum = design.widths.accumulator;
    for name in ["count", "contribution", "base"] {
        signals.push(bus(format!("{top}.u_accumulator.gen_lane[{lane}].{name}"), sum));
    }
    let unit = format!("{top}.u_threshold_unit.gen_lane[{lane}]");
    signals.push(bus(format!("{unit}.sum"), design.widths.total));
    signals.push(bus(format!("{unit}.threshold"), design.steps() * design.widths.threshold));
    signals
}
