//! The sums of a layer as drawn analog arrays give them: tiles, cells that err by drive, converters.
//!
//! The geometry is the design's, cells and edges are those that `device` draws for a seed, so the chip that a step
//! trains on is a chip that `bincim draw` could have made. Voltages are f32 instead of integers: what rounding
//! moves lies far below a cell's error. Of a layer whose sense amplifiers decide by themselves the sum is the
//! voltage less the amplifier's error, since its reference is the threshold that training has yet to find.

use super::conv::Maps;
use super::groups;
use super::matrix::{View, product};
use super::patches;
use super::plan::{Plan, PlanLayer};
use super::supports::WeightPlane;
use crate::design::Design;
use crate::device::random::{Kind, Stream};
use crate::device::{self, Physics};
use crate::network::PadValue;
use crate::variation::{ArrayDraw, Chip, Converter, Site, Widths};
use rayon::prelude::*;

/// The arrays that a network lies on, before a chip is drawn.
#[derive(Debug, Clone, PartialEq)]
pub struct Arrays {
    physics: Physics,
    fraction_bits: u32,
    widths: Widths,
    /// Columns of an array.
    lanes: usize,
    /// Supports are driven at their size.
    scaled: bool,
    layers: Vec<ArrayLayer>,
    /// Weights are filled in for each draw.
    sites: Vec<Site>,
    /// What is taken away behind the converters: each site's share, its fraction, and the counts of a value's unit.
    reference: Option<(Vec<i64>, u32, f32)>,
}

#[derive(Debug, Clone, PartialEq)]
struct ArrayLayer {
    /// Site of each array (group, plane of weights, pass); none of a tile that a mask left out from the start.
    sites: Vec<Option<usize>>,
    /// Planes of weights: the base and its supports.
    weight_planes: usize,
    /// Bit planes of an input element, and those of them that have rows of their own.
    planes: usize,
    row_planes: usize,
    /// A bit 0 leaves its row undriven.
    unipolar: bool,
    /// Cycles of one pass of a vector.
    cycles: usize,
    /// Weight column of each row, a list a pass.
    passes: Vec<Vec<Option<usize>>>,
    /// What a code stands for, in counts; empty where the amplifiers decide.
    values: Vec<f32>,
}

/// One read of one pass: neighbouring taps against all outputs.
#[derive(Clone)]
struct Read {
    start: usize,
    taps: usize,
    plane: usize,
    /// What its values count: the size of the plane of weights.
    size: f32,
    /// (taps x outputs) counts per unit of drive: the mean of both branches.
    cells: Vec<f32>,
    /// (taps x outputs) half the difference of the branches, where rows may be left undriven; else empty.
    branch: Vec<f32>,
    /// (outputs) column offset, and all of `branch` where every row is driven.
    offset: Vec<f32>,
    /// (edges x outputs) in counts; of converters without read noise, those that some voltage reaches and some other does not.
    edges: Vec<f32>,
    /// Edges below every voltage that can be.
    passed: usize,
    /// Taken away behind the converters of raw currents.
    reference: Option<RowReference>,
}

/// What the driven rows of a read take away behind its converters.
#[derive(Debug, Clone)]
struct RowReference {
    /// (taps) 1 where the row holds cells, else 0.
    used: Vec<f32>,
    /// What a row takes away, and its fraction: as those of [`Reference`](crate::design::Reference).
    share: i64,
    fraction: u32,
    /// Counts of a value's unit.
    unit: f32,
}

impl RowReference {
    /// What `drives` (one a tap) take away, in counts.
    fn taken(&self, drives: &[f32]) -> f32 {
        let drive: f32 = drives.iter().zip(&self.used).map(|(drive, used)| drive * used).sum();
        let half = (1 << self.fraction) >> 1;
        ((drive as i64 * self.share + half) >> self.fraction) as f32 * self.unit
    }
}

/// One layer of a drawn chip.
pub struct LayerDraw {
    /// Keys of the noise of reads, and its standard deviation in counts.
    seed: u64,
    layer: usize,
    noise: f32,
    reads: Vec<Read>,
    planes: usize,
    unipolar: bool,
    values: Vec<f32>,
    /// (outputs) sum of the weights, which an integer input's offset binary needs.
    weights: Vec<f32>,
}

impl Arrays {
    /// The arrays of `design`, which was built for the network of `plan`; `None` with the popcount readout, with reference
    /// columns, where cells are drawn as they are read, or where the two are not of one shape.
    pub fn new(plan: &Plan, design: &Design) -> Option<Arrays> {
        let analog = design.analog.as_ref().filter(|analog| !analog.reference_column && !analog.draws)?;
        let mut sites = design.sites();
        for site in &mut sites {
            if let Converter::Sense { reference } = &mut site.converter {
                reference.fill(0.0);
            }
        }
        let mut layers = Vec::new();
        for (index, (program, layer)) in design.layers.iter().zip(&plan.layers).enumerate() {
            let readout = program.readout.as_ref()?;
            let source = &design.network.layers[index];
            if (source.fan_in(), source.conv.c) != (layer.fan_in(), layer.conv.c) {
                return None;
            }
            let unit = 1.0 / (1u64 << analog.value_fraction_bits) as f32;
            let weight_planes = program.planes.len();
            let mut numbers = vec![None; program.groups * weight_planes * program.passes];
            for (number, site) in sites.iter().enumerate().filter(|(_, site)| site.layer == index) {
                numbers[site.array] = Some(number);
            }
            layers.push(ArrayLayer {
                sites: numbers,
                weight_planes,
                planes: readout.reads,
                row_planes: design.row_planes.min(readout.reads),
                unipolar: readout.unipolar,
                cycles: readout.reads * readout.interval,
                passes: (0..program.passes).map(|pass| design.weight_columns(index, pass)).collect(),
                values: match readout.decides {
                    true => Vec::new(),
                    false => readout.values.iter().map(|&value| value as f32 * unit).collect(),
                },
            });
        }
        (layers.len() == plan.layers.len()).then(|| Arrays {
            physics: design.arch.variation.clone(),
            fraction_bits: analog.fraction_bits,
            widths: analog.widths(),
            lanes: design.lanes,
            scaled: design.drives_at_scale(),
            layers,
            sites,
            reference: analog.reference.as_ref().map(|reference| {
                let unit = 1.0 / (1u64 << analog.value_fraction_bits) as f32;
                (reference.shares.clone(), reference.fraction, unit)
            }),
        })
    }

    /// Rows that a tap of layer `layer` takes in a pass, and the cycles of a pass of one vector.
    pub fn pass(&self, layer: usize) -> (usize, usize) {
        (self.layers[layer].row_planes, self.layers[layer].cycles)
    }

    /// What the arrays are, in words: two trainings on equal arrays have equal ones.
    pub fn described(&self) -> String {
        format!("{} arrays, {}", crate::variation::subject(&self.sites), self.physics.to_toml())
    }

    /// The chip of `seed` for `weights`: of each layer the planes that run, of each of them its weights (fan-in x
    /// outputs; -1, +1 or, left out, 0).
    pub fn draw(&self, plan: &Plan, seed: u64, weights: &[Vec<WeightPlane>]) -> Vec<LayerDraw> {
        let drawn = |site: &Site| {
            let (layer, outputs) = (&self.layers[site.layer], plan.layers[site.layer].conv.c);
            let passes = layer.passes.len();
            let (tile, rows) = (site.array / passes, &layer.passes[site.array % passes]);
            let (group, number) = (tile / layer.weight_planes, tile % layer.weight_planes);
            let mut site = site.clone();
            let plane = weights[site.layer].iter().find(|plane| plane.number == number);
            let Some(plane) = plane else { return ArrayDraw::default() };
            if self.scaled {
                site.level = f64::from(plane.size);
            }
            for (place, weight) in site.weights.iter_mut().enumerate() {
                let (column, row) = (place / site.rows, place % site.rows);
                if let Some(tap) = rows[row] {
                    *weight = plane.signs[tap * outputs + group * self.lanes + column] as i8;
                }
            }
            device::draw(&self.physics, seed, self.fraction_bits, &site)
        };
        let mut chip = Chip {
            seed,
            subject: String::new(),
            physics: String::new(),
            fraction_bits: self.fraction_bits,
            widths: None,
            arrays: self.sites.par_iter().map(drawn).collect(),
            thresholds: None,
            correction: None,
        };
        chip.saturate(self.widths);
        (0..plan.layers.len()).map(|index| self.layer(plan, index, &weights[index], &chip)).collect()
    }

    /// The reads of one layer, out of the arrays of `chip`.
    fn layer(&self, plan: &Plan, index: usize, planes: &[WeightPlane], chip: &Chip) -> LayerDraw {
        let (own, layer) = (&self.layers[index], &plan.layers[index]);
        let outputs = layer.conv.c;
        let unit = 1.0 / (1u64 << self.fraction_bits) as f32;
        let undriven = own.planes == 1 && layer.pad > 0 && layer.pad_value == PadValue::Zero;
        let mut reads = Vec::new();
        let tiles =
            planes.iter().flat_map(|plane| own.passes.iter().enumerate().map(move |pass| (plane, pass)));
        for (weights, (pass, rows)) in tiles {
            let used: Vec<usize> = rows.iter().flatten().copied().collect();
            let start = used.iter().copied().min().unwrap_or(0);
            let taps = used.iter().copied().max().map_or(0, |last| last + 1 - start);
            // A tile whose rows are all left out does not exist on the chip.
            if used
                .iter()
                .all(|tap| weights.signs[tap * outputs..][..outputs].iter().all(|&sign| sign == 0.0))
            {
                continue;
            }
            for plane in 0..own.row_planes {
                // Row of every tap in this plane: planes with rows of their own lie one after the other.
                let mut row_of = vec![None; taps];
                let mut met = vec![0; taps];
                for (row, tap) in
                    rows.iter().enumerate().filter_map(|(row, tap)| Some((row, (*tap)? - start)))
                {
                    if met[tap] == plane {
                        row_of[tap] = Some(row);
                    }
                    met[tap] += 1;
                }
                let mut read = Read {
                    start,
                    taps,
                    plane,
                    size: weights.size,
                    cells: vec![0.0; taps * outputs],
                    branch: vec![0.0; if undriven { taps * outputs } else { 0 }],
                    offset: vec![0.0; outputs],
                    edges: Vec::new(),
                    passed: 0,
                    reference: None,
                };
                for output in 0..outputs {
                    let (group, column) = (output / self.lanes, output % self.lanes);
                    let tile = group * own.weight_planes + weights.number;
                    let Some(site) = own.sites[tile * own.passes.len() + pass] else { continue };
                    let array = &chip.arrays[site];
                    if let Some((shares, fraction, unit)) = &self.reference {
                        let kept = |tap: usize| {
                            weights.signs[(start + tap) * outputs..][..outputs].iter().any(|&s| s != 0.0)
                        };
                        let used = |(tap, row): (usize, &Option<usize>)| {
                            f32::from(u8::from(row.is_some() && kept(tap)))
                        };
                        read.reference.get_or_insert_with(|| RowReference {
                            used: row_of.iter().enumerate().map(used).collect(),
                            share: shares[site],
                            fraction: *fraction,
                            unit: *unit,
                        });
                    }
                    let edges = array.edges_per_column();
                    read.edges.resize(edges * outputs, 0.0);
                    for edge in 0..edges {
                        read.edges[edge * outputs + output] =
                            array.edges[column * edges + edge] as f32 * unit;
                    }
                    read.offset[output] = array.offset[column] as f32 * unit;
                    for (tap, row) in row_of.iter().enumerate() {
                        let Some(row) = row else { continue };
                        let at = column * array.rows + row;
                        let plus = f32::from(array.plus[at]);
                        // A row that is driven one way alone never meets its other branch.
                        let minus = if own.unipolar { plus } else { f32::from(array.minus[at]) };
                        read.cells[tap * outputs + output] = 0.5 * unit * (plus + minus);
                        match undriven {
                            true => read.branch[tap * outputs + output] = 0.5 * unit * (plus - minus),
                            false => read.offset[output] += 0.5 * unit * (plus - minus),
                        }
                    }
                }
                if !own.values.is_empty() && self.physics.read_noise == 0.0 {
                    read.keep_reachable();
                }
                // Planes that drive the same rows in turn meet the same cells.
                let planes = (plane..own.planes).step_by(own.row_planes);
                reads.extend(planes.map(|plane| Read { plane, ..read.clone() }));
            }
        }
        let mut weights = vec![0.0; outputs];
        for plane in planes {
            for row in plane.signs.chunks_exact(outputs) {
                weights.iter_mut().zip(row).for_each(|(sum, sign)| *sum += plane.size * sign);
            }
        }
        let noise = self.physics.read_noise as f32;
        let (planes, values) = (own.planes, own.values.clone());
        let unipolar = own.unipolar;
        LayerDraw { seed: chip.seed, layer: index, noise, reads, planes, unipolar, values, weights }
    }
}

/// `sums` (image, row, column, output) of `maps` in counts times the maps' unit, as the arrays give them.
pub fn forward(layer: &PlanLayer, maps: Maps, draw: &LayerDraw, sums: &mut [f32]) {
    let (taken, made) = (layer.input.elements(), layer.conv.elements());
    let group = groups::size(maps.codes.len() / taken);
    sums.par_chunks_mut(group * made).enumerate().for_each(|(index, sums)| {
        let images = sums.len() / made;
        let maps = maps.chunk(index * group * taken, images * taken);
        sums.fill(0.0);
        // As many images at a time as make a product worth its set-up.
        let together = (256 / layer.conv.pixels()).clamp(1, images);
        for (block, sums) in sums.chunks_mut(together * made).enumerate() {
            let codes = &maps.codes[block * together * taken..][..sums.len() / made * taken];
            read_planes(layer, codes, draw, index * group + block * together, sums);
        }
        if draw.planes > 1 {
            // The planes of an offset code give twice the sum and the sum of the weights; where bits 0 drive nothing, the sum
            // and 128 times that of the weights.
            let (size, more) = if draw.unipolar { (1.0, 128.0) } else { (0.5, 1.0) };
            for row in sums.chunks_exact_mut(layer.conv.c) {
                let pairs = row.iter_mut().zip(&draw.weights);
                pairs.for_each(|(sum, weights)| *sum = size * (*sum - more * weights) * maps.unit);
            }
        }
    });
}

/// Adds what the reads of all bit planes give for some images, the first of which is number `first` of the batch.
fn read_planes(layer: &PlanLayer, codes: &[i8], draw: &LayerDraw, first: usize, sums: &mut [f32]) {
    let (fan_in, outputs, pixels) = (layer.fan_in(), layer.conv.c, sums.len() / layer.conv.c);
    let level = if draw.planes == 1 { super::conv::pad_level(layer) } else { 0.0 };
    let mut windows = vec![level; pixels * fan_in];
    let (taken, own) = (layer.input.elements(), layer.conv.pixels() * fan_in);
    for (codes, windows) in codes.chunks_exact(taken).zip(windows.chunks_exact_mut(own)) {
        patches::load(layer, Maps { codes, unit: 1.0 }, windows);
    }
    let driven: Vec<f32> = match draw.reads.iter().any(|read| !read.branch.is_empty()) {
        true => windows.iter().map(|drive| drive.abs()).collect(),
        false => Vec::new(),
    };
    let mut drives = vec![0.0; if draw.planes > 1 { windows.len() } else { 0 }];
    let mut plane = None;
    let mut voltages = vec![0.0; pixels * outputs];
    for (number, read) in draw.reads.iter().enumerate() {
        if draw.planes > 1 && plane != Some(read.plane) {
            plane = Some(read.plane);
            // Bit `plane` of the offset code, which is 128 more than the code.
            let bit = |code: f32| (code as i32 + 128) >> read.plane & 1;
            let of_bit = if draw.unipolar { [0.0, 1.0] } else { [-1.0, 1.0] };
            drives.iter_mut().zip(&windows).for_each(|(drive, &code)| *drive = of_bit[bit(code) as usize]);
        }
        let drives = if draw.planes > 1 { &drives } else { &windows };
        let view = |values| View::rows(values, pixels, read.taps, fan_in);
        let cells = |values| View::rows(values, read.taps, outputs, outputs);
        product(&mut voltages, view(&drives[read.start..]), cells(&read.cells), false);
        if !read.branch.is_empty() {
            product(&mut voltages, view(&driven[read.start..]), cells(&read.branch), true);
        }
        if draw.noise > 0.0 {
            let stream = Stream::new(draw.seed, draw.layer, number);
            for (pixel, row) in voltages.chunks_exact_mut(outputs).enumerate() {
                let place = first * layer.conv.pixels() + pixel;
                for (pair, row) in row.chunks_mut(2).enumerate() {
                    let deviates = stream.normals(Kind::Read, pair, place);
                    row.iter_mut().zip(deviates).for_each(|(v, n)| *v += draw.noise * n as f32);
                }
            }
        }
        let weight = (1u32 << read.plane) as f32 * read.size;
        read.convert(&draw.values, weight, &mut voltages, sums);
        if let Some(reference) = &read.reference {
            let windows = drives.chunks_exact(fan_in).map(|window| &window[read.start..][..read.taps]);
            for (window, sums) in windows.zip(sums.chunks_exact_mut(outputs)) {
                let taken = weight * reference.taken(window);
                sums.iter_mut().for_each(|sum| *sum -= taken);
            }
        }
    }
}

/// Columns that a pass over the edges takes at least, where there are as many pixels.
const SIDE: usize = 256;

impl Read {
    /// Takes out the edges that no column can reach, and those that every column always passes.
    fn keep_reachable(&mut self) {
        let outputs = self.offset.len();
        let mut most = vec![0.0f32; outputs];
        for row in self.cells.chunks_exact(outputs).chain(self.branch.chunks_exact(outputs)) {
            most.iter_mut().zip(row).for_each(|(most, cell)| *most += cell.abs());
        }
        // A little more than the largest voltage, for the rounding of its sum.
        let reach = |c: usize| 1.001 * most[c] + 0.01;
        let beyond = |edges: &[f32]| (0..outputs).all(|c| edges[c] > self.offset[c] + reach(c));
        let below = |edges: &[f32]| (0..outputs).all(|c| edges[c] < self.offset[c] - reach(c));
        let rows: Vec<&[f32]> = self.edges.chunks_exact(outputs).collect();
        let passed = rows.iter().take_while(|edges| below(edges)).count();
        let kept = rows[passed..].iter().take_while(|edges| !beyond(edges)).count();
        self.edges = rows[passed..passed + kept].concat();
        self.passed = passed;
    }

    /// Adds `weight` times what the converters make of `voltages` (pixel, output) to `sums`; `voltages` are used up.
    fn convert(&self, values: &[f32], weight: f32, voltages: &mut [f32], sums: &mut [f32]) {
        let outputs = self.offset.len();
        // Several pixels side by side, so that few outputs make a long loop too.
        let width = outputs * (SIDE / outputs).clamp(1, voltages.len() / outputs);
        let tiled = |row: &[f32]| row.repeat(width / outputs);
        let offset = tiled(&self.offset);
        let edges: Vec<Vec<f32>> = self.edges.chunks_exact(outputs).map(tiled).collect();
        let mut made = vec![0.0f32; width];
        for (voltages, sums) in voltages.chunks_mut(width).zip(sums.chunks_mut(width)) {
            voltages.iter_mut().zip(&offset).for_each(|(voltage, offset)| *voltage += offset);
            match values.get(self.passed) {
                None => {
                    let pairs = voltages.iter().zip(&edges[0]);
                    made.iter_mut().zip(pairs).for_each(|(made, (voltage, edge))| *made = voltage - edge);
                }
                Some(&first) => made.fill(first),
            }
            // A code's value is the first one and the steps of the edges at or below the voltage, all of them exact.
            for (edges, pair) in edges.iter().zip(values.windows(2).skip(self.passed)) {
                let step = pair[1] - pair[0];
                for ((made, voltage), edge) in made.iter_mut().zip(&*voltages).zip(edges) {
                    *made += if voltage >= edge { step } else { 0.0 };
                }
            }
            sums.iter_mut().zip(&made).for_each(|(sum, made)| *sum += weight * made);
        }
    }
}
