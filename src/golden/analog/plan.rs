//! What of a design does not depend on the chip: where every row's bit comes from, what codes stand for, what
//! sums are compared with.

use std::collections::HashMap;

use super::generators::{GateNoise, Generators};
use super::maps::Map;
use crate::design::{Design, LayerDesign, LayerReadout, Reference, Source, Threshold, Walk};
use crate::golden::machine;
use crate::network::{InputCode, PadValue, Shortcut};
use crate::variation::ArrayDraw;

/// An analog design laid out for execution.
#[derive(Debug)]
pub struct Plan {
    pub(super) code: InputCode,
    /// Elements of one image.
    pub(super) elements: usize,
    /// Scores of one image, and of one of its pixels.
    pub(super) scores: usize,
    pub(super) classes: usize,
    /// P: columns of one array.
    pub(super) lanes: usize,
    /// Planes of weights that a layer runs at most.
    planes: usize,
    /// A column without an array: a tile that a mask leaves out.
    pub(super) blank: ArrayDraw,
    /// Arrays of the chip, rows of each, edges of a converter.
    pub(super) arrays: usize,
    pub(super) rows: usize,
    pub(super) edges: usize,
    /// The last column of every array is the reference of the others.
    pub(super) reference_column: bool,
    /// Map that layer `n` reads; one more for the bits of the last layer.
    pub(super) maps: Vec<Map>,
    pub(super) layers: Vec<LayerPlan>,
    generators: Option<Generators>,
}

#[derive(Debug)]
pub(super) struct LayerPlan {
    /// Output channels.
    pub columns: usize,
    /// All vectors in the order of the walk: those of one pooling window follow each other.
    pub vectors: Vec<Vector>,
    /// Vectors of one pooling window.
    pub window: usize,
    /// Reads of one vector, in the order plane of the weights, pass, plane of the input.
    pub reads: Vec<Read>,
    /// What a code stands for.
    pub values: Vec<i64>,
    /// The sums and one above the largest fit in 16 bits.
    pub narrow: bool,
    /// One a channel.
    pub thresholds: Vec<Threshold>,
    /// Entry of the first of them in the threshold memory.
    pub entry: usize,
    pub sum_pixels: bool,
    pub shortcut: Shortcut,
    pub flip_after_pool: bool,
    /// `Some(shift)`: the sums leave as scores.
    pub scores: Option<usize>,
}

/// One vector of a layer.
#[derive(Debug, Clone, Copy)]
pub(super) struct Vector {
    /// First word of its window in the map.
    pub origin: usize,
    /// Which taps lie outside the map: index into [`Read::driven`].
    pub class: usize,
}

/// One read: rows of one array (of every group) driven once.
#[derive(Debug)]
pub(super) struct Read {
    /// Array of each group; none where a mask leaves the tile out.
    pub arrays: Vec<Option<usize>>,
    /// Channels that the read does not add to.
    pub dropped: Vec<usize>,
    /// What the value of a code counts.
    pub scale: i64,
    /// Rows of the array whose bit comes from the map.
    pub rows: Vec<usize>,
    /// Where each of them finds it: word of the map, counted from the window's origin.
    pub words: Vec<usize>,
    /// Rows that are driven, for every class of vectors; a driven row without a source carries -1.
    pub driven: Vec<Vec<usize>>,
    /// A bit 0 leaves its row undriven.
    pub unipolar: bool,
    /// What is taken away behind the converters.
    pub taken: Option<Taken>,
}

/// What a read takes away from what its codes stand for.
#[derive(Debug)]
pub(super) struct Taken {
    /// For every class of vectors, where the driven rows with cells find their bits: as [`Read::words`].
    pub words: Vec<Vec<usize>>,
    /// What is taken away where none, one, two ... of them carry +1: index `class`, then their number.
    pub values: Vec<Vec<i64>>,
}

impl Taken {
    /// Of `read`, whose `array` tells which rows hold cells.
    fn new(reference: &Reference, array: usize, read: &Read) -> Taken {
        let of_class = |driven: &Vec<usize>| -> Vec<usize> {
            let used = |row: usize| reference.rows.get(array, row) && driven.contains(&row);
            read.rows.iter().zip(&read.words).filter(|(row, _)| used(**row)).map(|(_, word)| *word).collect()
        };
        let words: Vec<Vec<usize>> = read.driven.iter().map(of_class).collect();
        let values = words.iter().map(|words| {
            let drive = |ones: usize| match read.unipolar {
                true => ones as i64,
                false => 2 * ones as i64 - words.len() as i64,
            };
            (0..=words.len()).map(|ones| machine::taken(reference, array, drive(ones)) * read.scale).collect()
        });
        Taken { values: values.collect(), words }
    }
}

impl Plan {
    /// Lays `design` out.
    ///
    /// # Panics
    /// Where the design's readout is the popcount.
    pub fn new(design: &Design) -> Plan {
        Plan::limited(design, design.planes_of_weights())
    }

    /// [`Plan::new`] with at most `planes` (at least 1) planes of the weights of each layer.
    ///
    /// # Panics
    /// As [`Plan::new`].
    pub fn limited(design: &Design, planes: usize) -> Plan {
        let planes = planes.max(1);
        let analog = design.analog.as_ref().expect("a design with analog arrays");
        let layers = &design.network.layers;
        let mut maps = vec![Map::input(design)];
        for (index, layer) in layers.iter().enumerate() {
            maps.push(Map::between(layer.output, layers.get(index + 1)));
        }
        let plans: Vec<LayerPlan> =
            (0..layers.len()).map(|index| layer_plan(design, index, planes, &maps[index])).collect();
        Plan {
            code: design.input.code,
            elements: design.network.input.shape.elements(),
            scores: design.output.scores,
            classes: design.output.scores / design.output.pixels,
            lanes: design.lanes,
            planes,
            blank: ArrayDraw {
                rows: design.rows,
                columns: 1,
                plus: vec![0; design.rows],
                minus: vec![0; design.rows],
                offset: vec![0],
                edges: vec![0; analog.edges],
            },
            arrays: analog.arrays,
            rows: design.rows,
            edges: analog.edges,
            reference_column: analog.reference_column,
            generators: Generators::new(design, analog, &plans),
            maps,
            layers: plans,
        }
    }

    /// The design's noise in gates where the register SEED holds `seed` when image 0 starts; `None` without such noise.
    pub fn gate_noise(&self, seed: u32) -> Option<GateNoise<'_>> {
        Some(self.generators.as_ref()?.seeded(seed))
    }

    /// Elements of one image.
    pub fn elements(&self) -> usize {
        self.elements
    }

    /// Planes of weights that a layer runs at most.
    pub fn planes(&self) -> usize {
        self.planes
    }
}

fn layer_plan(design: &Design, index: usize, planes: usize, map: &Map) -> LayerPlan {
    let layer = &design.layers[index];
    let readout = layer.readout.as_ref().expect("every layer of an analog design has a readout");
    let columns = design.network.layers[index].conv.c;
    let (classes, vectors) = vectors(layer, design.network.layers[index].kernel, map);
    let (low, high) = readout.sums;
    let entry = design.threshold_base(index, planes);
    LayerPlan {
        columns,
        vectors,
        window: if layer.sum_pixels { 1 } else { layer.walk.window.0 * layer.walk.window.1 },
        reads: reads(design, index, planes, readout, map, &classes),
        values: readout.values.clone(),
        narrow: low >= i64::from(i16::MIN) && high < i64::from(i16::MAX),
        thresholds: (0..columns)
            .map(|c| design.thresholds[entry + c / design.lanes][c % design.lanes])
            .collect(),
        entry,
        sum_pixels: layer.sum_pixels,
        shortcut: layer.shortcut,
        flip_after_pool: layer.flip_after_pool,
        scores: layer.scores.then_some(layer.score_shift),
    }
}

/// A class of windows: its taps (kernel row, kernel column) that are not driven.
type Class = Vec<(usize, usize)>;

/// The classes of a layer's windows and all its vectors.
fn vectors(layer: &LayerDesign, kernel: (usize, usize), map: &Map) -> (Vec<Class>, Vec<Vector>) {
    let mut classes: HashMap<Class, usize> = HashMap::new();
    let mut vectors = Vec::new();
    for (y, x) in origins(&layer.walk) {
        let mut undriven = Class::new();
        if let Some((inside, PadValue::Zero)) = &layer.padding
            && matches!(layer.source, Source::Map { .. })
        {
            let taps = (0..kernel.0).flat_map(|ky| (0..kernel.1).map(move |kx| (ky, kx)));
            undriven.extend(taps.filter(|&(ky, kx)| {
                let (y, x) = (y + ky as i64, x + kx as i64);
                y < 0 || x < 0 || y >= inside.h as i64 || x >= inside.w as i64
            }));
        }
        let next = classes.len();
        let class = *classes.entry(undriven).or_insert(next);
        vectors.push(Vector { origin: map.origin(y, x), class });
    }
    let mut ordered = vec![Class::new(); classes.len()];
    classes.into_iter().for_each(|(class, index)| ordered[index] = class);
    (ordered, vectors)
}

/// Pixels (row, column) of the window origins, in order.
fn origins(walk: &Walk) -> Vec<(i64, i64)> {
    let ends = [walk.window.1, walk.window.1 * walk.window.0, walk.window.1 * walk.window.0 * walk.pooled.1];
    let mut at = walk.origin_pixel;
    (1..=ends[2] * walk.pooled.0)
        .map(|next| {
            let here = at;
            // The innermost loop that has not ended takes the step.
            let step = ends.iter().position(|end| next % end != 0).unwrap_or(3);
            at = (at.0 + walk.pixel_steps[step].0, at.1 + walk.pixel_steps[step].1);
            here
        })
        .collect()
}

fn reads(
    design: &Design,
    index: usize,
    planes: usize,
    readout: &LayerReadout,
    map: &Map,
    classes: &[Class],
) -> Vec<Read> {
    let layer = &design.layers[index];
    let mut reads = Vec::new();
    for (number, weights) in layer.planes.iter().enumerate().take(planes) {
        for pass in 0..layer.passes {
            let arrays: Vec<Option<usize>> = (0..layer.groups)
                .map(|group| {
                    let place = layer.tiles(group, planes).position(|tile| tile == (number, pass))?;
                    Some(readout.group_arrays[group] + place)
                })
                .collect();
            if arrays.iter().all(Option::is_none) {
                continue;
            }
            let adds = |channel: usize| {
                let (group, lane) = (channel / design.lanes, channel % design.lanes);
                arrays[group].is_some() && weights.lanes.as_ref().is_none_or(|kept| kept[group][lane])
            };
            let channels = 0..design.network.layers[index].conv.c;
            let dropped: Vec<usize> = channels.filter(|&channel| !adds(channel)).collect();
            for plane in 0..readout.reads {
                let read = match &layer.source {
                    Source::Input => input_read(design, layer, readout, map, (pass, plane), classes.len()),
                    Source::Map { .. } => map_read(design, layer, map, pass, classes),
                };
                let (arrays, dropped) = (arrays.clone(), dropped.clone());
                let mut read = Read { arrays, dropped, scale: weights.scale << plane, ..read };
                // All groups have cells in the same rows.
                let array = read.arrays.iter().flatten().next();
                let reference = design.analog.as_ref().and_then(|analog| analog.reference.as_ref());
                read.taken =
                    reference.zip(array).map(|(reference, &array)| Taken::new(reference, array, &read));
                reads.push(read);
            }
        }
    }
    reads
}

/// Every row is driven, or those of bits 1 alone; those beyond the last tap carry a bit 0 (and hold empty cells on a sound chip).
fn input_read(
    design: &Design,
    layer: &LayerDesign,
    readout: &LayerReadout,
    map: &Map,
    (pass, plane): (usize, usize),
    classes: usize,
) -> Read {
    let planes = design.planes;
    let network = &design.network.layers[0];
    let (kernel, channels) = (network.kernel, network.input.c);
    let taps = kernel.0 * kernel.1 * channels;
    let first = pass * design.plane_rows;
    let used = design.plane_rows.min(taps - first);
    // A plane has rows of its own, or drives those of all others.
    let row = if design.serial_input() { 0 } else { plane * design.plane_rows };
    assert!(pass < layer.passes && used > 0, "every pass has taps");
    let (rows, words) = (0..used)
        .map(|q| {
            let tap = first + q;
            let (ky, kx, c) = (tap / (kernel.1 * channels), tap / channels % kernel.1, tap % channels);
            let word = ky * map.row_words + (kx * channels + c) * planes + plane;
            (row + q, word)
        })
        .unzip();
    let driven = match readout.reads {
        1 => 0..design.rows,
        _ => row..row + design.plane_rows,
    };
    let driven = vec![driven.collect(); classes];
    let unipolar = readout.unipolar;
    Read { rows, words, driven, unipolar, arrays: Vec::new(), dropped: Vec::new(), scale: 1, taken: None }
}

fn map_read(design: &Design, layer: &LayerDesign, map: &Map, pass: usize, classes: &[Class]) -> Read {
    let Source::Map { taps, .. } = &layer.source else { unreachable!("only called for maps") };
    let (mut rows, mut words) = (Vec::new(), Vec::new());
    let mut kernel = Vec::new();
    for (slot, tap) in taps[pass].iter().enumerate() {
        let Some(tap) = tap else { continue };
        let word = tap.ky * map.row_words + tap.kx * map.shape.c + tap.chunk * design.word;
        for channel in 0..tap.channels {
            rows.push(slot * design.word + channel);
            words.push(word + channel);
            kernel.push((tap.ky, tap.kx));
        }
    }
    let driven = classes
        .iter()
        .map(|undriven| match design.row_enable {
            false => (0..design.rows).collect(),
            true => {
                let taps = rows.iter().zip(&kernel);
                taps.filter(|(_, tap)| !undriven.contains(tap)).map(|(row, _)| *row).collect()
            }
        })
        .collect();
    Read {
        rows,
        words,
        driven,
        unipolar: false,
        arrays: Vec::new(),
        dropped: Vec::new(),
        scale: 1,
        taken: None,
    }
}
