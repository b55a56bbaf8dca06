//! The noise in gates as a source for the executor: any lane and read of any frame, without running what lies before.
//!
//! An automaton is linear, so its cells before a read are sums (XOR) of bits of the frame's seed. Which ones is a matrix
//! of the lane and the read; matrices are kept for every [`APART`]th read, and one word holds a bit of 32 frames.

use std::sync::OnceLock;

use super::plan::{LayerPlan, Read};
use crate::design::noise::{Noise, SITES};
use crate::design::{Analog, Design};
use crate::golden::machine::frame_seed;
use crate::variation::{ReadNoise, ReadPlace};

/// Reads between two matrices that are kept.
const APART: usize = 32;

/// Cell i is the sum of the seed's bits that are set in element i.
type Matrix = [u32; 32];

/// What of the generators does not depend on a seed.
#[derive(Debug)]
pub(super) struct Generators {
    noise: Noise,
    lanes: usize,
    layers: Vec<Layer>,
    /// Reads of a frame.
    reads: usize,
    /// Of every lane, the matrices of reads 0, [`APART`], 2 [`APART`] and so on.
    kept: Vec<OnceLock<Vec<Matrix>>>,
}

/// Where a layer's reads lie in the frame's.
#[derive(Debug)]
struct Layer {
    first: usize,
    vectors: usize,
    /// Vectors that run one tile together before the next tile.
    block: usize,
    groups: Vec<Group>,
    /// Reads of one vector in one tile.
    planes: usize,
}

/// The tiles of a group.
#[derive(Debug)]
struct Group {
    /// Tiles of the groups before.
    before: usize,
    count: usize,
    /// Place among them of each tile that any group has.
    places: Vec<usize>,
}

/// The noise of frames whose first one has a given seed.
#[derive(Debug)]
pub struct GateNoise<'a> {
    generators: &'a Generators,
    seed: u32,
}

impl Generators {
    /// `None` where the design has no such noise.
    pub fn new(design: &Design, analog: &Analog, plans: &[LayerPlan]) -> Option<Generators> {
        let noise = analog.noise.clone()?;
        let mut reads = 0;
        let layers = design.layers.iter().zip(plans).map(|(layer, plan)| {
            let planes = layer.readout.as_ref().map_or(1, |readout| readout.reads);
            let tiles = || plan.reads.iter().step_by(planes);
            let mut before = 0;
            let groups = (0..layer.groups).map(|group| {
                let mut count = 0;
                let place = |read: &Read| {
                    let place = count;
                    count += usize::from(read.arrays[group].is_some());
                    place
                };
                let mut places: Vec<usize> = tiles().map(place).collect();
                // The executor asks for a whole tile of columns, also for groups whose sums it then keeps.
                places.iter_mut().for_each(|place| *place = (*place).min(count - 1));
                before += count;
                Group { before: before - count, count, places }
            });
            let groups = groups.collect();
            let first = reads;
            reads += before * layer.vectors * planes;
            Layer { first, vectors: layer.vectors, block: layer.block, groups, planes }
        });
        let layers = layers.collect();
        let kept = (0..design.lanes).map(|_| OnceLock::new()).collect();
        Some(Generators { noise, lanes: design.lanes, layers, reads, kept })
    }

    /// The noise where the register SEED holds `seed` when image 0 starts.
    pub fn seeded(&self, seed: u32) -> GateNoise<'_> {
        GateNoise { generators: self, seed }
    }

    /// Number of a read in its frame; `place` as the executor counts.
    fn read(&self, place: &ReadPlace) -> usize {
        let layer = &self.layers[place.layer];
        let group = place.channel / self.lanes;
        let group = &layer.groups[group];
        let (tile, plane) = (group.places[place.read / layer.planes], place.read % layer.planes);
        let (inside, before) = (place.vector % layer.block, place.vector - place.vector % layer.block);
        let length = layer.block.min(layer.vectors - before);
        let vectors = group.before * layer.vectors + before * group.count + tile * length + inside;
        layer.first + vectors * layer.planes + plane
    }

    fn matrices(&self, lane: usize) -> &[Matrix] {
        self.kept[lane].get_or_init(|| {
            let mut matrix: Matrix = std::array::from_fn(|cell| 1 << cell);
            advance(&mut matrix, self.noise.rules[lane], 1);
            let mut kept = Vec::with_capacity(self.reads / APART + 1);
            for _ in (0..self.reads.max(1)).step_by(APART) {
                kept.push(matrix);
                advance(&mut matrix, self.noise.rules[lane], APART);
            }
            kept
        })
    }
}

/// The matrix of `reads` reads later; what the cells that the last of them counts are sums of.
fn advance(matrix: &mut Matrix, rules: u32, reads: usize) -> Matrix {
    let own: Matrix = std::array::from_fn(|cell| if rules >> cell & 1 == 1 { u32::MAX } else { 0 });
    // Four bits a step.
    let mut counted = [0; 32];
    for _ in 0..reads {
        for bits in counted.as_chunks_mut().0 {
            *bits = SITES.map(|site| matrix[site]);
            let before = *matrix;
            matrix[0] = before[1] ^ before[0] & own[0];
            for cell in 1..31 {
                matrix[cell] = before[cell - 1] ^ before[cell + 1] ^ before[cell] & own[cell];
            }
            matrix[31] = before[30] ^ before[31] & own[31];
        }
    }
    counted
}

/// Bit j of word i becomes bit i of word j (Warren, "Hacker's Delight", 7-3, with the other order of bits).
fn transposed(mut words: [u32; 32]) -> [u32; 32] {
    let (mut width, mut mask) = (16, 0x0000_ffffu32);
    while width > 0 {
        for low in (0..32).filter(|low| low & width == 0) {
            let swapped = (words[low] >> width ^ words[low + width]) & mask;
            words[low] ^= swapped << width;
            words[low + width] ^= swapped;
        }
        width /= 2;
        mask ^= mask << width;
    }
    words
}

impl GateNoise<'_> {
    /// Bit b of the seeds of 32 frames from `image` on, for every b.
    fn seeds(&self, image: usize) -> [u32; 32] {
        let seeds: [u32; 32] =
            std::array::from_fn(|lane| match frame_seed(self.seed, (image + lane) as u64) {
                0 => u32::MAX,
                some => some,
            });
        transposed(seeds)
    }

    /// The noise of 32 frames with these seeds, `counted` being what the counted bits are sums of.
    fn noise(&self, counted: &Matrix, seeds: &[u32; 32], noise: &mut [i16; 32]) {
        // Number of ones of every frame, one word a binary digit.
        let mut ones = [0u32; 6];
        for row in counted {
            let (mut bits, mut cell) = (*row, 0);
            while bits != 0 {
                cell ^= seeds[bits.trailing_zeros() as usize];
                bits &= bits - 1;
            }
            for digit in &mut ones {
                (*digit, cell) = (*digit ^ cell, *digit & cell);
            }
        }
        let gain = self.generators.noise.gain as i32;
        for (lane, noise) in noise.iter_mut().enumerate() {
            let count = (0..6).fold(0, |sum, digit| sum | (ones[digit] >> lane & 1) << digit);
            *noise = ((count as i32 - 16) * gain) as i16;
        }
    }
}

impl ReadNoise for GateNoise<'_> {
    fn bound(&self) -> i32 {
        self.generators.noise.most() as i32
    }

    fn fill(&self, place: ReadPlace, noise: &mut [i16; 32]) {
        self.fill_many(place, 1, 0, std::slice::from_mut(noise));
    }

    fn fill_many(&self, first: ReadPlace, blocks: usize, start: usize, noise: &mut [[i16; 32]]) {
        let generators = self.generators;
        let lane = first.channel % generators.lanes;
        // Read behind the matrix, and what the read before it counts.
        let (mut next, mut matrix, mut counted) = (usize::MAX, [0; 32], [0; 32]);
        for (place, noise) in (start..).zip(noise) {
            let vector = first.vector + place / blocks;
            let read = generators.read(&ReadPlace { vector, ..first });
            if next > read + 1 || read - next.min(read) >= APART {
                next = read / APART * APART;
                matrix = generators.matrices(lane)[read / APART];
            }
            if next <= read {
                counted = advance(&mut matrix, generators.noise.rules[lane], read + 1 - next);
                next = read + 1;
            }
            self.noise(&counted, &self.seeds(first.image + place % blocks * 32), noise);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_transposed_square() {
        let words: [u32; 32] = std::array::from_fn(|i| (i as u32 + 1).wrapping_mul(0x9e37_79b9));
        let turned = transposed(words);
        for (i, word) in words.iter().enumerate() {
            for (j, turned) in turned.iter().enumerate() {
                assert_eq!(word >> j & 1, turned >> i & 1);
            }
        }
    }
}
