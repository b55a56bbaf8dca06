//! The machine for a network on a device: the fastest among those that fit and are known to route, and why.

use super::candidates::{self, Candidate, DEPTH, Weighed, geometries, table};
use super::{Area, area, evidence};
use crate::arch::device::{self, Device};
use crate::arch::{Arch, ArchFile, validate};
use crate::design::{self, Design};
use crate::network::Network;

/// Hears how many of how many machines have been weighed; called from several threads.
pub type Progress<'a> = &'a (dyn Fn(usize, usize) + Sync);

/// What is asked of a choice.
#[derive(Clone, Copy)]
pub struct Wish<'a> {
    /// Frames a second that are enough: the smallest machine that makes them is taken.
    pub target_fps: Option<f64>,
    pub progress: Progress<'a>,
}

impl Default for Wish<'_> {
    fn default() -> Self {
        Wish { target_fps: None, progress: &|_, _| {} }
    }
}

/// A chosen machine.
#[derive(Debug, Clone)]
pub struct Choice {
    pub design: Design,
    /// Estimated area; `None` without a device.
    pub area: Option<Area>,
    /// Sentences that say why this geometry.
    pub reasons: Vec<String>,
    /// The machines that fit and are not known to fail, the fastest first; empty where nothing was open.
    pub alternatives: Vec<Candidate>,
}

/// Why nothing could be chosen.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
pub enum ChoiceError {
    #[error("{}", .0.iter().map(ToString::to_string).collect::<Vec<_>>().join("\n"))]
    Arch(Vec<crate::arch::ArchProblem>),
    #[error(transparent)]
    Design(#[from] design::DesignError),
    /// The answer is no: nothing fits, or nothing that fits is fast enough.
    #[error("{0}")]
    Misfit(Box<Misfit>),
}

/// What there is where nothing serves.
#[derive(Debug, Clone, PartialEq, serde::Serialize)]
pub struct Misfit {
    pub device: String,
    /// Frames a second that were asked for.
    pub target_fps: Option<f64>,
    /// Where some fit, the fastest of those; else the ones that come nearest to fitting.
    pub nearest: Vec<Candidate>,
    /// Other devices on which some machine serves.
    pub devices: Vec<String>,
}

impl std::fmt::Display for Misfit {
    fn fmt(&self, f: &mut std::fmt::Formatter) -> std::fmt::Result {
        let device = device::find(&self.device).map_err(|_| std::fmt::Error)?;
        match self.target_fps {
            Some(fps) => writeln!(f, "no geometry makes {fps} frames/s on {}; the nearest:", self.device)?,
            None => writeln!(f, "no geometry fits {}; the nearest:", self.device)?,
        }
        f.write_str(&table(&self.nearest, device))?;
        write!(
            f,
            "there are {} LUTs, {} FFs and {} block RAMs, of which 80, 80 and 95 % may be filled; devices that serve: {}",
            device.luts,
            device.ffs,
            device.brams,
            if self.devices.is_empty() { "none".into() } else { self.devices.join(", ") }
        )
    }
}

impl ChoiceError {
    /// What there is where nothing serves.
    pub fn misfit(&self) -> Option<&Misfit> {
        match self {
            ChoiceError::Misfit(misfit) => Some(misfit),
            _ => None,
        }
    }
}

impl miette::Diagnostic for ChoiceError {
    fn code<'a>(&'a self) -> Option<Box<dyn std::fmt::Display + 'a>> {
        match self {
            ChoiceError::Misfit(_) => Some(Box::new("cost::misfit")),
            ChoiceError::Arch(_) => Some(Box::new("arch::impossible")),
            ChoiceError::Design(_) => Some(Box::new("design::impossible")),
        }
    }

    fn help<'a>(&'a self) -> Option<Box<dyn std::fmt::Display + 'a>> {
        match self {
            ChoiceError::Misfit(misfit) if misfit.devices.is_empty() => {
                Some(Box::new("fix fewer numbers in the architecture file, or take a smaller network"))
            }
            ChoiceError::Misfit(_) => Some(Box::new("take one of these devices, or a smaller network")),
            ChoiceError::Arch(_) => Some(Box::new("mend the keys named above")),
            ChoiceError::Design(error) => Some(Box::new(error.help())),
        }
    }
}

/// Resolves every "auto" of `file` for `network` on `device` (`None`: plain Verilog for no device).
///
/// Errors when the fixed keys contradict each other, when the network cannot be built, or when nothing fits.
pub fn choose(network: &Network, file: &ArchFile, device: Option<&Device>) -> Result<Choice, ChoiceError> {
    choose_as(network, file, device, &Wish::default())
}

/// The same with a wish.
pub fn choose_as(
    network: &Network,
    file: &ArchFile,
    device: Option<&Device>,
    wish: &Wish,
) -> Result<Choice, ChoiceError> {
    let columns = file.array.columns.value().or(file.array.lanes.value());
    let fixed =
        [file.array.rows.value(), columns, file.activation.word.value(), file.weights.rows_per_cycle.value()];
    let problems = crate::arch::validate_file(file);
    if !problems.is_empty() {
        return Err(ChoiceError::Arch(problems));
    }
    match device {
        Some(device) if fixed.iter().any(Option::is_none) => best_fit(network, file, device, wish),
        _ if fixed.iter().all(Option::is_some) => as_given(network, file, device, wish),
        _ => {
            let arch = generic(network, file);
            let taken = [arch.rows, arch.lanes, arch.word, arch.weight_rows];
            let names = ["array.rows", "array.columns", "activation.word", "weights.rows_per_cycle"];
            let open = fixed.iter().zip(names).zip(taken).filter(|((given, _), _)| given.is_none());
            let open: Vec<String> = open.map(|((_, name), value)| format!("{name} = {value}")).collect();
            let reason = format!(
                "no device is named (target.device), so middle-sized numbers stand where the file has none: {}",
                open.join(", ")
            );
            let design = design::build(network, &valid(arch)?)?;
            Ok(Choice { design, area: None, reasons: vec![reason], alternatives: Vec::new() })
        }
    }
}

/// Names of the devices, but `except`, on which some machine of `file` fits and is not known to fail.
pub fn devices_that_fit(network: &Network, file: &ArchFile, except: &str) -> Vec<String> {
    let others = device::all().iter().filter(|device| device.name != except);
    let fits = |device: &&Device| candidates::some_fits(network, file, device);
    others.filter(fits).map(|device| device.name.clone()).collect()
}

fn valid(arch: Arch) -> Result<Arch, ChoiceError> {
    let problems = validate(&arch);
    if problems.is_empty() { Ok(arch) } else { Err(ChoiceError::Arch(problems)) }
}

/// The machine whose every number the file gives; only the clock may be open.
fn as_given(
    network: &Network,
    file: &ArchFile,
    device: Option<&Device>,
    wish: &Wish,
) -> Result<Choice, ChoiceError> {
    let family = device.map_or("generic", |device| device.family.key());
    let mut arch = valid(file.with(family, 0, 0, 0, 0, DEPTH))?;
    let mut reasons = vec!["every number is given by the architecture file".to_string()];
    if let Some(device) = device {
        if file.target.clock_mhz.is_none() {
            let (clock, why) = evidence::clock(device, &arch);
            arch.target.clock_mhz = Some(clock);
            reasons.push(why);
        }
        reasons.extend(
            evidence::beyond(device, &arch).map(|why| format!("beyond what is known to route: {why}")),
        );
    }
    let design = design::build(network, &arch)?;
    let frames = super::speed(&design, arch.clock_mhz()).frames_per_second;
    if let Some(fps) = wish.target_fps.filter(|fps| frames < *fps) {
        reasons.push(format!("does NOT make {fps} frames/s"));
    }
    let area = device.map(|device| area(&design, device));
    Ok(Choice { design, area, reasons, alternatives: Vec::new() })
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

/// Candidates that a refusal shows.
const SHOWN: usize = 8;

fn best_fit(network: &Network, file: &ArchFile, device: &Device, wish: &Wish) -> Result<Choice, ChoiceError> {
    let tried = geometries(file, device);
    if tried.is_empty() {
        return Err(ChoiceError::Arch(validate(&generic(network, file))));
    }
    let weighed = Weighed::new(network, &tried, device, wish.progress);
    if let (true, Some(error)) = (weighed.candidates.is_empty(), weighed.error.clone()) {
        return Err(error.into());
    }
    let Some(best) = weighed.best(wish.target_fps) else {
        let fastest: Vec<Candidate> = weighed.good().take(SHOWN).cloned().collect();
        let slow = !fastest.is_empty();
        return Err(ChoiceError::Misfit(Box::new(Misfit {
            device: device.name.clone(),
            target_fps: wish.target_fps,
            nearest: if slow { fastest } else { weighed.nearest(device, SHOWN) },
            // A device on which one fits is not thereby fast enough, so each is asked anew.
            devices: match wish.target_fps {
                None => devices_that_fit(network, file, &device.name),
                Some(_) => devices_that_make(network, file, &device.name, wish),
            },
        })));
    };
    let same = |arch: &&Arch| {
        (arch.rows, arch.lanes, arch.word, arch.weight_rows)
            == (best.rows, best.columns, best.word, best.rows_per_cycle)
    };
    let arch = tried.iter().find(same).expect("a candidate is one of those that were tried");
    let reasons = reasons(best, &weighed, device, wish, file.target.clock_mhz.is_none().then_some(arch));
    let (area, alternatives) = (Some(best.area), weighed.good().cloned().collect());
    Ok(Choice { design: design::build(network, arch)?, area, reasons, alternatives })
}

/// Devices other than `except` on which some machine makes the frames that are wished.
fn devices_that_make(network: &Network, file: &ArchFile, except: &str, wish: &Wish) -> Vec<String> {
    let makes = |device: &&Device| {
        let tried = geometries(file, device);
        Weighed::new(network, &tried, device, &|_, _| {}).best(wish.target_fps).is_some()
    };
    let others = device::all().iter().filter(|device| device.name != except);
    others.filter(makes).map(|device| device.name.clone()).collect()
}

/// Why `best` was taken; `open` is its machine where the clock follows from measurements.
fn reasons(
    best: &Candidate,
    weighed: &Weighed,
    device: &Device,
    wish: &Wish,
    open: Option<&Arch>,
) -> Vec<String> {
    let what = match wish.target_fps {
        None => format!("most frames a second ({:.0})", best.frames_per_second),
        Some(fps) => format!("smallest that makes {fps} frames/s ({:.0})", best.frames_per_second),
    };
    let mut reasons = vec![format!(
        "{} x {} with words of {} and {} rows of weights a cycle: {what} of {} geometries that were weighed",
        best.rows, best.columns, best.word, best.rows_per_cycle, weighed.tried
    )];
    reasons.extend(open.map(|arch| evidence::clock(device, arch).1));
    reasons.extend(weighed.ceiling.as_ref().map(|ceiling| match weighed.obeys() {
        true => format!("beyond what is known to route: {}", ceiling.why),
        false => ceiling.why.clone(),
    }));
    reasons.push(format!(
        "estimated {} of {} LUTs, {} of {} FFs, {} of {} block RAMs on {}",
        best.area.luts, device.luts, best.area.ffs, device.ffs, best.area.brams, device.brams, device.name
    ));
    reasons
}
