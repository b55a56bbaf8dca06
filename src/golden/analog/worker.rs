//! A batch of images run through the layers, one after the other.

use super::Outcome;
use super::kernel::{self, Block, Cells, InstructionSet, PANEL, Panel, Rows, Sink, Tables, Tiles};
use super::load::{Loaded, LoadedRead};
use super::maps::{LANES, Map};
use super::plan::{LayerPlan, Plan};
use super::sums::{Chunk, Kept, Sums};
use crate::golden::aligned::Aligned;
use crate::variation::ReadPlace;

/// Columns that are looked up together: their tables and sums share the second-level cache.
const COLUMNS: usize = 128;

/// Columns whose cells are added together: the rows that carry +1 are found once for all of them.
const ADDED_COLUMNS: usize = 1024;

/// Sums that are kept at once: 512 KiB of 16-bit ones.
const SUMS: usize = 256 << 10;

/// Fewest images that fill enough lanes of a look-up to pay.
pub(super) const FEW: usize = 16;

/// Runs `images`, a batch at most, and writes their scores; `many`: by look-up where that is possible. `first` counts the
/// images before them. Returns the maps of words behind every layer.
pub(super) fn run(
    loaded: &Loaded,
    first: usize,
    images: &[i16],
    many: bool,
    scores: &mut [i32],
) -> Vec<Vec<u32>> {
    let plan = loaded.plan;
    let batch = Batch::new(loaded, first, images, many);
    assert_eq!(scores.len(), batch.images * plan.scores, "room for every score");
    let mut maps: Vec<Vec<u32>> = vec![batch.input(images)];
    let mut kept = Kept::default();
    for (index, layer) in plan.layers.iter().enumerate() {
        maps.push(match layer.scores {
            Some(_) => {
                batch.layer(index, &maps[index], &mut kept, &mut Out::Scores(scores));
                Vec::new()
            }
            None => batch.bits(index, &maps[index], &mut kept),
        });
    }
    let last = plan.layers.len();
    if plan.layers[last - 1].scores.is_none() {
        bit_scores(plan, &maps[last], scores);
    }
    maps
}

/// What [`run`] gave each image: its scores and, where `traced`, the bits of every layer.
pub(super) fn outcomes(plan: &Plan, maps: &[Vec<u32>], scores: &[i32], traced: bool) -> Vec<Outcome> {
    let layers = |image: usize| match traced {
        true => (1..maps.len()).map(|index| bits(&plan.maps[index], &maps[index], image)).collect(),
        false => Vec::new(),
    };
    let images = scores.chunks_exact(plan.scores).enumerate();
    images.map(|(image, scores)| Outcome { scores: scores.to_vec(), layers: layers(image) }).collect()
}

/// Runs `images`, a batch at most, up to layer `last` and adds its sums to those of every channel.
pub(super) fn sums(
    loaded: &Loaded,
    first: usize,
    images: &[i16],
    many: bool,
    last: usize,
    to: &mut [Vec<i64>],
) {
    let batch = Batch::new(loaded, first, images, many);
    let input = batch.input(images);
    let mut kept = Kept::default();
    let map = (0..last).fold(input, |map, index| batch.bits(index, &map, &mut kept));
    batch.layer(last, &map, &mut kept, &mut Out::Sums(to));
}

/// The bits of one image; nothing for a layer of scores.
fn bits(map: &Map, words: &[u32], image: usize) -> crate::bits::BitMatrix {
    if words.is_empty() {
        return crate::bits::BitMatrix::zeros(0, 0);
    }
    map.bits(&words[image / LANES * map.blank.len()..][..map.blank.len()], image % LANES)
}

/// Bits of the last layer as scores 0 and 1.
fn bit_scores(plan: &Plan, words: &[u32], scores: &mut [i32]) {
    let map = &plan.maps[plan.layers.len()];
    for (image, scores) in scores.chunks_exact_mut(plan.scores).enumerate() {
        let words = &words[image / LANES * map.blank.len()..];
        for (score, word) in scores.iter_mut().zip(words) {
            *score = (word >> (image % LANES) & 1) as i32;
        }
    }
}

/// Fewest blocks of one read that pay for tables or tiles.
const FEW_BLOCKS: usize = 4;

struct Batch<'a> {
    loaded: &'a Loaded<'a>,
    many: bool,
    /// Images before the batch.
    first: usize,
    images: usize,
    /// Words of images.
    blocks: usize,
}

/// Where a layer's results go.
enum Out<'a> {
    /// A map.
    Bits(&'a mut [u32]),
    /// Of every image, one after the other.
    Scores(&'a mut [i32]),
    /// Of every channel, before its threshold.
    Sums(&'a mut [Vec<i64>]),
}

/// How the columns of a read are read.
enum Kernel<'a> {
    Multiply(&'a Tiles),
    LookUp(&'a Tables),
    Add(&'a Cells),
}

/// The bits of a layer's panels as the kernels take them: indices of look-ups, or bytes of products.
struct Inputs {
    /// Index `read * panels + panel`; empty: panels come too often to be kept.
    kept: Vec<Aligned<u16>>,
    panels: usize,
    /// The last one that was not kept.
    last: Aligned<u16>,
}

impl Inputs {
    /// For `reads` reads of `panels` panels, to be kept where `keep` is set.
    fn new(reads: usize, panels: usize, keep: bool) -> Inputs {
        let kept = (0..if keep { reads * panels } else { 0 }).map(|_| Aligned::new(0, 0)).collect();
        Inputs { kept, panels, last: Aligned::new(0, 0) }
    }

    /// What `make` writes for a panel.
    fn of(&mut self, read: usize, panel: usize, make: impl FnOnce(&mut Aligned<u16>)) -> &[u16] {
        match self.kept.get_mut(read * self.panels + panel) {
            Some(kept) => {
                if kept.is_empty() {
                    make(kept);
                }
                kept
            }
            None => {
                make(&mut self.last);
                &self.last
            }
        }
    }
}

impl<'a> Batch<'a> {
    fn new(loaded: &'a Loaded<'a>, first: usize, images: &[i16], many: bool) -> Batch<'a> {
        let count = images.len() / loaded.plan.elements;
        Batch { loaded, many, first, images: count, blocks: count.div_ceil(LANES) }
    }

    /// The map of `images`.
    fn input(&self, images: &[i16]) -> Vec<u32> {
        let plan = self.loaded.plan;
        let mut maps = self.blank(&plan.maps[0]);
        let words = plan.maps[0].blank.len();
        for (map, images) in maps.chunks_exact_mut(words).zip(images.chunks(LANES * plan.elements)) {
            plan.maps[0].write(self.set(), plan.code, images, map);
        }
        maps
    }

    /// The map behind layer `index`, which gives bits.
    fn bits(&self, index: usize, maps: &[u32], kept: &mut Kept) -> Vec<u32> {
        let mut out = self.blank(&self.loaded.plan.maps[index + 1]);
        self.layer(index, maps, kept, &mut Out::Bits(&mut out));
        out
    }

    fn blank(&self, map: &Map) -> Vec<u32> {
        map.blank.repeat(self.blocks)
    }

    fn set(&self) -> InstructionSet {
        self.loaded.set
    }

    /// Rows of a look-up, where narrow voltages are looked up.
    fn look_up(&self) -> Option<usize> {
        self.set().rows_of_look_up().filter(|_| self.many)
    }

    /// What reads `blocks` blocks of `read` fastest.
    fn kernel<'b>(&self, read: &'b LoadedRead, blocks: usize) -> Kernel<'b> {
        match self.look_up() {
            Some(_) if blocks < FEW_BLOCKS || read.edge_count() >= kernel::MOST_CODES => {
                Kernel::Add(read.cells())
            }
            Some(_) if self.set() == InstructionSet::Amx && Tiles::fit(read) => {
                Kernel::Multiply(read.tiles())
            }
            Some(group) if read.narrow => Kernel::LookUp(read.tables(group)),
            _ => Kernel::Add(read.cells()),
        }
    }

    /// Runs one layer from `maps` to `out`; `bypass` holds the sums that go past layers.
    fn layer(&self, index: usize, maps: &[u32], bypass: &mut Kept, out: &mut Out) {
        let layer = &self.loaded.plan.layers[index];
        bypass.prepare(layer, self.blocks);
        let width = if self.look_up().is_some() { COLUMNS } else { ADDED_COLUMNS };
        let panels = (layer.vectors.len() * self.blocks).div_ceil(PANEL);
        // Vectors that all fit in one chunk meet every chunk of columns in the same panels.
        let again = layer.columns > width && SUMS / (width * LANES) >= layer.vectors.len() * self.blocks;
        let mut inputs = Inputs::new(layer.reads.len(), panels, again);
        for first in (0..layer.columns).step_by(width) {
            let columns = first..layer.columns.min(first + width);
            let windows = match layer.sum_pixels {
                true => layer.vectors.len(),
                false => (SUMS / (columns.len() * LANES * self.blocks * layer.window)).max(1),
            };
            for (part, vectors) in layer.vectors.chunks(windows * layer.window).enumerate() {
                let slots = self.blocks * if layer.sum_pixels { 1 } else { vectors.len() };
                let stride = slots | 1;
                let mut sums = Sums::new(layer.narrow, columns.len(), stride);
                let chunk = Chunk {
                    columns: columns.clone(),
                    vectors,
                    before: part * windows * layer.window,
                    pixel: part * windows,
                    blocks: self.blocks,
                    slots,
                    stride,
                };
                if layer.shortcut.adds {
                    bypass.start(&chunk, &mut sums);
                }
                for (number, read) in self.loaded.layers[index].iter().enumerate() {
                    let dropped = read.read.dropped.iter().filter(|channel| columns.contains(channel));
                    let dropped: Vec<usize> = dropped.map(|channel| channel - first).collect();
                    if dropped.len() == columns.len() {
                        continue;
                    }
                    // Kernels take whole tiles of columns; those that the read does not add to keep their sums.
                    let kept = sums.save(&dropped, stride * LANES);
                    self.read((index, read, number), maps, &chunk, &mut inputs, &mut sums);
                    if let Some(reference) = self.loaded.references[index].get(number) {
                        let reference = (index, reference, number);
                        sums.take_columns(
                            &self.references(reference, maps, &chunk),
                            &chunk,
                            self.loaded.plan.lanes,
                        );
                    }
                    if let Some(taken) = &read.read.taken {
                        sums.take(taken, maps, self.loaded.plan.maps[index].blank.len(), &chunk);
                    }
                    sums.restore(&dropped, kept);
                }
                if layer.shortcut.keeps {
                    bypass.keep(&chunk, layer.window, &sums);
                }
                match out {
                    Out::Scores(scores) => self.scores(layer, &chunk, &sums, scores),
                    Out::Bits(out) => self.signs(index, &chunk, &sums, out),
                    Out::Sums(to) => self.gather(&chunk, &sums, &mut to[columns.clone()]),
                }
            }
        }
    }

    /// Values of the reference columns of all groups in one read of a layer, for all vectors of `chunk`.
    fn references(&self, read: (usize, &LoadedRead, usize), maps: &[u32], chunk: &Chunk) -> Sums {
        let groups = Chunk { columns: 0..read.1.column_count(), ..chunk.clone() };
        let mut sums = Sums::new(self.loaded.plan.layers[read.0].narrow, groups.columns.len(), chunk.stride);
        let mut inputs = Inputs::new(0, 0, false);
        self.read(read, maps, &groups, &mut inputs, &mut sums);
        sums
    }

    /// Adds read `number` of layer `index` to the sums of its columns, for all vectors of `chunk`.
    fn read(
        &self,
        (index, read, number): (usize, &LoadedRead, usize),
        maps: &[u32],
        chunk: &Chunk,
        inputs: &mut Inputs,
        sums: &mut Sums,
    ) {
        let plan = self.loaded.plan;
        let Chunk { columns, vectors, before, stride, .. } = chunk.clone();
        let (layer, words) = (&plan.layers[index], plan.maps[index].blank.len());
        let codes = kernel::padded_codes(layer.values.len());
        // Wide sums take the codes themselves, which stand in a panel's own sums for a moment.
        let values: Vec<i16> = (0..codes)
            .map(|code| match (sums as &Sums, layer.values.get(code)) {
                (Sums::Narrow(_), Some(value)) => (value * read.read.scale) as i16,
                (Sums::Narrow(_), None) => 0,
                (Sums::Wide(_), _) => code as i16,
            })
            .collect();
        let mut scratch = match sums {
            Sums::Narrow(_) => Vec::new(),
            Sums::Wide(_) => vec![0i16; columns.len() * PANEL * LANES],
        };
        let mut noise = match self.loaded.noise {
            Some(_) => vec![0; columns.len() * PANEL * LANES],
            None => Vec::new(),
        };
        let total = vectors.len() * self.blocks;
        let kernel = self.kernel(read, total);
        for start in (0..total).step_by(PANEL) {
            let mut blocks = [Block::default(); PANEL];
            let count = PANEL.min(total - start);
            for (at, block) in (start..total).zip(&mut blocks) {
                let (vector, image) = (vectors[at / self.blocks], at % self.blocks);
                *block = Block {
                    origin: image * words + vector.origin,
                    class: vector.class,
                    slot: if layer.sum_pixels { image } else { at },
                };
            }
            if let Some(source) = self.loaded.noise {
                for (column, noise) in columns.clone().zip(noise.chunks_exact_mut(PANEL * LANES)) {
                    let first = ReadPlace {
                        layer: index,
                        read: number,
                        channel: read.first + column,
                        vector: before,
                        image: self.first,
                    };
                    source.fill_many(first, self.blocks, start, &mut noise.as_chunks_mut().0[..count]);
                }
            }
            let places = blocks.map(|block| block.slot);
            let mut sink = match sums {
                Sums::Narrow(sums) => Sink { values: &values, sums, stride, noise: &noise },
                Sums::Wide(_) => {
                    scratch.fill(0);
                    blocks.iter_mut().enumerate().for_each(|(at, block)| block.slot = at);
                    Sink { values: &values, sums: &mut scratch, stride: PANEL, noise: &noise }
                }
            };
            let panel = Panel { maps, blocks: &blocks[..count] };
            match kernel {
                Kernel::Multiply(tiles) => {
                    let bytes = inputs.of(number, start / PANEL, |to| kernel::spread(tiles, panel, to));
                    kernel::multiply(tiles, columns.clone(), panel, bytes, &mut sink);
                }
                Kernel::LookUp(tables) => {
                    let indices = inputs.of(number, start / PANEL, |to| kernel::index(tables, panel, to));
                    kernel::look_up(tables, columns.clone(), panel, indices, &mut sink);
                }
                Kernel::Add(cells) => {
                    let lanes = self.images.min(LANES);
                    kernel::add(self.set(), cells, columns.clone(), panel, lanes, &mut sink);
                }
            }
            if let Sums::Wide(sums) = sums {
                for (column, codes) in scratch.chunks_exact(PANEL * LANES).enumerate() {
                    for (&slot, codes) in places[..count].iter().zip(codes.chunks_exact(LANES)) {
                        let sums = &mut sums[(column * stride + slot) * LANES..][..LANES];
                        for (sum, &code) in sums.iter_mut().zip(codes) {
                            *sum += layer.values[code as usize] * read.read.scale;
                        }
                    }
                }
            }
        }
    }

    /// Adds the columns' sums of all vectors to those of their channels.
    fn gather(&self, chunk: &Chunk, sums: &Sums, channels: &mut [Vec<i64>]) {
        for (column, to) in channels.iter_mut().enumerate() {
            for slot in 0..chunk.slots {
                let lanes = LANES.min(self.images - slot % self.blocks * LANES);
                let at = (column * chunk.stride + slot) * LANES;
                let range = at..at + lanes;
                match sums {
                    Sums::Narrow(sums) => to.extend(sums[range].iter().map(|&sum| i64::from(sum))),
                    Sums::Wide(sums) => to.extend(&sums[range]),
                }
            }
        }
    }

    /// Threshold, pooling and flip; writes the bits.
    fn signs(&self, index: usize, chunk: &Chunk, sums: &Sums, out: &mut [u32]) {
        let layer = &self.loaded.plan.layers[index];
        let map = &self.loaded.plan.maps[index + 1];
        let mut words = vec![0; chunk.slots];
        for (column, channel) in chunk.columns.clone().enumerate() {
            let threshold = self.loaded.thresholds[index][channel];
            self.at_least(sums, column * chunk.stride, threshold.value, &mut words);
            let before = if threshold.flip && !layer.flip_after_pool { u32::MAX } else { 0 };
            let after = if threshold.flip && layer.flip_after_pool { u32::MAX } else { 0 };
            for (pixel, words) in words.chunks_exact(layer.window * self.blocks).enumerate() {
                let pixel = chunk.pixel + pixel;
                let at = map.word(pixel / map.shape.w, pixel % map.shape.w) + channel;
                for image in 0..self.blocks {
                    let window = words[image..].iter().step_by(self.blocks);
                    let met = window.fold(0, |met, word| met | (word ^ before));
                    out[image * map.blank.len() + at] = met ^ after;
                }
            }
        }
    }

    /// One word a slot: which sums of the column whose first slot is `first` reach `threshold`.
    fn at_least(&self, sums: &Sums, first: usize, threshold: i64, words: &mut [u32]) {
        let range = first * LANES..(first + words.len()) * LANES;
        match sums {
            Sums::Narrow(sums) => {
                let threshold = i16::try_from(threshold).expect("the layer's sums fit in 16 bits");
                kernel::at_least(self.set(), &sums[range], threshold, words);
            }
            Sums::Wide(sums) => {
                for (word, sums) in words.iter_mut().zip(sums[range].chunks_exact(LANES)) {
                    let bits = sums.iter().enumerate();
                    *word = bits.fold(0, |word, (lane, &sum)| word | u32::from(sum >= threshold) << lane);
                }
            }
        }
    }

    /// Scores of the columns.
    fn scores(&self, layer: &LayerPlan, chunk: &Chunk, sums: &Sums, scores: &mut [i32]) {
        let plan = self.loaded.plan;
        let Chunk { columns, pixel, slots, stride, .. } = chunk.clone();
        let shift = layer.scores.unwrap_or(0);
        let window = layer.window * self.blocks;
        let thresholds = &layer.thresholds[columns.clone()];
        // Scores have 32 bits, and so have differences of numbers that wrap.
        let subtrahends: Vec<i32> = thresholds.iter().map(|threshold| threshold.value as i32).collect();
        for first in (0..slots).step_by(window) {
            let to = (pixel + first / window) * plan.classes + columns.start;
            for (block, scores) in scores.chunks_mut(LANES * plan.scores).enumerate() {
                let at = (first + block) * LANES;
                let count = scores.len() / plan.scores;
                let mut rows = Rows { scores: &mut scores[to..], stride: plan.scores, count };
                match sums {
                    Sums::Narrow(sums) => {
                        kernel::scores(self.set(), &sums[at..], stride * LANES, shift, &subtrahends, rows);
                    }
                    Sums::Wide(sums) => rows.plain(&sums[at..], stride * LANES, shift, &subtrahends),
                }
            }
        }
    }
}
