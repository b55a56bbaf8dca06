//! The geometry for a network on a device: the fewest cycles among those that fit, and why.

use super::{Area, area};
use crate::arch::{Arch, ArchFile, device::Device, validate};
use crate::design::{self, Design};
use crate::network::Network;

/// A chosen machine.
#[derive(Debug, Clone)]
pub struct Choice {
    pub design: Design,
    /// Estimated area; `None` without a device.
    pub area: Option<Area>,
    /// Sentences that say why this geometry.
    pub reasons: Vec<String>,
}

/// Why nothing could be chosen.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
pub enum ChoiceError {
    #[error("{}", .0.iter().map(ToString::to_string).collect::<Vec<_>>().join("\n"))]
    Arch(Vec<crate::arch::ArchProblem>),
    #[error(transparent)]
    Design(#[from] design::DesignError),
    #[error(
        "no geometry fits {device}: the smallest ({rows} x {lanes}) needs about {luts} LUTs, {ffs} FFs and {brams} block RAMs; \
         there are {device_luts}, {device_ffs} and {device_brams}"
    )]
    NothingFits {
        device: String,
        rows: usize,
        lanes: usize,
        luts: u64,
        ffs: u64,
        brams: u64,
        device_luts: u64,
        device_ffs: u64,
        device_brams: u64,
    },
}

/// Rows, columns, activation words and rows of weights a cycle that are tried where the file says "auto".
const ROWS: [usize; 12] = [16, 32, 64, 72, 128, 144, 256, 288, 512, 576, 1024, 1152];
const LANES: [usize; 6] = [4, 8, 16, 32, 64, 128];
const WORDS: [usize; 6] = [8, 16, 32, 64, 128, 256];
const WEIGHT_ROWS: [usize; 7] = [4, 8, 16, 32, 64, 128, 256];
const DEPTH: usize = 64;

/// Share of a device that an estimate may fill: place and route needs room, and the wrapper its own.
const LOGIC_SHARE: f64 = 0.80;
const MEMORY_SHARE: f64 = 0.95;

/// Resolves every "auto" of `file` for `network` on `device` (`None`: plain Verilog for no device).
///
/// Errors when the fixed keys contradict each other, when the network cannot be built, or when nothing fits.
pub fn choose(network: &Network, file: &ArchFile, device: Option<&Device>) -> Result<Choice, ChoiceError> {
    let family = device.map_or("generic", |device| device.family.key());
    let columns = file.array.columns.value().or(file.array.lanes.value());
    let fixed =
        [file.array.rows.value(), columns, file.activation.word.value(), file.weights.rows_per_cycle.value()];
    let open = fixed.iter().any(Option::is_none);
    let problems = crate::arch::validate_file(file);
    if !problems.is_empty() {
        return Err(ChoiceError::Arch(problems));
    }
    if !open {
        let arch = file.with(family, 0, 0, 0, 0, DEPTH);
        let problems = validate(&arch);
        if !problems.is_empty() {
            return Err(ChoiceError::Arch(problems));
        }
        let design = design::build(network, &arch)?;
        let area = device.map(|device| area(&design, device));
        return Ok(Choice {
            design,
            area,
            reasons: vec!["every number is given by the architecture file".into()],
        });
    }
    match device {
        Some(device) => best_fit(network, file, device),
        None => {
            let arch = generic(network, file);
            let problems = validate(&arch);
            if !problems.is_empty() {
                return Err(ChoiceError::Arch(problems));
            }
            let taken = [arch.rows, arch.lanes, arch.word, arch.weight_rows];
            let names = ["array.rows", "array.columns", "activation.word", "weights.rows_per_cycle"];
            let open = fixed.iter().zip(names).zip(taken).filter(|((given, _), _)| given.is_none());
            let open: Vec<String> = open.map(|((_, name), value)| format!("{name} = {value}")).collect();
            let reason = format!(
                "no device is named (target.device), so middle-sized numbers stand where the file has none: {}",
                open.join(", ")
            );
            Ok(Choice { design: design::build(network, &arch)?, area: None, reasons: vec![reason] })
        }
    }
}

/// A middle-sized machine whose keys follow those that are given.
fn generic(network: &Network, file: &ArchFile) -> Arch {
    let lanes = file.array.columns.or(file.array.lanes.or(16));
    let rows = file.array.rows.or(256.max(lanes));
    let widest = network.layers[1..].iter().map(|layer| layer.input.c).min().unwrap_or(rows);
    let word = (1..=rows)
        .rev()
        .filter(|word| {
            rows.is_multiple_of(*word) && (word.is_multiple_of(lanes) || lanes.is_multiple_of(*word))
        })
        .find(|word| *word <= widest.max(lanes))
        .unwrap_or(rows);
    let weight_rows = (1..=rows.min(64)).rev().find(|n| rows.is_multiple_of(*n)).unwrap_or(1);
    file.with("generic", rows, lanes, word, weight_rows, DEPTH)
}

/// Geometries that satisfy the file's fixed keys.
fn geometries(file: &ArchFile, family: &str) -> Vec<Arch> {
    let or_all = |setting: Option<usize>, all: &[usize]| setting.map_or(all.to_vec(), |value| vec![value]);
    let lanes_setting = file.array.columns.value().or(file.array.lanes.value());
    let mut found = Vec::new();
    for &rows in &or_all(file.array.rows.value(), &ROWS) {
        for &lanes in &or_all(lanes_setting, &LANES) {
            for &word in &or_all(file.activation.word.value(), &WORDS) {
                for &weight_rows in &or_all(file.weights.rows_per_cycle.value(), &WEIGHT_ROWS) {
                    let arch = file.with(family, rows, lanes, word, weight_rows, DEPTH);
                    // More banks than kernel taps of the largest kernel only cost rotation.
                    if validate(&arch).is_empty() && arch.banks() <= 16 {
                        found.push(arch);
                    }
                }
            }
        }
    }
    found
}

fn best_fit(network: &Network, file: &ArchFile, device: &Device) -> Result<Choice, ChoiceError> {
    let family = device.family.key();
    let mut tried = geometries(file, family);
    if tried.is_empty() {
        return Err(ChoiceError::Arch(validate(&generic(network, file))));
    }
    // Smallest first: what does not fit without its memories is not built at all.
    tried.sort_by_key(|arch| (arch.rows * arch.lanes, arch.weight_bandwidth(), arch.rows));
    let mut best: Option<(Design, Area)> = None;
    let mut smallest: Option<(Design, Area)> = None;
    let mut last_error = None;
    for arch in &tried {
        if !arch.readout.is_analog() && (arch.rows * arch.lanes) as f64 * 2.0 > device.ffs as f64 {
            break;
        }
        let design = match design::outline(network, arch) {
            Ok(design) => design,
            Err(error) => {
                last_error = Some(error);
                continue;
            }
        };
        let area = area(&design, device);
        let fits = area.luts as f64 <= device.luts as f64 * LOGIC_SHARE
            && area.ffs as f64 <= device.ffs as f64 * LOGIC_SHARE
            && area.brams as f64 <= device.brams as f64 * MEMORY_SHARE;
        let better = best.as_ref().is_none_or(|(other, other_area)| {
            (design.interval(), area.luts, area.brams) < (other.interval(), other_area.luts, other_area.brams)
        });
        if fits && better {
            best = Some((design, area));
        } else if smallest
            .as_ref()
            .is_none_or(|(_, other)| (area.brams, area.luts) < (other.brams, other.luts))
        {
            smallest = Some((design, area));
        }
    }
    match (best, smallest, last_error) {
        (Some((design, area)), ..) => {
            let reasons = reasons(&design, &area, device, tried.len());
            Ok(Choice { design: design::build(network, &design.arch)?, area: Some(area), reasons })
        }
        (None, Some((design, area)), _) => Err(ChoiceError::NothingFits {
            device: device.name.clone(),
            rows: design.rows,
            lanes: design.lanes,
            luts: area.luts,
            ffs: area.ffs,
            brams: area.brams,
            device_luts: device.luts,
            device_ffs: device.ffs,
            device_brams: device.brams,
        }),
        (None, None, Some(error)) => Err(error.into()),
        (None, None, None) => Err(ChoiceError::Arch(validate(&generic(network, file)))),
    }
}

fn reasons(design: &Design, area: &Area, device: &Device, tried: usize) -> Vec<String> {
    vec![
        format!(
            "{} x {} with words of {} and {} rows of weights a cycle: fewest cycles a frame ({}) of {tried} geometries that were weighed",
            design.rows,
            design.lanes,
            design.word,
            design.weight_rows,
            design.interval()
        ),
        format!(
            "estimated {} of {} LUTs, {} of {} FFs, {} of {} block RAMs on {}",
            area.luts, device.luts, area.ffs, device.ffs, area.brams, device.brams, device.name
        ),
    ]
}
