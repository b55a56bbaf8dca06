//! The law of the draws: states of the generator, and the order in which cells meet them.

use crate::design::ensemble::{ROUNDS, SALT};
use crate::design::{Design, LayerDesign, Source};
use crate::network::{Layer, Network};

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

/// A weight word: its group, and the column of the weights that each of its rows carries, if any.
pub(super) struct Word {
    pub group: usize,
    pub columns: Vec<Option<usize>>,
}

/// The weight words of a layer, in the order in which they are loaded first.
pub(super) fn words(design: &Design, index: usize) -> Vec<Word> {
    let (layer, program) = (&design.network.layers[index], &design.layers[index]);
    let height = design.weight_rows;
    let mut words = Vec::new();
    for group in 0..program.groups {
        for pass in 0..program.passes {
            for word in 0..program.tile_words(pass) {
                let rows = word * height..(word + 1) * height;
                words.push(Word {
                    group,
                    columns: rows.map(|row| column(design, layer, program, pass, row)).collect(),
                });
            }
        }
    }
    words
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

/// The code of a weight in the bits of the design's draws; 0 where it is never turned round.
pub(super) fn code(layer: &Layer, bits: usize, channel: usize, column: usize) -> u8 {
    let of =
        |flips: &crate::network::Flips| flips.codes[channel * layer.fan_in() + column] << (bits - flips.bits);
    layer.flips.as_ref().map_or(0, of)
}

/// The network of the sample whose first word has `state`.
pub(super) fn drawn(design: &Design, mut state: u64) -> Network {
    let ensemble = design.ensemble.as_ref().expect("a design whose weights are drawn");
    let mut network = design.network.mode();
    for index in ensemble.first..network.layers.len() {
        let layer = &design.network.layers[index];
        for word in words(design, index) {
            let number = |index: usize| {
                let taps = ensemble.taps[index * ensemble.bits..].iter().take(ensemble.bits).enumerate();
                taps.fold(0u8, |number, (bit, taps)| {
                    number | taps.iter().fold(0, |sum, tap| sum ^ (state >> tap & 1) as u8) << bit
                })
            };
            let numbers: Vec<u8> = (0..design.weight_rows + design.lanes).map(number).collect();
            let (rows, lanes) = numbers.split_at(design.weight_rows);
            let channels = word.group * design.lanes..layer.conv.c.min((word.group + 1) * design.lanes);
            let weights = &mut network.layers[index].planes[0].weights;
            for (channel, lane) in channels.zip(lanes) {
                for (column, row) in word.columns.iter().zip(rows) {
                    let Some(column) = *column else { continue };
                    if row ^ lane < code(layer, ensemble.bits, channel, column) {
                        weights.set(channel, column, !weights.get(channel, column));
                    }
                }
            }
            state = next_word(state);
        }
    }
    network
}
