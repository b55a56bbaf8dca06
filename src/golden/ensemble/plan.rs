//! What every lot of samples goes through: words, cells, windows and limits of the layers that run once a sample.

use std::ops::Range;

use super::order::Cells;
use super::sliced::{self, LANES, Slice};
use crate::network::{Activation, Layer, PadValue, Pool};

/// The layers from the first drawn one on.
#[derive(Debug)]
pub(super) struct Plan {
    layers: Vec<LayerPlan>,
    /// As in [`crate::design::Ensemble`].
    pub taps: Vec<[u8; 3]>,
    pub bits: usize,
    /// Rows of a weight word.
    pub height: usize,
    /// What a cell's byte stands for, spread over words: the sign, then the bits of its code.
    pub masks: Vec<[u64; 8]>,
    scores: usize,
}

/// Element of a window that is not driven.
pub(super) const NOTHING: u32 = u32::MAX;

/// One layer.
#[derive(Debug)]
pub(super) struct LayerPlan {
    layer: Layer,
    pub words: Vec<Word>,
    pub reads: Vec<Reads>,
    /// Word after word, lane after lane, one a used row: bit 0 is the sign, the others are the code.
    pub cells: Vec<u8>,
    /// Windows that meet the weights.
    windows: usize,
    /// Windows of a block, where each of them meets draws of its own.
    apart: Option<usize>,
    /// Sums of a channel: one a window, or one for all.
    pub sums: usize,
    /// Driven rows of each sum.
    driven: Vec<i32>,
    /// Bits of a count.
    pub planes: usize,
    lanes: usize,
}

/// A weight word.
#[derive(Debug)]
pub(super) struct Word {
    group: usize,
    pass: usize,
    /// Channels that it has weights of.
    pub lanes: usize,
    /// Its entry of `reads`, and its first cell.
    pub reads: usize,
    pub cells: usize,
    /// Some cell may be turned round.
    pub drawn: bool,
}

/// What the used rows of a word meet; the same in every group.
#[derive(Debug)]
pub(super) struct Reads {
    pub rows: Vec<usize>,
    /// Window after window, an element of the map for each of these rows, or [`NOTHING`].
    pub at: Vec<u32>,
}

impl Plan {
    pub fn new(cells: Cells) -> Plan {
        let (design, ensemble) = (cells.design, cells.ensemble);
        let mode = cells.mode();
        let mask = |cell: usize| std::array::from_fn(|bit| (cell as u64 >> bit & 1).wrapping_neg());
        let layers = ensemble.first..design.layers.len();
        Plan {
            layers: layers.map(|index| LayerPlan::new(cells, index, &mode.layers[index])).collect(),
            taps: ensemble.taps.clone(),
            bits: ensemble.bits,
            height: ensemble.rows,
            masks: (0..256).map(mask).collect(),
            scores: design.output.scores,
        }
    }

    /// Elements of the map that the first layer reads.
    pub fn elements(&self) -> usize {
        self.layers.first().map_or(0, |first| first.layer.input.elements())
    }

    /// Runs up to [`LANES`] samples: `rows` are the bits of their maps (row, column, channel), `states` those of their
    /// first words. Their scores one after the other.
    pub fn run(&self, rows: &[&[u64]], states: &[u64], scores: &mut [i32]) {
        assert!(rows.len() == states.len() && states.len() <= LANES, "a lot of samples");
        let mut state: [Slice; 64] = [[0; 8]; 64];
        sliced::spread(states.iter().map(std::slice::from_ref), &mut state);
        let mut map = sliced::map(self.elements());
        sliced::spread(rows.iter().copied(), &mut map[..self.elements()]);
        for layer in &self.layers {
            let mut next = sliced::map(layer.layer.output.elements());
            for words in layer.words.chunk_by(|a, b| a.group == b.group) {
                let mut counts = vec![[0; 8]; words[0].lanes * layer.sums * layer.planes];
                for (words, windows) in layer.visits(words) {
                    for word in words {
                        let work =
                            sliced::Work { plan: self, layer, word, windows: windows.clone(), map: &map };
                        work.run(&mut state, &mut counts);
                    }
                }
                layer.finish(&words[0], &counts, &mut next, (scores, self.scores));
            }
            map = next;
        }
    }
}

impl LayerPlan {
    /// `layer` has the likelier weights and the thresholds.
    fn new(all: Cells, index: usize, layer: &Layer) -> LayerPlan {
        let program = &all.design.layers[index];
        let (mut words, mut reads, mut cells) = (Vec::new(), Vec::<Reads>::new(), Vec::new());
        let pixels = if all.reads() { walk(layer) } else { (0..layer.conv.pixels()).collect() };
        let ordered = all.words(index);
        let a_group = ordered.iter().take_while(|word| word.group == 0).count();
        for (number, word) in ordered.iter().enumerate() {
            let used = || word.columns.iter().enumerate().filter_map(|(row, column)| Some((row, (*column)?)));
            if word.group == 0 {
                let at = pixels
                    .iter()
                    .flat_map(|&pixel| used().map(move |(_, column)| element(layer, pixel, column)));
                reads.push(Reads { rows: used().map(|(row, _)| row).collect(), at: at.collect() });
            }
            let channels = all.channels(index, word);
            let first = cells.len();
            for channel in channels.clone() {
                cells.extend(used().map(|(row, _)| {
                    let (likely, code) = all.cell(index, word, row, channel);
                    code << 1 | u8::from(likely)
                }));
            }
            words.push(Word {
                group: word.group,
                pass: word.pass,
                lanes: channels.len(),
                reads: number % a_group,
                cells: first,
                drawn: cells[first..].iter().any(|cell| cell >> 1 > 0),
            });
        }
        let driven = pixels.iter().map(|&pixel| {
            (0..layer.fan_in()).filter(|&column| element(layer, pixel, column) != NOTHING).count() as i32
        });
        let driven: Vec<i32> = if layer.sum_pixels { vec![driven.sum()] } else { driven.collect() };
        let most = driven.iter().max().copied().unwrap_or(0);
        LayerPlan {
            layer: layer.clone(),
            words,
            reads,
            cells,
            windows: pixels.len(),
            apart: all.reads().then_some(program.block),
            sums: driven.len(),
            planes: (32 - most.leading_zeros() as usize).max(sliced::LEAST_PLANES),
            driven,
            lanes: all.design.lanes,
        }
    }

    /// The words of a group in the order in which they are drawn, with the windows that meet each draw.
    fn visits<'a>(&self, group: &'a [Word]) -> Vec<(&'a [Word], Range<usize>)> {
        let Some(block) = self.apart else { return vec![(group, 0..self.windows)] };
        let mut visits = Vec::new();
        for first in (0..self.windows).step_by(block) {
            for words in group.chunk_by(|a, b| a.pass == b.pass) {
                let windows = first..self.windows.min(first + block);
                visits.extend(windows.map(|window| (words, window..window + 1)));
            }
        }
        visits
    }

    /// Bits of the next map, or scores, of a group.
    fn finish(&self, word: &Word, counts: &[Slice], next: &mut [Slice], (scores, all): (&mut [i32], usize)) {
        let (layer, first) = (&self.layer, word.group * self.lanes);
        for lane in 0..word.lanes {
            let channel = first + lane;
            let count = |sum: usize| &counts[(lane * self.sums + sum) * self.planes..][..self.planes];
            let Activation::Sign { threshold, flip } = &layer.activation else {
                for sum in 0..self.sums {
                    for (sample, scores) in scores.chunks_mut(all).enumerate() {
                        scores[channel * self.sums + sum] =
                            self.driven[sum] - 2 * sliced::number(count(sum), sample);
                    }
                }
                continue;
            };
            // The accumulator is what is driven less twice what differs.
            let met = |sum: usize| {
                sliced::at_most(count(sum), (self.driven[sum] - threshold[channel]).div_euclid(2))
            };
            let one = Pool { kernel: (1, 1), stride: (1, 1), before_sign: true };
            let pool = layer.pool.unwrap_or(one);
            let turn = |bits: Slice, turned: bool| if turned { bits.map(|word| !word) } else { bits };
            let width = if layer.sum_pixels { 1 } else { layer.conv.w };
            for pixel in 0..layer.output.pixels() {
                let (y, x) = (pixel / layer.output.w * pool.stride.0, pixel % layer.output.w * pool.stride.1);
                let mut any = [0; 8];
                for window in 0..pool.kernel.0 * pool.kernel.1 {
                    let (dy, dx) = (window / pool.kernel.1, window % pool.kernel.1);
                    let sum = match self.apart {
                        Some(_) => pixel * pool.kernel.0 * pool.kernel.1 + window,
                        None => (y + dy) * width + x + dx,
                    };
                    let bits = turn(met(sum), flip[channel] && !pool.before_sign);
                    any.iter_mut().zip(bits).for_each(|(any, bits)| *any |= bits);
                }
                next[pixel * layer.output.c + channel] = turn(any, flip[channel] && pool.before_sign);
            }
        }
    }
}

/// The pixels before pooling in the order in which arrays are read for them: pooling window after pooling window.
fn walk(layer: &Layer) -> Vec<usize> {
    let Some(pool) = layer.pool else { return (0..layer.conv.pixels()).collect() };
    let window = |pixel: usize| {
        let (y, x) = (pixel / layer.output.w * pool.stride.0, pixel % layer.output.w * pool.stride.1);
        let places =
            (0..pool.kernel.0 * pool.kernel.1).map(move |at| (at / pool.kernel.1, at % pool.kernel.1));
        places.map(move |(dy, dx)| (y + dy) * layer.conv.w + x + dx)
    };
    (0..layer.output.pixels()).flat_map(window).collect()
}

/// Element (row, column, channel) of the map that a weight meets at an output pixel; behind the map stand -1 and +1.
fn element(layer: &Layer, pixel: usize, column: usize) -> u32 {
    let (tap, channel) = (column / layer.input.c, column % layer.input.c);
    let inside = |at: usize, before: usize, size: usize| at.checked_sub(before).filter(|at| *at < size);
    let y = pixel / layer.conv.w * layer.stride.0 + tap / layer.kernel.1;
    let x = pixel % layer.conv.w * layer.stride.1 + tap % layer.kernel.1;
    let y = inside(y, layer.padding.top, layer.input.h);
    let x = inside(x, layer.padding.left, layer.input.w);
    match (y.zip(x), layer.padding.value) {
        (Some((y, x)), _) => ((y * layer.input.w + x) * layer.input.c + channel) as u32,
        (None, PadValue::Minus) => layer.input.elements() as u32,
        (None, PadValue::Plus) => layer.input.elements() as u32 + 1,
        (None, PadValue::Zero) => NOTHING,
    }
}
