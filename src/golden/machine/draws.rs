//! Weights that are drawn, word for word as the loader brings them: the noise beside the weight memory.

use crate::design::ensemble::{ROUNDS, SALT};
use crate::design::{Design, Ensemble};

/// How a frame of a design with flip codes is sampled.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Sampling {
    /// Samples whose scores are added: 0 is taken as 1, more than the design has as all of them.
    pub samples: usize,
    /// The frame's seed ([`super::frame_seed`]).
    pub seed: u32,
    /// Weights are turned round; without, every sample is that of the likelier weights.
    pub flips: bool,
}

/// The generator of a frame's noise, a state of 64 bits, and where it goes back to.
pub(super) struct Draws<'a> {
    design: &'a Design,
    ensemble: &'a Ensemble,
    flips: bool,
    /// State of the next word.
    state: u64,
    /// State of the first word of the group whose tiles are loaded.
    group: u64,
    /// State of the first word of the sample.
    sample: u64,
}

impl<'a> Draws<'a> {
    /// Stands before the first word of the first sample.
    pub fn new(design: &'a Design, ensemble: &'a Ensemble, sampling: Sampling) -> Draws<'a> {
        let state = mixed(sampling.seed);
        Draws { design, ensemble, flips: sampling.flips, state, group: state, sample: state }
    }

    /// Goes to the first word of the next sample.
    pub fn next_sample(&mut self) {
        self.sample = xorshift(self.sample, [11, 5, 45]);
        self.state = self.sample;
    }

    /// The next word is the first one of a group.
    pub fn begin_group(&mut self) {
        self.group = self.state;
    }

    /// The group's words come again, with the noise that they had.
    pub fn rewind(&mut self) {
        self.state = self.group;
    }

    /// Cells (lane, row of the word) of the word at `address` of the weight memory that are turned round. The next call is
    /// for the next word that is loaded.
    pub fn word(&mut self, address: usize) -> Vec<(usize, usize)> {
        let numbers = self.numbers();
        let codes = self.ensemble.codes.row(address - self.ensemble.base);
        if !self.flips || codes.iter().all(|&word| word == 0) {
            return Vec::new();
        }
        let (rows, lanes, bits) = (self.ensemble.rows, self.design.lanes, self.ensemble.bits);
        let code = |lane: usize, row: usize| {
            let bit = |bit: usize| (bit * lanes + lane) * rows + row;
            (0..bits - 1).map(|k| ((codes[bit(k) / 64] >> (bit(k) % 64) & 1) as u32) << k).sum::<u32>()
        };
        let cells = (0..lanes).flat_map(|lane| (0..rows).map(move |row| (lane, row)));
        cells.filter(|&(lane, row)| numbers[row] ^ numbers[rows + lane] < code(lane, row)).collect()
    }

    /// The numbers of the next word's rows, and behind them of its lanes, where cells are turned round at all.
    pub fn drawing(&mut self) -> Option<Vec<u32>> {
        let numbers = self.numbers();
        self.flips.then_some(numbers)
    }

    /// The numbers of the next word's rows, and behind them of its lanes.
    fn numbers(&mut self) -> Vec<u32> {
        let state = self.state;
        self.state = xorshift(state, [13, 7, 17]);
        let bits = self.ensemble.bits;
        let noise = |index: usize| {
            let taps = self.ensemble.taps[index].iter();
            taps.fold(0, |sum, &tap| sum ^ (state >> tap) as u32 & 1)
        };
        let number = |index: usize| (0..bits).map(|bit| noise(index * bits + bit) << bit).sum::<u32>();
        (0..self.ensemble.rows + self.design.lanes).map(number).collect()
    }
}

/// First state of the first sample of a frame with `seed`.
fn mixed(seed: u32) -> u64 {
    let (mut x, mut y) = (seed, SALT);
    for round in 0..ROUNDS {
        x = x.rotate_right(8).wrapping_add(y) ^ round;
        y = y.rotate_left(3) ^ x;
    }
    u64::from(y) << 32 | u64::from(x)
}

fn xorshift(mut state: u64, [left, right, last]: [u32; 3]) -> u64 {
    state ^= state << left;
    state ^= state >> right;
    state ^ state << last
}
