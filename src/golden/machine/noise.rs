//! The generators of noise beside the columns, as the gates run them: one cellular automaton a lane.

use crate::design::noise::{Noise, SITES, STEPS};

/// What the seed of a frame grows by from frame to frame.
const FRAME_STEP: u32 = 0x9e37_79b9;

/// Seed of the first frame behind a reset.
pub const RESET_SEED: u32 = 1;

/// Seed of frame `frame` where frame 0 has `seed`: what the register SEED holds when that frame starts.
pub fn frame_seed(seed: u32, frame: u64) -> u32 {
    seed.wrapping_add(FRAME_STEP.wrapping_mul(frame as u32))
}

/// The automata of all lanes in one frame.
pub(super) struct Generators<'a> {
    noise: &'a Noise,
    /// Cells of every lane.
    cells: Vec<u32>,
}

impl<'a> Generators<'a> {
    /// All lanes start from the frame's seed, all ones where that is 0, and make the steps of one read.
    pub fn new(noise: &'a Noise, frame_seed: u32) -> Generators<'a> {
        let seed = if frame_seed == 0 { u32::MAX } else { frame_seed };
        let mut generators = Generators { noise, cells: vec![seed; noise.rules.len()] };
        generators.read();
        generators
    }

    /// Noise of one read of every lane, in 2^-F counts; the next call gives the next read's.
    pub fn read(&mut self) -> Vec<i32> {
        let sites = SITES.iter().fold(0, |sites, site| sites | 1 << site);
        let lanes = self.cells.iter_mut().zip(&self.noise.rules);
        let noise = lanes.map(|(cells, rules)| {
            let mut ones = 0;
            for _ in 0..STEPS {
                ones += (*cells & sites).count_ones() as i32;
                *cells = *cells << 1 ^ *cells >> 1 ^ *cells & rules;
            }
            (ones - 16) * self.noise.gain as i32
        });
        noise.collect()
    }
}
