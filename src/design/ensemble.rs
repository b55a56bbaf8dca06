//! Weights that are drawn anew for each sample of a frame: the flip codes' memory and the law of the draws.
//!
//! The layers before the first one with flip codes run once a frame, the others once a sample; the scores of the samples
//! are added. Cell (row `r` of a weight word, lane `j`) is turned round where `a[r] XOR b[j]` is below its code: with a
//! word of noise a row and one a lane, numbers are uniform, independent within a column and pairwise everywhere.
//!
//! Where rows or columns share their numbers (`ensemble.noise`), what differs is `a`, or `b`, alone.
//!
//! The noise bits of a word are sums (XOR) of three bits each of a state of 64 bits. The state of the first word of a
//! frame's first sample is mixed from the frame's seed ([`ROUNDS`], [`SALT`]); each word's follows from the one before, in
//! the order in which words are loaded (xorshift 13, 7, 17); that of the first word of sample `s + 1` from that of sample
//! `s` (xorshift 11, 5, 45). A block of pixels that loads its group's words again meets the same states again. So a draw
//! depends on seed, sample and word alone.

use super::images::Cells;
use super::{Design, LayerDesign};
use crate::arch::{Arch, MOST_NOISE, Sharing};
use crate::bits::BitMatrix;
use crate::mapping::{self, cycles::Frame};
use crate::network::{Activation, InputCode, Layer, Network};
use crate::variation::DRAW_BITS;
use std::collections::HashSet;
use std::sync::{LazyLock, Mutex};

/// Rounds that make the first state of a seed: those of the cipher Speck64 (Beaulieu and others, 2013), the round's number
/// in place of its key, on the seed and [`SALT`].
pub const ROUNDS: u32 = 12;

/// The second half of what is mixed; the first is the seed.
pub const SALT: u32 = 0x243f_6a88;

/// Cycles from a frame's first issue to the earliest one in which the first word of the first sample could go into the
/// shadow cells: the state is mixed first.
pub const SEEDING: u64 = 14;

/// The same of the first vector of the first sample at an array whose cells are drawn as they are read.
pub const SEEDED: u64 = 12;

/// What a design needs to draw weights.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Ensemble {
    /// First layer that runs once a sample.
    pub first: usize,
    /// Most samples of a frame, 1 to 255.
    pub samples: usize,
    /// Rows of a word of cells: those that are loaded in a cycle, or read in one where they are drawn as they are read.
    pub rows: usize,
    /// Bits of a draw.
    pub bits: usize,
    /// Bits of the sum of the samples' scores, two's complement.
    pub score_width: usize,
    /// First word of the weight memory that has codes: that of layer `first`.
    pub base: usize,
    /// Flip codes, one row a weight word from `base` on; bit `(k * lanes + lane) * weight_rows + r` is bit `k` of the
    /// code. Cells that no tap uses have code 0. None where the cells of a chip hold them.
    pub codes: BitMatrix,
    /// Which cells of a word share their numbers: the taps of these are the same.
    pub sharing: Sharing,
    /// Bits of the state that are added for each noise bit: bit `k` of row `r` is noise bit `r * bits + k`, that of lane
    /// `j` noise bit `(weight_rows + j) * bits + k`.
    pub taps: Vec<[u8; 3]>,
    /// Cycles with 1, 2 ... samples.
    pub cycles: Vec<Frame>,
}

impl Ensemble {
    /// Without codes and taps ([`Ensemble::fill`]); `None` where no weight is drawn. `scores`: bits of one sample's score.
    pub(super) fn outline(
        network: &Network,
        arch: &Arch,
        layers: &[LayerDesign],
        scores: usize,
        cycles: Vec<Frame>,
    ) -> Option<Ensemble> {
        let first = network.first_drawn()?;
        let samples = arch.ensemble.samples;
        if arch.readout.is_sample() {
            let rows = mapping::row_steps(arch, network.input.code.planes()).0;
            return Some(Ensemble {
                first,
                samples,
                rows,
                bits: DRAW_BITS,
                score_width: summed(scores, samples),
                base: 0,
                codes: BitMatrix::zeros(0, 0),
                sharing: arch.ensemble.noise,
                taps: Vec::new(),
                cycles,
            });
        }
        let words = layers.iter().map(super::build::tile_words).sum::<usize>() - layers[first].weight_base;
        let bits = network.layers.iter().flat_map(|layer| &layer.flips).map(|flips| flips.bits).max()?;
        Some(Ensemble {
            first,
            samples,
            rows: arch.weight_rows,
            bits,
            score_width: summed(scores, samples),
            base: layers[first].weight_base,
            codes: BitMatrix::zeros(words, (bits - 1) * arch.weight_bandwidth()),
            sharing: arch.ensemble.noise,
            taps: Vec::new(),
            cycles,
        })
    }

    /// Codes and taps.
    pub(super) fn fill(&mut self, network: &Network, layers: &[LayerDesign], cells: &Cells) {
        for (layer, program) in network.layers.iter().zip(layers).skip(self.first) {
            let Some(flips) = &layer.flips else { continue };
            let at = |channel: usize, column: usize| {
                let code = usize::from(flips.codes[channel * layer.fan_in() + column]);
                code << (self.bits - flips.bits)
            };
            cells.each(layer, program, |address, cell, place| {
                let code = place.map_or(0, |(channel, column)| at(channel, column));
                for bit in (0..self.bits - 1).filter(|bit| code >> bit & 1 == 1) {
                    let lane_row = cell.lane * cells.weight_rows + cell.row;
                    let column = bit * cells.lanes * cells.weight_rows + lane_row;
                    self.codes.set(address - self.base, column, true);
                }
            });
        }
        self.tap(cells.lanes);
    }

    /// Taps of a word of `lanes` lanes. Rows that share a number, or lanes, are given the same taps: the XOR with the others'
    /// numbers is uniform, and independent where these are.
    pub(super) fn tap(&mut self, lanes: usize) {
        let (rows_apart, lanes_apart) = match self.sharing {
            Sharing::Crossed => (self.rows, lanes),
            Sharing::Rows => (self.rows, 1),
            Sharing::Columns => (1, lanes),
        };
        let found = taps((rows_apart + lanes_apart) * self.bits);
        let (of_rows, of_lanes) = found.split_at(rows_apart * self.bits);
        self.taps = [of_rows.repeat(self.rows / rows_apart), of_lanes.repeat(lanes / lanes_apart)].concat();
    }
}

/// Bits of the sum of the scores of `samples` samples, of `score` bits each.
fn summed(score: usize, samples: usize) -> usize {
    score + samples.next_power_of_two().ilog2() as usize
}

impl Design {
    /// Most samples of a frame: 1 where no weight is drawn.
    pub fn samples(&self) -> usize {
        self.ensemble.as_ref().map_or(1, |ensemble| ensemble.samples)
    }

    /// When weights are drawn: "frame", once a sample of an image, or "read", as often as cells are read.
    pub fn sampling(&self) -> &'static str {
        if self.arch.readout.is_sample() { "read" } else { "frame" }
    }

    /// The first layer that runs once a sample; as many as there are layers where none does.
    pub fn first_drawn(&self) -> usize {
        self.ensemble.as_ref().map_or(self.layers.len(), |ensemble| ensemble.first)
    }

    /// The layers of a frame of `samples` samples in the order in which they run: those before the first drawn one once,
    /// the others once a sample.
    pub fn runs(&self, samples: usize) -> Vec<usize> {
        let layers = self.layers.len();
        let first = self.first_drawn();
        (0..layers).chain((1..samples).flat_map(|_| first..layers)).collect()
    }

    /// Which of these runs is that of `layer` in `sample`.
    pub fn run_of(&self, layer: usize, sample: usize) -> usize {
        let first = self.first_drawn();
        if layer < first { layer } else { layer + sample * (self.layers.len() - first) }
    }

    /// Cycles of a frame of `samples` samples where each layer runs at most `planes` planes.
    pub fn frame_with(&self, planes: usize, samples: usize) -> &Frame {
        match &self.ensemble {
            Some(ensemble) => &ensemble.cycles[samples.clamp(1, ensemble.samples) - 1],
            None => self.frame_of(planes),
        }
    }

    /// What each layer takes in the last sample: what the counters show behind a frame of all samples that took `runs`.
    pub fn last_cycles(&self, runs: &[u64]) -> Vec<u64> {
        let last = self.samples() - 1;
        (0..self.layers.len()).map(|layer| runs[self.run_of(layer, last)]).collect()
    }
}

/// Why weights of `network` cannot be drawn on `arch`: the layer, and what stands against it.
pub(super) fn refusal<'a>(
    network: &'a Network,
    arch: &Arch,
) -> Option<(&'a crate::escape::Untrusted, &'static str)> {
    let Some(first) = network.first_drawn() else {
        let nothing = "readout.kind = \"sample\" draws cells as they are read, and no weight of the network has a flip code";
        return arch.readout.is_sample().then_some((&network.layers[0].name, nothing));
    };
    let of = |why| Some((&network.layers[first].name, why));
    let reads = arch.readout.is_sample();
    if arch.readout.is_analog() && !reads {
        return of(
            "arrays with converters hold their weights; the popcount readout and \"sample\" draw them",
        );
    }
    if first == 0 && network.input.code != InputCode::Bipolar {
        // Its thresholds hold sums of its weights, too.
        return of("the copies of a weight beside the planes of an integer input would be drawn apart");
    }
    if let Some(layer) = network.layers.iter().find(|layer| layer.planes.len() > 1) {
        return Some((
            &layer.name,
            "layers of several planes of weights do not run with weights that are drawn",
        ));
    }
    // The layers before run once, as those of any other network do.
    if let Some(layer) = network.layers[first.saturating_sub(1)..].iter().find(|layer| layer.steps() > 1) {
        return Some((&layer.name, "activations of several levels do not run with weights that are drawn"));
    }
    let stateful = |layer: &&Layer| !layer.shortcut.is_none() || layer.requant.is_some();
    if let Some(layer) = network.layers.iter().find(stateful) {
        return Some((&layer.name, "shortcuts and states do not run with weights that are drawn"));
    }
    let bits = network.layers.iter().flat_map(|layer| &layer.flips).map(|flips| flips.bits).max()?;
    let step = mapping::row_steps(arch, network.input.code.planes()).0;
    if reads && (step + arch.lanes) * DRAW_BITS > MOST_NOISE {
        return of(
            "readout.rows_per_cycle and array.columns together, times 8 bits of a draw, are more than 768",
        );
    }
    if !reads && (arch.weight_rows + arch.lanes) * bits > MOST_NOISE {
        return of(
            "weights.rows_per_cycle and array.columns together, times the bits of a draw, are more than 768",
        );
    }
    let last = network.layers.last()?;
    let bits = last.activation != Activation::Scores;
    bits.then_some((&last.name, "the scores of the samples are added, and the last layer gives bits"))
}

/// One step from word to word (xorshift 13, 7, 17 of Marsaglia, "Xorshift RNGs", 2003).
fn next_word(mut state: u64) -> u64 {
    state ^= state << 13;
    state ^= state >> 7;
    state ^ state << 17
}

/// Three bits of the state for each of `count` noise bits (at most [`MOST_NOISE`]), such that no four noise bits or fewer of
/// [`APART`] words in a row sum to nothing: no moment up to the fourth order tells them from independent ones.
fn taps(count: usize) -> Vec<[u8; 3]> {
    // The same for any number: they are looked for once.
    static SEARCH: LazyLock<Mutex<Search>> = LazyLock::new(|| Mutex::new(Search::default()));
    // A panic elsewhere leaves no half of a step behind that matters: it would be this very search's.
    let mut search = SEARCH.lock().unwrap_or_else(|poisoned| poisoned.into_inner());
    search.find(count);
    search.found[..count].to_vec()
}

/// The taps found so far, and what further ones must keep away from.
#[derive(Default)]
struct Search {
    found: Vec<[u8; 3]>,
    /// Their noise bits in each of [`APART`] words as sums of bits of the first word's state.
    rows: Vec<u64>,
    seen: HashSet<u64>,
    /// Sums of two rows.
    pairs: HashSet<u64>,
    random: u64,
}

impl Search {
    /// Goes on until there are `count`.
    fn find(&mut self, count: usize) {
        // Row i of the map of a step: which bits of the state bit i of the next one is the sum of.
        let step: [u64; 64] = std::array::from_fn(|bit| {
            (0..64).filter(|from| next_word(1 << from) >> bit & 1 == 1).fold(0, |row, from| row | 1 << from)
        });
        let later = |row: u64| (0..64).filter(|bit| row >> bit & 1 == 1).fold(0, |sum, bit| sum ^ step[bit]);
        while self.found.len() < count {
            self.random = self.random.wrapping_add(0x9e37_79b9_7f4a_7c15);
            let mixed = (self.random ^ self.random >> 31).wrapping_mul(0xbf58_476d_1ce4_e5b9);
            let [a, b, c] = [40, 46, 52].map(|shift| (mixed >> shift & 63) as u8);
            if a == b || a == c || b == c {
                continue;
            }
            let mut new = [1u64 << a | 1 << b | 1 << c; APART];
            for index in 1..APART {
                new[index] = later(new[index - 1]);
            }
            let known = |row: &u64| self.seen.contains(row) || self.pairs.contains(row);
            let mut fresh = HashSet::new();
            let independent = new.iter().enumerate().all(|(index, &row)| {
                let others = self.rows.iter().chain(&new[..index]);
                let sums = others.map(|other| row ^ other);
                !known(&row) && sums.into_iter().all(|sum| sum != 0 && !known(&sum) && fresh.insert(sum))
            });
            if independent {
                self.found.push([a, b, c]);
                self.pairs.extend(fresh);
                self.seen.extend(new);
                self.rows.extend(new);
            }
        }
    }
}

/// Words in a row whose noise bits are looked at.
const APART: usize = 3;

#[cfg(test)]
mod tests {
    use super::*;

    /// All noise bits of three words in a row as sums of state bits, by stepping every single state bit.
    fn sums(taps: &[[u8; 3]]) -> Vec<u64> {
        let mut sums = Vec::new();
        for word in 0..APART {
            for taps in taps {
                let mut row = 0u64;
                for from in 0..64 {
                    let mut state = 1u64 << from;
                    (0..word).for_each(|_| state = next_word(state));
                    let bit = taps.iter().fold(0, |sum, tap| sum ^ state >> tap & 1);
                    row |= bit << from;
                }
                sums.push(row);
            }
        }
        sums
    }

    #[test]
    fn no_four_noise_bits_of_neighbouring_words_sum_to_nothing() {
        let sums = sums(&taps(64));
        let singles: HashSet<u64> = sums.iter().copied().collect();
        assert!(singles.len() == sums.len() && !singles.contains(&0));
        let mut pairs = HashSet::new();
        for (index, a) in sums.iter().enumerate() {
            for b in &sums[..index] {
                assert!(!singles.contains(&(a ^ b)), "three");
                assert!(pairs.insert(a ^ b), "four");
            }
        }
    }

    #[test]
    fn taps_are_the_same_for_any_number_of_bits() {
        assert_eq!(taps(192)[..40], taps(40));
    }

    /// What cells compare with is told apart by rows and columns as far as these do not share it.
    #[test]
    fn shared_numbers_have_the_same_taps() {
        let tapped = |sharing| {
            let cycles = Vec::new();
            let (first, samples, score_width, base) = (0, 1, 8, 0);
            let (codes, taps) = (BitMatrix::zeros(0, 0), Vec::new());
            let mut ensemble = Ensemble {
                first,
                samples,
                rows: 4,
                bits: 3,
                score_width,
                base,
                codes,
                sharing,
                taps,
                cycles,
            };
            ensemble.tap(5);
            let numbers: Vec<Vec<[u8; 3]>> = ensemble.taps.chunks(3).map(<[_]>::to_vec).collect();
            let apart = |numbers: &[Vec<[u8; 3]>]| numbers.iter().collect::<HashSet<_>>().len();
            (numbers.len(), apart(&numbers[..4]), apart(&numbers[4..]), apart(&numbers))
        };
        assert_eq!(tapped(Sharing::Crossed), (9, 4, 5, 9));
        assert_eq!(tapped(Sharing::Rows), (9, 4, 1, 5));
        assert_eq!(tapped(Sharing::Columns), (9, 1, 5, 6));
    }

    /// The state of all zeros would stay: what is mixed to it has another second half than any seed.
    #[test]
    fn no_seed_is_mixed_to_zero() {
        let (mut x, mut y) = (0u32, 0u32);
        for round in (0..ROUNDS).rev() {
            y = (y ^ x).rotate_right(3);
            x = (x ^ round).wrapping_sub(y).rotate_left(8);
        }
        assert_ne!(y, SALT);
    }
}
