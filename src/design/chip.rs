//! Whether a chip is one of this machine: everything in it held against the design's sites.
//!
//! `golden` and `emit` take a chip's integers as they are, so what is wrong with one is found here, once.

use super::{Analog, Design};
use crate::variation::{ArrayDraw, Chip, DRAW_HALF, OwnThresholds, Site, Widths, subject};
use std::ops::RangeInclusive;

/// What in a chip is not of a machine. Numbers of cells, columns and arrays count from 0; one of a kind stands for
/// all others, which `more` counts.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Misfit {
    #[error("its cells and converters are those of another network or machine")]
    Subject,
    #[error("its voltages are in 2^-{chip} counts, the machine's in 2^-{machine} (readout.fraction_bits)")]
    FractionBits { chip: u32, machine: u32 },
    #[error("its cells were held to {}, the machine's have {machine} bits (readout.cell_bits)", bits(*chip))]
    CellWidth { chip: Option<usize>, machine: usize },
    #[error(
        "its voltages were held to {}, the machine's have {machine} bits (readout.cell_bits, readout.noise, array.rows)",
        bits(*chip)
    )]
    VoltageWidth { chip: Option<usize>, machine: usize },
    #[error("it has {chip} arrays, the machine {machine}")]
    Arrays { chip: usize, machine: usize },
    #[error("array {array}{} is {found}, the machine's is {wanted}", and(*more))]
    Size { array: usize, more: usize, found: String, wanted: String },
    #[error("{what} {value}{} outside of {least} to {most}, which {bits} bits hold", and(*more))]
    Range { what: String, value: i32, more: usize, least: i32, most: i32, bits: usize },
    #[error("{what} {value}{} where the machine has no weight", and(*more))]
    UnusedCell { what: String, value: i32, more: usize },
    #[error("array {array}, column {column}, row {row}{}: the cell holds 0, which no cell is drawn with", and(*more))]
    EmptyCell { array: usize, column: usize, row: usize, more: usize },
    #[error("its thresholds were found for a network with others than this one's")]
    OtherThresholds,
    #[error("it has thresholds, but sense amplifiers decide layer '{layer}' in the array")]
    Decided { layer: String },
    #[error("it has {chip} entries of {lanes} thresholds, the machine {machine} of {wanted}")]
    ThresholdSize { chip: usize, lanes: usize, machine: usize, wanted: usize },
    #[error("threshold {value} of entry {entry}, lane {lane}{} does not fit in {bits} bits", and(*more))]
    ThresholdRange { value: i64, entry: usize, lane: usize, more: usize, bits: usize },
    #[error(
        "threshold {value} of entry {entry}, lane {lane}{} moves what is no threshold: a lane without a channel, or scores",
        and(*more)
    )]
    NoThreshold { value: i64, entry: usize, lane: usize, more: usize },
    #[error("it corrects scores, and no weight of this machine is drawn as it is read")]
    Corrects,
    #[error("it corrects {chip} scores, the machine has {machine}")]
    Corrected { chip: usize, machine: usize },
}

fn bits(width: Option<usize>) -> String {
    width.map_or("no width".into(), |bits| format!("{bits} bits"))
}

fn and(more: usize) -> String {
    if more == 0 { String::new() } else { format!(" (and {more} more)") }
}

/// The first of `all` with the number of the others, as `made` puts it.
fn first<T>(mut all: impl Iterator<Item = T>, made: impl FnOnce(T, usize) -> Misfit) -> Option<Misfit> {
    let one = all.next()?;
    Some(made(one, all.count()))
}

impl Design {
    /// Why `chip` is none of this machine's; empty where its golden models and memories can take it as it is.
    ///
    /// # Panics
    /// With the popcount readout, which has no chip.
    pub fn misfits(&self, chip: &Chip) -> Vec<Misfit> {
        let analog = self.analog.as_ref().expect("an analog design");
        let sites = self.sites();
        let mut found = Vec::new();
        let same = chip.subject == subject(&sites);
        if !same {
            found.push(Misfit::Subject);
        }
        if chip.fraction_bits != analog.fraction_bits {
            found.push(Misfit::FractionBits { chip: chip.fraction_bits, machine: analog.fraction_bits });
        }
        found.extend(other_widths(chip.widths, analog.widths()));
        if chip.arrays.len() != sites.len() {
            found.push(Misfit::Arrays { chip: chip.arrays.len(), machine: sites.len() });
        }
        let pairs: Vec<Pair> = chip.arrays.iter().zip(&sites).enumerate().map(Pair::new).collect();
        let (fitting, others): (Vec<&Pair>, Vec<&Pair>) =
            pairs.iter().partition(|pair| size(pair.draw) == wanted(pair.site, analog));
        found.extend(first(others.iter(), |pair, more| Misfit::Size {
            array: pair.index,
            more,
            found: told(size(pair.draw)),
            wanted: told(wanted(pair.site, analog)),
        }));
        // Another network's chip has other weights elsewhere: that is said already.
        if same {
            found.extend(unused(&fitting));
            if analog.draws {
                found.extend(empty(&fitting));
            }
        }
        found.extend(wide(&fitting, analog));
        found.extend(chip.thresholds.iter().flat_map(|own| self.threshold_misfits(own)));
        if let Some(correction) = &chip.correction {
            let (corrected, scores) = (correction.offsets.len(), self.output.scores);
            if !analog.draws {
                found.push(Misfit::Corrects);
            } else if corrected != scores {
                found.push(Misfit::Corrected { chip: corrected, machine: scores });
            }
        }
        found
    }

    fn threshold_misfits(&self, own: &OwnThresholds) -> Vec<Misfit> {
        let mut found = Vec::new();
        if own.replace != self.thresholds_digest() {
            found.push(Misfit::OtherThresholds);
        }
        let decided = self.layers.iter().find(|layer| layer.readout.as_ref().is_some_and(|r| r.decides));
        found.extend(decided.map(|layer| Misfit::Decided { layer: layer.name.terminal() }));
        let lanes = own.values.iter().map(Vec::len).find(|&lanes| lanes != self.lanes);
        if own.values.len() != self.thresholds.len() || lanes.is_some() {
            found.push(Misfit::ThresholdSize {
                chip: own.values.len(),
                lanes: lanes.unwrap_or(self.lanes),
                machine: self.thresholds.len(),
                wanted: self.lanes,
            });
            return found;
        }
        let all = || {
            let entries = own.values.iter().enumerate();
            entries.flat_map(|(entry, lanes)| {
                lanes.iter().enumerate().map(move |(lane, &value)| (entry, lane, value))
            })
        };
        // Sums of analog arrays are signed, and so are their thresholds.
        let bits = self.widths.threshold;
        let half = 1i64 << (bits - 1);
        let wide = all().filter(|(_, _, value)| !(-half..half).contains(value));
        found.extend(first(wide, |(entry, lane, value), more| Misfit::ThresholdRange {
            value,
            entry,
            lane,
            more,
            bits,
        }));
        // Elsewhere stands what keeps a lane from ever giving a 1, and what scores are less by.
        let movable = self.movable_lanes();
        let fixed = all().filter(|&(entry, lane, value)| {
            lane >= movable[entry % movable.len()] && value != self.thresholds[entry][lane].value
        });
        found.extend(first(fixed, |(entry, lane, value), more| Misfit::NoThreshold {
            value,
            entry,
            lane,
            more,
        }));
        found
    }

    /// Lanes whose thresholds a chip may have of its own, for each entry of one set of them.
    fn movable_lanes(&self) -> Vec<usize> {
        let layers = self.network.layers.iter().zip(&self.layers);
        let lanes = layers.flat_map(|(layer, program)| {
            let channels = if program.scores { 0 } else { layer.conv.c };
            (0..program.groups).map(move |group| channels.saturating_sub(group * self.lanes).min(self.lanes))
        });
        lanes.collect()
    }
}

/// An array of the chip and what it is meant to be.
struct Pair<'a> {
    index: usize,
    draw: &'a ArrayDraw,
    site: &'a Site,
}

impl<'a> Pair<'a> {
    fn new((index, (draw, site)): (usize, (&'a ArrayDraw, &'a Site))) -> Pair<'a> {
        Pair { index, draw, site }
    }
}

/// Rows, columns, cells of either kind, offsets and edges.
type Size = [usize; 6];

fn size(draw: &ArrayDraw) -> Size {
    [draw.rows, draw.columns, draw.plus.len(), draw.minus.len(), draw.offset.len(), draw.edges.len()]
}

fn wanted(site: &Site, analog: &Analog) -> Size {
    let cells = site.rows * site.columns;
    if analog.draws {
        return [site.rows, site.columns, cells, 0, 0, 0];
    }
    [site.rows, site.columns, cells, cells, site.columns, site.columns * analog.edges]
}

fn told([rows, columns, .., edges]: Size) -> String {
    format!("{rows} x {columns} with {} edges a column", edges.checked_div(columns).unwrap_or(0))
}

fn other_widths(chip: Option<Widths>, machine: Widths) -> Vec<Misfit> {
    let (cell, voltage) = (chip.map(|widths| widths.cell), chip.map(|widths| widths.voltage));
    let mut found = Vec::new();
    if cell != Some(machine.cell) {
        found.push(Misfit::CellWidth { chip: cell, machine: machine.cell });
    }
    if voltage != Some(machine.voltage) {
        found.push(Misfit::VoltageWidth { chip: voltage, machine: machine.voltage });
    }
    found
}

/// One integer of a cell: `drive` is what the row carries where it counts.
struct Cell<'a> {
    pair: &'a Pair<'a>,
    drive: &'static str,
    place: usize,
    value: i32,
}

impl Cell<'_> {
    fn told(&self) -> String {
        let (column, row) = (self.place / self.pair.site.rows, self.place % self.pair.site.rows);
        format!("array {}, column {column}, row {row}: at {} the cell holds", self.pair.index, self.drive)
    }
}

fn cells<'a>(pair: &&'a Pair) -> impl Iterator<Item = Cell<'a>> {
    let pair = *pair;
    [("+1", &pair.draw.plus), ("-1", &pair.draw.minus)].into_iter().flat_map(move |(drive, values)| {
        let cell = move |(place, &value): (usize, &i16)| Cell { pair, drive, place, value: value.into() };
        values.iter().enumerate().map(cell)
    })
}

/// Cells without a weight that hold something: the rows of the golden models leave them out.
fn unused(pairs: &[&Pair]) -> Option<Misfit> {
    let full = |cell: &Cell| cell.value != 0 && cell.pair.site.weights[cell.place] == 0;
    let found = pairs.iter().flat_map(cells).filter(full);
    first(found, |cell, more| Misfit::UnusedCell { what: cell.told(), value: cell.value, more })
}

/// Cells of a weight that hold nothing, where cells are drawn as they are read.
fn empty(pairs: &[&Pair]) -> Option<Misfit> {
    let all = pairs.iter().flat_map(cells);
    let found = all.filter(|cell| cell.value == 0 && cell.pair.site.weights[cell.place] != 0);
    first(found, |Cell { pair, place, .. }, more| {
        let (column, row) = (place / pair.site.rows, place % pair.site.rows);
        Misfit::EmptyCell { array: pair.index, column, row, more }
    })
}

/// Integers that the machine's memories do not hold.
fn wide(pairs: &[&Pair], analog: &Analog) -> Vec<Misfit> {
    let widths = analog.widths();
    let misfit = |what, value, more, range: RangeInclusive<i32>, bits| Misfit::Range {
        what,
        value,
        more,
        least: *range.start(),
        most: *range.end(),
        bits,
    };
    let mut found = Vec::new();
    let half = i32::from(DRAW_HALF);
    let range = || if analog.draws { -half..=half } else { widths.cells() };
    let beyond = pairs.iter().flat_map(cells).filter(|cell| !range().contains(&cell.value));
    found.extend(first(beyond, |cell, more| misfit(cell.told(), cell.value, more, range(), widths.cell)));
    type Of = fn(&ArrayDraw) -> &Vec<i32>;
    let kinds: [(&str, usize, RangeInclusive<i32>, Of); 2] = [
        ("offset", 1, widths.offsets(), |draw| &draw.offset),
        ("edge", analog.edges, widths.edges(), |draw| &draw.edges),
    ];
    for (name, per_column, range, of) in kinds {
        let all = pairs.iter().flat_map(|pair| {
            let place = move |(place, &value): (usize, &i32)| (pair.index, place / per_column, value);
            of(pair.draw).iter().enumerate().map(place)
        });
        let beyond = all.filter(|(.., value)| !range.contains(value));
        found.extend(first(beyond, |(array, column, value), more| {
            let what = format!("array {array}, column {column}: {name}");
            misfit(what, value, more, range.clone(), widths.voltage)
        }));
    }
    found
}
