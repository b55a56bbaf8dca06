//! Machines that were weighed for a device, and the table that shows them.

use super::evidence::{self, Ceiling};
use super::{Area, area};
use crate::arch::device::Device;
use crate::arch::{Arch, ArchFile, validate};
use crate::design::{self, DesignError};
use crate::network::Network;
use rayon::prelude::*;
use std::cmp::Ordering;
use std::sync::atomic::{AtomicUsize, Ordering as Atomic};

/// Rows, columns, activation words and rows of weights a cycle that are tried where the file says "auto".
const ROWS: [usize; 12] = [16, 32, 64, 72, 128, 144, 256, 288, 512, 576, 1024, 1152];
const LANES: [usize; 6] = [4, 8, 16, 32, 64, 128];
const WORDS: [usize; 6] = [8, 16, 32, 64, 128, 256];
const WEIGHT_ROWS: [usize; 7] = [4, 8, 16, 32, 64, 128, 256];
pub(super) const DEPTH: usize = 64;

/// Share of a device that an estimate may fill: place and route needs room, and the wrapper its own.
const LOGIC_SHARE: f64 = 0.80;
const MEMORY_SHARE: f64 = 0.95;

/// One machine for a network on a device.
#[derive(Debug, Clone, PartialEq, serde::Serialize)]
pub struct Candidate {
    pub rows: usize,
    pub columns: usize,
    pub word: usize,
    pub rows_per_cycle: usize,
    /// Cycles of a frame, and those between frames in a steady stream.
    pub cycles: u64,
    pub interval: u64,
    /// The clock that was asked for, else the one that measurements promise, MHz.
    pub clock_mhz: f64,
    pub frames_per_second: f64,
    pub area: Area,
    /// The estimate leaves place and route the room that it needs.
    pub fits: bool,
    /// No measurement says that an array of this size does not route.
    pub routes: bool,
}

impl Candidate {
    fn new(network: &Network, arch: &Arch, device: &Device) -> Result<Candidate, DesignError> {
        let design = design::outline(network, arch)?;
        let area = area(&design, device);
        let clock_mhz = arch.clock_mhz();
        Ok(Candidate {
            rows: arch.rows,
            columns: arch.lanes,
            word: arch.word,
            rows_per_cycle: arch.weight_rows,
            cycles: design.cycles,
            interval: design.interval(),
            clock_mhz,
            frames_per_second: clock_mhz * 1e6 / design.interval() as f64,
            area,
            fits: fill(&area, device) <= 1.0,
            routes: true,
        })
    }

    /// The better one first: more frames a second, then the smaller one; the last keys only make the order one.
    fn by_speed(&self, other: &Candidate) -> Ordering {
        other.frames_per_second.total_cmp(&self.frames_per_second).then(self.by_size(other))
    }

    fn by_size(&self, other: &Candidate) -> Ordering {
        let key =
            |c: &Candidate| (c.area.luts, c.area.brams, c.rows * c.columns, c.rows, c.word, c.rows_per_cycle);
        key(self).cmp(&key(other))
    }
}

/// The fullest of a device's resources, as a share of what an estimate may fill of it.
fn fill(area: &Area, device: &Device) -> f64 {
    let share = |used: u64, there: u64, of: f64| used as f64 / (there as f64 * of);
    share(area.luts, device.luts, LOGIC_SHARE).max(share(area.ffs, device.ffs, LOGIC_SHARE)).max(share(
        area.brams,
        device.brams,
        MEMORY_SHARE,
    ))
}

/// Machines that satisfy the file's fixed keys, each with the clock asked for or known from measurements.
pub(super) fn geometries(file: &ArchFile, device: &Device) -> Vec<Arch> {
    let family = device.family.key();
    let or_all = |setting: Option<usize>, all: &[usize]| setting.map_or(all.to_vec(), |value| vec![value]);
    let lanes_setting = file.array.columns.value().or(file.array.lanes.value());
    let mut found = Vec::new();
    for &rows in &or_all(file.array.rows.value(), &ROWS) {
        for &lanes in &or_all(lanes_setting, &LANES) {
            for &word in &or_all(file.activation.word.value(), &WORDS) {
                for &weight_rows in &or_all(file.weights.rows_per_cycle.value(), &WEIGHT_ROWS) {
                    let mut arch = file.with(family, rows, lanes, word, weight_rows, DEPTH);
                    // More banks than kernel taps of the largest kernel only cost rotation.
                    if validate(&arch).is_empty() && arch.banks() <= 16 {
                        arch.target.clock_mhz =
                            file.target.clock_mhz.or(Some(evidence::clock(device, &arch).0));
                        found.push(arch);
                    }
                }
            }
        }
    }
    found
}

/// All machines that were tried for a device.
pub(super) struct Weighed {
    /// Those that can be built, the fastest first.
    pub candidates: Vec<Candidate>,
    /// The number of geometries that were looked at.
    pub tried: usize,
    /// Why one could not be built.
    pub error: Option<DesignError>,
    pub ceiling: Option<Ceiling>,
}

impl Weighed {
    /// Weighs `tried` for `device` on all threads; `progress` hears how many of how many are done.
    pub fn new(network: &Network, tried: &[Arch], device: &Device, progress: super::Progress) -> Weighed {
        // What holds its weights in more flip-flops than there are is not built at all.
        let possible = |arch: &&Arch| {
            arch.readout.is_analog() || (arch.rows * arch.lanes) as f64 * 2.0 <= device.ffs as f64
        };
        let mut possible: Vec<&Arch> = tried.iter().filter(possible).collect();
        if possible.is_empty() {
            possible.extend(tried.iter().min_by_key(|arch| arch.rows * arch.lanes));
        }
        let ceiling = tried.first().and_then(|arch| Ceiling::of(device, arch));
        let done = AtomicUsize::new(0);
        let results: Vec<Result<Candidate, DesignError>> = possible
            .par_iter()
            .map(|arch| {
                let candidate = Candidate::new(network, arch, device).map(|candidate| Candidate {
                    routes: ceiling.as_ref().is_none_or(|ceiling| !ceiling.excludes(arch)),
                    ..candidate
                });
                progress(done.fetch_add(1, Atomic::Relaxed) + 1, possible.len());
                candidate
            })
            .collect();
        let error = results.iter().find_map(|result| result.as_ref().err().cloned());
        let mut candidates: Vec<Candidate> = results.into_iter().flatten().collect();
        candidates.sort_by(Candidate::by_speed);
        Weighed { candidates, tried: tried.len(), error, ceiling }
    }

    /// Candidates that fit and are known to route, the fastest first. Where the file's own numbers leave none of those,
    /// it is obeyed.
    pub fn good(&self) -> impl Iterator<Item = &Candidate> {
        let obey = self.obeys();
        self.candidates.iter().filter(move |candidate| candidate.fits && (obey || candidate.routes))
    }

    /// Whether the file's own numbers are all beyond what is known to route.
    pub fn obeys(&self) -> bool {
        !self.candidates.iter().any(|candidate| candidate.routes)
    }

    /// The fastest, or with a number of frames a second that is enough, the smallest that makes it.
    pub fn best(&self, target_fps: Option<f64>) -> Option<&Candidate> {
        match target_fps {
            None => self.good().next(),
            Some(fps) => self.good().filter(|one| one.frames_per_second >= fps).min_by(|a, b| a.by_size(b)),
        }
    }

    /// The `count` that come nearest to fitting.
    pub fn nearest(&self, device: &Device, count: usize) -> Vec<Candidate> {
        let mut all: Vec<&Candidate> = self.candidates.iter().collect();
        all.sort_by(|a, b| fill(&a.area, device).total_cmp(&fill(&b.area, device)).then(a.by_size(b)));
        all.into_iter().take(count).cloned().collect()
    }
}

/// Whether some machine of `file` for `network` fits `device` and is not known to fail.
pub(super) fn some_fits(network: &Network, file: &ArchFile, device: &Device) -> bool {
    geometries(file, device).par_iter().any(|arch| {
        evidence::beyond(device, arch).is_none()
            && Candidate::new(network, arch, device).is_ok_and(|candidate| candidate.fits)
    })
}

/// The candidates as a table, one a line, with what they fill of `device`.
pub fn table(candidates: &[Candidate], device: &Device) -> String {
    let percent = |used: u64, there: u64| format!("{:.0} %", 100.0 * used as f64 / there.max(1) as f64);
    let row = |cells: [&str; 11]| {
        let [rows, columns, word, weights, cycles, clock, frames, luts, ffs, brams, note] = cells;
        let line = format!(
            "  {rows:>5} {columns:>7} {word:>5} {weights:>7} {cycles:>11} {clock:>6} {frames:>10} {luts:>6} {ffs:>6} {brams:>6}  {note}"
        );
        line.trim_end().to_string() + "\n"
    };
    let mut out =
        row(["rows", "columns", "word", "weights", "cycles", "MHz", "frames/s", "LUTs", "FFs", "BRAM", ""]);
    for one in candidates {
        let note = match (one.fits, one.routes) {
            (false, _) => "too large",
            (true, false) => "not known to route",
            (true, true) => "",
        };
        out += &row([
            &one.rows.to_string(),
            &one.columns.to_string(),
            &one.word.to_string(),
            &one.rows_per_cycle.to_string(),
            &one.interval.to_string(),
            &one.clock_mhz.to_string(),
            &format!("{:.0}", one.frames_per_second),
            &percent(one.area.luts, device.luts),
            &percent(one.area.ffs, device.ffs),
            &percent(one.area.brams, device.brams),
            note,
        ]);
    }
    out
}
