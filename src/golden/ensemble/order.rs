//! The law of the draws: states of the generator, and the order in which cells meet them.

use std::ops::Range;

use crate::design::ensemble::{ROUNDS, SALT};
use crate::design::{Design, Ensemble, LayerDesign, Source};
use crate::network::{Activation, Layer, Network};
use crate::variation::{Chip, DRAW_HALF, OwnThresholds};

/// A threshold that no sum comes near, and from which any is subtracted without overflow.
const FAR: i64 = 1 << 30;

/// State of the first word of the first sample of a frame with `seed`.
pub(super) fn mixed(seed: u32) -> u64 {
    let (x, y) = (0..ROUNDS).fold((seed, SALT), |(x, y), round| {
        let x = x.rotate_right(8).wrapping_add(y) ^ round;
        (x, y.rotate_left(3) ^ x)
    });
    u64::from(x) | u64::from(y) << 32
}

/// State of the first word of the sample behind the one whose first word has `state`.
pub(super) fn next_sample(state: u64) -> u64 {
    let state = state ^ state << 11;
    let state = state ^ state >> 5;
    state ^ state << 45
}

fn next_word(state: u64) -> u64 {
    let state = state ^ state << 13;
    let state = state ^ state >> 7;
    state ^ state << 17
}

/// A word of cells: its group and pass, the row of the array that its first one is, and the column of the weights that
/// each of its rows carries, if any.
pub(super) struct Word {
    pub group: usize,
    pub pass: usize,
    first: usize,
    pub columns: Vec<Option<usize>>,
}

/// The drawn cells of a design: those of its weight memory, or those of the arrays of a chip.
#[derive(Clone, Copy)]
pub(super) struct Cells<'a> {
    pub design: &'a Design,
    pub ensemble: &'a Ensemble,
    chip: Option<&'a Chip>,
}

impl<'a> Cells<'a> {
    /// # Panics
    /// Where no weight of `design` is drawn.
    pub fn new(design: &'a Design, chip: Option<&'a Chip>) -> Cells<'a> {
        let ensemble = design.ensemble.as_ref().expect("a design whose weights are drawn");
        Cells { design, ensemble, chip }
    }

    /// Cells are drawn each time that they are read; else once a sample.
    pub fn reads(&self) -> bool {
        self.chip.is_some()
    }

    /// Whether the layers before the first drawn one are those of the network: their cells are read as its weights, and
    /// are compared with its thresholds.
    pub fn starts_as_the_network(&self) -> bool {
        let Some(chip) = self.chip else { return true };
        let before = self.design.sites().into_iter().zip(&chip.arrays);
        let mut before = before.take_while(|(site, _)| site.layer < self.ensemble.first);
        let own = chip.thresholds.iter().all(|own| {
            let first = self.design.threshold_base(self.ensemble.first, 1);
            let pairs = own.values.iter().zip(&self.design.thresholds).take(first);
            pairs.into_iter().all(|(own, lanes)| own.iter().zip(lanes).all(|(own, lane)| *own == lane.value))
        });
        own && before.all(|(site, array)| {
            let pairs = site.weights.iter().zip(&array.plus);
            pairs.into_iter().all(|(weight, cell)| i16::from(*weight) == cell.signum())
        })
    }

    /// The words of a layer, in the order in which they are loaded first, or read for one pixel.
    pub fn words(&self, index: usize) -> Vec<Word> {
        let (layer, program) = (&self.design.network.layers[index], &self.design.layers[index]);
        let height = self.ensemble.rows;
        let mut words = Vec::new();
        for group in 0..program.groups {
            for pass in 0..program.passes {
                let count = match &program.readout {
                    Some(readout) => readout.read_words,
                    None => program.tile_words(pass),
                };
                for word in 0..count {
                    let first = word * height;
                    let rows = first..first + height;
                    let columns = rows.map(|row| column(self.design, layer, program, pass, row)).collect();
                    words.push(Word { group, pass, first, columns });
                }
            }
        }
        words
    }

    /// The output channels of a word's lanes.
    pub fn channels(&self, index: usize, word: &Word) -> Range<usize> {
        let (lanes, channels) = (self.design.lanes, self.design.network.layers[index].conv.c);
        word.group * lanes..channels.min((word.group + 1) * lanes)
    }

    /// Likelier value of the cell of `channel` in a row of a word that carries a column, and its code in the bits of the
    /// design's draws: 0 where it is never turned round.
    pub fn cell(&self, index: usize, word: &Word, row: usize, channel: usize) -> (bool, u8) {
        let layer = &self.design.network.layers[index];
        if let (Some(chip), Some(readout)) = (self.chip, &self.design.layers[index].readout) {
            let array = &chip.arrays[readout.group_arrays[word.group] + word.pass];
            let lane = channel - word.group * self.design.lanes;
            let cell = array.plus[lane * array.rows + word.first + row];
            return (cell > 0, (DRAW_HALF - cell.abs()) as u8);
        }
        let Some(column) = word.columns[row] else { return (false, 0) };
        let code = layer.flips.as_ref().map_or(0, |flips| {
            flips.codes[channel * layer.fan_in() + column] << (self.ensemble.bits - flips.bits)
        });
        (layer.planes[0].weights.get(channel, column), code)
    }

    /// The network of the cells' likelier values, with the chip's own thresholds if it has some.
    pub fn mode(&self) -> Network {
        self.network(None)
    }

    /// The network of the sample whose first word has `state`, where each cell is drawn once a sample.
    pub fn drawn(&self, state: u64) -> Network {
        self.network(Some(state))
    }

    fn network(&self, mut state: Option<u64>) -> Network {
        let (design, ensemble) = (self.design, self.ensemble);
        let mut network = design.network.mode();
        for index in ensemble.first..network.layers.len() {
            for word in self.words(index) {
                let numbers = state.map(|state| self.numbers(state));
                let weights = &mut network.layers[index].planes[0].weights;
                for (lane, channel) in self.channels(index, &word).enumerate() {
                    for (row, column) in word.columns.iter().enumerate() {
                        let Some(column) = *column else { continue };
                        let (likely, code) = self.cell(index, &word, row, channel);
                        let number = numbers.as_ref().map(|all| all[row] ^ all[ensemble.rows + lane]);
                        weights.set(channel, column, likely ^ number.is_some_and(|number| number < code));
                    }
                }
                state = state.map(next_word);
            }
            if let Some(own) = self.chip.and_then(|chip| chip.thresholds.as_ref()) {
                self.take_thresholds(index, own, &mut network.layers[index].activation);
            }
        }
        network
    }

    fn take_thresholds(&self, index: usize, own: &OwnThresholds, activation: &mut Activation) {
        let Activation::Sign { threshold, .. } = activation else { return };
        let first = self.design.threshold_base(index, 1);
        for (channel, threshold) in threshold.iter_mut().enumerate() {
            let value = own.values[first + channel / self.design.lanes][channel % self.design.lanes];
            // No sum comes so far.
            *threshold = value.clamp(-FAR, FAR) as i32;
        }
    }

    /// The numbers of a word's rows, and behind them of its lanes.
    fn numbers(&self, state: u64) -> Vec<u8> {
        let number = |index: usize| {
            let taps = self.ensemble.taps[index * self.ensemble.bits..].iter().take(self.ensemble.bits);
            taps.enumerate().fold(0u8, |number, (bit, taps)| {
                number | taps.iter().fold(0, |sum, tap| sum ^ (state >> tap & 1) as u8) << bit
            })
        };
        (0..self.ensemble.rows + self.design.lanes).map(number).collect()
    }
}

/// What `row` carries in `pass`. Weights are drawn beside bits alone, so the input has one plane.
fn column(design: &Design, layer: &Layer, program: &LayerDesign, pass: usize, row: usize) -> Option<usize> {
    match &program.source {
        Source::Input => {
            let tap = pass * design.plane_rows + row;
            (row < design.plane_rows && tap < layer.fan_in()).then_some(tap)
        }
        Source::Map { taps, .. } => {
            let tap = taps[pass][row / design.word]?;
            let channel = row % design.word;
            let pixel = tap.ky * layer.kernel.1 + tap.kx;
            (channel < tap.channels).then(|| pixel * layer.input.c + tap.chunk * design.word + channel)
        }
    }
}
