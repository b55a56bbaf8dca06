//! The machine: runs a [`Design`] tile by tile, address by address and cycle by cycle, in integers only.
//!
//! Reads nothing of the network but what the design's memories hold, so that a wrong address, image or
//! threshold shows as a difference from [`super::reference`]. What it returns is what the RTL must show.

mod array;
mod draws;
mod input;
mod noise;
mod rows;

use crate::bits::BitMatrix;
use crate::design::ensemble::{SEEDED, SEEDING};
use crate::design::{Design, LayerDesign, Scale, Source, StateFormat, Step, Walk};
use crate::variation::Chip;
pub use array::ColumnSums;
pub(super) use array::taken;
use array::{Arrays, Visit};
use draws::Draws;
pub use draws::Sampling;
use input::InputMemory;
use noise::Generators;
pub use noise::{RESET_SEED, frame_seed};
use rows::{RowVector, Tile};

/// What the taps of the accelerator show for one frame.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct MachineTrace {
    /// One entry a run of a layer, in the order in which they run: those that run once a sample come again and again.
    pub layers: Vec<LayerTrace>,
    /// Scores in the order in which they leave: row, column, class. One-bit scores are 0 or 1; of several samples, their
    /// sums.
    pub scores: Vec<i64>,
}

/// One layer of a [`MachineTrace`].
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct LayerTrace {
    /// Final sums in the engine's domain: group, vector (one if `sum_pixels`), lane; `lanes` of them each time.
    pub sums: Vec<i64>,
    /// Result bits after pooling and flip: group, pooled pixel, plane of the map that is written (one for a layer of bits),
    /// lane. Empty for a layer of scores.
    pub bits: Vec<bool>,
    /// Cycles that the layer's counter shows.
    pub cycles: u64,
}

/// Runs one frame. `image`: element values in channel, row, column order, each inside the input code's range;
/// `chip`: what the analog arrays hold, none with the popcount readout.
///
/// `seed`: the frame's seed ([`frame_seed`]) of the noise in gates, and of weights that are drawn: of those, all samples
/// that the design has. Without effect on a design without either.
///
/// # Panics
/// Where an analog design comes without a chip drawn for it.
pub fn run(design: &Design, chip: Option<&Chip>, image: &[i16], seed: u32) -> MachineTrace {
    run_planes(design, chip, design.planes_of_weights(), image, seed)
}

/// [`run`] with at most `planes` (at least 1) planes of the weights of each layer.
///
/// # Panics
/// As [`run`].
pub fn run_planes(
    design: &Design,
    chip: Option<&Chip>,
    planes: usize,
    image: &[i16],
    seed: u32,
) -> MachineTrace {
    let samples = design.ensemble.as_ref().map_or(1, |ensemble| ensemble.samples);
    Machine::new(design, chip, planes, image, seed).frame(Sampling { samples, seed, flips: true })
}

/// Runs one frame of a design whose weights are drawn, as `sampling` says; one without flip codes runs once, as it is.
/// `image` and `chip` as in [`run`].
///
/// # Panics
/// As [`run`].
pub fn run_samples(design: &Design, chip: Option<&Chip>, image: &[i16], sampling: Sampling) -> MachineTrace {
    Machine::new(design, chip, design.planes_of_weights(), image, sampling.seed).frame(sampling)
}

/// Scores of each sample of a frame, which [`run_samples`] adds up.
///
/// # Panics
/// As [`run`].
pub fn score_samples(
    design: &Design,
    chip: Option<&Chip>,
    image: &[i16],
    sampling: Sampling,
) -> Vec<Vec<i64>> {
    let mut machine = Machine::new(design, chip, design.planes_of_weights(), image, sampling.seed);
    let mut before = vec![0; design.output.scores];
    let mut samples = Vec::new();
    machine.samples(sampling, |sums| {
        samples.push(sums.iter().zip(&before).map(|(sum, before)| sum - before).collect());
        before.copy_from_slice(sums);
    });
    samples
}

/// Sums of the columns of every layer in one frame, where converters change nothing: one number a read and column.
/// `chip`: the chip without errors.
///
/// # Panics
/// Where the design's readout is the popcount.
pub fn column_sums(design: &Design, chip: &Chip, image: &[i16]) -> Vec<ColumnSums> {
    assert!(design.analog.is_some(), "columns of an analog design");
    let mut machine = Machine::new(design, Some(chip), usize::MAX, image, RESET_SEED);
    machine.found = Some(vec![ColumnSums::new(); design.layers.len()]);
    for index in 0..design.layers.len() {
        machine.layer(index);
    }
    machine.found.unwrap_or_default()
}

/// Sums of layer `index` alone, as in [`LayerTrace::sums`]. `map`: what it reads, in channel, row, column order: the image,
/// or the bits -1 and +1 that the layer before it would have written.
///
/// # Panics
/// As [`run`], and where the map is not the layer's or of several planes of bits.
pub fn layer_sums(design: &Design, chip: Option<&Chip>, index: usize, map: &[i16]) -> Vec<i64> {
    let input = &design.network.input;
    assert_eq!(map.len(), design.network.layers[index].input.elements(), "elements of the layer's map");
    let blank = vec![input.code.range().0 as i16; input.shape.elements()];
    let image = if index == 0 { map } else { &blank };
    let mut machine = Machine::new(design, chip, design.planes_of_weights(), image, RESET_SEED);
    if let Some(before) = index.checked_sub(1) {
        let layer = &design.layers[before];
        assert_eq!(layer.code[0].len(), 1, "a map of bits");
        let pixels = design.network.layers[before].output.pixels();
        for (group, pixel) in (0..layer.groups).flat_map(|group| (0..pixels).map(move |pixel| (group, pixel)))
        {
            let bit =
                |lane| map.get((group * design.lanes + lane) * pixels + pixel).is_some_and(|&bit| bit > 0);
            let bits: Vec<bool> = (0..design.lanes).map(bit).collect();
            machine.write(layer, (group, pixel, 0), &bits);
        }
    }
    machine.layer(index);
    machine.trace.layers.pop().map_or_else(Vec::new, |layer| layer.sums)
}

struct Machine<'a> {
    /// Column sums of every layer, where they are wanted.
    found: Option<Vec<ColumnSums>>,
    design: &'a Design,
    chip: Option<&'a Chip>,
    /// Most planes of the weights that a layer runs.
    planes: usize,
    arrays: Option<Arrays<'a>>,
    generators: Option<Generators<'a>>,
    /// From the first layer whose weights are drawn on.
    draws: Option<Draws<'a>>,
    input: InputMemory,
    /// Activation memory: of each plane of bits one matrix a bank, one word a row.
    maps: Vec<Vec<BitMatrix>>,
    /// Memory of the state unit: sums of every group and pixel of the last layer that kept its own.
    kept: Vec<Vec<i64>>,
    clock: Clock,
    trace: MachineTrace,
}

/// The cycle counter, with the loader that fills the shadow beside it.
struct Clock {
    now: u64,
    /// Cycle in which the first word of the next tile goes into the shadow; the others follow cycle by cycle. `None`: the
    /// tile stands there.
    loading: Option<u64>,
    /// Cycle in which the analog array takes the next vector.
    free: u64,
}

impl Clock {
    /// Waits for a tile of `words` words and takes it; the next one's then go into the shadow.
    fn swap(&mut self, words: u64) {
        self.now = self.loading.map_or(self.now, |first| self.now.max(first + words));
        self.loading = Some(self.now);
    }

    /// Lets the first word of the next tile go into the shadow no sooner than in `cycle`.
    fn hold(&mut self, cycle: u64) {
        self.loading = Some(self.loading.map_or(cycle, |first| first.max(cycle)));
    }
}

impl<'a> Machine<'a> {
    fn new(
        design: &'a Design,
        chip: Option<&'a Chip>,
        planes: usize,
        image: &[i16],
        seed: u32,
    ) -> Machine<'a> {
        let noise = design.analog.as_ref().and_then(|analog| analog.noise.as_ref());
        Machine {
            found: None,
            design,
            chip,
            planes: planes.max(1),
            arrays: Arrays::new(design, chip),
            generators: noise.map(|noise| Generators::new(noise, seed)),
            draws: None,
            input: InputMemory::fill(design, image),
            maps: vec![
                vec![BitMatrix::zeros(design.map_depth, design.word); design.banks];
                design.map_bits()
            ],
            kept: vec![Vec::new(); design.kept_entries()],
            // A frame starts with its first tile already in the shadow.
            clock: Clock { now: 0, loading: None, free: 0 },
            trace: MachineTrace { layers: Vec::new(), scores: vec![0; design.output.scores] },
        }
    }

    /// Runs all layers, those from the first drawn one on once a sample.
    fn frame(mut self, sampling: Sampling) -> MachineTrace {
        self.samples(sampling, |_| ());
        self.trace
    }

    /// The same; `done` hears the sums of the scores behind each sample.
    fn samples(&mut self, sampling: Sampling, mut done: impl FnMut(&[i64])) {
        let layers = self.design.layers.len();
        let Some(ensemble) = &self.design.ensemble else {
            (0..layers).for_each(|index| self.layer(index));
            return done(&self.trace.scores);
        };
        (0..ensemble.first).for_each(|index| self.layer(index));
        match self.arrays {
            Some(_) => self.clock.free = self.clock.free.max(SEEDED),
            None => self.clock.hold(SEEDING),
        }
        self.draws = Some(Draws::new(self.design, ensemble, sampling));
        for sample in 0..sampling.samples.clamp(1, ensemble.samples) {
            if sample > 0 {
                self.draws.iter_mut().for_each(Draws::next_sample);
            }
            (ensemble.first..layers).for_each(|index| self.layer(index));
            done(&self.trace.scores);
        }
    }

    fn layer(&mut self, index: usize) {
        let layer = &self.design.layers[index];
        let mut result = LayerTrace::default();
        let start = self.clock.now;
        self.clock.now += 2;
        let walk_states = states(&layer.walk, self.modulus(layer), self.carry_weight(layer));
        let thresholds = self.design.threshold_base(index, self.planes);
        let mut address = layer.weight_base;
        for group in 0..layer.groups {
            self.group(layer, group, address, thresholds + group, &walk_states, &mut result);
            address += layer.group_words(group);
        }
        // The clock stands one past the last vector's door cycle.
        self.clock.now += (3 + self.latency(layer) + self.design.state_stages()) as u64;
        result.cycles = self.clock.now - start;
        self.trace.layers.push(result);
    }

    /// Cycles from the row register to the registered count.
    fn latency(&self, layer: &LayerDesign) -> usize {
        match (&self.arrays, &layer.readout) {
            (Some(arrays), Some(readout)) => {
                // Memory, sum, sample; compare; look up, register.
                let last_read = (readout.reads - 1) * readout.interval;
                last_read + readout.read_words + 2 + arrays.analog.conversion + 1
            }
            _ => self.design.latency,
        }
    }

    fn modulus(&self, layer: &LayerDesign) -> usize {
        match layer.source {
            Source::Input => self.input.banks(),
            Source::Map { .. } => self.design.banks,
        }
    }

    fn carry_weight(&self, layer: &LayerDesign) -> i64 {
        match layer.source {
            Source::Input => self.input.carry_weight(),
            Source::Map { .. } => 1,
        }
    }

    /// `address`: first weight word of the group; `entry`: its entry of the threshold memory.
    fn group(
        &mut self,
        layer: &LayerDesign,
        group: usize,
        address: usize,
        entry: usize,
        walk: &[Position],
        result: &mut LayerTrace,
    ) {
        let lanes = self.design.lanes;
        let mut sums = vec![vec![0i64; lanes]; if layer.sum_pixels { 1 } else { layer.vectors }];
        self.draws.iter_mut().for_each(Draws::begin_group);
        for block in 0..layer.blocks {
            // Weights that are loaded again are the same; cells that are read again are not.
            if self.arrays.is_none() {
                self.draws.iter_mut().for_each(Draws::rewind);
            }
            let first = block * layer.block;
            let length = if block + 1 == layer.blocks { layer.last_block } else { layer.block };
            let mut address = address;
            for (tile, (plane, pass)) in layer.tiles(group, self.planes).enumerate() {
                if self.arrays.is_some() {
                    let place = Place { group, tile, plane, pass };
                    self.read(layer, place, &walk[first..first + length], first, &mut sums);
                    continue;
                }
                let words = layer.tile_words(pass);
                let tile = Tile::load(self.design, address, words, self.draws.as_mut());
                address += words;
                let plane = &layer.planes[plane];
                let kept_rows = plane.rows.as_ref().map(|passes| &passes[pass]);
                let kept_lanes = plane.lanes.as_ref().map(|groups| &groups[group]);
                self.clock.swap(words as u64);
                // The window's planes of bits meet the same tile, plane after plane.
                for (bit, scale) in layer.map_scales.iter().enumerate() {
                    for (vector, position) in walk.iter().enumerate().skip(first).take(length) {
                        let mut row = self.row_vector(layer, pass, bit, position);
                        kept_rows.into_iter().for_each(|kept| row.keep(kept));
                        let sum = &mut sums[if layer.sum_pixels { 0 } else { vector }];
                        for (lane, sum) in sum.iter_mut().enumerate() {
                            if kept_lanes.is_none_or(|kept| kept[lane]) {
                                let count = tile.contribution(self.design, layer, lane, &row);
                                *sum += count * plane.scale * scale;
                            }
                        }
                        self.clock.now += 1;
                    }
                }
            }
        }
        self.scale(layer, group, entry, &mut sums);
        if layer.shortcut.keeps {
            self.keep(layer, group, &sums);
        }
        self.finish(layer, group, entry, &sums, result);
        result.sums.extend(sums.into_iter().flatten());
    }

    /// Scales the sums of a group, adds what was kept, and holds them to their bits.
    fn scale(&self, layer: &LayerDesign, group: usize, entry: usize, sums: &mut [Vec<i64>]) {
        let (shift, unit) = layer.format.map_or((0, 1), |format| (format.shift, format.unit));
        let (low, high) = layer.format.map_or((i64::MIN, i64::MAX), limits);
        let scales = self.design.scales().map(|scales| &scales.entries[entry]);
        for (vector, sums) in sums.iter_mut().enumerate() {
            for (lane, sum) in sums.iter_mut().enumerate() {
                let Scale { multiplier, offset } = scales.map_or(Scale::ONE, |entry| entry[lane]);
                let kept = match layer.shortcut.adds && group < layer.added_groups {
                    true => self.kept[group * layer.vectors + vector][lane],
                    false => 0,
                };
                *sum = ((multiplier * *sum + offset + unit * kept) >> shift).clamp(low, high);
            }
        }
    }

    /// Keeps the largest sums of each pooling window of a group, of the rows and columns that are kept.
    fn keep(&mut self, layer: &LayerDesign, group: usize, sums: &[Vec<i64>]) {
        let (rows, columns) = layer.walk.pooled;
        let stride = layer.shortcut.stride;
        let first = group * rows.div_ceil(stride.0) * columns.div_ceil(stride.1);
        let window = layer.walk.window.0 * layer.walk.window.1;
        let windows = sums.chunks(window).enumerate().filter(|(pixel, _)| {
            (pixel / columns).is_multiple_of(stride.0) && (pixel % columns).is_multiple_of(stride.1)
        });
        for (entry, (_, vectors)) in windows.enumerate() {
            let largest = |lane: usize| vectors.iter().map(|sums| sums[lane]).max().unwrap_or(0);
            self.kept[first + entry] = (0..self.design.lanes).map(largest).collect();
        }
    }

    /// A block of vectors visits one analog array.
    fn read(
        &mut self,
        layer: &LayerDesign,
        place: Place,
        walk: &[Position],
        first: usize,
        sums: &mut [Vec<i64>],
    ) {
        let plane = &layer.planes[place.plane];
        let kept = plane.lanes.as_ref().map(|groups| &groups[place.group][..]);
        for (vector, position) in walk.iter().enumerate() {
            let row = self.row_vector(layer, place.pass, 0, position);
            let (Some(arrays), Some(readout)) = (&self.arrays, &layer.readout) else { return };
            let array = readout.group_arrays[place.group] + place.tile;
            let sum = &mut sums[if layer.sum_pixels { 0 } else { first + vector }];
            let visit =
                Visit { design: self.design, layer, readout, array, scale: plane.scale, kept, row: &row };
            match &mut self.found {
                // Layers that are done stand in the trace.
                Some(found) => arrays.add_exactly(&visit, &mut found[self.trace.layers.len()], sum),
                None if arrays.analog.draws => arrays.add_drawn(&visit, self.draws.as_mut(), sum),
                None => arrays.add(&visit, self.generators.as_mut(), sum),
            }
            let door = self.clock.now.max(self.clock.free);
            self.clock.free = door + (readout.reads * readout.interval) as u64;
            self.clock.now = door + 1;
        }
    }

    /// The rows of a pass; of plane `bit` of the activation memory.
    fn row_vector(&self, layer: &LayerDesign, pass: usize, bit: usize, position: &Position) -> RowVector {
        match &layer.source {
            Source::Input => self.input.row_vector(self.design, layer, pass, position.at),
            Source::Map { taps, .. } => {
                let mut row = RowVector::empty(self.design);
                for (slot, tap) in taps[pass].iter().enumerate() {
                    let Some(tap) = tap else { continue };
                    let y = position.pixel.0 + tap.ky as i64;
                    let x = position.pixel.1 + tap.kx as i64;
                    let at = slot * self.design.word;
                    let outside = layer
                        .padding
                        .filter(|(map, _)| y < 0 || x < 0 || y >= map.h as i64 || x >= map.w as i64);
                    if let Some((_, pad)) = outside {
                        row.pad(at, tap.channels, pad);
                        continue;
                    }
                    let index = position.at.bank + slot;
                    let carry = i64::from(index >= self.design.banks);
                    let address = position.at.address + tap.offset + carry;
                    let word = self.maps[bit][index % self.design.banks].row(address as usize);
                    row.drive(at, word, tap.channels, self.design.word);
                }
                row
            }
        }
    }

    /// Threshold, pooling and write-back of one group.
    fn finish(
        &mut self,
        layer: &LayerDesign,
        group: usize,
        entry: usize,
        sums: &[Vec<i64>],
        result: &mut LayerTrace,
    ) {
        let mut thresholds = self.design.thresholds[entry].clone();
        if let Some(own) = self.chip.and_then(|chip| chip.thresholds.as_ref()) {
            thresholds.iter_mut().zip(&own.values[entry]).for_each(|(threshold, &own)| threshold.value = own);
        }
        let window = layer.walk.window.0 * layer.walk.window.1;
        if layer.silent {
            return;
        }
        for (pixel, vectors) in sums.chunks(if layer.sum_pixels { 1 } else { window }).enumerate() {
            if layer.scores {
                for (lane, (sum, threshold)) in vectors[0].iter().zip(&thresholds).enumerate() {
                    self.score(group, pixel, lane, (sum << layer.score_shift) - threshold.value);
                }
                continue;
            }
            // The largest activation of a window meets every threshold that some activation in it meets.
            let met = |lane: usize| {
                if let Some(level) = layer.level {
                    let total = vectors[0][lane];
                    return if total >= thresholds[lane].value { level.level(total) } else { 0 };
                }
                let bit = |step: usize| {
                    let threshold = thresholds[step * self.design.lanes + lane];
                    let before = threshold.flip && !layer.flip_after_pool;
                    let after = threshold.flip && layer.flip_after_pool;
                    vectors.iter().any(|sum| (sum[lane] >= threshold.value) ^ before) ^ after
                };
                (0..layer.steps).filter(|&step| bit(step)).count()
            };
            let met: Vec<usize> = (0..self.design.lanes).map(met).collect();
            for plane in 0..layer.code[0].len() {
                let bits: Vec<bool> = met.iter().map(|&met| layer.code[met][plane]).collect();
                match &layer.write {
                    Some(_) => self.write(layer, (group, pixel, plane), &bits),
                    None => {
                        for (lane, &bit) in bits.iter().enumerate() {
                            self.score(group, pixel, lane, i64::from(bit));
                        }
                    }
                }
                result.bits.extend(bits);
            }
        }
    }

    fn score(&mut self, group: usize, pixel: usize, lane: usize, value: i64) {
        let classes = self.design.output.scores / self.design.output.pixels;
        let class = group * self.design.lanes + lane;
        if class < classes {
            self.trace.scores[pixel * classes + class] += value;
        }
    }

    /// Writes one pixel's bits of one group and plane; the first part of a word clears the rest of it.
    fn write(&mut self, layer: &LayerDesign, (group, pixel, plane): (usize, usize, usize), bits: &[bool]) {
        let write = layer.write.as_ref().expect("only called with a write walk");
        let (word, lanes, banks) = (self.design.word, self.design.lanes, self.design.banks);
        let channel = group * lanes;
        let mut at = write.origin;
        for _ in 0..channel / word.max(lanes) {
            at = advance(at, write.step_chunk, banks, 1);
        }
        let columns = layer.walk.pooled.1;
        if !layer.sum_pixels {
            for step in 0..pixel {
                let end_of_row = (step + 1) % columns == 0;
                at = advance(at, if end_of_row { write.step_row } else { write.step_column }, banks, 1);
            }
        }
        for part in 0..lanes.div_ceil(word) {
            if channel / word + part >= write.chunks {
                break;
            }
            let index = at.bank + part;
            let address = (at.address + i64::from(index >= banks)) as usize;
            let first = channel % word;
            let bank = &mut self.maps[plane][index % banks];
            if first == 0 {
                bank.row_mut(address).fill(0);
            }
            for (bit, &value) in bits[part * word..bits.len().min((part + 1) * word)].iter().enumerate() {
                bank.set(address, first + bit, value);
            }
        }
    }
}

/// Smallest and largest number of `format`.
fn limits(format: StateFormat) -> (i64, i64) {
    let largest = i64::MAX >> (i64::BITS - format.bits - u32::from(format.rectified));
    (if format.rectified { 0 } else { !largest }, largest)
}

/// An array of a layer: the tile of this plane and pass, and its number among those of its group.
#[derive(Debug, Clone, Copy)]
struct Place {
    group: usize,
    tile: usize,
    plane: usize,
    pass: usize,
}

/// Where a walk stands: bank and address, and the pixel of the window's origin.
struct Position {
    at: Step,
    pixel: (i64, i64),
}

fn advance(at: Step, step: Step, modulus: usize, carry_weight: i64) -> Step {
    let bank = at.bank + step.bank;
    let carry = if bank >= modulus { carry_weight } else { 0 };
    Step { address: at.address + step.address + carry, bank: bank % modulus }
}

/// All positions of a walk, in order.
fn states(walk: &Walk, modulus: usize, carry_weight: i64) -> Vec<Position> {
    let mut positions = Vec::new();
    let mut at = walk.origin;
    let mut pixel = walk.origin_pixel;
    let (window, pooled) = (walk.window, walk.pooled);
    let total = window.0 * window.1 * pooled.0 * pooled.1;
    for index in 0..total {
        positions.push(Position { at, pixel });
        let column = (index + 1) % window.1 != 0;
        let row = (index + 1) % (window.1 * window.0) != 0;
        let pooled_column = (index + 1) % (window.1 * window.0 * pooled.1) != 0;
        let (step, moved) = match (column, row, pooled_column) {
            (true, ..) => (walk.step_window_column, walk.pixel_steps[0]),
            (false, true, _) => (walk.step_window_row, walk.pixel_steps[1]),
            (false, false, true) => (walk.step_column, walk.pixel_steps[2]),
            (false, false, false) => (walk.step_row, walk.pixel_steps[3]),
        };
        at = advance(at, step, modulus, carry_weight);
        pixel = (pixel.0 + moved.0, pixel.1 + moved.1);
    }
    positions
}
