//! Arrays that are analog: reads, converters, timing, and the sites that a chip is drawn for
//! (ARCHITECTURE.md, "Analog arrays").

use super::images::Cells;
use super::noise::Noise;
use super::reference::Reference;
use super::{Design, reference, width};
use crate::arch::{Arch, PlaneDrive, Range, ReadoutKind, Subtraction};
use crate::mapping::cycles::Reads;
use crate::mapping::{self, LayerMap};
use crate::network::{Activation, Layer, Network, PadValue, Plane};
use crate::variation::{Converter, DRAW_BITS, Levels, Site, Widths, Zero};

/// What all analog arrays of a design have in common.
#[derive(Debug, Clone, PartialEq)]
pub struct Analog {
    /// Sense amplifiers read the columns; else converters.
    pub sense: bool,
    /// Nothing reads the columns: cells are drawn as they are read, and their products counted.
    pub draws: bool,
    /// F: voltages are integers in 2^-F counts.
    pub fraction_bits: u32,
    /// V: values are integers in 2^-V counts.
    pub value_fraction_bits: u32,
    /// Rows of every column that are summed in one cycle.
    pub row_step: usize,
    /// `rows / row_step`: words of one array in the cell memory.
    pub words: usize,
    /// Edges of a converter.
    pub edges: usize,
    pub edges_per_cycle: usize,
    /// Neighbouring columns that take turns at one converter.
    pub share: usize,
    /// Cycles of one column's conversion, and T: of all columns'.
    pub edge_steps: usize,
    pub conversion: usize,
    /// Bits of one drawn value of a cell, two's complement.
    pub cell_width: usize,
    /// Bits of a column voltage, of its offset and of an edge, two's complement.
    pub voltage_width: usize,
    /// Bits of a code.
    pub code_width: usize,
    /// Bits of what a read adds to the sum, two's complement.
    pub value_width: usize,
    /// Arrays of the chip.
    pub arrays: usize,
    /// What every read adds to the voltages, from generators in gates.
    pub noise: Option<Noise>,
    /// What is taken away behind the converters of raw currents, where that is counted.
    pub reference: Option<Reference>,
    /// Every array has one more column, whose value is taken away from those of all others.
    pub reference_column: bool,
}

impl Analog {
    /// Columns of an array of `lanes` output channels: the last one may be the reference.
    pub fn columns(&self, lanes: usize) -> usize {
        lanes + usize::from(self.reference_column)
    }

    /// Converters of such an array.
    pub fn converters(&self, lanes: usize) -> usize {
        self.columns(lanes) / self.share
    }

    /// Bits of a word of the cell memory: `row_step` rows of all columns, minus above plus; above them one bit a row,
    /// whether it holds cells, where a reference is counted over these.
    ///
    /// Of cells that are drawn: signs, above them the bits of their codes, the lowest ones first; above these one bit a row,
    /// whether it holds cells.
    pub fn cell_word(&self, lanes: usize) -> usize {
        if self.draws {
            return self.row_step * (lanes * self.cell_width + 1);
        }
        self.row_step * (self.columns(lanes) * 2 * self.cell_width + usize::from(self.reference.is_some()))
    }

    /// Bits of a word of the offset memory: the offsets of all columns, above them the share of the array's reference
    /// where arrays differ in it.
    pub fn offset_word(&self, lanes: usize) -> usize {
        self.columns(lanes) * self.voltage_width + self.reference.as_ref().map_or(0, Reference::share_width)
    }

    /// What the integers of a chip are held to.
    pub fn widths(&self) -> Widths {
        // Of a drawn cell +128 is there as well.
        Widths { cell: self.cell_width + usize::from(self.draws), voltage: self.voltage_width }
    }
}

/// One layer's reads.
#[derive(Debug, Clone, PartialEq)]
pub struct LayerReadout {
    /// Reads of one vector: one, or one a bit plane of the input.
    pub reads: usize,
    /// S: cycles of one read.
    pub read_words: usize,
    /// Cycles from one read to the next: the longer of read and conversion.
    pub interval: usize,
    /// Index of each group's first array; the group's others follow in the order plane, pass. A tile that a mask
    /// leaves out has no array.
    pub group_arrays: Vec<usize>,
    /// What a code stands for, in 2^-V counts.
    pub values: Vec<i64>,
    /// A bit 0 leaves its row undriven.
    pub unipolar: bool,
    /// The sense amplifiers compare with the channels' thresholds: the code is the result.
    pub decides: bool,
    /// Largest size of what is taken away behind the converters in a read, in 2^-V counts.
    pub taken: i64,
    /// Smallest and largest sum of a pixel (of all pixels, where the layer adds them up), with what a shortcut adds.
    pub sums: (i64, i64),
    /// First code's counts and step of a uniform converter.
    low: f64,
    step: f64,
}

/// Resolved readout of a whole network.
pub(super) struct Plan {
    pub analog: Analog,
    pub layers: Vec<LayerReadout>,
}

impl Plan {
    /// What the cycle count needs where each layer runs at most `planes` planes.
    pub fn timing(&self, maps: &[LayerMap], planes: usize) -> Vec<Reads> {
        let timing =
            |(layer, map): (&LayerReadout, &LayerMap)| layer.timing(map, planes, self.analog.conversion);
        self.layers.iter().zip(maps).map(timing).collect()
    }
}

/// Resolves the readout of `network` on `arch`, whose readout is analog.
pub(super) fn plan(network: &Network, arch: &Arch, maps: &[LayerMap], plane_rows: usize) -> Plan {
    let readout = &arch.readout;
    let (row_step, _) = mapping::row_steps(arch, network.input.code.planes());
    let (edges, edges_per_cycle) = (readout.edges(), readout.edges_at_once());
    let conversion = arch.conversion();
    let mut arrays = 0;
    let layers: Vec<LayerReadout> = network
        .layers
        .iter()
        .zip(maps)
        .enumerate()
        .map(|(index, (layer, map))| {
            let planes = network.code_of(index).planes();
            let rows = layer.fan_in().min(if index == 0 { plane_rows } else { arch.rows });
            let read_words = if planes > 1 { plane_rows / row_step } else { arch.rows / row_step };
            let decides = readout.kind == ReadoutKind::Sense
                && planes == 1
                && map.passes == 1
                && layer.scales() == 1
                && !layer.sum_pixels
                && layer.shortcut.is_none()
                && layer.activation != Activation::Scores;
            let most = layer.planes.iter().map(Plane::most).max().unwrap_or(1);
            let column = Column { rows, most, unipolar: arch.unipolar(planes) };
            let (low, step) = if readout.is_sample() { (0.0, 0.0) } else { uniform(arch, index, column) };
            let values = values(arch, index, column, decides);
            let taken = match arch.subtraction() {
                Subtraction::Column => values.iter().map(|value| value.abs()).max().unwrap_or(0),
                _ => reference::most(arch, column),
            };
            let weight = map.passes as i64
                * layer.planes.iter().map(|plane| i64::from(plane.scale)).sum::<i64>()
                * ((1i64 << planes) - 1)
                * if layer.sum_pixels { layer.conv.pixels() as i64 } else { 1 };
            let sums = (
                (values.iter().min().copied().unwrap_or(0) - taken) * weight,
                (values.iter().max().copied().unwrap_or(0) + taken) * weight,
            );
            let first_array = |group| {
                let first = arrays;
                arrays += map.group_tiles(group, usize::MAX);
                first
            };
            LayerReadout {
                reads: planes,
                read_words,
                interval: read_words.max(conversion),
                group_arrays: (0..map.groups).map(first_array).collect(),
                values,
                unipolar: column.unipolar,
                decides,
                taken,
                sums,
                low,
                step,
            }
        })
        .collect();
    let largest = |planned: &LayerReadout| {
        let scale = (1i64 << planned.reads) - 1;
        planned.values.iter().map(|value| (value.abs() + planned.taken) * scale).max().unwrap_or(0)
    };
    let value = layers.iter().map(largest).max().unwrap_or(0);
    let noise = noise(arch, &layers);
    let draws = readout.is_sample();
    let unless_drawn = |bits| if draws { 0 } else { bits };
    let analog = Analog {
        sense: readout.kind == ReadoutKind::Sense,
        draws,
        fraction_bits: unless_drawn(readout.fraction_bits),
        value_fraction_bits: unless_drawn(readout.value_fraction_bits),
        row_step,
        words: arch.rows / row_step,
        edges,
        edges_per_cycle,
        share: arch.share,
        edge_steps: readout.conversion(),
        conversion,
        cell_width: if draws { DRAW_BITS } else { readout.cell_bits as usize },
        voltage_width: voltage_width(arch, noise.as_ref()),
        code_width: width::unsigned(edges),
        value_width: width::signed(-value, value),
        arrays,
        noise,
        // It is told from the arrays' cells, which come later.
        reference: None,
        reference_column: arch.subtraction() == Subtraction::Column,
    };
    Plan { analog, layers }
}

/// The generators of noise, as slow as the reads let them be: a read's steps must be done before the next read is
/// sampled, and three reads' steps between a frame's start and its first sample, `read_words + 5` cycles later.
fn noise(arch: &Arch, layers: &[LayerReadout]) -> Option<Noise> {
    let interval = layers.iter().map(|layer| layer.interval).min().unwrap_or(1);
    let first = layers.first().map_or(1, |layer| (layer.read_words + 3) / 3);
    Noise::new(&arch.readout, arch.lanes, interval.min(first))
}

/// Every row at its largest value, the offset as much again, and an edge above all of them; with noise twice that,
/// or more where the noise alone is more than an eighth of it.
fn voltage_width(arch: &Arch, noise: Option<&Noise>) -> usize {
    let still = arch.readout.cell_bits as usize + width::index(arch.rows) + 1;
    noise.map_or(still, |noise| (still + 1).max(width::unsigned(noise.most()) + 3))
}

/// The columns of a layer: most rows of one that are in use, the largest weight of a cell, and whether rows are driven by
/// bits 1 alone.
#[derive(Debug, Clone, Copy)]
pub(super) struct Column {
    pub rows: usize,
    pub most: i32,
    pub unipolar: bool,
}

/// First code's counts and the step of a uniform converter of `layer`.
fn uniform(arch: &Arch, layer: usize, column: Column) -> (f64, f64) {
    let (low, high) = match &arch.readout.range {
        Range::Counts(counts) => (-counts, *counts),
        Range::Layers(layers) => (-layers[layer], layers[layer]),
        Range::Ends(layers) => (layers[layer][0], layers[layer][1]),
        Range::Word(_) => {
            let common = reference::common(arch, column.most);
            let high = column.rows as f64 * (f64::from(column.most) + common);
            // Raw currents of rows that are driven one way alone have one sign.
            (if column.unipolar && common > 0.0 { 0.0 } else { -high }, high)
        }
    };
    (low, (high - low) / (arch.readout.levels - 1) as f64)
}

/// What the codes stand for, in 2^-V counts.
fn values(arch: &Arch, layer: usize, column: Column, decides: bool) -> Vec<i64> {
    let unit = f64::from(1u32 << arch.readout.value_fraction_bits);
    match arch.readout.kind {
        ReadoutKind::Sample => vec![-(column.rows as i64), column.rows as i64],
        ReadoutKind::Sense if decides => vec![-1, 1],
        ReadoutKind::Sense => {
            // The mean size of a sum of `rows` random signs, or of as many levels, all equally frequent.
            let (rows, most) = (column.rows, f64::from(column.most));
            let square = if most > 1.0 { most * (most + 1.0) / 3.0 } else { 1.0 };
            let mean = (2.0 * rows as f64 * square / std::f64::consts::PI).sqrt();
            let size = (mean * unit).round().max(1.0) as i64;
            vec![-size, size]
        }
        _ => {
            let (low, step) = uniform(arch, layer, column);
            (0..arch.readout.levels)
                .map(|code| ((low + code as f64 * step) * unit).round_ties_even() as i64)
                .collect()
        }
    }
}

impl LayerReadout {
    /// What the cycle count needs.
    fn timing(&self, map: &LayerMap, planes: usize, conversion: usize) -> Reads {
        let tiles: usize = (0..map.groups).map(|group| map.group_tiles(group, planes)).sum();
        Reads {
            vectors: (map.vectors * tiles) as u64,
            reads: self.reads as u64,
            words: self.read_words as u64,
            conversion: conversion as u64,
        }
    }

    /// Lattice point at or above `threshold` of a sum of `taps` signs, less half a lattice step: where a sense
    /// amplifier is farthest from both neighbours.
    fn reference(layer: &Layer, threshold: i64) -> f64 {
        let taps = layer.fan_in() as i64;
        if !layer.padding.is_none() && layer.padding.value == PadValue::Zero {
            return threshold as f64 - 0.5;
        }
        (threshold + (threshold - taps).rem_euclid(2)) as f64 - 1.0
    }

    fn converter(&self, layer: &Layer, sense: bool, channels: std::ops::Range<usize>) -> Converter {
        if !sense {
            return Converter::Uniform { levels: self.values.len(), low: self.low, step: self.step };
        }
        let reference = channels
            .map(|channel| match &layer.activation {
                Activation::Sign { threshold, .. } if self.decides => {
                    LayerReadout::reference(layer, i64::from(threshold[channel]))
                }
                _ => 0.0,
            })
            .collect();
        Converter::Sense { reference }
    }
}

impl Design {
    fn cells(&self) -> Cells {
        Cells::new(&self.arch, self.row_planes, self.plane_rows)
    }

    /// Weight column that each row of the arrays of pass `pass` of layer `layer` carries; `None`: nothing.
    pub fn weight_columns(&self, layer: usize, pass: usize) -> Vec<Option<usize>> {
        let (cells, source, program) = (self.cells(), &self.network.layers[layer], &self.layers[layer]);
        (0..self.rows).map(|row| cells.column(source, &program.source, pass, row)).collect()
    }

    /// Whether the rows of a plane are driven at its scale.
    pub fn drives_at_scale(&self) -> bool {
        self.arch.readout.plane_drive == PlaneDrive::Scaled
    }

    /// The arrays of the chip in the order layer, group, plane, pass; none with the popcount readout.
    pub fn sites(&self) -> Vec<Site> {
        let Some(analog) = &self.analog else { return Vec::new() };
        let cells = self.cells();
        let zero = match self.arch.subtraction() {
            Subtraction::Analog => Zero::Common,
            Subtraction::Digital | Subtraction::Column => Zero::Current,
        };
        let mut sites = Vec::with_capacity(analog.arrays);
        for (index, (layer, program)) in self.network.layers.iter().zip(&self.layers).enumerate() {
            let Some(readout) = &program.readout else { continue };
            for group in 0..program.groups {
                let first = group * self.lanes;
                let channels = first..layer.conv.c.min(first + self.lanes);
                for (plane, pass) in program.tiles(group, program.planes.len()) {
                    let mut values = cells.values(layer, program, plane, pass, channels.clone());
                    if analog.reference_column {
                        // A level of 0 is the middle conductance.
                        let used = reference::used(&cells, layer, program, (plane, pass));
                        values.extend(used.into_iter().map(|used| used.then_some(0)));
                    }
                    let most = layer.planes[plane].most();
                    let leveled = layer.planes[plane].levels.is_some() || analog.reference_column;
                    // A level of 0 is a cell all the same.
                    let sign = |value: &Option<i32>| value.map_or(0, |value| if value < 0 { -1 } else { 1 });
                    let level = |value: &Option<i32>| value.unwrap_or(0) as i16;
                    sites.push(Site {
                        layer: index,
                        // A mask changes no other array's key.
                        array: (group * program.planes.len() + plane) * program.passes + pass,
                        rows: self.rows,
                        columns: analog.columns(channels.len()),
                        weights: values.iter().map(sign).collect(),
                        levels: leveled.then(|| Levels { most, values: values.iter().map(level).collect() }),
                        converter: match analog.draws {
                            true => Converter::Draw {
                                flips: flips(layer, &cells.places(layer, program, pass), channels.clone()),
                            },
                            false => readout.converter(layer, analog.sense, channels.clone()),
                        },
                        share: analog.share,
                        level: match self.drives_at_scale() {
                            false => 1.0,
                            true => f64::from(layer.planes[plane].scale) / f64::from(layer.planes[0].scale),
                        },
                        zero,
                    });
                }
            }
        }
        sites
    }
}

/// Flip codes of `channels` in an array whose rows carry the weight columns `places`, row fastest, of [`DRAW_BITS`] bits; none
/// where the layer has none.
fn flips(layer: &Layer, places: &[Option<usize>], channels: std::ops::Range<usize>) -> Vec<u8> {
    let Some(flips) = &layer.flips else { return Vec::new() };
    let code = |channel: usize, column: usize| {
        flips.codes[channel * layer.fan_in() + column] << (DRAW_BITS - flips.bits)
    };
    channels
        .flat_map(|channel| places.iter().map(move |place| place.map_or(0, |column| code(channel, column))))
        .collect()
}

/// What a layer's sums are less than `slope` times its accumulator by, where every input counts `constant` too little. Of
/// the first `planes` planes.
pub(super) fn shift(constant: i64, layer: &Layer, planes: usize, channel: usize, pixels: i64) -> i64 {
    if constant == 0 {
        return 0;
    }
    let sum = |plane: &Plane| -> i64 {
        let values = (0..layer.fan_in()).map(|column| i64::from(plane.value(channel, column)));
        values.sum::<i64>() * i64::from(plane.scale)
    };
    constant * layer.planes.iter().take(planes).map(sum).sum::<i64>() * pixels
}
